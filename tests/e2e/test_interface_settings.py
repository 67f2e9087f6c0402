"""Settings of one interface: kernel parameters, and which of several gives the default gateway."""

from __future__ import annotations

from typing import Any

import pytest

from .cli import Cli, box

OPTION = "com.docker.network.endpoint.sysctls"


def says(cli: Cli, *command: str) -> str:
    code, said = cli.docker.exec(cli.docker.name("c"), *command)
    assert code == 0, said
    return str(said)


def with_option(value: str) -> dict[str, Any]:
    return {"n": {"driver_opts": {OPTION: value}}}


def test_a_sysctl_of_an_interface(cli: Cli) -> None:
    """Docker 27 took it out of the container's own, and refuses it there or moves it away."""
    if cli.docker.info.flavor == "podman":
        pytest.skip("Podman refuses network sysctls")
    file = {
        "c": box(
            networks=["n"],
            sysctls={"net.ipv4.neigh.eth0.gc_stale_time": 70, "net.ipv4.conf.all.forwarding": 1},
        )
    }
    if cli.docker.info.is_docker(27):
        cli.write({"n": None}, file)
        planned = cli.plan(code=1)
        assert (
            f'driver_opts: {{{OPTION}: "net.ipv4.neigh.IFNAME.gc_stale_time=70"}}' in planned.said
        )
        assert "conf.all" not in planned.err
        file = {
            "c": box(
                networks=with_option("net.ipv4.neigh.IFNAME.gc_stale_time=70"),
                sysctls={"net.ipv4.conf.all.forwarding": 1},
            )
        }
    cli.converge({"n": None}, file)
    assert says(cli, "cat", "/proc/sys/net/ipv4/neigh/eth0/gc_stale_time").strip() == "70"


def test_a_wrong_one_is_no_success(cli: Cli) -> None:
    """Docker 28 leaves the attachment half made, and no restart would succeed with it; 29 leaves
    nothing.
    """
    if not cli.docker.info.is_docker(27):
        pytest.skip("this engine keeps the option and does nothing with it")
    full = cli.docker.name
    cli.docker.container("c")
    cli.write({"n": None}, {"c": {"networks": with_option("net.ipv4.conf.IFNAME.nonsense=1")}})
    failed = cli.apply(code=1)
    assert "is not a sysctl file" in failed.said
    if "partly attached" in failed.said:
        assert f"correct its {OPTION}, docker stop {full('c')}, and" in failed.said
        assert (
            f"correct its {OPTION}, docker stop {full('c')}, and run this again"
            in cli.plan(code=1).said
        )
        cli.docker.stop(full("c"))
    cli.converge({"n": None}, {"c": {"networks": with_option("net.ipv4.conf.IFNAME.forwarding=0")}})
    cli.docker.do("POST", f"/containers/{full('c')}/restart?t=0")
    cli.settled()
    assert says(cli, "cat", "/proc/sys/net/ipv4/conf/eth1/forwarding").strip() == "0"


def test_a_priority_that_an_older_engine_does_not_heed(cli: Cli) -> None:
    if not cli.docker.info.is_docker(28):
        pytest.skip("this engine has no gw_priority")
    networks = {"four": {"subnet": cli.docker.subnet()}, "six": {"enable_ipv6": True}}
    cli.write(networks, {"c": box(networks={"four": {"gw_priority": 10}, "six": None})})
    warned = "does not give it the default gateway" in cli.apply().out
    cli.settled()
    endpoint = cli.endpoint("c", "six" if warned else "four")
    assert endpoint
    assert endpoint["Gateway"] in says(cli, "ip", "route", "show", "default")
    assert warned == (cli.docker.info.release < (29, 4, 1))

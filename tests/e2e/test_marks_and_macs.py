"""Endpoint marks on an engine that keeps no driver options, and MAC addresses where one is heeded
on connect.
"""

from __future__ import annotations

from typing import Any

import pytest

from .cli import Cli, names
from .test_converge import at

Body = dict[str, Any]
MAC, OTHER = "02:42:0a:63:00:09", "02:42:0a:63:00:0a"


@pytest.fixture
def podman(cli: Cli) -> Cli:
    if cli.docker.info.flavor != "podman":
        pytest.skip("only Podman drops the driver options of an endpoint")
    return cli


@pytest.fixture
def heeds(cli: Cli) -> Cli:
    if not cli.docker.info.heeds_mac:
        pytest.skip("this engine ignores a MAC address on connect")
    return cli


def test_podman_keeps_marks_in_an_alias(podman: Cli) -> None:
    """Nobody is shown it, it survives a restart, names resolve beside it, and what we attached is
    taken off without consent.
    """
    cli, full, subnet = podman, podman.docker.name, podman.docker.subnet()
    for name in ("one", "two"):
        cli.docker.container(name)
    network: Body = {"n": {"subnet": subnet}, "m": None}
    containers: Body = {
        "one": {"networks": {"n": {"ipv4_address": at(subnet, 9), "aliases": ["web"]}, "m": None}},
        "two": {"networks": ["n"]},
    }
    cli.converge(network, containers)
    aliases = (cli.endpoint("one", "n") or {})["Aliases"]
    assert sum(alias.startswith("netplan:") for alias in aliases) == 1
    assert "netplan:ey" not in cli.run("show", str(cli.file)).out
    assert cli.docker.ping(full("two"), "web")
    cli.docker.do("POST", f"/containers/{full('one')}/restart?t=0")
    cli.settled()
    cli.docker.stop(full("two"))
    cli.settled()
    containers["one"]["networks"] = {"n": None}
    cli.converge(network, containers)
    assert cli.endpoint("one", "m") is None
    assert cli.endpoint("one", "n")["IPAddress"] != at(subnet, 9), (
        "its address is no longer declared"
    )  # type: ignore[index]
    cli.destroy()
    assert cli.endpoint("one", "n") is None


def test_a_mac_address_on_connect(heeds: Cli) -> None:
    """On a container of somebody else: set, kept over a restart and a replacement, changed, mended,
    given up.
    """
    cli, full, subnet = heeds, heeds.docker.name, heeds.docker.subnet()
    cli.docker.container("c")

    def file(mac: str | None, **network: Any) -> tuple[Body, Body]:
        endpoint = {"mac_address": mac} if mac else None
        return {"n": {"subnet": subnet, **network}}, {"c": {"networks": {"n": endpoint}}}

    def mac() -> str:
        return str((cli.endpoint("c", "n") or {})["MacAddress"])

    cli.converge(*file(MAC))
    assert mac() == MAC
    cli.docker.do("POST", f"/containers/{full('c')}/restart?t=0")
    cli.settled()
    cli.converge(*file(MAC, internal=True))
    assert mac() == MAC, "kept by a replacement"
    cli.converge(*file(OTHER, internal=True))
    assert mac() == OTHER
    cli.docker.disconnect(full("n"), full("c"))
    cli.docker.connect(full("n"), full("c"))
    cli.write(*file(OTHER, internal=True))
    cli.apply()
    cli.settled()
    assert mac() == OTHER, "put back"
    cli.docker.stop(full("c"))
    cli.settled()
    cli.converge(*file(MAC, internal=True))
    cli.docker.start(full("c"))
    assert mac() == MAC, "set while it was stopped"
    cli.converge(*file(None, internal=True))
    assert mac() not in (MAC, OTHER)


def test_a_replacement_keeps_the_mac_address_of_everybody(heeds: Cli) -> None:
    cli, full, subnet = heeds, heeds.docker.name, heeds.docker.subnet()
    cli.docker.container("ours")
    containers: Body = {"ours": {"networks": ["n"]}}
    cli.converge({"n": {"subnet": subnet}}, containers)
    foreign = (
        cli.docker.info.flavor == "docker"
    )  # Podman does not tell whether its address is static: refused
    if foreign:
        cli.docker.container("theirs", network=full("n"))
    who = ["ours", "theirs"] if foreign else ["ours"]
    before = {name: (cli.endpoint(name, "n") or {})["MacAddress"] for name in who}
    cli.write({"n": {"subnet": subnet, "internal": True}}, containers)
    assert "MAC address" not in cli.plan("--disrupt-foreign").out
    cli.apply("--disrupt-foreign")
    cli.settled()
    assert {name: (cli.endpoint(name, "n") or {})["MacAddress"] for name in who} == before


def test_somebody_elses_endpoint_gets_its_own_mac_address_back(heeds: Cli) -> None:
    cli, full = heeds, heeds.docker.name
    cli.docker.network("n", subnet=cli.docker.subnet())
    cli.docker.container("c", network=full("n"))
    own = (cli.endpoint("c", "n") or {})["MacAddress"]
    cli.converge(
        {"n": {"external": True}},
        {"c": {"networks": {"n": {"mac_address": MAC, "aliases": ["x"]}}}},
    )
    assert (cli.endpoint("c", "n") or {})["MacAddress"] == MAC
    cli.destroy()
    after = cli.endpoint("c", "n") or {}
    assert after["MacAddress"] == own
    assert names(after["Aliases"], cli.docker.inspect(full("c"))) == set()

"""Containers that do not run: attachments are planned and made, and the container has them when it
starts.
"""

from __future__ import annotations

from typing import Any

import pytest

from .cli import Cli, box, names
from .test_converge import at

Body = dict[str, Any]


def settings(subnet: str) -> Body:
    return {
        "ipv4_address": at(subnet, 30),
        "aliases": ["web"],
        "driver_opts": {"org.example.x": "y"},
    }


def stop(cli: Cli, state: str, network: str = "bridge") -> None:
    """A container c that is created or has exited, and a running one to ping it from."""
    cli.docker.container("c", network, start=state == "exited")
    cli.docker.container("peer")
    if state == "exited":
        cli.docker.stop(cli.docker.name("c"))


def assert_started_whole(cli: Cli, subnet: str) -> None:
    full = cli.docker.name
    cli.docker.start(full("c"))
    endpoint = cli.endpoint("c", "n") or {}
    assert endpoint["IPAddress"] == at(subnet, 30)
    assert names(endpoint["Aliases"], cli.docker.inspect(full("c"))) == {"web"}
    assert cli.docker.ping(full("peer"), "web")
    assert cli.reach("c", "peer")
    cli.settled()


STATES = pytest.mark.parametrize("state", ["created", "exited"])


@STATES
def test_it_is_attached_and_starts_with_it(cli: Cli, state: str) -> None:
    subnet = cli.docker.subnet()
    stop(cli, state)
    cli.converge(
        {"n": {"subnet": subnet}},
        {"c": {"networks": {"n": settings(subnet)}}, "peer": {"networks": ["n"]}},
    )
    assert cli.docker.inspect(cli.docker.name("c"))["State"]["Status"] == state
    assert_started_whole(cli, subnet)


@STATES
def test_its_settings_change_while_it_is_stopped(cli: Cli, state: str) -> None:
    """A second connect to a listed network answers 200 and does nothing: it must be disconnected
    first.
    """
    subnet = cli.docker.subnet()
    stop(cli, state)
    peer = {"peer": {"networks": ["n"]}}
    cli.converge(
        {"n": {"subnet": subnet}},
        {"c": {"networks": {"n": {"aliases": ["old"], "ipv4_address": at(subnet, 29)}}}, **peer},
    )
    applied = cli.converge(
        {"n": {"subnet": subnet}}, {"c": {"networks": {"n": settings(subnet)}}, **peer}
    )
    assert applied.changes == ["POST /networks/ID/disconnect", "POST /networks/ID/connect"]
    assert_started_whole(cli, subnet)


@STATES
def test_it_is_detached(cli: Cli, state: str) -> None:
    stop(cli, state)
    network = {"n": {"subnet": cli.docker.subnet()}}
    cli.converge(network, {"c": {"networks": ["n"]}})
    cli.converge(network, {"c": {"networks": []}})
    cli.docker.start(cli.docker.name("c"))
    assert list(cli.docker.inspect(cli.docker.name("c"))["NetworkSettings"]["Networks"]) == [
        "bridge"
    ]


@STATES
def test_its_network_is_replaced_while_it_is_stopped(cli: Cli, state: str) -> None:
    """Otherwise it would list an ID that is gone, and could not start."""
    subnet = cli.docker.subnet()
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    cli.apply()
    stop(cli, state, cli.docker.name("n"))
    containers = {"c": {"networks": {"n": settings(subnet)}}, "peer": {"networks": ["n"]}}
    cli.converge({"n": {"subnet": subnet}}, containers)
    assert_started_whole(cli, subnet)


@pytest.mark.parametrize("declared", [True, False])
def test_a_network_made_anew_by_hand_is_mended_for_a_stopped_container(
    cli: Cli, declared: bool
) -> None:
    """It lists the old network's ID and could not start."""
    full, subnet = cli.docker.name, cli.docker.subnet()
    stop(cli, "exited")
    network, containers = (
        {"n": {"subnet": subnet}},
        {"c": {"networks": {"n": settings(subnet)}}, "peer": {"networks": ["n"]}},
    )
    cli.converge(network, containers)
    cli.docker.start(full("c"))  # an endpoint that never ran is bound by name, and survives
    cli.docker.stop(full("c"))
    labels = cli.network("n")["Labels"]
    cli.docker.disconnect(full("n"), full("peer"))
    cli.docker.do("DELETE", f"/networks/{full('n')}")
    if declared:  # another tool makes it again; else only netplan does
        cli.docker.network("n", subnet=subnet, Labels=labels)
    planned = cli.plan("--exit-code", code=2).out
    assert "its network was recreated" in planned or not declared
    cli.apply()
    cli.settled()
    assert_started_whole(cli, subnet)


def test_a_static_address_of_a_stopped_container_is_respected(cli: Cli) -> None:
    """The engine reserves nothing for it: whoever got its address would keep it from starting."""
    full, subnet = cli.docker.name, cli.docker.subnet()
    cli.docker.network("n", subnet=subnet)
    cli.docker.container(
        "stopped", full("n"), start=False, endpoint={"IPAMConfig": {"IPv4Address": at(subnet, 9)}}
    )
    cli.docker.container("c")
    cli.write(
        {"n": {"external": True}}, {"c": {"networks": {"n": {"ipv4_address": at(subnet, 9)}}}}
    )
    refused = cli.apply(code=3)
    assert not refused.changes
    assert (
        f"address {at(subnet, 9)} is held by container {full('stopped')}, which is not running"
        in refused.said
    )
    cli.apply("--disrupt-foreign")
    cli.settled()
    cli.docker.start(full("stopped"))
    assert cli.reach("stopped", "c")


def test_a_paused_container_is_attached(cli: Cli) -> None:
    full = cli.docker.name
    cli.docker.container("c")
    cli.docker.container("peer")
    cli.docker.do("POST", f"/containers/{full('c')}/pause")
    cli.converge(
        {"n": {"subnet": cli.docker.subnet()}},
        {"c": {"networks": ["n"]}, "peer": {"networks": ["n"]}},
    )
    cli.docker.do("POST", f"/containers/{full('c')}/unpause")
    assert cli.reach("c", "peer")


@pytest.mark.parametrize("mode", ["host", "container"])
def test_a_container_without_a_network_of_its_own_is_refused(cli: Cli, mode: str) -> None:
    """Also stopped, where the engine would answer 200 and the next start would fail."""
    full = cli.docker.name
    cli.docker.container("owner")
    cli.docker.container(
        "c", "host" if mode == "host" else f"container:{full('owner')}", start=False
    )
    cli.write({"n": {"subnet": cli.docker.subnet()}}, {"c": {"networks": ["n"]}})
    refused = cli.apply(code=1)
    assert not refused.changes
    assert f"container {full('c')} shares" in refused.said


def test_a_container_on_none_leaves_it_first(cli: Cli) -> None:
    cli.docker.container("c", "none")
    cli.converge({"n": {"subnet": cli.docker.subnet()}}, {"c": {"networks": ["n"]}})
    assert list(cli.docker.inspect(cli.docker.name("c"))["NetworkSettings"]["Networks"]) == [
        cli.docker.name("n")
    ]


def test_a_network_of_another_topology_that_is_gone(cli: Cli) -> None:
    """A container that is on it cannot be started: told before it is tried, with both ways out, and
    either helps.
    """
    if cli.docker.info.flavor == "podman":
        pytest.skip("Podman keeps a network that a stopped container is on")
    subnet, web, theirs = cli.docker.subnet(), cli.docker.name("web"), cli.docker.name("theirs")
    other = str(
        cli.write(
            {"m": {"subnet": cli.docker.subnet()}},
            {"web": {"networks": ["m"]}},
            name=theirs,
            file="other.yaml",
        )
    )
    cli.converge({"n": {"subnet": subnet}}, {"web": box(networks=["n"])})
    cli.run("apply", other, "--yes")

    def lose_it() -> None:
        cli.docker.stop(web)
        cli.docker.do("DELETE", f"/networks/{cli.docker.name('m')}")
        refused = cli.apply(code=1)
        assert not refused.changes
        said = " ".join(refused.said.split())
        assert (
            f"{web} cannot start: topology '{theirs}' attached it to network"
            f" {cli.docker.name('m')}, which no longer exists" in said
        )
        assert f"netplan destroy --name {theirs}" in said

    lose_it()
    cli.run("apply", other, "--yes")
    cli.apply()
    cli.settled()
    assert cli.endpoint("web", "m")
    lose_it()
    cli.run("destroy", "--name", theirs, "--yes")
    cli.apply()
    cli.settled()
    assert cli.endpoint("web", "m") is None

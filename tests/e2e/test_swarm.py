"""Overlay networks and swarm services, on one node: an engine of the tests' own is made a swarm for as long as this takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from .cli import Cli
from .conftest import Docker, one_node_swarm

VXLAN = "com.docker.network.driver.overlay.vxlanid_list"


@pytest.fixture
def swarm(docker: Docker) -> Iterator[Docker]:
    """A swarm of one node; the engine is as it was afterwards."""
    with one_node_swarm(docker):
        yield docker


def overlay(docker: Docker, **more: Any) -> dict[str, Any]:
    return {"driver": "overlay", "attachable": True, "subnet": docker.subnet(), **more}


def runs(docker: Docker, *networks: str, **more: Any) -> dict[str, Any]:
    return {"image": docker.image, "command": "sleep 3600", "stop_grace_period": "0s", "networks": list(networks), **more}


def test_declared_tunnel_ids_converge_and_go_back_to_the_engines_choice(swarm: Docker, cli: Cli) -> None:
    ids = str(5000 + time.time_ns() // 1000 % 100000)
    network = {"driver": "overlay", "attachable": True, "driver_opts": {VXLAN: ids}}
    cli.converge({"n": network}, {"web": runs(swarm, "n")})
    assert swarm.do("GET", f"/networks/{swarm.name('n')}")["Options"][VXLAN] == ids
    cli.converge({"n": {**network, "driver_opts": {}}}, {"web": runs(swarm, "n")})
    assert swarm.do("GET", f"/networks/{swarm.name('n')}")["Options"][VXLAN] != ids


def test_a_container_on_an_overlay_network_is_recreated(swarm: Docker, cli: Cli) -> None:
    """It is stopped before it is renamed, which no engine does while it runs there; its static address goes along.

    On two of them only where the engine itself can start a container again that was the last on both: 20.10 cannot.
    """
    network, two = overlay(swarm), swarm.info.major > 20
    address = network["subnet"].replace(".0/24", ".77")
    swarm.network("foreign", Driver="overlay", Attachable=True, subnet=swarm.subnet())
    networks = {"n": network, **({"foreign": {"external": True}} if two else {})}

    def containers(hostname: str, **more: Any) -> dict[str, Any]:
        attached = {"n": {"ipv4_address": address}, **({"foreign": {}} if two else {})}
        return {"web": runs(swarm, hostname=hostname, **more) | {"networks": attached}}

    cli.converge(networks, containers("one"))
    cli.write(networks, containers("two"))
    assert "stopped before it is renamed" in cli.plan().out
    cli.converge(networks, containers("two"))
    old = swarm.inspect(swarm.name("web"))
    assert old["Config"]["Hostname"] == "two"
    assert old["NetworkSettings"]["Networks"][swarm.name("n")]["IPAddress"] == address

    cli.write(networks, containers("three", command="nothing-like-it"))
    assert "the old container is back" in cli.apply(code=1).said
    back = swarm.inspect(old["Id"])
    assert (back["Name"], back["State"]["Running"]) == (f"/{swarm.name('web')}", True)
    assert back["NetworkSettings"]["Networks"][swarm.name("n")]["IPAddress"] == address

    cli.write(networks, containers("two"))
    cli.run("reset", str(cli.file), "--yes")
    assert swarm.inspect(swarm.name("web"))["Id"] != old["Id"]
    cli.settled()

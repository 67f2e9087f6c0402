"""Containers of others that stand in the way: with an address that is declared for another."""

from __future__ import annotations

import pytest

from .cli import Cli
from .conftest import Docker


def address(docker: Docker, container: str, network: str) -> str:
    found = docker.inspect(docker.name(container))["NetworkSettings"]["Networks"][
        docker.name(network)
    ]
    return str(found["IPAddress"])


@pytest.mark.parametrize("external", [False, True], ids=["own", "external"])
def test_who_got_a_declared_address_by_chance_is_moved_with_consent_only(
    cli: Cli, external: bool
) -> None:
    """Connected anew whole: aliases and options stay; nothing is interrupted without being
    named.
    """
    docker, subnet = cli.docker, cli.docker.subnet()
    full, first = docker.name, subnet.replace(".0/24", ".2")
    if external:
        docker.network("n", subnet=subnet)
        network = {"n": {"external": True}}
    else:
        network = {"n": {"subnet": subnet}}
        cli.converge(network)
    options = {"com.example.x": "1"}
    docker.container("guest", full("n"), endpoint={"Aliases": ["g"], "DriverOpts": options})
    assert address(docker, "guest", "n") == first
    docker.container("web")
    cli.write(network, {"web": {"networks": {"n": {"ipv4_address": first}}}})

    refused = cli.apply(code=3)
    assert f"address {first} is held by container {full('guest')}" in refused.said
    assert "--disrupt-foreign" in refused.said
    assert not refused.changes
    planned = cli.plan("--disrupt-foreign").out
    assert f"interrupts: {full('guest')}" in planned
    assert f"releases {first} for {full('web')}" in planned
    cli.apply("--disrupt-foreign")
    assert address(docker, "web", "n") == first
    guest = docker.inspect(full("guest"))["NetworkSettings"]["Networks"][full("n")]
    assert guest["IPAddress"] not in ("", first)
    assert "g" in guest["Aliases"]
    assert guest["DriverOpts"] == options
    cli.settled()


def test_another_topologys_container_is_moved_with_its_mark(cli: Cli) -> None:
    docker, subnet = cli.docker, cli.docker.subnet()
    full, first = docker.name, subnet.replace(".0/24", ".2")
    docker.network("n", subnet=subnet)
    network = {"n": {"external": True}}
    body = {"image": docker.image, "command": "sleep 3600", "stop_grace_period": "0s"}
    other = cli.write(
        network,
        {"theirs": {**body, "networks": {"n": {"aliases": ["t"]}}}},
        full("other"),
        "other.yaml",
    )
    cli.run("apply", str(other), "--yes")
    cli.write(network, {"web": {**body, "networks": {"n": {"ipv4_address": first}}}})
    assert f"declared by topology '{full('other')}'" in cli.apply(code=3).said
    cli.apply("--disrupt-foreign")
    assert address(docker, "web", "n") == first
    assert "Nothing to do" in cli.run("apply", str(other), "--yes").out

    cli.write(
        network,
        {"web": {**body, "networks": {"n": {"ipv4_address": first.removesuffix("2") + "77"}}}},
    )
    cli.apply()
    static = cli.write(
        network,
        {"theirs": {**body, "networks": {"n": {"ipv4_address": first}}}},
        full("other"),
        "other.yaml",
    )
    cli.run("apply", str(static), "--yes")
    cli.write(network, {"web": {**body, "networks": {"n": {"ipv4_address": first}}}})
    assert "is taken by container" in cli.apply("--disrupt-foreign", code=1).said

"""What cannot be is refused before the first change, with the culprit and a way out."""

from __future__ import annotations

import random
from typing import Any

import pytest

from .cli import Cli, box, server

MISSING = "netplan-test/no-such-image:1"


def refused(cli: Cli, *texts: str, code: int) -> None:
    """Refused with these texts, and nothing is changed."""
    before = cli.inspected()
    result = cli.apply(code=code)
    assert not result.changes, result.said
    for text in texts:
        assert text in result.said, result.said
    assert cli.inspected() == before


def test_a_port_that_another_container_holds(cli: Cli) -> None:
    number = str(random.randint(30000, 39999))
    held: dict[str, Any] = {
        "ExposedPorts": {"80/tcp": {}},
        "HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": number}]}},
    }
    cli.docker.container("theirs", **held)
    cli.write({"n": {}}, {"one": box(ports=[f"{number}:80"], networks=["n"])})
    refused(
        cli,
        f"host port {number}/tcp is already published by container {cli.docker.name('theirs')}",
        "choose another host port",
        code=1,
    )
    cli.docker.stop(cli.docker.name("theirs"))
    cli.apply()
    cli.settled()


def test_an_image_that_is_not_here_and_may_not_be_pulled(cli: Cli) -> None:
    cli.write({"n": {}}, {"one": box(networks=["n"], pull_policy="never") | {"image": MISSING}})
    refused(cli, f"image {MISSING} is not on the engine", "load or build it", code=1)


def test_an_image_that_cannot_be_had(cli: Cli) -> None:
    """No registry has it: the pull is the first step, and nothing else is begun."""
    cli.write(
        {"n": {}},
        {
            "one": box(networks=["n"]) | {"image": f"127.0.0.1:9/{MISSING}"},
            "two": box(networks=["n"]),
        },
    )
    result = cli.apply(code=1)
    assert "pull image" in result.out
    assert not any(
        path.startswith(("POST /networks", "POST /containers")) for path in result.changes
    ), result.changes
    assert not cli.inspected()


def test_a_registry_that_does_not_answer_where_the_newest_is_wanted(cli: Cli) -> None:
    tag = f"127.0.0.1:9/{cli.docker.prefix}image"
    cli.docker.do("POST", f"/images/{cli.docker.image}/tag?repo={tag}&tag=1")
    try:
        cli.write(
            {"n": {}}, {"one": box(networks=["n"], pull_policy="always") | {"image": f"{tag}:1"}}
        )
        refused(cli, "the registry does not tell", "pull_policy: missing", code=1)
        cli.write({"n": {}}, {"one": box(networks=["n"]) | {"image": f"{tag}:1"}})
        cli.apply()
        cli.settled()
    finally:
        cli.docker.clean_up()
        cli.docker.call("DELETE", f"/images/{tag}:1?force=1")


@pytest.mark.parametrize("state", ["running", "exited", "created"])
def test_a_name_that_is_somebody_elses(cli: Cli, state: str) -> None:
    id = cli.docker.container("one", start=state != "created")
    if state == "exited":
        cli.docker.stop(id)
    cli.write({"n": {}}, {"one": box(networks=["n"]), "two": box(networks=["n"])})
    refused(
        cli,
        f"container {cli.docker.name('one')} exists and was not created by netplan",
        "choose another name",
        code=3,
    )


def test_a_name_that_is_another_topologys(cli: Cli) -> None:
    cli.converge({}, {"one": box()})
    cli.write({}, {"one": box(environment={"MODE": "other"})}, name=cli.docker.name("second"))
    refused(cli, f"container {cli.docker.name('one')} belongs to topology '{cli.topology}'", code=3)


def test_a_container_whose_network_is_shared_is_gone(cli: Cli) -> None:
    theirs = cli.docker.name("theirs")
    cli.write(
        {"n": {}}, {"one": box(network_mode=f"container:{theirs}"), "two": box(networks=["n"])}
    )
    refused(
        cli,
        f"shares the network of container {theirs}, which does not exist",
        "start it first",
        code=1,
    )
    cli.docker.container("theirs")
    cli.apply()
    cli.settled()
    cli.docker.do("DELETE", f"/containers/{theirs}?force=1")
    refused(cli, f"container {theirs}", code=1)


def test_a_mode_and_networks_together_are_a_mistake(cli: Cli) -> None:
    cli.write({"n": {}}, {"one": box(network_mode="host", networks=["n"])})
    refused(cli, "network_mode", code=4)


def test_an_address_that_somebody_got_while_its_container_was_stopped(cli: Cli) -> None:
    """The engine reserves none, and could not start it. A stranger is in the way, by name; who is
    declared takes another address.
    """
    full, subnet = cli.docker.name, cli.docker.subnet()
    first = subnet.replace(".0/24", ".2")
    network, web = {"n": {"subnet": subnet}}, server(networks={"n": {"ipv4_address": first}})
    cli.converge(network, {"web": web})
    cli.docker.stop(full("web"))
    cli.docker.container("peer", full("n"))
    refused(
        cli,
        f"web on {full('n')}: address {first} is held by container {full('peer')}, which got it"
        " automatically",
        code=3,
    )
    peer = cli.life("peer")
    cli.converge(network, {"web": web, "peer": {"networks": ["n"]}})
    assert cli.life("peer") == peer
    assert cli.reach("peer", "web")

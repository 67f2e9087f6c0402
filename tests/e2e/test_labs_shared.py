"""Containers that one topology runs and others have a part in: attached to their networks, or
sharing their own with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .cli import Cli, box, names


def two(cli: Cli, **body: Any) -> Path:
    """One topology runs `web` on `n`, another attaches it to its own `theirs`; the file of the
    other.
    """
    full, subnet = cli.docker.name, cli.docker.subnet()
    cli.converge(
        {"n": {"subnet": cli.docker.subnet()}}, {"web": box(**{"networks": ["n"], **body})}
    )
    address = subnet.replace("0/24", "77")
    there = {
        "networks": {
            "theirs": {
                "ipv4_address": address,
                "aliases": ["w"],
                "driver_opts": {"com.example.x": "1"},
            }
        }
    }
    other = cli.write({"theirs": {"subnet": subnet}}, {"web": there}, full("other"), "other.yaml")
    cli.run("apply", str(other), "--yes")
    return other


def theirs(cli: Cli) -> Any:
    """What the other topology's attachment is set to, and its address."""
    found, raw = cli.endpoint("web", "theirs"), cli.docker.inspect(cli.docker.name("web"))
    assert found
    return (
        names(found["Aliases"], raw),
        found["DriverOpts"],
        found["IPAMConfig"],
        found["IPAddress"],
    )


@pytest.mark.parametrize("networks", [["n"], []], ids=["on a network", "on none"])
@pytest.mark.parametrize("verb", ["apply", "reset"])
def test_what_another_topology_attached_is_attached_again(
    cli: Cli, verb: str, networks: list[str]
) -> None:
    """With all its settings and its mark: the other topology has nothing to do, and can still take
    it back.
    """
    other = two(cli, networks=networks)
    before, life = theirs(cli), cli.life("web")
    cli.write(
        {"n": {"subnet": cli.network("n")["IPAM"]["Config"][0]["Subnet"]}},
        {"web": box(networks=networks, environment={"A": "1"})},
    )
    said = cli.run(verb, str(cli.file), "--yes").out
    assert (
        f"topology '{cli.docker.name('other')}' attached it to {cli.docker.name('theirs')}:"
        " attached again" in said
    )
    assert cli.life("web") != life
    assert theirs(cli) == before
    cli.settled()
    assert "Nothing to do" in cli.run("apply", str(other), "--yes").out
    cli.run("destroy", str(other), "--yes")
    assert cli.endpoint("web", "theirs") is None
    cli.settled()


def test_a_mode_without_room_for_it_is_refused_without_consent(cli: Cli) -> None:
    two(cli)
    cli.write(
        {"n": {"subnet": cli.network("n")["IPAM"]["Config"][0]["Subnet"]}},
        {"web": box(network_mode="host")},
    )
    refused = cli.apply(code=3)
    assert (
        f"topology '{cli.docker.name('other')}' attached it to network {cli.docker.name('theirs')}"
        in refused.said
    )
    assert not refused.changes
    assert (
        "not attached again, because network_mode host allows no attachments"
        in cli.apply("--disrupt-foreign").out
    )
    cli.settled()


# --- strangers that share the network of a container ----------------------------------------------


def test_a_stranger_who_came_since_the_plan_was_saved_keeps_its_network(
    cli: Cli, tmp_path: Path
) -> None:
    """The plan was allowed to disrupt others; nobody had agreed to this one."""
    networks, saved = {"n": {"subnet": cli.docker.subnet()}}, tmp_path / "P.json"
    cli.converge(networks, {"web": box(networks=["n"])})
    cli.write(networks, {"web": box(networks=["n"], environment={"A": "1"})})
    cli.plan("--out", str(saved), "--disrupt-foreign")
    web, guest = cli.docker.name("web"), cli.docker.name("guest")
    cli.docker.container("guest", f"container:{web}")
    refused = cli.run("apply", "--plan", str(saved), "--yes", "-v", code=3)
    assert f"container {guest}, which shares the network of {web}, was created" in refused.err
    assert not refused.writes
    assert cli.docker.ping(guest, web)
    made = cli.plan("--disrupt-foreign", "-o", "json").json()
    assert made["interrupts"] == sorted((guest, web))
    assert (
        f"{guest}, which is not managed by this topology, shares its network"
        in cli.plan("--disrupt-foreign").out
    )


def test_an_overlapping_network_is_why_a_saved_plan_is_refused(cli: Cli, tmp_path: Path) -> None:
    subnet, saved = cli.docker.subnet(), tmp_path / "P.json"
    cli.write({"n": {"subnet": subnet}}, {"web": box(networks=["n"])})
    cli.plan("--out", str(saved))
    cli.docker.network("in-the-way", subnet=subnet)
    refused = cli.run("apply", "--plan", str(saved), "--yes", "-v", code=3)
    assert (
        f"network {cli.docker.name('n')}: subnet {subnet} overlaps {subnet} of network"
        f" {cli.docker.name('in-the-way')}" in refused.err
    )
    assert not refused.writes


def test_a_member_that_was_cut_off_since_is_told(cli: Cli, tmp_path: Path) -> None:
    networks, saved = {"n": {"subnet": cli.docker.subnet()}}, tmp_path / "P.json"
    boxes = {"web": box(networks=["n"]), "tap": box(network_mode="container:web")}
    cli.converge(networks, boxes)
    cli.write({**networks, "m": {"subnet": cli.docker.subnet()}}, boxes)
    cli.plan("--out", str(saved))
    cli.docker.do("POST", f"/containers/{cli.docker.name('web')}/restart?t=0")
    refused = cli.run("apply", "--plan", str(saved), "--yes", "-v", code=3)
    assert f"container {cli.docker.name('tap')} lost the network that it shares" in refused.err
    assert not refused.writes

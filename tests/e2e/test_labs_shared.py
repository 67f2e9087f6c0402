"""Containers that one topology runs and others have a part in: attached to their networks, or sharing their own with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .cli import Cli, box, names


def two(cli: Cli, **body: Any) -> Path:
    """One topology runs `web` on `n`, another attaches it to its own `theirs`; the file of the other."""
    full, subnet = cli.docker.name, cli.docker.subnet()
    cli.converge({"n": {"subnet": cli.docker.subnet()}}, {"web": box(**{"networks": ["n"], **body})})
    address = subnet.replace("0/24", "77")
    there = {"networks": {"theirs": {"ipv4_address": address, "aliases": ["w"], "driver_opts": {"com.example.x": "1"}}}}
    other = cli.write({"theirs": {"subnet": subnet}}, {"web": there}, full("other"), "other.yaml")
    cli.run("apply", str(other), "--yes")
    return other


def theirs(cli: Cli) -> Any:
    """What the other topology's attachment is set to, and its address."""
    found, raw = cli.endpoint("web", "theirs"), cli.docker.inspect(cli.docker.name("web"))
    assert found
    return names(found["Aliases"], raw), found["DriverOpts"], found["IPAMConfig"], found["IPAddress"]


@pytest.mark.parametrize("networks", [["n"], []], ids=["on a network", "on none"])
@pytest.mark.parametrize("verb", ["apply", "reset"])
def test_what_another_topology_attached_is_attached_again(cli: Cli, verb: str, networks: list[str]) -> None:
    """With all its settings and its mark: the other topology has nothing to do, and can still take it back."""
    other = two(cli, networks=networks)
    before, life = theirs(cli), cli.life("web")
    cli.write({"n": {"subnet": cli.network("n")["IPAM"]["Config"][0]["Subnet"]}}, {"web": box(networks=networks, environment={"A": "1"})})
    said = cli.run(verb, str(cli.file), "--yes").out
    assert f"topology '{cli.docker.name('other')}' attached it to {cli.docker.name('theirs')}: attached again" in said
    assert cli.life("web") != life
    assert theirs(cli) == before
    cli.settled()
    assert "Nothing to do" in cli.run("apply", str(other), "--yes").out
    cli.run("destroy", str(other), "--yes")
    assert cli.endpoint("web", "theirs") is None
    cli.settled()


def test_a_mode_without_room_for_it_is_refused_without_consent(cli: Cli) -> None:
    two(cli)
    cli.write({"n": {"subnet": cli.network("n")["IPAM"]["Config"][0]["Subnet"]}}, {"web": box(network_mode="host")})
    refused = cli.apply(code=3)
    assert f"topology '{cli.docker.name('other')}' attached it to network {cli.docker.name('theirs')}" in refused.out
    assert not refused.changes
    assert "not attached again, as with network_mode host it cannot be" in cli.apply("--disrupt-foreign").out
    cli.settled()

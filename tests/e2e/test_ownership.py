"""Whose it is: what netplan may touch, what it may not, and how it takes back what it did."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from .cli import Cli, names
from .test_converge import at

Body = dict[str, Any]


# --- networks of others ---------------------------------------------------------------------------


@pytest.mark.parametrize("owner", ["nobody", "another topology"])
def test_a_network_of_that_name_that_is_not_ours_is_refused(cli: Cli, owner: str) -> None:
    """The owner is named, and nothing else of the plan is done."""
    full, subnet = cli.docker.name, cli.docker.subnet()
    if owner == "nobody":
        cli.docker.network("n", subnet=subnet)
    else:
        other = cli.write({"n": {"subnet": subnet}}, name=full("other"), file="other.yaml")
        cli.run("apply", str(other))
    before = cli.inspected()
    cli.write({"n": {"subnet": subnet}, "mine": {"subnet": cli.docker.subnet()}})
    refused = cli.apply(code=3)
    assert not refused.changes
    whose = (
        "exists and was not created by netplan"
        if owner == "nobody"
        else f"belongs to topology '{full('other')}'"
    )
    assert f"network {full('n')} {whose}" in refused.said
    assert f"--adopt {full('n')}" in refused.said
    assert cli.inspected() == before
    assert cli.plan("-o", "json", code=3).json()["applyable"] is False


def test_networks_of_one_name_are_listed(cli: Cli) -> None:
    """Only engines before 23 let other tools make two."""
    subnet, full = cli.docker.subnet(), cli.docker.name
    first = cli.docker.network("n", subnet=subnet)
    status, answer = cli.docker.call(
        "POST", "/networks/create", {"Name": full("n"), "Driver": "bridge"}
    )
    if status == 409:
        pytest.skip("this engine refuses a second network of one name")
    second = answer["Id"]
    cli.write({"n": {"subnet": subnet}, "mine": {"subnet": cli.docker.subnet()}})
    before = cli.inspected()
    refused = cli.apply(code=1)
    assert not refused.changes
    assert f"2 networks are named {full('n')}" in refused.said
    assert f"{first[:12]} ({subnet})" in refused.said
    assert second[:12] in refused.said
    assert "docker network rm" in refused.said
    assert cli.inspected() == before


def test_what_is_foreign_stays_as_it_is_to_the_byte(cli: Cli) -> None:
    """Another tool's networks and containers, one on a network of ours, through apply, change and
    destroy.
    """
    full, docker = cli.docker.name, cli.docker
    docker.network("theirs", subnet=docker.subnet(), Labels={"com.docker.compose.project": "x"})
    docker.container("alone", full("theirs"), endpoint={"Aliases": ["x"]})
    docker.container("stopped", full("theirs"))
    docker.stop(full("stopped"))
    docker.container("created", full("theirs"), start=False)
    foreign = cli.inspected()
    docker.container("member")
    declared = {"member": {"networks": {"n": {"aliases": ["m"]}}}}
    cli.converge({"n": {"subnet": docker.subnet()}}, declared)
    cli.converge({"n": {"subnet": docker.subnet(), "internal": True}}, declared)
    docker.connect(full("n"), full("alone"))
    docker.disconnect(full("n"), full("alone"))
    cli.destroy()
    after = cli.inspected()
    assert {path: after[path] for path in foreign} == foreign


# --- endpoints of others --------------------------------------------------------------------------


def test_each_kind_of_endpoint_is_taken_back_in_its_own_way(cli: Cli) -> None:
    """Undeclared: a made one is removed, an amended one gets its previous settings, an unmarked one
    stays.
    """
    full, subnet = cli.docker.name, cli.docker.subnet()
    for name in ("made", "amended", "unmarked"):
        cli.docker.container(name)
    network = {"n": {"subnet": subnet}}
    cli.converge(network)
    own = {
        "Aliases": ["own"],
        "IPAMConfig": {"IPv4Address": at(subnet, 77)},
        "DriverOpts": {"org.example.x": "y"},
    }
    cli.docker.connect(full("n"), full("amended"), **own)
    cli.docker.connect(full("n"), full("unmarked"), Aliases=["keep"])
    containers: Body = {"made": {"networks": ["n"]}, "unmarked": {"networks": ["n"]}}
    containers["amended"] = {
        "networks": {
            "n": {
                "aliases": ["added"],
                "ipv4_address": at(subnet, 78),
                "link_local_ips": ["169.254.2.2"],
            }
        }
    }
    untouched = cli.endpoint("unmarked", "n")
    cli.converge(network, containers)
    assert cli.endpoint("unmarked", "n") == untouched
    amended = cli.endpoint("amended", "n") or {}
    assert names(amended["Aliases"], cli.docker.inspect(full("amended"))) == {"own", "added"}
    assert amended["IPAddress"] == at(subnet, 78)
    assert amended["DriverOpts"]["org.example.x"] == "y"

    cli.write(network, {name: {"networks": []} for name in containers})
    planned = cli.plan().out
    assert f"{full('unmarked')} on {full('n')} is not changed: no topology declares it" in planned
    assert "its previous settings are restored" in planned
    cli.apply()
    cli.settled()
    assert cli.endpoint("made", "n") is None
    assert cli.endpoint("unmarked", "n") == untouched
    amended = cli.endpoint("amended", "n") or {}
    assert names(amended["Aliases"], cli.docker.inspect(full("amended"))) == {"own"}
    assert (amended["IPAMConfig"], amended["DriverOpts"]) == (own["IPAMConfig"], own["DriverOpts"])


def test_an_amended_endpoint_changes_twice_and_still_gets_its_own_back(cli: Cli) -> None:
    full, subnet = cli.docker.name, cli.docker.subnet()
    cli.docker.container("c")
    cli.docker.network("n", subnet=subnet)
    cli.docker.connect(full("n"), full("c"), Aliases=["own"])
    before = cli.endpoint("c", "n") or {}
    for alias in ("one", "two"):
        cli.converge({"n": {"external": True}}, {"c": {"networks": {"n": {"aliases": [alias]}}}})
        found = cli.endpoint("c", "n") or {}
        assert names(found["Aliases"], cli.docker.inspect(full("c"))) == {"own", alias}
    cli.destroy()
    after = cli.endpoint("c", "n") or {}
    assert (after["Aliases"], after["DriverOpts"]) == (before["Aliases"], before["DriverOpts"])


def test_an_endpoint_of_another_topology_is_not_changed(cli: Cli) -> None:
    full = cli.docker.name
    cli.docker.container("c")
    cli.docker.network("n", subnet=cli.docker.subnet())
    external = {"n": {"external": True}}
    other = cli.write(
        external,
        {"c": {"networks": {"n": {"aliases": ["theirs"]}}}},
        name=full("other"),
        file="other.yaml",
    )
    cli.run("apply", str(other))
    cli.write(external, {"c": {"networks": {"n": {"aliases": ["mine"]}}}})
    refused = cli.apply(code=3)
    assert not refused.changes
    assert f"belongs to topology '{full('other')}'" in refused.said
    assert "Nothing to do" in cli.destroy().out
    assert cli.endpoint("c", "n")


# --- removal --------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["apply", "destroy"])
def test_a_removal_under_a_foreign_endpoint_needs_consent(cli: Cli, command: str) -> None:
    full, subnet = cli.docker.name, cli.docker.subnet()
    cli.docker.container("stranger")
    cli.converge({"n": {"subnet": subnet}})
    cli.docker.connect(full("n"), full("stranger"))
    if command == "apply":
        cli.write({})
    everything = cli.inspected()
    act = cli.apply if command == "apply" else cli.destroy
    refused = act(code=3)
    assert not refused.changes
    assert (
        f"network {full('n')} would be removed while container {full('stranger')}" in refused.said
    )
    assert f"--disrupt-foreign ({full('stranger')} is disconnected)" in refused.said
    assert cli.inspected() == everything
    life = cli.life("stranger")
    done = act("--disrupt-foreign", *(["--allow-empty"] if command == "apply" else []))
    assert f"interrupts: {full('stranger')}" in done.out
    assert not cli.exists("n")
    assert cli.endpoint("stranger", "n") is None
    assert cli.endpoint("stranger", "bridge")
    assert cli.life("stranger") == life


def test_protect_refuses_replacement_and_removal(cli: Cli) -> None:
    full, subnet = cli.docker.name, cli.docker.subnet()
    cli.docker.container("c")
    attached = {"c": {"networks": ["n"]}}
    cli.converge({"n": {"subnet": subnet, "protect": True}}, attached)
    before = cli.inspected()
    said = f"network {full('n')} is protected and would be"

    def refuses(result_code: int, what: str, *arguments: str) -> None:
        refused = cli.run(*arguments, "--yes", "-v", "--disrupt-foreign", code=result_code)
        assert not refused.changes
        assert f"{said} {what}" in refused.said
        assert cli.inspected() == before

    refuses(3, "removed", "destroy", str(cli.file))
    refuses(3, "removed", "destroy", "--name", cli.topology)
    cli.write({"n": {"subnet": cli.docker.subnet(), "protect": True}}, attached)
    refuses(3, "replaced", "apply", str(cli.file))
    cli.write({}, {})
    refuses(3, "removed", "apply", str(cli.file))
    cli.write({"n": {"subnet": subnet}}, attached)
    cli.settled()
    cli.destroy()
    assert not cli.exists("n")


def test_destroy_with_the_file_deleted(cli: Cli) -> None:
    """By name; its attachments elsewhere are undone; after that there is no topology of that
    name.
    """
    full, docker = cli.docker.name, cli.docker
    docker.network("theirs", subnet=docker.subnet())
    docker.container("c")
    networks = {"n": {"subnet": docker.subnet()}, "theirs": {"external": True}}
    cli.converge(
        networks, {"c": {"networks": {"n": {"aliases": ["a"]}, "theirs": {"aliases": ["b"]}}}}
    )
    cli.file.unlink()
    life = cli.life("c")
    assert cli.run("ls").out.count(cli.topology) == 1
    done = cli.run("destroy", "--name", cli.topology, "--yes", "-v")
    assert sorted(done.changes) == [
        "DELETE /networks/ID",
        "POST /networks/ID/disconnect",
        "POST /networks/ID/disconnect",
    ]
    assert not cli.exists("n")
    assert list(docker.inspect(full("c"))["NetworkSettings"]["Networks"]) == ["bridge"]
    assert cli.life("c") == life
    again = cli.run("destroy", "--name", cli.topology, "-v", code=4)
    assert not again.changes
    assert f"topology '{cli.topology}' does not exist on this engine" in again.err
    assert cli.topology not in cli.run("ls").out


def test_destroy_twice_by_file(cli: Cli) -> None:
    cli.converge({"n": {"subnet": cli.docker.subnet()}})
    assert cli.destroy().changes == ["DELETE /networks/ID"]
    assert "Nothing to do" in cli.destroy().out


def test_a_network_dropped_from_the_file_is_removed(cli: Cli) -> None:
    """Its containers stay, with what else they are on; the rest of the topology is not touched."""
    networks = {"keep": {"subnet": cli.docker.subnet()}, "drop": {"subnet": cli.docker.subnet()}}
    cli.docker.container("c")
    cli.converge(networks, {"c": {"networks": ["keep", "drop"]}})
    kept, life = cli.network("keep"), cli.life("c")
    del networks["drop"]
    applied = cli.converge(networks, {"c": {"networks": ["keep"]}})
    assert applied.changes == ["POST /networks/ID/disconnect", "DELETE /networks/ID"]
    assert not cli.exists("drop")
    assert cli.network("keep") == kept
    assert cli.life("c") == life


# --- two topologies of one name -------------------------------------------------------------------


def test_two_labs_of_one_name(cli: Cli, tmp_path: Path) -> None:
    """The second is refused by every command that would change the first, and says whose that is;
    so do ls and a replacement.
    """
    full, docker = cli.docker.name, cli.docker
    docker.container("adb")
    docker.container("bdb")
    cli.converge({"anet": {"subnet": docker.subnet()}}, {"adb": {"networks": ["anet"]}})
    folder = tmp_path / "bob"
    folder.mkdir()
    written = cli.write(
        {"bnet": {"subnet": docker.subnet()}}, {"bdb": {"networks": ["bnet"]}}, file="theirs.yaml"
    )
    theirs = written.rename(folder / "netplan.yaml")
    owned = (
        f"topology '{cli.topology}' owns {full('anet')}, {full('adb')} on {full('anet')} on this"
        " engine"
    )
    before, whence = cli.inspected(), f"{os.uname().nodename}:{tmp_path}"
    for verb in ("plan", "apply", "reset", "destroy"):
        refused = cli.run(verb, str(theirs), *(["--yes", "-v"] if verb != "plan" else []), code=3)
        assert not refused.changes
        assert f"{owned} (created from {whence})" in refused.said
    assert cli.inspected() == before
    assert (
        "the name of the topology is"
        in cli.run("apply", str(theirs), "--replace-topology", "x", code=4).err
    )
    assert whence in cli.run("ls").out
    (listed,) = [
        entry
        for entry in cli.run("ls", "-o", "json").json()["topologies"]
        if entry["topology"] == cli.topology
    ]
    assert [origin["folder"] for origin in listed["origins"]] == [str(tmp_path)]

    replaced = cli.run("apply", str(theirs), "--yes", "--replace-topology", cli.topology)
    assert (
        f"network {full('anet')} will be removed, and was created from elsewhere: {whence}"
        in replaced.out
    )
    assert not cli.exists("anet")
    assert "Nothing to do" in cli.run("apply", str(theirs)).out
    (network,) = [raw for raw in docker.do("GET", "/networks") if raw["Name"] == full("bnet")]
    assert json.loads(network["Labels"]["netplan.origin"])["folder"] == str(folder)
    unknown = cli.run("destroy", "--name", cli.topology + "x", "--yes", code=4)
    assert f"did you mean {cli.topology}?" in unknown.err
    assert "topologies on this engine: " in unknown.err
    cli.run("destroy", str(theirs), "--yes")
    assert "Nothing to do" in cli.run("destroy", str(theirs), "--yes").out


def test_a_topology_that_has_only_attachments_is_listed(cli: Cli) -> None:
    cli.docker.network("theirs", subnet=cli.docker.subnet())
    cli.docker.container("c")
    cli.converge({"theirs": {"external": True}}, {"c": {"networks": ["theirs"]}})
    (listed,) = [
        entry
        for entry in cli.run("ls", "-o", "json").json()["topologies"]
        if entry["topology"] == cli.topology
    ]
    assert (listed["networks"], listed["endpoints"], listed["containers"]) == (0, 1, 1)
    cli.docker.stop(cli.docker.name("c"))
    assert cli.topology in cli.run("ls").out

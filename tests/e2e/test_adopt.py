"""Taking over a network that another tool made: replaced under its containers, with everything they
have.
"""

from __future__ import annotations

from typing import Any

from .cli import Cli
from .test_converge import at
from .test_replace import stable

Body = dict[str, Any]


def made_by_hand(cli: Cli, subnet: str) -> None:
    """`docker network create n` with options and labels, two containers on it, one with settings of
    its own.
    """
    docker, full = cli.docker, cli.docker.name
    docker.network(
        "n",
        subnet=subnet,
        Labels={"com.example.tool": "x"},
        Options={"com.docker.network.driver.mtu": "1400"},
    )
    docker.container("plain", full("n"))
    docker.container("rich")
    own = {
        "Aliases": ["db"],
        "IPAMConfig": {"IPv4Address": at(subnet, 50)},
        "DriverOpts": {"org.example.x": "y"},
    }
    assert docker.connect(full("n"), full("rich"), **own)[0] == 200


def test_an_adopted_network_is_replaced_and_its_endpoints_kept(cli: Cli) -> None:
    full, subnet = cli.docker.name, cli.docker.subnet()
    made_by_hand(cli, subnet)
    before, lives = (
        {name: stable(cli.endpoint(name, "n")) for name in ("plain", "rich")},
        cli.life("plain", "rich"),
    )
    cli.write(
        {"n": {"labels": {"mine": "1"}}}, {name: {"networks": ["n"]} for name in ("plain", "rich")}
    )
    cli.plan(code=3)
    planned = cli.plan("--adopt", full("n"), "--exit-code", code=2).out
    assert f"-/+ network {full('n')}" in planned
    assert f"interrupts: {full('plain')}, {full('rich')}" in planned
    cli.apply("--adopt", full("n"))
    cli.settled()
    found = cli.network("n")
    assert found["Labels"]["com.example.tool"] == "x"
    assert found["Labels"]["mine"] == "1"
    assert found["Labels"]["netplan.topology"] == cli.topology
    assert found["Options"] == {"com.docker.network.driver.mtu": "1400"}
    assert found["IPAM"]["Config"][0]["Subnet"] == subnet
    assert {name: stable(cli.endpoint(name, "n")) for name in ("plain", "rich")} == before
    assert cli.life("plain", "rich") == lives
    assert cli.docker.ping(full("plain"), "db")


def test_an_adopted_network_is_ours_until_destroy(cli: Cli) -> None:
    full, subnet = cli.docker.name, cli.docker.subnet()
    cli.docker.network("n", subnet=subnet)
    cli.docker.container("c")
    cli.docker.connect(full("n"), full("c"))
    cli.write({"n": {"subnet": subnet}}, {"c": {"networks": ["n"]}})
    cli.apply("--adopt", full("n"))
    cli.settled()
    life = cli.life("c")
    cli.destroy()
    assert not cli.exists("n")
    assert cli.endpoint("c", "n") is None
    assert cli.life("c") == life


def test_adopting_under_foreign_containers_needs_consent_too(cli: Cli) -> None:
    full, subnet = cli.docker.name, cli.docker.subnet()
    made_by_hand(cli, subnet)
    cli.write({"n": {"subnet": subnet}})
    before = cli.inspected()
    refused = cli.apply("--adopt", full("n"), code=3)
    assert not refused.changes
    assert "--disrupt-foreign" in refused.said
    assert cli.inspected() == before
    endpoints = {name: stable(cli.endpoint(name, "n")) for name in ("plain", "rich")}
    cli.apply("--adopt", full("n"), "--disrupt-foreign")
    cli.settled()
    assert {name: stable(cli.endpoint(name, "n")) for name in ("plain", "rich")} == endpoints


def test_adopting_what_belongs_to_another_topology(cli: Cli) -> None:
    full, subnet = cli.docker.name, cli.docker.subnet()
    other = cli.write({"n": {"subnet": subnet}}, name=full("other"), file="other.yaml")
    cli.run("apply", str(other))
    cli.write({"n": {"subnet": subnet}})
    cli.apply("--adopt", full("n"))
    cli.settled()
    assert cli.network("n")["Labels"]["netplan.topology"] == cli.topology
    assert f"belongs to topology '{cli.topology}'" in cli.run("apply", str(other), code=3).said


def test_what_is_declared_on_an_adopted_network_is_ours_too(cli: Cli) -> None:
    """A topology that is split in two: the one that was there before does not cut off what the
    other has taken over.
    """
    full, networks = (
        cli.docker.name,
        {"n": {"subnet": cli.docker.subnet()}, "m": {"subnet": cli.docker.subnet()}},
    )
    cli.docker.container("web")
    cli.converge(networks, {"web": {"networks": {"n": {"aliases": ["www"]}, "m": {}}}})
    cli.write({"m": networks["m"]}, {"web": {"networks": ["m"]}})
    other = cli.write(
        {"n": networks["n"]},
        {"web": {"networks": {"n": {"aliases": ["www"]}}}},
        name=full("other"),
        file="other.yaml",
    )
    cli.run("apply", str(other), "--yes", "--adopt", full("n"))
    cli.apply()
    for file in (str(other), str(cli.file)):
        assert not cli.run("plan", file, "--exit-code", "-q").out
    assert {"www"} <= set((cli.endpoint("web", "n") or {})["Aliases"])
    cli.run("destroy", str(other), "--yes")
    assert cli.endpoint("web", "n") is None


def test_adopting_what_is_ours_makes_no_difference(cli: Cli) -> None:
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    cli.apply("--adopt", cli.docker.name("n"))
    assert not cli.apply("--adopt", cli.docker.name("n")).changes


def test_adopting_what_is_not_declared_is_a_mistake(cli: Cli) -> None:
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    for command in (cli.plan, cli.apply):
        result = command("--adopt", "nothing-of-the-kind", code=4)
        assert (
            "error: --adopt nothing-of-the-kind: no network of that name is declared" in result.err
        )
        assert f"declared: {cli.docker.name('n')}" in result.err
    cli.write({"n": {"external": True}})
    assert "it is declared external" in cli.plan("--adopt", cli.docker.name("n"), code=4).err
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    assert not cli.plan().err


def test_what_is_refused_is_told_once_on_standard_error(cli: Cli) -> None:
    cli.docker.network("n", subnet=cli.docker.subnet())
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    sentence = f"network {cli.docker.name('n')} exists and was not created by netplan"
    for command in (cli.plan, cli.apply):
        for options in ((), ("-o", "json"), ("--quiet",)):
            result = command(*options, code=3)
            assert result.err.count(f"error: {sentence}") == 1
            assert (sentence in result.out) is ("json" in options)

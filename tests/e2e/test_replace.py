"""A network is replaced under its containers: none restarts, and every endpoint comes back
whole.
"""

from __future__ import annotations

from typing import Any

import pytest

from .cli import Cli, names
from .test_converge import at, is_28

Body = dict[str, Any]
VOLATILE = {
    "EndpointID",
    "NetworkID",
    "MacAddress",
    "IPAddress",
    "Gateway",
    "IPPrefixLen",
    "GlobalIPv6Address",
    "IPv6Gateway",
}
"""Of an endpoint: given anew with each connect."""

# what the file says first, and then; `SUBNET` stands for a subnet of the test's own, `OTHER` for a
# second one
CHANGES: dict[str, tuple[Body, Body, str]] = {
    "subnet": ({}, {"subnet": "OTHER"}, "subnet"),
    "driver_opts": (
        {},
        {"driver_opts": {"com.docker.network.bridge.enable_icc": True}},
        "driver_opts.com.docker.network.bridge.enable_icc",
    ),
    "mtu": ({"mtu": 1400}, {"mtu": 1300}, "mtu"),
    "internal": ({"internal": False}, {"internal": True}, "internal"),
    "labels": ({"labels": {"a": "1"}}, {"labels": {"a": "2"}}, "labels.a"),
    "gateway": ({}, {"gateway": "GATEWAY"}, "gateway"),
}


def fill(body: Body, subnet: str, other: str) -> Body:
    words = {"OTHER": other, "GATEWAY": at(subnet, 250)}
    return {"subnet": subnet} | {key: words.get(str(value), value) for key, value in body.items()}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_network_is_replaced_under_running_containers(cli: Cli, change: str) -> None:
    first, then, shown = CHANGES[change]
    subnet, other = cli.docker.subnet(), cli.docker.subnet()
    full = cli.docker.name
    for container in "abc":
        cli.docker.container(container)
    containers: Body = {
        "a": {"networks": {"n": {"aliases": ["web"], "link_local_ips": ["169.254.9.9"]}}},
        "b": {"networks": ["n"]},
    }
    containers["c"] = {
        "networks": {"n": {"ipv4_address": at(other if change == "subnet" else subnet, 30)}}
    }
    cli.write({"n": fill(first, subnet, other)}, {key: containers[key] for key in "ab"})
    cli.apply()
    before, old = cli.life("a", "b", "c"), cli.network("n")
    cli.write({"n": fill(then, subnet, other)}, containers)
    planned = cli.plan("--exit-code", code=2).out
    assert f"-/+ network {full('n')}  must be replaced" in planned
    assert f"{shown} " in planned
    assert f"interrupts: {full('a')}, {full('b')}" in planned
    applied = cli.apply()
    assert sorted(applied.changes) == sorted(
        ["POST /networks/ID/disconnect"] * 2
        + ["DELETE /networks/ID", "POST /networks/create"]
        + ["POST /networks/ID/connect"] * 3
    )
    cli.settled()
    assert cli.network("n")["Id"] != old["Id"]
    assert cli.life("a", "b", "c") == before
    endpoint = cli.endpoint("a", "n")
    assert endpoint
    assert names(endpoint["Aliases"], cli.docker.inspect(full("a"))) == {"web"}
    assert endpoint["IPAMConfig"] == {"LinkLocalIPs": ["169.254.9.9"]}
    assert cli.reach("a", "b")
    assert cli.docker.ping(full("c"), "web")


def test_a_container_created_on_the_network_keeps_it_and_can_restart(cli: Cli) -> None:
    """The network is the one that its NetworkMode names: without it the container could not start
    again.
    """
    full = cli.docker.name
    cli.write({"n": {"subnet": cli.docker.subnet()}, "m": {"subnet": cli.docker.subnet()}})
    cli.apply()
    cli.docker.container("c", full("n"), endpoint={"Aliases": ["own"]})
    cli.docker.connect(full("m"), full("c"))
    before = cli.life("c")
    networks = {"n": {"subnet": cli.docker.subnet()}, "m": {"subnet": cli.docker.subnet()}}
    cli.converge(networks, {"c": {"networks": ["n", "m"]}})
    assert cli.life("c") == before
    endpoint = cli.endpoint("c", "n")
    assert endpoint
    assert names(endpoint["Aliases"], cli.docker.inspect(full("c"))) == {"own"}
    cli.docker.do("POST", f"/containers/{full('c')}/restart?t=0")
    cli.settled()


def test_a_network_with_automatic_subnet_keeps_it(cli: Cli) -> None:
    """Unset is unmanaged: what the engine chose stays when something else makes a replacement
    necessary.
    """
    cli.docker.container("c")
    cli.converge({"n": {"labels": {"a": "1"}}}, {"c": {"networks": ["n"]}})
    chosen = cli.network("n")["IPAM"]["Config"][0]["Subnet"]
    cli.converge({"n": {"labels": {"a": "2"}}}, {"c": {"networks": ["n"]}})
    assert cli.network("n")["IPAM"]["Config"][0]["Subnet"] == chosen


# --- endpoints that are not declared --------------------------------------------------------------


def stable(endpoint: Body | None) -> Body:
    """An endpoint without what every connect gives anew; of a static one the address is in
    IPAMConfig.
    """
    assert endpoint
    kept = {key: value for key, value in endpoint.items() if key not in VOLATILE}
    return {
        key: sorted(value) if key in ("Aliases", "DNSNames") and value else value
        for key, value in kept.items()
    }


def foreign(cli: Cli) -> None:
    """Five containers that another tool attaches to n, each with settings of its own."""
    full, subnet = cli.docker.name, cli.network("n")["IPAM"]["Config"][0]["Subnet"]
    endpoints: dict[str, Body] = {
        "f-plain": {},
        "f-alias": {"Aliases": ["db", "Db2"]},
        "f-static": {
            "IPAMConfig": {"IPv4Address": at(subnet, 77), "LinkLocalIPs": ["169.254.3.3"]}
        },
        "f-option": {"DriverOpts": {"org.example.x": "y"}},
        "f-priority": (
            {
                "GwPriority": 7,
                "DriverOpts": {"com.docker.network.endpoint.ifname": "lan9"},
            }
            if is_28(cli.docker)
            else {}
        ),
    }
    for name, endpoint in endpoints.items():
        cli.docker.container(name)
        status, answer = cli.docker.connect(full("n"), full(name), **endpoint)
        assert status == 200, answer
    cli.docker.stop(full("f-option"))


FOREIGN = ("f-plain", "f-alias", "f-static", "f-option", "f-priority")


def test_a_replacement_under_foreign_endpoints_needs_consent_and_puts_them_back_whole(
    cli: Cli,
) -> None:
    subnet = cli.docker.subnet()
    cli.converge({"n": {"subnet": subnet, "labels": {"a": "1"}}})
    foreign(cli)
    cli.write(
        {"n": {"subnet": subnet, "labels": {"a": "2"}}, "new": {"subnet": cli.docker.subnet()}}
    )
    everything = cli.inspected()
    refused = cli.apply(code=3)
    assert not refused.changes
    assert cli.inspected() == everything
    for name in FOREIGN:
        assert (
            f"would be replaced while container {cli.docker.name(name)}, which is not declared here"
            in refused.said
        )
    assert "--disrupt-foreign" in refused.said

    before, lives = {name: stable(cli.endpoint(name, "n")) for name in FOREIGN}, cli.life(*FOREIGN)
    planned = cli.plan("--exit-code", "--disrupt-foreign", code=2).out
    assert "not declared here, reconnected as before" in planned
    cli.apply("--disrupt-foreign")
    assert {name: stable(cli.endpoint(name, "n")) for name in FOREIGN} == before
    assert cli.life(*FOREIGN) == lives
    cli.settled()
    cli.docker.start(cli.docker.name("f-option"))
    assert cli.reach("f-plain", "f-option")
    assert cli.docker.ping(cli.docker.name("f-plain"), "db")
    assert (cli.endpoint("f-static", "n") or {})["IPAddress"] == at(subnet, 77)


def test_a_foreign_static_address_that_no_longer_fits(cli: Cli) -> None:
    """Refused; with consent it becomes dynamic, and the plan says so."""
    full, subnet = cli.docker.name, cli.docker.subnet()
    cli.docker.container("c")
    cli.converge({"n": {"subnet": subnet}})
    cli.docker.connect(
        full("n"), full("c"), IPAMConfig={"IPv4Address": at(subnet, 77)}, Aliases=["db"]
    )
    cli.write({"n": {"subnet": cli.docker.subnet()}}, {"c": {"networks": ["n"]}})
    refused = cli.apply(code=3)
    assert not refused.changes
    assert f"its static address {at(subnet, 77)} is not in the new subnet" in refused.said
    assert (
        f"static address {at(subnet, 77)} is not in the subnet and becomes dynamic"
        in cli.plan("--disrupt-foreign").out
    )
    cli.apply("--disrupt-foreign")
    cli.settled()
    endpoint = cli.endpoint("c", "n")
    assert endpoint
    assert not (endpoint["IPAMConfig"] or {}).get("IPv4Address")
    assert names(endpoint["Aliases"], cli.docker.inspect(full("c"))) == {"db"}


def test_the_plan_says_that_macs_change(cli: Cli) -> None:
    """Where an engine heeds a MAC address on connect, none does."""
    cli.docker.container("c")
    cli.converge({"n": {"subnet": cli.docker.subnet()}}, {"c": {"networks": ["n"]}})
    cli.write({"n": {"subnet": cli.docker.subnet()}}, {"c": {"networks": ["n"]}})
    kept = cli.docker.info.heeds_mac
    assert (f"the MAC address of {cli.docker.name('c')} will change" in cli.plan().out) != kept
    before = (cli.endpoint("c", "n") or {})["MacAddress"]
    cli.apply()
    assert ((cli.endpoint("c", "n") or {})["MacAddress"] == before) == kept


# --- networks that must not go --------------------------------------------------------------------


def test_a_network_whose_id_a_container_was_created_with(cli: Cli) -> None:
    """From Docker 23 on such a container could never be connected again: refused. Before, it does
    not mind.
    """
    full = cli.docker.name
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    cli.apply()
    id = cli.network("n")["Id"]
    cli.docker.container("c", id)
    cli.write({"n": {"subnet": cli.docker.subnet()}}, {"c": {"networks": ["n"]}})
    if cli.docker.info.major < 23:
        cli.apply()
        cli.settled()
        cli.docker.do("POST", f"/containers/{full('c')}/restart?t=0")
        cli.settled()
        return
    before = cli.inspected()
    refused = cli.apply("--disrupt-foreign", code=3)
    assert not refused.changes
    assert f"container {full('c')} was created with the ID of network {full('n')}" in refused.said
    assert cli.inspected() == before


@pytest.mark.parametrize("state", ["running", "exited", "created", "disconnected"])
def test_a_network_that_a_container_was_created_on_is_not_removed(cli: Cli, state: str) -> None:
    """Created on a, attached to b, a dropped from the file: the container is never left naming a
    network that is gone.
    """
    full = cli.docker.name
    networks = {"a": {"subnet": cli.docker.subnet()}, "b": {"subnet": cli.docker.subnet()}}
    cli.write(networks)
    cli.apply()
    cli.docker.container("c", full("a"), start=state != "created")
    cli.converge(networks, {"c": {"networks": ["a", "b"]}})
    if state == "exited":
        cli.docker.stop(full("c"))
    if state == "disconnected":
        cli.docker.disconnect(full("a"), full("c"))
    cli.write({"b": networks["b"]}, {"c": {"networks": ["b"]}})
    before = cli.inspected()
    refused = cli.apply("--disrupt-foreign", code=3)
    assert not refused.changes
    assert (
        f"network {full('a')} cannot be removed: container {full('c')} was created with --network"
        f" {full('a')}" in refused.said
    )
    assert cli.inspected() == before

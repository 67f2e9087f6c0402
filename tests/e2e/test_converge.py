"""From a file to the engine, and then nothing more to do: for every attribute of the format."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest

from .cli import Cli, names
from .conftest import Docker

Body = dict[str, Any]
OPTION = "com.docker.network.bridge."


def at(subnet: str, number: int) -> str:
    """The nth address of a subnet."""
    return str(ip_network(subnet)[number])


def contains(whole: Any, part: Any) -> bool:
    """Whether `part` is in `whole`: of mappings the keys that it has, of lists every item
    somewhere, anything else exactly.
    """
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and contains(whole[key], value) for key, value in part.items()
        )
    if isinstance(part, list):
        return isinstance(whole, list) and all(
            any(contains(item, wanted) for item in whole) for wanted in part
        )
    return bool(whole == part)


def pool(**parts: Any) -> Body:
    return {"IPAM": {"Config": [{key.replace("_", ""): value for key, value in parts.items()}]}}


# --- networks -------------------------------------------------------------------------------------

# name: what is declared with an IPv4 and an IPv6 subnet at hand, and what inspect then holds
NETWORKS: dict[str, Callable[[str, str], tuple[Body, Body]]] = {
    "nothing": lambda v4, v6: ({}, {"Driver": "bridge", "Scope": "local"}),
    "driver": lambda v4, v6: ({"driver": "bridge"}, {"Driver": "bridge"}),
    "subnet": lambda v4, v6: ({"subnet": v4}, pool(Subnet=v4)),
    "subnet-of-two": lambda v4, v6: (
        {"subnet": f"{at(v4, 16)}/30"},
        pool(Subnet=f"{at(v4, 16)}/30"),
    ),
    "gateway": lambda v4, v6: (
        {"subnet": v4, "gateway": at(v4, 254)},
        pool(Subnet=v4, Gateway=at(v4, 254)),
    ),
    "ip_range": lambda v4, v6: (
        {"subnet": v4, "ip_range": f"{at(v4, 128)}/25"},
        pool(Subnet=v4, IPRange=f"{at(v4, 128)}/25"),
    ),
    "aux_addresses": lambda v4, v6: (
        {"subnet": v4, "aux_addresses": {"printer": at(v4, 9), "nas": at(v4, 10)}},
        pool(Subnet=v4, AuxiliaryAddresses={"printer": at(v4, 9), "nas": at(v4, 10)}),
    ),
    "everything-of-a-pool": lambda v4, v6: (
        {
            "subnet": v4,
            "gateway": at(v4, 1),
            "ip_range": f"{at(v4, 64)}/26",
            "aux_addresses": {"x": at(v4, 2)},
        },
        pool(
            Subnet=v4,
            Gateway=at(v4, 1),
            IPRange=f"{at(v4, 64)}/26",
            AuxiliaryAddresses={"x": at(v4, 2)},
        ),
    ),
    "dual-stack": lambda v4, v6: (
        {
            "enable_ipv6": True,
            "ipam": {
                "config": [
                    {"subnet": v4, "gateway": at(v4, 1)},
                    {"subnet": v6, "gateway": at(v6, 1)},
                ]
            },
        },
        {
            "EnableIPv6": True,
            "IPAM": {
                "Config": [
                    {"Subnet": v4, "Gateway": at(v4, 1)},
                    {"Subnet": v6, "Gateway": at(v6, 1)},
                ]
            },
        },
    ),
    "dual-stack-written-long": lambda v4, v6: (
        {
            "enable_ipv6": True,
            "ipam": {"config": [{"subnet": v6.upper().replace("::", ":0:0::")}, {"subnet": v4}]},
        },
        {"EnableIPv6": True},
    ),
    "ipv6-beside-automatic-ipv4": lambda v4, v6: (
        {"enable_ipv6": True, "subnet": v6},
        {"EnableIPv6": True},
    ),
    "enable_ipv6-false": lambda v4, v6: (
        {"enable_ipv6": False, "subnet": v4},
        {"EnableIPv6": False},
    ),
    "ipam-options": lambda v4, v6: (
        {"ipam": {"driver": "default", "options": {"foo": "bar"}, "config": [{"subnet": v4}]}},
        {"IPAM": {"Driver": "default", "Options": {"foo": "bar"}}},
    ),
    "ipam-without-options": lambda v4, v6: (
        {"ipam": {"driver": "default", "options": {}, "config": [{"subnet": v4}]}},
        pool(Subnet=v4),
    ),
    "internal": lambda v4, v6: ({"subnet": v4, "internal": True}, {"Internal": True}),
    "internal-false": lambda v4, v6: ({"subnet": v4, "internal": False}, {"Internal": False}),
    "attachable": lambda v4, v6: ({"subnet": v4, "attachable": True}, {"Attachable": True}),
    "mtu": lambda v4, v6: (
        {"subnet": v4, "mtu": 1400},
        {"Options": {"com.docker.network.driver.mtu": "1400"}},
    ),
    "driver_opts-boolean": lambda v4, v6: (
        {
            "subnet": v4,
            "driver_opts": {OPTION + "enable_icc": False, OPTION + "enable_ip_masquerade": True},
        },
        {"Options": {OPTION + "enable_icc": "false", OPTION + "enable_ip_masquerade": "true"}},
    ),
    "driver_opts-number": lambda v4, v6: (
        {"subnet": v4, "driver_opts": {"com.docker.network.driver.mtu": 1350}},
        {"Options": {"com.docker.network.driver.mtu": "1350"}},
    ),
    "driver_opts-text": lambda v4, v6: (
        {
            "subnet": v4,
            "driver_opts": {
                OPTION + "enable_icc": "True",
                OPTION + "host_binding_ipv4": "127.0.0.1",
            },
        },
        {"Options": {OPTION + "host_binding_ipv4": "127.0.0.1"}},
    ),
    "driver_opts-empty": lambda v4, v6: ({"subnet": v4, "driver_opts": {}}, {}),
    "driver_opts-unknown": lambda v4, v6: (
        {"subnet": v4, "driver_opts": {"org.example.x": "a b"}},
        {"Options": {"org.example.x": "a b"}},
    ),
    "bridge-name": lambda v4, v6: (
        {
            "subnet": v4,
            "driver_opts": {OPTION + "name": f"br{v4.split('.')[1]}x{v4.split('.')[2]}"},
        },
        {"Options": {OPTION + "name": f"br{v4.split('.')[1]}x{v4.split('.')[2]}"}},
    ),
    "labels": lambda v4, v6: (
        {
            "subnet": v4,
            "labels": {"team": "net", "empty": "", "number": 7, "flag": True, "ünï": 'a "b" = c'},
        },
        {"Labels": {"team": "net", "empty": "", "number": "7", "flag": "true", "ünï": 'a "b" = c'}},
    ),
    "labels-as-a-list": lambda v4, v6: (
        {"subnet": v4, "labels": ["team=net", "bare"]},
        {"Labels": {"team": "net", "bare": ""}},
    ),
    "protect": lambda v4, v6: (
        {"subnet": v4, "protect": True},
        {"Labels": {"netplan.protect": "true"}},
    ),
    "exclusive": lambda v4, v6: ({"subnet": v4, "exclusive": True}, {}),
}
ONLY_28: dict[str, Callable[[str, str], tuple[Body, Body]]] = {
    "ipv6-only": lambda v4, v6: (
        {"enable_ipv4": False, "enable_ipv6": True, "subnet": v6},
        {"EnableIPv4": False, "EnableIPv6": True},
    ),
    "enable_ipv4": lambda v4, v6: ({"enable_ipv4": True, "subnet": v4}, pool(Subnet=v4)),
    "automatic-ipv6": lambda v4, v6: ({"enable_ipv6": True, "subnet": v4}, {"EnableIPv6": True}),
}


def is_28(docker: Docker) -> bool:
    return docker.info.api >= (1, 48)


@pytest.mark.parametrize("attribute", [*NETWORKS, *ONLY_28])
def test_a_second_apply_changes_nothing(cli: Cli, attribute: str) -> None:
    declared, expected = (NETWORKS | ONLY_28)[attribute](
        cli.docker.subnet(), cli.docker.subnet("ipv6")
    )
    cli.write({"n": declared})
    if attribute in ("ipv6-only", "automatic-ipv6") and not is_28(cli.docker):
        refused = cli.apply(code=1)
        assert not refused.changes
        assert "needs Docker 28; this engine is Docker 20.10" in refused.said
        return
    assert cli.apply().changes == ["POST /networks/create"]
    found = cli.network("n")
    assert contains(found, expected), found
    cli.settled()


def test_every_attribute_at_once_changes_nothing_either(cli: Cli) -> None:
    """Two dozen networks in one file, with the steps in parallel."""
    cases = NETWORKS | (ONLY_28 if is_28(cli.docker) else {})
    networks = {
        name: case(cli.docker.subnet(), cli.docker.subnet("ipv6"))[0]
        for name, case in cases.items()
        if name != "protect"
    }
    cli.write(networks)
    assert not cli.plan("--exit-code", "-v", code=2).changes
    assert cli.apply().changes == ["POST /networks/create"] * len(networks)
    cli.settled()
    assert not cli.plan("--exit-code", "-v").changes
    assert cli.destroy().changes == ["DELETE /networks/ID"] * len(networks)


def test_a_network_has_the_name_that_the_file_gives_it(cli: Cli) -> None:
    other = cli.docker.name("other")
    cli.docker.container("c")
    cli.converge({"n": {"name": other, "subnet": cli.docker.subnet()}}, {"c": {"networks": ["n"]}})
    assert cli.exists("other")
    assert not cli.exists("n")
    assert cli.endpoint("c", "other")


def test_macvlan_changes_nothing_either(cli: Cli, parent: str) -> None:
    """With several pools of one family, which a bridge does not take."""
    subnet, other = cli.docker.subnet(), cli.docker.subnet()
    cli.docker.container("c")
    pools = [
        {"subnet": subnet, "gateway": at(subnet, 1)},
        {"subnet": other, "ip_range": f"{at(other, 128)}/25"},
    ]
    macvlan = {
        "driver": "macvlan",
        "ipam": {"config": pools},
        "driver_opts": {"parent": parent, "macvlan_mode": "bridge"},
    }
    cli.converge({"n": macvlan}, {"c": {"networks": {"n": {"ipv4_address": at(other, 9)}}}})
    macvlan["ipam"] = {"config": pools[::-1]}
    cli.write({"n": macvlan}, {"c": {"networks": {"n": {"ipv4_address": at(other, 9)}}}})
    cli.settled()
    assert contains(cli.network("n"), {"Driver": "macvlan", "Options": {"parent": parent}})
    cli.destroy()


# --- endpoints ------------------------------------------------------------------------------------

ENDPOINTS: dict[str, Callable[[str, str], tuple[Any, Body]]] = {
    "nothing": lambda v4, v6: (None, {}),
    "aliases": lambda v4, v6: ({"aliases": ["web", "Web2", "web"]}, {}),
    "ipv4_address": lambda v4, v6: (
        {"ipv4_address": at(v4, 20)},
        {"IPAddress": at(v4, 20), "IPAMConfig": {"IPv4Address": at(v4, 20)}},
    ),
    "ipv6_address": lambda v4, v6: (
        {"ipv6_address": at(v6, 32)},
        {"GlobalIPv6Address": at(v6, 32)},
    ),
    "ipv6_address-written-long": lambda v4, v6: (
        {"ipv6_address": at(v6, 33).upper().replace("::", ":0:0::")},
        {"GlobalIPv6Address": at(v6, 33)},
    ),
    "link_local_ips": lambda v4, v6: ({"link_local_ips": ["169.254.9.9", "169.254.9.8"]}, {}),
    "driver_opts": lambda v4, v6: (
        {"driver_opts": {"org.example.x": True, "org.example.y": 5}},
        {"DriverOpts": {"org.example.x": "true"}},
    ),
    "everything": lambda v4, v6: (
        {
            "aliases": ["web"],
            "ipv4_address": at(v4, 21),
            "ipv6_address": at(v6, 34),
            "link_local_ips": ["169.254.7.7"],
        },
        {"IPAddress": at(v4, 21), "GlobalIPv6Address": at(v6, 34)},
    ),
    "gw_priority": lambda v4, v6: ({"gw_priority": 10}, {"GwPriority": 10}),
    "gw_priority-zero": lambda v4, v6: ({"gw_priority": 0}, {}),
    "interface_name": lambda v4, v6: (
        {"interface_name": "lan7"},
        {"DriverOpts": {"com.docker.network.endpoint.ifname": "lan7"}},
    ),
}
NEEDS_28 = ("gw_priority", "interface_name")


@pytest.mark.parametrize("attribute", ENDPOINTS)
def test_a_second_apply_changes_no_endpoint(cli: Cli, attribute: str) -> None:
    v4, v6 = cli.docker.subnet(), cli.docker.subnet("ipv6")
    declared, expected = ENDPOINTS[attribute](v4, v6)
    cli.docker.network("n", EnableIPv6=True, IPAM={"Config": [{"Subnet": v4}, {"Subnet": v6}]})
    cli.docker.container("c")
    cli.write({"n": {"external": True}}, {"c": {"networks": {"n": declared}}})
    if attribute in NEEDS_28 and not is_28(cli.docker):
        refused = cli.apply(code=1)
        assert not refused.changes
        assert f"{attribute} needs Docker 28; this engine is Docker 20.10" in refused.said
        return
    assert cli.apply().changes == ["POST /networks/ID/connect"]
    endpoint = cli.endpoint("c", "n")
    assert contains(endpoint, expected), endpoint
    cli.settled()
    assert cli.destroy().changes == ["POST /networks/ID/disconnect"]
    assert cli.endpoint("c", "n") is None


def test_the_settings_are_there_inside_the_container(cli: Cli) -> None:
    v4, v6 = cli.docker.subnet(), cli.docker.subnet("ipv6")
    name = {"interface_name": "lan7"} if is_28(cli.docker) else {}
    settings = {
        "ipv4_address": at(v4, 20),
        "ipv6_address": at(v6, 32),
        "link_local_ips": ["169.254.9.9"],
        **name,
    }
    cli.docker.container("c")
    cli.converge(
        {"n": {"enable_ipv6": True, "ipam": {"config": [{"subnet": v4}, {"subnet": v6}]}}},
        {"c": {"networks": {"n": settings}}},
    )
    _, addresses = cli.docker.exec(cli.docker.name("c"), "ip", "-o", "addr")
    for expected in (f"{at(v4, 20)}/24", f"{at(v6, 32)}/64", "169.254.9.9", *name.values()):
        assert expected in addresses


def test_a_container_joins_the_default_bridge(cli: Cli) -> None:
    cli.docker.network("own", subnet=cli.docker.subnet())
    cli.docker.container("c", cli.docker.name("own"))
    cli.converge({"own": {"external": True}}, {"c": {"networks": ["own", "bridge"]}})
    assert cli.endpoint("c", "bridge")
    cli.destroy()
    assert cli.endpoint("c", "bridge") is None
    assert cli.endpoint("c", "own")


def test_an_external_network_is_never_changed(cli: Cli) -> None:
    cli.docker.network("n", subnet=cli.docker.subnet(), Labels={"who": "me"}, Internal=True)
    cli.docker.container("c")
    before = cli.network("n")
    cli.converge({"n": {"external": True}}, {"c": {"networks": {"n": {"aliases": ["x"]}}}})
    cli.destroy()
    assert cli.network("n") == before


def test_a_missing_external_network_is_named(cli: Cli) -> None:
    cli.write({"n": {"external": True}, "m": {}})
    refused = cli.apply(code=1)
    assert not refused.changes
    assert f"network {cli.docker.name('n')} is external and does not exist" in refused.said
    assert "docker network create" in refused.said


# --- what two networks give each other way to -----------------------------------------------------


def test_explicit_subnets_and_addresses_come_first(cli: Cli) -> None:
    """The automatic network is declared first and would take what the others name; so would the
    dynamic endpoint.
    """
    subnet = cli.docker.subnet()
    for name in ("dynamic", "fixed"):
        cli.docker.container(name)
    networks = {"automatic": {}, "explicit": {"subnet": subnet}}
    containers = {
        "dynamic": {"networks": ["explicit"]},
        "fixed": {"networks": {"explicit": {"ipv4_address": at(subnet, 2)}}},
    }
    cli.converge(networks, containers)
    fixed, dynamic = cli.endpoint("fixed", "explicit"), cli.endpoint("dynamic", "explicit")
    assert fixed
    assert dynamic
    assert (fixed["IPAddress"], dynamic["IPAddress"]) == (at(subnet, 2), at(subnet, 3))


def test_two_containers_swap_their_addresses(cli: Cli) -> None:
    subnet = cli.docker.subnet()
    one, other = at(subnet, 11), at(subnet, 12)
    for name in "ab":
        cli.docker.container(name)
    network = {"n": {"subnet": subnet}}
    cli.converge(
        network,
        {
            "a": {"networks": {"n": {"ipv4_address": one}}},
            "b": {"networks": {"n": {"ipv4_address": other}}},
        },
    )
    before = cli.life("a", "b")
    cli.converge(
        network,
        {
            "a": {"networks": {"n": {"ipv4_address": other}}},
            "b": {"networks": {"n": {"ipv4_address": one}}},
        },
    )
    assert [(cli.endpoint(name, "n") or {})["IPAddress"] for name in "ab"] == [other, one]
    assert cli.life("a", "b") == before


def test_a_dynamic_address_gives_way_to_a_static_one(cli: Cli) -> None:
    subnet = cli.docker.subnet()
    for name in "ab":
        cli.docker.container(name)
    cli.converge({"n": {"subnet": subnet}}, {"a": {"networks": ["n"]}})
    taken = (cli.endpoint("a", "n") or {})["IPAddress"]
    cli.converge(
        {"n": {"subnet": subnet}},
        {"a": {"networks": ["n"]}, "b": {"networks": {"n": {"ipv4_address": taken}}}},
    )
    assert (cli.endpoint("b", "n") or {})["IPAddress"] == taken


def test_two_networks_swap_their_subnets(cli: Cli) -> None:
    one, other = cli.docker.subnet(), cli.docker.subnet()
    cli.docker.container("c")
    attached = {"c": {"networks": ["a", "b"]}}
    cli.converge({"a": {"subnet": one}, "b": {"subnet": other}}, attached)
    before = cli.life("c")
    cli.converge({"a": {"subnet": other}, "b": {"subnet": one}}, attached)
    assert cli.network("a")["IPAM"]["Config"][0]["Subnet"] == other
    assert cli.life("c") == before


# --- the lesson -----------------------------------------------------------------------------------


def test_two_containers_reach_each_other_by_name(cli: Cli) -> None:
    """Also after both addresses changed in the file, with no restart; and one that is taken out of
    the file is cut off.
    """
    subnet = cli.docker.subnet()
    network = {"testnet": {"driver": "bridge", "subnet": subnet, "gateway": at(subnet, 1)}}
    for name in ("tomcat01", "tomcat02"):
        cli.docker.container(name)
    address = (cli.endpoint("tomcat02", "bridge") or {})["IPAddress"]
    assert cli.docker.ping(cli.docker.name("tomcat01"), address)
    assert not cli.docker.ping(cli.docker.name("tomcat01"), cli.docker.name("tomcat02"))
    before = cli.life("tomcat01", "tomcat02")
    cli.converge(
        network, {"tomcat01": {"networks": ["testnet"]}, "tomcat02": {"networks": ["testnet"]}}
    )
    assert cli.network("testnet")["IPAM"]["Config"] == [
        {"Subnet": subnet, "Gateway": at(subnet, 1)}
    ]
    assert cli.reach("tomcat01", "tomcat02")
    fixed = {
        f"tomcat0{n}": {"networks": {"testnet": {"ipv4_address": at(subnet, 40 + n)}}}
        for n in (1, 2)
    }
    cli.converge(network, fixed)
    assert cli.reach("tomcat01", "tomcat02")
    assert (cli.endpoint("tomcat02", "testnet") or {})["IPAddress"] == at(subnet, 42)
    del fixed["tomcat02"]
    cli.converge(network, fixed)
    assert cli.endpoint("tomcat02", "testnet") is None
    assert not cli.docker.ping(cli.docker.name("tomcat01"), cli.docker.name("tomcat02"))
    assert cli.life("tomcat01", "tomcat02") == before
    cli.destroy()
    assert not cli.exists("testnet")


# --- what is no difference, and what is -----------------------------------------------------------


def test_what_others_and_the_engine_add_is_no_difference(cli: Cli) -> None:
    """Labels and options on an external network, names that an engine adds to an endpoint, an alias
    given by hand on another's endpoint.
    """
    cli.docker.container("c", Hostname="hosty")
    cli.docker.network(
        "n", subnet=cli.docker.subnet(), Labels={"x": "y"}, Options={OPTION + "enable_icc": "True"}
    )
    cli.docker.connect(cli.docker.name("n"), cli.docker.name("c"), Aliases=["mine"])
    cli.write({"n": {"external": True}}, {"c": {"networks": ["n"]}})
    cli.settled()


@pytest.mark.parametrize(
    ("declared", "pending"),
    [({"internal": False}, 2), ({"internal": True}, 0), ({}, 0)],
    ids=["false", "true", "unset"],
)
def test_internal_over_a_live_true(cli: Cli, declared: Body, pending: int) -> None:
    """`internal: false` is a change; where the file never said anything of it, it is not."""
    subnet = cli.docker.subnet()
    cli.converge({"n": {"subnet": subnet}})
    labels = cli.network("n")["Labels"]
    cli.docker.do("DELETE", f"/networks/{cli.docker.name('n')}")
    cli.docker.network("n", subnet=subnet, Internal=True, Labels=labels)
    cli.write({"n": {"subnet": subnet, **declared}})
    assert ("internal  true -> false" in cli.plan("--exit-code", code=pending).out) == (
        pending == 2
    )


def test_a_setting_that_the_file_no_longer_says_goes_back_to_the_default(cli: Cli) -> None:
    subnet = cli.docker.subnet()
    cli.converge(
        {"n": {"subnet": subnet, "internal": True, "mtu": 1400, "labels": {"a": "1", "b": "2"}}}
    )
    cli.converge({"n": {"subnet": subnet, "labels": {"b": "2"}}})
    found = cli.network("n")
    assert not found["Internal"]
    assert found["Options"] == {}
    assert {key for key in found["Labels"] if not key.startswith("netplan.")} == {"b"}


@pytest.mark.parametrize("optional", [True, False])
def test_a_container_that_does_not_exist(cli: Cli, optional: bool) -> None:
    cli.write(
        {"n": {"subnet": cli.docker.subnet()}}, {"ghost": {"networks": ["n"], "optional": optional}}
    )
    result = cli.apply(code=0 if optional else 1)
    assert f"container {cli.docker.name('ghost')} does not exist" in result.said
    assert ("optional, skipped" in result.out) == optional
    assert bool(result.changes) == optional


def test_aliases_change_by_one_reconnect_of_that_endpoint(cli: Cli) -> None:
    subnet = cli.docker.subnet()
    for name in ("c", "other"):
        cli.docker.container(name)

    def apply(aliases: list[str]) -> list[str]:
        result = cli.converge(
            {"n": {"subnet": subnet}},
            {"c": {"networks": {"n": {"aliases": aliases}}}, "other": {"networks": ["n"]}},
        )
        endpoint, container = cli.endpoint("c", "n"), cli.docker.inspect(cli.docker.name("c"))
        assert endpoint
        assert names(endpoint["Aliases"], container) == set(aliases)
        return result.changes

    apply(["a"])
    untouched, lives = cli.endpoint("other", "n"), cli.life("c", "other")
    for aliases in (["a", "b"], ["b"], []):
        assert apply(aliases) == ["POST /networks/ID/disconnect", "POST /networks/ID/connect"]
    assert cli.endpoint("other", "n") == untouched
    assert cli.life("c", "other") == lives


def test_what_only_the_engine_can_refuse_is_reported_in_its_words(cli: Cli) -> None:
    """An option that its driver cannot read; what does not need that network is done, and the next
    apply goes on from there.
    """
    cli.docker.container("c")
    networks = {
        "bad": {"driver_opts": {OPTION + "host_binding_ipv4": "nonsense"}},
        "good": {"subnet": cli.docker.subnet()},
    }
    cli.write(networks, {"c": {"networks": ["bad", "good"]}})
    failed = cli.apply(code=1)
    assert "host_binding_ipv4 value: nonsense" in failed.said
    assert f"connect {cli.docker.name('c')} to {cli.docker.name('bad')}" in failed.said
    assert cli.endpoint("c", "good")
    del networks["bad"]
    assert cli.converge(networks, {"c": {"networks": ["good"]}}).changes == []

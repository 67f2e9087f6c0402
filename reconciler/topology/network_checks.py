"""What a schema cannot say about networks, and the facts about them that attachments are checked
against.

Nothing here trusts that the schema is satisfied: a value of a wrong type counts as absent, so that
one run reports every problem.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..fast_dataclasses import dataclass, field
from ..settings import BRIDGE_NAME_OPTION, MTU_OPTION
from .document import Map, Odd, Seq, show
from .engine_names import DEFAULT, check_names_twice, declared_name, is_external, network_name
from .pool_checks import PoolFacts, check_overlap, read_pool
from .report import Report, check_word, mapping, members, text
from .schema import flag, not_text

POOL_KEYS = ("subnet", "gateway", "ip_range", "aux_addresses")
RESERVED = "netplan."
_ENGINE_NETWORKS = frozenset(("bridge", "host", "none", "docker_gwbridge", "ingress"))
_UNUSUAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_INTERFACE = re.compile(r"(?!\.{1,2}\Z)[^\s/:]{1,15}\Z")


@dataclass
class NetworkFacts:
    """One declared network. `certain`: all its pools could be read, so what they lack is
    missing.
    """

    key: str
    name: str
    at: int
    body: Map
    external: bool = False
    pools: list[PoolFacts] = field(default_factory=list)
    certain: bool = True

    @property
    def foreign_ipam(self) -> bool:
        """Whether somebody else than the engine hands out the addresses."""
        return mapping(self.body, "ipam").get("driver") not in (None, "default")


# --- networks -------------------------------------------------------------------------------------


def check_networks(report: Report, topology: str, networks: Map) -> dict[str, NetworkFacts]:
    """Reports what is wrong with the networks; returns the facts about each, by key."""
    facts = {
        key: _network(report, topology, key, at, value) for key, at, value in members(networks)
    }
    _check_names(report, facts.values())
    check_overlap(
        report,
        (
            (pool, network.key)
            for network in facts.values()
            if not network.foreign_ipam
            for pool in network.pools
        ),
    )
    _check_bridge_names(report, facts.values())
    return facts


def _network(report: Report, topology: str, key: str, at: int, value: Any) -> NetworkFacts:
    body = value if isinstance(value, Map) else Map(at)
    facts = NetworkFacts(key, network_name(topology, key, body), at, body, is_external(body))
    if facts.external:
        _check_external(report, body)
        return facts
    if flag(body.get("optional")) is True:
        why = "netplan creates the network where it does not exist"
        report.error(
            body.key_at("optional"), f"'optional' without external: true: {why}, so remove it"
        )
    _check_pools(report, facts)
    _check_families(report, facts)
    check_options(report, mapping(body, "driver_opts"))
    check_options(report, mapping(mapping(body, "ipam"), "options"))
    _check_known_options(report, facts)
    check_labels(report, body)
    return facts


def _check_external(report: Report, body: Map) -> None:
    check_names_twice(report, body)
    for key in body:
        if key not in ("external", "name", "optional") and not key.startswith("x-"):
            report.error(
                body.key_at(key),
                f"{show(key)} is set together with external: true, but an external network is only"
                " used: remove one of them",
            )


def _check_names(report: Report, networks: Iterable[NetworkFacts]) -> None:
    first: dict[str, NetworkFacts] = {}
    for network in networks:
        named = declared_name(network.body) is not None
        at = (
            network.body.value_at("name" if "name" in network.body else "external")
            if named
            else network.at
        )
        if network.external and network.key == network.name == "bridge":
            continue  # every engine has it: the file says so
        if network.key in _ENGINE_NETWORKS:
            report.error(
                network.at, f"a network cannot be called {network.key!r}: {_why_not(network.key)}"
            )
        elif network.name in (*_ENGINE_NETWORKS, DEFAULT) and not (
            network.external and network.name in ("docker_gwbridge", "ingress")
        ):
            report.error(
                at, f"a network cannot be called {network.name!r}: {_why_not(network.name)}"
            )
        if (other := first.setdefault(network.name, network)) is not network:
            where = f"network {show(other.key)} in line {report.line(other.at)}"
            report.error(
                at,
                f"the name {show(network.name)} is already used by {where}: names on the engine"
                " must differ",
            )


def _why_not(name: str) -> str:
    if name == DEFAULT:
        return "engines take that word for their own network 'bridge'; choose another name"
    if name == "bridge":
        return "every engine has that network; attach containers to it without declaring it"
    if name in ("host", "none"):
        return (
            "that is a mode and nothing that can be declared; remove it, and write network_mode:"
            f" {name} in its containers"
        )
    return "the engine makes that network for itself; choose another name"


def _check_pools(report: Report, facts: NetworkFacts) -> None:
    body, entries = facts.body, _pool_entries(facts.body)
    config = mapping(body, "ipam").get("config")
    if config:
        for key in POOL_KEYS:
            if body.get(key) is not None:
                report.error(
                    body.key_at(key),
                    f"{show(key)} is set together with ipam: config: write the pool in one of the"
                    " two forms",
                )
    elif body.get("subnet") is None:
        for key in POOL_KEYS[1:]:
            if body.get(key):
                report.error(
                    body.key_at(key),
                    f"{show(key)} needs a subnet: add one, such as subnet: 10.7.0.0/24",
                )
    for entry in entries:
        pool = read_pool(
            report,
            entry,
            _needs_no_gateway(body, "ipv6" if ":" in str(entry.get("subnet")) else "ipv4"),
        )
        if pool is None:
            facts.certain = False
        else:
            facts.pools.append(pool)
    _check_pool_count(report, facts)


def _needs_no_gateway(body: Map, family: str) -> bool:
    """Whether an engine may take no gateway by itself (Docker 28 does not; what others do is seen
    when they are asked).
    """
    if text(body, "driver") in ("macvlan", "ipvlan"):
        return True
    options = mapping(body, "driver_opts")
    isolated = text(options, f"com.docker.network.bridge.gateway_mode_{family}") == "isolated"
    without = (
        family == "ipv4" and flag(options.get("com.docker.network.bridge.inhibit_ipv4")) is True
    )
    return flag(body.get("internal")) is True and (isolated or without)


def _pool_entries(body: Map) -> list[Map]:
    config = mapping(body, "ipam").get("config")
    if isinstance(config, Seq) and config:
        return [entry for entry in config if isinstance(entry, Map)]
    return [body] if body.get("subnet") is not None else []


def _check_pool_count(report: Report, facts: NetworkFacts) -> None:
    if (text(facts.body, "driver") or "bridge") != "bridge":
        return
    for version in (4, 6):
        for pool in [pool for pool in facts.pools if pool.subnet.version == version][1:]:
            report.error(
                pool.at,
                f"a bridge network has one IPv{version} subnet at most: make {pool.subnet} a"
                " network of its own",
            )


def _check_families(report: Report, facts: NetworkFacts) -> None:
    body = facts.body
    enabled = {version: flag(body.get(f"enable_ipv{version}")) for version in (4, 6)}
    for pool in facts.pools:
        version = pool.subnet.version
        if enabled[version] is False:
            report.error(
                pool.at,
                f"an IPv{version} subnet on a network with enable_ipv{version}: false: remove one"
                " of them",
            )
        elif version == 6 and enabled[6] is None:
            report.warn(
                pool.at,
                "an IPv6 subnet without enable_ipv6: true: containers get no IPv6 address, and"
                " Docker 29 refuses it: add enable_ipv6: true",
            )
    if enabled[4] is False and enabled[6] is not True:
        report.error(body.value_at("enable_ipv4"), "a network without IPv4 needs enable_ipv6: true")


# --- options and labels ---------------------------------------------------------------------------


def check_options(report: Report, options: Map) -> None:
    """Keys and values of driver options."""
    for key, value in options.items():
        check_pair(report, key, options.key_at(key), value, options.value_at(key), "driver option")


def check_labels(report: Report, body: Map) -> None:
    """Labels in either form."""
    labels = body.get("labels")
    if isinstance(labels, Map):
        for key, value in labels.items():
            check_pair(report, key, labels.key_at(key), value, labels.value_at(key), "label")
    elif isinstance(labels, Seq):
        seen: set[str] = set()
        for index, item in enumerate(labels):
            if not isinstance(item, str):
                continue
            at, (key, _, value) = labels.value_at(index), item.partition("=")
            check_pair(report, key, at, value, at, "label")
            if key in seen:
                report.error(at, f"the label {show(key)} is declared twice: remove one of them")
            seen.add(key)


def check_pair(report: Report, key: str, key_at: int, value: Any, at: int, what: str) -> None:
    """Key and value of a label or an option."""
    check_word(report, key_at, key, what)
    if key.startswith(RESERVED):
        report.error(
            key_at,
            f"the {what} {show(key)} is reserved: names that begin with {RESERVED!r} are netplan's"
            " own marks",
        )
    if isinstance(value, Odd):
        report.error(at, f"{show(key)} {not_text(value)}")
    elif isinstance(value, str) and _UNUSUAL.search(value):
        report.error(at, f"the value {show(value)} holds a control character: remove it")


def _check_known_options(report: Report, facts: NetworkFacts) -> None:
    body, options = facts.body, mapping(facts.body, "driver_opts")
    if (driver := text(body, "driver")) in ("host", "none", "null"):
        report.error(
            body.value_at("driver"),
            f"the driver {driver!r} makes no networks: remove the network or choose another driver",
        )
    if body.get("mtu") is not None and MTU_OPTION in options:
        report.error(
            body.key_at("mtu"),
            f"'mtu' is set together with the driver option {MTU_OPTION!r}, which sets the same:"
            " remove one of them",
        )
    if (name := options.get(BRIDGE_NAME_OPTION)) is not None:
        _check_bridge_name(report, options.value_at(BRIDGE_NAME_OPTION), str(name))
    if (
        text(body, "driver") in ("macvlan", "ipvlan")
        and not options.get("parent")
        and flag(body.get("internal")) is not True
    ):
        report.warn(
            body.value_at("driver"),
            f"{body['driver']} without the driver option 'parent': nothing outside this machine can"
            " be reached",
        )


def _check_bridge_name(report: Report, at: int, name: str) -> None:
    if name == "docker0":
        report.error(
            at,
            "'docker0' is the bridge of the engine's own network, which would break: choose another"
            " name",
        )
    elif not _INTERFACE.match(name):
        report.error(
            at,
            f"{show(name)} cannot name a bridge: 1 to 15 characters without spaces, '/' and ':' are"
            " allowed",
        )


# --- networks among each other --------------------------------------------------------------------


def _check_bridge_names(report: Report, networks: Iterable[NetworkFacts]) -> None:
    first: dict[str, NetworkFacts] = {}
    for network in networks:
        options = mapping(network.body, "driver_opts")
        name = options.get(BRIDGE_NAME_OPTION)
        if network.external or not isinstance(name, str):
            continue
        if (other := first.setdefault(name, network)) is not network:
            at = options.value_at(BRIDGE_NAME_OPTION)
            where = f"network {show(other.key)} in line {report.line(other.at)}"
            report.error(
                at, f"the bridge {show(name)} is already used by {where}: choose another name"
            )

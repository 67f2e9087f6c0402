"""What a schema cannot say about networks, and the facts about them that attachments are checked against.

Nothing here trusts that the schema is satisfied: a value of a wrong type counts as absent, so that one run reports every problem.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .addresses import Address, BadAddressError, Prefix, address, implicit_gateway, network_and_broadcast, prefix
from .errors import Problem
from .model import BRIDGE_NAME_OPTION, MTU_OPTION
from .schema import flag
from .yamlpos import Document, Map, Odd, Seq, show

POOL_KEYS = ("subnet", "gateway", "ip_range", "aux_addresses")
RESERVED = "netplan."
_ENGINE_NETWORKS = frozenset(("bridge", "host", "none", "docker_gwbridge", "ingress"))
_UNUSUAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_INTERFACE = re.compile(r"(?!\.{1,2}\Z)[^\s/:]{1,15}\Z")
_VARIABLE = re.compile(r"\$(?=[{$A-Za-z_])")
_FREE = frozenset(("labels", "driver_opts", "options", "aux_addresses"))


@dataclass
class Report:
    """Collects problems of one document."""

    document: Document
    problems: list[Problem] = field(default_factory=list)

    def error(self, offset: int, message: str) -> None:
        """Something that must be changed."""
        self.problems.append(self.document.problem(offset, message))

    def warn(self, offset: int, message: str) -> None:
        """Something that is allowed and probably not meant."""
        self.problems.append(self.document.problem(offset, message, warning=True))

    def line(self, offset: int) -> int:
        """The line of an offset, for messages that name another place."""
        return self.document.position(offset)[0]


@dataclass
class PoolFacts:
    """One pool whose subnet can be read. `taken` are the addresses that no endpoint can have, each with the reason."""

    subnet: Prefix
    at: int
    ip_range: Prefix | None = None
    taken: dict[Address, str] = field(default_factory=dict)


@dataclass
class NetworkFacts:
    """One declared network. `certain`: all its pools could be read, so what they lack is missing."""

    key: str
    name: str
    at: int
    body: Map
    external: bool = False
    pools: list[PoolFacts] = field(default_factory=list)
    certain: bool = True


def text(body: Map, key: str) -> str | None:
    """The value of a key if it is text."""
    value = body.get(key)
    return value if isinstance(value, str) and type(value) is not Odd else None


def mapping(body: Map, key: str) -> Map:
    """The mapping under a key, or an empty one."""
    value = body.get(key)
    return value if isinstance(value, Map) else Map(body.value_at(key))


def members(body: Map) -> Iterator[tuple[str, int, Any]]:
    """Name, position and value of what a mapping of networks, containers or attachments declares."""
    return ((key, body.marks[key][0], value) for key, value in body.items() if not key.startswith("x-"))


# --- the whole document --------------------------------------------------------------------------------------------------


def check_variables(report: Report) -> None:
    """`${VAR}` is never a literal: it waits for variables."""
    if "$" in report.document.text or "\\" in report.document.text:
        _find_variables(report, report.document.value, False, set())


def _find_variables(report: Report, value: Any, free: bool, seen: set[int]) -> None:
    """Looks into everything but `x-` keys; where names are free (labels, options), those are names too."""
    if not isinstance(value, Map | Seq) or id(value) in seen:
        return
    seen.add(id(value))
    keys: Iterable[Any] = value if isinstance(value, Map) else range(len(value))
    for key in keys:
        if isinstance(value, Map):
            if key.startswith("x-") and not free:
                continue
            _report_variable(report, value.key_at(key), key)
        _report_variable(report, value.value_at(key), value[key])
        _find_variables(report, value[key], key in _FREE, seen)


def _report_variable(report: Report, at: int, value: Any) -> None:
    if isinstance(value, str) and _VARIABLE.search(value):
        report.error(at, f"{show(value)} holds a variable, which files cannot have yet: write what it stands for")


# --- networks ------------------------------------------------------------------------------------------------------------


def check_networks(report: Report, networks: Map) -> dict[str, NetworkFacts]:
    """Reports what is wrong with the networks; returns the facts about each, by key."""
    facts = {key: _network(report, key, at, value) for key, at, value in members(networks)}
    _check_names(report, facts.values())
    _check_overlap(report, facts.values())
    _check_bridge_names(report, facts.values())
    return facts


def _network(report: Report, key: str, at: int, value: Any) -> NetworkFacts:
    body = value if isinstance(value, Map) else Map(at)
    facts = NetworkFacts(key, text(body, "name") or key, at, body, flag(body.get("external")) is True)
    if facts.external:
        _check_external(report, body)
        return facts
    _check_pools(report, facts)
    _check_families(report, facts)
    check_options(report, mapping(body, "driver_opts"))
    check_options(report, mapping(mapping(body, "ipam"), "options"))
    _check_known_options(report, facts)
    check_labels(report, body)
    return facts


def _check_external(report: Report, body: Map) -> None:
    for key in body:
        if key not in ("external", "name") and not key.startswith("x-"):
            report.error(
                body.key_at(key), f"{show(key)} stands beside external: true, but an external network is only used: remove one of them"
            )


def _check_names(report: Report, networks: Iterable[NetworkFacts]) -> None:
    first: dict[str, NetworkFacts] = {}
    for network in networks:
        named = text(network.body, "name") is not None
        at = network.body.value_at("name") if named else network.at
        if network.key == "default" or network.key in _ENGINE_NETWORKS:
            report.error(network.at, f"a network cannot be called {network.key!r}: {_why_not(network.key)}")
        elif network.name in _ENGINE_NETWORKS and not (network.external and network.name in ("docker_gwbridge", "ingress")):
            report.error(at, f"a network cannot be called {network.name!r}: {_why_not(network.name)}")
        if (other := first.setdefault(network.name, network)) is not network:
            where = f"network {show(other.key)} in line {report.line(other.at)}"
            report.error(at, f"the name {show(network.name)} is that of {where} already: names on the engine must differ")


def _why_not(name: str) -> str:
    if name == "default":
        return "that is Compose's word for a network nobody named; here every network has its own name, choose one"
    if name == "bridge":
        return "every engine has that network; attach containers to it without declaring it"
    if name in ("host", "none"):
        return "that is a mode of a container and nothing that can be declared; remove it"
    return "the engine makes that network for itself; choose another name"


def _check_pools(report: Report, facts: NetworkFacts) -> None:
    body, entries = facts.body, _pool_entries(facts.body)
    config = mapping(body, "ipam").get("config")
    if config:
        for key in POOL_KEYS:
            if body.get(key) is not None:
                report.error(body.key_at(key), f"{show(key)} stands beside ipam: config: write the pool in one of the two forms")
    elif body.get("subnet") is None:
        for key in POOL_KEYS[1:]:
            if body.get(key):
                report.error(body.key_at(key), f"{show(key)} needs a subnet: add one, such as subnet: 10.7.0.0/24")
    for entry in entries:
        pool = _pool(report, entry, text(mapping(body, "driver_opts"), "com.docker.network.bridge.gateway_mode_ipv4") == "isolated")
        if pool is None:
            facts.certain = False
        else:
            facts.pools.append(pool)
    _check_pool_count(report, facts)


def _pool_entries(body: Map) -> list[Map]:
    config = mapping(body, "ipam").get("config")
    entries = [entry for entry in config if isinstance(entry, Map)] if isinstance(config, Seq) else []
    return ([body] if body.get("subnet") is not None else []) + entries


def _pool(report: Report, entry: Map, isolated: bool) -> PoolFacts | None:
    written = text(entry, "subnet")
    if written is None:
        return None
    try:
        pool = PoolFacts(prefix(written), entry.value_at("subnet"))
    except BadAddressError as error:
        report.error(entry.value_at("subnet"), str(error))
        return None
    pool.taken = network_and_broadcast(pool.subnet)
    _check_range(report, entry, pool)
    _check_gateway(report, entry, pool, isolated)
    _check_aux(report, entry, pool)
    return pool


def _check_range(report: Report, entry: Map, pool: PoolFacts) -> None:
    if (written := text(entry, "ip_range")) is None:
        return
    at = entry.value_at("ip_range")
    try:
        found = prefix(written, "a range")
    except BadAddressError as error:
        report.error(at, str(error))
        return
    if found.version != pool.subnet.version or not found.subnet_of(pool.subnet):  # type: ignore[arg-type]
        report.error(at, f"the range {found} is not inside the subnet {pool.subnet}: choose a part of it")
    else:
        pool.ip_range = found


def _check_gateway(report: Report, entry: Map, pool: PoolFacts, isolated: bool) -> None:
    if (written := text(entry, "gateway")) is None:
        if entry.get("gateway") is None and not isolated and (first := implicit_gateway(pool.subnet, pool.ip_range)):
            pool.taken[first] = "the address that the engine takes as gateway because none is declared"
        return
    if found := _inside(report, entry, "gateway", written, pool, "the gateway", "a gateway"):
        pool.taken[found] = "the gateway"


def _check_aux(report: Report, entry: Map, pool: PoolFacts) -> None:
    addresses = mapping(entry, "aux_addresses")
    for host in addresses:
        if (written := text(addresses, host)) is None:
            continue
        if found := _inside(report, addresses, host, written, pool, "the aux address", "an aux address"):
            pool.taken[found] = f"the aux address of {show(host)}"


def _inside(report: Report, body: Map, key: str, written: str, pool: PoolFacts, name: str, what: str) -> Address | None:
    """The address under `key` if it can be used in the pool; otherwise that is reported."""
    at = body.value_at(key)
    try:
        found = address(written, what=what)
    except BadAddressError as error:
        report.error(at, str(error))
        return None
    if found not in pool.subnet:
        report.error(at, f"{name} {found} is outside the subnet {pool.subnet}: choose an address inside it")
    elif found in pool.taken:
        report.error(at, f"{name} {found} is {pool.taken[found]} in {pool.subnet}: choose another address")
    else:
        return found
    return None


def _check_pool_count(report: Report, facts: NetworkFacts) -> None:
    if (text(facts.body, "driver") or "bridge") != "bridge":
        return
    for version in (4, 6):
        for pool in [pool for pool in facts.pools if pool.subnet.version == version][1:]:
            report.error(pool.at, f"a bridge network has one IPv{version} subnet at most: make {pool.subnet} a network of its own")


def _check_families(report: Report, facts: NetworkFacts) -> None:
    body = facts.body
    enabled = {version: flag(body.get(f"enable_ipv{version}")) for version in (4, 6)}
    for pool in facts.pools:
        version = pool.subnet.version
        if enabled[version] is False:
            report.error(pool.at, f"an IPv{version} subnet on a network with enable_ipv{version}: false: remove one of them")
        elif version == 6 and enabled[6] is None:
            report.warn(pool.at, "an IPv6 subnet without enable_ipv6: true: containers get no IPv6 address from it")
    if enabled[4] is False and enabled[6] is not True:
        report.error(body.value_at("enable_ipv4"), "a network without IPv4 needs enable_ipv6: true")


# --- options and labels ----------------------------------------------------------------------------------------------------


def check_options(report: Report, options: Map) -> None:
    """Keys and values of driver options."""
    for key, value in options.items():
        _check_pair(report, key, options.key_at(key), value, options.value_at(key), "driver option")


def check_labels(report: Report, body: Map) -> None:
    """Labels in either form."""
    labels = body.get("labels")
    if isinstance(labels, Map):
        for key, value in labels.items():
            _check_pair(report, key, labels.key_at(key), value, labels.value_at(key), "label")
    elif isinstance(labels, Seq):
        seen: set[str] = set()
        for index, item in enumerate(labels):
            if not isinstance(item, str):
                continue
            at, (key, _, value) = labels.value_at(index), item.partition("=")
            _check_pair(report, key, at, value, at, "label")
            if key in seen:
                report.error(at, f"the label {show(key)} is declared twice: remove one of them")
            seen.add(key)


def _check_pair(report: Report, key: str, key_at: int, value: Any, at: int, what: str) -> None:
    if not key or not key.isprintable() or key != key.strip():
        report.error(key_at, f"the {what} {show(key)} has no usable name: write one without control characters and outer spaces")
    elif key.startswith(RESERVED):
        report.error(key_at, f"the {what} {show(key)} is reserved: names that begin with {RESERVED!r} are netplan's own marks")
    if isinstance(value, Odd):
        report.error(at, f"the value {show(value)} is {value.kind} to YAML, not text: put it in quotes")
    elif isinstance(value, str) and _UNUSUAL.search(value):
        report.error(at, f"the value {show(value)} holds a control character: remove it")


def _check_known_options(report: Report, facts: NetworkFacts) -> None:
    body, options = facts.body, mapping(facts.body, "driver_opts")
    if body.get("mtu") is not None and MTU_OPTION in options:
        report.error(body.key_at("mtu"), f"'mtu' stands beside the driver option {MTU_OPTION!r}, which it is short for: remove one of them")
    if (name := options.get(BRIDGE_NAME_OPTION)) is not None:
        _check_bridge_name(report, options.value_at(BRIDGE_NAME_OPTION), str(name))
    if text(body, "driver") in ("macvlan", "ipvlan") and not options.get("parent") and flag(body.get("internal")) is not True:
        report.warn(
            body.value_at("driver"), f"{body['driver']} without the driver option 'parent': nothing outside this machine can be reached"
        )


def _check_bridge_name(report: Report, at: int, name: str) -> None:
    if name == "docker0":
        report.error(at, "'docker0' is the bridge of the engine's own network, which would break: choose another name")
    elif not _INTERFACE.match(name):
        report.error(at, f"{show(name)} cannot name a bridge: 1 to 15 characters without spaces, '/' and ':' are allowed")


# --- networks among each other -----------------------------------------------------------------------------------------------


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
            report.error(at, f"the bridge {show(name)} is that of {where} already: choose another name")


def _check_overlap(report: Report, networks: Iterable[NetworkFacts]) -> None:
    """Ranges in CIDR notation are disjoint or nested, so each is compared with the widest that began before it."""
    pools = [(pool, network) for network in networks if _engine_hands_out(network.body) for pool in network.pools]
    pools.sort(key=lambda item: (item[0].subnet.version, int(item[0].subnet.network_address), item[0].subnet.prefixlen, item[0].at))
    widest: tuple[PoolFacts, NetworkFacts] | None = None
    for item in pools:
        if widest is None or not _contains(widest[0].subnet, item[0].subnet):
            widest = item
            continue
        (other, owner), (pool, network) = sorted((widest, item), key=lambda each: each[0].at)
        whose = "the same network" if owner is network else f"network {show(owner.key)}"
        report.error(
            pool.at, f"{pool.subnet} overlaps {other.subnet} of {whose} in line {report.line(other.at)}: give one of them another range"
        )


def _contains(outer: Prefix, inner: Prefix) -> bool:
    return outer.version == inner.version and inner.network_address in outer


def _engine_hands_out(body: Mapping[str, Any]) -> bool:
    ipam = body.get("ipam")
    return not isinstance(ipam, Map) or ipam.get("driver") in (None, "default")

"""What containers and networks together probably do not mean: warnings. As in network_checks.py,
nothing is trusted to fit the schema.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from ..fast_dataclasses import dataclass, field
from .addresses import Address, BadAddressError, Prefix, address
from .attachment_checks import STATIC, attachments
from .container_reader import Service
from .document import Map, show
from .engine_names import DEFAULT
from .network_checks import NetworkFacts
from .pool_checks import PoolFacts
from .report import Report, mapping, members, text
from .schema import flag

_NO_NAT = ("macvlan", "ipvlan")
"""Drivers whose containers are machines of the outer network: there is nothing to publish from."""
_GATEWAY_MODE = "com.docker.network.bridge.gateway_mode_ipv4"


def advise(
    report: Report,
    containers: Map,
    networks: Mapping[str, NetworkFacts],
    services: Iterable[Service],
) -> None:
    """All such warnings."""
    _check_ranges(report, containers, networks)
    for service in services:
        _check_reachable(report, service, networks)
        _check_routed(report, service, networks)


# --- static and dynamic addresses of one range ----------------------------------------------------


@dataclass
class _Addresses:
    """Of one network and family: static addresses with their place, and the first container with a
    dynamic one.
    """

    static: list[tuple[int, Address]] = field(default_factory=list)
    dynamic: str = ""


def _check_ranges(report: Report, containers: Map, networks: Mapping[str, NetworkFacts]) -> None:
    """The engine hands out addresses of the whole subnet, one after the other, unless it is given a
    range.
    """
    found = _addresses(containers)
    for (key, version), addresses in found.items():
        network = networks.get(key)
        if network is None or not addresses.dynamic or network.foreign_ipam:
            continue
        if clash := _first_in_reach(addresses.static, network.pools, version):
            at, static, pool = clash
            why = f"{show(addresses.dynamic)} may get it first, as its address is dynamic"
            mend = f"add {_spare(pool, addresses.static)} beside subnet {pool.subnet}"
            report.warn(
                at, f"{static} is one of those that the engine hands out, and {why}: {mend}"
            )


def _addresses(containers: Map) -> dict[tuple[str, int], _Addresses]:
    found: dict[tuple[str, int], _Addresses] = defaultdict(_Addresses)
    for name, _, body in members(containers):
        for key, settings in _joined(body) if isinstance(body, Map) else ():
            for setting, version in STATIC.items():
                addresses = found[key, version]
                if (written := text(settings, setting)) is None:
                    addresses.dynamic = addresses.dynamic or name
                    continue
                with suppress(BadAddressError):
                    addresses.static.append((settings.value_at(setting), address(written, version)))
    return found


def _joined(body: Map) -> Iterator[tuple[str, Map]]:
    """Key and settings of each attachment, also of the one that nothing is said about."""
    if "image" in body and body.get("networks") is None and body.get("network_mode") is None:
        yield DEFAULT, Map()
    for key, _, settings in attachments(body):
        yield key, settings


def _first_in_reach(
    static: Iterable[tuple[int, Address]], pools: Iterable[PoolFacts], version: int
) -> tuple[int, Address, PoolFacts] | None:
    open_pools = [
        pool for pool in pools if pool.ip_range is None and pool.subnet.version == version
    ]
    return next(
        ((at, found, pool) for at, found in static for pool in open_pools if found in pool.subnet),
        None,
    )


def _spare(pool: PoolFacts, static: Iterable[tuple[int, Address]]) -> str:
    """A range for the dynamic ones: the largest part of the subnet, from its end on, that holds
    nothing else.
    """
    busy: set[Address] = {found for _, found in static} | (
        pool.taken.keys() - {pool.subnet.broadcast_address}
    )
    for bits in (1, 2, 3) if pool.subnet.prefixlen <= pool.subnet.max_prefixlen - 5 else ():
        parts: list[Prefix] = list(pool.subnet.subnets(prefixlen_diff=bits))
        for part in reversed(parts):
            if not any(found in part for found in busy):
                return f"ip_range: {part}"
    return "an ip_range without static addresses"


# --- ports that lead nowhere ----------------------------------------------------------------------


def _check_reachable(
    report: Report, service: Service, networks: Mapping[str, NetworkFacts]
) -> None:
    keys = {key for key, _ in _joined(service.body)}
    if service.mode or not keys or not all(_publishes_nothing(networks.get(key)) for key in keys):
        return
    for setting in ("ports", "publish_all"):
        if service.settings.get(setting):
            which = f"network {show(next(iter(keys)))} is" if len(keys) == 1 else "its networks are"
            why = f"{which} internal, macvlan or ipvlan, and engines publish nothing from there"
            mend = (
                f"attach {show(service.name)} to an ordinary network too, or remove {show(setting)}"
            )
            report.warn(
                service.body.key_at(setting),
                f"{show(setting)} cannot be reached from outside: {why}: {mend}",
            )


def _check_routed(report: Report, service: Service, networks: Mapping[str, NetworkFacts]) -> None:
    """Of a network with `gateway_mode_ipv4: routed` an engine opens the container's port, and maps
    none of the host to it.
    """
    found = [networks.get(key) for key, _ in _joined(service.body)]
    routed = [network for network in found if network and _is_routed(network)]
    at = next((at for port, at in service.published if port.host and ":" not in port.address), None)
    if (
        service.mode
        or at is None
        or not routed
        or not all(n and (_is_routed(n) or _publishes_nothing(n)) for n in found)
    ):
        return
    why = (
        f"network {show(routed[0].key)} is routed, and its containers are reached at their own"
        " addresses"
    )
    report.warn(
        at,
        f"no IPv4 port of the host leads to {show(service.name)}: {why}: write the port inside the"
        " container alone",
    )


def _is_routed(network: NetworkFacts) -> bool:
    return (
        not network.external
        and text(mapping(network.body, "driver_opts"), _GATEWAY_MODE) == "routed"
    )


def _publishes_nothing(network: NetworkFacts | None) -> bool:
    """Of an external network it is not known."""
    if network is None or network.external:
        return False
    return flag(network.body.get("internal")) is True or (text(network.body, "driver") in _NO_NAT)

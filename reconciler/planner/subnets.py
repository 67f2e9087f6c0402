"""Arithmetic on subnets: which overlap, and which one is free."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from ..model import ObservedNetwork
from ..settings import FAMILIES, Settings

IpNetwork = IPv4Network | IPv6Network
_PRIVATE = tuple(
    ip_network(p) for p in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8")
)


@lru_cache(maxsize=8192)
def parsed(prefix: str) -> IpNetwork:
    """A prefix as a value; one plan asks many times about the same few. Raises ValueError."""
    return ip_network(prefix, strict=False)


def subnets_of(settings: Settings) -> tuple[str, ...]:
    """Every subnet of a network, IPv4 first."""
    found: list[str] = []
    for family in FAMILIES:
        value = settings.get(f"{family}.subnet", ())
        found.extend(value if isinstance(value, tuple) else ())
    return tuple(found)


def shares_address_space(network: ObservedNetwork) -> bool:
    """Whether its subnets exclude others on this engine: a swarm's networks have a space of their
    own, host and none have no subnets.
    """
    driver = network.settings.get("driver", "bridge")
    return network.scope != "swarm" and driver not in ("overlay", "host", "null")


def in_swarm(network: ObservedNetwork) -> bool:
    """Whether its subnets are in the address space of a swarm."""
    return network.settings.get("driver") == "overlay"


def overlapping(
    tagged: Iterable[tuple[str, str]],
) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Pairs of (prefix, tag) whose prefixes overlap, by a sweep: near linear where few do."""
    entries = sorted((_bounds(prefix), prefix, tag) for prefix, tag in tagged)
    active: list[tuple[tuple[int, int, int], str, str]] = []
    for entry in entries:
        (version, start, _), prefix, tag = entry
        active = [other for other in active if other[0][0] == version and other[0][2] >= start]
        for other in active:
            yield (other[1], other[2]), (prefix, tag)
        active.append(entry)


def _bounds(prefix: str) -> tuple[int, int, int]:
    network = parsed(prefix)
    return network.version, int(network.network_address), int(network.broadcast_address)


def free_subnet(like: str, taken: Iterable[str]) -> str | None:
    """The next subnet of the same size in the same private range (or the surrounding /8) that
    overlaps none of `taken`.
    """
    wanted = parsed(like)
    others = [other for other in (parsed(t) for t in taken) if other.version == wanted.version]
    home = next((p for p in _PRIVATE if p.version == wanted.version and wanted.subnet_of(p)), None)  # type: ignore[arg-type]
    if home is None:
        home = wanted.supernet(new_prefix=min(8, wanted.prefixlen))
    size, first, span = wanted.num_addresses, int(home.network_address), home.num_addresses
    start = int(wanted.network_address) - first
    tried = 0
    offset = (start + size) % span
    while tried < 4096 and offset != start:
        low = first + offset
        blocker = max(
            (int(o.broadcast_address) for o in others if _meets(o, low, low + size - 1)),
            default=None,
        )
        if blocker is None:
            return str(type(wanted)((low, wanted.prefixlen)))
        after = -(-(blocker + 1 - first) // size) * size
        offset = after % span if after < span else 0
        tried += 1
    return None


def _meets(network: IpNetwork, low: int, high: int) -> bool:
    return int(network.network_address) <= high and low <= int(network.broadcast_address)

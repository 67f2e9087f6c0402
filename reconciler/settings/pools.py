"""The pools of addresses of a network, and its settings that say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from ..fast_dataclasses import dataclass
from .values import FAMILIES, Settings, Value, family_of


@dataclass(frozen=True, slots=True, order=True)
class Pool:
    """One range of addresses that a network hands out; every part canonical. `aux_addresses` is
    sorted by host.
    """

    subnet: str
    gateway: str | None = None
    ip_range: str | None = None
    aux_addresses: tuple[tuple[str, str], ...] = ()


def pool_settings(pools: Iterable[Pool]) -> dict[str, Value]:
    """Pools as settings."""
    result: dict[str, Value] = {}
    by_family: dict[str, list[Pool]] = {}
    for pool in pools:
        by_family.setdefault(family_of(pool.subnet), []).append(pool)
    for family, members in sorted(by_family.items()):
        result[f"{family}.subnet"] = tuple(sorted(pool.subnet for pool in members))
        for pool in sorted(members):
            where = f"[{pool.subnet}]" if len(members) > 1 else ""
            if pool.gateway:
                result[f"{family}.gateway{where}"] = pool.gateway
            if pool.ip_range:
                result[f"{family}.ip_range{where}"] = pool.ip_range
            for host, address in pool.aux_addresses:
                result[f"{family}.aux_addresses{where}.{host}"] = address
    return result


def settings_pools(settings: Settings) -> tuple[Pool, ...]:
    """The inverse of `pool_settings`: IPv4 first, then IPv6, each by subnet."""
    return tuple(_pools(settings))


def _pools(settings: Settings) -> Iterator[Pool]:
    for family in FAMILIES:
        subnets = settings.get(f"{family}.subnet", ())
        assert isinstance(subnets, tuple)
        for subnet in subnets:
            where = f"[{subnet}]" if len(subnets) > 1 else ""
            aux = f"{family}.aux_addresses{where}."
            yield Pool(
                subnet,
                _text(settings.get(f"{family}.gateway{where}")),
                _text(settings.get(f"{family}.ip_range{where}")),
                tuple(
                    sorted(
                        (path[len(aux) :], str(value))
                        for path, value in settings.items()
                        if path.startswith(aux)
                    )
                ),
            )


def _text(value: Value | None) -> str | None:
    return None if value is None else str(value)


def implicit_gateway(
    subnet: IPv4Network | IPv6Network, ip_range: IPv4Network | IPv6Network | None
) -> IPv4Address | IPv6Address | None:
    """The address that an engine takes as gateway when none is declared: the first that can be
    given of what it hands out.

    Measured on Docker 20.10 and 28.5: the first of `ip_range` if there is one; in a /31 the very
    first address.
    """
    first = (ip_range or subnet).network_address
    small = subnet.version == 4 and subnet.prefixlen >= 31
    if first == subnet.network_address and not small:
        first += 1
    usable = first in subnet and (small or subnet.version == 6 or first != subnet.broadcast_address)
    return first if usable else None


def chosen(settings: Settings) -> Settings:
    """A network's settings without a gateway that the engine takes by itself: some engines tell it
    only after their next start.
    """
    own = [
        path
        for family in FAMILIES
        if (path := f"{family}.gateway") in settings and _own_gateway(settings, family)
    ]
    return {path: value for path, value in settings.items() if path not in own} if own else settings


def _own_gateway(settings: Settings, family: str) -> bool:
    subnets, ip_range = settings.get(f"{family}.subnet"), settings.get(f"{family}.ip_range")
    if not isinstance(subnets, tuple) or len(subnets) != 1:
        return False
    gateway = implicit_gateway(
        ip_network(subnets[0]), ip_network(str(ip_range)) if ip_range else None
    )
    return settings[f"{family}.gateway"] == str(gateway)

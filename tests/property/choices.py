"""A source of choices, and what it chooses from: names, subnets and the settings that somebody may
write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import islice
from typing import TypeVar

from reconciler.settings import BRIDGE_NAME_OPTION, MTU_OPTION, Pool, Settings, Value, pool_settings

from .pools import FAMILIES

T = TypeVar("T")
OURS, OTHER = "ours", "other"


@dataclass(frozen=True)
class Space:
    """The names and addresses to choose from."""

    networks: tuple[str, ...] = ("a", "b", "c")
    containers: tuple[str, ...] = ("w", "x", "y", "z")
    subnets: tuple[str, ...] = (
        "10.0.1.0/24",
        "10.0.1.0/29",
        "10.0.2.0/29",
        "10.0.0.0/16",
        "172.18.0.0/16",
        "10.0.3.0/24",
    )
    subnets6: tuple[str, ...] = ("fd00:1::/64", "fd00:2::/64")
    bridges: tuple[str, ...] = ("br1", "br2")
    modes: tuple[str, ...] = (
        "bridge",
        "bridge",
        "default",
        "none",
        "host",
        "container",
        "name",
        "name",
        "id",
    )
    owners: tuple[str | None, ...] = (OURS, OURS, None, OTHER)
    twins: bool = True
    """Whether two networks of one name may exist."""
    length: int = 14
    """How many calls at most an engine sees after its networks and containers are made."""


class Choose:
    """A source of choices; the first option is the simplest."""

    def __init__(self, below: Callable[[int], int]) -> None:
        self._below = below

    def one(self, options: Sequence[T]) -> T:
        return options[self._below(len(options))] if len(options) > 1 else options[0]

    def chance(self, percent: int) -> bool:
        return self._below(100) >= 100 - percent

    def some(self, options: Sequence[T], percent: int) -> list[T]:
        return [option for option in options if self.chance(percent)]


def network_settings(choose: Choose, space: Space) -> dict[str, Value]:
    """What somebody may write about a network."""
    pools = []
    if choose.chance(75):
        pools.append(_pool(choose, choose.one(space.subnets)))
    values: dict[str, Value] = {}
    if choose.chance(20):
        pools.append(_pool(choose, choose.one(space.subnets6)))
        values["enable_ipv6"] = not choose.chance(10)
    elif choose.chance(3):
        values["enable_ipv6"] = True
    optional: dict[str, Sequence[Value]] = {
        "internal": (False, True),
        "attachable": (False, True),
        "labels.team": ("net", "web"),
        f"driver_opts.{MTU_OPTION}": ("1400", "1450"),
        f"driver_opts.{BRIDGE_NAME_OPTION}": space.bridges,
    }
    values |= {path: choose.one(options) for path, options in optional.items() if choose.chance(15)}
    if choose.chance(4):
        values["enable_ipv4"] = choose.one((True, False))
    if values.get("enable_ipv4") is False:
        pools = [pool for pool in pools if ":" in pool.subnet]
        values["enable_ipv6"] = True
    return values | pool_settings(pools)


def _pool(choose: Choose, subnet: str) -> Pool:
    space = ip_network(subnet)
    gateway = str(space[choose.one((1, 1, 6))]) if choose.chance(30) else None
    ip_range = None
    if (
        choose.chance(8) and space.num_addresses > 64
    ):  # 20.10 cannot take the gateway from the far half of an IPv6 subnet
        longer = 96 if space.version == 6 else space.prefixlen + 1
        ip_range = str(choose.one(list(islice(space.subnets(new_prefix=longer), 2))))
    aux = (("printer", str(space[5])),) if choose.chance(8) else ()
    return Pool(subnet, gateway, ip_range, aux)


def endpoint_settings(
    choose: Choose, pools: Sequence[Pool], implied: Sequence[str]
) -> dict[str, Value]:
    """What somebody may write about an endpoint on a network with these pools."""
    values: dict[str, Value] = {}
    for pool in pools:
        if choose.chance(40):
            address = str(ip_network(pool.subnet)[choose.one((2, 3, 4, 1, 5))])
            values["ipv6_address" if ":" in address else "ipv4_address"] = address
    if (
        "ipv4_address" not in values
    ):  # one with IPv6 alone static and one with IPv4 alone static: no order is right for both
        values.pop("ipv6_address", None)
    aliases = [name for name in ("one", "two", *implied[:1]) if choose.chance(25)]
    if aliases:
        values["aliases"] = tuple(sorted(aliases))
    optional: dict[str, Sequence[Value]] = {
        "driver_opts.k": ("1", "2"),
        "link_local_ips": (("169.254.9.9",),),
        "gw_priority": (5, 7),
        "interface_name": ("eth7",),
    }
    return values | {
        path: choose.one(options) for path, options in optional.items() if choose.chance(6)
    }


def part(choose: Choose, settings: Settings) -> dict[str, Value]:
    """What of these settings a file may have declared: a pool's details not without its subnet."""
    kept = {path: value for path, value in settings.items() if choose.chance(70)}
    return {
        path: value
        for path, value in kept.items()
        if f"{path[:4]}.subnet" in kept or not path.startswith(FAMILIES)
    }

"""Which addresses an engine gives, and which it never does."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

from reconciler.settings import Pool, Settings

FAMILIES = ("ipv4", "ipv6")
ADDRESSES = {"ipv4": "ipv4_address", "ipv6": "ipv6_address"}
AUTOMATIC_POOLS = tuple(f"172.{n}.0.0/16" for n in range(17, 32)) + tuple(
    f"192.168.{n}.0/20" for n in range(0, 256, 16)
)


def engine_chooses(settings: Settings) -> bool:
    """Whether the engine chooses a subnet of a network made so: another network could take it while
    this one is replaced.
    """
    return "ipv4.subnet" not in settings or (
        settings.get("enable_ipv6") is True and "ipv6.subnet" not in settings
    )


def reserved(pool: Pool) -> frozenset[str]:
    """The addresses of a pool that no endpoint gets: network, broadcast, gateway, auxiliary ones
    (engine facts 3).
    """
    subnet = ip_network(pool.subnet)
    result = {str(subnet.network_address), *(address for _, address in pool.aux_addresses)}
    if subnet.version == 4:
        result.add(str(subnet.broadcast_address))
    return frozenset(result | {pool.gateway or implicit_gateway(pool)})


def implicit_gateway(pool: Pool) -> str:
    """What an engine takes for a gateway where none is given: the first address of the range
    (replayed).
    """
    subnet = ip_network(pool.subnet)
    first = ip_network(pool.ip_range).network_address if pool.ip_range else subnet.network_address
    return str(first if first != subnet.network_address else subnet[1])


def lowest(pool: Pool, used: frozenset[str]) -> str | None:
    space: IPv4Network | IPv6Network = ip_network(pool.ip_range or pool.subnet)
    return next(
        (
            text
            for n in range(min(space.num_addresses, 4096))
            if (text := str(space[n])) not in used
        ),
        None,
    )


def version_of(text: str) -> int:
    return 6 if ":" in text else 4


def within(inner: str, outer: str) -> bool:
    return ip_network(inner).subnet_of(ip_network(outer))  # type: ignore[arg-type]

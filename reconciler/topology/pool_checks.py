"""The rules for one pool of addresses, and for pools among each other."""

from __future__ import annotations

from collections.abc import Iterable

from ..fast_dataclasses import dataclass, field
from ..settings import implicit_gateway
from .addresses import Address, BadAddressError, Prefix, address, network_and_broadcast, prefix
from .document import Map, show
from .report import Report, check_word, mapping, text


@dataclass
class PoolFacts:
    """One pool whose subnet can be read. `taken` are the addresses that no endpoint can have, each
    with the reason.
    """

    subnet: Prefix
    at: int
    ip_range: Prefix | None = None
    taken: dict[Address, str] = field(default_factory=dict)


def read_pool(report: Report, entry: Map, isolated: bool) -> PoolFacts | None:
    """Reports what is wrong with a pool; None if its subnet cannot be read. `isolated`: the engine
    takes no gateway by itself.
    """
    written = text(entry, "subnet")
    if written is None:
        return None
    try:
        pool = PoolFacts(prefix(written), entry.value_at("subnet"))
    except BadAddressError as error:
        report.error(entry.value_at("subnet"), str(error))
        return None
    if pool.subnet.network_address.is_unspecified:
        why = (
            "stands for any range to engines, which choose one themselves: write the range you"
            " want, or remove the subnet"
        )
        report.error(pool.at, f"{pool.subnet} {why}")
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
        report.error(
            at, f"the range {found} is not inside the subnet {pool.subnet}: choose a part of it"
        )
    else:
        pool.ip_range = found


def _check_gateway(report: Report, entry: Map, pool: PoolFacts, isolated: bool) -> None:
    if (written := text(entry, "gateway")) is None:
        if (
            entry.get("gateway") is None
            and not isolated
            and (first := implicit_gateway(pool.subnet, pool.ip_range))
        ):
            pool.taken[first] = (
                "the address that the engine takes as gateway because none is declared"
            )
        return
    if found := _inside(report, entry, "gateway", written, pool, "the gateway", "a gateway"):
        pool.taken[found] = "the gateway"


def _check_aux(report: Report, entry: Map, pool: PoolFacts) -> None:
    addresses = mapping(entry, "aux_addresses")
    for host in addresses:
        check_word(report, addresses.key_at(host), host, "aux address")
        if (written := text(addresses, host)) is None:
            continue
        if found := _inside(
            report, addresses, host, written, pool, "the aux address", "an aux address"
        ):
            pool.taken[found] = f"the aux address of {show(host)}"


def _inside(
    report: Report, body: Map, key: str, written: str, pool: PoolFacts, name: str, what: str
) -> Address | None:
    """The address under `key` if it can be used in the pool; otherwise that is reported."""
    at = body.value_at(key)
    try:
        found = address(written, what=what)
    except BadAddressError as error:
        report.error(at, str(error))
        return None
    if found not in pool.subnet:
        report.error(
            at, f"{name} {found} is outside the subnet {pool.subnet}: choose an address inside it"
        )
    elif found in pool.taken:
        report.error(
            at, f"{name} {found} is {pool.taken[found]}: choose another address in {pool.subnet}"
        )
    else:
        return found
    return None


def check_overlap(report: Report, pools: Iterable[tuple[PoolFacts, str]]) -> None:
    """Reports each pool that overlaps one declared before it; the pools come with the name of their
    network.

    Ranges in CIDR notation are disjoint or nested: in order of their first address, those around
    the current one form a stack.
    """
    clashes: dict[int, tuple[PoolFacts, str, PoolFacts, str]] = {}
    around: list[tuple[PoolFacts, str]] = []
    for pool, owner in sorted(pools, key=lambda item: (*_begin(item[0].subnet), item[0].at)):
        while around and not _contains(around[-1][0].subnet, pool.subnet):
            around.pop()
        for other, other_owner in around:
            clash = (
                (pool, owner, other, other_owner)
                if pool.at > other.at
                else (other, other_owner, pool, owner)
            )
            known = clashes.setdefault(clash[0].at, clash)
            if clash[2].at < known[2].at:
                clashes[clash[0].at] = clash
        if not around or around[-1][0].subnet != pool.subnet:
            around.append((pool, owner))
    for at, (pool, owner, other, other_owner) in clashes.items():
        whose = "the same network" if owner == other_owner else f"network {show(other_owner)}"
        report.error(
            at,
            f"{pool.subnet} overlaps {other.subnet} of {whose} in line {report.line(other.at)}:"
            " give one of them another range",
        )


def _begin(subnet: Prefix) -> tuple[int, int, int]:
    return subnet.version, int(subnet.network_address), subnet.prefixlen


def _contains(outer: Prefix, inner: Prefix) -> bool:
    return outer.version == inner.version and inner.network_address in outer

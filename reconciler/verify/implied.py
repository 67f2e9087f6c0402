"""What a topology promises without a word of `expect:`.

n containers are n² pairs: promises are about groups, those of a network and those that are on the
same networks, and `expand` makes the pairs of one where they are wanted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Literal

from ..expectations import HOST, OUTSIDE, Expectation
from ..fast_dataclasses import dataclass
from .answers import Answer, across, listed
from .judge import judge, published
from .world import Segment, Station, World

Kind = Literal["together", "nameless", "apart", "sealed", "loopback", "shared", "published"]


@dataclass(frozen=True, slots=True)
class Promise:
    """One sentence about `containers`.

    `kind`: on `network` they reach each other by name and alias (`together`), or without names
    (`nameless`); they share no network with any of `others` (`apart`); they have no way out
    (`sealed`), only lo (`loopback`), or the namespace of `others` (`shared`); the machine reaches
    `port` of them (`published`). `pairs` is how many expectations it stands for.
    """

    kind: Kind
    containers: tuple[str, ...]
    network: str = ""
    others: tuple[str, ...] = ()
    port: str = ""
    pairs: int = 1

    def __str__(self) -> str:
        who = listed(self.containers)
        match self.kind:
            case "together":
                return f"{who} reach each other by name and alias ({self.network})"
            case "nameless":
                return f"{who} reach each other by address, not by name (default bridge)"
            case "apart":
                return f"{who} -/> {listed(self.others)}"
            case "sealed":
                return f"{who} -/> {OUTSIDE}"
            case "loopback":
                return f"{who}: only lo"
            case "shared":
                return f"{who}: the address of {self.others[0]}"
            case _:
                return f"{HOST} -> {who}:{self.port}"


def implied(world: World) -> tuple[Promise, ...]:
    """All promises of a topology, in the order of its file."""
    return (
        *_by_network(world),
        *_apart(world),
        *_by_container(world),
    )


def _by_network(world: World) -> Iterator[Promise]:
    for name, segment in world.segments.items():
        members = world.members.get(name, ())
        if len(members) > 1:
            kind: Kind = "together" if segment.names else "nameless"
            yield Promise(kind, members, name, pairs=len(members) * (len(members) - 1))


def _classes(world: World) -> dict[frozenset[str], list[str]]:
    """Containers with interfaces of their own, by the set of their networks."""
    found: dict[frozenset[str], list[str]] = defaultdict(list)
    for name, station in world.stations.items():
        if station.kind == "networks" and station.name == name and station.segments:
            found[frozenset(station.segments)].append(name)
    return found


def _apart(world: World) -> Iterator[Promise]:
    """For each set of networks who is on none of them, the others that come later in the file."""
    classes = [(networks, tuple(found)) for networks, found in _classes(world).items()]
    for place, (networks, containers) in enumerate(classes):
        others = tuple(
            name
            for other, found in classes[place + 1 :]
            if networks.isdisjoint(other)
            for name in found
        )
        if others:
            pairs = 2 * len(containers) * len(others)
            yield Promise("apart", containers, others=others, pairs=pairs)


def _by_container(world: World) -> Iterator[Promise]:
    sealed = [name for name, station in world.stations.items() if _sealed(world, name, station)]
    if sealed:
        yield Promise("sealed", tuple(sealed), pairs=len(sealed))
    for name, station in world.stations.items():
        if station.name != name:
            yield Promise("shared", (name,), others=(station.name,))
        elif station.kind == "none":
            yield Promise("loopback", (name,))
        elif station.kind == "networks":
            for port in published(world, name):
                if port.protocol in ("tcp", "udp"):
                    yield Promise("published", (name,), port=f"{port.inside}/{port.protocol}")


def _sealed(world: World, name: str, station: Station) -> bool:
    return (
        station.name == name
        and bool(station.segments)
        and all(world.segments[network].internal for network in station.segments)
    )


# --- the pairs ------------------------------------------------------------------------------------


def expand(world: World, promise: Promise) -> Iterator[Expectation]:
    """The expectations that a promise stands for, of which there may be many."""
    if promise.kind in ("together", "nameless"):
        for source in promise.containers:
            yield from _to_others(world, promise, source)
    elif promise.kind == "apart":
        for one, other in product(promise.containers, promise.others):
            yield _between(one, other, reaches=False)
            yield _between(other, one, reaches=False)
    else:
        yield from _of_each(world, promise)


def _of_each(world: World, promise: Promise) -> Iterator[Expectation]:
    """Of promises about each container alone."""
    for name in promise.containers:
        if promise.kind == "published":
            number, _, protocol = promise.port.partition("/")
            probe: Literal["tcp", "udp"] = "udp" if protocol == "udp" else "tcp"
            yield Expectation(HOST, name, probe=probe, port=int(number), target_container=name)
        elif promise.kind != "shared":
            yield Expectation(name, OUTSIDE, reaches=False, source_container=name)
        elif promise.others[0] in world.stations:
            yield _between(name, promise.others[0], by_address=True)


def _to_others(world: World, promise: Promise, source: str) -> Iterator[Expectation]:
    if promise.kind == "nameless":
        for other in promise.containers:
            if other != source:
                yield _between(source, other, by_address=True)
        return
    for name, holders in world.names[promise.network].items():
        if holders != (source,):
            target = name if name in world.stations else ""
            yield Expectation(source, name, source_container=source, target_container=target)


def _between(
    source: str, target: str, *, reaches: bool = True, by_address: bool = False
) -> Expectation:
    return Expectation(
        source,
        target,
        reaches,
        by_address=by_address,
        source_container=source,
        target_container=target,
    )


# --- judged ---------------------------------------------------------------------------------------


def promised(world: World, promise: Promise) -> Answer:
    """Whether a promise holds, as far as the topology decides it; never by its pairs."""
    match promise.kind:
        case "together" | "nameless":
            return _talk(world, promise)
        case "apart":
            return _separate(world, promise)
        case "sealed" | "published":
            every = [judge(world, one) for one in expand(world, promise)]
            return next((one for one in every if not one.value), every[0])
        case "loopback":
            return Answer(True, "network_mode: none")
        case _:
            known = promise.others[0] in world.stations
            why = f"network_mode: container:{promise.others[0]}"
            return Answer(True if known else None, why)


def _talk(world: World, promise: Promise) -> Answer:
    segment: Segment = world.segments[promise.network]
    if segment.talks is None:
        return Answer(None, f"the file does not know the settings of network {segment.name}")
    if segment.talks is False:
        return Answer(None, "names are known, but enable_icc: false keeps them apart there")
    if missing := next(filter(None, map(world.lasts, promise.containers)), ""):
        return Answer(None, missing)
    known = world.names[segment.name].keys() if segment.names else frozenset()
    for name in promise.containers:
        if own := sorted(world.station(name).asks & known):
            return Answer(None, f"extra_hosts or links of {name} say what {own[0]} is")
    return Answer(True, f"all are on {segment.name}")


def _separate(world: World, promise: Promise) -> Answer:
    """All of the first group are on the same networks; of the others one of each kind is asked."""
    for one, other in _different(world, promise.containers, promise.others):
        for found in (across(world, one, other), across(world, other, one)):
            if found.value is not False:
                return Answer(None, found.reason)
    return Answer(True, "they share no network, and the engine keeps bridges apart")


def _different(
    world: World, some: Sequence[str], others: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Pairs of which each stands for all that rules do not tell from it."""

    def kinds(names: Sequence[str]) -> list[str]:
        return list({world.traits[name]: name for name in names}.values())

    yield from product(kinds(some), kinds(others))

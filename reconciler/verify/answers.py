"""The rules of engines: which names a station knows, and which others it reaches.

Measured on Docker 20.10 and 28.5; where an engine, its machine or something outside the file
decides, the answer is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_network

from ..fast_dataclasses import dataclass, replace
from ..settings import address_of, settings_pools
from .world import DEFAULT_BRIDGE, Segment, Station, World

_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether it is so, why, and what would change it; `value` None: the topology does not decide
    it.
    """

    value: bool | None
    reason: str
    mend: str = ""

    def opened(self, reason: str) -> Answer:
        """Open, for that reason as well, where it was yes."""
        return replace(self, value=None, reason=reason) if self.value else self


def listed(names: Iterable[str]) -> str:
    """`a, b, c and 4 others`."""
    found = list(names)
    if len(found) <= _MOST_NAMES + 1:
        return " and ".join(filter(None, (", ".join(found[:-1]), found[-1]))) if found else "none"
    return f"{', '.join(found[:_MOST_NAMES])} and {len(found) - _MOST_NAMES} others"


def _where(name: str, station: Station) -> str:
    """`client is on office`."""
    networks = ["the default bridge" if one == DEFAULT_BRIDGE else one for one in station.segments]
    return f"{name} is on {listed(networks)}" if networks else f"{name} is on no network"


# --- names ----------------------------------------------------------------------------------------


def knows(world: World, source: str, name: str) -> Answer:
    """Whether a container can resolve a name."""
    station, word = world.station(source), name.lower()
    if unknown := _undeclared(station):
        return unknown
    if word in station.asks:
        return Answer(
            None, f"extra_hosts or links of {station.name} say what {name} is, not the engine"
        )
    if station.kind == "none":
        return _only_lo(source)
    here = [network for network in station.segments if word in world.names.get(network, {})]
    if named := [network for network in here if world.segments[network].names]:
        return Answer(True, f"{name} is a name on {listed(named)}")
    return _others_may_know(world, source, name) or _not_known(world, source, name)


def _others_may_know(world: World, source: str, name: str) -> Answer | None:
    """What somebody else than the engine may say of a name that it does not know."""
    station = world.station(source)
    if "." in name and name.lower() not in world.holders:
        why = f"{name} is a name outside the topology, for other name servers to know"
        return Answer(None, why)
    if station.kind == "host":
        why = f"{source} is on the engine's machine (host mode), which knows no names of containers"
        return Answer(False, why, "use a published port or an address")
    if not station.complete:
        return Answer(
            None,
            f"no network that the file attaches {source} to has the name {name}, and others may"
            f" ({source} is not managed by this file)",
        )
    if station.other_resolver:
        return Answer(None, f"{source} has name servers of its own (dns), which may know {name}")
    return None


def _not_known(world: World, source: str, name: str) -> Answer:
    station = world.station(source)
    holders = [one for one in world.holders.get(name.lower(), ()) if _named(world, one, name)]
    if not holders:
        return _nameless(world, source, name)
    holder = holders[0]
    other = world.station(holder)
    places = [one for one in other.segments if name.lower() in world.names.get(one, {})]
    usable = [one for one in places if world.segments[one].names]
    shared = [one.name for one in world.shared(station, other) if one.names]
    if shared:
        return Answer(
            False,
            f"{name} is a name of {holder} on {listed(usable)} only, where {source} is not",
            f"add aliases: [{name}] to {holder} on {shared[0]}",
        )
    if DEFAULT_BRIDGE in station.segments and DEFAULT_BRIDGE in other.segments:
        return _default_bridge()
    return Answer(
        False,
        f"they share no network: {_where(source, station)}, {_where(holder, other)}",
        f"attach {source} to {(usable or places)[0]}" if usable else "",
    )


def _named(world: World, container: str, name: str) -> bool:
    """Whether the container is called so where a name means something."""
    return any(
        name.lower() in world.names.get(one, {}) for one in world.station(container).segments
    )


def _default_bridge() -> Answer:
    return Answer(
        False,
        "Docker's default bridge knows no names",
        "attach both to a network of the file, or write (by address)",
    )


def _nameless(world: World, source: str, name: str) -> Answer:
    """A container that has no name anywhere."""
    if name not in world.stations:
        return Answer(False, f"nothing in the topology has the name {name} where {source} is")
    other = world.station(name)
    if other.name != name:
        why = f"{name} is in the network of {other.name}, and has no name of its own"
        return Answer(False, why, f"use the name {other.name}")
    if other.kind == "none":
        return _only_lo(name)
    why = f"{name} is on the engine's machine (host mode), so no network has its name"
    return Answer(False, why, "use an address of the machine")


# --- packets --------------------------------------------------------------------------------------


def reach(world: World, source: str, target: str) -> Answer:
    """Whether one container reaches another at one of its addresses."""
    one, other = world.station(source), world.station(target)
    if one.name == other.name and one.kind != "none":
        return Answer(True, "both are in one network namespace")
    if unknown := _undeclared(one) or _undeclared(other):
        return unknown
    for name, station in ((source, one), (target, other)):
        if station.kind == "none":
            return (
                Answer(True, f"both have the same lo, that of {one.name}")
                if one.name == other.name
                else _only_lo(name)
            )
    if one.kind == "host":
        return from_machine(world, target)
    if other.kind == "host":
        why = f"{target} has the addresses of the engine's machine, whose firewall decides"
        return Answer(None, why)
    return _by_segments(world, source, target)


def _undeclared(station: Station) -> Answer | None:
    if station.kind:
        return None
    return Answer(None, f"the file does not declare {station.name}, whose network it would be")


def _only_lo(name: str) -> Answer:
    return Answer(
        False, f"{name} has only lo (no network)", "give it networks in the place of none"
    )


def _by_segments(world: World, source: str, target: str) -> Answer:
    one, other = world.station(source), world.station(target)
    shared = world.shared(one, other)
    for value in (True, None):
        if found := [segment for segment in shared if segment.talks is value]:
            return _on(found[0])
    return across(world, source, target)


def _on(segment: Segment) -> Answer:
    """Of two members of one network."""
    name = "Docker's default bridge" if segment.kind == "default" else f"network {segment.name}"
    if segment.talks is None:
        return Answer(
            None, f"both are on {name}, whose settings the file does not know ({_kind(segment)})"
        )
    if segment.talks:
        return Answer(True, f"both are on {name}")
    return Answer(
        False, f"{name} keeps its containers apart (enable_icc: false)", "remove that driver option"
    )


def _called(segment: Segment) -> str:
    return "the default bridge" if segment.kind == "default" else f"network {segment.name}"


def _kind(segment: Segment) -> str:
    return segment.kind or "external, or the driver of a plugin"


def across(world: World, source: str, target: str) -> Answer:
    """Whether a container reaches another at an address on a network that it is not on."""
    one, other = world.station(source), world.station(target)
    if open_because := _open(world, source, one) or _open(world, target, other):
        return Answer(None, open_because)
    if exposed := [name for name in other.segments if world.segments[name].exposed]:
        return Answer(
            None, f"gateway_mode of network {exposed[0]} lets other networks in: routes decide"
        )
    if one.routes:
        return Answer(None, f"{source} may set routes of its own (NET_ADMIN or privileged)")
    if all(any(world.segments[name].ipv6 for name in station.segments) for station in (one, other)):
        return Answer(None, "not every engine keeps IPv6 networks apart")
    mute = [segment for segment in world.shared(one, other) if segment.talks is False]
    if mute:
        return _on(mute[0])
    return Answer(
        False,
        f"they share no network: {_where(source, one)}, {_where(target, other)}",
        f"attach {source} to {other.segments[0]}"
        if other.segments and other.segments[0] != DEFAULT_BRIDGE
        else "",
    )


def _open(world: World, name: str, station: Station) -> str:
    """Why it is not known what a station reaches beyond its networks, or nothing."""
    if not station.complete:
        return f"{name} is not managed by this file, and may be attached to other networks"
    for network in station.segments:
        segment = world.segments[network]
        if segment.kind not in ("bridge", "default"):
            return (
                f"what {name} reaches through network {network} is not for the engine to decide"
                f" ({_kind(segment)})"
            )
    return ""


def to_address(world: World, source: str, address: str) -> Answer:
    """Whether a container reaches an address."""
    station = world.station(source)
    if unknown := _undeclared(station):
        return unknown
    if station.kind == "none":
        return _only_lo(source)
    for container, network in world.addresses.get(address, ()):
        return _held(world, source, container, network)
    for network in station.segments:
        if network in world.state.networks and _within(world, network, address):
            return Answer(None, f"no container has {address} of network {network} by the file")
    left = outside(world, source)
    return left if left.value is False else Answer(None, f"routes to {address} are not known")


def _held(world: World, source: str, container: str, network: str) -> Answer:
    """Whether it reaches the address that a container has on a network."""
    station = world.station(source)
    if world.station(container).name == station.name:
        return Answer(True, "it is its own address")
    if station.kind == "host":
        return from_machine(world, container)
    if network in station.segments:
        return _on(world.segments[network])
    return across(world, source, container)


def _within(world: World, network: str, address: str) -> bool:
    found = address_of(address)
    pools = settings_pools(world.state.networks[network].settings)
    return any(found in ip_network(pool.subnet) for pool in pools)


def outside(world: World, source: str) -> Answer:
    """Whether a container has a way out of the topology. Yes is that the engine gives it one."""
    station = world.station(source)
    if unknown := _undeclared(station):
        return unknown
    if station.kind == "none":
        return _only_lo(source)
    if station.kind == "host":
        return Answer(None, f"{source} has the network of the engine's machine, which decides")
    segments = [world.segments[name] for name in station.segments]
    ways = [one for one in segments if not one.internal]
    for one in ways:
        if one.kind in ("bridge", "default") and one.translated and not one.hides:
            return Answer(
                True,
                f"{_called(one)} leads out: it is not internal",
                f"set internal: true on {one.name}",
            )
    if ways:
        return Answer(None, f"network {ways[0].name} may lead out ({_kind(ways[0])})")
    if not station.complete:
        return Answer(None, f"{source} is not managed by this file, and may be attached to others")
    return Answer(
        False,
        f"{source} is on internal networks only ({listed(station.segments)})",
        "attach it to a network that is not internal",
    )


# --- from the engine's machine --------------------------------------------------------------------


def from_machine(world: World, target: str) -> Answer:
    """Whether the engine's machine reaches a container at its address."""
    station = world.station(target)
    if unknown := _undeclared(station):
        return unknown
    if station.kind == "none":
        return _only_lo(target)
    if station.kind == "host":
        return Answer(True, f"{target} is on the engine's machine")
    segments: Sequence[Segment] = [world.segments[name] for name in station.segments]
    for one in segments:
        if one.kind in ("bridge", "default") and not one.hides:
            return Answer(True, f"the engine's machine has an address on {_called(one)}")
    if not station.complete:
        return Answer(None, f"{target} is not managed by this file, and may be attached to others")
    if segments and all(one.kind in ("macvlan", "ipvlan") for one in segments):
        why = f"a machine does not reach its own {segments[0].kind} containers"
        return Answer(False, f"{target} is on {listed(station.segments)}: {why}")
    return Answer(None, f"the machine may have no address where {target} is")

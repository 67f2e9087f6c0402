"""A topology as packets and names see it: stations (whatever has a network namespace) on segments
(networks).

What a file does not say is unknown, and a judge must not guess it: `complete` is whether the file
decides all attachments of a station, a `kind` that is empty is a driver that nobody declared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping

from ..fast_dataclasses import dataclass, field
from ..model import DesiredContainer, DesiredNetwork, DesiredState
from ..network_mode import read_mode
from ..settings import Settings

DEFAULT_BRIDGE = "bridge"
_OPTION = "driver_opts.com.docker.network.bridge."
_OPEN_MODES = ("nat-unprotected", "routed")
_RULES_ROUTES = ("NET_ADMIN", "ALL")
_PEERS = {"macvlan_mode": ("", "bridge"), "ipvlan_mode": ("", "l2", "l3")}
"""Modes of these drivers in which the containers of one network reach each other."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One network. `kind` is bridge, overlay, macvlan, ipvlan or default (Docker's own bridge);
    empty: not known.

    `talks`: whether its members reach each other; None: not known. `exposed`: its members are
    reached at their own addresses from other networks. `hides`: the engine's machine has no address
    there. `translated`: what leaves it has the machine's address.
    """

    name: str
    kind: str
    internal: bool = False
    talks: bool | None = True
    exposed: bool = False
    hides: bool = False
    translated: bool = True
    ipv6: bool = False

    @property
    def names(self) -> bool:
        """Whether the engine tells its members each other's names."""
        return self.kind != "default"


@dataclass(frozen=True, slots=True)
class Station:
    """A network namespace: that of the container `name`.

    `kind` is networks, host or none; empty: that of a container which the file does not declare.
    `segments` are its networks, `complete` if it has no others. `routes`: it may set routes of its
    own. `asks`: its resolver may know more than the engine does.
    """

    name: str
    kind: str
    segments: tuple[str, ...] = ()
    complete: bool = True
    routes: bool = False
    asks: frozenset[str] = frozenset()
    other_resolver: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """All of a topology. `station` maps a container to the one whose namespace it is in; `members`
    are the containers with an interface on a segment, `names` who has a name there, in lower case.
    `addresses` are the static ones, each with its containers and their networks, `holders` who has
    a name anywhere, `traits` what rules about containers that share no network ask of each.
    """

    state: DesiredState
    segments: Mapping[str, Segment]
    stations: Mapping[str, Station]
    members: Mapping[str, tuple[str, ...]]
    names: Mapping[str, Mapping[str, tuple[str, ...]]]
    addresses: Mapping[str, tuple[tuple[str, str], ...]]
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    traits: Mapping[str, Hashable] = field(default_factory=dict)

    def station(self, container: str) -> Station:
        """The namespace of a container."""
        return self.stations[container]

    def shared(self, one: Station, other: Station) -> tuple[Segment, ...]:
        """The networks that both are on."""
        there = {*other.segments}
        return tuple(self.segments[name] for name in one.segments if name in there)

    def lasts(self, container: str) -> str:
        """Why a container may not be there, or nothing."""
        found = self.state.containers[container]
        if found.optional:
            return f"{container} is optional, and may not exist"
        return f"{container} ends by itself (one_shot)" if found.one_shot else ""


def world_of(state: DesiredState) -> World:
    """The world that a topology declares."""
    segments = {name: _segment(one) for name, one in state.networks.items()}
    segments[DEFAULT_BRIDGE] = Segment(DEFAULT_BRIDGE, "default")
    stations = {name: _station(one, state.containers) for name, one in state.containers.items()}
    members: dict[str, list[str]] = defaultdict(list)
    names: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    addresses: dict[str, list[tuple[str, str]]] = defaultdict(list)
    holders: dict[str, list[str]] = defaultdict(list)
    for container in state.containers.values():
        if stations[container.name].name != container.name:
            continue
        for endpoint in container.endpoints:
            members[endpoint.network].append(container.name)
            for path in ("ipv4_address", "ipv6_address"):
                if path in endpoint.settings:
                    held = str(endpoint.settings[path])
                    addresses[held].append((container.name, endpoint.network))
            for name in _names(container, endpoint.network, endpoint.settings):
                found = names[endpoint.network][name.lower()]
                if container.name not in found:
                    found.append(container.name)
                    holders[name.lower()].append(container.name)
    return World(
        state,
        segments,
        stations,
        {name: tuple(found) for name, found in members.items()},
        {
            network: {name: tuple(who) for name, who in found.items()}
            for network, found in names.items()
        },
        {address: tuple(found) for address, found in addresses.items()},
        {name: tuple(dict.fromkeys(found)) for name, found in holders.items()},
        {name: _traits(station, segments) for name, station in stations.items()},
    )


def _traits(station: Station, segments: Mapping[str, Segment]) -> Hashable:
    on = (segments[name] for name in station.segments)
    kinds = frozenset((one.kind, one.exposed, one.ipv6) for one in on)
    return station.complete, station.routes, kinds


def _segment(network: DesiredNetwork) -> Segment:
    settings = network.settings
    kind = "" if network.external else str(settings.get("driver", "bridge"))
    if kind not in ("bridge", "overlay", "macvlan", "ipvlan"):
        return Segment(network.name, "", talks=None)
    internal = settings.get("internal") is True
    if kind != "bridge":
        modes = [
            str(settings.get(f"driver_opts.{option}", "")) in peers
            for option, peers in _PEERS.items()
        ]
        return Segment(
            network.name, kind, internal, True if all(modes) else None, hides=kind != "overlay"
        )
    options = {
        name: str(settings.get(_OPTION + name, ""))
        for name in ("enable_icc", "gateway_mode_ipv4", "gateway_mode_ipv6", "enable_ip_masquerade")
    }
    modes4 = (options["gateway_mode_ipv4"], options["gateway_mode_ipv6"])
    return Segment(
        network.name,
        kind,
        internal,
        talks=options["enable_icc"].lower() not in ("false", "0", "f"),
        exposed=any(mode in _OPEN_MODES for mode in modes4),
        hides="isolated" in modes4,
        translated=options["enable_ip_masquerade"].lower() not in ("false", "0", "f"),
        ipv6=settings.get("enable_ipv6") is True,
    )


def _station(container: DesiredContainer, every: Mapping[str, DesiredContainer]) -> Station:
    """The namespace of a container: another's, if it shares one."""
    owner, seen = container, {container.name}
    while owner.managed and owner.shares:
        if owner.shares not in every or owner.shares in seen:
            return Station(owner.shares, "", complete=False)
        owner = every[owner.shares]
        seen.add(owner.name)
    segments = tuple(dict.fromkeys(endpoint.network for endpoint in owner.endpoints))
    kind = "networks"
    if owner.managed and not segments:
        kind = {"host": "host"}.get(read_mode(owner.mode).kind, "none")
    settings = owner.settings
    capabilities = settings.get("cap_add", ())
    return Station(
        owner.name,
        kind,
        segments,
        owner.managed,
        settings.get("privileged") is True
        or any(one in _RULES_ROUTES for one in _texts(capabilities)),
        frozenset(_known_by_itself(owner)),
        "dns" in settings or not owner.managed,
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def _names(container: DesiredContainer, network: str, settings: Settings) -> Iterator[str]:
    """Under which the engine tells the other members of a network where it is."""
    yield container.name
    yield f"{container.name}.{network}"
    yield from _texts(settings.get("aliases"))
    if hostname := container.settings.get("hostname"):
        yield str(hostname)


def _known_by_itself(container: DesiredContainer) -> Iterator[str]:
    """Names that stand in its own files, or that old links give it."""
    for host in _texts(container.settings.get("extra_hosts")):
        yield host.partition(":")[0].partition("=")[0].lower()
    for endpoint in container.endpoints:
        for link in _texts(endpoint.settings.get("links")):
            yield link.rpartition(":")[2].lower()
            yield link.partition(":")[0].lower()

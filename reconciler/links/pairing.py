"""Each interface of a container with what it leads to: network, other end, bridge, parent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..fast_dataclasses import dataclass, replace
from ..model import ObservedContainer, ObservedEndpoint, ObservedState
from ..network_mode import read_mode
from .values import Link, Route, View

_UPON_A_PARENT = ("macvlan", "ipvlan", "macvtap", "ipvtap")
_OWN_NAMESPACES = ("overlay",)
"""Drivers that keep the other ends in network namespaces of their own."""


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface of a container. `peer` is the other end of its veth pair in the engine's own
    network namespace, `bridge` whose port that is; `parent` what a macvlan or ipvlan is upon. Each
    is the name of an interface, empty where there is none or it is not seen.
    """

    name: str
    index: int
    mac: str = ""
    mtu: int = 0
    state: str = ""
    kind: str = ""
    addresses: tuple[str, ...] = ()
    network: str = ""
    peer: str = ""
    peer_index: int = 0
    bridge: str = ""
    port_state: str = ""
    parent: str = ""


@dataclass(frozen=True, slots=True)
class ContainerLinks:
    """The interfaces and routes of one container. `shares` names the container in whose network
    namespace it is, or is `host`. `way` is how that was entered, `unseen` what cannot be seen, a
    sentence each.
    """

    container: str
    id: str
    shares: str = ""
    way: str = ""
    interfaces: tuple[Interface, ...] = ()
    routes: tuple[Route, ...] = ()
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What looking into one namespace gave: a view and the way in, or why there is none."""

    view: View | None = None
    way: str = ""
    reason: str = ""


def owner_of(container: ObservedContainer, by_id: Mapping[str, ObservedContainer]) -> str:
    """The ID of the container in whose network namespace this one is; empty for the engine's
    own.
    """
    for _ in by_id:
        mode = read_mode(container.network_mode)
        if mode.kind == "host":
            return ""
        if not mode.shares:
            break
        other = by_id.get(mode.shares)
        if other is None:
            return mode.shares
        container = other
    return container.id


def links_of(
    observed: ObservedState,
    containers: Iterable[ObservedContainer],
    seen: Mapping[str, Seen],
    engine: Seen,
) -> list[ContainerLinks]:
    """The links of these containers, by name. `seen` is by the ID of the namespace's owner."""
    by_id = {container.id: container for container in observed.containers}
    pairing = _Pairing(observed, engine.view)
    rows = [
        pairing.container(one, by_id, engine if (id := owner_of(one, by_id)) == "" else seen[id])
        for one in containers
    ]
    return sorted(rows, key=lambda row: (row.container, row.id))


class _Pairing:
    """Pairs interfaces with those of the engine's own namespace."""

    def __init__(self, observed: ObservedState, engine: View | None) -> None:
        self._engine = engine
        self._outer = {link.index: link for link in engine.links} if engine else {}
        self._drivers = {
            network.name: str(network.settings.get("driver", "")) for network in observed.networks
        }
        self._bridges = {
            str(network.settings.get("driver_opts.com.docker.network.bridge.name", ""))
            or f"br-{network.id[:12]}": network.name
            for network in observed.networks
        }

    def container(
        self, container: ObservedContainer, by_id: Mapping[str, ObservedContainer], seen: Seen
    ) -> ContainerLinks:
        """The row of one container."""
        owner_id = owner_of(container, by_id)
        owner = by_id.get(owner_id, container)
        shares = "" if owner is container else owner.name
        if not owner_id:
            shares = "host"
        if seen.view is None:
            why = seen.reason or "it was not looked at"
            return ContainerLinks(container.name, container.id, shares, unseen=(why,))
        if not owner_id:
            interfaces = [self._own(link) for link in seen.view.links]
        else:
            interfaces = [self._inner(link, owner.endpoints) for link in seen.view.links]
        unseen = (*seen.view.unseen, *self._unseen(interfaces, owner if owner_id else None))
        return ContainerLinks(
            container.name,
            container.id,
            shares,
            seen.way,
            tuple(interfaces),
            seen.view.routes,
            unseen,
        )

    def _own(self, link: Link) -> Interface:
        """One of the engine's own."""
        bridge = self._outer.get(link.master)
        return _interface(link, bridge=bridge.name if bridge else "", port_state=link.port_state)

    def _inner(self, link: Link, endpoints: Sequence[ObservedEndpoint]) -> Interface:
        """One inside a container."""
        network, other = _network(link, endpoints), self._outer.get(link.peer)
        driver = self._drivers.get(network, "")
        if driver in _UPON_A_PARENT:  # a shell does not tell it from an end of a veth pair
            link = replace(link, kind=driver)
        if other is None or driver in _OWN_NAMESPACES:
            return _interface(link, network)
        if link.kind in _UPON_A_PARENT:
            return _interface(link, network, parent=other.name)
        if other.peer != link.index:  # one of that number, which is no end of this pair
            return _interface(link, network)
        bridge = self._outer.get(other.master)
        return _interface(
            link,
            network or self._bridges.get(bridge.name if bridge else "", ""),
            peer=other.name,
            bridge=bridge.name if bridge else "",
            port_state=other.port_state,
        )

    def _unseen(
        self, interfaces: Sequence[Interface], owner: ObservedContainer | None
    ) -> Iterator[str]:
        if owner is None:
            return
        for one in interfaces:
            if one.peer_index and not one.peer and not one.parent and self._engine:
                yield self._lost_end(one)
        here = {one.network for one in interfaces}
        for endpoint in owner.endpoints:
            attached = endpoint.endpoint_id and self._drivers.get(endpoint.network) != "null"
            if attached and endpoint.network not in here:
                yield f"it has no interface on {endpoint.network}, which lists it"

    def _lost_end(self, one: Interface) -> str:
        if self._drivers.get(one.network) in _OWN_NAMESPACES:
            return (
                f"the other end of {one.name} is in a network namespace of {one.network}'s own,"
                " where the engine keeps what connects its nodes"
            )
        what = "parent" if one.kind in _UPON_A_PARENT else "other end"
        return f"the {what} of {one.name} is not in the engine's own network namespace"


def _interface(link: Link, network: str = "", **more: str) -> Interface:
    return Interface(
        link.name,
        link.index,
        link.mac,
        link.mtu,
        link.state,
        link.kind,
        link.addresses,
        network,
        peer_index=link.peer,
        **more,
    )


def _network(link: Link, endpoints: Iterable[ObservedEndpoint]) -> str:
    """By the MAC address, else by an address: names and indexes are others after a restart."""
    found = list(endpoints)
    by_mac = [one.network for one in found if one.mac and one.mac == link.mac]
    if len(by_mac) == 1:  # several of an ipvlan have their parent's
        return by_mac[0]
    return next((one.network for one in found if set(one.addresses) & set(link.addresses)), "")

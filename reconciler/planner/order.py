"""From cases to steps: one engine call each, ordered only where the engine needs it.

`needs` edges are dependence: a step whose need failed makes no sense. `follows` edges are order alone: who comes first gets the address,
the subnet or the first interface, but a failure of the one does not stop the other.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from ..model import BRIDGE_NAME_OPTION, EndpointMark, NetworkMark, ObservedState, Settings, Value
from ..plan import Op, Step
from .endpoints import EndpointCase, Endpoints
from .networks import NetworkCase, Networks
from .preflight import ADDRESS_PATHS
from .subnets import overlapping, subnets_of

Key = tuple[int, str, int, str]
"""Rank of the operation, network, place in the file, container: sorts steps the same way every time."""

_RANKS: dict[Op, int] = {"disconnect": 0, "remove": 1, "create": 2, "connect": 3}
_EXCLUSIVE_OPTIONS = (f"driver_opts.{BRIDGE_NAME_OPTION}", "driver_opts.parent")


@dataclass(slots=True, eq=False)
class _Node:
    """A step before it has a number."""

    op: Op
    network: str
    reason: str
    container: str = ""
    network_id: str = ""
    container_id: str = ""
    settings: Settings = field(default_factory=dict)
    mark: NetworkMark | EndpointMark | None = None
    expects: tuple[str, ...] = ()
    place: int = 0
    position: int = 0
    """Its place among all nodes in order of key."""
    needs: list[_Node] = field(default_factory=list)
    follows: list[_Node] = field(default_factory=list)

    @property
    def key(self) -> Key:
        return _RANKS[self.op], self.network, self.place, self.container


class _Graph:
    """Makes the nodes, then the edges, one method per reason for an edge."""

    def __init__(self, networks: Networks, endpoints: Endpoints, observed: ObservedState) -> None:
        self.networks, self.endpoints, self.observed = networks.cases, endpoints.cases, observed
        self.ids = {network.name: network.id for network in sorted(observed.networks, key=lambda network: network.id)}
        self.settings = {network.name: network.settings for network in sorted(observed.networks, key=lambda network: network.id)}
        self.settings |= {case.name: case.target for case in networks.cases.values() if case.comes}
        self.nodes: list[_Node] = []
        self.creates: dict[str, _Node] = {}
        self.removes: dict[str, _Node] = {}
        self.connects: dict[int, _Node] = {}
        self.disconnects: dict[int, _Node] = {}
        self.listed: dict[str, list[str]] = defaultdict(list)
        going = {case.name for case in networks.cases.values() if case.goes}
        for container in observed.containers if going else ():
            for endpoint in container.endpoints:
                if endpoint.network in going:
                    self.listed[endpoint.network].append(container.id)

    def build(self) -> list[_Node]:
        for network in self.networks.values():
            self._network_nodes(network)
        for index, endpoint in enumerate(self.endpoints):
            self._endpoint_nodes(index, endpoint)
        self._network_edges()
        self._endpoint_edges()
        self._container_edges()
        self._address_edges()
        self._automatic_last()
        return self.nodes

    # --- nodes ---

    def _add(self, node: _Node) -> _Node:
        self.nodes.append(node)
        return node

    def _network_nodes(self, case: NetworkCase) -> None:
        if case.goes and case.observed:
            node = _Node("remove", case.name, case.reason, network_id=case.observed.id, expects=tuple(sorted(self.listed[case.name])))
            self.removes[case.name] = self._add(node)
        if case.comes:
            self.creates[case.name] = self._add(_Node("create", case.name, case.reason, settings=case.target, mark=case.mark))

    def _endpoint_nodes(self, index: int, case: EndpointCase) -> None:
        network = self.networks.get(case.network)
        bound = case.observed.network_id if case.observed and case.observed.endpoint_id else ""
        present = network.observed.id if network and network.observed else bound or self.ids.get(case.network, "")
        fresh = "" if network and network.comes else present
        who = (case.reason, case.container.name)
        if case.disconnect:
            where = (fresh or self._name_of_lost(case)) if case.stale or case.cure else present
            expects = (case.observed.endpoint_id,) if case.observed and case.observed.endpoint_id and not case.cure else ()
            gone = _Node("disconnect", case.network, *who, where, case.container.id, expects=expects, place=case.order)
            self.disconnects[index] = self._add(gone)
        if case.target is not None:
            made = _Node("connect", case.network, *who, fresh, case.container.id, case.target, case.mark, place=case.order)
            self.connects[index] = self._add(made)

    def _name_of_lost(self, case: EndpointCase) -> str:
        """What a stopped container still lists can be taken away by the network's name, where no network of that name is left."""
        return "" if case.network in self.creates or case.network in self.ids else case.network

    # --- edges ---

    def _network_edges(self) -> None:
        """A network is removed before it is made again, and before another takes its subnet, bridge or parent."""
        for name, create in self.creates.items():
            if name in self.removes:
                create.needs.append(self.removes[name])
        tagged = [(subnet, f"-{name}") for name in self.removes for subnet in subnets_of(self._observed_settings(name))]
        tagged += [(subnet, f"+{name}") for name, create in self.creates.items() for subnet in subnets_of(create.settings)]
        for (_, one), (_, other) in overlapping(tagged):
            if one[0] != other[0]:
                gone, made = (one[1:], other[1:]) if one[0] == "-" else (other[1:], one[1:])
                if gone != made:
                    self.creates[made].needs.append(self.removes[gone])
        for option in _EXCLUSIVE_OPTIONS:
            holders: dict[Value | None, list[str]] = defaultdict(list)
            for name in self.removes:
                holders[self._observed_settings(name).get(option)].append(name)
            for name, create in self.creates.items():
                for holder in holders.get(create.settings[option], ()) if option in create.settings else ():
                    if holder != name:
                        create.needs.append(self.removes[holder])

    def _observed_settings(self, name: str) -> Settings:
        observed = self.networks[name].observed
        return observed.settings if observed else {}

    def _endpoint_edges(self) -> None:
        """Disconnected, then connected; off a network before it goes, on it after it came."""
        for index, case in enumerate(self.endpoints):
            disconnect, connect = self.disconnects.get(index), self.connects.get(index)
            replaced = case.network in self.creates and case.network in self.removes
            if disconnect and connect and case.cure:
                disconnect.needs.append(connect)
            elif disconnect and connect and (case.stale or not replaced):  # otherwise removing and creating lie between them
                connect.needs.append(disconnect)
            if connect and case.network in self.creates:
                connect.needs.append(self.creates[case.network])
            if disconnect and case.stale and case.network in self.creates:
                disconnect.needs.append(self.creates[case.network])
            elif disconnect and case.network in self.removes and not (case.cure and case.network in self.creates):
                self.removes[case.network].needs.append(disconnect)

    def _container_edges(self) -> None:
        """Of one container: the network it was created on first, then in the order of the file; `none` is left before any.

        Static addresses that dynamic ones might take go before all: two containers' orders could otherwise wait for each other.
        """
        by_container: dict[str, list[int]] = defaultdict(list)
        for index, case in enumerate(self.endpoints):
            by_container[case.container.id].append(index)
        for indexes in by_container.values():
            mode = self.endpoints[indexes[0]].container.network_mode
            connecting = [index for index in indexes if index in self.connects]
            ordered = [index for index in connecting if not self.endpoints[index].cure]
            if len(ordered) > 1:
                ordered.sort(key=lambda i: self._place(i, mode))
            for earlier, later in pairwise(ordered):
                self.connects[later].follows.append(self.connects[earlier])
            leaving = [self.disconnects[i] for i in indexes if i in self.disconnects and self.endpoints[i].network == "none"]
            for index in connecting:
                if self.endpoints[index].network != mode:
                    self._mode_edge(self.endpoints[index], self.connects[index], mode)
                self.connects[index].needs.extend(leaving)

    def _mode_edge(self, case: EndpointCase, connect: _Node, mode: str) -> None:
        """While the network that a container was created on is missing, the container can be connected to no other.

        It waits for the new one; a cure that a removal waits for comes before the old one goes, as the new one may wait for that removal.
        """
        removal = self.removes.get(case.network) if case.cure and case.network not in self.creates else None
        if removal and mode in self.removes:
            self.removes[mode].follows.append(connect)
        elif mode in self.creates and not (removal and any(removal in create.needs for create in self.creates.values())):
            connect.needs.append(self.creates[mode])

    def _place(self, index: int, mode: str) -> tuple[int, bool, int, str]:
        case = self.endpoints[index]
        return self.ranks[index], case.network != mode, case.order, case.network

    @cached_property
    def dynamic(self) -> dict[int, set[str]]:
        """The families in which each connect takes whatever address is free."""
        enabled = {network: _enabled(self.settings.get(network, {})) for network in {node.network for node in self.connects.values()}}
        return {
            index: {family for path, family in enabled[node.network] if path not in node.settings} for index, node in self.connects.items()
        }

    @cached_property
    def ranks(self) -> dict[int, int]:
        """When each connect may choose: static addresses before dynamic ones of their network that might take them.

        First those with static addresses alone, then with a static IPv4 one, then with a static IPv6 one (which a dynamic one of the
        former can still take: no order is right for both), then all that nobody can be in the way of.
        """
        taken = {(self.endpoints[index].network, family) for index, families in self.dynamic.items() for family in families}
        ranks = dict.fromkeys(self.connects, 3)
        for index, families in self.dynamic.items():
            static = [family for path, family in ADDRESS_PATHS if path in self.connects[index].settings]
            if static and any((self.endpoints[index].network, family) in taken for family in static):
                ranks[index] = 0 if not families else 1 if "ipv4" in static else 2
        return ranks

    def _address_edges(self) -> None:
        """A static address is given after whoever holds it let go, and before dynamic ones that might take it."""
        freed: dict[tuple[str, str], list[_Node]] = defaultdict(list)
        for index, node in self.disconnects.items():
            case = self.endpoints[index]
            if case.observed and not case.cure and case.network not in self.removes:
                static = {str(case.observed.settings[path]) for path, _ in ADDRESS_PATHS if path in case.observed.settings}
                for address in static | {address.partition("/")[0] for address in case.observed.addresses}:
                    freed[case.network, address].append(node)
        by_rank: dict[tuple[str, int], list[_Node]] = defaultdict(list)
        for index, rank in self.ranks.items():
            by_rank[self.endpoints[index].network, rank].append(self.connects[index])
        for index, node in self.connects.items():
            for address in _addresses(node) if freed else ():
                node.needs.extend(other for other in freed.get((node.network, address), ()) if other not in node.needs)
            if self.dynamic[index]:
                for rank in range(self.ranks[index]):
                    if (node.network, rank) in by_rank:
                        node.follows.extend(by_rank[node.network, rank])

    def _automatic_last(self) -> None:
        """Networks with an IPv4 subnet of their own are made before those for which the engine chooses one.

        One chain through the former (the engine makes networks one at a time anyway), those that wait for a removal at its end.
        """
        creates = self.creates.values()
        automatic = [node for node in creates if "ipv4.subnet" not in node.settings and node.settings.get("enable_ipv4") is not False]
        if not automatic:
            return
        explicit = [node for node in creates if "ipv4.subnet" in node.settings]
        explicit.sort(key=lambda node: (bool(node.needs), node.network))
        for earlier, later in pairwise(explicit):
            later.follows.append(earlier)
        for node in automatic:
            node.follows.extend(explicit[-1:])


def _enabled(settings: Settings) -> list[tuple[str, str]]:
    """Of `ADDRESS_PATHS` those whose family a network with these settings has."""
    enabled = {"ipv4": settings.get("enable_ipv4") is not False, "ipv6": settings.get("enable_ipv6") is True}
    return [(path, family) for path, family in ADDRESS_PATHS if enabled[family]]


def _addresses(node: _Node) -> list[str]:
    return [str(node.settings[path]) for path, _ in ADDRESS_PATHS if path in node.settings]


def order(networks: Networks, endpoints: Endpoints, observed: ObservedState) -> tuple[Step, ...]:
    """The steps, numbered from 1 in a topological order that depends on the cases alone, not on the order they come in."""
    nodes = _Graph(networks, endpoints, observed).build()
    numbers = _topological(nodes)
    steps: list[Step | None] = [None] * len(nodes)
    for node in nodes:  # in the order in which they were made: neighbours in memory, unlike neighbours in the plan
        step = _step(node, numbers)
        steps[step.id - 1] = step
    return tuple(step for step in steps if step)


def _topological(nodes: Collection[_Node]) -> list[int]:
    """Kahn's algorithm; of the ready ones the smallest key first. The number of each node, by its position, which is set here."""
    for position, node in enumerate(sorted(nodes, key=lambda node: node.key)):
        node.position = position
    waiting: dict[int, int] = {}
    dependents: dict[int, list[int]] = defaultdict(list)
    for node in nodes:
        before = {other.position for other in (*node.needs, *node.follows)}
        waiting[node.position] = len(before)
        for other in before:
            dependents[other].append(node.position)
    ready = [position for position, count in waiting.items() if not count]
    heapq.heapify(ready)
    numbers = [0] * len(waiting)
    count = 0
    while ready:
        position = heapq.heappop(ready)
        numbers[position] = count = count + 1
        for dependent in dependents.get(position, ()):
            waiting[dependent] -= 1
            if not waiting[dependent]:
                heapq.heappush(ready, dependent)
    if count != len(waiting):
        raise AssertionError("the steps of a plan depend on each other in a circle")
    return numbers


def _step(node: _Node, numbers: Sequence[int]) -> Step:
    needs = {numbers[other.position] for other in node.needs}
    follows = {numbers[other.position] for other in node.follows} - needs if node.follows else ()
    return Step(
        numbers[node.position],
        node.op,
        node.network,
        node.reason,
        node.container,
        node.network_id,
        node.container_id,
        node.settings,
        node.mark,
        tuple(sorted(needs)),
        tuple(sorted(follows)),
        node.expects,
    )

"""From cases to steps: one engine call each, ordered only where the engine needs it.

`needs` edges are dependence: a step whose need failed makes no sense. `follows` edges are order
alone: who comes first gets the address, the subnet or the first interface, but a failure of the one
does not stop the other.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from ..model import ALL_ENDPOINTS_API, ObservedContainer, ObservedEndpoint, ObservedState
from ..plan import NO_PLACE, Refusal, Step
from .address_order import Claims
from .container_steps import Lifecycle
from .decisions import Containers, EndpointCase, Endpoints, Networks, Volumes
from .graph import NetworkNodes, Node, numbered
from .macs import kept_mac
from .network_steps import NetworkSteps
from .volume_steps import VolumeSteps
from .wipe import Wipe
from .wipe import nodes as wipe_nodes


class _Graph:
    """Makes the nodes, then the edges, one method per reason for an edge."""

    def __init__(
        self,
        networks: Networks,
        endpoints: Endpoints,
        containers: Containers,
        volumes: Volumes,
        observed: ObservedState,
    ) -> None:
        self.networks, self.endpoints, self.observed = networks.cases, endpoints.cases, observed
        self.network_steps = NetworkSteps(networks, observed)
        self.containers = containers
        self.volume_steps = VolumeSteps(volumes)
        self.life = Lifecycle(containers, self.volume_steps.creates)
        self.ids = {
            network.name: network.id
            for network in sorted(observed.networks, key=lambda network: network.id)
        }
        self.settings = {
            network.name: network.settings
            for network in sorted(observed.networks, key=lambda network: network.id)
        }
        self.settings |= {case.name: case.target for case in networks.cases.values() if case.comes}
        self.nodes: list[Node] = []
        made = NetworkNodes(self.network_steps.creates, self.network_steps.removes)
        self.creates, self.removes = made.creates, made.removes
        self.connects, self.disconnects = made.connects, made.disconnects
        self.claims = Claims(self.endpoints, containers, observed, self.settings, self.life, made)
        self.at_once = observed.engine.api >= ALL_ENDPOINTS_API

    def build(self, wipe: Wipe) -> list[Node]:
        self.nodes.extend((*self.removes.values(), *self.creates.values()))
        for index, endpoint in enumerate(self.endpoints):
            self._endpoint_nodes(index, endpoint)
        self.network_steps.edges()
        self._endpoint_edges()
        self._cure_edges()
        self._container_edges()
        self.life.edges(
            self.creates,
            {name for name, node in self.removes.items() if self.network_steps.waited_for(node)},
        )
        self.volume_steps.edges(self.containers, self.life.removes)
        self.nodes.extend(
            (*self.volume_steps.creates.values(), *self.volume_steps.removes.values())
        )
        self.nodes.extend(self.life.all)  # only now: what waits for another is made with the edges
        self._leaving_edges()
        self.claims.edges()
        self.network_steps.automatic_last()
        self._wiped_first(wipe)
        self._pulls_first()
        return self.nodes

    # --- nodes ---

    def _add(self, step: Step, place: int = 0) -> Node:
        node = Node(step, place)
        self.nodes.append(node)
        return node

    def _endpoint_nodes(self, index: int, case: EndpointCase) -> None:
        if case.inside and (self.at_once or case.order == 0):
            return
        network = self.networks.get(case.network)
        bound = case.observed.network_id if case.observed and case.observed.endpoint_id else ""
        present = (
            network.observed.id
            if network and network.observed
            else bound or self.ids.get(case.network, "")
        )
        if (
            network and network.wanted and network.wanted.external
        ):  # one that a swarm's worker does not list is known by its name
            present = present or case.network
        fresh = "" if network and network.comes else present
        who = (case.reason, case.container.name)
        if case.disconnect:
            where = (fresh or self._name_of_lost(case)) if case.stale or case.cure else present
            expects = (
                (case.observed.endpoint_id,)
                if case.observed and case.observed.endpoint_id and not case.cure
                else ()
            )
            gone = Step(
                NO_PLACE,
                "disconnect",
                case.network,
                *who,
                where,
                case.container.id,
                expects=expects,
            )
            self.disconnects[index] = self._add(gone, case.order)
        if case.target is not None:
            mac = kept_mac(case, self.observed.engine)
            made = Step(
                NO_PLACE,
                "connect",
                case.network,
                *who,
                fresh,
                case.container.id,
                case.target,
                case.mark,
                mac=mac,
            )
            self.connects[index] = self._add(made, case.order)

    def _name_of_lost(self, case: EndpointCase) -> str:
        """What a stopped container still lists can be taken away by the network's name, where no
        network of that name is left.
        """
        return "" if case.network in self.creates or case.network in self.ids else case.network

    # --- edges ---

    def _endpoint_edges(self) -> None:
        """Disconnected, then connected; off a network before it goes, on it after it came."""
        for index, case in enumerate(self.endpoints):
            disconnect, connect = self.disconnects.get(index), self.connects.get(index)
            replaced = case.network in self.creates and case.network in self.removes
            if disconnect and connect and case.cure:
                disconnect.needs.append(connect)
            elif (
                disconnect and connect and (case.stale or not replaced)
            ):  # otherwise removing and creating lie between them
                connect.needs.append(disconnect)
            if connect and case.network in self.creates:
                connect.needs.append(self.creates[case.network])
            if disconnect and case.stale and case.network in self.creates:
                disconnect.needs.append(self.creates[case.network])
            elif (
                disconnect
                and case.network in self.removes
                and not (case.cure and case.network in self.creates)
            ):
                self.removes[case.network].needs.append(disconnect)

    def _cure_edges(self) -> None:
        """A cure needs an address for a moment: after those that let go of theirs, and one cure
        after another.
        """
        cured: dict[str, list[int]] = defaultdict(list)
        for index, case in enumerate(self.endpoints):
            if case.cure and index in self.connects:
                cured[case.network].append(index)
        if not cured:
            return
        for index, disconnect in self.disconnects.items():
            case = self.endpoints[index]
            if case.network in cured and not case.cure and not case.stale:
                self.connects[cured[case.network][0]].prefers.append(disconnect)
        for indexes in cured.values():
            indexes.sort(key=lambda i: self.endpoints[i].container.name)
            for earlier, later in pairwise(indexes):
                self.connects[later].prefers.append(self.disconnects[earlier])

    def _container_edges(self) -> None:
        """Of one container: the network it was created on first, then in the order of the file;
        `none` is left before any.

        Static addresses that dynamic ones might take go before all: two containers' orders could
        otherwise wait for each other.
        """
        self.claims.rank()
        by_container: dict[tuple[str, str], list[int]] = defaultdict(list)
        for index, case in enumerate(self.endpoints):
            by_container[case.container.id, case.container.name].append(index)
        for indexes in by_container.values():
            mode = self.endpoints[indexes[0]].container.network_mode
            connecting = [index for index in indexes if index in self.connects]
            ordered = [index for index in connecting if not self.endpoints[index].cure]
            if len(ordered) > 1:
                ordered.sort(key=lambda i: self._place(i, mode))
            for earlier, later in pairwise(ordered):
                self.connects[later].follows.append(self.connects[earlier])
            leaving = [
                self.disconnects[i]
                for i in indexes
                if i in self.disconnects and self.endpoints[i].network == "none"
            ]
            for index in connecting:
                if self.endpoints[index].network != mode:
                    self._mode_edge(self.endpoints[index], self.connects[index], mode)
                self.connects[index].needs.extend(leaving)
            self._around_none(indexes, leaving)
            if self.containers.cases:
                self._around_start(indexes)

    def _around_none(self, indexes: list[int], leaving: list[Node]) -> None:
        """`none` is left once there is something to be connected to, and is connected when
        everything else is left.
        """
        for node in leaving:
            node.needs += [
                self.creates[net]
                for i in indexes
                if i in self.connects and (net := self.endpoints[i].network) in self.creates
            ]
        for index in indexes:
            if index in self.connects and self.endpoints[index].network == "none":
                self.connects[index].needs += [
                    self.disconnects[other] for other in indexes if other in self.disconnects
                ]

    def _around_start(self, indexes: list[int]) -> None:
        """A container is attached before it is started, and after it was created; before the old
        one is stopped, as it may fail.
        """
        name = self.endpoints[indexes[0]].container.name
        create, start = self.life.creates.get(name), self.life.starts.get(name)
        for index in indexes:
            for node in (self.connects.get(index), self.disconnects.get(index)):
                if node and create and not self.endpoints[index].container.id:
                    node.needs.append(create)
                    if stop := self.life.last_stop(name):
                        stop.needs.append(node)
                if node and start and not self.endpoints[index].container.live:
                    start.needs.append(node)

    def _mode_edge(self, case: EndpointCase, connect: Node, mode: str) -> None:
        """While the network that a container was created on is missing, the container can be
        connected to no other.

        It waits for the new one; a cure that a removal waits for comes before the old one goes, as
        the new one may wait for that removal.
        """
        removal = (
            self.removes.get(case.network)
            if case.cure and case.network not in self.creates
            else None
        )
        if removal and mode in self.removes:
            self.removes[mode].follows.append(connect)
        elif mode in self.creates and not (
            removal and any(removal in create.needs for create in self.creates.values())
        ):
            connect.needs.append(self.creates[mode])

    def _place(self, index: int, mode: str) -> tuple[int, bool, int, str]:
        case = self.endpoints[index]
        return self.connects[index].rank, case.network != mode, case.order, case.network

    def _leaving_edges(self) -> None:
        """A network goes after the containers on it that go.

        One that is recreated leaves it before only where the new network, or another that takes its
        place, waits for that.
        """
        for case in self.containers.cases.values():
            if not (case.observed and case.goes):
                continue
            for endpoint in case.observed.endpoints:
                removal = self.removes.get(endpoint.network)
                if removal is None:
                    continue
                if case.fate == "remove" or not self.network_steps.waited_for(removal):
                    removal.needs.append(self.life.removes[case.name])
                elif case.observed.live and not (
                    endpoint.phantom or endpoint.missing or endpoint.half
                ):
                    leave = self._leave(case.observed, endpoint, removal)
                    removal.needs.append(leave)
                    self.life.stops[case.name].follows.append(leave)

    def _leave(
        self, container: ObservedContainer, endpoint: ObservedEndpoint, removal: Node
    ) -> Node:
        expects = (endpoint.endpoint_id,) if endpoint.endpoint_id else ()
        reason = f"network {endpoint.network} is removed, and {container.name} is recreated"
        return self._add(
            Step(
                NO_PLACE,
                "disconnect",
                endpoint.network,
                reason,
                container.name,
                network_id=removal.step.network_id,
                container_id=container.id,
                expects=expects,
            )
        )

    def _wiped_first(self, wipe: Wipe) -> None:
        """Nothing is made before everything is gone."""
        gone, last = wipe_nodes(wipe)
        if not gone:
            return
        for node in self.nodes:
            if node.step.op != "pull" and not node.needs:
                node.needs.extend(last)
        self.nodes.extend(gone)

    def _pulls_first(self) -> None:
        """An image that cannot be had stops everything before anything is changed."""
        if not self.life.pulls:
            return
        for node in self.nodes:
            if node.step.op != "pull" and not node.needs:
                node.needs.extend(self.life.pulls)


def order(
    networks: Networks,
    endpoints: Endpoints,
    containers: Containers,
    volumes: Volumes,
    observed: ObservedState,
    wipe: Wipe,
) -> tuple[tuple[Step, ...], list[Refusal], list[str]]:
    """The steps, in an order that depends on the cases alone; what no order can make certain; and
    what is to be known of it.
    """
    graph = _Graph(networks, endpoints, containers, volumes, observed)
    steps = numbered(graph.build(wipe))
    return steps, list(graph.claims.risks()), sorted(graph.claims.unguarded(endpoints.kept))

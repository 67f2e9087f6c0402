"""The steps of containers that the topology runs, and the edges between them.

A recreation keeps the old container until the new one runs: it is renamed, the new one is created,
the old one stopped, the new one started, the old one removed. Whatever may fail without stopping
anything comes before the stop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from ..model import RESTARTING, Condition, Dependency, ObservedContainer
from ..network_mode import joined
from ..plan import NO_PLACE, EndpointSpec, Replaced, Step
from ..settings import Settings
from ..settings.mounts import named_volumes
from ..settings.ports import Port
from .decisions import ContainerCase, Containers, leftover_of
from .graph import Node
from .host_ports import host_ports, ports_meet, published

GRACE = 10
"""Seconds that an engine gives a container to end, where nothing is declared."""
PATIENCE = 60
"""Seconds to wait for a container to become healthy beyond what its healthcheck itself may take;
for one to end, ten times that.
"""
_SECOND = 1_000_000_000


class Lifecycle:
    """Nodes by container name, one mapping for each kind of step; `all` in no particular order.

    `volumes` are the creations of volumes by name.
    """

    def __init__(self, containers: Containers, volumes: Mapping[str, Node]) -> None:
        self.containers = containers
        self.volumes = volumes
        self.pulls: list[Node] = []
        self.renames: dict[str, Node] = {}
        self.creates: dict[str, Node] = {}
        self.updates: dict[str, Node] = {}
        self.stops: dict[str, Node] = {}
        self.starts: dict[str, Node] = {}
        self.removes: dict[str, Node] = {}
        self.waits: dict[tuple[str, str], Node] = {}
        old = (
            c.observed
            for c in containers.cases.values()
            if c.observed and (c.comes or leftover_of(c.observed) in containers.cases)
        )
        self._shared = {id for container in old for id in container.joins}
        for image, why in sorted(containers.pulls.items()):
            self.pulls.append(Node(Step(NO_PLACE, "pull", "", why, image=image)))
        for case in sorted(containers.cases.values(), key=lambda case: case.name):
            self._nodes(case)

    @property
    def all(self) -> Iterator[Node]:
        """Every node."""
        yield from self.pulls
        for nodes in (
            self.renames,
            self.creates,
            self.updates,
            self.stops,
            self.starts,
            self.removes,
            self.waits,
        ):
            yield from nodes.values()

    def end(self, case: ContainerCase) -> Node | None:
        """What ends the container that runs now, if anything does."""
        removal = self.removes.get(case.name) if case.fate == "remove" else None
        return self.stops.get(case.name) or removal

    def last_stop(self, name: str) -> Node | None:
        """The end of an old container that waits for the new one to be created, if it is one."""
        case = self.containers.cases[name]
        return (
            self.stops.get(name) if case.fate == "recreate" and not _stopped_first(case) else None
        )

    # --- nodes ---

    def _nodes(self, case: ContainerCase) -> None:
        name, why, old = case.name, case.reason, case.observed
        id = old.id if old else ""
        replaces = _replaced(case)
        if case.comes:
            self._creation(case, old, replaces)
        elif case.fate == "update" and old:
            settings = {d.path: d.after for d in case.differences if d.after is not None}
            if "mem_limit" in settings and case.wanted and "memswap_limit" in case.wanted.settings:
                settings["memswap_limit"] = case.wanted.settings["memswap_limit"]
            self.updates[name] = Node(
                Step(NO_PLACE, "update", "", why, name, container_id=id, settings=settings)
            )
        if case.start:
            here = "" if case.comes else id
            self.starts[name] = Node(
                Step(NO_PLACE, "start", "", why, name, container_id=here, replaces=replaces)
            )
        if old and old.live and (case.goes or case.stop) and not self._ends_at_once(case, old):
            called = name if _stopped_first(case) else _called(case)
            self.stops[name] = Node(
                Step(
                    NO_PLACE,
                    "stop",
                    "",
                    why,
                    called,
                    container_id=id,
                    seconds=_grace(case),
                    replaces=replaces,
                )
            )
        if old and case.goes:
            volumes = not case.keep_volumes
            self.removes[name] = Node(
                Step(NO_PLACE, "remove", "", why, _called(case), container_id=id, volumes=volumes)
            )

    def _ends_at_once(self, case: ContainerCase, old: ObservedContainer) -> bool:
        """Whether its removal is its end. Not where others come before that: who shares its
        network, or takes its place.
        """
        return (
            case.fate == "remove"
            and not _grace(case)
            and old.id not in self._shared
            and leftover_of(old) not in self.containers.cases
        )

    def _creation(
        self, case: ContainerCase, old: ObservedContainer | None, replaces: Replaced | None
    ) -> None:
        name, why = case.name, case.reason
        if old and not case.renamed:
            self.renames[name] = Node(
                Step(
                    NO_PLACE,
                    "rename",
                    "",
                    why,
                    old.name,
                    container_id=old.id,
                    name=case.old_name,
                    replaces=replaces,
                )
            )
        self.creates[name] = Node(
            Step(NO_PLACE, "create", "", why, name, spec=case.spec, replaces=replaces)
        )

    # --- edges ---

    def edges(self, networks: Mapping[str, Node], leaving: Collection[str]) -> None:
        """All but those that networks and addresses make.

        `networks` are the creations of networks by name, `leaving` the networks whose removal
        another's creation waits for.
        """
        for name, case in sorted(self.containers.cases.items()):
            if case.comes:
                self._creation_edges(name, case, networks)
            self._start_edges(name, case, networks)
            for node in (self.updates.get(name), self.stops.get(name)):
                if (
                    node
                    and name in self.starts
                    and not (node.step.op == "stop" and case.fate == "remove")
                ):
                    _need(self.starts[name], node)
            if name in self.removes:
                _need(
                    self.removes[name],
                    self.starts.get(name) if case.comes else self.stops.get(name),
                )
        self._members(leaving)
        self._leftovers(leaving)

    def _creation_edges(self, name: str, case: ContainerCase, networks: Mapping[str, Node]) -> None:
        """A container is renamed only when nothing but its own creation stands before the new one.

        One with a phantom or half endpoint must be stopped before: Docker 28 renames it on all its
        networks, and fails where it is not. So must one on an overlay network, which no engine
        renames while it runs (20.10, 28.5), and one that is restarting (20.10).
        """
        create, rename, stop = self.creates[name], self.renames.get(name), self.stops.get(name)
        assert case.spec is not None
        needed = [networks.get(endpoint.network) for endpoint in case.spec.endpoints]
        needed += [self.volumes.get(name) for name in named_volumes(case.spec.settings)]
        needed += map(self.creates.get, joined(case.spec.mode, case.spec.settings))
        for node in needed:
            _need(rename or create, node)
            _need(create, node)
        _need(create, rename)
        _need(self.starts[name], create)
        if stop and rename and _stopped_first(case):
            _need(rename, stop)
            stop.needs.extend(other for other in rename.needs if other is not stop)
        elif stop:
            _need(stop, create)

    def _start_edges(self, name: str, case: ContainerCase, networks: Mapping[str, Node]) -> None:
        """What it depends on is waited for also where it is ready now: health comes and goes by
        itself, and the plan stays the same.

        A container that never ran is bound to its networks by name: those of them that are made
        come first.
        """
        start = self.starts.get(name)
        if start is None or case.wanted is None:
            return
        if case.observed and not case.comes:
            for endpoint in case.observed.endpoints:
                _need(start, networks.get(endpoint.network))
        for owner in case.wanted.joins:
            _need(start, self.starts.get(owner))
        for dependency in case.wanted.depends_on:
            _need(start, self._begun(dependency, self.stops.get(name)))
        for port_holder in self._port_holders(case):
            _need(start, port_holder)

    def _begun(self, dependency: Dependency, stop: Node | None) -> Node | None:
        """What makes a dependency be as it is wanted: its start, or the wait after that, before
        which nothing that runs is stopped (`stop`): it may be long, or fail.
        """
        start = self.starts.get(dependency.container)
        other = self.containers.cases.get(dependency.container)
        stranger = self.containers.others.get(dependency.container)
        if dependency.condition == "started" or not (other or stranger):
            return start
        run = other or ContainerCase(dependency.container, observed=stranger)
        wait = self._wait(run, dependency.condition)
        _need(wait, start)
        if stop:
            stop.prefers.append(wait)
            stop.hopes.append(wait)
        return wait

    def _wait(self, case: ContainerCase, condition: Condition) -> Node:
        key = (case.name, condition)
        if key not in self.waits:
            reason = "a container that depends on it is started next"
            on = case.observed if not case.comes else None
            seconds = _patience(case.wanted.settings if case.wanted else {}, condition)
            self.waits[key] = Node(
                Step(
                    NO_PLACE,
                    "wait",
                    "",
                    reason,
                    case.name,
                    container_id=on.id if on else "",
                    seconds=seconds,
                    condition=condition,
                )
            )
        return self.waits[key]

    def _port_holders(self, case: ContainerCase) -> Iterator[Node | None]:
        """What frees a host port that this container publishes: the end of another one that goes or
        is recreated.
        """
        if case.wanted is None:
            return
        for port in published(case.wanted):
            for other, taken in self._published.get(port.host, ()):
                if other is not case and ports_meet(port, taken):
                    yield self.end(other)

    @cached_property
    def _published(self) -> Mapping[str, list[tuple[ContainerCase, Port]]]:
        """Port on the host -> the running containers of cases that have it."""
        found = defaultdict(list)
        for case in self.containers.cases.values():
            if case.observed and case.observed.live:
                for port in host_ports(case.observed.settings.get("ports", ())):
                    found[port.host].append((case, port))
        return found

    def _members(self, leaving: Collection[str]) -> None:
        """A container is removed only after everything that shares a namespace of it.

        But for a member that is recreated on a network that waits for the removal: the two would
        wait for each other. It is stopped only after those that are recreated have been created:
        where one cannot be, its old container runs on in that namespace.
        """
        ids = {
            case.observed.id: name
            for name, case in self.containers.cases.items()
            if case.observed and name in self.removes
        }
        for name, case in self.containers.cases.items():
            if case.observed is None or name not in self.removes:
                continue
            for id in case.observed.joins:
                if id in ids:
                    self._member(name, case, ids[id], leaving)

    def _member(self, name: str, case: ContainerCase, owner: str, leaving: Collection[str]) -> None:
        if case.fate == "remove" or not any(
            endpoint.network in leaving for endpoint in self._namespace(owner).endpoints
        ):
            _need(self.removes[owner], self.removes[name])
        if name in self.creates and (stop := self.stops.get(owner)):
            stop.prefers.append(self.creates[name])
            stop.hopes.append(self.creates[name])

    def _leftovers(self, leaving: Collection[str]) -> None:
        """What an interrupted recreation left is kept until the new container runs, and stopped
        before, as they may want the same.

        But for one on a network that waits for its removal.
        """
        for name, case in self.containers.cases.items():
            start = (
                self.starts.get(leftover_of(case.observed))
                if case.fate == "remove" and case.observed
                else None
            )
            if start and not any(
                endpoint.network in leaving for endpoint in self._namespace(name).endpoints
            ):
                _need(self.removes[name], start)
                _need(start, stop := self.stops.get(name))
                waits = [node for node in start.needs if node.step.op == "wait"]
                if stop:
                    stop.prefers += waits
                    stop.hopes += waits

    def _namespace(self, name: str) -> ObservedContainer:
        """Whose network the container of a case is in: its own, or that of the one at the end of
        the chain.
        """
        by_id = {
            case.observed.id: case.observed
            for case in self.containers.cases.values()
            if case.observed
        }
        found = self.containers.cases[name].observed
        assert found is not None
        while owner := by_id.pop(found.shares, None):
            found = owner
        return found


def _called(case: ContainerCase) -> str:
    """The name of the container that goes, once its successor has its own."""
    return case.old_name if case.fate == "recreate" else case.name


def _need(node: Node, other: Node | None) -> None:
    if other is not None and other is not node and other not in node.needs:
        node.needs.append(other)


def _stopped_first(case: ContainerCase) -> bool:
    """Whether it cannot be renamed while it runs."""
    old = case.observed
    if case.renamed or old is None:
        return False
    return (
        case.on_overlay
        or old.state == RESTARTING
        or any(e.phantom or e.half for e in old.endpoints)
    )


def _replaced(case: ContainerCase) -> Replaced | None:
    old = case.observed
    if case.fate != "recreate" or old is None:
        return None
    attached = sorted((e for e in old.endpoints if not e.phantom), key=lambda e: e.network)
    endpoints = tuple(
        EndpointSpec(
            e.network, {"mac_address": e.mac, **e.settings} if e.mac else e.settings, e.mark
        )
        for e in attached
    )
    return Replaced(old.id, case.name, old.live, endpoints)


def _grace(case: ContainerCase) -> int:
    """Seconds; of a container that is unknown or does not say, the engine's own."""
    if case.observed is None:
        return GRACE
    declared = case.observed.settings.get("stop_grace_period")
    return int(declared) if isinstance(declared, int) else GRACE


def _patience(settings: Settings, condition: str) -> int:
    if condition == "completed":
        return 10 * PATIENCE

    def number(name: str, default: int) -> int:
        value = settings.get(f"healthcheck.{name}", default)
        return value if isinstance(value, int) else default

    once = number("interval", 30 * _SECOND) + number("timeout", 30 * _SECOND)
    return PATIENCE + (number("start_period", 0) + once * (number("retries", 3) or 3)) // _SECOND

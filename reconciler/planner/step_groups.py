"""What a plan is taken apart into: atoms, which are carried out whole or not at all, and what each
of them needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property

from ..fast_dataclasses import dataclass
from ..marks import base_name
from ..model import DesiredState
from ..ownership import anothers, ours
from ..plan import Refusal, Step, Thing
from ..settings.mounts import named_volumes
from .decisions import (
    ContainerCase,
    Containers,
    EndpointCase,
    Endpoints,
    NetworkCase,
    Networks,
    Volumes,
)

Atom = tuple[str, str, str]
"""What a step belongs to: `thing`, network, container; `volume`, "", its name; `image`, "", its
reference; `wait`, the condition, the container waited for.
"""
DECLARED = frozenset(("thing", "volume"))
"""The kinds of atoms that a file declares; all others are there for the sake of these."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A plan before any of it is left out."""

    desired: DesiredState
    networks: Networks
    endpoints: Endpoints
    containers: Containers
    volumes: Volumes
    steps: tuple[Step, ...]
    refusals: Sequence[Refusal]


def endpoint_atom(network: str, container: str) -> Atom:
    """That of an attachment."""
    return ("thing", network, container)


def network_atom(name: str) -> Atom:
    """That of a network."""
    return ("thing", name, "")


def container_atom(name: str) -> Atom:
    """That of a container."""
    return ("thing", "", name)


def volume_atom(name: str) -> Atom:
    """That of a volume."""
    return ("volume", "", name)


def thing_of(atom: Atom) -> Thing:
    """The network, container, attachment or volume that an atom is."""
    kind, network, name = atom
    return ("", "", name) if kind == "volume" else (network, name)


class Atoms:
    """The atoms of a plan. `of` is that of each step by its ID, `needs` what each needs,
    `needed_by` what cannot be without each.
    """

    def __init__(self, whole: Whole) -> None:
        self.whole = whole
        self.needs: dict[Atom, set[Atom]] = defaultdict(set)
        self.of = {step.id: self._of_step(step) for step in whole.steps}
        self.busy = frozenset(self.of.values())
        self.images = {atom: id for id, atom in self.of.items() if atom[0] == "image"}
        for step in whole.steps:
            self._by_step(step)
        self._gone(
            {
                name: case
                for name, case in whole.networks.cases.items()
                if case.goes or (case.observed and case.observed.missing)
            }
        )
        for case in whole.endpoints.cases:
            none = endpoint_atom("none", case.container.name)
            if none in self.busy:
                self._need(self.of_case(case), none)
        for run in whole.containers.cases.values():
            self._run(run)
        self.needed_by: dict[Atom, set[Atom]] = defaultdict(set)
        for atom, needed in self.needs.items():
            for other in needed:
                self.needed_by[other].add(atom)
        self._parts()

    @property
    def things(self) -> set[Atom]:
        """All but what happens for the sake of others only: images, waits, and who gives up its
        address.
        """
        refused = {atom for refusal in self.whole.refusals if (atom := self.about(refusal))}
        yielding = {self.of_case(case) for case in self.whole.endpoints.cases if case.gives_up}
        return {atom for atom in self.busy - yielding | refused if atom[0] in DECLARED}

    def named(self, scope: DesiredState) -> set[Atom]:
        """What a part is asked to do: all about its containers, and on its networks what nobody
        declares and nobody of ours made.
        """
        found = {network_atom(name) for name in scope.networks} | {
            container_atom(name) for name in scope.containers
        }
        found |= {volume_atom(name) for name in scope.volumes}
        for case in self.whole.endpoints.cases:
            if case.gives_up:
                continue
            mine = case.observed is not None and ours(case.observed, scope.topology)
            undeclared = (
                case.container.name not in self.whole.desired.containers
                and case.network in scope.networks
                and not mine
            )
            if case.container.name in scope.containers or undeclared:
                found.add(self.of_case(case))
        refused = (refusal.about for refusal in self.whole.refusals)
        return found | {
            self._attachment(about[0], about[1])
            for about in refused
            if about and about[1] in scope.containers
        }

    def about(self, refusal: Refusal) -> Atom | None:
        """What a refusal is about."""
        if refusal.about is None:
            return None
        network, container, *volume = refusal.about
        return volume_atom(volume[0]) if volume else self._attachment(network, container)

    def of_case(self, case: EndpointCase) -> Atom:
        """That of an attachment."""
        return self._attachment(case.network, case.container.name)

    def _attachment(self, network: str, container: str) -> Atom:
        """Those of a container that is made or goes are part of that."""
        name, cases = base_name(container), self.whole.containers.cases
        anew = any(run.comes or run.goes for run in (cases.get(name), cases.get(container)) if run)
        return container_atom(name) if anew or not network else endpoint_atom(network, container)

    def _of_step(self, step: Step) -> Atom:
        if step.op == "wait":
            return "wait", step.condition, step.container
        if step.image or step.volume:
            return ("image", "", step.image) if step.image else volume_atom(step.volume)
        return (
            container_atom(base_name(step.container))
            if step.kind == "container"
            else self._attachment(step.network, step.container)
        )

    def _need(self, atom: Atom, other: Atom) -> None:
        if atom != other:
            self.needs[atom].add(other)

    # --- what an atom needs ---

    def _by_step(self, step: Step) -> None:
        """An image stops everything before anything is done, but only what is made of it needs it.

        So does the network that a container was created on, while it is replaced, stop connects to
        others: where it stays, it does not.
        """
        atom = self.of[step.id]
        for id in step.needs:
            network = self.whole.networks.cases.get(self.of[id][1])
            stays = (
                network is not None
                and network.fate == "replace"
                and self.of[id] == network_atom(network.name)
            )
            if self.of[id][0] != "image" and not (
                stays and step.kind == "endpoint" and step.network != self.of[id][1]
            ):
                self._need(atom, self.of[id])
        if step.op == "wait":
            self._need(atom, container_atom(step.container))

    def _gone(self, going: Mapping[str, NetworkCase]) -> None:
        """Who is on a network that goes, or went in an interrupted run, or was created on it, must
        be attached again or recreated.
        """
        for case in self.whole.endpoints.cases:
            if case.network in going and case.observed is not None:
                self._need(network_atom(case.network), self.of_case(case))
        names = {
            key: name
            for name, case in going.items()
            if case.observed
            for key in (name, case.observed.id[:12] or name)
        }
        for run in self.whole.containers.cases.values():
            old = run.observed if run.goes else None
            if old is None:
                continue
            modes = (old.network_mode, old.network_mode[:12])
            for key in (*(endpoint.network for endpoint in old.endpoints), *modes):
                if name := names.get(key):
                    self._need(network_atom(name), container_atom(base_name(run.name)))

    def _run(self, case: ContainerCase) -> None:
        """A container that is made or started needs its networks, what it depends on, and whose
        network it shares.

        Where it goes or starts anew, those that share its network must follow.
        """
        atom = container_atom(base_name(case.name))
        if case.wanted and (case.comes or case.start):
            image = ("image", "", case.wanted.image)
            needed = [network_atom(endpoint.network) for endpoint in case.wanted.endpoints]
            needed += [
                container_atom(other)
                for other in (*case.wanted.joins, *(d.container for d in case.wanted.depends_on))
            ]
            needed += [image] if image in self.busy else []
            needed += map(volume_atom, named_volumes(case.wanted.settings))
            needed += self._lost_with(case) if case.comes else []
            for other in needed:
                self._need(atom, other)
        if case.observed and (case.goes or case.start):
            for member in self._members.get(case.observed.id, ()):
                self._need(atom, member)

    def _lost_with(self, case: ContainerCase) -> list[Atom]:
        """Networks that go for good, and that another topology attached the old container to: the
        new one is not attached again.
        """
        networks, topology = self.whole.networks.cases, self.whole.desired.topology
        others = (
            (e.network for e in case.observed.endpoints if anothers(e, topology))
            if case.observed
            else ()
        )
        return [
            network_atom(name)
            for name in others
            if name in networks and networks[name].fate == "remove"
        ]

    @cached_property
    def _members(self) -> Mapping[str, list[Atom]]:
        """By ID of a container those that share its network and change."""
        found: dict[str, list[Atom]] = defaultdict(list)
        for case in self.whole.containers.cases.values():
            for id in case.observed.joins if case.observed and case.changes else ():
                found[id].append(container_atom(base_name(case.name)))
        return found

    def _parts(self) -> None:
        """No attachment is changed of a network or a container that is left as it is."""
        for kind, network, container in [*self.busy]:
            if kind == "thing" and network and container:
                self.needed_by[network_atom(network)].add(endpoint_atom(network, container))
                self.needed_by[container_atom(container)].add(endpoint_atom(network, container))


def closed(roots: Iterable[Atom], needs: Mapping[Atom, Collection[Atom]]) -> set[Atom]:
    """The roots and all that they need."""
    return {*reached(roots, needs)}


def reached(
    roots: Iterable[Atom], edges: Mapping[Atom, Collection[Atom]]
) -> dict[Atom, Atom | None]:
    """Everything that the edges lead to, with where it was reached from; None for the roots."""
    found: dict[Atom, Atom | None] = dict.fromkeys(sorted(roots))
    queue = [*found]
    for atom in queue:
        for other in sorted(edges.get(atom, ())):
            if other not in found:
                found[other] = atom
                queue.append(other)
    return found

"""A part of a plan: named things and what they need, or all but what cannot be and what needs that.

The whole plan is made first. Its steps fall into atoms, which are carried out whole or not at all: a network, a container with all steps
of its recreation, an attachment, an image, a wait. One atom needs another where a step needs a step of it, and where something would be
left interrupted without it: a network that is replaced needs everything that was on it to come back. A part is closed under that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from ..marks import base_name
from ..model import DesiredState, NetworkMark
from ..ownership import anothers, ours
from ..plan import Drift, LeftOut, Plan, Refusal, Step, Thing
from ..records import dataclass
from ..safety import Policy
from .containers import ContainerCase, Containers
from .endpoints import EndpointCase, Endpoints
from .networks import NetworkCase, Networks

Atom = tuple[str, str, str]
"""What a step belongs to: `thing`, network, container; `image`, "", its reference; `wait`, the condition, the container waited for."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A plan before any of it is left out."""

    desired: DesiredState
    networks: Networks
    endpoints: Endpoints
    containers: Containers
    steps: tuple[Step, ...]
    refusals: Sequence[Refusal]


def part_of(whole: Whole, policy: Policy) -> Part:
    """The part that `policy` asks for."""
    atoms = _Atoms(whole)
    scope = scope_of(whole.desired, policy.only) if policy.only else whole.desired
    roots = atoms.named(scope) if policy.only else atoms.things
    wanted = _closed(roots, atoms.needs)
    refused = {atom for refusal in whole.refusals if (atom := atoms.about(refusal)) in wanted and atom}
    because = _reached(refused, atoms.needed_by) if policy.keep_going else {}
    return Part(whole, policy, atoms, scope, wanted, because, _closed(roots - because.keys(), atoms.needs))


def scope_of(desired: DesiredState, only: Collection[str]) -> DesiredState:
    """The named networks and containers and what these need: their networks, whose network they share, what they depend on."""
    containers: dict[str, None] = {}
    queue = [name for name in desired.containers if name in only]
    while queue:
        name = queue.pop()
        if name in desired.containers and name not in containers:
            containers[name] = None
            wanted = desired.containers[name]
            queue += [wanted.shares, *(dependency.container for dependency in wanted.depends_on)]
    networks = {e.network for name in containers for e in desired.containers[name].endpoints} | {*only}
    return replace(
        desired,
        networks={name: network for name, network in desired.networks.items() if name in networks},
        containers={name: container for name, container in desired.containers.items() if name in containers},
    )


class Part:
    """What is left of a whole plan. `because` maps each atom that is left out to the one that it needs, those refused to None."""

    def __init__(
        self,
        whole: Whole,
        policy: Policy,
        atoms: _Atoms,
        scope: DesiredState,
        wanted: Collection[Atom],
        because: Mapping[Atom, Atom | None],
        kept: Collection[Atom],
    ) -> None:
        self.whole, self.policy, self.atoms = whole, policy, atoms
        self.scope, self.wanted, self.because, self.kept = scope, wanted, because, kept

    # --- what is done ---

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the part, numbered anew."""
        kept = [step for step in self.whole.steps if self.atoms.of[step.id] in self.kept]
        numbers = {step.id: number for number, step in enumerate(kept, 1)}
        omitted = {(step.network, step.container) for step in self.whole.steps if step.op == "connect" and step.id not in numbers}
        before = self._before(numbers)
        return tuple(self._renumbered(step, numbers, before, omitted) for step in kept)

    def _before(self, numbers: Mapping[int, int]) -> Mapping[int, Collection[int]]:
        """By ID of a step: its number, or those of the steps that one which is left out would have come after."""
        found: dict[int, frozenset[int]] = {}
        for step in self.whole.steps:
            kept = numbers.get(step.id)
            found[step.id] = frozenset((kept,)) if kept else frozenset().union(*(found[id] for id in (*step.needs, *step.follows)))
        return found

    def _renumbered(
        self, step: Step, numbers: Mapping[int, int], before: Mapping[int, Collection[int]], omitted: Collection[Thing]
    ) -> Step:
        """Where the rest goes on without it, an image that is not had stops only what is made of it."""
        found = {id for id in step.needs if not (self.policy.keep_going and self.atoms.of[id][0] == "image")}
        if self.policy.keep_going:
            images = self.atoms.images.keys() & self.atoms.needs.get(self.atoms.of[step.id], set())
            found.update(self.atoms.images[image] for image in images)
        needs = tuple(sorted(numbers[id] for id in found if id in numbers))
        after = (number for id in (*step.needs, *step.follows) for number in before[id])
        follows = tuple(sorted({*after}.difference(needs)))
        mark = step.mark
        if isinstance(mark, NetworkMark):  # who is not attached now was not when the network was made
            members = {name: id for name, id in mark.endpoints.items() if (step.network, name) not in omitted}
            mark = replace(mark, endpoints=members)
        return replace(step, id=numbers[step.id], needs=needs, follows=follows, mark=mark)

    # --- what is shown ---

    @property
    def rest(self) -> Whole:
        """What the plan is made of."""
        return Whole(self.desired, self.networks, self.endpoints, self.containers, self.steps, [*self.refusals])

    @property
    def asked(self) -> tuple[str, ...]:
        """What tells this part from another, and from the whole."""
        going = ("keep going", *(f"{one.thing}" for one in self.left_out)) if self.policy.keep_going else ()
        return (*sorted(self.policy.only), *going)

    @cached_property
    def desired(self) -> DesiredState:
        """What of the file the part is about: what is asked for, and what that interrupts."""
        whole = self.whole.desired
        networks = {name: n for name, n in whole.networks.items() if name in self.scope.networks or _network(name) in self.kept}
        containers = {name: c for name, c in whole.containers.items() if name in self.scope.containers or _container(name) in self.kept}
        return replace(whole, networks=networks, containers=containers)

    @cached_property
    def networks(self) -> Networks:
        """The networks that the part changes or names; the others are as if nothing were to happen to them."""
        cases = {name: case for name, case in self.whole.networks.cases.items() if self._shows(name, case)}
        return replace(self.whole.networks, cases=cases)

    def _shows(self, name: str, case: NetworkCase) -> bool:
        return _network(name) in self.kept or (case.fate == "keep" and (not self.policy.only or name in self.scope.networks))

    @cached_property
    def endpoints(self) -> Endpoints:
        """The attachments that the part changes."""
        cases = [case for case in self.whole.endpoints.cases if self.atoms.of_case(case) in self.kept]
        return replace(self.whole.endpoints, cases=cases)

    @cached_property
    def containers(self) -> Containers:
        """The containers that the part changes, and the images that these need."""
        cases = {name: case for name, case in self.whole.containers.cases.items() if _container(base_name(name)) in self.kept}
        pulls = {image: why for image, why in self.whole.containers.pulls.items() if ("image", "", image) in self.kept}
        return replace(self.whole.containers, cases=cases, pulls=pulls)

    @property
    def refusals(self) -> Iterator[Refusal]:
        """What stands against the part."""
        for refusal in self.whole.refusals:
            atom = self.atoms.about(refusal)
            if atom is None or (atom in self.wanted and atom not in self.because):
                yield refusal

    def told(self, made: Plan) -> Plan:
        """The plan of the part, with what is to be said of it."""
        return replace(
            made,
            drift=tuple(self._drift(made.drift)),
            warnings=tuple(self._about(made.warnings)),
            notes=tuple(self._about(made.notes)),
            only=tuple(sorted(self.policy.only.intersection((*self.whole.desired.networks, *self.whole.desired.containers)))),
            left_out=self.left_out,
            unjudged=self.unjudged,
        )

    def _drift(self, found: Iterable[Drift]) -> Iterator[Drift]:
        """That of the things of the part."""
        return (
            drift for drift in found if not self.policy.only or self._has(drift.subject.removeprefix("network ").removeprefix("container "))
        )

    def _about(self, found: Iterable[str]) -> Iterator[str]:
        """Those about the things of the part."""
        return (note for note in found if not self.policy.only or any(map(self._has, note.replace(":", " ").replace(",", " ").split())))

    def _has(self, subject: str) -> bool:
        container, _, network = subject.partition(" x ")
        if network:
            return container in self.scope.containers or _thing(network, container) in self.kept
        named = subject in self.scope.containers or subject in self.scope.networks
        return named or _network(subject) in self.kept or _container(subject) in self.kept

    # --- what is not done ---

    @cached_property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Everything of the part that is not done: first what cannot be, then what needs that."""
        about = [(self.atoms.about(refusal), refusal) for refusal in self.whole.refusals]
        refused = [LeftOut(_thing_of(a), refusal) for a, refusal in about if a and a in self.because and a in self.wanted]
        told = {one.thing for one in refused}
        others = self.atoms.busy.intersection(self.because).intersection(self.wanted)
        rest = [LeftOut(_thing_of(a), needs=self._cause(a)) for a in others if a[0] == "thing" and _thing_of(a) not in told]
        rest += self._unattached()
        return (*sorted(refused, key=lambda one: (one.thing, one.why)), *sorted(rest, key=lambda one: one.thing))

    def _unattached(self) -> Iterator[LeftOut]:
        """Declared attachments to networks of which nothing is known."""
        for container in self.scope.containers.values():
            for endpoint in container.endpoints:
                unknown = endpoint.network not in self.whole.networks.cases and _network(endpoint.network) in self.because
                if unknown and _container(container.name) not in self.because:
                    yield LeftOut((endpoint.network, container.name), needs=(endpoint.network, ""))

    def _cause(self, atom: Atom) -> Thing:
        found = self.because[atom]
        while found and found[0] != "thing":
            found = self.because[found]
        return _thing_of(found or atom)

    @property
    def unjudged(self) -> frozenset[str]:
        """The containers of the file that are not in the part, or left out."""
        return frozenset(
            name for name in self.whole.desired.containers if name not in self.scope.containers or _container(name) in self.because
        )


# --- atoms -----------------------------------------------------------------------------------------------------------


def _thing(network: str, container: str) -> Atom:
    return ("thing", network, container)


def _network(name: str) -> Atom:
    return ("thing", name, "")


def _container(name: str) -> Atom:
    return ("thing", "", name)


def _thing_of(atom: Atom) -> Thing:
    return atom[1], atom[2]


class _Atoms:
    """The atoms of a plan. `of` is that of each step by its ID, `needs` what each needs, `needed_by` what cannot be without each."""

    def __init__(self, whole: Whole) -> None:
        self.whole = whole
        self.needs: dict[Atom, set[Atom]] = defaultdict(set)
        self.of = {step.id: self._of_step(step) for step in whole.steps}
        self.busy = frozenset(self.of.values())
        self.images = {atom: id for id, atom in self.of.items() if atom[0] == "image"}
        for step in whole.steps:
            self._by_step(step)
        self._gone({name: case for name, case in whole.networks.cases.items() if case.goes or (case.observed and case.observed.missing)})
        for case in whole.endpoints.cases:
            none = _thing("none", case.container.name)
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
        """All but what happens for the sake of others only: images, waits, and who gives up its address."""
        refused = {atom for refusal in self.whole.refusals if (atom := self.about(refusal))}
        yielding = {self.of_case(case) for case in self.whole.endpoints.cases if case.gives_up}
        return {atom for atom in self.busy - yielding | refused if atom[0] == "thing"}

    def named(self, scope: DesiredState) -> set[Atom]:
        """What a part is asked to do: all about its containers, and on its networks what nobody declares and nobody of ours made."""
        found = {_network(name) for name in scope.networks} | {_container(name) for name in scope.containers}
        for case in self.whole.endpoints.cases:
            if case.gives_up:
                continue
            mine = case.observed is not None and ours(case.observed, scope.topology)
            undeclared = case.container.name not in self.whole.desired.containers and case.network in scope.networks and not mine
            if case.container.name in scope.containers or undeclared:
                found.add(self.of_case(case))
        refused = (refusal.about for refusal in self.whole.refusals if refusal.about)
        return found | {self._attachment(*about) for about in refused if about[1] in scope.containers}

    def about(self, refusal: Refusal) -> Atom | None:
        """What a refusal is about."""
        return self._attachment(*refusal.about) if refusal.about else None

    def of_case(self, case: EndpointCase) -> Atom:
        """That of an attachment."""
        return self._attachment(case.network, case.container.name)

    def _attachment(self, network: str, container: str) -> Atom:
        """Those of a container that is made or goes are part of that."""
        name, cases = base_name(container), self.whole.containers.cases
        anew = any(run.comes or run.goes for run in (cases.get(name), cases.get(container)) if run)
        return _container(name) if anew or not network else _thing(network, container)

    def _of_step(self, step: Step) -> Atom:
        if step.op == "wait":
            return "wait", step.condition, step.container
        if step.kind == "image":
            return "image", "", step.image
        return _container(base_name(step.container)) if step.kind == "container" else self._attachment(step.network, step.container)

    def _need(self, atom: Atom, other: Atom) -> None:
        if atom != other:
            self.needs[atom].add(other)

    # --- what an atom needs ---

    def _by_step(self, step: Step) -> None:
        """An image stops everything before anything is done, but only what is made of it needs it.

        So does the network that a container was created on, while it is replaced, stop connects to others: where it stays, it does not.
        """
        atom = self.of[step.id]
        for id in step.needs:
            network = self.whole.networks.cases.get(self.of[id][1])
            stays = network is not None and network.fate == "replace" and self.of[id] == _network(network.name)
            if self.of[id][0] != "image" and not (stays and step.kind == "endpoint" and step.network != self.of[id][1]):
                self._need(atom, self.of[id])
        if step.op == "wait":
            self._need(atom, _container(step.container))

    def _gone(self, going: Mapping[str, NetworkCase]) -> None:
        """Who is on a network that goes, or went in an interrupted run, or was created on it, must be attached again or made anew."""
        for case in self.whole.endpoints.cases:
            if case.network in going and case.observed is not None:
                self._need(_network(case.network), self.of_case(case))
        names = {key: name for name, case in going.items() if case.observed for key in (name, case.observed.id[:12] or name)}
        for run in self.whole.containers.cases.values():
            old = run.observed if run.goes else None
            for key in (*(e.network for e in old.endpoints), old.network_mode, old.network_mode[:12]) if old else ():
                if name := names.get(key):
                    self._need(_network(name), _container(base_name(run.name)))

    def _run(self, case: ContainerCase) -> None:
        """A container that is made or started needs its networks, what it depends on, and whose network it shares.

        Where it goes or starts anew, those that share its network must follow.
        """
        atom = _container(base_name(case.name))
        if case.wanted and (case.comes or case.start):
            shares, image = case.wanted.shares, ("image", "", case.wanted.image)
            needed = [_network(endpoint.network) for endpoint in case.wanted.endpoints]
            needed += [_container(other) for other in (shares, *(d.container for d in case.wanted.depends_on)) if other]
            needed += [image] if image in self.busy else []
            needed += self._lost_with(case) if case.comes else []
            for other in needed:
                self._need(atom, other)
        for member in self._members.get(case.observed.id, ()) if case.observed and (case.goes or case.start) else ():
            self._need(atom, member)

    def _lost_with(self, case: ContainerCase) -> list[Atom]:
        """Networks that go for good, and that another topology attached the old container to: the new one is not attached again."""
        networks, topology = self.whole.networks.cases, self.whole.desired.topology
        others = (e.network for e in case.observed.endpoints if anothers(e, topology)) if case.observed else ()
        return [_network(name) for name in others if name in networks and networks[name].fate == "remove"]

    @cached_property
    def _members(self) -> Mapping[str, list[Atom]]:
        """By ID of a container those that share its network and change."""
        found: dict[str, list[Atom]] = defaultdict(list)
        for case in self.whole.containers.cases.values():
            mode = case.observed.network_mode if case.observed else ""
            if mode.startswith("container:") and case.changes:
                found[mode.removeprefix("container:")].append(_container(base_name(case.name)))
        return found

    def _parts(self) -> None:
        """No attachment is changed of a network or a container that is left as it is."""
        for kind, network, container in [*self.busy]:
            if kind == "thing" and network and container:
                self.needed_by[_network(network)].add(_thing(network, container))
                self.needed_by[_container(container)].add(_thing(network, container))


def _closed(roots: Iterable[Atom], needs: Mapping[Atom, Collection[Atom]]) -> set[Atom]:
    """The roots and all that they need."""
    return {*_reached(roots, needs)}


def _reached(roots: Iterable[Atom], edges: Mapping[Atom, Collection[Atom]]) -> dict[Atom, Atom | None]:
    """Everything that the edges lead to, with where it was reached from; None for the roots."""
    found: dict[Atom, Atom | None] = dict.fromkeys(sorted(roots))
    queue = [*found]
    for atom in queue:
        for other in sorted(edges.get(atom, ())):
            if other not in found:
                found[other] = atom
                queue.append(other)
    return found

"""A part of a plan: named things and what they need, or all but what cannot be and what needs that.

The whole plan is made first. Its steps fall into atoms, which are carried out whole or not at all:
a network, a container with all steps of its recreation, an attachment, an image, a wait. One atom
needs another where a step needs a step of it, and where something would be left interrupted without
it: a network that is replaced needs everything that was on it to come back. A part is closed under
that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from ..fast_dataclasses import replace
from ..marks import base_name
from ..model import DesiredState, NetworkMark
from ..plan import Drift, LeftOut, Plan, Refusal, Step, Thing
from ..safety import Policy
from ..settings.mounts import named_volumes
from .decisions import Containers, Endpoints, NetworkCase, Networks, Volumes
from .step_groups import (
    DECLARED,
    Atom,
    Atoms,
    Whole,
    closed,
    container_atom,
    endpoint_atom,
    network_atom,
    reached,
    thing_of,
    volume_atom,
)


def part_of(whole: Whole, policy: Policy) -> Part:
    """The part that `policy` asks for."""
    atoms = Atoms(whole)
    scope = scope_of(whole.desired, policy.only) if policy.only else whole.desired
    roots = atoms.named(scope) if policy.only else atoms.things
    wanted = closed(roots, atoms.needs)
    refused = {
        atom for refusal in whole.refusals if (atom := atoms.about(refusal)) in wanted and atom
    }
    because = reached(refused, atoms.needed_by) if policy.keep_going else {}
    return Part(
        whole, policy, atoms, scope, wanted, because, closed(roots - because.keys(), atoms.needs)
    )


def scope_of(desired: DesiredState, only: Collection[str]) -> DesiredState:
    """The named networks, containers and volumes, and what these need: their networks and volumes,
    whose network they share, what they depend on.
    """
    containers: dict[str, None] = {}
    queue = [name for name in desired.containers if name in only]
    while queue:
        name = queue.pop()
        if name in desired.containers and name not in containers:
            containers[name] = None
            wanted = desired.containers[name]
            queue += [*wanted.joins, *(dependency.container for dependency in wanted.depends_on)]
    networks = {e.network for name in containers for e in desired.containers[name].endpoints} | {
        *only
    }
    volumes = {
        volume for name in containers for volume in named_volumes(desired.containers[name].settings)
    } | {*only}
    return replace(
        desired,
        networks={name: network for name, network in desired.networks.items() if name in networks},
        containers={
            name: container for name, container in desired.containers.items() if name in containers
        },
        volumes={name: volume for name, volume in desired.volumes.items() if name in volumes},
    )


def names_of(desired: DesiredState) -> set[str]:
    """The names of all that a file declares: networks, containers and volumes."""
    return {*desired.networks, *desired.containers, *desired.volumes}


class Part:
    """What is left of a whole plan. `because` maps each atom that is left out to the one that it
    needs, those refused to None.
    """

    def __init__(
        self,
        whole: Whole,
        policy: Policy,
        atoms: Atoms,
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
        omitted = {
            (step.network, step.container)
            for step in self.whole.steps
            if step.op == "connect" and step.id not in numbers
        }
        before = self._before(numbers)
        return tuple(self._renumbered(step, numbers, before, omitted) for step in kept)

    def _before(self, numbers: Mapping[int, int]) -> Mapping[int, Collection[int]]:
        """By ID of a step: its number, or those of the steps that one which is left out would have
        come after.
        """
        found: dict[int, frozenset[int]] = {}
        for step in self.whole.steps:
            kept = numbers.get(step.id)
            found[step.id] = (
                frozenset((kept,))
                if kept
                else frozenset().union(*(found[id] for id in (*step.needs, *step.follows)))
            )
        return found

    def _renumbered(
        self,
        step: Step,
        numbers: Mapping[int, int],
        before: Mapping[int, Collection[int]],
        omitted: Collection[Thing],
    ) -> Step:
        """Where the rest goes on without it, an image that is not had stops only what is made of
        it.
        """
        found = {
            id
            for id in step.needs
            if not (self.policy.keep_going and self.atoms.of[id][0] == "image")
        }
        if self.policy.keep_going:
            images = self.atoms.images.keys() & self.atoms.needs.get(self.atoms.of[step.id], set())
            found.update(self.atoms.images[image] for image in images)
        needs = tuple(sorted(numbers[id] for id in found if id in numbers))
        after = (number for id in (*step.needs, *step.follows) for number in before[id])
        follows = tuple(sorted({*after}.difference(needs)))
        mark = step.mark
        if isinstance(
            mark, NetworkMark
        ):  # who is not attached now was not when the network was made
            members = {
                name: id
                for name, id in mark.endpoints.items()
                if (step.network, name) not in omitted
            }
            mark = replace(mark, endpoints=members)
        return replace(step, id=numbers[step.id], needs=needs, follows=follows, mark=mark)

    # --- what is shown ---

    @property
    def rest(self) -> Whole:
        """What the plan is made of."""
        return Whole(
            self.desired,
            self.networks,
            self.endpoints,
            self.containers,
            self.volumes,
            self.steps,
            [*self.refusals],
        )

    @property
    def asked(self) -> tuple[str, ...]:
        """What tells this part from another, and from the whole."""
        going = (
            ("keep going", *(f"{one.thing}" for one in self.left_out))
            if self.policy.keep_going
            else ()
        )
        return (*sorted(self.policy.only), *going)

    @cached_property
    def desired(self) -> DesiredState:
        """What of the file the part is about: what is asked for, and what that interrupts."""
        whole = self.whole.desired
        networks = {
            name: n
            for name, n in whole.networks.items()
            if name in self.scope.networks or network_atom(name) in self.kept
        }
        containers = {
            name: c
            for name, c in whole.containers.items()
            if name in self.scope.containers or container_atom(name) in self.kept
        }
        volumes = {
            name: v
            for name, v in whole.volumes.items()
            if name in self.scope.volumes or volume_atom(name) in self.kept
        }
        return replace(whole, networks=networks, containers=containers, volumes=volumes)

    @cached_property
    def networks(self) -> Networks:
        """The networks that the part changes or names; the others are as if nothing were to happen
        to them.
        """
        cases = {
            name: case
            for name, case in self.whole.networks.cases.items()
            if self._shows(name, case)
        }
        return replace(self.whole.networks, cases=cases)

    def _shows(self, name: str, case: NetworkCase) -> bool:
        return network_atom(name) in self.kept or (
            case.fate == "keep" and (not self.policy.only or name in self.scope.networks)
        )

    @cached_property
    def endpoints(self) -> Endpoints:
        """The attachments that the part changes."""
        cases = [
            case for case in self.whole.endpoints.cases if self.atoms.of_case(case) in self.kept
        ]
        return replace(self.whole.endpoints, cases=cases)

    @cached_property
    def containers(self) -> Containers:
        """The containers that the part changes, and the images that these need."""
        cases = {
            name: case
            for name, case in self.whole.containers.cases.items()
            if container_atom(base_name(name)) in self.kept
        }
        pulls = {
            image: why
            for image, why in self.whole.containers.pulls.items()
            if ("image", "", image) in self.kept
        }
        return replace(self.whole.containers, cases=cases, pulls=pulls)

    @cached_property
    def volumes(self) -> Volumes:
        """The volumes that the part changes."""
        cases = {
            name: case
            for name, case in self.whole.volumes.cases.items()
            if volume_atom(name) in self.kept
        }
        return replace(self.whole.volumes, cases=cases)

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
            only=tuple(sorted(self.policy.only.intersection(names_of(self.whole.desired)))),
            left_out=self.left_out,
            unjudged=self.unjudged,
        )

    def _drift(self, found: Iterable[Drift]) -> Iterator[Drift]:
        """That of the things of the part."""
        return (
            drift
            for drift in found
            if not self.policy.only
            or self._has(drift.subject.removeprefix("network ").removeprefix("container "))
        )

    def _about(self, found: Iterable[str]) -> Iterator[str]:
        """Those about the things of the part."""
        if not self.policy.only:
            return iter(found)
        return (note for note in found if any(map(self._concerns, re.split(r"[\s:,]+", note))))

    def _concerns(self, name: str) -> bool:
        return name in self._touched or self._has(name)

    @cached_property
    def _touched(self) -> frozenset[str]:
        """Every network and container that the part changes, or an attachment of it."""
        return frozenset(
            name for kind, *names in self.kept if kind in DECLARED for name in names if name
        )

    def _has(self, subject: str) -> bool:
        container, _, network = subject.partition(" x ")
        if network:
            return (
                container in self.scope.containers or endpoint_atom(network, container) in self.kept
            )
        named = subject in names_of(self.scope)
        return named or network_atom(subject) in self.kept or container_atom(subject) in self.kept

    # --- what is not done ---

    @cached_property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Everything of the part that is not done: first what cannot be, then what needs that."""
        about = [(self.atoms.about(refusal), refusal) for refusal in self.whole.refusals]
        refused = [
            LeftOut(thing_of(a), refusal)
            for a, refusal in about
            if a and a in self.because and a in self.wanted
        ]
        told = {one.thing for one in refused}
        others = self.atoms.busy.intersection(self.because).intersection(self.wanted)
        rest = [
            LeftOut(thing_of(a), needs=self._cause(a))
            for a in others
            if a[0] in DECLARED and thing_of(a) not in told
        ]
        rest += self._unattached()
        return (
            *sorted(refused, key=lambda one: (one.thing, one.why)),
            *sorted(rest, key=lambda one: one.thing),
        )

    def _unattached(self) -> Iterator[LeftOut]:
        """Declared attachments to networks of which nothing is known."""
        for container in self.scope.containers.values():
            for endpoint in container.endpoints:
                unknown = (
                    endpoint.network not in self.whole.networks.cases
                    and network_atom(endpoint.network) in self.because
                )
                if unknown and container_atom(container.name) not in self.because:
                    yield LeftOut((endpoint.network, container.name), needs=(endpoint.network, ""))

    def _cause(self, atom: Atom) -> Thing:
        found = self.because[atom]
        while found and found[0] not in DECLARED:
            found = self.because[found]
        return thing_of(found or atom)

    @property
    def unjudged(self) -> frozenset[str]:
        """The containers of the file that are not in the part, or left out."""
        return frozenset(
            name
            for name in self.whole.desired.containers
            if name not in self.scope.containers or container_atom(name) in self.because
        )

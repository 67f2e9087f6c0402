"""What a run may touch. Runs whose scopes are disjoint do not wait for each other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..fast_dataclasses import dataclass
from ..model import DesiredState, Journal, ObservedState
from ..plan import Plan

MOST_NAMES = 5000
"""A scope of more names than that is not written down: it is taken to be everything."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Names with their kind, such as `network backend`: `changes` are this run's alone, `uses` may
    be used by others at the same time.

    `everything`: the run may touch whatever there is, known or not.
    """

    changes: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    everything: bool = False

    def __or__(self, other: Scope) -> Scope:
        return Scope(
            self.changes | other.changes,
            self.uses | other.uses,
            self.everything or other.everything,
        )

    def common(self, other: Scope) -> list[str]:
        """What both touch, one of them alone; sorted."""
        mine, others = self.changes | self.uses, other.changes | other.uses
        return sorted((self.changes & others) | (mine & other.changes))

    def overlaps(self, other: Scope) -> bool:
        """Whether the one must wait for the other."""
        return self.everything or other.everything or bool(self.common(other))

    def covers(self, other: Scope) -> bool:
        """Whether whoever holds this one may do all that `other` needs."""
        uses = self.changes | self.uses
        return self.everything or (
            not other.everything and other.changes <= self.changes and other.uses <= uses
        )


EVERYTHING = Scope(everything=True)


def scope_of(
    desired: DesiredState, observed: ObservedState, plan: Plan, journals: Iterable[Journal]
) -> Scope:
    """All that a run of `plan` may touch: what the file declares, what the topology has on the
    engine or had according to its journals, and what the steps act on or interrupt. Networks that
    it only attaches containers to are used, and so are volumes that it neither creates nor removes.
    """
    changes = {
        f"topology {desired.topology}",
        *_declared(desired),
        *_owned(desired.topology, observed),
        *_planned(plan),
    }
    for journal in journals:
        if journal.topology == desired.topology:
            changes.update(_held(journal))
    uses = {f"network {name}" for name, network in desired.networks.items() if network.external}
    uses.update(f"network {step.network}" for step in plan.steps if step.network)
    uses.update(f"volume {name}" for name in desired.volumes)
    uses.update(
        f"container {owner}"
        for container in desired.containers.values()
        for owner in container.joins
    )
    found = Scope(frozenset(changes), frozenset(uses - changes))
    return found if len(found.changes) + len(found.uses) <= MOST_NAMES else EVERYTHING


def _declared(desired: DesiredState) -> Iterator[str]:
    yield from (
        f"network {name}" for name, network in desired.networks.items() if not network.external
    )
    yield from (f"container {name}" for name in desired.containers)


def _owned(topology: str, observed: ObservedState) -> Iterator[str]:
    yield from (
        f"network {found.name}"
        for found in observed.networks
        if found.mark and found.mark.topology == topology
    )
    for container in observed.containers:
        marks = (container.mark, *(endpoint.mark for endpoint in container.endpoints))
        if any(mark and mark.topology == topology for mark in marks):
            yield f"container {container.name}"


def _planned(plan: Plan) -> Iterator[str]:
    yield from (f"network {step.network}" for step in plan.steps if step.kind == "network")
    yield from (f"container {step.container}" for step in plan.steps if step.container)
    yield from (f"volume {step.volume}" for step in plan.steps if step.volume)
    yield from (f"container {step.name}" for step in plan.steps if step.name)
    yield from (f"container {name}" for name in plan.interrupts)


def _held(journal: Journal) -> Iterator[str]:
    yield from (f"network {network.name}" for network in journal.taken.networks)
    yield from (f"container {container.name}" for container in journal.taken.containers)


# --- as text --------------------------------------------------------------------------------------


def scope_text(scope: Scope) -> str:
    """A scope as JSON; empty if it is everything."""
    if scope.everything:
        return ""
    return json.dumps(
        {"changes": sorted(scope.changes), "uses": sorted(scope.uses)}, separators=(",", ":")
    )


def read_scope(text: str) -> Scope:
    """The scope that `scope_text` wrote; of anything else everything, as nothing is known of it."""
    try:
        value = json.loads(text)
        return Scope(_names(value["changes"]), _names(value["uses"]))
    except (KeyError, TypeError, ValueError, RecursionError):
        return EVERYTHING


def _names(value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError(value)
    return frozenset(value)


def in_words(names: Sequence[str], most: int = 3) -> str:
    """`network backend, container api and 3 more`."""
    shown = list(names[:most])
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")

"""Several topologies that are removed from one engine: in which order, and what is left after
each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .fast_dataclasses import replace
from .model import ObservedContainer, ObservedState
from .ownership import ours, owner
from .plan import Plan


def removal_order(observed: ObservedState, topologies: Iterable[str]) -> list[str]:
    """By name, but each before those whose networks and containers it uses: what is still in use is
    not removed without consent.

    In a circle the first by name comes first.
    """
    left = sorted(set(topologies))
    uses = {(user, used) for user, used in _uses(observed) if user != used}
    ordered = []
    while left:
        free = (name for name in left if not any((other, name) in uses for other in left))
        first = next(free, left[0])
        left.remove(first)
        ordered.append(first)
    return ordered


def _uses(observed: ObservedState) -> Iterator[tuple[str, str]]:
    """Which topology uses a network, a container or a volume of which."""
    networks = {network.id: owner(network) for network in observed.networks}
    containers = {container.id: owner(container) for container in observed.containers}
    for container in observed.containers:
        whose = owner(container)
        for id in container.joins:
            yield whose, containers.get(id, whose)
        for endpoint in container.endpoints:
            by = owner(endpoint) or whose
            yield by, networks.get(endpoint.network_id, by)
            yield by, whose
    for volume in (observed.volumes or {}).values():
        for user in volume.users:
            yield containers.get(user, ""), owner(volume)


def without(observed: ObservedState, topology: str) -> ObservedState:
    """The engine after a topology was removed: nothing that it owns is there, and what it had
    amended is nobody's.
    """
    networks = tuple(network for network in observed.networks if not ours(network, topology))
    containers = (
        _released(container, topology)
        for container in observed.containers
        if not ours(container, topology)
    )
    return replace(observed, networks=networks, containers=tuple(containers))


def _released(container: ObservedContainer, topology: str) -> ObservedContainer:
    ends = [
        e
        for e in container.endpoints
        if not (e.mark and ours(e, topology) and e.mark.how == "made")
    ]
    kept = tuple(
        replace(e, settings=e.mark.before, mark=None) if e.mark and ours(e, topology) else e
        for e in ends
    )
    return container if kept == container.endpoints else replace(container, endpoints=kept)


def taken(plan: Plan) -> set[tuple[str, str]]:
    """Network and container of all that a plan removes, replaces or disconnects; of a container
    that is interrupted its name.
    """
    gone = {
        (change.network, change.container or change.volume)
        for change in plan.changes
        if {"delete", "disconnect"} & {*change.actions}
    }
    return gone | {("", name) for change in plan.changes for name in change.interrupts}

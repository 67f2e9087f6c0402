"""What containers are created with, and what is lost, or stays behind, with those that go."""

from __future__ import annotations

from collections.abc import Mapping

from ..marks import made_mark
from ..model import DesiredContainer, DesiredState, EndpointMark, ObservedContainer, ObservedState
from ..plan import LOSES_FILES, LOSES_VOLUMES, ContainerSpec, EndpointSpec
from ..safety import Policy
from .decisions import ContainerCase, Containers, leftover_of


def finish(
    containers: Containers, desired: DesiredState, observed: ObservedState, policy: Policy
) -> None:
    """The last part of deciding: fates are certain now."""
    swarm = {network.id for network in observed.networks if network.scope == "swarm"}
    by_name = {c.name: c for c in observed.containers if c.state != "removing"}
    for case in containers.cases.values():
        if policy.reset and policy.names(case.name):
            case.keep_volumes = False
        if case.observed and case.goes:
            attached = {endpoint.network_id for endpoint in case.observed.endpoints}
            case.on_overlay = not attached.isdisjoint(swarm)
            _notes(case, case.observed, by_name)
        if case.comes:
            assert case.wanted is not None
            case.spec = _spec(case, case.wanted, desired)


def _notes(
    case: ContainerCase, old: ObservedContainer, by_name: Mapping[str, ObservedContainer]
) -> None:
    case.notes.append(LOSES_FILES)
    if case.comes and case.on_overlay and old.live and not case.renamed:
        case.notes.append(
            "stopped before it is renamed: engines cannot rename a running container on an overlay"
            " network"
        )
    carried = carried_over(case, old)
    if carried or (old.anonymous and not case.keep_volumes):
        targets = ", ".join(sorted(carried or old.anonymous))
        case.notes.append(
            f"{'its anonymous volumes are kept' if carried else LOSES_VOLUMES}: {targets}"
        )
    if case.keep_volumes:
        successor = (
            by_name.get(leftover_of(old)) if not case.comes else None
        )  # of an interrupted reset, it has others
        held = {*carried.values(), *(successor.anonymous.values() if successor else ())}
        left = sorted(target for target, name in old.anonymous.items() if name not in held)
        case.notes += [
            f"its anonymous volume at {target} is not removed: {old.anonymous[target][:12]}"
            for target in left
        ]
    for name in sorted(member.name for member in case.strangers):
        case.notes.append(
            f"{name}, which is not managed by this topology, shares its network: it loses its"
            " network and must be recreated"
        )


def _spec(case: ContainerCase, wanted: DesiredContainer, desired: DesiredState) -> ContainerSpec:
    topology = desired.topology
    endpoints = tuple(
        EndpointSpec(e.network, e.settings, EndpointMark(topology, "made", e.settings))
        for e in wanted.endpoints
    )
    carried = carried_over(case, case.observed) if case.observed else {}
    mark = made_mark(topology, wanted, desired.origin)
    return ContainerSpec(wanted.settings, mark, wanted.mode, endpoints, wanted.environment, carried)


def carried_over(case: ContainerCase, old: ObservedContainer) -> dict[str, str]:
    """The anonymous volumes that a new container gets from the old one: all that the file has not
    dropped since, or made something else.
    """
    if not (case.comes and case.keep_volumes) or case.wanted is None:
        return {}
    recorded = old.mark.hashes if old.mark else {}
    found = {}
    for target, name in sorted(old.anonymous.items()):
        path = f"volumes.{target}"
        now = str(case.wanted.settings.get(path, "" if path in recorded else "volume:"))
        if now == "volume:" or now.startswith("volume::"):
            found[target] = name
    return found

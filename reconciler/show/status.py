"""A live topology in one line, and what of it is not as it should be: one row for each container
and network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ..model import ObservedState
from ..terminal import safe
from .containers import ContainerView
from .networks import OPTIONAL, OPTIONAL_NETWORK, OUTSIDE, NetworkView
from .topologies import state_of
from .volumes import VolumeView


def summary(
    observed: ObservedState,
    networks: Sequence[NetworkView],
    containers: Sequence[ContainerView],
    wrong: Mapping[str, Sequence[str]],
) -> str:
    """`2 networks, 3 containers: 2 running, 1 missing; 1 problem`; containers that are only
    attached are counted, too.
    """
    live = {container.name: container.state for container in observed.containers}
    rows = (row for network in networks for row in network.endpoints if not _fine(row.notes))
    states = {
        name: live.get(name, "missing")
        for name in [*(row.container for row in rows), *(row.name for row in containers)]
    }
    counts = Counter(states.values())
    ordered = sorted(counts, key=lambda state: (state != "running", state == "missing", state))
    listed = ", ".join(f"{counts[state]} {safe(state)}" for state in ordered)
    text = f"{_count(len(networks), 'network')}, {_count(len(states), 'container')}" + (
        f": {listed}" if listed else ""
    )
    return f"{text}; {_count(len(wrong), 'problem') if wrong else 'no problems'}"


def problem_rows(
    networks: Sequence[NetworkView],
    containers: Sequence[ContainerView],
    volumes: Sequence[VolumeView] = (),
) -> dict[str, list[str]]:
    """By name of the network, container or volume all that is wrong with it; those that are not
    well come first.
    """
    found: dict[str, list[str]] = {}
    for row in containers:
        notes = list(row.notes)
        if not row.healthy:
            notes.insert(0, state_of(row))
        if notes:
            found.setdefault(f"container {row.name}", []).extend(notes)
    for network in networks:
        notes = list(network.notes or ([network.status] if network.status != "present" else []))
        if notes and not _fine(notes):
            found.setdefault(f"network {network.name}", []).extend(notes)
        for endpoint in network.endpoints:
            rows = found.setdefault(f"container {endpoint.container}", [])
            if "missing" not in rows and not _fine(endpoint.notes):  # it is nowhere then
                rows.extend(f"on {network.name}: {note}" for note in endpoint.notes)
    found.update((f"volume {row.name}", problems_of(row)) for row in volumes)
    return {name: notes for name, notes in found.items() if notes}


def problems_of(volume: VolumeView) -> list[str]:
    """What is wrong with a volume."""
    return ["missing"] if volume.status == "missing" else list(volume.notes)


def _fine(notes: Sequence[str]) -> bool:
    """Whether they only say what is so: nothing must be done about it."""
    return bool(notes) and {*notes} <= {OUTSIDE, OPTIONAL, OPTIONAL_NETWORK}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

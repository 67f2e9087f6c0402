"""What changed on an engine between two looks, in words: why a plan that was agreed to is no longer the plan.

Only what a plan's fingerprint covers counts, so addresses that an engine chose, health and times never show. Objects are compared by
name with `==`; DeepDiff, which is slow to load and to run, explains the few that differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..model import DesiredState, EndpointMark, NetworkMark, ObservedContainer, ObservedNetwork, ObservedState
from ..paint import safe
from ..plan import Plan
from ..settings import Settings
from .values import readable, show_value

View = Mapping[str, Any]
"""One object as text: property -> text, and for a container `on`: network -> property -> text."""


def changed(before: ObservedState, after: ObservedState, desired: DesiredState, plan: Plan) -> tuple[str, ...]:
    """One sentence for each difference that concerns `desired` or the steps of `plan`, which was made from `before`; sorted."""
    networks = {*desired.networks, *(step.network for step in plan.steps)}
    networks |= {n.name for state in (before, after) for n in state.networks if n.mark and n.mark.topology == desired.topology}
    containers = {*desired.containers, *(step.container for step in plan.steps if step.container)}
    containers |= {c.name for state in (before, after) for c in state.containers if any(e.network in networks for e in c.endpoints)}
    repeated = {name for state in (before, after) for name, times in Counter(n.name for n in state.networks).items() if times > 1}
    old, new = (_views(state, networks, containers, repeated) for state in (before, after))
    differ = {subject for subject in {*old, *new} if old.get(subject) != new.get(subject)}
    return tuple(sorted(_explained(_only(old, differ), _only(new, differ)))) if differ else ()


def _only(views: Mapping[str, View], subjects: set[str]) -> dict[str, View]:
    return {subject: view for subject, view in views.items() if subject in subjects}


# --- views -----------------------------------------------------------------------------------------------------------


def _views(state: ObservedState, networks: set[str], containers: set[str], repeated: set[str]) -> dict[str, View]:
    result: dict[str, View] = {}
    for network in state.networks:
        if network.name in networks:
            which = f" ({network.id[:12]})" if network.name in repeated else ""
            result[f"network {network.name}{which}"] = _network(network)
    result |= {f"container {container.name}": _container(container) for container in state.containers if container.name in containers}
    return result


def _network(network: ObservedNetwork) -> View:
    return {"id": network.id, "owner": _owner(network.mark), **_shown(network.settings)}


def _container(container: ObservedContainer) -> View:
    on = {
        e.network: {
            "network": e.network_id[:12],
            "owner": _owner(e.mark),
            "listed only": show_value(e.phantom),
            **_shown(e.settings),
        }
        for e in container.endpoints
    }
    run = {path: show_value(readable(path, value)) for path, value in container.settings.items() if path != "network_mode"}
    return {"id": container.id, "running": container.live, "network_mode": safe(container.network_mode), "on": on, **run}


def _owner(mark: NetworkMark | EndpointMark | None) -> str:
    how = f" ({mark.how})" if isinstance(mark, EndpointMark) else ""
    return f"topology {mark.topology}{how}" if mark else "nobody"


def _shown(settings: Settings) -> dict[str, str]:
    return {path: show_value(value) for path, value in settings.items()}


# --- words -----------------------------------------------------------------------------------------------------------


def _explained(old: Mapping[str, View], new: Mapping[str, View]) -> Iterator[str]:
    from deepdiff import DeepDiff

    kinds: Mapping[str, Iterable[Any]] = DeepDiff(old, new, view="tree", threshold_to_diff_deeper=0)
    for kind, levels in kinds.items():
        for level in levels:
            subject, *path = level.path(output_format="list")
            yield _sentence(subject, path, kind == "dictionary_item_added", level.t1, level.t2)


def _sentence(subject: str, path: Sequence[str], added: bool, before: object, after: object) -> str:
    """`path` leads from the object to what differs; a value that is no text is none."""
    change = f"{_text(before)} -> {_text(after)}"
    match path:
        case []:
            return f"{subject} {'is new' if added else 'is gone'}"
        case ["id"]:
            return f"{subject} was made anew"
        case ["running"]:
            return f"{subject} was {'started' if after else 'stopped'}"
        case ["on", network]:
            return f"{subject} was {'connected to' if added else 'disconnected from'} {network}"
        case ["on", network, what]:
            return f"{subject} on {network}: {what} {change}"
    return f"{subject}: {path[-1]} {change}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else show_value(None)

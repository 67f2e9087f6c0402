"""What changed on an engine between two looks, in words: why a plan that was agreed to is no longer
the plan.

Only what a plan's fingerprint covers counts, so addresses that an engine chose, health and times
never show. Objects are compared by name with `==`; DeepDiff, which is slow to load and to run,
explains the few that differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..environment_digests import sealed
from ..fast_dataclasses import dataclass
from ..model import (
    HIDDEN,
    DesiredContainer,
    DesiredState,
    EndpointMark,
    NetworkMark,
    ObservedContainer,
    ObservedImage,
    ObservedNetwork,
    ObservedState,
    VolumeMark,
    lasting_id,
)
from ..network_mode import NAMESPACES, sharing
from ..plan import Plan
from ..settings import Settings, chosen
from ..terminal import safe
from .values import readable, secret, show_value

View = Mapping[str, Any]
"""One object as text: property -> text, and for a container `on`: network -> property -> text."""
_MARKED = "mark's"
"""Begins what an endpoint's mark holds."""


def why(
    before: ObservedState, after: ObservedState, desired: DesiredState, plan: Plan
) -> tuple[str, ...]:
    """Why `plan`, which was made from `after`, is not the one that was made from `before`: at least
    one sentence.

    What changed; where nothing did that this topology is about, what stands against the plan now;
    else what the plan has become.
    """
    return (
        changed(before, after, desired, plan)
        or tuple(safe(refusal.message) for refusal in plan.refusals)
        or tuple(map(safe, _become(plan)))
        or ("there is nothing left to do",)
    )


def _become(plan: Plan) -> Iterator[str]:
    yield from (f"{drift.subject}: {drift.message}" for drift in plan.drift)
    yield from plan.warnings
    yield from (f"the plan is now to {step.text}: {step.reason}" for step in plan.steps)


def changed(
    before: ObservedState, after: ObservedState, desired: DesiredState, plan: Plan
) -> tuple[str, ...]:
    """One sentence for each difference that concerns `desired` or the steps of `plan`, which was
    made from one of the two; sorted.
    """
    if before.seal and before.seal.fits:
        after = sealed(after, like=before.seal)
    scope = _scope((before, after), desired, plan)
    old, new = (_views(state, scope) for state in (before, after))
    differ = {subject for subject in {*old, *new} if old.get(subject) != new.get(subject)}
    return tuple(sorted(_explained(_only(old, differ), _only(new, differ)))) if differ else ()


@dataclass(frozen=True, slots=True)
class _Scope:
    """What may be told of: networks, containers and volumes by name, owners of networks that others
    share and lose by ID, declared containers.
    """

    networks: frozenset[str]
    containers: frozenset[str]
    volumes: frozenset[str]
    repeated: frozenset[str]
    going: Mapping[str, str]
    run: tuple[DesiredContainer, ...]


def _scope(states: Sequence[ObservedState], desired: DesiredState, plan: Plan) -> _Scope:
    ours = desired.topology
    networks = {*desired.networks, *(step.network for step in plan.steps)}
    networks |= {
        n.name for state in states for n in state.networks if n.mark and n.mark.topology == ours
    }
    endpoints = (
        endpoint
        for state in states
        for container in state.containers
        for endpoint in container.endpoints
    )
    networks |= {
        endpoint.network
        for endpoint in endpoints
        if endpoint.mark and endpoint.mark.topology == ours
    }
    containers = {*desired.containers, *(step.container for step in plan.steps if step.container)}
    for container in (container for state in states for container in state.containers):
        if (container.mark and container.mark.topology == ours) or any(
            e.network in networks for e in container.endpoints
        ):
            containers.add(container.name)
    repeated = {
        name
        for state in states
        for name, times in Counter(n.name for n in state.networks).items()
        if times > 1
    }
    removed = {
        step.container_id for step in plan.steps if step.op == "remove" and step.kind == "container"
    }
    going = {
        container.id: container.name
        for state in states
        for container in state.containers
        if container.id in removed
    }
    run = tuple(container for container in desired.containers.values() if container.managed)
    volumes = {*desired.volumes, *(step.volume for step in plan.steps)}
    return _Scope(
        frozenset(networks),
        frozenset(containers),
        frozenset(volumes),
        frozenset(repeated),
        going,
        run,
    )


def _only(views: Mapping[str, View], subjects: set[str]) -> dict[str, View]:
    return {subject: view for subject, view in views.items() if subject in subjects}


# --- views ----------------------------------------------------------------------------------------


def _views(state: ObservedState, scope: _Scope) -> dict[str, View]:
    result: dict[str, View] = {"the engine": {"API": ".".join(map(str, state.engine.api))}}
    for network in state.networks:
        if network.name in scope.networks:
            which = f" ({network.id[:12]})" if network.name in scope.repeated else ""
            result[f"network {network.name}{which}"] = _network(network)
    for name in sorted(scope.volumes.intersection(state.volumes or ())):
        volume = (state.volumes or {})[name]
        result[f"volume {name}"] = {"owner": _owner(volume.mark), **_shown(volume.settings)}
    shots = {container.name for container in scope.run if container.one_shot}
    for container in state.containers:
        shares = "" if container.name in scope.containers else _shares(container, scope)
        if shares or container.name in scope.containers:
            ended = {"exit code": _exit_code(container)} if container.name in shots else {}
            result[f"container {container.name}{shares}"] = _container(container) | ended
    for wanted in scope.run:
        if image := state.images.get(wanted.image):
            result[f"image {wanted.image}"] = _image(image, wanted.pull_policy == "always")
    return result


def _shares(container: ObservedContainer, scope: _Scope) -> str:
    """`, which shares the network of web,` of one that would lose it."""
    shared = sharing(container.network_mode, container.settings)
    lost = [
        f"{NAMESPACES[key]} of {scope.going[id]}" for key, id in shared.items() if id in scope.going
    ]
    return f", which shares the {' and the '.join(lost)}," if lost else ""


def _network(network: ObservedNetwork) -> View:
    return {
        "id": lasting_id(network.id, network.name),
        "owner": _owner(network.mark),
        **_shown(chosen(network.settings)),
    }


def _container(container: ObservedContainer) -> dict[str, Any]:
    on = {
        e.network: {
            "network": lasting_id(e.network_id, e.network)[:12],
            "owner": _owner(e.mark),
            "listed but not attached": show_value(e.phantom),
            **_marked(e.mark),
            **_shown(e.settings),
        }
        for e in container.endpoints
    }
    settings = {path: value for path, value in container.settings.items() if path != "network_mode"}
    run = {
        path: str(value) if secret(path) else show_value(readable(path, value))
        for path, value in settings.items()
    }
    known = {
        "id": container.id,
        "running": container.live,
        "network lost": container.severed,
        "network_mode": safe(container.network_mode),
    }
    return {**known, "on": on, **run}


def _exit_code(container: ObservedContainer) -> str:
    """Of one that is meant to end."""
    return show_value(
        None if container.live or container.state == "created" else container.exit_code
    )


def _image(image: ObservedImage, followed: bool) -> View:
    return {
        "ID": image.id.removeprefix("sha256:")[:12],
        **({"registry has a newer image": show_value(image.outdated)} if followed else {}),
    }


def _owner(mark: NetworkMark | EndpointMark | VolumeMark | None) -> str:
    how = f" ({mark.how})" if isinstance(mark, EndpointMark) else ""
    return f"topology {mark.topology}{how}" if mark else "nobody"


def _marked(mark: EndpointMark | None) -> dict[str, str]:
    """What the mark holds, beside whose it is: told where nothing else of its endpoint differs."""
    declared, before = (mark.declared, mark.before) if mark else ({}, {})
    found = {f"{_MARKED} {path}": value for path, value in _shown(declared).items()}
    return found | {f"{_MARKED} own {path}": value for path, value in _shown(before).items()}


def _shown(settings: Settings) -> dict[str, str]:
    return {path: show_value(value) for path, value in settings.items()}


# --- words ----------------------------------------------------------------------------------------


def _explained(old: Mapping[str, View], new: Mapping[str, View]) -> Iterator[str]:
    from deepdiff import DeepDiff

    kinds: Mapping[str, Iterable[Any]] = DeepDiff(old, new, view="tree", threshold_to_diff_deeper=0)
    found = [
        (kind, level, level.path(output_format="list"))
        for kind, levels in kinds.items()
        for level in levels
    ]
    told = {tuple(path[:-1]) for _, _, path in found if not path[-1].startswith(_MARKED)}
    for kind, level, (subject, *path) in found:
        if not (path and path[-1].startswith(_MARKED) and (subject, *path[:-1]) in told):
            yield _sentence(subject, path, kind == "dictionary_item_added", level.t1, level.t2)


def _sentence(subject: str, path: Sequence[str], added: bool, before: object, after: object) -> str:
    """`path` leads from the object to what differs; a value that is no text is none."""
    if path and secret(path[-1]):  # a digest, which is for comparing only
        before, after = (HIDDEN if isinstance(value, str) else value for value in (before, after))
    change = f"{_text(before)} -> {_text(after)}" if before != after else "changes"
    match path:
        case []:
            return f"{subject} {'was created' if added else 'no longer exists'}"
        case ["id"] | ["running"] | ["network lost"]:
            return f"{subject} {_happened(path[0], after)}"
        case ["on", network]:
            return f"{subject} was {'connected to' if added else 'disconnected from'} {network}"
        case ["on", network, what]:
            return f"{subject} on {network}: {what} {change}"
    return f"{subject}: {path[-1]} {change}"


def _happened(what: str, after: object) -> str:
    """What became of an object itself."""
    if what == "id":
        return "was recreated"
    if what == "running":
        return f"was {'started' if after else 'stopped'}"
    return "lost the network that it shares" if after else "has its shared network again"


def _text(value: object) -> str:
    return value if isinstance(value, str) else show_value(None)

"""What a plan changes, as a person reads it: one change for each resource."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from ..fast_dataclasses import replace
from ..model import DesiredEndpoint
from ..plan import FOR_GOOD, LOSES_DATA, Action, Change, Difference
from ..settings import ADDRESS_PATHS, Value
from .compare import DEFAULTS
from .container_compare import in_place
from .decisions import (
    ContainerCase,
    Containers,
    EndpointCase,
    Endpoints,
    NetworkCase,
    Networks,
    Volumes,
)
from .wipe import Wipe

_ACTIONS: dict[str, tuple[Action, ...]] = {
    "create": ("create",),
    "recreate": ("delete", "create"),
    "remove": ("delete",),
    "update": ("update",),
    "keep": ("start",),
}


def changes(
    wipe: Wipe,
    networks: Networks,
    endpoints: Endpoints,
    containers: Containers,
    volumes: Volumes,
) -> tuple[Change, ...]:
    """What a wipe takes away, then volumes, images and containers, then networks with their
    endpoints.
    """
    return (
        *_wipe_changes(wipe),
        *_volume_changes(volumes),
        *_container_changes(containers),
        *_network_changes(networks, endpoints, containers),
    )


def _wipe_changes(wipe: Wipe) -> Iterator[Change]:
    """Containers, then networks."""
    for container in wipe.containers:
        yield Change(
            ("delete",),
            "",
            container.name,
            reason=FOR_GOOD,
            interrupts=(container.name,) if container.live else (),
        )
    for network in wipe.networks:
        yield Change(("delete",), network.name, reason=FOR_GOOD)


# --- volumes ---


def _volume_changes(volumes: Volumes) -> Iterator[Change]:
    """By name."""
    for name, case in sorted(volumes.cases.items()):
        if case.fate == "keep":
            continue
        settings = case.wanted.settings if case.wanted else {}
        yield Change(
            _ACTIONS[case.fate],
            "",
            differences=tuple(Difference(path, None, settings[path]) for path in sorted(settings)),
            reason=case.reason,
            source=case.wanted.source if case.wanted else None,
            notes=() if case.wanted else (LOSES_DATA,),
            volume=name,
        )


# --- containers ---


def _container_changes(containers: Containers) -> Iterator[Change]:
    """Images first, then containers by name."""
    for image, why in sorted(containers.pulls.items()):
        yield Change(("pull",), "", image=image, reason=why)
    for name, case in sorted(containers.cases.items()):
        if case.changes:
            yield _container_change(name, case)


def _container_change(name: str, case: ContainerCase) -> Change:
    differences = _created(case) if case.fate == "create" else case.differences
    if case.fate == "recreate":
        differences = tuple(
            replace(d, note="changes with the recreation")
            if d.cause == "intent" and in_place(d)
            else d
            for d in differences
        )
    interrupted = (
        {name} if case.observed and case.observed.live and (case.goes or case.stop) else set()
    )
    interrupted |= {member.name for member in case.strangers if member.live}
    return Change(
        _ACTIONS[case.fate],
        "",
        name,
        differences,
        case.reason,
        case.wanted.source if case.wanted else None,
        tuple(sorted(interrupted)),
        case.drift,
        tuple(case.notes),
    )


def _created(case: ContainerCase) -> tuple[Difference, ...]:
    assert case.wanted is not None
    found = [Difference(path, None, value) for path, value in sorted(case.wanted.settings.items())]
    return (
        *found,
        *(Difference(f"networks.{e.network}", None, _attached(e)) for e in case.wanted.endpoints),
    )


def _attached(endpoint: DesiredEndpoint) -> str:
    """`address 10.1.0.5, alias web`: what an attachment asks for, in a few words."""
    words = {
        "aliases": "alias",
        "ipv4_address": "address",
        "ipv6_address": "address",
        "mac_address": "MAC",
        "link_local_ips": "link-local",
    }
    parts = [
        f"{words.get(path, path)} {_text(value)}"
        for path, value in sorted(endpoint.settings.items())
    ]
    return ", ".join(parts) or "attached"


def _text(value: Value) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _leaving(containers: Containers) -> Mapping[str, Collection[str]]:
    """Network -> the running containers on it that go."""
    found = defaultdict(set)
    for case in containers.cases.values():
        if case.goes and case.observed and case.observed.live:
            for endpoint in case.observed.endpoints:
                found[endpoint.network].add(case.name)
    return found


# --- networks and endpoints ---


def _network_changes(
    networks: Networks, endpoints: Endpoints, containers: Containers
) -> Iterator[Change]:
    """By network: the network itself, then its endpoints in the order of the file, but for those of
    containers that are made.
    """
    on_network: dict[str, list[EndpointCase]] = defaultdict(list)
    for case in endpoints.cases:
        if not (case.inside or case.kept):
            on_network[case.network].append(case)
    gone = _leaving(containers)
    for name in sorted({*networks.cases, *on_network}):
        network = networks.cases.get(name)
        if network and network.fate != "keep":
            yield _network_change(network, on_network[name], gone.get(name, ()))
        for case in on_network[name]:
            if not case.restored and not (
                network and network.fate == "remove" and case.target is None
            ):
                yield _endpoint_change(case, replaced=bool(network and network.goes))


def _network_change(
    case: NetworkCase, endpoints: Iterable[EndpointCase], leaving: Iterable[str]
) -> Change:
    created = tuple(Difference(path, None, value) for path, value in sorted(case.target.items()))
    match case.fate:
        case "replace":
            return Change(
                ("delete", "create"),
                case.name,
                differences=case.differences,
                reason=case.reason,
                source=case.wanted.source if case.wanted else None,
                interrupts=tuple(sorted({*_interrupted(endpoints), *leaving})),
                drift=any(difference.cause == "drift" for difference in case.differences),
                notes=tuple(_replacement_notes(case, endpoints)),
            )
        case "remove":
            return Change(
                ("delete",),
                case.name,
                reason=case.reason,
                interrupts=tuple(sorted({*_interrupted(endpoints), *leaving})),
            )
        case _:
            return Change(
                ("create",),
                case.name,
                differences=created,
                reason=case.reason,
                source=case.wanted.source if case.wanted else None,
            )


def _replacement_notes(case: NetworkCase, endpoints: Iterable[EndpointCase]) -> Iterator[str]:
    back = [endpoint for endpoint in endpoints if endpoint.target is not None]
    families = [
        path
        for path, family in ADDRESS_PATHS
        if case.target.get(f"enable_{family}", DEFAULTS[f"enable_{family}"])
    ]
    dynamic = [
        e.container.name for e in back if e.observed and not {*families} <= {*(e.target or ())}
    ]
    if dynamic:
        yield f"may get another address: {', '.join(sorted(dynamic))}"
    foreign = [endpoint.container.name for endpoint in back if endpoint.wanted is None]
    if foreign:
        yield f"not declared here, reconnected as before: {', '.join(sorted(foreign))}"
    if case.observed and case.observed.config_from:
        yield (
            f"keeps the settings of config network {case.observed.config_from}, but is no longer"
            " linked to it"
        )


def _endpoint_change(case: EndpointCase, replaced: bool) -> Change:
    differences = case.differences
    if case.target is not None and case.disconnect:
        actions: tuple[str, ...] = ("disconnect", "connect")
    elif case.target is not None:
        actions = ("connect",)
        differences = tuple(
            Difference(path, None, value) for path, value in sorted(case.target.items())
        )
    else:
        actions = ("disconnect",)
    return Change(
        actions if not case.cure else ("disconnect",),  # type: ignore[arg-type]
        case.network,
        case.container.name,
        differences,
        case.reason,
        case.wanted.source if case.wanted else None,
        (case.container.name,) if not replaced and _interrupts(case) else (),
        case.drift,
    )


def _interrupted(endpoints: Iterable[EndpointCase]) -> tuple[str, ...]:
    return tuple(
        sorted({endpoint.container.name for endpoint in endpoints if _interrupts(endpoint)})
    )


def _interrupts(case: EndpointCase) -> bool:
    return case.disconnect and case.container.live and not case.cure and case.network != "none"

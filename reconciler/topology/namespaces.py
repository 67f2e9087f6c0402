"""What containers of a file share of each other: network, processes, IPC."""

from __future__ import annotations

from collections.abc import Mapping

from ..network_mode import NAMESPACES
from .container_reader import Service
from .document import show
from .hints import suggestion
from .report import Report


def resolve_namespaces(report: Report, service: Service, names: Mapping[str, str]) -> None:
    """`service:KEY` becomes `container:NAME`. `names` are those of the file's containers on the
    engine, by key.
    """
    for key in NAMESPACES:
        _resolve(report, service, key, names)


def _resolve(report: Report, service: Service, key: str, names: Mapping[str, str]) -> None:
    kind, _, other = str(service.settings.get(key, "")).partition(":")
    at = service.body.value_at(key)
    if kind == "service" and other in names:
        service.settings[key] = f"container:{names[other]}"
    elif kind == "service":
        del service.settings[key]
        meant = (
            suggestion(other, names)
            or ": write container:NAME for one that this file does not declare"
        )
        report.error(at, f"container {show(other)} is not declared{meant}")
    elif kind == "container" and other in names and other not in names.values():
        report.error(
            at,
            f"container {show(other)} is called {show(names[other])} on the engine: write"
            f" service:{other}",
        )


def check_shareable(report: Report, service: Service, services: Mapping[str, Service]) -> None:
    """Only a container with a shareable IPC namespace lets others in."""
    other = services.get(service.joins.get("ipc", ""))
    declared = other.settings.get("ipc") if other else ""
    if other is None or declared not in (None, "private", "none"):
        return
    name, say = show(other.name), report.warn if declared is None else report.error
    kept = declared or "private by default"
    say(
        service.body.value_at("ipc"),
        f"the IPC namespace of {name} is {kept}, so {show(service.name)} cannot start: give"
        f" {name} ipc: shareable",
    )

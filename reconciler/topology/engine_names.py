"""What the keys of a file are called on the engine, as Compose resolves both: the rest of the file
uses the keys.
"""

from __future__ import annotations

from typing import Any

from ..fast_dataclasses import dataclass, field
from .document import Map, show
from .hints import suggestion
from .report import Report, mapping, members, text
from .schema import flag

DEFAULT = "default"
"""The key of the network that containers without `networks` and `network_mode` join, where a file
declares it.
"""
MAX_LABEL = 63
"""Characters of a part of a DNS name."""


def is_external(body: Map) -> bool:
    """Whether a network or a volume is declared to exist already: `external: true`, or Compose's
    older `external: {name: x}`.
    """
    value = body.get("external")
    return isinstance(value, Map) or flag(value) is True


def declared_name(body: Map) -> str | None:
    """The name on the engine that a network or a volume is given, in either place."""
    return text(body, "name") or text(mapping(body, "external"), "name")


def network_name(topology: str, key: str, body: Map) -> str:
    """The network's name on the engine."""
    return declared_name(body) or (f"{topology}_{DEFAULT}" if key == DEFAULT else key)


def container_name(key: str, body: Any) -> str:
    """The container's name on the engine."""
    return (text(body, "container_name") if isinstance(body, Map) else None) or key


def check_names_twice(report: Report, body: Map) -> None:
    """`external: {name: x}` beside `name: y`."""
    older, name = text(mapping(body, "external"), "name"), text(body, "name")
    if older and name and older != name:
        at = mapping(body, "external").value_at("name")
        report.error(
            at,
            f"the name under 'external' is {show(older)} and 'name' is {show(name)}: write"
            " external: true, and one name",
        )


def warn_of_long_name(report: Report, at: int, name: object, what: str) -> None:
    """A part of a DNS name has at most 63 characters: many programs cannot resolve a longer one."""
    if isinstance(name, str) and any(len(part) > MAX_LABEL for part in name.split(".")):
        report.warn(
            at,
            f"the {what} {show(name)} has more than {MAX_LABEL} characters without a dot: many"
            " programs cannot resolve it",
        )


def check_container_names(report: Report, containers: Map) -> None:
    """No two containers of a file have one name on the engine."""
    first: dict[str, tuple[str, int]] = {}
    for key, at, body in members(containers):
        name = container_name(key, body)
        other, line = first.setdefault(name, (key, at))
        warn_of_long_name(
            report,
            body.value_at("container_name") if name != key and isinstance(body, Map) else at,
            name,
            "name",
        )
        if other != key:
            named = isinstance(body, Map) and name == text(body, "container_name")
            where = f"container {show(other)} in line {report.line(line)}"
            report.error(
                body.value_at("container_name") if named else at,
                f"the name {show(name)} is already used by {where}: names on the engine must"
                " differ",
            )


# --- volumes --------------------------------------------------------------------------------------


@dataclass
class Volumes:
    """The declared volumes: by key their names on the engine."""

    names: dict[str, str] = field(default_factory=dict)

    def name(self, key: str) -> str:
        """The volume's name on the engine; one that is not declared is called as it is written."""
        return self.names.get(key, key)


def check_mounted(report: Report, volumes: Volumes, at: int, key: str) -> None:
    """A name that is not declared where others are is perhaps a slip, and would be another, empty,
    volume.
    """
    if volumes.names and key not in volumes.names:
        meant = suggestion(key, volumes.names) or ": declare it under 'volumes'"
        report.warn(at, f"the volume {show(key)} is not declared, though others are{meant}")

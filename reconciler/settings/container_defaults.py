"""The settings of a container, and the values that they have by default."""

from __future__ import annotations

from collections.abc import Mapping

from .container_rows import CONTAINER as CONTAINER
from .values import Settings, Value

BY_PATH = {row.path: row for row in CONTAINER}
DEFAULTS: Mapping[str, Value] = {
    row.path: row.default for row in CONTAINER if row.default is not None
}
"""What a container has where neither its file nor its image says anything; every other setting is
absent then.
"""


def value_of(settings: Settings, path: str) -> Value | None:
    """A container's value, which is not among its `settings` where it is the default."""
    return settings.get(path, DEFAULTS.get(path))


def without_added_options(settings: Settings) -> Settings:
    """Settings without the security option that the engine adds to a container with the privileges
    of its machine.
    """
    options = settings.get("security_opt")
    host = "host" in (settings.get("pid"), settings.get("ipc")) or settings.get("privileged")
    if not host or not isinstance(options, tuple) or _ADDED not in options:
        return settings
    left = {path: value for path, value in settings.items() if path != "security_opt"}
    kept = tuple(option for option in options if option != _ADDED)
    return {**left, "security_opt": kept} if kept else left


_ADDED = "label=disable"

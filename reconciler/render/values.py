"""A setting and its values as people read them, in every form of a plan."""

from __future__ import annotations

import re

from ..model import HIDDEN
from ..network_mode import NAMESPACES
from ..plan import Difference
from ..settings import FAMILIES, MTU_OPTION, Value
from ..settings.container_defaults import BY_PATH
from ..terminal import safe, shortened

LONGEST_VALUE = 60
"""Characters of one value that the text shows; the JSON has it whole."""

_READING_ORDER = (
    "image",
    *(
        f"{family}.{part}"
        for family in FAMILIES
        for part in ("subnet", "gateway", "ip_range", "aux")
    ),
)


def hidden_change(difference: Difference) -> bool:
    """Whether a secret changes: both of its values would look the same."""
    return (
        secret(difference.path) and difference.before is not None and difference.after is not None
    )


def both(difference: Difference) -> str:
    """`10.1.0.0/24 -> 10.2.0.0/24`; of a secret only that it changes."""
    return (
        f"changed {HIDDEN}" if hidden_change(difference) else " -> ".join(before_after(difference))
    )


def readable(path: str, value: Value | None) -> Value | None:
    """A setting's value as a person writes it: commands as the shell would have them, times and
    sizes with their units, no secrets.
    """
    if path in NAMESPACES and (path == "network_mode" or value):
        return _ID.sub(r"\1", str(value)) if value else "networks"
    if value in (None, ()):
        return None
    if secret(path):
        return HIDDEN
    if (row := BY_PATH.get(path)) is not None:
        return row.kind.show(value)
    return "an anonymous volume" if path.startswith("volumes.") and value == "volume:" else value


_ID = re.compile("(?<=^container:)([0-9a-f]{12})[0-9a-f]{52}$")
"""A container that is gone has no name to be called by: the beginning of its ID stands for it, as
in `docker ps`.
"""


def secret(path: str) -> bool:
    """Whether a setting's value is for the engine's eyes only; what stands in its place is a
    digest, and not printed either.
    """
    return path.startswith("environment.") or _SECRET_OPTION.match(path) is not None


_SECRET_OPTION = re.compile(
    r"logging\.options\..*(token|passw|secret|credential|key)", re.IGNORECASE
)
"""Options of logging drivers that hold what opens other systems: `splunk-token`."""


def in_reading_order(differences: tuple[Difference, ...]) -> list[Difference]:
    """An image first, a subnet before its gateway, IPv4 before IPv6, options and labels last."""
    return sorted(differences, key=_reading_order)


def _reading_order(difference: Difference) -> tuple[int, str]:
    ranks = (rank for rank, start in enumerate(_READING_ORDER) if difference.path.startswith(start))
    return next(ranks, len(_READING_ORDER)), difference.path


def why_changed(difference: Difference) -> str:
    """Why a setting costs its network or container: who changed it, or that it cannot be changed in
    place.
    """
    return (
        difference.note
        or {
            "intent": "cannot be changed in place",
            "drift": "changed on the engine",
            "dropped": "no longer declared",
        }[difference.cause]
    )


def label(path: str) -> str:
    """A setting's path in the file's own words: `ipv4.subnet` is `subnet`, `ipv6.gateway` is
    `gateway (IPv6)`.
    """
    if path == f"driver_opts.{MTU_OPTION}":
        return "mtu"
    family, _, rest = path.partition(".")
    if family in FAMILIES and rest:
        return safe(rest) + (" (IPv6)" if family == "ipv6" else "")
    return safe(path)


def before_after(difference: Difference, longest: int = LONGEST_VALUE) -> tuple[str, str]:
    """Both values of a difference, as people see them in every form of a plan: where they are
    shortened, from just before they differ.
    """
    before, after = (
        _on_one_line(readable(difference.path, value))
        for value in (difference.before, difference.after)
    )
    same = next(
        (at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other),
        min(len(before), len(after)),
    )
    start = max(same - longest // 3, 0) if same > longest // 2 else 0
    return _from(before, start, longest), _from(after, start, longest)


def _from(text: str, start: int, longest: int) -> str:
    if len(text) <= longest or not start:
        return shortened(text, longest)
    rest = "…" + text[start:]
    return rest if len(rest) <= longest else f"{rest[: longest - 1]}… ({len(text)} characters)"


def show_value(value: Value | None, longest: int = LONGEST_VALUE) -> str:
    """A value on one line, shortened to `longest` characters; unset is `(unset)`."""
    return shortened(_on_one_line(value), longest)


def _on_one_line(value: Value | None) -> str:
    if value is None or value == ():
        return "(unset)"
    if isinstance(value, bool):
        return "true" if value else "false"
    return safe(", ".join(value) if isinstance(value, tuple) else str(value)) or '""'

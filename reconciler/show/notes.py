"""What is not as it should be, in a few words."""

from __future__ import annotations

from ..plan import Change, Difference
from ..render.values import label, readable, secret, show_value

_WORDS = {
    ("create",): "missing",
    ("delete",): "to be removed",
    ("delete", "create"): "differs",
    ("connect",): "missing",
    ("disconnect",): "to be disconnected",
    ("disconnect", "connect"): "differs",
}


def note(change: Change) -> str:
    """Of a network or an endpoint: `drift: differs: subnet 10.1.0.0/24, should be 10.2.0.0/24`."""
    what = ", ".join(map(_difference, change.differences)) if change.replaces else ""
    why = what or (change.reason if change.replaces or change.drift else "")
    return f"{_origin(change)}{_WORDS[change.actions]}" + (f": {why}" if why else "")


def container_note(change: Change) -> str:
    """Of a container: `drift: settings differ: user root, should be app`; `drift: is not running:
    ended with exit code 137`.
    """
    if change.actions == ("create",):
        return "missing"
    if change.actions == ("delete",):
        return f"to be removed: {change.reason}"
    if change.differences:
        return f"{_origin(change)}settings differ: " + ", ".join(
            map(_difference, change.differences)
        )
    return _origin(change) + change.reason


def _origin(change: Change) -> str:
    return "drift: " if change.drift else ""


def _difference(difference: Difference) -> str:
    path = difference.path
    if secret(path):
        return f"{label(path)} (value hidden)"
    before, after = (
        show_value(readable(path, value)) for value in (difference.before, difference.after)
    )
    return f"{label(path)} {before}, should be {after}"

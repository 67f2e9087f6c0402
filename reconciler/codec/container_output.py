"""What a container said, without the secrets that it was given."""

from __future__ import annotations

from ..marks import recorded_paths
from ..model import HIDDEN
from . import Json, strings

SHORTEST_SECRET = 4
"""Characters of a value that is hidden where a container says it: a shorter one is in every other
word.
"""
MAYBE_CUT = 500
"""Characters of a line that may have been cut in the middle of a value."""


def without_secrets(text: str, raw: Json) -> str:
    """What a container said, without the values of the environment that its file gave it; `raw` is
    its inspect.
    """
    paths = recorded_paths(strings((raw.get("Config") or {}).get("Labels")))
    declared = {
        path.removeprefix("environment.") for path in paths if path.startswith("environment.")
    }
    entries = (entry.partition("=") for entry in (raw.get("Config") or {}).get("Env") or ())
    values = [
        " ".join(part.split())
        for key, _, value in entries
        if key in declared
        for part in (value, *value.splitlines())
    ]
    whole = len(text) < MAYBE_CUT
    for value in sorted(
        {value for value in values if len(value) >= SHORTEST_SECRET},
        key=lambda value: (-len(value), value),
    ):
        text = text.replace(value, HIDDEN)
        parts = () if whole else range(len(value) - 1, SHORTEST_SECRET - 1, -1)
        cut = next((length for length in parts if text.endswith(value[:length])), 0)
        text = text[:-cut] + HIDDEN if cut else text
    return text

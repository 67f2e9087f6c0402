"""What an engine's times say: RFC 3339 with up to nine digits of a second."""

from __future__ import annotations

import re
from datetime import datetime

from . import Json


def is_severed(member: Json, owner: Json) -> bool:
    """Whether both run, and the owner of the network namespace was started after its member: it has
    a new one, and the member does not.
    """
    running = bool(member.get("Running") and owner.get("Running"))
    began, anew = (_instant(str(state.get("StartedAt") or "")) for state in (member, owner))
    return running and bool(began and anew) and anew > began


def is_started_after(raw: Json, now: str) -> bool:
    """Whether a container says that it was started after `now`, RFC 3339: then the engine's clock
    was set back since. False if untold.
    """
    found = [moment(text) for text in (str((raw.get("State") or {}).get("StartedAt") or ""), now)]
    began, present = found
    return began is not None and present is not None and began > present


def moment(text: str) -> datetime | None:
    """`2026-11-24T13:19:40.251234567+02:00`, whose nanoseconds Python cannot read."""
    try:
        found = datetime.fromisoformat(
            re.sub(r"(\.\d{1,6})\d*", lambda part: part[1].ljust(7, "0"), text)
        )
    except ValueError:
        return None
    return found if found.tzinfo else None


def _instant(text: str) -> str:
    """`2026-11-24T13:19:40.25Z` in a form that can be compared: an engine leaves out the zeros at
    the end. Empty for another zone.
    """
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return f"{whole}.{fraction.ljust(9, '0')}" if text.endswith("Z") else ""

"""How long topologies live: when what they own was created, and when they expire.

The engine keeps when a topology expires, as a volume with labels: the topology and its `ttl`. It
counts from the creation of that volume, by the engine's own clock; labels cannot be changed, so
each apply makes another volume and drops the one before. Of several the newest counts: an apply was
killed between the two. No network or container says anything of it, so a `ttl` that changes
recreates nothing and is never drift.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from .codec.times import moment
from .fast_dataclasses import dataclass
from .marks import KIND, TOPOLOGY, TTL
from .model import ObservedContainer, ObservedNetwork, ObservedState
from .ownership import owner
from .settings import BadValueError
from .settings.units import lifetime, lifetime_text

PREFIX = "netplan.ttl."
"""Begins the names of these volumes; the topology follows, and something that no other has."""
_KIND = "ttl"
_FIRST = datetime(1990, 1, 1, tzinfo=UTC)
"""What an engine says was created before that has no known time."""


@dataclass(frozen=True, slots=True)
class Record:
    """How long a topology lives from `began` on, in seconds; None where a label says something that
    is no duration.
    """

    name: str
    topology: str
    ttl: int | None
    began: datetime

    @property
    def expires(self) -> datetime | None:
        """When the topology expires by it, if ever."""
        return None if self.ttl is None else self.began + timedelta(seconds=self.ttl)


@dataclass(frozen=True, slots=True)
class Life:
    """Of one topology: when the oldest of what it created that is still there was created; when it
    last created something or wrote its `ttl`; that in seconds, and when it expires. None is
    unknown, or never.
    """

    created: datetime | None = None
    changed: datetime | None = None
    ttl: int | None = None
    expires: datetime | None = None

    def age(self, now: datetime) -> int | None:
        """Seconds since it last created something or was given its `ttl` anew."""
        return None if self.changed is None else max(int((now - self.changed).total_seconds()), 0)

    def expired(self, now: datetime) -> bool:
        """Whether its `ttl` is over."""
        return self.expires is not None and self.expires <= now


def record_labels(topology: str, ttl: int) -> dict[str, str]:
    """The labels of the volume that says how long a topology lives."""
    return {KIND: _KIND, TOPOLOGY: topology, TTL: lifetime_text(ttl)}


def records(volumes: Iterable[Mapping[str, Any]]) -> tuple[Record, ...]:
    """Those among netplan's own volumes, the newest first."""
    found = [
        _record(volume) for volume in volumes if (volume.get("Labels") or {}).get(KIND) == _KIND
    ]
    return tuple(
        sorted(filter(None, found), key=lambda r: (r.began, r.ttl or 0, r.name), reverse=True)
    )


def _record(volume: Mapping[str, Any]) -> Record | None:
    name, labels, began = (
        str(volume["Name"]),
        volume["Labels"],
        moment(str(volume.get("CreatedAt") or "")),
    )
    if not name.startswith(PREFIX) or not labels.get(TOPOLOGY) or began is None:
        return None
    try:
        ttl = lifetime(labels.get(TTL) or "")
    except BadValueError:  # anybody may write a label
        return Record(name, labels[TOPOLOGY], None, began)
    return Record(name, labels[TOPOLOGY], ttl, began)


def lives(observed: ObservedState, written: Iterable[Record] = ()) -> dict[str, Life]:
    """Of each topology that created something which is still there, or has a `ttl`: how long it has
    lived, and will.
    """
    times: dict[str, list[datetime]] = {}
    things: list[ObservedNetwork | ObservedContainer] = [*observed.networks, *observed.containers]
    for thing in things:
        created = moment(thing.created) if thing.mark else None
        if created and created > _FIRST:
            times.setdefault(owner(thing), []).append(created)
    found = {name: Life(min(all_of), max(all_of)) for name, all_of in times.items()}
    newest: dict[str, Record] = {}
    for record in written:
        newest.setdefault(record.topology, record)
    for name, record in newest.items():
        life = found.get(name, Life())
        changed = max(filter(None, (life.changed, record.began)))
        found[name] = Life(life.created, changed, record.ttl, record.expires)
    return found

"""The topologies on an engine, as a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from ..fast_dataclasses import dataclass, field
from ..lifetimes import Life, Record, lives
from ..model import Journal, ObservedNetwork, ObservedState, ObservedVolume, Origin
from ..ownership import owner
from ..settings.units import lifetime_text
from ..terminal import Paint, column, plain, safe
from .containers import ContainerView, containers_of

_UNKNOWN = Life()


@dataclass(frozen=True, slots=True)
class Owned:
    """What one topology owns on an engine.

    `containers` are those that it runs (`managed` of them) or has attached; `running` of them run.
    `trouble` says in words which of the managed ones are not well. `origins` tell where the files
    of what it created were, `life` how long it has lived and will.
    """

    topology: str
    networks: int = 0
    containers: int = 0
    managed: int = 0
    running: int = 0
    endpoints: int = 0
    trouble: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    life: Life = _UNKNOWN
    volumes: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """Which topologies are meant: those of which all holds that is given. `older_than` is in
    seconds.

    `match` and `origin` are patterns of shells (`job-*`); one of each must fit, and of origins one
    must fit each place.
    """

    expired: bool = False
    older_than: int | None = None
    match: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()

    def has(self, entry: Owned, now: datetime) -> bool:
        """Whether a topology is among them; one whose age nobody knows is not older than
        anything.
        """
        if self.expired and not entry.life.expired(now):
            return False
        age = entry.life.age(now)
        if self.older_than is not None and (age is None or age < self.older_than):
            return False
        return (not self.match or _fits([entry.topology], self.match)) and (
            not self.origin or self._comes_from(entry)
        )

    def _comes_from(self, entry: Owned) -> bool:
        return bool(entry.origins) and all(
            _fits(_places(origin), self.origin) for origin in entry.origins
        )


def _fits(texts: Iterable[str], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(text, pattern) for text in texts for pattern in patterns)


def _places(origin: Origin) -> Iterable[str]:
    """An origin in the forms that a pattern may fit."""
    yield f"{origin.host}:{origin.folder}"
    if origin.repository:
        yield origin.repository
        yield f"{origin.repository}/{origin.path}"


@dataclass(slots=True)
class _Tally:
    networks: int = 0
    endpoints: int = 0
    managed: int = 0
    volumes: int = 0
    containers: dict[str, bool] = field(default_factory=dict)
    origins: set[Origin] = field(default_factory=set)


def _tallies(observed: ObservedState, known: Iterable[str]) -> Mapping[str, _Tally]:
    """What each topology has on the engine; nothing for those that are only `known`."""
    tallies: defaultdict[str, _Tally] = defaultdict(_Tally, {name: _Tally() for name in known})
    things: list[ObservedNetwork | ObservedVolume] = [*observed.networks]
    things += (observed.volumes or {}).values()
    for thing in things:
        if thing.mark:
            tally = tallies[owner(thing)]
            tally.networks += isinstance(thing, ObservedNetwork)
            tally.volumes += isinstance(thing, ObservedVolume)
            tally.origins.update(filter(None, [thing.mark.origin]))
    for container in observed.containers:
        if container.mark:
            tally = tallies[owner(container)]
            tally.managed += 1
            tally.containers[container.id] = container.live
            tally.origins.update(filter(None, [container.mark.origin]))
        for endpoint in container.endpoints:
            if endpoint.mark:
                tally = tallies[owner(endpoint)]
                tally.endpoints += 1
                tally.containers[container.id] = container.live
    return tallies


def owned(observed: ObservedState, written: Iterable[Record] = ()) -> list[Owned]:
    """Every topology that has a mark on this engine, or a `ttl` that was `written` there, by
    name.
    """
    known = lives(observed, written)
    tallies = _tallies(observed, known)
    trouble: dict[str, list[str]] = {}
    for row in containers_of(observed):
        if not row.healthy:
            trouble.setdefault(row.topology, []).append(f"{row.name} {state_of(row)}")
    return [
        Owned(
            name,
            t.networks,
            len(t.containers),
            t.managed,
            sum(t.containers.values()),
            t.endpoints,
            tuple(trouble.get(name, ())),
            tuple(sorted(t.origins, key=str)),
            known.get(name, _UNKNOWN),
            t.volumes,
        )
        for name, t in sorted(tallies.items())
    ]


def topologies(
    observed: ObservedState, journals: Iterable[Journal], written: Iterable[Record] = ()
) -> list[str]:
    """Names of all that have a mark or a `ttl` on this engine, or of whose interrupted runs a
    journal is left.
    """
    return sorted(
        {
            *(entry.topology for entry in owned(observed, written)),
            *(journal.topology for journal in journals),
        }
    )


def entry_json(entry: Owned, now: datetime) -> dict[str, Any]:
    """One entry of `ls` as JSON."""
    life, found = entry.life, asdict(entry)
    del found["life"]
    times = {"created": _text(life.created), "changed": _text(life.changed), "age": life.age(now)}
    return (
        found
        | times
        | {
            "ttl": life.ttl,
            "expires": _text(life.expires),
            "expired": life.expired(now),
        }
    )


def _text(time: datetime | None) -> str | None:
    return (
        None
        if time is None
        else time.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    )


def state_of(row: ContainerView) -> str:
    """`running`, `running (healthy)`, `exited (1)`."""
    if row.exit_code is not None:
        return f"{row.state} ({row.exit_code})"
    return f"{row.state} ({row.health})" if row.health else row.state


HEADS = (
    "topology",
    "networks",
    "endpoints",
    "containers",
    "managed",
    "running",
    "volumes",
    "age",
    "expires",
    "origin",
)
NUMBERS = 6
"""Columns of `ls` up to the last one that holds a number; those after it are there where any
topology has something in them.
"""
MOST_TROUBLE = 3
"""Containers that are named in one line of `ls`."""


def ls(found: Sequence[Owned], now: datetime, paint: Paint = plain) -> str:
    """One line for each of these topologies; which of its containers are not well stands at the
    end.
    """
    if not found:
        return "no topologies on this engine"
    unknown = "unknown" if any(entry.origins for entry in found) else ""
    rows = [HEADS, *((*_row(entry, now), _origin(entry) or unknown) for entry in found)]
    columns = [cells for cells in zip(*rows, strict=True) if any(cells[1:])]
    widths = [column(cells) for cells in columns]
    lines = [
        "  ".join(
            cell.rjust(width) if 0 < number < NUMBERS else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in zip(*columns, strict=True)
    ]
    tails = [_tail(entry.trouble, paint) for entry in found]
    return "\n".join(
        (
            paint("dim", lines[0]),
            *(line + tail for line, tail in zip(lines[1:], tails, strict=True)),
        )
    )


def _row(entry: Owned, now: datetime) -> tuple[str, ...]:
    numbers = (entry.networks, entry.endpoints, entry.containers, entry.managed, entry.running)
    age = entry.life.age(now)
    return (
        safe(entry.topology),
        *map(str, numbers),
        str(entry.volumes or ""),
        "" if age is None else roughly(age),
        expiry(entry.life, now),
    )


def roughly(seconds: int) -> str:
    """A time span with its two largest units: `3d4h`, `1h30m`, `12s`."""
    for whole, part in ((86400, 3600), (3600, 60)):
        if seconds >= whole:
            return lifetime_text(seconds - seconds % part)
    return lifetime_text(seconds)


def expiry(life: Life, now: datetime) -> str:
    """`in 1h30m` or `expired 5m ago`; empty where it never does."""
    if life.expires is None:
        return ""
    left = int((life.expires - now).total_seconds())
    return f"expired {roughly(-left)} ago" if life.expired(now) else f"in {roughly(left)}"


def _origin(entry: Owned) -> str:
    if len(entry.origins) == 1:
        return safe(str(entry.origins[0]))
    return f"{len(entry.origins)} places" if entry.origins else ""


def _tail(trouble: tuple[str, ...], paint: Paint) -> str:
    more = (f"and {len(trouble) - MOST_TROUBLE} more",) if len(trouble) > MOST_TROUBLE else ()
    return (
        "  " + paint("warn", "! " + ", ".join(map(safe, (*trouble[:MOST_TROUBLE], *more))))
        if trouble
        else ""
    )

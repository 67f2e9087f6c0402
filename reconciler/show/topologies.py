"""The topologies on an engine, as a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..model import Journal, ObservedState, Origin
from ..ownership import owner
from ..paint import Paint, column, plain, safe
from .containers import ContainerView, containers_of


@dataclass(frozen=True, slots=True)
class Owned:
    """What one topology owns on an engine.

    `containers` are those that it runs (`managed` of them) or has attached; `running` of them run. `trouble` says in words which of the
    managed ones are not well. `origins` tell where the files of what it created were.
    """

    topology: str
    networks: int = 0
    containers: int = 0
    managed: int = 0
    running: int = 0
    endpoints: int = 0
    trouble: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()


@dataclass(slots=True)
class _Tally:
    networks: int = 0
    endpoints: int = 0
    managed: int = 0
    containers: dict[str, bool] = field(default_factory=dict)
    origins: set[Origin] = field(default_factory=set)


def owned(observed: ObservedState) -> list[Owned]:
    """Every topology that has a mark on this engine, by name."""
    tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
    for network in observed.networks:
        if network.mark:
            tallies[owner(network)].networks += 1
            tallies[owner(network)].origins.update(filter(None, [network.mark.origin]))
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
        )
        for name, t in sorted(tallies.items())
    ]


def topologies(observed: ObservedState, journals: Iterable[Journal]) -> list[str]:
    """Names of all that have a mark on this engine, or of whose interrupted runs a journal is left."""
    return sorted({*(entry.topology for entry in owned(observed)), *(journal.topology for journal in journals)})


def state_of(row: ContainerView) -> str:
    """`running`, `running (healthy)`, `exited (1)`."""
    if row.exit_code is not None:
        return f"{row.state} ({row.exit_code})"
    return f"{row.state} ({row.health})" if row.health else row.state


NUMBERS = 6
"""Columns of `ls` up to the last one that holds a number."""
MOST_TROUBLE = 3
"""Containers that are named in one line of `ls`."""


def ls(observed: ObservedState, paint: Paint = plain) -> str:
    """One line for each topology on this engine; which of its containers are not well stands at the end."""
    found = owned(observed)
    known = any(entry.origins for entry in found)
    heads = ("topology", "networks", "endpoints", "containers", "run by it", "running", *(["origin"] if known else []))
    if not found:
        return "no topologies on this engine"
    rows = [_row(entry)[: len(heads)] for entry in found]
    widths = [column(cells) for cells in zip(heads, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if 0 < number < NUMBERS else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heads, *rows)
    ]
    tails = [_tail(entry.trouble, paint) for entry in found]
    return "\n".join((paint("dim", lines[0]), *(line + tail for line, tail in zip(lines[1:], tails, strict=True))))


def _row(entry: Owned) -> tuple[str, ...]:
    numbers = (entry.networks, entry.endpoints, entry.containers, entry.managed, entry.running)
    return safe(entry.topology), *map(str, numbers), _origin(entry)


def _origin(entry: Owned) -> str:
    return safe(str(entry.origins[0])) if len(entry.origins) == 1 else f"{len(entry.origins)} places" if entry.origins else "unknown"


def _tail(trouble: tuple[str, ...], paint: Paint) -> str:
    more = (f"and {len(trouble) - MOST_TROUBLE} more",) if len(trouble) > MOST_TROUBLE else ()
    return "  " + paint("warn", "! " + ", ".join(map(safe, (*trouble[:MOST_TROUBLE], *more)))) if trouble else ""

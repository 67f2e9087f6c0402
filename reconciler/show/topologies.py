"""The topologies on an engine, as a table."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..model import ObservedState
from ..paint import Paint, column, plain, safe
from .containers import ContainerView, containers_of


@dataclass(frozen=True, slots=True)
class Owned:
    """What one topology owns on an engine.

    `containers` are those that it runs (`managed` of them) or has attached; `running` of them run. `trouble` says in words which of the
    managed ones are not well.
    """

    topology: str
    networks: int = 0
    containers: int = 0
    managed: int = 0
    running: int = 0
    endpoints: int = 0
    trouble: tuple[str, ...] = ()


@dataclass(slots=True)
class _Tally:
    networks: int = 0
    endpoints: int = 0
    managed: int = 0
    containers: dict[str, bool] = field(default_factory=dict)


def owned(observed: ObservedState) -> list[Owned]:
    """Every topology that has a mark on this engine, by name."""
    tallies: dict[str, _Tally] = {}
    for network in observed.networks:
        if network.mark:
            tallies.setdefault(network.mark.topology, _Tally()).networks += 1
    for container in observed.containers:
        if container.mark:
            tally = tallies.setdefault(container.mark.topology, _Tally())
            tally.managed += 1
            tally.containers[container.id] = container.live
        for endpoint in container.endpoints:
            if endpoint.mark:
                tally = tallies.setdefault(endpoint.mark.topology, _Tally())
                tally.endpoints += 1
                tally.containers[container.id] = container.live
    trouble: dict[str, list[str]] = {}
    for row in containers_of(observed):
        if not row.healthy:
            trouble.setdefault(row.topology, []).append(f"{row.name} {state_of(row)}")
    return [
        Owned(name, t.networks, len(t.containers), t.managed, sum(t.containers.values()), t.endpoints, tuple(trouble.get(name, ())))
        for name, t in sorted(tallies.items())
    ]


def state_of(row: ContainerView) -> str:
    """`running`, `running (healthy)`, `exited (1)`."""
    if row.exit_code is not None:
        return f"{row.state} ({row.exit_code})"
    return f"{row.state} ({row.health})" if row.health else row.state


MOST_TROUBLE = 3
"""Containers that are named in one line of `ls`."""


def ls(observed: ObservedState, paint: Paint = plain) -> str:
    """One line for each topology on this engine; which of its containers are not well stands at the end."""
    heads = ("topology", "networks", "endpoints", "containers", "run by it", "running")
    found = owned(observed)
    if not found:
        return "no topologies on this engine"
    rows = [(safe(o.topology), *map(str, (o.networks, o.endpoints, o.containers, o.managed, o.running))) for o in found]
    widths = [column(cells) for cells in zip(heads, *rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) if number else cell.ljust(width) for number, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in (heads, *rows)
    ]
    tails = [_tail(entry.trouble, paint) for entry in found]
    return "\n".join((paint("dim", lines[0]), *(line + tail for line, tail in zip(lines[1:], tails, strict=True))))


def _tail(trouble: tuple[str, ...], paint: Paint) -> str:
    more = (f"and {len(trouble) - MOST_TROUBLE} more",) if len(trouble) > MOST_TROUBLE else ()
    return "  " + paint("warn", "! " + ", ".join(map(safe, (*trouble[:MOST_TROUBLE], *more)))) if trouble else ""

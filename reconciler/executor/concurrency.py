"""Which ready step is started next: each kind of step has a limit of its own.

What only waits (the end of a container, its health, a pull) costs netplan and the engine next to
nothing while it lasts, so it takes none of the places of the calls that are work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from heapq import heappop, heappush
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
from typing import Literal

from ..plan import Step

Lane = Literal["stop", "wait", "pull", "network", "call"]

STOPS, WAITS, PULLS = 64, 256, 4
"""Containers stopped, containers waited for, and images pulled at a time."""
NETWORKS = 2
"""Network creates and removes in flight: one is worked on by the engine while the next is already
on its way.
"""
_OTHER_FILES = 64
"""Open files that are left for everything but the connections of stops."""


def lane_of(step: Step) -> Lane:
    """Which limit a step falls under."""
    match step.op:
        case "stop" | "wait" | "pull":
            return step.op
        case "create" | "remove" if step.network:
            return "network"
    return "call"


def limits(parallel: int, networks: int = NETWORKS) -> dict[Lane, int]:
    """The most steps of each kind at a time; those of networks are also among the `parallel` calls.

    Each stop has two connections, its own and one that looks at the lock: a low limit of open files
    means fewer of them.
    """
    files = getrlimit(RLIMIT_NOFILE)[0]
    stops = STOPS if files == RLIM_INFINITY else max(1, min(STOPS, (files - _OTHER_FILES) // 2))
    return {"stop": stops, "wait": WAITS, "pull": PULLS, "network": networks, "call": parallel}


class Lanes:
    """The steps that are ready, those of the smallest number first, and how many of each kind are
    under way.
    """

    def __init__(self, limits: Mapping[Lane, int]) -> None:
        self._limits = limits
        self._ready: dict[Lane, list[tuple[int, Step]]] = {lane: [] for lane in limits}
        self._running: Counter[Lane] = Counter()

    def put(self, step: Step) -> None:
        """A step may be started."""
        heappush(self._ready[lane_of(step)], (step.id, step))

    def next(self) -> Step | None:
        """The step to start now; it stays ready until it is taken. Networks come before other
        calls, as they take longest.
        """
        return next(
            (ready[0][1] for lane, ready in self._ready.items() if ready and self._has_place(lane)),
            None,
        )

    def skip(self, step: Step) -> None:
        """The next step is not started."""
        heappop(self._ready[lane_of(step)])

    def begin(self, step: Step) -> None:
        """The next step is under way."""
        self.skip(step)
        self._running[lane_of(step)] += 1

    def end(self, step: Step) -> None:
        """A step that was under way has ended."""
        self._running[lane_of(step)] -= 1

    def _has_place(self, lane: Lane) -> bool:
        calls = self._running["network"] + self._running["call"]
        if lane in ("network", "call") and calls >= self._limits["call"]:
            return False
        return self._running[lane] < self._limits[lane]

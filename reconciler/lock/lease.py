"""A lock is a lease: its holder shows that it lives, and whoever waits judges by a clock of its
own.

The sign of life is a volume, `netplan.beat.RUN.NUMBER`, made and removed in turn, each time under a
larger number: one call every ten seconds, none in a run that is over before. A change there shows
that the holder lives. When that was by the holder's clock nobody asks.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import ApiError, EngineError

if TYPE_CHECKING:
    from ..engine import Engine

PREFIX = "netplan.beat."
GONE_AFTER = float(os.environ.get("NETPLAN_LEASE") or 60)
"""Seconds without a sign of life, seen by one who waits while the engine answers, after which a
holder is gone.

NETPLAN_LEASE is for tests: a hurried run would take over one that is not.
"""
STOP_AFTER = GONE_AFTER * 2 / 3
"""Seconds without a sign of life that the engine took, after which a holder begins nothing more."""
EVERY = GONE_AFTER / 6
"""Seconds between two signs of life, and that one may take."""
MOST_COUNTED = 5.0
"""Seconds between two looks that count at most: in more, the engine did not answer, or the one who
waits was suspended itself.
"""
_AGAIN = EVERY / 10


def clock() -> float:
    """Seconds since some instant, those in which this machine was suspended included."""
    return (
        time.clock_gettime(time.CLOCK_BOOTTIME)
        if hasattr(time, "CLOCK_BOOTTIME")
        else time.monotonic()
    )


class Pulse:
    """The signs of life of one run, sent from a thread of its own from `begin` until `end`."""

    def __init__(self, engine: Engine, run: str, labels: Mapping[str, str]) -> None:
        self._engine, self._run, self._labels = engine, run, labels
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._number, self._shown = 0, False
        self._last = clock()

    @property
    def silent(self) -> float:
        """Seconds since the last sign of life was sent that the engine took."""
        return clock() - self._last

    def begin(self) -> None:
        """Where no thread can be started there is none: then the run ends itself after
        STOP_AFTER.
        """
        self._last = clock()
        thread = threading.Thread(target=self._live, name="netplan_pulse", daemon=True)
        with suppress(RuntimeError):
            thread.start()
            self._thread = thread

    def end(self) -> None:
        """No more signs, and none left on the engine. Raises EngineError where it cannot be taken
        away.
        """
        self._over.set()
        # a sign may be on its way; one that takes longer is removed by whoever finds it without its
        # lock
        if self._thread:
            self._thread.join(EVERY / 2)
        if self._shown:
            with suppress(ApiError):
                self._engine.remove_volume(self._name)

    @property
    def _name(self) -> str:
        return f"{PREFIX}{self._run}.{self._number}"

    def _live(self) -> None:
        pause = EVERY
        while not self._over.wait(pause):
            began = clock()
            pause = _AGAIN
            with suppress(EngineError, TimeoutError, OSError, RuntimeError):
                self._show()
                self._last, pause = began, EVERY

    def _show(self) -> None:
        from ..engine.deadline import within

        if self._shown:
            with suppress(ApiError):
                within(EVERY, lambda: self._engine.remove_volume(self._name))
            self._shown = False
        else:
            self._number += 1
            within(EVERY, lambda: self._engine.create_volume(self._name, self._labels))
            self._shown = True


Signs = Mapping[str, Sequence[str]]
"""The signs of life of each run that shows one: names of volumes. More than one where an answer was
lost.
"""


def signs(volumes: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The signs of life among netplan's own volumes, sorted: an engine lists volumes in any
    order.
    """
    found: dict[str, list[str]] = {}
    for name in sorted(str(volume["Name"]) for volume in volumes):
        if name.startswith(PREFIX):
            found.setdefault(name.removeprefix(PREFIX).rpartition(".")[0], []).append(name)
    return found


class Watch:
    """How long holders have shown no sign of life to this process, while the engine answered it."""

    def __init__(self, now: Callable[[], float] = clock) -> None:
        self._now = now
        self._looked = now()
        self._seen: dict[str, tuple[Sequence[str], float]] = {}

    def look(self, runs: Iterable[str], found: Signs) -> None:
        """Note what a look at the engine has just shown of these runs; others are forgotten."""
        now = self._now()
        passed, self._looked = min(now - self._looked, MOST_COUNTED), now
        self._seen = {run: self._judged(run, found.get(run, []), passed) for run in runs}

    def _judged(self, run: str, shown: Sequence[str], passed: float) -> tuple[Sequence[str], float]:
        before, silent = self._seen.get(run, (None, 0.0))
        return shown, silent + passed if shown == before else 0.0

    def silent(self, run: str) -> float:
        """Seconds; 0 for one that was not seen before."""
        return self._seen.get(run, ([], 0.0))[1]

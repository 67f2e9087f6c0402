"""What is waited for: one thread looks at all of it in turn, however much it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from ..plan import Step
from . import container_steps

R = TypeVar("R")


class Watch(Generic[R]):
    """The steps that wait. `look` says how one has ended, or None as long as it has not; `ended` is
    told; `stop` ends pauses.
    """

    def __init__(
        self, look: Callable[[Step], R | None], ended: Callable[[R], None], stop: threading.Event
    ) -> None:
        self._look, self._ended, self._stop = look, ended, stop
        self._steps: dict[int, Step] = {}
        self._looking = False
        self._lock = threading.Lock()

    def add(self, step: Step) -> bool:
        """Waits for `step` too; whether somebody must `run` now, as nobody does."""
        with self._lock:
            self._steps[step.id] = step
            idle, self._looking = not self._looking, True
            return idle

    def run(self) -> None:
        """Looks until nothing is left to wait for."""
        while steps := self._waiting():
            for step in steps:
                if (result := self._look(step)) is not None:
                    del self._steps[step.id]
                    self._ended(result)
            if self._steps:
                self._stop.wait(container_steps.LOOK)

    def _waiting(self) -> tuple[Step, ...]:
        with self._lock:
            self._looking = bool(self._steps)
            return tuple(self._steps.values())

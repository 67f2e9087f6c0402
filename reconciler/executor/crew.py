"""The threads that carry steps out: all of them are there before the first step, so that none is missed halfway."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Generic, TypeVar

from ..errors import MachineError, machine_error

T = TypeVar("T")
R = TypeVar("R")


class Crew(Generic[T, R]):
    """At most `wanted` threads that do `work`, which must not raise; `size` is how many this machine could start.

    They end with the process: a call that is under way when nobody waits for it any more does not keep it alive. Raises MachineError
    where not one can be started.
    """

    def __init__(self, wanted: int, work: Callable[[T], R]) -> None:
        self._work, self._tasks = work, SimpleQueue[tuple[T, Future[R]] | None]()
        self.size = 0
        for number in range(wanted):
            try:
                threading.Thread(target=self._serve, name=f"netplan_{number}", daemon=True).start()
            except RuntimeError as error:
                if self.size:
                    break
                raise machine_error(error) or MachineError(str(error)) from error
            self.size += 1

    def begin(self, task: T) -> Future[R]:
        """Have `task` done by the next free thread."""
        future: Future[R] = Future()
        self._tasks.put((task, future))
        return future

    def dismiss(self) -> None:
        """Let each thread end once it has nothing to do."""
        for _ in range(self.size):
            self._tasks.put(None)

    def _serve(self) -> None:
        while (given := self._tasks.get()) is not None:
            task, future = given
            future.set_result(self._work(task))

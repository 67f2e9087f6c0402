"""The threads that carry steps out: each is started when there is something to do for it and nobody
else is free.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

from ..errors import MachineError, machine_error

R = TypeVar("R")


class Crew(Generic[R]):
    """Threads that do work, which must not raise; what it returns is put into `ended`, once the
    thread is free again.

    They end with the process: a call that is under way when nobody waits for it any more does not
    keep it alive.
    """

    def __init__(self, ended: SimpleQueue[R]) -> None:
        self._ended, self._tasks = ended, SimpleQueue[Callable[[], R] | None]()
        self._size = self._free = 0
        self._full = False
        self._lock = threading.Lock()

    def room(self) -> bool:
        """Whether a thread is free for one more task, after one was started if need be.

        A machine that can start no more is left at as many as there are. Raises MachineError where
        there is not one.
        """
        with self._lock:
            if not self._free and not self._full:
                self._start()
            return self._free > 0

    def begin(self, work: Callable[[], R]) -> None:
        """Have `work` done by a free thread: only where there is `room`."""
        with self._lock:
            self._free -= 1
        self._tasks.put(work)

    def dismiss(self) -> None:
        """Let each thread end once it has nothing to do."""
        for _ in range(self._size):
            self._tasks.put(None)

    def _start(self) -> None:
        name = f"netplan_{self._size}"
        try:
            threading.Thread(target=self._serve, name=name, daemon=True).start()
        except RuntimeError as error:
            if not self._size:
                raise machine_error(error) or MachineError(str(error)) from error
            self._full = True
        else:
            self._size += 1
            self._free += 1

    def _serve(self) -> None:
        while (work := self._tasks.get()) is not None:
            result = work()
            with self._lock:
                self._free += 1
            self._ended.put(result)

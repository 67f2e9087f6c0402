"""What a long run waits for, in words: told while it lasts, on a terminal and in a pipe."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from ..plan import Step
from . import Event

EVERY = 10.0
"""Seconds between two lines in a pipe."""


class Waiting:
    """The steps that are under way; `note` is called with each event."""

    def __init__(self) -> None:
        self._running: Mapping[int, Step] = {}

    def note(self, event: Event) -> None:
        """A step begins or ends."""
        rest = {id: step for id, step in self._running.items() if id != event.step.id}
        self._running = rest if event.result else {**rest, event.step.id: event.step}

    @property
    def words(self) -> str:
        """`stopping 6 containers, up to 10 s`; empty where nothing is under way that may take long."""
        steps = self._running.values()
        stops = [step for step in steps if step.op == "stop"]
        parts = []
        if stops:
            what = stops[0].container if len(stops) == 1 else f"{len(stops)} containers"
            parts.append(f"stopping {what}, up to {max(step.seconds for step in stops)} s")
        parts += [f"waiting {step.text.removeprefix('wait ')}, up to {step.seconds} s" for step in steps if step.op == "wait"]
        parts += [f"pulling image {step.image}" for step in steps if step.op == "pull"]
        return "; ".join(parts)


@contextmanager
def told(waiting: Waiting, write: Callable[[str], object], every: float = EVERY) -> Iterator[None]:
    """Writes what is waited for every so many seconds, from a thread of its own."""
    over = threading.Event()

    def tell() -> None:
        while not over.wait(every):
            if words := waiting.words:
                with suppress(OSError, ValueError):
                    write(words)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()

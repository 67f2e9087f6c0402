"""What a long run waits for, in words: told while it lasts, on a terminal and in a pipe."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from ..plan import Plan, Step
from .results import Event

EVERY = 10.0
"""Seconds between two lines in a pipe."""
NAMED = 2
"""How many things of a longer list are named; the rest are counted."""


class Waiting:
    """The steps of `plan` that are under way; `note` is called with each event."""

    def __init__(self, plan: Plan) -> None:
        self._running: Mapping[int, Step] = {}
        self._stops = sum(step.op == "stop" for step in plan.steps)
        self._stopped = 0

    def note(self, event: Event) -> None:
        """A step begins or ends."""
        rest = {id: step for id, step in self._running.items() if id != event.step.id}
        self._running = rest if event.result else {**rest, event.step.id: event.step}
        self._stopped += bool(
            event.result and event.result.status == "done" and event.step.op == "stop"
        )

    @property
    def words(self) -> str:
        """`stopped 3 of 9 containers; stopping web, db and 4 others, up to 10 s`; empty where
        nothing takes long.
        """
        steps = tuple(self._running.values())
        parts = [*self._stopping([step for step in steps if step.op == "stop"])]
        waits: dict[str, list[Step]] = defaultdict(list)
        for step in steps:
            if step.op == "wait":
                waits[step.condition].append(step)
        parts += [_awaited(of_one_kind) for of_one_kind in waits.values()]
        if images := [step.image for step in steps if step.op == "pull"]:
            parts.append(f"pulling image{'s' if len(images) > 1 else ''} {some(images)}")
        return "; ".join(parts)

    def _stopping(self, steps: Sequence[Step]) -> Iterator[str]:
        if steps and self._stops > 1:
            yield f"stopped {self._stopped} of {self._stops} containers"
        if steps:
            yield f"stopping {some([called(step) for step in steps])}, up to {_longest(steps)} s"


def _awaited(steps: Sequence[Step]) -> str:
    """`waiting until db and cache are healthy, up to 60 s`."""
    has, is_ = ("has", "is") if len(steps) == 1 else ("have", "are")
    what = f"{has} exited" if steps[0].condition == "completed" else f"{is_} {steps[0].condition}"
    return (
        f"waiting until {some([step.container for step in steps])} {what}, up to"
        f" {_longest(steps)} s"
    )


def called(step: Step) -> str:
    """The container of a step as people know it, also while the old one has another name."""
    return step.replaces.name if step.replaces else step.container


def some(names: Sequence[str]) -> str:
    """`web`, `web and db`, `web, db and 26 others`."""
    if len(names) <= NAMED + 1:
        return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
    return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} others"


def _longest(steps: Sequence[Step]) -> int:
    return max(step.seconds for step in steps)


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

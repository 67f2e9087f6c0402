"""Carries a plan out: walks its graph, and judges what was started by whether it stays up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING

from ..engine_info import DEFAULT_PARALLEL
from ..fast_dataclasses import replace
from ..plan import Plan, Step
from ..signals import ASKING, raises, received
from .container_steps import BACK
from .results import Event, Guard, Listener, Run, StepResult
from .stay_up import Settling, Started, fallen
from .steps import Performer
from .walk import Walk

if TYPE_CHECKING:
    from ..engine import Engine


def _deaf(event: Event) -> None:
    return


def _unguarded(step: Step | None) -> None:
    return


def execute(
    plan: Plan,
    engine: Engine,
    *,
    parallel: int = DEFAULT_PARALLEL,
    listen: Listener = _deaf,
    stop: threading.Event | None = None,
    guard: Guard = _unguarded,
    settling: Settling | None = None,
    stop_timeout: int | None = None,
) -> Run:
    """Carry `plan` out; a step that fails stops what needs it, not its neighbours.

    At most `parallel` engine calls are made at a time. What only waits is not among them: stops,
    waits for health or completion, and pulls have limits of their own (concurrency.py).

    When `stop` is set, or on the first signal in the main thread that asks this process to end
    (signals.py), running steps finish and the rest are skipped. A second one raises
    KeyboardInterrupt at once; calls may then still be under way in threads that end with the
    process. `listen` is called in the calling thread only, and no more once it cannot write;
    `guard` before each step in the thread that takes it. With `settling`, a start has succeeded
    only if its container stays up. With `stop_timeout` that many seconds are what each stopped
    container has to end. Raises EngineError only if the engine cannot be read before the first
    step.
    """
    began = monotonic()
    plan = plan if stop_timeout is None else _hurried(plan, stop_timeout)
    stop = stop or threading.Event()
    with _interruptible(stop):
        performer = Performer(plan, engine, stop, stop_timeout)
        results = (
            Walk(plan, performer, max(parallel, 1), listen, stop, guard).walk()
            if plan.steps
            else {}
        )
        if settling:
            for result in _settled(results, performer, engine, settling, stop, max(parallel, 1)):
                results[result.step.id] = result
                with suppress(OSError, ValueError):
                    listen(Event(result.step, result))
    return Run(tuple(results[step.id] for step in plan.steps), monotonic() - began)


def _hurried(plan: Plan, seconds: int) -> Plan:
    """`plan` with another grace period for all that it stops."""
    return replace(
        plan,
        steps=tuple(
            replace(step, seconds=seconds) if step.op == "stop" else step for step in plan.steps
        ),
    )


def _settled(
    results: Mapping[int, StepResult],
    performer: Performer,
    engine: Engine,
    settling: Settling,
    stop: threading.Event,
    parallel: int,
) -> list[StepResult]:
    """The results that are others once it is known what did not stay up: starts that failed, old
    containers that are not back.
    """
    watched: dict[str, StepResult] = {}
    started: list[Started] = []
    for result in results.values():
        step, old = result.step, result.step.replaces
        if result.status == "done" and step.op == "start":
            id, at = performer.containers.made(step), result.ended
        elif old and result.error.endswith(BACK) and old.id in performer.containers.put_back:
            id, at = old.id, performer.containers.put_back[old.id]
        else:
            continue
        watched[id] = result
        started.append(
            Started(step.container if result.status == "done" or not old else old.name, id, at)
        )
    why = fallen(engine, started, settling, stop, parallel)
    return [_fell(watched[id], text) for id, text in why.items()]


def _fell(result: StepResult, why: str) -> StepResult:
    return (
        replace(result, status="failed", error=why)
        if result.status == "done"
        else replace(result, error=f"{result.error}; {why}")
    )


@contextmanager
def _interruptible(stop: threading.Event) -> Iterator[None]:
    """Make the first of signals.ASKING set `stop`, so that it never lands between two lines of the
    walk; the second is the usual one.

    Only a signal that raises KeyboardInterrupt anyway is taken over.
    """
    main = threading.current_thread() is threading.main_thread()
    mine = {
        number: handler for number in ASKING if main and raises(handler := signal.getsignal(number))
    }

    def usual() -> None:
        for number, handler in mine.items():
            signal.signal(number, handler)

    def first(signum: int, frame: object) -> None:
        received.append(signum)
        stop.set()
        usual()

    for number in mine:
        signal.signal(number, first)
    try:
        yield
    finally:
        usual()

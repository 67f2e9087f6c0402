"""One walk over the graph of a plan, in parallel.

The walk decides only when a step runs; what a step does and how its errors are judged is in
steps.py. There are no barriers: a step starts as soon as those it waits for have ended and there is
a place for one of its kind (concurrency.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from graphlib import TopologicalSorter
from queue import SimpleQueue
from time import monotonic

from ..errors import LockLostError, NetplanError, UnreachableError, machine_error
from ..model import ALL_ENDPOINTS_API
from ..plan import Plan, Step
from .concurrency import NETWORKS, Lanes, limits
from .crew import Crew
from .error_check import StepError
from .poller import Watch
from .results import INTERRUPTED, Event, Guard, Listener, StepResult
from .steps import Performer


class Walk:
    """One walk over one plan. Everything but `_work` and `_look` happens in the calling thread."""

    def __init__(
        self,
        plan: Plan,
        performer: Performer,
        parallel: int,
        listen: Listener,
        stop: threading.Event,
        guard: Guard,
    ) -> None:
        self._steps = {step.id: step for step in plan.steps}
        self._sorter = TopologicalSorter(
            {step.id: (*step.needs, *step.follows) for step in plan.steps}
        )
        self._performer = performer
        self._lanes = Lanes(
            limits(parallel, 1 if plan.engine.api < ALL_ENDPOINTS_API else NETWORKS)
        )
        self._listen = listen
        self._stop = stop
        self._guard = guard
        self._halt = ""
        self._ended = SimpleQueue[StepResult | None]()
        self._crew = Crew(self._ended)
        self._watch = Watch(self._look, self._ended.put, stop)
        self._watched: dict[int, float] = {}
        self._results: dict[int, StepResult] = {}
        self._causes: dict[int, str] = {}
        self._taken_back: set[str] = set()

    def walk(self) -> dict[int, StepResult]:
        """How each step ended, by its number."""
        self._sorter.prepare()
        try:
            self._start()
            while self._sorter.is_active():
                self._collect()
                self._start()
        finally:
            self._crew.dismiss()
        return self._results

    def _queue_ready(self) -> None:
        while ready := self._sorter.get_ready():
            for number in ready:
                step = self._steps[number]
                if cause := self._cause(step):
                    self._skip(step, cause)
                else:
                    self._lanes.put(step)

    def _cause(self, step: Step) -> str:
        """Why a step cannot run: of the steps that it needs one that failed, else what began it for
        one that was skipped.
        """
        ended = [need for need in step.needs if need in self._causes]
        ended.sort(key=lambda need: self._results[need].status != "failed")
        return self._causes[ended[0]] if ended else ""

    def _start(self) -> None:
        """Starts what can be started; where no thread can be had, the rest comes when another step
        has ended.
        """
        self._queue_ready()
        while step := self._lanes.next():
            if why := self._halt or (INTERRUPTED if self._stop.is_set() else ""):
                self._lanes.skip(step)
                self._skip(step, why)
                self._queue_ready()
            elif self._crew.room():
                self._lanes.begin(step)
                self._tell(Event(step))
                self._begin(step)
            else:
                return

    def _begin(self, step: Step) -> None:
        if step.op != "wait":
            self._crew.begin(partial(self._work, step))
        elif self._watch.add(step):
            self._crew.begin(self._watch.run)

    def _work(self, step: Step) -> StepResult | None:
        """In a thread of the crew: every way to end is a result."""

        def whole() -> bool:
            self._guard(step)
            self._performer.perform(step)
            return True

        return self._outcome(step, monotonic(), whole)

    def _look(self, step: Step) -> StepResult | None:
        """In the thread that looks at all that is waited for: how a wait has ended, None if it has
        not.
        """
        since = self._watched.setdefault(step.id, monotonic())
        return self._outcome(step, since, lambda: self._performer.containers.reached(step, since))

    def _outcome(self, step: Step, began: float, act: Callable[[], bool]) -> StepResult | None:
        """How a step has ended after `act`, None where that says that it has not."""
        try:
            if not act():
                return None
        except UnreachableError as error:
            self._halt = f"the engine could not be reached at step {step.id}"
            return StepResult(step, "failed", str(error), monotonic() - began, unknown=True)
        except LockLostError as error:
            self._halt = f"the lock was lost at step {step.id}"
            return StepResult(step, "failed", str(error), monotonic() - began)
        except NetplanError as error:
            unknown, late = (
                (error.unknown, error.late) if isinstance(error, StepError) else (False, False)
            )
            why, raw = self._performer.explain(step, error)
            seconds = monotonic() - began
            return StepResult(
                step,
                "failed",
                f"{why}{self._reversed_by(step)}",
                seconds,
                unknown=unknown,
                late=late,
                raw=raw,
            )
        except BaseException as error:
            if shortage := machine_error(error):
                return StepResult(step, "failed", str(shortage), monotonic() - began, unknown=True)
            return StepResult(
                step,
                "failed",
                f"bug in netplan: {type(error).__name__}: {error}",
                monotonic() - began,
                error,
            )
        ended = monotonic()
        return StepResult(step, "done", seconds=ended - began, ended=ended)

    def _collect(self) -> None:
        """Waits for the next step to end. A thread that has nothing more to look at says only that
        it is free.
        """
        if result := self._ended.get():
            self._lanes.end(result.step)
            if result.status == "failed":
                self._causes[result.step.id] = _because(result.step)
            self._end(result)

    def _skip(self, step: Step, why: str) -> None:
        """`why` goes on to all that need the step, so that each names what began it."""
        self._causes[step.id] = why
        begun = any(
            result.step.replaces == step.replaces
            for result in self._results.values()
            if result.status != "skipped"
        )
        self._end(StepResult(step, "skipped", why + (self._reversed_by(step) if begun else "")))

    def _reversed_by(self, step: Step) -> str:
        """A recreation that did not get to its new container's start is taken back, once; in words
        for the report.
        """
        if (
            step.replaces is None
            or step.op == "remove"
            or step.replaces.id in self._taken_back
            or self._halt
        ):
            return ""
        self._taken_back.add(step.replaces.id)
        try:
            self._guard(None)
            return f"; {self._performer.containers.reverse(step.replaces)}"
        except NetplanError as error:
            if isinstance(error, LockLostError):
                self._halt = f"the lock was lost after step {step.id}"
            return f"; the old container was not restored: {error}"

    def _end(self, result: StepResult) -> None:
        self._results[result.step.id] = result
        self._sorter.done(result.step.id)
        self._tell(Event(result.step, result))

    def _tell(self, event: Event) -> None:
        try:
            self._listen(event)
        except (
            OSError,
            ValueError,
        ):  # nobody reads any more, and what was begun must be ended all the same
            self._listen = lambda event: None


def _because(step: Step) -> str:
    """Why what needs a failed step is skipped."""
    failed = f"step {step.id} ({step.text}), which failed"
    return (
        f"all images are pulled first: needs {failed}" if step.op == "pull" else f"needs {failed}"
    )

"""Carries a plan out: walks its graph in parallel, and says of every step how it ended.

The walk decides only when a step runs; what a step does and how its errors are judged is in
steps.py. There are no barriers: a step starts as soon as those it waits for have ended and there is
a place for one of its kind (lanes.py).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from graphlib import TopologicalSorter
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Literal

from ..errors import LockLostError, NetplanError, UnreachableError, machine_error
from ..model import ALL_ENDPOINTS_API
from ..plan import Plan, Step
from ..records import dataclass, replace
from ..signals import ASKING, raises, received
from .container_steps import BACK
from .crew import Crew
from .judge import StepError
from .lanes import NETWORKS, Lanes, limits
from .settling import Settling, Started, fallen
from .steps import Performer
from .watch import Watch

if TYPE_CHECKING:
    from ..engine import Engine

Status = Literal["done", "failed", "skipped"]
INTERRUPTED = "interrupted before it began"


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step ended. `error` says why it failed or was skipped; `bug` is set where netplan
    itself is at fault.

    `unknown`: no answer says that a failed step was not done; `late`: the engine may still be at
    it. `ended` is by `time.monotonic`. `raw` are the engine's own words, where `error` says it in
    others.
    """

    step: Step
    status: Status
    error: str = ""
    seconds: float = 0.0
    bug: BaseException | None = None
    unknown: bool = False
    late: bool = False
    ended: float = 0.0
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What happened to each step of a plan; `results` in the order of the plan, `seconds` by the
    clock on the wall.
    """

    results: tuple[StepResult, ...] = ()
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether every step is done."""
        return all(result.status == "done" for result in self.results)

    @property
    def done(self) -> tuple[StepResult, ...]:
        """The steps that did, or found done, what they were for."""
        return self._with("done")

    @property
    def failed(self) -> tuple[StepResult, ...]:
        """The steps that ran and did not succeed."""
        return self._with("failed")

    @property
    def skipped(self) -> tuple[StepResult, ...]:
        """The steps that never ran."""
        return self._with("skipped")

    def _with(self, status: Status) -> tuple[StepResult, ...]:
        return tuple(result for result in self.results if result.status == status)


@dataclass(frozen=True, slots=True)
class Event:
    """A step begins (`result` is None) or has ended."""

    step: Step
    result: StepResult | None = None


Listener = Callable[[Event], None]


Guard = Callable[[Step | None], None]
"""Called in a worker before each step, and with None before one is taken back; raises NetplanError
where that must not be done.
"""


def _deaf(event: Event) -> None:
    return


def _unguarded(step: Step | None) -> None:
    return


def execute(
    plan: Plan,
    engine: Engine,
    *,
    parallel: int = 4,
    listen: Listener = _deaf,
    stop: threading.Event | None = None,
    guard: Guard = _unguarded,
    settling: Settling | None = None,
    stop_timeout: int | None = None,
) -> Run:
    """Carry `plan` out; a step that fails stops what needs it, not its neighbours.

    At most `parallel` engine calls are made at a time. What only waits is not among them: stops,
    waits for health or completion, and pulls have limits of their own (lanes.py).

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
            _Walk(plan, performer, max(parallel, 1), listen, stop, guard).walk()
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


class _Walk:
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
            return f"; the old container was not put back: {error}"

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
            self._listen = _deaf


def _because(step: Step) -> str:
    """Why what needs a failed step is skipped."""
    failed = f"step {step.id} ({step.text}), which failed"
    return f"every image comes first: needs {failed}" if step.op == "pull" else f"needs {failed}"

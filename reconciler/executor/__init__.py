"""Carries a plan out: walks its graph in parallel, and says of every step how it ended.

The walk decides only when a step runs; what a step does and how its errors are judged is in steps.py. There are no barriers: a step
starts as soon as those it waits for have ended. Creating and removing networks is serialised inside the engine, so only few of these run at
once and the other workers are left to connects and disconnects.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Literal

from ..errors import LockLostError, NetplanError, UnreachableError, machine_error
from ..model import ALL_ENDPOINTS_API
from ..plan import Plan, Step
from ..signals import ASKING, raises, received
from .container_steps import BACK
from .crew import Crew
from .judge import StepError
from .settling import Settling, Started, fallen
from .steps import Performer

if TYPE_CHECKING:
    from ..engine import Engine

Status = Literal["done", "failed", "skipped"]
NETWORKS_AT_ONCE = 2
"""Network creates and removes in flight: one is worked on by the engine while the next is already on its way."""

INTERRUPTED = "interrupted before it began"


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step ended. `error` says why it failed or was skipped; `bug` is set where netplan itself is at fault.

    `unknown`: no answer says that a failed step was not done; `late`: the engine may still be at it. `ended` is by `time.monotonic`.
    `raw` are the engine's own words, where `error` says it in others.
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
    """What happened to each step of a plan; `results` in the order of the plan, `seconds` by the clock on the wall."""

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
"""Called in a worker before each step, and with None before one is taken back; raises NetplanError where that must not be done."""


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
) -> Run:
    """Carry `plan` out with at most `parallel` engine calls at a time; a step that fails stops what needs it, not its neighbours.

    When `stop` is set, or on the first signal in the main thread that asks this process to end (signals.py), running steps
    finish and the rest are skipped. A second one raises KeyboardInterrupt at once; calls may then still be under way in threads that end
    with the process. `listen` is called in the calling thread only, and no more once it cannot write; `guard` before each step in the
    thread that takes it. With `settling`, a start has succeeded only if its container stays up. Raises EngineError only if the engine
    cannot be read before the first step.
    """
    began = perf_counter()
    stop = stop or threading.Event()
    with _interruptible(stop):
        performer = Performer(plan, engine, stop)
        results = _Walk(plan, performer, max(parallel, 1), listen, stop, guard).walk() if plan.steps else {}
        for result in _settled(results, performer, engine, settling, stop, max(parallel, 1)) if settling else ():
            results[result.step.id] = result
            with suppress(OSError, ValueError):
                listen(Event(result.step, result))
    return Run(tuple(results[step.id] for step in plan.steps), perf_counter() - began)


def _settled(
    results: Mapping[int, StepResult],
    performer: Performer,
    engine: Engine,
    settling: Settling,
    stop: threading.Event,
    parallel: int,
) -> list[StepResult]:
    """The results that are others once it is known what did not stay up: starts that failed, old containers that are not back."""
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
        started.append(Started(step.container if result.status == "done" or not old else old.name, id, at))
    why = fallen(engine, started, settling, stop, parallel)
    return [_fell(watched[id], text) for id, text in why.items()]


def _fell(result: StepResult, why: str) -> StepResult:
    return replace(result, status="failed", error=why) if result.status == "done" else replace(result, error=f"{result.error}; {why}")


@contextmanager
def _interruptible(stop: threading.Event) -> Iterator[None]:
    """Make the first of signals.ASKING set `stop`, so that it never lands between two lines of the walk; the second is the usual one.

    Only a signal that raises KeyboardInterrupt anyway is taken over.
    """
    main = threading.current_thread() is threading.main_thread()
    mine = {number: handler for number in ASKING if main and raises(handler := signal.getsignal(number))}

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
    """One walk over one plan. Everything but `_work` happens in the calling thread."""

    def __init__(self, plan: Plan, performer: Performer, parallel: int, listen: Listener, stop: threading.Event, guard: Guard) -> None:
        self._steps = {step.id: step for step in plan.steps}
        self._sorter = TopologicalSorter({step.id: (*step.needs, *step.follows) for step in plan.steps})
        self._performer = performer
        self._parallel = parallel
        self._networks_at_once = 1 if plan.engine.api < ALL_ENDPOINTS_API else NETWORKS_AT_ONCE
        self._listen = listen
        self._stop = stop
        self._guard = guard
        self._halt = ""
        self._networks: list[int] = []
        self._others: list[int] = []
        self._running: dict[Future[StepResult], Step] = {}
        self._results: dict[int, StepResult] = {}
        self._causes: dict[int, str] = {}
        self._taken_back: set[str] = set()

    def walk(self) -> dict[int, StepResult]:
        self._sorter.prepare()
        crew = Crew(min(self._parallel, len(self._steps)), self._work)
        self._parallel = crew.size
        try:
            while self._sorter.is_active():
                self._queue_ready()
                self._start(crew)
                self._collect()
        finally:
            crew.dismiss()
        return self._results

    def _queue_ready(self) -> None:
        while ready := self._sorter.get_ready():
            for number in ready:
                step = self._steps[number]
                if cause := self._cause(step):
                    self._skip(step, cause)
                else:
                    heappush(self._networks if _of_network(step) else self._others, number)

    def _cause(self, step: Step) -> str:
        """Why a step cannot run: of the steps that it needs one that failed, else what began it for one that was skipped."""
        ended = [need for need in step.needs if need in self._causes]
        ended.sort(key=lambda need: self._results[need].status != "failed")
        return self._causes[ended[0]] if ended else ""

    def _start(self, crew: Crew[Step, StepResult]) -> None:
        while (number := self._next()) is not None:
            step = self._steps[number]
            if why := self._halt or (INTERRUPTED if self._stop.is_set() else ""):
                self._skip(step, why)
                self._queue_ready()
            else:
                self._tell(Event(step))
                self._running[crew.begin(step)] = step

    def _next(self) -> int | None:
        """The step to start now: networks first, as they are what takes longest."""
        if len(self._running) >= self._parallel:
            return None
        if self._networks and sum(map(_of_network, self._running.values())) < self._networks_at_once:
            return heappop(self._networks)
        return heappop(self._others) if self._others else None

    def _work(self, step: Step) -> StepResult:
        """In a worker: every way to end is a result."""
        began = perf_counter()
        try:
            self._guard(step)
            self._performer.perform(step)
        except UnreachableError as error:
            self._halt = f"the engine could not be reached at step {step.id}"
            return StepResult(step, "failed", str(error), perf_counter() - began, unknown=True)
        except LockLostError as error:
            self._halt = f"the lock was lost at step {step.id}"
            return StepResult(step, "failed", str(error), perf_counter() - began)
        except NetplanError as error:
            unknown, late = (error.unknown, error.late) if isinstance(error, StepError) else (False, False)
            why, raw = self._performer.explain(step, error)
            seconds = perf_counter() - began
            return StepResult(step, "failed", f"{why}{self._reversed_by(step)}", seconds, unknown=unknown, late=late, raw=raw)
        except BaseException as error:
            if shortage := machine_error(error):
                return StepResult(step, "failed", str(shortage), perf_counter() - began, unknown=True)
            return StepResult(step, "failed", f"bug in netplan: {type(error).__name__}: {error}", perf_counter() - began, error)
        return StepResult(step, "done", seconds=perf_counter() - began, ended=monotonic())

    def _collect(self) -> None:
        for future in wait(self._running, return_when=FIRST_COMPLETED).done if self._running else ():
            del self._running[future]
            result = future.result()
            if result.status == "failed":
                self._causes[result.step.id] = _because(result.step)
            self._end(result)

    def _skip(self, step: Step, why: str) -> None:
        """`why` goes on to all that need the step, so that each names what began it."""
        self._causes[step.id] = why
        begun = any(result.step.replaces == step.replaces for result in self._results.values() if result.status != "skipped")
        self._end(StepResult(step, "skipped", why + (self._reversed_by(step) if begun else "")))

    def _reversed_by(self, step: Step) -> str:
        """A recreation that did not get to its new container's start is taken back, once; in words for the report."""
        if step.replaces is None or step.op == "remove" or step.replaces.id in self._taken_back or self._halt:
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
        except (OSError, ValueError):  # nobody reads any more, and what was begun must be ended all the same
            self._listen = _deaf


def _because(step: Step) -> str:
    """Why what needs a failed step is skipped."""
    failed = f"step {step.id} ({step.text}), which failed"
    return f"every image comes first: needs {failed}" if step.op == "pull" else f"needs {failed}"


def _of_network(step: Step) -> bool:
    return step.op in ("create", "remove") and bool(step.network)

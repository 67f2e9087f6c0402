"""When steps run. What they do to an engine is tested on real ones: here the engine only takes notes, and fails where it is told to."""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.engine.locate import Target
from reconciler.errors import ApiError, MachineError, UnreachableError
from reconciler.executor import Event, Run, execute
from reconciler.marks import Place
from reconciler.model import EndpointMark, EngineInfo, NetworkMark
from reconciler.plan import Op, Plan, Step
from reconciler.settings import Settings


class NoteTaker:
    """Keeps the order of calls and how many were under way at once; a call whose network is in `errors` raises that."""

    def __init__(self, errors: Mapping[str, BaseException] | None = None, seconds: float = 0.0) -> None:
        self.errors = dict(errors or {})
        self.seconds = seconds
        self.calls: list[tuple[str, str]] = []
        self.begun: dict[str, int] = {}
        self.ended: dict[str, int] = {}
        self.most = {"all": 0, "networks": 0}
        self._now = {"all": 0, "networks": 0}
        self._clock = 0
        self._lock = threading.Lock()

    def _call(self, op: str, network: str) -> str:
        lanes = ("all", "networks") if op in ("create", "remove") else ("all",)
        with self._lock:
            self.calls.append((op, network))
            self._clock += 1
            self.begun[network] = self._clock
            for lane in lanes:
                self._now[lane] += 1
                self.most[lane] = max(self.most[lane], self._now[lane])
        if self.seconds:
            time.sleep(self.seconds)
        with self._lock:
            self._clock += 1
            self.ended[network] = self._clock
            for lane in lanes:
                self._now[lane] -= 1
        if network in self.errors:
            raise self.errors[network]
        return "id-" + network

    @property
    def target(self) -> Target:
        raise NotImplementedError

    def info(self) -> EngineInfo:
        raise NotImplementedError

    def details(self) -> dict[str, Any]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def networks(self) -> list[dict[str, Any]]:
        return []

    def containers(self, filters: Mapping[str, Sequence[str]] | None = None) -> list[dict[str, Any]]:
        return []

    def container(self, id: str) -> dict[str, Any] | None:
        return None

    def network(self, id: str) -> dict[str, Any] | None:
        return {"Containers": {}}

    def create_network(self, name: str, settings: Settings, mark: NetworkMark | None = None) -> str:
        return self._call("create", name)

    def remove_network(self, id: str) -> None:
        self._call("remove", id)

    def connect(
        self, network_id: str, container_id: str, settings: Settings, mark: EndpointMark | None = None, place: Place | None = None
    ) -> None:
        self._call("connect", network_id)

    def disconnect(self, network_id: str, container_id: str, force: bool = False) -> None:
        self._call("disconnect", network_id)


def step(number: int, op: Op = "connect", needs: Sequence[int] = (), follows: Sequence[int] = ()) -> Step:
    """A step whose call is known by its network: `1`, `2`, ..."""
    name = str(number)
    mark = NetworkMark("lab") if op == "create" else None
    return Step(number, op, name, "test", "box", "" if op == "create" else name, "box-id", {}, mark, tuple(needs), tuple(follows))


def plan(*steps: Step, api: tuple[int, int] = (1, 51)) -> Plan:
    return Plan("lab", EngineInfo(api=api), steps=steps)


def statuses(run: Run) -> dict[int, str]:
    return {result.step.id: result.status for result in run.results}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[tuple[Step, ...], frozenset[int]]:
    """Steps with edges to earlier ones, and which of them fail."""
    count = draw(st.integers(1, 14))
    steps = []
    for number in range(1, count + 1):
        earlier = st.lists(st.integers(1, number - 1), max_size=3, unique=True) if number > 1 else st.just([])
        op: Op = draw(st.sampled_from(("create", "remove", "connect")))
        steps.append(step(number, op, draw(earlier), draw(earlier)))
    return tuple(steps), frozenset(draw(st.sets(st.integers(1, count), max_size=4)))


@settings(max_examples=150, deadline=None)
@given(graphs(), st.integers(1, 6), st.sampled_from([(1, 41), (1, 51)]))
def test_any_graph(graph: tuple[tuple[Step, ...], frozenset[int]], parallel: int, api: tuple[int, int]) -> None:
    steps, failing = graph
    engine = NoteTaker({str(number): ApiError(500, "told to") for number in failing})
    run = execute(plan(*steps, api=api), engine, parallel=parallel)
    status = statuses(run)
    for each in steps:
        lost = any(status[need] != "done" for need in each.needs)
        assert status[each.id] == ("skipped" if lost else "failed" if each.id in failing else "done")
        assert (str(each.id) in engine.begun) == (not lost), "exactly the steps that are not skipped make their call"
        for earlier in (*each.needs, *each.follows):
            if not lost and status[earlier] != "skipped":
                assert engine.ended[str(earlier)] < engine.begun[str(each.id)]
    assert [result.step for result in run.results] == list(steps)
    assert len(engine.calls) == len(engine.begun), "no call is made twice"
    assert engine.most["all"] <= parallel
    assert engine.most["networks"] <= (1 if api < (1, 44) else 2)


def test_a_skipped_step_names_the_failure_that_began_it() -> None:
    engine = NoteTaker({"1": ApiError(403, "Pool overlaps")})
    run = execute(plan(step(1, "create"), step(2, needs=[1]), step(3, needs=[2]), step(4)), engine)
    assert statuses(run) == {1: "failed", 2: "skipped", 3: "skipped", 4: "done"}
    assert [result.error for result in run.results] == ["Pool overlaps", *["needs step 1 (create network 1), which failed"] * 2, ""]
    assert (run.ok, len(run.done), len(run.failed), len(run.skipped)) == (False, 1, 1, 2)


def test_what_only_follows_a_failed_or_skipped_step_runs() -> None:
    engine = NoteTaker({"1": ApiError(500, "no")})
    run = execute(plan(step(1), step(2, needs=[1]), step(3, follows=[1]), step(4, follows=[2])), engine)
    assert statuses(run) == {1: "failed", 2: "skipped", 3: "done", 4: "done"}


def test_no_barriers_and_networks_leave_room_for_endpoints() -> None:
    engine = NoteTaker(seconds=0.02)
    creates = [step(number, "create") for number in range(1, 9)]
    run = execute(plan(*creates, *(step(number, needs=[number - 10]) for number in range(11, 19))), engine, parallel=4)
    assert run.ok
    assert engine.most["networks"] == 2
    assert engine.begun["11"] < engine.begun["8"], "the first connect does not wait for the last create"


@pytest.mark.parametrize("error", [RuntimeError("surprise"), SystemExit(3), KeyboardInterrupt()])
def test_any_exception_is_a_failed_step_and_never_a_hang(error: BaseException) -> None:
    run = execute(plan(step(1), step(2, needs=[1]), step(3)), NoteTaker({"1": error}))
    assert statuses(run) == {1: "failed", 2: "skipped", 3: "done"}
    assert run.results[0].bug is error
    assert type(error).__name__ in run.results[0].error


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.EMFILE, "Too many open files"), RuntimeError("can't start new thread")])
def test_a_shortage_of_the_machine_is_no_bug(error: BaseException) -> None:
    run = execute(plan(step(1), step(2, needs=[1]), step(3)), NoteTaker({"1": error}))
    assert statuses(run) == {1: "failed", 2: "skipped", 3: "done"}
    assert run.results[0].bug is None
    assert run.results[0].error.startswith("this machine ")
    assert run.results[0].unknown


def test_as_many_threads_as_the_machine_can_start_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    start, left = threading.Thread.start, [2]

    def few(thread: threading.Thread) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", few)
    engine = NoteTaker(seconds=0.01)
    assert execute(plan(*(step(number) for number in range(1, 9))), engine, parallel=6).ok
    assert engine.most["all"] == 2
    with pytest.raises(MachineError, match="can start no more threads"):
        execute(plan(step(1)), engine)


def test_an_unreachable_engine_ends_the_run() -> None:
    engine = NoteTaker({"1": UnreachableError("nobody listens")})
    run = execute(plan(step(1), *(step(number, follows=[1]) for number in range(2, 6))), engine)
    assert statuses(run) == {1: "failed", 2: "skipped", 3: "skipped", 4: "skipped", 5: "skipped"}
    assert run.results[4].error == "the engine could not be reached at step 1"
    assert engine.calls == [("connect", "1")]


def test_stop_lets_running_steps_finish() -> None:
    engine = NoteTaker(seconds=0.02)
    stop = threading.Event()

    def listen(event: Event) -> None:
        if event.result and event.step.id == 1:
            stop.set()

    run = execute(
        plan(step(1), step(2), step(3, needs=[1]), step(4, needs=[3]), step(5, follows=[4])), engine, parallel=2, listen=listen, stop=stop
    )
    assert statuses(run)[1] == "done"
    assert [statuses(run)[number] for number in (3, 4, 5)] == ["skipped"] * 3
    assert {result.error for result in run.skipped} == {"interrupted before it began"}
    assert len(run.done) == len(engine.calls)


def test_the_first_interrupt_stops_and_the_second_leaves() -> None:
    before = signal.getsignal(signal.SIGINT)
    pressed = threading.Event()

    def press(event: Event) -> None:
        if not pressed.is_set():
            pressed.set()
            os.kill(os.getpid(), signal.SIGINT)

    run = execute(plan(step(1), step(2, needs=[1])), NoteTaker(seconds=0.05), listen=press)
    assert statuses(run) == {1: "done", 2: "skipped"}
    assert signal.getsignal(signal.SIGINT) is before

    def press_on(event: Event) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        execute(plan(*(step(number) for number in range(1, 5))), NoteTaker(seconds=5), listen=press_on)
    assert time.monotonic() - began < 3
    assert signal.getsignal(signal.SIGINT) is before


def test_events_come_in_the_calling_thread_a_start_and_an_end_for_each_step_that_ran() -> None:
    heard: list[tuple[int, str]] = []
    threads = set()

    def listen(event: Event) -> None:
        threads.add(threading.current_thread())
        heard.append((event.step.id, event.result.status if event.result else "began"))

    execute(plan(step(1), step(2, needs=[1]), step(3, needs=[2])), NoteTaker({"2": ApiError(500, "no")}), listen=listen)
    assert heard == [(1, "began"), (1, "done"), (2, "began"), (2, "failed"), (3, "skipped")]
    assert threads == {threading.current_thread()}


def test_an_empty_plan_asks_the_engine_nothing() -> None:
    run = execute(plan(), None)  # type: ignore[arg-type]
    assert run.ok
    assert run.results == ()

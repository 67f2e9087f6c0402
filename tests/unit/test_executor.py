"""When steps run. What they do to an engine is tested on real ones: here the engine only takes
notes, and fails where it is told to.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.locate import Target
from reconciler.errors import ApiError, MachineError, UnreachableError
from reconciler.executor import Event, Run, concurrency, container_steps, execute
from reconciler.marks import Place
from reconciler.model import EndpointMark, EngineInfo, NetworkMark
from reconciler.plan import Op, Plan, Step
from reconciler.settings import Settings
from tests.examples import examples


class NoteTaker:
    """Keeps the order of calls and how many were under way at once; a call whose network is in
    `errors` raises that.
    """

    def __init__(
        self, errors: Mapping[str, BaseException] | None = None, seconds: float = 0.0
    ) -> None:
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
        concurrency = ("all", "networks") if op in ("create", "remove") else ("all",)
        with self._lock:
            self.calls.append((op, network))
            self._clock += 1
            self.begun[network] = self._clock
            for lane in concurrency:
                self._now[lane] += 1
                self.most[lane] = max(self.most[lane], self._now[lane])
        if self.seconds:
            time.sleep(self.seconds)
        with self._lock:
            self._clock += 1
            self.ended[network] = self._clock
            for lane in concurrency:
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

    def containers(
        self, filters: Mapping[str, Sequence[str]] | None = None
    ) -> list[dict[str, Any]]:
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
        self,
        network_id: str,
        container_id: str,
        settings: Settings,
        mark: EndpointMark | None = None,
        place: Place | None = None,
    ) -> None:
        self._call("connect", network_id)

    def disconnect(self, network_id: str, container_id: str, force: bool = False) -> None:
        self._call("disconnect", network_id)


def step(
    number: int, op: Op = "connect", needs: Sequence[int] = (), follows: Sequence[int] = ()
) -> Step:
    """A step whose call is known by its network: `1`, `2`, ..."""
    name = str(number)
    mark = NetworkMark("lab") if op == "create" else None
    return Step(
        number,
        op,
        name,
        "test",
        "box",
        "" if op == "create" else name,
        "box-id",
        {},
        mark,
        tuple(needs),
        tuple(follows),
    )


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
        earlier = (
            st.lists(st.integers(1, number - 1), max_size=3, unique=True)
            if number > 1
            else st.just([])
        )
        op: Op = draw(st.sampled_from(("create", "remove", "connect")))
        steps.append(step(number, op, draw(earlier), draw(earlier)))
    return tuple(steps), frozenset(draw(st.sets(st.integers(1, count), max_size=4)))


@examples(150)
@given(graphs(), st.integers(1, 6), st.sampled_from([(1, 41), (1, 51)]))
def test_any_graph(
    graph: tuple[tuple[Step, ...], frozenset[int]], parallel: int, api: tuple[int, int]
) -> None:
    steps, failing = graph
    engine = NoteTaker({str(number): ApiError(500, "told to") for number in failing})
    run = execute(plan(*steps, api=api), engine, parallel=parallel)
    status = statuses(run)
    for each in steps:
        lost = any(status[need] != "done" for need in each.needs)
        assert status[each.id] == (
            "skipped" if lost else "failed" if each.id in failing else "done"
        )
        assert (str(each.id) in engine.begun) == (not lost), (
            "exactly the steps that are not skipped make their call"
        )
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
    assert [result.error for result in run.results] == [
        "Pool overlaps",
        *["needs step 1 (create network 1), which failed"] * 2,
        "",
    ]
    assert (run.ok, len(run.done), len(run.failed), len(run.skipped)) == (False, 1, 1, 2)


def test_what_only_follows_a_failed_or_skipped_step_runs() -> None:
    engine = NoteTaker({"1": ApiError(500, "no")})
    run = execute(
        plan(step(1), step(2, needs=[1]), step(3, follows=[1]), step(4, follows=[2])), engine
    )
    assert statuses(run) == {1: "failed", 2: "skipped", 3: "done", 4: "done"}


def test_no_barriers_and_networks_leave_room_for_endpoints() -> None:
    engine = NoteTaker(seconds=0.02)
    creates = [step(number, "create") for number in range(1, 9)]
    run = execute(
        plan(*creates, *(step(number, needs=[number - 10]) for number in range(11, 19))),
        engine,
        parallel=4,
    )
    assert run.ok
    assert engine.most["networks"] == 2
    assert engine.begun["11"] < engine.begun["8"], (
        "the first connect does not wait for the last create"
    )


@pytest.mark.parametrize("error", [RuntimeError("surprise"), SystemExit(3), KeyboardInterrupt()])
def test_any_exception_is_a_failed_step_and_never_a_hang(error: BaseException) -> None:
    run = execute(plan(step(1), step(2, needs=[1]), step(3)), NoteTaker({"1": error}))
    assert statuses(run) == {1: "failed", 2: "skipped", 3: "done"}
    assert run.results[0].bug is error
    assert type(error).__name__ in run.results[0].error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.EMFILE, "Too many open files"),
        RuntimeError("can't start new thread"),
    ],
)
def test_a_shortage_of_the_machine_is_no_bug(error: BaseException) -> None:
    run = execute(plan(step(1), step(2, needs=[1]), step(3)), NoteTaker({"1": error}))
    assert statuses(run) == {1: "failed", 2: "skipped", 3: "done"}
    assert run.results[0].bug is None
    assert run.results[0].error.startswith("this machine ")
    assert run.results[0].unknown


def let_start(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """No more threads than that."""
    start, left = threading.Thread.start, [most]

    def few(thread: threading.Thread) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", few)


def test_as_many_threads_as_the_machine_can_start_are_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_start(monkeypatch, 2)
    engine = NoteTaker(seconds=0.01)
    assert execute(plan(*(step(number) for number in range(1, 9))), engine, parallel=6).ok
    assert engine.most["all"] == 2
    with pytest.raises(MachineError, match="cannot start more threads"):
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
        plan(step(1), step(2), step(3, needs=[1]), step(4, needs=[3]), step(5, follows=[4])),
        engine,
        parallel=2,
        listen=listen,
        stop=stop,
    )
    assert statuses(run)[1] == "done"
    assert [statuses(run)[number] for number in (3, 4, 5)] == ["skipped"] * 3
    assert {result.error for result in run.skipped} == {"interrupted before it started"}
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
        execute(
            plan(*(step(number) for number in range(1, 5))), NoteTaker(seconds=5), listen=press_on
        )
    assert time.monotonic() - began < 3
    assert signal.getsignal(signal.SIGINT) is before


def test_events_come_in_the_calling_thread_a_start_and_an_end_for_each_step_that_ran() -> None:
    heard: list[tuple[int, str]] = []
    threads = set()

    def listen(event: Event) -> None:
        threads.add(threading.current_thread())
        heard.append((event.step.id, event.result.status if event.result else "began"))

    execute(
        plan(step(1), step(2, needs=[1]), step(3, needs=[2])),
        NoteTaker({"2": ApiError(500, "no")}),
        listen=listen,
    )
    assert heard == [(1, "began"), (1, "done"), (2, "began"), (2, "failed"), (3, "skipped")]
    assert threads == {threading.current_thread()}


def test_an_empty_plan_asks_the_engine_nothing() -> None:
    run = execute(plan(), None)  # type: ignore[arg-type]
    assert run.ok
    assert run.results == ()


# --- limits of each kind of step ------------------------------------------------------------------


class Waiter(NoteTaker):
    """Stops and pulls that last until `go`; containers whose state is read from `states`."""

    def __init__(self, expected: int) -> None:
        super().__init__()
        self.expected, self.go = expected, threading.Event()
        self.under_way = 0
        self.states: dict[str, dict[str, Any]] = {}

    def _long(self) -> None:
        with self._lock:
            self.under_way += 1
            if self.under_way == self.expected:
                self.go.set()
        assert self.go.wait(20), f"only {self.under_way} at a time"

    def stop(self, id: str, seconds: int) -> None:
        self._long()

    def pull(self, reference: str, platform: str = "", on_progress: object = None) -> None:
        self._long()

    def container(self, id: str) -> dict[str, Any] | None:
        return (
            {"State": self.states.get(id, {"Running": True, "Health": {"Status": "starting"}})}
            if id != "box-id"
            else None
        )

    def last_line(self, id: str) -> str:
        return ""


def of_container(number: int, op: Op, **more: Any) -> Step:
    return Step(number, op, "", "test", f"c{number}", container_id=f"id{number}", **more)


def test_stops_take_no_place_of_a_call_and_are_many_at_once() -> None:
    """All 64 are under way at once, and a call is made meanwhile, though only one at a time is
    allowed.
    """
    engine = Waiter(expected=concurrency.STOPS)
    stops = [of_container(number, "stop", seconds=10) for number in range(1, concurrency.STOPS + 7)]
    order: list[tuple[int, str]] = []

    def listen(event: Event) -> None:
        order.append((event.step.id, event.result.status if event.result else "began"))

    run = execute(
        plan(*stops, step(200), step(201, needs=[200])), engine, parallel=1, listen=listen
    )
    assert run.ok
    assert order[: concurrency.STOPS + 1] == [
        (number, "began") for number in (*range(1, concurrency.STOPS + 1), 200)
    ], "before anything ended"
    assert engine.most["all"] == 1


def test_only_few_images_are_pulled_at_once() -> None:
    engine = Waiter(expected=concurrency.PULLS)
    pulls = [Step(number, "pull", "", "test", image=f"i{number}:1") for number in range(1, 12)]
    begun: list[int] = []

    def listen(event: Event) -> None:
        if event.result is None:
            begun.append(event.step.id)
        elif len(begun) == concurrency.PULLS:
            assert engine.under_way == concurrency.PULLS

    assert execute(plan(*pulls), engine, parallel=8, listen=listen).ok


def test_one_thread_waits_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """300 waits, 256 of them at a time, and a call beside them: two threads."""
    monkeypatch.setattr(container_steps, "LOOK", 0.005)
    started: list[str] = []
    start = threading.Thread.start
    monkeypatch.setattr(
        threading.Thread, "start", lambda thread: (started.append(thread.name), start(thread))
    )
    engine = Waiter(expected=0)
    waits = [
        of_container(number, "wait", seconds=60, condition="healthy") for number in range(1, 301)
    ]
    running: set[int] = set()
    most = 0

    def listen(event: Event) -> None:
        nonlocal most
        running.symmetric_difference_update([event.step.id])
        most = max(most, len(running))
        if event.result and event.step.id == 400:
            engine.states = {
                each.container_id: {"Running": True, "Health": {"Status": "healthy"}}
                for each in waits
            }
            engine.states["id7"] = {"Running": False, "ExitCode": 3}

    run = execute(
        plan(*waits, step(400), step(401, needs=[300])), engine, parallel=1, listen=listen
    )
    assert [result.step.id for result in run.failed] == [7]
    assert run.failed[0].error == "c7 exited with code 3"
    assert most == concurrency.WAITS + 1
    assert len(started) == 2, started


def test_a_wait_ends_with_its_time_or_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_steps, "LOOK", 0.005)
    stop = threading.Event()

    def listen(event: Event) -> None:
        if event.step.id == 1 and event.result:
            stop.set()

    short, long = (
        of_container(1, "wait", seconds=0, condition="completed"),
        of_container(2, "wait", seconds=60, condition="healthy"),
    )
    run = execute(plan(short, long, step(3, needs=[2])), Waiter(0), listen=listen, stop=stop)
    assert [result.error for result in run.results] == [
        "c1 has not exited after 0 s",
        "interrupted while waiting",
        "needs step 2 (wait until c2 is healthy), which failed",
    ]


def test_three_steps_start_three_threads_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    start = threading.Thread.start
    monkeypatch.setattr(
        threading.Thread, "start", lambda thread: (started.append(thread.name), start(thread))
    )
    assert execute(plan(step(1), step(2), step(3)), NoteTaker(seconds=0.01), parallel=64).ok
    assert len(started) <= 3


def test_with_one_thread_everything_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_steps, "LOOK", 0.0)
    let_start(monkeypatch, 1)
    engine = Waiter(expected=1)
    engine.states = {"id9": {"Running": False}, "id10": {"Running": False}}
    waits = [of_container(number, "wait", seconds=60, condition="completed") for number in (9, 10)]
    steps = (
        *(of_container(number, "stop") for number in range(1, 9)),
        *waits,
        step(11, needs=[10]),
        step(12, "create"),
    )
    assert execute(plan(*steps), engine, parallel=6).ok


@pytest.mark.parametrize(
    ("files", "stops"), [(1024, 64), (128, 32), (40, 1), (resource.RLIM_INFINITY, 64)]
)
def test_fewer_stops_where_few_files_may_be_open(
    monkeypatch: pytest.MonkeyPatch, files: int, stops: int
) -> None:
    monkeypatch.setattr(concurrency, "getrlimit", lambda _: (files, files))
    assert concurrency.limits(6)["stop"] == stops


def test_a_stop_timeout_is_the_grace_period_of_every_stop() -> None:
    graces: list[int] = []
    engine = Waiter(expected=1)
    engine.stop = lambda id, seconds: graces.append(seconds)  # type: ignore[method-assign]
    stops = [of_container(number, "stop", seconds=10 * number) for number in (1, 2)]
    assert execute(plan(*stops), engine, stop_timeout=0).ok
    assert execute(plan(*stops), engine).ok
    assert graces[:2] == [0, 0]
    assert sorted(graces[2:]) == [10, 20]

"""When a recreation that fails is taken back: by which steps, once, and what is said of it. How is
tested on real engines.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace

import pytest

from reconciler.errors import EngineError, NetplanError, UnreachableError
from reconciler.executor import StepResult
from reconciler.executor.walk import Walk
from reconciler.model import EngineInfo
from reconciler.plan import Plan, Replaced, Step

OLD = Replaced("1" * 64, "web", live=True)


class Recorder:
    """Performs nothing; fails at the steps it is told to, and notes which recreations are taken
    back.
    """

    def __init__(self, failing: Iterable[int], error: EngineError) -> None:
        self.failing, self.error = set(failing), error
        self.taken_back: list[str] = []
        self.containers = self

    def perform(self, step: Step) -> None:
        if step.id in self.failing:
            raise self.error

    def explain(self, step: Step, error: NetplanError) -> tuple[str, str]:
        return str(error), ""

    def reverse(self, old: Replaced) -> str:
        self.taken_back.append(old.name)
        return "the old container was restored"


def recreation(first: int = 1, name: str = "web") -> tuple[Step, ...]:
    """rename, create, stop, start, remove."""
    old = replace(OLD, name=name)
    ops = ("rename", "create", "stop", "start", "remove")
    steps = [
        Step(first + n, op, "", "must be recreated", container=name, replaces=old)
        for n, op in enumerate(ops)
    ]  # type: ignore[arg-type]
    return tuple(
        (
            replace(step, needs=(step.id - 1,), replaces=None if step.op == "remove" else old)
            if step.id > first
            else step
        )
        for step in steps
    )


def walked(
    steps: tuple[Step, ...], failing: Iterable[int], error: EngineError | None = None
) -> tuple[Recorder, dict[int, StepResult]]:
    recorder = Recorder(failing, error or EngineError("it says no"))
    stop = threading.Event()
    walk = Walk(
        Plan("shop", EngineInfo(), steps=steps),
        recorder,
        1,
        lambda event: None,
        stop,
        lambda step: None,
    )  # type: ignore[arg-type]
    return recorder, walk.walk()


@pytest.mark.parametrize("bad", [1, 2, 3, 4])
def test_what_fails_before_the_new_one_runs_is_taken_back_once(bad: int) -> None:
    recorder, results = walked(recreation(), [bad])
    assert recorder.taken_back == ["web"]
    assert results[bad].error == "it says no; the old container was restored"
    assert all(results[later].status == "skipped" for later in range(bad + 1, 6))


def test_a_new_one_that_runs_stays_though_the_old_cannot_be_removed() -> None:
    recorder, results = walked(recreation(), [5])
    assert not recorder.taken_back
    assert results[4].status == "done"


def test_each_recreation_on_its_own() -> None:
    recorder, results = walked((*recreation(), *recreation(6, "db")), [4])
    assert recorder.taken_back == ["web"]
    assert results[10].status == "done"


def test_one_that_never_began_is_not_taken_back() -> None:
    network = Step(1, "create", "back", "declared")
    steps = tuple(replace(step, needs=(*step.needs, 1)) for step in recreation(2))
    recorder, results = walked((network, *steps), [1])
    assert not recorder.taken_back
    assert results[2].error == "needs step 1 (create network back), which failed"


def test_one_that_began_and_cannot_go_on_is_taken_back() -> None:
    """The new one is created; what it waits for before its start fails elsewhere."""
    steps = recreation()
    other = Step(6, "start", "", "declared", container="db")
    steps = tuple(
        replace(step, needs=(*step.needs, 6)) if step.op == "start" else step for step in steps
    )
    recorder, results = walked((*steps, other), [6])
    assert recorder.taken_back == ["web"]
    assert results[4].error.endswith("which failed; the old container was restored")


def test_nothing_is_taken_back_on_an_engine_that_is_gone() -> None:
    recorder, _ = walked(recreation(), [3], UnreachableError("gone"))
    assert not recorder.taken_back

"""How long started containers are waited for, and what is said of those that do not stay up."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from reconciler.executor.stay_up import Settling, Started, fallen, stopped, why_not_up


class Recorded:
    """Containers as an engine inspects them; `line` is the last that each wrote."""

    def __init__(self, line: str, *raws: dict[str, Any]) -> None:
        self.line, self.raws = line, {raw["Id"]: raw for raw in raws}

    def container(self, id: str) -> dict[str, Any] | None:
        return self.raws.get(id)

    def last_line(self, id: str) -> str:
        return self.line


def raw(policy: str = "no", restarts: int = 0, id: str = "1", **state: Any) -> dict[str, Any]:
    """What an engine says of a container that is up, or of another with that `state`."""
    times = {"StartedAt": "2026-11-27T12:00:00.123456789Z", "FinishedAt": "0001-01-01T00:00:00Z"}
    up = {
        "Status": "running",
        "Running": True,
        "Restarting": False,
        "OOMKilled": False,
        "ExitCode": 0,
        **times,
    }
    return {
        "Id": id,
        "RestartCount": restarts,
        "HostConfig": {"RestartPolicy": {"Name": policy}},
        "State": {**up, **state},
    }


def ended(code: int, at: str = "12:00:00", **more: Any) -> dict[str, Any]:
    return raw(
        Status="exited", Running=False, ExitCode=code, FinishedAt=f"2026-11-27T{at}.5Z", **more
    )


SICK = {"Status": "unhealthy", "Log": [{"Output": "ok"}, {"Output": "no\nanswer"}]}
IF_ENDS = "; if it is meant to exit, declare one_shot: true"


@pytest.mark.parametrize(
    ("seen", "line", "one_shot", "said"),
    [
        (raw(), "", False, ""),
        (raw("always"), "", False, ""),
        (raw(Health={"Status": "starting"}), "", False, ""),
        (ended(0), "", True, ""),
        (ended(0, policy="on-failure", restarts=1), "", True, ""),
        (ended(3), "no file", False, "stopped right after start (exit code 3): no file"),
        (ended(3), "no file", True, "stopped right after start (exit code 3): no file"),
        (ended(0), "bye", False, f"stopped right after start (exit code 0): bye{IF_ENDS}"),
        (
            ended(0),
            "",
            False,
            f"stopped right after start (exit code 0) and wrote nothing{IF_ENDS}",
        ),
        (
            ended(137, OOMKilled=True),
            "",
            False,
            "stopped right after start (exit code 137, out of memory) and wrote nothing",
        ),
        (ended(1, at="12:01:30"), "bye", False, "stopped 90 s after its start (exit code 1): bye"),
        (
            ended(5, policy="on-failure", restarts=3),
            "x",
            False,
            "stopped right after start (exit code 5): x",
        ),
        (
            raw("always", 1, Status="restarting", Restarting=True, ExitCode=9),
            "crash",
            False,
            "stopped right after start and was restarted 1 time (exit code 9): crash",
        ),
        (raw(Health=SICK), "", False, "is unhealthy: no answer"),
        (None, "", False, "no longer exists: it was removed after its start"),
    ],
)
def test_what_is_said_of_a_started_container(
    seen: dict[str, Any] | None, line: str, one_shot: bool, said: str
) -> None:
    found = why_not_up(Recorded(line), "web", seen, one_shot)  # type: ignore[arg-type]
    assert found == (f"container web {said}" if said else "")


def test_what_is_said_of_one_that_this_run_did_not_start() -> None:
    reader = Recorded(
        "crash",
        raw("always", 4, Status="restarting", Restarting=True, ExitCode=9),
        ended(0, id="2"),
    )
    assert stopped(reader, "web", "1") == "container web keeps restarting (exit code 9): crash"  # type: ignore[arg-type]
    assert stopped(reader, "db", "2") == f"container db is stopped (exit code 0): crash{IF_ENDS}"  # type: ignore[arg-type]


def test_all_are_waited_for_once_each_from_its_own_start() -> None:
    now = time.monotonic()
    started = [Started("old", "1", now - 100), Started("a", "2", now), Started("b", "3", now)]
    reader = Recorded("", raw(id="1"), raw(id="2"), ended(3, id="3"))
    found = fallen(reader, started, Settling(0.2), threading.Event(), 2)  # type: ignore[arg-type]
    assert 0.2 <= time.monotonic() - now < 0.6
    assert found == {"3": "container b stopped right after start (exit code 3) and wrote nothing"}


@pytest.mark.parametrize(
    ("ages", "seconds", "stop"),
    [((), 60.0, False), ((100.0,), 60.0, False), ((0.0,), 0.0, False), ((0.0,), 60.0, True)],
)
def test_nothing_is_waited_for_without_a_reason(
    ages: tuple[float, ...], seconds: float, stop: bool
) -> None:
    """Nothing was started, all of it long ago, no wait is wanted, or it is interrupted."""
    now, interrupted = time.monotonic(), threading.Event()
    if stop:
        interrupted.set()
    started = [Started("web", "1", now - age) for age in ages]
    assert fallen(Recorded("", raw()), started, Settling(seconds), interrupted, 2) == {}  # type: ignore[arg-type]
    assert time.monotonic() - now < 5

"""What a run looks like while it lasts and at its end."""

from __future__ import annotations

import io
import re
import threading
from dataclasses import replace

import pytest

from reconciler.arguments import parser
from reconciler.commands.next_command import next_commands
from reconciler.executor import Event, Run, StepResult
from reconciler.executor.progress import Left, progress, render_run
from reconciler.executor.wait_messages import Waiting, told
from reconciler.model import EngineInfo
from reconciler.plan import Op, Plan, Replaced, Step


def step(number: int, op: Op, network: str, container: str = "") -> Step:
    return Step(number, op, network, "test", container)


STEPS = (
    step(1, "disconnect", "backend", "api"),
    step(9, "remove", "backend"),
    step(10, "create", "backend"),
    step(11, "connect", "backend", "api"),
)
DONE = [StepResult(each, "done", seconds=0.25) for each in STEPS]
FAILED = [
    *DONE[:2],
    StepResult(STEPS[2], "failed", "Pool overlaps\x1b[2J with other one", 0.1),
    StepResult(STEPS[3], "skipped", "needs step 10 (create network backend), which failed"),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def listened(results: list[StepResult], stream: io.StringIO, verbose: bool = False) -> str:
    with progress(Plan("lab", EngineInfo(), steps=STEPS), stream, verbose=verbose) as listen:
        for result in results:
            listen(Event(result.step))
            listen(Event(result.step, result))
    return stream.getvalue()


def test_without_a_terminal_only_failures_are_told() -> None:
    assert listened(DONE, io.StringIO()) == ""
    assert (
        listened(FAILED, io.StringIO())
        == "failed  create network backend: Pool overlaps\\x1b[2J with other one\n"
    )


def test_verbose_tells_every_step_and_its_time() -> None:
    assert (
        listened(FAILED, io.StringIO(), verbose=True)
        == "done    disconnect api from backend  0.250 s\n"
        "done    remove network backend  0.250 s\n"
        "failed  create network backend: Pool overlaps\\x1b[2J with other one\n"
        "skipped connect api to backend: needs step 10 (create network backend), which failed\n"
    )


def test_a_terminal_has_a_bar_per_phase_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    shown = listened(FAILED, Terminal())
    assert "networks" in shown
    assert "endpoints" in shown
    assert shown.count("1/1"), "one network, one endpoint, of two steps each"
    assert "2/2" not in shown
    assert "failed  create network backend: Pool overlaps\\x1b[2J with other one" in shown
    assert shown.endswith("\x1b[2K"), "the bars are erased at the end"
    monkeypatch.setenv("TERM", "dumb")
    assert listened(DONE, Terminal()) == ""


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["pipe", "terminal"])
def test_a_failure_fits_the_width(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    long = StepResult(STEPS[2], "failed", " ".join(["the bridge cannot be made"] * 5))
    shown = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", listened([long], stream)))
    told = [line for line in shown if "bridge" in line]
    assert len(told) > 1
    assert " ".join(" ".join(told).split()) == f"failed create network backend: {long.error}"
    assert all(len(line) <= 60 for line in shown)


def test_the_report_of_a_good_run_is_one_line() -> None:
    assert (
        render_run(Run(tuple(DONE), 1.5))
        == "Done: 1 network created, 1 network removed, 1 endpoint connected, 1 endpoint"
        " disconnected in 1.50 s."
    )
    assert render_run(Run((), 0.001)) == "Done: nothing to do in 0.00 s."


def test_the_report_of_a_failed_run_lists_every_step_and_what_to_run_next() -> None:
    again = {"What is left to do": "netplan plan shop.yaml", "To do it": "netplan apply shop.yaml"}
    assert (
        render_run(Run(tuple(FAILED), 1.5), next_commands=again)
        == "  done     1 disconnect api from backend  0.25 s\n  done     9 remove network backend  "
        "     0.25 s\n  skipped 11 connect api to backend       needs step 10 (create network"
        " backend), which failed\n  failed  10 create network backend       Pool"
        " overlaps\\x1b[2J with other one\n\nFailed: 2 of 4 steps done, 1 failed, 1 skipped, in"
        " 1.50 s.\nWhat is left to do:  netplan plan shop.yaml\nTo do it:            netplan"
        " apply shop.yaml"
    )


def test_the_report_of_an_interrupted_run_says_stopped() -> None:
    results = (
        *DONE[:2],
        *(StepResult(each, "skipped", "interrupted before it started") for each in STEPS[2:]),
    )
    assert "\nStopped: 2 of 4 steps done, 0 failed, 2 skipped, in 1.50 s.\n" in render_run(
        Run(results, 1.5)
    )


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        (
            "apply shop.yaml",
            [
                "What is left to do:  netplan plan shop.yaml",
                "To do it:            netplan apply shop.yaml",
            ],
        ),
        (
            "apply shop.yaml --ttl 90m",
            [
                "What is left to do:  netplan plan shop.yaml",
                "To do it:            netplan apply shop.yaml --ttl 1h30m",
            ],
        ),
        (
            "apply shop.yaml --adopt old --yes",
            [
                "What is left to do:  netplan plan shop.yaml --adopt old",
                "To do it:            netplan apply shop.yaml --adopt old",
            ],
        ),
        (
            "apply shop.yaml -H tcp://lab:2375 -c far",
            [
                "What is left to do:  netplan plan shop.yaml --host tcp://lab:2375 --context far",
                "To do it:            netplan apply shop.yaml --host tcp://lab:2375 --context far",
            ],
        ),
        ("destroy shop.yaml --yes", ["To go on:  netplan destroy shop.yaml"]),
        ("destroy --name shop", ["To go on:  netplan destroy --name shop"]),
        (
            "reset shop.yaml --keep-containers",
            ["To go on:  netplan reset shop.yaml --keep-containers"],
        ),
    ],
)
def test_what_to_run_next_is_the_command_that_did_not_end(command: str, lines: list[str]) -> None:
    """After a destroy that failed, an apply would make again what is half gone."""
    report = render_run(
        Run(tuple(FAILED), 1.5), next_commands=next_commands(parser().parse_args(command.split()))
    )
    assert report.splitlines()[-len(lines) - 1 :] == [
        "Failed: 2 of 4 steps done, 1 failed, 1 skipped, in 1.50 s.",
        *lines,
    ]


def test_what_is_waited_for_is_told() -> None:
    stops = [
        Step(number, "stop", "", "test", f"c{number}", seconds=number) for number in range(1, 5)
    ]
    waiting = Waiting(Plan("lab", EngineInfo(), steps=tuple(stops)))
    assert waiting.words == ""
    for each in stops:
        waiting.note(Event(each))
    assert waiting.words == "stopped 0 of 4 containers; stopping c1, c2 and 2 others, up to 4 s"
    lines: list[str] = []
    heard = threading.Event()
    with told(waiting, lambda words: (lines.append(words), heard.set()), every=0.01):
        assert heard.wait(10)
    assert lines[0] == waiting.words
    waiting.note(Event(stops[3], StepResult(stops[3], "done")))
    assert waiting.words == "stopped 1 of 4 containers; stopping c1, c2 and c3, up to 3 s"
    for each in stops[:2]:
        waiting.note(Event(each, StepResult(each, "done")))
    waiting.note(Event(Step(13, "wait", "", "test", "db", seconds=60, condition="healthy")))
    waiting.note(Event(Step(14, "pull", "", "test", image="web:2")))
    assert (
        waiting.words
        == "stopped 3 of 4 containers; stopping c3, up to 3 s; waiting until db is healthy, up to"
        " 60 s; pulling image web:2"
    )
    waiting.note(Event(stops[2], StepResult(stops[2], "failed")))
    waiting.note(Event(Step(15, "wait", "", "test", "cache", seconds=90, condition="healthy")))
    waiting.note(Event(Step(16, "wait", "", "test", "job", seconds=600, condition="completed")))
    assert (
        waiting.words
        == "waiting until db and cache are healthy, up to 90 s; waiting until job has exited, up to"
        " 600 s; pulling image web:2"
    )


def test_a_single_stop_is_not_counted() -> None:
    """It is called what people call it, also while the old container of a recreation has another
    name.
    """
    old = Step(
        1, "stop", "", "test", "web.old", seconds=10, replaces=Replaced("1" * 64, "web", live=True)
    )
    waiting = Waiting(Plan("lab", EngineInfo(), steps=(old,)))
    waiting.note(Event(old))
    assert waiting.words == "stopping web, up to 10 s"


def test_bars_count_containers_and_not_their_steps() -> None:
    """Of a recreation each step is one of the same container, and the last one that ends counts."""
    old = Replaced("1" * 64, "web", live=True)
    ops: tuple[Op, ...] = ("rename", "create", "stop", "start", "remove")
    steps = [Step(number, op, "", "test", "web", replaces=old) for number, op in enumerate(ops, 1)]
    steps[4] = replace(steps[4], container="web.old", container_id=old.id, replaces=None)
    plan = Plan("lab", EngineInfo(), steps=(*steps, Step(6, "start", "", "test", "db")))
    left = Left(plan)
    assert (left.things("container"), left.things("network")) == (2, 0)
    noted = [
        left.note(Event(each, StepResult(each, "done"))) for each in (*plan.steps, plan.steps[3])
    ]
    assert noted == [False] * 4 + [True, True, False]


def test_with_a_stop_timeout_what_to_run_next_has_it_too() -> None:
    options = parser().parse_args(["apply", "shop.yaml", "--stop-timeout", "0"])
    assert next_commands(options) == {
        "What is left to do": "netplan plan shop.yaml",
        "To do it": "netplan apply shop.yaml --stop-timeout 0",
    }
    assert next_commands(
        parser().parse_args(["destroy", "--name", "x", "--stop-timeout", "2"])
    ) == {"To go on": "netplan destroy --name x --stop-timeout 2"}

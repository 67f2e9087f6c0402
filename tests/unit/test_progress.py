"""What a run looks like while it lasts and at its end."""

from __future__ import annotations

import io
import re
import threading

import pytest

from reconciler.cli import parser
from reconciler.commands.review import next_commands
from reconciler.executor import Event, Run, StepResult
from reconciler.executor.progress import progress, render_run
from reconciler.executor.waiting import Waiting, told
from reconciler.model import EngineInfo
from reconciler.plan import Op, Plan, Step


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
    assert listened(FAILED, io.StringIO()) == "failed  create network backend: Pool overlaps\\x1b[2J with other one\n"


def test_verbose_tells_every_step_and_its_time() -> None:
    assert listened(FAILED, io.StringIO(), verbose=True) == (
        "done    disconnect api from backend  0.250 s\n"
        "done    remove network backend  0.250 s\n"
        "failed  create network backend: Pool overlaps\\x1b[2J with other one\n"
        "skipped connect api to backend: needs step 10 (create network backend), which failed\n"
    )


def test_a_terminal_has_a_bar_per_phase_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    shown = listened(FAILED, Terminal())
    assert "networks" in shown
    assert "endpoints" in shown
    assert "2/2" in shown
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
    assert render_run(Run(tuple(DONE), 1.5)) == (
        "Done: 1 network created, 1 network removed, 1 endpoint connected, 1 endpoint disconnected in 1.50 s."
    )
    assert render_run(Run((), 0.001)) == "Done: nothing to do in 0.00 s."


def test_the_report_of_a_failed_run_lists_every_step_and_what_to_run_next() -> None:
    again = {"What is left to do": "netplan plan shop.yaml", "To do it": "netplan apply shop.yaml"}
    assert render_run(Run(tuple(FAILED), 1.5), next_commands=again) == (
        "  done     1 disconnect api from backend  0.25 s\n"
        "  done     9 remove network backend       0.25 s\n"
        "  skipped 11 connect api to backend       needs step 10 (create network backend), which failed\n"
        "  failed  10 create network backend       Pool overlaps\\x1b[2J with other one\n"
        "\n"
        "Failed: 2 of 4 steps done, 1 failed, 1 skipped, in 1.50 s.\n"
        "What is left to do:  netplan plan shop.yaml\n"
        "To do it:            netplan apply shop.yaml"
    )


def test_the_report_of_an_interrupted_run_says_stopped() -> None:
    results = (*DONE[:2], *(StepResult(each, "skipped", "interrupted before it began") for each in STEPS[2:]))
    assert "\nStopped: 2 of 4 steps done, 0 failed, 2 skipped, in 1.50 s.\n" in render_run(Run(results, 1.5))


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ("apply shop.yaml", ["What is left to do:  netplan plan shop.yaml", "To do it:            netplan apply shop.yaml"]),
        (
            "apply shop.yaml --adopt old --yes",
            ["What is left to do:  netplan plan shop.yaml --adopt old", "To do it:            netplan apply shop.yaml --adopt old"],
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
        ("reset shop.yaml --keep-containers", ["To go on:  netplan reset shop.yaml --keep-containers"]),
    ],
)
def test_what_to_run_next_is_the_command_that_did_not_end(command: str, lines: list[str]) -> None:
    """After a destroy that failed, an apply would make again what is half gone."""
    report = render_run(Run(tuple(FAILED), 1.5), next_commands=next_commands(parser().parse_args(command.split())))
    assert report.splitlines()[-len(lines) - 1 :] == ["Failed: 2 of 4 steps done, 1 failed, 1 skipped, in 1.50 s.", *lines]


def test_what_is_waited_for_is_told() -> None:
    waiting = Waiting()
    stops = [Step(number, "stop", "", "test", f"c{number}", seconds=10) for number in (1, 2)]
    for each in stops:
        waiting.note(Event(each))
    assert waiting.words == "stopping 2 containers, up to 10 s"
    lines: list[str] = []
    heard = threading.Event()
    with told(waiting, lambda words: (lines.append(words), heard.set()), every=0.01):
        assert heard.wait(10)
    assert lines[0] == waiting.words
    waiting.note(Event(stops[0], StepResult(stops[0], "done")))
    waiting.note(Event(Step(3, "wait", "", "test", "db", seconds=60, condition="healthy")))
    waiting.note(Event(Step(4, "pull", "", "test", image="web:2")))
    assert waiting.words == "stopping c2, up to 10 s; waiting until db is healthy, up to 60 s; pulling image web:2"

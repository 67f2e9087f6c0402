"""The Python interface on a real engine: its document as it is printed, and how runs end."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler import api
from reconciler.errors import (
    BusyError,
    PlanRefusedError,
    RefusedError,
    StepsFailedError,
    UsageError,
)

from .cli import Cli, box
from .conftest import Docker

DOCUMENT = Path(__file__).parents[2] / "docs/python.md"
QUICK = api.Limits(lock_timeout=1, settle=0)


def blocks() -> Iterator[tuple[str, str]]:
    text = DOCUMENT.read_text(encoding="utf-8")
    yield from re.findall(r"^```(yaml|python|text)\n(.*?)^```$", text, re.M | re.S)


@pytest.fixture
def cli(docker: Docker, tmp_path: Path) -> Cli:
    return Cli(docker, tmp_path)


@pytest.fixture
def engine(host: str) -> api.Engine:
    return api.Engine(host)


def test_the_document(
    host: str, busybox: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every example, in order, in one program; each prints what stands below it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", host)
    program: dict[str, Any] = {"__name__": "document"}
    printed = ""
    try:
        for language, text in blocks():
            if language == "yaml":
                (tmp_path / "pair.yaml").write_text(text, encoding="utf-8")
            elif language == "python":
                output = io.StringIO()
                with contextlib.redirect_stdout(output):
                    exec(text, program)
                printed = output.getvalue()
            else:
                assert printed == text
    finally:
        with contextlib.suppress(UsageError):
            api.destroy("pair")


def test_what_a_program_and_a_command_do_is_the_same(
    cli: Cli, engine: api.Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    file = cli.write({"a": {}}, {"one": box(networks=["a"]), "two": box(networks=["a"])})
    topology = api.load(file)
    seen: list[str] = []
    result = api.apply(
        topology,
        engine,
        limits=QUICK,
        ttl=3600,
        progress=lambda event: seen.append(event.step.text),
    )
    assert result.changed
    assert result.warnings == ()
    assert {step.step.text for step in result.steps} == {*seen}
    assert capfd.readouterr() == ("", "")
    assert "Nothing to do" in cli.plan().out
    assert "in 59m" in cli.run("ls", "--match", topology.name).out

    # what was planned is done, or nothing
    first = api.plan(topology, engine)
    cli.docker.do("POST", f"/containers/{cli.docker.name('one')}/kill")
    with pytest.raises(RefusedError, match="no longer the expected one"):
        api.apply(topology, engine, expected=first, limits=QUICK)
    live = api.show(topology, engine)
    assert {row.name: row.state for row in live.containers} == {
        cli.docker.name("one"): "exited",
        cli.docker.name("two"): "running",
    }
    assert any("is not running" in note for row in live.containers for note in row.notes)
    assert live.text.startswith("netplan: topology")
    assert api.show(topology.name, engine).networks[0].name == cli.docker.name("a")

    # a callback that raises ends no run
    def fails(event: api.Event) -> None:
        raise ZeroDivisionError(event.step.text)

    with pytest.raises(ZeroDivisionError, match="start"):
        api.apply(topology, engine, limits=QUICK, progress=fails)
    assert api.plan(topology, engine).empty

    with pytest.raises(PlanRefusedError) as caught:
        api.destroy(
            topology, engine, consent=api.Consent(protect={cli.docker.name("a")}), limits=QUICK
        )
    assert caught.value.plan.refusals
    with pytest.raises(UsageError, match="does not exist on this engine"):
        api.destroy(f"{topology.name}x", engine, limits=QUICK)
    assert api.destroy(topology.name, engine, limits=QUICK).changed
    assert not cli.exists("a")


def test_steps_that_fail_are_told_one_by_one(cli: Cli, engine: api.Engine) -> None:
    file = cli.write(
        {"a": {}}, {"one": box("no-such-command", networks=["a"]), "two": box(networks=["a"])}
    )
    with pytest.raises(StepsFailedError) as caught:
        api.apply(api.load(file), engine, limits=QUICK)
    error = caught.value
    failed = [step for step in error.result.steps if step.status == "failed"]
    assert [step.step.container for step in failed] == [cli.docker.name("one")]
    assert error.message.startswith("1 of ")
    assert any("no-such-command" in hint for hint in error.hints)


def test_two_that_touch_the_same_wait_for_each_other(cli: Cli, engine: api.Engine) -> None:
    topology = api.load(cli.write({"a": {}, "b": {}}))
    begun, goes_on, errors = threading.Event(), threading.Event(), list[BaseException]()

    def hold(event: api.Event) -> None:
        begun.set()
        goes_on.wait(30)

    def run() -> None:
        try:
            api.apply(topology, engine, limits=QUICK, progress=hold)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert begun.wait(30)
        with pytest.raises(BusyError):
            api.apply(topology, engine, limits=QUICK)
    finally:
        goes_on.set()
        thread.join()
    assert not errors
    assert api.plan(topology, engine).empty


INTERRUPTED = """
import sys
from reconciler import api
def told(event):
    print("step", flush=True)
try:
    api.apply(api.load(sys.argv[1]), api.Engine(sys.argv[2]), progress=told)
except KeyboardInterrupt as error:
    print(type(error.__context__).__name__, flush=True)
"""


def test_ctrl_c_is_an_interrupt_once_running_steps_have_ended(
    cli: Cli, engine: api.Engine, host: str
) -> None:
    waits = {
        "one": box(
            networks=["a"], healthcheck={"test": ["CMD", "false"], "interval": "1s", "retries": 60}
        )
    }
    needs = {"two": box(networks=["a"], depends_on={"one": "service_healthy"})}
    file = cli.write({"a": {}}, waits | needs)
    program = [sys.executable, "-c", INTERRUPTED, str(file), host]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        assert process.stdout
        for _ in range(6):  # until it waits
            process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert process.stdout.read().splitlines()[-1] == "StepsFailedError"
        assert process.wait(30) == 0
    assert api.destroy(api.load(file), engine, limits=QUICK).changed

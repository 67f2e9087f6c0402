"""Containers that take their time to end: all of them at once, told by name and number, with
another grace period for one run.
"""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import time

import pytest

from .cli import NETPLAN, Cli, Result, box

GRACE = {"stop_grace_period": "2s"}
"""Of a `sleep` that is PID 1 and so ignores SIGTERM: it takes all of it."""


def lab(cli: Cli, count: int, **more: object) -> None:
    cli.write(
        {"n": {"subnet": cli.docker.subnet()}},
        {f"c{number:02}": box(networks=["n"], **{**GRACE, **more}) for number in range(count)},
    )
    cli.apply()


def stop_times(result: Result) -> list[float]:
    """Seconds that each call took that stops a container."""
    return [
        float(ms) / 1000
        for ms in re.findall(r"^POST +204 +([\d.]+) ms +\S+/stop\?t=", result.err, re.M)
    ]


def test_all_stop_at_once_and_one_run_may_hurry(cli: Cli) -> None:
    """One call at a time, and still they take less than their grace periods one after another; with
    --stop-timeout 0 none.
    """
    lab(cli, 8)
    hurried = cli.run("reset", str(cli.file), "--yes", "-v", "--stop-timeout", "0", "--settle", "0")
    assert sum("/stop?t=0" in path for _, path in hurried.calls) == 8
    assert min(stop_times(hurried)) < 2
    assert "Nothing to do" in cli.plan().out
    began = time.monotonic()
    times = stop_times(cli.destroy("--parallel", "1"))
    assert time.monotonic() - began < sum(times) * 0.8, times
    assert min(times) >= 1.9
    assert not cli.exists("n")


def test_what_is_waited_for_is_told_by_number_and_name(cli: Cli) -> None:
    """And where somebody presses Ctrl-C, what is stopping stops, and the rest is left for the next
    destroy.
    """
    lab(cli, 4, stop_grace_period="3s")
    command = [NETPLAN, "destroy", str(cli.file), "--yes"]
    environment = {**os.environ, "DOCKER_HOST": cli.host, "TERM": "xterm", "COLUMNS": "200"}
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        start_new_session=True,
    ) as run:
        os.close(theirs)
        names = [cli.docker.name(f"c{number:02}") for number in range(4)]
        shown = read_until(
            ours,
            f"stopped 0 of 4 containers; stopping {names[0]}, {names[1]} and 2 others, up to 3 s",
        )
        run.send_signal(signal.SIGINT)
        shown += read_until(ours, "")
        assert run.stdout
        out = run.stdout.read()
    os.close(ours)
    assert "containers" in shown
    assert "0/4" in shown, "containers are counted, not their steps"
    assert run.returncode == 130, out
    assert "interrupted before it started" in out
    assert (
        sum(line.strip().startswith("done") and " stop " in line for line in out.splitlines()) == 4
    )
    cli.destroy()
    assert not cli.exists("n")


def read_until(terminal: int, words: str) -> str:
    """What is shown up to these words; with none, all that is left."""
    shown, until = "", time.monotonic() + 60
    while time.monotonic() < until and not (words and words in shown):
        try:
            shown += os.read(terminal, 65536).decode(errors="replace")
        except OSError:  # the other end is closed
            break
    assert words in shown, shown
    return shown


@pytest.mark.parametrize("value", ["-1", "1.5", "soon", "86401"])
def test_a_stop_timeout_is_a_number_of_whole_seconds(cli: Cli, value: str) -> None:
    refused = cli.run("destroy", "--name", "x", f"--stop-timeout={value}", code=4)
    assert "--stop-timeout" in refused.err
    assert "number" in refused.err

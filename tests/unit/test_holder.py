"""Whether the holder of a lock is gone: only where nothing could mean anything else."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.lock import holder
from reconciler.lock.holder import gone, holder_text, myself, standing

NOBODY = 4_194_305
"""No process has this number: Linux counts to 4,194,304."""


def test_a_process_that_has_ended_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        other = replace(myself("lab"), pid=process.pid, started=holder._started(process.pid))
        assert not gone(other)
        assert standing(other) == "it is running"
        process.communicate(b"\n")
    assert gone(other)
    assert gone(replace(myself("lab"), pid=NOBODY))


ELSEWHERE = [{key: "x"} for key in ("boot", "namespace", "host", "clock")]


@pytest.mark.parametrize("change", [{"started": "1"}, {"started": ""}, *ELSEWHERE], ids=str)
def test_only_one_of_here_can_be_known_to_be_gone(change: dict[str, str]) -> None:
    """The same number and another start is another process; of another machine, or a copy of this
    one, nobody knows.
    """
    assert gone(replace(myself("lab"), **change)) == (change == {"started": "1"})  # type: ignore[arg-type]


def test_a_lock_of_an_earlier_netplan_says_nothing_of_time_namespaces() -> None:
    assert gone(replace(myself("lab"), started="1", clock=""))


def test_a_living_process_is_not_gone_from_another_time_namespace() -> None:
    """There its start is another number, as every clock is."""
    program = (
        "import sys; from reconciler.lock.holder import gone, read_holder;"
        " print(gone(read_holder(sys.argv[1])))"
    )
    command = [
        "unshare",
        "--time",
        "--boottime",
        "100000",
        "--fork",
        sys.executable,
        "-c",
        program,
        holder_text(myself("lab")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.stderr.startswith("unshare:"):
        pytest.skip(f"no time namespace can be made here: {done.stderr}")
    assert done.stdout == "False\n", done.stderr


def test_one_that_proc_hides_is_not_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As with `hidepid`, where another user's processes are not in /proc at all."""
    alive, dead = replace(myself("lab"), pid=os.getppid()), replace(myself("lab"), pid=NOBODY)
    monkeypatch.setattr(holder, "_boot", lambda: alive.boot)
    monkeypatch.setattr(holder, "_namespace", lambda: alive.namespace)
    monkeypatch.setattr(holder, "_own", lambda kind: alive.clock)
    monkeypatch.setattr(holder, "_PROC", tmp_path)
    assert not gone(alive)
    assert gone(dead)

"""Whether the holder of a lock is gone: only where nothing could mean anything else."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.lock import holder
from reconciler.lock.holder import gone, myself, standing

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


@pytest.mark.parametrize("change", [{"started": "1"}, {"started": ""}, {"boot": "x"}, {"namespace": "x"}, {"host": "x"}], ids=str)
def test_only_one_of_here_can_be_known_to_be_gone(change: dict[str, str]) -> None:
    """The same number and another start is another process; of another machine, or a copy of this one, nobody knows."""
    assert gone(replace(myself("lab"), **change)) == (change == {"started": "1"})  # type: ignore[arg-type]


def test_one_that_proc_hides_is_not_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As with `hidepid`, where another user's processes are not in /proc at all."""
    alive, dead = replace(myself("lab"), pid=os.getppid()), replace(myself("lab"), pid=NOBODY)
    monkeypatch.setattr(holder, "_boot", lambda: alive.boot)
    monkeypatch.setattr(holder, "_namespace", lambda: alive.namespace)
    monkeypatch.setattr(holder, "_PROC", tmp_path)
    assert not gone(alive)
    assert gone(dead)

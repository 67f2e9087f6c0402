"""netplan as a process that can be killed, cheap to start: forked from one in which everything is
loaded.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

KILLED = -9
_context = multiprocessing.get_context("forkserver")
_COMMANDS = [
    "cli",
    "commands.apply",
    "commands.destroy",
    "commands.reset",
    "commands.saved_plan",
    "topology",
    "executor",
    "executor.progress",
    "planner",
    "observe",
    "engine",
]
# Each fork runs the main module of its parent: what that imports is loaded here, once.
_context.set_forkserver_preload(
    [
        "docker",
        "yaml",
        "jsonschema",
        "tests.faults.labs",
        *(f"reconciler.{name}" for name in _COMMANDS),
    ]
)


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code, -9 where it was killed, and all that it printed."""

    code: int
    said: str


@dataclass
class Running:
    """A run under way."""

    process: BaseProcess
    output: Path

    def wait(self, seconds: float = 120) -> Ended:
        self.process.join(seconds)
        if self.process.exitcode is None:
            self.process.kill()
            raise AssertionError(f"netplan hung:\n{self.output.read_text()}")
        said = self.output.read_text(encoding="utf-8", errors="replace")
        assert self.process.exitcode != 70, said
        assert "Traceback" not in said, said
        return Ended(self.process.exitcode, said)


def start(
    arguments: list[str], output: Path, environment: Mapping[str, str] | None = None
) -> Running:
    """Begin `netplan ARGUMENTS`; what it prints goes to `output`."""
    process = _context.Process(
        target=_child, args=(arguments, str(output), dict(environment or {}))
    )
    process.start()
    return Running(process, output)


def run(arguments: list[str], output: Path, environment: Mapping[str, str] | None = None) -> Ended:
    """Run `netplan ARGUMENTS` to its end. A bug, a traceback or a run without end is an
    AssertionError.
    """
    return start(arguments, output, environment).wait()


def _child(arguments: list[str], output: str, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    for name in [name for name in sys.modules if name.startswith("reconciler.lock")]:
        del sys.modules[name]  # what it takes from the environment it took from that of the tests
    from reconciler.cli import main

    where = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(where, 1)
    os.dup2(where, 2)
    sys.exit(main(arguments))

"""The seconds of each layer of tests, shown at the end of a run."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath

import pytest

_GOLDEN = "tests/unit/test_golden.py"
LAYERS = ("unit", "golden", "property", "faults", "e2e")


def layer(test: str) -> str:
    """`tests/unit/test_wire.py::test_it` -> `unit`."""
    file = test.partition("::")[0]
    return "golden" if file.endswith(_GOLDEN) else PurePath(file).parent.name


class Layers:
    """Adds up what the tests take, with what is made for them and cleaned up after them."""

    def __init__(self) -> None:
        self._seconds: Counter[str] = Counter()
        self._tests: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = layer(report.nodeid)
        self._seconds[found] += report.duration  # type: ignore[assignment]
        self._tests[found] += report.when == "setup"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        workers = getattr(terminalreporter.config.option, "numprocesses", None) or 1
        terminalreporter.section(f"seconds of each layer, of {workers} workers together")
        for name in sorted(self._tests, key=[*LAYERS, *self._tests].index):
            terminalreporter.write_line(
                f"{name:10} {self._tests[name]:6} tests {self._seconds[name]:8.1f} s"
            )

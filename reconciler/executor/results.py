"""What a run of steps tells: how each step ended, and what happens while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from ..fast_dataclasses import dataclass
from ..plan import Step

Status = Literal["done", "failed", "skipped"]


INTERRUPTED = "interrupted before it started"


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step ended. `error` says why it failed or was skipped; `bug` is set where netplan
    itself is at fault.

    `unknown`: no answer says that a failed step was not done; `late`: the engine may still be at
    it. `ended` is by `time.monotonic`. `raw` are the engine's own words, where `error` says it in
    others.
    """

    step: Step
    status: Status
    error: str = ""
    seconds: float = 0.0
    bug: BaseException | None = None
    unknown: bool = False
    late: bool = False
    ended: float = 0.0
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What happened to each step of a plan; `results` in the order of the plan, `seconds` by the
    clock on the wall.
    """

    results: tuple[StepResult, ...] = ()
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether every step is done."""
        return all(result.status == "done" for result in self.results)

    @property
    def done(self) -> tuple[StepResult, ...]:
        """The steps that did, or found done, what they were for."""
        return self._with("done")

    @property
    def failed(self) -> tuple[StepResult, ...]:
        """The steps that ran and did not succeed."""
        return self._with("failed")

    @property
    def skipped(self) -> tuple[StepResult, ...]:
        """The steps that never ran."""
        return self._with("skipped")

    def _with(self, status: Status) -> tuple[StepResult, ...]:
        return tuple(result for result in self.results if result.status == status)


@dataclass(frozen=True, slots=True)
class Event:
    """A step begins (`result` is None) or has ended."""

    step: Step
    result: StepResult | None = None


Listener = Callable[[Event], None]


Guard = Callable[[Step | None], None]
"""Called in a worker before each step, and with None before one is taken back; raises NetplanError
where that must not be done.
"""

"""A run for a Python program: what listens to it, what ends it, and what it raises at its end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .errors import ImpossibleError, PlanRefusedError, RefusedError, StepsFailedError
from .plan import Plan

if TYPE_CHECKING:
    from .api import Progress, Result
    from .executor import Event
    from .runs import Agreed, Outcome, Reporter


def check(outcome: Outcome, result: Result) -> None:
    """Raises what kept the engine from being as declared."""
    refusals = outcome.plan.refusals
    if not outcome.plan.applyable:
        told = [f"{r.message}: {r.way_out}" if r.way_out else r.message for r in refusals]
        if any(refusal.unsafe for refusal in refusals):
            raise PlanRefusedError(
                outcome.plan, "the plan is refused as unsafe: nothing was done", *told
            )
        raise ImpossibleError(
            outcome.plan, "the plan cannot be carried out: nothing was done", *told
        )
    if outcome.run and not outcome.run.ok:
        failed, count = outcome.run.failed, len(outcome.run.results)
        what = f"{len(failed)} of {count} steps failed, {len(outcome.run.skipped)} were skipped"
        raise StepsFailedError(result, what, *(f"{r.step.text}: {r.error}" for r in failed))


def reporter_for(progress: Progress | None) -> tuple[Reporter, list[str], list[BaseException]]:
    """What listens to a run for the program, the warnings of the run, and what `progress`
    raised.
    """
    from .runs import Reporter

    warnings: list[str] = []
    failures: list[BaseException] = []

    def listen(event: Event) -> None:
        if progress and not failures:
            try:
                progress(event)
            except Exception as error:
                failures.append(error)

    class Quiet(Reporter):
        def warn(self, trouble: str, hint: str) -> None:
            warnings.append(f"{trouble}: {hint}")

        @contextmanager
        def executing(self, plan: Plan) -> Iterator[Callable[[Event], None]]:
            yield listen

    return Quiet(), warnings, failures


def agreed_only(expected: Plan) -> Agreed:
    """What refuses every other plan than the expected one."""

    def agreed(_: object, made: Plan) -> None:
        if made.fingerprint != expected.fingerprint:
            what = "the plan is no longer the expected one: nothing was done"
            raise RefusedError(what, "plan again, and check what changed")

    return agreed


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C lets running steps end, as on the command line; then the program gets its
    KeyboardInterrupt.
    """
    from .signals import received

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received.clear()
    try:
        yield
    finally:
        if received:
            received.clear()
            raise KeyboardInterrupt

"""Carrying a plan out: look, ask, lock, look again; under_lock.py does the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from ..errors import RefusedError
from ..fast_dataclasses import dataclass
from ..model import DesiredState, ObservedState
from ..safety import Policy
from .outcome import Outcome, all_run
from .reporter import Limits, Reporter
from .view import Sight, View

if TYPE_CHECKING:
    from ..engine import Engine
    from ..lock import Lock
    from ..plan import Plan


MOST_CHANGES = 10
"""Differences that are listed where the engine changed while a plan was being read."""


Agreed = Callable[[View, "Plan"], None]
"""Called with what was just seen and planned; raises RefusedError where that is not what somebody
agreed to earlier.
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be carried out, and how.

    `agreed` is asked at the first look, and again under the lock; `sight` saves the first look.
    """

    desired: DesiredState
    policy: Policy = Policy()
    limits: Limits = Limits()
    agreed: Agreed | None = None
    sight: Sight | None = None


def carry_out(wanted: Wanted, engine: Engine, reporter: Reporter) -> Outcome:
    """Plans, asks for consent, carries the plan out under the lock, and verifies the result.

    With nothing to do, and no `ttl`, it takes no lock. Raises RefusedError, UnprovenError,
    BusyError, LockLostError, EngineError; a failed step is no error but in the outcome.
    """
    view = View(wanted.desired, engine, wanted.policy, wanted.sight)
    shown = view.look()
    if wanted.agreed:
        wanted.agreed(view, shown)
    if shown.applyable and (view.renews or not shown.empty):
        engine.make_ready()
    reporter.planned(shown)
    if not shown.applyable:
        return _refused(shown, reporter)
    if shown.empty and not view.leftovers and not view.renews:
        reporter.ended(shown, None, True)
        all_run(view, shown, engine)
        return Outcome(shown, None, shown)
    return _ask_and_act(wanted, view, engine, shown, reporter)


def _ask_and_act(
    wanted: Wanted, view: View, engine: Engine, shown: Plan, reporter: Reporter
) -> Outcome:
    """Asks for consent to the plan, takes the lock, plans again, and acts if it is still agreed."""
    from .under_lock import LockedRun

    seen = view.observed
    asked = reporter.ask(shown, seen.engine.name)
    with _locked(view, engine, shown, wanted.limits, reporter) as (lock, plan):
        changed = plan.fingerprint != shown.fingerprint
        if asked and changed:
            what = "the engine changed after the plan was shown"
            raise stale(what, seen, view.observed, wanted.desired, plan, reporter.again)
        if wanted.agreed:
            wanted.agreed(view, plan)
        if changed:
            reporter.changed(plan)
        if not plan.applyable:
            reporter.refused(plan)
            return _refused(plan, reporter)
        run = LockedRun(view, engine, lock, plan, wanted.limits, reporter)
        if shown.empty and plan.empty and not view.leftovers:
            return run.renew_only()
        return run.carry_out()


def _refused(plan: Plan, reporter: Reporter) -> Outcome:
    reporter.ended(plan, None, False)
    return Outcome(plan, None, plan)


def stale(
    what: str,
    before: ObservedState,
    after: ObservedState,
    desired: DesiredState,
    plan: Plan,
    again: str,
) -> RefusedError:
    """A plan that is no longer the plan, and what changed since; `plan` is the one that was made
    from `after`.
    """
    from ..render.engine_changes import why

    found = why(before, after, desired, plan)
    more = [f"and {len(found) - MOST_CHANGES} more"] if len(found) > MOST_CHANGES else []
    return RefusedError(
        f"{what}: nothing was done", *found[:MOST_CHANGES], *more, f"run {again} again"
    )


@contextmanager
def _locked(
    view: View, engine: Engine, shown: Plan, limits: Limits, reporter: Reporter
) -> Iterator[tuple[Lock, Plan]]:
    """The lock for all that the plan may touch, and the plan that was made under it.

    Where that one touches more, the lock is given back and taken anew for both: the run goes to the
    end of the queue. The third lock is for everything, so that this ends.
    """
    from ..lock.scope import EVERYTHING
    from ..lock.ticket import acquire

    until = monotonic() + limits.lock_timeout
    scope = view.scope(shown)
    for attempt in range(3):
        lock = acquire(
            engine, view.desired.topology, scope, max(until - monotonic(), 0.0), reporter.waiting
        )
        try:
            wanted = view.look()
            if scope.covers(view.scope(wanted)):
                yield lock, wanted
                return
            scope = EVERYTHING if attempt else scope | view.scope(wanted)
        finally:
            if trouble := lock.release():
                reporter.warn(trouble, "the next run that waits for it takes it over")

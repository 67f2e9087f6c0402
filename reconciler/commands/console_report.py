"""A run as the command line shows it: the plan, questions, progress, and a report at the end."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..complete_output import print_on, say_error
from ..errors import BusyError, FailedError, NetplanError, RefusedError
from ..model import DesiredState
from ..runs import Agreed, Limits, Outcome, Reporter, Sight, Wanted
from ..runs import carry_out as run_plan
from ..safety import Policy
from ..settings.units import lifetime_text
from ..terminal import choose, safe
from .consent import confirm, confirm_wipe
from .output import exit_code, print_plan, print_report, print_run, refused, tell_left_out

if TYPE_CHECKING:
    from ..engine import Engine
    from ..executor import Listener, Run
    from ..lock import Claim
    from ..plan import Plan


def carry_out(
    desired: DesiredState,
    engine: Engine,
    policy: Policy,
    options: Namespace,
    verb: str = "apply",
    *,
    agreed: Agreed | None = None,
    sight: Sight | None = None,
    shown_before: bool = False,
    may_wait: bool = False,
) -> int:
    """Shows the plan unless it was `shown_before`, asks, carries it out under the lock, verifies
    it.

    `agreed` is asked at the first look, and again under the lock. Returns the exit code. Raises
    PostponedError where the plan is refused and `may_wait`.
    """
    console = Console(options, verb, wipe=policy.wipe, shown_before=shown_before, may_wait=may_wait)
    wanted = Wanted(desired, policy, _limits(options), agreed, sight)
    with _reported(console, options):
        return _code(run_plan(wanted, engine, console), options)


@contextmanager
def _reported(console: Console, options: Namespace) -> Iterator[None]:
    """Of several topologies, one that is refused or has to wait before its run begins reports
    too.
    """
    try:
        yield
    except (BusyError, RefusedError):
        if console.shown and hasattr(options, "reports"):
            print_report(console.shown, None, False, options)
        raise


def _limits(options: Namespace) -> Limits:
    usual, given = Limits(), vars(options)
    return Limits(
        options.parallel,
        options.lock_timeout,
        given.get("settle", usual.settle),
        given.get("stop_timeout"),
    )


def _code(outcome: Outcome, options: Namespace) -> int:
    if not outcome.plan.applyable:
        unsafe = any(refusal.unsafe for refusal in outcome.plan.refusals)
        return RefusedError.exit_code if unsafe else FailedError.exit_code
    if outcome.run and not outcome.run.ok:
        return FailedError.exit_code
    return exit_code(outcome.left, options)


class PostponedError(NetplanError):
    """A plan is refused as things are now, and others come first: nothing was done or told."""


class Console(Reporter):
    """Prints as the options ask for it, and asks where nobody agreed yet.

    Where it `may_wait`, a refused plan raises PostponedError. `shown` is the plan that was made.
    """

    def __init__(
        self,
        options: Namespace,
        verb: str,
        *,
        wipe: bool,
        shown_before: bool,
        may_wait: bool = False,
    ) -> None:
        self._options, self._verb = options, verb
        self._wipe, self._shown_before = wipe, shown_before
        self._may_wait = may_wait
        self.again = f"netplan {verb}"
        self.shown: Plan | None = None

    def planned(self, plan: Plan) -> None:
        """Shows the plan, unless it was shown before, and what stands against it."""
        if self._may_wait and not plan.applyable:
            raise PostponedError(f"topology {plan.topology} is refused for now")
        self.shown = plan
        if self._options.output != "json" and not self._shown_before:
            print_plan(plan, self._options)
        tell_left_out(plan, self._options)
        refused(plan, self._options)

    def ask(self, plan: Plan, engine: str) -> bool:
        """Asks where something is taken away and nobody agreed by option."""
        if self._wipe:
            return confirm_wipe(engine, self._options)
        if self._options.yes or not plan.destructive:
            return False
        confirm(f"{self._verb.capitalize()} this plan?", self._options)
        return True

    def changed(self, plan: Plan) -> None:
        """Nobody was asked, so nobody agreed to the plan that was shown; but what is done was
        shown.
        """
        options = self._options
        if plan.destructive and not (options.yes or getattr(options, "yes_wipe", None)):
            what = (
                "the engine has changed, and the new plan would remove, replace or disconnect"
                " something"
            )
            raise RefusedError(what, "run it again")
        if options.output != "json":
            if not options.quiet:
                print("The engine has changed. The new plan is:\n")
            print_plan(plan, options)

    def refused(self, plan: Plan) -> None:
        """What stands against the plan, as errors."""
        refused(plan, self._options)

    def waiting(self, claim: Claim, waited: float, common: str) -> None:
        """One line, now and then."""
        if not self._options.quiet:
            touch = f"; both change or use {common}" if common else ""
            so_far = f" ({waited:.0f} s so far)" if waited >= 1 else ""
            say_error(safe(f"waiting for another netplan{so_far}: {claim.holder}{touch}"))

    def warn(self, trouble: str, hint: str) -> None:
        """A warning on standard error."""
        say_error(f"warning: {safe(trouble)}\n  {hint}")

    def prepare(self) -> None:
        """Loads what writes reports."""
        from ..executor import progress  # noqa: F401
        from ..render import as_json  # noqa: F401
        from . import next_command  # noqa: F401

    @contextmanager
    def executing(self, plan: Plan) -> Iterator[Listener]:
        """A bar on a terminal, else lines."""
        from ..executor.progress import progress

        options = self._options
        paint = choose(sys.stderr, options.no_color)
        verbose = options.verbose and not options.quiet
        with progress(plan, sys.stderr, paint, verbose=verbose) as listen:
            yield listen

    def executed(self, run: Run) -> None:
        """What was done, and what to run next where something failed."""
        from ..executor.progress import render_run
        from .next_command import next_commands

        options = self._options
        if options.output != "json" and not (options.quiet and run.ok):
            shown = choose(sys.stdout, options.no_color or options.output == "markdown")
            print_run(render_run(run, shown, next_commands(options)), options)

    def rolling_back(self, back: Plan) -> None:
        """Says what failed."""
        networks = sorted({step.network for step in back.steps} - {"none"})
        if networks:
            say_error(safe(f"The replacement of {', '.join(networks)} failed: restoring it."))
        else:
            names = sorted({step.container for step in back.steps})
            say_error(
                safe(f"{', '.join(names)} could not be attached: connected to network none again.")
            )

    def renewed(self, ttl: int) -> None:
        """When the topology expires."""
        if self._options.output == "text" and not self._options.quiet:
            print_on(f"Expires in {lifetime_text(ttl)}, unless you apply it again.")

    def ended(self, plan: Plan, run: Run | None, converged: bool) -> None:
        """The report of `-o json`."""
        print_report(plan, run, converged, self._options)

"""Carrying a plan out under a lock: look, ask, lock, look again, note what is taken away, act, prove, tidy up."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from ..errors import EngineError, FailedError, LockLostError, NetplanError, RefusedError, UnprovenError
from ..forms import lifetime_text
from ..model import DesiredState, Journal, ObservedState
from ..paint import choose, safe
from ..process import print_on, say_error
from ..safety import Policy
from .consent import confirm
from .dropped import WAY_OUT, dropped_settings
from .lifetime import write_ttl
from .outcome import afterwards, live, not_running, prove, remains
from .shared import exit_code, look_at, print_plan, print_report, print_run, refused, tell_left_out

if TYPE_CHECKING:
    from ..engine import Engine, Reader
    from ..executor import Run
    from ..lifetimes import Record
    from ..lock import Claim, Lock
    from ..lock.journal import Writer
    from ..lock.scope import Scope
    from ..lock.ticket import Tell
    from ..plan import Plan, Step
    from .shared import Sight

AGAIN = "the next apply of this topology drops it"
MOST_CHANGES = 10
"""Differences that are listed where the engine changed while a plan was being read."""


class View:
    """One topology on one engine: looks, and plans from what it sees; `sight` saves it a look. The fields hold what the last saw."""

    def __init__(self, desired: DesiredState, reader: Reader, policy: Policy, sight: Sight | None = None) -> None:
        self.desired, self._reader, self.policy = desired, reader, policy
        self._sight = sight
        self.observed = ObservedState()
        self.journals: tuple[Journal, ...] = ()
        self.claims: list[Claim] = []
        self.written: tuple[Record, ...] = ()

    def look(self, policy: Policy | None = None) -> Plan:
        """Observe, and plan, under another policy than usual if one is given. Raises EngineError."""
        from ..lifetimes import records
        from ..lock import claims, own_volumes
        from ..lock.journal import journals
        from ..planner import plan

        sight, self._sight = self._sight, None
        volumes = sight.volumes if sight else own_volumes(self._reader)
        self.journals, self.claims, self.written = journals(volumes), claims(volumes), records(volumes)
        self.observed = look_at(self._reader, [self.desired], answers=sight.answers if sight else None)
        return plan(self.desired, self.observed, self.journals, policy or self.policy)

    def look_afterwards(self) -> Plan:
        """The plan that is left when all is done: empty if the engine is as declared."""
        return self.look(afterwards(self.policy))

    def scope(self, plan: Plan) -> Scope:
        """What a run of a plan, made from what was just seen, may touch."""
        from ..lock.scope import EVERYTHING, scope_of

        return EVERYTHING if self.policy.wipe else scope_of(self.desired, self.observed, plan, self.journals)

    @property
    def own_journals(self) -> list[str]:
        """The journals that a proof of this topology makes superfluous."""
        return [journal.name for journal in self.journals if journal.topology == self.desired.topology]

    @property
    def old_ttls(self) -> list[Record]:
        """What says when the topology expires, until this run says it."""
        return [record for record in self.written if record.topology == self.desired.topology]

    @property
    def leftovers(self) -> bool:
        """Whether a run that is gone left a journal of this topology, or a lock."""
        from ..lock.holder import gone

        return bool(self.own_journals) or any(gone(claim.holder) for claim in self.claims)

    @property
    def renews(self) -> bool:
        """Whether it is to be written anew when the topology expires, also where nothing else is to be done."""
        return self.desired.ttl is not None or bool(self.old_ttls)


Agreed = Callable[[View, "Plan"], None]
"""Called with what was just seen and planned; raises RefusedError where that is not what somebody agreed to earlier."""


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
) -> int:
    """Shows the plan unless it was `shown_before`, asks, carries it out under the lock, proves it.

    An apply with nothing to do, and no `ttl`, takes no lock. `agreed` is asked at the first look, and again under the lock.
    """
    view = View(desired, engine, policy, sight)
    shown = view.look()
    seen = view.observed
    if agreed:
        agreed(view, shown)
    if shown.applyable and (view.renews or not shown.empty):
        engine.make_ready()
    if options.output != "json" and not shown_before:
        print_plan(shown, options)
    tell_left_out(shown, options)
    if code := refused(shown, options):
        print_report(shown, None, False, options)
        return code
    if shown.empty and not view.leftovers and not view.renews:
        print_report(shown, None, True, options)
        _all_run(view, shown, engine)
        return exit_code(shown, options)
    asked = confirm_wipe(view.observed.engine.name, options) if policy.wipe else _ask(shown, options, verb)
    with _locked(view, engine, shown, options) as (lock, wanted):
        if asked and wanted.fingerprint != shown.fingerprint:
            raise stale("the engine changed while the plan was being read", seen, view.observed, desired, wanted, f"netplan {verb}")
        if agreed:
            agreed(view, wanted)
        if wanted.fingerprint != shown.fingerprint:
            _show_again(wanted, options)
        if code := refused(wanted, options):
            print_report(wanted, None, False, options)
            return code
        if shown.empty and wanted.empty and not view.leftovers:
            _renew(view, engine, lock)
            _tell_ttl(desired, options)
            print_report(wanted, None, True, options)
            _all_run(view, wanted, engine)
            return exit_code(wanted, options)
        return _Run(view, engine, lock, wanted, options).carry_out()


def _all_run(view: View, left: Plan, reader: Reader) -> None:
    """Raises UnprovenError where a container of the file is not running, or keeps restarting, though nothing is left to do.

    Of those that the plan `left` says nothing about none is asked for.
    """
    if not view.policy.keep_containers and (ended := list(not_running(view.desired, view.observed, reader, left.unjudged))):
        raise UnprovenError("not every declared container is running", *ended)


def _show_again(wanted: Plan, options: Namespace) -> None:
    """Nobody was asked, so nobody agreed to the plan that was shown; but what is done was shown."""
    if wanted.destructive and not (options.yes or getattr(options, "yes_wipe", None)):
        raise RefusedError("the engine changed meanwhile, and now something would be removed, replaced or disconnected", "run it again")
    if options.output != "json":
        if not options.quiet:
            print("The engine changed meanwhile. The plan is now:\n")
        print_plan(wanted, options)


def _ask(wanted: Plan, options: Namespace, verb: str) -> bool:
    """Asks where something is taken away; whether it did. Raises unless the answer is yes."""
    if options.yes or not wanted.destructive:
        return False
    confirm(f"{verb.capitalize()} this plan?", options)
    return True


_WIPE = "agree with --yes-wipe {}"


def confirm_wipe(engine: str, options: Namespace) -> bool:
    """Whoever empties an engine must know which: its name is asked for, or was given with `--yes-wipe`; whether it was asked for."""
    name, asked = options.yes_wipe, options.yes_wipe is None
    if asked:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            what = "--wipe removes every container and network of the engine, and there is no terminal to ask on"
            raise RefusedError(what, _WIPE.format(engine))
        print(f"Everything on engine {safe(engine)} goes. Type its name: ", end="", file=sys.stderr, flush=True)
        name = sys.stdin.readline().strip()
    if name != engine:
        raise RefusedError(f"this engine is called {engine!r}, not {name!r}: nothing was changed", _WIPE.format(engine))
    return asked


def stale(what: str, before: ObservedState, after: ObservedState, desired: DesiredState, plan: Plan, again: str) -> RefusedError:
    """A plan that is no longer the plan, and what changed since; `plan` is the one that was made from `after`."""
    from ..render.changed import why

    found = why(before, after, desired, plan)
    more = [f"and {len(found) - MOST_CHANGES} more"] if len(found) > MOST_CHANGES else []
    return RefusedError(f"{what}: nothing was done", *found[:MOST_CHANGES], *more, f"run {again} again")


@contextmanager
def _locked(view: View, engine: Engine, shown: Plan, options: Namespace) -> Iterator[tuple[Lock, Plan]]:
    """The lock for all that the plan may touch, and the plan that was made under it.

    Where that one touches more, the lock is given back and taken anew for both: the run goes to the end of the queue. The third
    lock is for everything, so that this ends.
    """
    from ..lock.scope import EVERYTHING
    from ..lock.ticket import acquire

    until = monotonic() + options.lock_timeout
    scope = view.scope(shown)
    for attempt in range(3):
        lock = acquire(engine, view.desired.topology, scope, max(until - monotonic(), 0.0), _teller(options))
        try:
            wanted = view.look()
            if scope.covers(view.scope(wanted)):
                yield lock, wanted
                return
            scope = EVERYTHING if attempt else scope | view.scope(wanted)
        finally:
            _warn(lock.release(), "the next run that waits for it takes it over")


def _teller(options: Namespace) -> Tell:
    def tell(claim: Claim, waited: float, common: str) -> None:
        if not options.quiet:
            touch = f", which touches {common} too" if common else ""
            so_far = f" ({waited:.0f} s so far)" if waited >= 1 else ""
            say_error(safe(f"waiting for another netplan{so_far}: {claim.holder}{touch}"))

    return tell


def _renew(view: View, engine: Engine, lock: Lock) -> None:
    """Writes when the topology expires, counted from now. Raises LockLostError where the lock is no longer this run's."""
    if view.renews:
        lock.hold()
        _warn(write_ttl(engine, view.desired, view.old_ttls), AGAIN)


def _tell_ttl(desired: DesiredState, options: Namespace) -> None:
    if desired.ttl is not None and options.output == "text" and not options.quiet:
        print_on(f"Expires in {lifetime_text(desired.ttl)}, unless it is applied again.")


def _what_failed(back: Plan) -> str:
    networks = sorted({step.network for step in back.steps} - {"none"})
    if networks:
        return f"The replacement of {', '.join(networks)} failed: putting it back as it was."
    return f"{', '.join(sorted({step.container for step in back.steps}))} could not be attached: back on none."


def _warn(trouble: str, hint: str) -> None:
    if trouble:
        say_error(f"warning: {safe(trouble)}\n  {hint}")


def _load_what_mends() -> None:
    """The modules of a rollback and of reports, before the first step: loading one opens a file, and later there may be none left."""
    from .. import snapshot  # noqa: F401
    from ..executor import progress, rollback  # noqa: F401
    from ..lock import journal  # noqa: F401
    from ..render import as_json  # noqa: F401
    from . import review  # noqa: F401


# --- under the lock --------------------------------------------------------------------------------------------------


@dataclass
class _Run:
    """One plan on its way. `note` is its journal, where it needs one."""

    view: View
    engine: Engine
    lock: Lock
    wanted: Plan
    options: Namespace
    note: Writer | None = None

    def carry_out(self) -> int:
        view, wanted, options = self.view, self.wanted, self.options
        _load_what_mends()
        before = live(view.observed, wanted)
        if not view.policy.destroyed:  # a run that is killed halfway leaves something that expires, or no longer does
            _renew(view, self.engine, self.lock)
        superfluous = self._note()
        try:
            ran = self._execute(wanted) if wanted.steps else None
        except EngineError:  # before the first step: nothing was taken away
            if self.note:
                self._drop({self.note.name})
            raise
        if ran and not ran.ok:
            self._roll_back(ran)
        try:
            left = wanted if ran and not ran.ok else prove(view.look_afterwards)
        except NetplanError:  # what was done is told, though nobody can say what has come of it
            print_report(wanted, ran, False, options)
            raise
        converged = left.empty and left.applyable
        lost = self._tidy_up(superfluous, converged, done=bool(ran and ran.ok))
        print_report(wanted, ran, converged, options)
        if bug := next((result.bug for result in ran.results if result.bug), None) if ran else None:
            raise bug
        if lost:
            raise lost
        if ran and not ran.ok:
            return FailedError.exit_code
        _all_run(view, left, self.engine)
        if lacking := dropped_settings(left, ran):
            raise UnprovenError(
                "the engine dropped settings that it was asked for, though it answered that all was done", *lacking, WAY_OUT
            )
        if not converged:
            raise UnprovenError("the engine is not as declared, though every step was done", *remains(left))
        if stopped := before - live(view.observed, wanted):
            names = sorted(name for _, name in stopped)
            what = "stopped while netplan was at work, by somebody else or by a restart"
            raise UnprovenError(f"{what}: {', '.join(names)}", f"docker start {' '.join(names)}")
        return exit_code(left, options)

    def _note(self) -> set[str]:
        """Writes the journal, where there is something to take away; the names of those that a proof makes superfluous."""
        from ..lock.journal import writer

        view = self.view
        self.note = writer(self.engine, self.lock.run, self.wanted, view.observed, view.journals)
        if self.note is None:
            return self._earlier()
        try:
            self.note.write()
        except KeyboardInterrupt:  # nothing was taken away yet
            self._drop({self.note.name})
            raise
        return {*self._earlier(), self.note.name}

    def _earlier(self) -> set[str]:
        """The journals of runs before this one; where a part is planned, those of which nothing is lacking any more."""
        part = self.wanted.only or self.wanted.left_out
        return {name for name in self.view.own_journals if not part or self._is_whole(name)}

    def _tidy_up(self, superfluous: set[str], converged: bool, done: bool) -> LockLostError | None:
        """Drops the journals that nobody needs any more, unless the lock was lost: what became of that is returned.

        A run that came to its end was not interrupted: its journal stays only where the engine lacks something that it holds.
        """
        if lost := self.lock.lost or self._lost_at_last_look():
            return lost
        if converged:
            self._drop(superfluous | self._earlier())
            self._write_ttl()
        elif self.note and (self.note.empty or (done and self._is_whole(self.note.name))):
            self._drop({self.note.name})
        return None

    def _write_ttl(self) -> None:
        """It counts from the end of the run, which may have taken long; where that cannot be written, from the beginning."""
        view = self.view
        try:
            _warn(write_ttl(self.engine, view.desired, view.written if view.policy.wipe else view.old_ttls), AGAIN)
            _tell_ttl(view.desired, self.options)
        except EngineError as error:
            _warn(f"the ttl counts from the beginning of this run: {error}", "apply again to renew it")

    def _lost_at_last_look(self) -> LockLostError | None:
        """What became of the lock, where it was this run's no more: then the journals may be somebody else's to drop."""
        try:
            self.lock.check(self.view.claims)
        except LockLostError as lost:
            return lost
        return None

    def _drop(self, names: set[str]) -> None:
        from ..lock.journal import drop

        _warn(drop(self.engine, names), AGAIN)

    def _execute(self, plan: Plan) -> Run:
        """Steps that are interrupted a second time are still under way when this process ends: the lock stays for the next one to find."""
        from ..executor import execute
        from ..executor.progress import progress, render_run
        from ..executor.settling import SETTLE, Settling
        from .review import next_commands

        options = self.options
        ends = [name for name, wanted in self.view.desired.containers.items() if wanted.one_shot]
        settling = Settling(getattr(options, "settle", SETTLE), frozenset(ends))
        paint = choose(sys.stderr, options.no_color)
        self.engine.guard(self.lock.hold)
        try:
            with progress(plan, sys.stderr, paint, verbose=options.verbose and not options.quiet) as listen:
                ran = execute(
                    plan,
                    self.engine,
                    parallel=options.parallel,
                    listen=listen,
                    guard=self._guard,
                    settling=settling,
                    stop_timeout=getattr(options, "stop_timeout", None),
                )
        except KeyboardInterrupt:
            self.lock.keep = True
            raise
        self.engine.guard(None)
        if options.output != "json" and not (options.quiet and ran.ok):
            shown = choose(sys.stdout, options.no_color or options.output == "markdown")
            print_run(render_run(ran, shown, next_commands(options)), options)
        return ran

    def _guard(self, step: Step | None) -> None:
        """Before anything is taken away, or a step taken back: the lock is still ours, and the journal there."""
        from ..lock import claims, own_volumes
        from ..lock.journal import takes_away

        if step is None or takes_away(step):
            volumes = own_volumes(self.engine)
            self.lock.check(claims(volumes))
            if self.note:
                self.note.check(volumes)

    def _roll_back(self, ran: Run) -> None:
        """Puts half-replaced networks back, unless the engine may still be at a step, or somebody else at work on it.

        What this cannot do the next apply does, as the journal is there: that goes only where the engine has all of it again, for certain.
        """
        from ..executor import INTERRUPTED
        from ..executor.rollback import rollback

        if any(result.late for result in ran.results):
            return
        runs = [ran]
        try:
            self._guard(None)
            back = rollback(self.wanted, {result.step.id: result.status for result in ran.results}, self.view.observed)
            if back.steps and not any(result.error == INTERRUPTED for result in ran.results):
                say_error(safe(_what_failed(back)))
                runs.append(self._execute(back))
            if self.note and not any(result.unknown for each in runs for result in each.results):
                self._drop_if_whole(self.note.name)
        except LockLostError:
            return  # the report says so
        except NetplanError as error:
            _warn(f"what was taken away could not be put back: {error}", "the next apply of this topology does that")

    def _drop_if_whole(self, name: str) -> None:
        self.view.look()
        self.lock.check(self.view.claims)
        if self._is_whole(name):
            self._drop({name})

    def _is_whole(self, name: str) -> bool:
        """Whether the engine had at the last look all that a journal holds."""
        from ..planner import lacking

        mine = next((journal for journal in self.view.journals if journal.name == name), None)
        return mine is not None and not lacking(mine, self.view.observed)

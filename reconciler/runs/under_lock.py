"""What a run does while it holds the lock: note what is taken away, act, verify, tidy up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import EngineError, LockLostError, NetplanError, UnprovenError
from ..fast_dataclasses import dataclass
from .outcome import Outcome, all_run, live, prove, remains
from .reporter import Limits, Reporter
from .ttl import write_ttl
from .view import View

if TYPE_CHECKING:
    from ..engine import Engine
    from ..executor import Run
    from ..lock import Lock
    from ..lock.journal import Writer
    from ..plan import Plan, Step


AGAIN = "the next apply of this topology removes it"


def _load_what_mends() -> None:
    """The modules of a rollback and of reports, before the first step: loading one opens a file,
    and later there may be none left.
    """
    from .. import snapshot  # noqa: F401
    from ..executor import network_rollback  # noqa: F401
    from ..lock import journal  # noqa: F401
    from . import ignored_settings  # noqa: F401


@dataclass(frozen=False, slots=True)
class LockedRun:
    """One plan on its way. `note` is its journal, where it needs one."""

    view: View
    engine: Engine
    lock: Lock
    wanted: Plan
    limits: Limits
    reporter: Reporter
    note: Writer | None = None

    def carry_out(self) -> Outcome:
        """Takes the steps, verifies the result, and raises what keeps it from being as declared."""
        view, wanted, reporter = self.view, self.wanted, self.reporter
        _load_what_mends()
        reporter.prepare()
        before = live(view.observed, wanted)
        if (
            not view.policy.destroyed
        ):  # a run that is killed halfway leaves something that expires, or no longer does
            self._renew()
        superfluous = self._note()
        ran = self._all_steps()
        try:
            left = wanted if ran and not ran.ok else prove(view.look_afterwards)
        except NetplanError:  # what was done is told, though nobody can say what has come of it
            reporter.ended(wanted, ran, False)
            raise
        converged = left.empty and left.applyable
        lost = self._tidy_up(superfluous, converged, done=bool(ran and ran.ok))
        reporter.ended(wanted, ran, converged)
        if bug := next((result.bug for result in ran.results if result.bug), None) if ran else None:
            raise bug
        if lost:
            raise lost
        if not ran or ran.ok:
            self._verify(left, ran, before)
        return Outcome(wanted, ran, left)

    def renew_only(self) -> Outcome:
        """Nothing is to be done but to write when the topology expires."""
        self._renew()
        if (ttl := self.view.desired.ttl) is not None:
            self.reporter.renewed(ttl)
        self.reporter.ended(self.wanted, None, True)
        all_run(self.view, self.wanted, self.engine)
        return Outcome(self.wanted, None, self.wanted)

    def _all_steps(self) -> Run | None:
        """How the steps ended; those of a replacement that failed are taken back."""
        try:
            ran = self._execute(self.wanted) if self.wanted.steps else None
        except EngineError:  # before the first step: nothing was taken away
            if self.note:
                self._drop({self.note.name})
            raise
        if ran and not ran.ok:
            self._roll_back(ran)
        return ran

    def _verify(self, left: Plan, ran: Run | None, before: set[tuple[str, str]]) -> None:
        """Raises UnprovenError where not all is as declared, though every step was done."""
        from .ignored_settings import WAY_OUT, dropped_settings

        view = self.view
        all_run(view, left, self.engine)
        if lacking := dropped_settings(left, ran):
            raise UnprovenError(
                "the engine reported success but did not keep some settings",
                *lacking,
                WAY_OUT,
            )
        if not (left.empty and left.applyable):
            raise UnprovenError(
                "every step is done, but the engine is not as declared", *remains(left)
            )
        if stopped := before - live(view.observed, self.wanted):
            names = sorted(name for _, name in stopped)
            what = "stopped during this run, by another program or a restart of the engine"
            raise UnprovenError(f"{what}: {', '.join(names)}", f"docker start {' '.join(names)}")

    def _renew(self) -> None:
        """Writes when the topology expires, counted from now. Raises LockLostError where the lock
        is no longer this run's.
        """
        if self.view.renews:
            self.lock.hold()
            self._warn(write_ttl(self.engine, self.view.desired, self.view.old_ttls), AGAIN)

    def _warn(self, trouble: str, hint: str) -> None:
        if trouble:
            self.reporter.warn(trouble, hint)

    def _note(self) -> set[str]:
        """Writes the journal, where there is something to take away; the names of those that a
        proof makes superfluous.
        """
        from ..lock.journal import writer

        view = self.view
        self.note = writer(self.engine, self.lock.run, self.wanted, view.observed, view.journals)
        if self.note is None:
            return self._earlier()
        # where it was taken over, a journal would bring back what others removed since
        self.lock.hold()
        try:
            self.note.write()
        except KeyboardInterrupt:  # nothing was taken away yet
            self._drop({self.note.name})
            raise
        return {*self._earlier(), self.note.name}

    def _earlier(self) -> set[str]:
        """The journals of runs before this one; where a part is planned, those of which nothing is
        lacking any more.
        """
        part = self.wanted.only or self.wanted.left_out
        return {name for name in self.view.own_journals if not part or self._is_whole(name)}

    def _tidy_up(self, superfluous: set[str], converged: bool, done: bool) -> LockLostError | None:
        """Drops the journals that nobody needs any more, unless the lock was lost: what became of
        that is returned.

        A run that came to its end was not interrupted: its journal stays only where the engine
        lacks something that it holds.
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
        """It counts from the end of the run, which may have taken long; where that cannot be
        written, from the beginning.
        """
        view = self.view
        try:
            self._warn(
                write_ttl(
                    self.engine, view.desired, view.written if view.policy.wipe else view.old_ttls
                ),
                AGAIN,
            )
            if view.desired.ttl is not None:
                self.reporter.renewed(view.desired.ttl)
        except EngineError as error:
            self._warn(
                f"the ttl counts from the start of this run: {error}", "apply again to renew it"
            )

    def _lost_at_last_look(self) -> LockLostError | None:
        """What became of the lock, where it was this run's no more: then the journals may be
        somebody else's to drop.
        """
        try:
            self.lock.check(self.view.claims)
        except LockLostError as lost:
            return lost
        return None

    def _drop(self, names: set[str]) -> None:
        from ..lock.journal import drop

        self._warn(drop(self.engine, names), AGAIN)

    def _execute(self, plan: Plan) -> Run:
        """Steps that are interrupted a second time are still under way when this process ends: the
        lock stays for the next one to find.
        """
        from ..executor import execute
        from ..executor.stay_up import Settling

        limits = self.limits
        ends = [name for name, wanted in self.view.desired.containers.items() if wanted.one_shot]
        self.engine.guard(self.lock.hold)
        try:
            with self.reporter.executing(plan) as listen:
                ran = execute(
                    plan,
                    self.engine,
                    parallel=limits.parallel,
                    listen=listen,
                    guard=self._guard,
                    settling=Settling(limits.settle, frozenset(ends)),
                    stop_timeout=limits.stop_timeout,
                )
        except KeyboardInterrupt:
            self.lock.keep = True
            raise
        self.engine.guard(None)
        self.reporter.executed(ran)
        return ran

    def _guard(self, step: Step | None) -> None:
        """Before anything is taken away, or a step taken back: the lock is still ours, and the
        journal there.
        """
        from ..lock import claims, own_volumes
        from ..lock.journal import takes_away

        if step is None or takes_away(step):
            volumes = own_volumes(self.engine)
            self.lock.check(claims(volumes))
            if self.note:
                self.note.check(volumes)

    def _roll_back(self, ran: Run) -> None:
        """Puts half-replaced networks back, unless the engine may still be at a step, or somebody
        else at work on it.

        What this cannot do the next apply does, as the journal is there: that goes only where the
        engine has all of it again, for certain.
        """
        from ..executor import INTERRUPTED
        from ..executor.network_rollback import rollback

        if any(result.late for result in ran.results):
            return
        runs = [ran]
        try:
            self._guard(None)
            back = rollback(
                self.wanted,
                {result.step.id: result.status for result in ran.results},
                self.view.observed,
            )
            if back.steps and not any(result.error == INTERRUPTED for result in ran.results):
                self.reporter.rolling_back(back)
                runs.append(self._execute(back))
            if self.note and not any(result.unknown for each in runs for result in each.results):
                self._drop_if_whole(self.note.name)
        except LockLostError:
            return  # the report says so
        except NetplanError as error:
            self._warn(
                f"what was removed could not be restored: {error}",
                "the next apply of this topology restores it",
            )

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

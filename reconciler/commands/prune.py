"""`netplan prune`: destroys the topologies that have expired, or are older than somebody says."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..complete_output import error_json, hold, print_on, print_text
from ..errors import BusyError, FailedError, NetplanError, RefusedError, worst
from ..fast_dataclasses import dataclass, field, replace
from ..model import DesiredState
from ..runs import Agreed
from ..safety import Policy
from ..signals import interruptible, received
from ..terminal import safe
from .consent import confirm
from .console_report import carry_out
from .engines import engine_of
from .lifetime import choice_of, engine_time, survey
from .output import print_plan, print_report, refused, report
from .policy import policy_of

if TYPE_CHECKING:
    from ..engine import Engine
    from ..plan import Plan
    from ..runs import View
    from ..show import Choice, Owned
    from .lifetime import Survey

FORMAT_VERSION = 1
NOT_REACHED = "not reached"


class _KeptError(NetplanError):
    """Somebody renewed the topology since it was looked at."""


@dataclass
class _Case:
    """One topology to be destroyed: what was shown of it, and what became of it."""

    entry: Owned
    plan: Plan
    options: Namespace
    outcome: str = NOT_REACHED
    code: int = 0
    error: NetplanError | None = None

    @property
    def name(self) -> str:
        """The topology's name."""
        return self.entry.topology


@dataclass
class _Pruning:
    """One run: `cases` in the order in which they are destroyed."""

    seen: Survey
    options: Namespace
    cases: list[_Case] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """All of it as JSON (schemas/prune.schema.json)."""
        return {
            "format_version": FORMAT_VERSION,
            "dry_run": self.options.dry_run,
            "topologies": [self._of(case) for case in self.cases],
        }

    def _of(self, case: _Case) -> dict[str, Any]:
        from ..show import entry_json

        told = {
            "found": entry_json(case.entry, self.seen.now),
            "outcome": case.outcome,
            "report": next(iter(case.options.reports), None),
        }
        return told | ({"error": error_json(case.error)} if case.error else {})

    def summary(self) -> str:
        """`3 topologies: 2 removed, 1 kept (job-7).`"""
        kinds: dict[str, list[str]] = {}
        for case in self.cases:
            kinds.setdefault(case.outcome, []).append(safe(case.name))
        quiet = ("removed", "planned")
        told = [
            f"{len(names)} {kind}" + (f" ({', '.join(names)})" if kind not in quiet else "")
            for kind, names in kinds.items()
        ]
        return f"{_topologies(len(self.cases))}: {', '.join(told)}."


def prune(options: Namespace) -> int:
    """Shows the plan of each topology that is meant, asks once for all, and destroys them one by
    one.

    One that is refused, or fails, keeps no other from its turn; the exit code is the worst.
    """
    interruptible()
    choice = choice_of(options)
    with engine_of(options) as engine:
        seen = survey(engine)
        run = _Pruning(seen, options, list(_planned(seen.chosen(choice), seen, options)))
        try:
            _show(run)
            _check_limit(run)
            if not options.dry_run:
                _carry_out(run, engine, choice)
        finally:
            _tell(run)
    return worst(case.code for case in run.cases)


def _topologies(count: int) -> str:
    return f"{count} {'topology' if count == 1 else 'topologies'}"


# --- plans ----------------------------------------------------------------------------------------


def _planned(chosen: Sequence[Owned], seen: Survey, options: Namespace) -> Iterator[_Case]:
    """A case for each, in order of removal, planned as if those before it were gone, unless that is
    refused.
    """
    from ..planner import plan
    from ..removal_order import removal_order, without

    entries, observed = {entry.topology: entry for entry in chosen}, seen.observed
    for name in removal_order(observed, entries):
        made = plan(DesiredState(name), observed, seen.journals, _policy(name, options))
        if made.applyable:
            observed = without(observed, name)
        yield _Case(entries[name], made, _options(name, options))


def _policy(name: str, options: Namespace) -> Policy:
    return replace(policy_of(options, destroyed=DesiredState(name)), replaces=frozenset({name}))


def _options(name: str, options: Namespace) -> Namespace:
    """Those of `destroy --name`, which does the same for one; all were asked about before."""
    return Namespace(
        **{**vars(options), "command": "destroy", "name": name, "yes": True, "reports": []}
    )


def _show(run: _Pruning) -> None:
    text = run.options.output == "text" and not run.options.quiet
    for number, case in enumerate(run.cases, 1):
        if text:
            print_text(f"[{number} of {len(run.cases)}] {heading(case.entry, run.seen)}")
            print_plan(case.plan, run.options)
            print_text("")
        case.code = refused(case.plan, run.options)
        case.outcome = "planned" if run.options.dry_run else NOT_REACHED
        if case.code:
            case.outcome = "refused"
        if case.code or run.options.dry_run:
            print_report(case.plan, None, False, case.options)


def heading(entry: Owned, seen: Survey) -> str:
    """`job-7: expired 3h ago, age 5h, created from runner2:/build`."""
    from ..show.topologies import expiry, roughly

    life = entry.life
    age, ends = life.age(seen.now), expiry(life, seen.now)
    told = [f"expires {ends}" if ends.startswith("in ") else ends]
    told += [f"age {roughly(age)}" if age is not None else ""]
    told += [f"created from {origin}" for origin in entry.origins]
    return safe(": ".join((entry.topology, ", ".join(filter(None, told)))))


def _check_limit(run: _Pruning) -> None:
    """The limit is for all of them together."""
    from ..safety import removals

    limit = run.options.max_removals
    count = sum(removals(case.plan.changes) for case in run.cases if not case.code)
    if limit is not None and count > limit:
        what = f"prune would remove or disconnect {count} objects; the limit is {limit}"
        raise RefusedError(
            what, f"narrow it down with --match, or allow it with --max-removals {count}"
        )


# --- carried out ----------------------------------------------------------------------------------


def _carry_out(run: _Pruning, engine: Engine, choice: Choice) -> None:
    todo = [case for case in run.cases if not case.code]
    asked = not run.options.yes and any(case.plan.destructive for case in todo)
    if asked:
        confirm(f"Destroy {_topologies(len(todo))}?", run.options)
    for number, case in enumerate(todo, 1):
        if run.options.output == "text" and not run.options.quiet:
            print_on(f"[{number} of {len(todo)}] {safe(case.name)}")
        _destroy(case, engine, _still_meant(case, engine, choice, asked))
        if received:
            return


def _destroy(case: _Case, engine: Engine, agreed: Agreed) -> None:
    case.outcome = "failed"
    try:
        case.code = carry_out(
            DesiredState(case.name),
            engine,
            _policy(case.name, case.options),
            case.options,
            "prune",
            agreed=agreed,
            shown_before=True,
        )
        case.outcome = {0: "removed", RefusedError.exit_code: "refused"}.get(case.code, "failed")
    except _KeptError as error:
        case.outcome = "kept"
        if case.options.output == "text" and not case.options.quiet:
            print_on(safe(error.message))
    except (RefusedError, FailedError, BusyError) as error:
        case.error, case.code = error, error.exit_code
        case.outcome = "refused" if isinstance(error, RefusedError) else "failed"
        report(error)


def _still_meant(case: _Case, engine: Engine, choice: Choice, asked: bool) -> Agreed:
    """What raises where the topology was renewed since, or where it owns more than somebody agreed
    to; looked at under the lock, too.
    """
    from ..removal_order import taken
    from ..show import owned

    def check(view: View, made: Plan) -> None:
        known: Mapping[str, Owned] = {
            entry.topology: entry for entry in owned(view.observed, view.written)
        }
        entry = known.get(case.name)
        if entry and not choice.has(entry, engine_time(engine)):
            raise _KeptError(f"kept: topology {case.name} was renewed during this run")
        if asked and not taken(made) <= taken(case.plan):
            what = (
                f"topology {case.name} changed after its plan was shown: nothing of it was"
                " destroyed"
            )
            raise RefusedError(what, "run netplan prune again")

    return check


def _tell(run: _Pruning) -> None:
    if run.options.output == "json":
        hold(run.document())
    elif not run.options.quiet and not run.cases:
        print_on(_nothing(run.options))
    elif not run.options.quiet and any(case.outcome != NOT_REACHED for case in run.cases):
        print_on(run.summary())


def _nothing(options: Namespace) -> str:
    from ..show.topologies import roughly

    why = "has expired" if options.expired else f"is older than {roughly(options.older_than)}"
    among = " among those that these options select" if options.match or options.origin else ""
    return f"Nothing to prune: no topology{among} {why}."

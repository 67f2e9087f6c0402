"""`netplan plan`: what apply would do, from an engine, a snapshot or nothing."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..complete_output import print_text
from ..errors import RefusedError, UsageError
from ..fast_dataclasses import replace
from ..model import DesiredState, Journal, ObservedState
from ..runs import look_at
from ..terminal import choose
from .engines import Lookout, reader_of
from .inputs import files, is_folder, load_in_order, snapshot_at
from .next_command import apply_command
from .output import WORSE, print_plan, review_code, tell_refusals
from .policy import check_named, concerned, policy_of

if TYPE_CHECKING:
    from ..engine import Reader
    from ..plan import Plan, Refusal


EMPTY = "empty"
"""The snapshot of an engine on which nothing was applied yet."""


def plan(options: Namespace) -> int:
    """Shows what apply would do, with an engine that cannot write or with none."""
    if options.file == options.state == "-":
        raise UsageError(
            "FILE and the snapshot are both standard input", "name a file for one of them"
        )
    if options.out is not None:
        from .saved_plan import plan_and_save

        if options.state == EMPTY:
            raise UsageError(
                "--out saves a plan for one engine, but --state empty is no engine",
                "pass a snapshot of that engine, or omit --state",
            )
        return plan_and_save(options)
    paths = files(options.file)
    lookout = None if options.state is not None else Lookout(options, reader_of, paths)
    ordered = load_in_order(paths)
    paths, desired = [path for path, _ in ordered], [state for _, state in ordered]
    check_named(options, desired)
    desired = concerned(options, desired)
    paths = [path for path, state in ordered if any(state is one for one in desired)]
    plans = _planned(desired, options, lookout)
    if not is_folder(options.file):
        print_plan(plans[0], options)
        return review_code(plans[0], options)
    from ..planner import conflicts

    found = conflicts(ordered)
    _print_folder(paths, plans, found, options)
    tell_refusals(found, options)
    codes = [review_code(one, options) for one in plans] + [RefusedError.exit_code] * bool(found)
    return max(codes, key=WORSE.index)


def _planned(
    desired: Sequence[DesiredState], options: Namespace, lookout: Lookout[Reader] | None
) -> list[Plan]:
    """From the engine and what interrupted runs left on it; without one from a snapshot, or from
    nothing.
    """
    if lookout is None:
        if options.state == EMPTY:
            return _from_nothing(desired, options)
        observed, left = snapshot_at(options.state)
        return _from(observed, desired, options, left)
    from ..lock.journal import journals

    with lookout.seen() as (reader, sight):
        observed = look_at(reader, desired, own=sight.volumes, answers=sight.answers)
    return _from(observed, desired, options, journals(sight.volumes))


def _from(
    observed: ObservedState,
    desired: Sequence[DesiredState],
    options: Namespace,
    left: Sequence[Journal] = (),
) -> list[Plan]:
    """Each as if what it needs of the others were there: apply makes that first."""
    return [_beside(state, desired, observed, options, left) for state in desired]


def _beside(
    state: DesiredState,
    folder: Sequence[DesiredState],
    observed: ObservedState,
    options: Namespace,
    left: Sequence[Journal],
) -> Plan:
    from ..planner import made_by_others
    from ..planner import plan as make_plan

    things = made_by_others(state, folder) if len(folder) > 1 else {}
    if not things:
        return make_plan(state, observed, left, policy_of(options))
    from ..simulate import expected, missing

    made = make_plan(state, expected(observed, things, folder), left, policy_of(options))
    notes = [
        f"{kind} {name} does not exist yet: topology {things[kind, name]} creates it"
        for kind, name in missing(observed, things)
    ]
    return replace(made, notes=(*made.notes, *notes))


def _from_nothing(desired: Iterable[DesiredState], options: Namespace) -> list[Plan]:
    """From an engine with nothing but what each topology needs and does not make; the notes say
    what that is.
    """
    from ..simulate import assumed, assumptions

    plans = []
    for state in desired:
        [found] = _from(assumed([state]), [state], options)
        plans.append(replace(found, notes=(*found.notes, *assumptions([state]))))
    return plans


def _print_folder(
    paths: Sequence[str], plans: Sequence[Plan], conflicts: Sequence[Refusal], options: Namespace
) -> None:
    from ..render.combined_plans import Planned, folder_json, folder_markdown, folder_text

    commands = ["" if conflicts else apply_command(options, path) for path in paths]
    planned = [Planned(*one) for one in zip(paths, plans, commands, strict=True)]
    if options.output == "json":
        print(folder_json(planned, conflicts), end="", flush=True)
    elif options.output == "markdown":
        print(folder_markdown(options.file, planned, conflicts), end="", flush=True)
    elif not options.quiet:
        print_text(
            folder_text(planned, conflicts, choose(sys.stdout, options.no_color)).rstrip("\n")
        )

"""Plans to be reviewed: from a snapshot instead of an engine, of whole folders, from one revision
of a file to another.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, Problem, RefusedError, UsageError
from ..forms import lifetime_text
from ..model import DesiredState, Journal, ObservedState
from ..paint import choose
from ..process import print_text
from ..records import replace
from ..runs import look_at
from .shared import (
    CHANGES_PENDING,
    WORSE,
    Lookout,
    check_named,
    concerned,
    exit_code,
    files,
    load,
    policy_of,
    print_plan,
    reader_of,
    refused,
    snapshot_key,
    tell_left_out,
    tell_refusals,
    warned,
)

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
        from .save import plan_and_save

        if options.state == EMPTY:
            raise UsageError(
                "--out saves a plan for one engine, and --state empty names none",
                "give a snapshot of that engine, or leave it out",
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
        return _code(plans[0], options)
    from ..planner import conflicts

    found = conflicts(ordered)
    _print_folder(paths, plans, found, options)
    tell_refusals(found, options)
    codes = [_code(one, options) for one in plans] + [RefusedError.exit_code] * bool(found)
    return max(codes, key=WORSE.index)


def diff(options: Namespace) -> int:
    """The plan from one file applied to another, with no engine."""
    from ..applied import applied, assumptions
    from ..planner import plan as make_plan

    before, after = (_revision(argument) for argument in (options.before, options.after))
    check_named(options, [after])
    found = make_plan(after, applied(before, also=[after]), policy=policy_of(options))
    found = replace(
        found,
        notes=(*found.notes, *assumptions([before, after])),
        warnings=(*_two(before, after), *found.warnings),
    )
    print_plan(found, options)
    return _code(found, options)


def _two(before: DesiredState, after: DesiredState) -> Iterator[str]:
    if before.topology != after.topology:
        yield (
            f"these are two topologies, {before.topology} and {after.topology}: applying the second"
            f" changes nothing of the first, which netplan destroy --name {before.topology}"
            " removes; to change one topology, give both files the same name"
        )


def is_folder(argument: str | None) -> bool:
    """Whether FILE stands for any number of files."""
    return argument not in (None, "-") and os.path.isdir(str(argument))  # noqa: PTH112 - Path.is_dir raises where it may not look


def load_all(paths: Sequence[str]) -> list[DesiredState]:
    """Every file's desired state. Raises InputError with the problems of all of them."""
    states: list[DesiredState] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            states.append(load(path))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return states


def load_in_order(paths: Sequence[str]) -> list[tuple[str, DesiredState]]:
    """Every file and its desired state, each after those that make what it needs. Raises as
    `load_all`.
    """
    from ..planner import in_order

    states = list(zip(paths, load_all(paths), strict=True))
    return in_order(states) if len(states) > 1 else states


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
        observed = look_at(reader, desired, answers=sight.answers)
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
    from ..applied import expected, missing

    made = make_plan(state, expected(observed, things, folder), left, policy_of(options))
    notes = [
        f"{kind} {name} is not there yet: topology {things[kind, name]} makes it"
        for kind, name in missing(observed, things)
    ]
    return replace(made, notes=(*made.notes, *notes))


def _from_nothing(desired: Iterable[DesiredState], options: Namespace) -> list[Plan]:
    """From an engine with nothing but what each topology needs and does not make; the notes say
    what that is.
    """
    from ..applied import assumed, assumptions

    plans = []
    for state in desired:
        [found] = _from(assumed([state]), [state], options)
        plans.append(replace(found, notes=(*found.notes, *assumptions([state]))))
    return plans


def _code(found: Plan, options: Namespace) -> int:
    tell_left_out(found, options)
    return (
        refused(found, options)
        or exit_code(found, options)
        or (CHANGES_PENDING if options.exit_code and not found.empty else 0)
    )


# --- what was observed ----------------------------------------------------------------------------


def snapshot_at(path: str) -> tuple[ObservedState, tuple[Journal, ...]]:
    """The state in a snapshot, and what interrupted runs left beside it. Raises UsageError for what
    is none.
    """
    from ..snapshot import journals_from_snapshot, state_from_snapshot

    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(
            f"the snapshot {path} cannot be read: {why}",
            "make one with: netplan snapshot > state.json",
        ) from None
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise UsageError(
            f"the snapshot {path} is not JSON", "make one with: netplan snapshot > state.json"
        ) from None
    return state_from_snapshot(value, snapshot_key()), journals_from_snapshot(value)


def _revision(argument: str) -> DesiredState:
    from ..topology import load_text
    from ..topology.revisions import Revision, is_revision

    if not is_revision(argument):
        return load(argument)
    revision = Revision.of(argument)
    return warned(load_text(revision.text(argument), argument, revision))


# --- what is printed ------------------------------------------------------------------------------


def apply_command(options: Namespace, file: str | None) -> str:
    """The command that does what the plan shows; empty where none does."""
    verb = {"plan": "apply", "apply": "apply", "destroy": "destroy", "reset": "reset"}.get(
        options.command
    )
    if verb is None:
        return ""
    where = (
        []
        if getattr(options, "state", None)
        else [*_given(options, "--host", "host"), *_given(options, "--context", "context")]
    )
    saved = getattr(options, "out", None) or getattr(options, "plan", None)
    if saved is not None:
        return shlex.join(["netplan", verb, "--plan", saved, *where])
    words = ["netplan", verb, *_given(options, "--name", "name"), *([file] if file else [])]
    for network in getattr(options, "adopt", ()):
        words += ["--adopt", network]
    for name in getattr(options, "only", ()):
        words += ["--only", name]
    for topology in getattr(options, "replace_topology", ()):
        words += ["--replace-topology", topology]
    words += [*_given(options, "--max-removals", "max_removals"), *where]
    flags = ("--keep-containers", "--wipe", "--disrupt-foreign", "--allow-empty", "--keep-going")
    return shlex.join(
        [*words, *(flag for flag in flags if getattr(options, flag[2:].replace("-", "_"), False))]
    )


def next_commands(options: Namespace) -> dict[str, str]:
    """What to run where not every step was done. Only of an apply does `netplan plan` show what is
    left.
    """
    command = apply_command(Namespace(**{**vars(options), "plan": None}), options.file)
    ttl = getattr(options, "ttl", None)
    more = [] if ttl is None else ["--ttl", lifetime_text(ttl)]
    whole = " ".join([command, *_given(options, "--stop-timeout", "stop_timeout"), *more])
    if options.command != "apply":
        return {"To go on": whole}
    return {
        "What is left to do": command.replace("netplan apply", "netplan plan", 1),
        "To do it": whole,
    }


def _given(options: Namespace, option: str, name: str) -> list[str]:
    """An option and its value, where it has one."""
    value = getattr(options, name, None)
    return [] if value is None else [option, str(value)]


def _print_folder(
    paths: Sequence[str], plans: Sequence[Plan], conflicts: Sequence[Refusal], options: Namespace
) -> None:
    from ..render.folder import Planned, folder_json, folder_markdown, folder_text

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

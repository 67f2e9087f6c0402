"""Saved plans: `plan --out P.json`, and `apply --plan P.json`, which plans again and carries out
only what was saved.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from os.path import isfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RefusedError, UsageError
from ..fast_dataclasses import replace
from ..model import DesiredState, Journal, ObservedState
from ..runs import MOST_CHANGES, View, stale
from .console_report import carry_out
from .engines import engine_of, reader_of
from .inputs import files, snapshot_key
from .lifetime import timed
from .output import CHANGES_PENDING, exit_code, print_plan, refused, tell_left_out, warn
from .policy import check_named, check_only, policy_of
from .write import write_file

if TYPE_CHECKING:
    from ..plan import Plan
    from ..saved import SavedPlan


def plan_and_save(options: Namespace) -> int:
    """Shows the plan and writes it to a file; one that is refused is not written."""
    from ..render.as_json import plan_json
    from ..saved import SavedPlan, has_secrets, saved_text, text_digest
    from ..topology import load_text
    from ..topology.file_location import origin_of
    from ..topology.files import read_text

    _check_out(options)
    paths = files(options.file)
    if len(paths) != 1:
        raise UsageError(
            "--out saves the plan of one topology, and this folder holds several",
            "name one of its files",
        )
    file, text = read_text(paths[0])
    loaded = load_text(text, file)
    desired = replace(loaded.state, origin=origin_of(paths[0]))
    warn(loaded.warnings)
    check_named(options, [desired])
    check_only(options, [desired])
    secret = has_secrets(desired)
    if secret and paths[0] == "-":
        raise UsageError(
            "a topology with environment values cannot be saved from standard input",
            "pass its file, which apply --plan reads again",
        )
    made, observed, journals = _planned(desired, options)
    print_plan(made, options)
    tell_left_out(made, options)
    if code := refused(made, options):
        return code
    kept = None if secret else text
    shown, by, digest = plan_json(made), policy_of(options), text_digest(text)
    saved = SavedPlan(
        file,
        digest,
        kept,
        by,
        observed.engine.id,
        made.fingerprint,
        observed,
        desired.origin,
        journals=journals,
        plan=shown,
    )
    write_file(options.out, saved_text(saved, desired, snapshot_key()))
    return exit_code(made, options) or (
        CHANGES_PENDING if options.exit_code and not made.empty else 0
    )


def _planned(
    desired: DesiredState, options: Namespace
) -> tuple[Plan, ObservedState, tuple[Journal, ...]]:
    """The plan, and what it was made from: the engine, or a snapshot of it; and what interrupted
    runs left there.
    """
    if options.state is not None:
        from ..planner import plan
        from .inputs import snapshot_at

        observed, left = snapshot_at(options.state)
        return plan(desired, observed, left, policy_of(options)), observed, left
    with reader_of(options) as reader:
        view = View(desired, reader, policy_of(options))
        return view.look(), view.observed, view.journals


def _check_out(options: Namespace) -> None:
    if options.out == "-":
        raise UsageError(
            "--out - is not a file name: the plan is printed as text anyway",
            "name a file, e.g. --out plan.json",
        )
    with suppress(OSError, ValueError):
        if options.file not in (None, "-") and Path(options.out).samefile(options.file):
            raise UsageError(f"--out {options.out} is the topology itself", "name another file")


def apply_saved(options: Namespace) -> int:
    """Plans again from what was saved, and carries it out if it is the same plan."""
    from ..saved import read_saved

    if (
        options.file
        or options.adopt
        or options.disrupt_foreign
        or options.allow_empty
        or options.replace_topology
        or options.max_removals is not None
        or options.only
        or options.keep_going
    ):
        raise UsageError(
            "the saved plan already holds the file and its options",
            "pass --plan alone, or make a new plan",
        )
    try:
        content = Path(options.plan).read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        hint = f"make a plan with: netplan plan FILE --out {options.plan}"
        raise UsageError(f"the saved plan {options.plan} cannot be read: {why}", hint) from None
    saved = read_saved(content, options.plan, snapshot_key())
    [desired] = timed([_desired(saved, options.plan)], options)
    planned = _planned_again(saved, desired, options)
    options.file = saved.file
    with engine_of(options) as engine:
        if engine.info().id != saved.engine:
            raise RefusedError(
                f"the saved plan {options.plan} was made for another engine:"
                f" {saved.observed.engine.name}, not {engine.info().name}",
                "make a plan for this one with: netplan plan FILE --out P.json",
            )

        def agreed(view: View, made: Plan) -> None:
            if made.fingerprint != planned.fingerprint or not made.applyable:
                again = f"netplan plan {saved.file} --out {options.plan}"
                raise stale(
                    "the plan has changed since it was saved",
                    saved.observed,
                    view.observed,
                    desired,
                    made,
                    again,
                )

        return carry_out(desired, engine, saved.policy, options, agreed=agreed)


def _planned_again(saved: SavedPlan, desired: DesiredState, options: Namespace) -> Plan:
    """The plan that comes out of what was saved. Raises RefusedError unless it is the one that the
    file shows, and that was approved.
    """
    from ..planner import plan
    from ..render.as_json import plan_json
    from ..saved import changed_values, shows

    hint = f"make a new plan with: netplan plan {saved.file} --out {options.plan}"
    if changed := changed_values(saved, desired):
        raise RefusedError(
            "the plan has changed since it was saved: nothing was done", *_listed(changed), hint
        )
    made = plan(desired, saved.observed, saved.journals, saved.policy)
    if made.fingerprint != saved.fingerprint or not shows(saved.plan, plan_json(made)):
        what = f"the saved plan {options.plan} does not match its own content"
        raise RefusedError(
            what, "it was changed manually, or written by another version of netplan", hint
        )
    if options.fingerprint and not made.fingerprint.startswith(options.fingerprint):
        what = (
            f"the saved plan {options.plan} is not the one that was approved: its fingerprint is"
            f" {made.fingerprint}"
        )
        raise RefusedError(what, "nothing was done: review it, or use the approved plan")
    return made


def _listed(found: Sequence[str]) -> list[str]:
    more = [f"and {len(found) - MOST_CHANGES} more"] if len(found) > MOST_CHANGES else []
    return [*found[:MOST_CHANGES], *more]


def _desired(saved: SavedPlan, plan: str) -> DesiredState:
    from ..saved import has_secrets, text_digest
    from ..topology import load_text
    from ..topology.files import read_text

    text = saved.text
    there = isfile(saved.file)  # noqa: PTH113 - Path.is_file raises where it may not look
    if text is None and not there:
        raise UsageError(
            f"the saved plan needs {saved.file}, because it holds no environment values, but that"
            " file does not exist here",
            "run this in the folder in which the plan was made",
        )
    if text is None or there:
        _, now = read_text(saved.file)
        if text_digest(now) != saved.sha256:
            raise RefusedError(
                f"{saved.file} changed since the plan was saved",
                "make a new plan with: netplan plan FILE --out P.json",
            )
        text = now
    state = load_text(text, saved.file).state
    if not there and has_secrets(state):  # no fingerprint would tell what somebody put there
        what = (
            f"the saved plan {plan} cannot be trusted: it holds values of an environment, which"
            " netplan never saves"
        )
        raise RefusedError(what, "create a new one with: netplan plan FILE --out P.json")
    return replace(state, origin=saved.origin)

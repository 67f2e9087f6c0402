"""`netplan diff`: the plan from one file, or a revision of it, to another."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from ..fast_dataclasses import replace
from ..model import DesiredState
from .inputs import load, warned
from .output import print_plan, review_code
from .policy import check_named, policy_of


def diff(options: Namespace) -> int:
    """The plan from one file applied to another, with no engine."""
    from ..planner import plan as make_plan
    from ..simulate import applied, assumptions

    before, after = (_revision(argument) for argument in (options.before, options.after))
    check_named(options, [after])
    found = make_plan(after, applied(before, also=[after]), policy=policy_of(options))
    found = replace(
        found,
        notes=(*found.notes, *assumptions([before, after])),
        warnings=(*_two(before, after), *found.warnings),
    )
    print_plan(found, options)
    return review_code(found, options)


def _two(before: DesiredState, after: DesiredState) -> Iterator[str]:
    if before.topology != after.topology:
        yield (
            f"these are two topologies, {before.topology} and {after.topology}: applying the second"
            f" does not change the first, which netplan destroy --name {before.topology}"
            " removes; to change one topology, give both files the same name"
        )


def _revision(argument: str) -> DesiredState:
    from ..topology import load_text
    from ..topology.git_revision import Revision, is_revision

    if not is_revision(argument):
        return load(argument)
    revision = Revision.of(argument)
    return warned(load_text(revision.text(argument), argument, revision))

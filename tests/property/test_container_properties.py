"""What holds of every plan for a file that runs containers, for random pairs of a file and an
engine with a past.

Numbered cases as in test_planner_properties.py: a failure names its seed, `NETPLAN_CASES` says how
many.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest

from reconciler.lock.journal import taken_by
from reconciler.model import DesiredState, Journal, ObservedState
from reconciler.plan import Plan
from reconciler.planner import Policy, plan
from reconciler.render import render_text
from reconciler.render.as_json import render_json
from reconciler.runs.outcome import afterwards

from .lab import LabEngine, simulate_lab
from .lab_cases import Case, seeded
from .lab_checker import lab_problems, lost_attachments
from .test_planner_properties import (
    AFTER_A_FAILURE,
    any_order,
    canonical,
    naming,
    nothing,
    nothing_to_do,
    one_plan,
    shuffled,
)

CASES = int(os.environ.get("NETPLAN_CASES", "10000")) // 2
AT_ONCE = 500
ORDERS = 2
SECRETS = ("hunter2", "s3cr3t-two")


def target(case: Case) -> DesiredState:
    """What the engine is to become: nothing, where the file is destroyed."""
    return DesiredState(case.desired.topology) if case.policy.destroyed else case.desired


def arrives(
    desired: DesiredState, observed: ObservedState, policy: Policy, made: Plan, after: LabEngine
) -> None:
    nothing(lab_problems(desired, observed, after, policy))
    nothing_to_do(one_plan(desired, after.observed, afterwards(policy)))


def arrives_in_any_order(case: Case, chance: random.Random) -> None:
    desired = target(case)
    made = one_plan(desired, case.observed, case.policy)
    if made.applyable:
        for steps in [made.steps, *(any_order(made.steps, chance) for _ in range(ORDERS))]:
            arrives(desired, case.observed, case.policy, made, simulate_lab(case.observed, steps))


def arrives_after_a_crash(case: Case, chance: random.Random) -> None:
    """A run that is cut off anywhere is finished by the next, and nobody's data is lost; nor, as
    its journal is there, an attachment.
    """
    desired = target(case)
    made = one_plan(desired, case.observed, policy := replace(case.policy, disrupt_foreign=True))
    if not made.applyable or not made.steps:
        return
    steps = any_order(made.steps, chance)
    engine = simulate_lab(case.observed, steps[: chance.randrange(len(steps))])
    state, lost = engine.observed, set(engine.lost)
    again = one_plan(desired, state, finishing := afterwards(policy))
    if policy.wipe and not again.applyable:  # not everything is gone yet: it is begun again
        again = one_plan(desired, state, finishing := policy)
    if not again.applyable:
        nothing(
            [
                r
                for r in again.refusals
                if not any(reason in r.message for reason in AFTER_A_FAILURE)
            ]
        )
        return
    after = simulate_lab(state, again.steps)
    arrives(desired, state, finishing, again, after)
    noted = Journal("netplan.journal.1", desired.topology, 1, taken_by(made, case.observed))
    recovered = plan(desired, state, [noted], finishing)
    if recovered.applyable and not policy.wipe:
        nothing(
            list(
                lost_attachments(
                    desired, case.observed, simulate_lab(state, recovered.steps).observed, finishing
                )
            )
        )
    if not case.policy.reset:
        kept = {c.name for c in case.observed.containers if c.name in desired.containers}
        data = {v for c in case.observed.containers if c.name in kept for v in c.anonymous.values()}
        nothing(sorted(data & (lost | after.lost)))


def is_the_same_for_shuffled_input(case: Case, chance: random.Random) -> None:
    desired = target(case)
    made = one_plan(desired, case.observed, case.policy)
    other = one_plan(*shuffled(desired, case.observed, chance), case.policy)
    assert render_json(other) == render_json(made)
    assert render_text(other) == render_text(made)
    assert canonical(other) == canonical(made)


def keeps_secrets(case: Case, chance: random.Random) -> None:
    made = one_plan(target(case), case.observed, case.policy)
    values = asdict(made)
    shown = (
        repr(made)
        + str(values)
        + json.dumps(values, default=str)
        + render_json(made)
        + render_text(made)
    )
    nothing([secret for secret in SECRETS if secret in shown])


PROPERTIES: tuple[Callable[[Case, random.Random], None], ...] = (
    arrives_in_any_order,
    arrives_after_a_crash,
    is_the_same_for_shuffled_input,
    keeps_secrets,
)


@pytest.mark.parametrize("first", range(0, CASES, AT_ONCE))
def test_every_numbered_case(first: int) -> None:
    for seed in range(first, min(first + AT_ONCE, CASES)):
        case = seeded(seed)
        for holds in PROPERTIES:
            with naming(seed, holds.__name__):
                holds(case, random.Random(seed))


@pytest.mark.parametrize("seed", range(2))
def test_the_cases_are_worth_it(seed: int) -> None:
    """Every kind of step occurs, and often."""
    sample = [seeded(1000 * seed + number) for number in range(300)]
    plans = [plan(target(case), case.observed, None, case.policy) for case in sample]
    useful = [made for made in plans if made.applyable and made.steps]
    ops = [(step.op, step.kind) for made in useful for step in made.steps]
    assert len(useful) >= 120
    for op in ("create", "rename", "stop", "start", "remove"):
        assert ops.count((op, "container")) >= 40, op
    for op in ("pull", "wait", "update"):
        assert [found for found, _ in ops].count(op) >= 3, op

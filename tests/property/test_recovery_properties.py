"""A run may end after any of its steps, and its recovery after any of its own: what the journals
hold is enough to arrive all the same.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from reconciler.lock.journal import taken_by
from reconciler.model import Journal, ObservedNetwork, ObservedState
from reconciler.plan import Plan
from reconciler.planner import plan
from reconciler.settings import Value

from .simulator import simulate
from .strategies import Case, seeded
from .test_planner_properties import CASES, any_order, nothing, nothing_to_do

RECOVERIES = CASES // 4
AT_ONCE = 500
KILLS = 3
"""How often one run after another ends early."""


def settled(state: ObservedState, made: Plan) -> object:
    """All that must come out the same: everything but IDs and the subnets that an engine chooses
    for what `made` creates.
    """
    chosen = {
        (step.network, family)
        for step in made.steps
        for family in ("ipv4", "ipv6")
        if step.op == "create" and f"{family}.subnet" not in step.settings
    }

    def known(network: ObservedNetwork) -> list[tuple[str, Value]]:
        return sorted(
            (path, value)
            for path, value in network.settings.items()
            if (network.name, path.partition(".")[0]) not in chosen
        )

    networks = sorted((n.name, known(n), str(n.mark)) for n in state.networks)
    endpoints = sorted(
        (c.id, e.network, sorted(e.settings.items()), str(e.mark))
        for c in state.containers
        for e in c.endpoints
    )
    return networks, endpoints


def recovers(case: Case, chance: random.Random) -> None:
    policy = replace(case.policy, disrupt_foreign=True)
    made = plan(case.desired, case.observed, None, policy)
    if not made.applyable or not made.steps:
        return
    whole = simulate(case.observed, made.steps)
    first, state, journals = made, case.observed, list[Journal]()
    for _ in range(chance.randrange(1, KILLS + 1)):
        state, journals = interrupted(made, state, journals, chance)
        made = plan(case.desired, state, journals, policy)
        nothing(made.refusals)
    after = simulate(state, made.steps)
    nothing_to_do(plan(case.desired, after, journals, policy))
    nothing_to_do(plan(case.desired, after, None, policy))
    assert settled(after, first) == settled(whole, first)


def interrupted(
    made: Plan, state: ObservedState, journals: Sequence[Journal], chance: random.Random
) -> tuple[ObservedState, list[Journal]]:
    """The state after some of the steps, and the journals then."""
    taken = taken_by(made, state)
    journal = Journal(f"j{len(journals)}", made.topology, len(journals) + 1, taken)
    steps = any_order(made.steps, chance)
    return simulate(state, steps[: chance.randrange(len(steps) + 1)]), [
        *journals,
        *([journal] if taken.networks or taken.containers else []),
    ]


@pytest.mark.parametrize("first", range(0, RECOVERIES, AT_ONCE))
def test_what_was_taken_away_comes_back(first: int) -> None:
    for seed in range(first, min(first + AT_ONCE, RECOVERIES)):
        try:
            recovers(seeded(seed), random.Random(seed))
        except Exception as error:
            raise AssertionError(f"case {seed}: {error}") from error

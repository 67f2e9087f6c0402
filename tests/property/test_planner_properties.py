"""What holds of every plan, for random pairs of a file and an engine.

Ten thousand numbered cases, each with a seed that a failure names (`NETPLAN_CASES` for more or
fewer; about 10 ms each), and some hundreds from hypothesis, which shrinks a failure to the smallest
pair that shows it: `NETPLAN_EXAMPLES=5000` to look for one there.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model import DesiredState, ObservedContainer, ObservedEndpoint, ObservedState
from reconciler.plan import Plan, Step
from reconciler.planner import Policy, plan
from reconciler.render import render_text
from reconciler.render.as_json import render_json

from .checker import problems
from .choices import OTHER, OURS, Space
from .simulator import Engine, Violation, simulate
from .strategies import Case, cases, seeded

CASES = int(os.environ.get("NETPLAN_CASES", "10000"))
EXAMPLES = int(os.environ.get("NETPLAN_EXAMPLES", "150"))
AT_ONCE = 500
ORDERS = 3
"""How many of the orders that a plan's edges allow are tried, beside its own."""
CLEAN = Space(owners=(None, None, OTHER), twins=False)
"""Engines on which this topology has left nothing."""

AFTER_A_FAILURE = (
    # a dynamic address took the place of the static one that failed to come back
    "is taken by container",
    "is held by container",
    "overlaps",  # an automatic subnet took the place of the declared one that could not be made
    "is not in the new subnet",  # the same, seen from an endpoint
    # an undeclared gateway went with it, and the engine's own choice is a declared address
    "is not a usable address of",
    "belongs to topology",  # its endpoint could not be put back, and is only listed now
    # the one thing that both named went; a run's journal holds it, and none is played here
    "declares none of the objects of its topology",
    # an undeclared subnet went with the network that was to be replaced
    "enable_ipv6 without an IPv6 subnet",
)
"""Why planning again after a failed step may be refused although the first plan was not."""


def policies(case: Case) -> tuple[Policy, ...]:
    return case.policy, replace(case.policy, disrupt_foreign=True)


def any_order(steps: Sequence[Step], chance: random.Random) -> list[Step]:
    """The steps in one of the orders that their edges allow."""
    waiting = {step.id: {*step.needs, *step.follows} for step in steps}
    by_id = {step.id: step for step in steps}
    result: list[Step] = []
    while waiting:
        ready = chance.choice([number for number, before in waiting.items() if not before])
        del waiting[ready]
        for before in waiting.values():
            before.discard(ready)
        result.append(by_id[ready])
    return result


def canonical(made: Plan) -> str:
    return json.dumps(asdict(made), sort_keys=True, default=str)


def one_plan(desired: DesiredState, observed: ObservedState, policy: Policy) -> Plan:
    made = plan(desired, observed, None, policy)
    ids = [step.id for step in made.steps]
    assert ids == list(range(1, len(ids) + 1))
    assert all(before < step.id for step in made.steps for before in (*step.needs, *step.follows))
    return made


def nothing(found: Sequence[object]) -> None:
    assert not found, "; ".join(map(str, found))


def nothing_to_do(made: Plan) -> None:
    nothing(made.refusals)
    nothing([f"{step.text}: {step.reason}" for step in made.steps])


def arrives_in_any_order_and_touches_nothing_else(case: Case, chance: random.Random) -> None:
    for policy in policies(case):
        made = one_plan(case.desired, case.observed, policy)
        if not made.applyable:
            assert made.refusals
            continue
        for steps in [made.steps, *(any_order(made.steps, chance) for _ in range(ORDERS))]:
            after = simulate(case.observed, steps)
            nothing(problems(case.desired, case.observed, after, policy))
            nothing_to_do(one_plan(case.desired, after, policy))


def arrives_after_a_failed_step(case: Case, chance: random.Random) -> None:
    made = one_plan(
        case.desired, case.observed, policy := replace(case.policy, disrupt_foreign=True)
    )
    if not made.applyable or not made.steps:
        return
    state = with_failure(
        case.observed,
        made.steps,
        chance.choice(made.steps).id,
        leaves_phantom=chance.random() < 0.5,
    )
    again = one_plan(case.desired, state, policy)
    if not again.applyable:
        unexpected = [
            refusal
            for refusal in again.refusals
            if not any(reason in refusal.message for reason in AFTER_A_FAILURE)
        ]
        nothing(unexpected)
        return
    after = simulate(state, again.steps)
    nothing(problems(case.desired, state, after, policy))
    nothing_to_do(one_plan(case.desired, after, policy))


def with_failure(
    observed: ObservedState, steps: Sequence[Step], bad: int, leaves_phantom: bool
) -> ObservedState:
    """The state after a run in which one step failed, and with it what needs it, and what the
    engine then refuses.
    """
    engine, failed = Engine(observed), set[int]()
    for step in steps:
        if failed & set(step.needs):
            failed.add(step.id)
        elif step.id == bad:
            failed.add(step.id)
            if leaves_phantom and step.op == "connect":
                engine.fail(step)
        else:
            try:
                engine.run(step)
            except Violation:
                failed.add(step.id)
    return engine.observed


def is_the_same_for_shuffled_input(case: Case, chance: random.Random) -> None:
    made = one_plan(case.desired, case.observed, case.policy)
    desired, observed = shuffled(case.desired, case.observed, chance)
    other = one_plan(desired, observed, case.policy)
    assert render_json(other) == render_json(made)
    assert render_text(other) == render_text(made)
    assert canonical(other) == canonical(made)


def shuffled(
    desired: DesiredState, observed: ObservedState, chance: random.Random
) -> tuple[DesiredState, ObservedState]:
    def mix(items: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(chance.sample(list(items), len(items)))

    def remix(values: Mapping[str, Any]) -> dict[str, Any]:
        return dict(mix(tuple(values.items())))

    networks = [replace(n, settings=remix(n.settings)) for n in observed.networks]
    containers = [
        replace(c, endpoints=mix([replace(e, settings=remix(e.settings)) for e in c.endpoints]))
        for c in observed.containers
    ]
    declared = {
        name: replace(n, settings=remix(n.settings)) for name, n in remix(desired.networks).items()
    }
    members = {
        name: replace(
            c, endpoints=tuple(replace(e, settings=remix(e.settings)) for e in c.endpoints)
        )
        for name, c in remix(desired.containers).items()
    }
    return replace(desired, networks=declared, containers=members), replace(
        observed, networks=mix(networks), containers=mix(containers)
    )


def changes_neither_argument(case: Case, chance: random.Random) -> None:
    desired, observed = deepcopy(case.desired), deepcopy(case.observed)
    first = repr(one_plan(case.desired, case.observed, case.policy))
    assert (case.desired, case.observed) == (desired, observed)
    assert repr(one_plan(case.desired, case.observed, case.policy)) == first


def leaves_no_trace_once_destroyed(case: Case, chance: random.Random) -> None:
    policy = replace(case.policy, adopt=frozenset())
    if any(network.exclusive for network in case.desired.networks.values()):
        return
    made = one_plan(case.desired, case.observed, policy)
    if not made.applyable:
        return
    applied = simulate(case.observed, made.steps)
    unprotected = replace(
        case.desired,
        networks={k: replace(n, protect=False) for k, n in case.desired.networks.items()},
    )
    policy = replace(policy, destroyed=unprotected)
    undo = one_plan(DesiredState(OURS), applied, policy)
    protected = [
        network.name for network in applied.networks if network.mark and network.mark.protect
    ]
    hopeless = (
        "was created with",
        "is not a usable address of",
        "(assigned automatically)",
        "which got it automatically",
        "is held by container",
    )
    if protected or any(
        reason in refusal.message for refusal in undo.refusals for reason in hopeless
    ):
        # a container whose network was missing before we made it, or whose address could not be
        # given before
        return
    nothing(
        [refusal for refusal in undo.refusals if "would be removed while" not in refusal.message]
    )
    if undo.refusals:
        return  # a stopped container had listed the network before we made it
    after = simulate(applied, undo.steps)
    nothing(problems(DesiredState(OURS), applied, after, policy))
    assert _essence(after, case.observed) == _essence(case.observed, case.observed)


def _essence(state: ObservedState, before: ObservedState) -> object:
    """What must be as before: all but IDs and dynamic addresses, and but what was broken before."""
    present = {known for network in before.networks for known in (network.id, network.name)}
    broken = {
        (c.name, e.network)
        for c in before.containers
        for e in c.endpoints
        if e.phantom or (e.network_id or e.network) not in present
    }
    endpoints = {
        (c.name, e.network): (_own_settings(c, e), e.mark, bool(e.addresses))
        for c in state.containers
        for e in c.endpoints
        if (c.name, e.network) not in broken and e.network != "none"
    }
    return state.networks, endpoints


def _own_settings(container: ObservedContainer, endpoint: ObservedEndpoint) -> dict[str, Any]:
    aliases = set(endpoint.settings.get("aliases") or ()) - container.implied  # type: ignore[arg-type]
    return {**endpoint.settings, "aliases": sorted(aliases)}


PROPERTIES = (
    arrives_in_any_order_and_touches_nothing_else,
    arrives_after_a_failed_step,
    is_the_same_for_shuffled_input,
    changes_neither_argument,
)


@pytest.mark.parametrize("first", range(0, CASES, AT_ONCE))
def test_every_numbered_case(first: int) -> None:
    for seed in range(first, min(first + AT_ONCE, CASES)):
        case = seeded(seed)
        for holds in PROPERTIES:
            with naming(seed, holds.__name__):
                holds(case, random.Random(seed))
        with naming(seed, leaves_no_trace_once_destroyed.__name__):
            leaves_no_trace_once_destroyed(seeded(seed, CLEAN), random.Random(seed))


@contextmanager
def naming(seed: int, what: str) -> Iterator[None]:
    """A failure says which case it was."""
    try:
        yield
    except (AssertionError, Violation) as error:
        raise AssertionError(f"seed {seed}, {what}: {error}") from error


RUN = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@RUN
@given(cases(), st.integers(0, 2**32 - 1))
def test_any_case(case: Case, seed: int) -> None:
    for holds in PROPERTIES:
        holds(case, random.Random(seed))


@RUN
@given(cases(CLEAN))
def test_any_case_on_a_clean_engine(case: Case) -> None:
    leaves_no_trace_once_destroyed(case, random.Random(0))


@pytest.mark.parametrize("seed", range(3))
def test_the_cases_are_worth_it(seed: int) -> None:
    """A planner that refuses everything would pass all of the above: most kinds of step occur, and
    often.
    """
    sample = [seeded(1000 * seed + number) for number in range(400)]
    plans = [
        plan(case.desired, case.observed, None, replace(case.policy, disrupt_foreign=True))
        for case in sample
    ]
    useful = [made for made in plans if made.applyable and made.steps]
    ops = [step.op for made in useful for step in made.steps]
    assert len(useful) >= 100
    assert min(ops.count(op) for op in ("create", "remove", "connect", "disconnect")) >= 50

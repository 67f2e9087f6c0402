"""What holds of every part of a plan, for random pairs of a file and an engine with a past;
numbered cases, as in its neighbours.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from reconciler.lock.journal import taken_by
from reconciler.model import DesiredState, Journal, ObservedState
from reconciler.plan import Plan, Step
from reconciler.planner import Policy, plan
from reconciler.planner.keep_undeclared import with_undeclared
from reconciler.runs.outcome import afterwards

from . import lab_cases, strategies
from .lab import LabEngine, simulate_lab
from .lab_checker import lost_attachments
from .test_planner_properties import any_order, naming, nothing, one_plan

CASES = int(os.environ.get("NETPLAN_CASES", "10000")) // 20
AT_ONCE = 100
Case = tuple[DesiredState, ObservedState, Policy]


def case_of(seed: int) -> Case:
    """Of a file with networks and attachments only, or one that runs containers; what it is asked
    for is to apply or to reset.
    """
    made = (lab_cases if seed % 2 else strategies).seeded(seed)
    policy = (
        made.policy
        if not (made.policy.wipe or made.policy.destroyed)
        else Policy(made.policy.adopt)
    )
    return made.desired, made.observed, policy


def names(desired: DesiredState) -> list[str]:
    return sorted({*desired.networks, *desired.containers})


def parts(case: Case, chance: random.Random) -> Iterator[Policy]:
    """Each name alone, and two together."""
    desired, _, policy = case
    found = names(desired)
    several = [frozenset(chance.sample(found, 2))] if len(found) > 1 else []
    for only in (*map(frozenset, zip(found)), *several):
        yield replace(policy, disrupt_foreign=True, only=only)


def same(step: Step) -> tuple[object, ...]:
    return (
        step.op,
        step.text,
        step.container_id,
        step.network_id,
        repr(step.settings),
        repr(step.spec),
    )


def is_a_part_of_the_whole(case: Case, chance: random.Random) -> None:
    """All steps are the whole plan's, and with each those that it needs."""
    desired, observed, policy = case
    for part in parts(case, chance):
        whole = one_plan(
            with_undeclared(desired, observed), observed, replace(part, only=frozenset())
        )
        if policy.reset or policy.exclusive:  # what is not named is only applied
            continue
        made = one_plan(desired, observed, part)
        by_key = {same(step): step for step in whole.steps}
        found = {by_key[same(step)].id for step in made.steps}
        nothing(
            [
                f"{step.text} needs {other.text}"
                for step, other in _needs(whole, found)
                if other.id not in found
            ]
        )
        assert made.fingerprint != whole.fingerprint
        nothing([r.message for r in made.refusals if r.about and r not in whole.refusals])


def _needs(whole: Plan, found: set[int]) -> Iterator[tuple[Step, Step]]:
    """Each step and what it needs, but for images, and the network that a container was created on
    where that may stay as it is.
    """
    removed = {
        step.network for step in whole.steps if step.op == "remove" and step.kind == "network"
    }
    for id in found:
        step = whole.steps[id - 1]
        for other in (whole.steps[id - 1] for id in step.needs):
            waits = (
                step.kind == "endpoint"
                and other.kind == "network"
                and other.network in removed - {step.network}
            )
            if other.kind != "image" and not waits:
                yield step, other


def carried_out(observed: ObservedState, made: Plan, chance: random.Random) -> LabEngine:
    simulate_lab(observed, made.steps)
    return simulate_lab(observed, any_order(made.steps, chance))


def is_then_done(case: Case, chance: random.Random) -> None:
    """It can be carried out in any order, takes off what it says and no more, and nothing of it is
    left to do.
    """
    desired, observed, _ = case
    for part in parts(case, chance):
        made = one_plan(desired, observed, part)
        if not made.applyable:
            continue
        after = carried_out(observed, made, chance).observed
        again = one_plan(desired, after, afterwards(part))
        nothing([f"{sorted(part.only)}: {step.text}: {step.reason}" for step in again.steps])
        nothing(
            [
                r.message
                for r in again.refusals
                if "declares none of the objects of its topology" not in r.message
            ]
        )
        nothing([f"{sorted(part.only)}: {lost}" for lost in _lost(observed, after, made)])


def _lost(before: ObservedState, after: ObservedState, made: Plan) -> Iterator[str]:
    """Attachments of containers that stay, which are gone without a word, and containers that no
    longer run.
    """
    said = {(c.network, c.container) for c in made.changes if "disconnect" in c.actions}
    gone = {c.network for c in made.changes if c.kind == "network" and c.actions == ("delete",)}
    now = {container.id: container for container in after.containers}
    for old in before.containers:
        new = now.get(old.id)
        if new and old.live and not new.live:
            yield f"{old.name} does not run"
        for endpoint in old.endpoints if new else ():
            real = not (endpoint.phantom or endpoint.network == "none" or endpoint.network in gone)
            if (
                new
                and real
                and not new.endpoint(endpoint.network)
                and (endpoint.network, old.name) not in said
            ):
                yield f"{old.name} on {endpoint.network}"


def in_any_order_makes_the_whole(case: Case, chance: random.Random) -> None:
    """Every part in turn, and nothing is left to do but for what the file does not declare."""
    desired, observed, policy = case
    found = names(desired)
    for name in chance.sample(found, len(found)):
        made = one_plan(
            desired, observed, replace(policy, disrupt_foreign=True, only=frozenset({name}))
        )
        if not made.applyable:
            return
        observed = carried_out(observed, made, chance).observed
    left = plan(desired, observed, None, afterwards(replace(policy, disrupt_foreign=True)))
    because = ("which is removed", "shares the network of")  # it was made on what is not declared
    forced = {
        step.container for step in left.steps if any(reason in step.reason for reason in because)
    }
    ends = (
        step.op in ("remove", "disconnect", "stop", "wait") or step.network == "none"
        for step in left.steps
    )
    declared = (
        step
        for step, ending in zip(left.steps, ends, strict=True)
        if not ending and step.container not in forced
    )
    nothing(
        [
            f"{step.text}: {step.reason}"
            for step in declared
            if step.container in desired.containers or not step.container
        ]
    )


def recovers_in_parts(case: Case, chance: random.Random) -> None:
    """Of a run that ended anywhere: parts in any order put back what it took away, as long as its
    journal is there.
    """
    desired, observed, policy = case
    policy = replace(policy, disrupt_foreign=True)
    made = one_plan(desired, observed, policy)
    if not made.applyable or not made.steps:
        return
    steps = any_order(made.steps, chance)
    state = simulate_lab(observed, steps[: chance.randrange(len(steps))]).observed
    noted = [Journal("netplan.journal.1", desired.topology, 1, taken_by(made, observed))]
    for name in chance.sample(names(desired), len(names(desired))):
        part = plan(desired, state, noted, replace(afterwards(policy), only=frozenset({name})))
        if not part.applyable:
            return
        state = carried_out(state, part, chance).observed
    nothing(list(lost_attachments(desired, observed, state, policy)))


def goes_on_without_what_cannot_be(case: Case, chance: random.Random) -> None:
    desired, observed, policy = case
    for given in (
        (policy, replace(policy, only=frozenset(chance.sample(names(desired), 1))))
        if names(desired)
        else ()
    ):
        refused = one_plan(desired, observed, given)
        made = one_plan(desired, observed, going := replace(given, keep_going=True))
        whole = [r.message for r in refused.refusals if r.about is None]
        assert sorted(r.message for r in made.refusals if "at most" not in r.message) == sorted(
            whole
        )
        assert {one.refusal.message for one in made.left_out if one.refusal} == {
            r.message for r in refused.refusals if r.about
        }
        if whole:
            continue
        after = carried_out(observed, made, chance).observed
        again = one_plan(desired, after, afterwards(going))
        if not made.left_out:
            assert [step.text for step in made.steps] == [step.text for step in refused.steps]
        nothing([f"{step.text}: {step.reason}" for step in again.steps])
        nothing([f"{lost}" for lost in _lost(observed, after, made)])


PROPERTIES: tuple[Callable[[Case, random.Random], None], ...] = (
    is_a_part_of_the_whole,
    is_then_done,
    in_any_order_makes_the_whole,
    recovers_in_parts,
    goes_on_without_what_cannot_be,
)


@pytest.mark.parametrize("first", range(0, CASES, AT_ONCE))
def test_every_numbered_case(first: int) -> None:
    for seed in range(first, min(first + AT_ONCE, CASES)):
        case = case_of(seed)
        for holds in PROPERTIES:
            with naming(seed, holds.__name__):
                holds(case, random.Random(seed))

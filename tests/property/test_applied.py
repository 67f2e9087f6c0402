"""What was applied is as declared: planning a file against the engine that it leaves finds nothing to do, for random files."""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from reconciler.applied import NEWEST, applied, assumed
from reconciler.model import DesiredState
from reconciler.planner import plan
from reconciler.snapshot import snapshot_json, state_from_snapshot

from .strategies import ENGINES, Case, cases, seeded

CASES = int(os.environ.get("NETPLAN_CASES", "10000")) // 5
QUICK = settings(max_examples=int(os.environ.get("NETPLAN_EXAMPLES", "150")), deadline=None, suppress_health_check=list(HealthCheck))


def nothing_is_left(desired: DesiredState) -> None:
    for engine in (NEWEST, *ENGINES):
        state = applied(desired, engine)
        found = plan(desired, state)
        assert (found.refusals, found.steps, found.drift) == ((), (), ()), engine.version
        assert snapshot_json(state_from_snapshot(snapshot_json(state))) == snapshot_json(state)


def the_way_there_is_all_new(desired: DesiredState) -> None:
    """From nothing everything is made, and nothing is taken away."""
    found = plan(desired, assumed([desired]))
    own = {network.name for network in desired.networks.values() if not network.external}
    assert {change.network for change in found.changes if change.actions == ("create",)} == own
    assert all(change.actions in (("create",), ("connect",)) for change in found.changes)


def the_way_back_is_all_removed(desired: DesiredState) -> None:
    found = plan(replace(desired, networks={}, containers={}), applied(desired))
    own = {network.name for network in desired.networks.values() if not network.external}
    assert {step.network for step in found.steps if step.op == "remove"} == own
    assert all(step.op in ("remove", "disconnect") for step in found.steps)


@given(cases())
@QUICK
def test_what_was_applied_is_as_declared(case: Case) -> None:
    nothing_is_left(case.desired)


def test_the_same_for_many() -> None:
    for seed in range(CASES):
        desired = seeded(seed).desired
        nothing_is_left(desired)
        the_way_there_is_all_new(desired)
        the_way_back_is_all_removed(desired)


@given(cases(), cases())
@QUICK
def test_from_one_file_to_another(one: Case, other: Case) -> None:
    before, after = one.desired, other.desired
    found = plan(after, applied(before, also=[after]))
    same = plan(after, applied(after, also=[before]))
    assert not same.steps
    assert found.fingerprint == plan(after, applied(before, also=[after])).fingerprint

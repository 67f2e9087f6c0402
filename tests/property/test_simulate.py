"""What was applied is as declared: planning a file against the engine that it leaves finds nothing
to do, for random files.
"""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from reconciler.model import DesiredState
from reconciler.planner import plan
from reconciler.simulate import NEWEST, applied, assumed
from reconciler.snapshot import snapshot_json, state_from_snapshot

from . import lab_cases
from .strategies import ENGINES, Case, cases, seeded

CASES = int(os.environ.get("NETPLAN_CASES", "10000")) // 5
QUICK = settings(
    max_examples=int(os.environ.get("NETPLAN_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


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
    assert {
        change.network
        for change in found.changes
        if change.actions == ("create",) and change.kind == "network"
    } == own
    assert all(change.actions in (("create",), ("connect",), ("pull",)) for change in found.changes)
    runs = {c.name for c in desired.containers.values() if c.managed}
    assert {change.container for change in found.changes if change.kind == "container"} == runs


def the_way_back_is_all_removed(desired: DesiredState) -> None:
    found = plan(replace(desired, networks={}, containers={}), applied(desired))
    own = {network.name for network in desired.networks.values() if not network.external}
    runs = {c.name for c in desired.containers.values() if c.managed}
    assert {
        step.network for step in found.steps if step.op == "remove" and step.kind == "network"
    } == own
    assert {
        step.container for step in found.steps if step.op == "remove" and step.kind == "container"
    } == runs
    assert all(step.op in ("remove", "disconnect", "stop") for step in found.steps)


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


def test_the_same_for_labs() -> None:
    modes = set()
    for seed in range(CASES):
        desired = lab_cases.seeded(seed).desired
        modes |= {
            c.mode.partition(":")[0] + " of ours" * (c.shares in desired.containers)
            for c in desired.containers.values()
            if c.managed
        }
        nothing_is_left(desired)
        the_way_there_is_all_new(desired)
        the_way_back_is_all_removed(desired)
    assert CASES < 100 or {"bridge", "host", "none", "container", "container of ours"} <= modes


def test_from_one_lab_to_another() -> None:
    """Planned without a mistake, whatever there was before; and what was applied last is as
    declared.
    """
    for seed in range(CASES):
        case = lab_cases.seeded(seed)
        before, after = case.earlier or DesiredState(case.desired.topology), case.desired
        plan(after, applied(before, also=[after]))
        assert not plan(after, applied(after, also=[before])).steps


@given(cases(), cases())
@QUICK
def test_from_one_file_to_another(one: Case, other: Case) -> None:
    before, after = one.desired, other.desired
    found = plan(after, applied(before, also=[after]))
    same = plan(after, applied(after, also=[before]))
    assert not same.steps
    assert found.fingerprint == plan(after, applied(before, also=[after])).fingerprint

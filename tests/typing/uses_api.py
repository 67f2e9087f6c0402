"""A program as users of the package write it: `mypy --strict` checks it, nothing runs it."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from reconciler import api
from reconciler.errors import (
    ImpossibleError,
    InputError,
    NetplanError,
    PlanRefusedError,
    Problem,
    StepsFailedError,
)


def read(path: Path) -> api.Topology | None:
    try:
        topology = api.load(path)
    except InputError as error:
        assert_type(error.problems, tuple[Problem, ...])
        return None
    assert_type(topology.name, str)
    assert_type(topology.warnings, tuple[Problem, ...])
    return topology


def look(topology: api.Topology, engine: api.Engine) -> list[str]:
    observed = api.observe(engine, topology)
    plan = api.plan(topology, observed=observed, consent=api.Consent(adopt=["old"]))
    assert_type(plan, api.Plan)
    assert_type(plan.steps, tuple[api.Step, ...])
    assert_type(plan.refusals, tuple[api.Refusal, ...])
    live = api.show(topology, engine)
    assert_type(live.networks, tuple[api.NetworkView, ...])
    assert_type(live.networks[0].endpoints, tuple[api.EndpointView, ...])
    assert_type(live.containers, tuple[api.ContainerView, ...])
    differences: list[api.Difference] = [d for change in plan.changes for d in change.differences]
    return [
        api.render(plan, "markdown"),
        live.text,
        *(difference.path for difference in differences),
    ]


def told(event: api.Event) -> None:
    if event.result is None:
        return
    assert_type(event.result, api.StepResult)
    print(event.step.text, event.result.status, event.result.error)


def change(topology: api.Topology) -> float:
    engine = api.Engine(host="unix:///var/run/docker.sock", timeout=10)
    limits = api.Limits(parallel=2, lock_timeout=5, settle=0)
    consent = api.Consent(max_removals=3, protect={"backend"}, disrupt_foreign=True)
    try:
        plan = api.plan(topology, engine, consent=consent)
        result = api.apply(
            topology, engine, consent=consent, expected=plan, ttl=3600, limits=limits, progress=told
        )
        assert_type(result.steps, tuple[api.StepResult, ...])
        return result.seconds + api.destroy("shop", api.Engine(context="lab")).seconds
    except (PlanRefusedError, ImpossibleError) as error:
        assert_type(error.plan, api.Plan)
    except StepsFailedError as error:
        assert_type(error.result, api.Result)
    except NetplanError as error:
        assert_type(error.exit_code, int)
        assert_type(error.hints, tuple[str, ...])
    return 0.0


def wrong(topology: api.Topology) -> None:
    api.apply("shop.yaml")  # type: ignore[arg-type]
    api.plan(topology, api.Engine(), api.Consent())  # type: ignore[call-arg]
    api.Engine().host = "unix:///other"  # type: ignore[misc]

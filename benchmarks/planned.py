"""What netplan would do, and its steps as the engine's calls: what bare.py makes beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.plan import Plan, Step

API = "1.44"
"""The oldest at which a container is created with all its endpoints."""


def planned(file: Path, *, down: bool = False, reset: bool = False) -> Plan:
    """What netplan would do now."""
    from reconciler.engine import open_reader
    from reconciler.model import DesiredState
    from reconciler.planner import plan
    from reconciler.runs import look_at
    from reconciler.safety import Policy
    from reconciler.topology import load

    desired = load(str(file)).state
    reader = open_reader()
    try:
        observed = look_at(reader, [desired])
    finally:
        reader.close()
    if down:
        return plan(DesiredState(desired.topology), observed, policy=Policy(destroyed=desired))
    return plan(desired, observed, policy=Policy(reset=reset, exclusive=reset))


def calls(plan: Plan) -> list[dict[str, Any]]:
    """The steps of a plan as the engine's calls."""
    made = {step.container or step.network: step.id for step in plan.steps if step.op == "create"}
    return [
        {"id": step.id, **_call(step, made), "after": [*step.needs, *step.follows]}
        for step in plan.steps
    ]


def _call(step: Step, made: Mapping[str, int]) -> dict[str, Any]:
    from reconciler.codec import endpoint_body, network_body
    from reconciler.codec.containers import container_body
    from reconciler.marks import Place
    from reconciler.model import EndpointMark, NetworkMark

    container = f"/containers/{step.container_id or f'{{{made.get(step.container)}}}'}"
    network = f"/networks/{step.network_id or f'{{{made.get(step.network)}}}'}"
    match step.op, step.kind:
        case "create", "network":
            assert isinstance(step.mark, NetworkMark)
            return post("/networks/create", network_body(step.network, step.settings, step.mark))
        case "create", "container":
            assert step.spec is not None
            return post(
                f"/containers/create?name={step.container}",
                container_body(step.container, step.spec, (1, 44)),
            )
        case "remove", "container":
            return {"method": "DELETE", "path": f"{container}?force=1&v=1", "body": None}
        case "remove", "network":
            return {"method": "DELETE", "path": network, "body": None}
        case "disconnect", _:
            return post(f"{network}/disconnect", {"Container": step.container_id, "Force": False})
        case "connect", _:
            assert isinstance(step.mark, EndpointMark)
            body = endpoint_body(
                step.container_id, step.settings, step.mark, Place(step.container, step.network)
            )
            return post(f"{network}/connect", body)
        case "stop", _:
            return post(f"{container}/stop?t={step.seconds}")
        case "rename", _:
            return post(f"{container}/rename?name={step.name}")
    assert step.op == "start", f"{step.text} is no part of this lab"
    return post(f"{container}/start")


def post(path: str, body: Any = None) -> dict[str, Any]:
    return {"method": "POST", "path": path, "body": body}

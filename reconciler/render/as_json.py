"""A plan as JSON for a program. Same plan, same bytes."""

from __future__ import annotations

import json
from typing import Any

from ..model import HIDDEN, Source
from ..plan import Change, LeftOut, Plan, Refusal, Step, Thing
from ..settings import Settings, Value
from .values import secret

FORMAT_VERSION = 1
"""Of the JSON; schemas/plan.schema.json describes it."""


def render_json(plan: Plan) -> str:
    """The plan as schemas/plan.schema.json describes it; ends with a newline."""
    return json.dumps(plan_json(plan), indent=2, ensure_ascii=False) + "\n"


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values. A replacement's actions are `delete, create`, so a scan for `delete`
    misses nothing.
    """
    return {
        "format_version": FORMAT_VERSION,
        "topology": plan.topology,
        "engine": {
            "id": plan.engine.id,
            "flavor": plan.engine.flavor,
            "version": plan.engine.version,
            "api": ".".join(map(str, plan.engine.api)),
        },
        "fingerprint": plan.fingerprint,
        **({"only": list(plan.only)} if plan.only else {}),
        **({"left_out": list(map(_left_out_json, plan.left_out))} if plan.left_out else {}),
        "applyable": plan.applyable,
        "summary": dict(plan.counts()),
        "containers": dict(plan.container_counts()),
        **({"volumes": dict(volumes)} if any((volumes := plan.volume_counts()).values()) else {}),
        "drift": [{"subject": drift.subject, "message": drift.message} for drift in plan.drift],
        "changes": [_change_json(change) for change in plan.changes],
        "steps": [_step_json(step) for step in plan.steps],
        "interrupts": list(plan.interrupts),
        "refusals": [refusal_json(refusal) for refusal in plan.refusals],
        "warnings": list(plan.warnings),
        "notes": list(plan.notes),
    }


def _left_out_json(one: LeftOut) -> dict[str, Any]:
    return {
        "resource": _thing_json(one.thing),
        "reason": one.why,
        "needs": _thing_json(one.needs) if one.needs else None,
        "refusal": refusal_json(one.refusal) if one.refusal else None,
    }


def _thing_json(thing: Thing) -> dict[str, str]:
    network, container, *volume = thing
    if volume:
        return {"kind": "volume", "name": volume[0]}
    if network and container:
        return {"kind": "endpoint", "container": container, "network": network}
    return {"kind": "network" if network else "container", "name": network or container}


def refusal_json(refusal: Refusal) -> dict[str, Any]:
    """A refusal as JSON values."""
    return {
        "message": refusal.message,
        "way_out": refusal.way_out,
        "unsafe": refusal.unsafe,
        "source": _source_json(refusal.source),
    }


def resource(change: Change) -> dict[str, str]:
    """What changes: its kind, and its name, or of an endpoint the container's and the network's."""
    if change.kind == "endpoint":
        return {"kind": "endpoint", "container": change.container, "network": change.network}
    return {"kind": change.kind, "name": change.name}


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "actions": list(change.actions),
        "resource": resource(change),
        "before": settings_json(
            {d.path: d.before for d in change.differences if d.before is not None}
        ),
        "after": settings_json(
            {d.path: d.after for d in change.differences if d.after is not None}
        ),
        "reason": change.reason,
        "drift": change.drift,
        "source": _source_json(change.source),
        "interrupts": list(change.interrupts),
    }


def _step_json(step: Step) -> dict[str, Any]:
    target = (
        {"network": step.network, "network_id": step.network_id or None} if step.network else {}
    )
    if step.container:
        target |= {"container": step.container, "container_id": step.container_id or None}
    if step.image:
        target["image"] = step.image
    if step.volume:
        target["volume"] = step.volume
    if step.name:
        target["name"] = step.name
    return {
        "id": step.id,
        "op": step.op,
        "target": target,
        "settings": settings_json(step.spec.settings if step.spec else step.settings),
        "reason": step.reason,
        "depends_on": list(step.needs),
        "follows": list(step.follows),
    }


def settings_json(settings: Settings) -> dict[str, Any]:
    """Settings as JSON values, by path; secrets are hidden."""
    return {
        path: HIDDEN if secret(path) else _value_json(settings[path]) for path in sorted(settings)
    }


def _value_json(value: Value | None) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _source_json(source: Source | None) -> dict[str, Any] | None:
    return {"file": source.file, "line": source.line, "column": source.column} if source else None

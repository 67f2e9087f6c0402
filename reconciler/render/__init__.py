"""A plan as text for a person, or as JSON for a program. Same plan, same bytes; every value is made harmless first."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..model import MTU_OPTION, EngineInfo, Settings, Source, Value
from ..paint import Paint, column, plain, safe, shortened
from ..plan import Change, Difference, Plan, Refusal, Step

FORMAT_VERSION = 1
"""Of the JSON; schemas/plan.schema.json describes it."""

LONGEST_VALUE = 60
"""Characters of one value that the text shows; the JSON has it whole."""
LONGEST_STEP = 200

_READING_ORDER = ("image", *(f"{family}.{part}" for family in ("ipv4", "ipv6") for part in ("subnet", "gateway", "ip_range", "aux")))

SIGNS: dict[tuple[str, ...], tuple[str, str]] = {
    ("create",): ("+", "add"),
    ("connect",): ("+", "add"),
    ("delete",): ("-", "remove"),
    ("disconnect",): ("-", "remove"),
    ("delete", "create"): ("-/+", "change"),
    ("disconnect", "connect"): ("~", "change"),
    ("update",): ("~", "change"),
    ("start",): ("~", "change"),
    ("pull",): ("+", "add"),
}
HIDDEN = "(value hidden)"


# --- text ------------------------------------------------------------------------------------------------------------


def render_text(plan: Plan, paint: Paint = plain, *, steps: bool = True) -> str:
    """The whole plan: drift, changes, what is to be known, steps, counts. Ends with a newline. `steps=False` leaves the step list out."""
    sections = [
        [_header(plan, paint)],
        list(_drift(plan, paint)),
        *_changes(plan, paint),
        list(_bulleted("Warnings", plan.warnings, "warn", paint)),
        list(_bulleted("Notes", plan.notes, "dim", paint)),
        list(_steps(plan.steps, paint)) if steps else [],
        list(_refusals(plan.refusals, paint)),
        [_verdict(plan, paint)],
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _header(plan: Plan, paint: Paint) -> str:
    left = f'netplan: topology "{safe(plan.topology)}" on engine {describe_engine(plan.engine)}'
    return f"{paint('bold', left)}{' ' * max(2, 72 - len(left))}{paint('dim', 'plan ' + plan.fingerprint[:8])}"


def describe_engine(engine: EngineInfo) -> str:
    """`28.5.2 (unix)`; another product than Docker is named."""
    product = "Podman " if engine.flavor == "podman" else ""
    return f"{product}{safe(engine.version)} ({safe(engine.transport)})"


def _drift(plan: Plan, paint: Paint) -> Iterator[str]:
    if plan.drift:
        yield paint("bold", "Drift") + " (changed since the last apply, not by this file)"
        width = column(safe(drift.subject) for drift in plan.drift)
        for drift in plan.drift:
            yield f"  {safe(drift.subject):<{width}}  {safe(drift.message)}"


def _changes(plan: Plan, paint: Paint) -> Iterator[list[str]]:
    """Each container with its lines; each network, directly followed by its endpoints."""
    heads = [_head(change) for change in plan.changes]
    width = max(60, column(heads, 90))
    block: list[str] = []
    previous = None
    for change, head in zip(plan.changes, heads, strict=True):
        group = change.network or change.container
        if block and group != previous:
            yield block
            block = []
        block += _change(change, paint, head, width)
        previous = group
    if block:
        yield block


def _head(change: Change) -> str:
    sign, _ = SIGNS[change.actions]
    return f"{sign:>3} {_resource(change)}"


def _resource(change: Change) -> str:
    network, container = safe(change.network), safe(change.container)
    match change.kind:
        case "network":
            return f"network {network}  {safe(change.reason)}"
        case "image":
            return f"pull image {safe(change.image)}  {safe(change.reason)}"
        case "container":
            what = f"start {container}" if change.actions == ("start",) else f"container {container}"
            return f"{what}  {safe(change.reason)}"
    match change.actions:
        case ("connect",):
            return f"connect {container} -> {network}{_inline(change.differences)}"
        case ("disconnect",):
            return f"disconnect {container} from {network}  {safe(change.reason)}"
        case _:
            return f"reconnect {container} on {network}  {safe(change.reason)}"


def _inline(differences: tuple[Difference, ...]) -> str:
    """A new endpoint's settings on its own line: ` (alias web, address 10.1.0.9)`."""
    words = {"aliases": "alias", "ipv4_address": "address", "ipv6_address": "address", "link_local_ips": "link-local"}
    parts = [f"{words.get(d.path, label(d.path))} {before_after(d)[1]}" for d in differences if d.after not in (None, ())]
    return f" ({', '.join(parts)})" if parts else ""


def _change(change: Change, paint: Paint, head: str = "", width: int = 0) -> Iterator[str]:
    _, style = SIGNS[change.actions]
    source = f"{' ' * (width - len(head))}  {paint('dim', safe(str(change.source)))}" if change.source else ""
    yield paint(style, head) + source
    if change.actions != ("connect",):
        yield from _differences(change, paint)
    if change.interrupts and not (change.kind == "container" and change.actions == ("delete",)):
        yield f"      {paint('warn', 'interrupts:')} {', '.join(map(safe, change.interrupts))}"
    for note in change.notes:
        yield f"      {paint('dim', safe(note))}"


def _differences(change: Change, paint: Paint) -> Iterator[str]:
    created = change.actions == ("create",)
    rows = [(label(d.path), before_after(d)[1] if created else both(d), d) for d in in_reading_order(change.differences)]
    names = column(name for name, _, _ in rows)
    values = column((value for _, value, _ in rows), 90)
    for name, value, difference in rows:
        why = paint("dim", f"  # {why_changed(difference)}") if change.actions == ("delete", "create") else ""
        yield f"      {name:<{names}}  {value:<{values}}{why}".rstrip()


def hidden_change(difference: Difference) -> bool:
    """Whether a secret changes: both of its values would look the same."""
    return secret(difference.path) and difference.before is not None and difference.after is not None


def both(difference: Difference) -> str:
    """`10.1.0.0/24 -> 10.2.0.0/24`; of a secret only that it changes."""
    return f"changed {HIDDEN}" if hidden_change(difference) else " -> ".join(before_after(difference))


def readable(path: str, value: Value | None) -> Value | None:
    """A setting's value as a person writes it: commands as the shell would have them, times and sizes with their units, no secrets."""
    if path == "network_mode":
        return _ID.sub(r"\1", str(value)) if value else "networks"
    if value in (None, ()) or (path in ("mem_limit", "cpus") and value in (0, "0")):
        return None
    if secret(path):
        return HIDDEN
    if isinstance(value, tuple):
        return shlex.join(value) if path in ("command", "entrypoint") else " ".join(value) if path == "healthcheck.test" else value
    if path == "stop_grace_period":
        return f"{value}s"
    if path.startswith("healthcheck.") and path != "healthcheck.retries":
        return f"{int(value) / 1e9:g}s"
    if path == "mem_limit":
        return next((f"{int(value) >> shift}{unit}" for unit, shift in _SIZES if int(value) and not int(value) % (1 << shift)), value)
    return "an anonymous volume" if path.startswith("volumes.") and value == "volume:" else value


_SIZES = (("g", 30), ("m", 20), ("k", 10))
_ID = re.compile("(?<=^container:)([0-9a-f]{12})[0-9a-f]{52}$")
"""A container that is gone has no name to be called by: the beginning of its ID stands for it, as in `docker ps`."""


def secret(path: str) -> bool:
    """Whether a setting's value is for the engine's eyes only; what stands in its place is a digest, and not printed either."""
    return path.startswith("environment.")


def in_reading_order(differences: tuple[Difference, ...]) -> list[Difference]:
    """An image first, a subnet before its gateway, IPv4 before IPv6, options and labels last."""
    return sorted(differences, key=_reading_order)


def _reading_order(difference: Difference) -> tuple[int, str]:
    ranks = (rank for rank, start in enumerate(_READING_ORDER) if difference.path.startswith(start))
    return next(ranks, len(_READING_ORDER)), difference.path


def why_changed(difference: Difference) -> str:
    """Why a setting costs its network or container: who changed it, or that it cannot be changed in place."""
    return (
        difference.note
        or {
            "intent": "cannot be changed in place",
            "drift": "changed on the engine",
            "dropped": "no longer declared",
            "kept": "kept",
        }[difference.cause]
    )


def label(path: str) -> str:
    """A setting's path in the file's own words: `ipv4.subnet` is `subnet`, `ipv6.gateway` is `gateway (IPv6)`."""
    if path == f"driver_opts.{MTU_OPTION}":
        return "mtu"
    family, _, rest = path.partition(".")
    if family in ("ipv4", "ipv6") and rest:
        return safe(rest) + (" (IPv6)" if family == "ipv6" else "")
    return safe(path)


def before_after(difference: Difference, longest: int = LONGEST_VALUE) -> tuple[str, str]:
    """Both values of a difference, as people see them in every form of a plan."""
    before, after = (readable(difference.path, value) for value in (difference.before, difference.after))
    return show_value(before, longest), show_value(after, longest)


def show_value(value: Value | None, longest: int = LONGEST_VALUE) -> str:
    """A value on one line, shortened to `longest` characters; unset is `(unset)`."""
    if value is None or value == ():
        return "(unset)"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = safe(", ".join(value) if isinstance(value, tuple) else str(value))
    if text == "":
        return '""'
    return shortened(text, longest)


def _bulleted(title: str, lines: tuple[str, ...], style: str, paint: Paint) -> Iterator[str]:
    if lines:
        yield paint("bold", title)
        yield from (f"  {paint(style, safe(line))}" for line in lines)


def _steps(steps: tuple[Step, ...], paint: Paint) -> Iterator[str]:
    if steps:
        yield paint("bold", "Steps")
        yield from step_lines(steps, paint)


def step_lines(steps: tuple[Step, ...], paint: Paint = plain) -> Iterator[str]:
    """One line for each of at least one step: its number, what it does, what it waits for."""
    digits = len(str(len(steps)))
    texts = [shortened(safe(step.text), LONGEST_STEP) for step in steps]
    width = column(texts, 72)
    for step, text in zip(steps, texts, strict=True):
        yield f"  {step.id:>{digits}} {text:<{width}}  {paint('dim', _after(step))}".rstrip()


def _after(step: Step) -> str:
    """`after 1, 2`; order alone, without dependence, reads `once 3 has ended`; long lists are cut."""
    parts = []
    if step.needs:
        parts.append(f"after {_numbers(step.needs)}")
    if step.follows:
        parts.append(f"once {_numbers(step.follows)} {'has' if len(step.follows) == 1 else 'have'} ended")
    return ", ".join(parts)


def _numbers(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, numbers[:6]))
    return shown if len(numbers) <= 6 else f"{shown} and {len(numbers) - 6} more"


def _refusals(refusals: tuple[Refusal, ...], paint: Paint) -> Iterator[str]:
    if not refusals:
        return
    yield paint("error", "Refused") + " (nothing is done)"
    yield from refusal_lines(refusals, paint)


def refusal_lines(refusals: Iterable[Refusal], paint: Paint = plain) -> Iterator[str]:
    """Each with its place, and below it what to do."""
    for refusal in refusals:
        source = f"{refusal.source}: " if refusal.source else ""
        yield f"  {paint('dim', safe(source))}{safe(refusal.message)}"
        if refusal.way_out:
            yield f"    {safe(refusal.way_out)}"


def _verdict(plan: Plan, paint: Paint) -> str:
    return paint("bold", verdict(plan))


def verdict(plan: Plan) -> str:
    """The plan in one sentence."""
    if plan.refusals:
        count = len(plan.refusals)
        return f"Plan: refused for {count} reason{'s' if count != 1 else ''}."
    if plan.empty:
        return "Nothing to do: the engine is as declared."
    return f"Plan: {summary(plan)}"


def summary(plan: Plan) -> str:
    """`0 to create, 1 to replace, 0 to remove; 1 to connect, 0 to disconnect. 2 containers are interrupted.`

    Where containers come or go, what is counted is named: `networks: 1 to create; containers: 2 to create.`
    """
    counts, many = plan.counts(), len(plan.interrupts)
    interrupted = "No container is interrupted." if not many else f"{many} container{' is' if many == 1 else 's are'} interrupted."
    if any(plan.container_counts().values()):
        return f"{counted(plan)}. {interrupted}"
    networks = ", ".join(f"{counts[kind]} to {kind}" for kind in ("create", "replace", "remove"))
    words = ("connect", "reconnect", "disconnect") if counts["reconnect"] else ("connect", "disconnect")
    endpoints = ", ".join(f"{counts[kind]} to {kind}" for kind in words)
    return f"{networks}; {endpoints}. {interrupted}"


def counted(plan: Plan) -> str:
    """`1 to create, 2 to connect`: what there is to do, in short; where containers come or go `networks: 1 to create; containers: ...`."""
    counts, run = plan.counts(), plan.container_counts()
    if not any(run.values()):
        return _nonzero(counts, counts)
    kinds = {
        "networks": _nonzero(counts, ("create", "replace", "remove")),
        "attachments": _nonzero(counts, ("connect", "reconnect", "disconnect")),
        "containers": _nonzero(run, run),
    }
    return "; ".join(f"{what}: {found}" for what, found in kinds.items() if found)


def _nonzero(counts: Mapping[str, int], kinds: Iterable[str]) -> str:
    return ", ".join(f"{counts[kind]} to {kind}" for kind in kinds if counts[kind])


# --- JSON ------------------------------------------------------------------------------------------------------------


def render_json(plan: Plan) -> str:
    """The plan as schemas/plan.schema.json describes it; ends with a newline."""
    return json.dumps(plan_json(plan), indent=2, ensure_ascii=False) + "\n"


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values. A replacement's actions are `delete, create`, so a scan for `delete` misses nothing."""
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
        "applyable": plan.applyable,
        "summary": dict(plan.counts()),
        "containers": dict(plan.container_counts()),
        "drift": [{"subject": drift.subject, "message": drift.message} for drift in plan.drift],
        "changes": [_change_json(change) for change in plan.changes],
        "steps": [_step_json(step) for step in plan.steps],
        "interrupts": list(plan.interrupts),
        "refusals": [refusal_json(refusal) for refusal in plan.refusals],
        "warnings": list(plan.warnings),
        "notes": list(plan.notes),
    }


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
    return {"kind": change.kind, "name": change.image or change.container or change.network}


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "actions": list(change.actions),
        "resource": resource(change),
        "before": settings_json({d.path: d.before for d in change.differences if d.before is not None}),
        "after": settings_json({d.path: d.after for d in change.differences if d.after is not None}),
        "reason": change.reason,
        "drift": change.drift,
        "source": _source_json(change.source),
        "interrupts": list(change.interrupts),
    }


def _step_json(step: Step) -> dict[str, Any]:
    target = {"network": step.network, "network_id": step.network_id or None} if step.network else {}
    if step.container:
        target |= {"container": step.container, "container_id": step.container_id or None}
    if step.image:
        target["image"] = step.image
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
    return {path: HIDDEN if secret(path) else _value_json(settings[path]) for path in sorted(settings)}


def _value_json(value: Value | None) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _source_json(source: Source | None) -> dict[str, Any] | None:
    return {"file": source.file, "line": source.line, "column": source.column} if source else None

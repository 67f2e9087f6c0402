"""A plan as text for a person. Same plan, same bytes; every value is made harmless first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..model import EngineInfo
from ..plan import Change, Difference, Plan, Refusal, Step, named
from ..terminal import Paint, column, plain, safe, shortened
from .values import before_after, both, in_reading_order, label, why_changed

LONGEST_STEP = 200

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


def render_text(
    plan: Plan, paint: Paint = plain, *, steps: bool = True, refusals: bool = True
) -> str:
    """The whole plan: drift, changes, what is to be known, steps, counts. Ends with a newline.

    `steps=False` leaves the step list out, `refusals=False` why it is refused, where errors tell
    that.
    """
    sections = [
        [_header(plan, paint)],
        list(_drift(plan, paint)),
        *_changes(plan, paint),
        list(_bulleted("Warnings", plan.warnings, "warn", paint)),
        list(_bulleted("Notes", plan.notes, "dim", paint)),
        list(_left_out(plan, paint)),
        list(_steps(plan.steps, paint)) if steps else [],
        list(_refusals(plan.refusals, paint)) if refusals else [],
        [_verdict(plan, paint)],
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _header(plan: Plan, paint: Paint) -> str:
    left = f'netplan: topology "{safe(plan.topology)}" on engine {describe_engine(plan.engine)}'
    part = f"\nonly {safe(only(plan))}" if plan.only else ""
    gap, name = " " * max(2, 72 - len(left)), f"plan {plan.fingerprint[:8]}"
    return f"{paint('bold', left)}{gap}{paint('dim', name)}{part}"


def only(plan: Plan) -> str:
    """`web, db and what they need`: the part of a topology that a plan is for."""
    return f"{', '.join(plan.only)} and what {'it needs' if len(plan.only) == 1 else 'they need'}"


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
        group = change.network or change.container or change.kind
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
        case "volume":
            return f"volume {safe(change.volume)}  {safe(change.reason)}"
        case "image":
            return f"pull image {safe(change.image)}  {safe(change.reason)}"
        case "container":
            what = (
                f"start {container}" if change.actions == ("start",) else f"container {container}"
            )
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
    words = {
        "aliases": "alias",
        "ipv4_address": "address",
        "ipv6_address": "address",
        "link_local_ips": "link-local",
    }
    parts = [
        f"{words.get(d.path, label(d.path))} {before_after(d)[1]}"
        for d in differences
        if d.after not in (None, ())
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _change(change: Change, paint: Paint, head: str = "", width: int = 0) -> Iterator[str]:
    _, style = SIGNS[change.actions]
    source = (
        f"{' ' * (width - len(head))}  {paint('dim', safe(str(change.source)))}"
        if change.source
        else ""
    )
    yield paint(style, head) + source
    if change.actions != ("connect",):
        yield from _differences(change, paint)
    if change.interrupts and not (change.kind == "container" and change.actions == ("delete",)):
        yield f"      {paint('warn', 'interrupts:')} {', '.join(map(safe, change.interrupts))}"
    for note in change.notes:
        yield f"      {paint('dim', safe(note))}"


def _differences(change: Change, paint: Paint) -> Iterator[str]:
    created = change.actions == ("create",)
    rows = [
        (label(d.path), before_after(d)[1] if created else both(d), d)
        for d in in_reading_order(change.differences)
    ]
    names = column(name for name, _, _ in rows)
    values = column((value for _, value, _ in rows), 90)
    for name, value, difference in rows:
        why = (
            paint("dim", f"  # {why_changed(difference)}")
            if change.actions == ("delete", "create")
            else ""
        )
        yield f"      {name:<{names}}  {value:<{values}}{why}".rstrip()


def _bulleted(title: str, lines: tuple[str, ...], style: str, paint: Paint) -> Iterator[str]:
    if lines:
        yield paint("bold", title)
        yield from (f"  {paint(style, safe(line))}" for line in lines)


def _left_out(plan: Plan, paint: Paint) -> Iterator[str]:
    if plan.left_out:
        yield paint("bold", "Left out") + " (not possible, nothing is changed for these)"
        names = [safe(named(one.thing)) for one in plan.left_out]
        width = column(names)
        for name, one in zip(names, plan.left_out, strict=True):
            yield f"  {paint('warn', f'{name:<{width}}')}  {safe(one.why)}"


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
    """`after 1, 2`; order alone, without dependence, reads `once 3 has ended`; long lists are
    cut.
    """
    parts = []
    if step.needs:
        parts.append(f"after {_numbers(step.needs)}")
    if step.follows:
        parts.append(
            f"when {_numbers(step.follows)} {'has' if len(step.follows) == 1 else 'have'} finished"
        )
    return ", ".join(parts)


def _numbers(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, numbers[:6]))
    return shown if len(numbers) <= 6 else f"{shown} and {len(numbers) - 6} more"


def _refusals(refusals: tuple[Refusal, ...], paint: Paint) -> Iterator[str]:
    if not refusals:
        return
    yield paint("error", "Refused") + " (nothing is changed)"
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
    left_out = f" {len({one.thing for one in plan.left_out})} left out." if plan.left_out else ""
    if plan.empty and left_out:
        return f"Nothing can be done:{left_out}"
    if plan.empty:
        return f"Nothing to do: {'this part' if plan.only else 'the engine'} is as declared."
    return f"Plan: {summary(plan)}{left_out}"


def summary(plan: Plan) -> str:
    """`0 to create, 1 to replace, 0 to remove; 1 to connect, 0 to disconnect. 2 containers are
    interrupted.`

    Where containers come or go, what is counted is named: `networks: 1 to create; containers: 2 to
    create.`
    """
    counts, many = plan.counts(), len(plan.interrupts)
    interrupted = (
        "No container is interrupted."
        if not many
        else f"{many} container{' is' if many == 1 else 's are'} interrupted."
    )
    if any(plan.container_counts().values()) or any(plan.volume_counts().values()):
        return f"{counted(plan)}. {interrupted}"
    networks = ", ".join(f"{counts[kind]} to {kind}" for kind in ("create", "replace", "remove"))
    words = (
        ("connect", "reconnect", "disconnect") if counts["reconnect"] else ("connect", "disconnect")
    )
    endpoints = ", ".join(f"{counts[kind]} to {kind}" for kind in words)
    return f"{networks}; {endpoints}. {interrupted}"


def counted(plan: Plan) -> str:
    """`1 to create, 2 to connect`: what there is to do, in short; where containers come or go
    `networks: 1 to create; containers: ...`.
    """
    counts, run, held = plan.counts(), plan.container_counts(), plan.volume_counts()
    if not any(run.values()) and not any(held.values()):
        return _nonzero(counts, counts)
    kinds = {
        "volumes": _nonzero(held, held),
        "networks": _nonzero(counts, ("create", "replace", "remove")),
        "attachments": _nonzero(counts, ("connect", "reconnect", "disconnect")),
        "containers": _nonzero(run, run),
    }
    return "; ".join(f"{what}: {found}" for what, found in kinds.items() if found)


def _nonzero(counts: Mapping[str, int], kinds: Iterable[str]) -> str:
    return ", ".join(f"{counts[kind]} to {kind}" for kind in kinds if counts[kind])

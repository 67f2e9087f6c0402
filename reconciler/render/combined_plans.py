"""The plans of several files as one document: a summary and what stands between the files first,
then each plan.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ..fast_dataclasses import dataclass
from ..plan import Plan, Refusal
from ..terminal import Paint, column, plain, safe
from .as_json import plan_json, refusal_json
from .gfm import code, folded, html_code, marker
from .markdown import (
    LONGEST_TEXT,
    Part,
    boxed,
    fit,
    left_out,
    refusal_line,
    render_markdown,
    size,
    warnings,
)
from .text import counted, render_text

FORMAT_VERSION = 1
"""Of the JSON; schemas/plans.schema.json describes it."""

_HEAD = ("| | File | Topology | Verdict | Changes |", "|:-:|---|---|---|---|")
_ROOM = 500
"""Bytes kept free for saying what was left out."""
_MARKS = {"as declared": "✅", "changes": "🔶", "incomplete": "⚠️", "refused": "⛔"}


@dataclass(frozen=True, slots=True)
class Planned:
    """One file's plan; `command` applies it."""

    file: str
    plan: Plan
    command: str = ""

    @property
    def verdict(self) -> str:
        """`as declared`, `changes`, `incomplete` (something is left out) or `refused`."""
        if not self.plan.applyable:
            return "refused"
        if self.plan.left_out:
            return "incomplete"
        return "as declared" if self.plan.empty else "changes"

    @property
    def counts(self) -> str:
        """`1 to create, 2 to connect`: what there is to do, in short."""
        return counted(self.plan)


def _headline(planned: Sequence[Planned], conflicts: Sequence[Refusal]) -> str:
    """`3 topologies: 2 with changes, 1 refused; 1 conflict between them.`"""
    found = Counter(one.verdict for one in planned)
    words = {
        "changes": "with changes",
        "incomplete": "incomplete",
        "refused": "refused",
        "as declared": "as declared",
    }
    parts = ", ".join(
        f"{found[verdict]} {word}" for verdict, word in words.items() if found[verdict]
    )
    between = (
        f"; {len(conflicts)} conflict{'' if len(conflicts) == 1 else 's'} between them"
        if conflicts
        else ""
    )
    return f"{len(planned)} topolog{'y' if len(planned) == 1 else 'ies'}: {parts}{between}."


# --- text -----------------------------------------------------------------------------------------


def folder_text(
    planned: Sequence[Planned], conflicts: Sequence[Refusal], paint: Paint = plain
) -> str:
    """The summary as a table, then every plan; ends with a newline. Why a plan is refused, and
    conflicts, errors tell.
    """
    rows = [
        ("file", "topology", "verdict", "changes"),
        *((safe(p.file), safe(p.plan.topology), p.verdict, p.counts) for p in planned),
    ]
    widths = [column(cells) for cells in zip(*rows, strict=True)]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    sections = ["\n".join([paint("dim", lines[0]), *lines[1:]])]
    sections.append(paint("bold", _headline(planned, conflicts)))
    return (
        "\n\n".join(
            [
                *sections,
                *(render_text(one.plan, paint, refusals=False).rstrip("\n") for one in planned),
            ]
        )
        + "\n"
    )


# --- JSON -----------------------------------------------------------------------------------------


def folder_json(planned: Sequence[Planned], conflicts: Sequence[Refusal]) -> str:
    """One document, as schemas/plans.schema.json describes it; ends with a newline."""
    value: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "summary": [_summary_json(one) for one in planned],
        "conflicts": [refusal_json(conflict) for conflict in conflicts],
        "plans": [plan_json(one.plan) for one in planned],
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _summary_json(one: Planned) -> dict[str, Any]:
    counts = {"counts": dict(one.plan.counts()), "containers": dict(one.plan.container_counts())}
    return {"file": one.file, "topology": one.plan.topology, "verdict": one.verdict, **counts}


# --- Markdown -------------------------------------------------------------------------------------


def folder_markdown(
    name: str,
    planned: Sequence[Planned],
    conflicts: Sequence[Refusal],
    *,
    limit: int = LONGEST_TEXT,
) -> str:
    """One comment of at most `limit` bytes: the summary, conflicts and warnings, then each plan
    folded. `name` is the folder's.
    """
    head = [marker(name), f"### netplan: {code(name)}", f"**{_headline(planned, conflicts)}**"]
    parts = [
        Part("lines of the warnings", boxed("WARNING", _warnings(planned))),
        Part("of the conflicts", boxed("CAUTION", map(refusal_line, conflicts))),
        Part("of the topologies", [_row(one) for one in planned], "\n".join(_HEAD) + "\n"),
    ]
    room = limit - size("\n\n".join(head)) - _ROOM
    fit(parts, room)
    room -= sum(size(part.shown) + 2 for part in parts)
    bodies = Part("of the plans", _bodies(planned, room))
    fit([bodies], 0 if any(part.left_out for part in parts) else room)
    warned, refused, table = parts
    shown = [
        *head,
        refused.shown,
        warned.shown,
        left_out([*parts, bodies]),
        table.shown,
        bodies.shown,
    ]
    return "\n\n".join(filter(None, shown)) + "\n"


def _warnings(planned: Sequence[Planned]) -> Iterator[str]:
    for one in planned:
        yield from (f"{code(one.plan.topology)}: {sentence}" for sentence in warnings(one.plan))


def _row(one: Planned) -> str:
    return (
        f"| {_MARKS[one.verdict]} | {code(one.file)} | {code(one.plan.topology)} | {one.verdict} |"
        f" {one.counts} |"
    )


def _bodies(planned: Sequence[Planned], room: int) -> list[str]:
    """Each plan folded. Where they do not fit, the long ones share what the short ones leave."""
    bodies = [_body(one, LONGEST_TEXT) for one in planned]
    left = len(bodies)
    for index in sorted(range(left), key=lambda index: size(bodies[index])):
        share = room // left - 1
        if size(bodies[index]) > share:
            bodies[index] = _body(planned[index], share)
        room -= size(bodies[index]) + 1
        left -= 1
    return bodies


def _body(one: Planned, limit: int) -> str:
    summary = f"{html_code(one.file)}: {one.verdict}{f': {one.counts}' if one.counts else ''}"
    empty = folded(summary, "")
    return (
        folded(
            summary,
            render_markdown(one.plan, one.command, limit=limit - size(empty) - 2, embedded=True),
        )
        + "\n"
    )

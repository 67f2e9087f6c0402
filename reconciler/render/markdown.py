"""A plan as GitHub's Markdown, to be read in a pull request. Same plan, same bytes; every value
shows as it is and does nothing (gfm.py).

GitHub takes no comment over 65,536 characters. What does not fit is left out, the least needed
first: the diff, the steps, the notes, then rows of the table; and that is said. Who is interrupted
and what is taken away is left out last, only where it alone is too long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ..fast_dataclasses import dataclass
from ..plan import LOSES_VOLUMES, Change, Difference, LeftOut, Plan, Refusal, named
from ..terminal import safe, shortened
from .as_json import resource
from .gfm import code, fence, folded, marker, names, prose
from .text import SIGNS, describe_engine, step_lines, verdict
from .values import before_after, hidden_change, in_reading_order, label, why_changed

LONGEST_TEXT = 64_536
"""Bytes of the whole; never fewer than its characters, which GitHub counts. The rest is for what
scripts/comment.py adds.
"""

MOST_DIFFERENCES = 8
"""Settings of one change that its row shows; the diff has them all."""
LONGEST_SENTENCE = 600
"""Characters of a reason or a note."""
LONGEST_WARNING = 20_000
"""Characters of a warning of the planner, which may name a thousand containers."""
LONGEST_DIFF_LINE = 300
"""Characters of one value of the diff, and of what it is called."""
_DOES = {
    ("delete",): "remove",
    ("delete", "create"): "**replace**",
    ("disconnect", "connect"): "reconnect",
}
_REPLACED = ("delete", "create")
_HEAD = ("| | Resource | Change | Why | Source |", "|:-:|---|---|---|---|")
_REST = "see the plan as text or JSON for the rest"
_ROOM = 400
"""Bytes kept free for saying what was left out."""
_NAMES_A_LINE = 100
_LONGEST_COMMAND = 4000


@dataclass
class Part:
    """A piece of the document: whole, or of `lines` those that fit between `before` and `after`."""

    name: str
    lines: list[str]
    before: str = ""
    after: str = ""
    whole: bool = False
    shown: str = ""
    left_out: int = 0

    def fit(self, room: int) -> int:
        """Takes what fits into `room` bytes and returns how many it took."""
        if not self.lines:
            return 0
        used = size(self.before) + size(self.after) + 2
        taken: list[str] = []
        for line in self.lines:
            used += size(line) + 1
            if used > room:
                break
            taken.append(line)
        if self.whole and len(taken) < len(self.lines):
            taken = []
        self.left_out = len(self.lines) - len(taken)
        self.shown = self.before + "\n".join(taken) + self.after if taken else ""
        return size(self.shown) + 2 if taken else 0


def size(text: str) -> int:
    """Its bytes."""
    return len(text.encode("utf-8", "surrogatepass"))


def render_markdown(
    plan: Plan, command: str = "", *, limit: int = LONGEST_TEXT, embedded: bool = False
) -> str:
    """The plan as one comment of at most `limit` bytes; ends with a newline.

    `command` is what applies exactly this plan. The first line is the hidden marker (gfm.py) of the
    topology. `embedded`: without it and the warnings, for a larger comment that has both.
    """
    head = ([] if embedded else [marker(plan.topology)]) + [
        f"### netplan: {code(plan.topology)}",
        _verdict(plan),
    ]
    foot = _foot(plan, command)
    parts = {
        "warning": Part(
            "lines of the warnings", [] if embedded else boxed("WARNING", warnings(plan))
        ),
        "refusals": Part("of the refusals", boxed("CAUTION", map(refusal_line, plan.refusals))),
        "left out": Part(
            "of what is left out",
            [f"- {_left_out(one)}" for one in plan.left_out],
            "**Left out**\n\n",
        ),
        "drift": Part(
            "of the drift",
            [f"- {code(d.subject)}: {prose(d.message, LONGEST_SENTENCE)}" for d in plan.drift],
            _DRIFT,
        ),
        "table": Part(
            "of the changes", [_row(change) for change in plan.changes], "\n".join(_HEAD) + "\n"
        ),
        "notes": Part(
            "of the notes",
            [f"- {prose(note, LONGEST_SENTENCE)}" for note in plan.notes],
            "**Notes**\n\n",
        ),
        "steps": _block(
            "the steps",
            f"Steps ({len(plan.steps)})",
            list(step_lines(plan.steps)) if plan.steps else [],
        ),
        "diff": _block("the diff", "Diff", list(map(safe, _diff(plan.changes))), "diff"),
    }
    fit(parts.values(), limit - size("\n\n".join([*head, *foot])) - _ROOM)
    said = left_out(parts.values())
    above = (parts["refusals"], parts["warning"], said, parts["left out"], parts["drift"])
    order = (*above, parts["table"], parts["notes"], parts["steps"], parts["diff"])
    body = [part.shown if isinstance(part, Part) else part for part in order]
    return "\n\n".join(filter(None, [*head, *body, *foot])) + "\n"


def fit(parts: Iterable[Part], room: int) -> None:
    """Gives each part, the most needed first, what is left of `room`; after one that is not whole
    there is nothing for the others.
    """
    for part in parts:
        room -= part.fit(room)
        if part.left_out:
            room = 0


def left_out(parts: Iterable[Part]) -> str:
    """Says what did not fit, if anything did not."""
    gone = [
        part.name if part.whole else f"{part.left_out} {part.name}"
        for part in parts
        if part.left_out
    ]
    return f"**Too long for one comment, left out: {', '.join(gone)}**; {_REST}." if gone else ""


def _block(name: str, summary: str, lines: list[str], language: str = "") -> Part:
    return Part(name, [folded(summary, fence(lines, language))] if lines else [], whole=True)


# --- above the table ------------------------------------------------------------------------------

_DRIFT = "**Drift** (changed since the last apply, not by this file)\n\n"


def _verdict(plan: Plan) -> str:
    kind, _, rest = verdict(plan).partition(": ")
    part = (
        f" Only {names(plan.only)} and what {'it needs' if len(plan.only) == 1 else 'they need'}."
        if plan.only
        else ""
    )
    return f"**{kind}:** {rest}{part} Engine {code(describe_engine(plan.engine))}."


def _left_out(one: LeftOut) -> str:
    way_out = (
        f"<br>{prose(one.refusal.way_out, LONGEST_SENTENCE)}"
        if one.refusal and one.refusal.way_out
        else ""
    )
    return f"{code(named(one.thing))}: {prose(one.why, LONGEST_SENTENCE)}{way_out}"


def warnings(plan: Plan) -> Iterator[str]:
    """Who is interrupted and what is taken away, all by name, then what else is to be known:
    sentences in Markdown.
    """
    words = "{}" if plan.applyable else "Would be {}"
    yield from _listed(words.format("interrupted").capitalize(), map(code, plan.interrupts))
    for word, found in _taken_away(plan.changes):
        yield from _listed(words.format(word).capitalize(), map(subject, found))
    yield from (prose(warning, LONGEST_WARNING) for warning in plan.warnings)


def _taken_away(changes: Iterable[Change]) -> Iterator[tuple[str, list[Change]]]:
    """What was done to it, in a word or two, and to what."""
    by_actions: dict[tuple[str, ...], list[Change]] = {}
    for change in changes:
        by_actions.setdefault(change.actions, []).append(change)
    replaced = by_actions.get(_REPLACED, [])
    gone = by_actions.get(("delete",), [])
    yield "removed", [change for change in gone if change.kind != "volume"]
    yield (
        "removed, with all that they hold",
        [change for change in gone if change.kind == "volume"],
    )
    yield "replaced", [change for change in replaced if change.kind != "container"]
    yield (
        "recreated, data outside volumes is lost",
        [change for change in replaced if change.kind == "container"],
    )
    yield (
        "anonymous volumes removed",
        [c for c in (*gone, *replaced) if any(note.startswith(LOSES_VOLUMES) for note in c.notes)],
    )
    yield (
        "restarted",
        [change for change in by_actions.get(("start",), []) if change.interrupts],
    )
    yield "disconnected", by_actions.get(("disconnect",), [])


def _listed(word: str, items: Iterable[str]) -> Iterator[str]:
    found = list(items)
    for first in range(0, len(found), _NAMES_A_LINE):
        count = f" ({len(found)})" if len(found) > 1 else ""
        title = f"{word}{count}:" if first == 0 else f"{word}, continued:"
        yield f"**{title}** {', '.join(found[first : first + _NAMES_A_LINE])}"


def boxed(kind: str, sentences: Iterable[str]) -> list[str]:
    """The lines of one of GitHub's own boxes, which cannot be folded."""
    lines = [f"> - {sentence}" for sentence in sentences]
    return [f"> [!{kind}]", *lines] if lines else []


def refusal_line(refusal: Refusal) -> str:
    """Where, why, and what to do."""
    source = f"{code(str(refusal.source))}: " if refusal.source else ""
    way_out = f"<br>{prose(refusal.way_out, LONGEST_SENTENCE)}" if refusal.way_out else ""
    return f"{source}{prose(refusal.message, LONGEST_SENTENCE)}{way_out}"


# --- the table ------------------------------------------------------------------------------------


def subject(change: Change, name: Callable[[str], str] = code) -> str:
    """What changes, in Markdown: ``network `backend` ``, `` `web` on `backend` ``."""
    what = resource(change)
    return (
        f"{name(what['container'])} on {name(what['network'])}"
        if what["kind"] == "endpoint"
        else f"{what['kind']} {name(what['name'])}"
    )


def _row(change: Change) -> str:
    sign, _ = SIGNS[change.actions]
    source = code(str(change.source)) if change.source else ""
    does = (
        "**recreate**"
        if _recreates(change)
        else _DOES.get(change.actions, ", ".join(change.actions))
    )
    cells = (
        code(sign),
        subject(change),
        "<br>".join([does, *_settings(change)]),
        _sentences([*_why(change)]),
        source,
    )
    return f"| {' | '.join(cells)} |"


def _sentences(found: list[str]) -> str:
    """Several, each on lines of its own, are told apart by bullets: a narrow column breaks them
    anywhere.
    """
    return "<br>".join(found if len(found) == 1 else (f"• {sentence}" for sentence in found))


def _recreates(change: Change) -> bool:
    return change.kind == "container" and change.actions == _REPLACED


def _settings(change: Change) -> Iterator[str]:
    differences = in_reading_order(change.differences)
    for difference in differences[:MOST_DIFFERENCES]:
        yield _setting(difference, new=change.actions in (("create",), ("connect",)))
    if (more := len(differences) - MOST_DIFFERENCES) > 0:
        yield f"and {more} more"


def _setting(difference: Difference, new: bool) -> str:
    name, (before, after) = code(label(difference.path)), map(code, before_after(difference))
    if hidden_change(difference):
        return f"{name}: changed, its values are hidden"
    return f"{name}: {after}" if new else f"{name}: {before} → {after}"


def _why(change: Change) -> Iterator[str]:
    if change.reason:
        yield prose(change.reason, LONGEST_SENTENCE)
    if change.actions == _REPLACED:
        causes: dict[str, list[str]] = {}
        for difference in in_reading_order(change.differences):
            causes.setdefault(why_changed(difference), []).append(label(difference.path))
        for cause, paths in causes.items():
            more = (
                f" and {len(paths) - MOST_DIFFERENCES} more"
                if len(paths) > MOST_DIFFERENCES
                else ""
            )
            yield f"{names(paths[:MOST_DIFFERENCES])}{more}: {cause}"
    if change.interrupts and not (change.kind == "container" and change.actions == ("delete",)):
        yield f"interrupts {_some(change.interrupts)}"
    yield from (prose(note, LONGEST_SENTENCE) for note in change.notes)


def _some(items: tuple[str, ...]) -> str:
    """The warning above the table names them all."""
    more = len(items) - MOST_DIFFERENCES
    return f"{names(items[:MOST_DIFFERENCES])}{f' and {more} more' if more > 0 else ''}"


# --- below the table ------------------------------------------------------------------------------


def _diff(changes: Iterable[Change]) -> Iterator[str]:
    """Each change of settings with all of them, as a diff."""
    for change in changes:
        sign, _ = SIGNS[change.actions]
        if change.differences:
            yield f"@@ {sign} {shortened(subject(change, str), LONGEST_DIFF_LINE)} @@"
        for difference in in_reading_order(change.differences):
            name, (before, after) = (
                shortened(label(difference.path), LONGEST_DIFF_LINE),
                before_after(difference, LONGEST_DIFF_LINE),
            )
            if hidden_change(difference):
                yield f"! {name}: changed, its values are hidden"
                continue
            if difference.before not in (None, ()):
                yield f"- {name}: {before}"
            if difference.after not in (None, ()):
                yield f"+ {name}: {after}"


def _foot(plan: Plan, command: str) -> list[str]:
    lines = [f"Fingerprint {code(plan.fingerprint)}"]
    if 0 < len(command) <= _LONGEST_COMMAND and plan.applyable and not plan.empty:
        lines[0] += "; apply this plan with"
        lines.append(fence([command], "sh"))
    return lines

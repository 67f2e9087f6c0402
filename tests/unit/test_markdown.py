"""Markdown as GitHub's own parser reads it: hostile values show and do nothing; too long a plan
loses its least needed parts.
"""

# ruff: noqa: E501

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import EngineInfo, Source
from reconciler.plan import Change, Difference, Drift, Plan, Refusal, Step
from reconciler.render.combined_plans import Planned, folder_json, folder_markdown, folder_text
from reconciler.render.gfm import code, fence, marker, prose
from reconciler.render.markdown import LONGEST_TEXT, render_markdown
from reconciler.render.values import before_after
from reconciler.terminal import safe
from tests.examples import examples

GOLDEN = Path(__file__).parents[1] / "golden"
ALLOWED = {
    *(
        "h3",
        "p",
        "strong",
        "code",
        "pre",
        "blockquote",
        "ul",
        "li",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "br",
        "wbr",
    ),
    *("details", "summary"),
}
ACTED_ON = re.compile(r"[@#<>]|://|www\.|\b[A-Za-z]+-\d+\b|\b[0-9a-f]{7,}\b|:\w+:|\$")
"""What GitHub makes something of in text that is not code."""


class Seen(HTMLParser):
    """What a reader sees: `code` and `plain` text, `rows` of tables, `blocks` of code, and every
    kind of tag.
    """

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.code: list[str] = []
        self.plain, self.rows, self.blocks, self._open = "", 0, [""], ""
        self.comments: list[str] = []
        self.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert all(name in ("align", "lang") for name, _ in attrs), (tag, attrs)
        self.rows += tag == "tr"
        self.plain += "\n" if tag == "br" else ""
        if tag in ("code", "pre"):
            self._open = tag if self._open != "pre" else "pre"
            (self.blocks if self._open == "pre" else self.code).append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open == "code":
            self.code[-1] += data
        elif self._open == "pre":
            self.blocks[-1] += data
        else:
            self.plain += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def harmless(markdown: str) -> Seen:
    seen = Seen(markdown)
    assert seen.tags <= ALLOWED, seen.tags - ALLOWED
    text = re.sub(r"\[!(WARNING|CAUTION)\]", "", seen.plain)
    assert not ACTED_ON.search(text), ACTED_ON.search(text)
    return seen


HOSTILE = [
    "a|b", "|", "`", "``x", "`a` | `b`", "<script>alert(1)</script>", "</details></table>", "<!-- x -->", "-->", "\x1b[31mred\x1b[0m",
    "two\nlines", "\r\n\r\n# head", "@octocat", "@org/team", "#123", "GH-123", "o/r#1", "http://evil.example", "https://e.example/?a=1&b=2",
    "www.evil.example", "me@evil.example", "a@b.co|", "![x](http://e.example/x.png)", "[click](javascript:alert(1))", "[x]: http://e.example",
    "**bold**", "_it_", "~~no~~", "$x$", "$`x`$", ":smile:", "\\", "a\\", "\\|", "&lt;b&gt;", "&#64;x", " x ", " ", "", "- [ ] task",
    "1. one", "1.", "+", "> quote", "```", "~~~", "deadbeefdeadbeef", "\u202eevil", "\u200b", "\u00e9\u4e2d\U0001f600",
    "\ud800", "x" * 1_000_000,
    "x y " * 250_000, "[!NOTE]", "---", "===", "@@", "a" * 40 + "@b.example", "JIRA-7", "{{x}}", "\t", "@org/team.",
]  # fmt: skip
anything = (
    st.sampled_from(HOSTILE) | st.text(max_size=30) | st.text("|`\\<>@#*_&;: \n-", max_size=20)
)


def plan_of(text: str, *, refused: bool = False) -> Plan:
    """A plan in which `text` is everywhere where text can be."""
    source = Source(text, 1)
    changed = (
        Difference("labels." + text, text, (text, "b"), "intent"),
        Difference("ipv4.subnet", None, text),
    )
    changes = (
        Change(
            ("delete", "create"),
            text,
            differences=changed,
            reason=text,
            source=source,
            interrupts=(text,),
            notes=(text,),
        ),
        Change(("connect",), text, text, differences=changed, reason=text, source=source),
        Change(("delete",), text, reason=text),
    )
    steps = (Step(1, "remove", text, text), Step(2, "connect", text, text, text, needs=(1,)))
    refusals = (Refusal(text, text, source=source),) if refused else ()
    engine = EngineInfo(version=text)
    return Plan(
        text,
        engine,
        changes,
        steps,
        (Drift(text, text),),
        refusals,
        (f"network {text} changes",),
        (text,),
        "0" * 64,
    )


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:20]))
@pytest.mark.parametrize("refused", [False, True])
def test_a_hostile_value_shows_and_does_nothing(text: str, refused: bool) -> None:
    markdown = render_markdown(plan_of(text, refused=refused), "netplan apply x")
    seen = harmless(markdown)
    assert seen.rows == 4
    assert len(markdown.encode()) <= LONGEST_TEXT
    assert len(seen.comments) == 1
    shown = safe(text)[:50].strip()
    assert any(shown in part for part in (*seen.code, seen.plain))


@given(anything, st.booleans())
@examples(200)
def test_any_value_shows_and_does_nothing(text: str, refused: bool) -> None:
    seen = harmless(render_markdown(plan_of(text, refused=refused), "netplan apply x"))
    assert seen.rows == 4
    steps = next(block for block in seen.blocks if "remove network" in block)
    assert len(steps.rstrip("\n").splitlines()) == 2


@given(anything)
@examples(300)
def test_a_code_span_in_a_cell_is_the_text(text: str) -> None:
    seen = harmless(f"| x |\n|---|\n| {code(text)} |\n")
    shown = safe(text) if len(safe(text)) <= 120 else seen.code[0]
    assert re.sub(" +", " ", seen.code[0]) == (re.sub(" +", " ", shown) or "\u00a0")
    assert seen.rows == 2


@given(anything)
@examples(300)
def test_a_sentence_is_its_words(text: str) -> None:
    html = Seen(f"- {prose('it is ' + text[:100])}\n")
    assert "table" not in html.tags
    harmless(f"- {prose('it is ' + text)}\n")


@given(st.lists(anything, min_size=1, max_size=4))
@examples(200)
def test_a_block_ends_where_it_ends(lines: list[str]) -> None:
    lines = [line[:200] + "." for line in lines]
    seen = Seen(fence(lines, "sh") + "\n\nafter\n")
    assert "".join(seen.blocks).rstrip("\n").split("\n") == [safe(line) for line in lines]
    assert "after" in seen.plain


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("shop", "<!-- netplan:shop -->"),
        ("a--b", "<!-- netplan:a-%2Db -->"),
        ("-->", "<!-- netplan:-%2D%3E -->"),
        ("lab/x.y_z", "<!-- netplan:lab/x.y_z -->"),
        ("é\n", "<!-- netplan:%C3%A9%0A -->"),
    ],
)
def test_the_marker_is_one_hidden_line(name: str, line: str) -> None:
    assert marker(name) == line
    assert Seen(line).plain.strip() == ""


# --- too long -------------------------------------------------------------------------------------


def long_plan(changes: int, interrupted: int, word: str = "x") -> Plan:
    names = tuple(f"container-{number:05}" for number in range(interrupted))
    return Plan(
        "long",
        EngineInfo(version="28"),
        tuple(
            Change(
                ("delete", "create") if number == 0 else ("connect",),
                f"net-{number:05}",
                "" if number == 0 else f"c-{number:05}",
                (Difference("labels.x", "a", word * 30),),
                "because",
                Source("long.yaml", number + 1),
                names if number == 0 else (),
            )
            for number in range(changes)
        ),
        tuple(
            Step(number + 1, "create", f"net-{number:05}", "because") for number in range(changes)
        ),
        warnings=("the last warning",),
        notes=("a note",),
        fingerprint="f" * 64,
    )


def parts(markdown: str) -> Iterator[str]:
    seen = Seen(markdown)
    yield from ("diff",) if "```diff" in markdown else ()
    yield from ("steps",) if "Steps (" in markdown else ()
    yield f"{seen.rows - 1} rows"


@pytest.mark.parametrize(
    ("changes", "shown", "said"),
    [
        (100, ["diff", "steps", "100 rows"], None),
        (290, ["steps", "290 rows"], "left out: the diff"),
        (500, ["500 rows"], "left out: the steps, the diff"),
        (1000, ["rows"], "of the changes, 1 of the notes, the steps, the diff"),
    ],
)
def test_what_does_not_fit_goes_in_order(changes: int, shown: list[str], said: str | None) -> None:
    markdown = render_markdown(long_plan(changes, 3), "netplan apply long.yaml")
    assert len(markdown) <= len(markdown.encode()) <= LONGEST_TEXT
    found = list(parts(markdown))
    assert (
        found == shown
        if changes < 1000
        else (len(found) == 1 and 0 < int(found[0].split()[0]) < 1000)
    )
    assert (said in markdown) if said else "left out" not in markdown
    assert "the last warning" in markdown
    assert markdown.rstrip().endswith("netplan apply long.yaml\n```")


@pytest.mark.parametrize("interrupted", [1, 100, 101, 1000, 3000])
def test_whoever_is_interrupted_is_named(interrupted: int) -> None:
    plan = long_plan(1000, interrupted)
    markdown = render_markdown(plan)
    assert len(markdown.encode()) <= LONGEST_TEXT
    assert set(plan.interrupts) <= set(Seen(markdown).code)
    assert "the last warning" in markdown


def test_what_fits_in_no_comment_is_said_to_be_missing() -> None:
    markdown = render_markdown(long_plan(10, 10_000))
    assert len(markdown.encode()) <= LONGEST_TEXT
    assert "Interrupted (10000):" in markdown
    assert re.search(r"left out: \d+ lines of the warnings", markdown)


@given(
    st.integers(0, 400),
    st.integers(0, 5000),
    st.sampled_from(["x", "é", "\U0001f600", "|"]),
    st.integers(4000, LONGEST_TEXT),
)
@examples(60)
def test_it_is_never_too_long(changes: int, interrupted: int, word: str, limit: int) -> None:
    markdown = render_markdown(
        long_plan(changes, interrupted, word), "netplan apply x", limit=limit
    )
    assert len(markdown.encode()) <= limit


# --- folders --------------------------------------------------------------------------------------


def folder(count: int, changes: int) -> list[Planned]:
    return [
        Planned(f"lab/{n}.yaml", long_plan(changes, 2), f"netplan apply lab/{n}.yaml")
        for n in range(count)
    ]


@pytest.mark.parametrize(("count", "changes"), [(1, 1), (3, 50), (10, 300), (40, 40), (200, 5)])
def test_a_folder_fits_into_one_comment(count: int, changes: int) -> None:
    markdown = folder_markdown("lab/", folder(count, changes), ())
    seen = harmless(markdown)
    assert len(markdown.encode()) <= LONGEST_TEXT
    assert seen.comments == [" netplan:lab/ "]
    assert markdown.count("<details>") == markdown.count("</details>")
    assert {f"lab/{number}.yaml" for number in range(count)} <= {*seen.code}


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:20]))
def test_a_folder_of_hostile_names_is_harmless(text: str) -> None:
    conflict = Refusal(text, text, source=Source(text, 3))
    planned = [Planned(text, plan_of(text), text), Planned("b", plan_of(text, refused=True))]
    markdown = folder_markdown(text, planned, [conflict])
    seen = harmless(markdown)
    assert seen.rows == 3 + 2 * 4
    assert len(markdown.encode()) <= LONGEST_TEXT
    shown = folder_text(planned, [conflict])
    assert all(character.isprintable() or character == "\n" for character in shown)


def test_a_folder_is_one_json_document() -> None:
    value = json.loads(folder_json(folder(3, 2), [Refusal("a", "b")]))
    assert [one["file"] for one in value["summary"]] == ["lab/0.yaml", "lab/1.yaml", "lab/2.yaml"]
    assert len(value["plans"]) == 3


@pytest.mark.parametrize("case", sorted(folder.name for folder in GOLDEN.iterdir()))
def test_a_golden_is_harmless(case: str) -> None:
    markdown = (GOLDEN / case / "plan.md").read_text(encoding="utf-8")
    changes = json.loads((GOLDEN / case / "plan.json").read_text(encoding="utf-8"))["changes"]
    assert harmless(markdown).rows == (len(changes) + 1 if changes else 0)


LONG = "registry.example.com/team/a-service-with-a-long-name/backend-api:"


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (LONG + "1.2.3", LONG + "1.2.4", ("…ame/backend-api:1.2.3", "…ame/backend-api:1.2.4")),
        ("x" * 200, "x" * 205, ("…" + "x" * 20, "…" + "x" * 25)),
        ("short", "y" * 100, ("short", "y" * 59 + "… (100 characters)")),
        (None, "z" * 70, ("(unset)", "z" * 59 + "… (70 characters)")),
        (
            "a" * 70 + "b" * 70,
            "a" * 70 + "c" * 70,
            (
                "…" + "a" * 20 + "b" * 38 + "… (140 characters)",
                "…" + "a" * 20 + "c" * 38 + "… (140 characters)",
            ),
        ),
    ],
)
def test_two_long_values_are_shown_where_they_differ(
    before: str | None, after: str, shown: tuple[str, str]
) -> None:
    assert before_after(Difference("image", before, after)) == shown

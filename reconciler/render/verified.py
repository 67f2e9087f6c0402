"""Findings as text, JSON, Markdown and JUnit's XML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..terminal import Paint, column, plain, safe
from ..verify import VERDICTS, Finding, Judged
from .gfm import code, prose

FORMAT_VERSION = 1
_STYLES = {"broken": "error", "undecided": "warn", "holds": "add"}
_MARKS = {"broken": "❌", "undecided": "❔", "holds": "✅"}
_NOTHING = "Nothing to judge: the file has no expect, and implies nothing."
_WIDEST = 48
"""Characters of a subject up to which reasons are aligned."""


def verify_text(judged: Judged, paint: Paint = plain) -> str:
    """The findings as an aligned table, broken ones first, and how many there are of each."""
    head = f'netplan: topology "{safe(judged.topology)}": {_what(judged)}'
    if not judged.findings:
        return f"{head}\n\n{_NOTHING}"
    width = column((safe(one.subject) for one in judged.findings), _WIDEST)
    rows = [line for one in judged.in_order for line in _row(one, width, paint)]
    return "\n".join((head, "", *rows, "", summary(judged)))


def _what(judged: Judged) -> str:
    if judged.declared:
        return "expectations judged without an engine"
    return "what it implies (the file has no expect), judged without an engine"


def _row(finding: Finding, width: int, paint: Paint) -> Iterator[str]:
    word = paint(_STYLES[finding.verdict], f"{finding.verdict:<9}")
    place = f"  ({safe(str(finding.place))})" if finding.place and finding.mend else ""
    yield f"  {word}  {safe(finding.subject):<{width}}  {safe(finding.reason)}{place}"
    if finding.mend:
        yield f"  {'':<9}  {'':<{width}}  -> {safe(finding.mend)}"


def summary(judged: Judged) -> str:
    """`Verified: 4 hold, 1 is broken, 2 are undecided.`"""
    broken, undecided, holds = (judged.count(verdict) for verdict in VERDICTS)
    return (
        f"Verified: {holds} hold{'s' if holds == 1 else ''}, {broken}"
        f" {'is' if broken == 1 else 'are'} broken, {undecided}"
        f" {'is' if undecided == 1 else 'are'} undecided without an engine."
    )


# --- for programs ---------------------------------------------------------------------------------


def verify_json(files: Mapping[str, Judged]) -> dict[str, Any]:
    """The document of `-o json`, of each file by its path."""
    return {
        "format_version": FORMAT_VERSION,
        "files": [
            {
                "file": file,
                "topology": judged.topology,
                "declared": judged.declared,
                "counts": {verdict: judged.count(verdict) for verdict in VERDICTS},
                "findings": list(map(_finding, judged.in_order)),
            }
            for file, judged in files.items()
        ],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    expected, place = finding.expectation, finding.place
    return {
        "subject": finding.subject,
        "verdict": finding.verdict,
        "reason": finding.reason,
        "mend": finding.mend,
        "pairs": finding.pairs,
        "expectation": expected
        and {
            "from": expected.source,
            "to": expected.target,
            "reach": expected.reaches,
            "probe": expected.probe,
            "port": expected.port or None,
            "url": expected.url or None,
            "status": expected.status or None,
            "by": "address" if expected.by_address else "name",
        },
        "source": place and {"file": place.file, "line": place.line, "column": place.column},
    }


def verify_markdown(files: Mapping[str, Judged]) -> str:
    """A table for each file, for a comment on a pull request."""
    return "\n\n".join("\n".join(_table(judged)) for judged in files.values()) + "\n"


def _table(judged: Judged) -> Iterator[str]:
    yield f"### {code(judged.topology)}: {_what(judged)}"
    yield ""
    if not judged.findings:
        yield _NOTHING
        return
    yield f"**{summary(judged)}**"
    yield ""
    yield "| | Expectation | Why | Source |"
    yield "|:-:|---|---|---|"
    for one in judged.in_order:
        reason = prose(one.reason) + (f" → {prose(one.mend)}" if one.mend else "")
        place = code(str(one.place)) if one.place else ""
        yield f"| {_MARKS[one.verdict]} {one.verdict} | {code(one.subject)} | {reason} | {place} |"


def verify_junit(files: Mapping[str, Judged]) -> str:
    """JUnit's XML: a suite for each file, a case for each finding; what is undecided is skipped."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for file, judged in files.items():
        lines.append(
            f"  <testsuite name={_quoted(judged.topology)} file={_quoted(file)}"
            f' tests="{len(judged.findings)}" failures="{judged.count("broken")}"'
            f' errors="0" skipped="{judged.count("undecided")}">'
        )
        lines += [line for finding in judged.findings for line in _case(judged, finding)]
        lines.append("  </testsuite>")
    return "\n".join((*lines, "</testsuites>", ""))


def _case(judged: Judged, finding: Finding) -> Sequence[str]:
    name = f"classname={_quoted(judged.topology)} name={_quoted(finding.subject)}"
    if finding.place:
        name += f' file={_quoted(finding.place.file)} line="{finding.place.line}"'
    if finding.verdict == "holds":
        return [f"    <testcase {name}/>"]
    kind = "failure" if finding.verdict == "broken" else "skipped"
    reason = f"{finding.reason}: {finding.mend}" if finding.mend else finding.reason
    return [
        f"    <testcase {name}>",
        f"      <{kind} message={_quoted(reason)}/>",
        "    </testcase>",
    ]


def _quoted(text: str) -> str:
    for character, name in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot")):
        text = text.replace(character, f"&{name};")
    return f'"{safe(text)}"'

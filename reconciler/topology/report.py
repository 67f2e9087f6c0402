"""What the checks of a file share: a place to report to, and a way to look at values that need not
fit the schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import Problem
from ..fast_dataclasses import dataclass, field
from .document import MAX_PROBLEMS, Document, Map, Odd, Seq, show
from .files import Place
from .schema import below, compacted

_VARIABLE = re.compile(r"(?<!\$)(?:\$\$)*\$(?=[{A-Za-z_])")


class EnoughError(Exception):
    """So much is wrong that looking for more is of no use."""


@dataclass
class Report:
    """Collects problems of one document, which stands at `place`."""

    document: Document
    place: Place
    problems: list[Problem] = field(default_factory=list)
    errors: int = 0
    warnings: int = 0

    def error(self, offset: int, message: str) -> None:
        """Something that must be changed; raises EnoughError where there are too many, each of
        which may be found twice.
        """
        self.problems.append(self.document.problem(offset, message))
        self.errors += 1
        if self.errors > 2 * MAX_PROBLEMS:
            raise EnoughError

    def warn(self, offset: int, message: str) -> None:
        """Something that is allowed and probably not meant. The last of too many says that there
        are more.
        """
        self.warnings += 1
        if self.warnings <= MAX_PROBLEMS:
            more = self.warnings == MAX_PROBLEMS
            self.problems.append(
                self.document.problem(
                    offset, "more warnings, not shown" if more else message, warning=True
                )
            )

    def line(self, offset: int) -> int:
        """The line of an offset, for messages that name another place."""
        return self.document.position(offset)[0]


def text(body: Map, key: str) -> str | None:
    """The value of a key if it is text."""
    value = body.get(key)
    return value if isinstance(value, str) and type(value) is not Odd else None


def mapping(body: Map, key: str) -> Map:
    """The mapping under a key, or an empty one."""
    value = body.get(key)
    return value if isinstance(value, Map) else Map(body.value_at(key))


def members(body: Map) -> Iterator[tuple[str, int, Any]]:
    """Name, position and value of what a mapping of networks, containers or attachments
    declares.
    """
    return ((key, body.marks[key][0], value) for key, value in body.items())


def check_word(report: Report, at: int, key: str, what: str) -> None:
    """A name that is free, but must be printable."""
    if not key or not key.isprintable() or key != key.strip():
        report.error(
            at,
            f"the {what} {show(key)} has no usable name: write one without control characters and"
            " outer spaces",
        )


def resolve_dollars(report: Report) -> None:
    """`${VAR}` is never a literal: it waits for variables. `$$` becomes `$`, as in Compose."""
    if "$" in report.document.text or "\\" in report.document.text:
        _Dollars(report).walk(report.document.value, compacted())


class _Dollars:
    """Looks into everything but ignored keys. `secret`: what stands there is in no message."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.seen: set[int] = set()

    def walk(self, value: Any, schema: Any, secret: bool = False) -> None:
        """One mapping or sequence, and all below it."""
        if not isinstance(value, Map | Seq) or id(value) in self.seen:
            return
        self.seen.add(id(value))
        keys: Iterable[Any] = list(value) if isinstance(value, Map) else range(len(value))
        for key in keys:
            rule = below(schema, key)
            if rule is None or key == "$schema":
                continue
            if isinstance(value, Map):
                self.check(value.key_at(key), key, secret)
            hidden = secret or "writeOnly" in rule
            item = value[key]
            if type(item) is str and "$" in item:
                self.check(value.value_at(key), item, hidden)
                value[key] = item.replace("$$", "$")
            self.walk(item, rule, hidden)

    def check(self, at: int, text: str, secret: bool) -> None:
        """Reports a variable in a key or a value."""
        if _VARIABLE.search(text):
            what = "this value" if secret else show(text)
            self.report.error(
                at,
                f"{what} contains a variable, which is not supported here: write its value,"
                " or $$ for a dollar",
            )

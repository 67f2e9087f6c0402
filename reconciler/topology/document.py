"""Values that know where they stand in the text they were read from, and the text's faults.

Mappings are `Map`, sequences `Seq`; both are ordinary dicts and lists that also carry positions. A
position is an offset into the text (characters from 0); `Document` turns it into line and column
when somebody asks. Scalars are str, int, float, bool or None. A plain scalar on which YAML readers
disagree (`010`, `yes`, `52:54:00:12:34:56`), or that Compose would pass as another text (`1.10`,
`1.0`), is an `Odd`: never a number behind the user's back. As a value, a word that only old
versions of YAML take for a boolean (`yes`) is text, as in Compose.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any

from ..errors import Problem
from ..fast_dataclasses import dataclass, field
from ..model import Source

MAX_SIZE = 8 * 1024 * 1024
"""Bytes of a file, and characters of a text."""
MAX_PROBLEMS = 1000
"""Nobody reads more than these: looking for others stops."""
MORE_PROBLEMS = "more problems, not shown: fix the ones above first"
MAX_DEPTH = 64
"""Of nesting; a topology needs six."""
TAG = "tag:yaml.org,2002:"

_VARIABLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_NUMBER_ELSEWHERE = re.compile(
    r"0o[0-7]+\Z|[-+]?(?:[0-9]+|\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?\Z|0x[0-9a-fA-F]+\Z"
)
_DATE_ELSEWHERE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}\Z")
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_KINDS = {"int": "a number", "float": "a number", "bool": "a boolean", "timestamp": "a date"}


class Odd(str):
    """A plain scalar as it was written, which YAML would turn into something else: `kind` says
    what.
    """

    __slots__ = ("kind",)

    def __init__(self, _: str, kind: str = "a number") -> None:
        self.kind = kind

    def __new__(cls, text: str, _: str = "") -> Odd:
        """Only the text is the string's value."""
        return super().__new__(cls, text)


class Map(dict[str, Any]):
    """A mapping; `marks` holds for each key the positions of key and value (the key's where nothing
    is written as value).
    """

    __slots__ = ("marks", "start")

    def __init__(self, start: int = 0) -> None:
        super().__init__()
        self.start = start
        self.marks: dict[str, tuple[int, int]] = {}

    def put(self, key: str, key_at: int, value: Any, value_at: int) -> None:
        """Sets a key with its positions."""
        self[key] = value
        self.marks[key] = (key_at, value_at)

    def key_at(self, key: str) -> int:
        """Where the key stands; the mapping's own start if it has no such key."""
        return self.marks[key][0] if key in self.marks else self.start

    def value_at(self, key: str) -> int:
        """Where the key's value stands; the mapping's own start if it has no such key."""
        return self.marks[key][1] if key in self.marks else self.start


class Seq(list[Any]):
    """A sequence; `marks` are the positions of its items."""

    __slots__ = ("marks", "start")

    def __init__(self, start: int = 0) -> None:
        super().__init__()
        self.start = start
        self.marks: list[int] = []

    def value_at(self, index: int) -> int:
        """Where an item stands."""
        return self.marks[index]


@dataclass
class Document:
    """One file as read. `problems` are faults that did not stop the reading: duplicate keys, tags,
    keys that are not text.
    """

    file: str
    text: str
    value: Any = None
    problems: list[Problem] = field(default_factory=list)

    @cached_property
    def _line_starts(self) -> list[int]:
        if "\r" in self.text:
            return [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", self.text))]
        return [0, *accumulate(len(line) + 1 for line in self.text.split("\n"))]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def problem(self, offset: int, message: str, warning: bool = False) -> Problem:
        """A problem at that place."""
        return Problem(self.file, *self.position(offset), message, warning)

    def source(self, offset: int) -> Source:
        """That place as a declaration's source."""
        return Source(self.file, *self.position(offset))

    def report(self, offset: int, message: str) -> None:
        """Notes a problem and goes on; raises StopError where there are too many."""
        if len(self.problems) >= MAX_PROBLEMS:
            raise StopError(offset, MORE_PROBLEMS)
        self.problems.append(self.problem(offset, message))


class StopError(Exception):
    """Reading cannot go on: what is wrong, and where."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


def show(value: object, limit: int = 60) -> str:
    """A value for a message: quoted, without control characters, and not too long."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = str(value)
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")


def is_variable(key: str) -> bool:
    """Whether a key of `environment` looks like a name: `PW:hunter2`, where a space is missing, is
    a key to YAML, and a secret.
    """
    return _VARIABLE.match(key) is not None


def plain(text: str) -> str | int | float | bool | None:
    """What a plain (unquoted) scalar means. Only what every YAML reader agrees on is anything but
    text.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.match(text) and text != "-0":
        return int(text)
    kind = _kind(text)
    if not kind:
        return text
    try:
        number = float(text)
    except ValueError:
        return Odd(text, kind)
    return (
        number if str(number) == text and _written_so_by_compose(number, text) else Odd(text, kind)
    )


def _written_so_by_compose(number: float, text: str) -> bool:
    """Whether Go writes a number, whose text here is Python's, in the same way: 1.0 is `1` there,
    1234567.5 is `1.2345675e+06`.
    """
    return number - number == 0 and not text.endswith(".0") and (abs(number) < 10**6 or "e" in text)


def as_value(scalar: Any) -> Any:
    """What a scalar means where no key stands: `yes`, `no`, `on`, `off` are words, and booleans
    only where one is wanted (schema.flag).
    """
    return str(scalar) if type(scalar) is Odd and scalar.kind == _KINDS["bool"] else scalar


def _kind(text: str) -> str:
    """`a number`, `a boolean`, `a date` if some version of YAML reads it so, otherwise nothing."""
    if _NUMBER_ELSEWHERE.match(text):
        return "a number"
    if _DATE_ELSEWHERE.match(text):
        return "a date"
    import yaml

    tag: str = _resolver().resolve(yaml.ScalarNode, text, (True, False))
    return _KINDS.get(tag.removeprefix(TAG), "")


@lru_cache(maxsize=1)
def _resolver() -> Any:
    import yaml.resolver

    return yaml.resolver.Resolver()

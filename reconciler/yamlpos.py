"""Reads YAML and JSON into plain values that know where they stand in the text.

Mappings become `Map`, sequences `Seq`; both are ordinary dicts and lists that also carry positions. A position is an offset into the text
(characters from 0); `Document` turns it into line and column when somebody asks. Scalars are str, int, float, bool or None. A plain scalar
on which YAML readers disagree (`010`, `yes`, `52:54:00:12:34:56`), or that would not be written back as it stands (`1.10`), is an `Odd`:
never a number behind the user's back.

Nothing is constructed but these values. Depth, size and what aliases expand to are bounded, and every limit has a position.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from .errors import InputError, Problem
from .model import Source

MAX_SIZE = 8 * 1024 * 1024
"""Bytes of a file, and characters of a text."""
MAX_DEPTH = 64
"""Of nesting; a topology needs six."""

_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_NUMBER_ELSEWHERE = re.compile(r"0o[0-7]+\Z|[-+]?(?:[0-9]+|\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?\Z|0x[0-9a-fA-F]+\Z")
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_KINDS = {"int": "a number", "float": "a number", "bool": "a boolean", "timestamp": "a date"}
_TAG = "tag:yaml.org,2002:"
_COLLECTIONS = frozenset((_TAG + "map", _TAG + "seq"))
EMPTY = "the file is empty: a topology has at least a name and networks"


class Odd(str):
    """A plain scalar as it was written, which YAML would turn into something else: `kind` says what."""

    __slots__ = ("kind",)

    def __init__(self, _: str, kind: str = "a number") -> None:
        self.kind = kind

    def __new__(cls, text: str, _: str = "") -> Odd:
        """Only the text is the string's value."""
        return super().__new__(cls, text)


class Map(dict[str, Any]):
    """A mapping; `marks` holds for each key the positions of key and value (the key's where nothing is written as value)."""

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
    """One file as read. `problems` are faults that did not stop the reading: duplicate keys, tags, keys that are not text."""

    file: str
    text: str
    value: Any = None
    problems: list[Problem] = field(default_factory=list)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", self.text))]

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
        """Notes a problem and goes on."""
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


def read(text: str, file: str) -> Document:
    """The document in `text`. A `file` that ends in `.json` is read as JSON, anything else as YAML.

    Raises InputError where nothing useful can be read: no YAML at all, nothing in it, too large, too deep.
    """
    document = Document(file, text.removeprefix("\ufeff"))
    try:
        _check_text(document.text)
        if file.lower().endswith(".json"):
            from .jsonpos import read_json

            document.value = read_json(document)
        else:
            document.value = _read_yaml(document)
    except StopError as stop:
        raise InputError([*document.problems, document.problem(stop.offset, stop.message)]) from None
    return document


def _check_text(text: str) -> None:
    if len(text) > MAX_SIZE:
        raise StopError(0, f"the file is too large: at most {MAX_SIZE // 2**20} MiB are read")
    if found := _UNPRINTABLE.search(text):
        raise StopError(found.start(), f"a character that text files do not hold, U+{ord(found[0]):04X}: remove it")


def plain(text: str) -> str | int | float | bool | None:
    """What a plain (unquoted) scalar means. Only what every YAML reader agrees on is anything but text."""
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
    return number if str(number) == text and number - number == 0 else Odd(text, kind)


def _kind(text: str) -> str:
    """`a number`, `a boolean`, `a date` if some version of YAML reads it so, otherwise nothing."""
    if _NUMBER_ELSEWHERE.match(text):
        return "a number"
    tag: str = _loader().resolve_as_yaml(text)
    return _KINDS.get(tag.removeprefix(_TAG), "")


# --- YAML ------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _loader() -> Any:
    """A loader that composes nodes, no deeper than MAX_DEPTH, and marks plain scalars instead of resolving each."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    standard = base("")
    tags = {yaml.ScalarNode: _TAG + "str", yaml.MappingNode: _TAG + "map", yaml.SequenceNode: _TAG + "seq"}

    class Loader(base):  # type: ignore[misc]
        depth = 0

        def descend_resolver(self, parent: Any, index: Any) -> None:
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise StopError(parent.start_mark.index, f"nested more than {MAX_DEPTH} levels deep")

        def ascend_resolver(self) -> None:
            self.depth -= 1

        def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
            if kind is yaml.ScalarNode and implicit[0]:
                return "?"
            return tags[kind]

        @staticmethod
        def resolve_as_yaml(text: str) -> str:
            return str(standard.resolve(yaml.ScalarNode, text, (True, False)))

    return Loader


def _read_yaml(document: Document) -> Any:
    import yaml

    loader = None
    try:
        loader = _loader()(document.text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _yaml_stop(document.text, error) from None
    except yaml.YAMLError as error:
        raise StopError(0, f"not valid YAML: {str(error).splitlines()[0]}") from None
    finally:
        if loader is not None:
            loader.dispose()
    value = None if node is None else _Builder(document).build(node)
    if value is None:
        raise StopError(0, EMPTY)
    return value


_IN_WORDS = {
    "another document": "several YAML documents in one file: put each topology into a file of its own",
    "undefined alias": "this alias names no anchor above it: check its name",
    "mapping values are not allowed": "a ':' where no key can stand: check the indentation, or put the text in quotes",
    "could not find expected ':'": "a line without ':' where a key should stand: check the line above it",
    "did not find expected key": "no key where one should stand: check the indentation",
    "did not find expected '-'": "neither another item nor the end of the list: check the indentation",
    "did not find expected ',' or '}'": "a ',' or '}' is missing",
    "did not find expected ',' or ']'": "a ',' or ']' is missing",
    "unexpected end of stream": "text in quotes that never ends: close the quote",
}


def _yaml_stop(text: str, error: Any) -> StopError:
    """The same in our words, where the usual mistakes are concerned."""
    problem = error.problem or error.context or "it cannot be read"
    mark = error.problem_mark or error.context_mark
    if "end of stream" in problem and error.context_mark:
        mark = error.context_mark
    offset = min(mark.index, len(text)) if mark else 0
    character = text[offset : offset + 1]
    if character == "\t":
        return StopError(offset, "a tab: YAML is indented with spaces")
    if "cannot start" in problem:
        return StopError(offset, f"text cannot begin with {show(character)}: put it in quotes")
    for words, message in _IN_WORDS.items():
        if words in problem:
            return StopError(offset, message)
    return StopError(offset, f"not valid YAML: {problem}" + (f", {error.context}" if error.context and error.problem else ""))


class _Builder:
    """Turns nodes into values. `size` counts what has been built, aliases as often as they are used."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.limit = 10_000 + 2 * len(document.text)
        self.size = 0
        self.depth = 0
        self.deepest = 0
        self.ignored = 0
        self.scalars: dict[str, Any] = {}
        self.done: dict[int, tuple[Any, int, int]] = {}

    def build(self, node: Any) -> Any:
        """The value of a node; an alias gives the very value of its anchor."""
        self.size += 1
        children = node.value
        if type(children) is str:
            return self.scalar(node, children)
        if (known := self.done.get(id(node))) is not None:
            return self.again(node, *known)
        self.done[id(node)] = (None, 0, 0)
        before, outer, self.deepest = self.size, self.deepest, self.depth
        self.depth += 1
        if node.tag not in _COLLECTIONS:
            self.refuse_tag(node)
        value: Map | Seq = self.mapping(node) if node.id == "mapping" else self.sequence(node)
        self.depth -= 1
        self.done[id(node)] = (value, self.size - before, self.deepest - self.depth)
        self.deepest = max(outer, self.deepest)
        return value

    def again(self, node: Any, value: Any, size: int, height: int) -> Any:
        """An alias: nothing is built, but what it stands for counts."""
        at = node.start_mark.index
        if value is None:
            raise StopError(at, "this anchor contains itself: an alias cannot stand inside what it names")
        self.size += size
        self.deepest = max(self.deepest, self.depth + height)
        if self.size > self.limit:
            raise StopError(at, "aliases of this anchor expand to more than this file may hold")
        if self.deepest > MAX_DEPTH:
            raise StopError(at, f"aliases of this anchor nest more than {MAX_DEPTH} levels deep")
        return value

    def scalar(self, node: Any, text: str) -> Any:
        """A plain scalar's meaning is looked up once for each text."""
        if node.tag != "?":
            if node.tag != _TAG + "str":
                self.refuse_tag(node)
            return text
        try:
            return self.scalars[text]
        except KeyError:
            value = self.scalars[text] = plain(text)
            return value

    def refuse_tag(self, node: Any) -> None:
        """Only text may be forced (`!!str 010`)."""
        tag = "!!" + node.tag.removeprefix(_TAG) if node.tag.startswith(_TAG) else node.tag
        self.document.report(node.start_mark.index, f"the tag {show(tag)} is not supported: remove it")

    def sequence(self, node: Any) -> Seq:
        """A sequence of values."""
        result = Seq(node.start_mark.index)
        for child in node.value:
            result.append(self.build(child))
            result.marks.append(child.start_mark.index)
        return result

    def mapping(self, node: Any) -> Map:
        """A mapping; its own keys win over merged ones (`<<`)."""
        result = Map(node.start_mark.index)
        marks = result.marks
        merges = []
        for key_node, value_node in node.value:
            at = key_node.start_mark.index
            if key_node.value == "<<" and key_node.tag == "?":
                merges.append((at, value_node))
                continue
            key = self.key(key_node)
            if key in marks:
                line = self.document.position(marks[key][0])[0]
                self.document.report(at, f"{show(key)} is declared twice: the first is in line {line}")
                continue
            ignored = key.startswith("x-")
            self.ignored += ignored
            value = result[key] = self.build(value_node)
            self.ignored -= ignored
            marks[key] = (at, at if value is None else value_node.start_mark.index)
        for at, merged in merges:
            self.merge(result, merged, at)
        return result

    def key(self, node: Any) -> str:
        """A key is text; what YAML takes for something else is reported, unless it stands under an `x-` key."""
        text = node.value
        at = node.start_mark.index
        if type(text) is not str:
            raise StopError(at, "a key must be a word, not a list or a mapping")
        value = self.scalar(node, text)
        if type(value) is not str and not self.ignored:
            kind = value.kind if isinstance(value, Odd) else _kind_of(value)
            self.document.report(at, f"the key {show(text)} is {kind} to YAML, not text: put it in quotes")
        return text

    def merge(self, target: Map, node: Any, at: int) -> None:
        """Adds the keys of the merged mapping, or of each in a list of them, that are not there yet."""
        value = self.build(node)
        for source in value if isinstance(value, Seq) else [value]:
            if not isinstance(source, Map):
                self.document.report(at, "'<<' merges a mapping or a list of mappings: give it an alias such as *defaults")
                continue
            self.size += len(source)
            if self.size > self.limit:
                raise StopError(at, "merges expand to more than this file may hold")
            for key in source:
                if key not in target:
                    target.put(key, source.marks[key][0], source[key], source.marks[key][1])


def _kind_of(value: object) -> str:
    if value is None:
        return "null"
    return "a boolean" if isinstance(value, bool) else "a number"

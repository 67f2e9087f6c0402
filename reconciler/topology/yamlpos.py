"""Reads YAML (and, through jsonpos.py, JSON) into the values of document.py.

Nothing is constructed but these values. Depth, size and what aliases expand to are bounded, and
every limit has a position.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from ..errors import InputError
from .document import (
    MAX_DEPTH,
    MAX_SIZE,
    TAG,
    Document,
    Map,
    Odd,
    Seq,
    StopError,
    as_value,
    is_variable,
    plain,
    show,
)

_PRINTABLE_ASCII = b"\t\n\r" + bytes(range(0x20, 0x7F))
_UNPRINTABLE = "[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""Takes long to compile, and is needed only of text that is not ASCII."""
_COLLECTIONS = frozenset((TAG + "map", TAG + "seq"))
TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"
HOLD_NAMES = frozenset(("networks", "containers", "volumes", "depends_on"))
"""What stands under these keys is named by the user: `x-...` is a name there, as any other."""
EMPTY = "the file is empty: a topology has at least a name and networks"


def read(text: str, file: str) -> Document:
    """The document in `text`. A `file` that ends in `.json` is read as JSON, anything else as YAML.

    Raises InputError where nothing useful can be read: no YAML at all, nothing in it, too large,
    too deep.
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
        raise InputError(
            [*document.problems, document.problem(stop.offset, stop.message)]
        ) from None
    return document


def _check_text(text: str) -> None:
    if len(text) > MAX_SIZE:
        raise StopError(0, f"the file is too large: at most {MAX_SIZE // 2**20} MiB are read")
    if text.isascii() and not text.encode().translate(None, _PRINTABLE_ASCII):
        return
    if found := re.search(_UNPRINTABLE, text):
        raise StopError(
            found.start(),
            f"a character that text files must not contain, U+{ord(found[0]):04X}: remove it",
        )


# --- YAML -----------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _loader() -> Any:
    """A loader that composes nodes, no deeper than MAX_DEPTH, and marks plain scalars instead of
    resolving each.
    """
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    tags = {
        yaml.ScalarNode: TAG + "str",
        yaml.MappingNode: TAG + "map",
        yaml.SequenceNode: TAG + "seq",
    }

    class Loader(base):  # type: ignore[misc]
        depth = 0

        def descend_resolver(self, parent: Any, index: Any) -> None:
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise StopError(parent.start_mark.index, TOO_DEEP)

        def ascend_resolver(self) -> None:
            self.depth -= 1

        def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
            if kind is yaml.ScalarNode and implicit[0]:
                return "?"
            return tags[kind]

    return Loader


def _read_yaml(document: Document) -> Any:
    node = _compose(document.text)
    value = None if node is None else _Builder(document).build(node)
    if value is None:
        raise StopError(0, EMPTY)
    return value


def _compose(text: str) -> Any:
    """The root node of the text, None where there is none."""
    import yaml

    loader = None
    try:
        loader = _loader()(text)
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        if (
            "nesting depth" in (error.problem or "") and error.problem_mark
        ):  # of libyaml, which reads ahead of our own limit
            _compose(text[: error.problem_mark.index])
            raise StopError(error.problem_mark.index, TOO_DEEP) from None
        raise _yaml_stop(text, error) from None
    except yaml.YAMLError as error:
        raise StopError(0, f"not valid YAML: {str(error).splitlines()[0]}") from None
    finally:
        if loader is not None:
            loader.dispose()


_IN_WORDS = {
    "another document": (
        "several YAML documents in one file: put each topology into a file of its own"
    ),
    "undefined alias": "this alias names no anchor above it: check its name",
    "mapping values are not allowed": (
        "a ':' where no key can stand: check the indentation, or put the text in quotes"
    ),
    "could not find expected ':'": (
        "a line without ':' where a key should stand: check the line above it"
    ),
    "did not find expected key": "a key is expected here: check the indentation",
    "did not find expected '-'": (
        "neither another item nor the end of the list: check the indentation"
    ),
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
    return StopError(
        offset,
        f"not valid YAML: {problem}"
        + (f", {error.context}" if error.context and error.problem else ""),
    )


class _Builder:
    """Turns nodes into values. `size` counts what has been built, aliases as often as they are
    used.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.limit = 10_000 + 2 * len(document.text)
        self.size = 0
        self.depth = 0
        self.deepest = 0
        self.ignored = 0
        self.under = ""
        self.secret = 0
        self.scalars: dict[str, Any] = {}
        self.done: dict[int, tuple[Any, int, int]] = {}

    def build(self, node: Any) -> Any:
        """The value of a node; an alias gives the very value of its anchor."""
        self.size += 1
        children = node.value
        if type(children) is str:
            return as_value(self.scalar(node, children))
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
            raise StopError(
                at, "this anchor contains itself: an alias cannot stand inside what it names"
            )
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
            if node.tag != TAG + "str":
                self.refuse_tag(node)
            return text
        try:
            return self.scalars[text]
        except KeyError:
            value = self.scalars[text] = plain(text)
            return value

    def refuse_tag(self, node: Any) -> None:
        """Only text may be forced (`!!str 010`)."""
        if self.secret:
            self.document.report(
                node.start_mark.index, "a value cannot begin with '!' unless it is in quotes"
            )
            return
        tag = "!!" + node.tag.removeprefix(TAG) if node.tag.startswith(TAG) else node.tag
        self.document.report(
            node.start_mark.index, f"the tag {show(tag)} is not supported: remove it"
        )

    def sequence(self, node: Any) -> Seq:
        """A sequence of values."""
        result = Seq(node.start_mark.index)
        for child in node.value:
            self.under = ""
            result.append(self.build(child))
            result.marks.append(child.start_mark.index)
        return result

    def mapping(self, node: Any) -> Map:
        """A mapping; its own keys win over merged ones (`<<`)."""
        result = Map(node.start_mark.index)
        marks = result.marks
        merges = []
        named = self.under in HOLD_NAMES and not self.ignored
        for key_node, value_node in node.value:
            at = key_node.start_mark.index
            if key_node.value == "<<" and key_node.tag == "?":
                merges.append((at, value_node))
                continue
            key = self.key(key_node)
            if key in marks:
                line = self.document.position(marks[key][0])[0]
                self.document.report(
                    at, f"{self.name(key)} is declared twice: the first is in line {line}"
                )
                continue
            self.under = key
            ignored = key.startswith("x-") and not named
            secret = key == "environment"
            self.ignored += ignored
            self.secret += secret
            value = result[key] = self.build(value_node)
            self.ignored -= ignored
            self.secret -= secret
            marks[key] = (at, at if value is None else value_node.start_mark.index)
        for at, merged in merges:
            self.merge(result, merged, at)
        return result

    def key(self, node: Any) -> str:
        """A key is text; what YAML takes for something else is reported, unless it stands under an
        `x-` key.
        """
        text = node.value
        at = node.start_mark.index
        if type(text) is not str:
            raise StopError(at, "a key must be a word, not a list or a mapping")
        value = self.scalar(node, text)
        if type(value) is not str and not self.ignored:
            kind = value.kind if isinstance(value, Odd) else _kind_of(value)
            self.document.report(
                at, f"the key {show(text)} is {kind} to YAML, not text: put it in quotes"
            )
        return text

    def name(self, key: str) -> str:
        """A key for a message."""
        return show(key) if not self.secret or is_variable(key) else "this variable"

    def merge(self, target: Map, node: Any, at: int) -> None:
        """Adds the keys of the merged mapping, or of each in a list of them, that are not there
        yet.
        """
        self.under = ""
        value = self.build(node)
        for source in value if isinstance(value, Seq) else [value]:
            if not isinstance(source, Map):
                self.document.report(
                    at,
                    "'<<' merges a mapping or a list of mappings: give it an alias such as"
                    " *defaults",
                )
                continue
            self.size += len(source)
            for key in source:
                if key not in target:
                    target.put(key, source.marks[key][0], source[key], source.marks[key][1])


def _kind_of(value: object) -> str:
    if value is None:
        return "null"
    return "a boolean" if isinstance(value, bool) else "a number"

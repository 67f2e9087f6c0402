"""Reads JSON into the values of yamlpos.py, with positions."""

from __future__ import annotations

import json
import re
from typing import Any

from .document import MAX_DEPTH, Document, Map, Seq, StopError, plain, show
from .yamlpos import EMPTY

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
    (?P<mark>[{}\[\],:])
    | "(?P<text>[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*)"
    | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)(?![0-9.])
    | (?P<word>true|false|null)\b
    | (?P<end>\Z))""",
    re.VERBOSE,
)


def read_json(document: Document) -> Any:
    """The value of a JSON text; raises StopError where it is none."""
    return _Reader(document).document()


class _Reader:
    """A recursive descent over tokens. `kind`, `token` and `at` describe the current one."""

    def __init__(self, document: Document) -> None:
        self.source = document
        self.text = document.text
        self.offset = 0
        self.depth = 0
        self.advance()

    def advance(self) -> None:
        """Goes to the next token."""
        match = _TOKEN.match(self.text, self.offset)
        if match is None or match.lastgroup is None:
            raise self.unexpected()
        self.kind = match.lastgroup
        self.token: str = match[self.kind]
        self.at = match.start(self.kind) - (self.kind == "text")
        self.offset = match.end()

    def unexpected(self) -> StopError:
        """Where no token begins."""
        rest = re.compile(r"[ \t\r\n]*").match(self.text, self.offset)
        at = rest.end() if rest else self.offset
        if self.text[at : at + 1] == '"':
            return StopError(at, "not valid JSON: this text has no end on its line")
        word = re.compile(r"[\w.+-]{1,20}|.", re.DOTALL).match(self.text, at)
        found = show(word[0]) if word else "nothing"
        if '"environment"' in self.text[:at]:  # it may be a secret
            found = "something else"
        return StopError(at, f"not valid JSON: {found} is where a value or a mark should be")

    def document(self) -> Any:
        """One value and nothing after it."""
        if self.kind == "end":
            raise StopError(0, EMPTY)
        value = self.value()
        if self.kind != "end":
            raise StopError(self.at, "not valid JSON: something follows the end of the document")
        return value

    def value(self) -> Any:
        """The value that begins at the current token; the token after it is current then."""
        kind, token = self.kind, self.token
        if kind == "mark":
            if token == "{":
                return self.nested(self.mapping)
            if token == "[":
                return self.nested(self.sequence)
        if kind in ("mark", "end"):
            raise StopError(
                self.at,
                f"not valid JSON: {show(token) if token else 'the end of the file'} stands where a"
                " value should",
            )
        value = self.string() if kind == "text" else plain(token)
        self.advance()
        return value

    def string(self) -> str:
        """The current text without its escapes."""
        if "\\" not in self.token:
            return self.token
        try:
            text = str(json.loads(f'"{self.token}"'))
            text.encode()
        except ValueError:
            raise StopError(
                self.at, "not valid JSON: a backslash sequence in this text stands for no character"
            ) from None
        return text

    def nested(self, read: Any) -> Any:
        """A mapping or a sequence, one level deeper."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise StopError(self.at, f"nested more than {MAX_DEPTH} levels deep")
        value = read(self.at)
        self.depth -= 1
        self.advance()
        return value

    def more(self, close: str, first: bool) -> bool:
        """Whether another member follows; steps over the comma before it."""
        if self.kind == "mark" and self.token == close:
            return False
        if not first:
            if self.kind != "mark" or self.token != ",":
                raise StopError(self.at, f"not valid JSON: a ',' or '{close}' is missing")
            self.advance()
        return True

    def sequence(self, start: int) -> Seq:
        """From `[` to the current `]`."""
        result = Seq(start)
        self.advance()
        while self.more("]", not result):
            result.marks.append(self.at)
            result.append(self.value())
        return result

    def mapping(self, start: int) -> Map:
        """From `{` to the current `}`."""
        result = Map(start)
        self.advance()
        first = True
        while self.more("}", first):
            first = False
            if self.kind != "text":
                raise StopError(self.at, "not valid JSON: a key in double quotes should stand here")
            at, key = self.at, self.string()
            self.advance()
            if self.kind != "mark" or self.token != ":":
                raise StopError(self.at, "not valid JSON: a ':' is missing after the key")
            self.advance()
            value_at = self.at
            value = self.value()
            if key in result:
                line = self.source.position(result.key_at(key))[0]
                self.source.report(
                    at, f"{show(key)} is declared twice: the first is in line {line}"
                )
            else:
                result.put(key, at, value, value_at)
        return result

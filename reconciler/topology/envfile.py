"""The text of an `env_file`: KEY=VALUE lines. What is wrong with one is said without a word of its
values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..settings import BadValueError

_NAME = re.compile(r"[^\S\n]*(?:export[^\S\n]+)?([^\s=:#'\"][^\s=:]*)[^\S\n]*([=:])([^\S\n]*)")
_COLON_IN_KEY = re.compile(r":[^\s'\"=]*=")
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
_REST = re.compile(r"[^\S\n]*(?:#[^\n]*)?(?:\n|\Z)")
_ESCAPE = re.compile(r"\\([abfnrtv$\"\\])")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_VARIABLE = re.compile(r"\$[A-Za-z_{$]")


class Variable(NamedTuple):
    """One variable of a file. `expands`: Compose would put something in the place of a `$` in its
    value.
    """

    key: str
    value: str
    line: int
    expands: bool = False


def parse(text: str) -> Iterator[Variable]:
    """Each variable in order; `export ` before a key, `KEY: value`, blank lines and `#` comments
    are allowed.

    A value in quotes may have several lines. In single quotes it is literal but for `\\'`; in
    double quotes `\\n`, `\\t` and the like are control characters, and any other backslash stays.
    Without quotes it ends before ` #` and at the end of the line. `$` is an ordinary character.
    Raises BadValueError with the number of the line.
    """
    text = re.sub(r"\r\n?", "\n", text.removeprefix("\ufeff"))
    at, line = 0, 1
    while at < len(text):
        start = at
        if blank := _REST.match(text, at):
            at = blank.end()
        else:
            variable, at = _variable(text, at, line)
            yield variable
        line += text.count("\n", start, at)


def _variable(text: str, at: int, line: int) -> tuple[Variable, int]:
    """The variable that begins there, and where the line after it begins."""
    name = _NAME.match(text, at)
    if not name:
        raise BadValueError(
            f"line {line} is not of the form KEY=VALUE: a key without a value is not taken from the"
            " shell"
        )
    if _COLON_IN_KEY.match(text, name.start(2)):
        raise BadValueError(f"line {line} has a ':' in its key: write KEY=VALUE or KEY: VALUE")
    value, expands, at = _value(text, name.end(), line)
    if "\0" in value:
        raise BadValueError(f"line {line} holds a NUL character, which no variable can: remove it")
    return Variable(name[1], value, line, expands), at


def _value(text: str, at: int, line: int) -> tuple[str, bool, int]:
    """The value that begins there, whether Compose would expand it, and where the next line
    begins.
    """
    if text[at : at + 1] not in ("'", '"'):
        end = found if (found := text.find("\n", at)) >= 0 else len(text)
        value = text[at:end].split(" #", 1)[0].rstrip()
        return value, _VARIABLE.search(value) is not None, end + 1
    quoted = _QUOTED.match(text, at)
    rest = _REST.match(text, quoted.end()) if quoted else None
    if not quoted or not rest:
        raise BadValueError(
            f"line {line} has a value whose quote does not end it: close the quote at the end of"
            " the value"
        )
    if quoted[1] is not None:
        return quoted[1].replace("\\'", "'"), False, rest.end()
    if re.search(r"(?<!\\)(?:\\\\)*\\0", quoted[2]):
        raise BadValueError(
            f"line {line} has a backslash before a 0, which readers of such files take differently:"
            " write the character"
        )
    value = _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[1]), quoted[2])
    return (
        value,
        _VARIABLE.search(re.sub(r"\\.", "", quoted[2], flags=re.DOTALL)) is not None,
        rest.end(),
    )

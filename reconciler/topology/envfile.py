"""The text of an `env_file`: KEY=VALUE lines. What is wrong with one is said without a word of its values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..forms import BadValueError

_LINE = re.compile(r"(?:export\s+)?([^\s=#'\"][^\s=]*)\s*=\s*(.*)\Z", re.DOTALL)
_QUOTED = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)\"""")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def parse(text: str) -> Iterator[tuple[str, str]]:
    """Each key with its value, in order; `export ` before a key, blank lines and `#` comments are allowed.

    A value in single quotes is literal; in double quotes `\\n`, `\\t`, `\\r` are control characters and a backslash takes what follows as
    it is; without quotes it ends before ` #`. `$` is an ordinary character. Raises BadValueError with the number of the line.
    """
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff")), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.match(stripped)
        if not match:
            raise BadValueError(f"line {number} is not of the form KEY=VALUE: a key without a value is not taken from the shell")
        yield match[1], _value(match[2], number)


def _value(text: str, number: int) -> str:
    if text[:1] not in ("'", '"'):
        return "" if text.startswith("#") else re.split(r"\s#", text, maxsplit=1)[0].rstrip()
    match = _QUOTED.match(text)
    rest = text[match.end() :].strip() if match else ""
    if not match or (rest and not rest.startswith("#")):
        raise BadValueError(f"line {number} has a value whose quote does not end it: close the quote at the end of the line")
    if match[1] is not None:
        return match[1]
    return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), match[2])

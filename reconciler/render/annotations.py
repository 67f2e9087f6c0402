"""Problems of a file as GitHub's workflow commands, which show them at their lines in a pull
request.
"""

from __future__ import annotations

from ..errors import Problem
from ..terminal import safe

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def annotation(problem: Problem) -> str:
    """`::error file=lab.yaml,line=3,col=5::the message`, on one line whatever the file's name and
    the message hold.
    """
    kind = "warning" if problem.warning else "error"
    place = f"line={problem.line},col={problem.column}"
    file, message = _escaped(problem.file, _PROPERTY), _escaped(problem.message, _DATA)
    return f"::{kind} file={file},{place}::{message}"


def _escaped(text: str, table: dict[str, str]) -> str:
    return safe("".join(table.get(character, character) for character in text))

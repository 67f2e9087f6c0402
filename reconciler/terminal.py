"""Colour, where the reader is a terminal, and text made harmless, everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import TextIO

Paint = Callable[[str, str], str]
"""`paint(style, text)`; the styles are the keys of `STYLES`, any other leaves the text as it is."""

STYLES: Mapping[str, str] = {
    "add": "32",
    "remove": "31",
    "change": "33",
    "dim": "2",
    "bold": "1",
    "warn": "33",
    "error": "1;31",
}

WIDEST = 60
"""Characters up to which the texts of a column are aligned."""


def plain(style: str, text: str) -> str:
    """No colour."""
    return text


def ansi(style: str, text: str) -> str:
    """Colour by ANSI codes."""
    code = STYLES.get(style)
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


def choose(
    stream: TextIO, no_color: bool = False, environ: Mapping[str, str] = os.environ
) -> Paint:
    """Colour only on a terminal that has it, and only if neither `--no-color` nor `NO_COLOR`
    forbids it.
    """
    if no_color or environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return plain
    return ansi if stream.isatty() else plain


def safe(text: str) -> str:
    r"""`text` on one line and without anything a terminal obeys: `\x1b`, `\n`, `\u202e` become
    those letters.

    Everything an engine or a file says passes through here before it is printed: names may hold
    anything.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def column(texts: Iterable[str], widest: int = WIDEST) -> int:
    """How wide the column of these texts is; 0 where all are empty.

    A text over `widest` characters sticks out of its own line and moves nothing on any other.
    """
    lengths = [len(text) for text in texts if text]
    return max((length for length in lengths if length <= widest), default=min(len(lengths), 1))


def shortened(text: str, longest: int) -> str:
    """`text`, or where it is longer than `longest` characters its beginning and how long it is."""
    return text if len(text) <= longest else f"{text[: longest - 1]}… ({len(text)} characters)"


_WRITING = Lock()


def write_line(stream: TextIO, line: str) -> None:
    """One whole line. Python's text streams mix up what threads write at the same time, down to
    bytes that are no text.
    """
    with _WRITING:
        stream.write(f"{line}\n")
        stream.flush()

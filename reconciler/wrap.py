"""Text made to fit a width: what is too long goes on in lines of its own, indented below where it
began.

Widths are columns of a terminal: colour takes none, an East Asian character two. Commands to copy
are never broken.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import TextIO

NARROWEST = 20
"""Columns below which nothing is made to fit."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PARTS = re.compile(r"(?:\x1b\[[0-9;]*m)+|\s+|[^\s\x1b]+")
_BRANCH = re.compile(r"(├─ |└─ )")
_BARE = r"(?:'[^']*'|[^-\s]\S*)"
_COMMAND = re.compile(
    r"^(?P<before>\s*|.*:\s+)"
    rf"(?P<command>(?:netplan [a-z]+(?: {_BARE})?(?: --?[a-z]\S*(?: {_BARE})?)*|docker [a-z]+"
    r" \S.*|ssh -\S.*|export [A-Z_]+=\S*))$"
)


def width_of(stream: TextIO, environ: Mapping[str, str] = os.environ) -> int | None:
    """Columns of what is printed there: COLUMNS, else the terminal's; elsewhere None: in a pipe
    every line stays whole, for grep.
    """
    given = environ.get("COLUMNS", "")
    if given.isdecimal() and 0 < int(given) < 10_000:
        return max(int(given), NARROWEST)
    try:
        columns = os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError, AttributeError):
        columns = 0
    return max(columns, NARROWEST) if columns else None


def fit(text: str, width: int | None) -> str:
    """`text` with no line over `width` columns, but for commands to copy, which then stand on a
    line of their own.
    """
    if width is None:
        return text
    return "\n".join(piece for line in text.split("\n") for piece in _fit_line(line, width))


def columns(text: str) -> int:
    """How many columns a terminal needs for it."""
    plain = _COLOUR.sub("", text) if "\x1b" in text else text
    return len(plain) if plain.isascii() else sum(map(_columns, plain))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _fit_line(line: str, width: int) -> list[str]:
    if len(line) <= width and line.isascii():
        return [line]
    if columns(line) <= width:
        return [line]
    if command := _COMMAND.match(line):
        before = command["before"].rstrip()
        indent = len(line) - len(line.lstrip()) + 2
        return [*_fit_line(before, width), " " * indent + command["command"]] if before else [line]
    squeezed = re.sub(r"(?<=\S) {3,}", "  ", line)  # the gaps of a table
    if columns(squeezed) <= width:
        return [squeezed]
    return list(_wrapped(squeezed, width))


def _wrapped(line: str, width: int) -> Iterator[str]:
    plain = _COLOUR.sub("", line)
    branch = _BRANCH.match(plain)
    first = len(plain) - len(plain.lstrip())
    hang = ("│" if branch and branch[1].startswith("├") else "").ljust(
        5 if branch else min(first + 4, width // 2)
    )
    current, gap, codes, begun = "", "", "", False
    for part in _PARTS.findall(line):
        if part.isspace() and not begun and not current:
            current = part[: width // 2]
        elif part.isspace():
            gap = part
        elif part.startswith("\x1b"):
            codes += part
        else:
            if begun and columns(current + gap + part) > width:
                yield current.rstrip()
                current, gap, begun = hang, "", False
            current, gap, codes = current + gap + codes, "", ""
            while columns(current + part) > width and len(part) > 1:
                taken = _prefix(part, width - columns(current))
                yield current + taken
                current, part = hang, part[len(taken) :]
            current, begun = current + part, part not in ("├─", "└─")
    yield current + codes


def _prefix(word: str, room: int) -> str:
    """As many characters as fit into the room; at least one."""
    end = used = 0
    while end < len(word) and (used := used + _columns(word[end])) <= room:
        end += 1
    return word[: max(end, 1)]

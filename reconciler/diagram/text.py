"""How wide a text is, without a font: what viewers have differs, so this is on the wide side, and
the same everywhere.
"""

from __future__ import annotations

import unicodedata

MONO = 0.61
"""Of its size, the width of each character of a fixed font."""
_NARROW = "iIjl.,:;'|!ftr()[]/ "
_WIDE = "mwMW@%—→"


def width(text: str, size: float, mono: bool = False) -> float:
    """In pixels, of a text of that size."""
    return sum(_share(char, mono) for char in text) * size


def _share(char: str, mono: bool) -> float:
    if char > "\u2e7f" and unicodedata.east_asian_width(char) in "WF":
        return 1.05
    if mono:
        return MONO
    if char in _NARROW:
        return 0.36
    if char in _WIDE:
        return 0.95
    return 0.71 if char.isupper() else 0.59


def shortened(text: str, size: float, most: float, mono: bool = False) -> str:
    """The text, or as much of it as fits into `most` pixels, with an ellipsis."""
    if width(text, size, mono) <= most:
        return text
    room, kept = most - width("…", size, mono), 0
    for char in text:
        room -= _share(char, mono) * size
        if room < 0:
            break
        kept += 1
    return text[:kept].rstrip() + "…"


def wrapped(text: str, size: float, most: float, lines: int) -> list[str]:
    """The text in up to `lines` lines, each of which fits."""
    found: list[str] = []
    words = text.split(" ")
    while words and len(found) < lines:
        line = words.pop(0)
        while words and width(f"{line} {words[0]}", size) <= most:
            line = f"{line} {words.pop(0)}"
        if len(found) == lines - 1 and words:
            line = " ".join((line, *words))
            words = []
        found.append(shortened(line, size, most))
    return found

"""Any text made harmless in GitHub's Markdown: it shows as it is, on one line, and is neither
markup, mention, reference nor link.

A code span is the only place where GitHub does nothing at all to text, so every word that is not
plain English is put in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..terminal import safe, shortened

LONGEST_WORD = 120
"""Characters of one word that are shown."""

_LONGEST_NAME = 300
_PLAIN = re.compile(
    r"(?![0-9a-f]{7,}$)[A-Za-z](?:[a-z]|['-](?=[A-Za-z]))*|[A-Z]{1,6}s?|IPv[46]|\d{1,5}"
)
_WORD = re.compile(r"(?P<before>\(?)(?P<word>.*?)(?P<after>[,.:;)]*)", re.S)
_UNMARKABLE = re.compile(r"[^A-Za-z0-9_./-]|(?<=-)-")
_SPECIAL = re.compile(r"[^A-Za-z0-9 ]")


def code(text: str, longest: int = LONGEST_WORD) -> str:
    """`text` as a code span, also inside a table's cell."""
    shown = shortened(safe(text), longest)
    plain = shown.strip(" ") == shown and shown and "|" not in shown and "`" not in shown
    return f"`{shown}`" if plain else html_code(shown, len(shown))


def html_code(text: str, longest: int = LONGEST_WORD) -> str:
    """The same as HTML: where Markdown is not read, and for a cell's border or a backtick, which no
    code span holds in every renderer.

    Character references are text and never markup; <wbr> parts what would be taken for an e-mail
    address.
    """
    return f"<code>{_SPECIAL.sub(_reference, shortened(safe(text), longest)) or '&nbsp;'}</code>"


def _reference(match: re.Match[str]) -> str:
    character = match[0]
    return f"&#{ord(character)};" + ("<wbr>" if character == "@" else "")


def prose(text: str, longest: int | None = None) -> str:
    """A sentence, with every word that is more than letters in a code span; cut after `longest`
    characters, which is said.
    """
    shown = safe(text)
    if longest is not None and len(shown) > longest:
        return f"{_words(shown[: longest - 1])}… ({len(shown):,} characters)"
    return _words(shown)


def _words(text: str) -> str:
    return " ".join(map(_word, text.split()))


def _word(text: str) -> str:
    if _PLAIN.fullmatch(text) and len(text) <= LONGEST_WORD:
        return text
    match = _WORD.fullmatch(text)
    assert match
    before, word, after = match["before"], match["word"], match["after"]
    if not word:
        return code(text)
    listed = word.isdigit() and after  # `1.` would begin a list
    return (
        before
        + (
            word
            if _PLAIN.fullmatch(word) and len(word) <= LONGEST_WORD and not listed
            else code(word)
        )
        + after
    )


def names(items: Iterable[str]) -> str:
    """A list of names: every one of them, each in a code span."""
    return ", ".join(map(code, items))


def fence(lines: Iterable[str], language: str = "") -> str:
    """A code block; the lines may hold anything that `safe` leaves."""
    text = "\n".join(map(safe, lines))
    ticks = "`" * (max((len(run) for run in re.findall(r"`{3,}", text)), default=2) + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"


def marker(name: str) -> str:
    """The hidden line by which a bot finds its own comment: `<!-- netplan:shop -->`; what no
    comment can hold is percent-encoded.
    """
    return f"<!-- netplan:{_UNMARKABLE.sub(_percent, name[:_LONGEST_NAME])} -->"


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))


def folded(summary: str, body: str) -> str:
    """A part that is closed until the reader opens it."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"

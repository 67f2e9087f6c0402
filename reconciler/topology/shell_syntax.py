"""Commands that look as if a shell read them: what in them only a shell would understand. No engine
and no Compose runs one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_QUOTED = re.compile(r"""\\.|'[^']*'|"(?:\\.|[^"\\])*\"""", re.DOTALL)
_OPERATOR = re.compile(r"&&|\|\||2>&1|\$\(|[0-9]?>>|[;&|<>`]")
_WORDS = re.compile(r"(?:&&|\|\||\||2>&1|[0-9]?>>?(?:/\S*|&[0-9]))\Z")


def in_line(text: str) -> str:
    """The first operator of a shell that stands unquoted in a line, or nothing. Compose cuts the
    line there.
    """
    found = _OPERATOR.search(_QUOTED.sub("_", text))
    return found[0] if found else ""


def in_words(words: Sequence[str]) -> str:
    """The first word of a list that is nothing but an operator of a shell, or nothing; `;` and `>`
    alone are words of find and expr.
    """
    return next((word for word in words[1:] if _WORDS.match(word)), "")

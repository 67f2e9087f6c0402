"""Scalars in every spelling that YAML has for them, and what Compose passes on of each."""

# ruff: noqa: E501

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from decimal import Decimal

from hypothesis import strategies as st

REFUSED = None
"""Of a scalar that Compose passes nowhere: a date, an infinity."""
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9:.]+(Z|[-+][0-9:]+)?)?\Z")


def compose_passes(plain: str) -> str | None:
    """The text that Compose 2.40 (go-yaml v3, then Go's `%v`) makes of a plain scalar; REFUSED for
    none. Nothing is empty text.
    """
    if plain in ("", "~", "null", "Null", "NULL"):
        return ""
    if plain in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return plain.lower()
    if re.fullmatch(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", plain) or (
        _DATE.match(plain) and " -" not in plain and " +" not in plain
    ):
        return REFUSED
    bare = plain.replace("_", "")
    if plain[:1] in "+-.0123456789" and (number := _integer(bare)) is not None:
        return go_float(float(number)) if not -(2**63) <= number < 2**64 else str(number)
    if plain[:1] in "+-.0123456789" and _FLOAT.match(bare) and math.isfinite(float(bare)):
        return go_float(float(bare))
    return plain


def _integer(text: str) -> int | None:
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    for prefix, base, allowed in (
        ("0x", 16, "[0-9a-fA-F]+"),
        ("0o", 8, "[0-7]+"),
        ("0b", 2, "[01]+"),
        ("0", 8, "[0-7]+"),
        ("", 10, "[0-9]+"),
    ):
        if digits.startswith(prefix) and re.fullmatch(allowed, digits[len(prefix) :]):
            return (
                None
                if base == 10 and len(digits) > 1 and digits[0] == "0"
                else sign * int(digits[len(prefix) :], base)
            )
    return None


def go_float(value: float) -> str:
    """As Go prints it: the shortest digits, with an exponent below 1e-4 and from 1e6 on."""
    if value == 0:
        return "0"
    number = Decimal(repr(value)).normalize()
    power = number.adjusted()
    if -4 <= power < 6:
        return f"{number:f}"
    digits = "".join(map(str, number.as_tuple().digits))
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{'-' if value < 0 else ''}{digits[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02}"


# --- what can be written --------------------------------------------------------------------------

_CASES = (str.lower, str.upper, str.title, lambda word: word[:1].upper() + word[1:].lower())
_WORDS = "true false yes no on off y n null ~ .inf -.inf +.inf .nan inf nan infinity <<"
WORDS = tuple(_WORDS.split())
_PLAIN = """
    010 007 08 0o17 0o9 0x1F 0XFF -0x1F 0b101 0b2 1_000 1_000.5 _1 190:20:30 20:30.5 22:22 52:54:00:12:34:56 1:2:3.4 +5 -5 -0 +0 0 00
    1 80 1450 1.10 3.10 .5 0.50 5. 1.0 0.0 100.00 1e3 1E+3 1.5e3 1e-7 1e21 1e400 -1e400 12e03 1.e2 .5e1 1e 1e+ e3 685230.15 1234567.5
    1000000.0 0.0001 0.00001 1e-05 1e+06 1e+16 123456789012345678901234567890 9223372036854775808 18446744073709551616 2024-01-01
    2024-1-2 2001-12-14t21:59:43.10-05:00 2024-01-01T10:00:00Z 24-01-01 12:30 = a.b x-y 1.2.3 1,000 0.5.1 1__0 0x 0b 0o 0x_1 . ..
    -- +. -.5 +.5 1-2 0:0 9:99
"""
PLAIN = tuple(_PLAIN.split())


@dataclass(frozen=True)
class Scalar:
    """One scalar: its text, and whether it stands as it is (plain) or in quotes or a block, where
    it is text whatever it looks like.
    """

    text: str
    style: str = "plain"

    @property
    def passed(self) -> str | None:
        """What Compose makes of it."""
        return (
            compose_passes(self.text)
            if self.style == "plain"
            else REFUSED
            if self.style == "tag"
            else self.text
        )

    def written(self) -> str:
        """It in YAML."""
        match self.style:
            case "single":
                return "'" + self.text.replace("'", "''") + "'"
            case "double":
                return json.dumps(self.text)
            case "literal":
                return f"|-\n{self.text}"
            case "folded":
                return f">-\n{self.text}"
            case "forced":
                return f"!!str {json.dumps(self.text)}"
            case "tag":
                return f"!!{'float' if '.' in self.text else 'int'} {self.text}"
        return self.text


def _number_in_some_base(draw: st.DrawFn) -> str:
    number = draw(st.integers(-(10 ** draw(st.integers(0, 22))), 10 ** draw(st.integers(0, 22))))
    form = draw(
        st.sampled_from(
            [
                "{:d}",
                "{:+d}",
                "0x{:x}",
                "0X{:X}",
                "0o{:o}",
                "0{:o}",
                "0b{:b}",
                "{:_d}",
                "{:d}.",
                "{:d}.0",
                "{:,d}",
                "0{:d}",
            ]
        )
    )
    return form.format(number if form in ("{:d}", "{:+d}", "{:d}.", "{:d}.0") else abs(number))


def _float_in_some_form(draw: st.DrawFn) -> str:
    number = draw(
        st.floats(allow_nan=False, allow_infinity=False)
        | st.floats(-2e7, 2e7)
        | st.decimals(-9999, 9999, places=2).map(float)
    )
    form = draw(
        st.sampled_from(
            [
                "{!r}",
                "{:f}",
                "{:e}",
                "{:E}",
                "{:g}",
                "{:.1f}",
                "{:.2f}",
                "{:+.3f}",
                "{:.0e}",
                "{:.3g}",
                "{:_.2f}",
            ]
        )
    )
    text = form.format(number)
    return (
        text.replace("0.", ".", 1)
        if draw(st.booleans()) and text.startswith(("0.", "-0.", "+0."))
        else text
    )


def _time(draw: st.DrawFn) -> str:
    moment = draw(st.datetimes())
    form = draw(
        st.sampled_from(
            [
                "%Y-%m-%d",
                "%Y-%m-%dT%H:%M:%SZ",
                "%Y-%m-%d %H:%M:%S",
                "%Y-%m-%dt%H:%M:%S.5+01:00",
                "%H:%M:%S",
                "%H:%M",
            ]
        )
    )
    return moment.strftime(form) if moment.year >= 1000 else "1999-12-31"


@st.composite
def scalars(draw: st.DrawFn, known: tuple[str, ...] = ()) -> Scalar:
    """Any scalar; `known` are texts that mean something at the place."""
    kind = draw(
        st.sampled_from(
            ["word", "plain", "plain", "base", "float", "float", "time", "known", "known", "text"]
        )
    )
    match kind:
        case "word":
            text = draw(st.sampled_from(_CASES))(draw(st.sampled_from(WORDS)))
        case "base":
            text = _number_in_some_base(draw)
        case "float":
            text = _float_in_some_form(draw)
        case "time":
            text = _time(draw)
        case "known" if known:
            text = draw(st.sampled_from(known))
        case "text":
            text = draw(
                st.text(st.sampled_from("abAB019 .:-_/=@'\"#[]{}"), min_size=1, max_size=6).filter(
                    lambda t: t == t.strip()
                )
            )
        case _:
            text = draw(st.sampled_from(PLAIN))
    styles = ["single", "double", "literal", "folded", "forced"]
    if _is_plain(text):
        styles += ["plain"] * 12 + ["tag"] * bool(re.fullmatch(r"[0-9]+(\.[0-9]+)?", text))
    return Scalar(text, draw(st.sampled_from(styles)))


def _is_plain(text: str) -> bool:
    """Whether the text may stand without quotes in a block."""
    return not re.search(r"\A[-?:](?:\s|\Z)|\A[\s,\[\]{}#&*!|>'\"%@`]|: |:\Z| #|\A\Z|\s\Z", text)

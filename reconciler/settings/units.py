"""Numbers with units: durations, lifetimes, sizes, CPUs.

Each function takes text in any form that Compose or an engine writes, and raises BadValueError.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from .values import BadValueError

MIN_MEMORY = 6 * 2**20
"""Bytes; engines give a container no less."""

_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DURATION = re.compile(r"(?:[0-9]{1,40}(?:\.[0-9]*)?(?:ns|us|µs|ms|s|m|h))+\Z")
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?)(ns|us|µs|ms|s|m|h)")
_LIFETIME = re.compile(r"(?:([0-9]{1,9})d)?(.*)", re.DOTALL)
_LONGEST_LIFETIME = 100
_DAY = 24 * 3600
MAX_LIFETIME = 36500 * _DAY
"""Seconds that a topology may live by its `ttl`."""
_SIZE = re.compile(r"([0-9]{1,40}(?:\.[0-9]+)?) ?(?:([bkmgtp])|([kmgtp])i?b)?\Z", re.IGNORECASE)


def nanoseconds(text: str) -> int:
    """`1m30s` -> 90000000000. Units are h, m, s, ms, us, ns."""
    if not _DURATION.match(text):
        raise BadValueError(f"{text[:60]!r} is not a duration: write it like 30s, 1m30s or 500ms")
    return _bounded(
        sum((Decimal(number) * _UNITS[unit] for number, unit in _PART.findall(text)), Decimal(0)),
        text,
    )


def _bounded(value: Decimal, text: str) -> int:
    if value >= 2**63:
        raise BadValueError(f"{text[:60]!r} is more than engines can count: write less")
    return int(value)


def seconds(text: str) -> int:
    """`1m30s` -> 90: engines wait for whole seconds."""
    whole, rest = divmod(nanoseconds(text), 10**9)
    if rest:
        raise BadValueError(
            f"{text[:60]!r} is not a whole number of seconds, which engines count here: did you"
            f" mean {whole + 1}s?"
        )
    return whole


def lifetime(text: str) -> int:
    """`1d12h` -> 129600 seconds, at least one: a duration that may begin with days of 24 hours."""
    days, rest = _LIFETIME.fullmatch(text[:_LONGEST_LIFETIME]).groups()  # type: ignore[union-attr]
    try:
        found = int(days or 0) * _DAY + (seconds(rest) if rest or not days else 0)
    except BadValueError as error:
        if "whole number" in str(error):
            raise
        hint = "write it like 90s, 2h, 1h30m or 2d"
        raise BadValueError(f"{text[:60]!r} is not a duration: {hint}") from None
    if not 0 < found <= MAX_LIFETIME:
        raise BadValueError(
            f"{text[:60]!r} is out of range: a lifetime is 1s to {MAX_LIFETIME // _DAY}d"
        )
    return found


def lifetime_text(value: int) -> str:
    """Seconds as people write them: 129600 -> `1d12h`, 90 -> `1m30s`."""
    days, rest = divmod(value, _DAY)
    return (f"{days}d" if days else "") + (duration_text(rest * 10**9) if rest or not days else "")


def duration_text(value: int) -> str:
    """Nanoseconds as people write them: 90000000000 -> `1m30s`, 500000000 -> `500ms`."""
    parts = []
    for unit in ("h", "m", "s", "ms", "us", "ns"):
        number, value = divmod(value, _UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


def size_bytes(text: str) -> int:
    """`64m` -> 67108864, `1.5gb` -> 1610612736. Units are b, k, m, g, t, p, by 1024."""
    match = _SIZE.match(text)
    if not match:
        raise BadValueError(
            f"{text[:60]!r} is not a size: write bytes, or a number with a unit like 64m or 1g"
        )
    unit = (match[2] or match[3] or "b").lower()
    return _bounded(Decimal(match[1]) * 1024 ** "bkmgtp".index(unit), text)


def size_text(value: int) -> str:
    """Bytes with the largest unit that fits exactly: 67108864 -> `64m`."""
    units = iter("kmgtp")
    unit = ""
    while value and value % 1024 == 0 and (larger := next(units, "")):
        value, unit = value // 1024, larger
    return f"{value}{unit}"


def cpus_text(value: str | int | float) -> str:
    """A number of CPUs as the shortest decimal: `1.50` -> `1.5`, 2.0 -> `2`. Engines count
    billionths, and give at least 0.01.
    """
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal(0)
    if not number.is_finite() or not Decimal("0.01") <= number < 10**6:
        raise BadValueError(
            f"{str(value)[:60]!r} is not a number of CPUs: write it like 0.5 or 2, at least 0.01"
        )
    if number != (rounded := number.quantize(Decimal("1e-9"))):
        raise BadValueError(
            f"{str(value)[:60]!r} is finer than a billionth of a CPU: did you mean"
            f" {rounded.normalize():f}?"
        )
    return f"{number.normalize():f}"


def memory(written: str) -> int:
    """A limit in bytes, as much as engines give at least."""
    size = size_bytes(written)
    if size < MIN_MEMORY:
        raise BadValueError(
            f"{written[:60]!r} is less than a container can have: write at least"
            f" {size_text(MIN_MEMORY)}"
        )
    return size


def health_time(written: str) -> int:
    """Nanoseconds of a health check, as many as engines take at least."""
    time = nanoseconds(written)
    if time < nanoseconds("1ms"):
        raise BadValueError(
            f"{written[:60]!r} is less than 1ms, the least that engines take here: write more or"
            " remove it"
        )
    return time


def microseconds(written: str) -> int:
    """`50ms` or `50000` -> 50000, whole microseconds."""
    if written.isdecimal():
        return _bounded(Decimal(written), written)
    whole, rest = divmod(nanoseconds(written), 1000)
    if rest:
        raise BadValueError(
            f"{written[:60]!r} is not a whole number of microseconds: write it like 50ms"
        )
    return whole


def swap_bytes(written: str) -> int:
    """A size, or -1 for no limit."""
    return -1 if written == "-1" else memory(written)

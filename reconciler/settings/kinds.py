"""The kinds of settings: how a value is written in a file, on the engine, and for people."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from ..fast_dataclasses import replace
from .object_settings import (
    bindings_of,
    device_of,
    gpu_of,
    rates_of,
    read_bindings,
    read_device,
    read_gpu,
    read_rates,
    read_restart,
    read_ulimits,
    read_weights,
    restart_of,
    ulimits_of,
    weights_of,
)
from .row import Kind
from .units import (
    cpus_text,
    duration_text,
    health_time,
    microseconds,
    seconds,
    size_bytes,
    size_text,
    swap_bytes,
)
from .values import Value, canonical_option

_NANO = 10**9
_NO_SIZE = re.compile(r"0+(\.0+)? ?([bkmgtp]|[kmgtp]i?b)?", re.IGNORECASE)
_NO_TIME = re.compile(r"0+(\.0+)?(ns|us|µs|ms|s|m|h)?")
_NO_NUMBER = re.compile(r"0+(\.0*)?")
_TEXT = {"type": "string", "minLength": 1}
_SIZE = {"type": ["integer", "string"], "minLength": 1}
_DURATION = {
    **_TEXT,
    "typeErrorMessage": "a duration is written with its unit, such as 30s or 1m30s",
}


def _ordered(items: Iterable[Any]) -> tuple[str, ...]:
    return (items,) if isinstance(items, str) else tuple(map(str, items))


def _texts(items: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): canonical_option(value) for key, value in items.items()}


def positive(value: Any) -> int | None:
    """A number above zero; engines write 0 or -1 for nothing."""
    return int(value) if int(value) > 0 else None


def from_zero(value: Any) -> int | None:
    """A number from zero on; engines write -1 for nothing."""
    return int(value) if int(value) >= 0 else None


def _no_limit(value: Any) -> int:
    """`-1` is 0, no limit."""
    return max(int(value), 0)


def _shown(value: Any) -> Value | None:
    """No limit is no value to people."""
    return value or None


def _shown_size(value: Any) -> str | None:
    if value < 0:
        return "-1"
    return size_text(value) if value else None


def _shown_time(value: Any) -> str | None:
    return duration_text(value * 1000) if value else None


def sorted_by(one: Callable[[Any], str]) -> Callable[[Iterable[Any]], tuple[str, ...]]:
    """What gives the canonical forms of a set's members, sorted."""
    return lambda items: tuple(sorted(map(one, items)))


def set_of(parse: Callable[[str], str], read: Callable[[str], str] | None = None) -> Kind:
    """A set whose members have a canonical form: `parse` of the file's, `read` of the engine's."""
    return replace(SET, parse=parse, read=sorted_by(read or parse))


def list_of(parse: Callable[[str], str], read: Callable[[str], str]) -> Kind:
    """A list whose members have a canonical form."""
    return replace(LIST, parse=parse, read=lambda items: tuple(map(read, items)))


OWN = Kind("", str, "own")
TEXT = Kind("text", str, "word", _TEXT)
FLAG = Kind("boolean", bool, "flag", {"type": "boolean"}, read=bool, raw=bool)
NUMBER = Kind("whole number", int, "number", {"type": "integer"}, read=int, raw=int)
LIMIT = replace(NUMBER, parse=_no_limit, read=_no_limit, show=_shown)
SIZE = Kind(
    "size",
    int,
    "word",
    _SIZE,
    size_bytes,
    read=positive,
    show=_shown_size,
    zero=_NO_SIZE,
    numbers=True,
    raw=int,
)
SWAP = replace(SIZE, parse=swap_bytes, read=int)
SECONDS = Kind(
    "duration",
    int,
    "word",
    _DURATION,
    seconds,
    int,
    show=lambda value: duration_text(value * _NANO),
    raw=int,
)
TIME = replace(SECONDS, parse=health_time, read=positive, show=duration_text, zero=_NO_TIME)
MICROSECONDS = Kind(
    "duration",
    int,
    "word",
    _SIZE,
    microseconds,
    read=positive,
    show=_shown_time,
    zero=_NO_TIME,
    numbers=True,
    raw=int,
)
CPUS = Kind(
    "number",
    str,
    "word",
    {"type": ["number", "string"], "minLength": 1, "format": "decimal"},
    cpus_text,
    read=lambda value: f"{(Decimal(value) / _NANO).normalize():f}",
    write=lambda value: int(Decimal(value) * _NANO),
    show=lambda value: None if value == "0" else value,
    zero=_NO_NUMBER,
    numbers=True,
    raw=int,
)
SET = Kind(
    "list", tuple, "set", {"type": ["array", "null"]}, read=sorted_by(str), write=list, raw="texts"
)
LIST = Kind(
    "text or list",
    tuple,
    "list",
    {"type": ["string", "array", "null"], "minLength": 1},
    read=_ordered,
    write=list,
    raw="texts",
)
PAIRS = Kind(
    "mapping or list",
    str,
    "pairs",
    {"type": ["object", "array", "null"]},
    read=_texts,
    mapped=True,
    raw="labels",
)

OPTIONS = replace(PAIRS, name="mapping", schema={"type": ["object", "null"]}, raw="options")

WORDS = replace(LIST, shape="own", show=shlex.join, raw="command")
TEST = replace(WORDS, show=" ".join, raw="texts")
RESTART = replace(OWN, read=read_restart, write=restart_of, raw="restart")
PORTS = replace(SET, shape="own", read=read_bindings, write=bindings_of, raw="bindings")
HOSTS = replace(SET, shape="own")
DEVICES = replace(
    SET,
    shape="own",
    read=sorted_by(read_device),
    write=lambda devices: [device_of(device) for device in devices],
    raw="devices",
)
GPUS = replace(
    SET,
    shape="own",
    read=sorted_by(read_gpu),
    write=lambda requests: [gpu_of(request) for request in requests],
    raw="gpus",
)
ULIMITS = replace(OWN, read=read_ulimits, write=ulimits_of, mapped=True, raw="ulimits")
RATES = replace(OWN, read=read_rates, write=rates_of, mapped=True, raw="rates")
WEIGHTS = replace(OWN, read=read_weights, write=weights_of, mapped=True, raw="weights")

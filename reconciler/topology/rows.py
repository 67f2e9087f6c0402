"""Reads the settings whose rows say all that there is to know: one function for each shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..settings import Value, canonical_option
from ..settings.container_defaults import CONTAINER
from ..settings.row import Kind, Setting
from .container_reader import Reader, is_text
from .document import Map, Odd, Seq
from .report import check_word, mapping
from .schema import flag


def read_rows(reader: Reader) -> None:
    """Puts what a container's mapping says into its settings."""
    for key in reader.body:
        for row in _BY_KEY.get(key, ()):
            outer, _, inner = row.path.rpartition(".")
            body = mapping(reader.body, outer) if outer else reader.body
            if inner in body:
                _SHAPES[row.kind.shape](reader, row, body, inner)


def _value(reader: Reader, row: Setting, body: Map, key: str) -> None:
    reader.put(row.path, read_value(reader, row, body, key))


def read_value(reader: Reader, row: Setting, body: Map, key: str) -> Value | None:
    """One value under a key of `body`, as the row says; None where it says nothing."""
    value = body[key]
    if row.kind.shape == "number":
        return row.kind.parse(value) if type(value) is int else None
    written = _text_of(value, row.kind)
    if written is None or (row.kind.zero and row.kind.zero.fullmatch(written)):
        return None
    found: Value | None = reader.attempt(body.value_at(key), row.kind.parse, written)
    return found


def _text_of(value: Any, kind: Kind) -> str | None:
    """A text, or the number that stands for one; `0.50`, which YAML would not write so, only where
    any decimal is wanted.
    """
    if is_text(value) or (kind.numbers and type(value) is int):
        return str(value)
    decimal = kind.schema.get("format") == "decimal" and isinstance(value, float | Odd)
    return str(value) if decimal else None


def _flag(reader: Reader, row: Setting, body: Map, key: str) -> None:
    reader.put(row.path, flag(body[key]))


def _set(reader: Reader, row: Setting, body: Map, key: str) -> None:
    items = reader.items(key, body, row.kind.numbers)
    found = (reader.attempt(at, row.kind.parse, item) for at, item in items)
    reader.many(row.path, found, ordered=row.kind.shape == "list")


def _pairs(reader: Reader, row: Setting, body: Map, key: str) -> None:
    what, _, example = row.item
    for name, at, value, _ in reader.pairs(key, f"the {what.lower()}", str(example), body):
        check_word(reader.report, at, name, what.lower())
        if value is not None and not isinstance(value, Odd | Map | Seq):
            reader.settings[f"{row.path}.{name}"] = canonical_option(value)


_SHAPES: dict[str, Callable[[Reader, Setting, Map, str], None]] = {
    "word": _value,
    "flag": _flag,
    "number": _value,
    "set": _set,
    "list": _set,
    "pairs": _pairs,
}
_BY_KEY: dict[str, list[Setting]] = {}
for _row in CONTAINER:
    if _row.kind.shape in _SHAPES:
        _BY_KEY.setdefault(_row.key, []).append(_row)


def plain_settings(rows: Iterable[Setting], body: Map) -> dict[str, Value]:
    """The settings of a mapping that is known to be in order."""
    settings: dict[str, Value] = {}
    for row in rows:
        outer, _, inner = row.path.rpartition(".")
        value = (mapping(body, outer) if outer else body).get(inner)
        if value in (None, "", []) or row.kind.shape == "own":
            continue
        if row.kind.mapped:
            settings |= {f"{row.path}.{key}": canonical_option(item) for key, item in value.items()}
        else:
            settings[row.path] = _plain(row, value)
    return settings


def _plain(row: Setting, value: Any) -> Value:
    if row.kind.shape == "flag":
        return flag(value) is True
    if row.kind.shape == "set":
        return tuple(sorted({row.kind.parse(item) for item in value}))
    parsed: Value = row.kind.parse(value)
    return parsed

"""What netplan knows of one setting of a network, an endpoint or a container: a row.

Whatever handles settings is a loop over rows: reading a file (topology/), request bodies and
inspects (codec/), defaults and changes in place (planner/), how values are shown (render/), the
schema and the tables of the documents (scripts/generate). Where the file's form of a setting is
irregular, a function in topology/ reads it: the shape of its kind is `own`, and its schema is
written by hand in scripts/topology.base.json.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from ..fast_dataclasses import dataclass, field
from .values import Settings, Value, subtree

Api = tuple[int, int]
"""A version of the engine's API: 1.51 is (1, 51)."""
Shape = Literal["word", "flag", "number", "set", "list", "pairs", "own"]
"""How a file writes a setting.

`word`: one text, or a number that stands for it. `flag`: a boolean. `number`: a whole number. `set`
and `list`: texts, whose order means nothing or something. `pairs`: a mapping, or a list of
`key=value`. `own`: as a function in topology/ reads it.
"""
Change = Literal["recreate", "update"]
"""How the engine changes it: with a new container, or in place.

What is changed in place is recorded nowhere. So the file alone decides about such a setting: where
it does not name it, the container must have the engine's default.
"""


def same(value: Any) -> Any:
    """The value."""
    return value


@dataclass(frozen=True, slots=True)
class Kind:
    """What the values of a setting are, and their forms.

    `name` is what documents call it, `type` is the type of the canonical value. `schema` is the
    JSON Schema of the file's value, `numbers` tells whether a whole number may stand for a text.
    `parse` gives the canonical value of the file's text, or of each member, and raises
    BadValueError. `read` gives that of the engine's value, None for nothing; `write` is its
    inverse. `show` gives what people read. Of `mapped` kinds each key is a setting of its own,
    whose value is a text: `read` gives and `write` takes a mapping. `raw` is the shape of the
    engine's value: a type, or a name in codec/shapes.py. `zero` matches the texts of the file that
    say no more than the absence of the key.
    """

    name: str
    type: type
    shape: Shape
    schema: Mapping[str, Any] = field(default_factory=dict)
    parse: Callable[[Any], Any] = same
    read: Callable[[Any], Any] = same
    write: Callable[[Any], Any] = same
    show: Callable[[Any], Value | None] = same
    numbers: bool = False
    mapped: bool = False
    raw: object = str
    zero: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    `path` is its key in the file (`healthcheck.retries` is a key inside another one), `place` is
    where the engine's inspect has it. `title`, `help` and `examples` are those of the schema,
    `item` are title, help and example of one member, `member` adds to its
    schema. `schema` adds to that of its kind. `default`
    is what a container has where neither its file nor its image says anything; None is nothing.
    `least` is the lowest API version that has it. `shared`: it may be given in the network
    namespace of another container. `image`: an image may have it. `cgroup1`: engines on cgroup
    version 2 ignore it.
    """

    path: str
    kind: Kind
    place: str
    title: str = ""
    help: str = ""
    examples: tuple[Any, ...] = ()
    item: tuple[str, str, Any] = ("", "", None)
    member: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] = field(default_factory=dict)
    default: Value | None = None
    change: Change = "recreate"
    least: Api = (0, 0)
    shared: bool = True
    image: bool = False
    cgroup1: bool = False

    @property
    def key(self) -> str:
        """The container's key that it stands under."""
        return self.path.partition(".")[0]


def docker_of(api: Api) -> str:
    """The first Docker that speaks a version of the API, as people know it."""
    return f"Docker {_RELEASES[api]}" if api in _RELEASES else f"engine API {api[0]}.{api[1]}"


_RELEASES: Mapping[Api, int] = {(1, 42): 23, (1, 43): 24, (1, 44): 25, (1, 45): 26, (1, 48): 28}


def reader(rows: Iterable[Setting]) -> Callable[[Mapping[str, Any]], dict[str, Value]]:
    """What reads the settings of `rows` from an inspect, without those that have their default."""
    sections: dict[str, list[tuple[Setting, str, str]]] = {}
    for row in rows:
        if row.place:
            section, key, *inner = row.place.split(".")
            sections.setdefault(section, []).append((row, key, inner[0] if inner else ""))

    def read(raw: Mapping[str, Any]) -> dict[str, Value]:
        settings: dict[str, Value] = {}
        for section, members in sections.items():
            values = raw.get(section) or {}
            for row, key, inner in members:
                value = values.get(key)
                if inner and value:
                    value = value.get(inner)
                if value not in _NOTHING:
                    _take(settings, row, row.kind.read(value))
        return settings

    return read


_NOTHING: tuple[Any, ...] = (None, "", [], {})
"""What engines write where nothing is set."""


def _take(settings: dict[str, Value], row: Setting, value: Any) -> None:
    if row.kind.mapped:
        settings.update((f"{row.path}.{key}", value[key]) for key in sorted(value))
    elif value is not None and value != row.default:
        settings[row.path] = value


def body_of(rows: Iterable[Setting], settings: Settings) -> dict[str, dict[str, Any]]:
    """The JSON of what is set, by section: the inverse of a `reader`."""
    body: dict[str, dict[str, Any]] = {}
    for row in rows:
        value: Any = subtree(settings, row.path) if row.kind.mapped else settings.get(row.path)
        if not row.place or value is None or value == {}:
            continue
        *outer, key = row.place.split(".")
        where: dict[str, Any] = body
        for name in outer:
            where = where.setdefault(name, {})
        where[key] = row.kind.write(value)
    return body

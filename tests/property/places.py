"""Every place of a topology file that a scalar can stand at, found in the published schema, and
files that have one there.
"""

# ruff: noqa: E501

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as Folder
from typing import Any

from reconciler.topology.schema import topology_schema

Path = tuple[str | int, ...]

POOL = {"subnet": "10.1.0.0/24"}
BASE: dict[str, Any] = {
    "name": "t",
    "networks": {
        "n": {},
        "dual": {
            "enable_ipv6": True,
            "ipam": {"config": [{"subnet": "10.2.0.0/24"}, {"subnet": "fd00:2::/64"}]},
        },
    },
    "containers": {
        "web": {"image": "a"},
        "db": {"image": "a", "one_shot": True, "volumes": ["vol:/u"]},
    },
    "volumes": {"vol": {}},
}
"""What every place is put into."""
COMPANIONS: dict[str, dict[str, Any]] = {
    "optional": {"image": None},
    "read_only": {"source": "data"},
    "bind": {"type": "bind", "source": "/data"},
    "tmpfs": {"type": "tmpfs"},
    "gateway": POOL,
    "ip_range": POOL,
    "aux_addresses": POOL,
    "enable_ipv4": {"enable_ipv6": True},
}
"""What must stand beside a key; None is what must not."""
FILE = str(Folder(__file__).with_name("values.env"))
EXAMPLES: dict[str, Any] = {
    "subnet": "10.1.0.0/24",
    "gateway": "10.1.0.1",
    "ip_range": "10.1.0.128/25",
    "aux_addresses[]": "10.1.0.9",
    "env_file": FILE,
    "env_file[]": FILE,
    "path": FILE,
    "depends_on[]": "db",
    "networks[]": "n",
    "ipv4_address": "10.2.0.20",
    "ipv6_address": "fd00:2::20",
    "test[]": "NONE",
    "network_mode": "container:db",
    "type": "volume",
    "external": True,
}
"""Values that fit `BASE`, in place of the schema's own examples."""


@dataclass(frozen=True)
class Place:
    """A path into a file; `schema` is what may stand there, `examples` are values that can."""

    path: Path
    schema: dict[str, Any] = field(compare=False, hash=False)
    examples: tuple[Any, ...] = field(compare=False, hash=False, default=())

    def __str__(self) -> str:
        return ".".join(map(str, self.path))

    def file(self, value: Any) -> dict[str, Any]:
        """A file with that value at the place, and what it needs beside it."""
        return _put(copy.deepcopy(BASE), self.path, value)

    def without(self) -> dict[str, Any]:
        """The same file without it."""
        full = self.file("x")
        holder = full
        for part in self.path[:-1]:
            holder = holder[part]  # type: ignore[index]
        del holder[self.path[-1]]  # type: ignore[arg-type]
        return full


def _put(root: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    holder: Any = root
    for index, part in enumerate(path[:-1]):
        following = path[index + 1]
        if isinstance(part, int):
            holder.append([] if isinstance(following, int) else {})
            holder = holder[-1]
        else:
            if not isinstance(holder.get(part), list if isinstance(following, int) else dict):
                holder[part] = [] if isinstance(following, int) else {}
            holder = holder[part]
        if isinstance(holder, dict):
            holder.update(
                {
                    key: other
                    for key, other in _needed(path[: index + 1]).items()
                    if key not in holder and key != following
                }
            )
            _accompany(holder, path, str(following))
    last = path[-1]
    if isinstance(last, int):
        holder.append(value)
    else:
        holder[last] = value
    return root


def _accompany(holder: dict[str, Any], path: Path, key: str) -> None:
    """`tmpfs` and the like mean something else in a container than in one of its volumes."""
    if key in ("bind", "tmpfs") and "volumes" not in path:
        return
    for other, value in COMPANIONS.get(key, {}).items():
        if value is None:
            holder.pop(other, None)
        else:
            holder[other] = value


def _needed(path: Path) -> dict[str, Any]:
    """Required keys of the mapping at `path`, with examples; an attachment of `web` is on the
    network with both families.
    """
    schema = _at(path)
    return {key: _example(key, schema["properties"][key]) for key in schema.get("required", ())}


def _example(key: str, schema: dict[str, Any]) -> Any:
    return EXAMPLES.get(key, schema["examples"][0])


def _resolve(schema: Any) -> dict[str, Any]:
    if isinstance(schema, dict) and "$ref" in schema:
        found: dict[str, Any] = topology_schema()["$defs"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema if isinstance(schema, dict) else {}


def _below(schema: dict[str, Any]) -> Iterator[tuple[str | int, dict[str, Any]]]:
    """Key and schema of everything that can stand under a schema; `u` is a name of the user's."""
    for key, rule in schema.get("properties", {}).items():
        yield key, _resolve(rule)
    for pattern, rule in schema.get("patternProperties", {}).items():
        if pattern != "^x-":
            yield "u", _resolve(rule)
    if isinstance(schema.get("additionalProperties"), dict):
        yield "u", _resolve(schema["additionalProperties"])
    if "items" in schema:
        yield 0, _resolve(schema["items"])


_NAMES: dict[Path, str] = {
    ("containers",): "web",
    ("networks",): "n",
    ("volumes",): "vol",
    ("containers", "web", "networks"): "dual",
    ("containers", "web", "depends_on"): "db",
    ("containers", "web", "sysctls"): "kernel.msgmax",
}


def _walk(path: Path, schema: dict[str, Any], examples: tuple[Any, ...]) -> Iterator[Place]:
    if path:
        yield Place(path, schema, examples)
    for key, rule in _below(schema):
        name = _NAMES.get(path, key) if key == "u" else key
        known = EXAMPLES.get(
            f"{path[-1]}[]" if path and (isinstance(key, int) or key == "u") else str(key)
        )
        yield from _walk(
            (*path, name), rule, tuple(rule.get("examples", ())) if known is None else (known,)
        )


def _at(path: Path) -> dict[str, Any]:
    schema = topology_schema()
    for part in path:
        found = dict(_below(schema))
        schema = found.get(part, found.get("u", {}))
    return schema


PLACES = tuple(_walk((), topology_schema(), ()))


# --- files ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Raw:
    """Text that stands in a file as it is; what follows its first line is indented as it needs."""

    text: str


def text_of(value: Any, depth: int = 0) -> str:
    """The value as block YAML; strings in double quotes."""
    pad = "  " * depth
    if isinstance(value, Raw):
        return " " + value.text.replace("\n", f"\n{pad}") + "\n"
    if isinstance(value, dict) and value:
        return "\n" + "".join(
            f"{pad}{key.text if isinstance(key, Raw) else json.dumps(key)}:{text_of(value[key], depth + 1)}"
            for key in value
        )
    if isinstance(value, list) and value:
        return "\n" + "".join(f"{pad}-{text_of(item, depth + 1)}" for item in value)
    return f" {json.dumps(value)}\n"

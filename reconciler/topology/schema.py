"""The published JSON Schemas: where they are, and what a file's disagreement with one means in
words.

`jsonschema` does the validating of what does not fit at first sight (quick_schema.py). It gets the
schema without what only editors read, and with its references resolved, which halves its time; and
its idea of types minus `Odd` scalars, which are no text, minus whole numbers that are written as
fractions, and plus the words for booleans, which are no accident.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import Problem
from .document import MAX_PROBLEMS, Document, Map, Odd, Seq, show
from .hints import suggestion, unknown_key
from .quick_schema import TYPES, Check, Types, fitting

_HOLDS = {
    "plans": ("plan",),
    "report": ("plan", "error"),
    "reports": ("report", "plan", "error"),
    "prune": ("ls", "report", "plan", "error"),
}
_FOR_EDITORS = frozenset(("title", "description", "examples", "$schema", "$id", "$defs"))
_TRUE = frozenset(("true", "yes", "on"))
_FALSE = frozenset(("false", "no", "off"))
_MISSING = {
    "env_file": ": name the file, such as path: app.env",
    "devices": ": name the device, such as source: /dev/ttyUSB0",
    "ports": ": each port needs the one inside the container, such as target: 80",
    "volumes": (
        ": each needs at least type: bind, volume or tmpfs, and target: the path inside the"
        " container"
    ),
}
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping (key: value)",
    "array": "a list",
}


def schema_path(name: str) -> Path:
    """Where the schema called `name` (`topology`, `plan`, ...) is installed: in the package, or
    beside it in a checkout.
    """
    package = Path(__file__).parents[1]
    inside = package / "schemas" / f"{name}.schema.json"
    return inside if inside.exists() else package.parent / "schemas" / inside.name


def schema_text(name: str) -> str:
    """The schema as published; one of a format that holds plans brings theirs along, so that it can
    be used alone.
    """
    text = schema_path(name).read_text(encoding="utf-8")
    if name not in _HOLDS:
        return text
    held = {
        other: json.loads(schema_path(other).read_text(encoding="utf-8")) for other in _HOLDS[name]
    }
    return json.dumps(json.loads(text) | {"$defs": held}, indent=2, ensure_ascii=False) + "\n"


@lru_cache(maxsize=1)
def topology_schema() -> dict[str, Any]:
    """The topology schema as published, read once."""
    schema: dict[str, Any] = json.loads(schema_text("topology"))
    return schema


def below(schema: Any, key: str | int) -> Any:
    """The schema of what stands under a key or in a list; empty where anything may, and where a key
    is ignored (`x-...`) None.
    """
    if isinstance(key, int):
        return schema.get("items", {})
    if key in (known := schema.get("properties", {})):
        return known[key]
    for pattern, rule in schema.get("patternProperties", {}).items():
        if re.search(pattern, key):
            return rule if isinstance(rule, dict) else None
    return schema.get("additionalProperties") or {}


def flag(value: object) -> bool | None:
    """A boolean as a user may write it: true, yes, on, also in quotes. None for anything else."""
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else ""
    return True if word in _TRUE else False if word in _FALSE else None


def problems_of_schema(document: Document) -> list[Problem]:
    """Where the document does not fit the topology schema; at most one more than MAX_PROBLEMS."""
    if _fits()(document.value):
        return []
    errors = _validator().iter_errors(document.value)
    found = (
        document.problem(offset, message)
        for error in errors
        if not _is_number(error)
        for offset, message in _explain(document, error)
    )
    return list(islice(found, MAX_PROBLEMS + 1))


_DECIMAL = re.compile(r"\d*\.\d+")
"""A number that only would not be written back as it stands: `0.50`."""
_OWN_TYPES: Types = {
    "string": lambda value: isinstance(value, str) and type(value) is not Odd,
    "boolean": lambda value: flag(value) is not None,
    "integer": TYPES["integer"],
}


def _is_number(error: Any) -> bool:
    """Whether the schema wants a number, not the text of one, and has it."""
    return (
        error.validator == "type"
        and error.schema.get("format") == "decimal"
        and _DECIMAL.fullmatch(str(error.instance)) is not None
    )


@lru_cache(maxsize=1)
def compacted() -> Any:
    """The topology schema as it is applied: without references, and without what only editors
    read.
    """
    schema = topology_schema()
    return _compact(schema, schema["$defs"])


@lru_cache(maxsize=1)
def _fits() -> Check:
    return fitting(compacted(), {**TYPES, **_OWN_TYPES})


@lru_cache(maxsize=1)
def _validator() -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    own = {name: lambda _, value, check=check: check(value) for name, check in _OWN_TYPES.items()}
    types = Draft202012Validator.TYPE_CHECKER.redefine_many(own)
    validator: Any = extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]
    return validator(compacted())


def _compact(schema: Any, definitions: Any) -> Any:
    """The same schema for the validator alone; `$` becomes the very end of the text, as it is in
    ECMA 262.
    """
    if isinstance(schema, list):
        return [_compact(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _compact(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: _compact(member, definitions) for name, member in value.items()}
        elif key == "patternProperties":
            result[key] = {
                _whole(pattern): _compact(member, definitions) or True
                for pattern, member in value.items()
            }
        elif key == "pattern":
            result[key] = _whole(value)
        elif key not in _FOR_EDITORS:
            result[key] = _compact(value, definitions)
    return result


def _whole(pattern: str) -> str:
    return pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern


# --- what an error means --------------------------------------------------------------------------


def _explain(document: Document, error: Any) -> Iterator[tuple[int, str]]:
    """Offset and sentence for one error of jsonschema; several for several unknown keys."""
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        for key in _unknown(error.instance, error.schema):
            yield error.instance.key_at(key), unknown_key(path, key, error.schema)
        return
    offset, subject = _locate(document.value, path)
    if error.validator == "required":
        missing = ", ".join(
            repr(name) for name in error.validator_value if name not in error.instance
        )
        yield offset, f"{missing} is missing{_what_is_missing(path)}"
    else:
        yield offset, f"{subject} {_fault(error, path)}"


def _unknown(instance: Map, schema: Any) -> Iterator[str]:
    known = schema.get("properties", {})
    patterns = [re.compile(pattern) for pattern in schema.get("patternProperties", {})]
    return (
        key
        for key in instance
        if key not in known and not any(pattern.search(key) for pattern in patterns)
    )


def _what_is_missing(path: tuple[str | int, ...]) -> str:
    if not path:
        return ": give the topology a name, such as name: lab"
    if path[0] == "expect":
        return ": say who is to reach it, such as from: client"
    if path[0] in ("secrets", "configs"):
        return ": netplan mounts files, such as file: ./token.txt"
    if path[0] == "containers":
        return _MISSING.get(str(path[2]), ": add it, or write the short form")
    return ": each pool needs one, such as subnet: 10.7.0.0/24"


def _locate(value: Any, path: tuple[str | int, ...]) -> tuple[int, str]:
    """Where the value at `path` stands, and what to call it. A missing value stands at its key."""
    offset, subject, name = 0 if not isinstance(value, Map | Seq) else value.start, "a topology", ""
    for part in path:
        offset = value.value_at(part)
        subject = f"an item of {name}" if isinstance(part, int) else show(part)
        name = subject
        value = value[part]
    return offset, subject


def _fault(error: Any, path: tuple[str | int, ...]) -> str:
    """What is wrong with a value, as the rest of a sentence that begins with its key."""
    value, rule = error.instance, error.validator_value
    if error.schema.get("writeOnly"):  # a secret
        return (
            f"must be {_wanted(rule)}; what stands there is something else to YAML: put it in"
            " quotes (value hidden)"
        )
    match error.validator:
        case "type" if "typeErrorMessage" in error.schema:
            found = "empty" if value is None else value_of(value)
            return f"is {found}: {error.schema['typeErrorMessage']}"
        case "type":
            return _wrong_type(value, [rule] if isinstance(rule, str) else rule, path)
        case "pattern":
            return (
                f"is {show(value)}:"
                f" {error.schema.get('patternErrorMessage', 'it is not of the form ' + rule)}"
            )
        case "minimum" | "maximum" if "rangeErrorMessage" in error.schema:
            return f"is {value_of(value)}: {error.schema['rangeErrorMessage']}"
        case "minimum" | "maximum":
            return (
                f"is {value_of(value)}: it must be"
                f" {'at least' if error.validator == 'minimum' else 'at most'} {rule}"
            )
        case "minLength":
            return "is empty: write a value or remove the key"
        case "maxLength":
            return f"is {show(value)}: at most {rule} characters are allowed"
        case "enum":
            return (
                f"is {show(value)}: it must be one of"
                f" {', '.join(map(str, rule))}{suggestion(str(value), map(str, rule))}"
            )
        case "anyOf" | "oneOf":
            return f"is {show(value)}, which matches none of the allowed forms"
    return f"is {show(value)}, which breaks the rule {error.validator!r} of the schema"


def _wrong_type(value: Any, types: list[str], path: tuple[str | int, ...]) -> str:
    if "string" in types and (isinstance(value, Odd | bool | int | float)):
        return not_text(value)
    if types == ["integer"] and isinstance(value, str) and value.isdecimal():
        if len(value) > 18:  # those are numbers to nobody (document.py)
            return f"is {show(value)}, which is too large"
        return f"is {show(value)}, text because of its quotes: remove them"
    found = "empty" if value is None else value_of(value)
    if (
        not path and not isinstance(value, dict | list) and value is not None
    ):  # it may be any file, named by mistake or through a link
        found = "a single value, which is not shown: is this file a topology?"
    return f"must be {_wanted(types)}, not {found}"


def _wanted(types: str | list[str]) -> str:
    return " or ".join(
        _TYPES[name] for name in ([types] if isinstance(types, str) else types) if name != "null"
    )


def not_text(value: object) -> str:
    """The rest of a sentence about a value that YAML does not read as the text it looks like."""
    kind = (
        value.kind
        if isinstance(value, Odd)
        else "a boolean"
        if isinstance(value, bool)
        else "a number"
    )
    return (
        f"is {value_of(value) if isinstance(value, bool) else show(value)}, {kind} to YAML, not"
        " text: put it in quotes"
    )


def value_of(value: object) -> str:
    """A value as a user would name it."""
    return (
        show(value)
        if isinstance(value, str | list | dict)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )

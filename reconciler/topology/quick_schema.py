"""A quick yes: whether a value fits a JSON Schema of the few keywords that the topology schema has.

To load `jsonschema` takes longer than to read most files, and most files are right. So it is asked
only where there is something to say: what is not certain here is a no, and a no is explained, or
taken back, by `jsonschema`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]
Types = Mapping[str, Check]

TYPES: Types = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}
_OBJECT = frozenset(("properties", "patternProperties", "additionalProperties", "required"))
_SILENT = frozenset(
    ("writeOnly", "format", "patternErrorMessage", "typeErrorMessage", "rangeErrorMessage")
)


def fitting(schema: Any, types: Types = TYPES) -> Check:
    """A check that is true only of values that fit `schema`; `types` say what is of which type."""
    if schema is True or schema == {}:
        return lambda value: True
    if not isinstance(schema, dict):
        return lambda value: False
    checks = [_keyword(key, schema, types) for key in schema.keys() - _SILENT - _OBJECT]
    if schema.keys() & _OBJECT:
        checks.append(_members(schema, types))
    return checks[0] if len(checks) == 1 else lambda value: all(check(value) for check in checks)


def _keyword(key: str, schema: dict[str, Any], types: Types) -> Check:
    rule, string, number = schema[key], types["string"], types["number"]
    match key:
        case "type":
            wanted = [types[name] for name in ([rule] if isinstance(rule, str) else rule)]
            return (
                wanted[0]
                if len(wanted) == 1
                else lambda value: any(check(value) for check in wanted)
            )
        case "enum":
            return lambda value: isinstance(value, str) and value in rule
        case "pattern":
            search = re.compile(rule).search
            return lambda value: not string(value) or search(value) is not None
        case "minLength":
            return lambda value: not string(value) or len(value) >= rule
        case "maxLength":
            return lambda value: not string(value) or len(value) <= rule
        case "minimum":
            return lambda value: not number(value) or value >= rule
        case "maximum":
            return lambda value: not number(value) or value <= rule
        case "items":
            item = fitting(rule, types)
            return lambda value: not isinstance(value, list) or all(map(item, value))
    return lambda value: False


def _members(schema: dict[str, Any], types: Types) -> Check:
    known = {name: fitting(rule, types) for name, rule in schema.get("properties", {}).items()}
    patterns = [
        (re.compile(pattern).search, fitting(rule, types))
        for pattern, rule in schema.get("patternProperties", {}).items()
    ]
    others = fitting(schema.get("additionalProperties", True), types)
    required = schema.get("required", ())

    def member(name: str, value: Any) -> bool:
        rules = [check for search, check in patterns if search(name)]
        if name in known:
            rules.append(known[name])
        return all(check(value) for check in rules or [others])

    return lambda value: (
        not isinstance(value, dict)
        or (
            all(name in value for name in required) and all(member(*item) for item in value.items())
        )
    )

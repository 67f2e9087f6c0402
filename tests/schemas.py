"""The published schemas, each made ready once."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from reconciler.topology.schema import schema_text


@cache
def validator(name: str) -> Any:
    """What checks a value against the schema of that name."""
    return Draft202012Validator(json.loads(schema_text(name)))

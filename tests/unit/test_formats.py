"""The published formats: every schema is one, every JSON document that netplan prints obeys its
own, and old ones stay readable.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler import snapshot
from reconciler.arguments import parser
from reconciler.model import ObservedState
from reconciler.topology.schema import schema_path, schema_text
from tests.schemas import validator

ROOT = Path(__file__).parents[2]
NAMES = sorted(
    file.name.removesuffix(".schema.json") for file in (ROOT / "schemas").glob("*.schema.json")
)
FORMATS = ROOT / "tests" / "formats"


def validate(name: str, value: Any) -> None:
    validator(name).validate(value)


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one_and_can_be_used_alone(name: str) -> None:
    schema = json.loads(schema_text(name))
    jsonschema.Draft202012Validator.check_schema(schema)
    references = set(re.findall(r'"\$ref": "([^"#]+)', schema_text(name)))
    assert references <= {definition.get("$id") for definition in schema.get("$defs", {}).values()}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "topology"])
def test_a_format_carries_its_version(name: str) -> None:
    schema = json.loads(schema_path(name).read_text(encoding="utf-8"))
    version = schema["properties"]["format_version"]["const"]
    assert schema["$id"].endswith(f"/{name}-{version}.json")
    assert "format_version" in schema["required"]


def test_every_schema_can_be_printed() -> None:
    assert [parser().parse_args(["schema", name]).name for name in NAMES] == NAMES


def test_every_earlier_snapshot_is_read() -> None:
    """The file of a version is never written anew: it is what a netplan of that version printed on
    a real engine.
    """
    for version in range(1, snapshot.FORMAT_VERSION + 1):
        old = json.loads((FORMATS / f"snapshot-{version}.json").read_text(encoding="utf-8"))
        assert old["format_version"] == version
        state = snapshot.state_from_snapshot(old)
        assert [network["name"] for network in old["networks"]] == [
            network.name for network in state.networks
        ]
        assert [container["id"] for container in old["containers"]] == [
            container.id for container in state.containers
        ]
        validate("snapshot", snapshot.snapshot_json(state))
        assert version == snapshot.FORMAT_VERSION or version in snapshot.UPGRADES


def test_an_upgrade_is_applied_version_by_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of formats that never were: -1 became 0, and 0 the present one."""
    now = snapshot.snapshot_json(ObservedState())
    steps = {
        -1: lambda old: {"format_version": 0, "seen": old["format_version"]},
        0: lambda old: now if old["seen"] == -1 else {},
    }
    monkeypatch.setattr("reconciler.snapshot.decode.UPGRADES", steps)
    assert snapshot.state_from_snapshot({"format_version": -1}) == ObservedState()

"""A snapshot that is none is refused with a reason; exactness is a property (tests/property/test_codec.py)."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import UsageError
from reconciler.model import (
    ContainerMark,
    EndpointMark,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedImage,
    ObservedNetwork,
    ObservedState,
)
from reconciler.snapshot import snapshot_json, state_from_snapshot

GOOD = snapshot_json(
    ObservedState(
        networks=(ObservedNetwork("1", "a", {"driver": "bridge"}, NetworkMark("lab")),),
        containers=(
            ObservedContainer("2", "c", endpoints=(ObservedEndpoint("a", mark=EndpointMark("lab")),), mark=ContainerMark("lab")),
            ObservedContainer("3", "d"),
        ),
        images={"busybox:1": ObservedImage("sha256:1", {"user": "web"}, "linux/amd64")},
    )
)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["format_version"], 2, "format_version 2, netplan reads up to 1"),
        (["format_version"], None, "not a snapshot"),
        (["format_version"], [1], "format_version"),
        (["format_version"], True, "format_version"),
        (["engine"], {}, "damaged"),
        (["engine", "flavor"], "moby", "damaged"),
        (["engine", "api"], [1], "damaged"),
        (["networks"], 7, "damaged"),
        (["networks", 0], "a", "damaged"),
        (["networks", 0, "name"], None, "damaged"),
        (["networks", 0, "settings"], [], "damaged"),
        (["networks", 0, "settings", "driver"], None, "damaged"),
        (["networks", 0, "settings", "driver"], [1], "damaged"),
        (["networks", 0, "mark"], {}, "damaged"),
        (["networks", 0, "mark", "protect"], "yes", "damaged"),
        (["networks", 0, "outside"], "text", "damaged"),
        (["containers", 0, "endpoints", 0, "mark", "how"], "found", "damaged"),
        (["containers", 0, "endpoints", 0, "phantom"], 1, "damaged"),
        (["containers", 0, "ports"], [80], "damaged"),
        (["containers", 0, "mark"], None, "damaged"),
        (["containers", 0, "health"], "ill", "damaged"),
        (["containers", 0, "exit_code"], True, "damaged"),
        (["containers", 0, "anonymous"], {"/a": 1}, "damaged"),
        (["containers", 0, "settings"], {"user": 1.5}, "damaged"),
        (["images"], [], "damaged"),
        (["images", "busybox:1"], {}, "damaged"),
        (["images", "busybox:1", "outdated"], "yes", "damaged"),
    ],
)
def test_a_damaged_snapshot_is_refused(path: list[Any], value: Any, message: str) -> None:
    damaged = copy.deepcopy(GOOD)
    inner: Any = damaged
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(UsageError, match=message) as caught:
        state_from_snapshot(damaged)
    assert "netplan snapshot" in caught.value.hints[0]


@pytest.mark.parametrize("value", [[], "x", None, 7])
def test_what_is_no_object_is_no_snapshot(value: Any) -> None:
    with pytest.raises(UsageError, match="not a snapshot"):
        state_from_snapshot(value)


def test_the_good_one_is_read() -> None:
    assert snapshot_json(state_from_snapshot(GOOD)) == GOOD


def test_the_good_one_is_as_the_schema_says() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((Path(__file__).parents[2] / "schemas" / "snapshot.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(GOOD)


def test_what_has_no_mark_has_nothing_of_what_is_read_for_one() -> None:
    marked, other = GOOD["containers"]
    assert set(marked) - set(other) == {"mark", "settings", "image_id", "anonymous", "exit_code", "health"}

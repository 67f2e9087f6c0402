"""A snapshot that is none is refused with a reason; exactness is a property (tests/property/test_codec.py)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from reconciler.errors import UsageError
from reconciler.model import EndpointMark, NetworkMark, ObservedContainer, ObservedEndpoint, ObservedNetwork, ObservedState
from reconciler.snapshot import snapshot_json, state_from_snapshot

GOOD = snapshot_json(
    ObservedState(
        networks=(ObservedNetwork("1", "a", {"driver": "bridge"}, NetworkMark("lab")),),
        containers=(ObservedContainer("2", "c", endpoints=(ObservedEndpoint("a", mark=EndpointMark("lab")),)),),
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

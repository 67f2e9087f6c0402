"""A snapshot that is none is refused with a reason; exactness is a property
(tests/property/test_codec.py).
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import UsageError
from reconciler.lock import KIND
from reconciler.lock.journal import RECORD, journals
from reconciler.model import (
    ContainerMark,
    DesiredState,
    EndpointMark,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedImage,
    ObservedNetwork,
    ObservedState,
)
from reconciler.planner import plan
from reconciler.snapshot import snapshot_json, state_from_snapshot

GOOD = snapshot_json(
    ObservedState(
        networks=(ObservedNetwork("1", "a", {"driver": "bridge"}, NetworkMark("lab")),),
        containers=(
            ObservedContainer(
                "2",
                "c",
                endpoints=(ObservedEndpoint("a", mark=EndpointMark("lab")),),
                mark=ContainerMark("lab"),
            ),
            ObservedContainer("3", "d"),
        ),
        images={"busybox:1": ObservedImage("sha256:1", {"user": "web"}, "linux/amd64")},
    )
)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["format_version"], 3, "format_version 3, netplan reads up to 2"),
        (["format_version"], None, "not a snapshot"),
        (["format_version"], [1], "format_version"),
        (["format_version"], True, "format_version"),
        (["engine"], {}, "damaged"),
        (["engine", "flavor"], "moby", "damaged"),
        (["engine", "api"], [1], "damaged"),
        (["engine", "api"], [float("inf"), 1], "api cannot be inf"),
        (["engine", "api"], [True, 1], "damaged"),
        (["networks"], 7, "damaged"),
        (["networks", 0], "a", "damaged"),
        (["networks", 0, "name"], None, "damaged"),
        (["networks", 0, "settings"], [], "damaged"),
        (["networks", 0, "settings", "driver"], None, "damaged"),
        (["networks", 0, "settings", "driver"], [1], "damaged"),
        (["networks", 0, "settings", "ipv4.subnet"], ["bogus"], "'bogus' does not appear to be"),
        (["networks", 0, "settings", "ipv4.subnet"], ["fd00::/64"], "is not ipv4"),
        (
            ["networks", 0, "settings", "ipv4.subnet"],
            "10.0.0.0/24",
            "ipv4.subnet cannot be '10.0.0.0/24'",
        ),
        (["networks", 0, "settings", "ipv4.gateway"], ["10.0.0.1"], "damaged"),
        (["networks", 0, "settings", "internal"], "yes", "damaged"),
        (["networks", 0, "name"], "", "a name is missing"),
        (["networks", 0, "mark"], {}, "damaged"),
        (["networks", 0, "mark", "protect"], "yes", "damaged"),
        (["networks", 0, "outside"], "text", "damaged"),
        (["containers", 0, "endpoints", 0, "mark", "how"], "found", "damaged"),
        (["containers", 0, "endpoints", 0, "phantom"], 1, "damaged"),
        (["containers", 0, "endpoints", 0, "network"], "", "a name is missing"),
        (["containers", 0, "endpoints", 0, "settings"], {"ipv4_address": "fd00::1"}, "is not ipv4"),
        (
            ["containers", 0, "endpoints", 0, "mark", "before"],
            {"aliases": 7},
            "aliases cannot be 7",
        ),
        (["containers", 0, "endpoints", 0, "mark", "declared"], {"ipv6_address": "x"}, "damaged"),
        (["containers", 0, "endpoints", 0, "addresses"], ["10.0.0.1/33"], "no such prefix"),
        (["containers", 0, "ports"], [80], "damaged"),
        (["containers", 0, "ports"], ["web"], "damaged"),
        (["containers", 0, "settings"], {"ports": ["->x/tcp"]}, "damaged"),
        (["containers", 0, "mark"], None, "damaged"),
        (["containers", 0, "health"], "ill", "damaged"),
        (["containers", 0, "exit_code"], True, "damaged"),
        (["containers", 0, "anonymous"], {"/a": 1}, "damaged"),
        (["containers", 0, "settings"], {"user": 1.5}, "damaged"),
        (["images"], [], "damaged"),
        (["images", "busybox:1"], {}, "damaged"),
        (["images", "busybox:1", "outdated"], "yes", "damaged"),
        (["images", "busybox:1", "settings"], {"command": "sleep"}, "damaged"),
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


def _record(**more: Any) -> str:
    """A journal's record, with other values in it."""
    return json.dumps(
        {"v": 1, "topology": "lab", "order": 1, "host": "h", "time": "t", "taken": GOOD} | more
    )


@pytest.mark.parametrize(
    "record",
    [
        *("", "7", "[]", "{}", "[" * 100_000),
        *(
            _record(order=float("inf")),
            _record(order="1"),
            _record(order=True),
            _record(order=10**4000),
            _record(topology=None),
            _record(host=[]),
        ),
        *(
            _record(taken=[]),
            _record(
                taken=GOOD
                | {"networks": [GOOD["networks"][0] | {"settings": {"ipv4.subnet": ["bogus"]}}]}
            ),
        ),
    ],
)
def test_a_damaged_journal_stops_its_own_topology_only(record: str) -> None:
    """With the way to give it up; where nobody can tell whose it is, all are warned."""
    volume = {"Name": "netplan.journal.7", "Labels": {KIND: "journal", RECORD: record}}
    (journal,) = journals([volume])
    message = r"^the journal netplan.journal.7 on the engine cannot be read: ."
    for topology in ("lab", "other"):
        made = plan(DesiredState(topology), ObservedState(), [journal])
        if journal.topology == topology:
            (refusal,) = made.refusals
            assert re.match(message, refusal.message)
            assert "docker volume rm netplan.journal.7" in refusal.way_out
        else:
            assert made.applyable
            assert re.match(message, made.warnings[0])
    assert journal.topology == ("lab" if record.startswith('{"v": 1, "topology": "lab"') else "")
    assert "journals" not in snapshot_json(ObservedState(), [journal])
    assert journals([volume | {"Labels": {KIND: "journal", RECORD: _record()}}])[0].order == 1


@pytest.mark.parametrize("value", [[], "x", None, 7])
def test_what_is_no_object_is_no_snapshot(value: Any) -> None:
    with pytest.raises(UsageError, match="not a snapshot"):
        state_from_snapshot(value)


def test_the_good_one_is_read() -> None:
    assert snapshot_json(state_from_snapshot(GOOD)) == GOOD


def test_the_good_one_is_as_the_schema_says() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(
        (Path(__file__).parents[2] / "schemas" / "snapshot.schema.json").read_text(encoding="utf-8")
    )
    jsonschema.Draft202012Validator(schema).validate(GOOD)


def test_what_has_no_mark_has_nothing_of_what_is_read_for_one() -> None:
    marked, other = GOOD["containers"]
    assert set(marked) - set(other) == {
        "mark",
        "settings",
        "image_id",
        "anonymous",
        "exit_code",
        "health",
    }

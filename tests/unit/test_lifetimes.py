"""How long topologies live: durations, what the engine keeps of a ttl, ages, and which topologies
options mean.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.commands.lifetime import Survey
from reconciler.commands.prune import heading
from reconciler.lifetimes import Life, lives, record_labels, records
from reconciler.model import (
    ContainerMark,
    NetworkMark,
    ObservedContainer,
    ObservedNetwork,
    ObservedState,
    Origin,
)
from reconciler.settings import BadValueError
from reconciler.settings.units import lifetime, lifetime_text
from reconciler.show import Choice, Owned, entry_json, ls, owned
from reconciler.topology import load_text

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def ago(**span: float) -> str:
    return (NOW - timedelta(**span)).isoformat().replace("+00:00", "Z")


def volume(topology: str, ttl: int, name: str = "netplan.ttl.x.1", **span: float) -> dict[str, Any]:
    return {"Name": name, "Labels": record_labels(topology, ttl), "CreatedAt": ago(**span)}


def network(
    topology: str, name: str, origin: Origin | None = None, **span: float
) -> ObservedNetwork:
    mark = NetworkMark(topology, origin=origin) if topology else None
    return ObservedNetwork(name, name, mark=mark, created=ago(**span) if span else "")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("90s", 90),
        ("2h", 7200),
        ("1h30m", 5400),
        ("2d", 172800),
        ("1d12h", 129600),
        ("0.5h", 1800),
        ("36500d", 3153600000),
    ],
)
def test_a_lifetime_in_seconds(text: str, seconds: int) -> None:
    assert lifetime(text) == seconds
    assert lifetime(lifetime_text(seconds)) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2",
        "d",
        "2w",
        "-1h",
        "0s",
        "0d",
        "1.5s",
        "2h1d",
        "1d ",
        "36501d",
        "9" * 200 + "d",
        "\u0662h",
        "1d\n",
    ],
)
def test_what_is_no_lifetime(text: str) -> None:
    with pytest.raises(BadValueError, match=r"duration|out of range|whole number|count"):
        lifetime(text)


def test_the_ttl_of_a_file() -> None:
    assert load_text("name: t\nttl: 1d12h\n", "t.yaml").state.ttl == 129600
    assert load_text("name: t\n", "t.yaml").state.ttl is None


def test_of_several_the_newest_counts() -> None:
    """An apply was killed after it had written its own; of two of one second, the engine's
    resolution, the longer one does.
    """
    written = records(
        [
            volume("a", 60, "netplan.ttl.a.1", hours=1),
            volume("a", 3600, "netplan.ttl.a.2", minutes=1),
            volume("a", 9, "netplan.ttl.a.3", minutes=1),
        ]
    )
    assert [record.name for record in written] == [
        "netplan.ttl.a.2",
        "netplan.ttl.a.3",
        "netplan.ttl.a.1",
    ]
    assert lives(ObservedState(), written)["a"] == Life(
        None, NOW - timedelta(minutes=1), 3600, NOW + timedelta(minutes=59)
    )


def test_labels_that_anybody_may_write() -> None:
    strange: list[dict[str, Any]] = [
        volume("a", 60, "other", hours=1),
        {"Name": "netplan.ttl.b.1", "Labels": {"netplan.kind": "ttl"}, "CreatedAt": ago(hours=1)},
        {"Name": "netplan.ttl.c.1", "Labels": record_labels("c", 60), "CreatedAt": "never"},
        {"Name": "netplan.lock.1", "Labels": {"netplan.kind": "lock"}},
        {"Name": "netplan.ttl.d.1", "Labels": None},
        {
            "Name": "netplan.ttl.e.1",
            "Labels": record_labels("e", 60) | {"netplan.ttl": "soon"},
            "CreatedAt": ago(hours=1),
        },
    ]
    assert [(record.topology, record.expires) for record in records(strange)] == [("e", None)]


def test_an_age_counts_from_what_was_created_last() -> None:
    container = ObservedContainer("c", "c", mark=ContainerMark("lab"), created=ago(minutes=5))
    state = ObservedState(
        networks=(
            network("lab", "n", hours=3),
            network("", "theirs", hours=9),
            network("old", "o"),
        ),
        containers=(container,),
    )
    assert lives(state) == {"lab": Life(NOW - timedelta(hours=3), NOW - timedelta(minutes=5))}
    assert lives(state)["lab"].age(NOW) == 300
    assert not lives(state)["lab"].expired(NOW)


def chosen(choice: Choice) -> list[str]:
    here, there = Origin("ci-1", "/w/a"), Origin("ci-2", "/w/b", "https://git.example/lab", "b")
    state = ObservedState(
        networks=(
            network("job-1", "n1", here, hours=3),
            network("job-2", "n2", there, minutes=9),
            network("keep", "n3", hours=9),
        )
    )
    written = records(
        [
            volume("job-2", 60, minutes=2),
            volume("late", 3600, minutes=2),
            volume("gone", 60, hours=5),
        ]
    )
    return [entry.topology for entry in owned(state, written) if choice.has(entry, NOW)]


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        (Choice(), ["gone", "job-1", "job-2", "keep", "late"]),
        (Choice(expired=True), ["gone", "job-2"]),
        (Choice(older_than=7200), ["gone", "job-1", "keep"]),
        (Choice(older_than=7200, match=("job-*",)), ["job-1"]),
        (Choice(match=("job-?", "late")), ["job-1", "job-2", "late"]),
        (Choice(origin=("ci-1:*",)), ["job-1"]),
        (Choice(origin=("https://git.example/*",)), ["job-2"]),
        (Choice(expired=True, match=("job-1",)), []),
    ],
)
def test_which_topologies_are_meant(choice: Choice, found: list[str]) -> None:
    assert chosen(choice) == found


def test_one_of_unknown_age_is_older_than_nothing() -> None:
    assert not Choice(older_than=1).has(Owned("attached", endpoints=1), NOW)


def test_ages_and_expiries_in_a_table() -> None:
    state = ObservedState(
        networks=(
            network("a", "n1", Origin("ci", "/w"), days=3, hours=4, minutes=5),
            network("b", "n2", minutes=1.5),
        )
    )
    found = owned(state, records([volume("a", 3600, minutes=30), volume("c", 60, minutes=6)]))
    assert (
        ls(found, NOW)
        == "topology  networks  endpoints  containers  managed  running  age    expires        "
        " origin\na                1          0           0        0        0  30m    in 30m  "
        "        ci:/w\nb                1          0           0        0        0  1m30s    "
        "              unknown\nc                0          0           0        0        0 "
        " 6m     expired 5m ago  unknown"
    )
    times = entry_json(found[0], NOW)
    assert (times["created"], times["changed"], times["age"]) == (
        "2026-11-24T07:55:00Z",
        "2026-11-27T11:30:00Z",
        1800,
    )
    assert (times["ttl"], times["expires"], times["expired"]) == (
        3600,
        "2026-11-27T12:30:00Z",
        False,
    )


def test_a_pruned_topology_that_has_not_expired_says_when_it_does() -> None:
    seen = Survey(ObservedState(), (), (), NOW)
    life = {
        "soon": Life(NOW, NOW, 90, NOW + timedelta(seconds=90)),
        "over": Life(NOW, NOW, 90, NOW - timedelta(seconds=90)),
    }
    told = [heading(Owned(name, life=one), seen) for name, one in life.items()]
    assert told == ["soon: expires in 1m30s, age 0s", "over: expired 1m30s ago, age 0s"]

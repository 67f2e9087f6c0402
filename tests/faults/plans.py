"""Ten labs between two declarations each: going to and fro makes twenty plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Body = Mapping[str, Any]
STATIC = ("20", "21")


@dataclass(frozen=True)
class Side:
    """One declaration: networks, and of each container its attachments. None is destroying it all."""

    networks: Body
    containers: Body


@dataclass(frozen=True)
class Pair:
    """A lab and the two declarations it goes between.

    `{a}` to `{d}` stand for subnets of the lab's own, up to the last dot. `running` and `exited` are its containers; `foreign` are
    endpoints made by hand on the first network before anything is killed: container -> endpoint settings as the engine takes them.
    """

    name: str
    one: Side
    other: Side | None
    running: tuple[str, ...] = ("web", "db")
    exited: tuple[str, ...] = ()
    foreign: Body = field(default_factory=dict)
    replaces: bool = False


def _net(subnet: str, **more: Any) -> dict[str, Any]:
    return {"subnet": f"{{{subnet}}}.0/24", **more}


def _at(subnet: str, host: str, **more: Any) -> dict[str, Any]:
    return {"ipv4_address": f"{{{subnet}}}.{host}", **more}


_BOTH: Body = {"web": {"n": {"aliases": ["w"]}}, "db": {"n": {}}}
_FOREIGN: Body = {
    "guest": {"Aliases": ["mine", "too"], "IPAMConfig": {"LinkLocalIPs": ["169.254.7.7"]}, "DriverOpts": {"com.example.x": "1"}},
    "asleep": {"Aliases": ["later"]},
}

PAIRS = (
    Pair("create-and-remove", Side({"n": _net("a")}, _BOTH), Side({"n": _net("a"), "m": _net("b")}, {**_BOTH, "db": {"n": {}, "m": {}}})),
    Pair(
        "subnet",
        Side({"n": _net("a")}, {**_BOTH, "old": {"n": _at("a", "30")}}),
        Side({"n": _net("b")}, {**_BOTH, "old": {"n": _at("b", "30")}}),
        exited=("old",),
        replaces=True,
    ),
    Pair(
        "foreign",
        Side({"n": _net("a", internal=True)}, _BOTH),
        Side({"n": _net("a", internal=False)}, _BOTH),
        running=("web", "db", "guest"),
        exited=("asleep",),
        foreign=_FOREIGN,
        replaces=True,
    ),
    Pair(
        "foreign-static",
        Side({"n": _net("a", labels={"side": "one"})}, {"web": {"n": _at("a", "20")}}),
        Side({"n": _net("a", labels={"side": "other"})}, {"web": {"n": _at("a", "21")}}),
        running=("web", "guest"),
        foreign={"guest": {"IPAMConfig": {"IPv4Address": "{a}.77"}, "Aliases": ["fixed"]}},
        replaces=True,
    ),
    Pair(
        "address-swap",
        Side({"n": _net("a")}, {"web": {"n": _at("a", "20")}, "db": {"n": _at("a", "21")}}),
        Side({"n": _net("a")}, {"web": {"n": _at("a", "21")}, "db": {"n": _at("a", "20")}}),
    ),
    Pair(
        "subnet-swap",
        Side({"n": _net("a"), "m": _net("b")}, {"web": {"n": _at("a", "20"), "m": {}}, "db": {"m": {"aliases": ["d"]}}}),
        Side({"n": _net("b"), "m": _net("a")}, {"web": {"n": _at("b", "20"), "m": {}}, "db": {"m": {"aliases": ["d"]}}}),
        replaces=True,
    ),
    Pair(
        "automatic-subnet",
        Side({"n": {"driver_opts": {"com.docker.network.driver.mtu": 1400}}}, _BOTH),
        Side({"n": {"driver_opts": {"com.docker.network.driver.mtu": 1300}}}, _BOTH),
        replaces=True,
    ),
    Pair(
        "amended",
        Side({"n": _net("a"), "m": _net("b")}, {"web": {"n": {}}, "guest": {"n": {"aliases": ["ours"]}}}),
        Side({"n": _net("a"), "m": _net("b")}, {"web": {"n": {"aliases": ["x"]}, "m": {}}}),
        running=("web", "guest"),
        foreign={"guest": {"Aliases": ["theirs"], "DriverOpts": {"com.example.x": "1"}}},
    ),
    Pair(
        "destroy",
        Side({"n": _net("a"), "m": _net("b", internal=True)}, {**_BOTH, "old": {"m": {"aliases": ["o"]}}}),
        None,
        exited=("old",),
    ),
    Pair(
        "three-at-once",
        Side({k: _net(k) for k in "abc"}, {"web": {"a": {}, "b": _at("b", "20")}, "db": {"b": {}, "c": {"aliases": ["z"]}}}),
        Side({k: _net(k, internal=True) for k in "abc"}, {"web": {"a": {}, "b": _at("b", "21")}, "db": {"b": {}, "c": {"aliases": ["z"]}}}),
        replaces=True,
    ),
    Pair(
        "dual-stack",
        Side(
            {"n": {"enable_ipv6": True, "ipam": {"config": [{"subnet": "{a}.0/24"}, {"subnet": "{v6}::/64"}]}}},
            {"web": {"n": {"ipv6_address": "{v6}::20"}}, "db": {"n": {}}},
        ),
        Side(
            {"n": {"enable_ipv6": True, "ipam": {"config": [{"subnet": "{b}.0/24"}, {"subnet": "{v6}::/64"}]}}},
            {"web": {"n": {"ipv6_address": "{v6}::21"}}, "db": {"n": {}}},
        ),
        replaces=True,
    ),
)

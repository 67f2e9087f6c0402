"""Labs between two declarations each: going to and fro makes two plans of every one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..e2e.cli import box

Body = Mapping[str, Any]
STATIC = ("20", "21")


@dataclass(frozen=True)
class Side:
    """One declaration: networks, of containers that exist their attachments, and those that the
    file runs. None is destroying it all.
    """

    networks: Body
    containers: Body
    runs: Body = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """A lab and the two declarations it goes between.

    `{a}` to `{d}` stand for subnets of the lab's own, up to the last dot, `{me}` for what all its
    names begin with, `{port}` for a port of the host. `running` and `exited` are containers that
    exist; `foreign` are endpoints made by hand on the first network before anything is killed:
    container -> endpoint settings as the engine takes them. `damage` are calls that are made by
    hand before each run, and `verb` is the command that mends it.
    """

    name: str
    one: Side
    other: Side | None
    running: tuple[str, ...] = ("web", "db")
    exited: tuple[str, ...] = ()
    foreign: Body = field(default_factory=dict)
    replaces: bool = False
    verb: tuple[str, ...] = ("apply",)
    damage: tuple[tuple[str, Any], ...] = ()


def _net(subnet: str, **more: Any) -> dict[str, Any]:
    return {"subnet": f"{{{subnet}}}.0/24", **more}


def _at(subnet: str, host: str, **more: Any) -> dict[str, Any]:
    return {"ipv4_address": f"{{{subnet}}}.{host}", **more}


def _run(*networks: str, mode: str = "one", **more: Any) -> dict[str, Any]:
    """A container that the file runs, on those networks; another `mode` is another environment, for
    which it is recreated.
    """
    return box(
        environment={"MODE": mode},
        **({"networks": [f"{{me}}{net}" for net in networks]} if networks else {}),
        **more,
    )


_BOTH: Body = {"web": {"n": {"aliases": ["w"]}}, "db": {"n": {}}}
_FOREIGN: Body = {
    "guest": {
        "Aliases": ["mine", "too"],
        "IPAMConfig": {"LinkLocalIPs": ["169.254.7.7"]},
        "DriverOpts": {"com.example.x": "1"},
    },
    "asleep": {"Aliases": ["later"]},
}

_TRAPS: Body = {
    "command": ["sh", "-c", "trap exit TERM; sleep 3600 & wait"],
    "stop_grace_period": "5s",
}
_DRIFT: tuple[tuple[str, Any], ...] = (
    ("POST /containers/{me}db/stop?t=0", None),
    ("POST /networks/{me}n/disconnect", {"Container": "{me}web"}),
    (
        "POST /networks/{me}n/connect",
        {"Container": "{me}guest", "EndpointConfig": {"Aliases": ["there"]}},
    ),
)

PAIRS = (
    Pair(
        "create-and-remove",
        Side({"n": _net("a")}, _BOTH),
        Side({"n": _net("a"), "m": _net("b")}, {**_BOTH, "db": {"n": {}, "m": {}}}),
    ),
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
        Side(
            {"n": _net("a"), "m": _net("b")},
            {"web": {"n": _at("a", "20"), "m": {}}, "db": {"m": {"aliases": ["d"]}}},
        ),
        Side(
            {"n": _net("b"), "m": _net("a")},
            {"web": {"n": _at("b", "20"), "m": {}}, "db": {"m": {"aliases": ["d"]}}},
        ),
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
        Side(
            {"n": _net("a"), "m": _net("b")},
            {"web": {"n": {}}, "guest": {"n": {"aliases": ["ours"]}}},
        ),
        Side({"n": _net("a"), "m": _net("b")}, {"web": {"n": {"aliases": ["x"]}, "m": {}}}),
        running=("web", "guest"),
        foreign={"guest": {"Aliases": ["theirs"], "DriverOpts": {"com.example.x": "1"}}},
    ),
    Pair(
        "destroy",
        Side(
            {"n": _net("a"), "m": _net("b", internal=True)},
            {**_BOTH, "old": {"m": {"aliases": ["o"]}}},
        ),
        None,
        exited=("old",),
    ),
    Pair(
        "three-at-once",
        Side(
            {k: _net(k) for k in "abc"},
            {"web": {"a": {}, "b": _at("b", "20")}, "db": {"b": {}, "c": {"aliases": ["z"]}}},
        ),
        Side(
            {k: _net(k, internal=True) for k in "abc"},
            {"web": {"a": {}, "b": _at("b", "21")}, "db": {"b": {}, "c": {"aliases": ["z"]}}},
        ),
        replaces=True,
    ),
    Pair(
        "dual-stack",
        Side(
            {
                "n": {
                    "enable_ipv6": True,
                    "ipam": {"config": [{"subnet": "{a}.0/24"}, {"subnet": "{v6}::/64"}]},
                }
            },
            {"web": {"n": {"ipv6_address": "{v6}::20"}}, "db": {"n": {}}},
        ),
        Side(
            {
                "n": {
                    "enable_ipv6": True,
                    "ipam": {"config": [{"subnet": "{b}.0/24"}, {"subnet": "{v6}::/64"}]},
                }
            },
            {"web": {"n": {"ipv6_address": "{v6}::21"}}, "db": {"n": {}}},
        ),
        replaces=True,
    ),
    Pair(
        "run-and-remove",
        Side({"n": _net("a")}, {}, {"web": _run("n")}),
        Side(
            {"n": _net("a")},
            {},
            {
                "web": _run("n"),
                "db": _run("n", volumes=["/data"], depends_on=["{me}web"], ports=["{port}:80"]),
            },
        ),
        running=(),
    ),
    Pair(
        "recreation",
        Side({"n": _net("a")}, {}, {"web": _run("n", volumes=["/data"])}),
        Side({"n": _net("a")}, {}, {"web": _run("n", volumes=["/data"], mode="other")}),
        running=("guest",),
        exited=("asleep",),
        foreign=_FOREIGN,
    ),
    Pair(
        "member",
        Side(
            {"n": _net("a")},
            {},
            {"web": _run("n", ports=["{port}:80"]), "tap": _run(network_mode="container:{me}web")},
        ),
        Side(
            {"n": _net("a")},
            {},
            {
                "web": _run("n", ports=["{port}:80"], mode="other"),
                "tap": _run(network_mode="container:{me}web"),
            },
        ),
        running=(),
    ),
    Pair(
        "recreation-and-replacement",
        Side(
            {"n": _net("a"), "m": _net("b")},
            {"db": {"n": {}}},
            {"web": _run("m", "n", volumes=["/data"]), "app": _run("n")},
        ),
        Side(
            {"n": _net("a", internal=True), "m": _net("b")},
            {"db": {"n": {}}},
            {"web": _run("m", "n", volumes=["/data"], mode="other"), "app": _run("n")},
        ),
        running=("db", "guest"),
        exited=("asleep",),
        foreign=_FOREIGN,
        replaces=True,
    ),
    Pair(
        "another-network",
        Side({"n": _net("a")}, {}, {"web": _run("n", volumes=["/data"]), "db": _run(restart="no")}),
        Side(
            {"m": _net("a")},
            {},
            {"web": _run("m", volumes=["/data"]), "db": _run(restart="unless-stopped")},
        ),
        running=(),
    ),
    Pair(
        "port-moves",
        Side({"n": _net("a")}, {}, {"web": _run("n", ports=["{port}:80"]), "db": _run("n")}),
        Side({"n": _net("a")}, {}, {"web": _run("n"), "db": _run("n", ports=["{port}:80"])}),
        running=(),
    ),
    Pair(
        "destroy-what-runs",
        Side(
            {"n": _net("a")},
            {},
            {
                "web": _run("n", volumes=["/data"]),
                "tap": _run(network_mode="container:{me}web", **_TRAPS),
            },
        ),
        None,
        running=(),
    ),
    Pair(
        "reset",
        Side(
            {"n": _net("a"), "m": _net("b")},
            {},
            {"web": _run("n", "m", volumes=["/data"]), "db": _run("n")},
        ),
        Side(
            {"n": _net("a"), "m": _net("b", internal=True)},
            {},
            {"web": _run("n", "m", volumes=["/data"]), "db": _run("n")},
        ),
        running=("guest",),
        replaces=True,
        verb=("reset",),
        damage=(*_DRIFT, ("DELETE /containers/{me}db?force=1", None)),
    ),
    Pair(
        "reset-keeping-containers",
        Side(
            {"n": _net("a"), "m": _net("b")},
            {},
            {"web": _run("n", "m", volumes=["/data"]), "db": _run("n")},
        ),
        Side(
            {"n": _net("a"), "m": _net("b", internal=True)},
            {},
            {"web": _run("n", "m", volumes=["/data"]), "db": _run("n")},
        ),
        running=("guest",),
        replaces=True,
        verb=("reset", "--keep-containers"),
        damage=(
            *_DRIFT,
            ("POST /networks/{me}m/disconnect", {"Container": "{me}web"}),
            ("DELETE /networks/{me}m", None),
        ),
    ),
)

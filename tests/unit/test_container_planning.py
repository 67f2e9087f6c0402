"""Tables of what the planner of containers decides by: which host ports meet, and what differs between declared and observed."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from reconciler.marks import digests, made_mark
from reconciler.model import (
    ContainerMark,
    DesiredContainer,
    DesiredEndpoint,
    DesiredNetwork,
    DesiredState,
    NetworkMark,
    ObservedContainer,
    ObservedImage,
    ObservedNetwork,
    ObservedState,
    Source,
)
from reconciler.plan import Difference
from reconciler.planner import plan
from reconciler.planner.container_compare import container_differences, in_place, mode_by_name
from reconciler.planner.containers import leftover_of
from reconciler.planner.lifecycle import host_ports, ports_meet, published
from reconciler.render.values import readable
from reconciler.safety import Policy
from reconciler.settings import Settings, Value

HERE = Source("lab.yaml", 1)
ID = "0123456789ab" + "c" * 52


# --- ports -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("port", "read"),
    [
        ("8080->80/tcp", [("", "8080", "tcp")]),
        ("127.0.0.1:8080->80/udp", [("127.0.0.1", "8080", "udp")]),
        ("[::1]:8080->80/tcp", [("::1", "8080", "tcp")]),
        ("[::]:53->53/udp", [("::", "53", "udp")]),
        ("->80/tcp", []),
        ("127.0.0.1:->80/tcp", []),
        ("80/tcp", []),
    ],
)
def test_the_fixed_host_ports(port: str, read: list[tuple[str, str, str]]) -> None:
    assert [(found.address, found.host, found.protocol) for found in host_ports((port,))] == read


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("8080->80/tcp", "8080->81/tcp", True),
        ("8080->80/tcp", "8080->80/udp", False),
        ("8080->80/tcp", "8081->80/tcp", False),
        ("8080->80/tcp", "127.0.0.1:8080->80/tcp", True),
        ("8080->80/tcp", "[::1]:8080->80/tcp", True),
        ("127.0.0.1:8080->80/tcp", "127.0.0.2:8080->80/tcp", False),
        ("0.0.0.0:8080->80/tcp", "127.0.0.1:8080->80/tcp", True),
        ("0.0.0.0:8080->80/tcp", "[::1]:8080->80/tcp", False),
        ("0.0.0.0:8080->80/tcp", "[::]:8080->80/tcp", False),
        ("[::]:8080->80/tcp", "[::1]:8080->80/tcp", True),
        ("[::]:8080->80/tcp", "127.0.0.1:8080->80/tcp", False),
    ],
)
def test_which_ports_meet(one: str, other: str, meet: bool) -> None:
    (first,), (second,) = host_ports((one,)), host_ports((other,))
    assert ports_meet(first, second) is meet
    assert ports_meet(second, first) is meet


@pytest.mark.parametrize(("mode", "count"), [("bridge", 1), ("host", 0), ("none", 0), ("container:web", 0)])
def test_only_a_network_of_its_own_publishes(mode: str, count: int) -> None:
    wanted = DesiredContainer("web", HERE, managed=True, settings={"ports": ("8080->80/tcp",), "network_mode": mode})
    assert len(published(wanted)) == count


# --- differences -----------------------------------------------------------------------------------------------------

IMAGE: dict[str, Value] = {"command": ("httpd",), "environment.PATH": "p", "labels.maker": "me", "user": "www"}
HAS: dict[str, Value] = {**IMAGE, "image": "app:1", "restart": "no", "privileged": False, "publish_all": False, "network_mode": "bridge"}


def found(
    declared: Settings, observed: Settings, recorded: Settings = MappingProxyType({}), **image: object
) -> list[tuple[str, Value | None, str]]:
    """(path, what it becomes, why) of each difference."""
    wanted = DesiredContainer("web", HERE, managed=True, settings={"image": "app:1", **declared})
    mark = ContainerMark("shop", digests({"image": "app:1", **recorded}))
    mode = str(observed.get("network_mode", "bridge"))
    present = ObservedContainer(ID, "web", network_mode=mode, mark=mark, settings={**HAS, **observed}, image_id="sha256:1")
    images = {
        "app:1": ObservedImage("sha256:1", IMAGE, "linux/arm/v7", **image),
        "sha256:1": ObservedImage("sha256:1", IMAGE, "linux/arm/v7"),
    }  # type: ignore[arg-type]
    other = ObservedContainer("f" * 64, "db")
    return [(d.path, d.after, d.cause) for d in container_differences(wanted, present, images, {other.id: other}, {"app:1"})]


@pytest.mark.parametrize(
    ("declared", "observed", "recorded", "differences"),
    [
        ({}, {}, {}, []),
        ({"restart": "no", "mem_limit": 0, "cap_add": ()}, {}, {}, []),  # as an engine has it where nothing is said
        ({}, {"labels.theirs": "1", "mem_limit": 9}, {}, []),  # unset is unmanaged
        ({"user": "root"}, {}, {}, [("user", "root", "intent")]),
        ({"user": "root"}, {}, {"user": "root"}, [("user", "root", "drift")]),
        ({}, {"user": "root"}, {"user": "root"}, [("user", "www", "dropped")]),  # back to what the image says
        ({}, {}, {"user": "www"}, []),
        ({}, {"mem_limit": 9}, {"mem_limit": 9}, [("mem_limit", 0, "dropped")]),
        ({}, {"hostname": "web"}, {"hostname": "web"}, [("hostname", ID[:12], "dropped")]),
        ({"entrypoint": ("sh",)}, {"entrypoint": ("sh",), "command": ("-c",)}, {"command": ("-c",)}, [("command", (), "dropped")]),
        ({}, {}, {"networks.back": ()}, []),  # what became of attachments is told by the endpoints
        ({"network_mode": "container:db"}, {"network_mode": "container:" + "f" * 64}, {}, []),
        ({"network_mode": "host"}, {}, {}, [("network_mode", "host", "intent")]),
        ({}, {"network_mode": "host"}, {}, [("network_mode", None, "intent")]),  # it could never be attached
        ({}, {"network_mode": "none"}, {}, []),  # that can be left
        ({"platform": "linux/arm"}, {}, {}, []),
        ({"platform": "linux/amd64"}, {}, {}, [("platform", "linux/amd64", "intent")]),
        ({"environment.TOKEN": "digest-2"}, {"environment.TOKEN": "digest-1"}, {}, [("environment.TOKEN", "digest-2", "intent")]),
    ],
)
def test_what_differs(declared: Settings, observed: Settings, recorded: Settings, differences: list[tuple[str, Value | None, str]]) -> None:
    assert found(declared, observed, recorded) == differences


def test_an_image_that_the_registry_has_newer() -> None:
    assert found({}, {}, outdated=True) == [("image", "app:1 (a newer one)", "intent")]


@pytest.mark.parametrize(
    ("path", "after", "changes"),
    [
        ("restart", "always", True),
        ("mem_limit", 9, True),
        ("cpus", "0.5", True),
        ("mem_limit", 0, False),
        ("cpus", "0", False),
        ("user", "root", False),
    ],
)
def test_what_changes_in_place(path: str, after: Value, changes: bool) -> None:
    assert in_place(Difference(path, None, after)) is changes


def test_modes_by_name() -> None:
    by_id = {"f" * 64: ObservedContainer("f" * 64, "db")}
    assert mode_by_name("container:" + "f" * 64, by_id) == "container:db"
    assert mode_by_name("container:" + "e" * 64, by_id) == "container:" + "e" * 64
    assert mode_by_name("default", by_id) == "bridge"


@pytest.mark.parametrize(
    ("name", "base"),
    [
        (f"web.netplan-{ID[:12]}", "web"),
        ("web.netplan-ffffffffffff", ""),
        ("web", ""),
        (f".netplan-{ID[:12]}", ""),
        (f"a.b.netplan-{ID[:12]}", "a.b"),
    ],
)
def test_leftovers_of_an_interrupted_recreation(name: str, base: str) -> None:
    assert leftover_of(ObservedContainer(ID, name)) == base


@pytest.mark.parametrize("successor", [False, True])
def test_a_reset_keeps_no_anonymous_volume_of_an_interrupted_recreation(successor: bool) -> None:
    mark, anonymous = ContainerMark("lab"), {"/data": "f" * 64}
    old = ObservedContainer(ID, f"web.netplan-{ID[:12]}", mark=mark, anonymous=anonymous)
    new = ObservedContainer("e" * 64, "web", "created", mark=mark, anonymous=anonymous)
    wanted = DesiredContainer("web", HERE, managed=True, settings={"image": "busybox", "volumes./data": "volume:"})
    observed = ObservedState(containers=(new, old) if successor else (old,))
    made = plan(DesiredState("lab", containers={"web": wanted}), observed, policy=Policy(reset=True))
    assert [step.spec.volumes for step in made.steps if step.spec] == [{}]
    assert [step.volumes for step in made.steps if step.op == "remove"] == [True] * (1 + successor)


# --- containers are left alone ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "exit_code", "one_shot", "notes"),
    [
        ("running", 0, False, ()),
        ("exited", 0, True, ()),
        ("exited", 137, False, ("container web is not running: ended with exit code 137; containers are left alone",)),
        ("created", 0, False, ("container web was never started; containers are left alone",)),
    ],
)
def test_what_is_left_alone_and_does_not_run_is_told(state: str, exit_code: int, one_shot: bool, notes: tuple[str, ...]) -> None:
    wanted = DesiredContainer("web", HERE, managed=True, settings={"image": "busybox"}, one_shot=one_shot)
    present = ObservedContainer(ID, "web", state, "bridge", mark=ContainerMark("lab"), exit_code=exit_code)
    made = plan(DesiredState("lab", containers={"web": wanted}), ObservedState(containers=(present,)), policy=Policy(keep_containers=True))
    assert made.notes == notes


@pytest.mark.parametrize(
    ("state", "reason", "drift"),
    [("created", "was never started", False), ("exited", "is not running: ended with exit code 0", True)],
)
def test_a_container_that_an_apply_did_not_start_is_no_drift(state: str, reason: str, drift: bool) -> None:
    """Neither itself nor that it is not on all of its networks yet."""
    wanted = DesiredContainer("web", HERE, (DesiredEndpoint("back", HERE),), managed=True, settings={"image": "busybox"})
    mark = made_mark("lab", wanted)
    present = ObservedContainer(ID, "web", state, "front", settings=wanted.settings, mark=mark, image_id="i")
    network = ObservedNetwork("n", "back", {"driver": "bridge"}, NetworkMark("lab"))
    desired = DesiredState("lab", {"back": DesiredNetwork("back", HERE)}, {"web": wanted})
    observed = ObservedState(networks=(network, ObservedNetwork("m", "front")), containers=(present,))
    made = plan(desired, observed)
    assert [(change.reason, change.drift) for change in made.changes if change.kind == "container"] == [(reason, drift)]
    assert bool(made.drift) == drift
    assert {change.drift for change in made.changes if change.kind == "endpoint"} == {drift}


def test_a_container_that_is_gone_is_called_by_the_beginning_of_its_id() -> None:
    assert readable("network_mode", f"container:{ID}") == "container:0123456789ab"
    assert readable("network_mode", "container:web") == "container:web"
    assert readable("network_mode", None) == "networks"


@pytest.mark.parametrize(
    ("path", "value", "read"),
    [
        ("stop_grace_period", 0, "0s"),
        ("stop_grace_period", 90, "1m30s"),
        ("healthcheck.interval", 5 * 10**8, "500ms"),
        ("healthcheck.retries", 3, 3),
        ("mem_limit", 64 * 2**20, "64m"),
        ("mem_limit", 0, None),
    ],
)
def test_times_and_sizes_have_their_units(path: str, value: Value, read: Value | None) -> None:
    assert readable(path, value) == read

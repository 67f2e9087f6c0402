"""Tables of what the planner of containers decides by: which host ports meet, and what differs
between declared and observed.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from reconciler.codec.container_output import without_secrets
from reconciler.marks import container_labels, digests, made_mark
from reconciler.model import (
    ContainerMark,
    DesiredContainer,
    DesiredEndpoint,
    DesiredNetwork,
    DesiredState,
    EndpointMark,
    EngineInfo,
    Flavor,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedImage,
    ObservedNetwork,
    ObservedState,
    Source,
)
from reconciler.plan import Difference, Plan
from reconciler.planner import plan
from reconciler.planner.container_compare import (
    as_shown,
    container_differences,
    in_place,
    mode_by_name,
)
from reconciler.planner.decisions import leftover_of
from reconciler.planner.host_ports import host_ports, ports_meet, published
from reconciler.render.values import readable
from reconciler.safety import Policy
from reconciler.settings import Settings, Value
from reconciler.simulate import applied

HERE = Source("lab.yaml", 1)
ID = "0123456789ab" + "c" * 52


# --- ports ----------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("mode", "count"), [("bridge", 1), ("host", 0), ("none", 0), ("container:web", 0)]
)
def test_only_a_network_of_its_own_publishes(mode: str, count: int) -> None:
    wanted = DesiredContainer(
        "web", HERE, managed=True, settings={"ports": ("8080->80/tcp",), "network_mode": mode}
    )
    assert len(published(wanted)) == count


# --- differences ----------------------------------------------------------------------------------

IMAGE: dict[str, Value] = {
    "command": ("httpd",),
    "environment.PATH": "p",
    "labels.maker": "me",
    "user": "www",
}
HAS: dict[str, Value] = {
    **IMAGE,
    "image": "app:1",
    "restart": "no",
    "privileged": False,
    "publish_all": False,
    "network_mode": "bridge",
}


def found(
    declared: Settings,
    observed: Settings,
    recorded: Settings = MappingProxyType({}),
    **image: object,
) -> list[tuple[str, Value | None, str]]:
    """(path, what it becomes, why) of each difference."""
    wanted = DesiredContainer("web", HERE, managed=True, settings={"image": "app:1", **declared})
    mark = ContainerMark("shop", digests({"image": "app:1", **recorded}))
    mode = str(observed.get("network_mode", "bridge"))
    present = ObservedContainer(
        ID, "web", network_mode=mode, mark=mark, settings={**HAS, **observed}, image_id="sha256:1"
    )
    images = {
        "app:1": ObservedImage("sha256:1", IMAGE, "linux/arm/v7", **image),
        "sha256:1": ObservedImage("sha256:1", IMAGE, "linux/arm/v7"),
    }  # type: ignore[arg-type]
    other = ObservedContainer("f" * 64, "db")
    return [
        (d.path, d.after, d.cause)
        for d in container_differences(wanted, present, images, {other.id: other}, {"app:1"})
    ]


@pytest.mark.parametrize(
    ("declared", "observed", "recorded", "differences"),
    [
        ({}, {}, {}, []),
        (
            {"restart": "no", "mem_limit": 0, "cap_add": ()},
            {},
            {},
            [],
        ),  # as an engine has it where nothing is said
        ({}, {"labels.theirs": "1", "working_dir": "/x"}, {}, []),  # unset is unmanaged
        # but for what may have been added in place since the container was created, which no label
        # tells
        (
            {},
            {"mem_limit": 9, "cpus": "0.5"},
            {},
            [("cpus", "0", "dropped"), ("mem_limit", 0, "dropped")],
        ),
        ({}, {"restart": "always"}, {}, [("restart", "no", "dropped")]),
        ({"user": "root"}, {}, {}, [("user", "root", "intent")]),
        ({"user": "root"}, {}, {"user": "root"}, [("user", "root", "drift")]),
        (
            {},
            {"user": "root"},
            {"user": "root"},
            [("user", "www", "dropped")],
        ),  # back to what the image says
        ({}, {}, {"user": "www"}, []),
        ({}, {"mem_limit": 9}, {"mem_limit": 9}, [("mem_limit", 0, "dropped")]),
        ({}, {"hostname": "web"}, {"hostname": "web"}, [("hostname", ID[:12], "dropped")]),
        (
            {"entrypoint": ("sh",)},
            {"entrypoint": ("sh",), "command": ("-c",)},
            {"command": ("-c",)},
            [("command", (), "dropped")],
        ),
        ({}, {}, {"networks.back": ()}, []),  # what became of attachments is told by the endpoints
        ({"network_mode": "container:db"}, {"network_mode": "container:" + "f" * 64}, {}, []),
        ({"network_mode": "host"}, {}, {}, [("network_mode", "host", "intent")]),
        (
            {},
            {"network_mode": "host"},
            {},
            [("network_mode", None, "intent")],
        ),  # it could never be attached
        ({}, {"network_mode": "none"}, {}, []),  # that can be left
        ({"platform": "linux/arm"}, {}, {}, []),
        ({"platform": "linux/amd64"}, {}, {}, [("platform", "linux/amd64", "intent")]),
        (
            {"environment.TOKEN": "digest-2"},
            {"environment.TOKEN": "digest-1"},
            {},
            [("environment.TOKEN", "digest-2", "intent")],
        ),
    ],
)
def test_what_differs(
    declared: Settings,
    observed: Settings,
    recorded: Settings,
    differences: list[tuple[str, Value | None, str]],
) -> None:
    assert found(declared, observed, recorded) == differences


def test_an_image_that_the_registry_has_newer() -> None:
    assert found({}, {}, outdated=True) == [("image", "app:1 (newer image)", "intent")]


@pytest.mark.parametrize(
    ("path", "after", "changes"),
    [
        ("restart", "always", True),
        ("mem_limit", 9, True),
        ("cpus", "0.5", True),
        ("mem_limit", 0, False),
        ("cpus", "0", False),
        ("restart", "no", True),
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
    wanted = DesiredContainer(
        "web", HERE, managed=True, settings={"image": "busybox", "volumes./data": "volume:"}
    )
    observed = ObservedState(containers=(new, old) if successor else (old,))
    made = plan(
        DesiredState("lab", containers={"web": wanted}), observed, policy=Policy(reset=True)
    )
    assert [step.spec.volumes for step in made.steps if step.spec] == [{}]
    assert [step.volumes for step in made.steps if step.op == "remove"] == [True] * (1 + successor)


@pytest.mark.parametrize(
    ("has", "stays"), [("f" * 64, False), ("a" * 64, True)], ids=["carried over", "by a reset"]
)
def test_what_an_interrupted_reset_leaves_is_told(has: str, stays: bool) -> None:
    """The new container has a volume of its own: the next apply removes the old container, and
    nobody asked it to remove a volume.
    """
    mark = ContainerMark("lab")
    old = ObservedContainer(ID, f"web.netplan-{ID[:12]}", mark=mark, anonymous={"/data": "f" * 64})
    new = ObservedContainer("e" * 64, "web", "created", mark=mark, anonymous={"/data": has})
    wanted = DesiredContainer("web", HERE, managed=True, settings={"image": "busybox"})
    made = plan(
        DesiredState("lab", containers={"web": wanted}), ObservedState(containers=(new, old))
    )
    [gone] = [change for change in made.changes if change.container == old.name]
    assert ("its anonymous volume at /data is not removed: ffffffffffff" in gone.notes) is stays
    assert [
        step.volumes for step in made.steps if step.op == "remove" and step.container == old.name
    ] == [False]


# --- what another topology attached ---------------------------------------------------------------

THEIRS = EndpointMark("theirs", "made", {"aliases": ("w", "old-host"), "ipv4_address": "10.9.0.7"})
ATTACHED: Settings = {
    "aliases": ("old-host", "w"),
    "ipv4_address": "10.9.0.7",
    "mac_address": "02:42:0a:09:00:07",
}


def shared(
    old: ObservedContainer,
    *networks: str,
    mode: str = "",
    new: ObservedContainer | None = None,
    **policy: bool,
) -> Plan:
    """The plan for `web`, of which nothing is left but `old`, or `new` too; each of the engine's
    networks is another topology's.
    """
    mark = ContainerMark("lab", digests({"image": "busybox"}))
    wanted: Settings = {
        "image": "busybox",
        "labels.l": "2",
        **({"network_mode": mode} if mode else {}),
    }
    web = DesiredContainer(
        "web", HERE, () if mode else (DesiredEndpoint("back", HERE),), managed=True, settings=wanted
    )
    back = ObservedNetwork("b" * 64, "back", {"driver": "bridge"}, NetworkMark("lab"))
    others = (
        ObservedNetwork(name[0] * 64, name, {"driver": "bridge", "ipv4.subnet": ("10.9.0.0/24",)})
        for name in networks
    )
    present = tuple(
        replace(found, mark=mark, settings={"image": "busybox"}) for found in (old, new) if found
    )
    observed = ObservedState(
        EngineInfo(version="28.5.2"),
        (back, *others),
        present,
        {"busybox": ObservedImage("sha256:1")},
    )
    return plan(
        DesiredState("lab", {"back": DesiredNetwork("back", HERE)}, {"web": web}),
        observed,
        policy=Policy(**policy),
    )


def web(
    *endpoints: ObservedEndpoint, name: str = "web", state: str = "running", mode: str = "back"
) -> ObservedContainer:
    return ObservedContainer(
        ID, name, state, mode, endpoints, frozenset({ID[:12], "host", "old-host"})
    )


ON_FRONT = ObservedEndpoint("front", "f" * 64, "e" * 64, ATTACHED, THEIRS)


@pytest.mark.parametrize("name", ["web", f"web.netplan-{ID[:12]}"])
def test_it_is_attached_again_between_creation_and_start(name: str) -> None:
    """As it was; a name that was an alias only because it was the hostname is not one any more."""
    made = shared(
        web(
            replace(ON_FRONT, settings={**ATTACHED, "aliases": ("host", "old-host", "w")}),
            name=name,
        ),
        "front",
    )
    assert made.applyable, made.refusals
    (connect,) = [step for step in made.steps if step.op == "connect"]
    assert (connect.text, connect.network_id, connect.container_id) == (
        "connect web to front",
        "f" * 64,
        "",
    )
    assert dict(connect.settings) == {"aliases": ("old-host", "w"), "ipv4_address": "10.9.0.7"}
    assert connect.mark == THEIRS
    ids = {step.op: step.id for step in made.steps if step.kind == "container"}
    assert ids["create"] in connect.needs
    assert connect.id in next(step.needs for step in made.steps if step.op == "start")
    (change,) = made.changes
    assert "topology 'theirs' attached it to front: attached again" in change.notes


def test_a_new_container_that_was_not_yet_attached_is_after_an_interruption() -> None:
    new = replace(web(state="created"), id="d" * 64)
    made = shared(
        web(ON_FRONT, name=f"web.netplan-{ID[:12]}"),
        "front",
        new=replace(new, endpoints=(ObservedEndpoint("back"),)),
    )
    assert "connect web to front" in [step.text for step in made.steps]
    attached = replace(new, endpoints=(ObservedEndpoint("back"), replace(ON_FRONT, endpoint_id="")))
    again = shared(web(ON_FRONT, name=f"web.netplan-{ID[:12]}"), new=attached)
    assert "connect web to front" not in [step.text for step in again.steps]


@pytest.mark.parametrize(
    ("endpoint", "networks"),
    [
        (replace(ON_FRONT, phantom=True), ("front",)),
        (replace(ON_FRONT, mark=None), ("front",)),
        (replace(ON_FRONT, mark=EndpointMark("lab")), ("front",)),
        (ON_FRONT, ()),
    ],
    ids=["only listed", "by hand", "ours", "its network is gone"],
)
def test_what_was_no_attachment_of_another_topology_is_not(
    endpoint: ObservedEndpoint, networks: tuple[str, ...]
) -> None:
    made = shared(web(endpoint), *networks)
    assert made.applyable
    assert not [step for step in made.steps if step.op == "connect"]
    told = [note for change in made.changes for note in change.notes if "attached" in note]
    lost = (
        "topology 'theirs' attached it to front: not attached again, because that network does"
        " not exist"
    )
    by_hand = "connected manually to front, and not declared there: not attached again"
    ours = "attachment to front no longer declared: not attached again"
    assert told == (
        []
        if endpoint.phantom
        else [lost]
        if endpoint is ON_FRONT
        else [ours if endpoint.mark else by_hand]
    )
    assert [str(drift.subject) for drift in made.drift] == ["web x front"] * (by_hand in told)


@pytest.mark.parametrize("network", ["none", "bridge"])
def test_the_network_of_a_mode_was_not_connected_by_hand(network: str) -> None:
    made = shared(web(ObservedEndpoint(network), mode=network), network)
    assert not [note for change in made.changes for note in change.notes if "manually" in note]
    assert not made.drift


def test_where_it_cannot_be_it_is_given_up_with_consent_only() -> None:
    (refusal,) = shared(web(ON_FRONT), "front", mode="host").refusals
    assert refusal.unsafe
    assert (
        "with network_mode host, and topology 'theirs' attached it to network front"
        in refusal.message
    )
    made = shared(web(ON_FRONT), "front", mode="host", disrupt_foreign=True)
    assert made.applyable
    assert "network_mode host allows no attachments" in made.changes[0].notes[-1]


def test_a_container_on_none_leaves_it_first() -> None:
    made = shared(web(ON_FRONT, mode="none"), "front", "none", mode="none")
    texts = [step.text for step in made.steps]
    assert (
        texts.index("create container web")
        < texts.index("disconnect web from none")
        < texts.index("connect web to front")
    )


@pytest.mark.parametrize(("fate", "kept"), [("replace", True), ("remove", False)])
def test_on_a_network_that_goes_it_needs_consent(fate: str, kept: bool) -> None:
    mark = ContainerMark("lab", digests({"image": "busybox"}))
    old = replace(web(ON_FRONT, mode="bridge"), mark=mark, settings={"image": "busybox"})
    front = ObservedNetwork(
        "f" * 64, "front", {"driver": "bridge", "ipv4.subnet": ("10.9.0.0/24",)}, NetworkMark("lab")
    )
    observed = ObservedState(
        EngineInfo(version="28.5.2"), (front,), (old,), {"busybox": ObservedImage("sha256:1")}
    )
    wanted = DesiredContainer(
        "web", HERE, managed=True, settings={"image": "busybox", "labels.l": "2"}
    )
    networks = (
        {
            "front": DesiredNetwork(
                "front", HERE, {"ipv4.subnet": ("10.9.0.0/24",), "internal": True}
            )
        }
        if kept
        else {}
    )
    desired = DesiredState("lab", networks, {"web": wanted})
    (refusal,) = plan(desired, observed).refusals
    assert (
        refusal.message
        == f"network front would be {fate}d while container web, which is declared by topology"
        " 'theirs', uses it"
    )
    made = plan(desired, observed, policy=Policy(disrupt_foreign=True))
    assert made.applyable
    assert ("connect web to front" in [step.text for step in made.steps]) == kept
    told = next(change.notes[-1] for change in made.changes if change.kind == "container")
    assert told.endswith(
        "attached again" if kept else "not attached again, because that network is removed"
    )


@pytest.mark.parametrize("written", [ID, ID[:12], ID[:12].upper(), ID[:5], ID[:3], "outsider"])
def test_a_shared_network_is_that_of_a_name(written: str) -> None:
    """An engine takes an ID too, but that of a recreated container is another."""
    outer = ObservedContainer(ID, "outer", state="running", settings={"image": "busybox"})
    observed = ObservedState(
        EngineInfo(version="28.5.2"), (), (outer,), {"busybox": ObservedImage("sha256:1")}
    )
    wanted = DesiredContainer(
        "web",
        HERE,
        managed=True,
        settings={"image": "busybox", "network_mode": f"container:{written}"},
    )
    (refusal,) = plan(DesiredState("lab", {}, {"web": wanted}), observed).refusals
    assert ("this is the ID of container outer" in refusal.message) == (
        ID.startswith(written.lower()) and len(written) > 3
    )
    assert ("network_mode: container:outer" in refusal.way_out) == (
        ID.startswith(written.lower()) and len(written) > 3
    )


@pytest.mark.parametrize(
    ("flavor", "declared", "shown", "same"),
    [
        ("podman", "8080->80/tcp", "0.0.0.0:8080->80/tcp", True),
        ("podman", "0.0.0.0:8080->80/tcp", "0.0.0.0:8080->80/tcp", True),
        ("podman", "127.0.0.1:8080->80/tcp", "0.0.0.0:8080->80/tcp", False),
        ("docker", "8080->80/tcp", "0.0.0.0:8080->80/tcp", False),
    ],
)
def test_a_port_on_every_address(flavor: Flavor, declared: str, shown: str, same: bool) -> None:
    """Podman shows an address that nobody gave: else each apply would make the container anew."""
    settings = {"image": "busybox", "ports": (declared,)}
    wanted = DesiredContainer("web", HERE, managed=True, settings=settings)
    present = ObservedContainer(
        ID,
        "web",
        settings=settings | {"ports": (shown,)},
        mark=ContainerMark("lab", digests(settings)),
    )
    found = container_differences(
        as_shown(wanted, EngineInfo(flavor=flavor)), present, {"busybox": ObservedImage("")}, {}
    )
    assert ("ports" not in {difference.path for difference in found}) == same


# --- containers are not changed -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "exit_code", "one_shot", "notes"),
    [
        ("running", 0, False, ()),
        ("exited", 0, True, ()),
        (
            "exited",
            137,
            False,
            ("container web is not running: exited with code 137; containers are not changed",),
        ),
        ("created", 0, False, ("container web was never started; containers are not changed",)),
    ],
)
def test_what_is_left_alone_and_does_not_run_is_told(
    state: str, exit_code: int, one_shot: bool, notes: tuple[str, ...]
) -> None:
    wanted = DesiredContainer(
        "web", HERE, managed=True, settings={"image": "busybox"}, one_shot=one_shot
    )
    present = ObservedContainer(
        ID, "web", state, "bridge", mark=ContainerMark("lab"), exit_code=exit_code
    )
    made = plan(
        DesiredState("lab", containers={"web": wanted}),
        ObservedState(containers=(present,)),
        policy=Policy(keep_containers=True),
    )
    assert made.notes == notes


@pytest.mark.parametrize(
    ("state", "reason", "drift"),
    [
        ("created", "was never started", False),
        ("exited", "is not running: exited with code 0", True),
    ],
)
def test_a_container_that_an_apply_did_not_start_is_no_drift(
    state: str, reason: str, drift: bool
) -> None:
    """Neither itself nor that it is not on all of its networks yet."""
    wanted = DesiredContainer(
        "web", HERE, (DesiredEndpoint("back", HERE),), managed=True, settings={"image": "busybox"}
    )
    mark = made_mark("lab", wanted)
    present = ObservedContainer(
        ID, "web", state, "front", settings=wanted.settings, mark=mark, image_id="i"
    )
    network = ObservedNetwork("n", "back", {"driver": "bridge"}, NetworkMark("lab"))
    desired = DesiredState("lab", {"back": DesiredNetwork("back", HERE)}, {"web": wanted})
    observed = ObservedState(
        networks=(network, ObservedNetwork("m", "front")), containers=(present,)
    )
    made = plan(desired, observed)
    assert [
        (change.reason, change.drift) for change in made.changes if change.kind == "container"
    ] == [(reason, drift)]
    assert bool(made.drift) == drift
    assert {change.drift for change in made.changes if change.kind == "endpoint"} == {drift}


@pytest.mark.parametrize(
    ("state", "ops"),
    [
        ("running", "rename create stop start remove"),
        ("restarting", "stop rename create start remove"),
    ],
)
def test_a_restarting_container_is_stopped_before_it_is_renamed(state: str, ops: str) -> None:
    """Docker 20.10 does not rename it, and it has no service that could go on meanwhile."""
    wanted = DesiredContainer(
        "web", HERE, managed=True, settings={"image": "busybox", "command": ("sleep", "1")}
    )
    desired = DesiredState("lab", containers={"web": wanted})
    (there,) = applied(desired).containers
    present = replace(there, state=state, settings={**there.settings, "command": ("false",)})
    made = plan(desired, replace(applied(desired), containers=(present,)))
    assert " ".join(step.op for step in made.steps) == ops


@pytest.mark.parametrize(("managed", "drift"), [(True, True), (False, False)])
def test_who_was_taken_off_an_external_network_is_drift_where_a_label_tells(
    managed: bool, drift: bool
) -> None:
    """Of a container that the file does not run nothing on the engine remembers it: it is connected
    again all the same.
    """
    ends = (DesiredEndpoint("own", HERE), DesiredEndpoint("corp", HERE))
    web = DesiredContainer(
        "web", HERE, ends, managed=managed, settings={"image": "busybox"} if managed else {}
    )
    networks = {
        "own": DesiredNetwork("own", HERE),
        "corp": DesiredNetwork("corp", HERE, external=True),
    }
    desired = DesiredState("lab", networks, {"web": web})
    state = applied(desired)
    (there,) = state.containers
    taken_off = replace(
        there,
        endpoints=tuple(endpoint for endpoint in there.endpoints if endpoint.network != "corp"),
    )
    made = plan(desired, replace(state, containers=(taken_off,)))
    assert [(change.actions, change.network, change.drift) for change in made.changes] == [
        (("connect",), "corp", drift)
    ]
    assert [found.subject for found in made.drift] == (["web x corp"] if drift else [])


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


# --- orders ---------------------------------------------------------------------------------------


def test_who_shares_a_shared_network_moves_to_another_in_its_subnets_place() -> None:
    """The removals wait for the end of the chain, and its new container for the subnet: the two
    must not wait for each other.
    """

    def run(name: str, mode: str = "", *networks: str) -> DesiredContainer:
        settings: dict[str, Value] = {"image": "app:1", **({"network_mode": mode} if mode else {})}
        return DesiredContainer(
            name,
            HERE,
            tuple(DesiredEndpoint(n, HERE) for n in networks),
            managed=True,
            settings=settings,
        )

    def lab(subnet: str, *containers: DesiredContainer) -> DesiredState:
        network = DesiredNetwork("n1", HERE, {"ipv4.subnet": (subnet,)})
        return DesiredState(
            "cy", {"n1": network}, {container.name: container for container in containers}
        )

    before = lab(
        "10.90.33.0/24", run("aa", "", "n1"), run("bb", "container:aa"), run("cc", "container:bb")
    )
    made = plan(lab("10.90.34.0/24", run("cc", "", "n1")), applied(before))
    assert made.applyable
    texts = [step.text for step in made.steps]
    assert (
        texts.index("remove network n1")
        < texts.index("create network n1")
        < texts.index("start cc")
    )


def test_what_an_interrupted_recreation_left_is_kept_until_the_new_one_runs() -> None:
    wanted = DesiredContainer(
        "web", HERE, managed=True, settings={"image": "app:1", "network_mode": "none"}
    )
    desired = DesiredState("shop", {}, {"web": wanted})
    [web] = applied(desired).containers
    old = replace(web, name=f"web.netplan-{ID[:12]}", id=ID)
    state = applied(desired)
    made = plan(desired, replace(state, containers=(replace(web, state="created"), old)))
    steps = {step.text: step for step in made.steps}
    stop, start, remove = (
        steps[text] for text in (f"stop {old.name}", "start web", f"remove container {old.name}")
    )
    assert stop.id in start.needs
    assert start.id in remove.needs


def test_a_leftover_that_shares_a_network_waits_for_no_circle() -> None:
    """What it shares goes too, and holds the port that the new container wants."""
    web: Settings = {"image": "app:1", "ports": ("8080->80/tcp",)}
    owner = DesiredContainer("yy", HERE, managed=True, settings={**web, "stop_grace_period": 0})
    member = DesiredContainer(
        "xx", HERE, managed=True, settings={"image": "app:1", "network_mode": "container:yy"}
    )
    state = applied(DesiredState("shop", {}, {"yy": owner, "xx": member}))
    xx = next(container for container in state.containers if container.name == "xx")
    left = replace(xx, name=f"xx.netplan-{xx.id[:12]}")
    wanted = DesiredContainer("xx", HERE, managed=True, settings=web)
    [new] = applied(desired := DesiredState("shop", {}, {"xx": wanted})).containers
    new = replace(new, id=ID, state="created")
    others = tuple(container for container in state.containers if container.name == "yy")
    texts = [
        step.text for step in plan(desired, replace(state, containers=(*others, left, new))).steps
    ]
    assert (
        texts.index("stop yy")
        < texts.index("start xx")
        < texts.index(f"remove container {left.name}")
        < texts.index("remove container yy")
    )


def test_a_label_may_be_called_as_a_subnet_is() -> None:
    network = DesiredNetwork(
        "n",
        HERE,
        {
            "ipv4.subnet": ("10.9.0.0/24",),
            "labels.team.subnet": "x",
            "driver_opts.foo.gateway": "y",
        },
    )
    bare = replace(network, settings={"ipv4.subnet": ("10.9.0.0/24",)})
    made = plan(DesiredState("lab", {"n": bare}), applied(DesiredState("lab", {"n": network})))
    assert [(d.path, d.after) for d in made.changes[0].differences] == [
        ("driver_opts.foo.gateway", None),
        ("labels.team.subnet", None),
    ]


def test_no_part_of_a_value_is_shown() -> None:
    secret = "s3cr3t-" + "abcdefghij" * 4
    env = [f"A={secret}", "KEY=-----BEGIN\nMIIEpAIBAAKCAQEA\n-----END", "PATH=/bin", "N=1"]
    mark = ContainerMark("lab", {f"environment.{key}": "0" for key in ("A", "KEY", "N")})
    raw = {"Config": {"Env": env, "Labels": container_labels(mark, "web")}}
    assert (
        without_secrets(f"auth {secret} failed at /bin, 1", raw)
        == "auth (value hidden) failed at /bin, 1"
    )
    cut = f"auth {secret} ".ljust(480, "x") + secret[:20]
    assert "s3cr3t" not in without_secrets(cut, raw)
    assert without_secrets("bad key line: MIIEpAIBAAKCAQEA", raw) == "bad key line: (value hidden)"


def test_one_that_never_ran_is_started_after_the_network_that_it_lists_by_name() -> None:
    nets = {
        name: DesiredNetwork(name, HERE, {"ipv4.subnet": (f"10.{number}.0.0/24",)})
        for number, name in enumerate("ab", 1)
    }
    box = DesiredContainer(
        "web", HERE, (DesiredEndpoint("b", HERE),), managed=True, settings={"image": "box:1"}
    )
    desired = DesiredState("lab", nets, {"web": box})
    state = applied(desired)
    (there,) = state.containers
    bound = tuple(replace(endpoint, network_id="", endpoint_id="") for endpoint in there.endpoints)
    there = replace(there, state="created", endpoints=bound)
    made = plan(
        desired,
        replace(
            state, containers=(there,), networks=tuple(n for n in state.networks if n.name != "b")
        ),
    )
    assert [(step.text, step.needs) for step in made.steps] == [
        ("create network b", ()),
        ("start web", (1,)),
    ]


@pytest.mark.parametrize("state", ["running", "exited"])
@pytest.mark.parametrize("exclusive", [True, False])
def test_a_stranger_with_the_name_of_a_declared_container_is_not_interrupted_unasked(
    state: str, exclusive: bool
) -> None:
    net = DesiredNetwork("a", HERE, {"ipv4.subnet": ("10.1.0.0/24",)})
    before = applied(DesiredState("lab", {"a": net}))
    (network,) = (n for n in before.networks if n.name == "a")
    stranger = ObservedContainer(
        "z" * 64,
        "web",
        state,
        endpoints=(ObservedEndpoint("a", network.id, settings={"aliases": ("db",)}),),
    )
    seen = replace(before, containers=(stranger,))
    box = DesiredContainer(
        "web", HERE, (DesiredEndpoint("a", HERE),), managed=True, settings={"image": "box:1"}
    )
    policy = Policy(keep_containers=True, exclusive=exclusive)
    assert plan(DesiredState("lab", {"a": net}, {"web": box}), seen, policy=policy).empty
    moved = DesiredState(
        "lab", {"a": replace(net, settings={"ipv4.subnet": ("10.2.0.0/24",)})}, {"web": box}
    )
    (refusal,) = plan(moved, seen, policy=policy).refusals
    assert (
        refusal.message
        == "network a would be replaced while container web, which is not declared here, uses it"
    )
    made = plan(moved, seen, policy=replace(policy, disrupt_foreign=True))
    assert [step.op for step in made.steps] == ["disconnect", "remove", "create", "connect"]
    assert made.steps[-1].settings == {"aliases": ("db",)}

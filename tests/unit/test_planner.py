"""Cases of planning that random pairs of file and engine reach rarely or never."""

# ruff: noqa: E501

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Literal

import pytest

from reconciler.codec import read_container
from reconciler.marks import Place, digests, read_endpoint_mark
from reconciler.model import (
    ContainerMark,
    Dependency,
    DesiredContainer,
    DesiredEndpoint,
    DesiredNetwork,
    DesiredState,
    EndpointMark,
    EngineInfo,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedImage,
    ObservedNetwork,
    ObservedState,
    Source,
)
from reconciler.plan import Plan, Refusal
from reconciler.planner import Policy, plan
from reconciler.settings import Settings, Value
from reconciler.snapshot import snapshot_json, state_from_snapshot

HERE = Source("lab.yaml", 1)
DOCKER_28 = EngineInfo("E", "lab", "28.5.2", (1, 51))
DOCKER_20 = EngineInfo("E", "lab", "20.10.24", (1, 41))
MADE = EndpointMark("lab", "made")


def identifier(name: str) -> str:
    return (name.encode().hex() * 64)[:64]


def network(
    name: str,
    subnet: str,
    owner: str | None = "lab",
    *,
    protect: bool = False,
    settings: Settings | None = None,
) -> ObservedNetwork:
    declared: dict[str, Value] = {"ipv4.subnet": (subnet,)}
    everything = {"driver": "bridge", "enable_ipv4": True, **declared, **(settings or {})}
    mark = NetworkMark(owner, digests(declared), protect=protect) if owner else None
    return ObservedNetwork(identifier(name), name, everything, mark)


def endpoint(
    name: str, mark: EndpointMark | None = None, *, phantom: bool = False, **settings: Value
) -> ObservedEndpoint:
    return ObservedEndpoint(
        name,
        "" if phantom else identifier(name),
        "" if phantom else f"on {name}",
        settings,
        mark,
        phantom=phantom,
    )


def container(name: str, mode: str, *endpoints: ObservedEndpoint) -> ObservedContainer:
    return ObservedContainer(identifier(name), name, "running", mode, endpoints)


def declared(
    name: str,
    subnet: str,
    *,
    protect: bool = False,
    external: bool = False,
    settings: Settings | None = None,
) -> DesiredNetwork:
    return DesiredNetwork(
        name,
        HERE,
        {} if external else {"ipv4.subnet": (subnet,), **(settings or {})},
        protect=protect,
        external=external,
    )


def attached(name: str, **networks: Settings) -> DesiredContainer:
    return DesiredContainer(
        name,
        HERE,
        tuple(DesiredEndpoint(where, HERE, settings) for where, settings in networks.items()),
    )


def lab(*parts: DesiredNetwork | DesiredContainer) -> DesiredState:
    networks = {part.name: part for part in parts if isinstance(part, DesiredNetwork)}
    return DesiredState(
        "lab", networks, {part.name: part for part in parts if isinstance(part, DesiredContainer)}
    )


def number(made: Plan, text: str) -> int:
    return next(step.id for step in made.steps if step.text == text)


# --- optional networks ---


def test_nothing_is_attached_to_an_optional_network_that_does_not_exist() -> None:
    desired = lab(
        replace(declared("corp", "", external=True), optional=True),
        attached("x", corp={}, own={}),
        declared("own", "10.1.0.0/24"),
    )
    observed = ObservedState(DOCKER_28, (), (container("x", "bridge"),))
    made = plan(desired, observed)
    assert [step.text for step in made.steps] == ["create network own", "connect x to own"]
    assert made.notes == ("network corp does not exist: optional, skipped",)
    there = replace(observed, networks=(network("corp", "10.9.0.0/24", None),))
    assert "connect x to corp" in [step.text for step in plan(desired, there).steps]
    worker = replace(observed, engine=replace(DOCKER_28, swarm="worker"))
    assert "connect x to corp" in [step.text for step in plan(desired, worker).steps]


def test_an_optional_network_is_in_the_fingerprint_and_others_are_as_they_were() -> None:
    whole = lab(declared("corp", "", external=True))
    optional = lab(replace(declared("corp", "", external=True), optional=True))
    observed = ObservedState(DOCKER_28, (network("corp", "10.9.0.0/24", None),))
    assert plan(whole, observed).fingerprint != plan(optional, observed).fingerprint


# --- order ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [DOCKER_28, DOCKER_20])
def test_a_phantom_is_cured_once_the_containers_own_network_is_back(engine: EngineInfo) -> None:
    """Before that, it would wait for a static address that waits for the same network."""
    observed = ObservedState(
        engine,
        (network("own", "10.1.0.0/24"), network("other", "10.2.0.0/24")),
        (
            container("x", "own", endpoint("own", MADE), endpoint("other", MADE, phantom=True)),
            container("y", "own", endpoint("own", MADE)),
        ),
    )
    desired = lab(
        declared("own", "10.3.0.0/24"),
        declared("other", "10.2.0.0/24"),
        attached("x", own={}),
        attached("y", own={}, other={"ipv4_address": "10.2.0.9"}),
    )
    made = plan(desired, observed)
    assert made.applyable
    order = [
        "create network own",
        "connect y to other",
        "connect x to other",
        "disconnect x from other",
    ]
    assert [number(made, text) for text in order] == sorted(number(made, text) for text in order)


def test_a_phantom_on_a_network_that_goes_is_cured_before_the_containers_own_network_goes() -> None:
    observed = ObservedState(
        DOCKER_28,
        (network("own", "10.1.0.0/24"), network("other", "10.2.0.0/24")),
        (container("x", "own", endpoint("own", MADE), endpoint("other", MADE, phantom=True)),),
    )
    made = plan(lab(declared("own", "10.2.0.0/24"), attached("x", own={})), observed)
    order = [
        "connect x to other",
        "disconnect x from other",
        "remove network other",
        "create network own",
    ]
    assert [number(made, text) for text in order] == sorted(number(made, text) for text in order)
    assert number(made, "connect x to other") < number(made, "remove network own")


def test_a_phantom_on_a_network_whose_subnet_the_missing_own_network_takes_is_no_circle() -> None:
    observed = ObservedState(
        DOCKER_28,
        (network("other", "10.2.0.0/24"),),
        (container("x", "own", endpoint("other", MADE, phantom=True)),),
    )
    made = plan(lab(declared("own", "10.2.0.0/24"), attached("x", own={})), observed)
    assert (
        number(made, "remove network other")
        < number(made, "create network own")
        < number(made, "connect x to own")
    )


def test_a_parent_that_several_networks_leave_is_waited_for() -> None:
    parent: Settings = {"driver": "macvlan", "driver_opts.parent": "eth0"}
    observed = ObservedState(
        DOCKER_28,
        tuple(network(name, f"10.{n}.0.0/24", settings=parent) for n, name in enumerate("ab", 1)),
        (),
    )
    made = plan(lab(declared("c", "10.3.0.0/24", settings=parent)), observed)
    create = next(step for step in made.steps if step.op == "create")
    assert set(create.needs) == {number(made, "remove network a"), number(made, "remove network b")}


# --- what is observed -----------------------------------------------------------------------------


def test_a_phantom_on_a_container_created_with_none_is_seen() -> None:
    """As 20.10 and 28.5 tell it after `disconnect none` and a connect that failed; on `none` itself
    nothing is a phantom.
    """
    entry = {"IPAMConfig": {"IPv4Address": "10.2.0.9"}, "NetworkID": "", "EndpointID": ""}
    raw = {
        "Id": identifier("x"),
        "Name": "/x",
        "State": {"Status": "running"},
        "HostConfig": {"NetworkMode": "none"},
        "NetworkSettings": {"Networks": {"other": entry, "none": entry}},
    }
    found = read_container(raw, DOCKER_28)
    assert {e.network: e.phantom for e in found.endpoints} == {"none": False, "other": True}


def test_a_foreign_phantom_on_a_network_that_goes_is_cured_with_consent() -> None:
    """Otherwise the next restart of its container would fail."""
    box = container("x", "bridge", endpoint("net", phantom=True, ipv4_address="10.2.0.9"))
    observed = ObservedState(DOCKER_28, (network("net", "10.2.0.0/24"),), (box,))
    assert [
        refusal.unsafe
        for refusal in plan(lab(), observed, policy=Policy(allow_empty=True)).refusals
    ] == [True]
    made = plan(lab(), observed, policy=Policy(disrupt_foreign=True, allow_empty=True))
    assert made.applyable
    assert [step.text for step in made.steps] == [
        "connect x to net",
        "disconnect x from net",
        "remove network net",
    ]
    assert made.steps[0].settings == {}


def test_the_address_that_a_phantom_never_got_is_not_its_own() -> None:
    """Somebody asked for one that another container has: the file asks for none."""
    holder = container("y", "bridge", endpoint("net", MADE, ipv4_address="10.2.0.9"))
    box = container("x", "bridge", endpoint("net", phantom=True, ipv4_address="10.2.0.9"))
    observed = ObservedState(DOCKER_28, (network("net", "10.2.0.0/24"),), (box, holder))
    made = plan(
        lab(
            declared("net", "10.2.0.0/24"),
            attached("x", net={}),
            attached("y", net={"ipv4_address": "10.2.0.9"}),
        ),
        observed,
    )
    assert made.applyable
    assert [dict(step.settings) for step in made.steps if step.container == "x"] == [{}]


# --- addresses that nobody declares ---------------------------------------------------------------

AMENDED = EndpointMark(
    "lab", "amended", {"ipv4_address": "10.2.0.10"}, {"ipv4_address": "10.1.0.9"}
)


@pytest.mark.parametrize("owner", ["lab", None])
def test_an_address_to_be_given_back_that_no_longer_fits_can_become_dynamic(
    owner: str | None,
) -> None:
    box = container("x", "bridge", endpoint("net", AMENDED, ipv4_address="10.2.0.10"))
    observed = ObservedState(DOCKER_28, (network("net", "10.2.0.0/24", owner),), (box,))
    desired = lab(declared("net", "10.2.0.0/24")) if owner else lab()
    refusals = plan(desired, observed, policy=Policy(allow_empty=True)).refusals
    assert len(refusals) == 1
    assert "10.1.0.9 is not in the" in refusals[0].message
    assert "--disrupt-foreign" in refusals[0].way_out
    allowed = plan(desired, observed, policy=Policy(disrupt_foreign=True, allow_empty=True))
    assert allowed.applyable
    assert [dict(step.settings) for step in allowed.steps if step.op == "connect"] == [{}]


def test_a_foreign_address_that_becomes_the_gateway_can_become_dynamic() -> None:
    observed = ObservedState(
        DOCKER_28,
        (network("net", "10.2.0.0/24"),),
        (container("x", "bridge", endpoint("net", ipv4_address="10.2.0.9")),),
    )
    desired = lab(declared("net", "10.2.0.0/24", settings={"ipv4.gateway": "10.2.0.9"}))
    assert any(
        "10.2.0.9 is not in the" in refusal.message for refusal in plan(desired, observed).refusals
    )
    assert plan(desired, observed, policy=Policy(disrupt_foreign=True)).applyable


def test_ipv4_that_is_switched_off_takes_its_pools_along() -> None:
    observed = ObservedState(
        DOCKER_28,
        (
            network(
                "net", "10.2.0.0/24", settings={"enable_ipv6": True, "ipv6.subnet": ("fd00::/64",)}
            ),
        ),
        (),
    )
    off = DesiredNetwork("net", HERE, {"enable_ipv4": False, "enable_ipv6": True})
    create = plan(lab(off), observed).steps[-1]
    assert "ipv4.subnet" not in create.settings
    assert create.settings["ipv6.subnet"] == ("fd00::/64",)


ISOLATED: Settings = {"driver_opts.com.docker.network.bridge.gateway_mode_ipv4": "isolated"}


@pytest.mark.parametrize(
    ("settings", "fits"),
    [
        ({"internal": True, "driver": "macvlan"}, True),
        ({"internal": True, **ISOLATED}, True),
        ({"internal": True}, False),
        ({"driver": "macvlan"}, False),
        ({}, False),
    ],
)
def test_the_first_address_is_free_where_the_engine_takes_no_gateway(
    settings: Settings, fits: bool
) -> None:
    """Measured: Docker 28.5 takes none where nothing leaves the network, 20.10 always does."""
    desired = lab(
        declared("net", "10.2.0.0/24", settings=settings),
        attached("x", net={"ipv4_address": "10.2.0.1"}),
    )
    for engine, expected in ((DOCKER_28, fits), (DOCKER_20, False)):
        assert (
            plan(desired, ObservedState(engine, (), (container("x", "bridge"),))).applyable
            is expected
        )


@pytest.mark.parametrize("attached_already", [True, False])
def test_an_ipv6_address_on_a_network_without_ipv6_is_refused(attached_already: bool) -> None:
    """Docker 20.10 and 28.5 answer 200 to it, and the endpoint has no IPv6 address."""
    addresses: Settings = {"ipv6_address": "fd00::9"}
    pools: Settings = {"ipv6.subnet": ("fd00::/64",)}
    box = container(
        "x",
        "bridge",
        *(
            [endpoint("net", EndpointMark("lab", "made", addresses), ipv6_address="fd00::9")]
            if attached_already
            else []
        ),
    )
    observed = ObservedState(
        DOCKER_28,
        (network("net", "10.2.0.0/24", settings={"enable_ipv6": False, **pools}),),
        (box,),
    )
    (refusal,) = plan(
        lab(declared("net", "10.2.0.0/24", settings=pools), attached("x", net=addresses)), observed
    ).refusals
    assert "net has no IPv6" in refusal.message
    assert not refusal.unsafe
    on = {"enable_ipv6": True, **pools}
    assert plan(
        lab(declared("net", "10.2.0.0/24", settings=on), attached("x", net=addresses)), observed
    ).applyable


# --- ownership ------------------------------------------------------------------------------------


def test_destroy_leaves_a_network_that_the_file_declares_external() -> None:
    observed = ObservedState(DOCKER_28, (network("net", "10.2.0.0/24"),), ())
    file = lab(declared("net", "", external=True))
    made = plan(lab(), observed, policy=Policy(destroyed=file))
    assert made.empty
    assert made.notes == ("network net is not removed: the file declares it external",)
    assert plan(lab(), observed).steps
    assert plan(lab(), observed, policy=Policy(allow_empty=True)).applyable


def test_destroy_tells_where_there_is_nothing_of_that_name() -> None:
    observed = ObservedState(DOCKER_28, (network("net", "10.2.0.0/24"),), ())
    stranger = DesiredState("mistyped")
    made = plan(stranger, observed, policy=Policy(destroyed=stranger))
    assert (made.empty, made.notes) == (
        True,
        ("nothing on this engine belongs to topology mistyped",),
    )
    assert plan(lab(), observed, policy=Policy(destroyed=lab())).notes == ()


def test_what_a_network_protected_by_its_label_needs_to_go() -> None:
    """Labels are fixed at creation: another apply would not change them."""
    observed = ObservedState(DOCKER_28, (network("net", "10.2.0.0/24", protect=True),), ())
    (refusal,) = plan(lab(), observed, policy=Policy(allow_empty=True)).refusals
    assert "destroy a file that declares it without protect" in refusal.way_out
    assert plan(
        lab(), observed, policy=Policy(destroyed=lab(declared("net", "10.2.0.0/24")))
    ).applyable


def test_marks_that_somebody_else_wrote_are_no_bug() -> None:
    spec = '{"v":1,"how":"amended","before":{"ipv4_address":"x","ipv6_address":5,"aliases":["a"],"links":{},"gw_priority":null}}'
    place = Place("web", "net")
    mark = read_endpoint_mark({"netplan.topology": "lab", "netplan.spec": spec}, place, "ab" * 32)
    assert mark == EndpointMark("lab", "amended", {}, {"aliases": ("a",)})
    assert (
        read_endpoint_mark(
            {"netplan.topology": "lab", "netplan.spec": "[" * 200_000}, place, "ab" * 32
        )
        is None
    )


@pytest.mark.parametrize(
    ("owner", "label", "declares", "way_out"),
    [
        ("lab", False, True, "remove protect: true from the file first"),
        (None, False, True, "remove protect: true from the file first"),
        ("lab", True, False, ""),
        ("theirs", False, True, ""),
        ("theirs", True, False, "remove it yourself (docker network rm net)"),
    ],
)
def test_a_wipe_goes_by_the_file_and_for_what_is_not_its_own_by_the_label(
    owner: str | None, label: bool, declares: bool, way_out: str
) -> None:
    """`protect` is policy: one that was declared later is in no label."""
    observed = ObservedState(DOCKER_28, (network("net", "10.2.0.0/24", owner, protect=label),))
    wipe = Policy(reset=True, exclusive=True, wipe=True)
    found = plan(
        lab(declared("net", "10.2.0.0/24", protect=declares)), observed, policy=wipe
    ).refusals
    assert [refusal.message for refusal in found] == [
        "network net is protected and would be removed"
    ] * bool(way_out)
    assert all(refusal.way_out.startswith(way_out) for refusal in found)


@pytest.mark.parametrize(
    ("scope", "name", "ingress", "flavor", "stays"),
    [
        ("swarm", "mine", True, "docker", True),
        ("swarm", "ingress", False, "docker", True),  # in a snapshot of an earlier version
        ("local", "ingress", False, "docker", False),
        ("local", "docker_gwbridge", False, "docker", True),
        ("local", "podman", False, "podman", True),
        ("local", "podman", False, "docker", False),
    ],
)
def test_the_engines_own_networks_are_known_by_what_they_are(
    scope: str, name: str, ingress: bool, flavor: Literal["docker", "podman"], stays: bool
) -> None:
    """A wipe spares them, and nobody may declare or adopt them; a swarm's ingress network may have
    any name.
    """
    there = replace(network(name, "10.2.0.0/24", None), scope=scope, ingress=ingress)
    observed = ObservedState(replace(DOCKER_28, flavor=flavor), (there,))
    wiped = plan(lab(), observed, policy=Policy(reset=True, exclusive=True, wipe=True))
    assert [step.network for step in wiped.steps] == [name] * (not stays)
    *_, refusal = plan(
        lab(declared(name, "10.3.0.0/24")),
        observed,
        policy=Policy(frozenset({name} if stays else ())),
    ).refusals
    assert ("is a built-in network of the engine" in refusal.message) == stays
    assert state_from_snapshot(snapshot_json(observed)).networks == observed.networks


def test_adopting_does_not_override_another_topologys_protection() -> None:
    theirs = network("backend", "10.1.0.0/24", owner="theirs", protect=True)
    made = plan(
        lab(declared("backend", "10.1.0.0/24")),
        ObservedState(EngineInfo("e", "h", "28.5.2"), (theirs,)),
        policy=Policy(frozenset({"backend"})),
    )
    assert [refusal.message for refusal in made.refusals] == [
        "network backend is protected by topology 'theirs' and would be replaced"
    ]


def test_a_container_is_started_once_those_that_it_depends_on_are_ready() -> None:
    def managed(name: str, *needs: Dependency) -> DesiredContainer:
        return DesiredContainer(
            name, HERE, managed=True, settings={"image": "busybox:latest"}, depends_on=needs
        )

    ready, ended = Dependency("db", "healthy"), Dependency("fill", "completed")
    boxes = {
        box.name: box for box in (managed("web", ended), managed("fill", ready), managed("db"))
    }
    images = {"busybox:latest": ObservedImage("sha256:1")}
    steps = plan(DesiredState("lab", {}, boxes), ObservedState(DOCKER_28, images=images)).steps
    assert [step.text for step in steps if step.op in ("start", "wait")] == [
        "start db",
        "wait until db is healthy",
        "start fill",
        "wait until fill has exited",
        "start web",
    ]
    started = [step for step in steps if step.op in ("start", "wait")]
    assert all(earlier.id in later.needs for earlier, later in itertools.pairwise(started))


def test_health_that_has_come_since_makes_no_other_plan() -> None:
    def box(name: str, health: str) -> ObservedContainer:
        settings: Settings = {"image": "busybox:latest", "healthcheck.test": ("CMD", "true")}
        mark = ContainerMark("lab", digests(settings))
        return replace(
            container(name, "bridge"),
            mark=mark,
            settings=settings,
            image_id="sha256:1",
            health=health,
        )  # type: ignore[arg-type]

    db = DesiredContainer("db", HERE, managed=True, settings=box("db", "").settings)
    web = DesiredContainer(
        "web",
        HERE,
        managed=True,
        settings={"image": "busybox:latest"},
        depends_on=(Dependency("db", "healthy"),),
    )
    images = {"busybox:latest": ObservedImage("sha256:1", {}, "linux/amd64")}
    plans = [
        plan(
            DesiredState("lab", {}, {"web": web, "db": db}),
            ObservedState(DOCKER_28, (), (box("db", health),), images),
        )
        for health in ("starting", "healthy")
    ]
    assert plans[0].steps == plans[1].steps
    assert plans[0].fingerprint == plans[1].fingerprint
    assert [step.text for step in plans[0].steps] == [
        "create container web",
        "wait until db is healthy",
        "start web",
    ]


@pytest.mark.parametrize(
    ("declared", "image", "refused"),
    [
        ({}, ObservedImage("i", {}, "linux/amd64"), True),
        ({}, ObservedImage("i", {"healthcheck.test": ("NONE",)}, "linux/amd64"), True),
        ({}, ObservedImage("i", {"healthcheck.test": ("CMD", "true")}, "linux/amd64"), False),
        ({"healthcheck.test": ("CMD", "true")}, ObservedImage("i", {}, "linux/amd64"), False),
        ({}, ObservedImage("i"), False),
        ({}, None, False),
    ],
    ids=["none", "disabled", "the image's", "declared", "only listed", "to be pulled"],
)
def test_health_that_never_comes_is_not_waited_for(
    declared: Settings, image: ObservedImage | None, refused: bool
) -> None:
    db = DesiredContainer(
        "db", HERE, managed=True, settings={"image": "busybox:latest", **declared}
    )
    web = DesiredContainer(
        "web",
        HERE,
        managed=True,
        settings={"image": "own"},
        depends_on=(Dependency("db", "healthy"),),
    )
    images = {"own": ObservedImage("o"), **({"busybox:latest": image} if image else {})}
    found = plan(
        DesiredState("lab", {}, {"web": web, "db": db}), ObservedState(DOCKER_28, images=images)
    ).refusals
    assert [(refusal.message, refusal.way_out) for refusal in found] == [
        (
            (
                "container web waits for db to be healthy, but neither db nor its image"
                " busybox:latest has a healthcheck"
            ),
            "declare a healthcheck for db, or use condition: service_started",
        )
    ] * refused


@pytest.mark.parametrize(("engine", "refused"), [(DOCKER_20, True), (DOCKER_28, False)])
def test_a_start_interval_that_the_engine_would_ignore_is_refused(
    engine: EngineInfo, refused: bool
) -> None:
    settings: Settings = {
        "image": "busybox:latest",
        "healthcheck.test": ("CMD", "true"),
        "healthcheck.start_interval": 10**9,
    }
    desired = DesiredState(
        "lab", {}, {"web": DesiredContainer("web", HERE, managed=True, settings=settings)}
    )
    found = plan(
        desired, ObservedState(engine, images={"busybox:latest": ObservedImage("sha256:1")})
    ).refusals
    assert [refusal.message for refusal in found] == (
        [
            "container web: healthcheck.start_interval needs Docker 25; this engine is Docker 20.10.24"
        ]
        if refused
        else []
    )


# --- room on a network ----------------------------------------------------------------------------

POOL: Settings = {"driver": "bridge", "ipv4.subnet": ("10.1.0.0/30",), "ipv4.gateway": "10.1.0.1"}


def crowd(
    number: int, settings: Settings, first: Settings, state: str = "running"
) -> list[Refusal]:
    """What stands against connecting so many containers; one more is there already, with
    `first`.
    """
    endpoint = ObservedEndpoint(
        "n", "N", "e", first, EndpointMark("shop", "made", first), ("10.1.0.2/30",)
    )
    there = ObservedContainer("0", "c0", "running", endpoints=(endpoint,))
    more = [ObservedContainer(str(n), f"c{n}", state) for n in range(1, number + 1)]  # type: ignore[arg-type]
    network = ObservedNetwork("N", "n", settings, NetworkMark("shop"))
    wanted = {
        c.name: DesiredContainer(
            c.name, HERE, (DesiredEndpoint("n", HERE, first if c is there else {}),)
        )
        for c in (there, *more)
    }
    desired = DesiredState("shop", {"n": DesiredNetwork("n", HERE, settings)}, wanted)
    return list(plan(desired, ObservedState(DOCKER_28, (network,), (there, *more))).refusals)


@pytest.mark.parametrize(
    ("number", "settings", "first", "refused"),
    [
        (0, POOL, {}, False),
        (1, POOL, {}, True),
        (4, POOL | {"ipv4.subnet": ("10.1.0.0/29",)}, {}, False),
        (5, POOL | {"ipv4.subnet": ("10.1.0.0/29",)}, {}, True),
        (2, POOL | {"ipv4.subnet": ("10.1.0.0/24",), "ipv4.ip_range": "10.1.0.8/30"}, {}, False),
        (4, POOL | {"ipv4.subnet": ("10.1.0.0/24",), "ipv4.ip_range": "10.1.0.8/30"}, {}, True),
        (
            4,
            POOL | {"ipv4.subnet": ("10.1.0.0/24",), "ipv4.ip_range": "10.1.0.8/30"},
            {"ipv4_address": "10.1.0.2"},
            False,
        ),
        (
            4,
            POOL | {"ipv4.subnet": ("10.1.0.0/24",), "ipv4.ip_range": "10.1.0.8/30"},
            {"ipv4_address": "10.1.0.9"},
            True,
        ),
        (
            2,
            POOL
            | {
                "ipv4.subnet": ("10.1.0.0/29",),
                "ipv4.aux_addresses.x": "10.1.0.3",
                "ipv4.aux_addresses.y": "10.1.0.4",
            },
            {},
            False,
        ),
        (
            3,
            POOL
            | {
                "ipv4.subnet": ("10.1.0.0/29",),
                "ipv4.aux_addresses.x": "10.1.0.3",
                "ipv4.aux_addresses.y": "10.1.0.4",
            },
            {},
            True,
        ),
        (9, {"driver": "bridge"}, {}, False),
        (9, POOL | {"ipam.driver": "theirs"}, {}, False),
    ],
)
def test_a_network_has_an_address_for_everyone_or_is_full(
    number: int, settings: Settings, first: Settings, refused: bool
) -> None:
    assert bool(crowd(number, settings, first)) is refused
    assert crowd(number, settings, first, state="exited") == []


def test_a_full_network_is_named_with_a_way_out() -> None:
    [refusal] = crowd(1, POOL, {})
    assert (
        refusal.message
        == "network n is full: 10.1.0.0/30 has 1 free address, and 2 containers need one: c0, c1"
    )
    assert (refusal.way_out, refusal.unsafe) == (
        "give n a larger subnet, or attach fewer containers",
        False,
    )


# --- words ----------------------------------------------------------------------------------------

BOTH: dict[str, Value] = {
    "ipv4.subnet": ("10.64.0.0/24",),
    "ipv6.subnet": ("fd00:64::/64",),
    "enable_ipv6": True,
}


def dual(settings: Settings) -> ObservedState:
    """A network of two families with a container that has a static IPv6 address, and whichever IPv4
    one.
    """
    here = {"driver": "bridge", "enable_ipv4": True, **BOTH}
    made = EndpointMark("lab", "made", {"ipv6_address": "fd00:64::10"})
    on = endpoint("n", made, ipv6_address="fd00:64::10")
    own = ObservedNetwork(identifier("n"), "n", here, NetworkMark("lab", digests(settings)))
    return ObservedState(DOCKER_28, (own,), (container("c", "n", on),))


def test_the_other_family_of_a_static_address_may_change() -> None:
    wanted = DesiredNetwork("n", HERE, {**BOTH, "labels.a": "b"})
    made = plan(lab(wanted, attached("c", n={"ipv6_address": "fd00:64::10"})), dual(BOTH))
    assert "may get another address: c" in made.changes[0].notes
    both = attached("c", n={"ipv6_address": "fd00:64::10", "ipv4_address": "10.64.0.9"})
    assert not plan(lab(wanted, both), dual(BOTH)).changes[0].notes


@pytest.mark.parametrize(
    ("declared", "after"),
    [({}, None), ({"enable_ipv6": False}, None), ({"enable_ipv6": True}, "automatic")],
)
def test_a_family_that_is_turned_off_is_not_chosen_by_the_engine(
    declared: Settings, after: str | None
) -> None:
    wanted = DesiredNetwork("n", HERE, {"ipv4.subnet": ("10.64.0.0/24",), **declared})
    made = plan(lab(wanted, attached("c", n={})), dual(BOTH))
    assert [d.after for d in made.changes[0].differences if d.path == "ipv6.subnet"] == [after]
    assert (
        "network n no longer declares subnet (IPv6): the engine chooses one" in made.warnings
    ) is (after is not None)


def test_one_that_has_two_addresses_by_chance_gives_up_both_at_once() -> None:
    here = {"driver": "bridge", "enable_ipv4": True, **BOTH}
    by_chance = replace(
        endpoint("n", EndpointMark("lab", "made")), addresses=("10.64.0.2/24", "fd00:64::2/64")
    )
    engine = ObservedState(
        DOCKER_28,
        (ObservedNetwork(identifier("n"), "n", here, NetworkMark("lab", digests(BOTH))),),
        (container("a", "n", by_chance), container("b", "bridge")),
    )
    wanted = {"ipv4_address": "10.64.0.2", "ipv6_address": "fd00:64::2"}
    file = lab(DesiredNetwork("n", HERE, BOTH), attached("a", n={}), attached("b", n=wanted))
    made = plan(file, engine)
    assert made.refusals == ()
    assert [step.text for step in made.steps] == [
        "disconnect a from n",
        "connect b to n",
        "connect a to n",
    ]

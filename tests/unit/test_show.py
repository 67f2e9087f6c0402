"""What `show` and `ls` print, to the character, of observed states made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reconciler.model import (
    ContainerMark,
    DesiredContainer,
    DesiredEndpoint,
    DesiredNetwork,
    DesiredState,
    EndpointMark,
    EngineInfo,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
    ObservedState,
    Source,
)
from reconciler.plan import Change, Difference, Plan
from reconciler.show import ls as ls_of
from reconciler.show import ls_json as ls_json_of
from reconciler.show import owned, show, show_json
from reconciler.terminal import Paint, ansi, plain
from tests.schemas import validator

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def ls(state: ObservedState, paint: Paint = plain) -> str:
    return ls_of(owned(state), NOW, paint)


def ls_json(state: ObservedState) -> str:
    return ls_json_of(state, owned(state), NOW)


ENGINE = EngineInfo(id="E", name="box", version="28.5.2")
HERE = Source("shop.yaml", 3)
SHOP, OTHER = EndpointMark("shop"), EndpointMark("lab")

STATE = ObservedState(
    ENGINE,
    (
        ObservedNetwork(
            "n1",
            "backend",
            {
                "driver": "bridge",
                "internal": True,
                "ipv4.subnet": ("10.1.0.0/24",),
                "ipv4.gateway": "10.1.0.1",
                "ipv6.subnet": ("fd00:1::/64",),
            },
            NetworkMark("shop", protect=True),
        ),
        ObservedNetwork(
            "n2",
            "corp",
            {"driver": "macvlan", "ipv4.subnet": ("10.9.0.0/16",)},
            outside=("lb-corp",),
        ),
        ObservedNetwork("n3", "bench", {"driver": "bridge"}, NetworkMark("lab")),
        ObservedNetwork("n0", "bridge", {"driver": "bridge", "ipv4.subnet": ("172.17.0.0/16",)}),
        ObservedNetwork("nh", "host", {"driver": "host"}),
    ),
    (
        ObservedContainer(
            "c1",
            "api",
            "running",
            endpoints=(
                ObservedEndpoint(
                    "backend",
                    "n1",
                    "e1",
                    {"aliases": ("rest", "api-v2"), "ipv4_address": "10.1.0.9"},
                    SHOP,
                    ("10.1.0.9/24", "fd00:1::2/64"),
                ),
                ObservedEndpoint(
                    "corp", "n2", "e2", {}, EndpointMark("shop", "amended"), ("10.9.0.2/16",)
                ),
            ),
            ports=("0.0.0.0:8080->80/tcp",),
        ),
        ObservedContainer(
            "c2",
            "db",
            "exited",
            endpoints=(ObservedEndpoint("backend", "n1", "", {"ipv4_address": "10.1.0.7"}, SHOP),),
        ),
        ObservedContainer(
            "c3",
            "guest",
            "running",
            endpoints=(ObservedEndpoint("backend", "n1", "e4", {}, None, ("10.1.0.3/24",)),),
        ),
        ObservedContainer(
            "c4",
            "late",
            "running",
            endpoints=(
                ObservedEndpoint("backend", phantom=True),
                ObservedEndpoint("bench", "n3", "e6", {}, OTHER),
            ),
        ),
        ObservedContainer(
            "c5",
            "lost",
            "exited",
            endpoints=(ObservedEndpoint("bench", "n3-old"), ObservedEndpoint("away", "n9")),
        ),
    ),
)


def test_a_topology() -> None:
    assert (
        show(STATE, "shop")
        == 'netplan: topology "shop" on engine 28.5.2 (unix)\n2 networks, 4 containers: 3 running,'
        " 1 exited; 1 problem\n\nbackend  bridge  10.1.0.0/24  fd00:1::/64  gateway 10.1.0.1 "
        " internal  protect\n├─ api      running  10.1.0.9/24 fd00:1::2/64  alias rest api-v2 "
        " made             0.0.0.0:8080->80/tcp\n├─ db       exited   (10.1.0.7)                "
        "                   made\n├─ guest    running  10.1.0.3/24                              "
        "    foreign\n└─ late     running                                               foreign "
        " ! listed but not attached (after a failed connect): the next restart will fail\n\n"
        "corp  macvlan  10.9.0.0/16  unowned\n"
        "├─ api      running  10.9.0.2/16                                  amended by"
        " shop  0.0.0.0:8080->80/tcp\n└─ lb-corp  ! not a container of this engine"
    )


def test_a_long_name_moves_no_other_line() -> None:
    long = ObservedContainer(
        "c0",
        "x" * 300,
        "running",
        endpoints=(ObservedEndpoint("backend", "n1", "e0", {}, None, ("10.1.0.4/24",)),),
    )
    with_it = show(replace(STATE, containers=(*STATE.containers, long)), "shop").splitlines()
    assert (
        f"└─ {long.name}  running  10.1.0.4/24                                  foreign" in with_it
    )
    # "late" is not the last one any more, and the summary counts one more
    assert len([line for line in show(STATE, "shop").splitlines() if line not in with_it]) == 2
    marked = ObservedNetwork("nx", "n", {}, NetworkMark("x" * 300))
    tables = ls(STATE), ls(replace(STATE, networks=(*STATE.networks, marked)))
    assert tables[1].startswith(tables[0])


def test_all_of_an_engine_by_owner_and_the_unowned_last() -> None:
    text = show(STATE)
    heads = [line for line in text.splitlines() if line and not line.startswith(("├", "└"))]
    assert heads == [
        "netplan: engine 28.5.2 (unix)",
        "4 networks, 5 containers: 3 running, 2 exited; 3 problems",
        "bench  bridge  owner lab",
        (
            "backend  bridge  10.1.0.0/24  fd00:1::/64  gateway 10.1.0.1  internal  protect  owner"
            " shop"
        ),
        "away  ! gone",
        "corp  macvlan  10.9.0.0/16  unowned",
    ]
    lost = next(line for line in text.splitlines() if "lost" in line)
    assert lost.endswith(
        "  foreign  ! attached to an earlier network of this name, which no longer exists: it"
        " cannot start"
    )


def test_what_is_missing_and_what_differs() -> None:
    declared = {name: DesiredNetwork(name, HERE) for name in ("backend", "front")}
    declared["corp"] = DesiredNetwork("corp", HERE, external=True, exclusive=True)
    ends = (DesiredEndpoint("backend", HERE), DesiredEndpoint("front", HERE))
    containers = {
        "web": DesiredContainer("web", HERE, ends),
        "agent": DesiredContainer("agent", HERE, ends[:1], optional=True),
    }
    changes = (
        Change(
            ("delete", "create"),
            "backend",
            "",
            (Difference("ipv4.subnet", ("10.1.0.0/24",), ("10.2.0.0/24",)),),
        ),
        Change(("create",), "front"),
        Change(("connect",), "backend", "web", reason="disconnected by hand", drift=True),
        Change(("connect",), "front", "web", reason="declared"),
        Change(
            ("disconnect", "connect"),
            "backend",
            "api",
            (Difference("aliases", ("rest",), None, "drift"),),
            drift=True,
        ),
        Change(("disconnect",), "backend", "guest", reason="not declared"),
    )
    state = ObservedState(ENGINE, STATE.networks[:2], STATE.containers[:3])
    desired = DesiredState("shop", declared, containers)
    assert (
        show(state, "shop", desired, Plan("shop", ENGINE, changes))
        == 'netplan: topology "shop" on engine 28.5.2 (unix)\n3 networks, 4 containers: 2 running,'
        " 1 exited, 1 missing; 5 problems\n\nbackend  bridge  10.1.0.0/24  fd00:1::/64  gateway"
        " 10.1.0.1  internal  protect\n   ! differs: subnet 10.1.0.0/24, should be"
        " 10.2.0.0/24\n├─ agent  ! no such container (optional)\n├─ api      running "
        " 10.1.0.9/24 fd00:1::2/64  alias rest api-v2  made             0.0.0.0:8080->80/tcp  !"
        " drift: differs: aliases rest, should be (unset)\n├─ db       exited   (10.1.0.7)      "
        "                             made\n├─ guest    running  10.1.0.3/24                    "
        "              foreign  ! to be disconnected\n└─ web  ! drift: missing: disconnected by"
        " hand\n\nfront  ! missing\n└─ web  ! missing\n\ncorp  macvlan  10.9.0.0/16  external "
        " exclusive  unowned\n├─ api      running  10.9.0.2/16                                 "
        " amended by shop  0.0.0.0:8080->80/tcp\n└─ lb-corp  ! not a container of this engine"
    )


def test_nothing_to_show() -> None:
    assert show(STATE, "nobody").endswith(
        'nothing on this engine belongs to "nobody": see netplan ls'
    )
    assert show(ObservedState(ENGINE)).endswith("no networks")
    assert ls(ObservedState(ENGINE)) == "no topologies on this engine"


def test_two_networks_of_one_name_each_have_their_own_endpoints() -> None:
    networks = tuple(
        ObservedNetwork(id, "twin", {"driver": "bridge"}, NetworkMark("t")) for id in ("n1", "n2")
    )
    boxes = tuple(
        ObservedContainer(
            "c" + id,
            "on-" + id,
            endpoints=(ObservedEndpoint("twin", id, "e", {}, EndpointMark("t")),),
        )
        for id in ("n1", "n2")
    )
    assert (
        show(ObservedState(ENGINE, networks, boxes), "t").partition("\n\n")[2]
        == "twin  bridge\n└─ on-n1  running  made\n\ntwin  bridge\n└─ on-n2  running  made"
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines", "two\\nlines"),
        ("a|b`<b>", "a|b`<b>"),
        ("\u202eback", "\\u202eback"),
        ("\ud800", "\\ud800"),
    ],
)
def test_no_name_reaches_the_terminal_raw(name: str, shown: str) -> None:
    end = ObservedEndpoint(
        name, "n", "e", {"aliases": (name,)}, EndpointMark(name), ("10.0.0.2/24",)
    )
    state = ObservedState(
        ENGINE,
        (ObservedNetwork("n", name, {"driver": name}, NetworkMark(name), outside=(name,)),),
        (ObservedContainer("c", name, name, endpoints=(end,), ports=(name,)),),
    )
    plan = Plan(
        name,
        ENGINE,
        (Change(("delete", "create"), name, name, (Difference(name, name, name),), reason=name),),
    )
    for text in (show(state), show(state, name), show(state, name, None, plan), ls(state)):
        assert shown in text
        assert text.replace("\n", "").isprintable()
    for kind, document in (("show", show_json(state, (name, None, plan))), ("ls", ls_json(state))):
        assert document.isascii()
        validator(kind).validate(json.loads(document))


def test_colour_adds_codes_and_nothing_else() -> None:
    painted = show(STATE, "shop", paint=ansi)
    for code in ("32", "31", "33", "2", "1", "1;31", "0"):
        painted = painted.replace(f"\x1b[{code}m", "")
    assert painted == show(STATE, "shop")


def test_topologies() -> None:
    assert (
        ls(STATE) == "topology  networks  endpoints  containers  managed  running\n"
        "lab              1          1           1        0        1\n"
        "shop             1          3           2        0        1"
    )
    times = {
        "created": None,
        "changed": None,
        "age": None,
        "ttl": None,
        "expires": None,
        "expired": False,
    }
    untold = {"trouble": [], "origins": [], "volumes": 0, **times}
    assert json.loads(ls_json(STATE)) == {
        "format_version": 1,
        "engine": {"name": "box", "version": "28.5.2", "flavor": "docker"},
        "topologies": [
            {
                "topology": "lab",
                "networks": 1,
                "containers": 1,
                "managed": 0,
                "running": 1,
                "endpoints": 1,
                **untold,
            },
            {
                "topology": "shop",
                "networks": 1,
                "containers": 2,
                "managed": 0,
                "running": 1,
                "endpoints": 3,
                **untold,
            },
        ],
    }


def test_a_topology_as_json() -> None:
    (found,) = json.loads(show_json(STATE, ("shop", None, None)))["topologies"]
    assert [network["name"] for network in found["networks"]] == ["backend", "corp"]
    assert found["topology"] == "shop"
    backend = found["networks"][0]
    endpoints = backend.pop("endpoints")
    assert backend == {
        "name": "backend",
        "id": "n1",
        "status": "present",
        "topology": "shop",
        "driver": "bridge",
        "subnets": ["10.1.0.0/24", "fd00:1::/64"],
        "gateways": ["10.1.0.1"],
        "flags": ["internal", "protect"],
        "notes": [],
    }
    assert endpoints[0] == {
        "container": "api",
        "container_id": "c1",
        "state": "running",
        "addresses": ["10.1.0.9/24", "fd00:1::2/64"],
        "static": ["10.1.0.9"],
        "mac": "",
        "aliases": ["rest", "api-v2"],
        "ports": ["0.0.0.0:8080->80/tcp"],
        "mark": "made",
        "topology": "shop",
        "managed": False,
        "notes": [],
    }
    assert found["containers"] == []


# --- containers that the topology runs ------------------------------------------------------------

WEB_END = ObservedEndpoint("backend", "n1", "e1", {}, SHOP, ("10.1.0.2/24",))
DOCKER0 = ObservedEndpoint("bridge", "n0", "e9", {}, None, ("172.17.0.2/16",))


def box(
    name: str,
    state: str = "running",
    mode: str = "backend",
    *ends: ObservedEndpoint,
    topology: str = "shop",
) -> ObservedContainer:
    settings = {"image": "busybox:latest"}
    return ObservedContainer(
        f"id-{name}", name, state, mode, ends, mark=ContainerMark(topology), settings=settings
    )


LAB = ObservedState(
    ENGINE,
    STATE.networks[:1],
    (
        replace(
            box("web", "running", "backend", WEB_END),
            ports=("0.0.0.0:80->80/tcp",),
            health="unhealthy",
        ),
        replace(
            box("fill", "exited", "backend", ObservedEndpoint("backend", "n1", "", {}, SHOP)),
            exit_code=0,
        ),
        replace(box("db", "exited", "host"), exit_code=137),
        box("tap", "running", "container:id-web"),
        box("old", "running", "default", DOCKER0),
        box("sealed", "running", "none"),
        box("stranger", "running", "none", topology="lab"),
    ),
)


def test_containers_that_are_run() -> None:
    assert (
        show(LAB, "shop").partition("\n\n")[2]
        == "backend  bridge  10.1.0.0/24  fd00:1::/64  gateway 10.1.0.1  internal  protect\n"
        "├─ fill  exited\n"
        "└─ web   running  10.1.0.2/24\n"
        "\n"
        "Containers\n"
        "├─ db      exited (137)         busybox:latest  host\n"
        "├─ fill    exited (0)           busybox:latest  backend\n"
        "├─ old     running              busybox:latest  bridge\n"
        "├─ sealed  running              busybox:latest  none\n"
        "├─ tap     running              busybox:latest  shares web's network\n"
        "└─ web     running (unhealthy)  busybox:latest  backend               0.0.0.0:80->80/tcp"
    )
    owners = [line for line in show(LAB).splitlines() if line.startswith("Containers")]
    assert owners == ["Containers  owner lab", "Containers  owner shop"]


def test_what_is_wrong_with_containers() -> None:
    ends = (DesiredEndpoint("backend", HERE),)
    wanted = {
        n: DesiredContainer(n, HERE, ends, managed=True, settings={"image": "busybox:latest"})
        for n in ("web", "new")
    }
    changes = (
        Change(
            ("delete", "create"),
            "",
            "web",
            (Difference("user", "root", "app", "drift"), Difference("environment.KEY", "a", "b")),
        ),
        Change(("create",), "", "new"),
        Change(("start",), "", "db", reason="is not running: exited with code 137", drift=True),
        Change(("delete",), "", "old", reason="no longer declared"),
        Change(
            ("delete", "create"), "", "tap", reason="shares the network of web, which is recreated"
        ),
        Change(("update",), "", "sealed", (Difference("mem_limit", 1 << 26, 1 << 27),)),
        Change(("pull",), "", image="busybox:latest"),
    )
    text = show(
        LAB, "shop", DesiredState("shop", {}, wanted), Plan("shop", ENGINE, changes)
    ).partition("Containers\n")[2]
    assert [line.partition("  ! ")[2] for line in text.splitlines()] == [
        "drift: is not running: exited with code 137",
        "",
        "missing",
        "to be removed: no longer declared",
        "settings differ: mem_limit 64m, should be 128m",
        "shares the network of web, which is recreated",
        "settings differ: user root, should be app, environment.KEY (value hidden)",
    ]


def test_topologies_that_run_containers() -> None:
    assert (
        ls(LAB)
        == "topology  networks  endpoints  containers  managed  running\nlab              0      "
        "    0           1        1        1\nshop             1          2           6     "
        "   6        4  ! db exited (137), web running (unhealthy)"
    )


def test_containers_as_json() -> None:
    rows = {
        row["name"]: row
        for row in json.loads(show_json(LAB, ("shop", None, None)))["topologies"][0]["containers"]
    }
    assert rows["tap"] == {
        "name": "tap",
        "id": "id-tap",
        "topology": "shop",
        "state": "running",
        "exit_code": None,
        "health": "",
        "image": "busybox:latest",
        "mode": "container:web",
        "networks": [],
        "ports": [],
        "notes": [],
    }
    assert (rows["db"]["exit_code"], rows["fill"]["exit_code"], rows["web"]["health"]) == (
        137,
        0,
        "unhealthy",
    )


def test_json_is_as_its_schemas_say() -> None:
    validator("show").validate(json.loads(show_json(STATE, (None, None, None))))
    validator("show").validate(
        json.loads(show_json(LAB, ("shop", None, None), ("lab", None, None)))
    )
    for state in (STATE, LAB):
        validator("ls").validate(json.loads(ls_json(state)))


def test_names_that_the_engine_adds_are_no_aliases() -> None:
    end = ObservedEndpoint(
        "backend",
        "n1",
        "e1",
        {"aliases": ("first", "host", "www")},
        EndpointMark("shop", declared={"aliases": ("host",)}),
    )
    container = replace(box("web", "running", "backend", end), implied=frozenset({"first", "host"}))
    assert "alias host www\n" in show(
        ObservedState(ENGINE, STATE.networks[:1], (container,)), "shop"
    )


def test_many_containers_begin_with_what_is_wrong() -> None:
    ends = (ObservedEndpoint("backend", "n1", "e", {}, None, ("10.1.0.9/24",)),)
    boxes = [ObservedContainer(f"c{n}", f"box{n:02}", "running", endpoints=ends) for n in range(60)]
    boxes[7] = ObservedContainer(
        "c7",
        "box07",
        "running",
        endpoints=(ObservedEndpoint("backend", "n1"), ObservedEndpoint("away", "n9")),
    )
    state = ObservedState(ENGINE, STATE.networks[:1], tuple(boxes))
    whole, problems = (
        show(state, None).split("\n\n"),
        show(state, None, problems=True).split("\n\n"),
    )
    assert whole[0].endswith("2 networks, 60 containers: 60 running; 1 problem")
    assert whole[1].splitlines()[0] == "Problems"
    assert problems == whole[:2]
    rows = [line.split("  ! ")[0].strip() for line in whole[1].splitlines()[1:]]
    assert rows == ["network away"]
    assert show(state, None, problems=True, paint=ansi) != show(state, None, problems=True)


def test_the_gateway_that_is_in_use() -> None:
    """JSON has it also where the engine chose it; the tree shows what is declared."""
    networks = tuple(
        ObservedNetwork(
            f"n{number}", f"n{number}", {"driver": driver, "ipv4.subnet": ("10.1.0.0/24",), **more}
        )
        for number, (driver, more) in enumerate(
            [
                ("bridge", {}),
                ("bridge", {"ipv4.gateway": "10.1.0.9"}),
                ("bridge", {"internal": True}),
                ("macvlan", {}),
                ("overlay", {}),
            ]
        )
    )
    found = json.loads(show_json(ObservedState(ENGINE, networks), (None, None, None)))[
        "topologies"
    ][0]["networks"]
    assert [network["gateways"] for network in found] == [["10.1.0.1"], ["10.1.0.9"], [], [], []]


def test_another_product_than_docker_is_named() -> None:
    told = show(ObservedState(EngineInfo(version="5.8.6", flavor="podman")))
    assert told.startswith("netplan: engine Podman 5.8.6 (unix)")
    assert show(ObservedState(EngineInfo(version="28.5.2"))).startswith(
        "netplan: engine 28.5.2 (unix)"
    )

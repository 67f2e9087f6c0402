"""MAC addresses where the engine heeds one on connect (Docker from API 1.54 on, Podman), and where
it does not.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.executor.network_rollback import rollback
from reconciler.model import (
    DesiredContainer,
    DesiredEndpoint,
    DesiredNetwork,
    DesiredState,
    EndpointMark,
    EngineInfo,
    Journal,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
    ObservedState,
    Source,
)
from reconciler.plan import Plan
from reconciler.planner import Policy, plan
from reconciler.settings import Settings
from reconciler.simulate import applied

HERE = Source("lab.yaml", 1)
DOCKER_29 = EngineInfo("E", "lab", "29.7.2", (1, 55))
DOCKER_29_0 = EngineInfo("E", "lab", "29.0.1", (1, 52))
PODMAN = EngineInfo("E", "lab", "5.8.6", (1, 44), "podman")
HEEDS = [pytest.param(DOCKER_29, id="29.7"), pytest.param(PODMAN, id="podman")]
MAC, OTHER, LIVE = "02:42:0a:00:00:09", "02:42:0a:00:00:0a", "7e:11:22:33:44:55"
NET, BOX = "aa" * 32, "bb" * 32
SUBNET: Settings = {"ipv4.subnet": ("10.60.0.0/24",)}


def seen(
    mac: str = LIVE,
    mark: EndpointMark | None = None,
    engine: EngineInfo = DOCKER_29,
    state: str = "running",
    subnet: str = "10.60.0.0/24",
) -> ObservedState:
    settings: Settings = (
        {"mac_address": mac} if mark and mark.declared.get("mac_address") == mac else {}
    )
    live = state == "running"
    endpoint = ObservedEndpoint(
        "lan",
        NET,
        "E1" if live else "",
        settings if live else {},
        mark,
        ("10.60.0.2/24",) if live else (),
        mac,
    )
    endpoint = endpoint if live else replace(endpoint, mac="")
    network = ObservedNetwork(
        NET, "lan", {"driver": "bridge", "ipv4.subnet": (subnet,)}, NetworkMark("lab", {})
    )
    return ObservedState(
        engine, (network,), (ObservedContainer(BOX, "box", state, "lan", (endpoint,)),)
    )


def file(settings: Settings | None = None, network: Settings = SUBNET) -> DesiredState:
    box = () if settings is None else (DesiredEndpoint("lan", HERE, settings),)
    containers = {"box": DesiredContainer("box", HERE, box)} if box else {}
    return DesiredState("lab", {"lan": DesiredNetwork("lan", HERE, network)}, containers)


def connects(made: Plan) -> list[dict[str, object]]:
    assert not made.refusals
    return [dict(step.sent) for step in made.steps if step.op == "connect"]


MADE = EndpointMark("lab", "made", {"mac_address": MAC})
PLAIN = EndpointMark("lab", "made")


@pytest.mark.parametrize("engine", HEEDS)
def test_a_declared_one_is_set_on_any_container(engine: EngineInfo) -> None:
    nobody = replace(seen(engine=engine).containers[0], endpoints=())
    assert connects(
        plan(file({"mac_address": MAC}), replace(seen(engine=engine), containers=(nobody,)))
    ) == [{"mac_address": MAC}]
    assert connects(plan(file({"mac_address": MAC}), seen(engine=engine))) == [{"mac_address": MAC}]


def test_below_api_1_54_it_is_refused_with_the_release_that_can() -> None:
    refusals = plan(file({"mac_address": MAC}), seen(engine=DOCKER_29_0)).refusals
    assert [refusal.message for refusal in refusals] == [
        f"box on lan: Docker 29.0.1 cannot set mac_address {MAC} on connect"
    ]
    assert "update to Docker 29.3" in refusals[0].way_out


@pytest.mark.parametrize("engine", HEEDS)
@pytest.mark.parametrize("state", ["running", "exited"])
def test_what_is_as_declared_stays(engine: EngineInfo, state: str) -> None:
    assert plan(file({"mac_address": MAC}), seen(MAC, MADE, engine, state)).empty


def test_one_that_somebody_changed_is_drift_and_another_in_the_file_is_intent() -> None:
    drifted = plan(file({"mac_address": MAC}), seen(OTHER, MADE))
    assert [(d.path, d.before, d.cause) for d in drifted.changes[0].differences] == [
        ("mac_address", OTHER, "drift")
    ]
    assert drifted.drift
    changed = plan(file({"mac_address": OTHER}), seen(MAC, MADE, state="exited"))
    assert [(d.before, d.after, d.cause) for d in changed.changes[0].differences] == [
        (MAC, OTHER, "intent")
    ]


@pytest.mark.parametrize("state", ["running", "exited"])
def test_one_that_is_no_longer_declared_is_given_up(state: str) -> None:
    made = plan(file({}), seen(MAC, MADE, state=state))
    assert [(d.before, d.after, d.cause) for d in made.changes[0].differences] == [
        (MAC, None, "dropped")
    ]
    assert connects(made) == [{}]
    assert plan(file({}), seen(LIVE, PLAIN, state=state)).empty


def test_an_endpoint_of_somebody_else_gets_its_own_back() -> None:
    [step] = [
        step for step in plan(file({"mac_address": MAC}), seen()).steps if step.op == "connect"
    ]
    assert isinstance(step.mark, EndpointMark)
    assert (step.mark.how, dict(step.mark.before)) == ("amended", {"mac_address": LIVE})
    assert connects(plan(file(), seen(MAC, step.mark))) == [{"mac_address": LIVE}]


WIDER: Settings = {"ipv4.subnet": ("10.60.0.0/23",)}
DISRUPT = Policy(disrupt_foreign=True)


@pytest.mark.parametrize(("mark", "settings"), [(PLAIN, {}), (None, None)], ids=["ours", "foreign"])
def test_a_replacement_keeps_what_nobody_declares(
    mark: EndpointMark | None, settings: Settings | None
) -> None:
    made = plan(file(settings, WIDER), seen(LIVE, mark), policy=DISRUPT)
    assert connects(made) == [{"mac_address": LIVE}]
    assert not any("MAC" in warning for warning in made.warnings)
    restarted = plan(file(settings, WIDER), seen(OTHER, mark), policy=DISRUPT)
    assert restarted.fingerprint == made.fingerprint, "it changes by itself"
    old = plan(file(settings, WIDER), seen(LIVE, mark, DOCKER_29_0), policy=DISRUPT)
    assert connects(old) == [{}]
    assert old.warnings == (
        "the MAC address of box will change: this Docker version cannot set one on connect",
    )


def test_recovery_gives_it_back() -> None:
    before = seen(LIVE, PLAIN)
    taken = Journal("j", "lab", 1, before)
    gone = replace(before, networks=(), containers=(replace(before.containers[0], endpoints=()),))
    assert connects(plan(file({}), gone, [taken])) == [{"mac_address": LIVE}]
    declared = Journal("j", "lab", 1, seen(MAC, MADE))
    assert connects(plan(file({"mac_address": MAC}), gone, [declared])) == [{"mac_address": MAC}]
    assert connects(plan(file({}), gone, [declared])) == [{}], (
        "it was dropped from the file meanwhile"
    )


@pytest.mark.parametrize(("engine", "mac"), [(DOCKER_29, LIVE), (DOCKER_29_0, "")])
def test_a_rollback_gives_it_back(engine: EngineInfo, mac: str) -> None:
    observed = seen(LIVE, PLAIN, engine)
    made = plan(file({}, WIDER), observed)
    statuses = {
        step.id: "failed" if step.op == "create" else "skipped" if step.op == "connect" else "done"
        for step in made.steps
    }
    back = rollback(made, statuses, observed)
    assert [step.mac for step in back.steps if step.op == "connect"] == [mac]


@pytest.mark.parametrize(
    ("engine", "refused"),
    [(DOCKER_29, True), (replace(DOCKER_29, version="28.5.2", api=(1, 51)), False)],
)
def test_an_ipv6_subnet_without_ipv6_is_refused_where_it_would_be_dropped(
    engine: EngineInfo, refused: bool
) -> None:
    subnet: Settings = {**SUBNET, "ipv6.subnet": ("fd00:60::/64",)}
    for there in (ObservedState(engine), seen(engine=engine)):  # made, and found without it
        messages = [
            refusal.message for refusal in plan(file(None, subnet), there, policy=DISRUPT).refusals
        ]
        wrong = f"network lan: Docker {engine.version} drops an IPv6 subnet without enable_ipv6"
        assert messages == ([wrong] if refused else [])
    assert not plan(file(None, {**subnet, "enable_ipv6": True}), ObservedState(engine)).refusals


DOCKER_20 = EngineInfo("E", "lab", "20.10.24", (1, 41))
DOCKER_28 = EngineInfo("E", "lab", "28.5.2", (1, 51))


def runs(**macs: str) -> DesiredState:
    """A container that the topology runs, on these networks in this order."""
    endpoints = (
        DesiredEndpoint(net, HERE, {"mac_address": mac} if mac else {}) for net, mac in macs.items()
    )
    box = DesiredContainer("box", HERE, tuple(endpoints), managed=True, settings={"image": "box:1"})
    return DesiredState(
        "lab", {net: DesiredNetwork(net, HERE) for net in sorted(macs)}, {"box": box}
    )


@pytest.mark.parametrize(
    ("engine", "mode"), [(DOCKER_20, "za"), (DOCKER_28, "aa"), (PODMAN, "aa"), (DOCKER_29, "aa")]
)
def test_below_api_1_44_a_container_is_created_on_the_network_with_its_mac(
    engine: EngineInfo, mode: str
) -> None:
    file = runs(aa="", za=MAC)
    made = plan(file, replace(applied(file, engine), networks=(), containers=()))
    (spec,) = [step.spec for step in made.steps if step.spec]
    assert not made.refusals
    assert (spec.mode, spec.endpoints[0].network) == (mode, mode)
    assert [step.network for step in made.steps if step.op == "connect"] == (
        ["aa"] if engine is DOCKER_20 else []
    )
    assert not plan(file, applied(file, engine)).steps
    assert [c.network_mode for c in applied(file, engine).containers] == [mode]
    assert not plan(runs(za=MAC, aa=""), applied(file, engine)).steps, (
        "the order in the file makes no difference"
    )


@pytest.mark.parametrize(
    "now", [{"aa": MAC, "za": ""}, {"aa": "", "za": ""}, {"aa": "", "za": OTHER}]
)
def test_below_api_1_44_another_mac_makes_a_container_anew(now: dict[str, str]) -> None:
    """Also one that moves to another network: the engine gives it only where the container was
    created.
    """
    seen = applied(runs(aa="", za=MAC), DOCKER_20)
    (box,) = seen.containers
    live = tuple(replace(e, mac=str(e.settings.get("mac_address", LIVE))) for e in box.endpoints)
    made = plan(runs(**now), replace(seen, containers=(replace(box, endpoints=live),)))
    assert not made.refusals
    assert "create" in [step.op for step in made.steps if step.kind == "container"]


def test_two_macs_below_api_1_44_are_refused_with_what_to_do_in_the_file() -> None:
    file = runs(aa="", za=MAC, zb=OTHER)
    (refusal,) = plan(file, replace(applied(file, DOCKER_20), containers=())).refusals
    assert (
        refusal.message
        == f"box on zb: Docker 20.10.24 cannot set mac_address {OTHER} on connect, and it is"
        " created with the one of za"
    )
    assert (
        refusal.way_out == "keep the mac_address of only one network of box, or update to Docker 25"
    )
    assert not plan(file, replace(applied(file, DOCKER_28), containers=())).refusals

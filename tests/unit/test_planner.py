"""Cases of planning that random pairs of file and engine reach rarely or never."""

from __future__ import annotations

import pytest

from reconciler.codec import read_container
from reconciler.marks import digests, read_endpoint_mark
from reconciler.model import (
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
    Settings,
    Source,
    Value,
)
from reconciler.plan import Plan
from reconciler.planner import Policy, plan

HERE = Source("lab.yaml", 1)
DOCKER_28 = EngineInfo("E", "lab", "28.5.2", (1, 51))
DOCKER_20 = EngineInfo("E", "lab", "20.10.24", (1, 41))
MADE = EndpointMark("lab", "made")


def identifier(name: str) -> str:
    return (name.encode().hex() * 64)[:64]


def network(
    name: str, subnet: str, owner: str | None = "lab", *, protect: bool = False, settings: Settings | None = None
) -> ObservedNetwork:
    declared: dict[str, Value] = {"ipv4.subnet": (subnet,)}
    everything = {"driver": "bridge", "enable_ipv4": True, **declared, **(settings or {})}
    mark = NetworkMark(owner, digests(declared), protect=protect) if owner else None
    return ObservedNetwork(identifier(name), name, everything, mark)


def endpoint(name: str, mark: EndpointMark | None = None, *, phantom: bool = False, **settings: Value) -> ObservedEndpoint:
    return ObservedEndpoint(name, "" if phantom else identifier(name), "" if phantom else f"on {name}", settings, mark, phantom=phantom)


def container(name: str, mode: str, *endpoints: ObservedEndpoint) -> ObservedContainer:
    return ObservedContainer(identifier(name), name, "running", mode, endpoints)


def declared(name: str, subnet: str, *, protect: bool = False, external: bool = False, settings: Settings | None = None) -> DesiredNetwork:
    return DesiredNetwork(
        name, HERE, {} if external else {"ipv4.subnet": (subnet,), **(settings or {})}, protect=protect, external=external
    )


def attached(name: str, **networks: Settings) -> DesiredContainer:
    return DesiredContainer(name, HERE, tuple(DesiredEndpoint(where, HERE, settings) for where, settings in networks.items()))


def lab(*parts: DesiredNetwork | DesiredContainer) -> DesiredState:
    networks = {part.name: part for part in parts if isinstance(part, DesiredNetwork)}
    return DesiredState("lab", networks, {part.name: part for part in parts if isinstance(part, DesiredContainer)})


def number(made: Plan, text: str) -> int:
    return next(step.id for step in made.steps if step.text == text)


# --- order -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [DOCKER_28, DOCKER_20])
def test_a_phantom_is_cured_once_the_containers_own_network_is_back(engine: EngineInfo) -> None:
    """Before that, it would wait for a static address that waits for the same network."""
    observed = ObservedState(
        engine,
        (network("own", "10.1.0.0/24"), network("other", "10.2.0.0/24")),
        (container("x", "own", endpoint("own", MADE), endpoint("other", MADE, phantom=True)), container("y", "own", endpoint("own", MADE))),
    )
    desired = lab(
        declared("own", "10.3.0.0/24"),
        declared("other", "10.2.0.0/24"),
        attached("x", own={}),
        attached("y", own={}, other={"ipv4_address": "10.2.0.9"}),
    )
    made = plan(desired, observed)
    assert made.applyable
    order = ["create network own", "connect y to other", "connect x to other", "disconnect x from other"]
    assert [number(made, text) for text in order] == sorted(number(made, text) for text in order)


def test_a_phantom_on_a_network_that_goes_is_cured_before_the_containers_own_network_goes() -> None:
    observed = ObservedState(
        DOCKER_28,
        (network("own", "10.1.0.0/24"), network("other", "10.2.0.0/24")),
        (container("x", "own", endpoint("own", MADE), endpoint("other", MADE, phantom=True)),),
    )
    made = plan(lab(declared("own", "10.2.0.0/24"), attached("x", own={})), observed)
    order = ["connect x to other", "disconnect x from other", "remove network other", "create network own"]
    assert [number(made, text) for text in order] == sorted(number(made, text) for text in order)
    assert number(made, "connect x to other") < number(made, "remove network own")


def test_a_phantom_on_a_network_whose_subnet_the_missing_own_network_takes_is_no_circle() -> None:
    observed = ObservedState(DOCKER_28, (network("other", "10.2.0.0/24"),), (container("x", "own", endpoint("other", MADE, phantom=True)),))
    made = plan(lab(declared("own", "10.2.0.0/24"), attached("x", own={})), observed)
    assert number(made, "remove network other") < number(made, "create network own") < number(made, "connect x to own")


# --- what is observed ------------------------------------------------------------------------------------------------


def test_a_phantom_on_a_container_created_with_none_is_seen() -> None:
    """As 20.10 and 28.5 tell it after `disconnect none` and a connect that failed; on `none` itself nothing is a phantom."""
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


# --- addresses that nobody declares ----------------------------------------------------------------------------------

AMENDED = EndpointMark("lab", "amended", {"ipv4_address": "10.2.0.10"}, {"ipv4_address": "10.1.0.9"})


@pytest.mark.parametrize("owner", ["lab", None])
def test_an_address_to_be_given_back_that_no_longer_fits_can_become_dynamic(owner: str | None) -> None:
    box = container("x", "bridge", endpoint("net", AMENDED, ipv4_address="10.2.0.10"))
    observed = ObservedState(DOCKER_28, (network("net", "10.2.0.0/24", owner),), (box,))
    desired = lab(declared("net", "10.2.0.0/24")) if owner else lab()
    refusals = plan(desired, observed, policy=Policy(allow_empty=True)).refusals
    assert len(refusals) == 1
    assert "10.1.0.9 does not fit" in refusals[0].message
    assert "--disrupt-foreign" in refusals[0].way_out
    allowed = plan(desired, observed, policy=Policy(disrupt_foreign=True, allow_empty=True))
    assert allowed.applyable
    assert [dict(step.settings) for step in allowed.steps if step.op == "connect"] == [{}]


def test_a_foreign_address_that_becomes_the_gateway_can_become_dynamic() -> None:
    observed = ObservedState(
        DOCKER_28, (network("net", "10.2.0.0/24"),), (container("x", "bridge", endpoint("net", ipv4_address="10.2.0.9")),)
    )
    desired = lab(declared("net", "10.2.0.0/24", settings={"ipv4.gateway": "10.2.0.9"}))
    assert any("10.2.0.9 does not fit" in refusal.message for refusal in plan(desired, observed).refusals)
    assert plan(desired, observed, policy=Policy(disrupt_foreign=True)).applyable


def test_ipv4_that_is_switched_off_takes_its_pools_along() -> None:
    observed = ObservedState(DOCKER_28, (network("net", "10.2.0.0/24", settings={"enable_ipv6": True, "ipv6.subnet": ("fd00::/64",)}),), ())
    off = DesiredNetwork("net", HERE, {"enable_ipv4": False, "enable_ipv6": True})
    create = plan(lab(off), observed).steps[-1]
    assert "ipv4.subnet" not in create.settings
    assert create.settings["ipv6.subnet"] == ("fd00::/64",)


# --- ownership -------------------------------------------------------------------------------------------------------


def test_destroy_leaves_a_network_that_the_file_declares_external() -> None:
    observed = ObservedState(DOCKER_28, (network("net", "10.2.0.0/24"),), ())
    file = lab(declared("net", "", external=True))
    made = plan(lab(), observed, policy=Policy(destroyed=file))
    assert made.empty
    assert made.notes == ("network net is left: the file declares it external",)
    assert plan(lab(), observed).steps
    assert plan(lab(), observed, policy=Policy(allow_empty=True)).applyable


def test_what_a_network_protected_by_its_label_needs_to_go() -> None:
    """Labels are fixed at creation: another apply would not change them."""
    observed = ObservedState(DOCKER_28, (network("net", "10.2.0.0/24", protect=True),), ())
    (refusal,) = plan(lab(), observed, policy=Policy(allow_empty=True)).refusals
    assert "destroy a file that declares it without protect" in refusal.way_out
    assert plan(lab(), observed, policy=Policy(destroyed=lab(declared("net", "10.2.0.0/24")))).applyable


def test_marks_that_somebody_else_wrote_are_no_bug() -> None:
    spec = '{"v":1,"how":"amended","before":{"ipv4_address":"x","ipv6_address":5,"aliases":["a"],"links":{},"gw_priority":null}}'
    mark = read_endpoint_mark({"netplan.topology": "lab", "netplan.spec": spec})
    assert mark == EndpointMark("lab", "amended", {}, {"aliases": ("a",)})
    assert read_endpoint_mark({"netplan.topology": "lab", "netplan.spec": "[" * 200_000}) == EndpointMark("lab", "amended")


def test_adopting_does_not_override_another_topologys_protection() -> None:
    theirs = network("backend", "10.1.0.0/24", owner="theirs", protect=True)
    made = plan(
        lab(declared("backend", "10.1.0.0/24")),
        ObservedState(EngineInfo("e", "h", "28.5.2"), (theirs,)),
        policy=Policy(frozenset({"backend"})),
    )
    assert [refusal.message for refusal in made.refusals] == ["network backend is protected by topology 'theirs' and would be replaced"]

"""Cases of planning that random pairs of file and engine reach rarely or never."""

from __future__ import annotations

import pytest

from reconciler.codec import read_container
from reconciler.marks import digests
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
from reconciler.planner import plan

HERE = Source("lab.yaml", 1)
DOCKER_28 = EngineInfo("E", "lab", "28.5.2", (1, 51))
DOCKER_20 = EngineInfo("E", "lab", "20.10.24", (1, 41))
MADE = EndpointMark("lab", "made")


def identifier(name: str) -> str:
    return (name.encode().hex() * 64)[:64]


def network(name: str, subnet: str, owner: str | None = "lab", *, protect: bool = False, **extra: Value) -> ObservedNetwork:
    declared: dict[str, Value] = {"ipv4.subnet": (subnet,)}
    settings = {"driver": "bridge", "enable_ipv4": True, **declared, **extra}
    mark = NetworkMark(owner, digests(declared), protect=protect) if owner else None
    return ObservedNetwork(identifier(name), name, settings, mark)


def endpoint(name: str, mark: EndpointMark | None = None, *, phantom: bool = False, **settings: Value) -> ObservedEndpoint:
    return ObservedEndpoint(name, "" if phantom else identifier(name), "" if phantom else f"on {name}", settings, mark, phantom=phantom)


def container(name: str, mode: str, *endpoints: ObservedEndpoint) -> ObservedContainer:
    return ObservedContainer(identifier(name), name, "running", mode, endpoints)


def declared(name: str, subnet: str, *, protect: bool = False, external: bool = False, **extra: Value) -> DesiredNetwork:
    return DesiredNetwork(name, HERE, {} if external else {"ipv4.subnet": (subnet,), **extra}, protect=protect, external=external)


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

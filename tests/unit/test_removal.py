"""Several topologies that are removed from one engine."""

from __future__ import annotations

from reconciler.model import (
    ContainerMark,
    DesiredState,
    EndpointMark,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
    ObservedState,
)
from reconciler.planner import Policy, plan
from reconciler.removal_order import removal_order, taken, without


def network(name: str, topology: str) -> ObservedNetwork:
    return ObservedNetwork(
        name, name, {"driver": "bridge"}, NetworkMark(topology) if topology else None
    )


def end(name: str, topology: str = "", mark: EndpointMark | None = None) -> ObservedEndpoint:
    return ObservedEndpoint(
        name, name, f"e-{name}", {}, mark or (EndpointMark(topology) if topology else None)
    )


def container(
    name: str, topology: str, *ends: ObservedEndpoint, mode: str = "bridge"
) -> ObservedContainer:
    mark = ContainerMark(topology) if topology else None
    return ObservedContainer(name, name, network_mode=mode, endpoints=ends, mark=mark)


NETWORKS = (network("na", "a"), network("nb", "b"), network("theirs", ""))


def test_who_uses_a_network_goes_before_its_owner() -> None:
    containers = (
        container("c", "z", end("na", "z"), end("nb", "z")),
        container("d", "a", end("nb", "a")),
    )
    state = ObservedState(networks=NETWORKS, containers=containers)
    assert removal_order(state, ["a", "b", "z"]) == ["z", "a", "b"]
    assert removal_order(state, ["b", "a"]) == ["a", "b"]


def test_who_attached_or_shares_a_container_goes_before_its_owner() -> None:
    state = ObservedState(
        containers=(container("c", "a", end("x", "b")), container("d", "z", mode="container:c"))
    )
    assert removal_order(state, ["a", "b", "z"]) == ["b", "z", "a"]


def test_a_circle_goes_by_name() -> None:
    containers = (container("c", "a", end("nb", "a")), container("d", "b", end("na", "b")))
    state = ObservedState(networks=NETWORKS, containers=containers)
    assert removal_order(state, ["b", "a"]) == ["a", "b"]


def test_what_is_left_after_a_removal() -> None:
    """As the planner sees it: the second plan interrupts nobody that the first has taken away."""
    amended = EndpointMark("b", "amended", {"aliases": ("x",)}, {"aliases": ("before",)})
    theirs = container("theirs", "", end("theirs", mark=amended), end("nb", "b"))
    state = ObservedState(
        networks=NETWORKS, containers=(container("c", "b", end("na", "b")), theirs)
    )
    left = without(state, "b")
    assert [found.name for found in left.networks] == ["na", "theirs"]
    (kept,) = left.containers
    assert kept.endpoints == (
        ObservedEndpoint("theirs", "theirs", "e-theirs", {"aliases": ("before",)}),
    )
    policy = Policy(destroyed=DesiredState("a"), replaces=frozenset("a"))
    gone = plan(DesiredState("a"), left, policy=policy)
    assert gone.applyable
    assert taken(gone) == {("na", "")}
    assert not plan(DesiredState("a"), state, policy=policy).applyable

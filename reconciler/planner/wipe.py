"""The empty machine: every container and every network that somebody made, taken away before
anything is made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from .. import safety
from ..fast_dataclasses import dataclass, replace
from ..model import DesiredState, EngineInfo, ObservedContainer, ObservedNetwork, ObservedState
from ..ownership import anothers, engines_own
from ..plan import FOR_GOOD, NO_PLACE, Refusal, Step
from ..safety import Policy
from .graph import Node
from .swarm_use import in_use


@dataclass(frozen=True, slots=True)
class Wipe:
    """What goes. Named volumes and images stay."""

    containers: tuple[ObservedContainer, ...] = ()
    networks: tuple[ObservedNetwork, ...] = ()


def split(observed: ObservedState, policy: Policy) -> tuple[Wipe, ObservedState]:
    """What a wipe takes away, and the engine as it is afterwards.

    The engine's own networks stay, and so do the containers that policy spares, with the networks
    they are on. A swarm's networks leave a worker by themselves, once nothing on it uses them.
    """
    if not policy.wipe:
        return Wipe(), observed
    spared = [container for container in observed.containers if container.id in policy.spare]
    used = {
        key
        for container in spared
        for endpoint in container.endpoints
        for key in (endpoint.network_id or endpoint.network,)
    }
    kept = {
        network.id
        for network in observed.networks
        if engines_own(network, observed.engine) or {network.id, network.name} & used
    }
    kept |= {
        network.id
        for network in observed.networks
        if network.scope == "swarm" and observed.engine.swarm == "worker"
    }
    going = (
        container
        for container in observed.containers
        if container.id not in policy.spare and container.state != "removing"
    )
    gone = (
        network for network in observed.networks if network.id not in kept and not network.missing
    )
    wipe = Wipe(
        tuple(sorted(going, key=lambda c: (c.name, c.id))),
        tuple(sorted(gone, key=lambda n: (n.name, n.id))),
    )
    networks = tuple(network for network in observed.networks if network.id in kept)
    return wipe, replace(observed, containers=tuple(spared), networks=networks)


def refusals(
    wipe: Wipe, desired: DesiredState, policy: Policy, engine: EngineInfo
) -> Iterator[Refusal]:
    """What a wipe may not do. The file decides about networks that are its own or nobody's, their
    labels about all others.
    """
    for service in sorted({container.service for container in wipe.containers} - {""}):
        message = (
            f"swarm service {service} has tasks here, which the swarm would restart immediately"
        )
        way_out = (
            f"remove it first: docker service rm {service}; if that is already done, wait until its"
            " tasks have stopped"
        )
        yield Refusal(message, way_out)
    for network in wipe.networks:
        if network.services or network.outside:
            yield from in_use(network, "removed", engine, ())
        wanted = None if anothers(network, desired.topology) else desired.networks.get(network.name)
        if refusal := safety.protection(network, wanted, policy, "removed"):
            yield refusal


def nodes(wipe: Wipe) -> tuple[list[Node], list[Node]]:
    """The steps, and those of them that all others wait for. Who shares a namespace goes before
    whose it is.
    """
    removes = {
        c.id: Node(Step(NO_PLACE, "remove", "", FOR_GOOD, c.name, container_id=c.id))
        for c in wipe.containers
    }
    for container in wipe.containers:
        for id in container.joins:
            if owner := removes.get(id):
                owner.needs.append(removes[container.id])
    attached: dict[str, list[str]] = defaultdict(list)
    for container in wipe.containers:
        for key in {
            key
            for endpoint in container.endpoints
            for key in (endpoint.network, endpoint.network_id)
        }:
            attached[key].append(container.id)
    going = []
    for network in wipe.networks:
        on = sorted({*attached[network.name], *attached[network.id]})
        step = Step(
            NO_PLACE,
            "remove",
            network.name,
            FOR_GOOD,
            network_id=network.id,
            expects=tuple(on),
        )
        going.append(Node(step, needs=[removes[id] for id in on]))
    return [*removes.values(), *going], _last([*removes.values(), *going])


def _last(steps: Sequence[Node]) -> list[Node]:
    """Those that no other one needs."""
    needed = {id(other) for step in steps for other in step.needs}
    return [step for step in steps if id(step) not in needed]

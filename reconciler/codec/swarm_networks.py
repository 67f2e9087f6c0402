"""What a swarm's manager knows of its networks beyond the node that is asked: attachments of
containers on all nodes, and services.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ..fast_dataclasses import dataclass, replace
from ..model import EngineInfo, ObservedContainer, ObservedEndpoint, ObservedNetwork
from ..ownership import engines_own

Json = Mapping[str, Any]

SERVICE_LABELS = ("com.docker.swarm.service.name", "com.docker.swarm.service.id")
_ENDED = frozenset({"complete", "shutdown", "failed", "rejected", "orphaned", "remove"})


@dataclass(frozen=True, slots=True)
class Cluster:
    """`attached`: (container ID, network ID) of every registered attachment; by network ID who is
    on it elsewhere, and which services.
    """

    attached: frozenset[tuple[str, str]]
    elsewhere: Mapping[str, tuple[str, ...]]
    services: Mapping[str, tuple[str, ...]]


def service_of(labels: Json | None) -> str:
    """The swarm service whose task a container with these labels is; empty for any other
    container.
    """
    return (
        next((str(labels[key]) for key in SERVICE_LABELS if labels.get(key)), "") if labels else ""
    )


def read_cluster(tasks: Iterable[Json], services: Iterable[Json], node: str) -> Cluster:
    """From the attachments and the services that a manager lists; `node` is the ID of the node that
    was observed.
    """
    attached: set[tuple[str, str]] = set()
    elsewhere, users = defaultdict(list), defaultdict(set)
    for task in tasks:
        container = ((task.get("Spec") or {}).get("NetworkAttachmentSpec") or {}).get(
            "ContainerID"
        ) or ""
        if not container or (task.get("Status") or {}).get("State") in _ENDED:
            continue
        for attachment in task.get("NetworksAttachments") or ():
            network = str((attachment.get("Network") or {}).get("ID") or "")
            attached.add((container, network))
            if task.get("NodeID") != node:
                elsewhere[network].append(
                    f"container {container[:12]} on node {str(task.get('NodeID') or '')[:12]}"
                )
    for service in services:
        spec = service.get("Spec") or {}
        wanted = [
            *((spec.get("TaskTemplate") or {}).get("Networks") or ()),
            *(spec.get("Networks") or ()),
        ]
        virtual = (service.get("Endpoint") or {}).get("VirtualIPs") or ()
        for network in [
            *(item.get("Target") for item in wanted),
            *(item.get("NetworkID") for item in virtual),
        ]:
            users[str(network or "")].add(str(spec.get("Name") or service["ID"]))
    return Cluster(
        frozenset(attached),
        {network: tuple(sorted(names)) for network, names in elsewhere.items()},
        {network: tuple(sorted(names)) for network, names in users.items()},
    )


def clustered_network(network: ObservedNetwork, cluster: Cluster) -> ObservedNetwork:
    """A swarm's network with all that is on it."""
    if network.scope != "swarm":
        return network
    services = {*cluster.services.get(network.id, ()), *cluster.services.get(network.name, ())}
    outside = (*network.outside, *cluster.elsewhere.get(network.id, ()))
    return replace(network, outside=outside, services=tuple(sorted(services)))


def clustered_container(
    container: ObservedContainer, overlays: frozenset[str], cluster: Cluster
) -> ObservedContainer:
    """A container with those of its endpoints on `overlays` (network IDs) told apart of which the
    manager knows nothing.
    """
    if not container.live or container.service:
        return container
    ghosts = [e for e in container.endpoints if _is_ghost(container.id, e, overlays, cluster)]
    if not ghosts:
        return container
    return replace(
        container,
        endpoints=tuple(replace(e, ghost=True) if e in ghosts else e for e in container.endpoints),
    )


def _is_ghost(
    container: str, endpoint: ObservedEndpoint, overlays: frozenset[str], cluster: Cluster
) -> bool:
    there = bool(endpoint.endpoint_id) and not endpoint.phantom and endpoint.network_id in overlays
    return there and (container, endpoint.network_id) not in cluster.attached


def part_in_swarm(details: Json) -> Mapping[str, Any]:
    """`swarm` and `node` of an EngineInfo, from what `GET /info` says."""
    swarm = details.get("Swarm") or {}
    if swarm.get("LocalNodeState") != "active":
        return {"swarm": "inactive"} if swarm.get("LocalNodeState") == "inactive" else {}
    return {
        "swarm": "manager" if swarm.get("ControlAvailable") else "worker",
        "node": str(swarm.get("NodeID") or ""),
    }


def has_view(engine: EngineInfo, networks: Iterable[ObservedNetwork]) -> bool:
    """Whether there is something to ask a manager: it is one, and has networks of the swarm's
    beside its own.
    """
    return engine.swarm == "manager" and any(
        network.scope == "swarm" and not engines_own(network, engine) for network in networks
    )

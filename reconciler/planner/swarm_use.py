"""Who uses a network that a swarm has, and what of a swarm a worker does not see."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ..model import (
    SWARM_ID,
    EngineInfo,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
    Source,
)
from ..plan import Refusal

_FIRST = "remove the service from the network first"


def in_use(
    network: ObservedNetwork, verb: str, engine: EngineInfo, tasks: Collection[ObservedContainer]
) -> Iterator[Refusal]:
    """Refuses to take a network away that the engine would not let go of, whatever the user allows.
    `tasks` are those on it here.
    """
    name, subject = network.name, f"network {network.name} cannot be {verb}"
    yield from _by_services(network, subject, engine, tasks)
    if network.outside:
        outside = ", ".join(network.outside)
        message = f"{subject}: {outside} is attached to it, and is not a container of this engine"
        way_out = (
            f"disconnect it first on its own engine (docker network disconnect {name} CONTAINER)"
        )
        yield Refusal(message, way_out, about=(name, ""))
    if network.scope == "swarm" and engine.swarm == "worker":
        yield Refusal(
            f"{subject} here: this engine is a worker of its swarm",
            "run this on a manager",
            False,
            about=(name, ""),
        )


def _by_services(
    network: ObservedNetwork,
    subject: str,
    engine: EngineInfo,
    tasks: Collection[ObservedContainer],
) -> Iterator[Refusal]:
    """What services keep; a manager tells which use it, so that other tasks are about to end."""
    name, told = network.name, network.scope == "swarm" and engine.swarm == "manager"
    services = {*network.services, *(task.service for task in tasks)}
    leaving = services - {*network.services} if told else set()
    if using := sorted(services - leaving):
        commands = "; ".join(
            f"docker service update --network-rm {name} {service}" for service in using
        )
        if network.scope != "swarm":
            commands = "; ".join(f"docker network disconnect {name} {task.name}" for task in tasks)
        message = f"{subject}: {_named(using)} use{'' if len(using) > 1 else 's'} it"
        yield Refusal(message, f"{_FIRST}: {commands}", about=(name, ""))
    if leaving:
        message = (
            f"{subject}: tasks of {_named(sorted(leaving))} are still on it; the service was"
            " removed or no longer uses it"
        )
        yield Refusal(message, _wait_for(sorted(leaving)), about=(name, ""))


def _named(services: Sequence[str]) -> str:
    return f"swarm service{'s' if len(services) > 1 else ''} {', '.join(services)}"


def _wait_for(services: Sequence[str]) -> str:
    shown = "; ".join(
        f"docker ps --filter label=com.docker.swarm.service.name={service}" for service in services
    )
    return f"wait until they have stopped, and run this again ({shown})"


def is_hidden(endpoint: ObservedEndpoint, engine: EngineInfo) -> bool:
    """Whether an endpoint's network may be there though it is not listed.

    A worker lists a network of the swarm only while a container here runs on it.
    """
    return engine.swarm == "worker" and len(endpoint.network_id) == SWARM_ID


def task_endpoint(container: ObservedContainer, network: str, source: Source | None) -> Refusal:
    """Refuses to change an attachment of a service's task."""
    message = (
        f"container {container.name} on {network} is a task of swarm service {container.service},"
        " and would be reconnected"
    )
    way_out = "remove it from the file: its service controls its attachments"
    return Refusal(message, way_out, source=source, about=(network, container.name))

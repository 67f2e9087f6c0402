"""Optional external networks that do not exist: what is left of a topology without them."""

from __future__ import annotations

from ..fast_dataclasses import replace
from ..model import DesiredContainer, DesiredState, ObservedState


def without_missing(desired: DesiredState, observed: ObservedState) -> DesiredState:
    """`desired` without the attachments to optional networks that are not on the engine.

    A worker of a swarm does not list all networks of the swarm: there every one is taken to exist.
    """
    optional = {name for name, network in desired.networks.items() if network.optional}
    gone = optional.difference(network.name for network in observed.networks) if optional else ()
    if not gone or observed.engine.swarm == "worker":
        return desired

    def kept(container: DesiredContainer) -> DesiredContainer:
        endpoints = tuple(
            endpoint for endpoint in container.endpoints if endpoint.network not in gone
        )
        return (
            container
            if len(endpoints) == len(container.endpoints)
            else replace(container, endpoints=endpoints)
        )

    return replace(
        desired,
        containers={name: kept(container) for name, container in desired.containers.items()},
    )

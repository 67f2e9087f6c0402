"""What the topology owns and its file no longer declares, as if it were declared as it is: a part
of a plan removes none of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..fast_dataclasses import replace
from ..marks import base_name
from ..model import (
    PREDEFINED,
    DesiredContainer,
    DesiredEndpoint,
    DesiredNetwork,
    DesiredState,
    ObservedContainer,
    ObservedState,
    Source,
)
from ..ownership import ours

_HERE = Source("(no longer declared)", 0)


def with_undeclared(desired: DesiredState, observed: ObservedState) -> DesiredState:
    """`desired`, and in it the topology's own networks and containers that it does not declare.

    Not what an interrupted recreation left of a declared container: that belongs to it.
    """
    networks, containers = dict(desired.networks), dict(desired.containers)
    for network in observed.networks:
        if network.mark and ours(network, desired.topology) and network.name not in networks:
            settings = {
                path: value
                for path, value in network.settings.items()
                if path in network.mark.hashes
            }
            networks[network.name] = DesiredNetwork(
                network.name, _HERE, settings, protect=network.mark.protect
            )
    for container in observed.containers:
        own = ours(container, desired.topology) or any(
            ours(endpoint, desired.topology) for endpoint in container.endpoints
        )
        if own and not {container.name, base_name(container.name)} & containers.keys():
            endpoints = tuple(_endpoints(container, desired.topology))
            containers[container.name] = DesiredContainer(
                container.name, _HERE, endpoints, optional=True
            )
    return replace(desired, networks=networks, containers=containers)


def _endpoints(container: ObservedContainer, topology: str) -> Iterator[DesiredEndpoint]:
    """All but what another topology declares."""
    for endpoint in container.endpoints:
        mine = endpoint.mark and ours(endpoint, topology)
        if endpoint.network not in PREDEFINED and (mine or endpoint.mark is None):
            declared = endpoint.mark.declared if endpoint.mark else {}
            yield DesiredEndpoint(endpoint.network, _HERE, declared)

"""What is asked about attachments, whether the file declares them or not."""

from __future__ import annotations

from collections.abc import Collection

from ..model import (
    PREDEFINED,
    ContainerMark,
    DesiredState,
    EndpointMark,
    EngineInfo,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedState,
)
from ..ownership import ours
from ..safety import Policy
from ..settings import STATIC, Settings
from .decisions import Containers, Endpoints, NetworkCase, Networks
from .swarm_use import is_hidden

GHOST = (
    "not registered with the swarm (after a failed connect): its address may be given to another"
    " container"
)
PHANTOM = "listed but not attached (after a failed connect): the next restart would fail"


class EndpointQuestions:
    """`result` is what is decided, by all that share it."""

    def __init__(
        self,
        desired: DesiredState,
        observed: ObservedState,
        networks: Networks,
        containers: Containers,
        policy: Policy,
        result: Endpoints,
    ) -> None:
        self.desired, self.networks, self.policy = desired, networks, policy
        self.containers, self.result = containers, result
        self.engine: EngineInfo = observed.engine
        self.ids = {network.id for network in observed.networks}
        self.names = {network.name for network in observed.networks}

    def has_the_name_only(self, container: ObservedContainer) -> bool:
        """Whether it is somebody else's with the name of one that the file runs: refused, or left
        alone where no container is touched.
        """
        wanted = self.desired.containers.get(container.name)
        return wanted is not None and wanted.managed and self.containers.of(container) is None

    def is_stale(self, endpoint: ObservedEndpoint) -> bool:
        """Whether it is bound to a network that is gone.

        One that never ran is bound by name, to whatever has it when it starts; so is one on the
        engine's own networks, of which `bridge` has another ID after each restart of the engine.
        """
        gone = (
            bool(endpoint.network_id)
            and endpoint.network_id not in self.ids
            and endpoint.network not in PREDEFINED
        )
        return gone and not is_hidden(endpoint, self.engine)

    def is_gone(self, endpoint: ObservedEndpoint) -> bool:
        """Whether no network answers to it."""
        return is_gone(endpoint, self.ids, self.names, self.engine)

    def exclusive(self, network: NetworkCase, container: ObservedContainer) -> bool:
        """Whether the file, or a reset, consents to disconnecting this container, if it is not
        declared on it.
        """
        if self.has_the_name_only(container):
            return False
        if (
            self.policy.exclusive
            and self.policy.names(network.name)
            and network.wanted
            and not network.wanted.external
        ):
            return network.comes or bool(network.observed and self.ours(network.observed.mark))
        return network.wanted is not None and network.wanted.exclusive

    def ours(self, mark: ContainerMark | EndpointMark | NetworkMark | None) -> bool:
        """Whether a mark is this topology's."""
        return ours(mark, self.desired.topology)


def is_gone(
    endpoint: ObservedEndpoint, ids: Collection[str], names: Collection[str], engine: EngineInfo
) -> bool:
    """Whether no network, of those with these IDs and names, answers to an endpoint."""
    if is_hidden(endpoint, engine):
        return False
    by_id = endpoint.network_id and endpoint.network not in PREDEFINED
    return endpoint.network_id not in ids if by_id else endpoint.network not in names


def own_settings(endpoint: ObservedEndpoint) -> Settings:
    """What is put back: all it has, but not the address that a phantom never got."""
    if not endpoint.phantom or endpoint.mark:
        return endpoint.settings
    return {path: value for path, value in endpoint.settings.items() if path not in STATIC}

"""Who has an address that is declared for another, and is not declared here: connected anew with a
different one, where that is allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..model import RESTARTING, EngineInfo, ObservedContainer, ObservedEndpoint
from ..ownership import owner
from ..plan import Refusal, Thing
from ..safety import Policy
from ..settings import STATIC
from .endpoints import EndpointCase, Endpoints


class Holders:
    """Endpoints that this topology does not declare and that are in the way; each is moved once,
    and `endpoints` gets its case.
    """

    def __init__(
        self, engine: EngineInfo, policy: Policy, endpoints: Endpoints, started: Collection[str]
    ) -> None:
        """`started` are the IDs of containers that run afterwards and do not now."""
        self.engine, self.policy, self.endpoints, self.started = engine, policy, endpoints, started
        self.moved: set[tuple[str, str]] = set()

    def give_up(
        self,
        case: EndpointCase,
        address: str,
        container: ObservedContainer,
        endpoint: ObservedEndpoint,
    ) -> Iterator[Refusal]:
        """Makes `container` give `address` up to `case`; else why that must not, or cannot be."""
        if (container.id, endpoint.network) in self.moved:
            return
        static = any(endpoint.settings.get(path) == address for path in STATIC)
        runs = case.container.live or not case.container.id or case.container.id in self.started
        if not (
            runs and self._can_move(container, endpoint, address, static)
        ):  # what does not run keeps no address free
            yield taken(
                case, address, container.name, "" if static else " (given to it automatically)"
            )
            return
        if not self.policy.disrupt_foreign:
            yield _held(case, address, container, endpoint)
            return
        self.moved.add((container.id, endpoint.network))
        target = {
            path: value
            for path, value in endpoint.settings.items()
            if path not in STATIC or value != address
        }
        reason = (
            f"not declared here, gives up {address} to {case.container.name}; put back whole, with"
            " another address"
        )
        self.endpoints.cases.append(
            EndpointCase(
                container,
                endpoint.network,
                endpoint,
                None,
                True,
                target,
                endpoint.mark,
                reason=reason,
                order=len(STATIC),
                gives_up=True,
            )
        )

    def _can_move(
        self, container: ObservedContainer, endpoint: ObservedEndpoint, address: str, static: bool
    ) -> bool:
        """Whether nobody asked for the address, or who did does not run and nothing keeps it for
        it.

        Of a topology's endpoint its mark says that; Podman does not say it of any. A service
        decides about its tasks, and what is being restarted cannot be connected.
        """
        declared = endpoint.mark is not None and address in endpoint.mark.declared.values()
        movable = (
            not (container.service or container.state == RESTARTING)
            and self.engine.flavor == "docker"
        )
        return movable and not declared and not (static and container.live)


def taken(case: EndpointCase, address: str, holder: str, how: str) -> Refusal:
    """Refuses an address that somebody has and keeps."""
    message = (
        f"{case.container.name} on {case.network}: address {address} is taken by container"
        f" {holder}{how}"
    )
    return Refusal(
        message,
        f"choose another address, or disconnect {holder} first",
        False,
        case.wanted.source if case.wanted else None,
        _about(case),
    )


def _held(
    case: EndpointCase, address: str, container: ObservedContainer, endpoint: ObservedEndpoint
) -> Refusal:
    whose = f"declared by topology {owner(endpoint)!r}" if endpoint.mark else "not declared here"
    how = "which got it automatically" if container.live else "which does not run"
    return Refusal(
        f"{case.container.name} on {case.network}: address {address} is held by container"
        f" {container.name}, {how} and is {whose}",
        f"allow it with --disrupt-foreign ({container.name} is"
        f" {'interrupted and ' if container.live else ''}connected anew with another address),"
        f" choose another address, or disconnect {container.name} first",
        source=case.wanted.source if case.wanted else None,
        about=_about(case),
    )


def _about(case: EndpointCase) -> Thing:
    return case.network, case.container.name

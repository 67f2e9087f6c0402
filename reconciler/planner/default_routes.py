"""Default routes: connects that would take one which a container set itself, and priorities that an
engine does not heed.

Docker fails half-way at the first, and what is left only a restart mends.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from ..model import (
    DOCKER_28_API,
    SMALL_SUBNETS_API,
    DesiredContainer,
    DesiredState,
    EngineInfo,
    ObservedState,
)
from ..plan import Refusal
from ..settings import Settings
from .decisions import EndpointCase, Endpoints, Networks

_MODE = "driver_opts.com.docker.network.bridge.gateway_mode_ipv4"
_HEEDS_PRIORITY = (29, 4, 1)
"""From this Docker on gw_priority decides for each family of addresses by itself."""
_Rank = tuple[int, bool, bool, str]


def taken_routes(
    endpoints: Endpoints, settings: Mapping[str, Settings], engine: EngineInfo
) -> Iterator[Refusal]:
    """`settings` are those of all networks as they will be."""
    with_gateway = {name for name, network in settings.items() if _has_gateway(network, engine)}
    for case in endpoints.cases:
        route, connects = case.container.own_route, case.target is not None and not case.cure
        if (
            route
            and case.container.live
            and connects
            and case.network in with_gateway
            and _is_first(case, settings, with_gateway)
        ):
            name, network = case.container.name, case.network
            message = (
                f"{name} on {network}: {name} has set its own default route (via {route}), so"
                " connecting it would fail halfway"
            )
            ways = f"docker stop {name} and run this again, or delete that route in the container"
            way_out = f"{ways}; routes to 0.0.0.0/1 and 128.0.0.0/1 do no harm"
            yield Refusal(
                message,
                way_out,
                False,
                case.wanted.source if case.wanted else None,
                (network, name),
            )


def _is_first(
    case: EndpointCase, settings: Mapping[str, Settings], with_gateway: Container[str]
) -> bool:
    """Whether the engine takes the network for the container's default route, before those that it
    is on.
    """
    own = _rank(case.network, case.target or {}, settings[case.network])
    others = (e for e in case.container.endpoints if not (e.missing or e.phantom or e.half))
    return all(
        own < _rank(e.network, e.settings, settings[e.network])
        for e in others
        if e.network in with_gateway and e.network != case.network
    )


def _has_gateway(network: Settings, engine: EngineInfo) -> bool:
    """Docker 20.10 has a default route by way of an internal network too, where there is no better;
    26 has not.
    """
    bridge = network.get("driver", "bridge") == "bridge" and network.get(_MODE) != "isolated"
    internal = network.get("internal") is True and engine.api >= SMALL_SUBNETS_API
    return bridge and not internal and network.get("enable_ipv4") is not False


def _rank(name: str, endpoint: Settings, network: Settings) -> _Rank:
    """Lowest first: by priority, then those that lead out, then with IPv6, then by name."""
    return (
        -int(str(endpoint.get("gw_priority", 0))),
        network.get("internal") is True,
        network.get("enable_ipv6") is not True,
        name,
    )


def ignored_priorities(
    desired: DesiredState, networks: Networks, endpoints: Endpoints, observed: ObservedState
) -> Iterator[str]:
    """Of containers that something is connected to: an older Docker takes the first network with
    IPv6 for both default routes.
    """
    engine = observed.engine
    if engine.flavor != "docker" or engine.api < DOCKER_28_API or engine.release >= _HEEDS_PRIORITY:
        return
    settings = {network.name: network.settings for network in observed.networks}
    settings |= {case.name: case.target for case in networks.cases.values() if case.comes}
    dual = {
        name
        for name, network in settings.items()
        if network.get("enable_ipv6") is True and _has_gateway(network, engine)
    }
    changed = {case.container.name for case in endpoints.cases if case.target is not None}
    for name in sorted(changed & desired.containers.keys()):
        if found := _overtaken(desired.containers[name], dual):
            first, taken = found
            why = f"Docker before 29.4.1 uses {taken}, which also has IPv6"
            yield (
                f"{name}: the gw_priority of {first} does not give it the default gateway: {why};"
                f" give {taken} the higher gw_priority, or disable its IPv6"
            )


def _overtaken(container: DesiredContainer, dual: Container[str]) -> tuple[str, str] | None:
    """The network that should give the default gateway, without IPv6, and one with it that has a
    lower priority.
    """
    priorities = {
        endpoint.network: int(str(endpoint.settings.get("gw_priority", 0)))
        for endpoint in container.endpoints
    }
    if not any(priorities.values()):
        return None
    first = min(priorities, key=lambda name: (-priorities[name], name))
    lower = sorted(
        name for name in priorities if name in dual and priorities[name] < priorities[first]
    )
    return (first, lower[0]) if lower and first not in dual else None

"""Connects that would take a default route which a container set itself: Docker fails half-way, and what is left only a restart mends."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from ..model import SMALL_SUBNETS_API, EngineInfo
from ..plan import Refusal
from ..settings import Settings
from .endpoints import EndpointCase, Endpoints

_MODE = "driver_opts.com.docker.network.bridge.gateway_mode_ipv4"
_Rank = tuple[int, bool, bool, str]


def taken_routes(endpoints: Endpoints, settings: Mapping[str, Settings], engine: EngineInfo) -> Iterator[Refusal]:
    """`settings` are those of all networks as they will be."""
    with_gateway = {name for name, network in settings.items() if _has_gateway(network, engine)}
    for case in endpoints.cases:
        route, connects = case.container.own_route, case.target is not None and not case.cure
        if route and case.container.live and connects and case.network in with_gateway and _is_first(case, settings, with_gateway):
            name, network = case.container.name, case.network
            message = f"{name} on {network}: {name} has a default route of its own, by way of {route}: to connect it would fail half-way"
            ways = f"docker stop {name} and run this again, or take that route away in it"
            way_out = f"{ways}; two routes to 0.0.0.0/1 and 128.0.0.0/1 may stay"
            yield Refusal(message, way_out, False, case.wanted.source if case.wanted else None)


def _is_first(case: EndpointCase, settings: Mapping[str, Settings], with_gateway: Container[str]) -> bool:
    """Whether the engine takes the network for the container's default route, before those that it is on."""
    own = _rank(case.network, case.target or {}, settings[case.network])
    others = (e for e in case.container.endpoints if not (e.missing or e.phantom or e.half))
    return all(
        own < _rank(e.network, e.settings, settings[e.network]) for e in others if e.network in with_gateway and e.network != case.network
    )


def _has_gateway(network: Settings, engine: EngineInfo) -> bool:
    """Docker 20.10 has a default route by way of an internal network too, where there is no better; 26 has not."""
    bridge = network.get("driver", "bridge") == "bridge" and network.get(_MODE) != "isolated"
    internal = network.get("internal") is True and engine.api >= SMALL_SUBNETS_API
    return bridge and not internal and network.get("enable_ipv4") is not False


def _rank(name: str, endpoint: Settings, network: Settings) -> _Rank:
    """Lowest first: by priority, then those that lead out, then with IPv6, then by name."""
    return -int(str(endpoint.get("gw_priority", 0))), network.get("internal") is True, network.get("enable_ipv6") is not True, name

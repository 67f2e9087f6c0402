"""What a file declares and the engine at hand cannot do: refused, never dropped silently."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import DOCKER_28_API, DOCKER_29, SMALL_SUBNETS_API, EngineInfo, Source
from ..plan import Refusal
from ..settings import Settings, Value
from .decisions import EndpointCase, Endpoints, Networks
from .subnets import subnets_of

_DOCKER_28 = {
    "gw_priority": "gw_priority",
    "interface_name": "interface_name",
}
_PODMAN_LOSES = (
    "ipv4.ip_range",
    "ipv6.ip_range",
    "ipv4.aux_addresses",
    "ipv6.aux_addresses",
    "ipam.",
)
_PODMAN_KEEPS = (
    "driver_opts.com.docker.network.driver.mtu",
    "driver_opts.com.docker.network.bridge.name",
    "driver_opts.parent",
)


def engine_gaps(networks: Networks, endpoints: Endpoints, engine: EngineInfo) -> Iterator[Refusal]:
    """Of networks that are made, and attachments that are connected."""
    for case in networks.cases.values():
        if case.comes and case.wanted:
            for what in _network_gaps(case.target, case.wanted.settings, engine):
                yield _gap(what, (case.name, ""), engine, case.wanted.source)
            if _drops_ipv6(case.target, engine):
                yield Refusal(
                    f"network {case.name}: Docker {engine.version} drops an IPv6 subnet without"
                    " enable_ipv6",
                    "add enable_ipv6: true to the network, or remove the subnet",
                    False,
                    case.wanted.source,
                    (case.name, ""),
                )
    for endpoint in endpoints.cases:
        if endpoint.wanted and endpoint.target is not None:
            for what in _endpoint_gaps(endpoint, engine):
                yield _gap(
                    what,
                    (endpoint.network, endpoint.container.name),
                    engine,
                    endpoint.wanted.source,
                )


def _gap(what: str, about: tuple[str, str], engine: EngineInfo, source: Source) -> Refusal:
    network, container = about
    subject = f"{container} on {network}" if container else f"network {network}"
    message = f"{subject}: {what}; this engine is {engine.product} {engine.version}"
    return Refusal(
        message, "remove it from the file, or use an engine that supports it", False, source, about
    )


def _network_gaps(target: Settings, declared: Settings, engine: EngineInfo) -> Iterator[str]:
    if engine.flavor == "podman":
        lost = (path for path, value in declared.items() if _podman_loses(path, value))
        yield from (f"{path} would be ignored" for path in lost)
        return
    if target.get("enable_ipv4") is False and target.get("enable_ipv6") is not True:
        yield "a network needs IPv4 or IPv6, and both are disabled"
    if engine.api < DOCKER_28_API:
        yield from _gaps_before_28(target, declared)
    if engine.api < SMALL_SUBNETS_API:
        for subnet in subnets_of(declared):
            if subnet.endswith(("/31", "/32")):
                yield f"subnet {subnet} needs Docker 26"


def _podman_loses(path: str, value: Value) -> bool:
    if path.startswith("driver_opts."):
        return path not in _PODMAN_KEEPS
    if path == "ipam.driver":
        return value not in ("default", "host-local")
    switched = (path == "attachable" and value is True) or (path == "enable_ipv4" and not value)
    return switched or path.startswith(_PODMAN_LOSES)


def _gaps_before_28(target: Settings, declared: Settings) -> Iterator[str]:
    if declared.get("enable_ipv4") is False:
        yield "enable_ipv4: false needs Docker 28"
    if target.get("enable_ipv6") is True and "ipv6.subnet" not in target:
        yield "enable_ipv6 without an IPv6 subnet needs Docker 28"


def _drops_ipv6(target: Settings, engine: EngineInfo) -> bool:
    """Of an engine that is only simulated it is not known: the check of the file warns."""
    drops = engine.is_docker(DOCKER_29) and engine.transport != "simulated"
    return drops and "ipv6.subnet" in target and target.get("enable_ipv6") is not True


def _endpoint_gaps(case: EndpointCase, engine: EngineInfo) -> Iterator[str]:
    declared = case.wanted.settings if case.wanted else {}
    if engine.flavor == "podman":
        for path in declared:
            if path in ("gw_priority", "interface_name", "link_local_ips") or path.startswith(
                "driver_opts."
            ):
                yield f"{path} would be ignored"
        if case.container.state == "paused":
            yield "a paused container cannot be connected"
        return
    if engine.api < DOCKER_28_API:
        for path, name in _DOCKER_28.items():
            if declared.get(path):
                yield f"{name} needs Docker 28"

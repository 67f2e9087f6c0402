"""Which addresses a network can give, and whether it has one for everybody who is to be on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from ..model import DOCKER_28_API, DOCKER_29, EngineInfo, ObservedState, Source
from ..plan import Refusal
from ..settings import (
    ADDRESS_PATHS,
    STATIC,
    Family,
    Pool,
    Settings,
    Value,
    implicit_gateway,
    settings_pools,
)
from .decisions import Containers, EndpointCase, Endpoints, Networks
from .subnets import parsed

_MOST_NAMES = 8
_ADDRESS = {family: path for path, family in ADDRESS_PATHS}


def is_static(case: EndpointCase) -> bool:
    """Whether it is connected with an address that is asked for."""
    return case.target is not None and any(path in case.target for path in STATIC)


def unfitting_addresses(
    networks: Networks, endpoints: Endpoints, settings: Mapping[str, Settings], engine: EngineInfo
) -> Iterator[tuple[EndpointCase, str, str]]:
    """Static addresses that nobody declares, of endpoints put back or given back: the network may
    have changed under them. Each with its path.
    """
    for case in filter(is_static, endpoints.cases):
        network = networks.cases.get(case.network)
        anew = case.stale or (case.observed is not None and case.observed.missing)
        changed = anew or (network is not None and network.subnets_change)
        if case.network in settings and (changed or not case.wanted):
            for path, address in _unfitting(case, settings[case.network], engine):
                yield case, path, address


def _unfitting(
    case: EndpointCase, network: Settings, engine: EngineInfo
) -> Iterator[tuple[str, str]]:
    declared: Settings = case.wanted.settings if case.wanted else {}
    for path, family in ADDRESS_PATHS:
        address = (case.target or {}).get(path)
        if address is None or path in declared:
            continue
        if not fits(str(address), network, family, engine):
            yield path, str(address)


def fits(address: str, settings: Settings, family: str, engine: EngineInfo) -> bool:
    """Whether a static address can be given on a network with these settings: in a subnet, and not
    one the network itself uses.
    """
    subnets: Value = settings.get(f"{family}.subnet", ())
    value = ip_address(address)
    inside = isinstance(subnets, tuple) and any(
        _is_host(value, parsed(subnet)) for subnet in subnets
    )
    used = address in settings.values() and any(
        path.startswith(f"{family}.aux_addresses") and other == address
        for path, other in settings.items()
    )
    taken = _takes_gateway(settings, family, engine)
    gateways = {
        pool.gateway or (_gateway_taken(pool) if taken else None)
        for pool in settings_pools(settings)
    }
    return inside and not used and address not in gateways


def _takes_gateway(settings: Settings, family: str, engine: EngineInfo) -> bool:
    """Whether the engine keeps an address for a gateway that nobody declares. Docker 28 does not
    where it needs none (20.10 does).

    On macvlan it needs one in 28, but for internal networks, and none in 29.
    """
    if engine.is_docker(DOCKER_29) and settings.get("driver") == "macvlan":
        return False
    if (
        engine.flavor == "podman"
        or engine.api < DOCKER_28_API
        or settings.get("internal") is not True
    ):
        return True
    isolated = (
        settings.get(f"driver_opts.com.docker.network.bridge.gateway_mode_{family}") == "isolated"
    )
    return not isolated and settings.get("driver") != "macvlan"


def _gateway_taken(pool: Pool) -> str:
    return str(
        implicit_gateway(parsed(pool.subnet), parsed(pool.ip_range) if pool.ip_range else None)
    )


def _is_host(address: IPv4Address | IPv6Address, subnet: IPv4Network | IPv6Network) -> bool:
    if address not in subnet:
        return False
    if subnet.num_addresses <= 2:
        return True
    return address != subnet.network_address and not (
        subnet.version == 4 and address == subnet.broadcast_address
    )


# --- room for all ---------------------------------------------------------------------------------


def full(
    settings: Mapping[str, Settings],
    endpoints: Endpoints,
    containers: Containers,
    observed: ObservedState,
    going: Collection[str],
) -> Iterator[Refusal]:
    """Networks with fewer addresses than containers that run on them afterwards, where the plan
    connects one of those.

    `settings` are those of all networks as they will be, `going` the IDs of containers that are
    removed.
    """
    users = _users(endpoints, containers, observed, going)
    for network, source in _connected(endpoints).items():
        of, on = settings.get(network, {}), users.get(network, {})
        for family in _families(of):
            pools = [
                pool for pool in settings_pools(of) if (":" in pool.subnet) == (family == "ipv6")
            ]
            static = {str(own[_ADDRESS[family]]) for own in on.values() if _ADDRESS[family] in own}
            dynamic = sorted(name for name, own in on.items() if _ADDRESS[family] not in own)
            room = sum(
                _room(pool, static, _takes_gateway(of, family, observed.engine)) for pool in pools
            )
            if pools and len(dynamic) > room and of.get("ipam.driver", "default") == "default":
                yield _is_full(network, pools, dynamic, room, source)


def _families(settings: Settings) -> Iterator[Family]:
    """Those of which the engine gives addresses for certain, less the gateway's; who keeps one in
    ipvlan's modes was not measured.
    """
    if settings.get("driver", "bridge") in ("bridge", "macvlan"):
        if settings.get("enable_ipv4") is not False:
            yield "ipv4"
        if settings.get("enable_ipv6") is True:
            yield "ipv6"


def _connected(endpoints: Endpoints) -> dict[str, Source | None]:
    """The networks to which something is connected, each with the last place in the file that asks
    for it.
    """
    found: dict[str, list[Source]] = {
        case.network: [] for case in endpoints.cases if case.target is not None and not case.cure
    }
    for case in endpoints.cases:
        if case.wanted and case.network in found:
            found[case.network].append(case.wanted.source)
    return {network: max(sources, default=None) for network, sources in found.items()}


def _users(
    endpoints: Endpoints, containers: Containers, observed: ObservedState, going: Collection[str]
) -> dict[str, dict[str, Settings]]:
    """Who has an address on which network afterwards, with its settings there. One that is meant to
    end, or does not run, keeps none.
    """
    users: dict[str, dict[str, Settings]] = {}
    changed = {(case.container.id, case.network) for case in endpoints.cases}
    ending = {name for name, run in containers.cases.items() if run.wanted and run.wanted.one_shot}
    for container in observed.containers:
        if not container.live or container.id in going or container.name in ending:
            continue
        for endpoint in container.endpoints:
            if (
                (container.id, endpoint.network) not in changed
                and endpoint.addresses
                and not endpoint.missing
            ):
                users.setdefault(endpoint.network, {})[container.name] = endpoint.settings
    for case in endpoints.cases:
        run = containers.cases.get(case.container.name)
        runs = case.container.live or (run is not None and run.start)
        if case.target is not None and not case.cure and runs and case.container.name not in ending:
            users.setdefault(case.network, {})[case.container.name] = case.target
    return users


def _room(pool: Pool, static: Iterable[str], takes_gateway: bool) -> int:
    """How many addresses the engine can choose from; those for which one is asked by name may lie
    beside them.
    """
    subnet, within = parsed(pool.subnet), parsed(pool.ip_range or pool.subnet)
    taken = {*static, *(address for _, address in pool.aux_addresses)}
    taken.add(pool.gateway or (_gateway_taken(pool) if takes_gateway else ""))
    if subnet.num_addresses > (2 if subnet.version == 4 else 1):
        taken |= {str(subnet.network_address)} | (
            {str(subnet.broadcast_address)} if subnet.version == 4 else set()
        )
    return within.num_addresses - sum(
        ip_address(address) in within for address in taken - {"", "None"}
    )


def _is_full(
    network: str, pools: Iterable[Pool], dynamic: list[str], room: int, source: Source | None
) -> Refusal:
    ranges = " ".join(pool.ip_range or pool.subnet for pool in pools)
    more = f" and {len(dynamic) - _MOST_NAMES} more" if len(dynamic) > _MOST_NAMES else ""
    names = ", ".join(dynamic[:_MOST_NAMES]) + more
    has = f"{ranges} has {room} free address{'' if room == 1 else 'es'}"
    message = (
        f"network {network} is full: {has}, and {len(dynamic)}"
        f" container{' needs' if len(dynamic) == 1 else 's need'} one: {names}"
    )
    what = "ip_range" if any(pool.ip_range for pool in pools) else "subnet"
    return Refusal(
        message,
        f"give {network} a larger {what}, or attach fewer containers",
        False,
        source,
        (network, ""),
    )

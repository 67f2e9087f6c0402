"""What can be known to fail before anything is changed: each refusal names the culprit and a way
out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from ..model import (
    DOCKER_28_API,
    DOCKER_29,
    PREDEFINED,
    RESTARTING,
    SMALL_SUBNETS_API,
    STRICT_MODES,
    EngineInfo,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
    ObservedState,
    Source,
)
from ..ownership import ours, owner
from ..plan import Refusal, Thing
from ..records import replace
from ..safety import Policy
from ..settings import ADDRESS_PATHS, STATIC, Settings, Value, family_of
from .addresses import fits, full, unfitting_addresses
from .compare import overlaid_endpoint
from .containers import Containers
from .drivers import missing_drivers
from .endpoints import EndpointCase, Endpoints
from .gateways import taken_routes
from .holders import Holders, taken
from .macs import unsettable_macs
from .networks import NetworkCase, Networks
from .subnets import free_subnet, in_swarm, overlapping, shares_address_space, subnets_of
from .swarm import swarm_refusals

_DOCKER_28 = {
    "gw_priority": "gw_priority",
    "interface_name": "interface_name",
}
_GIVEN_UP, _COMES, _STAYS = range(3)
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


def preflight(
    topology: str,
    networks: Networks,
    endpoints: Endpoints,
    containers: Containers,
    observed: ObservedState,
    policy: Policy,
) -> list[Refusal]:
    """All refusals; also moves endpoints whose dynamic address somebody needs, and drops addresses
    and subnets that cannot be kept.
    """
    refusals = list(_features(networks, endpoints, observed.engine))
    refusals += missing_drivers(networks, observed.engine)
    refusals += _overlaps(networks, observed, swarm=False)
    refusals += _overlaps(networks, observed, swarm=True)
    refusals += swarm_refusals(networks, endpoints, observed)
    refusals += _bridge_names(networks, observed)
    settings = {
        network.name: network.settings
        for network in sorted(observed.networks, key=lambda network: network.id)
    }
    settings |= {case.name: case.target for case in networks.cases.values() if case.comes}
    refusals += _unfitting(networks, endpoints, settings, observed.engine, policy)
    refusals += _dead_addresses(endpoints, settings, observed.engine)
    going = {case.observed.id for case in containers.cases.values() if case.goes and case.observed}
    started = {
        case.observed.id
        for case in containers.cases.values()
        if case.start and case.observed and not case.observed.live
    }
    refusals += _addresses(topology, settings, endpoints, observed, going, started, policy)
    refusals += _lost_network_modes(networks, endpoints, observed)
    refusals += _restarting(networks, endpoints, containers)
    refusals += full(settings, endpoints, containers, observed, going)
    refusals += unsettable_macs(endpoints, observed.engine)
    refusals += taken_routes(endpoints, settings, observed.engine)
    return refusals


# --- what the engine cannot do --------------------------------------------------------------------


def _features(networks: Networks, endpoints: Endpoints, engine: EngineInfo) -> Iterator[Refusal]:
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


def _gap(what: str, about: Thing, engine: EngineInfo, source: Source) -> Refusal:
    network, container = about
    subject = f"{container} on {network}" if container else f"network {network}"
    message = f"{subject}: {what}: this is {engine.product} {engine.version}"
    return Refusal(
        message, "take it out of the file, or use an engine that has it", False, source, about
    )


def _network_gaps(target: Settings, declared: Settings, engine: EngineInfo) -> Iterator[str]:
    if engine.flavor == "podman":
        lost = (path for path, value in declared.items() if _podman_loses(path, value))
        yield from (f"{path} would be lost" for path in lost)
        return
    if target.get("enable_ipv4") is False and target.get("enable_ipv6") is not True:
        yield "a network has IPv4 or IPv6, and this would have neither"
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
                yield f"{path} would be lost"
        if case.container.state == "paused":
            yield "a paused container cannot be connected"
        return
    if engine.api < DOCKER_28_API:
        for path, name in _DOCKER_28.items():
            if declared.get(path):
                yield f"{name} needs Docker 28"


# --- subnets --------------------------------------------------------------------------------------


def _overlaps(networks: Networks, observed: ObservedState, *, swarm: bool) -> Iterator[Refusal]:
    """Subnets to be made against those of networks that stay, and against each other where the file
    did not see it.

    Those of a `swarm` have an address space of their own, in which nothing says that one is taken:
    the network never gets any address. Each subnet is offered a free one of its own: two offers
    never overlap either. One that is given up is dropped and told, not refused.
    """
    coming = {
        c.name: c
        for c in networks.cases.values()
        if c.comes and (c.target.get("driver") == "overlay") == swarm
    }
    going = {case.observed.id for case in networks.cases.values() if case.goes and case.observed}
    in_space = in_swarm if swarm else shares_address_space
    staying = {
        n.id: n
        for n in observed.networks
        if coming and not n.missing and n.id not in going and in_space(n)
    }
    tagged = [
        (subnet, f"+{name}") for name, case in coming.items() for subnet in subnets_of(case.target)
    ]
    tagged += [
        (subnet, network.id)
        for network in staying.values()
        for subnet in subnets_of(network.settings)
    ]
    taken = [subnet for subnet, _ in tagged]
    offers: dict[str, str | None] = {}
    for pair in overlapping(tagged):
        (subnet, tag), (other, culprit) = sorted(
            pair, key=lambda one: _firmness(one, coming, observed.engine)
        )
        if _firmness((subnet, tag), coming, observed.engine) == _GIVEN_UP:
            networks.notes.append(
                _choose_anew(
                    coming[tag[1:]],
                    subnet,
                    staying[culprit].name if culprit in staying else culprit[1:],
                )
            )
        elif tag.startswith("+"):
            if subnet not in offers and (
                free := offers.setdefault(subnet, free_subnet(subnet, taken))
            ):
                taken.append(free)
            yield _overlap(
                coming[tag[1:]], subnet, other, staying.get(culprit), culprit[1:], offers[subnet]
            )


def _firmness(
    tagged: tuple[str, str], coming: Mapping[str, NetworkCase], engine: EngineInfo
) -> int:
    """Of two whose subnets overlap the lesser gives way: one of a network that an interrupted run
    took away and that nobody declares.
    """
    subnet, tag = tagged
    if not tag.startswith("+"):
        return _STAYS
    case, family = coming[tag[1:]], family_of(subnet)
    given_up = (
        case.wanted
        and case.observed
        and case.observed.missing
        and f"{family}.subnet" not in case.wanted.settings
    )
    engine_chooses = family == "ipv4" or (engine.flavor == "docker" and engine.api >= DOCKER_28_API)
    return _GIVEN_UP if given_up and engine_chooses else _COMES


def _choose_anew(case: NetworkCase, subnet: str, culprit: str) -> str:
    """The network comes back without its subnet, which somebody has meanwhile."""
    case.target = {
        path: value
        for path, value in case.target.items()
        if not path.startswith(f"{family_of(subnet)}.")
    }
    return (
        f"network {case.name}: its subnet {subnet} is of network {culprit} now: the engine chooses"
        " another"
    )


def _overlap(
    case: NetworkCase,
    subnet: str,
    other: str,
    stays: ObservedNetwork | None,
    name: str,
    free: str | None,
) -> Refusal:
    whose = f" of topology {owner(stays)!r}" if stays and stays.mark else ""
    culprit = f"network {stays.name}{whose}" if stays else f"network {name}"
    way_out = f"{free} is free" if free else "choose another subnet"
    message = f"network {case.name}: subnet {subnet} overlaps {other} of {culprit}"
    return Refusal(
        message, way_out, False, case.wanted.source if case.wanted else None, (case.name, "")
    )


def _bridge_names(networks: Networks, observed: ObservedState) -> Iterator[Refusal]:
    path = "driver_opts.com.docker.network.bridge.name"
    going = {case.observed.id for case in networks.cases.values() if case.goes and case.observed}
    taken = {
        network.settings[path]: network.name
        for network in observed.networks
        if path in network.settings and network.id not in {"", *going}
    }
    for case in sorted(networks.cases.values(), key=lambda case: case.name):
        if not case.comes or path not in case.target:
            continue
        owner = taken.setdefault(case.target[path], case.name)
        if owner != case.name:
            message = f"network {case.name}: bridge {case.target[path]} is used by network {owner}"
            source = case.wanted.source if case.wanted else None
            yield Refusal(
                message,
                "choose another com.docker.network.bridge.name",
                False,
                source,
                (case.name, ""),
            )


def _lost_network_modes(
    networks: Networks, endpoints: Endpoints, observed: ObservedState
) -> Iterator[Refusal]:
    """A running container whose NetworkMode names a network that is gone cannot be connected to any
    other (Docker since 23).
    """
    if not observed.engine.is_docker(STRICT_MODES):
        return
    present = (
        {network.name for network in observed.networks}
        | {network.id for network in observed.networks}
        | {"default", *PREDEFINED}
    )
    present |= {case.name for case in networks.cases.values() if case.comes}
    seen: set[str] = set()
    for case in endpoints.cases:
        mode, container = case.container.network_mode, case.container
        if case.target is None or container.id in seen or mode in present or not container.live:
            continue
        seen.add(container.id)
        message = (
            f"container {container.name} was created on network {mode[:64]}, which is gone: it"
            " cannot be connected to any other"
        )
        way_out = f"make a network {mode[:64]} again, or create the container anew"
        yield Refusal(
            message,
            way_out,
            False,
            case.wanted.source if case.wanted else None,
            ("", container.name),
        )


def _restarting(
    networks: Networks, endpoints: Endpoints, containers: Containers
) -> Iterator[Refusal]:
    """Between two restarts a container has no network that an engine could change, and in a moment
    it may have one again.
    """
    found: dict[str, Source | None] = {}
    for case in endpoints.cases:
        if case.container.state == RESTARTING and (case.disconnect or case.target is not None):
            found[case.container.name] = case.wanted.source if case.wanted else None
    for run in containers.cases.values():
        if run.comes and run.observed and run.observed.state == RESTARTING:
            replaced = (networks.cases.get(endpoint.network) for endpoint in run.observed.endpoints)
            if any(network and network.goes for network in replaced) and any(
                case.comes for case in networks.cases.values()
            ):
                found[run.name] = run.wanted.source if run.wanted else None
    for name, source in sorted(found.items()):
        message = (
            f"container {name} is restarting again and again: its attachments cannot be changed"
            " meanwhile"
        )
        yield Refusal(message, f"docker stop {name}, and run this again", False, source, ("", name))


# --- addresses ------------------------------------------------------------------------------------


def _unfitting(
    networks: Networks,
    endpoints: Endpoints,
    settings: Mapping[str, Settings],
    engine: EngineInfo,
    policy: Policy,
) -> Iterator[Refusal]:
    """Static addresses that nobody declares, of endpoints put back or given back: the network may
    have changed under them.
    """
    for case in filter(_is_static, endpoints.cases):
        network = networks.cases.get(case.network)
        comes = network is not None and network.comes
        anew = case.stale or (case.observed is not None and case.observed.missing)
        changed = anew or (network is not None and network.subnets_change)
        if case.network not in settings or (case.wanted and not changed):
            continue
        for path, address in list(unfitting_addresses(case, settings[case.network], engine)):
            if policy.disrupt_foreign:
                case.target = {p: value for p, value in (case.target or {}).items() if p != path}
                endpoints.notes.append(
                    f"{case.container.name} on {case.network}: static address {address} does not"
                    " fit and becomes dynamic"
                )
            else:
                which = "new subnet" if comes else "present subnet"
                message = (
                    f"{case.container.name} on {case.network}: its own static address {address}"
                    f" does not fit the {which}"
                )
                yield Refusal(
                    message,
                    "allow it to become dynamic with --disrupt-foreign, or declare an address"
                    " for it",
                    source=network.wanted.source if network and network.wanted else None,
                    about=(case.network, case.container.name),
                )


def _dead_addresses(
    endpoints: Endpoints, settings: Mapping[str, Settings], engine: EngineInfo
) -> Iterator[Refusal]:
    """Declared IPv6 addresses on networks without IPv6: Docker says yes to them, and the endpoint
    lives without.
    """
    if engine.flavor != "docker":
        return
    off = {name for name, network in settings.items() if network.get("enable_ipv6") is not True}
    for case in [*endpoints.cases, *endpoints.kept]:
        if (
            case.network in off
            and case.wanted
            and (address := case.wanted.settings.get("ipv6_address"))
        ):
            message = (
                f"{case.container.name} on {case.network}: {address} would not be given:"
                f" {case.network} has no IPv6"
            )
            way_out = "declare enable_ipv6: true on the network, or take the address out"
            yield Refusal(
                message, way_out, False, case.wanted.source, (case.network, case.container.name)
            )


def _addresses(
    topology: str,
    settings: Mapping[str, Settings],
    endpoints: Endpoints,
    observed: ObservedState,
    going: Collection[str],
    started: Collection[str],
    policy: Policy,
) -> Iterator[Refusal]:
    """Static addresses that are about to be given: each must fit, be given once, and be free when
    it is needed.

    Also those of endpoints that stay as they are, whose container is `started`: what does not run
    holds none. Both are IDs of containers.
    """
    wanted: dict[tuple[str, str], EndpointCase] = {}
    for case in sorted(
        filter(_is_static, endpoints.cases),
        key=lambda case: (case.network, case.container.name, case.container.id),
    ):
        of = settings.get(case.network)
        for address, family in _given(case):
            if case.wanted and (refusal := _unfit(case, of, address, family, observed.engine)):
                yield refusal
            elif other := wanted.get((case.network, address)):
                yield taken(case, address, other.container.name, "")
            else:
                wanted[case.network, address] = case
    for case in endpoints.kept:
        if case.container.id in started:
            for address in _own_static(case):
                wanted.setdefault((case.network, address), case)
    if wanted:
        others = Holders(observed.engine, policy, endpoints, started)
        yield from _held(
            topology,
            wanted,
            endpoints,
            [c for c in observed.containers if c.id not in going],
            others,
        )


def _own_static(case: EndpointCase) -> list[str]:
    """The static addresses that it has."""
    settings = case.observed.settings if case.observed else {}
    return [str(settings[path]) for path in STATIC if path in settings]


def _given(case: EndpointCase) -> Iterator[tuple[str, str]]:
    """The static addresses that it is connected with, each with its family."""
    target = case.target or {}
    for path, family in ADDRESS_PATHS:
        if path in target:
            yield str(target[path]), family


def _is_static(case: EndpointCase) -> bool:
    return case.target is not None and any(path in case.target for path in STATIC)


def _unfit(
    case: EndpointCase, settings: Settings | None, address: str, family: str, engine: EngineInfo
) -> Refusal | None:
    if settings is None or fits(address, settings, family, engine):
        return None
    message = (
        f"{case.container.name} on {case.network}: {address} is not an address that {case.network}"
        " can give"
    )
    subnets = settings.get(f"{family}.subnet", ())
    way_out = (
        f"choose one inside {' '.join(subnets)}, and not its gateway"
        if isinstance(subnets, tuple) and subnets
        else "take it out"
    )
    return Refusal(
        message,
        way_out,
        False,
        case.wanted.source if case.wanted else None,
        (case.network, case.container.name),
    )


def _held(
    topology: str,
    wanted: dict[tuple[str, str], EndpointCase],
    endpoints: Endpoints,
    containers: Iterable[ObservedContainer],
    others: Holders,
) -> Iterator[Refusal]:
    """Addresses held by endpoints that nothing happens to: a declared dynamic one is moved, one not
    declared here if that is allowed.
    """
    busy = {(case.container.id, case.network) for case in endpoints.cases}
    needed = defaultdict(set)
    for network, address in wanted:
        needed[network].add(address)
    kept = {
        (case.container.id, case.network): case for case in endpoints.kept if case.network in needed
    }
    for container in containers:
        for endpoint in container.endpoints:
            key = container.id, endpoint.network
            if endpoint.network not in needed or key in busy or _is_away(endpoint):
                continue
            static, held = _held_by(endpoint)
            for address in sorted(held & needed[endpoint.network]):
                case = wanted[endpoint.network, address]
                if case.target is None and not container.live:
                    continue
                if key in kept and address not in static:
                    why = f"gives up {address} to {case.container.name}"
                    _move(topology, kept.pop(key), why, endpoints)
                elif key in kept:
                    yield taken(case, address, container.name, "")
                else:
                    yield from others.give_up(case, address, container, endpoint)


def _is_away(endpoint: ObservedEndpoint) -> bool:
    return endpoint.phantom or endpoint.missing


def _held_by(endpoint: ObservedEndpoint) -> tuple[set[str], set[str]]:
    """Its static addresses, and all that it has."""
    static = {str(endpoint.settings[path]) for path in STATIC if path in endpoint.settings}
    return static, static | {address.partition("/")[0] for address in endpoint.addresses}


def _move(topology: str, case: EndpointCase, reason: str, endpoints: Endpoints) -> None:
    assert case.wanted is not None
    assert case.observed is not None
    endpoints.kept.remove(case)
    mark = case.observed.mark
    own = mark if mark and ours(mark, topology) else None
    case.disconnect, case.reason, case.gives_up = True, reason, True
    case.mark = replace(own, declared=case.wanted.settings) if own else mark
    case.target = overlaid_endpoint(case.wanted.settings, case.observed.settings, own)
    endpoints.cases.append(case)

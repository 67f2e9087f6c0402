"""What can be known to fail before anything is changed: each refusal names the culprit and a way
out. Nothing is changed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..model import PREDEFINED, RESTARTING, STRICT_MODES, EngineInfo, ObservedState, Source
from ..plan import Refusal
from ..safety import Policy
from ..settings import Settings
from .address_capacity import full, unfitting_addresses
from .decisions import Containers, Endpoints, Networks
from .default_routes import taken_routes
from .engine_gaps import engine_gaps
from .macs import unsettable_macs
from .missing_drivers import missing_drivers
from .overlaps import overlap_refusals
from .swarm import swarm_refusals


def preflight(
    networks: Networks,
    endpoints: Endpoints,
    containers: Containers,
    settings: Mapping[str, Settings],
    observed: ObservedState,
    policy: Policy,
) -> list[Refusal]:
    """All refusals. `settings` are those of all networks as they will be."""
    engine = observed.engine
    refusals = list(engine_gaps(networks, endpoints, engine))
    refusals += missing_drivers(networks, engine)
    refusals += overlap_refusals(networks, observed)
    refusals += swarm_refusals(networks, endpoints, observed)
    refusals += _bridge_names(networks, observed)
    if not policy.disrupt_foreign:
        refusals += _unfitting(networks, endpoints, settings, engine)
    refusals += _dead_addresses(endpoints, settings, engine)
    going = {case.observed.id for case in containers.cases.values() if case.goes and case.observed}
    refusals += _lost_network_modes(networks, endpoints, observed)
    refusals += _restarting(networks, endpoints, containers)
    refusals += full(settings, endpoints, containers, observed, going)
    refusals += unsettable_macs(endpoints, engine)
    refusals += taken_routes(endpoints, settings, engine)
    return refusals


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
            bridge = case.target[path]
            message = f"network {case.name}: bridge {bridge} is already used by network {owner}"
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
            f"container {container.name} was created on network {mode[:64]}, which no longer"
            " exists: it cannot be connected to another one"
        )
        way_out = f"create network {mode[:64]} again, or recreate the container"
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
            f"container {name} keeps restarting: its attachments cannot be changed in this state"
        )
        yield Refusal(message, f"docker stop {name}, and run this again", False, source, ("", name))


# --- addresses ------------------------------------------------------------------------------------


def _unfitting(
    networks: Networks, endpoints: Endpoints, settings: Mapping[str, Settings], engine: EngineInfo
) -> Iterator[Refusal]:
    for case, _, address in unfitting_addresses(networks, endpoints, settings, engine):
        network = networks.cases.get(case.network)
        which = "new subnet" if network and network.comes else "current subnet"
        yield Refusal(
            f"{case.container.name} on {case.network}: its static address {address} is not in the"
            f" {which}",
            "allow it to become dynamic with --disrupt-foreign, or declare an address for it",
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
                f"{case.container.name} on {case.network}: {address} would be ignored:"
                f" {case.network} has no IPv6"
            )
            way_out = "declare enable_ipv6: true on the network, or remove the address"
            yield Refusal(
                message, way_out, False, case.wanted.source, (case.network, case.container.name)
            )

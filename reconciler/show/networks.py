"""Networks and who is on them, as rows of plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Literal

from ..fast_dataclasses import dataclass
from ..model import (
    PREDEFINED,
    DesiredState,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
    ObservedState,
)
from ..plan import Change, Plan
from ..settings import STATIC, implicit_gateway, settings_pools
from .notes import note

OUTSIDE = "not a container of this engine"
OPTIONAL = "no such container (optional)"
OPTIONAL_NETWORK = "no such network (optional)"
Status = Literal["present", "missing", "gone"]


@dataclass(frozen=True, slots=True)
class EndpointView:
    """One container on one network. `mark` is `made`, `amended` or empty, `topology` whose; `notes`
    say what is not as it should be.

    `managed`: the container is run by a topology.
    """

    container: str
    container_id: str = ""
    state: str = ""
    addresses: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    mac: str = ""
    aliases: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    mark: str = ""
    topology: str = ""
    managed: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkView:
    """One network. `missing`: declared and not there; `gone`: containers still list it, and it is
    not there.
    """

    name: str
    id: str = ""
    status: Status = "present"
    topology: str = ""
    driver: str = ""
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    endpoints: tuple[EndpointView, ...] = ()
    notes: tuple[str, ...] = ()


def networks_of(
    observed: ObservedState,
    topology: str | None = None,
    desired: DesiredState | None = None,
    plan: Plan | None = None,
) -> list[NetworkView]:
    """Networks with their endpoints: those that `topology` owns, declares or is attached to, or all
    of the engine's, by owner.
    """
    planned = plan.changes if plan else ()
    changes = {(change.network, change.container): change for change in planned if change.network}
    members, expected = _members(observed), _expected(desired, changes)
    views = [
        _network_view(network, members.get(network.id, ()), desired, changes, expected)
        for network in observed.networks
    ]
    gone = [
        (name.removeprefix(_GONE), found)
        for name, found in sorted(members.items())
        if name.startswith(_GONE)
    ]
    views += [_gone(name, found, desired, changes, expected) for name, found in gone]
    known = {network.name for network in views}
    if desired:
        views += [
            _missing(name, desired, changes, expected)
            for name in desired.networks
            if name not in known
        ]
    wanted = [network for network in views if _in_scope(network, topology, desired)]
    return sorted(
        wanted,
        key=lambda network: (not network.topology, network.topology, network.name, network.id),
    )


def gateways_in_use(network: ObservedNetwork) -> list[str]:
    """Declared, or of a bridge that routes what its engine takes by itself."""
    settings = network.settings
    takes = settings.get("driver") == "bridge" and settings.get("internal") is not True
    found = []
    for pool in settings_pools(settings):
        implicit = (
            implicit_gateway(
                ip_network(pool.subnet), ip_network(pool.ip_range) if pool.ip_range else None
            )
            if takes
            else None
        )
        if gateway := pool.gateway or (str(implicit) if implicit else ""):
            found.append(gateway)
    return found


_GONE = "gone: "
Member = tuple[ObservedContainer, ObservedEndpoint]
Expected = Mapping[str, Mapping[str, bool]]
"""By network the containers that are declared or planned there, and whether each may be missing."""


def _members(observed: ObservedState) -> dict[str, list[Member]]:
    """Who is on each network, by its ID; under its name with `_GONE` in front where there is no
    such network.
    """
    ids = {network.id for network in observed.networks}
    by_name = {network.name: network.id for network in reversed(observed.networks)}
    members: dict[str, list[Member]] = {}
    for container in observed.containers:
        for endpoint in container.endpoints:
            home = (
                endpoint.network_id
                if endpoint.network_id in ids
                else by_name.get(endpoint.network, _GONE + endpoint.network)
            )
            members.setdefault(home, []).append((container, endpoint))
    return members


def _network_view(
    network: ObservedNetwork,
    members: Iterable[Member],
    desired: DesiredState | None,
    changes: Mapping[tuple[str, str], Change],
    expected: Expected,
) -> NetworkView:
    pools = settings_pools(network.settings)
    rows = [
        _endpoint_view(container, endpoint, network, changes) for container, endpoint in members
    ]
    rows += [EndpointView(name, notes=(OUTSIDE,)) for name in network.outside]
    rows += _missing_endpoints(network.name, expected, changes, {row.container for row in rows})
    change = changes.get((network.name, ""))
    return NetworkView(
        network.name,
        network.id,
        topology=network.mark.topology if network.mark else "",
        driver=str(network.settings.get("driver", "")),
        subnets=tuple(pool.subnet for pool in pools),
        gateways=tuple(pool.gateway for pool in pools if pool.gateway),
        flags=tuple(_flags(network, desired)),
        endpoints=tuple(sorted(rows, key=lambda row: (row.container, row.container_id))),
        notes=(note(change),) if change else (),
    )


def _flags(network: ObservedNetwork, desired: DesiredState | None) -> Iterator[str]:
    declared = desired.networks.get(network.name) if desired else None
    if network.settings.get("internal") is True:
        yield "internal"
    if declared and declared.external:
        yield "external"
    if declared and declared.exclusive:
        yield "exclusive"
    if (declared and declared.protect) or (network.mark and network.mark.protect):
        yield "protect"


def _endpoint_view(
    container: ObservedContainer,
    endpoint: ObservedEndpoint,
    network: ObservedNetwork | None,
    changes: Mapping[tuple[str, str], Change],
) -> EndpointView:
    change = changes.get((endpoint.network, container.name))
    return EndpointView(
        container.name,
        container.id,
        container.state,
        endpoint.addresses,
        tuple(str(endpoint.settings[path]) for path in STATIC if path in endpoint.settings),
        endpoint.mac,
        tuple(_aliases(container, endpoint)),
        container.ports,
        endpoint.mark.how if endpoint.mark else "",
        endpoint.mark.topology if endpoint.mark else "",
        container.mark is not None,
        tuple(_endpoint_notes(container, endpoint, network, change)),
    )


def _aliases(container: ObservedContainer, endpoint: ObservedEndpoint) -> Iterator[str]:
    """All but those that the engine adds by itself."""
    aliases = endpoint.settings.get("aliases", ())
    declared = endpoint.mark.declared.get("aliases", ()) if endpoint.mark else ()
    if not isinstance(aliases, tuple):
        return
    for alias in aliases:
        if alias not in container.implied or (isinstance(declared, tuple) and alias in declared):
            yield alias


def _endpoint_notes(
    container: ObservedContainer,
    endpoint: ObservedEndpoint,
    network: ObservedNetwork | None,
    change: Change | None,
) -> Iterator[str]:
    if endpoint.half:
        yield "only partly attached, because a connect failed: docker restart repairs it"
    if endpoint.phantom:
        yield "listed but not attached (after a failed connect): the next restart will fail"
    elif network and endpoint.network_id not in ("", network.id):
        yield "attached to an earlier network of this name, which no longer exists" + (
            "" if container.live else ": it cannot start"
        )
    if change:
        yield note(change)


def _expected(desired: DesiredState | None, changes: Mapping[tuple[str, str], Change]) -> Expected:
    """Who is declared or planned on each network, by the names of both."""
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    for network, name in (
        key for key, change in changes.items() if key[1] and "connect" in change.actions
    ):
        found[network][name] = False
    declared = desired.containers if desired else {}
    for name, container in declared.items():
        for endpoint in container.endpoints:
            found[endpoint.network][name] = container.optional
    return found


def _missing_endpoints(
    network: str, expected: Expected, changes: Mapping[tuple[str, str], Change], there: set[str]
) -> Iterator[EndpointView]:
    """Endpoints that are declared or planned on a network, and not there."""
    wanted = expected.get(network, {})
    for name in sorted(wanted.keys() - there):
        change = changes.get((network, name))
        why = OPTIONAL if wanted[name] else "missing"
        yield EndpointView(name, notes=(note(change) if change else why,))


def _gone(
    name: str,
    members: Sequence[Member],
    desired: DesiredState | None,
    changes: Mapping[tuple[str, str], Change],
    expected: Expected,
) -> NetworkView:
    rows = [_endpoint_view(container, endpoint, None, changes) for container, endpoint in members]
    rows += _missing_endpoints(name, expected, changes, {row.container for row in rows})
    ours = (
        desired.topology
        if desired and name in desired.networks and not desired.networks[name].external
        else ""
    )
    change = changes.get((name, ""))
    shown = tuple(sorted(rows, key=lambda row: (row.container, row.container_id)))
    return NetworkView(
        name, "", "gone", ours, endpoints=shown, notes=(note(change),) if change else ()
    )


def _missing(
    name: str, desired: DesiredState, changes: Mapping[tuple[str, str], Change], expected: Expected
) -> NetworkView:
    change, wanted = changes.get((name, "")), desired.networks[name]
    flags = ("external",) if wanted.external else ()
    if wanted.optional:
        return NetworkView(
            name, "", "missing", desired.topology, flags=flags, notes=(OPTIONAL_NETWORK,)
        )
    rows = tuple(_missing_endpoints(name, expected, changes, set()))
    return NetworkView(
        name,
        "",
        "missing",
        desired.topology,
        flags=flags,
        endpoints=rows,
        notes=(note(change),) if change else (),
    )


def _in_scope(network: NetworkView, topology: str | None, desired: DesiredState | None) -> bool:
    if topology is None:
        return network.name not in PREDEFINED or bool(network.endpoints)
    marked = topology in (network.topology, *(row.topology for row in network.endpoints))
    return marked or bool(desired and network.name in desired.networks)

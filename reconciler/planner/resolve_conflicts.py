"""What gives way before a plan is checked: the only place where decided cases are changed. New
values are returned; what was decided stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..fast_dataclasses import dataclass, replace
from ..model import EngineInfo, ObservedState
from ..plan import Refusal
from ..safety import Policy
from ..settings import Settings, family_of
from .address_capacity import unfitting_addresses
from .decisions import Containers, EndpointCase, Endpoints, Networks
from .held_addresses import contest
from .macs import without_unsettable
from .overlaps import given_up_subnets


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The cases as they are carried out, `settings` of all networks as they will be, and what could
    not give way.
    """

    networks: Networks
    endpoints: Endpoints
    settings: Mapping[str, Settings]
    refusals: list[Refusal]


def adjust(
    topology: str,
    networks: Networks,
    endpoints: Endpoints,
    containers: Containers,
    observed: ObservedState,
    policy: Policy,
) -> Adjusted:
    """Subnets and addresses that cannot be kept, and that nobody declares, become the engine's
    choice; who has an address that another needs is moved.
    """
    networks = _give_up_subnets(networks, observed)
    settings = {
        network.name: network.settings
        for network in sorted(observed.networks, key=lambda network: network.id)
    }
    settings |= {case.name: case.target for case in networks.cases.values() if case.comes}
    if policy.disrupt_foreign:
        endpoints = _drop_unfitting(networks, endpoints, settings, observed.engine)
    found = contest(topology, settings, endpoints, containers, observed, policy)
    endpoints = _move(endpoints, found.movers)
    if not observed.engine.heeds_mac:
        cases = [without_unsettable(case, observed.engine) for case in endpoints.cases]
        endpoints = replace(endpoints, cases=cases)
    return Adjusted(networks, endpoints, settings, found.refusals)


def _give_up_subnets(networks: Networks, observed: ObservedState) -> Networks:
    """Networks that an interrupted run took away come back without a subnet that somebody has
    meanwhile.
    """
    cases, notes = dict(networks.cases), [*networks.notes]
    for given_up, subnet, culprit in given_up_subnets(networks, observed):
        case, family = cases[given_up.name], family_of(subnet)
        cases[case.name] = replace(case, target=_without(case.target, f"{family}."))
        notes.append(
            f"network {case.name}: its subnet {subnet} now belongs to network {culprit}: the engine"
            " chooses another one"
        )
    return replace(networks, cases=cases, notes=notes)


def _without(settings: Settings, prefix: str) -> Settings:
    return {path: value for path, value in settings.items() if not path.startswith(prefix)}


def _drop_unfitting(
    networks: Networks, endpoints: Endpoints, settings: Mapping[str, Settings], engine: EngineInfo
) -> Endpoints:
    """Static addresses that nobody declares become dynamic where they do not fit any more."""
    dropped: dict[int, set[str]] = {}
    notes = [*endpoints.notes]
    for case, path, address in unfitting_addresses(networks, endpoints, settings, engine):
        dropped.setdefault(id(case), set()).add(path)
        notes.append(
            f"{case.container.name} on {case.network}: static address {address} is not in the"
            " subnet and becomes dynamic"
        )
    if not dropped:
        return endpoints
    cases = [_without_paths(case, dropped.get(id(case), ())) for case in endpoints.cases]
    return replace(endpoints, cases=cases, notes=notes)


def _without_paths(case: EndpointCase, paths: Iterable[str]) -> EndpointCase:
    dropped = {*paths}
    if not dropped:
        return case
    target = {path: value for path, value in (case.target or {}).items() if path not in dropped}
    return replace(case, target=target)


def _move(endpoints: Endpoints, movers: Mapping[tuple[str, str], EndpointCase]) -> Endpoints:
    if not movers:
        return endpoints
    return replace(
        endpoints,
        cases=[*endpoints.cases, *movers.values()],
        kept=[c for c in endpoints.kept if (c.container.id, c.network) not in movers],
    )

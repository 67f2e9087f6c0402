"""plan(desired, observed) -> Plan: a pure function of values.

networks.py and endpoints.py decide what becomes of each resource, preflight.py what is known to fail, order.py turns the decisions into
steps. Nothing here asks an engine, reads a file or prints.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator

from ..cycles import no_cycle_search
from ..model import DesiredState, ObservedContainer, ObservedState, Settings
from ..plan import Change, Difference, Plan, Refusal, Step
from ..safety import Policy
from .compare import AUTOMATIC
from .endpoints import EndpointCase, Endpoints, decide_endpoints
from .networks import NetworkCase, Networks, decide_networks
from .order import order
from .preflight import preflight

__all__ = ["Policy", "plan"]


def plan(desired: DesiredState, observed: ObservedState, journal: None = None, policy: Policy | None = None) -> Plan:
    """The steps from observed to desired, and everything that stands against them.

    A plan with refusals still shows what it would do as far as that is known, and must not be run. `journal` has its place for recovery;
    there is none yet. The order of networks and containers in either argument makes no difference to the result.
    """
    assert journal is None
    with no_cycle_search():
        return _plan(desired, observed, policy or Policy())


def _plan(desired: DesiredState, observed: ObservedState, policy: Policy) -> Plan:
    networks = decide_networks(desired, observed, policy)
    endpoints = decide_endpoints(desired, observed, networks, policy)
    refusals = [*networks.refusals, *endpoints.refusals, *preflight(networks, endpoints, observed, policy)]
    endpoints.cases.sort(key=lambda case: (case.network, case.order, case.container.name))
    steps = order(networks, endpoints, observed)
    return Plan(
        desired.topology,
        observed.engine,
        tuple(_changes(networks, endpoints)),
        steps,
        tuple(sorted({*networks.drift, *endpoints.drift}, key=lambda d: (d.subject, d.message))),
        tuple(sorted(set(refusals), key=_refusal_key)),
        tuple(_warnings(endpoints, networks, observed)),
        tuple(sorted({*networks.notes, *endpoints.notes})),
        _fingerprint(desired, observed, networks, endpoints, steps),
    )


def _refusal_key(refusal: Refusal) -> tuple[int, str]:
    return (refusal.source.line if refusal.source else 0), refusal.message


# --- changes: the plan as a person reads it --------------------------------------------------------------------------


def _changes(networks: Networks, endpoints: Endpoints) -> Iterator[Change]:
    """By network: the network itself, then its endpoints in the order of the file."""
    on_network: dict[str, list[EndpointCase]] = defaultdict(list)
    for case in endpoints.cases:
        on_network[case.network].append(case)
    for name in sorted({*networks.cases, *on_network}):
        network = networks.cases.get(name)
        if network and network.fate != "keep":
            yield _network_change(network, on_network[name])
        for case in on_network[name]:
            if not case.restored and not (network and network.fate == "remove" and case.target is None):
                yield _endpoint_change(case, replaced=bool(network and network.goes))


def _network_change(case: NetworkCase, endpoints: Iterable[EndpointCase]) -> Change:
    created = tuple(Difference(path, None, value) for path, value in sorted(case.target.items()))
    match case.fate:
        case "replace":
            return Change(
                ("delete", "create"),
                case.name,
                differences=case.differences,
                reason=case.reason,
                source=case.wanted.source if case.wanted else None,
                interrupts=_interrupted(endpoints),
                drift=any(difference.cause == "drift" for difference in case.differences),
                notes=tuple(_replacement_notes(case, endpoints)),
            )
        case "remove":
            return Change(("delete",), case.name, reason=case.reason, interrupts=_interrupted(endpoints))
        case _:
            return Change(
                ("create",), case.name, differences=created, reason=case.reason, source=case.wanted.source if case.wanted else None
            )


def _replacement_notes(case: NetworkCase, endpoints: Iterable[EndpointCase]) -> Iterator[str]:
    back = [endpoint for endpoint in endpoints if endpoint.target is not None]
    dynamic = [e.container.name for e in back if e.observed and not {"ipv4_address", "ipv6_address"} & set(e.target or ())]
    if dynamic:
        yield f"may get another address: {', '.join(sorted(dynamic))}"
    foreign = [endpoint.container.name for endpoint in back if endpoint.wanted is None]
    if foreign:
        yield f"not declared here, put back whole: {', '.join(sorted(foreign))}"


def _endpoint_change(case: EndpointCase, replaced: bool) -> Change:
    differences = case.differences
    if case.target is not None and case.disconnect:
        actions: tuple[str, ...] = ("disconnect", "connect")
    elif case.target is not None:
        actions = ("connect",)
        if not differences:
            differences = tuple(Difference(path, None, value) for path, value in sorted(case.target.items()))
    else:
        actions = ("disconnect",)
    return Change(
        actions if not case.cure else ("disconnect",),  # type: ignore[arg-type]
        case.network,
        case.container.name,
        differences,
        case.reason,
        case.wanted.source if case.wanted else None,
        () if replaced else _interrupted([case]),
        case.drift,
    )


def _interrupted(endpoints: Iterable[EndpointCase]) -> tuple[str, ...]:
    return tuple(sorted({e.container.name for e in endpoints if e.disconnect and e.container.live and not e.cure and e.network != "none"}))


def _warnings(endpoints: Endpoints, networks: Networks, observed: ObservedState) -> Iterator[str]:
    """What happens beside the declared: MACs that Docker cannot give back, endpoints that Podman cannot mark."""
    back = [e for e in endpoints.cases if e.disconnect and e.target is not None and e.observed and e.observed.mac]
    if observed.engine.flavor == "podman":
        if any(case.target is not None for case in endpoints.cases):
            yield "Podman keeps no marks on endpoints: attachments made here are not undone when they are no longer declared"
    elif back and observed.engine.major >= 23:
        who = ", ".join(sorted({e.container.name for e in back}))
        yield f"the MAC addresses of {who} will change: Docker cannot set one on connect"
    for name, case in sorted(networks.cases.items()):
        dropped = [d.path for d in case.differences if d.after == AUTOMATIC]
        if dropped:
            yield f"network {name} no longer declares {', '.join(dropped)}: the engine chooses one"


# --- fingerprint: what a plan was made from --------------------------------------------------------------------------


def _fingerprint(desired: DesiredState, observed: ObservedState, networks: Networks, endpoints: Endpoints, steps: Iterable[Step]) -> str:
    """A digest of the engine, of every network and container in scope, of the file and of the steps (which hold the subnets that matter).

    Endpoint IDs, dynamic addresses, health and times are left out: they change by themselves.
    """
    records: list[str] = []

    def put(*values: object) -> None:
        records.append("\x1f".join(map(str, values)) + "\x1e")

    put("netplan", 1, desired.topology, observed.engine.id, observed.engine.api)
    for name, wanted in sorted(desired.networks.items()):
        put("network", name, wanted.external, wanted.exclusive, wanted.protect, _canonical(wanted.settings))
    scope = {name for name, case in networks.cases.items() if case.wanted or case.goes} | {case.network for case in endpoints.cases}
    for network in sorted(observed.networks, key=lambda n: (n.name, n.id)):
        if network.name in scope:
            put(network.id, network.name, _canonical(network.settings), network.mark and network.mark.topology)
    touched = {case.container.id for case in endpoints.cases}
    for container in sorted(observed.containers, key=lambda c: (c.name, c.id)):
        if container.id in touched or container.name in desired.containers or any(e.network in scope for e in container.endpoints):
            _put_container(put, container)
    for name, declared in sorted(desired.containers.items()):
        put("container", name, declared.optional, *(f"{e.network} {_canonical(e.settings)}" for e in declared.endpoints))
    for step in steps:
        put(step.op, step.network, step.container, _canonical(step.settings), step.needs, step.follows)
    return hashlib.sha256("".join(records).encode("utf-8", "surrogatepass")).hexdigest()


def _put_container(put: object, container: ObservedContainer) -> None:
    assert callable(put)
    put(container.id, container.name, container.live, container.network_mode)
    for endpoint in sorted(container.endpoints, key=lambda e: e.network):
        mark = endpoint.mark
        put(endpoint.network, endpoint.network_id, endpoint.phantom, _canonical(endpoint.settings), mark and (mark.topology, mark.how))


def _canonical(settings: Settings) -> str:
    return repr(sorted(settings.items()))

"""plan(desired, observed) -> Plan: a pure function of values.

networks.py and endpoints.py decide what becomes of each resource, preflight.py what is known to
fail, order.py turns the decisions into steps. Nothing here asks an engine, reads a file or prints.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..cycles import no_cycle_search
from ..model import STRICT_MODES, DesiredState, Journal, ObservedState
from ..plan import Change, Difference, Plan, Refusal
from ..records import replace
from ..safety import Policy, too_many
from ..sealing import as_sealed
from ..settings import ADDRESS_PATHS
from .adjust import adjust
from .atoms import Whole
from .between import conflicts, in_order, made_by_others
from .compare import AUTOMATIC, DEFAULTS
from .container_changes import container_changes, leaving
from .container_preflight import container_preflight
from .containers import Containers, decide_containers
from .endpoints import EndpointCase, Endpoints, decide_endpoints
from .fingerprint import fingerprint
from .gateways import ignored_priorities
from .identity import mistaken, other_origins
from .kept import keep
from .macs import loses_mac
from .networks import NetworkCase, Networks, decide_networks
from .optional import without_missing
from .order import order
from .preflight import preflight
from .recover import READ_IT, cannot_read, given_up, lacking, pending, readable, recover, unreadable
from .wipe import changes as wipe_changes
from .wipe import refusals as wipe_refusals
from .wipe import split

if TYPE_CHECKING:
    from .partial import Part

__all__ = [
    "READ_IT",
    "Policy",
    "cannot_read",
    "conflicts",
    "in_order",
    "lacking",
    "made_by_others",
    "named_part",
    "plan",
    "readable",
]


def plan(
    desired: DesiredState,
    observed: ObservedState,
    journal: Sequence[Journal] | None = None,
    policy: Policy | None = None,
) -> Plan:
    """The steps from observed to desired, and everything that stands against them.

    A plan with refusals still shows what it would do as far as that is known, and must not be run.
    `journal` is what interrupted runs left on the engine, the oldest first: what it holds and the
    engine lacks counts as observed, so that recovery is a plan like any other. The order of
    networks and containers in any argument makes no difference to the result.
    """
    policy, journals = policy or Policy(), readable(journal or ())
    with no_cycle_search():
        desired = without_missing(as_sealed(desired, observed).made_on(observed.engine), observed)
        made = _plan(desired, recover(desired, observed, journals), journals, policy)
        if not journal:
            return made
        lost, warnings = unreadable(desired.topology, journal)
        lost += given_up(desired, observed, journals, policy)
        return replace(
            made,
            warnings=(*pending(made, journals), *warnings, *made.warnings),
            refusals=(*made.refusals, *lost),
        )


def _plan(
    file: DesiredState, everything: ObservedState, journals: Sequence[Journal], policy: Policy
) -> Plan:
    wipe, observed = split(everything, policy)
    desired = _with_undeclared(file, observed) if policy.only else file
    networks = decide_networks(desired, observed, policy)
    containers = decide_containers(desired, observed, networks, policy)
    endpoints = decide_endpoints(desired, observed, networks, containers, policy)
    keep(desired.topology, observed, networks, containers, endpoints, policy)
    given_way = adjust(desired.topology, networks, endpoints, containers, observed, policy)
    networks, endpoints = given_way.networks, given_way.endpoints
    said = (networks, containers, endpoints)
    refusals = [
        *wipe_refusals(wipe, desired, policy, observed.engine),
        *(refusal for part in said for refusal in part.refusals),
    ]
    refusals += given_way.refusals
    refusals += preflight(networks, endpoints, containers, given_way.settings, observed, policy)
    refusals += container_preflight(desired, networks, endpoints, containers, observed, journals)
    steps, risks, unguarded = order(networks, endpoints, containers, observed, wipe)
    endpoints.cases.sort(key=lambda case: (case.network, case.order, case.container.name))
    found = Whole(desired, networks, endpoints, containers, steps, [*refusals, *risks])
    part = _part_of(found, policy)
    found = part.rest if part else found
    changes = (
        *wipe_changes(wipe),
        *container_changes(found.containers),
        *_changes(found.networks, found.endpoints, found.containers),
    )
    refusals = [
        *found.refusals,
        *filter(None, (too_many(changes, policy), mistaken(file, everything, journals, policy))),
    ]
    made = Plan(
        desired.topology,
        observed.engine,
        changes,
        found.steps,
        tuple(
            sorted(
                {drift for part in said for drift in part.drift},
                key=lambda d: (d.subject, d.message),
            )
        ),
        tuple(sorted(set(refusals), key=_refusal_key)),
        (
            *other_origins(desired, changes, found.networks, found.containers),
            *_warnings(found.desired, found.endpoints, found.networks, observed),
            *unguarded,
        ),
        tuple(sorted({note for part in said for note in part.notes}))
        or _nothing_to_destroy(desired.topology, [*changes, *refusals], policy),
        fingerprint(found, everything, part.asked if part else ()),
    )
    return part.told(made) if part else made


def _with_undeclared(file: DesiredState, observed: ObservedState) -> DesiredState:
    from .undeclared import with_undeclared  # loaded where a part is asked for

    return with_undeclared(file, observed)


def _part_of(whole: Whole, policy: Policy) -> Part | None:
    incomplete = policy.keep_going and (
        whole.containers.pulls or any(refusal.about for refusal in whole.refusals)
    )
    if not (policy.only or incomplete):
        return None
    from .partial import part_of

    return part_of(whole, policy)


def named_part(desired: DesiredState, only: Collection[str]) -> DesiredState:
    """What `--only` means of a file: the named networks and containers, and what these need."""
    from .partial import scope_of

    return scope_of(desired, only)


def _nothing_to_destroy(
    topology: str, found: Sequence[Change | Refusal], policy: Policy
) -> tuple[str, ...]:
    """Destroying twice is fine, but a name that was mistyped should be noticed."""
    return (
        (f"nothing on this engine belongs to topology {topology}",)
        if policy.destroyed and not found
        else ()
    )


def _refusal_key(refusal: Refusal) -> tuple[int, str]:
    return (refusal.source.line if refusal.source else 0), refusal.message


# --- changes: the plan as a person reads it -------------------------------------------------------


def _changes(networks: Networks, endpoints: Endpoints, containers: Containers) -> Iterator[Change]:
    """By network: the network itself, then its endpoints in the order of the file, but for those of
    containers that are made.
    """
    on_network: dict[str, list[EndpointCase]] = defaultdict(list)
    for case in endpoints.cases:
        if not (case.inside or case.kept):
            on_network[case.network].append(case)
    gone = leaving(containers)
    for name in sorted({*networks.cases, *on_network}):
        network = networks.cases.get(name)
        if network and network.fate != "keep":
            yield _network_change(network, on_network[name], gone.get(name, ()))
        for case in on_network[name]:
            if not case.restored and not (
                network and network.fate == "remove" and case.target is None
            ):
                yield _endpoint_change(case, replaced=bool(network and network.goes))


def _network_change(
    case: NetworkCase, endpoints: Iterable[EndpointCase], leaving: Iterable[str]
) -> Change:
    created = tuple(Difference(path, None, value) for path, value in sorted(case.target.items()))
    match case.fate:
        case "replace":
            return Change(
                ("delete", "create"),
                case.name,
                differences=case.differences,
                reason=case.reason,
                source=case.wanted.source if case.wanted else None,
                interrupts=tuple(sorted({*_interrupted(endpoints), *leaving})),
                drift=any(difference.cause == "drift" for difference in case.differences),
                notes=tuple(_replacement_notes(case, endpoints)),
            )
        case "remove":
            return Change(
                ("delete",),
                case.name,
                reason=case.reason,
                interrupts=tuple(sorted({*_interrupted(endpoints), *leaving})),
            )
        case _:
            return Change(
                ("create",),
                case.name,
                differences=created,
                reason=case.reason,
                source=case.wanted.source if case.wanted else None,
            )


def _replacement_notes(case: NetworkCase, endpoints: Iterable[EndpointCase]) -> Iterator[str]:
    back = [endpoint for endpoint in endpoints if endpoint.target is not None]
    families = [
        path
        for path, family in ADDRESS_PATHS
        if case.target.get(f"enable_{family}", DEFAULTS[f"enable_{family}"])
    ]
    dynamic = [
        e.container.name for e in back if e.observed and not {*families} <= {*(e.target or ())}
    ]
    if dynamic:
        yield f"may get another address: {', '.join(sorted(dynamic))}"
    foreign = [endpoint.container.name for endpoint in back if endpoint.wanted is None]
    if foreign:
        yield f"not declared here, put back whole: {', '.join(sorted(foreign))}"
    if case.observed and case.observed.config_from:
        yield (
            f"keeps the settings of config network {case.observed.config_from}, and is linked to it"
            " no more"
        )


def _endpoint_change(case: EndpointCase, replaced: bool) -> Change:
    differences = case.differences
    if case.target is not None and case.disconnect:
        actions: tuple[str, ...] = ("disconnect", "connect")
    elif case.target is not None:
        actions = ("connect",)
        differences = tuple(
            Difference(path, None, value) for path, value in sorted(case.target.items())
        )
    else:
        actions = ("disconnect",)
    return Change(
        actions if not case.cure else ("disconnect",),  # type: ignore[arg-type]
        case.network,
        case.container.name,
        differences,
        case.reason,
        case.wanted.source if case.wanted else None,
        (case.container.name,) if not replaced and _interrupts(case) else (),
        case.drift,
    )


def _interrupted(endpoints: Iterable[EndpointCase]) -> tuple[str, ...]:
    return tuple(
        sorted({endpoint.container.name for endpoint in endpoints if _interrupts(endpoint)})
    )


def _interrupts(case: EndpointCase) -> bool:
    return case.disconnect and case.container.live and not case.cure and case.network != "none"


def _warnings(
    desired: DesiredState, endpoints: Endpoints, networks: Networks, observed: ObservedState
) -> Iterator[str]:
    """What happens beside the declared: MACs that Docker cannot give back, subnets that the engine
    chooses, priorities without effect.
    """
    yield from ignored_priorities(desired, networks, endpoints, observed)
    if who := sorted({e.container.name for e in endpoints.cases if loses_mac(e, observed.engine)}):
        why = (
            "this Docker cannot set one on connect"
            if observed.engine.major >= STRICT_MODES
            else "Docker makes one from the IPv4 address"
        )
        yield (
            f"the MAC address{'es' if len(who) > 1 else ''} of {', '.join(who)} will change: {why}"
        )
    for name, case in sorted(networks.cases.items()):
        dropped = [
            "subnet" if d.path == "ipv4.subnet" else "subnet (IPv6)"
            for d in case.differences
            if d.after == AUTOMATIC
        ]
        if dropped:
            yield f"network {name} no longer declares {', '.join(dropped)}: the engine chooses one"

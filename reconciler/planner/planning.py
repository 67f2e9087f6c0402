"""The course of planning: what becomes of each resource is decided, what gives way is adjusted,
what would fail is found, and the steps are put in order.

Nothing here asks an engine, reads a file or prints.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from ..environment_digests import as_sealed
from ..fast_dataclasses import replace
from ..gc_pause import no_cycle_search
from ..model import STRICT_MODES, DesiredState, Journal, ObservedState
from ..plan import Change, Plan, Refusal
from ..safety import Policy, too_many
from .changes import changes
from .compare import AUTOMATIC
from .container_preflight import container_preflight
from .containers import decide_containers
from .decisions import Endpoints, Networks
from .default_routes import ignored_priorities
from .endpoints import decide_endpoints
from .fingerprint import fingerprint
from .foreign_attachments import attached_again
from .macs import loses_mac
from .networks import decide_networks
from .optional_networks import without_missing
from .order import order
from .preflight import preflight
from .recover import given_up, pending, readable, recover, unreadable
from .resolve_conflicts import adjust
from .step_groups import Whole
from .topology_identity import mistaken, other_origins
from .volumes import decide_volumes
from .wipe import refusals as wipe_refusals
from .wipe import split

if TYPE_CHECKING:
    from .partial import Part


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
        if desired.expectations:
            made = replace(made, warnings=(*made.warnings, *_broken(desired)))
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
    volumes = decide_volumes(desired, observed, containers, policy)
    again = attached_again(desired.topology, observed, networks, containers, endpoints, policy)
    containers, endpoints = again.told(containers), again.on(endpoints)
    given_way = adjust(desired.topology, networks, endpoints, containers, observed, policy)
    networks, endpoints = given_way.networks, given_way.endpoints
    said = (networks, containers, endpoints, volumes)
    refusals = [
        *wipe_refusals(wipe, desired, policy, observed.engine),
        *(refusal for part in said for refusal in part.refusals),
    ]
    refusals += given_way.refusals
    refusals += preflight(networks, endpoints, containers, given_way.settings, observed, policy)
    refusals += container_preflight(desired, networks, endpoints, containers, observed, journals)
    steps, risks, unguarded = order(networks, endpoints, containers, volumes, observed, wipe)
    endpoints.cases.sort(key=lambda case: (case.network, case.order, case.container.name))
    found = Whole(desired, networks, endpoints, containers, volumes, steps, [*refusals, *risks])
    part = _part_of(found, policy)
    found = part.rest if part else found
    changed = changes(wipe, found.networks, found.endpoints, found.containers, found.volumes)
    refusals = [
        *found.refusals,
        *filter(None, (too_many(changed, policy), mistaken(file, everything, journals, policy))),
    ]
    made = Plan(
        desired.topology,
        observed.engine,
        changed,
        found.steps,
        tuple(
            sorted(
                {drift for part in said for drift in part.drift},
                key=lambda d: (d.subject, d.message),
            )
        ),
        tuple(sorted(set(refusals), key=_refusal_key)),
        (
            *other_origins(desired, changed, found),
            *_warnings(found.desired, found.endpoints, found.networks, observed),
            *unguarded,
        ),
        tuple(sorted({note for part in said for note in part.notes}))
        or _nothing_to_destroy(desired.topology, [*changed, *refusals], policy),
        fingerprint(found, everything, part.asked if part else ()),
    )
    return part.told(made) if part else made


def _broken(desired: DesiredState) -> Iterator[str]:
    from ..verify import broken_warnings  # loaded where something is expected

    return broken_warnings(desired)


def _with_undeclared(file: DesiredState, observed: ObservedState) -> DesiredState:
    from .keep_undeclared import with_undeclared  # loaded where a part is asked for

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


def _warnings(
    desired: DesiredState, endpoints: Endpoints, networks: Networks, observed: ObservedState
) -> Iterator[str]:
    """What happens beside the declared: MACs that Docker cannot give back, subnets that the engine
    chooses, priorities without effect.
    """
    yield from ignored_priorities(desired, networks, endpoints, observed)
    if who := sorted({e.container.name for e in endpoints.cases if loses_mac(e, observed.engine)}):
        why = (
            "this Docker version cannot set one on connect"
            if observed.engine.major >= STRICT_MODES
            else "Docker derives it from the IPv4 address"
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

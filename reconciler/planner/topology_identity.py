"""Whether the topology of this name that is on the engine is the one of this file: two people may
choose the same name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ..marks import base_name
from ..model import DesiredState, Journal, ObservedState, Origin
from ..ownership import ours
from ..plan import Change, Refusal
from ..safety import Policy
from .step_groups import Whole

_NAMED = 3
"""Objects that are named in one sentence."""
_Thing = tuple[str, str]
"""A network (its name, empty), a container (empty, its name), or an endpoint (network, container).
"""


def mistaken(
    desired: DesiredState, observed: ObservedState, journals: Sequence[Journal], policy: Policy
) -> Refusal | None:
    """Refuses a file that declares nothing of what bears its topology's name: it was cut short, or
    the name is another's.

    What a run of the topology took away and did not put back is there as long as its journal is.
    """
    file = policy.destroyed or desired
    empty = not (file.networks or file.containers)
    if desired.topology in policy.replaces or policy.wipe or (empty and policy.allow_empty):
        return None
    living, held = (
        list(_living(observed, desired.topology)),
        list(_held(journals, desired.topology)),
    )
    if any(_declares(file, thing) for thing in living) or any(
        _is_about(file, thing) for thing in held
    ):
        return None
    there = dict.fromkeys([*living, *held])
    if not there:
        return None
    return _nothing_declared(
        file, there, _origins(observed, journals, desired.topology), bool(policy.destroyed)
    )


def _nothing_declared(
    file: DesiredState, there: dict[_Thing, None], origins: list[Origin], destroyed: bool
) -> Refusal:
    name = file.topology
    names = [
        f"{container} on {network}" if network and container else network or container
        for network, container in there
    ]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    whence = f" (created from {' and '.join(map(str, origins[:_NAMED]))})" if origins else ""
    what = f"topology {name!r} owns {', '.join(names[:_NAMED])}{more} on this engine{whence}"
    if not (file.networks or file.containers):
        allow = f"--replace-topology {name}" if destroyed else "--allow-empty"
        return Refusal(
            f"the file is empty, but {what}",
            f"remove what it owns: netplan destroy --name {name}; or allow it with {allow}",
        )
    if destroyed:
        way_out = f"to remove them anyway: netplan destroy --name {name}"
    elif file.origin and origins and all(map(file.origin.same, origins)):
        way_out = (
            "they were created from this file's folder: if you renamed everything in it, pass"
            f" --replace-topology {name}"
        )
    else:
        way_out = (
            f"give this topology another name, or pass --replace-topology {name} to remove them and"
            " create what the file declares"
        )
    return Refusal(f"the file declares none of the objects of its topology: {what}", way_out)


def _living(observed: ObservedState, topology: str) -> Iterator[_Thing]:
    """What belongs to the topology: networks, containers, then endpoints."""
    yield from sorted(
        (network.name, "") for network in observed.networks if ours(network, topology)
    )
    yield from sorted(("", c.name) for c in observed.containers if ours(c, topology))
    yield from sorted(
        (e.network, c.name) for c in observed.containers for e in c.endpoints if ours(e, topology)
    )


def _held(journals: Sequence[Journal], topology: str) -> Iterator[_Thing]:
    """All that the topology's journals hold, whoever's it was: only an apply of the file as it was
    gives that back.
    """
    taken = [journal.taken for journal in journals if journal.topology == topology]
    yield from sorted((network.name, "") for state in taken for network in state.networks)
    yield from sorted(
        (e.network, c.name) for state in taken for c in state.containers for e in c.endpoints
    )


def _declares(file: DesiredState, thing: _Thing) -> bool:
    """Whether the file names it; an attachment by its container, also where it is no longer
    declared.
    """
    network, name = thing
    if not name:
        return network in file.networks
    return name in file.containers or base_name(name) in file.containers


def _is_about(file: DesiredState, held: _Thing) -> bool:
    """Whether a journal's thing is the file's, or was taken off one of its networks: there a
    container that is not declared may have been in the way.
    """
    return held[0] in file.networks or _declares(file, held)


# --- where things come from -----------------------------------------------------------------------


def _origins(observed: ObservedState, journals: Sequence[Journal], topology: str) -> list[Origin]:
    """Where the topology's networks and containers were created from, as far as they say."""
    states = [observed, *(journal.taken for journal in journals if journal.topology == topology)]
    marks = [thing.mark for state in states for thing in state.networks]
    marks += [thing.mark for state in states for thing in state.containers]  # type: ignore[misc]
    found = {mark.origin for mark in marks if mark and mark.origin and ours(mark, topology)}
    return sorted(filter(None, found), key=str)


def other_origins(desired: DesiredState, changes: Sequence[Change], found: Whole) -> Iterator[str]:
    """A sentence for each place, other than the file's, from which something was created that the
    plan removes.
    """
    if desired.origin is None:
        return
    removed = {(change.kind, change.name) for change in changes if change.actions == ("delete",)}
    cases = [("network", name, case.observed) for name, case in found.networks.cases.items()]
    runs = [("container", name, case.observed) for name, case in found.containers.cases.items()]
    volumes = [("volume", name, case.observed) for name, case in found.volumes.cases.items()]
    elsewhere = defaultdict(list)
    for kind, name, thing in (*cases, *runs, *volumes):
        origin = (
            thing.mark.origin if thing and thing.mark and ours(thing, desired.topology) else None
        )
        if origin and (kind, name) in removed and not desired.origin.same(origin):
            elsewhere[origin].append(f"{kind} {name}")
    for origin, names in sorted(elsewhere.items(), key=str):
        yield (
            f"{', '.join(sorted(names))} will be removed, and {'were' if len(names) > 1 else 'was'}"
            f" created from elsewhere: {origin}"
        )

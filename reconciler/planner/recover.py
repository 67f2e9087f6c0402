"""What interrupted runs took away counts as observed: the journals laid over the engine's state.

An object that a journal holds and the engine lacks is added to the state, marked `missing`: the
planner decides about it as about any other, but has nothing to take away. Whether it comes back is
then decided by the same rules as whether it would have stayed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ..fast_dataclasses import replace
from ..model import (
    PREDEFINED,
    DesiredState,
    Journal,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
    ObservedState,
)
from ..ownership import ours, owner
from ..plan import Plan, Refusal
from ..safety import Policy

READ_IT = "use the version of netplan that wrote it, or discard it: docker volume rm {}"
TAKEN_AWAY = "removed by an interrupted run"


def recover(
    desired: DesiredState, observed: ObservedState, journals: Sequence[Journal]
) -> ObservedState:
    """`observed`, and in it what the journals hold and it lacks, as far as it concerns `desired`;
    of two journals the newer decides.

    Of this topology's journals that is every declared network, and every endpoint whose network is
    there or comes back. Of another's, only endpoints that this one declares or marked, on networks
    that are there: the rest is for that topology to recover.
    """
    if not journals:
        return observed
    newest_first = sorted(journals, key=lambda journal: (journal.order, journal.name), reverse=True)
    own = [journal for journal in newest_first if journal.topology == desired.topology]
    networks = {network.name: network for network in observed.networks}
    missing = {n.name: n for n in _networks(desired, reversed(own)) if n.name not in networks}
    known = networks.keys() | missing.keys()
    back = _Back(observed.networks, missing.keys())
    taken = [(journal, _taken(journal)) for journal in newest_first]
    containers = tuple(
        _whole(container, taken, desired, known, back) for container in observed.containers
    )
    all_networks = sorted(
        (*observed.networks, *missing.values()), key=lambda network: (network.name, network.id)
    )
    return replace(observed, networks=tuple(all_networks), containers=containers)


def _networks(desired: DesiredState, journals: Iterable[Journal]) -> Iterator[ObservedNetwork]:
    """The declared networks in the journals, without the ID of what is gone."""
    for journal in journals:
        for network in journal.taken.networks:
            wanted = desired.networks.get(network.name)
            if wanted and not wanted.external:
                yield replace(network, id="", missing=True)


_Taken = tuple[Journal, Mapping[str, Sequence[ObservedEndpoint]]]
"""A journal, and what it holds of each container by ID."""


class _Back:
    """Which networks that journals mean are there: by what they are, as somebody else's may have
    the name of one by now.
    """

    def __init__(self, networks: Iterable[ObservedNetwork], missing: Collection[str] = ()) -> None:
        self.missing = missing
        self.by_name: dict[str, list[ObservedNetwork]] = defaultdict(list)
        for network in networks:
            self.by_name[network.name].append(network)
        self._taken: dict[str, dict[str, list[ObservedNetwork]]] = {}

    def taken(self, journal: Journal, name: str) -> Sequence[ObservedNetwork]:
        """The networks of that name that a journal holds: looked up for every endpoint that it
        does.
        """
        found = self._taken.get(journal.name)
        if found is None:
            found = self._taken[journal.name] = {}
            for network in journal.taken.networks:
                found.setdefault(network.name, []).append(network)
        return found.get(name, ())

    def network(self, journal: Journal, name: str, id: str) -> ObservedNetwork | None:
        """The network itself, or one that a run of its topology, or the way back from a failed run,
        has made in its place.
        """
        taken = self.taken(journal, name)
        return next(
            (
                network
                for network in self.by_name.get(name, ())
                if _is_the_one(network, journal.topology, taken, id)
            ),
            None,
        )

    def endpoint(self, journal: Journal, endpoint: ObservedEndpoint) -> bool:
        """Whether the network of an endpoint that a run took away is there, or comes back in the
        journal's own name.
        """
        return (
            endpoint.network in self.missing
            or self.network(journal, endpoint.network, endpoint.network_id) is not None
        )


def _is_the_one(
    network: ObservedNetwork, topology: str, taken: Sequence[ObservedNetwork], id: str
) -> bool:
    if id in ("", network.id) or network.name in PREDEFINED:
        return True
    if network.mark is None:
        return any(old.mark is None and old.settings == network.settings for old in taken)
    return network.mark.topology in {topology, *(old.mark.topology for old in taken if old.mark)}


def _whole(
    container: ObservedContainer,
    journals: Sequence[_Taken],
    desired: DesiredState,
    known: Collection[str],
    back: _Back,
) -> ObservedContainer:
    """The container with the endpoints that it lacks. A phantom is lacking too: its settings are
    those of the journal.

    What this topology declares or made it has by the network's name, what is somebody else's only
    where the network itself is there. `none` is put back only on a container that is on no network
    at all.
    """
    endpoints = {endpoint.network: endpoint for endpoint in container.endpoints}
    for journal, taken_off in journals:
        own = journal.topology == desired.topology
        for taken in taken_off.get(container.id, ()):
            there = endpoints.get(taken.network)
            mine = _concerns(desired, container.name, taken)
            concerns = (own and (mine or back.endpoint(journal, taken))) or (
                taken.network in back.by_name and mine
            )
            lacks = there is None or (there.phantom and not there.missing)
            if taken.network == "none":
                lacks = not container.endpoints
            if concerns and lacks and taken.network in known:
                endpoints[taken.network] = _missing(
                    (
                        _taken_over(
                            desired, container.name, taken, back.taken(journal, taken.network)
                        )
                        if own
                        else taken
                    ),
                    there,
                )
            elif (
                concerns and there and taken.phantom and there.mark is None
            ):  # made real, so that it could be taken away
                endpoints[taken.network] = replace(there, mark=taken.mark)
    whole = tuple(endpoints[name] for name in sorted(endpoints))
    return (
        container
        if set(map(id, whole)) == set(map(id, container.endpoints))
        else replace(container, endpoints=whole)
    )


def _taken_over(
    desired: DesiredState, name: str, taken: ObservedEndpoint, networks: Sequence[ObservedNetwork]
) -> ObservedEndpoint:
    """A declared endpoint on a network that its run was adopting went along with it (endpoints.py),
    and does so still.
    """
    wanted, mark = desired.containers.get(name), taken.mark
    if mark is None or mark.topology == desired.topology:
        return taken
    declared = wanted is not None and any(
        endpoint.network == taken.network for endpoint in wanted.endpoints
    )
    adopted = declared and owner(mark) in {owner(network) for network in networks}
    return (
        replace(taken, mark=replace(mark, topology=desired.topology)) if mark and adopted else taken
    )


def _missing(taken: ObservedEndpoint, there: ObservedEndpoint | None) -> ObservedEndpoint:
    return replace(
        taken, network_id="", endpoint_id="", addresses=(), phantom=there is not None, missing=True
    )


def _taken(journal: Journal) -> Mapping[str, Sequence[ObservedEndpoint]]:
    """What the journal holds of each container, by ID: looked up for every container of the
    engine.
    """
    found: dict[str, list[ObservedEndpoint]] = defaultdict(list)
    for container in journal.taken.containers:
        found[container.id] += container.endpoints
    return found


def _concerns(desired: DesiredState, name: str, endpoint: ObservedEndpoint) -> bool:
    wanted = desired.containers.get(name)
    return ours(endpoint, desired.topology) or (
        wanted is not None
        and any(declared.network == endpoint.network for declared in wanted.endpoints)
    )


def given_up(
    desired: DesiredState, observed: ObservedState, journals: Sequence[Journal], policy: Policy
) -> Iterator[Refusal]:
    """Other people's endpoints that would never come back, as the network that they were taken off
    does not: refused without consent.
    """
    if policy.disrupt_foreign or policy.wipe:
        return
    back = _Back(observed.networks)
    comes = {
        name
        for name, wanted in desired.networks.items()
        if not wanted.external and name not in back.by_name
    }
    containers = {container.id: container for container in observed.containers}
    for journal in journals:
        if journal.topology != desired.topology:
            continue
        taken_networks = {network.name: network.id for network in journal.taken.networks}
        gone = {
            name for name, id in taken_networks.items() if not back.network(journal, name, id)
        } - comes
        for taken in journal.taken.containers:
            for endpoint in taken.endpoints:
                lost = (
                    endpoint.network in gone
                    and taken.id in containers
                    and not ours(endpoint, desired.topology)
                )
                if lost and not policy.consents(taken.name, endpoint.network):
                    yield _given_up(taken.name, endpoint.network, endpoint.network in back.by_name)


def _given_up(container: str, network: str, replaced: bool) -> Refusal:
    first = f"remove the present network {network}, and " if replaced else ""
    now = f" (another network has the name {network} now)" if replaced else ""
    return Refusal(
        f"an interrupted run disconnected container {container} from network {network}, and this"
        f" plan would restore neither{now}",
        f"recover first: {first}run netplan apply on the file as it was then; or discard both with"
        " --disrupt-foreign",
    )


def cannot_read(journal: Journal) -> str:
    """That a journal cannot be read, and why."""
    return f"the journal {journal.name} on the engine cannot be read: {journal.unreadable}"


def readable(journals: Iterable[Journal]) -> tuple[Journal, ...]:
    """Those that can be read."""
    return tuple(journal for journal in journals if not journal.unreadable)


def unreadable(topology: str, journals: Iterable[Journal]) -> tuple[list[Refusal], list[str]]:
    """What stands against a plan of `topology`, as what its own run took away is not known, and
    what it is warned of.
    """
    refusals, warnings = [], []
    for journal in journals:
        if journal.unreadable and journal.topology == topology:
            refusals.append(Refusal(cannot_read(journal), READ_IT.format(journal.name)))
        elif journal.unreadable:
            whose = (
                f"of topology {journal.topology}"
                if journal.topology
                else "if it is of this topology, what that run removed is not restored"
            )
            warnings.append(f"{cannot_read(journal)}: {whose}")
    return refusals, warnings


def pending(made: Plan, journals: Sequence[Journal]) -> Iterator[str]:
    """One sentence for each journal: whose run was interrupted, and what `made` puts back of it."""
    for journal in journals:
        run = (
            f'a run of topology "{journal.topology}" on {journal.host}, started {journal.time}, was'
            " interrupted"
        )
        back = list(_put_back(made, journal))
        if journal.topology == made.topology and (made.only or made.left_out):
            some = f"this plan restores {', '.join(back)}, and " if back else ""
            yield f"{run}; {some}a plan of the whole file restores the rest"
        elif journal.topology == made.topology:
            yield (
                f"{run}; this plan recovers it:"
                f" {'it restores ' + ', '.join(back) if back else 'nothing is left to restore'}"
            )
        else:
            yield f"{run}: apply or destroy {journal.topology} to recover it" + (
                f"; this plan restores {', '.join(back)}" if back else ""
            )


def _put_back(made: Plan, journal: Journal) -> Iterator[str]:
    networks = {network.name for network in journal.taken.networks}
    endpoints = {
        (container.id, e.network)
        for container in journal.taken.containers
        for e in container.endpoints
    }
    disconnected = {
        (step.container_id, step.network) for step in made.steps if step.op == "disconnect"
    }
    removed = {step.network for step in made.steps if step.op == "remove"}
    networks, endpoints = networks - removed, endpoints - disconnected
    for step in made.steps:
        key = (step.container_id, step.network)
        if step.op == "create" and step.network in networks:
            yield f"network {step.network}"
        if step.op == "connect" and key in endpoints:
            yield f"{step.container} on {step.network}"


def lacking(journal: Journal, observed: ObservedState) -> bool:
    """Whether the engine lacks anything that the journal holds and that something could still be
    done about.
    """
    back = _Back(observed.networks)
    containers = {container.id: container for container in observed.containers}
    if any(
        back.network(journal, network.name, network.id) is None
        for network in journal.taken.networks
    ):
        return True
    for taken in journal.taken.containers:
        container = containers.get(taken.id)
        if container is None:
            continue
        for endpoint in taken.endpoints:
            there = container.endpoint(endpoint.network)
            now = back.network(journal, endpoint.network, endpoint.network_id)
            if (
                there is None
                or there.phantom
                or now is None
                or there.network_id not in ("", now.id)
            ):
                return True
    return False

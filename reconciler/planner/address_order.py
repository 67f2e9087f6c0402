"""Who takes which address when, and who lets go of it: the edges that addresses make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from ipaddress import ip_address

from ..fast_dataclasses import dataclass
from ..model import ObservedEndpoint, ObservedState, Source
from ..plan import Refusal
from ..settings import ADDRESS_PATHS, STATIC, Settings, implicit_gateway, settings_pools
from .container_steps import Lifecycle
from .decisions import Containers, EndpointCase
from .graph import NetworkNodes, Node
from .subnets import parsed


@dataclass(slots=True, eq=False)
class _Claim:
    """An endpoint that takes its addresses when `node` is carried out: the one that connects it, or
    that starts its container.

    `static` are the families of its static addresses, `dynamic` those in which it takes whatever is
    free.
    """

    network: str
    settings: Settings
    node: Node
    container: str
    source: Source | None
    static: tuple[str, ...]
    dynamic: tuple[str, ...]


class Claims:
    """The claims of one plan. `settings` are those of each network as it will be."""

    def __init__(
        self,
        endpoints: Sequence[EndpointCase],
        containers: Containers,
        observed: ObservedState,
        settings: Mapping[str, Settings],
        life: Lifecycle,
        nodes: NetworkNodes,
    ) -> None:
        self.observed = observed
        self.nodes = nodes
        self.endpoints, self.containers, self.settings, self.life = (
            endpoints,
            containers,
            settings,
            life,
        )
        self._families: dict[str, list[tuple[str, str]]] = {}

    @cached_property
    def claims(self) -> list[_Claim]:
        """Every endpoint that this plan brings about, by connecting it or by starting its
        container.
        """
        found = []
        for index, case in enumerate(self.endpoints):
            node = self.nodes.connects.get(index)
            if not case.container.live and not case.cure and case.target is not None:
                node = self.life.starts.get(case.container.name, node)
            if node and case.target is not None:
                source = case.wanted.source if case.wanted else None
                found.append(
                    self._claim(case.network, case.target, node, case.container.name, source)
                )
        connected = (
            {(case.container.id, case.network) for case in self.endpoints}
            if self.containers.cases
            else ()
        )
        for run in self.containers.cases.values():
            old = run.observed
            if run.start and old and not run.comes and not old.live:
                kept = (
                    endpoint
                    for endpoint in old.endpoints
                    if (old.id, endpoint.network) not in connected
                )
                source, start = (
                    run.wanted.source if run.wanted else None,
                    self.life.starts[run.name],
                )
                found += [
                    self._claim(endpoint.network, endpoint.settings, start, run.name, source)
                    for endpoint in kept
                ]
        return found

    def _claim(
        self, network: str, settings: Settings, node: Node, container: str, source: Source | None
    ) -> _Claim:
        static = tuple([family for path, family in ADDRESS_PATHS if path in settings])
        dynamic = tuple([family for path, family in self._enabled(network) if path not in settings])
        return _Claim(network, settings, node, container, source, static, dynamic)

    def _enabled(self, network: str) -> list[tuple[str, str]]:
        """Of `ADDRESS_PATHS` those whose family the network has."""
        if network not in self._families:
            settings = self.settings.get(network, {})
            enabled = {
                "ipv4": settings.get("enable_ipv4") is not False,
                "ipv6": settings.get("enable_ipv6") is True,
            }
            self._families[network] = [
                (path, family) for path, family in ADDRESS_PATHS if enabled[family]
            ]
        return self._families[network]

    def rank(self) -> None:
        """Tells each node when it may choose: static addresses before dynamic ones of their network
        that might take them.

        First those with static addresses alone, then with a static IPv4 one, then with a static
        IPv6 one (which a dynamic one of the former can still take: no order is right for both),
        then all that nobody can be in the way of. A container that takes several addresses at its
        start comes as early as the first of them.
        """
        taken = {(claim.network, family) for claim in self.claims for family in claim.dynamic}
        for claim in self.claims:
            claim.node.rank = 3
        for claim in self.claims:
            if claim.static and any((claim.network, family) in taken for family in claim.static):
                claim.node.rank = min(_rank(claim), claim.node.rank)

    def _freed(self) -> dict[tuple[str, str], list[Node]]:
        """(network, address) -> what lets go of it."""
        freed: dict[tuple[str, str], list[Node]] = defaultdict(list)
        for index, node in self.nodes.disconnects.items():
            case = self.endpoints[index]
            if case.observed and not case.cure:
                self._free(freed, case.observed, node)
        for run in self.containers.cases.values():
            end = self.life.end(run)
            if end and run.observed and run.observed.live and run.goes:
                for endpoint in run.observed.endpoints:
                    self._free(freed, endpoint, end)
        return freed

    def _free(
        self, freed: Mapping[tuple[str, str], list[Node]], endpoint: ObservedEndpoint, node: Node
    ) -> None:
        if endpoint.network not in self.nodes.removes:
            for address in _held(endpoint):
                freed[endpoint.network, address].append(node)

    def edges(self) -> None:
        """A static address is given after whoever holds it let go, and before dynamic ones that
        might take it.
        """
        freed = self._freed()
        static: dict[tuple[str, str], list[Node]] = defaultdict(list)
        for claim in self.claims:
            for family in claim.static:
                static[claim.network, family].append(claim.node)
        if freed:
            for claim in self.claims:
                _after_holders(claim, freed)
        if static:
            for claim in self.claims:
                _after_static(claim, static)

    def risks(self) -> Iterator[Refusal]:
        """Static addresses that a dynamic one may take, because its container is needed before;
        known once the nodes have numbers.
        """
        takers: dict[tuple[str, str], set[str]] = defaultdict(set)
        owners: dict[tuple[str, str], _Claim] = {}
        for dynamic in (claim for claim in self.claims if claim.node.yielded):
            for claim in self.claims:
                for path, family in ADDRESS_PATHS:
                    contested = (
                        claim.network == dynamic.network
                        and path in claim.settings
                        and family in dynamic.dynamic
                    )
                    if contested and claim.node in dynamic.node.yielded:
                        key = claim.network, str(claim.settings[path])
                        owners[key] = claim
                        takers[key].add(dynamic.container)
        for (network, address), names in sorted(takers.items()):
            if self._reached(network, address, len(names)):
                yield _risk(owners[network, address], address, sorted(names))

    def unguarded(self, kept: Sequence[EndpointCase]) -> Iterator[str]:
        """Declared static addresses of containers that do not run, for which an engine keeps none:
        who has them, or may get them.
        """
        resting = [case for case in (*kept, *self.endpoints) if self._rests(case)]
        if not resting:
            return
        takers: dict[tuple[str, str], set[str]] = defaultdict(set)
        for claim in self.claims:
            for family in claim.dynamic:
                takers[claim.network, family].add(claim.container)
        holders = self._holders()
        for case in resting:
            settings = _settings_afterwards(case)
            where = f"{case.container.name} on {case.network} is stopped"
            for path, family in ADDRESS_PATHS:
                address, others = str(settings.get(path, "")), takers[case.network, family]
                if holder := holders.get((case.network, address)):
                    yield (
                        f"{where} and {holder} has its address {address}: starting it would fail"
                    )
                elif address and others and self._reached(case.network, address, len(others)):
                    yield (
                        f"{where}, so the engine may give its address {address} to"
                        f" {', '.join(sorted(others))}: starting it would then fail"
                    )

    def _rests(self, case: EndpointCase) -> bool:
        """Whether its container does not run, now or afterwards, and has not ended for good."""
        if (
            case.wanted is None
            or case.container.live
            or case.inside
            or case.container.name in self.life.starts
        ):
            return False
        run = self.containers.cases.get(case.container.name)
        return not (run and run.wanted and run.wanted.one_shot)

    def _holders(self) -> dict[tuple[str, str], str]:
        """(network, address) -> the running container that has it and keeps it."""
        leaving = {
            (self.endpoints[index].container.id, self.endpoints[index].network)
            for index in self.nodes.disconnects
        }
        going = {
            run.observed.id for run in self.containers.cases.values() if run.observed and run.goes
        }
        return {
            (endpoint.network, address.partition("/")[0]): container.name
            for container in self.observed.containers
            for endpoint in container.endpoints
            if container.id not in going and (container.id, endpoint.network) not in leaving
            for address in endpoint.addresses
        }

    def _reached(self, network: str, address: str, takers: int) -> bool:
        """Whether it may be among the next addresses that an engine gives: it gives the lowest that
        are free.
        """
        value = ip_address(address)
        pool = next(
            (
                pool
                for pool in settings_pools(self.settings.get(network, {}))
                if value in parsed(pool.subnet)
            ),
            None,
        )
        space = parsed(pool.ip_range or pool.subnet) if pool else None
        if pool is None or space is None or value not in space:
            return False
        gateway = pool.gateway or implicit_gateway(
            parsed(pool.subnet), parsed(pool.ip_range) if pool.ip_range else None
        )
        used = {
            str(parsed(pool.subnet).network_address),
            str(gateway),
            *(aux for _, aux in pool.aux_addresses),
        }
        used |= {
            str(claim.settings[path])
            for claim in self.claims
            for path in STATIC
            if path in claim.settings and claim.network == network
        }
        used |= {
            held
            for c in self.observed.containers
            for e in c.endpoints
            if e.network == network
            for held in _held(e)
        }
        lower = sum(
            ip_address(other) in space and int(ip_address(other)) < int(value) for other in used
        )
        return int(value) - int(space.network_address) - lower < takers


def _rank(claim: _Claim) -> int:
    """That of a claim with a static address that a dynamic one may take, as in `Claims.rank`."""
    if not claim.dynamic:
        return 0
    return 1 if "ipv4" in claim.static else 2


def _after_holders(claim: _Claim, freed: Mapping[tuple[str, str], Sequence[Node]]) -> None:
    """A static address is given after whoever holds it let go."""
    node = claim.node
    for family in claim.static:
        address = str(claim.settings[f"{family}_address"])
        for holder in freed.get((claim.network, address), ()):
            if holder is not node and holder not in node.needs:
                node.needs.append(holder)


def _after_static(claim: _Claim, static: Mapping[tuple[str, str], Sequence[Node]]) -> None:
    """A dynamic address is given after the static ones that it might take."""
    node = claim.node
    for family in claim.dynamic:
        others = static.get((claim.network, family), ())
        node.prefers.extend(other for other in others if other is not node)


def _settings_afterwards(case: EndpointCase) -> Settings:
    """What an endpoint has once the plan is carried out."""
    if case.target is not None:
        return case.target
    return case.observed.settings if case.observed else {}


def _risk(claim: _Claim, address: str, takers: Sequence[str]) -> Refusal:
    many = len(takers) > 1
    who = (
        f"{', '.join(takers)}, which {'are' if many else 'is'} started first and"
        f" get{'' if many else 's'} any free address"
    )
    message = (
        f"{claim.container} on {claim.network}: the engine may give address {address} to {who}"
    )
    way_out = (
        f"give {'them static addresses' if many else takers[0] + ' a static address'} too, or"
        f" {claim.network} an ip_range without {address}"
    )
    return Refusal(message, way_out, False, claim.source, (claim.network, claim.container))


def _held(endpoint: ObservedEndpoint) -> set[str]:
    """The addresses that an endpoint has, static or given."""
    static = {str(endpoint.settings[path]) for path in STATIC if path in endpoint.settings}
    return static | {address.partition("/")[0] for address in endpoint.addresses}

"""Static addresses that are about to be given: who has them, and who of these gives one up.

Somebody who is declared here and has an address by chance is reconnected; so is, where that is
allowed, who is not declared here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from ..fast_dataclasses import dataclass, field, replace
from ..model import RESTARTING, EngineInfo, ObservedContainer, ObservedEndpoint, ObservedState
from ..ownership import ours, owner
from ..plan import Refusal, Thing
from ..safety import Policy
from ..settings import ADDRESS_PATHS, STATIC, Settings
from .address_capacity import fits, is_static
from .compare import overlaid_endpoint
from .decisions import Containers, EndpointCase, Endpoints

_Address = tuple[str, str]
"""A network and an address on it."""


@dataclass(slots=True)
class Contest:
    """What became of it: `movers` are cases of endpoints that give an address up, by container ID
    and network.
    """

    movers: dict[tuple[str, str], EndpointCase] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)


def contest(
    topology: str,
    settings: Mapping[str, Settings],
    endpoints: Endpoints,
    containers: Containers,
    observed: ObservedState,
    policy: Policy,
) -> Contest:
    """Each static address must fit, be given once, and be free when it is needed. `settings` are
    those of all networks as they will be.
    """
    judge = _Judge(topology, endpoints, containers, observed.engine, policy)
    judge.given(settings)
    judge.stay()
    if judge.wanted:
        runs = containers.cases.values()
        going = {run.observed.id for run in runs if run.goes and run.observed}
        judge.held(container for container in observed.containers if container.id not in going)
    return judge.result


class _Judge:
    """`wanted` are the addresses that are given, or held by who is started; `started` the IDs of
    containers that run afterwards and do not now: what does not run holds none.
    """

    def __init__(
        self,
        topology: str,
        endpoints: Endpoints,
        containers: Containers,
        engine: EngineInfo,
        policy: Policy,
    ) -> None:
        self.topology, self.endpoints, self.engine, self.policy = (
            topology,
            endpoints,
            engine,
            policy,
        )
        self.started = {
            run.observed.id
            for run in containers.cases.values()
            if run.start and run.observed and not run.observed.live
        }
        self.wanted: dict[_Address, EndpointCase] = {}
        self.result = Contest()

    def given(self, settings: Mapping[str, Settings]) -> None:
        """The addresses of what is connected."""
        for case in sorted(
            filter(is_static, self.endpoints.cases),
            key=lambda case: (case.network, case.container.name, case.container.id),
        ):
            of = settings.get(case.network)
            for address, family in _given(case):
                if case.wanted and (refusal := _unfit(case, of, address, family, self.engine)):
                    self.result.refusals.append(refusal)
                elif other := self.wanted.get((case.network, address)):
                    self.result.refusals.append(taken(case, address, other.container.name, ""))
                else:
                    self.wanted[case.network, address] = case

    def stay(self) -> None:
        """Those of endpoints that stay as they are, whose container is started."""
        for case in self.endpoints.kept:
            if case.container.id in self.started:
                for address in _own_static(case):
                    self.wanted.setdefault((case.network, address), case)

    def held(self, containers: Iterable[ObservedContainer]) -> None:
        """Addresses held by endpoints that nothing happens to."""
        busy = {(case.container.id, case.network) for case in self.endpoints.cases}
        needed = defaultdict(set)
        for network, address in self.wanted:
            needed[network].add(address)
        kept = {
            (case.container.id, case.network): case
            for case in self.endpoints.kept
            if case.network in needed
        }
        for container in containers:
            for endpoint in container.endpoints:
                key = container.id, endpoint.network
                if endpoint.network in needed and key not in busy and not _is_away(endpoint):
                    among = needed[endpoint.network]
                    self._held_by(container, endpoint, among, kept.get(key))

    def _held_by(
        self,
        container: ObservedContainer,
        endpoint: ObservedEndpoint,
        needed: Collection[str],
        kept: EndpointCase | None,
    ) -> None:
        static, held = _addresses_of(endpoint)
        for address in sorted(held.intersection(needed)):
            case = self.wanted[endpoint.network, address]
            if case.target is None and not container.live:
                continue
            if kept and address in static:
                self.result.refusals.append(taken(case, address, container.name, ""))
            elif kept:
                self._move(kept, f"releases {address} for {case.container.name}")
            else:
                self._disturb(case, address, container, endpoint)

    def _move(self, case: EndpointCase, reason: str) -> None:
        """One that is declared here, and has the address by chance."""
        key = case.container.id, case.network
        if key in self.result.movers:  # it gives up all that it has
            return
        assert case.wanted is not None
        assert case.observed is not None
        mark = case.observed.mark
        own = mark if mark and ours(mark, self.topology) else None
        self.result.movers[key] = replace(
            case,
            disconnect=True,
            reason=reason,
            gives_up=True,
            mark=replace(own, declared=case.wanted.settings) if own else mark,
            target=overlaid_endpoint(case.wanted.settings, case.observed.settings, own),
        )

    def _disturb(
        self,
        case: EndpointCase,
        address: str,
        container: ObservedContainer,
        endpoint: ObservedEndpoint,
    ) -> None:
        """One that is not declared here; it is moved once, whatever it has."""
        key = container.id, endpoint.network
        if key in self.result.movers:
            return
        static = any(endpoint.settings.get(path) == address for path in STATIC)
        runs = case.container.live or not case.container.id or case.container.id in self.started
        if not (
            runs and self._can_move(container, endpoint, address, static)
        ):  # what does not run keeps no address free
            how = "" if static else " (assigned automatically)"
            self.result.refusals.append(taken(case, address, container.name, how))
        elif not self.policy.disrupt_foreign:
            self.result.refusals.append(_held(case, address, container, endpoint))
        else:
            self.result.movers[key] = _mover(case, address, container, endpoint)

    def _can_move(
        self, container: ObservedContainer, endpoint: ObservedEndpoint, address: str, static: bool
    ) -> bool:
        """Whether nobody asked for the address, or who did does not run and nothing keeps it for
        it.

        Of a topology's endpoint its mark says that; Podman does not say it of any. A service
        decides about its tasks, and what is being restarted cannot be connected.
        """
        declared = endpoint.mark is not None and address in endpoint.mark.declared.values()
        movable = (
            not (container.service or container.state == RESTARTING)
            and self.engine.flavor == "docker"
        )
        return movable and not declared and not (static and container.live)


def _mover(
    case: EndpointCase, address: str, container: ObservedContainer, endpoint: ObservedEndpoint
) -> EndpointCase:
    target = {
        path: value
        for path, value in endpoint.settings.items()
        if path not in STATIC or value != address
    }
    reason = (
        f"not declared here, releases {address} for {case.container.name}; reconnected with"
        " another address"
    )
    return EndpointCase(
        container,
        endpoint.network,
        endpoint,
        None,
        True,
        target,
        endpoint.mark,
        reason=reason,
        order=len(STATIC),
        gives_up=True,
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


def _unfit(
    case: EndpointCase, settings: Settings | None, address: str, family: str, engine: EngineInfo
) -> Refusal | None:
    if settings is None or fits(address, settings, family, engine):
        return None
    message = (
        f"{case.container.name} on {case.network}: {address} is not a usable address of"
        f" {case.network}"
    )
    subnets = settings.get(f"{family}.subnet", ())
    way_out = (
        f"choose an address in {' '.join(subnets)} that is not its gateway"
        if isinstance(subnets, tuple) and subnets
        else "remove it from the file"
    )
    return Refusal(
        message,
        way_out,
        False,
        case.wanted.source if case.wanted else None,
        (case.network, case.container.name),
    )


def _is_away(endpoint: ObservedEndpoint) -> bool:
    return endpoint.phantom or endpoint.missing


def _addresses_of(endpoint: ObservedEndpoint) -> tuple[set[str], set[str]]:
    """Its static addresses, and all that it has."""
    static = {str(endpoint.settings[path]) for path in STATIC if path in endpoint.settings}
    return static, static | {address.partition("/")[0] for address in endpoint.addresses}


def taken(case: EndpointCase, address: str, holder: str, how: str) -> Refusal:
    """Refuses an address that somebody has and keeps."""
    message = (
        f"{case.container.name} on {case.network}: address {address} is taken by container"
        f" {holder}{how}"
    )
    return Refusal(
        message,
        f"choose another address, or disconnect {holder} first",
        False,
        case.wanted.source if case.wanted else None,
        _about(case),
    )


def _held(
    case: EndpointCase, address: str, container: ObservedContainer, endpoint: ObservedEndpoint
) -> Refusal:
    whose = f"declared by topology {owner(endpoint)!r}" if endpoint.mark else "not declared here"
    how = "which got it automatically" if container.live else "which is not running"
    return Refusal(
        f"{case.container.name} on {case.network}: address {address} is held by container"
        f" {container.name}, {how} and is {whose}",
        f"allow it with --disrupt-foreign ({container.name} is"
        f" {'interrupted and ' if container.live else ''}reconnected with another address),"
        f" choose another address, or disconnect {container.name} first",
        source=case.wanted.source if case.wanted else None,
        about=_about(case),
    )


def _about(case: EndpointCase) -> Thing:
    return case.network, case.container.name

"""What becomes of each network: kept, created, replaced or removed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .. import safety
from ..marks import digests
from ..model import (
    PREDEFINED,
    STRICT_MODES,
    DesiredNetwork,
    DesiredState,
    EngineInfo,
    NetworkMark,
    ObservedContainer,
    ObservedNetwork,
    ObservedState,
)
from ..ownership import anothers, engines_own, ours, owner
from ..plan import Difference, Drift, Refusal
from ..safety import Policy
from .compare import network_differences, overlaid_network
from .decisions import NetworkCase, Networks
from .recover import TAKEN_AWAY
from .swarm_use import in_use


def decide_networks(desired: DesiredState, observed: ObservedState, policy: Policy) -> Networks:
    """A case for every declared, owned or predefined network. Refused ones stay, so that the rest
    still shows.
    """
    return _Decider(desired, observed, policy).run()


class _Decider:
    """One method per kind of network, then what stands against taking those away that go."""

    def __init__(self, desired: DesiredState, observed: ObservedState, policy: Policy) -> None:
        self.desired, self.observed, self.policy = desired, observed, policy
        self.engine = observed.engine
        self.result = Networks()
        self.members = _declared_members(desired, observed.containers)

    def run(self) -> Networks:
        by_name: dict[str, list[ObservedNetwork]] = defaultdict(list)
        for network in self.observed.networks:
            by_name[network.name].append(network)
        for name, wanted in self.desired.networks.items():
            self._wanted(wanted, by_name.get(name, ()))
        for name, networks in by_name.items():
            if name not in self.desired.networks:
                self._undeclared(name, networks)
            if name in PREDEFINED and name not in self.result.cases:
                self.result.cases[name] = NetworkCase(name, "keep", observed=networks[0])
        self._refuse_breakage([case for case in self.result.cases.values() if case.goes])
        return self.result

    # --- declared ---

    def _wanted(self, wanted: DesiredNetwork, present: Sequence[ObservedNetwork]) -> None:
        if len(present) > 1:
            self.result.refusals.append(_ambiguous(wanted.name, present, wanted))
            return
        network = present[0] if present else None
        case = NetworkCase(wanted.name, "keep", wanted, network)
        if network is None and wanted.external:
            self._missing_external(case, wanted)
            return
        self.result.cases[wanted.name] = case
        if wanted.external:
            return
        if network is None:
            self._create(case, wanted, "declared, does not exist")
        elif network.missing:
            self._bring_back(case, wanted, network)
        elif refusal := self._not_ours(network, wanted):
            self.result.refusals.append(refusal)
        else:
            self._compare(case, wanted, network)

    def _missing_external(self, case: NetworkCase, wanted: DesiredNetwork) -> None:
        name = wanted.name
        if self.engine.swarm == "worker":
            self.result.cases[name] = case
            self.result.notes.append(
                f"network {name} is not on this node: assumed to be a swarm network, of which a"
                " worker sees only those in use here"
            )
        elif wanted.optional:
            self.result.notes.append(f"network {name} does not exist: optional, skipped")
        else:
            message = f"network {name} is external and does not exist"
            way_out = (
                f"create it first (docker network create {name}), declare it optional: true, or"
                " remove external: true"
            )
            self.result.refusals.append(Refusal(message, way_out, False, wanted.source, (name, "")))

    def _not_ours(self, network: ObservedNetwork, wanted: DesiredNetwork) -> Refusal | None:
        if engines_own(network, self.engine):
            return Refusal(
                f"network {wanted.name} is a built-in network of the engine",
                "declare it external: true",
                source=wanted.source,
                about=(wanted.name, ""),
            )
        return safety.ownership(network, self.desired.topology, wanted, self.policy)

    def _create(self, case: NetworkCase, wanted: DesiredNetwork, reason: str) -> None:
        case.fate, case.target, case.reason = "create", wanted.settings, reason
        case.mark = self._mark(wanted)

    def _bring_back(
        self, case: NetworkCase, wanted: DesiredNetwork, network: ObservedNetwork
    ) -> None:
        """One that an interrupted run took away."""
        case.differences = self._differences(wanted, network)
        self._create(case, wanted, TAKEN_AWAY)
        case.target = overlaid_network(wanted.settings, network.settings, case.differences)

    def _compare(self, case: NetworkCase, wanted: DesiredNetwork, network: ObservedNetwork) -> None:
        adopted = not ours(network, self.desired.topology)
        case.differences = self._differences(wanted, network)
        if case.differences or adopted:
            case.fate, case.mark = "replace", self._mark(wanted)
            case.target = overlaid_network(wanted.settings, network.settings, case.differences)
            case.reason = (
                "must be replaced"
                if case.differences
                else "is adopted: labels cannot be changed in place"
            )
        if not self.policy.reset and (refusal := _dropped_by_the_engine(case, wanted, self.engine)):
            self.result.refusals.append(refusal)
        drifted = [d.path for d in case.differences if d.cause == "drift"]
        if drifted:
            what = "recreated with a different " + ", ".join(drifted)
            self.result.drift.append(Drift(f"network {case.name}", what))

    def _differences(
        self, wanted: DesiredNetwork, network: ObservedNetwork
    ) -> tuple[Difference, ...]:
        mark = network.mark if ours(network, self.desired.topology) else None
        return network_differences(wanted.settings, network.settings, mark.hashes if mark else {})

    def _mark(self, wanted: DesiredNetwork) -> NetworkMark:
        return NetworkMark(
            self.desired.topology,
            digests(wanted.settings),
            dict(self.members.get(wanted.name, {})),
            wanted.protect,
            self.desired.origin,
        )

    # --- not declared ---

    def _undeclared(self, name: str, networks: Sequence[ObservedNetwork]) -> None:
        """Ours go, unless the file of the topology that is destroyed says that they are not."""
        owned = [network for network in networks if ours(network, self.desired.topology)]
        file = self.policy.destroyed
        if owned and file and name in file.networks and file.networks[name].external:
            self.result.notes.append(
                f"network {name} is not removed: the file declares it external"
            )
            return
        for network in owned:
            self._dropped(network, len(networks))

    def _dropped(self, network: ObservedNetwork, same_name: int) -> None:
        name = network.name
        if same_name > 1:
            message = f"network {name} must be removed, but {same_name} networks have this name"
            way_out = "remove the surplus ones by ID (docker network rm ID)"
            self.result.refusals.append(Refusal(message, way_out, unsafe=False, about=(name, "")))
            return
        destroyed = self.policy.destroyed or not network.mark
        reason = "topology is destroyed" if destroyed else "no longer declared"
        self.result.cases[name] = NetworkCase(name, "remove", observed=network, reason=reason)

    # --- what stands against taking networks away ---

    def _refuse_breakage(self, going: Sequence[NetworkCase]) -> None:
        if not going:
            return
        modes = _by_mode(
            container
            for container in self.observed.containers
            if self.policy.keep_containers or not _made_anew(container, self.desired)
        )
        tasks = _tasks(self.observed.containers)
        for case in going:
            if case.observed:
                verb = "replaced" if case.fate == "replace" else "removed"
                self.result.refusals += _breakage(
                    case, case.observed, verb, modes, self.engine, self.policy
                )
                self.result.refusals += in_use(
                    case.observed, verb, self.engine, tasks.get(case.observed.id, ())
                )


def _made_anew(container: ObservedContainer, desired: DesiredState) -> bool:
    """Whether a container that was created on a network that goes is itself recreated, or
    removed.
    """
    if not ours(container, desired.topology):
        return False
    declared = desired.containers.get(container.name)
    return declared is None or declared.managed


def _tasks(containers: Iterable[ObservedContainer]) -> dict[str, list[ObservedContainer]]:
    """Network ID -> the tasks of swarm services that are on it here, but for attachments that a
    topology made.
    """
    result: dict[str, list[ObservedContainer]] = defaultdict(list)
    for container in containers:
        if container.service:
            for endpoint in container.endpoints:
                if endpoint.mark is None:
                    result[endpoint.network_id].append(container)
    return result


def _by_mode(containers: Iterable[ObservedContainer]) -> dict[str, list[ObservedContainer]]:
    """The containers whose NetworkMode is, or may be short for, a name or an ID: by the mode, and
    by the first twelve characters of one.
    """
    result: dict[str, list[ObservedContainer]] = defaultdict(list)
    for container in containers:
        for key in {container.network_mode, container.network_mode[:12]}:
            result[key].append(container)
    return result


def _declared_members(
    desired: DesiredState, containers: Sequence[ObservedContainer]
) -> dict[str, dict[str, str]]:
    """Network name -> container name -> short ID, for the declared endpoints whose container
    exists.
    """
    result: dict[str, dict[str, str]] = defaultdict(dict)
    for container in containers:
        if declared := desired.containers.get(container.name):
            for endpoint in declared.endpoints:
                result[endpoint.network][container.name] = container.id[:12]
    return result


def _dropped_by_the_engine(
    case: NetworkCase, wanted: DesiredNetwork, engine: EngineInfo
) -> Refusal | None:
    """Of a network that lacks nothing but settings that it was created with: nobody can take these
    away, and it would lack them again.
    """
    lost = [
        d.path
        for d in case.differences
        if d.cause == "drift" and d.before is None and not d.path.startswith("labels.")
    ]
    if not lost or len(lost) < len(case.differences):
        return None
    message = (
        f"network {case.name} was created with {', '.join(lost)}, which {engine.product}"
        f" {engine.version} did not keep"
    )
    way_out = (
        "remove it from the file; if another tool recreated the network without it: docker network"
        f" rm {case.name}"
    )
    return Refusal(message, way_out, False, wanted.source, (case.name, ""))


def _subnets(network: ObservedNetwork) -> str:
    subnets = network.settings.get("ipv4.subnet")
    return " ".join(subnets) if isinstance(subnets, tuple) and subnets else "no subnet"


def _ambiguous(name: str, present: Sequence[ObservedNetwork], wanted: DesiredNetwork) -> Refusal:
    candidates = ", ".join(
        f"{network.id[:12]} ({_subnets(network)})"
        for network in sorted(present, key=lambda network: network.id)
    )
    message = f"{len(present)} networks are named {name}: {candidates}"
    return Refusal(
        message,
        "remove all but one of them by ID (docker network rm ID)",
        False,
        wanted.source,
        (name, ""),
    )


def _breakage(
    case: NetworkCase,
    network: ObservedNetwork,
    verb: str,
    modes: Mapping[str, Sequence[ObservedContainer]],
    engine: EngineInfo,
    policy: Policy,
) -> Iterator[Refusal]:
    """What stands against taking this network away."""
    if refusal := safety.protection(network, case.wanted, policy, verb):
        yield refusal
    protected = network.mark is not None and network.mark.protect
    if case.mark and protected and anothers(network, case.mark.topology):
        yield Refusal(
            f"network {case.name} is protected by topology {owner(network)!r} and would be {verb}",
            "a protected network cannot be adopted: choose another name",
            source=case.wanted.source if case.wanted else None,
            about=(case.name, ""),
        )
    by_id_breaks = engine.is_docker(STRICT_MODES)
    for container in (*modes.get(network.name, ()), *modes.get(network.id[:12], ())):
        if refusal := safety.network_mode(container, network, verb == "replaced", by_id_breaks):
            yield refusal

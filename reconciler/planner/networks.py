"""What becomes of each network: kept, created, replaced or removed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

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
from ..records import dataclass, field
from ..safety import Policy
from ..settings import Settings
from .compare import network_differences, overlaid_network
from .recover import TAKEN_AWAY
from .swarm_use import in_use

Fate = Literal["keep", "create", "replace", "remove"]


@dataclass(slots=True)
class NetworkCase:
    """One network in scope. `target` and `mark` are what it is made with, where it is made."""

    name: str
    fate: Fate
    wanted: DesiredNetwork | None = None
    observed: ObservedNetwork | None = None
    target: Settings = field(default_factory=dict)
    mark: NetworkMark | None = None
    differences: tuple[Difference, ...] = ()
    reason: str = ""

    @property
    def goes(self) -> bool:
        """Whether the observed network is taken away."""
        return self.fate in ("replace", "remove")

    @property
    def comes(self) -> bool:
        """Whether a new network is made."""
        return self.fate in ("create", "replace")

    @property
    def subnets_change(self) -> bool:
        """Whether a static address may no longer fit."""
        return self.fate == "create" or any(
            ".subnet" in difference.path for difference in self.differences
        )


@dataclass(slots=True)
class Networks:
    """All cases by name, and what was said about them."""

    cases: dict[str, NetworkCase] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def decide_networks(desired: DesiredState, observed: ObservedState, policy: Policy) -> Networks:
    """A case for every declared, owned or predefined network. Refused ones stay, so that the rest
    still shows.
    """
    result = Networks()
    by_name: dict[str, list[ObservedNetwork]] = defaultdict(list)
    for network in observed.networks:
        by_name[network.name].append(network)
    members = _declared_members(desired, observed.containers)
    for name, wanted in desired.networks.items():
        _decide_declared(
            result,
            wanted,
            by_name.get(name, ()),
            desired,
            members.get(name, {}),
            policy,
            observed.engine,
        )
    external = (
        {name for name, wanted in policy.destroyed.networks.items() if wanted.external}
        if policy.destroyed
        else set()
    )
    for name, networks in by_name.items():
        owned = [n for n in networks if ours(n, desired.topology) and name not in desired.networks]
        if owned and name in external:
            result.notes.append(f"network {name} is left: the file declares it external")
            continue
        for network in owned:
            _decide_dropped(result, network, len(networks), policy)
        if name in PREDEFINED and name not in result.cases:
            result.cases[name] = NetworkCase(name, "keep", observed=networks[0])
    going = [case for case in result.cases.values() if case.goes]
    modes = (
        _by_mode(
            c for c in observed.containers if policy.keep_containers or not _made_anew(c, desired)
        )
        if going
        else {}
    )
    tasks = _tasks(observed.containers) if going else {}
    for case in going:
        _refuse_breakage(result, case, modes, observed.engine, policy)
        if case.observed:
            verb = "replaced" if case.fate == "replace" else "removed"
            result.refusals += in_use(
                case.observed, verb, observed.engine, tasks.get(case.observed.id, ())
            )
    return result


def _made_anew(container: ObservedContainer, desired: DesiredState) -> bool:
    """Whether a container that was created on a network that goes is itself made anew, or
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
        for endpoint in container.endpoints if container.service else ():
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
        declared = desired.containers.get(container.name)
        for endpoint in declared.endpoints if declared else ():
            result[endpoint.network][container.name] = container.id[:12]
    return result


def _decide_declared(
    result: Networks,
    wanted: DesiredNetwork,
    present: Sequence[ObservedNetwork],
    desired: DesiredState,
    members: Mapping[str, str],
    policy: Policy,
    engine: EngineInfo,
) -> None:
    name = wanted.name
    if len(present) > 1:
        result.refusals.append(_ambiguous(name, present, wanted))
        return
    network = present[0] if present else None
    case = result.cases[name] = NetworkCase(name, "keep", wanted, network)
    if wanted.external:
        if network is None and engine.swarm == "worker":
            result.notes.append(
                f"network {name} is not on this node: taken for one of the swarm's, of which a"
                " worker sees only those in use here"
            )
        elif network is None and wanted.optional:
            del result.cases[name]
            result.notes.append(
                f"network {name} does not exist: optional, nothing is attached to it"
            )
        elif network is None:
            del result.cases[name]
            message = f"network {name} is external and does not exist"
            way_out = (
                f"create it first (docker network create {name}), declare it optional: true, or"
                " take out external: true"
            )
            result.refusals.append(Refusal(message, way_out, False, wanted.source, (name, "")))
        return
    if network is None:
        case.fate, case.target, case.reason = "create", wanted.settings, "declared, does not exist"
        case.mark = _mark(desired, wanted, members)
        return
    if engines_own(network, engine) and not network.missing:
        message = f"network {name} belongs to the engine"
        result.refusals.append(
            Refusal(message, "declare it external: true", source=wanted.source, about=(name, ""))
        )
        return
    if not network.missing and (
        refusal := safety.ownership(network, desired.topology, wanted, policy)
    ):
        result.refusals.append(refusal)
        return
    is_ours = ours(network, desired.topology)
    recorded = network.mark.hashes if network.mark and is_ours else {}
    case.differences = network_differences(wanted.settings, network.settings, recorded)
    if network.missing:
        case.fate, case.mark, case.reason = "create", _mark(desired, wanted, members), TAKEN_AWAY
        case.target = overlaid_network(wanted.settings, network.settings, case.differences)
        return
    if case.differences or not is_ours:
        case.fate, case.mark = "replace", _mark(desired, wanted, members)
        case.target = overlaid_network(wanted.settings, network.settings, case.differences)
        case.reason = (
            "must be replaced"
            if case.differences
            else "is adopted: labels cannot be changed in place"
        )
    if not policy.reset and (refusal := _dropped_by_the_engine(case, wanted, engine)):
        result.refusals.append(refusal)
    drifted = [d.path for d in case.differences if d.cause == "drift"]
    if drifted:
        result.drift.append(
            Drift(f"network {name}", "made anew with another " + ", ".join(drifted))
        )


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
        "take it out of the file; if another tool made the network anew without it: docker network"
        f" rm {case.name}"
    )
    return Refusal(message, way_out, False, wanted.source, (case.name, ""))


def _mark(desired: DesiredState, wanted: DesiredNetwork, members: Mapping[str, str]) -> NetworkMark:
    return NetworkMark(
        desired.topology, digests(wanted.settings), dict(members), wanted.protect, desired.origin
    )


def _subnets(network: ObservedNetwork) -> str:
    subnets = network.settings.get("ipv4.subnet")
    return " ".join(subnets) if isinstance(subnets, tuple) and subnets else "no subnet"


def _ambiguous(name: str, present: Sequence[ObservedNetwork], wanted: DesiredNetwork) -> Refusal:
    candidates = ", ".join(
        f"{network.id[:12]} ({_subnets(network)})"
        for network in sorted(present, key=lambda network: network.id)
    )
    message = f"network {name} exists {len(present)} times: {candidates}"
    return Refusal(
        message,
        "remove all but one of them by ID (docker network rm ID)",
        False,
        wanted.source,
        (name, ""),
    )


def _decide_dropped(
    result: Networks, network: ObservedNetwork, same_name: int, policy: Policy
) -> None:
    if same_name > 1:
        message = f"network {network.name} is to be removed, and exists {same_name} times"
        way_out = "remove the ones that are too many by ID (docker network rm ID)"
        result.refusals.append(Refusal(message, way_out, unsafe=False, about=(network.name, "")))
        return
    reason = (
        "topology is destroyed" if policy.destroyed or not network.mark else "no longer declared"
    )
    result.cases[network.name] = NetworkCase(
        network.name, "remove", observed=network, reason=reason
    )


def _refuse_breakage(
    result: Networks,
    case: NetworkCase,
    modes: Mapping[str, Sequence[ObservedContainer]],
    engine: EngineInfo,
    policy: Policy,
) -> None:
    """Refusals that stand against taking this network away."""
    network = case.observed
    if network is None:
        return
    replaced = case.fate == "replace"
    verb = "replaced" if replaced else "removed"
    if refusal := safety.protection(network, case.wanted, policy, verb):
        result.refusals.append(refusal)
    if (
        case.mark
        and network.mark
        and network.mark.protect
        and anothers(network, case.mark.topology)
    ):
        message = (
            f"network {case.name} is protected by topology {owner(network)!r} and would be {verb}"
        )
        source = case.wanted.source if case.wanted else None
        result.refusals.append(
            Refusal(
                message,
                "it is not to be adopted: choose another name",
                source=source,
                about=(case.name, ""),
            )
        )
    by_id_breaks = engine.is_docker(STRICT_MODES)
    for container in (*modes.get(network.name, ()), *modes.get(network.id[:12], ())):
        if refusal := safety.network_mode(container, network, replaced, by_id_breaks):
            result.refusals.append(refusal)

"""What becomes of each endpoint: kept, connected, disconnected or reconnected, and with which
settings.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .. import safety
from ..marks import ATTACHED
from ..model import (
    PREDEFINED,
    ContainerMark,
    DesiredContainer,
    DesiredEndpoint,
    DesiredState,
    EndpointMark,
    EngineInfo,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedState,
)
from ..network_mode import read_mode
from ..ownership import anothers, ours, owner
from ..plan import Difference, Drift, Refusal
from ..records import dataclass, field, replace
from ..safety import Policy
from ..settings import STATIC, SYSCTLS_OPTION, Settings
from .compare import endpoint_differences, overlaid_endpoint
from .containers import GONE, HALF, ContainerCase, Containers
from .networks import NetworkCase, Networks
from .recover import TAKEN_AWAY
from .swarm_use import is_hidden, task_endpoint


@dataclass(slots=True, eq=False)
class EndpointCase:
    """One endpoint in scope. `target` is what it is connected with; None where it ends disconnected
    or stays as it is.
    """

    container: ObservedContainer
    network: str
    observed: ObservedEndpoint | None = None
    wanted: DesiredEndpoint | None = None
    disconnect: bool = False
    target: Settings | None = None
    mark: EndpointMark | None = None
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    drift: bool = False
    restored: bool = False
    """Only put back as it was, because its network is replaced: part of that change, none of its
    own.
    """
    order: int = 0
    """Its place among the container's endpoints in the file."""
    cure: bool = False
    """A phantom that nobody wants: connected, so that it can be disconnected."""
    inside: bool = False
    """Its container is created with it: no call of its own, and in force once the container is
    started.
    """
    kept: bool = False
    """Another topology's, on a container that is made anew: part of that change, none of its own.
    """
    stale: bool = False
    """A stopped container lists a network that is gone: disconnected from the new network of that
    name, then connected.
    """
    gives_up: bool = False
    """Only connected anew because another needs its address."""


MISSING = "declared when the network was made, not attached now"
TAKEN_OFF = "created with it, not attached now"
STALE = "its network was made anew: the container could not start"
GHOST = (
    "not registered with the swarm (a failed connect came before it): its address may be given to"
    " another"
)
PHANTOM = "listed but not attached (a failed connect left it): the next restart would fail"


@dataclass(slots=True)
class Endpoints:
    """All cases in which something happens, and what was said about the others."""

    cases: list[EndpointCase] = field(default_factory=list)
    kept: list[EndpointCase] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _Decider:
    """Walks all containers once; one method per kind of endpoint."""

    def __init__(
        self,
        desired: DesiredState,
        observed: ObservedState,
        networks: Networks,
        containers: Containers,
        policy: Policy,
    ) -> None:
        self.desired, self.observed, self.networks, self.policy = (
            desired,
            observed,
            networks,
            policy,
        )
        self.containers = containers
        self.engine: EngineInfo = observed.engine
        self.result = Endpoints()
        self.ids = {network.id for network in observed.networks}
        self.names = {network.name for network in observed.networks}

    def run(self) -> Endpoints:
        present = {c.name: c for c in self.observed.containers if c.state not in GONE}
        for name, wanted in self.desired.containers.items():
            if name not in present and not wanted.managed:
                self._missing(wanted)
        for case in self.containers.cases.values():
            if case.comes:
                self._created(case)
        for container in self.observed.containers:
            run = self.containers.of(container)
            if container.state not in GONE and not (run and run.goes):
                self._container(container, self.desired.containers.get(container.name))
        return self.result

    def _created(self, case: ContainerCase) -> None:
        """The endpoints that a container is created with."""
        assert case.wanted is not None
        assert case.spec is not None
        new = ObservedContainer("", case.name, "created", case.spec.mode)
        for order, wanted in enumerate(case.wanted.endpoints):
            if wanted.network in self.networks.cases:
                mark = self._made(wanted)
                self.result.cases.append(
                    EndpointCase(
                        new,
                        wanted.network,
                        None,
                        wanted,
                        False,
                        wanted.settings,
                        mark,
                        reason=case.reason,
                        order=order,
                        inside=True,
                    )
                )

    def _missing(self, wanted: DesiredContainer) -> None:
        if wanted.optional:
            self.result.notes.append(f"container {wanted.name} does not exist: optional, skipped")
            return
        message, way_out = (
            f"container {wanted.name} does not exist",
            "start it first, or declare it optional: true",
        )
        self.result.refusals.append(
            Refusal(message, way_out, False, wanted.source, ("", wanted.name))
        )

    def _container(self, container: ObservedContainer, wanted: DesiredContainer | None) -> None:
        if wanted is None or self._has_the_name_only(container):
            declared = {}  # nothing of what is declared is about it
        else:
            declared = {e.network: (order, e) for order, e in enumerate(wanted.endpoints)}
            if declared and not self._attachable(container, wanted):
                return
        managed = self.containers.of(container) is not None
        before, last = len(self.result.cases), len(declared)
        for endpoint in container.endpoints:
            if not (endpoint.missing and endpoint.network == "none"):
                order, declaration = declared.pop(endpoint.network, (last, None))
                case = EndpointCase(container, endpoint.network, endpoint, declaration, order=order)
                self._present(case, endpoint, managed)
        for name, (order, absent) in declared.items():
            if name in self.networks.cases:
                self._absent(EndpointCase(container, name, None, absent, order=order), absent)
        self._around_none(container, self.result.cases[before:])

    def _present(self, case: EndpointCase, endpoint: ObservedEndpoint, managed: bool) -> None:
        """One that is there, declared or not."""
        container, declaration = case.container, case.wanted
        if endpoint.half:
            self._half(container, endpoint, declaration, managed)
        elif container.service and endpoint.mark is None:
            self._of_task(case, declaration, endpoint)
        elif declaration:
            self._declared(case, declaration, endpoint, managed)
        elif not (managed and self._surplus(case, endpoint)):
            self._undeclared(case, endpoint)

    def _of_task(
        self, case: EndpointCase, wanted: DesiredEndpoint | None, endpoint: ObservedEndpoint
    ) -> None:
        """A swarm's service decides about the attachments of its tasks: none is ever taken off or
        made again.
        """
        if wanted is None:
            network = self.networks.cases.get(case.network)
            if (
                network
                and network.observed
                and self._ours(network.observed.mark)
                and not network.goes
            ):
                whose = f"a task of swarm service {case.container.service}"
                self.result.notes.append(
                    f"{case.container.name} on {case.network} is left alone: {whose}"
                )
        elif endpoint_differences(
            wanted.settings,
            case.container,
            endpoint,
            None,
            addresses_readable=self.engine.flavor == "docker",
        ):
            self.result.refusals.append(task_endpoint(case.container, case.network, wanted.source))
        else:
            self.result.kept.append(case)

    def _half(
        self,
        container: ObservedContainer,
        endpoint: ObservedEndpoint,
        wanted: DesiredEndpoint | None,
        managed: bool,
    ) -> None:
        """Whole once the container is started anew, which is done to one that we run."""
        network = self.networks.cases.get(endpoint.network)
        concerns = wanted or self._ours(endpoint.mark) or (network and network.goes)
        if concerns and not managed:
            what = HALF.format(endpoint.network)
            self.result.drift.append(Drift(f"{container.name} x {endpoint.network}", what))
            way_out = f"docker restart {container.name} makes it whole; then run this again"
            if (
                f"driver_opts.{SYSCTLS_OPTION}" in endpoint.settings
            ):  # with a wrong one no start succeeds
                way_out = (
                    f"mend {SYSCTLS_OPTION} of it, docker stop {container.name}, and run this again"
                )
            message, source = (
                f"container {container.name} {what}",
                wanted.source if wanted else None,
            )
            self.result.refusals.append(
                Refusal(message, way_out, False, source, ("", container.name))
            )

    def _has_the_name_only(self, container: ObservedContainer) -> bool:
        """Whether it is somebody else's with the name of one that the file runs: refused, or left
        alone where no container is touched.
        """
        wanted = self.desired.containers.get(container.name)
        return wanted is not None and wanted.managed and self.containers.of(container) is None

    def _attachable(self, container: ObservedContainer, wanted: DesiredContainer) -> bool:
        mode = read_mode(container.network_mode)
        if mode.attachable:
            return True
        what = "the host's network" if mode.kind == "host" else "another container's network"
        message = f"container {container.name} shares {what} and cannot be attached to any other"
        way_out = f"create it anew without --network {mode.kind}"
        self.result.refusals.append(
            Refusal(message, way_out, False, wanted.source, ("", container.name))
        )
        return False

    def _around_none(self, container: ObservedContainer, cases: Sequence[EndpointCase]) -> None:
        """A container on `none` can be on no other network: it leaves that one first, and is back
        on it when it has no other any more.
        """
        endpoint = container.endpoint("none")
        if any(case.target is not None for case in cases) and endpoint and not endpoint.missing:
            reason = "a container on none can be on no other network"
            self.result.cases.append(
                EndpointCase(container, "none", endpoint, disconnect=True, reason=reason)
            )
        if (
            container.network_mode != "none"
            or self.engine.flavor != "docker"
            or (endpoint and not endpoint.missing)
        ):
            return
        after = {e.network for e in container.endpoints if not e.missing}
        after -= {
            case.network for case in cases if case.disconnect and (case.target is None or case.cure)
        }
        after |= {case.network for case in cases if case.target is not None and not case.cure}
        left = any(case.disconnect for case in cases) or any(e.missing for e in container.endpoints)
        if not after and left:
            reason = "created with network mode none, and on no other network any more"
            self.result.cases.append(EndpointCase(container, "none", target={}, reason=reason))

    # --- declared ---

    def _absent(self, case: EndpointCase, wanted: DesiredEndpoint) -> None:
        case.target, case.mark = wanted.settings, self._made(wanted)
        case.reason = "declared, not attached"
        network = self.networks.cases[case.network].observed
        recorded = (
            network.mark.endpoints.get(case.container.name)
            if network and self._ours(network.mark) and network.mark
            else None
        )
        made = case.container.mark
        if made and self._ours(made) and f"{ATTACHED}{case.network}" in made.hashes:
            recorded = case.container.id[:12]
        unfinished = (
            made is not None and case.container.state == "created"
        )  # an apply ended before it was attached and started
        if recorded and not unfinished:
            same = recorded == case.container.id[:12]
            case.drift, case.reason = True, TAKEN_OFF
            if not made:
                case.reason = MISSING if same else "the container was made anew"
            self.result.drift.append(Drift(f"{case.container.name} x {case.network}", case.reason))
        self.result.cases.append(case)

    def _declared(
        self, case: EndpointCase, wanted: DesiredEndpoint, endpoint: ObservedEndpoint, managed: bool
    ) -> None:
        network = self.networks.cases.get(case.network)
        if network is None:  # refused already: ambiguous, or external and missing
            return
        mark = endpoint.mark if self._ours(endpoint.mark) else None
        if endpoint.mark and self._adopts(network, endpoint.mark):
            mark = replace(endpoint.mark, topology=self.desired.topology)
        if managed and not (
            endpoint.mark and not mark
        ):  # what is on a container that we run is ours, whoever connected it
            mark = EndpointMark(self.desired.topology, "made", mark.declared if mark else {})
        case.differences = endpoint_differences(
            wanted.settings,
            case.container,
            endpoint,
            mark,
            addresses_readable=self.engine.flavor == "docker",
            heeds_mac=self.engine.heeds_mac,
        )
        case.stale, stale = self._is_gone(endpoint), self._is_stale(endpoint)
        if endpoint.mark and not mark and (case.differences or endpoint.phantom or stale):
            self._refuse_other(case, endpoint.mark)
            return
        if not (
            case.differences
            or endpoint.phantom
            or stale
            or network.goes
            or endpoint.missing
            or endpoint.ghost
        ):
            if (
                endpoint.mark is None
                and not managed
                and network.name != "bridge"
                and self.engine.flavor == "docker"
            ):
                self.result.notes.append(
                    f"{case.container.name} on {case.network} was attached by somebody else: it"
                    " stays when no longer declared"
                )
            self.result.kept.append(case)
            return
        case.disconnect = not (endpoint.phantom or endpoint.missing)
        case.target = overlaid_endpoint(wanted.settings, _own_settings(endpoint), mark)
        case.mark = self._remade(wanted, endpoint, mark, bool(case.differences))
        case.restored = network.goes and not (
            case.differences or endpoint.phantom or stale or endpoint.missing or endpoint.ghost
        )
        case.reason = _why_anew(case, endpoint, stale)
        broken = stale or endpoint.phantom or (endpoint.ghost and not case.differences)
        case.drift = broken or any(d.cause == "drift" for d in case.differences)
        if case.drift:
            what = (
                case.reason if broken else "changed: " + ", ".join(d.path for d in case.differences)
            )
            self.result.drift.append(Drift(f"{case.container.name} x {case.network}", what))
        self.result.cases.append(case)

    def _is_stale(self, endpoint: ObservedEndpoint) -> bool:
        """Whether it is bound to a network that is gone.

        One that never ran is bound by name, to whatever has it when it starts; so is one on the
        engine's own networks, of which `bridge` has another ID after each restart of the engine.
        """
        gone = (
            bool(endpoint.network_id)
            and endpoint.network_id not in self.ids
            and endpoint.network not in PREDEFINED
        )
        return gone and not is_hidden(endpoint, self.engine)

    def _is_gone(self, endpoint: ObservedEndpoint) -> bool:
        return is_gone(endpoint, self.ids, self.names, self.engine)

    def _adopts(self, network: NetworkCase, mark: EndpointMark) -> bool:
        """Whether the network is taken over from the topology that marked the endpoint: then what
        is declared of it goes along.
        """
        network_mark = network.observed.mark if network.observed and network.goes else None
        return (
            anothers(network_mark, self.desired.topology) and owner(network_mark) == mark.topology
        )

    def _made(self, wanted: DesiredEndpoint) -> EndpointMark:
        return EndpointMark(self.desired.topology, "made", wanted.settings)

    def _remade(
        self,
        wanted: DesiredEndpoint,
        endpoint: ObservedEndpoint,
        mark: EndpointMark | None,
        differs: bool,
    ) -> EndpointMark | None:
        """The mark of an endpoint that is connected anew: ours keep their kind, others become
        amended only where they are changed.
        """
        if endpoint.mark and not mark:
            return endpoint.mark
        if mark is None and not differs:
            return None
        if mark and mark.how == "made":
            return self._made(wanted)
        before = {
            **(mark.before if mark else _own_settings(endpoint)),
            **self._own_mac(wanted, endpoint, mark),
        }
        return EndpointMark(self.desired.topology, "amended", wanted.settings, before)

    def _own_mac(
        self, wanted: DesiredEndpoint, endpoint: ObservedEndpoint, mark: EndpointMark | None
    ) -> Settings:
        """The MAC address that an endpoint gets back once the file declares none for it any
        more.
        """
        ours = mark is not None and "mac_address" in mark.declared
        taken = (
            self.engine.heeds_mac and "mac_address" in wanted.settings and endpoint.mac and not ours
        )
        return {"mac_address": endpoint.mac} if taken else {}

    def _refuse_other(self, case: EndpointCase, mark: EndpointMark) -> None:
        message = (
            f"endpoint {case.container.name} on {case.network} belongs to topology"
            f" {mark.topology!r} and differs"
        )
        way_out = f"declare it in one of the two topologies only, {safety.renamed(mark.topology)}"
        source, about = (
            case.wanted.source if case.wanted else None,
            (case.network, case.container.name),
        )
        self.result.refusals.append(Refusal(message, way_out, source=source, about=about))

    # --- not declared ---

    def _surplus(self, case: EndpointCase, endpoint: ObservedEndpoint) -> bool:
        """An endpoint of a container that we run: the declared list is complete, but for what
        another topology declares.
        """
        if case.network in ("none", "host") or (endpoint.mark and not self._ours(endpoint.mark)):
            return False
        if endpoint.missing and not endpoint.phantom:  # it was taken away on purpose
            return True
        network = self.networks.cases.get(case.network)
        case.stale = self._is_gone(endpoint)
        lost = (
            case.stale
            and case.network not in self.names
            and not (network is not None and network.comes)
        )
        case.cure = endpoint.phantom and not lost
        case.target = {} if case.cure else None
        case.disconnect, case.reason = (
            True,
            "not declared, and its container is run by this topology",
        )
        if endpoint.mark is None:
            self.result.drift.append(
                Drift(f"{case.container.name} x {case.network}", "connected by hand")
            )
        else:
            case.reason = "no longer declared"
        self.result.cases.append(case)
        return True

    def _undeclared(self, case: EndpointCase, endpoint: ObservedEndpoint) -> None:
        network = self.networks.cases.get(case.network)
        if self._ours(endpoint.mark) and endpoint.mark:
            self._undo(case, endpoint, endpoint.mark, network)
        elif network is None and endpoint.missing and case.network in self.names:
            case.target, case.mark, case.reason = endpoint.settings, endpoint.mark, TAKEN_AWAY
            self.result.cases.append(case)
        elif network is None or self._is_stale(endpoint):
            return
        elif endpoint.missing and network.fate != "remove":
            self._put_back(case, endpoint, network)
        elif network.goes:
            self._foreign(case, endpoint, network)
        elif self._exclusive(network, case.container) and endpoint.mark is None:
            self._shut_out(case, endpoint, network)
        elif network.observed and self._ours(network.observed.mark):
            self._left_alone(case, endpoint)

    def _shut_out(
        self, case: EndpointCase, endpoint: ObservedEndpoint, network: NetworkCase
    ) -> None:
        """Nobody declares it on a network that is for declared ones only."""
        exclusive = network.wanted is not None and network.wanted.exclusive
        why = f"{case.network} is exclusive" if exclusive else f"reset: {case.network} is ours"
        case.disconnect, case.reason = True, f"{why} and does not declare it"
        case.stale = self._is_gone(endpoint)
        if endpoint.phantom:
            case.cure, case.target = True, {}
        self.result.drift.append(
            Drift(f"{case.container.name} x {case.network}", "connected by hand")
        )
        self.result.cases.append(case)

    def _left_alone(self, case: EndpointCase, endpoint: ObservedEndpoint) -> None:
        whose = "nobody declares it"
        if endpoint.mark:
            whose = f"topology {owner(endpoint)!r} declares it"
        if endpoint.phantom:
            whose += f"; {PHANTOM}"
        elif endpoint.ghost:
            whose += f"; {GHOST}"
        self.result.notes.append(f"{case.container.name} on {case.network} is left alone: {whose}")

    def _put_back(
        self, case: EndpointCase, endpoint: ObservedEndpoint, network: NetworkCase
    ) -> None:
        """One that an interrupted run took away, and that is not ours."""
        if endpoint.mark is None and self._exclusive(network, case.container):
            return
        case.target, case.mark, case.reason = endpoint.settings, endpoint.mark, TAKEN_AWAY
        self.result.cases.append(case)

    def _undo(
        self,
        case: EndpointCase,
        endpoint: ObservedEndpoint,
        mark: EndpointMark,
        network: NetworkCase | None,
    ) -> None:
        """Takes back what this topology did: a made endpoint goes, an amended one gets its own
        settings back.
        """
        case.stale = self._is_gone(endpoint)
        case.reason = "topology is destroyed" if self.policy.destroyed else "no longer declared"
        exclusive = network is not None and self._exclusive(network, case.container)
        lost = (
            case.stale
            and case.network not in self.names
            and not (network is not None and network.comes)
        )
        ends = (
            mark.how == "made"
            or exclusive
            or lost
            or (network is not None and network.fate == "remove")
        )
        if ends and endpoint.missing and not endpoint.phantom:
            return
        if ends:
            case.cure = endpoint.phantom and not lost
            if case.cure:
                case.target = {}
            case.disconnect = True
        else:
            case.disconnect = not (endpoint.phantom or endpoint.missing)
            case.target = mark.before
            case.differences = _settings_differences(endpoint.settings, mark.before)
            case.reason += ": gets its own settings back"
        self.result.cases.append(case)

    def _foreign(
        self, case: EndpointCase, endpoint: ObservedEndpoint, network: NetworkCase
    ) -> None:
        """An endpoint that is not ours on a network that goes."""
        replaced = network.fate == "replace"
        another = owner(endpoint) or None
        exclusive = self._exclusive(network, case.container) and another is None
        stuck = (
            not replaced
            and network.observed
            and safety.names_network(case.container, network.observed)
        )  # refused, whatever is allowed
        if not (
            self.policy.disrupt_foreign
            or self.policy.consents(case.container.name, case.network)
            or exclusive
            or stuck
        ):
            self.result.refusals.append(
                safety.foreign_endpoint(
                    case.container.name,
                    case.network,
                    "replaced" if replaced else "removed",
                    another,
                )
            )
        if replaced and not exclusive and self.engine.flavor == "podman":
            message = (
                f"network {case.network} cannot be replaced under {case.container.name}: Podman"
                " does not tell whether its address is static"
            )
            way_out = f"disconnect {case.container.name} first, or declare it here"
            self.result.refusals.append(Refusal(message, way_out, about=(case.network, "")))
        case.disconnect = not (endpoint.phantom or endpoint.missing)
        if exclusive:
            case.reason = f"{case.network} is exclusive and does not declare it"
            if endpoint.phantom:
                case.cure, case.disconnect, case.target = True, True, {}
        elif replaced:
            case.target, case.mark, case.restored = _own_settings(endpoint), endpoint.mark, True
            case.reason = f"{case.network} is replaced; not declared here, put back whole"
        else:
            if endpoint.phantom:
                case.cure, case.disconnect, case.target = True, True, {}
            case.reason = f"{case.network} is removed; not declared here"
        self.result.cases.append(case)

    def _exclusive(self, network: NetworkCase, container: ObservedContainer) -> bool:
        """Whether the file, or a reset, consents to disconnecting this container, if it is not
        declared on it.
        """
        if self._has_the_name_only(container):
            return False
        if (
            self.policy.exclusive
            and self.policy.names(network.name)
            and network.wanted
            and not network.wanted.external
        ):
            return network.comes or bool(network.observed and self._ours(network.observed.mark))
        return network.wanted is not None and network.wanted.exclusive

    def _ours(self, mark: ContainerMark | EndpointMark | NetworkMark | None) -> bool:
        return ours(mark, self.desired.topology)


def is_gone(
    endpoint: ObservedEndpoint, ids: Collection[str], names: Collection[str], engine: EngineInfo
) -> bool:
    """Whether no network, of those with these IDs and names, answers to an endpoint."""
    if is_hidden(endpoint, engine):
        return False
    by_id = endpoint.network_id and endpoint.network not in PREDEFINED
    return endpoint.network_id not in ids if by_id else endpoint.network not in names


def _why_anew(case: EndpointCase, endpoint: ObservedEndpoint, stale: bool) -> str:
    """Why a declared endpoint that is there is connected anew."""
    if endpoint.missing:
        return TAKEN_AWAY
    if stale:
        return STALE
    if endpoint.phantom:
        return PHANTOM
    if case.differences:
        return "settings differ"
    return GHOST if endpoint.ghost else f"{case.network} is replaced"


def _own_settings(endpoint: ObservedEndpoint) -> Settings:
    """What is put back: all it has, but not the address that a phantom never got."""
    if not endpoint.phantom or endpoint.mark:
        return endpoint.settings
    return {path: value for path, value in endpoint.settings.items() if path not in STATIC}


def _settings_differences(before: Settings, after: Settings) -> tuple[Difference, ...]:
    paths = sorted({*before, *after})
    return tuple(
        Difference(p, before.get(p), after.get(p), "dropped")
        for p in paths
        if before.get(p) != after.get(p)
    )


def decide_endpoints(
    desired: DesiredState,
    observed: ObservedState,
    networks: Networks,
    containers: Containers,
    policy: Policy,
) -> Endpoints:
    """A case for every endpoint that changes or is interrupted."""
    return _Decider(desired, observed, networks, containers, policy).run()

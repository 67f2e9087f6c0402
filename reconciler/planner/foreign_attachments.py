"""What another topology attached to a container that this one makes anew: the new container is
attached there again, as the old one was.

What nobody declares goes with the old container, and that is said.

Connected after the container is created and before it is started. The old container is the one that
goes, or that an interrupted recreation left: then the new one may be there already, and not yet be
attached.
"""

from __future__ import annotations

from .. import safety
from ..fast_dataclasses import dataclass, field, replace
from ..marks import ATTACHED
from ..model import PREDEFINED, ObservedContainer, ObservedEndpoint, ObservedState
from ..network_mode import read_mode
from ..ownership import anothers
from ..plan import Drift, Refusal
from ..safety import Policy
from ..settings import Settings
from .compare import names
from .decisions import ContainerCase, Containers, EndpointCase, Endpoints, Networks, leftover_of


@dataclass(slots=True)
class Reattached:
    """What is attached again, what stands against giving one up, and by container what becomes of
    each attachment.
    """

    cases: list[EndpointCase] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def note(self, case: ContainerCase, text: str) -> None:
        """Tells what becomes of an attachment of that container."""
        self.notes.setdefault(case.name, []).append(text)

    def on(self, endpoints: Endpoints) -> Endpoints:
        """All attachments, these after those that were decided before."""
        return replace(
            endpoints,
            cases=[*endpoints.cases, *self.cases],
            refusals=[*endpoints.refusals, *self.refusals],
            drift=[*endpoints.drift, *self.drift],
        )

    def told(self, containers: Containers) -> Containers:
        """The containers, with what becomes of their attachments in their notes."""
        cases = {
            name: replace(case, notes=[*case.notes, *self.notes[name]])
            if name in self.notes
            else case
            for name, case in containers.cases.items()
        }
        return replace(containers, cases=cases)


def attached_again(
    topology: str,
    observed: ObservedState,
    networks: Networks,
    containers: Containers,
    endpoints: Endpoints,
    policy: Policy,
) -> Reattached:
    """What others attached to containers that are recreated; `endpoints` are those that were
    decided before.
    """
    keeper = _Keeper(topology, observed, networks, endpoints, policy)
    leftovers = {
        leftover_of(case.observed): case.observed
        for case in containers.cases.values()
        if case.observed
    }
    for case in containers.cases.values():
        left = leftovers.get(case.name)
        if case.comes:
            assert case.spec is not None
            new = ObservedContainer("", case.name, "created", case.spec.mode)
            keeper.keep(case, new, [old for old in (case.observed, left) if old])
        elif case.observed and left and case.fate != "remove":
            keeper.keep(case, case.observed, [left])
    return keeper.result


class _Keeper:
    def __init__(
        self,
        topology: str,
        observed: ObservedState,
        networks: Networks,
        endpoints: Endpoints,
        policy: Policy,
    ) -> None:
        self.topology, self.networks, self.policy = topology, networks, policy
        self.leaves_none = {
            id(case.container) for case in endpoints.cases if case.network == "none"
        }
        self.result = Reattached()
        self.ids = {network.id for network in observed.networks}
        self.names = {network.name for network in observed.networks}
        self.heeds_mac = observed.engine.heeds_mac

    def keep(
        self, case: ContainerCase, new: ObservedContainer, old: list[ObservedContainer]
    ) -> None:
        """What was attached to the `old` containers, of which the first decides, to the `new`
        one.
        """
        made = False
        for network, (container, endpoint) in self._attached(case, new, old).items():
            if not anothers(endpoint, self.topology):
                self._dropped(case, container, endpoint)
                continue
            assert endpoint.mark is not None
            whose = f"topology {endpoint.mark.topology!r} attached it to {network}"
            if why := self._lost(case, new, endpoint, endpoint.mark.topology):
                self.result.note(case, f"{whose}: not attached again, because {why}")
                continue
            made = True
            seen = endpoint if endpoint.network_id in self.ids else None
            target, reason = (
                _settings(container, endpoint, self.heeds_mac),
                f"{whose} before {case.name} was recreated",
            )
            order = len(case.wanted.endpoints) if case.wanted else 0
            self.result.cases.append(
                EndpointCase(
                    new,
                    network,
                    seen,
                    None,
                    False,
                    target,
                    endpoint.mark,
                    reason=reason,
                    order=order,
                    kept=not new.id,
                )
            )
            self.result.note(case, f"{whose}: attached again")
        if made:
            self._leave_none(new)

    def _attached(
        self, case: ContainerCase, new: ObservedContainer, old: list[ObservedContainer]
    ) -> dict[str, tuple[ObservedContainer, ObservedEndpoint]]:
        """By network: the attachments that the new container neither has nor is declared to
        have.
        """
        declared = (
            {endpoint.network for endpoint in case.wanted.endpoints} if case.wanted else set()
        )
        found: dict[str, tuple[ObservedContainer, ObservedEndpoint]] = {}
        for container in old:
            for endpoint in container.endpoints:
                real = endpoint.missing or not endpoint.phantom
                if real and endpoint.network not in declared and not new.endpoint(endpoint.network):
                    found.setdefault(endpoint.network, (container, endpoint))
        return dict(sorted(found.items()))

    def _dropped(
        self, case: ContainerCase, old: ObservedContainer, endpoint: ObservedEndpoint
    ) -> None:
        """Nobody declares it. What goes with its network, with a mode or with an interrupted run is
        told elsewhere.
        """
        name = endpoint.network
        network = self.networks.cases.get(name)
        modes = {
            "none",
            "host",
            read_mode(old.network_mode).text,
            case.wanted.mode if case.wanted else "",
        }
        if endpoint.missing or (network and network.fate == "remove") or name in modes & PREDEFINED:
            return
        if endpoint.mark or (old.mark and f"{ATTACHED}{name}" in old.mark.hashes):
            self.result.note(case, f"attachment to {name} no longer declared: not attached again")
            return
        self.result.drift.append(Drift(f"{case.name} x {name}", "connected manually"))
        self.result.note(
            case, f"connected manually to {name}, and not declared there: not attached again"
        )

    def _lost(
        self, case: ContainerCase, new: ObservedContainer, endpoint: ObservedEndpoint, owner: str
    ) -> str:
        """Why it cannot be made again, where it cannot; refused unless the user allows it, or the
        network was gone already.
        """
        network, mode = self.networks.cases.get(endpoint.network), new.network_mode
        if not (network and network.comes) and endpoint.network not in self.names:
            return "that network does not exist"
        if network and network.goes and not self.policy.disrupt_foreign:
            verb = "replaced" if network.comes else "removed"
            self.result.refusals.append(
                safety.foreign_endpoint(case.name, endpoint.network, verb, owner)
            )
        if network and network.fate == "remove":
            return "that network is removed"
        if read_mode(mode).attachable:
            return ""
        if not self.policy.disrupt_foreign:
            self.result.refusals.append(
                safety.unattachable(case.name, endpoint.network, mode, owner)
            )
        return f"network_mode {mode} allows no attachments"

    def _leave_none(self, new: ObservedContainer) -> None:
        """A container on `none` can be on no other network."""
        on_none = new.endpoint("none") if new.id else new.network_mode == "none"
        if on_none and id(new) not in self.leaves_none:
            reason = "a container on network none cannot be on other networks"
            self.result.cases.append(
                EndpointCase(
                    new,
                    "none",
                    new.endpoint("none"),
                    disconnect=True,
                    reason=reason,
                    kept=not new.id,
                )
            )


def _settings(old: ObservedContainer, endpoint: ObservedEndpoint, heeds_mac: bool) -> Settings:
    """All that it had, but the names that engines add by themselves, and a MAC address where it
    cannot be set on connect.
    """
    settings = {
        path: value
        for path, value in endpoint.settings.items()
        if heeds_mac or path != "mac_address"
    }
    aliases, declared = (
        names(settings.pop("aliases", ())),
        names(endpoint.mark.declared.get("aliases") if endpoint.mark else ()),
    )
    own = aliases - (old.implied - declared)
    return {**settings, "aliases": tuple(sorted(own))} if own else settings

"""What another topology attached to a container that this one makes anew: the new container is
attached there again, as the old one was.

What nobody declares goes with the old container, and that is said.

Connected after the container is created and before it is started. The old container is the one that
goes, or that an interrupted recreation left: then the new one may be there already, and not yet be
attached.
"""

from __future__ import annotations

from .. import safety
from ..marks import ATTACHED
from ..model import PREDEFINED, ObservedContainer, ObservedEndpoint, ObservedState
from ..network_mode import read_mode
from ..ownership import anothers
from ..plan import Drift
from ..safety import Policy
from ..settings import Settings
from .compare import names
from .containers import ContainerCase, Containers, leftover_of
from .endpoints import EndpointCase, Endpoints
from .networks import Networks


def keep(
    topology: str,
    observed: ObservedState,
    networks: Networks,
    containers: Containers,
    endpoints: Endpoints,
    policy: Policy,
) -> None:
    """Adds to `endpoints` what is attached again and what stands against giving one up; the
    containers' notes say what becomes of each.
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


class _Keeper:
    def __init__(
        self,
        topology: str,
        observed: ObservedState,
        networks: Networks,
        endpoints: Endpoints,
        policy: Policy,
    ) -> None:
        self.topology, self.networks, self.endpoints, self.policy = (
            topology,
            networks,
            endpoints,
            policy,
        )
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
                case.notes.append(f"{whose}: not attached again, as {why}")
                continue
            made = True
            seen = endpoint if endpoint.network_id in self.ids else None
            target, reason = (
                _settings(container, endpoint, self.heeds_mac),
                f"{whose} before {case.name} was made anew",
            )
            order = len(case.wanted.endpoints) if case.wanted else 0
            self.endpoints.cases.append(
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
            case.notes.append(f"{whose}: attached again")
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
            case.notes.append(f"no longer declared on {name}: not attached again")
            return
        self.endpoints.drift.append(Drift(f"{case.name} x {name}", "connected by hand"))
        case.notes.append(
            f"connected to {name} by hand, and not declared there: not attached again"
        )

    def _lost(
        self, case: ContainerCase, new: ObservedContainer, endpoint: ObservedEndpoint, owner: str
    ) -> str:
        """Why it cannot be made again, where it cannot; refused unless the user allows it, or the
        network was gone already.
        """
        network, mode = self.networks.cases.get(endpoint.network), new.network_mode
        if not (network and network.comes) and endpoint.network not in self.names:
            return "that network is not there"
        if network and network.goes and not self.policy.disrupt_foreign:
            verb = "replaced" if network.comes else "removed"
            self.endpoints.refusals.append(
                safety.foreign_endpoint(case.name, endpoint.network, verb, owner)
            )
        if network and network.fate == "remove":
            return "that network is removed"
        if read_mode(mode).attachable:
            return ""
        if not self.policy.disrupt_foreign:
            self.endpoints.refusals.append(
                safety.unattachable(case.name, endpoint.network, mode, owner)
            )
        return f"with network_mode {mode} it cannot be"

    def _leave_none(self, new: ObservedContainer) -> None:
        """A container on `none` can be on no other network."""
        on_none = new.endpoint("none") if new.id else new.network_mode == "none"
        leaves = any(
            case.network == "none" and case.container is new for case in self.endpoints.cases
        )
        if on_none and not leaves:
            reason = "a container on none can be on no other network"
            self.endpoints.cases.append(
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

"""Attachments that the file does not declare: left alone, taken back, disconnected or put back."""

from __future__ import annotations

from .. import safety
from ..model import EndpointMark, ObservedEndpoint
from ..ownership import owner
from ..plan import Difference, Drift, Refusal
from ..settings import Settings
from .decisions import EndpointCase, NetworkCase
from .endpoint_questions import GHOST, PHANTOM, EndpointQuestions, own_settings
from .recover import TAKEN_AWAY


class UndeclaredEndpoints(EndpointQuestions):
    """Of containers that the topology runs (`surplus`), and of all others."""

    def surplus(self, case: EndpointCase, endpoint: ObservedEndpoint) -> bool:
        """An endpoint of a container that we run: the declared list is complete, but for what
        another topology declares.
        """
        if case.network in ("none", "host") or (endpoint.mark and not self.ours(endpoint.mark)):
            return False
        if endpoint.missing and not endpoint.phantom:  # it was taken away on purpose
            return True
        network = self.networks.cases.get(case.network)
        case.stale = self.is_gone(endpoint)
        lost = (
            case.stale
            and case.network not in self.names
            and not (network is not None and network.comes)
        )
        case.cure = endpoint.phantom and not lost
        case.target = {} if case.cure else None
        case.disconnect, case.reason = (
            True,
            "not declared, and its container is managed by this topology",
        )
        if endpoint.mark is None:
            self.result.drift.append(
                Drift(f"{case.container.name} x {case.network}", "connected manually")
            )
        else:
            case.reason = "no longer declared"
        self.result.cases.append(case)
        return True

    def present(self, case: EndpointCase, endpoint: ObservedEndpoint) -> None:
        """One that is there, whoever made it."""
        network = self.networks.cases.get(case.network)
        if self.ours(endpoint.mark) and endpoint.mark:
            self._undo(case, endpoint, endpoint.mark, network)
        elif network is None and endpoint.missing and case.network in self.names:
            case.target, case.mark, case.reason = endpoint.settings, endpoint.mark, TAKEN_AWAY
            self.result.cases.append(case)
        elif network is None or self.is_stale(endpoint):
            return
        elif endpoint.missing and network.fate != "remove":
            self._put_back(case, endpoint, network)
        elif network.goes:
            self._foreign(case, endpoint, network)
        elif self.exclusive(network, case.container) and endpoint.mark is None:
            self._shut_out(case, endpoint, network)
        elif network.observed and self.ours(network.observed.mark):
            self._left_alone(case, endpoint)

    def _shut_out(
        self, case: EndpointCase, endpoint: ObservedEndpoint, network: NetworkCase
    ) -> None:
        """Nobody declares it on a network that is for declared ones only."""
        exclusive = network.wanted is not None and network.wanted.exclusive
        why = "is exclusive" if exclusive else "belongs to this topology"
        reason = f"not declared, and network {case.network} {why}"
        case.disconnect, case.reason = True, reason if exclusive else f"reset: {reason}"
        case.stale = self.is_gone(endpoint)
        if endpoint.phantom:
            case.cure, case.target = True, {}
        self.result.drift.append(
            Drift(f"{case.container.name} x {case.network}", "connected manually")
        )
        self.result.cases.append(case)

    def _left_alone(self, case: EndpointCase, endpoint: ObservedEndpoint) -> None:
        whose = "no topology declares it"
        if endpoint.mark:
            whose = f"topology {owner(endpoint)!r} declares it"
        if endpoint.phantom:
            whose += f"; {PHANTOM}"
        elif endpoint.ghost:
            whose += f"; {GHOST}"
        self.result.notes.append(f"{case.container.name} on {case.network} is not changed: {whose}")

    def _put_back(
        self, case: EndpointCase, endpoint: ObservedEndpoint, network: NetworkCase
    ) -> None:
        """One that an interrupted run took away, and that is not ours."""
        if endpoint.mark is None and self.exclusive(network, case.container):
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
        case.stale = self.is_gone(endpoint)
        case.reason = "topology is destroyed" if self.policy.destroyed else "no longer declared"
        exclusive = network is not None and self.exclusive(network, case.container)
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
            case.reason += ": its previous settings are restored"
        self.result.cases.append(case)

    def _foreign(
        self, case: EndpointCase, endpoint: ObservedEndpoint, network: NetworkCase
    ) -> None:
        """An endpoint that is not ours on a network that goes."""
        replaced = network.fate == "replace"
        another = owner(endpoint) or None
        exclusive = self.exclusive(network, case.container) and another is None
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
                f"network {case.network} cannot be replaced while {case.container.name} is"
                " attached: Podman does not tell whether its address is static"
            )
            way_out = f"disconnect {case.container.name} first, or declare it here"
            self.result.refusals.append(Refusal(message, way_out, about=(case.network, "")))
        case.disconnect = not (endpoint.phantom or endpoint.missing)
        if exclusive:
            case.reason = f"not declared, and network {case.network} is exclusive"
            if endpoint.phantom:
                case.cure, case.disconnect, case.target = True, True, {}
        elif replaced:
            case.target, case.mark, case.restored = own_settings(endpoint), endpoint.mark, True
            case.reason = f"{case.network} is replaced; not declared here, reconnected as before"
        else:
            if endpoint.phantom:
                case.cure, case.disconnect, case.target = True, True, {}
            case.reason = f"{case.network} is removed; not declared here"
        self.result.cases.append(case)


def _settings_differences(before: Settings, after: Settings) -> tuple[Difference, ...]:
    paths = sorted({*before, *after})
    return tuple(
        Difference(p, before.get(p), after.get(p), "dropped")
        for p in paths
        if before.get(p) != after.get(p)
    )

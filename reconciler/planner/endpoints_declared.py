"""Attachments that the file declares: kept, connected, or reconnected."""

from __future__ import annotations

from .. import safety
from ..fast_dataclasses import replace
from ..marks import ATTACHED
from ..model import DesiredEndpoint, EndpointMark, ObservedEndpoint
from ..ownership import anothers, owner
from ..plan import Drift, Refusal
from ..settings import Settings
from .compare import endpoint_differences, overlaid_endpoint
from .decisions import EndpointCase, NetworkCase
from .endpoint_questions import GHOST, PHANTOM, EndpointQuestions, own_settings
from .recover import TAKEN_AWAY

MISSING = "declared when the network was created, not attached now"
TAKEN_OFF = "created with it, not attached now"
STALE = "its network was recreated: the container could not start"


class DeclaredEndpoints(EndpointQuestions):
    """One method for those that are there, one for those that are not."""

    def absent(self, case: EndpointCase, wanted: DesiredEndpoint) -> None:
        """One that is not there."""
        case.target, case.mark = wanted.settings, self.made(wanted)
        case.reason = "declared, not attached"
        network = self.networks.cases[case.network].observed
        recorded = (
            network.mark.endpoints.get(case.container.name)
            if network and self.ours(network.mark) and network.mark
            else None
        )
        made = case.container.mark
        if made and self.ours(made) and f"{ATTACHED}{case.network}" in made.hashes:
            recorded = case.container.id[:12]
        unfinished = (
            made is not None and case.container.state == "created"
        )  # an apply ended before it was attached and started
        if recorded and not unfinished:
            same = recorded == case.container.id[:12]
            case.drift, case.reason = True, TAKEN_OFF
            if not made:
                case.reason = MISSING if same else "the container was recreated"
            self.result.drift.append(Drift(f"{case.container.name} x {case.network}", case.reason))
        self.result.cases.append(case)

    def present(
        self, case: EndpointCase, wanted: DesiredEndpoint, endpoint: ObservedEndpoint, managed: bool
    ) -> None:
        """One that is there; `managed`: its container is run by this topology."""
        network = self.networks.cases.get(case.network)
        if network is None:  # refused already: ambiguous, or external and missing
            return
        mark = endpoint.mark if self.ours(endpoint.mark) else None
        if endpoint.mark and self.adopts(network, endpoint.mark):
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
        case.stale, stale = self.is_gone(endpoint), self.is_stale(endpoint)
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
                    f"{case.container.name} on {case.network} was not attached by netplan: it"
                    " stays attached when no longer declared"
                )
            self.result.kept.append(case)
            return
        case.disconnect = not (endpoint.phantom or endpoint.missing)
        case.target = overlaid_endpoint(wanted.settings, own_settings(endpoint), mark)
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

    def adopts(self, network: NetworkCase, mark: EndpointMark) -> bool:
        """Whether the network is taken over from the topology that marked the endpoint: then what
        is declared of it goes along.
        """
        network_mark = network.observed.mark if network.observed and network.goes else None
        return (
            anothers(network_mark, self.desired.topology) and owner(network_mark) == mark.topology
        )

    def made(self, wanted: DesiredEndpoint) -> EndpointMark:
        """The mark of one that this topology makes."""
        return EndpointMark(self.desired.topology, "made", wanted.settings)

    def _remade(
        self,
        wanted: DesiredEndpoint,
        endpoint: ObservedEndpoint,
        mark: EndpointMark | None,
        differs: bool,
    ) -> EndpointMark | None:
        """The mark of an endpoint that is reconnected: ours keep their kind, others become
        amended only where they are changed.
        """
        if endpoint.mark and not mark:
            return endpoint.mark
        if mark is None and not differs:
            return None
        if mark and mark.how == "made":
            return self.made(wanted)
        before = {
            **(mark.before if mark else own_settings(endpoint)),
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
        way_out = f"declare it in only one of the two topologies, {safety.renamed(mark.topology)}"
        source, about = (
            case.wanted.source if case.wanted else None,
            (case.network, case.container.name),
        )
        self.result.refusals.append(Refusal(message, way_out, source=source, about=about))


def _why_anew(case: EndpointCase, endpoint: ObservedEndpoint, stale: bool) -> str:
    """Why a declared endpoint that is there is reconnected."""
    if endpoint.missing:
        return TAKEN_AWAY
    if stale:
        return STALE
    if endpoint.phantom:
        return PHANTOM
    if case.differences:
        return "settings differ"
    return GHOST if endpoint.ghost else f"{case.network} is replaced"

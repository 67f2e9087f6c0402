"""What becomes of each endpoint: kept, connected, disconnected or reconnected, and with which
settings.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model import (
    DesiredContainer,
    DesiredEndpoint,
    DesiredState,
    ObservedContainer,
    ObservedEndpoint,
    ObservedState,
)
from ..network_mode import read_mode
from ..plan import Drift, Refusal
from ..safety import Policy
from ..settings import SYSCTLS_OPTION
from .compare import endpoint_differences
from .containers import GONE, HALF
from .decisions import ContainerCase, Containers, EndpointCase, Endpoints, Networks
from .endpoint_questions import EndpointQuestions
from .endpoints_declared import DeclaredEndpoints
from .endpoints_undeclared import UndeclaredEndpoints
from .swarm_use import task_endpoint


def decide_endpoints(
    desired: DesiredState,
    observed: ObservedState,
    networks: Networks,
    containers: Containers,
    policy: Policy,
) -> Endpoints:
    """A case for every endpoint that changes or is interrupted."""
    return _Walk(desired, observed, networks, containers, policy).run()


class _Walk(EndpointQuestions):
    """Walks all containers once; one method per kind of endpoint."""

    def __init__(
        self,
        desired: DesiredState,
        observed: ObservedState,
        networks: Networks,
        containers: Containers,
        policy: Policy,
    ) -> None:
        result = Endpoints()
        super().__init__(desired, observed, networks, containers, policy, result)
        self.observed = observed
        given = desired, observed, networks, containers, policy, result
        self.declared, self.undeclared = DeclaredEndpoints(*given), UndeclaredEndpoints(*given)

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
                mark = self.declared.made(wanted)
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
        if wanted is None or self.has_the_name_only(container):
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
                self.declared.absent(
                    EndpointCase(container, name, None, absent, order=order), absent
                )
        self._around_none(container, self.result.cases[before:])

    def _present(self, case: EndpointCase, endpoint: ObservedEndpoint, managed: bool) -> None:
        """One that is there, declared or not."""
        container, declaration = case.container, case.wanted
        if endpoint.half:
            self._half(container, endpoint, declaration, managed)
        elif container.service and endpoint.mark is None:
            self._of_task(case, declaration, endpoint)
        elif declaration:
            self.declared.present(case, declaration, endpoint, managed)
        elif not (managed and self.undeclared.surplus(case, endpoint)):
            self.undeclared.present(case, endpoint)

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
                and self.ours(network.observed.mark)
                and not network.goes
            ):
                whose = f"a task of swarm service {case.container.service}"
                self.result.notes.append(
                    f"{case.container.name} on {case.network} is not changed: {whose}"
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
        """Whole once the container is restarted, which is done to one that we run."""
        network = self.networks.cases.get(endpoint.network)
        concerns = wanted or self.ours(endpoint.mark) or (network and network.goes)
        if concerns and not managed:
            what = HALF.format(endpoint.network)
            self.result.drift.append(Drift(f"{container.name} x {endpoint.network}", what))
            way_out = f"repair it: docker restart {container.name}; then run this again"
            if (
                f"driver_opts.{SYSCTLS_OPTION}" in endpoint.settings
            ):  # with a wrong one no start succeeds
                way_out = (
                    f"correct its {SYSCTLS_OPTION}, docker stop {container.name}, and run this"
                    " again"
                )
            message, source = (
                f"container {container.name} {what}",
                wanted.source if wanted else None,
            )
            self.result.refusals.append(
                Refusal(message, way_out, False, source, ("", container.name))
            )

    def _attachable(self, container: ObservedContainer, wanted: DesiredContainer) -> bool:
        mode = read_mode(container.network_mode)
        if mode.attachable:
            return True
        what = "the host's network" if mode.kind == "host" else "another container's network"
        message = f"container {container.name} shares {what} and cannot be attached to another one"
        way_out = f"recreate it without --network {mode.kind}"
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
            reason = "a container on network none cannot be on other networks"
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
            reason = "created with network mode none, and no longer on any other network"
            self.result.cases.append(EndpointCase(container, "none", target={}, reason=reason))

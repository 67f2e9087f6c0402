"""What one step does: check what the engine does not, make the one call, and judge an error by the
state it left.

An error says little on its own: the answer may be lost and the work done, a 500 may mean "already
so", and a 200 may mean nothing. So after any error the engine is read again, and the step is done
exactly if the state is what the step is for.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..codec import SHORT_ID, read_container, read_listed
from ..codec.swarm_networks import read_cluster
from ..engine import persistently
from ..errors import ApiError, EngineError, LostError, NetplanError
from ..fast_dataclasses import replace
from ..marks import CURE, Place, read_network_mark
from ..model import (
    RESTARTING,
    SWARM_ID,
    EndpointMark,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
)
from ..plan import Plan, Step
from ..settings import STATIC, SYSCTLS_OPTION, Value
from .container_steps import ContainerPerformer
from .error_check import StepError, failure, look
from .error_messages import is_overlap
from .explain import explain, overlapping
from .volume_steps import VolumePerformer

if TYPE_CHECKING:
    from ..engine import Engine

BUSY = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds, give or take half, before trying again to remove a network that the engine only believes
is in use.
"""

LEAVING = (0.2, 0.4, 0.8, 1.6, 3.0)
"""Seconds, give or take half, before trying again to make a network whose predecessor a swarm still
has to let go of.
"""

AGAIN = (0.2, 0.5, 1.0)
"""Seconds, give or take half, before a step is tried again whose call the engine answered with 503:
later, it says.
"""


class Performer:
    """Performs the steps of one plan on one engine, from any number of threads."""

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        stop: threading.Event | None = None,
        stop_timeout: int | None = None,
    ) -> None:
        ops = {step.op for step in plan.steps}
        self._engine = engine
        self._info = plan.engine
        self._made: dict[str, str] = {}
        self.containers = ContainerPerformer(plan, engine, stop or threading.Event(), stop_timeout)
        self.volumes = VolumePerformer(engine)
        creates = any(step.op == "create" and step.kind == "network" for step in plan.steps)
        before = persistently(engine.networks) if creates else ()
        self._networks_before = frozenset(str(raw["Id"]) for raw in before)
        self._swarm = any(raw.get("Scope") == "swarm" for raw in before)
        listed = persistently(self._listed) if "connect" in ops else ()
        self._live = frozenset(container.id for container in listed if container.live)

    def perform(self, step: Step) -> None:
        """Return once the engine is as `step` wants it; else raise EngineError with the reason."""
        for delay in AGAIN:
            try:
                return self._perform(step)
            except (
                StepError
            ) as error:  # the whole step again, with all that it checks: the state may have changed
                if not error.again:
                    raise
            time.sleep(delay * random.uniform(0.5, 1.5))
        return self._perform(step)

    def _perform(self, step: Step) -> None:
        if step.kind in ("container", "image"):
            self.containers.perform(step)
            return
        if step.kind == "volume":
            self.volumes.perform(step)
            return
        if step.container and not step.container_id:
            step = replace(step, container_id=self.containers.made(step))
        match step.op:
            case "create":
                self._made[step.network] = self._create(step)
            case "remove":
                self._remove(self._network_id(step), step)
            case "connect":
                self._connect(self._network_id(step), step)
            case "disconnect":
                self._disconnect(self._network_id(step), step)

    def explain(self, step: Step, error: NetplanError) -> tuple[str, str]:
        """Why a step failed, and the engine's own words where those are others."""
        return explain(self._engine, step, error)

    def _network_id(self, step: Step) -> str:
        network_id = step.network_id or self._made.get(step.network)
        if not network_id:
            raise StepError(f"network {step.network} does not exist: this plan has not created it")
        return network_id

    # --- networks ---------------------------------------------------------------------------------

    def _create(self, step: Step) -> str:
        mark = step.mark
        assert isinstance(mark, NetworkMark | None)
        for delay in (*LEAVING, 0):
            try:
                return self._engine.create_network(step.network, step.settings, mark)
            except (ApiError, LostError) as error:
                if found := look(error, lambda: self._new_network(step.network, mark)):
                    return found
                if not delay or not self._is_leaving(step.network, error):
                    failed = failure(
                        error
                    )  # a subnet that nobody is seen to have may just be let go of
                    failed.again |= is_overlap(failed.raw) and not overlapping(self._engine, step)
                    raise failed from error
            time.sleep(delay * random.uniform(0.5, 1.5))
        raise AssertionError("the last try returns or raises")

    def _is_leaving(self, name: str, error: EngineError) -> bool:
        """The engine says that the network exists, and lists none but what was to go before: a
        swarm removes some time after it says so.
        """
        taken = self._swarm and isinstance(error, ApiError) and error.status == 409
        return taken and all(
            raw["Name"] != name or raw["Id"] in self._networks_before
            for raw in self._engine.networks()
        )

    def _new_network(self, name: str, mark: NetworkMark | None) -> str | None:
        """The ID of the network of that name and mark that was not there before this run; one that
        was adopted and is put back has none.
        """
        for raw in self._engine.networks():
            if raw["Name"] == name and raw["Id"] not in self._networks_before:
                found = read_network_mark(raw.get("Labels") or {}, name)
                if (found and (found.topology, found.hashes)) == (
                    mark and (mark.topology, mark.hashes)
                ):
                    return str(raw["Id"])
        return None

    def _remove(self, network_id: str, step: Step) -> None:
        users = persistently(lambda: self._listed({"network": [network_id]}))
        if others := sorted(
            container.name for container in users if container.id not in step.expects
        ):
            raise StepError(f"still used by {', '.join(others)}: changed since the plan was made")
        for delay in (*BUSY, 0):
            try:
                self._engine.remove_network(network_id)
                return
            except (ApiError, LostError) as error:
                if look(error, lambda: self._engine.network(network_id) is None):
                    return
                if not delay or not self._only_believed_busy(network_id, error):
                    raise failure(error) from error
            time.sleep(delay * random.uniform(0.5, 1.5))

    def _only_believed_busy(self, network_id: str, error: EngineError) -> bool:
        """The engine says that endpoints are left where it lists none: it is still taking them
        down.
        """
        return "active endpoints" in str(error) and not (
            self._engine.network(network_id) or {}
        ).get("Containers")

    # --- endpoints --------------------------------------------------------------------------------

    def _disconnect(self, network_id: str, step: Step) -> None:
        endpoint = self._endpoint(step)
        if endpoint is None:
            return
        lost = network_id == step.network
        if endpoint.phantom and not lost:
            self._cure(network_id, step)
            return
        if any(step.expects) and endpoint.endpoint_id not in step.expects:
            raise StepError("changed since the plan was made: it was reconnected")
        try:
            self._engine.disconnect(network_id, step.container_id, force=lost and endpoint.phantom)
        except (ApiError, LostError) as error:
            if not look(error, lambda: self._endpoint(step) is None):
                raise failure(error, self._restarting(step)) from error

    def _connect(self, network_id: str, step: Step) -> None:
        mark = step.mark
        assert isinstance(mark, EndpointMark | None)
        if step.container_id not in self._live and self._endpoint(step):
            if self._connected(network_id, step):
                return
            raise StepError(
                f"{step.container} is not running and already lists {step.network}: changed since"
                " the plan was made"
            )
        try:
            self._attach(network_id, step, mark)
        except (ApiError, LostError) as error:
            if not look(
                error,
                lambda: self._connected(network_id, step) and not self._half(network_id, step),
            ):
                raise self._after_failed_connect(network_id, step, error) from error
        if self._is_ghost(network_id, step):  # only a connect after a disconnect is registered
            try:
                self._engine.disconnect(network_id, step.container_id)
                self._connect_once(network_id, step, mark)
            except (ApiError, LostError) as error:
                raise self._after_failed_connect(network_id, step, error) from error

    def _attach(self, network_id: str, step: Step, mark: EndpointMark | None) -> None:
        """One connect; a second where the swarm still waited for what an earlier one had asked for,
        in vain and by the network's name.
        """
        try:
            self._connect_once(network_id, step, mark)
        except ApiError as error:
            if (
                len(network_id) != SWARM_ID
                or "deadline exceeded" not in str(error)
                or {*STATIC} & step.settings.keys()
            ):
                raise
            self._connect_once(network_id, step, mark)

    def _connect_once(self, network_id: str, step: Step, mark: EndpointMark | None) -> None:
        place = Place(step.container, step.network)
        self._engine.connect(network_id, step.container_id, step.sent, mark, place)

    def _is_ghost(self, network_id: str, step: Step) -> bool:
        """Whether a swarm's manager knows nothing of an attachment that its engine just made, as it
        does after one that failed.
        """
        if (
            len(network_id) != SWARM_ID
            or self._info.swarm != "manager"
            or step.container_id not in self._live
        ):
            return False
        try:
            tasks = persistently(self._engine.attachments)
        except ApiError:
            return False
        return (step.container_id, network_id) not in read_cluster(
            tasks, (), self._info.node
        ).attached

    def _connected(self, network_id: str, step: Step) -> bool:
        """Whether the endpoint is there with the step's mark and settings; with its MAC address
        where the engine heeds one.
        """
        container = self._container(step)
        endpoint = container.endpoint(step.network) if container else None
        if (
            container is None
            or endpoint is None
            or endpoint.mark != step.mark
            or endpoint.network_id not in ("", network_id)
        ):
            return False
        if container.live and not endpoint.endpoint_id:
            return False
        if (
            self._info.heeds_mac
            and container.live
            and endpoint.mac != step.sent.get("mac_address", endpoint.mac)
        ):
            return False
        return all(
            _same(path, value, endpoint.settings.get(path), container)
            for path, value in step.settings.items()
            if path != "mac_address"
        )

    def _half(self, network_id: str, step: Step) -> bool:
        """Whether a running container has the endpoint, and the network knows nothing of it."""
        container = self._container(step)
        if self._info.flavor != "docker" or not (container and container.live):
            return False
        return step.container_id not in (
            (self._engine.network(network_id) or {}).get("Containers") or {}
        )

    def _after_failed_connect(self, network_id: str, step: Step, error: EngineError) -> StepError:
        """A failed live connect leaves the network in the container's list, and its next restart
        would fail: take it out again.

        Returns the step's error: with what the user must know if that did not work, and to be tried
        again where what stood in the way was left by a cure that somebody interrupted.
        """
        try:
            if why := self._restarting(step):  # what it lists now it has at its next start
                return failure(error, why)
            endpoint = self._endpoint(step)
            if endpoint and endpoint.phantom:
                self._cure(network_id, step)
            elif endpoint and self._half(network_id, step):
                return failure(error, _left_half(step))
        except EngineError as trouble:
            what = (
                f"{step.container} still lists {step.network} and its next restart will fail"
                f" ({trouble}): connect and disconnect it manually"
            )
            return failure(error, what)
        failed = failure(error)
        failed.again |= bool(endpoint and endpoint.phantom and endpoint.endpoint_id)
        return failed

    def _cure(self, network_id: str, step: Step) -> None:
        """Take a phantom endpoint away: only a real one can be disconnected, so make it real,
        marked as not meant to be.
        """
        there = self._endpoint(step)
        if not (there and there.endpoint_id):
            self._engine.connect(
                network_id,
                step.container_id,
                {f"driver_opts.{CURE}": step.container_id[:SHORT_ID]},
                None,
            )
        self._engine.disconnect(network_id, step.container_id)

    def _restarting(self, step: Step) -> str:
        """What to do about a container that ends again and again, and now has no network to be
        changed; empty of any other.
        """
        container = self._container(step)
        again = container is not None and container.state == RESTARTING
        return (
            f"{step.container} keeps restarting: docker stop it, then run this again"
            if again
            else ""
        )

    def _endpoint(self, step: Step) -> ObservedEndpoint | None:
        container = self._container(step)
        return container.endpoint(step.network) if container else None

    def _listed(
        self, filters: Mapping[str, Sequence[str]] | None = None
    ) -> list[ObservedContainer]:
        return [read_listed(raw, self._info) for raw in self._engine.containers(filters)]

    def _container(self, step: Step) -> ObservedContainer | None:
        raw = self._engine.container(step.container_id)
        return read_container(raw, self._info) if raw else None


def _left_half(step: Step) -> str:
    """What a failed connect left, and what mends it: with a wrong sysctl no start succeeds."""
    mend = f"to repair it: docker restart {step.container}"
    if f"driver_opts.{SYSCTLS_OPTION}" in step.settings:
        mend = f"correct its {SYSCTLS_OPTION}, docker stop {step.container}, and apply again"
    return f"{step.container} is only partly attached to {step.network}: {mend}"


def _same(path: str, wanted: Value, found: Value | None, container: ObservedContainer) -> bool:
    """Whether a setting is as wanted; names that the engine adds to the aliases by itself do not
    count.
    """
    if isinstance(wanted, tuple) and path == "aliases":
        return (
            set(wanted) - container.implied
            == set(found if isinstance(found, tuple) else ()) - container.implied
        )
    return found == wanted

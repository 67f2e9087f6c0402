"""What one step does to a container or an image, and how a recreation that fails is taken back."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from ..codec import read_container
from ..codec.container_output import without_secrets
from ..codec.containers import read_managed
from ..errors import ApiError, EngineError, LostError
from ..fast_dataclasses import replace
from ..marks import Place
from ..model import ObservedContainer
from ..network_mode import NAMESPACES, sharing
from ..plan import ContainerSpec, EndpointSpec, Plan, Replaced, Step
from ..settings import Settings
from ..settings.container_defaults import value_of
from .error_check import StepError, failure, look, words
from .stay_up import check_said

if TYPE_CHECKING:
    from ..engine import Engine

GRACE = 10
"""Seconds for a container to end that is stopped only to be renamed."""
TORN_DOWN = (0.5, 1.0)
"""Seconds before trying again to start a container whose overlay network is just being taken down
and set up again.
"""
LOOK = 0.2
"""Seconds between two looks at a container that is waited for."""


BACK = "the old container was restored"
"""How the error of a recreation ends that was taken back."""
ENDED = (
    "the old container has its name back and stays stopped: it shares the {} of {}, which is"
    " not running; correct what failed and apply again: that recreates it"
)
"""Of a container that shares the network, or more, of one that was recreated."""


class ContainerPerformer:
    """Performs the steps of containers and images of one plan, from any number of threads.

    `stop` ends all waiting; `stop_timeout` is the grace period of stops that are no steps, None for
    the usual.
    """

    def __init__(
        self, plan: Plan, engine: Engine, stop: threading.Event, stop_timeout: int | None = None
    ) -> None:
        self._grace = GRACE if stop_timeout is None else stop_timeout
        self._engine, self._info, self._stop = engine, plan.engine, stop
        self._made: dict[str, str] = {}
        self._before = {step.container_id for step in plan.steps if step.container_id}
        self.put_back: dict[str, float] = {}
        """When old containers were started again, by ID."""
        self.pulled: dict[int, tuple[int, int]] = {}
        """Bytes that are here and bytes in all, by step: how far each pull is."""

    def perform(self, step: Step) -> None:
        """Return once the engine is as `step` wants it; else raise EngineError with the reason.

        Not of a `wait`, which is looked at again and again until it is `reached`.
        """
        match step.op:
            case "pull":
                self._pull(step)
            case "create":
                self._made[step.container] = self._create(step)
            case "rename":
                self._rename(step)
            case "update":
                self._update(self.made(step), step.settings)
            case "start":
                self._start(self.made(step))
            case "stop":
                self._end(self.made(step), step.seconds)
            case "remove":
                self._remove(self.made(step), step.volumes)

    def made(self, step: Step) -> str:
        """The ID of the container that a step acts on: as observed, or made by an earlier step."""
        id = step.container_id or self._made.get(step.container, "")
        if not id:
            raise StepError(
                f"container {step.container} does not exist: this plan has not created it"
            )
        return id

    # --- one call each ---

    def _pull(self, step: Step) -> None:
        def progress(done: int, total: int) -> None:
            self.pulled[step.id] = (done, total)
            if self._stop.is_set():
                raise StepError("interrupted during the pull")

        self._engine.pull(step.image, str(step.settings.get("platform", "")), progress)

    def _create(self, step: Step) -> str:
        assert step.spec is not None
        spec = step.spec
        try:
            return self._engine.create_container(step.container, spec)
        except (ApiError, LostError) as error:
            if found := look(error, lambda: self._new(step.container, spec)):
                return found
            raise failure(error) from error

    def _new(self, name: str, spec: ContainerSpec) -> str | None:
        """The ID of the container of that name and mark that this run must have made."""
        found = self._observed(name)
        if found is None or found.id in self._before:
            return None
        return (
            found.id
            if (found.name, found.mark, found.state) == (name, spec.mark, "created")
            else None
        )

    def _rename(self, step: Step) -> None:
        """Docker 20.10 does not rename a container that is restarting: one that began to since the
        plan was made is stopped first.
        """
        id = self.made(step)
        for stopped in (False, True):
            try:
                self._engine.rename(id, step.name)
                return
            except (ApiError, LostError) as error:
                if look(error, lambda: self._name(id) == step.name):
                    return
                if stopped or not (self._state(id) or {}).get("Restarting"):
                    raise failure(error) from error
            self._end(id, 0)

    def _update(self, id: str, settings: Settings) -> None:
        try:
            self._engine.update_container(id, settings)
        except (ApiError, LostError) as error:
            if not look(
                error,
                lambda: (
                    (seen := self._observed(id)) is not None
                    and all(value_of(seen.settings, path) == settings[path] for path in settings)
                ),
            ):
                raise failure(error) from error

    def _start(self, id: str) -> None:
        for delay in (*TORN_DOWN, 0):
            try:
                return self._engine.start(id)
            except (ApiError, LostError) as error:
                lost = isinstance(error, LostError)
                if look(error, lambda lost=lost: self._started(id, lost)):  # type: ignore[misc]
                    return None
                if not delay or not self._misses_a_network(error):
                    raise failure(error) from error
            time.sleep(delay)
        raise AssertionError("the last try returns or raises")

    def _misses_a_network(self, error: EngineError) -> bool:
        """The engine finds no network that it lists: a swarm's leaves a node with its last
        container, for a moment.
        """
        if not (
            isinstance(error, ApiError) and "network" in str(error) and "not found" in str(error)
        ):
            return False
        swarm = [raw for raw in self._engine.networks() if raw.get("Scope") == "swarm"]
        return any(raw["Name"] in str(error) or raw["Id"] in str(error) for raw in swarm)

    def _started(self, id: str, lost: bool) -> bool:
        """Whether it runs; after a lost answer also whether it was started and has ended
        already.
        """
        raw = self._engine.container(id) or {}
        state = raw.get("State") or {}
        ended = id in self._made.values() and not str(state.get("StartedAt") or "0001").startswith(
            "0001"
        )
        return bool(state.get("Running")) or (lost and ended)

    def _end(self, id: str, seconds: int) -> None:
        try:
            self._engine.stop(id, seconds)
        except (ApiError, LostError) as error:
            if not look(error, lambda: not (self._state(id) or {}).get("Running")):
                raise failure(error) from error

    def _remove(self, id: str, volumes: bool) -> None:
        try:
            self._engine.remove_container(id, force=True, volumes=volumes)
        except (ApiError, LostError) as error:
            gone = look(error, lambda: self._engine.container(id) is None)
            if not gone and not self._going(id):
                raise failure(error) from error

    def _going(self, id: str) -> bool:
        """Somebody else is removing it: wait for the end of that."""
        for _ in range(25):
            state = self._state(id)
            if state is None:
                return True
            if state.get("Status") != "removing":
                return False
            time.sleep(LOOK)
        return False

    # --- waiting ---

    def reached(self, step: Step, since: float) -> bool:
        """One look of many at what a `wait` waits for, `since` that time of `time.monotonic`.

        Raises EngineError where it will not come any more, or the time for it is over.
        """
        try:
            if self._has_reached(self.made(step), step):
                return True
        except (ApiError, LostError) as error:  # the next look may be luckier
            if isinstance(error, ApiError) and error.status < 500:
                raise
        if self._stop.is_set():
            raise StepError("interrupted while waiting")
        if time.monotonic() >= since + step.seconds:
            what = "has not exited" if step.condition == "completed" else "is not healthy"
            raise StepError(
                f"{step.container} {what} after {step.seconds} s{self._unchecked(step)}"
            )
        return False

    def _unchecked(self, step: Step) -> str:
        """Why no check says that it is healthy: Podman leaves them to systemd timers."""
        health = (self._state(self.made(step)) or {}).get("Health") or {}
        if step.condition != "healthy" or self._info.flavor != "podman" or health.get("Log"):
            return ""
        return ": Podman has not run its healthcheck; it does so only where systemd runs"

    def _has_reached(self, id: str, step: Step) -> bool:
        state = self._state(id)
        if state is None:
            raise StepError(f"{step.container} no longer exists")
        code, running = int(state.get("ExitCode") or 0), bool(state.get("Running"))
        if step.condition == "completed":
            if not running and code:
                raise StepError(f"{step.container} exited with code {code}{self._said(id)}")
            return not running
        if not running:
            raise StepError(f"{step.container} exited with code {code}{self._said(id)}")
        health = (state.get("Health") or {}).get("Status")
        if step.condition == "healthy" and not health:
            raise StepError(
                f"{step.container} has no healthcheck: declare one, or use condition:"
                " service_started"
            )
        if health == "unhealthy":
            raise StepError(
                f"{step.container} is unhealthy{check_said(self._engine.container(id) or {})}"
            )
        return step.condition == "started" or health == "healthy"

    def _said(self, id: str) -> str:
        line = without_secrets(self._engine.last_line(id), self._engine.container(id) or {})
        return f": {line}" if line else ""

    # --- looking ---

    def _state(self, id: str) -> dict[str, Any] | None:
        raw = self._engine.container(id)
        state: dict[str, Any] | None = None if raw is None else raw.get("State") or {}
        return state

    def _name(self, id: str) -> str:
        return str((self._engine.container(id) or {}).get("Name", "")).removeprefix("/")

    def _observed(self, id: str) -> ObservedContainer | None:
        raw = self._engine.container(id)
        return read_managed(read_container(raw, self._info), raw) if raw else None

    # --- taking a recreation back ---

    def reverse(self, old: Replaced) -> str:
        """Puts the old container back in its place, as it was; says how that went. Does nothing
        where it is in its place already.
        """
        try:
            return self._reverse(old)
        except EngineError as error:
            return f"the old container could not be restored: {words(error)}"

    def _reverse(self, old: Replaced) -> str:
        seen = self._observed(old.id)
        if seen is None:
            return "the old container no longer exists"
        if new := self._made.pop(old.name, None):
            self._remove(new, volumes=True)  # but for those carried over, which the old one holds
        if seen.name != old.name:
            seen = self._named_again(old, seen)
        for endpoint in old.endpoints:
            self._mend(old.id, old.name, seen, endpoint)
        if not seen.live:
            self._drop_phantoms(old, seen)
        if old.live and not seen.live:
            if shared := self._shared_at_rest(seen):
                return ENDED.format(*shared)
            self._start(old.id)
            self.put_back[old.id] = time.monotonic()
        return BACK

    def _shared_at_rest(self, member: ObservedContainer) -> tuple[str, str] | None:
        """What it shares of a container that does not run, and the name of that one, as far as it
        has one. It cannot be started then.
        """
        for key, id in sharing(member.network_mode, member.settings).items():
            raw = self._engine.container(id) or {}
            if not (raw.get("State") or {}).get("Running"):
                return NAMESPACES[key], str(raw.get("Name") or id[:12]).removeprefix("/")
        return None

    def _named_again(self, old: Replaced, seen: ObservedContainer) -> ObservedContainer:
        """Under its own name; stopped for that where no engine renames what runs, as on an overlay
        network.
        """
        try:
            self._engine.rename(old.id, old.name)
            return seen
        except ApiError:
            if not seen.live:
                raise
        self._end(old.id, self._grace)
        self._engine.rename(old.id, old.name)
        return replace(seen, state="exited")

    def _drop_phantoms(self, old: Replaced, seen: ObservedContainer) -> None:
        """What it only listed while it ran would keep it from being started."""
        real = {endpoint.network for endpoint in old.endpoints}
        for endpoint in seen.endpoints:
            if endpoint.network not in real:
                self._engine.disconnect(endpoint.network_id or endpoint.network, old.id, force=True)

    def _mend(self, id: str, name: str, seen: ObservedContainer, wanted: EndpointSpec) -> None:
        """Attaches it again where its network was recreated, or it had to leave for that."""
        networks = {raw["Name"]: raw["Id"] for raw in self._engine.networks()}
        now, present = networks.get(wanted.network), seen.endpoint(wanted.network)
        if now is None or (present and present.network_id in ("", now)):
            return
        if present:
            self._engine.disconnect(now, id, force=True)
        self._engine.connect(now, id, wanted.settings, wanted.mark, Place(name, wanted.network))

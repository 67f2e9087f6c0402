"""Chooses the way into each network namespace: the kernel, else a helper, else the container's own
tools.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..engine import Engine
from ..errors import EngineError
from ..network_mode import NetworkMode, read_mode
from .commands import DEFAULT_IMAGE, CommandNamespace, Helpers
from .kernel import KernelNamespace, container_namespace, engine_processes
from .protocol import AccessError, NetworkNamespace, Way

Note = Callable[[str], None]
WAYS: tuple[Way, ...] = ("kernel", "helper", "exec")
_HOST = "the engine's own network namespace"


class Entrance:
    """The ways into the namespaces of one engine. `ways` are those that may be tried, in order;
    `inspected` holds what is known of containers already, by ID; `note` is told which way was
    taken.
    """

    def __init__(
        self,
        engine: Engine,
        image: str = DEFAULT_IMAGE,
        inspected: Mapping[str, Mapping[str, Any]] | None = None,
        ways: tuple[Way, ...] = WAYS,
        note: Note = lambda line: None,
    ) -> None:
        self._engine, self._ways, self._note = engine, ways, note
        self._known = dict(inspected or {})
        self._helpers = Helpers(engine, image)
        self._lock = threading.Lock()
        self._entered: dict[str, _Once] = {}
        self._closed: dict[Way, str] = {}
        self._helpers.sweep()

    def enter(self, container: str) -> NetworkNamespace:
        """See Access."""
        raw, mode = self._owner(container)
        if mode.kind == "host":
            return self.engine_side()
        id = str(raw["Id"])
        return self._once(id).get(partial(self._choose, id, raw))

    def engine_side(self) -> NetworkNamespace:
        """See Access."""
        return self._once("").get(partial(self._choose, "", {}))

    def close(self) -> None:
        """See Access."""
        self._helpers.close()
        for once in self._entered.values():
            if isinstance(once.found, KernelNamespace):
                once.found.close()
        self._entered.clear()

    def _once(self, id: str) -> _Once:
        with self._lock:
            return self._entered.setdefault(id, _Once())

    def _owner(self, container: str) -> tuple[Mapping[str, Any], NetworkMode]:
        """Whose namespace the container is in, as inspected, and of which mode that is."""
        for _ in range(64):  # members of members; an engine lets no circle come to be
            raw = self._known.get(container) or self._engine.container(container)
            if raw is None:
                break
            self._known[container] = raw
            mode = read_mode(str((raw.get("HostConfig") or {}).get("NetworkMode") or ""))
            if not mode.shares:
                return raw, mode
            container = mode.shares
        raise AccessError("there is no such container any more")

    def _choose(self, id: str, raw: Mapping[str, Any]) -> NetworkNamespace:
        """By the first way that works; AccessError names what stands in the way of the last."""
        reasons = []
        for way in self._ways:
            try:
                found = self._by(way, id, raw)
            except AccessError as error:
                reasons.append(error.message)
                continue
            self._note(f"{way:<6} {str(raw.get('Name') or _HOST).lstrip('/')}")
            return found
        raise AccessError("; ".join(dict.fromkeys(reasons)))

    def _by(self, way: Way, id: str, raw: Mapping[str, Any]) -> NetworkNamespace:
        state = raw.get("State") or {}
        if id and not state.get("Running"):
            raise AccessError(f"it is {state.get('Status') or 'stopped'}")
        if way == "kernel":
            return container_namespace(id, int(state.get("Pid") or 0)) if id else self._kernel()
        if way == "helper":
            return self._helper(f"container:{id}" if id else "host")
        return CommandNamespace(self._engine, id or self._host_container(), "exec")

    def _helper(self, mode: str) -> NetworkNamespace:
        if reason := self._closed.get("helper"):
            raise AccessError(reason)
        try:
            return self._helpers.enter(mode)
        except AccessError as error:
            if "--probe-image" in error.message:  # it will be missing for the next one, too
                self._closed["helper"] = error.message
            raise

    def _kernel(self) -> NetworkNamespace:
        """The engine's own: that of a process of the engine's, if a container of it runs here."""
        mine = [raw for raw in self._known.values() if (raw.get("State") or {}).get("Pid")]
        for raw in mine[:1]:
            pid = int(raw["State"]["Pid"])
            container_namespace(str(raw["Id"]), pid).close()  # its engine is on this machine
            for process in engine_processes(self._engine.target, 5, pid):
                return KernelNamespace(process)
        raise AccessError("no process of the engine is found on this machine")

    def _host_container(self) -> str:
        """A container that runs in the engine's own namespace."""
        listed = self._engine.containers({"status": ["running"], "network": ["host"]})
        if not listed:
            raise AccessError("no container runs in it whose tools could be used")
        return str(listed[0]["Id"])


class _Once:
    """What was found, or why nothing was; several threads that want it wait for the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.found: NetworkNamespace | None = None
        self._error: EngineError | None = None

    def get(self, make: Callable[[], NetworkNamespace]) -> NetworkNamespace:
        with self._lock:
            if self._error:
                raise self._error
            if self.found is None:
                try:
                    self.found = make()
                except EngineError as error:
                    self._error = error
                    raise
            return self.found

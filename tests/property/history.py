"""What happened on an engine until it is observed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reconciler.marks import digests
from reconciler.model import PREDEFINED, EndpointMark, EngineInfo, NetworkMark, ObservedContainer
from reconciler.settings import Settings, settings_pools

from .choices import Choose, Space, endpoint_settings, network_settings, part
from .simulator import Violation, empty


@dataclass(frozen=True)
class Call:
    """One call that made an observed state; names, not IDs. `what`: run, start, stop, pause,
    create, remove, connect or disconnect.

    A `mode` of `name`, `id` or `container` is that of `network` (for `container`, the name of the
    other one). `fails`: the engine says no.
    """

    what: str
    network: str = ""
    container: str = ""
    mode: str = ""
    settings: Settings = field(default_factory=dict)
    mark: NetworkMark | EndpointMark | None = None
    fails: bool = False


class History:
    """What happened on an engine until it is observed. A call that fails leaves what it leaves."""

    def __init__(self, choose: Choose, space: Space, info: EngineInfo) -> None:
        self.choose, self.space, self.engine = choose, space, empty(info)
        self.calls: list[Call] = []

    def happen(self) -> None:
        for name in self.choose.some(self.space.networks, 60):
            self._create(name)
        for name in self.choose.some(self.space.containers, 70):
            self._run(name)
        for _ in range(self.choose.one(range(self.space.length))):
            self._something()
        if self.space.twins and self.engine.info.api < (1, 44) and self.choose.chance(4):
            self._twin()

    def _something(self) -> None:
        self.choose.one(
            (
                self._connect,
                self._connect,
                self._connect,
                self._connect,
                self._disconnect,
                self._state,
                self._state,
                self._remade,
            )
        )()

    def _do(self, call: Call, act: Callable[[], object]) -> None:
        before = self.engine.observed
        try:
            act()
        except Violation:
            if self.engine.observed != before:  # it failed, and left a phantom
                self.calls.append(replace(call, fails=True))
        else:
            self.calls.append(call)

    def _create(self, name: str) -> None:
        settings = network_settings(self.choose, self.space)
        if name in {
            network.name for network in self.engine.networks.values()
        } or self._cannot_be_automatic(name, settings):
            return
        mark = self._network_mark(settings)
        self._do(
            Call("create", name, settings=settings, mark=mark),
            lambda: self.engine.create(name, settings, mark),
        )

    def _cannot_be_automatic(self, name: str, settings: Settings) -> bool:
        """A static address is refused where the engine chose the subnet, and nobody can see
        beforehand that it did.
        """
        endpoints = [
            endpoint
            for container in self.engine.containers.values()
            if (endpoint := container.endpoint(name))
        ]
        return any(
            path in e.settings and f"{path[:4]}.subnet" not in settings
            for e in endpoints
            for path in ("ipv4_address", "ipv6_address")
        )

    def _network_mark(self, settings: Settings) -> NetworkMark | None:
        topology = self.choose.one(self.space.owners)
        if topology is None:
            return None
        members = dict.fromkeys(self.choose.some(self.space.containers, 20), "0" * 12)
        return NetworkMark(
            topology, digests(part(self.choose, settings)), members, self.choose.chance(5)
        )

    def _run(self, name: str) -> None:
        kind = self.choose.one(self.space.modes)
        mode, settings, target = kind, {}, ""
        networks = [n for n in self.engine.networks.values() if n.name not in PREDEFINED]
        if kind in ("name", "id"):
            if not networks:
                return
            network = self.choose.one(networks)
            mode, target = network.name if kind == "name" else network.id, network.name
            if self.choose.chance(30):
                settings = {"aliases": ("own",)}
        elif kind == "container":
            others = [
                c
                for c in self.engine.containers.values()
                if not c.network_mode.startswith("container:")
            ]
            if not others:
                return
            other = self.choose.one(others)
            mode, target = f"container:{other.id}", other.name
        container = self.engine.create_container(
            name, mode, self.choose.one(("", "host")), settings
        )
        self.calls.append(Call("run", target, name, kind, settings))
        if not self.choose.chance(12):
            self._do(Call("start", container=name), lambda: self.engine.start(container))

    def _connect(self) -> None:
        container = self._any_container()
        networks = [n for n in self.engine.networks.values() if n.name not in ("host", "none")]
        if container is None:
            return
        network = self.choose.one(sorted(networks, key=lambda n: n.name == "bridge"))
        predefined = network.name in PREDEFINED
        settings = (
            {}
            if predefined
            else endpoint_settings(
                self.choose, settings_pools(network.settings), sorted(container.implied)[1:]
            )
        )
        if self.engine.info.api < (1, 48):
            settings.pop("gw_priority", None)
        mark = self._endpoint_mark(settings, predefined)
        call = Call("connect", network.name, container.name, settings=settings, mark=mark)
        self._do(call, lambda: self.engine.connect(network, container, settings, mark))

    def _endpoint_mark(self, settings: Settings, predefined: bool) -> EndpointMark | None:
        topology = self.choose.one((*self.space.owners, None))
        if topology is None:
            return None
        declared = part(self.choose, settings)
        if self.choose.chance(60):
            return EndpointMark(topology, "made", declared)
        before = {path: value for path, value in settings.items() if path not in declared}
        if not predefined and self.choose.chance(30):
            before["aliases"] = ("before",)
        return EndpointMark(topology, "amended", declared, before)

    def _disconnect(self) -> None:
        container = self._any_container()
        if container and container.endpoints:
            endpoint = self.choose.one(container.endpoints)
            network = next(
                (n for n in self.engine.networks.values() if n.name == endpoint.network), None
            )
            if network:
                call = Call("disconnect", network.name, container.name)
                self._do(call, lambda: self.engine.disconnect(network, container))

    def _state(self) -> None:
        container = self._any_container()
        if container is None:
            return
        if not container.live:
            self._do(Call("start", container=container.name), lambda: self.engine.start(container))
        elif container.state == "running":
            what = self.choose.one(("stop", "pause"))
            self._do(
                Call(what, container=container.name), lambda: getattr(self.engine, what)(container)
            )

    def _remade(self) -> None:
        """A network is removed under whoever does not run, and perhaps made again."""
        networks = [n for n in self.engine.networks.values() if n.name not in PREDEFINED]
        if not networks:
            return
        network = self.choose.one(networks)
        self._do(Call("remove", network.name), lambda: self.engine.remove(network))
        if self.choose.chance(60):
            self._create(network.name)

    def _twin(self) -> None:
        """Two networks of one name: 20.10 makes them when asked twice at once."""
        networks = [n for n in self.engine.networks.values() if n.name not in PREDEFINED]
        if networks:
            name = self.choose.one(networks).name
            other = self.engine.networks[self.engine.create("twin", {})]
            self.engine.networks[other.id] = type(other)(
                other.id, name, other.settings, self._network_mark({})
            )

    def _any_container(self) -> ObservedContainer | None:
        containers = list(self.engine.containers.values())
        return self.choose.one(containers) if containers else None

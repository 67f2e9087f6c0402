"""Random pairs of a file and an engine that fit each other: small name spaces, so that everything collides with everything.

An observed state is what the simulator makes of random calls, so it is one that an engine can be in. A desired state is written against
that state (the same names, often the same settings), and obeys the rules that every file must pass.

`Case`s come from any source of choices: hypothesis (`cases`, which shrinks) or a seeded generator (`seeded`, which is fast).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TypeVar

from hypothesis import strategies as st

from reconciler.marks import digests
from reconciler.model import (
    BRIDGE_NAME_OPTION,
    MTU_OPTION,
    PREDEFINED,
    DesiredContainer,
    DesiredEndpoint,
    DesiredNetwork,
    DesiredState,
    EndpointMark,
    EngineInfo,
    NetworkMark,
    ObservedContainer,
    ObservedState,
    Pool,
    Settings,
    Source,
    Value,
    pool_settings,
    settings_pools,
)
from reconciler.planner import Policy

from .simulator import FAMILIES, Violation, empty, implicit_gateway, reserved

T = TypeVar("T")
OURS, OTHER = "ours", "other"
HERE = Source("t.yaml", 1)
ENGINES = (
    EngineInfo("E1", "e", "28.5.2", (1, 51)),
    EngineInfo("E1", "e", "20.10.24", (1, 41)),
    EngineInfo("E1", "e", "26.1.5", (1, 45)),
)


@dataclass(frozen=True)
class Space:
    """The names and addresses to choose from."""

    networks: tuple[str, ...] = ("a", "b", "c")
    containers: tuple[str, ...] = ("w", "x", "y", "z")
    subnets: tuple[str, ...] = ("10.0.1.0/24", "10.0.1.0/29", "10.0.2.0/29", "10.0.0.0/16", "172.18.0.0/16", "10.0.3.0/24")
    subnets6: tuple[str, ...] = ("fd00:1::/64", "fd00:2::/64")
    bridges: tuple[str, ...] = ("br1", "br2")
    modes: tuple[str, ...] = ("bridge", "bridge", "default", "none", "host", "container", "name", "name", "id")
    owners: tuple[str | None, ...] = (OURS, OURS, None, OTHER)
    twins: bool = True
    """Whether two networks of one name may exist."""


EVERYTHING = Space()


@dataclass(frozen=True)
class Case:
    """One question to the planner. `calls` made the observed state on an empty engine."""

    desired: DesiredState
    observed: ObservedState
    policy: Policy
    calls: tuple[Call, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Call:
    """One call that made an observed state; names, not IDs. `what`: run, start, stop, pause, create, remove, connect or disconnect."""

    what: str
    network: str = ""
    container: str = ""
    mode: str = ""
    settings: Settings = field(default_factory=dict)
    mark: NetworkMark | EndpointMark | None = None


def cases(space: Space = EVERYTHING, engine: EngineInfo | None = None) -> st.SearchStrategy[Case]:
    """Cases from hypothesis."""

    @st.composite
    def build(draw: st.DrawFn) -> Case:
        return make(Choose(lambda size: draw(_below(size))), space, engine)

    return build()


def seeded(seed: int, space: Space = EVERYTHING, engine: EngineInfo | None = None) -> Case:
    """The same from a seed."""
    return make(Choose(random.Random(seed).randrange), space, engine)


@lru_cache
def _below(size: int) -> st.SearchStrategy[int]:
    return st.integers(0, size - 1)


class Choose:
    """A source of choices; the first option is the simplest."""

    def __init__(self, below: Callable[[int], int]) -> None:
        self._below = below

    def one(self, options: Sequence[T]) -> T:
        return options[self._below(len(options))] if len(options) > 1 else options[0]

    def chance(self, percent: int) -> bool:
        return self._below(100) >= 100 - percent

    def some(self, options: Sequence[T], percent: int) -> list[T]:
        return [option for option in options if self.chance(percent)]


def make(choose: Choose, space: Space = EVERYTHING, engine: EngineInfo | None = None) -> Case:
    """One case."""
    history = _History(choose, space, engine or choose.one(ENGINES))
    history.happen()
    desired = _File(choose, space, history.engine.observed).write()
    foreign = {n.name for n in history.engine.observed.networks if not (n.mark and n.mark.topology == OURS)}
    adopt = frozenset(name for name in sorted(desired.networks) if choose.chance(70 if name in foreign else 5))
    return Case(desired, history.engine.observed, Policy(adopt=adopt), tuple(history.calls))


# --- settings --------------------------------------------------------------------------------------------------------


def network_settings(choose: Choose, space: Space) -> dict[str, Value]:
    """What somebody may write about a network."""
    pools = []
    if choose.chance(75):
        pools.append(_pool(choose, choose.one(space.subnets)))
    values: dict[str, Value] = {}
    if choose.chance(20):
        pools.append(_pool(choose, choose.one(space.subnets6)))
        values["enable_ipv6"] = not choose.chance(10)
    elif choose.chance(3):
        values["enable_ipv6"] = True
    optional: dict[str, Sequence[Value]] = {
        "internal": (False, True),
        "attachable": (False, True),
        "labels.team": ("net", "web"),
        f"driver_opts.{MTU_OPTION}": ("1400", "1450"),
        f"driver_opts.{BRIDGE_NAME_OPTION}": space.bridges,
    }
    values |= {path: choose.one(options) for path, options in optional.items() if choose.chance(15)}
    if choose.chance(4):
        values["enable_ipv4"] = choose.one((True, False))
    if values.get("enable_ipv4") is False:
        pools = [pool for pool in pools if ":" in pool.subnet]
        values["enable_ipv6"] = True
    return values | pool_settings(pools)


def _pool(choose: Choose, subnet: str) -> Pool:
    space = ip_network(subnet)
    gateway = str(space[choose.one((1, 1, 6))]) if choose.chance(30) else None
    halves = list(space.subnets(new_prefix=space.prefixlen + 1)) if choose.chance(8) and space.num_addresses > 64 else []
    ip_range = str(choose.one(halves)) if halves else None
    aux = (("printer", str(space[5])),) if choose.chance(8) else ()
    return Pool(subnet, gateway, ip_range, aux)


def endpoint_settings(choose: Choose, pools: Sequence[Pool], implied: Sequence[str]) -> dict[str, Value]:
    """What somebody may write about an endpoint on a network with these pools."""
    values: dict[str, Value] = {}
    for pool in pools:
        if choose.chance(40):
            address = str(ip_network(pool.subnet)[choose.one((2, 3, 4, 1, 5))])
            values["ipv6_address" if ":" in address else "ipv4_address"] = address
    if "ipv4_address" not in values:  # one with IPv6 alone static and one with IPv4 alone static: no order is right for both
        values.pop("ipv6_address", None)
    aliases = [name for name in ("one", "two", *implied[:1]) if choose.chance(25)]
    if aliases:
        values["aliases"] = tuple(sorted(aliases))
    optional: dict[str, Sequence[Value]] = {
        "driver_opts.k": ("1", "2"),
        "link_local_ips": (("169.254.9.9",),),
        "gw_priority": (5, 7),
        "interface_name": ("eth7",),
    }
    return values | {path: choose.one(options) for path, options in optional.items() if choose.chance(6)}


def _part(choose: Choose, settings: Settings) -> dict[str, Value]:
    """What of these settings a file may have declared: a pool's details not without its subnet."""
    kept = {path: value for path, value in settings.items() if choose.chance(70)}
    return {path: value for path, value in kept.items() if f"{path[:4]}.subnet" in kept or not path.startswith(FAMILIES)}


# --- the engine ------------------------------------------------------------------------------------------------------


class _History:
    """What happened on an engine until it is observed. A call that fails leaves what it leaves."""

    def __init__(self, choose: Choose, space: Space, info: EngineInfo) -> None:
        self.choose, self.space, self.engine = choose, space, empty(info)
        self.calls: list[Call] = []

    def happen(self) -> None:
        for name in self.choose.some(self.space.networks, 60):
            self._create(name)
        for name in self.choose.some(self.space.containers, 70):
            self._run(name)
        for _ in range(self.choose.one(range(14))):
            self._something()
        if self.space.twins and self.engine.info.api < (1, 44) and self.choose.chance(4):
            self._twin()

    def _something(self) -> None:
        self.choose.one(
            (self._connect, self._connect, self._connect, self._connect, self._disconnect, self._state, self._state, self._remade)
        )()

    def _do(self, call: Call, act: Callable[[], object]) -> None:
        try:
            act()
        except Violation:
            pass
        else:
            self.calls.append(call)
            return
        if call.what in ("connect", "start"):  # a failure that leaves something is part of the history
            self.calls.append(call)

    def _create(self, name: str) -> None:
        settings = network_settings(self.choose, self.space)
        if name in {network.name for network in self.engine.networks.values()} or self._cannot_be_automatic(name, settings):
            return
        mark = self._network_mark(settings)
        self._do(Call("create", name, settings=settings, mark=mark), lambda: self.engine.create(name, settings, mark))

    def _cannot_be_automatic(self, name: str, settings: Settings) -> bool:
        """A static address is refused where the engine chose the subnet, and nobody can see beforehand that it did."""
        endpoints = [endpoint for container in self.engine.containers.values() if (endpoint := container.endpoint(name))]
        return any(
            path in e.settings and f"{path[:4]}.subnet" not in settings for e in endpoints for path in ("ipv4_address", "ipv6_address")
        )

    def _network_mark(self, settings: Settings) -> NetworkMark | None:
        topology = self.choose.one(self.space.owners)
        if topology is None:
            return None
        members = dict.fromkeys(self.choose.some(self.space.containers, 20), "0" * 12)
        return NetworkMark(topology, digests(_part(self.choose, settings)), members, self.choose.chance(5))

    def _run(self, name: str) -> None:
        kind = self.choose.one(self.space.modes)
        mode, settings = kind, {}
        networks = [n for n in self.engine.networks.values() if n.name not in PREDEFINED]
        if kind in ("name", "id"):
            if not networks:
                return
            network = self.choose.one(networks)
            mode = network.name if kind == "name" else network.id
            if self.choose.chance(30):
                settings = {"aliases": ("own",)}
        elif kind == "container":
            others = [c for c in self.engine.containers.values() if not c.network_mode.startswith("container:")]
            if not others:
                return
            mode = f"container:{self.choose.one(others).id}"
        container = self.engine.create_container(name, mode, self.choose.one(("", "host")), settings)
        self.calls.append(Call("run", container=name, mode=mode, settings=settings))
        if not self.choose.chance(12):
            self._do(Call("start", container=name), lambda: self.engine.start(container))

    def _connect(self) -> None:
        container = self._any_container()
        networks = [n for n in self.engine.networks.values() if n.name not in ("host", "none")]
        if container is None:
            return
        network = self.choose.one(sorted(networks, key=lambda n: n.name == "bridge"))
        predefined = network.name in PREDEFINED
        settings = {} if predefined else endpoint_settings(self.choose, settings_pools(network.settings), sorted(container.implied)[1:])
        if self.engine.info.api < (1, 48):
            settings.pop("gw_priority", None)
        mark = self._endpoint_mark(settings, predefined)
        call = Call("connect", network.name, container.name, settings=settings, mark=mark)
        self._do(call, lambda: self.engine.connect(network, container, settings, mark))

    def _endpoint_mark(self, settings: Settings, predefined: bool) -> EndpointMark | None:
        topology = self.choose.one((*self.space.owners, None))
        if topology is None:
            return None
        declared = _part(self.choose, settings)
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
            network = next((n for n in self.engine.networks.values() if n.name == endpoint.network), None)
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
            self._do(Call(what, container=container.name), lambda: getattr(self.engine, what)(container))

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
            self.engine.networks[other.id] = type(other)(other.id, name, other.settings, self._network_mark({}))

    def _any_container(self) -> ObservedContainer | None:
        containers = list(self.engine.containers.values())
        return self.choose.one(containers) if containers else None


# --- the file --------------------------------------------------------------------------------------------------------


class _File:
    """Writes a desired state that a valid file could have."""

    def __init__(self, choose: Choose, space: Space, observed: ObservedState) -> None:
        self.choose, self.space, self.observed = choose, space, observed
        self.networks: dict[str, DesiredNetwork] = {}
        self.taken: list[str] = []

    def write(self) -> DesiredState:
        if self.choose.chance(6):
            return DesiredState(OURS)
        for name in self.choose.some(self.space.networks, 70):
            self.networks[name] = self._network(name)
        containers = {name: self._container(name) for name in self.choose.some(self.space.containers, 75)}
        return DesiredState(OURS, self.networks, {name: container for name, container in containers.items() if container})

    def _network(self, name: str) -> DesiredNetwork:
        present = next((n for n in self.observed.networks if n.name == name), None)
        ours = present and present.mark and present.mark.topology == OURS
        if present and self.choose.chance(3 if ours else 35):
            return DesiredNetwork(name, HERE, external=True)
        settings = _part(self.choose, present.settings) if present and self.choose.chance(60) else network_settings(self.choose, self.space)
        settings = self._without_overlap(settings)
        self.taken += [pool.subnet for pool in settings_pools(settings)]
        return DesiredNetwork(name, HERE, settings, exclusive=self.choose.chance(12), protect=self.choose.chance(4))

    def _without_overlap(self, settings: Settings) -> dict[str, Value]:
        """Declared subnets do not overlap: the rule of the file."""
        bad = [pool.subnet[:4] for pool in settings_pools(settings) if _overlaps(pool.subnet, self.taken)]
        gone = tuple("ipv6." if ":" in prefix else "ipv4." for prefix in bad)
        return {path: value for path, value in settings.items() if not path.startswith(gone)} if gone else dict(settings)

    def _container(self, name: str) -> DesiredContainer | None:
        present = next((c for c in self.observed.containers if c.name == name), None)
        optional = self.choose.chance(10 if present else 95)
        if present and present.network_mode.startswith(("host", "container:")) and self.choose.chance(92):
            return None
        networks = self.choose.some(sorted(self.networks), 55) + self.choose.some(["bridge"], 8)
        endpoints = tuple(self._endpoint(network, present) for network in networks)
        return DesiredContainer(name, HERE, endpoints, optional) if endpoints or self.choose.chance(20) else None

    def _endpoint(self, network: str, container: ObservedContainer | None) -> DesiredEndpoint:
        if network == "bridge":
            return DesiredEndpoint(network, HERE)
        present = container.endpoint(network) if container else None
        wanted = self.networks[network]
        if present and self.choose.chance(55):
            settings = {path: value for path, value in present.settings.items() if self.choose.chance(70)}
        else:
            pools = settings_pools(self._subnets(wanted))
            implied = sorted(container.implied)[1:] if container else ()
            settings = endpoint_settings(self.choose, pools, implied)
            if container and self.choose.chance(2):
                settings["mac_address"] = "02:42:00:00:00:09"
            if self.observed.engine.api < (1, 48) and self.choose.chance(90):
                settings = {path: value for path, value in settings.items() if path not in ("gw_priority", "interface_name")}
        return DesiredEndpoint(network, HERE, self._allowed(wanted, settings))

    def _subnets(self, wanted: DesiredNetwork) -> Settings:
        observed = next((n for n in self.observed.networks if n.name == wanted.name), None)
        return observed.settings if wanted.external and observed else wanted.settings

    def _allowed(self, wanted: DesiredNetwork, settings: Mapping[str, Value]) -> dict[str, Value]:
        """Static addresses inside the declared subnet, none that is reserved, none twice: the rules of the file."""
        result = dict(settings)
        pools = settings_pools(wanted.settings)
        for path in ("ipv4_address", "ipv6_address"):
            address = result.get(path)
            if address is None:
                continue
            pool = next((p for p in pools if ip_address(str(address)) in ip_network(p.subnet)), None)
            fits = wanted.external or (pool and str(address) not in reserved(pool) - {implicit_gateway(pool)} | {pool.gateway})
            if not fits or f"{wanted.name} {address}" in self.taken or self._cannot(wanted, path[:4]):
                del result[path]
            else:
                self.taken.append(f"{wanted.name} {address}")
        if "ipv4_address" not in result:  # as above
            result.pop("ipv6_address", None)
        return result

    def _cannot(self, wanted: DesiredNetwork, family: str) -> bool:
        """Where no static address can be: IPv6 is off, or the engine chose the subnet, which nobody can see before it says so."""
        present = next((n for n in self.observed.networks if n.name == wanted.name), None)
        settings = present.settings if wanted.external and present else wanted.settings
        chosen = present is not None and family[-1] in present.id.partition("-auto")[2]
        return (family == "ipv6" and settings.get("enable_ipv6") is not True) or chosen


def _overlaps(subnet: str, taken: Sequence[str]) -> bool:
    mine = ip_network(subnet)
    others = [ip_network(other) for other in taken if "/" in other]
    return any(other.version == mine.version and other.overlaps(mine) for other in others)

"""Random pairs of a file and an engine that fit each other: small name spaces, so that everything
collides with everything.

An observed state is what the simulator makes of random calls, so it is one that an engine can be
in. A desired state is written against that state (the same names, often the same settings), and
obeys the rules that every file must pass.

`Case`s come from any source of choices: hypothesis (`cases`, which shrinks) or a seeded generator
(`seeded`, which is fast).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address, ip_network

from hypothesis import strategies as st

from reconciler.model import (
    DesiredContainer,
    DesiredEndpoint,
    DesiredNetwork,
    DesiredState,
    EngineInfo,
    ObservedContainer,
    ObservedState,
    Source,
)
from reconciler.planner import Policy
from reconciler.settings import Settings, Value, settings_pools

from .choices import OURS, Choose, Space, endpoint_settings, network_settings, part
from .history import Call, History
from .pools import implicit_gateway, reserved

HERE = Source("t.yaml", 1)
EVERYTHING = Space()
ENGINES = (
    EngineInfo("E1", "e", "28.5.2", (1, 51)),
    EngineInfo("E1", "e", "20.10.24", (1, 41)),
    EngineInfo("E1", "e", "26.1.5", (1, 45)),
)


@dataclass(frozen=True)
class Case:
    """One question to the planner. `calls` made the observed state on an empty engine."""

    desired: DesiredState
    observed: ObservedState
    policy: Policy
    calls: tuple[Call, ...] = field(default=(), repr=False)


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


def make(choose: Choose, space: Space = EVERYTHING, engine: EngineInfo | None = None) -> Case:
    """One case."""
    history = History(choose, space, engine or choose.one(ENGINES))
    history.happen()
    desired = File(choose, space, history.engine.observed).write()
    foreign = {
        n.name for n in history.engine.observed.networks if not (n.mark and n.mark.topology == OURS)
    }
    adopt = frozenset(
        name for name in sorted(desired.networks) if choose.chance(70 if name in foreign else 5)
    )
    return Case(
        desired,
        history.engine.observed,
        Policy(adopt=adopt, allow_empty=True),
        tuple(history.calls),
    )


class File:
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
        containers = {
            name: self._container(name) for name in self.choose.some(self.space.containers, 75)
        }
        return DesiredState(
            OURS,
            self.networks,
            {name: container for name, container in containers.items() if container},
        )

    def _network(self, name: str) -> DesiredNetwork:
        present = next((n for n in self.observed.networks if n.name == name), None)
        ours = present and present.mark and present.mark.topology == OURS
        if present and self.choose.chance(3 if ours else 35):
            return DesiredNetwork(name, HERE, external=True)
        settings = (
            part(self.choose, present.settings)
            if present and self.choose.chance(60)
            else network_settings(self.choose, self.space)
        )
        settings = self._without_overlap(settings)
        if settings.get("enable_ipv6") is not True:
            settings.pop("enable_ipv4", None)
        self.taken += [pool.subnet for pool in settings_pools(settings)]
        return DesiredNetwork(
            name, HERE, settings, exclusive=self.choose.chance(12), protect=self.choose.chance(4)
        )

    def _without_overlap(self, settings: Settings) -> dict[str, Value]:
        """Declared subnets do not overlap: the rule of the file."""
        bad = [
            pool.subnet[:4]
            for pool in settings_pools(settings)
            if _overlaps(pool.subnet, self.taken)
        ]
        gone = tuple("ipv6." if ":" in prefix else "ipv4." for prefix in bad)
        return (
            {path: value for path, value in settings.items() if not path.startswith(gone)}
            if gone
            else dict(settings)
        )

    def _container(self, name: str) -> DesiredContainer | None:
        present = next((c for c in self.observed.containers if c.name == name), None)
        optional = self.choose.chance(10 if present else 95)
        if (
            present
            and present.network_mode.startswith(("host", "container:"))
            and self.choose.chance(92)
        ):
            return None
        networks = self.choose.some(sorted(self.networks), 55) + self.choose.some(["bridge"], 8)
        endpoints = tuple(self._endpoint(network, present) for network in networks)
        return (
            DesiredContainer(name, HERE, endpoints, optional)
            if endpoints or self.choose.chance(20)
            else None
        )

    def _endpoint(self, network: str, container: ObservedContainer | None) -> DesiredEndpoint:
        if network == "bridge":
            return DesiredEndpoint(network, HERE)
        present = container.endpoint(network) if container else None
        wanted = self.networks[network]
        if present and self.choose.chance(55):
            settings = {
                path: value for path, value in present.settings.items() if self.choose.chance(70)
            }
        else:
            pools = settings_pools(self._subnets(wanted))
            implied = sorted(container.implied)[1:] if container else ()
            settings = endpoint_settings(self.choose, pools, implied)
            if container and self.choose.chance(2):
                settings["mac_address"] = "02:42:00:00:00:09"
            if self.observed.engine.api < (1, 48) and self.choose.chance(90):
                settings = {
                    path: value
                    for path, value in settings.items()
                    if path not in ("gw_priority", "interface_name")
                }
        return DesiredEndpoint(network, HERE, self._allowed(wanted, settings))

    def _subnets(self, wanted: DesiredNetwork) -> Settings:
        observed = next((n for n in self.observed.networks if n.name == wanted.name), None)
        return observed.settings if wanted.external and observed else wanted.settings

    def _allowed(self, wanted: DesiredNetwork, settings: Mapping[str, Value]) -> dict[str, Value]:
        """Static addresses inside the declared subnet, none that is reserved, none twice: the rules
        of the file.
        """
        result = dict(settings)
        pools = settings_pools(wanted.settings)
        for path in ("ipv4_address", "ipv6_address"):
            address = result.get(path)
            if address is None:
                continue
            pool = next(
                (p for p in pools if ip_address(str(address)) in ip_network(p.subnet)), None
            )
            fits = wanted.external or (
                pool
                and str(address) not in reserved(pool) - {implicit_gateway(pool)} | {pool.gateway}
            )
            if (
                not fits
                or f"{wanted.name} {address}" in self.taken
                or self._cannot(wanted, path[:4])
            ):
                del result[path]
            else:
                self.taken.append(f"{wanted.name} {address}")
        if "ipv4_address" not in result:  # as above
            result.pop("ipv6_address", None)
        return result

    def _cannot(self, wanted: DesiredNetwork, family: str) -> bool:
        """Where no static address can be: IPv6 is off, or the engine chose the subnet, which nobody
        can see before it says so.
        """
        present = next((n for n in self.observed.networks if n.name == wanted.name), None)
        settings = present.settings if wanted.external and present else wanted.settings
        chosen = present is not None and family[-1] in present.id.partition("-auto")[2]
        return (family == "ipv6" and settings.get("enable_ipv6") is not True) or chosen


def _overlaps(subnet: str, taken: Sequence[str]) -> bool:
    mine = ip_network(subnet)
    others = [ip_network(other) for other in taken if "/" in other]
    return any(other.version == mine.version and other.overlaps(mine) for other in others)

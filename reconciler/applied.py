"""An engine as it is after a topology was applied to it: simulated, so that two files can be compared without one.

What an engine chooses by itself (subnets, addresses, MACs) is unset here: nobody can know it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_interface

from .marks import digests
from .model import (
    ContainerMark,
    DesiredContainer,
    DesiredEndpoint,
    DesiredState,
    EndpointMark,
    EngineInfo,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedImage,
    ObservedNetwork,
    ObservedState,
    Pool,
    Settings,
    Value,
    pool_settings,
)

NEWEST = EngineInfo(version="28", api=(1, 51), transport="simulated")
"""The engine that is assumed where there is none: of the newest version that netplan knows."""

_DEFAULTS: Mapping[str, Value] = {
    "driver": "bridge",
    "internal": False,
    "attachable": False,
    "enable_ipv4": True,
    "enable_ipv6": False,
    "ipam.driver": "default",
}
_PREDEFINED: Mapping[str, Settings] = {
    "bridge": _DEFAULTS,
    "host": {**_DEFAULTS, "driver": "host"},
    "none": {**_DEFAULTS, "driver": "null"},
}
_AROUND = {4: 24, 6: 64}
"""Prefix length of the subnet that an external network is assumed to have around an address declared on it."""


def applied(desired: DesiredState, engine: EngineInfo = NEWEST, *, also: Iterable[DesiredState] = ()) -> ObservedState:
    """The state of an otherwise empty `engine` after `desired` was applied.

    What a topology needs and does not make is taken to be there: external networks, and containers without an image, which run. `also` are
    other topologies for which the same is assumed.
    """
    states = (desired, *also)
    own = {network.name: network.settings for network in desired.networks.values() if not network.external}
    settings = {**_PREDEFINED, **_external(states), **own}
    containers = [_container(desired, name) for name in sorted(_present(states))]
    networks = [_network(desired, name, {**_DEFAULTS, **settings[name]}, containers) for name in sorted(settings)]
    images = {c.image: ObservedImage(_id("image", c.image)) for c in desired.containers.values() if c.managed}
    return ObservedState(engine, tuple(networks), tuple(containers), images)


def assumed(states: Iterable[DesiredState], engine: EngineInfo = NEWEST) -> ObservedState:
    """An `engine` on which nothing was applied yet, with all that the topologies need and do not make."""
    return applied(DesiredState(""), engine, also=states)


def assumptions(states: Iterable[DesiredState]) -> tuple[str, ...]:
    """What is taken to be there, in words, for the notes of a plan."""
    states = tuple(states)
    containers = sorted({c.name for state in states for c in state.containers.values() if not c.managed})
    networks = sorted(_external(states))
    found = [("containers", "exist and run", containers), ("external networks", "exist", networks)]
    return tuple(f"no engine was asked: these {what} are taken to {verb}: {', '.join(names)}" for what, verb, names in found if names)


def _present(states: tuple[DesiredState, ...]) -> set[str]:
    """Names of the containers that the first one made, or that nobody makes."""
    made = {c.name for c in states[0].containers.values() if c.managed}
    return made | {c.name for state in states for c in state.containers.values() if not c.managed}


# --- networks --------------------------------------------------------------------------------------------------------


def _external(states: Iterable[DesiredState]) -> dict[str, Settings]:
    """Networks that others make, with subnets in which the declared static addresses fit."""
    addresses: dict[str, set[str]] = defaultdict(set)
    for state in states:
        for container in state.containers.values():
            for endpoint in container.endpoints:
                addresses[endpoint.network].update(_static(endpoint))
    names = {network.name for state in states for network in state.networks.values() if network.external} - _PREDEFINED.keys()
    return {name: _around(addresses[name]) for name in names}


def _static(endpoint: DesiredEndpoint) -> Iterator[str]:
    for path in ("ipv4_address", "ipv6_address"):
        if path in endpoint.settings:
            yield str(endpoint.settings[path])


def _around(addresses: Iterable[str]) -> Settings:
    pools: dict[str, set[str]] = defaultdict(set)
    for address in addresses:
        pools[str(ip_interface(f"{address}/{_AROUND[ip_address(address).version]}").network)].add(address)
    found = [Pool(subnet, _gateway(subnet, taken)) for subnet, taken in pools.items()]
    return {**pool_settings(found), **({"enable_ipv6": True} if any(":" in subnet for subnet in pools) else {})}


def _gateway(subnet: str, taken: set[str]) -> str:
    """The first address that nobody declared."""
    first = ip_interface(subnet).network.network_address
    return next(str(first + offset) for offset in range(1, len(taken) + 2) if str(first + offset) not in taken)


def _network(desired: DesiredState, name: str, settings: Settings, containers: Iterable[ObservedContainer]) -> ObservedNetwork:
    wanted, mark = desired.networks.get(name), None
    if wanted and not wanted.external:
        members = {container.name: container.id[:12] for container in containers if container.endpoint(name)}
        mark = NetworkMark(desired.topology, digests(wanted.settings), members, wanted.protect)
    return ObservedNetwork(_id("network", name), name, settings, mark)


# --- containers ------------------------------------------------------------------------------------------------------


def _container(desired: DesiredState, name: str) -> ObservedContainer:
    wanted, id = desired.containers.get(name), _id("container", name)
    endpoints = tuple(_endpoint(desired, endpoint) for endpoint in wanted.endpoints) if wanted else ()
    found = ObservedContainer(id, name, endpoints=tuple(sorted(endpoints, key=lambda e: e.network)), implied=frozenset({id[:12]}))
    return _managed(found, wanted, desired.topology) if wanted and wanted.managed else found


def _managed(found: ObservedContainer, wanted: DesiredContainer, topology: str) -> ObservedContainer:
    first = wanted.endpoints[0].network if wanted.endpoints else "bridge"
    return replace(
        found,
        state="exited" if wanted.one_shot else "running",
        network_mode=str(wanted.settings.get("network_mode", first)),
        mark=ContainerMark(topology, digests(wanted.settings)),
        settings=wanted.settings,
        image_id=_id("image", wanted.image),
    )


def _endpoint(desired: DesiredState, wanted: DesiredEndpoint) -> ObservedEndpoint:
    mark = EndpointMark(desired.topology, "made", wanted.settings)
    return ObservedEndpoint(wanted.network, _id("network", wanted.network), _id("endpoint", wanted.network), wanted.settings, mark)


def _id(kind: str, name: str) -> str:
    """An ID as engines have them, the same for the same thing."""
    return hashlib.sha256(f"{kind} {name}".encode("utf-8", "surrogatepass")).hexdigest()

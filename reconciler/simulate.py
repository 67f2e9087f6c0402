"""An engine as it is after a topology was applied to it: simulated, so that two files can be
compared without one.

What an engine chooses by itself (subnets, addresses, MACs) is unset here, and so is what an image
brings: nobody can know it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_interface

from .fast_dataclasses import replace
from .marks import digests, made_mark
from .model import (
    ALL_ENDPOINTS_API,
    NEWEST_API,
    PREDEFINED,
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
    ObservedVolume,
    VolumeMark,
)
from .network_mode import sharing
from .settings import NETWORK_DEFAULTS, STATIC, Pool, Settings, Value, pool_settings
from .settings.mounts import named_volumes

NEWEST = EngineInfo(version="29", api=NEWEST_API, transport="simulated")
"""The engine that is assumed where there is none: of the newest version that netplan knows."""

_PREDEFINED: Mapping[str, Settings] = {
    "bridge": NETWORK_DEFAULTS,
    "host": {**NETWORK_DEFAULTS, "driver": "host"},
    "none": {**NETWORK_DEFAULTS, "driver": "null"},
}
_AROUND = {4: 24, 6: 64}
"""Prefix length of the subnet that an external network is assumed to have around an address
declared on it.
"""


def applied(
    desired: DesiredState, engine: EngineInfo = NEWEST, *, also: Iterable[DesiredState] = ()
) -> ObservedState:
    """The state of an otherwise empty `engine` after `desired` was applied.

    What a topology needs and does not make is taken to be there: external networks and volumes,
    containers that it does not run, which run, and images that are never pulled. `also` are other
    topologies for which the same is assumed.
    """
    desired = desired.made_on(engine)
    states = (desired, *also)
    own = {
        network.name: network.settings
        for network in desired.networks.values()
        if not network.external
    }
    settings = {**_PREDEFINED, **_external(states), **own}
    containers = [_container(desired, name, engine) for name in sorted(_present(states))]
    networks = [
        _network(desired, name, {**NETWORK_DEFAULTS, **settings[name]}, containers)
        for name in sorted(settings)
    ]
    volumes = _volumes(states, containers)
    return ObservedState(engine, tuple(networks), tuple(containers), _images(states), volumes)


def assumed(states: Iterable[DesiredState], engine: EngineInfo = NEWEST) -> ObservedState:
    """An `engine` on which nothing was applied yet, with all that the topologies need and do not
    make.
    """
    return applied(DesiredState(""), engine, also=states)


def missing(observed: ObservedState, things: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the things, by kind and name, that are not there."""
    names = {
        "network": {network.name for network in observed.networks},
        "container": {c.name for c in observed.containers},
        "volume": set(observed.volumes or ()),
    }
    return [(kind, name) for kind, name in things if name not in names[kind]]


def expected(
    observed: ObservedState, things: Iterable[tuple[str, str]], makers: Iterable[DesiredState]
) -> ObservedState:
    """`observed`, and with it the things that are not there, as the topologies that make them will
    have made them.

    A container comes with the networks that it is on, and with the one whose network it shares.
    """
    awaited = set(missing(observed, things))
    if not awaited:
        return observed
    for made in (applied(maker, observed.engine) for maker in makers):
        names = {container.id: container.name for container in made.containers}
        for container in made.containers:
            if container.mark and ("container", container.name) in awaited:
                awaited |= {("network", endpoint.network) for endpoint in container.endpoints}
                awaited |= {("container", names[id]) for id in container.joins if id in names}
        ids = {network.name: network.id for network in observed.networks}
        there = {container.name for container in observed.containers}
        networks = (
            n
            for n in made.networks
            if n.mark and n.name not in ids and ("network", n.name) in awaited
        )
        found = (
            c
            for c in made.containers
            if c.mark and c.name not in there and ("container", c.name) in awaited
        )
        containers = (
            replace(
                c,
                endpoints=tuple(
                    replace(e, network_id=ids.get(e.network, e.network_id)) for e in c.endpoints
                ),
            )
            for c in found
        )
        volumes = {
            name: volume
            for name, volume in (made.volumes or {}).items()
            if volume.mark and ("volume", name) in awaited
        }
        observed = replace(
            observed,
            networks=(*observed.networks, *networks),
            containers=(*observed.containers, *containers),
            volumes=None if observed.volumes is None else {**volumes, **observed.volumes},
        )
    return observed


def assumptions(states: Iterable[DesiredState]) -> tuple[str, ...]:
    """What is taken to be there, in words, for the notes of a plan."""
    states = tuple(states)
    found = [
        ("containers", "exist and be running", sorted(set().union(*map(_needed, states)))),
        ("external networks", "exist", sorted(_external(states))),
        ("external volumes", "exist", sorted(_external_volumes(states))),
        ("images", "be on the engine", sorted(set().union(*map(_never_pulled, states)))),
    ]
    return tuple(
        f"no engine was read: these {what} are assumed to {verb}: {', '.join(names)}"
        for what, verb, names in found
        if names
    )


def _present(states: tuple[DesiredState, ...]) -> set[str]:
    """Names of the containers that the first one made, or that nobody makes."""
    made = {c.name for c in states[0].containers.values() if c.managed}
    return made.union(*map(_needed, states))


def _needed(state: DesiredState) -> set[str]:
    """Names of the containers that a topology needs and does not run: those it attaches, and those
    of which its own share something.
    """
    attached = {c.name for c in state.containers.values() if not c.managed}
    return attached | {
        name for c in state.containers.values() for name in c.joins if name not in state.containers
    }


def _never_pulled(state: DesiredState) -> set[str]:
    return {c.image for c in state.containers.values() if c.managed and c.pull_policy == "never"}


def _images(states: tuple[DesiredState, ...]) -> dict[str, ObservedImage]:
    """By reference and, as they are read of marked containers, by ID."""
    made = {c.image for c in states[0].containers.values() if c.managed}
    images = {
        reference: ObservedImage(_id("image", reference))
        for reference in sorted(made.union(*map(_never_pulled, states)))
    }
    return images | {images[reference].id: images[reference] for reference in sorted(made)}


# --- volumes --------------------------------------------------------------------------------------


def _volumes(
    states: tuple[DesiredState, ...], containers: Iterable[ObservedContainer]
) -> dict[str, ObservedVolume]:
    """What the first one made, and what all need and do not make."""
    users: dict[str, list[str]] = defaultdict(list)
    for container in containers:
        for name in named_volumes(container.settings):
            users[name].append(container.id)
    desired = states[0]
    found = {name: ObservedVolume(name) for name in sorted(_external_volumes(states))}
    for name, wanted in desired.volumes.items():
        if not wanted.external:
            mark = VolumeMark(desired.topology, digests(wanted.settings), desired.origin)
            found[name] = ObservedVolume(name, wanted.settings, mark, tuple(users[name]))
    return found


def _external_volumes(states: Iterable[DesiredState]) -> set[str]:
    return {volume.name for state in states for volume in state.volumes.values() if volume.external}


# --- networks -------------------------------------------------------------------------------------


def _external(states: Iterable[DesiredState]) -> dict[str, Settings]:
    """Networks that others make, with subnets in which the declared static addresses fit."""
    addresses: dict[str, set[str]] = defaultdict(set)
    for state in states:
        for container in state.containers.values():
            for endpoint in container.endpoints:
                addresses[endpoint.network].update(_static(endpoint))
    names = {
        network.name for state in states for network in state.networks.values() if network.external
    } - _PREDEFINED.keys()
    return {name: _around(addresses[name]) for name in names}


def _static(endpoint: DesiredEndpoint) -> Iterator[str]:
    for path in STATIC:
        if path in endpoint.settings:
            yield str(endpoint.settings[path])


def _around(addresses: Iterable[str]) -> Settings:
    pools: dict[str, set[str]] = defaultdict(set)
    for address in addresses:
        pools[str(ip_interface(f"{address}/{_AROUND[ip_address(address).version]}").network)].add(
            address
        )
    found = [Pool(subnet, _gateway(subnet, taken)) for subnet, taken in pools.items()]
    return {
        **pool_settings(found),
        **({"enable_ipv6": True} if any(":" in subnet for subnet in pools) else {}),
    }


def _gateway(subnet: str, taken: set[str]) -> str:
    """The first address that nobody declared."""
    first = ip_interface(subnet).network.network_address
    return next(
        str(first + offset)
        for offset in range(1, len(taken) + 2)
        if str(first + offset) not in taken
    )


def _network(
    desired: DesiredState, name: str, settings: Settings, containers: Iterable[ObservedContainer]
) -> ObservedNetwork:
    wanted, mark = desired.networks.get(name), None
    if wanted and not wanted.external:
        members = {
            container.name: container.id[:12]
            for container in containers
            if container.endpoint(name)
        }
        mark = NetworkMark(
            desired.topology, digests(wanted.settings), members, wanted.protect, desired.origin
        )
    return ObservedNetwork(_id("network", name), name, settings, mark)


# --- containers -----------------------------------------------------------------------------------


def _container(desired: DesiredState, name: str, engine: EngineInfo) -> ObservedContainer:
    wanted, id = desired.containers.get(name), _id("container", name)
    endpoints = (
        tuple(_endpoint(desired, endpoint) for endpoint in wanted.endpoints) if wanted else ()
    )
    found = ObservedContainer(
        id,
        name,
        endpoints=tuple(sorted(endpoints, key=lambda e: e.network)),
        implied=frozenset({id[:12]}),
    )
    return _managed(found, wanted, desired, engine) if wanted and wanted.managed else found


def _managed(
    found: ObservedContainer, wanted: DesiredContainer, desired: DesiredState, engine: EngineInfo
) -> ObservedContainer:
    """One that the topology runs: up and healthy, or ended as it is meant to."""
    live, settings = not wanted.one_shot, wanted.settings
    unattached = (_on(wanted.mode),) if wanted.mode in PREDEFINED else ()
    first = (
        wanted.endpoints[0].settings if wanted.endpoints and engine.api < ALL_ENDPOINTS_API else {}
    )
    return replace(
        found,
        state="running" if live else "exited",
        network_mode=(
            f"container:{_id('container', wanted.shares)}" if wanted.shares else wanted.mode
        ),
        endpoints=found.endpoints or unattached,
        implied=found.implied | ({str(settings["hostname"])} if "hostname" in settings else set()),
        mac=str(first.get("mac_address", "")),
        ports=_published(wanted) if live else (),
        mark=made_mark(desired.topology, wanted, desired.origin),
        settings={**settings, **_joined(settings)},
        image_id=_id("image", wanted.image),
        anonymous={
            path.removeprefix("volumes."): _id("volume", f"{wanted.name} {path}")
            for path in sorted(settings)
            if _unnamed(path, settings)
        },
        health=(
            "healthy" if live and settings.get("healthcheck.test", ("NONE",)) != ("NONE",) else ""
        ),
    )


def _joined(settings: Settings) -> dict[str, Value]:
    """The namespaces of other containers that are shared, as engines have them: by ID."""
    shared = sharing("", settings)
    return {key: f"container:{_id('container', name)}" for key, name in shared.items()}


def _published(wanted: DesiredContainer) -> tuple[str, ...]:
    """The host ports that are its own; one that the engine chooses is nobody's to know."""
    ports = (
        wanted.settings.get("ports", ())
        if wanted.mode not in ("host", "none") and not wanted.shares
        else ()
    )
    assert isinstance(ports, tuple)
    return tuple(port if ":" in port else f"0.0.0.0:{port}" for port in ports if "->" in port)


def _unnamed(path: str, settings: Settings) -> bool:
    """Whether a path is that of an anonymous volume."""
    return (
        path.startswith("volumes.")
        and str(settings[path]).startswith("volume:")
        and str(settings[path]).split(":")[1] == ""
    )


def _on(network: str) -> ObservedEndpoint:
    return ObservedEndpoint(network, _id("network", network), _id("endpoint", network))


def _endpoint(desired: DesiredState, wanted: DesiredEndpoint) -> ObservedEndpoint:
    mark = EndpointMark(desired.topology, "made", wanted.settings)
    return ObservedEndpoint(
        wanted.network,
        _id("network", wanted.network),
        _id("endpoint", wanted.network),
        wanted.settings,
        mark,
    )


def _id(kind: str, name: str) -> str:
    """An ID as engines have them, the same for the same thing."""
    return hashlib.sha256(f"{kind} {name}".encode("utf-8", "surrogatepass")).hexdigest()

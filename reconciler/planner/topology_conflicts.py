"""What stands against applying several topologies to one engine: each is in order by itself, and
they contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..model import DesiredContainer, DesiredNetwork, DesiredState, Source
from ..network_mode import read_mode
from ..plan import Refusal
from ..settings.ports import Port
from .host_ports import host_ports, ports_meet
from .subnets import overlapping, subnets_of


def conflicts(states: Sequence[tuple[str, DesiredState]]) -> tuple[Refusal, ...]:
    """Every contradiction between the states, each given with its file, in order of the later of
    the two places.
    """
    found = [
        *_names(states),
        *_networks(states),
        *_subnets(states),
        *_containers(states),
        *_ports(states),
    ]
    return tuple(sorted(found, key=lambda r: (r.source or Source("", 0), r.message)))


def in_order(states: Sequence[tuple[str, DesiredState]]) -> list[tuple[str, DesiredState]]:
    """The states so that each comes after those that make what it needs; otherwise, and in a
    circle, as they were given.
    """
    made = {file: _made(state) for file, state in states}
    needed = {file: _needed(state) for file, state in states}
    left, ordered = dict(states), list[tuple[str, DesiredState]]()
    while left:
        ready = (
            file
            for file in left
            if not any(needed[file] & made[other] for other in left if other != file)
        )
        first = next(ready, next(iter(left)))
        ordered.append((first, left.pop(first)))
    return ordered


def made_by_others(
    state: DesiredState, others: Iterable[DesiredState]
) -> dict[tuple[str, str], str]:
    """What `state` needs and others make, by kind and name: the topology that does."""
    needed = _needed(state)
    return {
        thing: other.topology
        for other in others
        if other is not state
        for thing in sorted(_made(other) & needed)
    }


def _made(state: DesiredState) -> set[tuple[str, str]]:
    networks = {
        ("network", network.name) for network in state.networks.values() if not network.external
    }
    volumes = {("volume", v.name) for v in state.volumes.values() if not v.external}
    containers = {
        ("container", container.name)
        for container in state.containers.values()
        if container.managed
    }
    return networks | volumes | containers


def _needed(state: DesiredState) -> set[tuple[str, str]]:
    networks = {
        ("network", network.name) for network in state.networks.values() if network.external
    }
    containers = {
        ("container", name)
        for container in state.containers.values()
        for name in container.joins or (container.name,)
    }
    volumes = {("volume", v.name) for v in state.volumes.values() if v.external}
    return networks | volumes | containers - _made(state)


def _names(states: Sequence[tuple[str, DesiredState]]) -> Iterator[Refusal]:
    first: dict[str, str] = {}
    for file, state in states:
        if (other := first.setdefault(state.topology, file)) != file:
            message = (
                f"topology {state.topology!r} is also declared in {other}: each apply would undo"
                " the other"
            )
            yield Refusal(message, "give one of them another name", source=Source(file, 1))


def _networks(states: Sequence[tuple[str, DesiredState]]) -> Iterator[Refusal]:
    first: dict[str, DesiredNetwork] = {}
    for network in _owned(states):
        other = first.setdefault(network.name, network)
        if other is not network:
            message = (
                f"network {network.name} is also declared at {other.source}: only one topology can"
                " own it"
            )
            yield Refusal(
                message, "declare it external: true in all but one of them", source=network.source
            )


def _subnets(states: Sequence[tuple[str, DesiredState]]) -> Iterator[Refusal]:
    """Between files only: within one they are reported when it is read. Overlay networks have an
    address space of their own.
    """
    for swarm in (False, True):
        yield from _meeting(
            [
                network
                for network in _owned(states)
                if (network.settings.get("driver") == "overlay") == swarm
            ]
        )


def _meeting(networks: Sequence[DesiredNetwork]) -> Iterator[Refusal]:
    tagged = (
        (subnet, str(number))
        for number, network in enumerate(networks)
        for subnet in subnets_of(network.settings)
    )
    for pair in overlapping(tagged):
        (other, its), (subnet, network) = sorted(
            ((subnet, networks[int(tag)]) for subnet, tag in pair), key=lambda item: item[1].source
        )
        if network.source.file != its.source.file and network.name != its.name:
            message = (
                f"network {network.name}: subnet {subnet} overlaps {other} of network {its.name} at"
                f" {its.source}"
            )
            yield Refusal(message, "give one of them another range", source=network.source)


def _containers(states: Sequence[tuple[str, DesiredState]]) -> Iterator[Refusal]:
    endpoints: dict[tuple[str, str], Source] = {}
    managed: dict[str, Source] = {}
    for container in _containers_of(states):
        for endpoint in container.endpoints:
            other = endpoints.setdefault((container.name, endpoint.network), endpoint.source)
            if other is not endpoint.source:
                message = (
                    f"{container.name} on {endpoint.network} is also declared at {other}: only one"
                    " topology can own an attachment"
                )
                yield Refusal(message, "declare it in only one of the two", source=endpoint.source)
        if (
            container.managed
            and (other := managed.setdefault(container.name, container.source))
            is not container.source
        ):
            message = (
                f"container {container.name} is also declared at {other}: only one topology can own"
                " it"
            )
            yield Refusal(message, "give one of them another name", source=container.source)


def _ports(states: Sequence[tuple[str, DesiredState]]) -> Iterator[Refusal]:
    """Between files only: within one they are reported when it is read."""
    taken: dict[tuple[str, str], list[tuple[Port, DesiredContainer]]] = {}
    for container in _containers_of(states):
        if not (container.managed and read_mode(container.mode).publishes):
            continue
        for port in host_ports(container.settings.get("ports", ())):
            others = taken.setdefault((port.host, port.protocol), [])
            clash = _holder(port, container, others)
            if clash and clash.name != container.name:
                message = (
                    f"container {container.name}: host port {port.host}/{port.protocol} is also"
                    f" published by {clash.name} at {clash.source}"
                )
                yield Refusal(
                    message, "choose another host port for one of them", source=container.source
                )
            others.append((port, container))


def _holder(
    port: Port, container: DesiredContainer, others: Iterable[tuple[Port, DesiredContainer]]
) -> DesiredContainer | None:
    """The first container of another file that publishes the same port on the host."""
    for other, holder in others:
        if holder.source.file != container.source.file and ports_meet(port, other):
            return holder
    return None


def _owned(states: Iterable[tuple[str, DesiredState]]) -> list[DesiredNetwork]:
    return [
        network
        for _, state in states
        for network in state.networks.values()
        if not network.external
    ]


def _containers_of(states: Iterable[tuple[str, DesiredState]]) -> list[DesiredContainer]:
    return [container for _, state in states for container in state.containers.values()]

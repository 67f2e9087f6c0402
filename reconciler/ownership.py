"""Whose an object on the engine is: this topology's, another's, or nobody's."""

from __future__ import annotations

from typing import TypeAlias

from .model import (
    ENGINE_OWN,
    ContainerMark,
    EndpointMark,
    EngineInfo,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
    ObservedVolume,
    VolumeMark,
)

Owned: TypeAlias = ObservedNetwork | ObservedContainer | ObservedEndpoint | ObservedVolume
Mark: TypeAlias = NetworkMark | ContainerMark | EndpointMark | VolumeMark


def owner(thing: Owned | Mark | None) -> str:
    """The topology that a thing, or a mark, says it belongs to; empty where nobody manages it."""
    mark = thing.mark if isinstance(thing, Owned) else thing
    return mark.topology if mark else ""


def ours(thing: Owned | Mark | None, topology: str) -> bool:
    """Whether it belongs to this topology."""
    return owner(thing) == topology != ""


def anothers(thing: Owned | Mark | None, topology: str) -> bool:
    """Whether it belongs to a topology that is not this one."""
    return owner(thing) not in ("", topology)


def engines_own(network: ObservedNetwork, engine: EngineInfo) -> bool:
    """Whether the engine, or its swarm, made a network for itself. Snapshots of earlier versions
    know an ingress network by its name.
    """
    swarms = network.ingress or (network.name == "ingress" and network.scope == "swarm")
    return (
        swarms
        or network.name in ENGINE_OWN
        or (engine.flavor == "podman" and network.name == "podman")
    )

"""Why a step failed, in words that name who is in the way: of the host port or the subnet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from ..codec import listed_name
from ..errors import ApiError, EngineError, NetplanError
from ..plan import Step
from ..settings import settings_pools
from .error_check import StepError, words
from .error_messages import is_overlap, port_of, translate

if TYPE_CHECKING:
    from ..engine import Reader


def explain(engine: Reader, step: Step, error: NetplanError) -> tuple[str, str]:
    """Why a step failed, in words that say what to do; and the engine's own words, where those
    are others.
    """
    text, raw = str(error), ""
    if isinstance(error, StepError):
        raw = error.raw
    elif isinstance(error, ApiError):
        raw = words(error)
    if not raw:
        return text, ""
    said = translate(raw, step, _culprit(engine, step, raw))
    return (text.replace(raw, said, 1) if raw in text else said), raw if said != raw else ""


def _culprit(engine: Reader, step: Step, raw: str) -> str:
    """By name, who has the host port or the subnet that the engine says is taken; empty where
    nobody is seen to.
    """
    try:
        if is_overlap(raw):
            return ", ".join(overlapping(engine, step))
        return ", ".join(_publishing(engine, port)) if (port := port_of(raw)) else ""
    except EngineError:
        return ""


def _publishing(engine: Reader, port: str) -> list[str]:
    listed = engine.containers()
    return sorted(
        listed_name(raw)
        for raw in listed
        if any(str(p.get("PublicPort")) == port for p in raw.get("Ports") or ())
    )


def overlapping(engine: Reader, step: Step) -> list[str]:
    """The networks whose subnets overlap with those of a step, by name."""
    wanted = [pool.subnet for pool in settings_pools(step.settings) if pool.subnet]
    return sorted(str(raw["Name"]) for raw in engine.networks() if overlap(wanted, subnets_in(raw)))


def subnets_in(raw: Mapping[str, Any]) -> list[str]:
    """The subnets of a network, as listed."""
    return [
        str(pool["Subnet"])
        for pool in (raw.get("IPAM") or {}).get("Config") or ()
        if pool.get("Subnet")
    ]


def overlap(some: Sequence[str], others: Sequence[str]) -> bool:
    """Whether any two subnets of the two lists have an address in common."""
    pairs = [
        (ip_network(one, strict=False), ip_network(other, strict=False))
        for one in some
        for other in others
    ]
    return any(one.version == other.version and one.overlaps(other) for one, other in pairs)

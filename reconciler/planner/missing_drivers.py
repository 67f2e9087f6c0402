"""Drivers that this engine does not have: found before anything is changed, with the one that is
meant where that can be guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..model import EngineInfo
from ..plan import Refusal
from .decisions import NetworkCase, Networks

_MAKE_NOTHING = frozenset(("host", "null"))
_IPAM = ("default", "null")
_PODMANS_IPAM = frozenset(("host-local", "dhcp", "none"))


def missing_drivers(networks: Networks, engine: EngineInfo) -> Iterator[Refusal]:
    """A refusal for each network that is to be made with a driver, or addresses from an IPAM
    driver, that is not there.

    An engine that was not asked (a snapshot) has all of them.
    """
    for case in networks.cases.values():
        if case.comes and case.wanted and engine.network_drivers:
            yield from filter(None, (_network_driver(case, engine), _ipam_driver(case, engine)))


def _network_driver(case: NetworkCase, engine: EngineInfo) -> Refusal | None:
    driver = str(case.target.get("driver", "bridge"))
    if {driver, f"{driver}:latest"} & engine.network_drivers:
        return None
    usable = sorted(engine.network_drivers - _MAKE_NOTHING)
    if meant := _meant(driver, usable):
        way_out = f"did you mean {meant}?"
    else:
        probe = f"docker network create -d {driver} probe"
        way_out = (
            f"choose one of {', '.join(usable)}, or install it; a legacy plugin is listed only"
            f" after a first network uses it: {probe}"
        )
    return _refusal(case, f"this engine has no network driver {driver!r}", way_out)


def _ipam_driver(case: NetworkCase, engine: EngineInfo) -> Refusal | None:
    """Engines do not list these; what is clearly a slip, or another engine's word, is found all the
    same.
    """
    driver = str(case.target.get("ipam.driver", "default"))
    if engine.flavor == "podman" or driver in _IPAM:
        return None
    if meant := "default" if driver in _PODMANS_IPAM else _meant(driver, _IPAM):
        return _refusal(
            case, f"this engine has no IPAM driver {driver!r}", f"did you mean {meant}?"
        )
    return None


def _meant(driver: str, known: Collection[str]) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(driver[:100].lower(), known, n=1, cutoff=0.7)), "")


def _refusal(case: NetworkCase, what: str, way_out: str) -> Refusal:
    return Refusal(
        f"network {case.name}: {what}",
        way_out,
        False,
        case.wanted.source if case.wanted else None,
        (case.name, ""),
    )

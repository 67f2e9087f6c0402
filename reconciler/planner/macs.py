"""MAC addresses: what is kept, and what an engine cannot set: one that does not heed a MAC address
on connect never gets one sent.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..fast_dataclasses import replace
from ..model import ALL_ENDPOINTS_API, STRICT_MODES, EngineInfo
from ..plan import Refusal
from .compare import remembers_mac
from .decisions import EndpointCase, Endpoints

MAC = "mac_address"


def kept_mac(case: EndpointCase, engine: EngineInfo) -> str:
    """The MAC address that an endpoint has and keeps when it is reconnected, though nobody
    declares one; not one that we gave it.
    """
    seen = case.observed
    if (
        not (engine.heeds_mac and seen and seen.mac)
        or case.target is None
        or case.cure
        or MAC in case.target
    ):
        return ""
    given = seen.mark.declared.get(MAC) if seen.mark else None
    return "" if given == seen.mac else seen.mac


def loses_mac(case: EndpointCase, engine: EngineInfo) -> bool:
    """Whether a live endpoint comes back with another; before Docker 23 only one made from an IPv4
    address that changes.
    """
    if engine.heeds_mac or not (
        case.disconnect and case.target is not None and case.observed and case.observed.mac
    ):
        return False
    live = {address.partition("/")[0] for address in case.observed.addresses}
    remembered = case.container.mac and remembers_mac(
        case.container, case.network, engine, case.observed.network_id
    )
    return engine.major >= STRICT_MODES or not (
        remembered or case.target.get("ipv4_address") in live
    )


def _is_made_with(case: EndpointCase, engine: EngineInfo) -> bool:
    """Whether its container is created with it, and so with its MAC address."""
    return case.inside and (engine.api >= ALL_ENDPOINTS_API or case.order == 0)


def without_unsettable(case: EndpointCase, engine: EngineInfo) -> EndpointCase:
    """It without a declared MAC address in what is sent, where the engine would not heed it."""
    declared = case.wanted is not None and MAC in case.wanted.settings
    if (
        engine.heeds_mac
        or not (declared and case.target is not None and MAC in case.target)
        or _is_made_with(case, engine)
    ):
        return case
    return replace(case, target={p: value for p, value in case.target.items() if p != MAC})


def unsettable_macs(endpoints: Endpoints, engine: EngineInfo) -> Iterator[Refusal]:
    """Those declared that are set only when a container is created."""
    if engine.heeds_mac:
        return
    for case in [*endpoints.cases, *endpoints.kept]:
        wanted = case.wanted.settings.get(MAC) if case.wanted else None
        if wanted is None or _is_made_with(case, engine):
            continue
        live = case.observed.mac if case.observed else ""
        id = case.observed.network_id if case.observed else ""
        kept_wide = case.container.mac == wanted and remembers_mac(
            case.container, case.network, engine, id
        )
        other = bool(live) and live != wanted
        if other if case.target is None else not kept_wide:
            message = (
                f"{case.container.name} on {case.network}: Docker {engine.version} cannot set"
                f" mac_address {wanted} on connect"
            )
            if case.inside:
                message += f", and it is created with the one of {case.container.network_mode}"
            about = case.network, case.container.name
            yield Refusal(
                message,
                _way_out(case, str(wanted)),
                False,
                case.wanted.source if case.wanted else None,
                about,
            )


def _way_out(case: EndpointCase, wanted: str) -> str:
    """What makes an endpoint have the address: of a container that the topology makes, in its
    file.
    """
    if case.inside:
        return (
            f"keep the mac_address of only one network of {case.container.name}, or update to"
            " Docker 25"
        )
    if case.container.mark:
        return (
            f"recreate {case.container.name} (apply, or reset without --keep-containers), or remove"
            " mac_address"
        )
    anew = (
        f"recreate the container with that address (docker run --network {case.network}"
        f" --mac-address {wanted})"
    )
    return f"{anew}, update to Docker 29.3, or remove mac_address"

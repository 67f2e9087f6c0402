"""What an engine refuses on networks of a swarm, or accepts and does not do."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import ObservedNetwork, ObservedState
from ..plan import Refusal
from ..settings import Settings
from .compare import VXLAN_PATH
from .decisions import EndpointCase, Endpoints, NetworkCase, Networks
from .subnets import subnets_of

_FIRST_VXLAN, _LAST_VXLAN = 256, 2**24 - 1


def swarm_refusals(
    networks: Networks, endpoints: Endpoints, observed: ObservedState
) -> Iterator[Refusal]:
    """Settings and attachments that the swarm would not have, each by name."""
    for case in networks.cases.values():
        if case.comes and case.target.get("driver") == "overlay":
            source = case.wanted.source if case.wanted else None
            for message, way_out in _not_to_be_made(case, networks, observed):
                yield Refusal(
                    f"network {case.name}: {message}", way_out, False, source, (case.name, "")
                )
    by_name = {network.name: network for network in observed.networks if network.scope == "swarm"}
    coming = {case.name: case.target for case in networks.cases.values() if case.comes}
    for endpoint in endpoints.cases:
        if endpoint.target is not None and endpoint.wanted and not endpoint.cure:
            yield from _not_to_be_attached(
                endpoint, coming.get(endpoint.network), by_name.get(endpoint.network)
            )


def _not_to_be_made(
    case: NetworkCase, networks: Networks, observed: ObservedState
) -> Iterator[tuple[str, str]]:
    engine, target = observed.engine, case.target
    if engine.swarm == "inactive":
        yield (
            "the overlay driver needs a swarm, and this engine is not in one",
            "docker swarm init, or choose another driver",
        )
    elif engine.swarm == "worker":
        what = (
            "only a manager of the swarm can create an overlay network, and this engine is a worker"
        )
        yield what, "apply this on a manager, and declare the network external: true here"
    if any(".aux_addresses" in path for path in target):
        yield (
            "the overlay driver ignores aux_addresses",
            "remove them, or keep those addresses free with ip_range",
        )
    if target.get("enable_ipv6") is True or any(path.startswith("ipv6.") for path in target):
        yield (
            "an overlay network has no IPv6 addresses (Docker allocates none)",
            "remove the IPv6 settings, or choose another driver",
        )
    if VXLAN_PATH in target:
        yield from _tunnel_ids(str(target[VXLAN_PATH]).split(","), case, networks, observed)


def _tunnel_ids(
    ids: list[str], case: NetworkCase, networks: Networks, observed: ObservedState
) -> Iterator[tuple[str, str]]:
    """Docker makes the network whatever the IDs are, and never gives it a subnet where it cannot
    have them.
    """
    bad = [
        id
        for id in ids
        if not (id.isascii() and id.isdecimal() and _FIRST_VXLAN <= int(id) <= _LAST_VXLAN)
    ]
    if bad:
        yield (
            f"{bad[0]!r} is not a valid VXLAN ID",
            f"choose numbers from {_FIRST_VXLAN} to {_LAST_VXLAN}, separated by commas",
        )
    if len(ids) > max(len(subnets_of(case.target)), 1):
        yield (
            f"{len(ids)} VXLAN IDs are declared for {max(len(subnets_of(case.target)), 1)} subnet",
            "declare one for each subnet",
        )
    going = {
        other.observed.id for other in networks.cases.values() if other.goes and other.observed
    }
    for network in observed.networks:
        taken = {*str(network.settings.get(VXLAN_PATH, "")).split(",")} & {*ids}
        if taken and network.id not in going and not network.missing:
            yield (
                f"VXLAN ID {min(taken)} is taken by network {network.name}",
                "choose another VXLAN ID",
            )


def _not_to_be_attached(
    case: EndpointCase, coming: Settings | None, present: ObservedNetwork | None
) -> Iterator[Refusal]:
    source, about = case.wanted.source if case.wanted else None, (case.network, case.container.name)
    settings = coming
    if settings is None:
        settings = present.settings if present else {}
    swarms = settings.get("driver") == "overlay" or (coming is None and present is not None)
    if swarms and settings.get("attachable") is not True:
        message = (
            f"{case.container.name} on {case.network}: this network is not attachable, so only"
            " swarm services can use it"
        )
        yield Refusal(message, "declare attachable: true on the network", False, source, about)
    elif (
        swarms
        and settings.get("driver") in ("macvlan", "ipvlan")
        and "ipv4_address" in (case.target or {})
    ):
        message = (
            f"{case.container.name} on {case.network}: a swarm ignores static addresses on"
            f" {settings['driver']} networks"
        )
        yield Refusal(message, "remove ipv4_address", False, source, about)

"""Subnets that overlap: which gives way, and what stands against making a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..fast_dataclasses import dataclass
from ..model import DOCKER_28_API, EngineInfo, ObservedNetwork, ObservedState
from ..ownership import owner
from ..plan import Refusal
from ..settings import family_of
from .decisions import NetworkCase, Networks
from .subnets import free_subnet, in_swarm, overlapping, shares_address_space, subnets_of

_GIVEN_UP, _COMES, _STAYS = range(3)
_Tagged = tuple[str, str]
"""A subnet and whose it is: `+NAME` of a network that is made, the ID of one that stays."""


@dataclass(frozen=True, slots=True)
class _Space:
    """One address space: the engine's own, or that of its swarm, in which nothing says that a
    subnet is taken: the network never gets any address.
    """

    coming: Mapping[str, NetworkCase]
    staying: Mapping[str, ObservedNetwork]
    engine: EngineInfo

    @property
    def tagged(self) -> list[_Tagged]:
        """Every subnet in it, as it will be."""
        made = [
            (subnet, f"+{name}")
            for name, case in self.coming.items()
            for subnet in subnets_of(case.target)
        ]
        return made + [
            (subnet, network.id)
            for network in self.staying.values()
            for subnet in subnets_of(network.settings)
        ]

    def overlaps(self, tagged: list[_Tagged]) -> Iterator[tuple[_Tagged, _Tagged]]:
        """Pairs of which the first gives way."""
        for pair in overlapping(tagged):
            first, second = sorted(pair, key=self.firmness)
            yield first, second

    def firmness(self, tagged: _Tagged) -> int:
        """Of two whose subnets overlap the lesser gives way: one of a network that an interrupted
        run took away and that nobody declares.
        """
        subnet, tag = tagged
        if not tag.startswith("+"):
            return _STAYS
        given_up = _was_taken_away(case := self.coming[tag[1:]]) and (
            case.wanted is not None and f"{family_of(subnet)}.subnet" not in case.wanted.settings
        )
        chooses = family_of(subnet) == "ipv4" or (
            self.engine.flavor == "docker" and self.engine.api >= DOCKER_28_API
        )
        return _GIVEN_UP if given_up and chooses else _COMES


def _spaces(networks: Networks, observed: ObservedState) -> Iterator[_Space]:
    cases = networks.cases.values()
    going = {case.observed.id for case in cases if case.goes and case.observed}
    for swarm, is_inside in ((False, shares_address_space), (True, in_swarm)):
        coming = {
            case.name: case
            for case in cases
            if case.comes and (case.target.get("driver") == "overlay") == swarm
        }
        if coming:
            staying = {
                network.id: network
                for network in observed.networks
                if not network.missing and network.id not in going and is_inside(network)
            }
            yield _Space(coming, staying, observed.engine)


def _was_taken_away(case: NetworkCase) -> bool:
    return bool(case.wanted and case.observed and case.observed.missing)


def given_up_subnets(
    networks: Networks, observed: ObservedState
) -> Iterator[tuple[NetworkCase, str, str]]:
    """Networks that come back without a subnet that nobody declares, the subnet, and the network
    that has it meanwhile.
    """
    if not any(case.comes and _was_taken_away(case) for case in networks.cases.values()):
        return
    for space in _spaces(networks, observed):
        for first, (_, culprit) in space.overlaps(space.tagged):
            if space.firmness(first) == _GIVEN_UP:
                stays = space.staying.get(culprit)
                name = stays.name if stays else culprit[1:]
                yield space.coming[first[1][1:]], first[0], name


def overlap_refusals(networks: Networks, observed: ObservedState) -> Iterator[Refusal]:
    """Subnets to be made against those of networks that stay, and against each other where the file
    did not see it.

    Each subnet is offered a free one of its own: two offers never overlap either.
    """
    for space in _spaces(networks, observed):
        tagged = space.tagged
        taken = [subnet for subnet, _ in tagged]
        offers: dict[str, str | None] = {}
        for (subnet, tag), (other, culprit) in space.overlaps(tagged):
            if not tag.startswith("+"):
                continue
            if subnet not in offers:
                offers[subnet] = free = free_subnet(subnet, taken)
                taken += [free] if free else []
            case, stays = space.coming[tag[1:]], space.staying.get(culprit)
            yield _overlap(case, subnet, other, stays, culprit[1:], offers[subnet])


def _overlap(
    case: NetworkCase,
    subnet: str,
    other: str,
    stays: ObservedNetwork | None,
    name: str,
    free: str | None,
) -> Refusal:
    whose = f" of topology {owner(stays)!r}" if stays and stays.mark else ""
    culprit = f"network {stays.name}{whose}" if stays else f"network {name}"
    way_out = f"choose another subnet: {free} is free" if free else "choose another subnet"
    message = f"network {case.name}: subnet {subnet} overlaps {other} of {culprit}"
    return Refusal(
        message, way_out, False, case.wanted.source if case.wanted else None, (case.name, "")
    )

"""Whether the static judge agrees with pings: what it decides about the containers of a file,
against what they see of each other by name and by address.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from reconciler.expectations import Expectation
from reconciler.model import DesiredState
from reconciler.verify import World, judge, world_of

from .lab import Lab

HASTE = "options timeout:1 attempts:1"
"""What keeps a container from asking for long for a name that nobody knows."""


def disagreements(lab: Lab, state: DesiredState) -> tuple[int, list[str]]:
    """How many answers of the judge were compared, and those that are wrong."""
    world = world_of(state)
    running = {one.name for one in lab.client.containers.list()}
    there = [name for name, one in state.containers.items() if name in running and not one.one_shot]
    with ThreadPoolExecutor(6) as pool:
        found = pool.map(lambda source: list(_of_source(lab, world, source, there)), there)
        told = [one for every in found for one in every]
    for expected in state.expectations:
        if expected.address and not expected.port and expected.source in there:
            seen = lab.reaches(expected.source, expected.address)
            told += _compare(world, expected, seen is expected.reaches)
    return len(told), [text for text in told if text]


def _of_source(lab: Lab, world: World, source: str, every: Iterable[str]) -> Iterator[str]:
    """For each answer that is decided nothing if it is right, else what is wrong."""
    lab.inside(source, "sh", "-c", f"echo {HASTE} >> /etc/resolv.conf")
    unknown = 0
    for target in every:
        if target == source:
            continue
        names = [
            name for name, who in world.holders.items() if who == (target,) and "." not in name
        ]
        for name in dict.fromkeys((target, *names)):
            known = _asked(world, source, name, "dns")
            unknown += judge(world, known).value is False
            if judge(world, known).value or unknown == 1:  # an unknown one takes seconds
                said = lab.says(source, "ping", "-c", "1", "-W", "1", name)
                yield from _compare(world, known, "bad address" not in said)
                yield from _compare(
                    world, _asked(world, source, name, "icmp"), " 0% packet loss" in said
                )
        apart = _asked(world, source, target, "icmp", reaches=False)
        addresses = list(_addresses(lab, world, target))
        if addresses and judge(world, apart).value is not None:
            yield from _compare(world, apart, not _any(lab, source, addresses))


def _asked(
    world: World, source: str, name: str, probe: Literal["icmp", "dns"], *, reaches: bool = True
) -> Expectation:
    return Expectation(
        source,
        name,
        reaches,
        probe,
        source_container=source,
        target_container=name if name in world.state.containers else "",
    )


def _any(lab: Lab, source: str, addresses: Iterable[str]) -> bool:
    return any(lab.reaches(source, address) for address in addresses)


def _compare(world: World, expected: Expectation, seen: bool) -> Iterator[str]:
    answer = judge(world, expected)
    if answer.value is not None:
        wrong = f"{expected}: {answer.value} ({answer.reason}), seen: {seen}"
        yield "" if answer.value is seen else wrong


def _addresses(lab: Lab, world: World, container: str) -> Iterator[str]:
    """Every IPv4 address of the namespace that a container is in."""
    owner = lab.client.containers.get(world.station(container).name)
    for network in owner.attrs["NetworkSettings"]["Networks"].values():
        yield from filter(None, [network["IPAddress"]])

"""Steps before they have numbers, and how they get them."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from ..fast_dataclasses import dataclass, field
from ..plan import Op, Step

Key = tuple[int, str, int, str, str]
"""Rank of the operation, network, place in the file, container, volume: sorts steps the same way
every time.
"""

_ORDER: tuple[Op, ...] = (
    "pull",
    "disconnect",
    "remove",
    "create",
    "connect",
    "rename",
    "stop",
    "update",
    "start",
    "wait",
)
_RANKS: dict[Op, int] = {op: rank for rank, op in enumerate(_ORDER)}


@dataclass(slots=True, eq=False)
class Node:
    """A step, which has no number yet, and what it waits for."""

    step: Step
    place: int = 0
    """That of an attachment in the file."""
    rank: int = 0
    """When it may take addresses (address_order.py)."""
    position: int = 0
    """Its place among all nodes in order of key."""
    needs: list[Node] = field(default_factory=list)
    follows: list[Node] = field(default_factory=list)
    prefers: list[Node] = field(default_factory=list)
    """Those it follows unless they wait for it themselves."""
    hopes: list[Node] = field(default_factory=list)
    """Of those it prefers to follow the ones that must have succeeded where it does."""
    yielded: list[Node] = field(default_factory=list)
    """Those that it preferred to follow, and that waited for it."""

    @property
    def before(self) -> Sequence[Node]:
        """All that it waits for, possibly more than once each."""
        return (
            (*self.needs, *self.follows, *self.prefers)
            if self.follows or self.prefers
            else self.needs
        )


@dataclass(frozen=True, slots=True)
class NetworkNodes:
    """The nodes of networks by name, and of endpoints by the index of their case."""

    creates: dict[str, Node] = field(default_factory=dict)
    removes: dict[str, Node] = field(default_factory=dict)
    connects: dict[int, Node] = field(default_factory=dict)
    disconnects: dict[int, Node] = field(default_factory=dict)


def _key(node: Node) -> Key:
    """Where it comes among those that could all be next."""
    step = node.step
    return _RANKS[step.op], step.network, node.place, step.container, step.volume


def numbered(nodes: Collection[Node]) -> tuple[Step, ...]:
    """The steps, numbered from 1 in a topological order that depends on the nodes alone, not on the
    order they come in.
    """
    numbers = _topological(nodes)
    steps: list[Step | None] = [None] * len(nodes)
    for node in (
        nodes
    ):  # in the order in which they were made: neighbours in memory, unlike neighbours in the plan
        _put_in_place(node, numbers)
        steps[node.step.id - 1] = node.step
    return tuple(step for step in steps if step)


def _topological(nodes: Collection[Node]) -> list[int]:
    """The number of each node, by its position, which is set here. Preferences that close a circle
    give way.
    """
    for position, node in enumerate(sorted(nodes, key=_key)):
        node.position = position
    numbers = _kahn(nodes)
    if not all(numbers):
        _give_way([node for node in nodes if not numbers[node.position]])
        numbers = _kahn(nodes)
    if not all(numbers):
        raise AssertionError("the steps of a plan depend on each other in a circle")
    return numbers


def _kahn(nodes: Collection[Node]) -> list[int]:
    """Of the ready nodes the one with the smallest key is next; those in a circle, and what waits
    for them, get no number (0).
    """
    waiting = [0] * len(nodes)
    dependents: dict[int, list[int]] = defaultdict(list)
    for node in nodes:
        position, before = node.position, node.before
        waiting[position] = len(before)
        for other in before:
            dependents[other.position].append(position)
    ready = [position for position, count in enumerate(waiting) if not count]
    numbers = [0] * len(nodes)
    count = 0
    while ready:
        position = heapq.heappop(ready)
        numbers[position] = count = count + 1
        for dependent in dependents.get(position, ()):
            waiting[dependent] -= 1
            if not waiting[dependent]:
                heapq.heappush(ready, dependent)
    return numbers


def _give_way(stuck: Sequence[Node]) -> None:
    """Each node, in order, no longer follows those that it merely prefers to, and that wait for
    it.
    """
    dependents: dict[Node, set[Node]] = defaultdict(set)
    for node in stuck:
        for other in node.before:
            dependents[other].add(node)
    for node in sorted((node for node in stuck if node.prefers), key=lambda node: node.position):
        behind = _behind(node, dependents)
        circular = behind.intersection(node.prefers)
        node.yielded += circular
        node.prefers = [other for other in node.prefers if other not in circular]
        for other in circular.difference(node.needs, node.follows):
            dependents[other].discard(node)


def _behind(node: Node, dependents: Mapping[Node, Collection[Node]]) -> set[Node]:
    """All that wait for it."""
    behind, queue = {node}, [node]
    while queue:
        fresh = set(dependents.get(queue.pop(), ())) - behind
        behind |= fresh
        queue += fresh
    return behind


def _put_in_place(node: Node, numbers: Sequence[int]) -> None:
    hopes = [other for other in node.hopes if other in node.prefers] if node.hopes else ()
    needs = _numbers([*node.needs, *hopes] if hopes else node.needs, numbers)
    after = (*node.follows, *node.prefers)
    follows = (
        tuple(sorted({numbers[other.position] for other in after}.difference(needs)))
        if after
        else ()
    )
    node.step.put_in_place(numbers[node.position], needs, follows)


def _numbers(nodes: Sequence[Node], numbers: Sequence[int]) -> tuple[int, ...]:
    """Each once, ascending."""
    if len(nodes) == 1:
        return (numbers[nodes[0].position],)
    return tuple(sorted({numbers[node.position] for node in nodes}))

"""The order of networks from top to bottom: containers on several of them reach as short a way as
can be found.

networkx is loaded here only. Graphviz lays out nodes and edges, and has no segments that others
hang on; its pictures also differ between versions, where these are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

MOST_REFINED = 40
"""Networks up to which every move of one is tried; beyond it takes long."""


def components(count: int, spans: Iterable[Sequence[int]]) -> list[list[int]]:
    """The numbers below `count` in groups; those that a span joins are in one, and the order of
    each is chosen.
    """
    import networkx

    spans = [sorted({*span}) for span in spans]
    graph: networkx.Graph[int] = networkx.Graph()
    graph.add_nodes_from(range(count))  # numbers: their order in sets is the same in each process
    for span in spans:
        graph.add_edges_from(combinations(span, 2))
    groups = sorted(sorted(group) for group in networkx.connected_components(graph))
    result = []
    for group in groups:
        inside = [span for span in spans if len(span) > 1 and span[0] in group]
        start = [*networkx.utils.reverse_cuthill_mckee_ordering(graph.subgraph(group))]
        candidates = [_refined(one, inside) for one in (group, start[::-1], start)]
        best = min(candidates, key=lambda order: _length(order, inside))
        result.append(best if best[0] <= best[-1] else best[::-1])
    return result


def _length(order: Sequence[int], spans: Iterable[Sequence[int]]) -> int:
    """How many rows all the spans reach over together."""
    place = {one: number for number, one in enumerate(order)}
    reach = ([place[one] for one in span] for span in spans)
    return sum(max(places) - min(places) for places in reach)


def _refined(order: Sequence[int], spans: Sequence[Sequence[int]]) -> list[int]:
    """The order, with one after the other moved to where the spans are shortest."""
    best, length = [*order], _length(order, spans)
    if len(best) > MOST_REFINED or len(best) < 3:
        return best
    for _ in range(4):
        before = length
        for one in sorted(order):
            rest = [other for other in best if other != one]
            for place in range(len(best)):
                tried = [*rest[:place], one, *rest[place:]]
                if (reach := _length(tried, spans)) < length:
                    best, length = tried, reach
        if length == before:
            break
    return best

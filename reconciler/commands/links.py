"""`netplan links`: the interfaces of containers, and what they lead to."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from ..errors import EngineError
from ..links import Seen, View, links_json, links_of, links_text, owner_of
from ..terminal import choose, safe, write_line
from ..wrap import width_of
from .engines import engine_of
from .inputs import load, shown_files
from .output import print_json, say

if TYPE_CHECKING:
    from ..access import Access, NetworkNamespace
    from ..engine import Engine
    from ..model import DesiredState, ObservedContainer, ObservedState
    from ..observe import Answers

PARALLEL = 4
"""Namespaces that are entered at a time; of helpers each takes the engine a third of a second."""


def links(options: Namespace) -> int:
    """The interfaces of containers: of a topology's, or of all on the engine."""
    from ..observe import gather, observe

    states = [load(path) for path in shown_files(options)]
    with engine_of(options) as engine:
        answers = gather(engine)
        observed = observe(engine, answers=answers)
        chosen = _chosen(observed, states)
        with _access(options, engine, answers) as access:
            seen, outside = _look(access, observed, chosen, options.timeout)
    rows = links_of(observed, chosen, seen, outside)
    unseen = _unseen_outside(outside)
    if options.output == "json":
        print_json(links_json(observed.engine, rows, unseen))
    else:
        paint = choose(sys.stdout, options.no_color)
        name = states[0].topology if len(states) == 1 else None
        say(
            options,
            links_text(observed.engine, rows, unseen, name, width_of(sys.stdout), paint),
        )
    return 0


@contextmanager
def _access(options: Namespace, engine: Engine, answers: Answers) -> Iterator[Access]:
    from ..access import WAYS, Entrance

    def note(line: str) -> None:
        if options.verbose:
            write_line(sys.stderr, f"enter  {safe(line)}")

    ways = WAYS if options.access == "auto" else (options.access,)
    with closing(Entrance(engine, options.probe_image, answers.inspected, ways, note)) as access:
        yield access


def _chosen(observed: ObservedState, states: Sequence[DesiredState]) -> list[ObservedContainer]:
    """The containers that the topologies run or have attached; all where there is no file."""
    if not states:
        return list(observed.containers)
    return [one for one in observed.containers if any(_concerns(state, one) for state in states)]


def _concerns(state: DesiredState, container: ObservedContainer) -> bool:
    if container.name in state.containers:
        return True
    if container.mark and container.mark.topology == state.topology:
        return True
    own = {name for name, network in state.networks.items() if not network.external}
    return any(endpoint.network in own for endpoint in container.endpoints)


def _look(
    access: Access,
    observed: ObservedState,
    chosen: Sequence[ObservedContainer],
    timeout: float,
) -> tuple[Mapping[str, Seen], Seen]:
    """What is seen in the namespace of each owner, by its ID, and in the engine's own."""
    from ..observe import in_parallel

    if not chosen:
        return {}, Seen(View())
    by_id = {container.id: container for container in observed.containers}
    owners = list(dict.fromkeys(owner_of(one, by_id) for one in chosen))
    inside = [id for id in owners if id]
    found = in_parallel(lambda id: _seen(partial(access.enter, id), timeout), inside, PARALLEL)
    return dict(zip(inside, found, strict=True)), _seen(access.engine_side, timeout)


def _seen(enter: Callable[[], NetworkNamespace], timeout: float) -> Seen:
    from ..access import Look

    try:
        namespace = enter()
        return Seen(namespace.ask(Look(), timeout), namespace.way)
    except EngineError as error:
        return Seen(reason=error.message)


def _unseen_outside(engine: Seen) -> list[str]:
    """Why the engine's side is not seen."""
    if engine.view is None:
        return [
            "the engine's own network namespace, with the other ends and the bridges, cannot be"
            f" entered: {engine.reason}"
        ]
    return list(engine.view.unseen)

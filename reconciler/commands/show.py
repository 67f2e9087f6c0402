"""`netplan show`: the live topology."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from ..model import DesiredState
from ..runs import look_at
from .engines import reader_of
from .inputs import load, shown_files
from .output import painted, say

if TYPE_CHECKING:
    from ..plan import Plan


def show(options: Namespace) -> int:
    """The live topology; drift is marked where the file is known."""
    if options.links:
        from .links import links

        return links(options)
    from .. import show as view
    from ..lock import own_volumes
    from ..planner import plan as make_plan

    states = [load(path) for path in shown_files(options)]
    with reader_of(options) as reader:
        observed = look_at(reader, states, own=own_volumes(reader))
    shown: list[tuple[str | None, DesiredState | None, Plan | None]]
    shown = [(state.topology, state, make_plan(state, observed)) for state in states] or [
        (None, None, None)
    ]
    if options.output == "json":
        print(view.show_json(observed, *shown))
        return 0
    render = painted(view.show, options)
    say(options, "\n\n".join(render(observed, *each, problems=options.problems) for each in shown))
    return 0

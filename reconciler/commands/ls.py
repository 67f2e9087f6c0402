"""`netplan ls`: the topologies on an engine."""

from __future__ import annotations

import sys
from argparse import Namespace

from ..terminal import choose
from .engines import reader_of
from .output import say


def ls(options: Namespace) -> int:
    """Topologies on the engine: all, or those that the options mean."""
    from .. import show as view
    from .lifetime import choice_of, survey

    with reader_of(options) as reader:
        seen = survey(reader)
    found = seen.chosen(choice_of(options))
    if options.output == "json":
        print(view.ls_json(seen.observed, found, seen.now))
    elif seen.entries and not found:
        say(
            options,
            f"these options match none of the {len(seen.entries)} topologies on this engine",
        )
    else:
        say(options, view.ls(found, seen.now, choose(sys.stdout, options.no_color)))
    return 0

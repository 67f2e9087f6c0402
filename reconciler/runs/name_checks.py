"""Names that a caller gives beside the files, checked against what is declared or exists."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..model import DesiredState

if TYPE_CHECKING:
    from ..plan import Plan
    from .locked_run import Agreed
    from .view import View


def check_adopt(
    adopt: Collection[str], states: Sequence[DesiredState], option: str = "--adopt"
) -> None:
    """Raises UsageError where a network is to be adopted that no file declares.

    A slip of the pen would change nothing, and say nothing.
    """
    networks = [network for state in states for network in state.networks.values()]
    declared = sorted({network.name for network in networks if not network.external})
    if not (unknown := sorted(set(adopt) - set(declared))):
        return
    if any(network.name == unknown[0] for network in networks):
        what = "it is declared external: netplan uses it and never changes it"
        hint = "remove its external: true"
    else:
        what = "no network of that name is declared"
        hint = f"declared: {', '.join(declared)}" if declared else "nothing is declared"
    raise UsageError(f"{option} {unknown[0]}: {what}", hint)


def check_replaced(
    replaced: Collection[str],
    states: Sequence[DesiredState],
    option: str = "--replace-topology",
) -> None:
    """Raises UsageError where a topology is to be replaced that no file declares."""
    declared = sorted({state.topology for state in states})
    if not (unknown := sorted(set(replaced) - set(declared))):
        return
    one = len(declared) == 1
    what = (
        f"the name of the topology is {declared[0]}"
        if one
        else f"the topologies are {', '.join(declared)}"
    )
    raise UsageError(f"{option} {unknown[0]}: {what}", "use the name of the file's topology")


def must_exist(name: str) -> Agreed:
    """What raises UsageError at the first look where the topology of that name owns nothing
    there.
    """
    from ..show.topologies import topologies

    looks = itertools.count()

    def check(view: View, _: Plan) -> None:
        known = topologies(view.observed, view.journals, view.written)
        if next(looks) or name in known:
            return
        from difflib import get_close_matches

        meant = [f"did you mean {near}?" for near in get_close_matches(name, known, 1)]
        there = (
            f"topologies on this engine: {', '.join(known)}"
            if known
            else "there is no topology on this engine"
        )
        raise UsageError(f"topology {name!r} does not exist on this engine", *meant, there)

    return check

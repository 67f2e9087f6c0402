"""What the options allow, and which part of the files they are about."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from ..errors import UsageError
from ..fast_dataclasses import replace
from ..model import DesiredState
from ..safety import Policy

_MOST_NAMES = 20


def policy_of(options: Namespace, destroyed: DesiredState | None = None) -> Policy:
    """What the options allow."""
    adopt, allow_empty = (
        frozenset(getattr(options, "adopt", ())),
        getattr(options, "allow_empty", False),
    )
    policy = Policy(
        adopt,
        options.disrupt_foreign,
        destroyed,
        max_removals=options.max_removals,
        allow_empty=allow_empty,
        volumes=getattr(options, "volumes", False),
    )
    only, keep_going = (
        frozenset(getattr(options, "only", ())),
        getattr(options, "keep_going", False),
    )
    return replace(
        policy, replaces=frozenset(options.replace_topology), only=only, keep_going=keep_going
    )


def check_named(options: Namespace, states: Sequence[DesiredState]) -> None:
    """Raises UsageError where an option names a network or a topology that no file declares."""
    from ..runs.name_checks import check_adopt, check_replaced

    check_adopt(getattr(options, "adopt", ()), states)
    check_replaced(options.replace_topology, states)


def check_only(options: Namespace, states: Sequence[DesiredState]) -> None:
    """Replaces keys of the files by the names on the engine. Raises UsageError where a part is
    asked for that no file declares.
    """
    declared = {name for state in states for name in _names(state)}
    found: list[str] = []
    for asked in options.only:
        names = (
            [asked]
            if asked in declared
            else [name for state in states for name in state.keys.get(asked, ())]
        )
        if not names:
            raise _undeclared(asked, sorted(declared))
        found += names
    options.only = found


def _undeclared(asked: str, declared: Sequence[str]) -> UsageError:
    from difflib import get_close_matches

    near = get_close_matches(asked, declared, 1)
    more = f" and {len(declared) - _MOST_NAMES} more" if len(declared) > _MOST_NAMES else ""
    names = (
        f"declared: {', '.join(declared[:_MOST_NAMES])}{more}"
        if declared
        else "nothing is declared"
    )
    meant = [f"did you mean {near[0]}?"] if near else []
    return UsageError(
        f"--only {asked}: no network, container or volume of that name is declared", *meant, names
    )


def concerned(options: Namespace, states: Sequence[DesiredState]) -> list[DesiredState]:
    """The states of which a part is asked for: all, unless --only names some. Raises UsageError as
    `check_only`.
    """
    check_only(options, states)
    return [
        state for state in states if not options.only or _names(state).intersection(options.only)
    ]


def _names(state: DesiredState) -> set[str]:
    return {*state.networks, *state.containers, *state.volumes}

"""Several topologies, one after the other: whose turn it is, and what has come of each."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ..complete_output import hold, print_on, print_text
from ..errors import BusyError, RefusedError, UnprovenError, worst
from ..fast_dataclasses import dataclass
from ..model import DesiredState
from ..signals import received
from ..terminal import safe
from .console_report import PostponedError
from .inputs import is_folder
from .output import report_of

_KINDS = ("done", "done in part", "refused", "busy", "failed", "not reached")


_WORDS = {0: "done", RefusedError.exit_code: "refused", BusyError.exit_code: "busy"}


Carry = Callable[[DesiredState, bool], int]
"""Carries one topology out; its exit code.

Where it may wait (the second argument), a refused plan raises PostponedError.
"""


def each(states: Sequence[DesiredState], carry: Carry, options: Namespace) -> int:
    """The worst exit code.

    A topology that is refused, busy or not as declared afterwards keeps no other from its turn. One
    whose plan is refused gets another turn after the others: what stood against it may be gone by
    then, such as an attachment that another file no longer declares, or what an interrupted run of
    another topology left.
    """
    turns = _Turns(states, carry, options)
    try:
        for turn in turns.waiting:
            turns.take(turn)
            if received:
                break
    finally:
        if turns.told:
            print_on(summary(states, turns.codes, turns.current, options.incomplete))
    return worst(turns.codes.values())


@contextmanager
def one_document(options: Namespace, argument: str | None) -> Iterator[None]:
    """Of a folder, `-o json` prints one document of all reports that are made meanwhile, also where
    one of them fails.
    """
    if options.output != "json" or not is_folder(argument):
        yield
        return
    options.reports = []
    try:
        yield
    finally:
        hold({"format_version": 1, "reports": options.reports})


@dataclass(slots=True)
class _Turn:
    number: int
    state: DesiredState
    again: bool = False


class _Turns:
    """The turns of several topologies: `waiting` grows by those whose plan was refused at first.

    `codes` are the exit codes so far, `current` is the topology that is being carried out.
    """

    def __init__(self, states: Sequence[DesiredState], carry: Carry, options: Namespace) -> None:
        self._states, self._carry, self._options = states, carry, options
        self.waiting = [_Turn(number, state) for number, state in enumerate(states, 1)]
        self.told = len(states) > 1 and options.output != "json" and not options.quiet
        self.codes: dict[str, int] = {}
        self.current = ""
        options.incomplete = set()

    def take(self, turn: _Turn) -> None:
        """Carries one topology out, or has it wait for the others."""
        state, last = turn.state, self.waiting[-1].state
        self.current = state.topology
        self._announce(turn)
        try:
            self.codes[self.current] = self._carry(state, not turn.again and state is not last)
        except PostponedError:
            self.waiting.append(_Turn(turn.number, state, again=True))
            self.current = ""
            if self.told:
                print_text("Refused for now: planned again after the others.")
        except (UnprovenError, BusyError, RefusedError) as error:
            if len(self._states) == 1 and not hasattr(self._options, "reports"):
                raise  # the one document of the command tells it
            self.codes[self.current] = error.exit_code
            report_of(error, self._options)

    def _announce(self, turn: _Turn) -> None:
        if self.told:
            gap = "\n" if turn.number > 1 or turn.again else ""
            again = ", again" if turn.again else ""
            print_text(f"{gap}[{turn.number} of {len(self._states)}] {safe(self.current)}{again}")


def summary(
    states: Sequence[DesiredState],
    codes: Mapping[str, int],
    last: str,
    incomplete: Collection[str] = (),
) -> str:
    """`12 topologies: 9 done, 1 refused (web), 1 failed (db), 1 not reached (app).`

    `incomplete` are those of which something was left out, and the rest was done.
    """
    kinds: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for state in states:
        name = state.topology
        if name in incomplete:
            kind = "done in part"
        elif name in codes:
            kind = _WORDS.get(codes[name], "failed")
        else:
            kind = "failed" if name == last else "not reached"
        kinds[kind].append(safe(name))
    told = [
        f"{len(found)} {kind}" + (f" ({', '.join(found)})" if kind != "done" else "")
        for kind, found in kinds.items()
        if found
    ]
    return f"\n{len(states)} topologies: {', '.join(told)}."

"""The commands that change an engine."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Collection, Mapping, Sequence

from ..errors import BusyError, NetplanError, RefusedError, UnprovenError, UsageError, worst
from ..model import DesiredState
from ..paint import safe
from ..process import print_on, print_text
from ..records import dataclass, replace
from ..runs.outcome import own_containers
from ..signals import interruptible, received
from .console import PostponedError, carry_out
from .lifetime import timed
from .review import load_in_order
from .shared import (
    Lookout,
    check_named,
    concerned,
    engine_of,
    files,
    one_document,
    policy_of,
    report_of,
)

MOST_CONFLICTS = 10
"""Contradictions between files that are told where they stop a run."""


def apply(options: Namespace) -> int:
    """Shows the plan, asks, carries it out, proves it."""
    interruptible()
    if options.plan is not None:
        from .save import apply_saved

        return apply_saved(options)
    if options.fingerprint is not None:
        raise UsageError(
            "--fingerprint was given without --plan",
            "it says which saved plan was approved: apply --plan P.json",
        )
    paths = files(options.file)
    lookout = Lookout(options, engine_of, paths)
    states = timed(_compatible(paths), options)
    check_named(options, states)
    states = concerned(options, states)
    with lookout.seen() as (engine, sight), one_document(options, options.file):
        fresh = iter([sight])  # what was seen before the first one's changes is no longer so then

        def carry(state: DesiredState, may_wait: bool) -> int:
            seen, policy = next(fresh, None), policy_of(options)
            return carry_out(state, engine, policy, options, sight=seen, may_wait=may_wait)

        return _each(states, carry, options)


def destroy(options: Namespace) -> int:
    """Applies an empty topology of that name: by file its `protect` binds and its endpoints are
    ours, by name the marks decide.
    """
    interruptible()
    if options.name is not None and options.file:
        raise UsageError("--name and FILE were both given", "give one of them")
    if options.name == "":
        raise UsageError("--name is empty", "name the topology: netplan ls lists them")
    states = (
        [DesiredState(options.name)]
        if options.name
        else [state for _, state in reversed(load_in_order(files(options.file)))]
    )
    check_named(options, states)
    with engine_of(options) as engine, one_document(options, options.file):

        def carry(state: DesiredState, may_wait: bool) -> int:
            policy, agreed = policy_of(options, destroyed=state), None
            if options.name:
                from ..runs.checks import must_exist

                policy, agreed = (
                    replace(policy, replaces=frozenset({options.name})),
                    must_exist(options.name),
                )
            gone = DesiredState(state.topology, origin=state.origin)
            return carry_out(
                gone, engine, policy, options, "destroy", agreed=agreed, may_wait=may_wait
            )

        return _each(states, carry, options)


def reset(options: Namespace) -> int:
    """Applies the file with its containers made anew and nobody else on its networks; with
    `--wipe`, on an engine emptied before.
    """
    if options.keep_containers and options.wipe:
        raise UsageError("--keep-containers and --wipe were both given", "give one of them")
    if options.yes_wipe is not None and not options.wipe:
        raise UsageError("--yes-wipe was given without --wipe", "give both, or neither")
    if options.only and options.wipe:
        raise UsageError(
            "--only and --wipe were both given", "give one of them: --wipe removes everything"
        )
    paths = files(options.file)
    if options.wipe and len(paths) > 1:
        raise UsageError(
            "--wipe takes one file: the second would remove what the first has made",
            "name one file",
        )
    interruptible()
    states = timed(_compatible(paths), options)
    check_named(options, states)
    states = concerned(options, states)
    with engine_of(options) as engine, one_document(options, options.file):
        keep = options.keep_containers
        policy = replace(
            policy_of(options),
            reset=not keep,
            exclusive=True,
            keep_containers=keep,
            wipe=options.wipe,
        )
        if options.wipe:
            policy = replace(policy, spare=own_containers(engine))

        def carry(state: DesiredState, may_wait: bool) -> int:
            return carry_out(state, engine, policy, options, "reset", may_wait=may_wait)

        return _each(states, carry, options)


def _compatible(paths: Sequence[str]) -> list[DesiredState]:
    """The desired states in that order. Raises RefusedError where one file's apply would undo
    another's.
    """
    from ..planner import conflicts

    states = load_in_order(paths)
    found = conflicts(states) if len(states) > 1 else ()
    if found:
        told = [
            f"{refusal.source}: {refusal.message}: {refusal.way_out}"
            for refusal in found[:MOST_CONFLICTS]
        ]
        more = [f"and {len(found) - MOST_CONFLICTS} more"] if len(found) > MOST_CONFLICTS else []
        raise RefusedError("these files contradict each other: nothing was done", *told, *more)
    return [state for _, state in states]


_KINDS = ("done", "done in part", "refused", "busy", "failed", "not reached")
_WORDS = {0: "done", RefusedError.exit_code: "refused", BusyError.exit_code: "busy"}

Carry = Callable[[DesiredState, bool], int]
"""Carries one topology out; its exit code.

Where it may wait (the second argument), a refused plan raises PostponedError.
"""


def _each(states: Sequence[DesiredState], carry: Carry, options: Namespace) -> int:
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
                print_text("Refused as things are now: planned again after the others.")
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


def unlock(options: Namespace) -> int:
    """Shows whose the locks on the engine are, asks, and breaks them. Journals stay: the next apply
    needs them.
    """
    from ..lock import break_locks, claims, own_volumes
    from ..lock.holder import standing
    from ..lock.journal import journals
    from ..lock.scope import in_words
    from ..planner import cannot_read

    interruptible()
    with engine_of(options) as engine:
        volumes = own_volumes(engine)
        held = [
            claim for claim in claims(volumes) if options.topology in (None, claim.holder.topology)
        ]
        if not held:
            whose = f' of topology "{options.topology}"' if options.topology else ""
            print_text(safe(f"There is no lock{whose} on this engine."))
            return 0
        for claim in held:
            print_text(safe(f"{claim.holder}: {standing(claim.holder)}"))
            print_text(
                safe(
                    "  for"
                    f" {in_words(sorted(claim.scope.changes), 8) or 'everything on this engine'}"
                )
            )
        for journal in journals(volumes):
            stays = (
                f'its journal stays: the next apply or destroy of topology "{journal.topology}"'
                " puts back what was taken away"
            )
            print_text(safe(f"{cannot_read(journal)}: it stays" if journal.unreadable else stays))
        sys.stdout.flush()
        if not options.yes:
            _ask_to_break(len(held) > 1)
        break_locks(engine, held)
        print("Unlocked.")
    return 0


def _ask_to_break(several: bool) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise RefusedError(
            "there is no terminal to ask on",
            "make sure that nothing is at work on the engine, and agree with --yes",
        )
    what = "Are those processes certainly gone?" if several else "Is that process certainly gone?"
    print(
        f"{what} Two at work at once undo each other's changes. Break the"
        f" lock{'s' if several else ''}? [y/N] ",
        end="",
        file=sys.stderr,
    )
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NetplanError("not confirmed: the lock stays")

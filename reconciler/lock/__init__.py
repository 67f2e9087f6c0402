"""One writer per engine: a lock that the engine itself keeps, as a volume of a fixed name.

Creating a volume is atomic: of many who create the same one, exactly one finds its own labels in the answer. The lock is
`netplan.lock.GENERATION`. Whoever finds none creates the first generation; whoever finds only holders that are provably dead creates the
next one, which names the runs that it takes over, looks again, and then drops theirs. So at every instant an old or a new lock is there.

Looking again settles every race: a newer generation, or an older lock that was not to be taken over, and the newcomer gives way. A holder
is superseded only by a lock that names its run, and its own is removed before the new holder begins. So one look at its own lock before
each change tells whether it may still make it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import ApiError, EngineError, FailedError, LockLostError, LostError
from .holder import Holder, gone, holder_text, myself, read_holder

if TYPE_CHECKING:
    from ..engine import Engine, Reader

KIND = "netplan.kind"
"""The label of every volume that is netplan's own: `lock` or `journal`."""
HOLDER = "netplan.holder"
PREFIX = "netplan.lock."
POLL = 0.4
"""Seconds, give or take half, between two looks at a lock that somebody holds."""
_LOST = "this run stopped there: netplan plan shows what is left to do"

Tell = Callable[[Holder], None]


@dataclass(frozen=True, slots=True)
class Claim:
    """A lock as the engine lists it."""

    generation: int
    holder: Holder

    @property
    def name(self) -> str:
        """The name of its volume."""
        return f"{PREFIX}{self.generation}"


def own_volumes(reader: Reader) -> list[dict[str, Any]]:
    """All volumes that are netplan's own, locks and journals alike, in one call."""
    from ..engine import persistently

    return persistently(lambda: reader.volumes({"label": [KIND]}))


def claims(volumes: Iterable[Mapping[str, Any]]) -> list[Claim]:
    """The locks among the volumes, by generation."""
    found = []
    for volume in volumes:
        labels, number = volume.get("Labels") or {}, str(volume["Name"]).removeprefix(PREFIX)
        if labels.get(KIND) == "lock" and volume["Name"] == f"{PREFIX}{number}" and number.isdecimal():
            found.append(Claim(int(number), read_holder(str(labels.get(HOLDER) or ""))))
    return sorted(found, key=lambda claim: claim.generation)


class Lock:
    """The engine's lock, held by this run.

    `keep` leaves it on the engine: calls may still be under way that it is there for. `lost` is what became of it, once that was noticed.
    """

    def __init__(self, engine: Engine, claim: Claim) -> None:
        self._engine, self._claim = engine, claim
        self.keep = False
        self.lost: LockLostError | None = None

    @property
    def run(self) -> str:
        """The name of the run that holds it."""
        return self._claim.holder.run

    def hold(self) -> None:
        """Raise LockLostError unless the lock is still there: one look at its volume, cheap enough to come before each change."""
        from ..engine import persistently

        try:
            found = persistently(lambda: self._engine.volume(self._claim.name))
        except (ApiError, LostError) as error:  # of the look, not of the change that it comes before
            raise EngineError(f"the engine's lock cannot be read: {error}", *error.hints) from error
        labels = (found or {}).get("Labels") or {}
        if read_holder(str(labels.get(HOLDER) or "")).run != self.run:
            self.check(claims(own_volumes(self._engine)))

    def check(self, present: Iterable[Claim]) -> None:
        """Raise LockLostError unless the lock is still there and nobody took it over; `present` are the locks as listed just now."""
        present = tuple(present)
        if taker := next((other for other in present if self.run in other.holder.takes), None):
            self.lost = LockLostError(f"the engine's lock was taken over by {taker.holder}", _LOST)
        elif all(other.holder.run != self.run for other in present):
            what = "the engine's lock has vanished: somebody ran netplan unlock, or removed the volume"
            self.lost = LockLostError(what, _LOST)
        if self.lost:
            raise self.lost

    def release(self) -> str:
        """Give it back, if it is still this run's. Returns why that did not work, in words; empty where it did.

        An engine that does not answer keeps it: then the next apply on this machine finds that this process is gone.
        """
        if self.keep:
            return ""
        try:
            _drop_own(self._engine, self._claim)
        except EngineError as error:
            return f"the engine's lock could not be given back: {error}"
        return ""


def acquire(engine: Engine, topology: str, timeout: float, tell: Tell) -> Lock:
    """The lock, waited for at most `timeout` seconds; `tell` hears of each holder that is waited for.

    Raises FailedError that names the holder where it is not given back in time, EngineError where the engine cannot be asked.
    """
    from random import uniform  # plan loads this module too, and never waits

    until, told = time.monotonic() + timeout, ""
    while True:
        present = claims(own_volumes(engine))
        living = [claim for claim in present if not gone(claim.holder)]
        if not living and (lock := _claim(engine, replace(myself(topology), takes=tuple(c.holder.run for c in present)), present)):
            return lock
        if living and living[-1].holder.run != told:
            told = living[-1].holder.run
            tell(living[-1].holder)
        if time.monotonic() >= until:
            raise _held(living[-1].holder if living else None, timeout)
        time.sleep(min(POLL * uniform(0.5, 1.5), max(until - time.monotonic(), 0.01)))


def _held(holder: Holder | None, timeout: float) -> FailedError:
    if holder is None:
        return FailedError("the engine's lock could not be had: others were always faster", "try again")
    return FailedError(
        f"another netplan is at work on this engine: {holder}",
        f"waited {timeout:g} s: --lock-timeout waits longer",
        "if that process is certainly gone, break its lock with: netplan unlock",
    )


def _claim(engine: Engine, me: Holder, taken: list[Claim]) -> Lock | None:
    """Create the next generation, look again, drop those it takes over; None where somebody else was faster."""
    claim = Claim(taken[-1].generation + 1 if taken else 1, me)
    try:
        return _settled(engine, claim, me)
    except KeyboardInterrupt:
        with suppress(EngineError):
            _drop_own(engine, claim)
        raise


def _settled(engine: Engine, claim: Claim, me: Holder) -> Lock | None:
    failure: EngineError | None = None
    try:
        answer = engine.create_volume(claim.name, {KIND: "lock", HOLDER: holder_text(me)})
        if read_holder(str(answer.get(HOLDER) or "")).run != me.run:
            return None
    except (ApiError, LostError) as error:
        failure = error  # looking again tells whether it is there
    present = claims(own_volumes(engine))
    mine = next((other for other in present if other.holder.run == me.run), None)
    if mine is None:
        if failure:
            raise failure
        return None
    others = [other for other in present if other is not mine]
    if any(other.generation > mine.generation or other.holder.run not in me.takes for other in others):
        _drop(engine, claim)
        return None
    for other in others:
        _drop(engine, other)
    return Lock(engine, claim)


def _drop(engine: Engine, claim: Claim) -> None:
    """Remove a lock; one that is gone already is no error."""
    try:
        engine.remove_volume(claim.name)
    except (ApiError, LostError):
        if any(left.name == claim.name and left.holder.run == claim.holder.run for left in claims(own_volumes(engine))):
            raise


def _drop_own(engine: Engine, claim: Claim) -> None:
    """Remove a lock unless somebody else's stands in its place: another run may have made one of that name since."""
    if any(found.name == claim.name and found.holder.run == claim.holder.run for found in claims(own_volumes(engine))):
        _drop(engine, claim)


def break_locks(engine: Engine, shown: Iterable[Claim]) -> None:
    """Remove the locks that were shown to the user, and no other. Raises FailedError where somebody else holds it by now."""
    shown = tuple(shown)
    for claim in claims(own_volumes(engine)):
        if claim not in shown:
            raise FailedError(f"the lock changed hands meanwhile: {claim.holder}", "run netplan unlock again")
    for claim in shown:
        _drop_own(engine, claim)

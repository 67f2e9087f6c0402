"""How a run gets its lock: it draws a number, and waits for whoever has a smaller one and overlaps
with it.

A number is drawn by looking at all locks and taking a larger one than any, with the run's own
random name as its last digits: no two runs ever have the same. Others may draw meanwhile, so a
number can turn out to be smaller than that of a lock that is held already. Each lock says which
others it had seen when it drew. A run that finds, at its first look after drawing, an overlapping
lock with a larger number that did not see it gives its own back and draws again. Any other that
comes later finds this lock when it looks in its turn, and waits.

So of two that overlap, the one that is created second sees the first: never do both hold. A run has
one lock for all that it touches and waits only for smaller numbers, so nobody waits in a circle,
and whoever has drawn is overtaken by nobody: none starves.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, Protocol

from ..errors import ApiError, BusyError, EngineError, LostError
from ..fast_dataclasses import dataclass
from .holder import gone, holder_text, myself
from .lease import EVERY, GONE_AFTER, Pulse, Watch, signs
from .locks import (
    HOLDER,
    KIND,
    SCOPE,
    SEEN,
    Claim,
    Lock,
    claims,
    own_volumes,
    remove,
    sweep,
    sweep_signs,
)
from .scope import Scope, in_words, scope_text

if TYPE_CHECKING:
    from ..engine import Engine

POLL = 0.4
"""Seconds, give or take half, between two looks at a lock that somebody holds."""
SHIFT = 48
"""Bits of a number that are the run's own name."""


class Tell(Protocol):
    """Hears of what is waited for."""

    def __call__(self, claim: Claim, waited: float, common: str) -> object:
        """A lock, for how many seconds it was waited so far, and what both touch: told at first,
        and every ten seconds.
        """


def drawn(run: str, present: Iterable[Claim]) -> int:
    """A number larger than those of all locks that are there."""
    place = max((claim.number >> SHIFT for claim in present), default=0) + 1
    return place << SHIFT | int(run, 16)


def turn(
    mine: Claim, present: Sequence[Claim], first: bool
) -> Claim | Literal["held", "draw again"]:
    """What a look at all locks means for one's own: it is held, must be drawn again, or waits for
    the one that is returned.

    `first`: it is the first look after it was drawn.
    """
    if mine not in present:  # somebody removed it
        return "draw again"
    behind = [
        other
        for other in present
        if other.number > mine.number and other.scope.overlaps(mine.scope)
    ]
    if first and any(mine.holder.run not in other.seen for other in behind):
        return "draw again"
    before = ahead(mine, present)
    return before[-1] if before else "held"


def ahead(mine: Claim, present: Iterable[Claim]) -> list[Claim]:
    """The locks that one's own waits for, whoever holds them, in the order of `present`."""
    return [
        other
        for other in present
        if other.number < mine.number and other.scope.overlaps(mine.scope)
    ]


def acquire(engine: Engine, topology: str, scope: Scope, timeout: float, tell: Tell) -> Lock:
    """The lock, waited for at most `timeout` seconds.

    Raises BusyError that names the holder where it is not free in time, EngineError where the
    engine cannot be asked.
    """
    return _Queue(engine, topology, scope, timeout, tell).wait()


@dataclass
class _Ticket:
    claim: Claim
    pulse: Pulse
    failure: EngineError | None = None
    first: bool = True


class _Queue:
    """One run's wait."""

    def __init__(
        self, engine: Engine, topology: str, scope: Scope, timeout: float, tell: Tell
    ) -> None:
        self._engine, self._topology, self._scope, self._timeout, self._tell = (
            engine,
            topology,
            scope,
            timeout,
            tell,
        )
        self._began = time.monotonic()
        self._watch = Watch()
        self._told: tuple[str, float] = ("", 0.0)

    def wait(self) -> Lock:
        ticket = self._draw()
        try:
            while True:
                found = self._look(ticket)
                if found == "held":
                    return Lock(self._engine, ticket.claim, ticket.pulse)
                if found == "draw again":
                    self._give_back(ticket)
                    self._pause(0.05)
                    ticket = self._draw()
                else:
                    self._wait_for(found)
        except BaseException:
            with suppress(EngineError):
                self._give_back(ticket)
            raise

    def _draw(self) -> _Ticket:
        present = self._swept()
        me = myself(self._topology)
        claim = Claim(
            drawn(me.run, present),
            me,
            self._scope,
            frozenset(other.holder.run for other in present),
        )
        labels = {
            KIND: "lock",
            HOLDER: holder_text(me),
            SCOPE: scope_text(claim.scope),
            SEEN: " ".join(sorted(claim.seen)),
        }
        ticket = _Ticket(claim, Pulse(self._engine, me.run, {KIND: "beat", HOLDER: labels[HOLDER]}))
        try:
            ticket.pulse.begin()
            self._engine.create_volume(claim.name, labels)
        except (ApiError, LostError) as error:
            ticket.failure = error  # the look tells whether it is there
        except BaseException:
            with suppress(EngineError):
                self._give_back(ticket)
            raise
        return ticket

    def _swept(self) -> list[Claim]:
        """All locks, without those whose holders are provably dead: they are removed."""
        volumes = own_volumes(self._engine)
        present = claims(volumes)
        dead = [claim for claim in present if gone(claim.holder)]
        for claim in dead:
            sweep(self._engine, claim, volumes)
        sweep_signs(self._engine, present, volumes)
        return [claim for claim in present if claim not in dead]

    def _look(self, ticket: _Ticket) -> Claim | Literal["held", "draw again"]:
        volumes = own_volumes(self._engine)
        present = claims(volumes)
        if ticket.failure and ticket.claim not in present:
            raise ticket.failure
        before = ahead(ticket.claim, present)
        self._watch.look([claim.holder.run for claim in before], signs(volumes))
        dead = [
            claim
            for claim in before
            if gone(claim.holder) or self._watch.silent(claim.holder.run) > GONE_AFTER
        ]
        for claim in dead:
            sweep(self._engine, claim, volumes)
        found = turn(ticket.claim, [claim for claim in present if claim not in dead], ticket.first)
        ticket.first, ticket.failure = False, None
        return found

    def _wait_for(self, claim: Claim) -> None:
        waited = time.monotonic() - self._began
        common = in_words(claim.scope.common(self._scope))
        if self._told[0] != claim.holder.run or waited - self._told[1] >= EVERY:
            self._told = (claim.holder.run, waited)
            self._tell(claim, waited, common)
        if waited >= self._timeout:
            raise self._busy(claim, common)
        self._pause(min(POLL, self._timeout - waited))

    def _busy(self, claim: Claim, common: str) -> BusyError:
        touch = (
            f"both change or use {common}"
            if common
            else "one of the two may change everything on this engine"
        )
        return BusyError(
            f"another netplan is at work: {claim.holder}",
            touch,
            f"waited {round(self._timeout, 1):g} s: to wait longer, use --lock-timeout",
            f"a waiting run takes over a lock that was not renewed for {GONE_AFTER:g} s",
            "if that process certainly no longer exists, remove its lock now: netplan unlock",
        )

    def _pause(self, seconds: float) -> None:
        from random import uniform  # plan loads this module too, and never waits

        time.sleep(seconds * uniform(0.5, 1.5))

    def _give_back(self, ticket: _Ticket) -> None:
        remove(self._engine, ticket.claim)
        ticket.pulse.end()

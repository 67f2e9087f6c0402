"""The locks on an engine, as the volumes that they are: listed, held, given back, swept, broken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import ApiError, EngineError, FailedError, LockLostError, LostError
from ..fast_dataclasses import dataclass, field
from .holder import Holder, read_holder
from .lease import GONE_AFTER, STOP_AFTER, Pulse, signs
from .scope import EVERYTHING, Scope, read_scope

if TYPE_CHECKING:
    from ..engine import Engine, Reader


KIND = "netplan.kind"
"""The label of every volume that is netplan's own: `lock`, `beat` (a sign of life) or `journal`."""


HOLDER = "netplan.holder"


SCOPE = "netplan.scope"


SEEN = "netplan.seen"


PREFIX = "netplan.lock."


_LOST = "this run stopped there: netplan plan shows what is left to do"


@dataclass(frozen=True, slots=True)
class Claim:
    """A lock as the engine lists it. `seen` are the runs whose locks its own had found when it took
    its number.
    """

    number: int
    holder: Holder
    scope: Scope = EVERYTHING
    seen: frozenset[str] = field(default=frozenset())

    @property
    def name(self) -> str:
        """The name of its volume."""
        return f"{PREFIX}{self.number}"


def own_volumes(reader: Reader) -> list[dict[str, Any]]:
    """All volumes that are netplan's own in one call: locks, signs of life and journals alike."""
    from ..engine import persistently

    return persistently(lambda: reader.volumes({"label": [KIND]}))


def claims(volumes: Iterable[Mapping[str, Any]]) -> list[Claim]:
    """The locks among the volumes, by number."""
    found = []
    for volume in volumes:
        labels, number = volume.get("Labels") or {}, str(volume["Name"]).removeprefix(PREFIX)
        if (
            labels.get(KIND) == "lock"
            and volume["Name"] == f"{PREFIX}{number}"
            and number.isdecimal()
        ):
            holder = read_holder(str(labels.get(HOLDER) or ""))
            seen = frozenset(str(labels.get(SEEN) or "").split())
            found.append(Claim(int(number), holder, read_scope(str(labels.get(SCOPE) or "")), seen))
    return sorted(found, key=lambda claim: claim.number)


class Lock:
    """This run's lock.

    `keep` leaves it on the engine: calls may still be under way that it is there for. `lost` is
    what became of it, once that was noticed.
    """

    def __init__(self, engine: Engine, claim: Claim, pulse: Pulse) -> None:
        self._engine, self._claim, self._pulse = engine, claim, pulse
        self.keep = self._vanished = False
        self.lost: LockLostError | None = None

    @property
    def run(self) -> str:
        """The name of the run that holds it."""
        return self._claim.holder.run

    @property
    def scope(self) -> Scope:
        """What it is for."""
        return self._claim.scope

    def hold(self) -> None:
        """Raise LockLostError unless the lock is this run's: one look at its volume, cheap enough
        to come before each change.
        """
        from ..engine import persistently

        try:
            found = persistently(lambda: self._engine.volume(self._claim.name))
        except (
            ApiError,
            LostError,
        ) as error:  # of the look, not of the change that it comes before
            raise EngineError(f"this run's lock cannot be read: {error}", *error.hints) from error
        labels = (found or {}).get("Labels") or {}
        self._judge(read_holder(str(labels.get(HOLDER) or "")).run == self.run)

    def check(self, present: Iterable[Claim]) -> None:
        """The same; `present` are the locks as listed just now."""
        self._judge(any(other.holder.run == self.run for other in present))

    def _judge(self, present: bool) -> None:
        """After the look, so that a process that was suspended meanwhile notices."""
        silent, self._vanished = self._pulse.silent, not present
        if not present and silent > GONE_AFTER:
            what = f"another run took over this run's lock: no sign of life for {silent:.0f} s"
            self.lost = LockLostError(
                what,
                "was this process suspended, or did it lose its connection to the engine?",
                _LOST,
            )
        elif not present:
            what = (
                "this run's lock has vanished: somebody ran netplan unlock, or removed the volume"
            )
            self.lost = LockLostError(what, _LOST)
        elif silent > STOP_AFTER:
            what = (
                f"this run could not renew its lock for {silent:.0f} s, so another run may take it"
                " over"
            )
            self.lost = LockLostError(
                what,
                "was this process suspended, or did it lose its connection to the engine?",
                _LOST,
            )
        if self.lost:
            raise self.lost

    def release(self) -> str:
        """Give it back, if it is still there. Returns why that did not work, in words; empty where
        it did.
        """
        if self.keep:
            return ""
        try:
            if not self._vanished:
                remove(self._engine, self._claim)
            self._pulse.end()
        except EngineError as error:
            return f"this run's lock could not be released: {error}"
        return ""


def remove(engine: Engine, claim: Claim) -> None:
    """Remove a lock; one that is gone already is no error. No other lock ever has its number, but
    for those of an earlier netplan.
    """
    try:
        engine.remove_volume(claim.name)
    except (ApiError, LostError):
        if any(
            left.number == claim.number and left.holder.run == claim.holder.run
            for left in claims(own_volumes(engine))
        ):
            raise


def sweep(engine: Engine, claim: Claim, volumes: Iterable[Mapping[str, Any]]) -> None:
    """Remove the lock of one who is gone, and the signs of life that it left."""
    if any(
        left == claim for left in claims(own_volumes(engine))
    ):  # an earlier netplan may have used its number again
        remove(engine, claim)
    _remove_signs(engine, signs(volumes).get(claim.holder.run, ()))


def sweep_signs(
    engine: Engine, present: Iterable[Claim], volumes: Iterable[Mapping[str, Any]]
) -> None:
    """Remove the signs of life of runs that have no lock any more; `present` and `volumes` are of
    one look.
    """
    runs = {claim.holder.run for claim in present}
    for run, shown in signs(volumes).items():
        if run not in runs:
            _remove_signs(engine, shown)


def _remove_signs(engine: Engine, names: Iterable[str]) -> None:
    for name in names:
        with suppress(ApiError, LostError):  # another one was faster
            engine.remove_volume(name)


def break_locks(engine: Engine, shown: Iterable[Claim]) -> None:
    """Remove the locks that were shown to the user, and no other. Raises FailedError where another
    one came since.
    """
    shown = tuple(shown)
    volumes = own_volumes(engine)
    for claim in claims(volumes):
        if claim not in shown:
            raise FailedError(f"the locks have changed: {claim.holder}", "run netplan unlock again")
    for claim in shown:
        sweep(engine, claim, volumes)

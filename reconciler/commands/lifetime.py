"""How long topologies live, on a real engine."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ..fast_dataclasses import dataclass, replace
from ..model import DesiredState, Journal, ObservedState

if TYPE_CHECKING:
    from datetime import datetime

    from ..engine import Reader
    from ..lifetimes import Record
    from ..show import Choice, Owned


@dataclass(frozen=True)
class Survey:
    """All topologies on one engine at one time; `now` is by its clock."""

    observed: ObservedState
    written: tuple[Record, ...]
    journals: tuple[Journal, ...]
    now: datetime

    @cached_property
    def entries(self) -> Sequence[Owned]:
        """Every topology, as `ls` lists it."""
        from ..show import owned

        return owned(self.observed, self.written)

    def chosen(self, choice: Choice) -> list[Owned]:
        """Those that are meant."""
        return [entry for entry in self.entries if choice.has(entry, self.now)]


def survey(reader: Reader) -> Survey:
    """Looks at an engine. Raises EngineError."""
    from ..lifetimes import records
    from ..lock import own_volumes
    from ..lock.journal import journals
    from ..observe import observe

    volumes = own_volumes(reader)
    seen = observe(reader, own=volumes)
    return Survey(seen, records(volumes), journals(volumes), engine_time(reader))


def engine_time(reader: Reader) -> datetime:
    """The time by the engine's clock: everything that it says was created at some time goes by
    that.
    """
    from datetime import UTC, datetime

    from ..codec.times import moment
    from ..engine import persistently

    told = moment(str(persistently(reader.details).get("SystemTime") or ""))
    return told or datetime.now(UTC)


def choice_of(options: Namespace) -> Choice:
    """Which topologies the options mean."""
    from ..show import Choice

    return Choice(options.expired, options.older_than, tuple(options.match), tuple(options.origin))


def timed(states: Iterable[DesiredState], options: Namespace) -> list[DesiredState]:
    """The states with the `--ttl` that was given; without one each file's own counts."""
    return (
        [replace(state, ttl=options.ttl) for state in states]
        if options.ttl is not None
        else list(states)
    )

"""What an apply writes about how long its topology lives."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import ApiError, EngineError
from ..model import DesiredState

if TYPE_CHECKING:
    from ..engine import Engine
    from ..lifetimes import Record

GONE = 404


def write_ttl(engine: Engine, desired: DesiredState, old: Iterable[Record]) -> str:
    """Writes when the topology expires, counted from now, and drops what earlier runs wrote;
    without a `ttl` it drops only.

    Returns why something old stays, empty where nothing does. Raises EngineError where the new
    cannot be written.
    """
    if desired.ttl is not None:
        from ..lifetimes import PREFIX, record_labels

        name = f"{PREFIX}{desired.topology}.{os.urandom(4).hex()}"
        engine.create_volume(name, record_labels(desired.topology, desired.ttl))
    trouble = ""
    for record in old:
        try:
            engine.remove_volume(record.name)
        except EngineError as error:
            if not isinstance(error, ApiError) or error.status != GONE:
                trouble = (
                    f"{record.name}, an earlier ttl, could not be removed from the engine: {error}"
                )
    return trouble

"""The engine: read over `wire`, changed through docker-py. The only importer of `docker`.

`open_reader` gives an object that has no method to change anything: what `plan` gets. `open_engine`
gives one that can. Both pin one API version for their whole life and translate every failure into
the errors of errors.py. A change is sent once and never again by itself: after a LostError nobody
here knows whether the engine acted.
"""

from __future__ import annotations

from ..model import NEWEST_API
from .again import persistently
from .greeting import OLDEST_API, pin, version_text
from .locate import Target, locate
from .protocol import Engine, Filters, Progress, Reader
from .reading import EngineReader
from .wire import Log
from .writing import EngineWriter

__all__ = [
    "NEWEST_API",
    "OLDEST_API",
    "TIMEOUT",
    "Engine",
    "Filters",
    "Log",
    "Progress",
    "Reader",
    "engine_at",
    "open_engine",
    "open_reader",
    "persistently",
    "pin",
    "version_text",
]

TIMEOUT = 60.0
"""Seconds to wait for an answer, where the user says nothing."""


def open_reader(
    host: str | None = None,
    context: str | None = None,
    timeout: float = TIMEOUT,
    log: Log | None = None,
) -> Reader:
    """The engine that the docker CLI would use, to look at. Raises UsageError, UnreachableError,
    LostError.
    """
    return EngineReader(locate(host, context), timeout, log)


def open_engine(
    host: str | None = None,
    context: str | None = None,
    timeout: float = TIMEOUT,
    log: Log | None = None,
) -> Engine:
    """The engine that the docker CLI would use, to look at and to change; any number of threads may
    use it at once.
    """
    return EngineWriter(locate(host, context), timeout, log)


def engine_at(target: Target, timeout: float = TIMEOUT, log: Log | None = None) -> Reader:
    """The engine at a place that is known already, to look at."""
    return EngineReader(target, timeout, log)

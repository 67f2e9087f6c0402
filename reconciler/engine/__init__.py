"""The engine: read over `wire`, changed through docker-py. The only importer of `docker`.

`open_reader` gives an object that has no method to change anything: what `plan` gets. `open_engine`
gives one that can. Both pin one API version for their whole life and translate every failure into
the errors of errors.py. A change is sent once and never again by itself: after a LostError nobody
here knows whether the engine acted.
"""

from ..model import NEWEST_API, OLDEST_API
from .api_version import pin, version_text
from .protocol import Engine, Filters, Progress, Ran, Reader
from .reading import TIMEOUT, engine_at, open_reader
from .retry import persistently
from .wire import Log
from .writing import open_engine

__all__ = [
    "NEWEST_API",
    "OLDEST_API",
    "TIMEOUT",
    "Engine",
    "Filters",
    "Log",
    "Progress",
    "Ran",
    "Reader",
    "engine_at",
    "open_engine",
    "open_reader",
    "persistently",
    "pin",
    "version_text",
]

"""The settings of a volume: one row each, in the order of the documents.

Places are those of the body of `POST /volumes/create`, which calls the options `DriverOpts` where
an inspect calls them `Options`: `Volume` stands for either. Labels have no row, as they hold
netplan's own marks as well.
"""

from __future__ import annotations

import re

from ..fast_dataclasses import replace
from .kinds import OPTIONS, TEXT
from .row import Setting

VOLUME = (
    Setting(
        "driver",
        replace(TEXT, schema={"type": "string"}),
        "Volume.Driver",
        "Driver",
        "The volume driver: local (the engine's default) or any plugin.",
        ("local",),
        default="local",
    ),
    Setting(
        "driver_opts",
        OPTIONS,
        "Volume.DriverOpts",
        "Driver options",
        "Options of the volume driver. Values compare as text; passwords in them are never shown,"
        " recorded or compared.",
        ({"type": "nfs", "o": "addr=10.0.0.9,rw", "device": ":/export/data"},),
    ),
)
DEFAULTS = {row.path: row.default for row in VOLUME if row.default is not None}
"""What the engine does where nothing is said; every other setting is absent by default."""
MASK = "(value hidden)"
_SECRET_NAME = re.compile(r"passw|secret|token|credential|(^|[_.-])key", re.IGNORECASE)
_SECRET_PART = re.compile(r"\b((?:[\w-]*passw[\w-]*|pass|secret|token)=)[^,]*", re.IGNORECASE)


def masked(option: str, value: str) -> str:
    """The value of a driver's option without passwords: `o`, `username=a,password=b` ->
    `username=a,password=(value hidden)`.
    """
    if _SECRET_NAME.search(option):
        return MASK
    return _SECRET_PART.sub(rf"\1{MASK}", value)

"""An observed state as JSON and back, exactly: what `netplan snapshot` prints and `plan --state`
reads.

Settings hold strings, integers, booleans and lists of strings; the published schema is
schemas/snapshot.schema.json. No environment value or other secret is ever observed, so none is
here, and the digests of environment values are sealed (environment_digests.py). What only
containers with netplan's mark have is there for them alone.
"""

from .decode import (
    UPGRADES,
    journal_from_json,
    journals_from_snapshot,
    state_from_snapshot,
    upgraded,
)
from .encode import FORMAT_VERSION, journal_json, snapshot_json

__all__ = [
    "FORMAT_VERSION",
    "UPGRADES",
    "journal_from_json",
    "journal_json",
    "journals_from_snapshot",
    "snapshot_json",
    "state_from_snapshot",
    "upgraded",
]

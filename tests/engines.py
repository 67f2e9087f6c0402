"""Which engines the tests run on.

`NETPLAN_TEST_HOSTS=unix:///a,unix:///b`: every test of an engine runs on each of them; without it,
on the one that the docker CLI would use. `unix:///a+unix:///a2` are twins, two engines of one
version: they share the tests, so that more of them run at a time. `NETPLAN_WIPE_HOSTS` names those
that tests may empty.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path


def _listed(variable: str) -> list[str]:
    return [host.strip() for host in os.environ.get(variable, "").split(",") if host.strip()]


TWINS = [entry.split("+") for entry in _listed("NETPLAN_TEST_HOSTS")]
"""For each version its engines."""
GIVEN = [host for twins in TWINS for host in twins]
WIPE_HOSTS = _listed("NETPLAN_WIPE_HOSTS")


def hosts_of(test: str) -> list[str]:
    """The engines that a test runs on: of twins always the same one. An empty address is the
    default.
    """
    return [twins[zlib.crc32(test.encode()) % len(twins)] for twins in TWINS] or [""]


def host_ids() -> list[str]:
    """What the engines are called in the names of tests."""
    return [Path(twins[0]).stem for twins in TWINS] or ["default"]

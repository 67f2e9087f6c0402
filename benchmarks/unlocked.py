"""`netplan ARGUMENTS...` without lock, second look under it, and journal: the yardstick of lock.py,
the same command else.
"""

from __future__ import annotations

import sys
from functools import cache

from reconciler import lock
from reconciler.cli import entry
from reconciler.lock import journal, ticket
from reconciler.plan import Plan
from reconciler.runs import View
from reconciler.safety import Policy


class Free:
    """A lock that nobody has to wait for, on no engine."""

    run, keep, lost = "unlocked", False, None

    def check(self, volumes: object) -> None:
        """Nobody can have taken it."""

    def hold(self) -> None:
        """It cannot be lost."""

    def release(self) -> str:
        """Nothing is to be given back, and nothing goes wrong."""
        return ""


view_look = View.look
first_look = cache(lambda view: view_look(view))


def look(view: View, policy: Policy | None = None) -> Plan:
    """The first look's plan also where the second look would be; the proof looks for itself."""
    return first_look(view) if policy is None else view_look(view, policy)


ticket.acquire = lambda *arguments: Free()  # type: ignore[assignment,return-value]
lock.own_volumes = lambda reader: []
journal.writer = lambda *arguments: None  # type: ignore[assignment]
View.look = look  # type: ignore[method-assign]
sys.argv[0] = "netplan"
entry()

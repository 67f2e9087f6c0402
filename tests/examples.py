"""How many examples hypothesis tries: NETPLAN_EXAMPLES is the most for tests that say how many they
need, which `scripts/test fast` sets.
"""

from __future__ import annotations

import os

from hypothesis import settings

MOST = os.environ.get("NETPLAN_EXAMPLES")


def examples(count: int) -> settings:
    """That many, or the most that were asked for."""
    return settings(max_examples=min(count, int(MOST or count)), deadline=None)


def use() -> None:
    """The same for tests that do not say how many. How long one may take is no test's claim: other
    tests run beside it.
    """
    settings.register_profile("netplan", max_examples=min(100, int(MOST or 100)), deadline=None)
    settings.load_profile("netplan")

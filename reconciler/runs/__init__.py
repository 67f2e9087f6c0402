"""A plan carried out on a real engine, under its lock, and verified; what commands and programs
share.
"""

from .locked_run import MOST_CHANGES, Agreed, Wanted, carry_out, stale
from .outcome import Outcome
from .reporter import Limits, Reporter
from .view import Sight, View, look_at

__all__ = [
    "MOST_CHANGES",
    "Agreed",
    "Limits",
    "Outcome",
    "Reporter",
    "Sight",
    "View",
    "Wanted",
    "carry_out",
    "look_at",
    "stale",
]

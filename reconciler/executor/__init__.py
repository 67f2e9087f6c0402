"""Carries a plan out, and says of every step how it ended."""

from .execution import execute
from .results import INTERRUPTED, Event, Guard, Listener, Run, Status, StepResult

__all__ = [
    "INTERRUPTED",
    "Event",
    "Guard",
    "Listener",
    "Run",
    "Status",
    "StepResult",
    "execute",
]

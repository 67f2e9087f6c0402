"""plan(desired, observed) -> Plan: a pure function of values."""

from __future__ import annotations

from ..safety import Policy
from .planning import named_part, plan
from .recover import READ_IT, cannot_read, lacking, readable
from .topology_conflicts import conflicts, in_order, made_by_others

__all__ = [
    "READ_IT",
    "Policy",
    "cannot_read",
    "conflicts",
    "in_order",
    "lacking",
    "made_by_others",
    "named_part",
    "plan",
    "readable",
]

"""Who is at work on the engine: each run holds a lock, kept by the engine itself, that names what
the run may touch.

A lock is a volume, `netplan.lock.NUMBER`. Its labels say whose it is (holder.py) and what it is for
(scope.py). They stand in a queue by number: a run has its lock as soon as none with a smaller
number overlaps with it (ticket.py). Locks that do not overlap are held at the same time. A lock is
a lease (lease.py): one whose holder is provably dead, or shows no sign of life, is removed by those
who wait for it.

So a holder whose lock is still there is alone with what it may touch: one look at its own lock
before each change tells it.
"""

from .locks import HOLDER, KIND, Claim, Lock, break_locks, claims, own_volumes

__all__ = [
    "HOLDER",
    "KIND",
    "Claim",
    "Lock",
    "break_locks",
    "claims",
    "own_volumes",
]

"""Everything that can go wrong, and the exit code it ends in.

::

    NetplanError                 1   anything netplan says to a user ├── InputError               4
    the file is wrong: every problem, each with its position ├── UsageError               4   the
    command line is wrong ├── RefusedError             3   unsafe: ownership, protect, foreign
    endpoints, a changed plan │   └── PlanRefusedError     3   with the plan (Python interface) ├──
    FailedError              1   an apply that did not reach the declaration │   ├── UnprovenError
    1   every step was done, and not all is as declared │   ├── ImpossibleError      1   the plan
    cannot be carried out; with the plan (Python interface) │   ├── StepsFailedError     1   with
    how each step ended (Python interface) │   └── LockLostError        1   somebody else may be at
    work on the engine ├── BusyError               75   another netplan is at work on what this run
    may touch: try again └── EngineError              1   the engine said no, or nothing
        ├── UnreachableError     1   no engine, no rights on its socket, too old
        ├── MachineError         1   this machine has no memory, files, threads or space left
        ├── ApiError             1   an answer with an error status
        └── LostError            1   no whole answer: reset, garbage; it may or may not have acted
            └── TimedOutError    1   no answer in time; it may still act

An error is printed as ``error: what happened``, then why, then what to do.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .fast_dataclasses import dataclass

if TYPE_CHECKING:
    from .api import Result
    from .plan import Plan


class NetplanError(Exception):
    """One sentence that says what happened, and optionally lines that say why and what to do."""

    exit_code = 1

    def __init__(self, message: str, *hints: str) -> None:
        super().__init__(message)
        self.message = message
        self.hints = hints


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault in a file. `line` and `column` count from 1; a warning does not stop anything."""

    file: str
    line: int
    column: int
    message: str
    warning: bool = False

    def __str__(self) -> str:
        kind = "warning: " if self.warning else ""
        return f"{self.file}:{self.line}:{self.column}: {kind}{self.message}"


class InputError(NetplanError):
    """A file with problems; nothing of it reaches an engine."""

    exit_code = 4

    def __init__(self, problems: Sequence[Problem]) -> None:
        count, files = len(problems), len({problem.file for problem in problems})
        where = f"{files} files" if files > 1 else "the file"
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in {where}")
        self.problems = tuple(sorted(problems))


class UsageError(NetplanError):
    """The command line cannot be carried out as written."""

    exit_code = 4


class RefusedError(NetplanError):
    """netplan could, but must not without the user's explicit consent."""

    exit_code = 3


class PlanRefusedError(RefusedError):
    """The `plan` is unsafe; its refusals say why and what allows it."""

    def __init__(self, plan: Plan, message: str, *hints: str) -> None:
        super().__init__(message, *hints)
        self.plan = plan


class FailedError(NetplanError):
    """A run ended, and the engine is not as the file says."""


class ImpossibleError(FailedError):
    """The `plan` is known to fail, and was not begun; its refusals say why."""

    def __init__(self, plan: Plan, message: str, *hints: str) -> None:
        super().__init__(message, *hints)
        self.plan = plan


class StepsFailedError(FailedError):
    """Steps failed; `result` says how each ended. What can be repeated, the next apply does."""

    def __init__(self, result: Result, message: str, *hints: str) -> None:
        super().__init__(message, *hints)
        self.result = result


class UnprovenError(FailedError):
    """Every step was done, and still not all is as the file says, or runs."""


class LockLostError(FailedError):
    """Somebody else may be at work on the engine: nothing more is done, nothing put back, no
    journal dropped.
    """


class BusyError(NetplanError):
    """Another netplan is at work on what this run may touch; nothing was done."""

    exit_code = 75


def worst(codes: Iterable[int]) -> int:
    """The exit code of several runs together: to try again is all that helps only if none of them
    failed.
    """
    return max(codes, key=lambda code: 0.5 if code == BusyError.exit_code else code, default=0)


class EngineError(NetplanError):
    """The engine did not do what was asked."""


class UnreachableError(EngineError):
    """There is no engine to talk to."""


class MachineError(EngineError):
    """The machine that netplan runs on cannot go on: the engine was not asked, or its answer could
    not be taken in.
    """


_SHORTAGES = {
    errno.EMFILE: "raise the limit of open files (ulimit -n), or use a smaller --parallel",
    errno.ENFILE: "too many files are open on this machine",
    errno.ENOMEM: "free some memory, or use a smaller --parallel",
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
}


def machine_error(error: BaseException, what: str = "") -> MachineError | None:
    """`error` where the machine is short of something, else None; `what` says better than `error`
    what could not be done.
    """
    if isinstance(error, OSError) and error.errno in _SHORTAGES:
        what, way_out = (
            what or f"this machine has run out of a resource: {error.strerror}",
            _SHORTAGES[error.errno],
        )
    elif isinstance(error, MemoryError):
        what, way_out = what or "this machine does not have enough memory", _SHORTAGES[errno.ENOMEM]
    elif isinstance(error, RuntimeError) and "start new thread" in str(error):
        what, way_out = (
            what or "this machine cannot start more threads",
            "raise the limit of processes (ulimit -u)",
        )
    else:
        return None
    return MachineError(f"{what}: {way_out}")  # in one: a report has one line for a step


class ApiError(EngineError):
    """The engine answered with an error: `status` is HTTP's, `message` the engine's own words,
    `call` what was asked (`GET /networks`).
    """

    def __init__(self, status: int, message: str, call: str = "") -> None:
        hints = (
            (
                f"this was the engine's answer to {call} (status {status})",
                "check the engine: netplan doctor",
            )
            if call
            else ()
        )
        super().__init__(message, *hints)
        self.status = status


class LostError(EngineError):
    """The answer did not arrive whole; what the engine did is unknown until it is read again."""


class TimedOutError(LostError):
    """The engine did not answer in time, and may still be at it: what it is read to be now can
    change by itself.
    """

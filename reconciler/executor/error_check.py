"""How an error is judged: by the state that it left, read again; and how it is put into words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TypeVar

from ..errors import ApiError, EngineError, LostError, TimedOutError, UnreachableError

T = TypeVar("T")
SETTLE = (0.0, 0.2, 0.8)
"""Seconds before each look at the state after a lost answer: the engine may still be at it."""

_NOT_ATTACHED = (
    "the swarm gave no address within 20 s: the address is in use on another node, another network"
    " has the same subnet, or no manager can be reached (docker network inspect --verbose shows"
    " who has which)"
)


class StepError(EngineError):
    """A step did not reach what it is for; the text is for the user.

    `again`: the engine itself says that it may work later. `unknown`: no answer of the engine says
    that it was not done. `late`: it may still be done after this, as the engine was only not waited
    for. `raw` are the engine's own words within the text.
    """

    again = False
    unknown = False
    late = False
    raw = ""


def look(error: EngineError, read: Callable[[], T | None]) -> T | None:
    """What `read` finds after `error`: at once, or, where the answer was lost, once the state says
    something or has had time to.
    """
    unread: EngineError | None = None
    delays = SETTLE if isinstance(error, LostError) else SETTLE[:1]
    for delay in delays:
        time.sleep(delay)
        try:
            if found := read():
                return found
            unread = None
        except UnreachableError as gone:
            raise UnreachableError(
                f"{words(error)}; outcome unknown: {words(gone)}", *gone.hints
            ) from error
        except EngineError as again:
            unread = again
    if unread:
        raise _judged(
            StepError(
                f"{words(error)}; outcome unknown, because the engine could not be read"
                f" ({words(unread)})"
            ),
            error,
        )
    return None


def failure(error: EngineError, more: str = "") -> StepError:
    """The error of a step whose state says that it did not happen."""
    said = words(error)
    if isinstance(error, ApiError) and "context deadline exceeded" in said and "ttach" in said:
        more = f"{_NOT_ATTACHED}; {more}" if more else _NOT_ATTACHED
    if isinstance(error, LostError):
        said += (
            "; it has not happened so far"
            if isinstance(error, TimedOutError)
            else "; it did not happen"
        )
    found = _judged(StepError(f"{said}; {more}" if more else said), error)
    found.again = isinstance(error, ApiError) and error.status == 503
    found.raw = words(error) if isinstance(error, ApiError) else ""
    return found


def _judged(found: StepError, error: EngineError) -> StepError:
    found.unknown, found.late = isinstance(error, LostError), isinstance(error, TimedOutError)
    return found


def words(error: EngineError) -> str:
    """The error on one line's worth of words: IDs as short as people know them."""
    text = re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1", str(error))
    return text.strip(" .:\n") or type(error).__name__

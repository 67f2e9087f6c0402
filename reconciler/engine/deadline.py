"""An end to waiting for answers that come in small portions: a socket's timeout begins anew with
each of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")
_GRACE = 0.2
"""Seconds: the socket's own timeout, which says the same, comes first."""


def within(seconds: float, call: Callable[[], T]) -> T:
    """`call()`, or TimeoutError once `seconds` are over, however the time was spent. It may then
    still go on, in a thread of its own.

    A machine that can start no more threads has only the socket's own timeout.
    """
    ended = SimpleQueue[tuple[list[T], BaseException | None]]()

    def run() -> None:
        try:
            ended.put(([call()], None))
        except BaseException as error:  # raised in the caller's thread
            ended.put(([], error))

    try:
        threading.Thread(target=run, daemon=True).start()
    except RuntimeError:
        return call()
    try:
        results, error = ended.get(timeout=seconds + _GRACE)
    except Empty:
        raise TimeoutError from None
    if error:
        raise error
    return results[0]


def patiently(chunks: Iterable[bytes], seconds: float) -> Iterator[bytes]:
    """`chunks`, or TimeoutError where one takes longer than that to be whole."""
    iterator = iter(chunks)
    while (chunk := within(seconds, partial(next, iterator, None))) is not None:
        yield chunk

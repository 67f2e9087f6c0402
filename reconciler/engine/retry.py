"""Asking once more where an engine stumbles."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ..errors import ApiError

T = TypeVar("T")

_TRIES = 4
_FIRST_PAUSE = 0.05


def persistently(look: Callable[[], T]) -> T:
    """`look()`, again after an internal error of the engine: it reports one where a thing vanishes
    under its hands.
    """
    for attempt in range(_TRIES - 1):
        try:
            return look()
        except ApiError as error:
            if error.status < 500:
                raise
            time.sleep(_FIRST_PAUSE * 2**attempt)
    return look()

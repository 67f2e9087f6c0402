"""Signals that ask this process to end, and which came: the exit code tells of it."""

from __future__ import annotations

import signal
import threading
from typing import Any

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
received: list[int] = []
"""Numbers of the signals that came, the first one first."""


def interrupt(number: int, frame: object) -> None:
    """A handler: notes the signal, and raises what Ctrl-C raises."""
    received.append(number)
    raise KeyboardInterrupt


def raises(handler: Any) -> bool:
    """Whether a signal with that handler raises KeyboardInterrupt."""
    return handler in (signal.default_int_handler, interrupt)


def interruptible() -> None:
    """SIGTERM, and SIGHUP unless it is ignored (`nohup`), mean what Ctrl-C means: running steps
    finish, and the lock is released.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in ASKING:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, interrupt)


def exit_code(code: int, interrupted: bool = False) -> int:
    """`code`, or where a signal kept the command from being done 128 and its number, as a shell
    reports it: 130 for Ctrl-C.
    """
    if interrupted or (received and code):
        return 128 + (received[0] if received else signal.SIGINT)
    return code

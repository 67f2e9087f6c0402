"""Asking on the terminal before something is taken away."""

from __future__ import annotations

import sys
from argparse import Namespace

from ..errors import NetplanError, RefusedError
from ..terminal import safe

_WHAT = "the plan removes, replaces or disconnects something"


def confirm(question: str, options: Namespace) -> None:
    """Asks on standard error. Raises unless the answer is yes, and where there is nobody to ask or
    nothing was shown.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise RefusedError(
            f"{_WHAT}, and there is no terminal to ask for confirmation", "pass --yes"
        )
    if options.quiet or options.output == "json":
        raise RefusedError(f"{_WHAT}, and it was not shown", "pass --yes to confirm it")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NetplanError("not confirmed: nothing was changed")


_WIPE = "confirm it with --yes-wipe {}"


def confirm_wipe(engine: str, options: Namespace) -> bool:
    """Whoever empties an engine must know which: its name is asked for, or was given with
    `--yes-wipe`; whether it was asked for.
    """
    name, asked = options.yes_wipe, options.yes_wipe is None
    if asked:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            what = (
                "--wipe removes every container and network of the engine, and there is no terminal"
                " to ask for confirmation"
            )
            raise RefusedError(what, _WIPE.format(engine))
        print(
            f"Everything on engine {safe(engine)} will be removed. Type its name: ",
            end="",
            file=sys.stderr,
            flush=True,
        )
        name = sys.stdin.readline().strip()
    if name != engine:
        raise RefusedError(
            f"the name of this engine is {engine!r}, not {name!r}: nothing was changed",
            _WIPE.format(engine),
        )
    return asked

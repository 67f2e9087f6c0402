"""Asking on the terminal before something is taken away."""

from __future__ import annotations

import sys
from argparse import Namespace

from ..errors import NetplanError, RefusedError

_WHAT = "the plan removes, replaces or disconnects something"


def confirm(question: str, options: Namespace) -> None:
    """Asks on standard error. Raises unless the answer is yes, and where there is nobody to ask or nothing was shown."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise RefusedError(f"{_WHAT}, and there is no terminal to ask on", "agree with --yes")
    if options.quiet or options.output == "json":
        raise RefusedError(f"{_WHAT}, and it was not shown", "agree with --yes")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NetplanError("not confirmed: nothing was changed")

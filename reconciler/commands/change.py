"""The commands that change an engine."""

from __future__ import annotations

import signal
import sys
import threading
from argparse import Namespace

from ..errors import NetplanError, RefusedError, UsageError
from ..model import DesiredState
from ..paint import safe
from .carry import carry_out
from .shared import engine_of, files, load, policy_of


def apply(options: Namespace) -> int:
    """Shows the plan, asks, carries it out, proves it."""
    _interruptible()
    if options.plan is not None:
        from .save import apply_saved

        return apply_saved(options)
    states = [load(path) for path in files(options.file)]
    with engine_of(options) as engine:
        return max(carry_out(state, engine, policy_of(options), options) for state in states)


def destroy(options: Namespace) -> int:
    """Applies an empty topology of that name: by file its `protect` binds and its endpoints are ours, by name the marks decide."""
    _interruptible()
    if options.name is not None and options.file:
        raise UsageError("--name and FILE were both given", "give one of them")
    if options.name == "":
        raise UsageError("--name is empty", "name the topology: netplan ls lists them")
    states = [DesiredState(options.name)] if options.name else [load(path) for path in files(options.file)]
    with engine_of(options) as engine:
        return max(carry_out(DesiredState(s.topology), engine, policy_of(options, destroyed=s), options, "destroy") for s in states)


def unlock(options: Namespace) -> int:
    """Shows whose the engine's lock is, asks, and breaks it. Journals stay: the next apply needs them."""
    from ..holder import standing
    from ..journal import journals
    from ..lock import break_locks, claims, own_volumes

    with engine_of(options) as engine:
        volumes = own_volumes(engine)
        held = claims(volumes)
        if not held:
            print("The engine is not locked.")
            return 0
        for claim in held:
            print(safe(f"{claim.name}: {claim.holder}: {standing(claim.holder)}"))
        for journal in journals(volumes):
            print(safe(f'its journal stays: the next apply or destroy of topology "{journal.topology}" puts back what was taken away'))
        sys.stdout.flush()
        if not options.yes:
            _ask_to_break()
        break_locks(engine, held)
        print("Unlocked.")
    return 0


def _ask_to_break() -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise RefusedError("there is no terminal to ask on", "make sure that nothing is at work on the engine, and agree with --yes")
    print("Is that process certainly gone? Two at work at once undo each other's changes. Break the lock? [y/N] ", end="", file=sys.stderr)
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NetplanError("not confirmed: the lock stays")


def _interruptible() -> None:
    """SIGTERM means what Ctrl-C means: running steps finish, the rest is skipped, and the lock is given back."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)

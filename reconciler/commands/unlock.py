"""`netplan unlock`: breaks locks that are left on an engine."""

from __future__ import annotations

import sys
from argparse import Namespace

from ..complete_output import print_text
from ..errors import NetplanError, RefusedError
from ..signals import interruptible
from ..terminal import safe
from .engines import engine_of


def unlock(options: Namespace) -> int:
    """Shows whose the locks on the engine are, asks, and breaks them. Journals stay: the next apply
    needs them.
    """
    from ..lock import break_locks, claims, own_volumes
    from ..lock.holder import standing
    from ..lock.journal import journals
    from ..lock.scope import in_words
    from ..planner import cannot_read

    interruptible()
    with engine_of(options) as engine:
        volumes = own_volumes(engine)
        held = [
            claim for claim in claims(volumes) if options.topology in (None, claim.holder.topology)
        ]
        if not held:
            whose = f' of topology "{options.topology}"' if options.topology else ""
            print_text(safe(f"There is no lock{whose} on this engine."))
            return 0
        for claim in held:
            print_text(safe(f"{claim.holder}: {standing(claim.holder)}"))
            print_text(
                safe(
                    "  for"
                    f" {in_words(sorted(claim.scope.changes), 8) or 'everything on this engine'}"
                )
            )
        for journal in journals(volumes):
            stays = (
                f'its journal stays: the next apply or destroy of topology "{journal.topology}"'
                " restores what was removed"
            )
            print_text(safe(f"{cannot_read(journal)}: it stays" if journal.unreadable else stays))
        sys.stdout.flush()
        if not options.yes:
            _ask_to_break(len(held) > 1)
        break_locks(engine, held)
        print("Unlocked.")
    return 0


def _ask_to_break(several: bool) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise RefusedError(
            "there is no terminal to ask for confirmation",
            "make sure that no netplan is running on the engine, then pass --yes",
        )
    what = (
        "Are you sure that these processes no longer run?"
        if several
        else "Are you sure that this process no longer runs?"
    )
    print(
        f"{what} Two runs at the same time undo each other's changes. Remove the"
        f" lock{'s' if several else ''}? [y/N] ",
        end="",
        file=sys.stderr,
    )
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NetplanError("not confirmed: the lock stays")

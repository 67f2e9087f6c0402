"""What each command does: read the file, look at the engine, plan, act, and say so. Each returns its exit code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace


def run(options: Namespace) -> int:
    """Dispatch; raises NetplanError for whatever a user can mend."""
    from . import change, look, review
    from .completion import completion
    from .prune import prune

    commands: dict[str, Callable[[Namespace], int]] = {
        "validate": look.validate,
        "plan": review.plan,
        "diff": review.diff,
        "apply": change.apply,
        "destroy": change.destroy,
        "reset": change.reset,
        "prune": prune,
        "unlock": change.unlock,
        "show": look.show,
        "ls": look.ls,
        "schema": look.schema,
        "snapshot": look.snapshot,
        "doctor": look.doctor,
        "completion": completion,
    }
    return commands[options.command](options)

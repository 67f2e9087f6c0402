"""What each command does: read the file, look at the engine, plan, act, and say so. Each returns
its exit code.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

_MODULES = {
    **dict.fromkeys(("validate", "show", "ls", "schema", "snapshot", "doctor"), "look"),
    **dict.fromkeys(("plan", "diff"), "review"),
    **dict.fromkeys(("apply", "destroy", "reset", "unlock"), "change"),
    **{name: name for name in ("prune", "completion")},
}
"""Where the function of each command's name stands; only that module is loaded."""


def run(options: Namespace) -> int:
    """Dispatch; raises NetplanError for whatever a user can mend."""
    module = import_module(f"{__name__}.{_MODULES[options.command]}")
    code: int = getattr(module, options.command)(options)
    return code

"""What to run next, and how to go on: the commands that plans and reports tell people to run."""

from __future__ import annotations

import shlex
from argparse import Namespace

from ..settings.units import lifetime_text


def apply_command(options: Namespace, file: str | None) -> str:
    """The command that does what the plan shows; empty where none does."""
    verb = {"plan": "apply", "apply": "apply", "destroy": "destroy", "reset": "reset"}.get(
        options.command
    )
    if verb is None:
        return ""
    where = (
        []
        if getattr(options, "state", None)
        else [*_given(options, "--host", "host"), *_given(options, "--context", "context")]
    )
    saved = getattr(options, "out", None) or getattr(options, "plan", None)
    if saved is not None:
        return shlex.join(["netplan", verb, "--plan", saved, *where])
    words = ["netplan", verb, *_given(options, "--name", "name"), *([file] if file else [])]
    for network in getattr(options, "adopt", ()):
        words += ["--adopt", network]
    for name in getattr(options, "only", ()):
        words += ["--only", name]
    for topology in getattr(options, "replace_topology", ()):
        words += ["--replace-topology", topology]
    words += [*_given(options, "--max-removals", "max_removals"), *where]
    flags = ("--keep-containers", "--wipe", "--disrupt-foreign", "--allow-empty", "--keep-going")
    return shlex.join(
        [*words, *(flag for flag in flags if getattr(options, flag[2:].replace("-", "_"), False))]
    )


def next_commands(options: Namespace) -> dict[str, str]:
    """What to run where not every step was done. Only of an apply does `netplan plan` show what is
    left.
    """
    command = apply_command(Namespace(**{**vars(options), "plan": None}), options.file)
    ttl = getattr(options, "ttl", None)
    more = [] if ttl is None else ["--ttl", lifetime_text(ttl)]
    whole = " ".join([command, *_given(options, "--stop-timeout", "stop_timeout"), *more])
    if options.command != "apply":
        return {"To go on": whole}
    return {
        "What is left to do": command.replace("netplan apply", "netplan plan", 1),
        "To do it": whole,
    }


def _given(options: Namespace, option: str, name: str) -> list[str]:
    """An option and its value, where it has one."""
    value = getattr(options, name, None)
    return [] if value is None else [option, str(value)]

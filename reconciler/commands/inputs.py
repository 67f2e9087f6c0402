"""What the commands read: topology files, snapshots, the key of a snapshot."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..complete_output import say_error
from ..errors import InputError, Problem, RefusedError, UsageError
from ..fast_dataclasses import replace
from ..model import DesiredState, Journal, ObservedState
from ..terminal import safe
from .output import warn

if TYPE_CHECKING:
    from ..topology import Loaded


MOST_CONFLICTS = 10
"""Contradictions between files that are told where they stop a run."""


def files(argument: str | None) -> list[str]:
    """Every topology file that the argument means; Compose files of a folder are told on standard
    error.
    """
    from ..topology.files import look_for

    found = look_for(argument)
    if found.passed_over:
        say_error(safe(f"{argument}: {found.passed_over}"))
    return found.topologies


def shown_files(options: Namespace) -> list[str]:
    """Those that are named, or that of the current folder; none: everything on the engine is
    meant.
    """
    from ..topology.files import default_file

    if options.all:
        if options.file:
            raise UsageError("--all and FILE exclude each other", "pass only one of them")
        return []
    if options.file is not None:
        return files(options.file)
    found = default_file()
    return [found] if found else []


def load(path: str) -> DesiredState:
    """One file's desired state, and where the file is; its warnings go to standard error."""
    from ..topology import load
    from ..topology.file_location import origin_of

    return replace(warned(load(path)), origin=origin_of(path))


def warned(loaded: Loaded) -> DesiredState:
    """What was loaded; its warnings go to standard error."""
    warn(loaded.warnings)
    return loaded.state


def load_all(paths: Sequence[str]) -> list[DesiredState]:
    """Every file's desired state. Raises InputError with the problems of all of them."""
    states: list[DesiredState] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            states.append(load(path))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return states


def load_in_order(paths: Sequence[str]) -> list[tuple[str, DesiredState]]:
    """Every file and its desired state, each after those that make what it needs. Raises as
    `load_all`.
    """
    from ..planner import in_order

    states = list(zip(paths, load_all(paths), strict=True))
    return in_order(states) if len(states) > 1 else states


def compatible(paths: Sequence[str]) -> list[DesiredState]:
    """The desired states in that order. Raises RefusedError where one file's apply would undo
    another's.
    """
    from ..planner import conflicts

    states = load_in_order(paths)
    found = conflicts(states) if len(states) > 1 else ()
    if found:
        told = [
            f"{refusal.source}: {refusal.message}: {refusal.way_out}"
            for refusal in found[:MOST_CONFLICTS]
        ]
        more = [f"and {len(found) - MOST_CONFLICTS} more"] if len(found) > MOST_CONFLICTS else []
        raise RefusedError("these files conflict with each other: nothing was done", *told, *more)
    return [state for _, state in states]


def is_folder(argument: str | None) -> bool:
    """Whether FILE stands for any number of files."""
    return argument not in (None, "-") and os.path.isdir(str(argument))  # noqa: PTH112 - Path.is_dir raises where it may not look


def snapshot_at(path: str) -> tuple[ObservedState, tuple[Journal, ...]]:
    """The state in a snapshot, and what interrupted runs left beside it. Raises UsageError for what
    is none.
    """
    from ..snapshot import journals_from_snapshot, state_from_snapshot

    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(
            f"the snapshot {path} cannot be read: {why}",
            "create one with: netplan snapshot > state.json",
        ) from None
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise UsageError(
            f"the snapshot {path} is not JSON", "create one with: netplan snapshot > state.json"
        ) from None
    return state_from_snapshot(value, snapshot_key()), journals_from_snapshot(value)


def snapshot_key() -> str:
    """What seals the digests of environment values in snapshots and saved plans; empty where the
    user has none.
    """
    return os.environ.get("NETPLAN_SNAPSHOT_KEY", "")

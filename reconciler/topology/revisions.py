"""A topology as it was: `git:REV:PATH` is read through git, from the repository of the current folder."""

from __future__ import annotations

import subprocess

from ..errors import InputError, Problem, UsageError
from .document import MAX_SIZE

PREFIX = "git:"
_SECONDS = 30


def is_revision(argument: str) -> bool:
    """Whether FILE means a revision and not a file."""
    return argument.startswith(PREFIX)


def read_revision(argument: str) -> str:
    """The text of `git:REV:PATH`; PATH is from the repository's root, or with `./` from the current folder.

    Raises UsageError where git does not have it, InputError where it is no text.
    """
    revision, colon, path = argument.removeprefix(PREFIX).partition(":")
    if not (revision and colon and path):
        raise UsageError(f"{argument} names no file of a revision", "write git:REV:PATH, e.g. git:main:netplan.yaml")
    command = ["git", "--no-pager", "show", "--no-textconv", "--no-color", "--end-of-options", f"{revision}:{path}"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False)
    except FileNotFoundError:
        raise UsageError(f"{argument} cannot be read: there is no git on the PATH", "install git, or name a file") from None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{argument} cannot be read: {error}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["git show failed"]
        raise UsageError(f"{argument} cannot be read: {said[0].removeprefix('fatal: ')}", "git log shows the revisions")
    if len(done.stdout) > MAX_SIZE:
        raise InputError([Problem(argument, 1, 1, f"the file is too large: at most {MAX_SIZE // 2**20} MiB are read")])
    try:
        return done.stdout.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError([Problem(argument, 1, 1, "the file is not UTF-8")]) from None

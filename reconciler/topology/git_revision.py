"""A topology as it was: `git:REV:PATH` is read through git, from the repository of the current
folder.
"""

from __future__ import annotations

import os
import subprocess
from posixpath import dirname, join, normpath

from ..errors import InputError, Problem, UsageError
from ..fast_dataclasses import dataclass
from .document import MAX_SIZE
from .files import Place, side_text

PREFIX = "git:"
_SECONDS = 30
_FROM_HERE = ("./", "../")


def is_revision(argument: str) -> bool:
    """Whether FILE means a revision and not a file."""
    return argument.startswith(PREFIX)


@dataclass(frozen=True, slots=True)
class Revision(Place):
    """A file as it was, with the files that it names as they were then; `path` is git's."""

    revision: str
    at: str

    @classmethod
    def of(cls, argument: str) -> Revision:
        """Of `git:REV:PATH`; PATH is from the repository's root, or with `./` from the current
        folder. Raises UsageError.
        """
        revision, colon, path = argument.removeprefix(PREFIX).partition(":")
        if not (revision and colon and path):
            raise UsageError(
                f"{argument} names no file of a revision",
                "write git:REV:PATH, e.g. git:main:netplan.yaml",
            )
        root = "" if path.startswith(_FROM_HERE) else _root()
        return cls(os.path.join(root, dirname(path)), revision, path)  # noqa: PTH118 - as text

    def text(self, argument: str) -> str:
        """The topology's text. Raises UsageError where git does not have it, InputError where it is
        no text.
        """
        done = _git(argument, *_SHOW, f"{self.revision}:{self.at}")
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [
                "git show failed"
            ]
            raise UsageError(
                f"{argument} cannot be read: {said[0].removeprefix('fatal: ')}",
                "git log shows the revisions",
            )
        if done.stdout.startswith(f"tree {self.revision}:{self.at}\n".encode()):
            raise UsageError(f"{argument} is a folder", "name a file of it")
        if len(done.stdout) > MAX_SIZE:
            raise InputError(
                [
                    Problem(
                        argument,
                        1,
                        1,
                        f"the file is too large: at most {MAX_SIZE // 2**20} MiB are read",
                    )
                ]
            )
        try:
            return done.stdout.decode("utf-8")
        except UnicodeDecodeError:
            raise InputError([Problem(argument, 1, 1, "the file is not UTF-8")]) from None

    def read(self, written: str) -> str:
        """As it was then; what git does not keep, as it is now."""
        path = normpath(join(dirname(self.at), written))
        inside = not (
            written.startswith("~")
            or path.startswith(("/", *(() if self.at.startswith(_FROM_HERE) else ("..",))))
        )
        if inside:
            start = "./" if self.at.startswith(_FROM_HERE) else ""
            done = _git(written, *_SHOW, f"{self.revision}:{start}{path}")
            if done.returncode == 0 and not done.stdout.startswith(
                f"tree {self.revision}:".encode()
            ):
                return side_text(done.stdout)
        return Place(self.folder).read(written)


_SHOW = ("show", "--no-textconv", "--no-color", "--end-of-options")


def _root() -> str:
    """The folder that holds the repository's files; the current one where there is none."""
    return (
        _git("the repository", "rev-parse", "--show-toplevel")
        .stdout.decode("utf-8", "surrogateescape")
        .rstrip("\n")
    )


def _git(what: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", "--no-pager", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise UsageError(
            f"{what} cannot be read: there is no git on the PATH", "install git, or name a file"
        ) from None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{what} cannot be read: {error}") from None

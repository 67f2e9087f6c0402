"""Which files a command means, and their text."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import BinaryIO

from ..errors import InputError, Problem, UsageError
from ..fast_dataclasses import dataclass, field
from .document import MAX_SIZE, Map
from .yamlpos import read

DEFAULTS = ("netplan.yaml", "netplan.yml", "topology.yaml", "topology.yml")
ENDINGS = (".yaml", ".yml", ".json")
_MOST_NAMES = 10
_SERVICES, _CONTAINERS = (
    re.compile(rf"^[\"']?{key}[\"']?[ \t]*:", re.M) for key in ("services", "containers")
)
"""Keys at the top level, for a text that is not YAML as a whole."""
MAX_SIDE_FILE = 1024 * 1024
"""Bytes of a file that a topology names."""
ROOT = "NETPLAN_ROOT"
"""The variable that names a folder; nothing outside of it is read, whatever links or paths lead
there. For files of a pull request.
"""


@dataclass(frozen=True, slots=True)
class Found:
    """The files that FILE stands for, and the Compose files of a folder, which are not read."""

    topologies: list[str]
    compose: list[str] = field(default_factory=list)

    @property
    def passed_over(self) -> str:
        """One line about the Compose files; empty where there are none."""
        if not self.compose:
            return ""
        names = ", ".join(os.path.basename(path) for path in self.compose[:_MOST_NAMES])  # noqa: PTH119 - as text
        more = (
            f" and {len(self.compose) - _MOST_NAMES} more"
            if len(self.compose) > _MOST_NAMES
            else ""
        )
        what = "Compose files, which have" if len(self.compose) > 1 else "a Compose file, which has"
        return f"skipped {names}{more}: {what} services: where a topology has containers:"


def find_files(argument: str | None, folder: Path | None = None) -> list[str]:
    """The topologies of `look_for`."""
    return look_for(argument, folder).topologies


def look_for(argument: str | None, folder: Path | None = None) -> Found:
    """The files that FILE stands for: `-`, a file, every topology in a folder; without FILE the
    current folder's own.

    `folder` replaces the current folder. Raises UsageError where there is none.
    """
    if argument is None:
        return Found([_default(folder or Path())])
    if not argument:
        raise UsageError(
            "FILE is empty", "name a topology file, a folder of them, or - for standard input"
        )
    if argument == "-" or not os.path.isdir(argument):  # noqa: PTH112 - Path.is_dir raises where a folder may not be looked into
        return Found([argument])
    try:
        check_inside(argument)
        there = sorted(
            str(path)
            for path in Path(argument).iterdir()
            if path.suffix.lower() in ENDINGS and _is_meant(path)
        )
    except (OSError, ValueError) as error:
        raise UsageError(f"the folder {argument} cannot be read: {_reason(error)}") from None
    kinds = {path: _kind(path) for path in there}
    found = Found(
        *([path for path in there if kinds[path] == kind] for kind in ("topology", "compose"))
    )
    if not found.topologies:
        what = (
            f"netplan looks for {', '.join('*' + end for end in ENDINGS)}, and not in folders"
            " inside"
        )
        raise UsageError(
            f"no topology in the folder {argument}", *filter(None, (found.passed_over, what))
        )
    return found


def _is_meant(path: Path) -> bool:
    """A file, or a link that leads nowhere, which is reported: it declares nothing, and what it
    declared would be removed in silence.
    """
    return path.is_file() or not path.exists()


def default_file(folder: Path | None = None) -> str | None:
    """The current folder's own topology, if it has one."""
    paths = (str((folder or Path()) / name) for name in DEFAULTS)
    return next((path for path in paths if os.path.isfile(path)), None)  # noqa: PTH113 - as above


def _default(folder: Path) -> str:
    if found := default_file(folder):
        return found
    hints = ["name a file, or - for standard input"]
    if Path("/etc/netplan").is_dir():
        hints.append(
            "this is netplan for Docker topologies (docker-netplan), not the netplan that"
            " configures this machine from /etc/netplan"
        )
    raise UsageError(
        f"no file given, and neither {DEFAULTS[0]} nor {DEFAULTS[2]} in the current folder", *hints
    )


def _kind(path: str) -> str:
    """`topology`, `compose`, or `own`: a saved plan, a snapshot. What cannot be read is left to be
    reported.
    """
    try:
        _, text = read_text(path)
    except (InputError, UsageError):
        return "topology"
    if "services" not in text and not path.lower().endswith(".json"):
        return "topology"
    try:
        root = read(text, path).value
    except InputError:
        return "compose" if _SERVICES.search(text) and not _CONTAINERS.search(text) else "topology"
    if not isinstance(root, Map):
        return "topology"
    if "services" in root and "containers" not in root:
        return "compose"
    return "own" if "format_version" in root else "topology"


def read_text(path: str) -> tuple[str, str]:
    """The name to report for `path` (`-` is standard input) and its text.

    Raises UsageError if it cannot be read, InputError if it is not UTF-8 or too large.
    """
    file = "<stdin>" if path == "-" else path
    try:
        if path == "-":
            content = _limited(sys.stdin.buffer)
        else:
            check_inside(path)
            with Path(path).open("rb") as stream:
                content = _limited(stream)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{file} cannot be read: {_reason(error)}",
            "name a topology file, a folder of them, or - for standard input",
        ) from None
    if len(content) > MAX_SIZE:
        raise InputError(
            [
                Problem(
                    file, 1, 1, f"the file is too large: at most {MAX_SIZE // 2**20} MiB are read"
                )
            ]
        )
    return file, _decode(content, file)


def check_inside(path: str) -> None:
    """Raises ValueError where a path leads out of the folder that files are confined to, if they
    are. It says nothing of what is there.

    Outside is also git's own folder in there: of a checkout it holds the token that fetched it.
    """
    root = os.environ.get(ROOT)
    if root:
        top, target = os.path.realpath(root), os.path.realpath(path)
        if (
            os.path.commonpath([top, target]) != top
            or ".git" in Path(os.path.relpath(target, top)).parts
        ):
            raise ValueError(f"it is outside {root}, the only folder that {ROOT} allows")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a topology stands: the relative paths that it names begin in `folder`."""

    folder: str

    @classmethod
    def of(cls, file: str) -> Place:
        """That of a file."""
        return Place(os.path.dirname(file))  # noqa: PTH120 - as text

    def path(self, written: str) -> str:
        """The absolute form of a path that the topology names; `~` is the user's home."""
        return os.path.abspath(os.path.join(self.folder, os.path.expanduser(written)))  # noqa: PTH100, PTH111, PTH118 - as text

    def read(self, written: str) -> str:
        """The text of another file that the topology names.

        Raises UsageError, which says nothing of the text, if it cannot be read, is no ordinary
        file, too large, or not UTF-8.
        """
        try:
            found = Path(self.path(written))
            check_inside(str(found))
            if found.exists() and not found.is_file():
                raise UsageError("it is not a regular file")
            with found.open("rb") as stream:
                return side_text(stream.read(MAX_SIDE_FILE + 1))
        except (OSError, ValueError) as error:
            raise UsageError(_reason(error)) from None


def side_text(content: bytes) -> str:
    """The text of a file that a topology names. Raises UsageError, which says nothing of it."""
    if len(content) > MAX_SIDE_FILE:
        raise UsageError(f"it is too large: at most {MAX_SIDE_FILE // 2**20} MiB are read")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError("it is not UTF-8") from None


def _limited(stream: BinaryIO) -> bytes:
    return stream.read(MAX_SIZE + 1)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "permission denied"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _decode(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        what = (
            "this looks like UTF-16"
            if content[:2] in (b"\xff\xfe", b"\xfe\xff")
            else f"byte 0x{content[error.start]:02x} is not UTF-8"
        )
        raise InputError([Problem(file, line, column, f"{what}: save the file as UTF-8")]) from None

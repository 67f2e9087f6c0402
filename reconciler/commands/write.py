"""Writing a file that others may have laid traps for: in a shared folder anybody can plant a link,
a pipe, or a file of a guessed name.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from ..errors import UsageError, machine_error

PRIVATE = 0o600
"""What is written describes a host: commands, mounts, names."""
_MOST_LINKS = 40


def write_file(path: str, content: str | bytes) -> None:
    """Write `content` whole or not at all, for its owner's eyes; what is there and no file, such as
    a pipe, is written to.

    A link is followed where it is one's own or root's. A file that is replaced keeps its mode where
    that is stricter.
    """
    try:
        there = _stat(path)
        if there and not (stat.S_ISREG(there.st_mode) or stat.S_ISDIR(there.st_mode)):
            _trust(there.st_uid, path, "it is not a regular file, and")
            _write(os.open(path, os.O_WRONLY | os.O_NOCTTY), content)
        else:
            _replace(
                _followed(path),
                content,
                stat.S_IMODE(there.st_mode) & PRIVATE if there else PRIVATE,
            )
    except (OSError, ValueError) as error:
        what = f"{path} cannot be written: {getattr(error, 'strerror', None) or error}"
        raise machine_error(error, what) or UsageError(what) from None


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 - links are looked at one by one below
    except FileNotFoundError:
        return None


def _trust(owner: int, what: str, why: str) -> None:
    if owner not in (0, os.geteuid()):
        raise PermissionError(errno.EACCES, f"{why} {what} belongs to another user (uid {owner})")


def _followed(path: str) -> str:
    """Where the path leads, without any link in it. Raises OSError for a link that somebody else
    made.
    """
    done, links = "/", 0
    rest = os.path.join(os.getcwd(), path).split("/")[::-1]  # noqa: PTH109, PTH118
    while rest:
        part = rest.pop()
        here = done
        if part == "..":
            here = os.path.dirname(done)  # noqa: PTH120
        elif part not in ("", "."):
            here = os.path.join(done, part)  # noqa: PTH118
        with suppress(FileNotFoundError):
            found = os.lstat(here)
            if stat.S_ISLNK(found.st_mode):
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                _trust(found.st_uid, here, "the link")
                target = os.readlink(here)  # noqa: PTH115
                rest += target.split("/")[::-1]
                here = "/" if target.startswith("/") else done
        done = here
    return done


def _replace(target: str, content: str | bytes, mode: int) -> None:
    """By a file beside it, whose name nobody can guess, and that nobody can have made before."""
    folder, name = os.path.split(target)
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    beside = f".netplan.{os.urandom(8).hex()}.part"
    try:
        part = os.open(
            beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE, dir_fd=at
        )
        try:
            os.fchmod(part, mode)
            _write(part, content)
            os.rename(beside, name, src_dir_fd=at, dst_dir_fd=at)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside, dir_fd=at)
            raise
    finally:
        os.close(at)


def _write(descriptor: int, content: str | bytes) -> None:
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    with open(descriptor, "wb") as file:
        file.write(data)

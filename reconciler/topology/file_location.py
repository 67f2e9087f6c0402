"""Where a topology file is: what the objects that are made of it say about where they come from.
Reads, but starts no git.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from ..model import Origin

_REMOTE = re.compile(r'\[remote "(?P<name>.*)"\]\s*')
_URL = re.compile(r"url\s*=\s*(?P<url>\S.*)")
_SCHEME = re.compile(r"(?:[a-z0-9][a-z0-9+.-]*::)?[a-z][a-z0-9+.-]*://(?P<rest>.*)", re.IGNORECASE)
"""A URL, also one for a helper of git: `codecommit::https://...`."""
_USER = re.compile(r"[^/@:]*(?::.*)?@")
"""A user, with a password that may hold what it must not: rather too much is left out."""
_QUERY = re.compile(r"[?#]")
_SCP = re.compile(r"(?P<host>[^/:]+):(?P<path>.+)")
_MOST = 1 << 20
"""Bytes of a git configuration that are read."""


def origin_of(path: str) -> Origin:
    """The origin of the topology in that file; of standard input that of the current folder."""
    folder, repository, inside = "", "", ""
    with suppress(OSError, ValueError):  # the current folder may be gone, the repository unreadable
        folder = os.path.realpath("." if path == "-" else os.path.dirname(path) or ".")  # noqa: PTH120
        repository, inside = _repository(Path(folder))
    return Origin(_text(os.uname().nodename), _text(folder), _text(repository), _text(inside))


def _text(text: str) -> str:
    """What every engine keeps as it is: names of folders may hold any byte."""
    return text.encode("utf-8", "replace").decode()


def _repository(folder: Path) -> tuple[str, str]:
    """The remote of the git repository that a folder is in, and the folder's path in there; both
    empty where there is none.
    """
    for root in (folder, *folder.parents):
        git = root / ".git"
        if git.exists():
            remote = _remote(_directory(git) / "config")
            return (remote, folder.relative_to(root).as_posix()) if remote else ("", "")
    return "", ""


def _directory(git: Path) -> Path:
    """The folder with the configuration: of a worktree or submodule `.git` is a file that names
    it.
    """
    if git.is_dir():
        return git
    named = git.parent / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    common = named / "commondir"
    return named / common.read_text(encoding="utf-8").strip() if common.exists() else named


def _remote(config: Path) -> str:
    """The address of `origin`, or of the first remote."""
    found: dict[str, str] = {}
    section = ""
    with config.open(encoding="utf-8", errors="replace") as lines:
        for line in lines.read(_MOST).splitlines():
            text = line.strip()
            if text.startswith("["):
                remote = _REMOTE.fullmatch(text)
                section = remote["name"] if remote else ""
            elif section and (url := _URL.fullmatch(text)):
                found.setdefault(section, public_address(url["url"]))
    return found.get("origin") or next(iter(found.values()), "")


def public_address(url: str) -> str:
    """`https://user:token@host/group/lab.git?x` and `git@host:group/lab.git` -> `host/group/lab`:
    no user, no password, no token.
    """
    text = url.strip('"')
    known = _SCHEME.fullmatch(text)
    if not known and "::" in text:  # `ext::...` is a command, with whatever it needs
        return ""
    rest = _without_user(known["rest"] if known else text)
    address = _QUERY.split(rest)[0] if known else rest
    if scp := None if known else _SCP.fullmatch(rest):
        address = f"{scp['host']}/{scp['path'].lstrip('/')}"
    return address.rstrip("/").removesuffix(".git")


def _without_user(address: str) -> str:
    place = _QUERY.split(address)[0]
    rest = place if "@" in place else address  # a password may hold a ? too
    user = _USER.match(rest)
    return rest[user.end() :] if user else address

"""Mounts: binds, volumes and tmpfs, in the forms that Compose and engines have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from .parse_words import folder
from .units import size_bytes, size_text
from .values import BadValueError, Settings

_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")
_PROPAGATION = frozenset(("shared", "rshared", "slave", "rslave", "private", "rprivate"))
_OPTIONS = {
    "bind": frozenset(("ro", "z", "Z")) | _PROPAGATION,
    "volume": frozenset(("ro", "z", "Z", "nocopy")),
}
_NO_MEANING = frozenset(("rw", "consistent", "cached", "delegated"))
"""Options of a mount that say what holds anyway."""
_TMPFS_NAMES = (
    "ro suid nosuid dev nodev exec noexec sync async dirsync atime noatime diratime nodiratime"
    " relatime norelatime strictatime nostrictatime size mode uid gid nr_inodes nr_blocks mpol"
)
_TMPFS = frozenset(_TMPFS_NAMES.split())


def target(text: str) -> str:
    """A path inside a container, canonical: `/data/../x/` -> `/x`."""
    path = folder(text)
    if not text.startswith("/") or path == "/":
        raise BadValueError(
            f"{text[:60]!r} is not a mount target: write an absolute path inside the container"
            " other than /"
        )
    return path


def mount(kind: str, source: str = "", options: Iterable[str] = ()) -> str:
    """`bind`, `/src`, `rw` -> `bind:/src`; `volume`, `data`, `ro` -> `volume:data:ro`; `tmpfs`, ``,
    `size=64M` -> `tmpfs:size=64m`.
    """
    if kind == "tmpfs":
        return "tmpfs:" + ",".join(
            sorted({_tmpfs_option(option) for option in options} - _NO_MEANING)
        )
    kept = sorted(set(options) - _NO_MEANING)
    for option in kept:
        if option not in _OPTIONS[kind]:
            raise BadValueError(
                f"{option[:60]!r} is not an option of a {kind}: known are rw,"
                f" {', '.join(sorted(_OPTIONS[kind]))}"
            )
    if kind == "volume" and not source and {"z", "Z"} & set(kept):
        raise BadValueError(
            "an anonymous volume cannot be relabelled for SELinux: give it a name, or remove z"
        )
    if kind == "volume" and not source and "ro" in kept:
        raise BadValueError(
            "an anonymous volume cannot be read-only, engines refuse it: give it a name, or remove"
            " that"
        )
    if kind == "volume" and source and not _VOLUME.match(source):
        raise BadValueError(
            f"{source[:60]!r} is not a volume name: two or more letters, digits, '_', '.', '-'; a"
            " path begins with '/', './' or '~/'"
        )
    if kind == "bind" and (not source.startswith("/") or ":" in source):
        raise BadValueError(f"{source[:60]!r} cannot be mounted: write a path without ':'")
    return ":".join((kind, source, *([",".join(kept)] if kept else [])))


def named_volumes(settings: Settings) -> Iterator[str]:
    """The names of the volumes that a container's settings mount."""
    for path, value in settings.items():
        if path.startswith("volumes."):
            kind, _, rest = str(value).partition(":")
            if kind == "volume" and (name := rest.partition(":")[0]):
                yield name


def _tmpfs_option(option: str) -> str:
    name, sign, value = option.partition("=")
    if (name not in _TMPFS and option not in _NO_MEANING) or (sign and not value):
        raise BadValueError(
            f"{option[:60]!r} is not an option of a tmpfs: write them like size=64m,mode=1770,ro"
        )
    return (
        f"size={size_text(size_bytes(value))}"
        if name == "size" and not value.endswith("%")
        else option
    )


def split_mount(text: str) -> tuple[str, str, tuple[str, ...]]:
    """Compose's short form: `src:dst:ro,z` -> `("src", "/dst", ("ro", "z"))`; `/dst` has an empty
    source.
    """
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        raise BadValueError(
            f"{text[:60]!r} mounts nothing: write it like data:/var/lib/data, ./here:/there:ro or"
            " /anonymous"
        )
    if len(parts) == 1:
        return "", target(text), ()
    return parts[0], target(parts[1]), tuple(parts[2].split(",")) if len(parts) == 3 else ()


def short_mount(
    text: str, absolute: Callable[[str], str] = str, named: Callable[[str], str] = str
) -> tuple[str, str]:
    """Compose's and the engine's short form: `/src:/dst:ro` -> `("/dst", "bind:/src:ro")`,
    `data:/dst` -> `("/dst", "volume:data")`.

    `absolute` completes a path that begins with `.` or `~`, `named` gives a volume's name on the
    engine.
    """
    source, path, options = split_mount(text)
    if source[:1] in ("/", ".", "~"):
        return path, mount("bind", absolute(source), options)
    return path, mount("volume", named(source) if source else "", options)


def split_tmpfs(text: str) -> tuple[str, str]:
    """`/run:size=64m,rw` -> `("/run", "tmpfs:size=64m")`."""
    path, colon, options = text.partition(":")
    return target(path), mount("tmpfs", "", options.split(",") if colon else ())

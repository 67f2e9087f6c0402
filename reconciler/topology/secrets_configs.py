"""Reads secrets and configs that are files: Compose mounts them, read-only, and so does netplan."""

from __future__ import annotations

from pathlib import Path

from ..settings import mounts
from .container_reader import Reader
from .document import Map, Odd, show
from .hints import suggestion
from .mounts import mount_once
from .report import Report, mapping, members, text

_FOLDERS = {"secrets": "/run/secrets/", "configs": "/"}
"""Where a file is mounted that names no target."""


def read_shared_files(report: Report, root: Map) -> dict[tuple[str, str], str]:
    """The files that a topology declares at its top: their paths by kind and key."""
    found: dict[tuple[str, str], str] = {}
    for kind in _FOLDERS:
        for key, at, body in members(mapping(root, kind)):
            path = text(body, "file") if isinstance(body, Map) else None
            if path is not None:
                found[kind, key] = report.place.path(path)
                _check_file(report, body.value_at("file"), found[kind, key])
            elif body is None:
                report.error(at, f"{show(key)} has no file: add file: PATH")
    return found


def _check_file(report: Report, at: int, path: str) -> None:
    """The engine, where it is on this machine, makes a folder of a file that is missing."""
    if Path(path).is_dir():
        report.error(at, f"{show(path)} is a folder: name a file")
    elif not Path(path).exists():
        way = "create it first, or the engine makes a folder of that name"
        report.warn(at, f"there is no file {show(path)} on this machine: {way}")


def mount_shared_files(reader: Reader) -> None:
    """What a container uses of them."""
    files = reader.common.files
    for kind, folder in _FOLDERS.items():
        for at, item in reader.members(kind):
            source = text(item, "source") if isinstance(item, Map) else item
            if source is None or type(source) is Odd:
                continue
            target = (text(item, "target") if isinstance(item, Map) else None) or source
            path = target if target.startswith("/") else folder + target
            if (kind, source) not in files:
                declared = [key for of, key in files if of == kind]
                meant = suggestion(source, declared) or f": declare it under the top-level {kind!r}"
                reader.report.error(at, f"{show(source)} is not declared under {kind!r}{meant}")
            elif found := reader.attempt(at, _bind, path, files[kind, source]):
                mount_once(reader, at, *found)
            if isinstance(item, Map):
                _no_effect(reader, item)


def _bind(target: str, source: str) -> tuple[str, str]:
    return mounts.target(target), mounts.mount("bind", source, ["ro"])


def _no_effect(reader: Reader, item: Map) -> None:
    for key in ("uid", "gid", "mode"):
        if key in item:
            reader.report.warn(
                item.key_at(key),
                f"{show(key)} has no effect on a file that is mounted: set it on the file, and"
                f" remove {show(key)}",
            )

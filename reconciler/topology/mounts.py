"""What is mounted in a container: binds, volumes and tmpfs, in the short form and the long one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ..settings import BadValueError, mounts
from .container_reader import Reader, number
from .document import Map, show
from .engine_names import check_mounted
from .report import mapping, text
from .schema import flag


def read_mounts(reader: Reader) -> None:
    """Binds, named and anonymous volumes, and tmpfs in its two places; one for each path."""
    for at, item in reader.members("volumes"):
        read: Callable[..., tuple[str, str] | None] = (
            _long_volume if isinstance(item, Map) else _short_volume
        )
        if found := reader.attempt(at, read, reader, item):
            mount_once(reader, at, *found)
            _check_declared(reader, at, item)
    for at, item in reader.items("tmpfs"):
        if found := reader.attempt(at, mounts.split_tmpfs, item):
            mount_once(reader, at, *found)


def mount_once(reader: Reader, at: int, target: str, value: str) -> None:
    """One thing is mounted in one place."""
    if (first := reader.service.mounts.setdefault(target, at)) != at:
        reader.report.error(
            at,
            f"something is mounted on {show(target)} in line {reader.report.line(first)} already:"
            " remove one of them",
        )
        return
    reader.settings[f"volumes.{target}"] = value


def _check_declared(reader: Reader, at: int, item: Map | str) -> None:
    """A volume that a file names is declared, where it declares volumes."""
    key = "" if isinstance(item, Map) else mounts.split_mount(item)[0]
    if isinstance(item, Map) and text(item, "type") == "volume":
        key = text(item, "source") or ""
    if key and key[0] not in "/.~":
        check_mounted(reader.report, reader.common.volumes, at, key)


def _short_volume(reader: Reader, written: str) -> tuple[str, str]:
    """`src:dst:options`."""
    return mounts.short_mount(written, reader.report.place.path, reader.common.volumes.name)


def _bind(reader: Reader, source: str, options: Iterable[str]) -> str:
    """A relative source begins in the topology file's folder."""
    return mounts.mount("bind", reader.report.place.path(source), options)


def _long_volume(reader: Reader, entry: Map) -> tuple[str, str] | None:
    """A mapping; what does not fit the schema was reported already."""
    kind, source, written = text(entry, "type"), text(entry, "source") or "", text(entry, "target")
    if kind not in ("bind", "volume", "tmpfs") or written is None:
        return None
    for other in {"bind", "volume", "tmpfs"} - {kind}:
        if entry.get(other):
            reader.report.error(
                entry.key_at(other),
                f"{show(other)} is set together with type: {kind}: remove one of them",
            )
    if flag(mapping(entry, "bind").get("create_host_path")) is False:
        at = mapping(entry, "bind").value_at("create_host_path")
        reader.report.error(
            at,
            "'create_host_path' is false, but engines make a missing path a folder here: remove it",
        )
    options = list(_volume_options(entry, kind))
    if kind == "bind":
        if not source:
            raise BadValueError("a bind needs a source: add the path on the engine's machine")
        return mounts.target(written), _bind(reader, source, options)
    if kind == "tmpfs" and source:
        raise BadValueError("a tmpfs has no source: remove it")
    return mounts.target(written), mounts.mount(
        kind, reader.common.volumes.name(source) if source else "", options
    )


def _volume_options(entry: Map, kind: str) -> Iterator[str]:
    """The options of a mapping in the words of the short form."""
    options = mapping(entry, kind)
    if flag(entry.get("read_only")) is True:
        yield "ro"
    if kind == "bind":
        yield from (value for key in ("propagation", "selinux") if (value := text(options, key)))
    elif kind == "volume" and flag(options.get("nocopy")) is True:
        yield "nocopy"
    elif kind == "tmpfs":
        if (size := number(options, "size")) is not None:
            yield f"size={size}"
        if mode := text(options, "mode"):
            yield f"mode={mode}"

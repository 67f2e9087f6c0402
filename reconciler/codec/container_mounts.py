"""Between the Docker API's JSON and what is mounted in a container: binds, volumes and tmpfs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..plan import ContainerSpec
from ..settings import BadValueError, Value, subtree
from ..settings.mounts import mount as canonical_mount
from . import Json, prefixed, set_only

_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
"""The name of a volume that nobody gave a name."""


def is_anonymous(name: str) -> bool:
    """Whether an engine made up the name of a volume."""
    return _ANONYMOUS.fullmatch(name) is not None


def anonymous_targets(spec: ContainerSpec) -> dict[str, dict[str, str]]:
    """`Volumes` of a body: where anonymous volumes are mounted that no other container had."""
    return {
        target: {}
        for target, volume in _volumes(spec).items()
        if volume == "volume:" and target not in spec.volumes
    }


def mounts_body(spec: ContainerSpec) -> dict[str, Any]:
    """`Binds`, `Mounts` and `Tmpfs` of a body's `HostConfig`."""
    volumes = _volumes(spec)
    return {
        "Binds": [bind for target, volume in volumes.items() if (bind := _bind(target, volume))],
        "Mounts": [
            mount
            for target, volume in volumes.items()
            if (mount := _mount(target, volume, spec.volumes.get(target, "")))
        ],
        "Tmpfs": {
            target: volume.removeprefix("tmpfs:")
            for target, volume in volumes.items()
            if volume.startswith("tmpfs:")
        },
    }


def _volumes(spec: ContainerSpec) -> dict[str, str]:
    """What is mounted where: as declared, and anonymous volumes carried over, of which the file may
    say nothing (the image does).
    """
    return dict.fromkeys(spec.volumes, "volume:") | subtree(spec.settings, "volumes")


def _bind(target: str, volume: str) -> str:
    """The short form, with which an engine makes a folder that is missing; empty for what has
    none.
    """
    kind, _, rest = volume.partition(":")
    source, _, options = rest.partition(":")
    return ":".join(filter(None, (source, target, options))) if kind != "tmpfs" and source else ""


def _mount(target: str, volume: str, carried: str) -> dict[str, Any]:
    """The long form, for an anonymous volume that is carried over or has options; empty for all
    else.
    """
    kind, _, rest = volume.partition(":")
    source, _, options = rest.partition(":")
    if kind != "volume" or source or not (carried or options):
        return {}
    given = options.split(",")
    flags = {
        "ReadOnly": "ro" in given or None,
        "VolumeOptions": {"NoCopy": True} if "nocopy" in given else None,
    }
    return set_only({"Type": "volume", "Target": target, "Source": carried, **flags})


def read_volumes(raw: Json) -> dict[str, Value]:
    """The settings `volumes.TARGET` of a container as inspected."""
    host = raw.get("HostConfig") or {}
    found = dict.fromkeys((raw.get("Config") or {}).get("Volumes") or (), "volume:")
    found |= {mount["Target"]: _read_mount(mount) for mount in host.get("Mounts") or ()}
    found |= {
        target: _canonical("tmpfs", "", options or "")
        for target, options in (host.get("Tmpfs") or {}).items()
    }
    for source, target, options in map(_parts, host.get("Binds") or ()):
        found[target] = _canonical("bind" if source.startswith("/") else "volume", source, options)
    return prefixed("volumes", found)


def _canonical(kind: str, source: str, options: str) -> str:
    """As a file would say it; somebody else's options stand as they are."""
    try:
        return canonical_mount(kind, source, filter(None, options.split(",")))
    except BadValueError:
        return ":".join(filter(None, (kind, source, options)))


def _parts(bind: str) -> tuple[str, str, str]:
    source, target, options, *_ = (*bind.split(":", 2), "", "")
    return source, target, options


def _read_mount(mount: Json) -> str:
    """A mount in the long form; a volume with the name of an anonymous one is one, carried over."""
    source = str(mount.get("Source") or "")
    if mount.get("Type") == "volume" and is_anonymous(source):
        source = ""
    given = {
        "nocopy": (mount.get("VolumeOptions") or {}).get("NoCopy"),
        "ro": mount.get("ReadOnly"),
    }
    options = ",".join(option for option, on in given.items() if on)
    return f"{mount.get('Type')}:{source}" + (f":{options}" if options else "")


def anonymous_volumes(raw: Json) -> Iterator[tuple[str, str]]:
    """Targets and names of the volumes that nobody gave a name."""
    named = {
        target for _, target, _ in map(_parts, (raw.get("HostConfig") or {}).get("Binds") or ())
    }
    for mount in sorted(raw.get("Mounts") or (), key=lambda mount: str(mount.get("Destination"))):
        name = str(mount.get("Name") or "")
        if (
            mount.get("Type") == "volume"
            and is_anonymous(name)
            and mount["Destination"] not in named
        ):
            yield mount["Destination"], name


def carried_volumes(raw: Json) -> list[str]:
    """Names of the anonymous volumes that a container was created with: its engine takes them for
    named ones and never removes them.
    """
    sources = (
        str(mount.get("Source") or "")
        for mount in (raw.get("HostConfig") or {}).get("Mounts") or ()
    )
    return [source for source in sources if is_anonymous(source)]

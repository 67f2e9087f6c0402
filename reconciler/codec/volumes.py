"""Between the Docker API's JSON and volumes that have a name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ..marks import DECLARED, KIND, read_volume_mark, volume_labels, without_marks
from ..model import ObservedVolume, VolumeMark
from ..settings import Settings, subtree
from ..settings.row import body_of, reader
from ..settings.volume_rows import VOLUME, masked
from . import Json, prefixed, set_only, strings
from .container_mounts import is_anonymous
from .sound import check_volume

_read_rows = reader(VOLUME)


def volume_body(
    name: str, settings: Settings, mark: VolumeMark, secrets: Mapping[str, str]
) -> dict[str, Any]:
    """The body of `POST /volumes/create`; `secrets` are the options that settings do not show
    whole.
    """
    rows = body_of(VOLUME, {**settings, **secrets}).get("Volume", {})
    labels = subtree(settings, "labels") | volume_labels(mark, name)
    return {"Name": name, **rows, "Labels": labels}


def read_volume(raw: Json, users: Iterable[str] = ()) -> ObservedVolume:
    """A volume as listed, inspected or answered to its creation."""
    name, labels = str(raw["Name"]), strings(raw.get("Labels"))
    options = {key: masked(key, value) for key, value in strings(raw.get("Options")).items()}
    rows = _read_rows({"Volume": set_only({"Driver": raw.get("Driver"), "DriverOpts": options})})
    settings = rows | prefixed("labels", without_marks(labels))
    mark = read_volume_mark(labels, name)
    return check_volume(ObservedVolume(name, settings, mark, tuple(sorted(users))))


def volumes_listed(
    volumes: Iterable[Json], containers: Iterable[Json]
) -> dict[str, ObservedVolume]:
    """By name those that are neither anonymous nor netplan's own; `containers` are those that the
    engine lists.
    """
    users = defaultdict(set)
    for container in containers:
        for mount in container.get("Mounts") or ():
            if isinstance(mount, dict) and mount.get("Type") == "volume":
                users[str(mount.get("Name"))].add(str(container["Id"]))
    found = (
        read_volume(raw, users[str(raw["Name"])])
        for raw in volumes
        if strings(raw.get("Labels")).get(KIND, DECLARED) == DECLARED
        and not is_anonymous(str(raw["Name"]))
    )
    return {volume.name: volume for volume in sorted(found, key=lambda volume: volume.name)}

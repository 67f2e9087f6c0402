"""The volumes that a file declares: rules, and how the keys that mounts use become names."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import DesiredVolume, Secrets
from ..settings import Value
from ..settings.volume_rows import VOLUME, masked
from .container_settings import labels
from .document import Document, Map, show
from .engine_names import Volumes, check_names_twice, declared_name, is_external
from .files import Place
from .network_checks import check_labels, check_options
from .report import Report, mapping, members, text
from .rows import plain_settings

_OPTION = "driver_opts."


def read_volumes(report: Report, volumes: Map) -> Volumes:
    """Reports what is wrong with the declared volumes; returns their names."""
    found = Volumes()
    first: dict[str, tuple[str, int]] = {}
    for key, at, value in members(volumes):
        body = value if isinstance(value, Map) else Map(at)
        name = found.names[key] = declared_name(body) or key
        other, line = first.setdefault(name, (key, at))
        if other != key:
            where = f"volume {show(other)} in line {report.line(line)}"
            report.error(
                at,
                f"the name {show(name)} is already used by {where}: names on the engine must"
                " differ",
            )
        if name == key and len(name) == 1 and not is_external(body):
            report.error(
                at, f"{show(name)} cannot be the name of a volume, which is longer: add name"
            )
        check_names_twice(report, body)
        check_options(report, mapping(body, "driver_opts"))
        check_labels(report, body)
        if is_external(body):
            _check_external(report, body)
    return found


def _check_external(report: Report, body: Map) -> None:
    for key in ("driver", "driver_opts", "labels"):
        if body.get(key) and text(body, key) != "local":
            report.error(
                body.key_at(key),
                f"{show(key)} is set together with external: true, but an external volume is only"
                " used: remove one of them",
            )


# --- values: from here on the document is known to be in order ------------------------------------


def declared_volumes(document: Document, place: Place) -> Iterator[DesiredVolume]:
    """The volumes of a document."""
    for key, at, value in members(mapping(document.value, "volumes")):
        body = value if isinstance(value, Map) else Map(at)
        name, external = declared_name(body) or key, is_external(body)
        whole = {} if external else _settings(body, place)
        shown = {path: _masked(path, value) for path, value in whole.items()}
        secrets = {path: str(whole[path]) for path in whole if whole[path] != shown[path]}
        yield DesiredVolume(name, document.source(at), shown, external, Secrets(secrets))


def _settings(body: Map, place: Place) -> dict[str, Value]:
    """A bind's relative `device` begins in the topology file's folder, as in Compose."""
    settings = plain_settings(VOLUME, body)
    device = settings.get(f"{_OPTION}device")
    if settings.get(f"{_OPTION}o") == "bind" and device:
        settings[f"{_OPTION}device"] = place.path(str(device))
    settings.update(labels(body.get("labels")))
    return settings


def _masked(path: str, value: Value) -> Value:
    return masked(path.removeprefix(_OPTION), str(value)) if path.startswith(_OPTION) else value

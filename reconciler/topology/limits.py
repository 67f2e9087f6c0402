"""Reads the limits that are mappings or lists of mappings, and the options of security."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..errors import UsageError
from ..settings import BadValueError, units, words
from .document import Map, Seq, show
from .reader import Reader, is_text, number
from .report import mapping, members, text

_RATES = (
    ("device_read_bps", True),
    ("device_write_bps", True),
    ("device_read_iops", False),
    ("device_write_iops", False),
)
"""Keys of lists of devices, and whether their rates are sizes."""


def read_limits(reader: Reader) -> None:
    """Everything of this module."""
    _ulimits(reader)
    _block_devices(reader)
    _gpus(reader)
    found = (
        reader.attempt(at, _security, reader, item) for at, item in reader.items("security_opt")
    )
    reader.many("security_opt", found)


def _ulimits(reader: Reader) -> None:
    """One number for both limits, or a mapping of the soft and the hard one; -1 is no limit."""
    limits = mapping(reader.body, "ulimits")
    for name, _, value in members(limits):
        soft, hard = _both(value)
        if soft is None or hard is None:
            continue
        if 0 <= hard < soft or (soft < 0 <= hard):
            reader.report.error(
                limits.value_at(name), f"the soft limit of {show(name)} is above the hard one"
            )
        else:
            reader.settings[f"ulimits.{name}"] = f"{soft}:{hard}"


def _both(value: Any) -> tuple[int | None, int | None]:
    if isinstance(value, Map):
        return _whole(value.get("soft")), _whole(value.get("hard"))
    return _whole(value), _whole(value)


def _whole(value: Any) -> int | None:
    return value if type(value) is int else None


def _block_devices(reader: Reader) -> None:
    body = mapping(reader.body, "blkio_config")
    for key, is_size in _RATES:
        for at, path, written in _entries(body, key, "rate"):
            rate = reader.attempt(at, _rate, written, is_size)
            if rate is not None:
                reader.settings[f"blkio_config.{key}.{path}"] = str(rate)
    for _, path, written in _entries(body, "weight_device", "weight"):
        reader.settings[f"blkio_config.weight_device.{path}"] = written


def _entries(body: Map, key: str, value: str) -> Iterator[tuple[int, str, str]]:
    listed = body.get(key)
    listed = listed if isinstance(listed, Seq) else Seq()
    for index, entry in enumerate(listed):
        path = text(entry, "path") if isinstance(entry, Map) else None
        written = number(entry, value) if isinstance(entry, Map) else None
        if path is not None and written is not None:
            yield listed.value_at(index), path, written


def _rate(written: str, is_size: bool) -> int:
    if is_size:
        return units.size_bytes(written)
    if not written.isdecimal():
        raise BadValueError(f"{written[:60]!r} is no number of operations a second")
    return int(written)


def _gpus(reader: Reader) -> None:
    """`all`, or a list of requests; what Compose takes by itself is the capability gpu."""
    value = reader.body.get("gpus")
    if is_text(value):
        reader.settings["gpus"] = ("count=all",)
    requests = []
    for _, entry in reader.members("gpus"):
        if isinstance(entry, Map):
            requests.append(gpu_request(entry))
    reader.many("gpus", requests)


def gpu_request(entry: Map) -> str:
    """One request, as settings/engine_objects.py writes it."""
    ids = [item for item in entry.get("device_ids") or () if is_text(item)]
    words_of = entry.get("capabilities") or ()
    capabilities = sorted({"gpu", *(item for item in words_of if is_text(item))})
    driver, options = text(entry, "driver"), mapping(entry, "options")
    parts = [f"driver={driver}"] if driver else []
    parts.append(f"device={';'.join(ids)}" if ids else f"count={number(entry, 'count') or 'all'}")
    if capabilities != ["gpu"]:
        parts.append(f"capabilities={';'.join(capabilities)}")
    return ",".join([*parts, *(f"{key}={options[key]}" for key in sorted(options))])


def _security(reader: Reader, written: str) -> str:
    """An option; a profile of seccomp that is a file is read, as the engine wants its text."""
    option = words.security_option(written)
    name, _, path = option.partition("=")
    if name != "seccomp" or path in ("unconfined", "builtin"):
        return option
    try:
        profile = json.loads(reader.report.place.read(path))
    except (UsageError, ValueError) as error:
        raise BadValueError(f"the seccomp profile {path[:60]!r} cannot be used: {error}") from None
    return "seccomp=" + json.dumps(profile, separators=(",", ":"), sort_keys=True)

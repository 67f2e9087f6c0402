"""Reads the limits that are mappings or lists of mappings, and the options of security."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import UsageError
from ..settings import BadValueError, parse_words, units
from .container_reader import Reader, is_text, number
from .document import Map, Seq, show
from .hints import suggestion
from .report import mapping, members, text

_ULIMITS = (
    *("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc"),
    *("rss", "rtprio", "rttime", "sigpending", "stack"),
)
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
    for name, at, value in members(limits):
        soft, hard = _both(value)
        if name not in _ULIMITS:
            meant = suggestion(name, _ULIMITS) or f": known are {', '.join(_ULIMITS)}"
            reader.report.error(at, f"{show(name)} is not a process limit{meant}")
            continue
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
            setting = f"blkio_config.{key}.{path}"
            rate = reader.attempt(at, _rate, written, is_size)
            if rate is not None and _check_once(reader, at, path, setting):
                reader.settings[setting] = str(rate)
    for at, path, written in _entries(body, "weight_device", "weight"):
        setting = f"blkio_config.weight_device.{path}"
        if _check_once(reader, at, path, setting):
            reader.settings[setting] = written


def _entries(body: Map, key: str, value: str) -> Iterator[tuple[int, str, str]]:
    listed = body.get(key)
    listed = listed if isinstance(listed, Seq) else Seq()
    for index, entry in enumerate(listed):
        if not isinstance(entry, Map):
            continue
        path, written = text(entry, "path"), number(entry, value)
        if path is not None and written is not None:
            yield listed.value_at(index), path, written


def _check_once(reader: Reader, at: int, path: str, setting: str) -> bool:
    if not path.startswith("/"):
        reader.report.error(at, f"{show(path)} is not a device: write a path such as /dev/sda")
    elif setting in reader.settings:
        reader.report.error(at, f"{show(path)} is listed twice: remove one of them")
    else:
        return True
    return False


def _rate(written: str, is_size: bool) -> int:
    if is_size:
        return units.size_bytes(written)
    if not written.isdecimal():
        raise BadValueError(f"{written[:60]!r} is not a number of operations per second")
    return int(written)


def _gpus(reader: Reader) -> None:
    """`all`, or a list of requests; Compose adds the capability gpu."""
    if is_text(reader.body.get("gpus")):
        reader.settings["gpus"] = ("count=all",)
        return
    reader.many("gpus", gpu_requests(reader, reader.body.get("gpus"), ["gpu"]))


def gpu_requests(reader: Reader, listed: Any, capabilities: Sequence[str] = ()) -> list[str | None]:
    """The requests of a list; None for each that is wrong, which is reported."""
    return [
        reader.attempt(listed.value_at(index), _gpu_request, entry, capabilities)
        for index, entry in enumerate(listed if isinstance(listed, Seq) else ())
        if isinstance(entry, Map) and _separable(reader, entry)
    ]


def _separable(reader: Reader, entry: Map) -> bool:
    """Whether no word of a request holds what separates words there."""
    options = mapping(entry, "options")
    parts = [
        (entry.value_at("driver"), text(entry, "driver") or ""),
        *reader.items("device_ids", entry),
        *reader.items("capabilities", entry),
        *((options.key_at(key), key) for key in options),
        *((options.value_at(key), str(item)) for key, item in options.items()),
    ]
    wrong = [(at, word) for at, word in parts if set(word) & set(",;=")]
    for at, word in wrong:
        reader.report.error(at, f"{word[:60]!r} holds ',', ';' or '=', which is not supported here")
    return not wrong


def _gpu_request(entry: Map, capabilities: Sequence[str]) -> str:
    """One request, as settings/engine_objects.py writes it. Raises BadValueError."""
    ids, count = _texts(entry, "device_ids"), number(entry, "count")
    if ids and count is not None:
        raise BadValueError("'count' is set together with 'device_ids': remove one of them")
    if count is not None and count not in ("all", "-1") and not count.isdecimal():
        raise BadValueError(f"{count[:60]!r} is not a device count: write a number, or all")
    wanted = sorted({*capabilities, *_texts(entry, "capabilities")}) or ["gpu"]
    options = {key: str(item) for key, item in mapping(entry, "options").items()}
    driver = text(entry, "driver") or ""
    parts = [f"driver={driver}"] if driver else []
    all_of_them = count in (None, "all", "-1")
    parts.append(f"device={';'.join(ids)}" if ids else f"count={'all' if all_of_them else count}")
    if wanted != ["gpu"]:
        parts.append(f"capabilities={';'.join(wanted)}")
    return ",".join([*parts, *(f"{key}={options[key]}" for key in sorted(options))])


def _texts(entry: Map, key: str) -> list[str]:
    value = entry.get(key)
    return [item for item in value if is_text(item)] if isinstance(value, Seq) else []


def _security(reader: Reader, written: str) -> str:
    """An option; a profile of seccomp that is a file is read, as the engine wants its text."""
    option = parse_words.security_option(written)
    name, _, path = option.partition("=")
    if name != "seccomp" or path in ("unconfined", "builtin"):
        return option
    try:
        profile = json.loads(reader.report.place.read(path))
    except (UsageError, ValueError) as error:
        raise BadValueError(f"the seccomp profile {path[:60]!r} cannot be used: {error}") from None
    if not isinstance(profile, dict):
        raise BadValueError(f"the seccomp profile {path[:60]!r} is not a JSON object")
    return "seccomp=" + json.dumps(profile, separators=(",", ":"), sort_keys=True)

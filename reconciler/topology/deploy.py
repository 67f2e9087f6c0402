"""Reads `deploy`: what of it holds on one machine are settings that have keys of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..settings import units
from .document import Map, show
from .limits import gpu_request
from .reader import Reader
from .report import mapping, text

_LIMITS: tuple[tuple[str, str, str, Callable[[str], Any]], ...] = (
    ("limits", "memory", "mem_limit", units.memory),
    ("limits", "cpus", "cpus", units.cpus_text),
    ("limits", "pids", "pids_limit", int),
    ("reservations", "memory", "mem_reservation", units.size_bytes),
)
_CONDITIONS = {"none": "no", "on-failure": "on-failure", "any": "always"}


def read_deploy(reader: Reader) -> None:
    """Limits, reservations and the restart policy."""
    deploy = mapping(reader.body, "deploy")
    resources = mapping(deploy, "resources")
    for part, key, path, parse in _LIMITS:
        body = mapping(resources, part)
        written = body.get(key)
        if isinstance(written, str | int | float) and not isinstance(written, bool):
            at = body.value_at(key)
            _put(reader, at, f"{part}.{key}", path, reader.attempt(at, parse, str(written)))
    devices = mapping(resources, "reservations").get("devices")
    if isinstance(devices, list):
        at = mapping(resources, "reservations").value_at("devices")
        requests = sorted({gpu_request(entry) for entry in devices if isinstance(entry, Map)})
        _put(reader, at, "reservations.devices", "gpus", tuple(requests) or None)
    _restart(reader, deploy)


def _restart(reader: Reader, deploy: Map) -> None:
    policy = mapping(deploy, "restart_policy")
    if not policy:
        return
    name = _CONDITIONS.get(text(policy, "condition") or "any", "")
    attempts = policy.get("max_attempts")
    if type(attempts) is int and attempts > 0:
        if name != "on-failure":
            reader.report.error(
                policy.key_at("max_attempts"),
                "'max_attempts' goes with condition: on-failure only: remove one of them",
            )
            return
        name = f"{name}:{attempts}"
    if name:
        _put(reader, deploy.value_at("restart_policy"), "restart_policy", "restart", name)


def _put(reader: Reader, at: int, where: str, path: str, value: Any) -> None:
    """Sets what has a key of its own, unless that says another thing."""
    if value is None:
        return
    if reader.settings.setdefault(path, value) != value:
        reader.report.error(
            at, f"deploy: {where} and {show(path)} say different things: remove one of them"
        )

"""Reads `deploy`: what of it holds on one machine are settings that have keys of their own."""

from __future__ import annotations

from typing import Any

from ..settings.container_defaults import BY_PATH
from .container_reader import Reader
from .document import Map, show
from .limits import gpu_requests
from .report import mapping, text
from .rows import read_value

_LIMITS = (
    ("limits", "memory", "mem_limit"),
    ("limits", "cpus", "cpus"),
    ("limits", "pids", "pids_limit"),
    ("reservations", "memory", "mem_reservation"),
)
_CONDITIONS = {
    "none": "no",
    "no": "no",
    "on-failure": "on-failure",
    "unless-stopped": "unless-stopped",
    "any": "always",
    "always": "always",
}


def read_deploy(reader: Reader) -> None:
    """Limits, reservations and the restart policy."""
    deploy = mapping(reader.body, "deploy")
    resources = mapping(deploy, "resources")
    for part, key, path in _LIMITS:
        body = mapping(resources, part)
        if key in body:
            value = read_value(reader, BY_PATH[path], body, key)
            _put(reader, body.value_at(key), f"{part}.{key}", path, value)
    reservations = mapping(resources, "reservations")
    for key in ("cpus", "pids"):
        if key in reservations:
            why = "cannot be reserved on one machine, and has no effect: remove it"
            reader.report.warn(reservations.key_at(key), f"deploy: {show(key)} {why}")
    found = gpu_requests(reader, reservations.get("devices"))
    requests = sorted({request for request in found if request is not None})
    at = reservations.value_at("devices")
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

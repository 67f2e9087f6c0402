"""Settings that the engine's JSON holds as objects, and the texts that stand for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .ports import Port, read_port
from .values import canonical_address

Json = Mapping[str, Any]


def read_restart(policy: Json) -> str:
    """`{"Name": "on-failure", "MaximumRetryCount": 3}` -> `on-failure:3`."""
    count = policy.get("MaximumRetryCount") or 0
    return (policy.get("Name") or "no") + (f":{count}" if count else "")


def restart_of(text: str) -> dict[str, Any]:
    """The inverse of `read_restart`."""
    name, _, count = text.partition(":")
    return {"Name": name, "MaximumRetryCount": int(count)} if count else {"Name": name}


def read_bindings(bindings: Json) -> tuple[str, ...]:
    """`{"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}` -> `("8080->80/tcp",)`."""
    found = []
    for inside, hosts in bindings.items():
        number, _, protocol = inside.partition("/")
        for binding in hosts or ():
            address = canonical_address(binding.get("HostIp") or "")
            port = Port(int(number), protocol, address, binding.get("HostPort") or "")
            found.append(str(port))
    return tuple(sorted(found))


def bindings_of(ports: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """The inverse of `read_bindings`."""
    found: dict[str, list[dict[str, str]]] = {}
    for port in map(read_port, ports):
        binding = {"HostIp": port.address, "HostPort": port.host}
        found.setdefault(f"{port.inside}/{port.protocol}", []).append(binding)
    return found


def read_device(device: Json) -> str:
    """`{"PathOnHost": "/dev/a", ...}` -> `/dev/a:/dev/b:rwm`."""
    keys = ("PathOnHost", "PathInContainer", "CgroupPermissions")
    return ":".join(str(device.get(key)) for key in keys)


def device_of(text: str) -> dict[str, str]:
    """The inverse of `read_device`."""
    host, inside, permissions, *_ = (*text.split(":"), "", "")
    return {
        "PathOnHost": host,
        "PathInContainer": inside or host,
        "CgroupPermissions": permissions or "rwm",
    }


def read_gpu(request: Json) -> str:
    """A device request as docker's `--gpus` writes it: `count=all`, `driver=nvidia,device=0;1`.

    The capabilities, sorted, follow where they are others than `gpu` alone; then the options.
    """
    ids, count = request.get("DeviceIDs") or (), request.get("Count") or 0
    capabilities = sorted({word for group in request.get("Capabilities") or () for word in group})
    parts = [f"driver={request['Driver']}"] if request.get("Driver") else []
    parts.append(f"device={';'.join(ids)}" if ids else f"count={count if count >= 0 else 'all'}")
    if capabilities != ["gpu"]:
        parts.append(f"capabilities={';'.join(capabilities)}")
    options = request.get("Options") or {}
    return ",".join([*parts, *(f"{key}={options[key]}" for key in sorted(options))])


def gpu_of(text: str) -> dict[str, Any]:
    """The inverse of `read_gpu`."""
    found = dict(part.split("=", 1) for part in text.split(","))
    capabilities = found.pop("capabilities", "gpu").split(";")
    body: dict[str, Any] = {"Capabilities": [[word for word in capabilities if word]]}
    if driver := found.pop("driver", ""):
        body["Driver"] = driver
    if ids := found.pop("device", ""):
        body["DeviceIDs"] = ids.split(";")
    if count := found.pop("count", ""):
        body["Count"] = -1 if count == "all" else int(count)
    return body | ({"Options": found} if found else {})


def read_ulimits(limits: Iterable[Json]) -> dict[str, str]:
    """`[{"Name": "nofile", "Soft": 1024, "Hard": 2048}]` -> `{"nofile": "1024:2048"}`."""
    return {str(limit.get("Name")): f"{limit.get('Soft')}:{limit.get('Hard')}" for limit in limits}


def ulimits_of(limits: Mapping[str, str]) -> list[dict[str, Any]]:
    """The inverse of `read_ulimits`."""
    found = ((name, *value.split(":")) for name, value in limits.items())
    return [{"Name": name, "Soft": int(soft), "Hard": int(hard)} for name, soft, hard in found]


def read_rates(rates: Iterable[Json]) -> dict[str, str]:
    """`[{"Path": "/dev/sda", "Rate": 1024}]` -> `{"/dev/sda": "1024"}`."""
    return {str(rate.get("Path")): str(rate.get("Rate")) for rate in rates}


def rates_of(rates: Mapping[str, str]) -> list[dict[str, Any]]:
    """The inverse of `read_rates`."""
    return [{"Path": path, "Rate": int(rate)} for path, rate in rates.items()]


def read_weights(weights: Iterable[Json]) -> dict[str, str]:
    """`[{"Path": "/dev/sda", "Weight": 300}]` -> `{"/dev/sda": "300"}`."""
    return {str(weight.get("Path")): str(weight.get("Weight")) for weight in weights}


def weights_of(weights: Mapping[str, str]) -> list[dict[str, Any]]:
    """The inverse of `read_weights`."""
    return [{"Path": path, "Weight": int(weight)} for path, weight in weights.items()]

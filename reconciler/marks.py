"""How netplan's marks are written on the engine: labels of a network or container, driver options of an endpoint.

Labels hold a truncated hash for each declared path: no values, no secrets. An endpoint's driver options hold the settings themselves,
because they are what undoes it; endpoint settings hold no secrets.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from .model import ContainerMark, DesiredContainer, EndpointMark, NetworkMark
from .settings import STATIC, Settings, Value, fits

TOPOLOGY = "netplan.topology"
SPEC = "netplan.spec"
PROTECT = "netplan.protect"
BIRTH = "netplan.birth"
"""The label of a container that no other has: it tells one that we made of an image that somebody committed from the one before."""
VERSION = 1
ATTACHED = "networks."
"""Begins the recorded paths that say which networks a container was created on; what became of those is told by its endpoints."""


def digest(value: Value) -> str:
    """A truncated hash of one setting's value: equal values, equal digests."""
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def digests(settings: Settings) -> dict[str, str]:
    """`digest` of every path."""
    return {path: digest(settings[path]) for path in sorted(settings)}


def secret_digest(key: str, value: str) -> str:
    """A truncated hash of a secret, which takes its place in settings."""
    return digest((key, value))


def network_labels(mark: NetworkMark) -> dict[str, str]:
    """The labels that carry `mark`."""
    spec = {"v": VERSION, "settings": dict(sorted(mark.hashes.items())), "endpoints": dict(sorted(mark.endpoints.items()))}
    labels = {TOPOLOGY: mark.topology, SPEC: _compact(spec)}
    if mark.protect:
        labels[PROTECT] = "true"
    return labels


def read_network_mark(labels: Mapping[str, str]) -> NetworkMark | None:
    """The mark in a network's labels. An unreadable spec (newer, damaged) still tells the owner."""
    topology = labels.get(TOPOLOGY)
    if not topology:
        return None
    spec = _load(labels.get(SPEC))
    return NetworkMark(topology, _strings(spec.get("settings")), _strings(spec.get("endpoints")), labels.get(PROTECT) == "true")


def made_mark(topology: str, wanted: DesiredContainer) -> ContainerMark:
    """The mark of a container that is made as declared."""
    attached = {f"{ATTACHED}{endpoint.network}": digest(()) for endpoint in wanted.endpoints}
    return ContainerMark(topology, digests(wanted.settings) | attached)


def container_labels(mark: ContainerMark) -> dict[str, str]:
    """The labels that carry `mark`."""
    spec = {"v": VERSION, "settings": dict(sorted(mark.hashes.items()))}
    return {TOPOLOGY: mark.topology, SPEC: _compact(spec)}


def read_container_mark(labels: Mapping[str, str], image_labels: Mapping[str, str]) -> ContainerMark | None:
    """The mark in a container's labels, unless all of it comes from its image: `docker commit` copies a container's labels there."""
    topology = labels.get(TOPOLOGY)
    if not topology or all(labels.get(key) == image_labels.get(key) for key in (TOPOLOGY, SPEC, BIRTH)):
        return None
    return ContainerMark(topology, _strings(_load(labels.get(SPEC)).get("settings")))


CURE = "netplan.cure"
"""The driver option of an endpoint that was made only to be taken away: it counts as the phantom that it was."""


def endpoint_options(mark: EndpointMark) -> dict[str, str]:
    """The driver options that carry `mark`."""
    spec: dict[str, Any] = {"v": VERSION, "how": mark.how, "declared": _plain(mark.declared)}
    if mark.how == "amended":
        spec["before"] = _plain(mark.before)
    return {TOPOLOGY: mark.topology, SPEC: _compact(spec)}


def read_endpoint_mark(options: Mapping[str, str]) -> EndpointMark | None:
    """The mark in an endpoint's driver options. One whose spec is unreadable counts as amended, with nothing to give back."""
    topology = options.get(TOPOLOGY)
    if not topology:
        return None
    spec = _load(options.get(SPEC))
    how = "made" if spec.get("how") == "made" else "amended"
    return EndpointMark(topology, how, _settings(spec.get("declared")), _settings(spec.get("before")))  # type: ignore[arg-type]


def without_marks(mapping: Mapping[str, str]) -> dict[str, str]:
    """Labels or driver options without netplan's own."""
    return {key: value for key, value in mapping.items() if not key.startswith("netplan.")}


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _load(text: str | None) -> dict[str, Any]:
    try:
        value = json.loads(text or "")
    except (ValueError, RecursionError):  # anybody may write a label
        return {}
    return value if isinstance(value, dict) and value.get("v") == VERSION else {}


def _strings(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _plain(settings: Settings) -> dict[str, Any]:
    return {path: list(value) if isinstance(value, tuple) else value for path, value in sorted(settings.items())}


def _settings(value: object) -> dict[str, Value]:
    if not isinstance(value, dict):
        return {}
    found = {path: tuple(item) if isinstance(item, list) else item for path, item in value.items()}
    return {path: item for path, item in found.items() if _plausible(path, item)}


def _plausible(path: str, item: object) -> bool:
    """Anybody may write a driver option: what cannot be a setting is none."""
    return fits(path, item) and (path not in STATIC or _is_address(str(item), path[:4]))


def _is_address(text: str, family: str) -> bool:
    try:
        return f"ipv{ip_address(text).version}" == family
    except ValueError:
        return False

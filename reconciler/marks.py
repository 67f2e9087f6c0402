"""How netplan's marks are written on the engine: labels of a network, container or volume, driver
options of an endpoint (an alias on Podman).

A mark names the object that it was written for (a network, a container, a volume, an endpoint's
container and network), so that a copy of it on another object is recognised, and counts for
nothing. Marks of the first version name nothing: those count wherever they are found.

Labels hold a truncated hash for each declared path: no values, no secrets. Of a secret they hold so
few digits of a hash with the container's own salt that a change is noticed and a guess cannot be
confirmed. An endpoint's driver options hold the settings themselves, because they are what undoes
it; endpoint settings hold no secrets.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Literal, NamedTuple

from .fast_dataclasses import as_dict
from .model import (
    ContainerMark,
    DesiredContainer,
    EndpointMark,
    NetworkMark,
    Origin,
    VolumeMark,
)
from .settings import STATIC, Settings, Value
from .settings.value_types import fits

TOPOLOGY = "netplan.topology"
SPEC = "netplan.spec"
PROTECT = "netplan.protect"
ORIGIN = "netplan.origin"
"""The label that tells people where the file was. It is never a reason to change anything."""
KIND = "netplan.kind"
"""The label of every volume that netplan created: what it is for."""
DECLARED = "volume"
"""The kind of a volume that a file declares; all others are netplan's own."""
TTL = "netplan.ttl"
"""The label of a volume that tells how long a topology lives (lifetimes.py): a duration such as
`2h`.
"""
BIRTH = "netplan.birth"
"""The label of a container that no other has: it tells one that we made of an image that somebody
committed from the one before.
"""
HELPER = "netplan.helper"
"""The label of a container by which netplan looks into network namespaces: which run made it. No
command counts such a container.
"""
SECRET = "environment."
"""Begins the paths whose values are secret; settings hold their digests."""
CHANGED = "changed"
"""Stands for the recorded hash of a secret that is another now."""
_SALTED, _DIGITS = "~", 4
"""Begins a hash with salt, and how many digits follow."""
VERSION = 1
_OWN_ID = 12
"""Characters of a container's ID in the name that it has while another takes its place."""
ATTACHED = "networks."
"""Begins the recorded paths that say which networks a container was created on; what became of
those is told by its endpoints.
"""


class Place(NamedTuple):
    """The names of the container and the network of an endpoint."""

    container: str
    network: str


_ASIDE = re.compile(r"(?P<name>.+)\.netplan-[0-9a-f]{12}\Z")


def base_name(name: str) -> str:
    """The name of a container before it was put aside."""
    match = _ASIDE.match(name)
    return match["name"] if match else name


def aside_name(name: str, id: str) -> str:
    """What the container of that name and ID is called while another takes its place."""
    return f"{name}.netplan-{id[:_OWN_ID]}"


def digest(value: Value) -> str:
    """A truncated hash of one setting's value: equal values, equal digests."""
    return hashlib.sha256(
        json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    ).hexdigest()[:12]


def digests(settings: Settings) -> dict[str, str]:
    """`digest` of every path."""
    return {path: digest(settings[path]) for path in sorted(settings)}


def secret_digest(key: str, value: str) -> str:
    """A truncated hash of a secret, which takes its place in settings."""
    return digest((key, value))


def network_labels(mark: NetworkMark, name: str) -> dict[str, str]:
    """The labels that carry `mark` on the network of that name."""
    hashes, endpoints = dict(sorted(mark.hashes.items())), dict(sorted(mark.endpoints.items()))
    spec = {"v": VERSION, "name": name, "settings": hashes, "endpoints": endpoints}
    labels = {TOPOLOGY: mark.topology, SPEC: _compact(spec), **_origin_labels(mark.origin)}
    if mark.protect:
        labels[PROTECT] = "true"
    return labels


def read_network_mark(labels: Mapping[str, str], name: str) -> NetworkMark | None:
    """The mark in the labels of the network of that name; None for one that was written for
    another. A newer one tells the owner.
    """
    topology, spec = labels.get(TOPOLOGY), _load(labels.get(SPEC))
    if not topology or spec is None or spec.get("name", name) != name:
        return None
    hashes, endpoints = _strings(spec.get("settings")), _strings(spec.get("endpoints"))
    return NetworkMark(topology, hashes, endpoints, labels.get(PROTECT) == "true", _origin(labels))


def volume_labels(mark: VolumeMark, name: str) -> dict[str, str]:
    """The labels that carry `mark` on the volume of that name."""
    spec = {"v": VERSION, "name": name, "settings": dict(sorted(mark.hashes.items()))}
    return {
        KIND: DECLARED,
        TOPOLOGY: mark.topology,
        SPEC: _compact(spec),
        **_origin_labels(mark.origin),
    }


def read_volume_mark(labels: Mapping[str, str], name: str) -> VolumeMark | None:
    """The mark in the labels of the volume of that name; None for one that was written for
    another.
    """
    topology, spec = labels.get(TOPOLOGY), _load(labels.get(SPEC))
    if not topology or spec is None or spec.get("name", name) != name:
        return None
    return VolumeMark(topology, _strings(spec.get("settings")), _origin(labels))


def made_mark(
    topology: str, wanted: DesiredContainer, origin: Origin | None = None
) -> ContainerMark:
    """The mark of a container that is made as declared."""
    attached = {f"{ATTACHED}{endpoint.network}": digest(()) for endpoint in wanted.endpoints}
    return ContainerMark(topology, digests(wanted.settings) | attached, origin)


def container_labels(mark: ContainerMark, name: str, birth: str = "") -> dict[str, str]:
    """The labels that carry `mark` on the container of that name; `birth` is no other
    container's.
    """
    hashes = {
        path: _salted(hash, birth) if path.startswith(SECRET) else hash
        for path, hash in sorted(mark.hashes.items())
    }
    spec = {"v": VERSION, "name": name, "settings": hashes}
    return {
        TOPOLOGY: mark.topology,
        SPEC: _compact(spec),
        BIRTH: birth,
        **_origin_labels(mark.origin),
    }


def _salted(hash: str, birth: str) -> str:
    return _SALTED + hashlib.sha256(f"{birth} {hash}".encode()).hexdigest()[:_DIGITS]


def recall_secrets(
    hashes: Mapping[str, str], settings: Settings, labels: Mapping[str, str]
) -> dict[str, str]:
    """`hashes` of a container's labels, without salt: where one is that of the secret that is there
    now, else CHANGED.

    A hash that the first version wrote has no salt.
    """
    birth, found = labels.get(BIRTH, ""), dict(hashes)
    for path, hash in hashes.items():
        if path.startswith(SECRET) and hash.startswith(_SALTED):
            now = digest(settings.get(path, ""))
            found[path] = now if _salted(now, birth) == hash else CHANGED
    return found


def read_container_mark(labels: Mapping[str, str], name: str, id: str) -> ContainerMark | None:
    """The mark in the labels of the container of that name and ID; None for one that was written
    for another.
    """
    topology, spec = labels.get(TOPOLOGY), _load(labels.get(SPEC))
    if not topology or spec is None or not _is_called(spec.get("name", name), name, id):
        return None
    return ContainerMark(topology, _strings(spec.get("settings")), _origin(labels))


def from_image(labels: Mapping[str, str], image_labels: Mapping[str, str]) -> bool:
    """Whether a container has its mark from its image: `docker commit` copies a container's labels
    there.
    """
    return all(labels.get(key) == image_labels.get(key) for key in (TOPOLOGY, SPEC, BIRTH))


def recorded_name(labels: Mapping[str, str]) -> str:
    """The name of the container that the mark in labels was written for; marks of the first version
    have none.
    """
    return str((_load(labels.get(SPEC)) or {}).get("name", ""))


def recorded_paths(labels: Mapping[str, str]) -> set[str]:
    """The declared paths in a container's labels, whoever wrote them."""
    return set(_strings((_load(labels.get(SPEC)) or {}).get("settings")))


def _is_called(recorded: object, name: str, id: str) -> bool:
    """Whether the container of that name is the `recorded` one, which may have been put aside, or
    put back, since.
    """
    return (
        recorded == name
        or recorded == aside_name(name, id)
        or name == aside_name(str(recorded), id)
    )


def origin_fields(origin: Origin) -> dict[str, str]:
    """An origin as JSON, without what is empty."""
    return {key: value for key, value in as_dict(origin).items() if value}


def origin_from(fields: Mapping[str, Any]) -> Origin | None:
    """The origin that `origin_fields` gave; None for anything else."""
    texts = [fields.get(key, "") for key in ("host", "folder", "repository", "path")]
    return Origin(*texts) if any(texts) and all(isinstance(text, str) for text in texts) else None


def _origin_labels(origin: Origin | None) -> dict[str, str]:
    return {ORIGIN: _compact(origin_fields(origin))} if origin else {}


def _origin(labels: Mapping[str, str]) -> Origin | None:
    try:
        fields = json.loads(labels.get(ORIGIN, "{}"))
    except (ValueError, RecursionError):  # anybody may write a label
        return None
    return origin_from(fields) if isinstance(fields, dict) else None


CURE = "netplan.cure"
"""The driver option of an endpoint that was made only to be taken away: it counts as the phantom
that it was.
"""


_ALIAS = "netplan:"
"""Begins the alias that holds what driver options hold elsewhere: Podman drops those. No name has a
colon, so it is none to DNS.
"""


def alias_of_options(options: Mapping[str, str]) -> str:
    """netplan's own driver options of an endpoint as an alias."""
    return _ALIAS + urlsafe_b64encode(_compact(dict(options)).encode()).decode()


def options_of_alias(alias: str) -> dict[str, str] | None:
    """What an alias holds of netplan's own driver options; None of any other alias, nothing of one
    that is damaged.
    """
    if not alias.startswith(_ALIAS):
        return None
    try:
        value = json.loads(urlsafe_b64decode(alias.removeprefix(_ALIAS)))
    except (ValueError, RecursionError):  # anybody may write one
        value = None
    return {key: text for key, text in _strings(value).items() if key.startswith("netplan.")}


def endpoint_options(mark: EndpointMark, place: Place | None) -> dict[str, str]:
    """The driver options that carry `mark` on the endpoint at `place`; without one as the first
    version wrote them.
    """
    spec: dict[str, Any] = {"v": VERSION, "how": mark.how, "declared": _plain(mark.declared)}
    if place:
        spec |= {"container": place.container, "network": place.network}
    if mark.how == "amended":
        spec["before"] = _plain(mark.before)
    return {TOPOLOGY: mark.topology, SPEC: _compact(spec)}


def read_endpoint_mark(options: Mapping[str, str], place: Place, id: str) -> EndpointMark | None:
    """The mark in the driver options of the endpoint at `place`, of the container with that ID;
    None for one written for another.

    One whose spec cannot be read counts for nothing: it would not tell how to undo the endpoint.
    """
    topology = options.get(TOPOLOGY)
    spec = _load(options.get(SPEC)) if topology else None
    if (
        not topology
        or spec is None
        or spec["v"] != VERSION
        or spec.get("network", place.network) != place.network
    ):
        return None
    if not _is_called(spec.get("container", place.container), place.container, id):
        return None
    how: Literal["made", "amended"] = "made" if spec.get("how") == "made" else "amended"
    declared, before = _settings(spec.get("declared")), _settings(spec.get("before"))
    return EndpointMark(topology, how, declared, before)


def without_marks(mapping: Mapping[str, str]) -> dict[str, str]:
    """Labels or driver options without netplan's own."""
    return {key: value for key, value in mapping.items() if not key.startswith("netplan.")}


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


_IN_ANY_VERSION = ("v", "name")


def _load(text: str | None) -> dict[str, Any] | None:
    """A spec; of a newer version what every version has; None where it is none that netplan wrote:
    anybody may write a label.
    """
    try:
        value = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    version = value.get("v") if isinstance(value, dict) else None
    if type(version) is not int or version < VERSION:
        return None
    return (
        value
        if version == VERSION
        else {key: value[key] for key in _IN_ANY_VERSION if key in value}
    )


def _strings(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _plain(settings: Settings) -> dict[str, Any]:
    return {
        path: list(value) if isinstance(value, tuple) else value
        for path, value in sorted(settings.items())
    }


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

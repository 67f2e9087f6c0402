"""Between the Docker API's JSON and the settings of a container that a topology runs, and of the
image that it is made from.

A body holds what is set and nothing else. Reading gives every path back in its one canonical form:
what the engine makes up by itself (the short ID as hostname, an anonymous volume's name) is unset.
The value of an environment variable never leaves this module: its digest does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Literal

from ..fast_dataclasses import replace
from ..marks import (
    BIRTH,
    HELPER,
    Place,
    container_labels,
    digest,
    from_image,
    read_container_mark,
    recall_secrets,
    recorded_name,
    secret_digest,
    without_marks,
)
from ..model import (
    ALL_ENDPOINTS_API,
    Api,
    ContainerMark,
    Flavor,
    ObservedContainer,
    ObservedImage,
)
from ..plan import ContainerSpec
from ..settings import Settings, Value, canonical_image, subtree
from ..settings.container_defaults import CONTAINER, without_added_options
from ..settings.row import body_of, reader
from . import PODMANS_BRIDGE, SHORT_ID, Json, as_list, endpoint_config, prefixed, set_only, strings
from .container_mounts import anonymous_targets, anonymous_volumes, mounts_body, read_volumes
from .times import is_severed

_HEALTHS: dict[object, Literal["starting", "healthy", "unhealthy"]] = {
    "starting": "starting",
    "healthy": "healthy",
    "unhealthy": "unhealthy",
}
_NOT_SHARED = frozenset(row.path for row in CONTAINER if not row.shared)
"""What an engine refuses of a container in another's network namespace."""
_IN_PLACE = tuple(row for row in CONTAINER if row.change == "update")
_read_rows = reader(CONTAINER)
_read_image_rows = reader(row for row in CONTAINER if row.image)


# --- to the engine --------------------------------------------------------------------------------


def container_body(
    name: str, spec: ContainerSpec, api: Api, flavor: Flavor = "docker", birth: str = ""
) -> dict[str, Any]:
    """The body of `POST /containers/create` of the container of that name; before API 1.44 with the
    first endpoint only.

    `birth` is a text that no other container has.
    """
    settings = spec.settings
    if spec.mode.startswith("container:"):
        settings = {path: value for path, value in settings.items() if path not in _NOT_SHARED}
    endpoints = spec.endpoints if api >= ALL_ENDPOINTS_API else spec.endpoints[:1]
    attached = {
        e.network: endpoint_config(e.settings, e.mark, Place(name, e.network), flavor)
        for e in endpoints
    }
    if flavor == "podman" and "bridge" in attached:
        attached[PODMANS_BRIDGE] = attached.pop("bridge")
    body = body_of(CONTAINER, settings)
    host = {"NetworkMode": spec.mode, **mounts_body(spec), **body.pop("HostConfig", {})}
    exposed = (*as_list(settings.get("expose")), *host.get("PortBindings", ()))
    config = {
        **body.pop("Config", {}),
        "Env": [f"{key}={value}" for key, value in spec.environment.items()],
        "Labels": subtree(settings, "labels") | container_labels(spec.mark, name, birth),
        "ExposedPorts": {port: {} for port in exposed},
        "Volumes": anonymous_targets(spec),
        "HostConfig": set_only(host),
        "NetworkingConfig": set_only({"EndpointsConfig": attached}),
    }
    if api < ALL_ENDPOINTS_API and endpoints:
        config["MacAddress"] = endpoints[0].settings.get("mac_address")
    words = {key: config[key] for key in ("Cmd", "Entrypoint") if key in config}
    return set_only(config) | words  # an empty list is something here: not the image's words


def update_body(settings: Settings) -> dict[str, Any]:
    """The body of `POST /containers/{id}/update`: of what is set, the paths that change in place.

    With the memory goes the swap that an engine gives by itself (as much again), where none is
    declared: it refuses a limit above the old sum.
    """
    body = body_of(_IN_PLACE, settings).get("HostConfig", {})
    memory, swap = settings.get("mem_limit"), settings.get("memswap_limit")
    if isinstance(memory, int):
        body["MemorySwap"] = swap if swap is not None else 2 * memory
    return body


def helper_body(image: str, mode: str, mark: str, command: Iterable[str]) -> dict[str, Any]:
    """The body of `POST /containers/create` of a container of netplan's own, which runs `command`
    in the network of that mode with no right but to send packets; it is gone when it ends.
    """
    words = list(command)
    host = {
        "NetworkMode": mode,
        "AutoRemove": True,
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "CapAdd": ["NET_RAW"],
        "LogConfig": {"Type": "none"},
    }
    return {
        "Image": image,
        "Entrypoint": words[:1],
        "Cmd": words[1:],
        "Labels": {HELPER: mark},
        "HostConfig": host,
    }


# --- from the engine ------------------------------------------------------------------------------


def read_managed(
    container: ObservedContainer,
    raw: Json,
    image: Json | None = None,
    owners: Collection[Json] = (),
    twins: Collection[str] = (),
) -> ObservedContainer:
    """`container` with all that `raw`, its inspect, says of one with netplan's mark; unchanged if
    it has none.

    `image` is its image as inspected, if that is still there: a mark that comes from there does not
    count. `owners` are the containers whose network and IPC it shares. `twins` are the births
    that several containers claim.
    """
    state = raw.get("State") or {}
    mark = _mark(container, raw, image, twins)
    if mark is None:
        name = recorded_name(_labels(raw))
        return (
            replace(container, written_for=name) if name not in ("", container.name) else container
        )
    settings = read_settings(raw)
    if image:
        settings["platform"] = _platform_made(raw) or read_image(image).platform
    mark = replace(mark, hashes=recall_secrets(mark.hashes, settings, _labels(raw)))
    return replace(
        container,
        mark=mark,
        settings=settings,
        image_id=raw.get("Image") or "",
        anonymous=dict(anonymous_volumes(raw)),
        exit_code=int(state.get("ExitCode") or 0),
        health=_HEALTHS.get((state.get("Health") or {}).get("Status"), ""),
        severed=any(is_severed(state, owner.get("State") or {}) for owner in owners),
    )


def _mark(
    container: ObservedContainer, raw: Json, image: Json | None, twins: Collection[str]
) -> ContainerMark | None:
    """The mark of a container, unless it is a copy of another's.

    It is one where it comes from the image, as far as that can be told: an image that is gone must
    be the one that was declared. One of the first version, which names no container, must be the
    only one of its birth.
    """
    labels, mark = _labels(raw), read_container_mark(_labels(raw), container.name, container.id)
    if (
        mark is None
        or from_image(labels, _labels(image))
        or (labels.get(BIRTH) in twins and not recorded_name(labels))
    ):
        return None
    reference = (raw.get("Config") or {}).get("Image")
    if (
        image is None
        and reference
        and "image" in mark.hashes
        and mark.hashes["image"] != digest(canonical_image(reference))
    ):
        return None
    return mark


def _platform_made(raw: Json) -> str:
    """That of the one of an image's manifests which a container was made from; empty where the
    engine has one manifest of each image.
    """
    platform = (raw.get("ImageManifestDescriptor") or {}).get("platform") or {}
    return "/".join(
        part for key in ("os", "architecture", "variant") if (part := platform.get(key))
    )


def read_settings(raw: Json) -> dict[str, Value]:
    """The settings of a container as inspected. Its platform is that of its image."""
    config, host = raw.get("Config") or {}, raw.get("HostConfig") or {}
    mode = str(host.get("NetworkMode") or "default")
    settings = _read_rows(raw) | _read_common(config) | read_volumes(raw)
    settings["network_mode"] = "bridge" if mode == "default" else mode
    published = host.get("PortBindings") or {}
    settings |= _exposed(port for port in config.get("ExposedPorts") or {} if port not in published)
    if mode.startswith("container:"):  # it has the other's names
        settings.pop("domainname", None)
        settings.pop("hostname", None)
    if settings.get("hostname") == raw["Id"][:SHORT_ID]:
        del settings["hostname"]
    return dict(without_added_options(settings))


def read_image(raw: Json) -> ObservedImage:
    """An image as inspected: what containers made of it have where nothing else is said."""
    config = raw.get("Config") or {}
    settings = _read_image_rows(raw) | _read_common(config)
    settings |= _exposed(config.get("ExposedPorts") or ())
    settings |= {f"volumes.{target}": "volume:" for target in sorted(config.get("Volumes") or ())}
    platform = "/".join(part for key in ("Os", "Architecture", "Variant") if (part := raw.get(key)))
    return ObservedImage(raw["Id"], settings, platform)


def _read_common(config: Json) -> dict[str, Value]:
    """What containers and images have in common and no row reads: secrets, and labels without
    netplan's own.
    """
    entries = (entry.partition("=") for entry in config.get("Env") or ())
    settings: dict[str, Value] = {
        f"environment.{key}": secret_digest(key, value) for key, _, value in entries
    }
    return settings | prefixed("labels", without_marks(strings(config.get("Labels"))))


def _exposed(ports: Iterable[str]) -> dict[str, Value]:
    found = tuple(sorted(ports))
    return {"expose": found} if found else {}


def listed_images(listed: Iterable[Json]) -> dict[str, ObservedImage]:
    """Listed images by each of their canonical references and by ID; a list tells nothing else of
    them.
    """
    found: dict[str, ObservedImage] = {}
    for raw in listed:
        names = [
            name
            for key in ("RepoTags", "RepoDigests")
            for name in raw.get(key) or ()
            if "<none>" not in name
        ]
        found |= dict.fromkeys([*map(canonical_image, names), raw["Id"]], ObservedImage(raw["Id"]))
    return found


def _labels(raw: Json | None) -> dict[str, str]:
    return strings(((raw or {}).get("Config") or {}).get("Labels"))

"""Between the Docker API's JSON and the settings of a container that a topology runs, and of the
image that it is made from.

A body holds what is set and nothing else. Reading gives every path back in its one canonical form:
what the engine makes up by itself (the short ID as hostname, an anonymous volume's name) is unset.
The value of an environment variable never leaves this module: its digest does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from ..forms import BadValueError, Port, read_port
from ..forms import mount as canonical_mount
from ..marks import (
    BIRTH,
    Place,
    container_labels,
    digest,
    from_image,
    read_container_mark,
    recall_secrets,
    recorded_name,
    recorded_paths,
    secret_digest,
    without_marks,
)
from ..model import (
    ALL_ENDPOINTS_API,
    HIDDEN,
    Api,
    ContainerMark,
    Flavor,
    ObservedContainer,
    ObservedImage,
)
from ..plan import ContainerSpec
from ..records import replace
from ..settings import Settings, Value, canonical_address, canonical_image, subtree
from . import PODMANS_BRIDGE, SHORT_ID, Json, as_list, endpoint_config, prefixed, set_only, strings

_CONFIG = {
    "image": "Image",
    "hostname": "Hostname",
    "domainname": "Domainname",
    "user": "User",
    "working_dir": "WorkingDir",
    "stop_grace_period": "StopTimeout",
}
_HOST = {
    "publish_all": "PublishAllPorts",
    "privileged": "Privileged",
    "init": "Init",
    "mem_limit": "Memory",
}
_HOST_LISTS = {
    "cap_add": "CapAdd",
    "cap_drop": "CapDrop",
    "dns": "Dns",
    "dns_search": "DnsSearch",
    "extra_hosts": "ExtraHosts",
}
_HEALTH = {
    "retries": "Retries",
    "interval": "Interval",
    "timeout": "Timeout",
    "start_period": "StartPeriod",
    "start_interval": "StartInterval",
}
_HEALTHS: dict[object, Literal["starting", "healthy", "unhealthy"]] = {
    "starting": "starting",
    "healthy": "healthy",
    "unhealthy": "unhealthy",
}
_NOT_SHARED = frozenset({"hostname", "dns", "extra_hosts", "ports", "publish_all", "expose"})
"""What an engine refuses of a container in another's network namespace (Docker 20.10 and 28.5)."""
_NOT_INHERITED = frozenset({"hostname", "domainname", "stop_grace_period"})
"""What `docker commit` writes into an image, and no container takes from there."""
_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
_NANO = 10**9


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
    body: dict[str, Any] = {key: settings.get(path) for path, key in _CONFIG.items()}
    body |= {
        "Env": [f"{key}={value}" for key, value in spec.environment.items()],
        "Labels": subtree(settings, "labels") | container_labels(spec.mark, name, birth),
        "ExposedPorts": {
            port: {} for port in (*as_list(settings.get("expose")), *_bindings(settings))
        },
        "Volumes": {
            target: {}
            for target, volume in _volumes(spec).items()
            if volume == "volume:" and target not in spec.volumes
        },
        "Healthcheck": _health_body(settings),
        "HostConfig": _host_body(spec, settings),
        "NetworkingConfig": set_only({"EndpointsConfig": attached}),
    }
    if api < ALL_ENDPOINTS_API and endpoints:
        body["MacAddress"] = endpoints[0].settings.get("mac_address")
    words = {
        key: as_list(settings[path])
        for path, key in (("command", "Cmd"), ("entrypoint", "Entrypoint"))
        if path in settings
    }
    return set_only(body) | words  # an empty list is something here: not the image's words


def _host_body(spec: ContainerSpec, settings: Settings) -> dict[str, Any]:
    volumes = _volumes(spec)
    body: dict[str, Any] = {"NetworkMode": spec.mode}
    body |= {key: settings.get(path) for path, key in _HOST.items()}
    body |= {key: as_list(settings.get(path)) for path, key in _HOST_LISTS.items()}
    body |= {
        "PortBindings": _bindings(settings),
        "Binds": [bind for target, volume in volumes.items() if (bind := _bind(target, volume))],
        "Mounts": [
            mount
            for target, volume in volumes.items()
            if (mount := _mount(target, volume, spec.volumes.get(target, "")))
        ],
        "Tmpfs": {
            target: volume.removeprefix("tmpfs:")
            for target, volume in volumes.items()
            if volume.startswith("tmpfs:")
        },
        "Sysctls": subtree(settings, "sysctls"),
        "Devices": [_device_body(device) for device in as_list(settings.get("devices"))],
        "RestartPolicy": restart_body(settings),
        "NanoCpus": _nano_cpus(settings),
    }
    return set_only(body)


def update_body(settings: Settings) -> dict[str, Any]:
    """The body of `POST /containers/{id}/update`: of what is set, the paths that change in place.

    With the memory goes the swap that an engine gives by itself (as much again): it refuses a limit
    above the old sum.
    """
    memory = settings.get("mem_limit")
    swap = 2 * memory if isinstance(memory, int) else None
    return set_only(
        {
            "RestartPolicy": restart_body(settings),
            "Memory": memory,
            "MemorySwap": swap,
            "NanoCpus": _nano_cpus(settings),
        }
    )


def restart_body(settings: Settings) -> dict[str, Any]:
    """`on-failure:3` -> `{"Name": "on-failure", "MaximumRetryCount": 3}`."""
    name, _, count = str(settings.get("restart", "")).partition(":")
    return set_only({"Name": name, "MaximumRetryCount": int(count) if count else None})


def _nano_cpus(settings: Settings) -> int | None:
    return int(Decimal(str(settings["cpus"])) * _NANO) if "cpus" in settings else None


def _health_body(settings: Settings) -> dict[str, Any]:
    body = {key: settings.get(f"healthcheck.{path}") for path, key in _HEALTH.items()}
    return set_only({"Test": as_list(settings.get("healthcheck.test")), **body})


def _bindings(settings: Settings) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for port in map(read_port, as_list(settings.get("ports"))):
        found.setdefault(f"{port.inside}/{port.protocol}", []).append(
            {"HostIp": port.address, "HostPort": port.host}
        )
    return found


def _volumes(spec: ContainerSpec) -> dict[str, str]:
    """What is mounted where: as declared, and anonymous volumes carried over, of which the file may
    say nothing (the image does).
    """
    return dict.fromkeys(spec.volumes, "volume:") | subtree(spec.settings, "volumes")


def _bind(target: str, volume: str) -> str:
    """The short form, with which an engine makes a folder that is missing; empty for what has
    none.
    """
    kind, _, rest = volume.partition(":")
    source, _, options = rest.partition(":")
    return ":".join(filter(None, (source, target, options))) if kind != "tmpfs" and source else ""


def _mount(target: str, volume: str, carried: str) -> dict[str, Any]:
    """The long form, for an anonymous volume that is carried over or has options; empty for all
    else.
    """
    kind, _, rest = volume.partition(":")
    source, _, options = rest.partition(":")
    if kind != "volume" or source or not (carried or options):
        return {}
    given = options.split(",")
    flags = {
        "ReadOnly": "ro" in given or None,
        "VolumeOptions": {"NoCopy": True} if "nocopy" in given else None,
    }
    return set_only({"Type": "volume", "Target": target, "Source": carried, **flags})


def _device_body(device: str) -> dict[str, str]:
    host, inside, permissions, *_ = (*device.split(":"), "", "")
    return {
        "PathOnHost": host,
        "PathInContainer": inside or host,
        "CgroupPermissions": permissions or "rwm",
    }


SHORTEST_SECRET = 4
"""Characters of a value that is hidden where a container says it: a shorter one is in every other
word.
"""
MAYBE_CUT = 500
"""Characters of a line that may have been cut in the middle of a value."""


# --- from the engine ------------------------------------------------------------------------------


def read_managed(
    container: ObservedContainer,
    raw: Json,
    image: Json | None = None,
    owner: Json | None = None,
    twins: Collection[str] = (),
) -> ObservedContainer:
    """`container` with all that `raw`, its inspect, says of one with netplan's mark; unchanged if
    it has none.

    `image` is its image as inspected, if that is still there: a mark that comes from there does not
    count. `owner` is the container whose network it shares, if any. `twins` are the births that
    several containers claim.
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
        anonymous=dict(_anonymous(raw)),
        exit_code=int(state.get("ExitCode") or 0),
        health=_HEALTHS.get((state.get("Health") or {}).get("Status"), ""),
        severed=owner is not None and _severed(state, owner.get("State") or {}),
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


def _severed(member: Json, owner: Json) -> bool:
    """Whether both run, and the owner of the network namespace was started after its member: it has
    a new one, and the member does not.
    """
    running = bool(member.get("Running") and owner.get("Running"))
    began, anew = (_instant(str(state.get("StartedAt") or "")) for state in (member, owner))
    return running and bool(began and anew) and anew > began


def is_started_after(raw: Json, now: str) -> bool:
    """Whether a container says that it was started after `now`, RFC 3339: then the engine's clock
    was set back since. False if untold.
    """
    found = [moment(text) for text in (str((raw.get("State") or {}).get("StartedAt") or ""), now)]
    began, present = found
    return began is not None and present is not None and began > present


def moment(text: str) -> datetime | None:
    """`2026-11-24T13:19:40.251234567+02:00`, whose nanoseconds Python cannot read."""
    try:
        found = datetime.fromisoformat(
            re.sub(r"(\.\d{1,6})\d*", lambda part: part[1].ljust(7, "0"), text)
        )
    except ValueError:
        return None
    return found if found.tzinfo else None


def _instant(text: str) -> str:
    """`2026-11-24T13:19:40.25Z` in a form that can be compared: an engine leaves out the zeros at
    the end. Empty for another zone.
    """
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return f"{whole}.{fraction.ljust(9, '0')}" if text.endswith("Z") else ""


def without_secrets(text: str, raw: Json) -> str:
    """What a container said, without the values of the environment that its file gave it; `raw` is
    its inspect.
    """
    paths = recorded_paths(_labels(raw))
    declared = {
        path.removeprefix("environment.") for path in paths if path.startswith("environment.")
    }
    entries = (entry.partition("=") for entry in (raw.get("Config") or {}).get("Env") or ())
    values = [
        " ".join(part.split())
        for key, _, value in entries
        if key in declared
        for part in (value, *value.splitlines())
    ]
    whole = len(text) < MAYBE_CUT
    for value in sorted(
        {value for value in values if len(value) >= SHORTEST_SECRET},
        key=lambda value: (-len(value), value),
    ):
        text = text.replace(value, HIDDEN)
        parts = () if whole else range(len(value) - 1, SHORTEST_SECRET - 1, -1)
        cut = next((length for length in parts if text.endswith(value[:length])), 0)
        text = text[:-cut] + HIDDEN if cut else text
    return text


def read_settings(raw: Json) -> dict[str, Value]:
    """The settings of a container as inspected. Its platform is that of its image."""
    config, host = raw.get("Config") or {}, raw.get("HostConfig") or {}
    mode = str(host.get("NetworkMode") or "default")
    settings = _read_config(config) | _read_host(host) | _read_volumes(raw)
    settings["network_mode"] = "bridge" if mode == "default" else mode
    published = host.get("PortBindings") or {}
    settings |= _some(
        "expose", sorted(port for port in config.get("ExposedPorts") or {} if port not in published)
    )
    if config.get("Image"):
        settings["image"] = canonical_image(config["Image"])
    if mode.startswith("container:"):  # it has the other's names
        settings.pop("domainname", None)
        settings.pop("hostname", None)
    if settings.get("hostname") == raw["Id"][:SHORT_ID]:
        del settings["hostname"]
    return settings


def read_image(raw: Json) -> ObservedImage:
    """An image as inspected: what containers made of it have where nothing else is said."""
    config = raw.get("Config") or {}
    settings = {
        path: value for path, value in _read_config(config).items() if path not in _NOT_INHERITED
    }
    settings |= _some("expose", sorted(config.get("ExposedPorts") or ()))
    settings |= {f"volumes.{target}": "volume:" for target in sorted(config.get("Volumes") or ())}
    platform = "/".join(part for key in ("Os", "Architecture", "Variant") if (part := raw.get(key)))
    return ObservedImage(raw["Id"], settings, platform)


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


def _read_config(config: Json) -> dict[str, Value]:
    """What a container and an image have in common."""
    settings: dict[str, Value] = {}
    for path, key in (("command", "Cmd"), ("entrypoint", "Entrypoint")):
        words = config.get(key)
        if words is not None:
            settings[path] = (words,) if isinstance(words, str) else tuple(words)
    for path, key in _CONFIG.items():
        if config.get(key) not in (None, "") and path != "image":
            settings[path] = config[key]
    environment = (entry.partition("=") for entry in config.get("Env") or ())
    settings |= {f"environment.{key}": secret_digest(key, value) for key, _, value in environment}
    settings |= prefixed("labels", without_marks(strings(config.get("Labels"))))
    health = config.get("Healthcheck") or {}
    settings |= _some("healthcheck.test", health.get("Test"))
    return settings | {
        f"healthcheck.{path}": int(health[key]) for path, key in _HEALTH.items() if health.get(key)
    }


def _read_host(host: Json) -> dict[str, Value]:
    restart = host.get("RestartPolicy") or {}
    count = restart.get("MaximumRetryCount") or 0
    settings: dict[str, Value] = {
        "privileged": bool(host.get("Privileged")),
        "publish_all": bool(host.get("PublishAllPorts")),
        "restart": (restart.get("Name") or "no") + (f":{count}" if count else ""),
    }
    if host.get("Init") is not None:
        settings["init"] = bool(host["Init"])
    if host.get("Memory"):
        settings["mem_limit"] = int(host["Memory"])
    if host.get("NanoCpus"):
        settings["cpus"] = _decimal(Decimal(host["NanoCpus"]) / _NANO)
    for path in ("cap_add", "cap_drop"):
        settings |= _some(
            path,
            sorted(
                {str(cap).upper().removeprefix("CAP_") for cap in host.get(_HOST_LISTS[path]) or ()}
            ),
        )
    settings |= _some("dns", [canonical_address(address) for address in host.get("Dns") or ()])
    settings |= _some("dns_search", host.get("DnsSearch"))
    settings |= _some("extra_hosts", sorted(host.get("ExtraHosts") or ()))
    settings |= _some("devices", sorted(map(_read_device, host.get("Devices") or ())))
    settings |= _some("ports", sorted(_read_bindings(host.get("PortBindings") or {})))
    return settings | prefixed("sysctls", strings(host.get("Sysctls")))


def _labels(raw: Json | None) -> dict[str, str]:
    return strings(((raw or {}).get("Config") or {}).get("Labels"))


def _some(path: str, items: Collection[str] | None) -> dict[str, Value]:
    return {path: tuple(items)} if items else {}


def _decimal(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _read_device(device: Json) -> str:
    return ":".join(
        str(device.get(key)) for key in ("PathOnHost", "PathInContainer", "CgroupPermissions")
    )


def _read_bindings(bindings: Json) -> Iterator[str]:
    for inside, hosts in bindings.items():
        number, _, protocol = inside.partition("/")
        for binding in hosts or ():
            yield str(
                Port(
                    int(number),
                    protocol,
                    canonical_address(binding.get("HostIp") or ""),
                    binding.get("HostPort") or "",
                )
            )


def _read_volumes(raw: Json) -> dict[str, Value]:
    host = raw.get("HostConfig") or {}
    found = dict.fromkeys((raw.get("Config") or {}).get("Volumes") or (), "volume:")
    found |= {mount["Target"]: _read_mount(mount) for mount in host.get("Mounts") or ()}
    found |= {
        target: _canonical("tmpfs", "", options or "")
        for target, options in (host.get("Tmpfs") or {}).items()
    }
    for source, target, options in map(_parts, host.get("Binds") or ()):
        found[target] = _canonical("bind" if source.startswith("/") else "volume", source, options)
    return prefixed("volumes", found)


def _canonical(kind: str, source: str, options: str) -> str:
    """As a file would say it; somebody else's options stand as they are."""
    try:
        return canonical_mount(kind, source, filter(None, options.split(",")))
    except BadValueError:
        return ":".join(filter(None, (kind, source, options)))


def _parts(bind: str) -> tuple[str, str, str]:
    source, target, options, *_ = (*bind.split(":", 2), "", "")
    return source, target, options


def _read_mount(mount: Json) -> str:
    """A mount in the long form; a volume with the name of an anonymous one is one, carried over."""
    source = str(mount.get("Source") or "")
    if mount.get("Type") == "volume" and _ANONYMOUS.fullmatch(source):
        source = ""
    given = {
        "nocopy": (mount.get("VolumeOptions") or {}).get("NoCopy"),
        "ro": mount.get("ReadOnly"),
    }
    options = ",".join(option for option, on in given.items() if on)
    return f"{mount.get('Type')}:{source}" + (f":{options}" if options else "")


def _anonymous(raw: Json) -> Iterator[tuple[str, str]]:
    """Targets and names of the volumes that nobody gave a name."""
    named = {
        target for _, target, _ in map(_parts, (raw.get("HostConfig") or {}).get("Binds") or ())
    }
    for mount in sorted(raw.get("Mounts") or (), key=lambda mount: str(mount.get("Destination"))):
        name = str(mount.get("Name") or "")
        if (
            mount.get("Type") == "volume"
            and _ANONYMOUS.fullmatch(name)
            and mount["Destination"] not in named
        ):
            yield mount["Destination"], name


def carried_volumes(raw: Json) -> list[str]:
    """Names of the anonymous volumes that a container was created with: its engine takes them for
    named ones and never removes them.
    """
    sources = (
        str(mount.get("Source") or "")
        for mount in (raw.get("HostConfig") or {}).get("Mounts") or ()
    )
    return [source for source in sources if _ANONYMOUS.fullmatch(source)]

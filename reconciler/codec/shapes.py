"""The shapes of an engine's answers, as far as anything here relies on them: whoever asks checks
the answer once, at the door (engine/).

A shape finds the first fault in a value: where it is and what it is (`.State.ExitCode is no
integer`), or nothing. What is null or absent is no fault unless it is required: readers take it for
unset. What is not named here may be anything. Whether a text is an address is not a matter of
shape: sound.py says that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..marks import TOPOLOGY
from ..settings.container_defaults import CONTAINER
from ..settings.endpoint_rows import ENDPOINT
from ..settings.network_rows import NETWORK

Shape = Callable[[Any], str]

_KINDS = {str: "text", int: "integer", bool: "boolean", dict: "object", list: "list"}
_PORT = re.compile(r"[0-9]{1,5}(/.*)?")
_LONGEST_NAME = 255


def in_words(fault: str) -> str:
    """`.State.ExitCode is no integer` -> `State.ExitCode is no integer`, ` is no object` -> `it is
    no object`.
    """
    return f"it{fault}" if fault.startswith(" ") else fault.removeprefix(".")


def kind(*kinds: type) -> Shape:
    """Exactly one of these types: a boolean is no integer."""
    wrong = f" is no {' or '.join(_KINDS[each] for each in kinds)}"
    return lambda value: "" if type(value) in kinds else wrong


def object_of(fields: Mapping[str, type | Shape], *required: str) -> Shape:
    """An object; `required` are keys with a text that is not empty."""
    plain = [(key, shape) for key, shape in fields.items() if isinstance(shape, type)]
    nested = [(key, shape) for key, shape in fields.items() if not isinstance(shape, type)]

    def find(value: Any) -> str:
        if type(value) is not dict:
            return " is no object"
        get = value.get
        for key in required:
            if type(get(key)) is not str or not value[key]:
                return f".{key} is no text"
        for key, wanted in plain:
            found = get(key)
            if type(found) is not wanted and found is not None:
                return f".{key} is no {_KINDS[wanted]}"
        for key, shape in nested:
            found = get(key)
            if found is not None and (fault := shape(found)):
                return f".{key}{fault}"
        return ""

    return find


def list_of(shape: Shape) -> Shape:
    """A list; null in it is a fault."""

    def find(value: Any) -> str:
        if type(value) is not list:
            return " is no list"
        for index, item in enumerate(value):
            if fault := shape(item):
                return f"[{index}]{fault}"
        return ""

    return find


def map_of(shape: Shape, key: re.Pattern[str] | None = None) -> Shape:
    """An object with any keys, or any of that pattern, whose values are of that shape or null."""

    def find(value: Any) -> str:
        if type(value) is not dict:
            return " is no object"
        if key and not all(map(key.fullmatch, value)):
            return " has a key that is none"
        for name, item in value.items():
            if item is not None and (fault := shape(item)):
                return f".{name}{fault}"
        return ""

    return find


def text(value: Any) -> str:
    """Text, the most frequent of all."""
    return "" if type(value) is str else " is no text"


def _name(value: Any) -> str:
    return "" if type(value) is str and len(value) <= _LONGEST_NAME else " is no name"


_texts, _words = list_of(text), kind(str, list)
_labels, _options, _any_object = map_of(text), map_of(kind(str, int, bool)), kind(dict)


def _command(value: Any) -> str:
    return _words(value) or (_texts(value) if type(value) is list else "")


# --- networks -------------------------------------------------------------------------------------

_pool = object_of({"Subnet": str, "Gateway": str, "IPRange": str, "AuxiliaryAddresses": _labels})
_ipam = object_of({"Driver": str, "Options": _options, "Config": list_of(_pool)})
network = object_of(
    {
        "Scope": str,
        "Driver": str,
        "Created": str,
        **dict.fromkeys(("Internal", "Attachable", "EnableIPv4", "EnableIPv6"), bool),
        "Labels": _labels,
        "Options": _options,
        "IPAM": _ipam,
        "ConfigFrom": object_of({"Network": str}),
        "Containers": map_of(object_of({"Name": str})),
    },
    "Id",
    "Name",
)

# --- containers -----------------------------------------------------------------------------------

_endpoint = object_of(
    {
        **dict.fromkeys(
            ("NetworkID", "EndpointID", "MacAddress", "IPAddress", "GlobalIPv6Address"), str
        ),
        **dict.fromkeys(("IPPrefixLen", "GlobalIPv6PrefixLen", "GwPriority"), int),
        "Aliases": _texts,
        "Links": _texts,
        "DriverOpts": _options,
        "IPAMConfig": object_of({"IPv4Address": str, "IPv6Address": str, "LinkLocalIPs": _texts}),
    }
)
_bindings = map_of(list_of(object_of({"HostIp": str, "HostPort": str})), _PORT)
_state = object_of(
    {
        "Status": str,
        "Running": bool,
        "Pid": int,
        "StartedAt": str,
        "ExitCode": int,
        "Health": object_of({"Status": str, "Log": list_of(object_of({"Output": str}))}),
    }
)
_raw: dict[object, type | Shape] = {
    str: str,
    int: int,
    bool: bool,
    "texts": _texts,
    "command": _command,
    "labels": _labels,
    "options": _options,
    "restart": object_of({"Name": str, "MaximumRetryCount": int}),
    "bindings": _bindings,
    "devices": list_of(
        object_of(dict.fromkeys(("PathOnHost", "PathInContainer", "CgroupPermissions"), str))
    ),
    "gpus": list_of(
        object_of(
            {
                "Driver": str,
                "Count": int,
                "DeviceIDs": _texts,
                "Capabilities": list_of(_texts),
                "Options": _labels,
            }
        )
    ),
    "ulimits": list_of(object_of({"Name": str, "Soft": int, "Hard": int})),
    "rates": list_of(object_of({"Path": str, "Rate": int})),
    "weights": list_of(object_of({"Path": str, "Weight": int})),
}
"""The shapes of the values of settings, by the `raw` of their kind."""


def _section(name: str, more: Mapping[str, type | Shape]) -> Shape:
    """`Config` or `HostConfig` of an inspect: what the rows of settings read, and more."""
    fields: dict[str, type | Shape] = dict(more)
    inside: dict[str, dict[str, type | Shape]] = {}
    for row in (*NETWORK, *ENDPOINT, *CONTAINER):
        section, _, key = row.place.partition(".")
        outer, _, inner = key.partition(".")
        if section == name and inner:
            inside.setdefault(outer, {})[inner] = _raw[row.kind.raw]
        elif section == name:
            fields[key] = _raw[row.kind.raw]
    return object_of({**fields, **{key: object_of(members) for key, members in inside.items()}})


_config = _section(
    "Config",
    {
        "MacAddress": str,
        "Env": _texts,
        "Labels": _labels,
        "ExposedPorts": _any_object,
        "Volumes": _any_object,
    },
)
_mount = object_of(
    {"Type": str, "Source": str, "ReadOnly": bool, "VolumeOptions": object_of({"NoCopy": bool})},
    "Target",
)
_host = _section(
    "HostConfig",
    {"NetworkMode": str, "Binds": _texts, "Mounts": list_of(_mount), "Tmpfs": _labels},
)
_managed = object_of(
    {
        "Image": str,
        "ImageManifestDescriptor": object_of(
            {"platform": object_of(dict.fromkeys(("os", "architecture", "variant"), str))}
        ),
        "Config": _config,
        "HostConfig": _host,
        "Mounts": list_of(object_of({"Type": str, "Name": str}, "Destination")),
    }
)
_container = object_of(
    {
        "RestartCount": int,
        "Created": str,
        "State": _state,
        "Config": object_of({"Hostname": str, "MacAddress": str, "Labels": _labels}),
        "HostConfig": object_of({"NetworkMode": str}),
        "NetworkSettings": object_of({"Ports": _bindings, "Networks": map_of(_endpoint)}),
    },
    "Id",
    "Name",
)


def container(value: Any) -> str:
    """A container as inspected; what it is run with is read only where a label says that netplan
    runs it.
    """
    fault = _container(value)
    managed = not fault and TOPOLOGY in ((value.get("Config") or {}).get("Labels") or ())
    return _managed(value) if managed else fault


listed_container = object_of(
    {
        "State": str,
        "ImageID": str,
        "Names": _texts,
        "Labels": _labels,
        "HostConfig": object_of({"NetworkMode": str}),
        "NetworkSettings": object_of({"Networks": map_of(_endpoint)}),
    },
    "Id",
)

# --- images, volumes, the engine itself -----------------------------------------------------------

image = object_of(
    {"Os": str, "Architecture": str, "Variant": str, "RepoDigests": _texts, "Config": _config}, "Id"
)
listed_image = object_of({"RepoTags": _texts, "RepoDigests": _texts}, "Id")
volume = object_of(
    {"Labels": _labels, "Name": _name, "CreatedAt": str, "Driver": str, "Options": _options}, "Name"
)
volumes = object_of({"Volumes": list_of(volume)})
created = object_of({}, "Id")
executed = object_of({"ExitCode": int, "Running": bool})
_descriptor = object_of({}, "digest")
version = object_of(
    {"MinAPIVersion": str, "Version": str, "Components": list_of(object_of({"Name": str}))},
    "ApiVersion",
)
info = object_of(
    {
        "ID": str,
        "Name": str,
        "SystemTime": str,
        "CgroupVersion": str,
        "SecurityOptions": _texts,
        "Plugins": object_of({"Network": _texts}),
        "Swarm": object_of({"LocalNodeState": str, "ControlAvailable": bool, "NodeID": str}),
    }
)
_attached = object_of({"Network": object_of({"ID": str})})
task = object_of(
    {
        "NodeID": str,
        "Status": object_of({"State": str}),
        "Spec": object_of({"NetworkAttachmentSpec": object_of({"ContainerID": str})}),
        "NetworksAttachments": list_of(_attached),
    },
    "ID",
)
"""An attachment as a swarm's manager lists it."""
_targets = list_of(object_of({"Target": str}))
service = object_of(
    {
        "Spec": object_of(
            {"Name": str, "Networks": _targets, "TaskTemplate": object_of({"Networks": _targets})}
        ),
        "Endpoint": object_of({"VirtualIPs": list_of(object_of({"NetworkID": str}))}),
    },
    "ID",
)
progress = object_of(
    {
        **dict.fromkeys(("id", "status", "error"), str),
        "errorDetail": object_of({"message": str, "code": int}),
        "progressDetail": object_of({"current": int, "total": int}),
    }
)
"""One line of what a pull says."""


def distribution(value: Any) -> str:
    """What a registry has under an image's name."""
    fault = _any_object(value) or _descriptor(value.get("Descriptor"))
    return f".Descriptor{fault}" if fault else ""

"""What to do about keys that do not belong where they stand: other tools' habits, typing errors,
right keys in wrong places.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..settings.container_defaults import CONTAINER
from . import compose_words
from .document import show

Path = tuple[str | int, ...]

_RUN = (
    "env_file",
    "tmpfs",
    "pull_policy",
    "depends_on",
    "one_shot",
    "volumes",
    "deploy",
    "label_file",
    *(row.key for row in CONTAINER if row.key != "labels"),
)
"""Keys of containers that nothing else has."""
_NETWORK = {
    "config_from": "networks made from others are not supported: write the settings themselves",
    "config_only": "networks made from others are not supported: write the settings themselves",
    "ingress": "netplan does not make the ingress network of a swarm: remove it",
    "scope": "the driver decides the scope: remove it",
    "pools": "several pools go under ipam: config:",
    "opts": "options of the driver go under 'driver_opts'",
    "options": "options of the driver go under 'driver_opts'",
}
_PLACES: dict[str, tuple[str, dict[str, str]]] = {
    "top": ("a topology", compose_words.TOP),
    "network": ("a network", _NETWORK),
    "container": ("a container", compose_words.CONTAINER),
    "endpoint": ("an attachment", compose_words.ENDPOINT),
    "ipam": ("ipam", {}),
    "pool": ("a pool", {}),
    "port": ("a port", {}),
    "mount": ("a volume", compose_words.MOUNT),
    "file": ("an env_file", compose_words.ENV_FILE),
    "device": ("a device", {}),
    "volume": ("a volume", {}),
    "external": ("external", {}),
    "healthcheck": ("a healthcheck", {}),
    "dependency": ("depends_on", {}),
    "deploy": ("deploy", compose_words.DEPLOY),
    "shared file": ("a secret or config", compose_words.SHARED_FILE),
    "expectation": (
        "an expectation",
        {"not": "write reach: false", "protocol": "write probe: tcp"},
    ),
}
_PARTS = {
    "networks": "endpoint",
    "ports": "port",
    "volumes": "mount",
    "env_file": "file",
    "devices": "device",
    "healthcheck": "healthcheck",
    "depends_on": "dependency",
}
"""What stands under these keys of a container."""
_BELONGS = {
    **dict.fromkeys(("networks", "containers", "expect"), "at the top of the file"),
    **dict.fromkeys(
        ("ipam", "enable_ipv4", "enable_ipv6", "internal", "attachable", "mtu", "external"),
        "under a network",
    ),
    **dict.fromkeys(
        ("subnet", "gateway", "ip_range", "aux_addresses"),
        "under a network, or in an entry of its ipam: config:",
    ),
    **dict.fromkeys(
        (
            "aliases",
            "ipv4_address",
            "ipv6_address",
            "link_local_ips",
            "gw_priority",
            "interface_name",
        ),
        "under a network's key in a container's 'networks'",
    ),
    **dict.fromkeys(_RUN, "under a container"),
    "optional": "under a container or an external network",
    "labels": "under a network or a container",
    "config": "under 'ipam'",
}

_MAX_LISTED = 20


def suggestion(word: str, known: Iterable[str]) -> str:
    """`: did you mean 'subnet'?`, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(word[:100], list(known), n=1, cutoff=0.6)
    return f": did you mean {show(close[0])}?" if close else ""


def unknown_key(path: Path, key: str, schema: Any) -> str:
    """The sentence for a key that the mapping at `path` does not have."""
    if len(path) == 1 and "patternErrorMessage" in schema:
        return f"the name {show(key)} cannot be used: {schema['patternErrorMessage']}"
    part = _place(path)
    place, hints = _PLACES.get(part, (repr(part), {}))
    if key in hints:
        return f"{show(key)} is not a key of {place}: {hints[key].format(key=repr(key))}"
    sentence = f"{show(key)} is not a key of {place}"
    known = schema.get("properties", {})
    if key in _BELONGS:
        return f"{sentence}: it belongs {_BELONGS[key]}"
    if meant := suggestion(key, known):
        return sentence + meant
    listed = (
        f"known are {', '.join(sorted(known))}"
        if len(known) <= _MAX_LISTED
        else "'netplan schema' tells what is known"
    )
    return f"{sentence}: remove it, or begin it with 'x-' to have it ignored; {listed}"


def _place(path: Path) -> str:
    if not path:
        return "top"
    if path[0] == "containers":
        return "container" if len(path) == 2 else _PARTS.get(str(path[2]), str(path[2]))
    if path[0] == "expect":
        return "expectation"
    if path[0] in ("secrets", "configs"):
        return "shared file"
    if path[-1] == "external":
        return "external"
    if path[0] == "volumes":
        return "volume"
    return {2: "network", 3: "ipam"}.get(len(path), "pool")

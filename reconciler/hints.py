"""What to do about keys that do not belong where they stand: other tools' habits, typing errors, right keys in wrong places."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from .document import show

Path = tuple[str | int, ...]

_RUN = (
    "command entrypoint environment env_file volumes restart hostname domainname expose privileged cap_add cap_drop devices dns dns_opt "
    "dns_search extra_hosts healthcheck init ipc labels logging mem_limit pid platform read_only secrets configs security_opt shm_size "
    "stdin_open stop_grace_period stop_signal sysctls tmpfs tty ulimits user userns_mode volumes_from working_dir deploy scale profiles "
    "image ports publish_all network_mode pull_policy links"
)
_NOT_RUN = (
    "netplan attaches containers that exist already, this version does not run them: remove {key} and start the container with docker run"
)

_TOP = {
    "services": "this is a Compose file's key: name the containers that exist under 'containers', each with its 'networks'",
    "version": "the format has no version: remove the line",
    **dict.fromkeys(("volumes", "configs", "secrets", "include"), "netplan manages networks and attachments only: remove it"),
}
_CONTAINER = {
    **dict.fromkeys(_RUN.split(), _NOT_RUN),
    "container_name": "the key above is the container's name: remove {key} and rename the key",
    "build": "netplan builds no images: remove {key}, build the image and start the container with docker run",
    "depends_on": "the containers run already, so there is no order to start them in: remove {key}",
}
_ENDPOINT = {"priority": "it orders nothing here: 'gw_priority' decides which network gives the default gateway"}
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
    "top": ("a topology", _TOP),
    "network": ("a network", _NETWORK),
    "container": ("a container", _CONTAINER),
    "endpoint": ("an attachment", _ENDPOINT),
    "ipam": ("ipam", {}),
    "pool": ("a pool", {}),
}
_BELONGS = {
    **dict.fromkeys(("networks", "containers"), "at the top of the file"),
    **dict.fromkeys(("ipam", "enable_ipv4", "enable_ipv6", "internal", "attachable", "mtu", "external"), "under a network"),
    **dict.fromkeys(("subnet", "gateway", "ip_range", "aux_addresses"), "under a network, or in an entry of its ipam: config:"),
    **dict.fromkeys(
        ("aliases", "ipv4_address", "ipv6_address", "mac_address", "link_local_ips", "gw_priority", "interface_name"),
        "under a network's key in a container's 'networks'",
    ),
    "optional": "under a container",
    "config": "under 'ipam'",
}


def suggestion(word: str, known: Iterable[str]) -> str:
    """`: did you mean 'subnet'?`, or nothing."""
    close = get_close_matches(word[:100], list(known), n=1, cutoff=0.6)
    return f": did you mean {show(close[0])}?" if close else ""


def unknown_key(path: Path, key: str, schema: Any) -> str:
    """The sentence for a key that the mapping at `path` does not have."""
    if path in (("networks",), ("containers",)):
        return f"the name {show(key)} cannot be used: {schema['patternErrorMessage']}"
    place, hints = _PLACES[_place(path)]
    if key in hints:
        return f"{show(key)} is not a key of {place}: {hints[key].format(key=repr(key))}"
    sentence = f"{show(key)} is not a key of {place}"
    known = schema.get("properties", {})
    if key in _BELONGS:
        return f"{sentence}: it belongs {_BELONGS[key]}"
    if meant := suggestion(key, known):
        return sentence + meant
    return f"{sentence}: remove it, or begin it with 'x-' to have it ignored; known are {', '.join(sorted(known))}"


def _place(path: Path) -> str:
    if not path:
        return "top"
    if path[0] == "containers":
        return "container" if len(path) == 2 else "endpoint"
    return {2: "network", 3: "ipam"}.get(len(path), "pool")

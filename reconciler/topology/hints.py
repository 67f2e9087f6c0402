"""What to do about keys that do not belong where they stand: other tools' habits, typing errors, right keys in wrong places."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from .document import show

Path = tuple[str | int, ...]

_RUN = (
    "image command entrypoint environment env_file hostname domainname user working_dir ports publish_all expose volumes tmpfs cap_add "
    "cap_drop privileged sysctls devices dns dns_search extra_hosts restart init healthcheck stop_grace_period mem_limit cpus pull_policy "
    "platform network_mode depends_on one_shot"
)
_NOT_YET = (
    "annotations attach blkio_config cgroup cgroup_parent configs cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime "
    "cpu_shares cpuset credential_spec deploy develop device_cgroup_rules dns_opt extends external_links gpus group_add ipc isolation "
    "label_file links logging mem_reservation mem_swappiness memswap_limit models oom_kill_disable oom_score_adj pid pids_limit post_start "
    "pre_stop profiles provider read_only runtime scale secrets security_opt shm_size stdin_open stop_signal storage_opt tty ulimits "
    "use_api_socket userns_mode uts volumes_from"
)

_TOP = {
    "services": "this is a Compose file's key: rename it to 'containers'",
    **dict.fromkeys(("configs", "secrets", "include", "models"), "this version does not support it: remove it"),
}
_CONTAINER = {
    **dict.fromkeys(_NOT_YET.split(), "this version does not support it: remove {key}"),
    "links": "this version does not support it: containers of one network find each other by name, remove {key}",
    "build": "netplan builds no images: remove {key}, build the image and name it with 'image'",
    "mac_address": "an address belongs to an attachment: put it under the network's key in 'networks'",
}
_MOUNT = {
    "consistency": "it has no effect on Linux: remove {key}",
    "image": "images cannot be mounted yet: remove {key}",
    **dict.fromkeys(("subpath", "labels", "recursive"), "this version does not support it: remove {key}"),
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
    "port": ("a port", {}),
    "mount": ("a volume", _MOUNT),
    "file": ("an env_file", {}),
    "device": ("a device", {}),
    "volume": ("a volume", {}),
    "external": ("external", {}),
    "healthcheck": ("a healthcheck", {}),
    "dependency": ("depends_on", {}),
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
    **dict.fromkeys(("networks", "containers"), "at the top of the file"),
    **dict.fromkeys(("ipam", "enable_ipv4", "enable_ipv6", "internal", "attachable", "mtu", "external"), "under a network"),
    **dict.fromkeys(("subnet", "gateway", "ip_range", "aux_addresses"), "under a network, or in an entry of its ipam: config:"),
    **dict.fromkeys(
        ("aliases", "ipv4_address", "ipv6_address", "mac_address", "link_local_ips", "gw_priority", "interface_name"),
        "under a network's key in a container's 'networks'",
    ),
    **dict.fromkeys((*_RUN.split(), "optional"), "under a container"),
    "labels": "under a network or a container",
    "config": "under 'ipam'",
}

_MAX_LISTED = 20


def suggestion(word: str, known: Iterable[str]) -> str:
    """`: did you mean 'subnet'?`, or nothing."""
    close = get_close_matches(word[:100], list(known), n=1, cutoff=0.6)
    return f": did you mean {show(close[0])}?" if close else ""


def unknown_key(path: Path, key: str, schema: Any) -> str:
    """The sentence for a key that the mapping at `path` does not have."""
    if path in (("networks",), ("containers",), ("volumes",)):
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
    listed = f"known are {', '.join(sorted(known))}" if len(known) <= _MAX_LISTED else "'netplan schema' tells what is known"
    return f"{sentence}: remove it, or begin it with 'x-' to have it ignored; {listed}"


def _place(path: Path) -> str:
    if not path:
        return "top"
    if path[0] == "containers":
        return "container" if len(path) == 2 else _PARTS[str(path[2])]
    if path[-1] == "external":
        return "external"
    if path[0] == "volumes":
        return "volume"
    return {2: "network", 3: "ipam"}.get(len(path), "pool")

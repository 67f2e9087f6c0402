"""The values of settings, and the canonical forms that both sides of a comparison go through.

What a network, a container or an endpoint is set to are its settings: a flat mapping from path to
canonical value, the same paths for desired and observed, so that comparing, hashing and explaining
are dictionary work. A path that is absent is unset.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface, ip_network
from typing import Literal

Value = str | int | bool | tuple[str, ...]
Settings = Mapping[str, Value]
Family = Literal["ipv4", "ipv6"]

FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")
ADDRESS_PATHS: tuple[tuple[str, Family], ...] = (("ipv4_address", "ipv4"), ("ipv6_address", "ipv6"))
"""An endpoint's static addresses: path and family."""
STATIC = tuple(path for path, _ in ADDRESS_PATHS)

NETWORK_DEFAULTS: Mapping[str, Value] = {
    "driver": "bridge",
    "internal": False,
    "attachable": False,
    "enable_ipv4": True,
    "enable_ipv6": False,
    "ipam.driver": "default",
}
"""What a network has where its file says nothing."""

MTU_OPTION = "com.docker.network.driver.mtu"
BRIDGE_NAME_OPTION = "com.docker.network.bridge.name"
VXLAN_OPTION = "com.docker.network.driver.overlay.vxlanid_list"
"""The tunnel IDs of an overlay network, one for each subnet: the engine chooses those that nobody
declares, as it does subnets.
"""
IFNAME_OPTION = "com.docker.network.endpoint.ifname"
SYSCTLS_OPTION = "com.docker.network.endpoint.sysctls"


class BadValueError(ValueError):
    """A value that means nothing: what is wrong with it, and what to write."""


@lru_cache(maxsize=1 << 16)
def address_of(text: str) -> IPv4Address | IPv6Address:
    """`ip_address`, which takes its time, once for each text."""
    return ip_address(text)


@lru_cache(maxsize=1 << 16)
def canonical_address(text: str) -> str:
    """`FD00::09` -> `fd00::9`; a trailing prefix length is cut. Text that is no address comes back
    as it is.
    """
    try:
        return str(ip_interface(text).ip if "/" in text else address_of(text))
    except ValueError:
        return text


def canonical_prefix(text: str) -> str:
    """`FD00:0:0::/64` -> `fd00::/64`, host bits masked. Text that is no prefix comes back as it
    is.
    """
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        return text


def canonical_mac(text: str) -> str:
    """`02-42-C0-A8-00-09` -> `02:42:c0:a8:00:09`."""
    return text.lower().replace("-", ":")


def canonical_option(value: object) -> str:
    """A driver option as the engine would spell it: strings only, booleans in lower case, nothing
    for null.
    """
    if value is None:
        return ""
    text = str(value)
    return text.lower() if text.lower() in ("true", "false") else text


def family_of(prefix_or_address: str) -> Family:
    """Which family an address or prefix belongs to."""
    return "ipv6" if ":" in prefix_or_address else "ipv4"


def canonical_image(text: str) -> str:
    """An image's reference in the engine's familiar form, with its tag: `docker.io/library/busybox`
    -> `busybox:latest`.
    """
    name = text.removeprefix("index.docker.io/").removeprefix("docker.io/").removeprefix("library/")
    return name if "@" in name or ":" in name.rpartition("/")[2] else f"{name}:latest"


def subtree(settings: Settings, prefix: str) -> dict[str, str]:
    """`{"labels.a": "1"}`, `labels` -> `{"a": "1"}`; in order of key."""
    start = len(prefix) + 1
    return {
        path[start:]: str(settings[path])
        for path in sorted(settings)
        if path.startswith(prefix + ".")
    }

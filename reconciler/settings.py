"""What a network, a container or an endpoint is set to: its *settings*.

They are a flat mapping from path to canonical value, the same paths for desired and observed, so
that comparing, hashing, explaining and overlaying are dictionary work. A path that is absent is
unset.

Network paths
    ``driver`` ``internal`` ``attachable`` ``enable_ipv4`` ``enable_ipv6`` ``ipam.driver``
    ``ipam.options.K`` ``ipv4.subnet`` (always a tuple, sorted) ``ipv4.gateway`` ``ipv4.ip_range``
    ``ipv4.aux_addresses.K``, the same under ``ipv6``; with several pools in one family
    ``ipv4.gateway[10.7.0.0/24]`` and so on; ``driver_opts.K`` ``labels.K``
Container paths (of a container that a topology runs)
    ``image`` ``command`` ``entrypoint`` (tuples of words) ``hostname`` ``domainname`` ``user``
    ``working_dir`` ``restart`` ``environment.K`` (a digest: the value itself is a secret)
    ``labels.K`` ``sysctls.K`` ``ports`` (sorted, `127.0.0.1:8080->80/tcp`) ``publish_all``
    ``expose`` (sorted, `80/tcp`) ``volumes.TARGET`` (`bind:/host:ro`, `volume:NAME`, `volume:`,
    `tmpfs:`) ``cap_add`` ``cap_drop`` ``devices`` ``extra_hosts`` (sorted) ``dns`` ``dns_search``
    (in order) ``privileged`` ``init`` ``mem_limit`` (bytes) ``cpus`` (decimal text)
    ``stop_grace_period`` (seconds) ``healthcheck.test`` (a tuple, `("NONE",)` is none)
    ``healthcheck.retries`` ``healthcheck.interval`` ``.timeout`` ``.start_period``
    ``.start_interval`` (nanoseconds) ``platform`` ``network_mode`` (`bridge`, `host`, `none`,
    `container:NAME`)
Endpoint paths
    ``ipv4_address`` ``ipv6_address`` (configured, never dynamic) ``aliases`` ``link_local_ips``
    ``links`` (sorted tuples) ``mac_address`` ``gw_priority`` ``interface_name`` ``driver_opts.K``

``mtu`` is ``driver_opts.com.docker.network.driver.mtu`` and ``interface_name`` is never also in
``driver_opts``. netplan's own labels and driver options are marks (marks.py), never settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Literal

from .records import dataclass

Value = str | int | bool | tuple[str, ...]
Settings = Mapping[str, Value]
Family = Literal["ipv4", "ipv6"]

FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")
ADDRESS_PATHS: tuple[tuple[str, Family], ...] = (("ipv4_address", "ipv4"), ("ipv6_address", "ipv6"))
"""An endpoint's static addresses: path and family."""
STATIC = tuple(path for path, _ in ADDRESS_PATHS)

MTU_OPTION = "com.docker.network.driver.mtu"
BRIDGE_NAME_OPTION = "com.docker.network.bridge.name"
VXLAN_OPTION = "com.docker.network.driver.overlay.vxlanid_list"
"""The tunnel IDs of an overlay network, one for each subnet: the engine chooses those that nobody
declares, as it does subnets.
"""
IFNAME_OPTION = "com.docker.network.endpoint.ifname"
SYSCTLS_OPTION = "com.docker.network.endpoint.sysctls"

_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("ipv4.subnet", "ipv6.subnet", "aliases", "link_local_ips", "links"), tuple),
    **dict.fromkeys(
        (
            "command",
            "entrypoint",
            "ports",
            "expose",
            "cap_add",
            "cap_drop",
            "devices",
            "extra_hosts",
        ),
        tuple,
    ),
    **dict.fromkeys(("dns", "dns_search", "healthcheck.test"), tuple),
    **dict.fromkeys(
        (
            "internal",
            "attachable",
            "enable_ipv4",
            "enable_ipv6",
            "publish_all",
            "privileged",
            "init",
        ),
        bool,
    ),
    **dict.fromkeys(
        (
            "gw_priority",
            "mem_limit",
            "stop_grace_period",
            "healthcheck.retries",
            "healthcheck.interval",
        ),
        int,
    ),
    **dict.fromkeys(
        ("healthcheck.timeout", "healthcheck.start_period", "healthcheck.start_interval"), int
    ),
}
"""What the values of a path are where they are not text."""


def fits(path: str, value: object) -> bool:
    """Whether a path can have such a value."""
    kind = _KINDS.get(path, str)
    return type(value) is kind and (kind is not tuple or all(type(item) is str for item in value))  # type: ignore[attr-defined]


# --- canonical forms: both sides of every comparison go through these -----------------------------


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


# --- pools ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Pool:
    """One range of addresses that a network hands out; every part canonical. `aux_addresses` is
    sorted by host.
    """

    subnet: str
    gateway: str | None = None
    ip_range: str | None = None
    aux_addresses: tuple[tuple[str, str], ...] = ()


def pool_settings(pools: Iterable[Pool]) -> dict[str, Value]:
    """Pools as settings."""
    result: dict[str, Value] = {}
    by_family: dict[str, list[Pool]] = {}
    for pool in pools:
        by_family.setdefault(family_of(pool.subnet), []).append(pool)
    for family, members in sorted(by_family.items()):
        result[f"{family}.subnet"] = tuple(sorted(pool.subnet for pool in members))
        for pool in sorted(members):
            where = f"[{pool.subnet}]" if len(members) > 1 else ""
            if pool.gateway:
                result[f"{family}.gateway{where}"] = pool.gateway
            if pool.ip_range:
                result[f"{family}.ip_range{where}"] = pool.ip_range
            for host, address in pool.aux_addresses:
                result[f"{family}.aux_addresses{where}.{host}"] = address
    return result


def settings_pools(settings: Settings) -> tuple[Pool, ...]:
    """The inverse of `pool_settings`: IPv4 first, then IPv6, each by subnet."""
    return tuple(_pools(settings))


def _pools(settings: Settings) -> Iterator[Pool]:
    for family in FAMILIES:
        subnets = settings.get(f"{family}.subnet", ())
        assert isinstance(subnets, tuple)
        for subnet in subnets:
            where = f"[{subnet}]" if len(subnets) > 1 else ""
            aux = f"{family}.aux_addresses{where}."
            yield Pool(
                subnet,
                _text(settings.get(f"{family}.gateway{where}")),
                _text(settings.get(f"{family}.ip_range{where}")),
                tuple(
                    sorted(
                        (path[len(aux) :], str(value))
                        for path, value in settings.items()
                        if path.startswith(aux)
                    )
                ),
            )


def _text(value: Value | None) -> str | None:
    return None if value is None else str(value)


def subtree(settings: Settings, prefix: str) -> dict[str, str]:
    """`{"labels.a": "1"}`, `labels` -> `{"a": "1"}`; in order of key."""
    start = len(prefix) + 1
    return {
        path[start:]: str(settings[path])
        for path in sorted(settings)
        if path.startswith(prefix + ".")
    }


def implicit_gateway(
    subnet: IPv4Network | IPv6Network, ip_range: IPv4Network | IPv6Network | None
) -> IPv4Address | IPv6Address | None:
    """The address that an engine takes as gateway when none is declared: the first that can be
    given of what it hands out.

    Measured on Docker 20.10 and 28.5: the first of `ip_range` if there is one; in a /31 the very
    first address.
    """
    first = (ip_range or subnet).network_address
    small = subnet.version == 4 and subnet.prefixlen >= 31
    if first == subnet.network_address and not small:
        first += 1
    usable = first in subnet and (small or subnet.version == 6 or first != subnet.broadcast_address)
    return first if usable else None


def chosen(settings: Settings) -> Settings:
    """A network's settings without a gateway that the engine takes by itself: some engines tell it
    only after their next start.
    """
    own = [
        path
        for family in FAMILIES
        if (path := f"{family}.gateway") in settings and _own_gateway(settings, family)
    ]
    return {path: value for path, value in settings.items() if path not in own} if own else settings


def _own_gateway(settings: Settings, family: str) -> bool:
    subnets, ip_range = settings.get(f"{family}.subnet"), settings.get(f"{family}.ip_range")
    if not isinstance(subnets, tuple) or len(subnets) != 1:
        return False
    gateway = implicit_gateway(
        ip_network(subnets[0]), ip_network(str(ip_range)) if ip_range else None
    )
    return settings[f"{family}.gateway"] == str(gateway)

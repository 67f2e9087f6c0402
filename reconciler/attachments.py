"""What a schema cannot say about containers and their attachments. As in checks.py, nothing is trusted to fit the schema."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from .addresses import Address, BadAddressError, address
from .checks import NetworkFacts, check_options
from .document import Map, Odd, Seq, show
from .model import IFNAME_OPTION, canonical_mac
from .report import Report, mapping, members, text
from .schema import flag

_MODES = "a container has that mode from its creation, so it cannot be attached: remove it"
_STATIC = {"ipv4_address": 4, "ipv6_address": 6}

Used = dict[tuple[str, str], tuple[str, int]]


def attachments(body: Map) -> Iterator[tuple[str, int, Map]]:
    """Network's key, position and settings of each attachment of a container, in either form."""
    declared = body.get("networks")
    if isinstance(declared, Map):
        for key, at, value in members(declared):
            yield key, at, value if isinstance(value, Map) else Map(at)
    elif isinstance(declared, Seq):
        for index, item in enumerate(declared):
            if isinstance(item, str) and type(item) is not Odd:
                yield item, declared.value_at(index), Map(declared.value_at(index))


def check_containers(report: Report, containers: Map, networks: dict[str, NetworkFacts]) -> None:
    """Reports what is wrong with the containers' attachments."""
    addresses: Used = {}
    macs: Used = {}
    for name, _, body in members(containers):
        if not isinstance(body, Map):
            continue
        seen: dict[str, int] = {}
        interfaces: dict[str, str] = {}
        for key, at, settings in attachments(body):
            if key in seen:
                report.error(
                    at, f"{show(name)} is attached to {show(key)} twice: the first is in line {report.line(seen[key])}, remove one"
                )
                continue
            seen[key] = at
            _check_network(report, key, at, settings, networks)
            if settings:
                _check_settings(report, name, key, settings, networks, addresses, macs)
                _check_interface(report, key, settings, interfaces)


def _check_network(report: Report, key: str, at: int, settings: Map, networks: dict[str, NetworkFacts]) -> None:
    """The network must be declared; `bridge` need not be, but it knows no names and no static addresses."""
    if key == "bridge":
        for setting in ("aliases", *_STATIC):
            if settings.get(setting):
                message = (
                    f"{show(setting)} on the engine's own network 'bridge', which has no names and no static addresses: declare a network"
                )
                report.error(settings.key_at(setting), message)
    elif key not in networks:
        report.error(at, _undeclared(key, networks))


def _undeclared(key: str, networks: dict[str, NetworkFacts]) -> str:
    sentence = f"network {show(key)} is not declared"
    if key in ("host", "none") or key.startswith("container:"):
        return f"{show(key)} is no network: {_MODES}"
    if key == "default":
        return f"{sentence}: Compose makes one of that name by itself, here each is declared under 'networks'"
    for network in networks.values():
        if network.name == key:
            return f"{sentence}: attachments name the key, did you mean {show(network.key)}?"
    if close := get_close_matches(key[:100], networks, n=1):
        return f"{sentence}: did you mean {show(close[0])}?"
    return f"{sentence}: declare it under 'networks', with external: true if it exists already"


def _check_settings(
    report: Report, container: str, key: str, settings: Map, networks: dict[str, NetworkFacts], addresses: Used, macs: Used
) -> None:
    for setting, version in _STATIC.items():
        if (written := text(settings, setting)) is not None:
            _check_static(report, container, key, settings, setting, written, version, networks.get(key), addresses)
    if (mac := text(settings, "mac_address")) is not None:
        _check_mac(report, container, key, settings.value_at("mac_address"), mac, macs)
    links: Any = settings.get("link_local_ips")
    for index, item in enumerate(links if isinstance(links, Seq) else ()):
        if isinstance(item, str) and type(item) is not Odd:
            _parse(report, links.value_at(index), item, 0)
    check_options(report, mapping(settings, "driver_opts"))


def _parse(report: Report, at: int, written: str, version: int) -> Address | None:
    try:
        return address(written, version)
    except BadAddressError as error:
        report.error(at, str(error))
        return None


def _check_static(
    report: Report,
    container: str,
    key: str,
    settings: Map,
    setting: str,
    written: str,
    version: int,
    network: NetworkFacts | None,
    used: Used,
) -> None:
    at = settings.value_at(setting)
    found = _parse(report, at, written, version)
    if found is None:
        return
    _check_once(report, used, (key, str(found)), container, at, f"the address {found}")
    if network is not None and not network.external:
        _check_in_pool(report, at, found, network)


def _check_in_pool(report: Report, at: int, found: Address, network: NetworkFacts) -> None:
    pools = [pool for pool in network.pools if pool.subnet.version == found.version]
    pool = next((pool for pool in pools if found in pool.subnet), None)
    if pool is not None:
        if found in pool.taken:
            report.error(at, f"{found} is {pool.taken[found]}: choose another address in {pool.subnet}")
        elif pool.ip_range is not None and found in pool.ip_range:
            report.warn(at, f"{found} is inside the range {pool.ip_range} of dynamic addresses: another container may get it first")
    elif not network.certain:
        return
    elif pools:
        subnets = ", ".join(str(pool.subnet) for pool in pools)
        report.error(at, f"{found} is outside the subnet {subnets} of network {show(network.key)}: choose an address inside it")
    else:
        report.error(
            at, f"network {show(network.key)} declares no IPv{found.version} subnet, which a static address needs: add one to the network"
        )


def _check_once(report: Report, used: Used, what: tuple[str, str], container: str, at: int, name: str) -> None:
    """An address or a MAC belongs to one endpoint of a network."""
    other, other_at = used.setdefault(what, (container, at))
    if (other, other_at) != (container, at):
        where = f"{show(other)} in line {report.line(other_at)}"
        report.error(at, f"{name} on network {show(what[0])} is that of {where} already: choose another")


def _check_mac(report: Report, container: str, key: str, at: int, written: str, used: Used) -> None:
    mac = canonical_mac(written)
    first = mac.partition(":")[0]
    try:
        group = int(first, 16) & 1
    except ValueError:
        return
    if group or not mac.strip("0:"):
        report.error(at, f"{show(written)} cannot belong to one interface: the first pair must be even, such as 02, and not all may be 0")
        return
    _check_once(report, used, (key, mac), container, at, f"the MAC address {mac}")


def _check_interface(report: Report, key: str, settings: Map, interfaces: dict[str, str]) -> None:
    """The interface's name, in its two spellings; within a container each is used once."""
    options = mapping(settings, "driver_opts")
    if settings.get("interface_name") is not None and IFNAME_OPTION in options:
        at = settings.key_at("interface_name")
        report.error(at, f"'interface_name' stands beside the driver option {IFNAME_OPTION!r}, which it is short for: remove one of them")
        return
    body, setting = (options, IFNAME_OPTION) if IFNAME_OPTION in options else (settings, "interface_name")
    if (name := text(body, setting)) is not None and (other := interfaces.setdefault(name, key)) != key:
        report.error(
            body.value_at(setting), f"the interface name {show(name)} is that of the attachment to {show(other)} already: choose another"
        )


def optional(body: Any) -> bool:
    """Whether a container may be missing."""
    return isinstance(body, Map) and flag(body.get("optional")) is True

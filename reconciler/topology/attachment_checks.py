"""What a schema cannot say about containers and their attachments. As in network_checks.py, nothing
is trusted to fit the schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..network_mode import read_mode
from ..settings import IFNAME_OPTION, canonical_mac
from .addresses import Address, BadAddressError, address
from .document import Map, Odd, Seq, show
from .engine_names import DEFAULT, warn_of_long_name
from .hints import suggestion
from .network_checks import NetworkFacts, check_options
from .report import Report, mapping, members, text
from .schema import flag

_MODES = "a container has that mode from its creation, so it cannot be attached: remove it"
STATIC = {"ipv4_address": 4, "ipv6_address": 6}
"""The settings that are static addresses, with their versions."""

_MAX_SUGGESTIONS = 50


def attachments(body: Map) -> Iterator[tuple[str, int, Map]]:
    """Network's key, position and settings of each attachment of a container, in either form."""
    own = body if text(body, "mac_address") and "image" in body else None
    for key, at, settings in _attachments(body.get("networks")):
        yield key, at, _with_mac(settings, own) if own else settings
        own = None


def implied(body: Map) -> Map:
    """The settings of the attachment that a container has where it declares none."""
    return _with_mac(Map(), body) if text(body, "mac_address") else Map()


def _attachments(declared: Any) -> Iterator[tuple[str, int, Map]]:
    if isinstance(declared, Map):
        for key, at, value in members(declared):
            yield key, at, value if isinstance(value, Map) else Map(at)
    elif isinstance(declared, Seq):
        for index, item in enumerate(declared):
            if isinstance(item, str) and type(item) is not Odd:
                yield item, declared.value_at(index), Map(declared.value_at(index))


def _with_mac(settings: Map, container: Map) -> Map:
    """Settings of the first attachment, with the MAC address of its container."""
    if settings.get("mac_address") is not None:
        return settings
    found = Map(settings.start)
    for source, keys in ((settings, tuple(settings)), (container, ("mac_address",))):
        for key in keys:
            found.put(key, source.key_at(key), source[key], source.value_at(key))
    return found


def check_containers(report: Report, containers: Map, networks: dict[str, NetworkFacts]) -> None:
    """Reports what is wrong with the containers' attachments."""
    checker = _Checker(report, networks)
    for name, _, body in members(containers):
        if isinstance(body, Map):
            checker.container(name, body)


class _Checker:
    """Goes through the containers and remembers what may be used only once."""

    def __init__(self, report: Report, networks: dict[str, NetworkFacts]) -> None:
        self.report = report
        self.networks = networks
        self.keys = {network.name: network.key for network in networks.values()}
        self.used: dict[tuple[str, str], tuple[str, int]] = {}
        self.misses = 0

    def container(self, name: str, body: Map) -> None:
        """All attachments of one container."""
        seen: dict[str, int] = {}
        interfaces: dict[str, str] = {}
        self.long_names(body)
        for key, at, settings in attachments(body):
            if key in seen:
                where = f"the first is in line {self.report.line(seen[key])}, remove one"
                self.report.error(at, f"{show(name)} is attached to {show(key)} twice: {where}")
                continue
            seen[key] = at
            if key == "bridge":
                self.default_bridge(settings)
            elif key not in self.networks:
                self.report.error(at, self.undeclared(key, "image" in body))
            if settings:
                self.settings(name, key, settings)
                self.interface(key, settings, interfaces)
        if "image" in body and text(body, "mac_address") is not None:
            self.own_mac(name, body)

    def own_mac(self, name: str, body: Map) -> None:
        """The container's own MAC address, which is that of its first attachment."""
        mac, first = text(body, "mac_address") or "", next(attachments(body), None)
        if first is None and body.get("networks") is None:
            key = DEFAULT if DEFAULT in self.networks else "bridge"
            self.mac(name, key, body.value_at("mac_address"), mac)
        elif first and canonical_mac(str(first[2].get("mac_address"))) != canonical_mac(mac):
            where = f"that of its attachment to {show(first[0])} is another: remove one of them"
            self.report.error(
                body.key_at("mac_address"), f"'mac_address' is {show(mac)}, and {where}"
            )

    def long_names(self, body: Map) -> None:
        """Aliases that are longer than a part of a DNS name can be."""
        for _, _, settings in attachments(body):
            aliases: Any = settings.get("aliases")
            for index, alias in enumerate(aliases if isinstance(aliases, Seq) else ()):
                warn_of_long_name(self.report, aliases.value_at(index), alias, "alias")

    def default_bridge(self, settings: Map) -> None:
        """`bridge` need not be declared, but it knows no names and no static addresses."""
        for setting in ("aliases", *STATIC):
            if settings.get(setting):
                why = "which has no names and no static addresses: declare a network"
                self.report.error(
                    settings.key_at(setting),
                    f"{show(setting)} on the engine's own network 'bridge', {why}",
                )

    def undeclared(self, key: str, managed: bool) -> str:
        """The sentence for an attachment to nothing. Only the first ones get a suggestion: looking
        for it takes time.
        """
        sentence = f"network {show(key)} is not declared"
        if read_mode(key).kind in ("host", "none", "container"):
            mode = f"it is a mode, write network_mode: {key} in place of networks"
            return f"{show(key)} is not a network: {mode if managed else _MODES}"
        if key == "default":
            return (
                f"{sentence}: Compose makes that one by itself; here, add default: {{}} under"
                " 'networks'"
            )
        if key in self.keys:
            return f"{sentence}: attachments name the key, did you mean {show(self.keys[key])}?"
        self.misses += 1
        if self.misses <= _MAX_SUGGESTIONS and (meant := suggestion(key, self.networks)):
            return sentence + meant
        return f"{sentence}: declare it under 'networks', with external: true if it exists already"

    def settings(self, container: str, key: str, settings: Map) -> None:
        """One attachment's addresses and options."""
        for setting, version in STATIC.items():
            if (written := text(settings, setting)) is not None:
                self.static(container, key, settings.value_at(setting), written, version)
        if (mac := text(settings, "mac_address")) is not None:
            self.mac(container, key, settings.value_at("mac_address"), mac)
        links: Any = settings.get("link_local_ips")
        for index, item in enumerate(links if isinstance(links, Seq) else ()):
            if isinstance(item, str) and type(item) is not Odd:
                self.parse(links.value_at(index), item, 0)
        check_options(self.report, mapping(settings, "driver_opts"))

    def parse(self, at: int, written: str, version: int) -> Address | None:
        """The address, or None and a report."""
        try:
            return address(written, version)
        except BadAddressError as error:
            self.report.error(at, str(error))
            return None

    def static(self, container: str, key: str, at: int, written: str, version: int) -> None:
        """A static address is used once, and free in a subnet that the network declares."""
        if (found := self.parse(at, written, version)) is None:
            return
        self.once((key, str(found)), container, at, f"the address {found}")
        network = self.networks.get(key)
        if network is not None and not network.external:
            self.in_pool(at, found, network)

    def in_pool(self, at: int, found: Address, network: NetworkFacts) -> None:
        """What the network's pools say about an address."""
        pools = [pool for pool in network.pools if pool.subnet.version == found.version]
        pool = next((pool for pool in pools if found in pool.subnet), None)
        if pool is not None:
            if found in pool.taken:
                self.report.error(
                    at, f"{found} is {pool.taken[found]}: choose another address in {pool.subnet}"
                )
            elif pool.ip_range is not None and found in pool.ip_range:
                why = "another container may get it first"
                self.report.warn(
                    at, f"{found} is inside the range {pool.ip_range} of dynamic addresses: {why}"
                )
        elif network.certain and pools:
            subnets = ", ".join(str(pool.subnet) for pool in pools)
            self.report.error(
                at,
                f"{found} is outside the subnet {subnets} of network {show(network.key)}: choose an"
                " address inside it",
            )
        elif network.certain:
            what = f"no IPv{found.version} subnet, which a static address needs"
            self.report.error(
                at, f"network {show(network.key)} declares {what}: add one to the network"
            )

    def mac(self, container: str, key: str, at: int, written: str) -> None:
        """A MAC address is that of one interface, and used once."""
        mac = canonical_mac(written)
        try:
            group = int(mac[:2], 16) & 1
        except ValueError:
            return
        if group or not mac.strip("0:"):
            why = "the first pair must be even, such as 02, and not all may be 0"
            self.report.error(at, f"{show(written)} cannot belong to one interface: {why}")
        else:
            self.once((key, mac), container, at, f"the MAC address {mac}")

    def once(self, what: tuple[str, str], container: str, at: int, name: str) -> None:
        """An address or a MAC belongs to one endpoint of a network."""
        other, other_at = self.used.setdefault(what, (container, at))
        if (other, other_at) != (container, at):
            where = f"{show(other)} in line {self.report.line(other_at)}"
            self.report.error(
                at, f"{name} on network {show(what[0])} is already used by {where}: choose another"
            )

    def interface(self, key: str, settings: Map, interfaces: dict[str, str]) -> None:
        """The interface's name, in its two spellings; within a container each is used once."""
        options = mapping(settings, "driver_opts")
        if settings.get("interface_name") is not None and IFNAME_OPTION in options:
            why = (
                f"is set together with the driver option {IFNAME_OPTION!r}, which sets the same:"
                " remove one of them"
            )
            self.report.error(settings.key_at("interface_name"), f"'interface_name' {why}")
            return
        body, setting = (
            (options, IFNAME_OPTION) if IFNAME_OPTION in options else (settings, "interface_name")
        )
        if (name := text(body, setting)) is not None and (
            other := interfaces.setdefault(name, key)
        ) != key:
            why = f"is already used by the attachment to {show(other)}: choose another"
            self.report.error(body.value_at(setting), f"the interface name {show(name)} {why}")


def optional(body: Any) -> bool:
    """Whether a container may be missing."""
    return isinstance(body, Map) and flag(body.get("optional")) is True

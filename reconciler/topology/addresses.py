"""Addresses as users write them: what is wrong with one, in words, and what was probably meant."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from .document import show

Address = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network

_NETMASK = re.compile(r"[0-9.]+/[0-9]+\.[0-9.]+\Z")


class BadAddressError(ValueError):
    """The text is not what it should be; the message says what to write."""


def prefix(text: str, what: str = "a subnet") -> Prefix:
    """A subnet or range in CIDR notation without host bits; raises BadAddressError."""
    try:
        if "/" in text and "%" not in text and not _NETMASK.match(text):
            return ip_network(text)
    except ValueError:
        pass
    raise BadAddressError(f"{show(text)} {_prefix_fault(text, what)}")


def _prefix_fault(text: str, what: str) -> str:
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        return f"is not {what}: write it like 10.7.0.0/24 or fd00:7::/64"
    if "%" in text:
        return f"names an interface: {what} has none"
    if "/" not in text:
        return f"has no prefix length: {what} is written like {_likely_length(meant)}"
    if _NETMASK.match(text):
        return f"has a netmask instead of a prefix length: did you mean {meant}?"
    return f"has host bits set: did you mean {meant}?"


def _likely_length(single: Prefix) -> str:
    length = 24 if single.version == 4 else 64
    return str(ip_network(f"{single.network_address}/{length}", strict=False))


def address(text: str, version: int = 0, what: str = "an address") -> Address:
    """An address without a prefix length, of that IP version if one is given; raises
    BadAddressError.
    """
    try:
        found = ip_address(text)
    except ValueError:
        raise BadAddressError(f"{show(text)} {_address_fault(text, what)}") from None
    if "%" in text:
        raise BadAddressError(f"{show(text)} names an interface: {what} has none")
    if version and found.version != version:
        raise BadAddressError(
            f"{show(text)} is an IPv{found.version} address: an IPv{version} address is expected"
            " here"
        )
    return found


def _address_fault(text: str, what: str) -> str:
    bare = text.partition("/")[0]
    try:
        return (
            f"has a prefix length: {what} is written without one, did you mean {ip_address(bare)}?"
        )
    except ValueError:
        pass
    plain = re.sub(r"(?<![0-9])0+(?=[0-9])", "", text)
    try:
        return f"has leading zeros: did you mean {IPv4Address(plain)}?"
    except ValueError:
        return f"is not {what}: write it like 10.7.0.9 or fd00:7::9"


def network_and_broadcast(subnet: Prefix) -> dict[Address, str]:
    """The addresses of a subnet that no endpoint can have: the first, and in IPv4 the last; none in
    a /31 or /32.
    """
    if subnet.version == 6:
        return {subnet.network_address: "the network address"}
    if subnet.prefixlen >= 31:
        return {}
    return {
        subnet.network_address: "the network address",
        subnet.broadcast_address: "the broadcast address",
    }

"""The settings of an attachment: one row each, in the order of the documents.

Places are those of `NetworkSettings.Networks.NAME` in an inspect, and of `EndpointConfig` in a
request: `Endpoint` stands for either.
"""

from __future__ import annotations

from ..fast_dataclasses import replace
from .kinds import NUMBER, SET, TEXT, set_of
from .row import Setting
from .values import canonical_address, canonical_mac

_ADDRESS = replace(
    TEXT,
    name="address",
    schema={"type": "string"},
    parse=canonical_address,
    read=canonical_address,
)
_ADDRESSES = replace(set_of(canonical_address), name="list of addresses")
_INT = 2**31

ENDPOINT = (
    Setting(
        "aliases",
        replace(SET, name="list of names"),
        "Endpoint.Aliases",
        "Aliases",
        "More names under which the other containers of this network find this one.",
        (["web", "www"],),
        ("Alias", "One name.", "web"),
        member={
            "pattern": "^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$",
            "patternErrorMessage": (
                "an alias is letters, digits, '_', '.' and '-', and begins with a letter, a digit"
                " or '_'"
            ),
        },
    ),
    Setting(
        "ipv4_address",
        _ADDRESS,
        "Endpoint.IPAMConfig.IPv4Address",
        "Static IPv4 address",
        "Must lie in an IPv4 subnet that the network declares.",
        ("192.168.0.20",),
    ),
    Setting(
        "ipv6_address",
        _ADDRESS,
        "Endpoint.IPAMConfig.IPv6Address",
        "Static IPv6 address",
        "Must lie in an IPv6 subnet that the network declares.",
        ("fd00:7::20",),
    ),
    Setting(
        "link_local_ips",
        _ADDRESSES,
        "Endpoint.IPAMConfig.LinkLocalIPs",
        "Link-local addresses",
        "Further addresses of the interface, outside the network's pools.",
        (["169.254.9.9"],),
        ("Address", "One address without a prefix length.", "169.254.9.9"),
    ),
    Setting("links", SET, "Endpoint.Links"),
    Setting(
        "mac_address",
        replace(TEXT, schema={"type": "string"}, parse=canonical_mac, read=canonical_mac),
        "Endpoint.MacAddress",
        "MAC address",
        "Six pairs of hexadecimal digits, in quotes. Docker sets it only when a container is"
        " created: one that differs recreates a container with an image, and is refused for any"
        " other.",
        ("02:42:c0:a8:00:09",),
        schema={
            "pattern": "^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$",
            "patternErrorMessage": (
                "a MAC address is six pairs of hexadecimal digits such as '02:42:c0:a8:00:09'"
            ),
        },
    ),
    Setting(
        "gw_priority",
        NUMBER,
        "Endpoint.GwPriority",
        "Gateway priority",
        "The attachment with the highest number gives the container its default gateway. Needs"
        " Docker 28.",
        (10,),
        schema={"minimum": -_INT, "maximum": _INT - 1},
        default=0,
        least=(1, 48),
    ),
    Setting(
        "interface_name",
        TEXT,
        "",
        "Interface name",
        "The interface's name inside the container, at most 15 characters. Needs Docker 28.",
        ("eth1",),
        schema={
            "pattern": r"^(?!\.{1,2}$)[^\s/:]{1,15}$",
            "patternErrorMessage": (
                "an interface name has 1 to 15 characters without spaces, '/' and ':'"
            ),
        },
        least=(1, 48),
    ),
)
"""`driver_opts` has no row: netplan's own marks and the interface's name are among its options."""

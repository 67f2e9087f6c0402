"""Interfaces and routes of the calling thread's network namespace, by netlink.

The messages are pyroute2's, which knows their formats. Its own sockets are not used: opening one
and the loops around it take 8 ms for each namespace, and a bare socket a tenth of one.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from struct import pack, unpack_from
from typing import Any

from ..links.values import NOWHERE, PORT_STATES, Link, Route, View

_HEADER = 16
_GET_LINK, _GET_ADDRESS, _GET_ROUTE = 18, 22, 26
_ERROR, _DONE = 2, 3
_DUMP = 0x301
"""A request for all of a kind."""
_TORN = 0x10
"""The flag of a message whose dump a change got into the way of."""
_SOL_NETLINK, _STRICT = 270, 12
_EXT_MASK, _WITHOUT_STATISTICS = 29, 8
_MAIN_TABLE, _UNICAST, _CLONED = 254, 1, 0x200
_NOWHERE = dict(enumerate(NOWHERE, 6))
_TRIES = 5
_loading = threading.Lock()


def load() -> None:
    """Load pyroute2, which takes as long as a hundred namespaces; in the background while the
    engine is read.
    """
    with _loading:
        import pyroute2.netlink.rtnl.ifaddrmsg
        import pyroute2.netlink.rtnl.ifinfmsg
        import pyroute2.netlink.rtnl.rtmsg  # noqa: F401


def view_here() -> View:
    """What stands in the network namespace of this thread. Raises OSError."""
    load()
    from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
    from pyroute2.netlink.rtnl.rtmsg import rtmsg

    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.setsockopt(_SOL_NETLINK, _STRICT, 1)
        links = _dump(netlink, _GET_LINK, _links_body(), ifinfmsg)
        addresses = _dump(netlink, _GET_ADDRESS, bytes(8), ifaddrmsg)
        routes = [
            route
            for family in (socket.AF_INET, socket.AF_INET6)
            for route in _dump(netlink, _GET_ROUTE, _routes_body(family), rtmsg)
        ]
    by_index: dict[int, list[str]] = {}
    for message in addresses:
        by_index.setdefault(message["index"], []).append(_address(message))
    found = [_link(message, by_index.get(message["index"], ())) for message in links]
    names = {link.index: link.name for link in found}
    return View(tuple(found), tuple(route for each in routes for route in _routes(each, names)))


def _links_body() -> bytes:
    return bytes(16) + pack("=HHI", 8, _EXT_MASK, _WITHOUT_STATISTICS)


def _routes_body(family: int) -> bytes:
    """Of that family, those of the main table."""
    return pack("=8BI", family, 0, 0, 0, _MAIN_TABLE, 0, 0, 0, 0)


def _dump(netlink: socket.socket, kind: int, body: bytes, message: Any) -> list[Any]:
    """All of a kind, whole: asked again where a change got in the way."""
    for _ in range(_TRIES):
        netlink.send(pack("=IHHII", _HEADER + len(body), kind, _DUMP, 1, 0) + body)
        parts, torn = [], False
        for flags, part in _parts(netlink):
            torn = torn or bool(flags & _TORN)
            parts.append(part)
        if not torn:
            break
    return [_decoded(message, part) for part in parts]


def _parts(netlink: socket.socket) -> Iterator[tuple[int, bytes]]:
    """The messages of one answer, each with its flags."""
    while True:
        data, position = netlink.recv(1 << 18), 0
        while position < len(data):
            length, kind, flags = unpack_from("=IHH", data, position)
            if kind == _DONE:
                return
            if kind == _ERROR:
                (code,) = unpack_from("=i", data, position + _HEADER)
                raise OSError(-code, "the kernel does not list what is asked for")
            yield flags, data[position : position + length]
            position += (length + 3) & ~3


def _decoded(message: Any, part: bytes) -> Any:
    decoded = message(part)
    decoded.decode()
    return decoded


def _link(message: Any, addresses: Sequence[str]) -> Link:
    get = message.get_attr
    about = get("IFLA_LINKINFO")
    kind, port = "", ""
    if about:
        kind = about.get_attr("IFLA_INFO_KIND") or ""
        if about.get_attr("IFLA_INFO_SLAVE_KIND") == "bridge":
            number = about.get_attr("IFLA_INFO_SLAVE_DATA").get_attr("IFLA_BRPORT_STATE")
            port = PORT_STATES[number]
    index, peer = message["index"], get("IFLA_LINK") or 0
    return Link(
        index,
        get("IFLA_IFNAME"),
        get("IFLA_ADDRESS") or "",
        get("IFLA_MTU"),
        get("IFLA_OPERSTATE") or "",
        kind,
        peer,
        get("IFLA_MASTER") or 0,
        port,
        tuple(addresses),
    )


def _address(message: Any) -> str:
    local = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
    return f"{local}/{message['prefixlen']}"


def _routes(message: Any, names: dict[int, str]) -> Iterator[Route]:
    """One for each of its next hops."""
    kind = _NOWHERE.get(message["type"], "")
    if message["flags"] & _CLONED or not (kind or message["type"] == _UNICAST):
        return
    get = message.get_attr
    destination = f"{get('RTA_DST')}/{message['dst_len']}" if message["dst_len"] else "default"
    source, metric = get("RTA_PREFSRC") or "", get("RTA_PRIORITY") or 0
    hops = get("RTA_MULTIPATH") or ()
    for hop in hops:
        gateway, interface = hop.get_attr("RTA_GATEWAY") or "", names.get(hop["oif"], "")
        yield Route(destination, gateway, interface, source, metric, kind)
    if not hops:
        gateway, interface = get("RTA_GATEWAY") or "", names.get(get("RTA_OIF"), "")
        yield Route(destination, gateway, interface, source, metric, kind)

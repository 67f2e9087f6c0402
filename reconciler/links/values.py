"""What stands in a network namespace, as values: its interfaces and its routes."""

from __future__ import annotations

from ..fast_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """One interface, as `ip link` and `bridge link` show it.

    `peer` is the index of the other end of a veth pair, or of a macvlan's parent, in whatever
    namespace that is; 0 where there is none. `master` is the index of the bridge whose port it is,
    `port_state` what that does with its frames (`forwarding`). `state` is the kernel's word (`UP`,
    `DOWN`, `UNKNOWN`).
    """

    index: int
    name: str
    mac: str = ""
    mtu: int = 0
    state: str = ""
    kind: str = ""
    peer: int = 0
    master: int = 0
    port_state: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the main table. `destination` is `default` or a subnet; `kind` is empty but
    where packets go nowhere (`unreachable`, `blackhole`, `prohibit`).
    """

    destination: str
    gateway: str = ""
    interface: str = ""
    source: str = ""
    metric: int = 0
    kind: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What one look at a network namespace saw; `unseen` says, a sentence each, what could not be
    seen there and why.
    """

    links: tuple[Link, ...] = ()
    routes: tuple[Route, ...] = ()
    unseen: tuple[str, ...] = ()


PORT_STATES = ("disabled", "listening", "learning", "forwarding", "blocking")
"""What a bridge does with the frames of a port, by the kernel's number."""
NOWHERE = ("blackhole", "unreachable", "prohibit")
"""The kinds of routes that lead nowhere; the kernel counts them from 6."""

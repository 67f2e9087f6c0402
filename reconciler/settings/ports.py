"""Published and exposed ports, in the forms that Compose and engines have."""

from __future__ import annotations

import re

from ..fast_dataclasses import dataclass
from .parse_words import host_address
from .values import BadValueError

MAX_PORT = 65535
EVERY_ADDRESS = ("", "0.0.0.0", "::")
"""What stands for all addresses of a machine, all of IPv4, all of IPv6."""
_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?\Z")


@dataclass(frozen=True, slots=True, order=True)
class Port:
    """One published port. `address` is empty for all of the machine's, `host` for a port that the
    engine chooses.

    `host` may be a range, of which the engine takes a free one.
    """

    inside: int
    protocol: str = "tcp"
    address: str = ""
    host: str = ""

    def __str__(self) -> str:
        where = (
            f"[{self.address}]:"
            if ":" in self.address
            else f"{self.address}:"
            if self.address
            else ""
        )
        return (
            f"{where}{self.host}->{self.inside}/{self.protocol}"
            if where or self.host
            else f"{self.inside}/{self.protocol}"
        )


def read_port(text: str) -> Port:
    """The inverse of `str(port)`."""
    outside, _, inside = text.rpartition("->")
    number, _, name = inside.partition("/")
    address, _, host = outside.rpartition(":")
    return Port(int(number), name, address.strip("[]"), host)


def port_range(text: str) -> range:
    """`80` or `80-82`, at least 1."""
    match = _PORTS.match(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last <= MAX_PORT:
        raise BadValueError(
            f"{text[:60]!r} is not a port or a range of ports: write it like 80 or 8000-8010, from"
            f" 1 to {MAX_PORT}"
        )
    return range(first, last + 1)


def protocol(text: str) -> str:
    """`TCP` -> `tcp`; nothing is tcp."""
    name = text.lower() or "tcp"
    if name not in ("tcp", "udp", "sctp"):
        raise BadValueError(f"{text[:60]!r} is not a protocol of a port: write tcp, udp or sctp")
    return name


def published(inside: str, host: str = "", address: str = "", kind: str = "") -> tuple[Port, ...]:
    """The ports of one entry: a range inside goes with a range of the same length outside, or with
    none.
    """
    inner, name, where = (
        port_range(inside),
        protocol(kind),
        host_address(address) if address else "",
    )
    if host in ("", "0"):
        return tuple(Port(port, name, where) for port in inner)
    outer = port_range(host)
    if len(inner) == 1:
        return (Port(inner[0], name, where, host if len(outer) > 1 else str(outer[0])),)
    if len(inner) != len(outer):
        lengths = (
            f"{len(outer)} {'port' if len(outer) == 1 else 'ports'} outside and {len(inner)} inside"
        )
        raise BadValueError(
            f"{host}:{inside} publishes {lengths}: make both ranges the same length"
        )
    return tuple(
        Port(port, name, where, str(other)) for port, other in zip(inner, outer, strict=True)
    )


def short_ports(text: str) -> tuple[Port, ...]:
    """Compose's short form: `80`, `8080:80`, `127.0.0.1:8080:80`, `[::1]::80`,
    `8000-8002:80-82/udp`.
    """
    rest, _, kind = text.partition("/")
    address, closed, after = rest[1:].partition("]") if rest.startswith("[") else ("", "", rest)
    parts = after.removeprefix(":").split(":") if closed else after.split(":")
    if (closed and (len(parts) != 2 or not after.startswith(":"))) or len(parts) > 3:
        raise BadValueError(
            f"{text[:60]!r} publishes no port: write it like 8080:80, 127.0.0.1:8080:80 or"
            " [::1]:8080:80/udp"
        )
    if len(parts) == 2 and "." in parts[0]:
        meant = f"{parts[0]}::{parts[1]}"[:60]
        raise BadValueError(
            f"{text[:60]!r} publishes no port: did you mean {meant!r}, where the engine chooses the"
            " port?"
        )
    inside, host = parts[-1], parts[-2] if len(parts) > 1 else ""
    return published(inside, host, address or (parts[0] if len(parts) == 3 else ""), kind)


def exposed(text: str) -> tuple[str, ...]:
    """`80-81/UDP` -> `80/udp`, `81/udp`."""
    ports, _, kind = text.partition("/")
    name = protocol(kind)
    return tuple(f"{port}/{name}" for port in port_range(ports))


def overlaps(one: str, other: str) -> bool:
    """Whether two addresses that ports are published on have one in common: nothing is all, 0.0.0.0
    all of IPv4, :: all of IPv6.
    """
    if not one or not other:
        return True
    return one == other or (
        (":" in one) == (":" in other) and (one in EVERY_ADDRESS or other in EVERY_ADDRESS)
    )

"""Ports that are published on the host."""

from __future__ import annotations

from ..model import DesiredContainer
from ..network_mode import read_mode
from ..settings.ports import Port, overlaps, read_port


def published(wanted: DesiredContainer) -> list[Port]:
    """The fixed host ports of a container, as `host_ports`; none where it has no network of its
    own: engines ignore them there.
    """
    mode = read_mode(str(wanted.settings.get("network_mode", "")))
    return host_ports(wanted.settings.get("ports", ())) if mode.publishes else []


def host_ports(ports: object) -> list[Port]:
    """Those of published ports whose port on the host is fixed, and not the engine's choice."""
    read = map(read_port, ports if isinstance(ports, tuple) else ())
    return [port for port in read if port.host.isdigit()]


def ports_meet(one: Port, other: Port) -> bool:
    """Whether two published ports cannot both be: same number and protocol on the host, and
    addresses that overlap.
    """
    return (one.host, one.protocol) == (other.host, other.protocol) and overlaps(
        one.address, other.address
    )

"""What the kernel says of a container's network namespace, where the engine's machine is this one;
anybody may read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

_PROC = Path("/proc")


def own_route(raw: Mapping[str, Any]) -> str:
    """By way of which address the default route of a container goes, as inspected, where its engine
    did not set it; empty where it did.

    Empty too where that cannot be known: a process of that number may be another on this machine
    than on the engine's.
    """
    pid = (raw.get("State") or {}).get("Pid")
    try:
        if not pid or raw["Id"] not in _read(f"{_PROC}/{pid}/cgroup"):
            return ""
        routes = _read(f"{_PROC}/{pid}/net/route")
    except OSError:
        return ""
    networks = (raw.get("NetworkSettings") or {}).get("Networks") or {}
    given = {(endpoint or {}).get("Gateway") for endpoint in networks.values()}
    return next(
        (
            str(gateway)
            for gateway in default_routes(routes)
            if gateway.packed != bytes(4) and str(gateway) not in given
        ),
        "",
    )


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - one for each container: pathlib takes as long again
        return file.read()


def default_routes(table: str) -> Iterator[IPv4Address]:
    """The gateways of the default routes in `/proc/PID/net/route`: hexadecimal, the last byte of an
    address first.
    """
    for line in table.splitlines()[1:]:
        _, destination, gateway, *rest = line.split()
        if int(destination, 16) == int(rest[4], 16) == 0:
            yield IPv4Address(bytes.fromhex(gateway)[::-1])

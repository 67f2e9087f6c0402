"""A made-up lab of any size: the topology text that the other benchmarks read, plan or apply."""

from __future__ import annotations

from ipaddress import IPv4Address

BASE = int(IPv4Address("10.0.0.0"))


def lab(
    networks: int,
    endpoints: int,
    *,
    name: str = "lab",
    per_container: int = 2,
    image: str = "",
    grace: str = "0s",
) -> str:
    """A topology of that many bridges (one /24 each, from 10.0.0.0 up) and endpoints, spread evenly
    over containers.

    Every endpoint has an alias; every fourth a static address, outside the range that dynamic
    addresses come from. With an `image` the containers are run by the topology; `sleep` ignores
    SIGTERM there, so they need all of `grace` to stop, or the 10 s that engines give where that is
    empty.
    """
    run = [f"    image: {image}", "    command: [sleep, '86400']"] if image else []
    run += [f"    stop_grace_period: {grace}"] if image and grace else []
    lines = [f"name: {name}", "networks:"]
    for number in range(networks):
        lines += _network(number)
    lines.append("containers:")
    for first in range(0, endpoints, per_container):
        lines += [f"  host-{first // per_container:05}:", *run, "    networks:"]
        for endpoint in range(first, min(first + per_container, endpoints)):
            lines += _endpoint(endpoint, networks)
    return "\n".join(lines) + "\n"


def _network(number: int) -> list[str]:
    first = BASE + number * 256
    return [
        f"  net-{number:04}:",
        f"    subnet: {IPv4Address(first)}/24",
        f"    gateway: {IPv4Address(first + 1)}",
        f"    ip_range: {IPv4Address(first + 128)}/25",
        "    driver_opts: {com.docker.network.bridge.enable_icc: true}",
        f"    labels: {{team: team-{number % 7}}}",
    ]


def _endpoint(number: int, networks: int) -> list[str]:
    network = number % networks
    lines = [
        f"      net-{network:04}:",
        f"        aliases: [service-{number:05}, replica-{number % 3}-of-the-service]",
    ]
    if number % 4 == 0:
        lines.append(
            "        ipv4_address:"
            f" {IPv4Address(BASE + network * 256 + 2 + number // networks % 120)}"
        )
    return lines

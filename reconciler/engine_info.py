"""An engine, and from which versions on it does what."""

from __future__ import annotations

import re
from typing import Literal

from .fast_dataclasses import dataclass

Api = tuple[int, int]
"""A version of the engine's API: 1.51 is (1, 51)."""

Flavor = Literal["docker", "podman"]

OLDEST_API: Api = (1, 41)
"""What an engine must have: Docker 20.10."""
NEWEST_API: Api = (1, 55)
"""What is spoken with an engine that has it: Docker 29.7. With a newer one too, which still
understands it.
"""
ALL_ENDPOINTS_API: Api = (1, 44)
"""From here on (Docker 25) a container can be created with all its endpoints, each with its own MAC
address.
"""
SMALL_SUBNETS_API: Api = (1, 45)
"""From here on (Docker 26) a subnet may have one or two addresses."""
DOCKER_28_API: Api = (1, 48)
"""From here on (Docker 28) there are `enable_ipv4`, `gw_priority`, `interface_name` and IPv6
subnets that the engine chooses.
"""
MAC_ON_CONNECT_API: Api = (1, 54)
"""From here on (Docker 29.3) a MAC address is heeded on connect. Below, the same engine answers 200
and ignores it.
"""
STRICT_MODES = 23
"""From this release of Docker on a container is tied to the network of its mode by ID, and MAC
addresses are made at random.
"""
ENDPOINT_SYSCTLS = 27
"""From this Docker on a sysctl of an interface is an option of the attachment."""
DOCKER_29 = 29
"""From this release of Docker on an IPv6 subnet is dropped, without a word, where IPv6 is not
switched on, and macvlan takes no gateway.
"""
PREDEFINED = frozenset({"bridge", "host", "none"})
"""Networks that every engine has and nobody can create or remove."""
RESTARTING = "restarting"
"""The state of a container that ended and is to be started again in a moment."""
SWARM_ID = 25
"""Characters of the ID of a network of a swarm; all others have 64."""
ENGINE_OWN = PREDEFINED | {"docker_gwbridge"}
"""Networks that an engine makes for itself, by name; a swarm's ingress network may have any."""

DEFAULT_PARALLEL = 6
"""Engine calls in parallel, unless the caller says otherwise."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """The engine that was observed. `api` is the version pinned for the whole run, e.g. (1, 55).

    `network_drivers` are those that it lists; empty where that is not known, as in a snapshot.
    `swarm` is its part in one, empty where that is unknown; `node` its ID there. `cgroup` is
    the version of control groups, `1` or `2`, empty where that is unknown.
    """

    id: str = ""
    name: str = ""
    version: str = ""
    api: Api = (1, 51)
    flavor: Flavor = "docker"
    transport: str = "unix"
    network_drivers: frozenset[str] = frozenset()
    swarm: Literal["", "inactive", "worker", "manager"] = ""
    node: str = ""
    cgroup: str = ""

    @property
    def major(self) -> int:
        """28 of 28.5.2."""
        head = self.version.partition(".")[0]
        return int(head) if head.isdecimal() and len(head) < 10 else 0

    @property
    def release(self) -> tuple[int, ...]:
        """(28, 5, 2) of 28.5.2+dfsg4."""
        numbers = re.match(r"\d{1,9}(\.\d{1,9})*", self.version)
        return tuple(map(int, numbers[0].split("."))) if numbers else ()

    @property
    def product(self) -> str:
        """Its name as people know it."""
        return "Podman" if self.flavor == "podman" else "Docker"

    @property
    def heeds_mac(self) -> bool:
        """Whether a MAC address is set on connect; otherwise only the creation of a container sets
        one.
        """
        return self.flavor == "podman" or self.api >= MAC_ON_CONNECT_API

    def is_docker(self, major: int) -> bool:
        """Whether it is a Docker of that release or a newer one."""
        return self.flavor == "docker" and self.major >= major

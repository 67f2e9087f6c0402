"""The values everything else is a function of: desired and observed state. What a thing is set to
is in settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from .desired import HIDDEN as HIDDEN
from .desired import Condition as Condition
from .desired import Dependency as Dependency
from .desired import DesiredContainer as DesiredContainer
from .desired import DesiredEndpoint as DesiredEndpoint
from .desired import DesiredNetwork as DesiredNetwork
from .desired import DesiredState as DesiredState
from .desired import DesiredVolume as DesiredVolume
from .desired import Origin as Origin
from .desired import PullPolicy as PullPolicy
from .desired import Secrets as Secrets
from .desired import Source as Source
from .engine_info import ALL_ENDPOINTS_API as ALL_ENDPOINTS_API
from .engine_info import DOCKER_28_API as DOCKER_28_API
from .engine_info import DOCKER_29 as DOCKER_29
from .engine_info import ENDPOINT_SYSCTLS as ENDPOINT_SYSCTLS
from .engine_info import ENGINE_OWN as ENGINE_OWN
from .engine_info import MAC_ON_CONNECT_API as MAC_ON_CONNECT_API
from .engine_info import NEWEST_API as NEWEST_API
from .engine_info import OLDEST_API as OLDEST_API
from .engine_info import PREDEFINED as PREDEFINED
from .engine_info import RESTARTING as RESTARTING
from .engine_info import SMALL_SUBNETS_API as SMALL_SUBNETS_API
from .engine_info import STRICT_MODES as STRICT_MODES
from .engine_info import SWARM_ID as SWARM_ID
from .engine_info import Api as Api
from .engine_info import EngineInfo as EngineInfo
from .engine_info import Flavor as Flavor
from .fast_dataclasses import dataclass, field
from .network_mode import joined, read_mode
from .settings import Settings


@dataclass(frozen=True, slots=True)
class NetworkMark:
    """What a network's labels say: whose it is, the hash of each declared path when it was made,
    and whether it is protected.

    `endpoints` maps the containers that were declared on it at that time to their short IDs;
    `origin` tells where the file was.
    """

    topology: str
    hashes: Mapping[str, str] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    protect: bool = False
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class ContainerMark:
    """What a container's labels say: whose it is, the hash of each path that was declared when it
    was made, and where the file was.
    """

    topology: str
    hashes: Mapping[str, str] = field(default_factory=dict)
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class VolumeMark:
    """What a volume's labels say: whose it is, the hash of each path that was declared when it was
    created, and where the file was.
    """

    topology: str
    hashes: Mapping[str, str] = field(default_factory=dict)
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class EndpointMark:
    """What an endpoint's driver options say: whose it is, and how to undo it.

    `made`: it was not there before. `amended`: it was, and `before` are the settings it had.
    """

    topology: str
    how: Literal["made", "amended"] = "made"
    declared: Settings = field(default_factory=dict)
    before: Settings = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObservedNetwork:
    """A network on the engine. `settings` is everything it has, canonical, without netplan's
    labels.
    """

    id: str
    name: str
    settings: Settings = field(default_factory=dict)
    mark: NetworkMark | None = None
    scope: str = "local"
    outside: tuple[str, ...] = ()
    """Endpoints on it that belong to no container of this engine (another node's containers)."""
    services: tuple[str, ...] = ()
    """The swarm services that use it, as far as a manager was asked."""
    ingress: bool = False
    """The one by which a swarm publishes ports, whatever it is called."""
    config_from: str = ""
    """The config-only network that its settings were taken from; what is made of it has the
    settings, and not the link.
    """
    missing: bool = False
    """Held by a journal alone: an interrupted run took it away. Never so as observed."""
    created: str = field(default="", compare=False)
    """When it was created, as the engine says it."""


@dataclass(frozen=True, slots=True)
class ObservedEndpoint:
    """A container's attachment as inspected.

    `network_id` may name a network that is gone (an exited container keeps it) and is empty where
    the container never ran. `addresses` are the live ones with prefix length, IPv4 first; empty
    unless running. `phantom`: listed by inspect, but the container runs without it (a failed live
    connect leaves one behind). `missing`: held by a journal alone, as an interrupted run took it
    away. `half`: a connect failed so late that the container has the interface, and its network
    does not know of it: nothing can be done about it until the container is restarted, and then
    it is whole. `ghost`: it runs with it, and its swarm's manager knows nothing of it.
    """

    network: str
    network_id: str = ""
    endpoint_id: str = ""
    settings: Settings = field(default_factory=dict)
    mark: EndpointMark | None = None
    addresses: tuple[str, ...] = ()
    mac: str = ""
    phantom: bool = False
    missing: bool = False
    half: bool = False
    ghost: bool = False


@dataclass(frozen=True, slots=True)
class ObservedContainer:
    """A container on the engine. `state` is the engine's word: running, paused, exited, created,
    ...

    `network_mode` is as the engine has it: a network's name or ID, `bridge`, `default`, `host`,
    `none`, `container:ID`. `implied` are names that the engine itself adds to the aliases of every
    endpoint (short ID, hostname). `mac` is the MAC given at creation, `service` the swarm service
    whose task it is. What follows `ports` is read of containers that carry netplan's mark and is
    empty for all others: `settings` as declared ones, with every path the container has; `image_id`
    of the image it was made from; `anonymous` maps the targets of its anonymous volumes to their
    names; `exit_code` is that of its last end, `health` empty where it has no healthcheck;
    `severed`: it runs in a namespace that its owner left, as that was restarted.
    `own_route`: by way of which address its default route goes, where the engine did not set it
    (read on the engine's own machine only).
    """

    id: str
    name: str
    state: str = "running"
    network_mode: str = "bridge"
    endpoints: tuple[ObservedEndpoint, ...] = ()
    implied: frozenset[str] = frozenset()
    mac: str = ""
    ports: tuple[str, ...] = ()
    mark: ContainerMark | None = None
    settings: Settings = field(default_factory=dict)
    image_id: str = ""
    anonymous: Mapping[str, str] = field(default_factory=dict)
    exit_code: int = 0
    health: Literal["", "starting", "healthy", "unhealthy"] = ""
    severed: bool = False
    written_for: str = ""
    """The name in labels of netplan that do not count, as they were written for another container,
    or before it was renamed.
    """
    own_route: str = ""
    service: str = ""
    created: str = field(default="", compare=False)
    """When it was created, as the engine says it."""

    @property
    def live(self) -> bool:
        """Whether it has a network namespace now."""
        return self.state in ("running", "paused", RESTARTING)

    @property
    def shares(self) -> str:
        """The ID of the container whose network it shares, empty where it shares none."""
        return read_mode(self.network_mode).shares

    @property
    def joins(self) -> tuple[str, ...]:
        """The IDs of all containers of which it shares the network, processes or IPC."""
        return joined(self.network_mode, self.settings)

    def endpoint(self, network: str) -> ObservedEndpoint | None:
        """Its attachment to the network of that name, if any."""
        return next((e for e in self.endpoints if e.network == network), None)


@dataclass(frozen=True, slots=True)
class ObservedVolume:
    """A volume on the engine. `settings` is what it was created with, without netplan's labels and
    without passwords; `users` are the IDs of the containers that mount it.
    """

    name: str
    settings: Settings = field(default_factory=dict)
    mark: VolumeMark | None = None
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ObservedImage:
    """An image on the engine. `settings` are what containers made of it have where nothing else is
    said, in the paths of a container.

    `asked`: its registry was asked whether it has a newer one; `outdated`: it has another image
    under this name now; `unasked`: why it did not tell.
    """

    id: str
    settings: Settings = field(default_factory=dict)
    platform: str = ""
    asked: bool = False
    outdated: bool = False
    unasked: str = ""


def lasting_id(id: str, name: str) -> str:
    """A network's ID, as long as it tells anything: the engine's own networks have another at each
    of its starts.
    """
    return "" if name in PREDEFINED else id


@dataclass(frozen=True, slots=True)
class Seal:
    """How the digests of environment values in something published were made
    (environment_digests.py); only `key` is secret.

    `salt` is the engine's ID. `rounds` of PBKDF2 make a guess slow; 0: a key was used instead.
    `check` is the seal of nothing, as read.
    """

    salt: str
    rounds: int
    key: str = field(default="", repr=False)
    check: str = field(default="", compare=False)

    @property
    def fits(self) -> bool:
        """Whether it can be made here: with the wrong key it cannot."""
        return self.check in ("", self.of(""))

    def of(self, text: str) -> str:
        """The seal of a digest; equal digests have equal seals."""
        return _seal(self.salt, self.rounds, self.key, text)


@lru_cache(maxsize=1 << 18)
def _seal(salt: str, rounds: int, key: str, text: str) -> str:
    import hashlib
    import hmac

    if rounds:
        return hashlib.pbkdf2_hmac("sha256", text.encode(), salt.encode(), rounds, 12).hex()
    return hmac.digest(
        key.encode("utf-8", "surrogateescape"), f"{salt}/{text}".encode(), "sha256"
    ).hex()[:24]


@dataclass(frozen=True, slots=True)
class ObservedState:
    """Everything on one engine at one time; networks and containers sorted by name, then ID. Names
    of networks may repeat.

    `images` holds those that were asked about, by canonical reference, and those of marked
    containers, by ID; what is not there is not on the engine. That of a snapshot holds all, of most
    no more than the ID. `volumes` holds, by name, those that a topology created, and where a file
    declares volumes all that have a name; None where nobody asked. `seal` is how the digests of
    environment values in something published were made; None as long as they are the plain ones.
    """

    engine: EngineInfo = field(default_factory=EngineInfo)
    networks: tuple[ObservedNetwork, ...] = ()
    containers: tuple[ObservedContainer, ...] = ()
    images: Mapping[str, ObservedImage] = field(default_factory=dict)
    volumes: Mapping[str, ObservedVolume] | None = None
    seal: Seal | None = None


# --- journals -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Journal:
    """What a run noted before it took anything away; it is deleted once the run, or one that came
    after it, is proven.

    `taken` holds the networks that were to be removed or replaced, and of each container only the
    endpoints that were to be disconnected. `name` is that of its volume; `order` counts up, so that
    of two journals the newer decides; `host` and `time` are for people. `unreadable` says why one
    cannot be read: nothing else is known of it then, of some not even the topology.
    """

    name: str
    topology: str
    order: int
    taken: ObservedState
    host: str = ""
    time: str = ""
    unreadable: str = ""

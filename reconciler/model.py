"""The values everything else is a function of: desired and observed state. What a thing is set to
is in settings.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from .network_mode import read_mode
from .records import dataclass, field, replace
from .settings import Settings

Api = tuple[int, int]
"""A version of the engine's API: 1.51 is (1, 51)."""

Flavor = Literal["docker", "podman"]

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


HIDDEN = "(value hidden)"
"""What stands in the place of a secret wherever people read."""


class Secrets(Mapping[str, str]):
    """Values that only the engine may see: they are in no repr, and compared by the digests that
    settings hold in their place.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str] = MappingProxyType({})) -> None:
        self._values = dict(values)

    def __getitem__(self, key: str) -> str:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({len(self)} hidden)"

    def __deepcopy__(self, memo: object) -> Secrets:
        return self


# --- desired --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Where in the file something is declared; `line` and `column` count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class DesiredNetwork:
    """A declared network. `name` is its name on the engine; `settings` holds only what the file
    says.

    `optional`: it is external, and where it does not exist nothing is attached to it.
    """

    name: str
    source: Source
    settings: Settings = field(default_factory=dict)
    external: bool = False
    exclusive: bool = False
    protect: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class DesiredEndpoint:
    """A declared attachment to the network of that name on the engine."""

    network: str
    source: Source
    settings: Settings = field(default_factory=dict)


Condition = Literal["started", "healthy", "completed"]
PullPolicy = Literal["missing", "always", "never"]


@dataclass(frozen=True, slots=True, order=True)
class Dependency:
    """What must hold of another declared container before one is started."""

    container: str
    condition: Condition = "started"


@dataclass(frozen=True, slots=True)
class DesiredContainer:
    """A declared container; `endpoints` is in the order of the file.

    `managed`: the topology runs it, and its list of endpoints is complete; otherwise it exists
    already, and only its declared attachments are managed. The other fields are of managed
    containers only; `settings` holds what the file says, `environment` the values of which
    `settings` holds digests.
    """

    name: str
    source: Source
    endpoints: tuple[DesiredEndpoint, ...] = ()
    optional: bool = False
    managed: bool = False
    settings: Settings = field(default_factory=dict)
    environment: Secrets = field(default_factory=Secrets)
    depends_on: tuple[Dependency, ...] = ()
    one_shot: bool = False
    pull_policy: PullPolicy = "missing"

    @property
    def image(self) -> str:
        """The reference of its image, empty where it is not managed."""
        return str(self.settings.get("image", ""))

    @property
    def mode(self) -> str:
        """The network mode that a managed one is created with: the declared one, or the network of
        the first of its endpoints.
        """
        mode = str(self.settings.get("network_mode", ""))
        return (
            self.endpoints[0].network
            if self.endpoints and mode in ("", "bridge")
            else mode or "none"
        )

    @property
    def shares(self) -> str:
        """The name of the container whose network a managed one shares, empty where it shares
        none.
        """
        return read_mode(self.mode).shares

    def made_on(self, engine: EngineInfo) -> DesiredContainer:
        """It as `engine` can make it: where only the network that a container is created on gives
        a MAC address, the first network with one comes first, whatever the order in the file.
        """
        if engine.heeds_mac or engine.api >= ALL_ENDPOINTS_API or not self.managed:
            return self
        first = next((e for e in self.endpoints if "mac_address" in e.settings), None)
        if first is None or first is self.endpoints[0]:
            return self
        others = (endpoint for endpoint in self.endpoints if endpoint is not first)
        return replace(self, endpoints=(first, *others))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a topology file is, for people: the machine, the folder, and the git repository with
    the folder's path in it, if any.
    """

    host: str
    folder: str
    repository: str = ""
    path: str = ""

    def same(self, other: Origin) -> bool:
        """Whether both are the same place; two clones of one repository are."""
        if self.repository and other.repository:
            return (self.repository, self.path) == (other.repository, other.path)
        return (self.host, self.folder) == (other.host, other.folder)

    def __str__(self) -> str:
        inside = (
            f" in {self.repository}"
            if self.repository and self.path in ("", ".")
            else f" in {self.repository}/{self.path}"
        )
        return f"{self.host}:{self.folder}" + (inside if self.repository else "")


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What one file says. The mappings are keyed by name on the engine, in the order of the file.

    `external_volumes` are those that must exist, and where the file says so; `origin` tells where
    the file is. `ttl`: seconds after which the topology has expired, unless it is applied again;
    None: never. `keys` maps what the file calls networks and containers to their names on the
    engine, where those differ.
    """

    topology: str
    networks: Mapping[str, DesiredNetwork] = field(default_factory=dict)
    containers: Mapping[str, DesiredContainer] = field(default_factory=dict)
    external_volumes: Mapping[str, Source] = field(default_factory=dict)
    origin: Origin | None = None
    ttl: int | None = None
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)

    def made_on(self, engine: EngineInfo) -> DesiredState:
        """It with each container as `engine` can make it."""
        containers = {name: wanted.made_on(engine) for name, wanted in self.containers.items()}
        same = all(containers[name] is wanted for name, wanted in self.containers.items())
        return self if same else replace(self, containers=containers)


# --- observed -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """The engine that was observed. `api` is the version pinned for the whole run, e.g. (1, 55).

    `network_drivers` are those that it lists; empty where that is not known, as in a snapshot.
    `swarm` is its part in one, empty where that is unknown; `node` its ID there.
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
    does not know of it: nothing can be done about it until the container is started anew, and then
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
    `severed`: it runs in a network namespace that its owner left, as that was started anew.
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

    def endpoint(self, network: str) -> ObservedEndpoint | None:
        """Its attachment to the network of that name, if any."""
        return next((e for e in self.endpoints if e.network == network), None)


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
    """How the digests of environment values in something published were made (sealing.py); only
    `key` is secret.

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
    no more than the ID. `volumes` are the names of all volumes, None where nobody asked. `seal` is
    how the digests of environment values in something published were made; None as long as they are
    the plain ones.
    """

    engine: EngineInfo = field(default_factory=EngineInfo)
    networks: tuple[ObservedNetwork, ...] = ()
    containers: tuple[ObservedContainer, ...] = ()
    images: Mapping[str, ObservedImage] = field(default_factory=dict)
    volumes: frozenset[str] | None = None
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

"""Desired state: what a file says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from .engine_info import ALL_ENDPOINTS_API, EngineInfo
from .fast_dataclasses import dataclass, field, replace
from .network_mode import joined, read_mode
from .settings import Settings

if TYPE_CHECKING:
    from .expectations import Expectation

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
class DesiredVolume:
    """A declared volume. `name` is its name on the engine; `settings` holds only what the file
    says, without passwords: `secrets` has the whole values of those options, by path.
    """

    name: str
    source: Source
    settings: Settings = field(default_factory=dict)
    external: bool = False
    secrets: Secrets = field(default_factory=Secrets)


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

    @property
    def joins(self) -> tuple[str, ...]:
        """The names of all containers of which it shares the network, processes or IPC."""
        return joined(self.mode, self.settings) if self.managed else ()

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

    `origin` tells where the file is. `ttl`: seconds after which the topology has expired, unless it
    is applied again; None: never. `keys` maps what the file calls networks, containers and volumes
    to their names on the engine, where those differ. `expectations` are who is to reach what: no
    state, so a file that changes nothing else declares the same.
    """

    topology: str
    networks: Mapping[str, DesiredNetwork] = field(default_factory=dict)
    containers: Mapping[str, DesiredContainer] = field(default_factory=dict)
    volumes: Mapping[str, DesiredVolume] = field(default_factory=dict)
    origin: Origin | None = None
    ttl: int | None = None
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    expectations: tuple[Expectation, ...] = field(default=(), compare=False)

    def made_on(self, engine: EngineInfo) -> DesiredState:
        """It with each container as `engine` can make it."""
        containers = {name: wanted.made_on(engine) for name, wanted in self.containers.items()}
        same = all(containers[name] is wanted for name, wanted in self.containers.items())
        return self if same else replace(self, containers=containers)

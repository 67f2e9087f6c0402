"""What an engine can be asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ..fast_dataclasses import dataclass
from ..marks import Place
from ..model import EndpointMark, EngineInfo, NetworkMark, VolumeMark
from ..plan import ContainerSpec
from ..settings import Settings
from .locate import Target

Filters = Mapping[str, Sequence[str]]
Progress = Callable[[int, int], None]
"""Called while an image is fetched: bytes that are here, bytes in all as far as they are known yet.
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did that ran in a container: its exit code and what it wrote, to standard
    output and to standard error.
    """

    code: int
    output: str
    errors: str = ""


class Reader(Protocol):
    """An engine that can be looked at. All JSON is as the engine sends it; every method raises
    EngineError.
    """

    @property
    def target(self) -> Target:
        """Where it listens."""

    def info(self) -> EngineInfo:
        """Which engine this is; asked once."""

    def details(self) -> dict[str, Any]:
        """All that `GET /info` says."""

    def networks(self) -> list[dict[str, Any]]:
        """All networks, as listed."""

    def containers(self, filters: Filters | None = None) -> list[dict[str, Any]]:
        """Containers of any state, as listed: all, or those that match the engine's own filters,
        e.g. `{"network": [ID]}`.
        """

    def network(self, id: str) -> dict[str, Any] | None:
        """A network as inspected, or None if there is none."""

    def attachments(self) -> list[dict[str, Any]]:
        """What plain containers of all nodes have attached to a swarm's networks, as listed;
        ApiError from any but its managers.
        """

    def services(self) -> list[dict[str, Any]]:
        """The services of a swarm, as listed; ApiError from any but its managers."""

    def container(self, id: str) -> dict[str, Any] | None:
        """A container as inspected, or None if there is none."""

    def volumes(self, filters: Filters | None = None) -> list[dict[str, Any]]:
        """Volumes, as listed: all, or those that match the engine's own filters, e.g. `{"label":
        [KEY]}`.
        """

    def volume(self, name: str) -> dict[str, Any] | None:
        """A volume as inspected, or None if there is none."""

    def image(self, reference: str) -> dict[str, Any] | None:
        """An image as inspected, by name or ID, or None if there is none."""

    def images(self) -> list[dict[str, Any]]:
        """All images that have a name, or are nobody's layer, as listed."""

    def newest(self, reference: str) -> str:
        """The digest that the registry has under this name now (`sha256:...`). ApiError says why it
        does not tell.
        """

    def last_line(self, id: str) -> str:
        """The last line that a container wrote which is not blank, at most 500 characters; empty if
        there is none or it is not kept.
        """

    def close(self) -> None:
        """Let go of all connections."""


class Engine(Reader, Protocol):
    """An engine that can be changed too. After a LostError the change may or may not have
    happened.
    """

    def make_ready(self) -> None:
        """A change is coming: get ready for it meanwhile. Need not be called."""

    def guard(self, check: Callable[[], None] | None) -> None:
        """From now on call `check` before each change, in the thread that makes it: an error it
        raises keeps the change back.

        netplan's own volumes, of which the lock is one, are made and removed without it.
        """

    def create_network(self, name: str, settings: Settings, mark: NetworkMark | None = None) -> str:
        """Make a network; its ID."""

    def remove_network(self, id: str) -> None:
        """Remove a network."""

    def connect(
        self,
        network_id: str,
        container_id: str,
        settings: Settings,
        mark: EndpointMark | None = None,
        place: Place | None = None,
    ) -> None:
        """Attach a container to a network; `place` is what its mark names."""

    def disconnect(self, network_id: str, container_id: str, force: bool = False) -> None:
        """Detach a container from a network; `network_id` is its name where the network itself is
        gone.
        """

    def create_volume(self, name: str, labels: Mapping[str, str]) -> dict[str, str]:
        """Make a volume of netplan's own; the labels that the volume of that name has now: where
        there was one already, they are those of that one.
        """

    def remove_volume(self, name: str) -> None:
        """Remove a volume of netplan's own."""

    def create_declared_volume(
        self, name: str, settings: Settings, mark: VolumeMark, secrets: Mapping[str, str]
    ) -> dict[str, Any]:
        """Make a volume that a file declares; the volume of that name as it is now: where there was
        one already, that one. `secrets` are the options that settings do not show whole.
        """

    def remove_declared_volume(self, name: str) -> None:
        """Remove a volume that a file declares, with all that it holds."""

    def create_container(self, name: str, spec: ContainerSpec) -> str:
        """Make a container; its ID. Before API 1.44 it has the first of its endpoints only."""

    def start(self, id: str) -> None:
        """Start a container; nothing if it runs."""

    def stop(self, id: str, seconds: int) -> None:
        """Stop a container, by force after `seconds`; nothing if it does not run."""

    def rename(self, id: str, name: str) -> None:
        """Give a container another name."""

    def remove_container(self, id: str, force: bool = False, volumes: bool = False) -> None:
        """Remove a container; `force`: also a running one; `volumes`: and its anonymous volumes,
        carried over or not.
        """

    def update_container(self, id: str, settings: Settings) -> None:
        """Change in place what can be: `restart`, `mem_limit`, `cpus`. A limit cannot be taken
        away, only changed.
        """

    def create_helper(self, image: str, mode: str, mark: str, command: Sequence[str]) -> str:
        """Make a container of netplan's own that runs `command` in the network of that mode; its
        ID. `mark` says whose it is; the engine removes it when it ends.
        """

    def execute(self, id: str, command: Sequence[str], timeout: float) -> Ran:
        """Run a command in a running container; TimedOutError if it takes longer than that."""

    def pull(self, reference: str, platform: str = "", on_progress: Progress | None = None) -> None:
        """Fetch an image from its registry, however long it takes as long as something comes."""

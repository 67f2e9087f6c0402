"""What was decided: a case for each network, container and attachment in scope, and what was said
about them.
"""

from __future__ import annotations

import re
from typing import Literal

from ..fast_dataclasses import dataclass, field
from ..marks import aside_name
from ..model import (
    DesiredContainer,
    DesiredEndpoint,
    DesiredNetwork,
    DesiredVolume,
    EndpointMark,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
    ObservedVolume,
    VolumeMark,
)
from ..plan import ContainerSpec, Difference, Drift, Refusal
from ..settings import Settings

NetworkFate = Literal["keep", "create", "replace", "remove"]
ContainerFate = Literal["keep", "create", "recreate", "update", "remove"]
VolumeFate = Literal["keep", "create", "remove"]
_LEFTOVER = re.compile(r"(?P<name>.+)\.netplan-(?P<id>[0-9a-f]{12})\Z")


@dataclass(slots=True)
class NetworkCase:
    """One network in scope. `target` and `mark` are what it is made with, where it is made."""

    name: str
    fate: NetworkFate
    wanted: DesiredNetwork | None = None
    observed: ObservedNetwork | None = None
    target: Settings = field(default_factory=dict)
    mark: NetworkMark | None = None
    differences: tuple[Difference, ...] = ()
    reason: str = ""

    @property
    def goes(self) -> bool:
        """Whether the observed network is taken away."""
        return self.fate in ("replace", "remove")

    @property
    def comes(self) -> bool:
        """Whether a new network is made."""
        return self.fate in ("create", "replace")

    @property
    def subnets_change(self) -> bool:
        """Whether a static address may no longer fit."""
        return self.fate == "create" or any(
            ".subnet" in difference.path for difference in self.differences
        )


@dataclass(slots=True)
class Networks:
    """All cases by name, and what was said about them."""

    cases: dict[str, NetworkCase] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class VolumeCase:
    """One volume in scope. `mark` is what it is created with, or what one that goes has."""

    name: str
    fate: VolumeFate
    wanted: DesiredVolume | None = None
    observed: ObservedVolume | None = None
    mark: VolumeMark | None = None
    reason: str = ""


@dataclass(slots=True)
class Volumes:
    """All cases by name, and what was said about them."""

    cases: dict[str, VolumeCase] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class ContainerCase:
    """One container in scope. `spec` is what it is created with, where it is; `old_name` what the
    one that goes is called meanwhile.

    `renamed`: it has that name already, since an interrupted recreation. `on_overlay`: the one that
    goes is on a network of the swarm's, where no running container can be renamed. `start`: it runs
    afterwards and does not now, or not for long. `stop`: it must be stopped before, as it shares
    the network of one that starts anew. `strangers` are those that share its own, which goes, and
    that the topology does not run.
    """

    name: str
    fate: ContainerFate = "keep"
    wanted: DesiredContainer | None = None
    observed: ObservedContainer | None = None
    spec: ContainerSpec | None = None
    renamed: bool = False
    on_overlay: bool = False
    start: bool = False
    stop: bool = False
    keep_volumes: bool = True
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    drift: bool = False
    notes: list[str] = field(default_factory=list)
    strangers: list[ObservedContainer] = field(default_factory=list)

    @property
    def comes(self) -> bool:
        """Whether a new container is made."""
        return self.fate in ("create", "recreate")

    @property
    def goes(self) -> bool:
        """Whether the observed container is removed."""
        return self.fate in ("recreate", "remove")

    @property
    def changes(self) -> bool:
        """Whether anything is done about the container itself."""
        return self.fate != "keep" or self.start

    @property
    def old_name(self) -> str:
        """What the container that is replaced is called until it goes."""
        assert self.observed is not None
        return aside_name(self.name, self.observed.id)


@dataclass(slots=True)
class Containers:
    """All cases by name (those that only go, and have another's name, by their own), and what was
    said about them.
    """

    cases: dict[str, ContainerCase] = field(default_factory=dict)
    others: dict[str, ObservedContainer] = field(default_factory=dict)
    """Containers by name that the topology declares and does not run."""
    pulls: dict[str, str] = field(default_factory=dict)
    """Images to be had first: reference -> why."""
    refusals: list[Refusal] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def of(self, container: ObservedContainer) -> ContainerCase | None:
        """The case of an observed container, if it is one that the topology runs."""
        if not self.cases:
            return None
        for name in (container.name, leftover_of(container)):
            case = self.cases.get(name)
            if case and case.observed and case.observed.id == container.id:
                return case
        return None


@dataclass(slots=True, eq=False)
class EndpointCase:
    """One endpoint in scope. `target` is what it is connected with; None where it ends disconnected
    or stays as it is.
    """

    container: ObservedContainer
    network: str
    observed: ObservedEndpoint | None = None
    wanted: DesiredEndpoint | None = None
    disconnect: bool = False
    target: Settings | None = None
    mark: EndpointMark | None = None
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    drift: bool = False
    restored: bool = False
    """Only put back as it was, because its network is replaced: part of that change, none of its
    own.
    """
    order: int = 0
    """Its place among the container's endpoints in the file."""
    cure: bool = False
    """A phantom that nobody wants: connected, so that it can be disconnected."""
    inside: bool = False
    """Its container is created with it: no call of its own, and in force once the container is
    started.
    """
    kept: bool = False
    """Another topology's, on a container that is recreated: part of that change, none of its own.
    """
    stale: bool = False
    """A stopped container lists a network that is gone: disconnected from the new network of that
    name, then connected.
    """
    gives_up: bool = False
    """Only reconnected because another needs its address."""


@dataclass(slots=True)
class Endpoints:
    """All cases in which something happens, and what was said about the others."""

    cases: list[EndpointCase] = field(default_factory=list)
    kept: list[EndpointCase] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def leftover_of(container: ObservedContainer) -> str:
    """The name of the container that this one was before an interrupted recreation renamed it;
    empty for any other.
    """
    match = _LEFTOVER.match(container.name)
    return match["name"] if match and container.id.startswith(match["id"]) else ""

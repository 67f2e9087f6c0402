"""A plan as a value: what changes, why, by which steps in which order, and what stands against
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from .fast_dataclasses import dataclass, field
from .model import (
    Condition,
    ContainerMark,
    EndpointMark,
    EngineInfo,
    NetworkMark,
    Secrets,
    Source,
    VolumeMark,
)
from .settings import Settings, Value

Op = Literal[
    "create", "remove", "connect", "disconnect", "pull", "rename", "update", "stop", "start", "wait"
]
Kind = Literal["network", "endpoint", "container", "image", "volume"]
Cause = Literal["intent", "drift", "dropped"]


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """An attachment that a container is created with."""

    network: str
    settings: Settings = field(default_factory=dict)
    mark: EndpointMark | None = None


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """All that a container is created with. `settings` are the declared ones, `environment` the
    values behind their digests.

    `mode` is the engine's network mode: `bridge`, `host`, `none`, `container:NAME`, or the name of
    the network of the first of `endpoints`. `volumes` are anonymous volumes carried over from the
    container that it takes the place of: target -> name.
    """

    settings: Settings
    mark: ContainerMark
    mode: str = "bridge"
    endpoints: tuple[EndpointSpec, ...] = ()
    environment: Secrets = field(default_factory=Secrets)
    volumes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replaced:
    """The container that another takes the place of, so that a recreation that fails can be
    reversed: what it was before.
    """

    id: str
    name: str
    live: bool
    endpoints: tuple[EndpointSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One engine call.

    Its fields tell what it acts on (`kind`): `image`, `volume`, or `container` and `network` (an
    endpoint), or one of the two alone. `needs` are steps that must have succeeded, `follows` steps
    that must only have ended (order without dependence); both hold IDs smaller than its own.
    `network_id` and `container_id` are empty where the plan makes the thing: the executor takes the
    ID of the step that does. `settings` and `mark` are what `create` (of a network or a volume) and
    `connect` send, and what `update` changes; `secrets` are those of a volume that settings do not
    show whole; `spec` is what a container is created with. `expects` is the
    endpoint ID that `disconnect` was planned against, or for `remove` of a network the IDs of the
    containers that may still list it. `name` is what `rename` gives. `seconds` bounds what is
    waited for: the end of a container (`stop`), or its `condition` (`wait`). `volumes`: a removed
    container's anonymous volumes go with it. `replaces` is set on the steps of a recreation. `mac`
    is the MAC address that an endpoint had and keeps, though nobody declares it: it may change by
    itself, so no plan is told by it.
    """

    id: int
    op: Op
    network: str
    reason: str
    container: str = ""
    network_id: str = ""
    container_id: str = ""
    settings: Settings = field(default_factory=dict)
    mark: NetworkMark | EndpointMark | VolumeMark | None = None
    needs: tuple[int, ...] = ()
    follows: tuple[int, ...] = ()
    expects: tuple[str, ...] = ()
    image: str = ""
    spec: ContainerSpec | None = None
    name: str = ""
    seconds: int = 0
    condition: Condition = "started"
    volumes: bool = False
    replaces: Replaced | None = None
    mac: str = ""
    volume: str = ""
    secrets: Secrets | None = None

    @property
    def kind(self) -> Kind:
        """What it acts on."""
        if self.image or self.volume:
            return "image" if self.image else "volume"
        if self.container:
            return "endpoint" if self.network else "container"
        return "network"

    def put_in_place(self, id: int, needs: tuple[int, ...], follows: tuple[int, ...]) -> None:
        """Tells a step of the planner's, which nobody else has yet, its place in the plan."""
        object.__setattr__(self, "id", id)
        object.__setattr__(self, "needs", needs)
        object.__setattr__(self, "follows", follows)

    @property
    def sent(self) -> Settings:
        """What `connect` sends: its settings, and the MAC address that is kept."""
        return {**self.settings, "mac_address": self.mac} if self.mac else self.settings

    @property
    def takes_network(self) -> bool:
        """Whether it removes a network that may be wanted back."""
        return self.op == "remove" and self.kind == "network" and self.reason != FOR_GOOD

    @property
    def text(self) -> str:
        """`connect web to backend`: what the step does, in words."""
        match self.op:
            case "connect":
                return f"connect {self.container} to {self.network}"
            case "disconnect":
                return f"disconnect {self.container} from {self.network}"
            case "pull":
                return f"pull image {self.image}"
            case "rename":
                return f"rename container {self.container} to {self.name}"
            case "wait":
                return (
                    f"wait until {self.container}"
                    f" {'has exited' if self.condition == 'completed' else f'is {self.condition}'}"
                )
            case "start" | "stop":
                return f"{self.op} {self.container}"
            case _:
                alone = {"container": self.container, "volume": self.volume}
                kind = self.kind if self.kind in alone else "network"
                return f"{self.op} {kind} {alone.get(kind, self.network)}"


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that changes: None is unset. `cause`: the file says so, somebody changed the
    engine, or the file no longer says it.
    """

    path: str
    before: Value | None
    after: Value | None
    cause: Cause = "intent"
    note: str = ""


NO_PLACE = 0
"""The ID of a step that has no place in a plan yet."""
FOR_GOOD = "wipe: everything on this engine is removed"
"""The reason of steps whose thing nobody wants back: no journal holds it, no rollback makes it
again.
"""
LOSES_FILES = "data outside its volumes is lost"
LOSES_VOLUMES = "its anonymous volumes are removed with it"
"""Begins the note of a container's change that takes volumes away."""
LOSES_DATA = "all that it holds is lost"
"""The note of a volume's removal."""

Action = Literal["create", "delete", "connect", "disconnect", "update", "start", "pull"]


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that changes: an `image`, a `volume`, an endpoint (`container` and `network`),
    or what one of the two names.

    `actions`: a network is `create`, `delete` or `delete, create`; an endpoint `connect`,
    `disconnect` or `disconnect, connect`; a container as a network, or `update` (in place), or
    `start`; a volume `create` or `delete`; an image `pull`. `interrupts` are the
    names of the running containers that lose a connection, for good or for a moment.
    """

    actions: tuple[Action, ...]
    network: str
    container: str = ""
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    source: Source | None = None
    interrupts: tuple[str, ...] = ()
    drift: bool = False
    notes: tuple[str, ...] = ()
    image: str = ""
    volume: str = ""

    @property
    def name(self) -> str:
        """Its name; that of an endpoint is the container's."""
        return self.image or self.volume or self.container or self.network

    @property
    def kind(self) -> Kind:
        """What changes."""
        if self.image or self.volume:
            return "image" if self.image else "volume"
        if self.container:
            return "endpoint" if self.network else "container"
        return "network"

    @property
    def replaces(self) -> bool:
        """Whether the resource is there before and after."""
        return len(self.actions) == 2


Thing: TypeAlias = tuple[str, str] | tuple[str, str, str]
"""A network (its name, empty), a container (empty, its name), an attachment (network, container),
or a volume (empty, empty, its name).
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the plan must not run. `unsafe` ones end in exit 3, the others in exit 1. `way_out` says
    what the user can do.

    `about` is the one thing that cannot be as declared; None where it stands against the whole
    plan.
    """

    message: str
    way_out: str = ""
    unsafe: bool = True
    source: Source | None = None
    about: Thing | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that the plan does nothing about: `refusal` says why it cannot, or it needs
    `needs`, which is left out as well.
    """

    thing: Thing
    refusal: Refusal | None = None
    needs: Thing | None = None

    @property
    def why(self) -> str:
        """In words, without its own name."""
        if self.refusal is None:
            return f"needs {named(self.needs or self.thing)}"
        subject = named(self.thing)
        return self.refusal.message.removeprefix(f"{subject}: ").removeprefix(f"{subject} ")


def named(thing: Thing) -> str:
    """`network back`, `container web`, `web on back`, `volume data`."""
    network, container, *volume = thing
    if volume:
        return f"volume {volume[0]}"
    if network and container:
        return f"{container} on {network}"
    return f"container {container}" if container else f"network {network}"


@dataclass(frozen=True, slots=True)
class Drift:
    """Something that changed on the engine since the last apply, and not by the file."""

    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The way from observed to desired. `steps` is in a topological order that is the same for the
    same input.

    `only` are the names that it is a part for: they and what they need; none: the whole. `left_out`
    is what cannot be as declared, and what needs that. `unjudged` are the containers of the file
    that it therefore says nothing about.
    """

    topology: str
    engine: EngineInfo
    changes: tuple[Change, ...] = ()
    steps: tuple[Step, ...] = ()
    drift: tuple[Drift, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fingerprint: str = ""
    only: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    unjudged: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        """Nothing to do."""
        return not self.steps

    @property
    def applyable(self) -> bool:
        """Whether nothing stands against it."""
        return not self.refusals

    @property
    def interrupts(self) -> tuple[str, ...]:
        """Names of the running containers that lose a connection, sorted."""
        return tuple(sorted({name for change in self.changes for name in change.interrupts}))

    @property
    def destructive(self) -> bool:
        """Whether anything is removed, replaced, disconnected or stopped: what apply asks about."""
        return any(step.op in ("remove", "disconnect", "stop", "rename") for step in self.steps)

    def counts(self) -> Mapping[str, int]:
        """How many networks to create, replace, remove, and endpoints to connect, reconnect,
        disconnect.
        """
        return self._count(
            ("create", "replace", "remove", "connect", "reconnect", "disconnect"),
            "network",
            "endpoint",
        )

    def container_counts(self) -> Mapping[str, int]:
        """How many containers to create, recreate, update, start, remove."""
        return self._count(("create", "recreate", "update", "start", "remove"), "container")

    def volume_counts(self) -> Mapping[str, int]:
        """How many volumes to create, remove."""
        return self._count(("create", "remove"), "volume")

    def _count(self, words: tuple[str, ...], *kinds: Kind) -> Mapping[str, int]:
        result = dict.fromkeys(words, 0)
        for change in self.changes:
            if change.kind in kinds:
                result[_counted_as(change)] += 1
        return result


_TWICE: Mapping[Kind, str] = {
    "network": "replace",
    "endpoint": "reconnect",
    "container": "recreate",
}


def _counted_as(change: Change) -> str:
    """The one word for what becomes of a resource."""
    if change.replaces:
        return _TWICE[change.kind]
    return "remove" if change.actions == ("delete",) else change.actions[0]

"""A plan as a value: what changes, why, by which steps in which order, and what stands against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .model import ContainerMark, EndpointMark, EngineInfo, NetworkMark, Secrets, Settings, Source, Value

Op = Literal["create", "remove", "connect", "disconnect", "pull", "rename", "update", "stop", "start", "wait"]
Kind = Literal["network", "endpoint", "container", "image"]
Cause = Literal["intent", "drift", "dropped", "kept"]


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """An attachment that a container is created with."""

    network: str
    settings: Settings = field(default_factory=dict)
    mark: EndpointMark | None = None


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """All that a container is created with. `settings` are the declared ones, `environment` the values behind their digests.

    `mode` is the engine's network mode: `bridge`, `host`, `none`, `container:NAME`, or the name of the network of the first of `endpoints`.
    `volumes` are anonymous volumes carried over from the container that it takes the place of: target -> name.
    """

    settings: Settings
    mark: ContainerMark
    mode: str = "bridge"
    endpoints: tuple[EndpointSpec, ...] = ()
    environment: Secrets = field(default_factory=Secrets)
    volumes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One engine call.

    `needs` are steps that must have succeeded, `follows` steps that must only have ended (order without dependence); both hold IDs
    smaller than this step's own. `network_id` is empty where the network is made by this plan: the executor takes the ID of the step that
    creates `network`. `settings` and `mark` are what `create` and `connect` send; `expects` is the endpoint ID that `disconnect` was
    planned against, or for `remove` the IDs of the containers that may still list the network.
    """

    id: int
    op: Op
    network: str
    reason: str
    container: str = ""
    network_id: str = ""
    container_id: str = ""
    settings: Settings = field(default_factory=dict)
    mark: NetworkMark | EndpointMark | None = None
    needs: tuple[int, ...] = ()
    follows: tuple[int, ...] = ()
    expects: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """`connect web to backend`: what the step does, in words."""
        match self.op:
            case "connect":
                return f"connect {self.container} to {self.network}"
            case "disconnect":
                return f"disconnect {self.container} from {self.network}"
            case _:
                return f"{self.op} network {self.network}"


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that changes: None is unset. `cause`: the file says so, somebody changed the engine, or the file no longer says it."""

    path: str
    before: Value | None
    after: Value | None
    cause: Cause = "intent"
    note: str = ""


Action = Literal["create", "delete", "connect", "disconnect"]


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that changes. `container` is empty for a network.

    `actions`: a network is `create`, `delete` or `delete, create`; an endpoint `connect`, `disconnect` or `disconnect, connect`.
    `interrupts` are the names of the running containers that lose a connection, for good or for a moment.
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

    @property
    def replaces(self) -> bool:
        """Whether the resource is there before and after."""
        return len(self.actions) == 2


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the plan must not run. `unsafe` ones end in exit 3, the others in exit 1. `way_out` says what the user can do."""

    message: str
    way_out: str = ""
    unsafe: bool = True
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """Something that changed on the engine since the last apply, and not by the file."""

    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The way from observed to desired. `steps` is in a topological order that is the same for the same input."""

    topology: str
    engine: EngineInfo
    changes: tuple[Change, ...] = ()
    steps: tuple[Step, ...] = ()
    drift: tuple[Drift, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fingerprint: str = ""

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
        """Whether anything is removed, replaced or disconnected: what apply asks about."""
        return any(step.op in ("remove", "disconnect") for step in self.steps)

    def counts(self) -> Mapping[str, int]:
        """How many networks to create, replace, remove, and endpoints to connect, reconnect, disconnect."""
        result = dict.fromkeys(("create", "replace", "remove", "connect", "reconnect", "disconnect"), 0)
        for change in self.changes:
            match change.actions:
                case (_, _):
                    result["reconnect" if change.container else "replace"] += 1
                case ("delete",):
                    result["remove"] += 1
                case (action,):
                    result[action] += 1
        return result

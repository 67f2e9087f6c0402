"""netplan for Python programs: the same as the commands, without a terminal.

::

    from reconciler import api

    lab = api.load("lab.yaml")
    plan = api.plan(lab)
    if not plan.empty:
        result = api.apply(lab, expected=plan)

Nothing is printed and nobody is asked: a call is consent to what the plan removes, within the
limits of its `Consent`. What goes wrong is raised, as the errors of reconciler.errors.
docs/python.md has a tour.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .errors import Problem
from .model import DesiredState, Journal, ObservedState
from .plan import Change, Difference, Drift, Plan, Refusal, Step

if TYPE_CHECKING:
    from typing import Any

    from .engine import Engine as Writer
    from .engine import Reader
    from .executor import Event, StepResult
    from .runs import Limits, Wanted
    from .safety import Policy
    from .show.containers import ContainerView
    from .show.networks import EndpointView, NetworkView
    from .show.volumes import VolumeView
    from .topology import Loaded

__all__ = [
    "Change",
    "Consent",
    "ContainerView",
    "Difference",
    "Drift",
    "EndpointView",
    "Engine",
    "Event",
    "Limits",
    "Live",
    "NetworkView",
    "Observed",
    "Plan",
    "Problem",
    "Refusal",
    "Result",
    "Step",
    "StepResult",
    "Topology",
    "VolumeView",
    "apply",
    "destroy",
    "load",
    "load_text",
    "observe",
    "plan",
    "render",
    "show",
]

_LAZY = {
    "ContainerView": ".show.containers",
    "EndpointView": ".show.networks",
    "Event": ".executor",
    "Limits": ".runs",
    "NetworkView": ".show.networks",
    "StepResult": ".executor",
    "VolumeView": ".show.volumes",
}
"""Value types that are loaded when a program asks for them, and where they stand."""


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_LAZY[name], __package__), name)


@dataclass(frozen=True, slots=True)
class Engine:
    """Where the engine is: nothing given, as the docker command finds it.

    `host` as in DOCKER_HOST, or `context`, a docker context; `timeout` in seconds bounds each
    answer. Every call of this module opens a connection of its own and closes it.
    """

    host: str | None = None
    context: str | None = None
    timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class Consent:
    """What a user would be asked about, or would allow by an option of the command line.

    `adopt` names networks that may be taken over; `disrupt_foreign` allows interrupting containers
    that the file does not declare; `max_removals` bounds how many things are removed, replaced or
    disconnected for good; `protect` names networks that must be neither removed nor replaced;
    `allow_empty` lets a file that declares nothing remove all; `replace_topology` names topologies
    of which the file may declare nothing that exists.
    """

    adopt: Collection[str] = ()
    disrupt_foreign: bool = False
    max_removals: int | None = None
    protect: Collection[str] = ()
    allow_empty: bool = False
    replace_topology: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Topology:
    """A file that is in order: what it declares, and what it probably does not mean."""

    state: DesiredState
    warnings: tuple[Problem, ...] = ()

    @property
    def name(self) -> str:
        """The topology's name."""
        return self.state.topology


@dataclass(frozen=True, slots=True)
class Observed:
    """An engine at one moment, and what interrupted runs left on it."""

    state: ObservedState
    journals: tuple[Journal, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """A run that ended well: its plan, how each step ended, how long all took, and warnings."""

    plan: Plan
    steps: tuple[StepResult, ...] = ()
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything was done."""
        return bool(self.steps)


@dataclass(frozen=True, slots=True)
class Live:
    """What is live: networks with their endpoints, containers, volumes, and all as `netplan show`
    prints them.

    `notes` of each say what is not as declared, or not well.
    """

    networks: tuple[NetworkView, ...]
    containers: tuple[ContainerView, ...]
    text: str
    volumes: tuple[VolumeView, ...] = ()


Progress = Callable[["Event"], object]
"""Called in the thread of the call as each step begins (`result` is None) and ends.

One that raises is not called again; the steps go on, and its exception is raised at the end.
"""


# --- files ----------------------------------------------------------------------------------------


def load(path: str | Path) -> Topology:
    """Reads and checks a topology file.

    Raises InputError with every problem of the file, UsageError where there is nothing to read.
    """
    from . import topology

    return _in_order(topology.load(str(path)), str(path))


def load_text(text: str, file: str | Path = "topology.yaml") -> Topology:
    """Checks a topology that is not in a file. Raises InputError with every problem.

    `file` is what positions name, and whose folder relative paths start from.
    """
    from . import topology

    return _in_order(topology.load_text(text, str(file)), str(file))


def _in_order(loaded: Loaded, file: str) -> Topology:
    from .topology.file_location import origin_of

    return Topology(replace(loaded.state, origin=origin_of(file)), loaded.warnings)


# --- looking --------------------------------------------------------------------------------------


def observe(engine: Engine = Engine(), topology: Topology | None = None) -> Observed:
    """The state of an engine. To plan from it, name the topology: its images are looked up too.

    Raises UsageError, EngineError.
    """
    from .lock import own_volumes
    from .lock.journal import journals
    from .runs import look_at

    with _reader(engine) as reader:
        left = journals(own_volumes(reader))
        states = [topology.state] if topology else []
        return Observed(look_at(reader, states, every_image=True), left)


def plan(
    topology: Topology,
    engine: Engine = Engine(),
    *,
    consent: Consent = Consent(),
    observed: Observed | None = None,
) -> Plan:
    """What apply would do, with an engine that cannot be changed; from `observed` with none.

    A plan that must not be carried out is returned too: it is not `applyable`, and its `refusals`
    say why. Raises UsageError, EngineError.
    """
    from .planner import plan as planned
    from .runs import View

    policy = _policy(consent, topology.state)
    if observed is not None:
        return planned(topology.state, observed.state, observed.journals, policy)
    with _reader(engine) as reader:
        return View(topology.state, reader, policy).look()


def show(topology: Topology | str | None = None, engine: Engine = Engine()) -> Live:
    """What is live of a topology: by file with what differs from it, by name as it is.

    Without a topology everything on the engine. Raises UsageError, EngineError.
    """
    from .lock import own_volumes
    from .planner import plan as planned
    from .runs import look_at
    from .show import show as shown
    from .show.containers import containers_of
    from .show.networks import networks_of
    from .show.volumes import volumes_of

    desired = topology.state if isinstance(topology, Topology) else None
    with _reader(engine) as reader:
        observed = look_at(reader, [desired] if desired else [], own=own_volumes(reader))
    name = topology.name if isinstance(topology, Topology) else topology
    wanted = planned(desired, observed) if desired else None
    return Live(
        tuple(networks_of(observed, name, desired, wanted)),
        tuple(containers_of(observed, name, desired, wanted)),
        shown(observed, name, desired, wanted),
        tuple(volumes_of(observed, name, desired, wanted)),
    )


def render(plan: Plan, form: Literal["text", "json", "markdown"] = "text") -> str:
    """A plan as `netplan plan -o FORM` prints it."""
    if form == "json":
        from .render.as_json import render_json

        return render_json(plan)
    if form == "markdown":
        from .render.markdown import render_markdown

        return render_markdown(plan)
    from .render import render_text

    return render_text(plan)


# --- changing -------------------------------------------------------------------------------------


def apply(
    topology: Topology,
    engine: Engine = Engine(),
    *,
    consent: Consent = Consent(),
    expected: Plan | None = None,
    ttl: int | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Result:
    """Makes the engine what the file says, and verifies it.

    Takes the lock, plans again, records what it is about to take away, carries the steps out. With
    `expected` it refuses every other plan than that one. `ttl`: seconds until the topology expires,
    instead of the file's own.

    Raises PlanRefusedError (unsafe), ImpossibleError, StepsFailedError, UnprovenError (every step
    was done, and not all is as declared), BusyError, LockLostError, UsageError, EngineError.
    """
    from .api_listener import agreed_only
    from .runs import Wanted

    state = topology.state if ttl is None else replace(topology.state, ttl=ttl)
    agreed = agreed_only(expected) if expected else None
    return _run(Wanted(state, _policy(consent, state), _limits(limits), agreed), engine, progress)


def destroy(
    topology: Topology | str,
    engine: Engine = Engine(),
    *,
    consent: Consent = Consent(),
    volumes: bool = False,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Result:
    """Removes what a topology owns and undoes its attachments; by name where there is no file. With
    `volumes` it also removes the volumes that it created, with all that they hold.

    By file the `protect: true` of the file counts, by name that on the engine. Raises as `apply`,
    and UsageError where no topology of that name exists.
    """
    from .runs import Wanted
    from .runs.name_checks import must_exist

    if isinstance(topology, str):
        gone = DesiredState(topology)
        consent = replace(consent, replace_topology={*consent.replace_topology, topology})
        policy, agreed = _policy(consent, gone), must_exist(topology)
        policy = replace(policy, destroyed=gone, volumes=volumes)
        return _run(Wanted(gone, policy, _limits(limits), agreed), engine, progress)
    state = topology.state
    policy = replace(_policy(consent, state), destroyed=state, volumes=volumes)
    gone = DesiredState(state.topology, origin=state.origin)
    return _run(Wanted(gone, policy, _limits(limits)), engine, progress)


def _run(wanted: Wanted, engine: Engine, progress: Progress | None) -> Result:
    from .api_listener import check, interruptible, reporter_for
    from .runs import carry_out

    reporter, warnings, failures = reporter_for(progress)
    with interruptible():
        with _writer(engine) as writer:
            outcome = carry_out(wanted, writer, reporter)
        if failures:
            raise failures[0]
        steps, seconds = (outcome.run.results, outcome.run.seconds) if outcome.run else ((), 0.0)
        result = Result(outcome.plan, steps, seconds, tuple(warnings))
        check(outcome, result)
        return result


def _limits(limits: Limits | None) -> Limits:
    from .runs import Limits

    return limits or Limits()


def _policy(consent: Consent, state: DesiredState) -> Policy:
    from .runs.name_checks import check_adopt, check_replaced
    from .safety import Policy

    check_adopt(consent.adopt, [state], "adopt")
    check_replaced(consent.replace_topology, [state], "replace_topology")
    return Policy(
        frozenset(consent.adopt),
        consent.disrupt_foreign,
        max_removals=consent.max_removals,
        allow_empty=consent.allow_empty,
        replaces=frozenset(consent.replace_topology),
        protect=frozenset(consent.protect),
    )


def _reader(engine: Engine) -> AbstractContextManager[Reader]:
    from .engine import open_reader

    return closing(open_reader(engine.host, engine.context, engine.timeout))


def _writer(engine: Engine) -> AbstractContextManager[Writer]:
    from .engine import open_engine

    return closing(open_engine(engine.host, engine.context, engine.timeout))

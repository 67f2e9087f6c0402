"""What an apply has come to: whether the engine is as declared, and what of it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from ..errors import UnprovenError
from ..fast_dataclasses import dataclass, replace
from ..model import RESTARTING, DesiredState, ObservedState
from ..safety import Policy

if TYPE_CHECKING:
    from ..engine import Reader
    from ..executor import Run
    from ..plan import Plan
    from .view import View

SETTLE = (0.0, 0.3, 0.7, 1.5)
"""Seconds to wait before each look that may prove an apply: an engine lists some changes a little
later.
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has come of a plan: how its steps ended, None where none was taken, and what is `left`.

    A `plan` that is not applyable was refused, and nothing was done.
    """

    plan: Plan
    run: Run | None
    left: Plan


def live(observed: ObservedState, wanted: Plan) -> set[tuple[str, str]]:
    """ID and name of what runs among the containers that a plan touches and leaves: one that
    restarts while its network is missing stays down.
    """
    touched = {step.container_id for step in wanted.steps}
    touched -= {
        step.container_id
        for step in wanted.steps
        if step.kind == "container" and step.op in ("remove", "stop")
    }
    return {
        (container.id, container.name)
        for container in observed.containers
        if container.live and container.id in touched
    }


def afterwards(policy: Policy) -> Policy:
    """What must hold when all is done: nothing is to be recreated once more."""
    return replace(policy, reset=False, wipe=False, spare=frozenset())


def prove(look: Callable[[], Plan]) -> Plan:
    """The plan that is left: empty where the apply did what it said. Looked at again for a moment,
    as engines list some changes late.
    """
    for pause in SETTLE:
        time.sleep(pause)
        left = look()
        if left.empty and left.applyable:
            break
    return left


def remains(left: Plan) -> Iterator[str]:
    """What keeps the engine from being as declared."""
    for refusal in left.refusals:
        yield f"{refusal.message}: {refusal.way_out}"
    for step in left.steps:
        yield f"left to do: {step.text}: {step.reason}"
    yield "another program may be changing the engine: run netplan plan to see what is left"


def not_running(
    desired: DesiredState, observed: ObservedState, reader: Reader, unjudged: Collection[str] = ()
) -> Iterator[str]:
    """Each container of the topology that should run and does not, with its exit code and the last
    line that it wrote.

    Those in `unjudged` (names) are not asked for.
    """
    for container in observed.containers:
        wanted = desired.containers.get(container.name)
        ours = container.mark is not None and container.mark.topology == desired.topology
        if wanted is None or not wanted.managed or not ours or container.name in unjudged:
            continue
        fine = (
            container.live
            or container.state == "created"
            or (wanted.one_shot and container.exit_code == 0)
        )
        if container.state == RESTARTING or not fine:
            from ..executor.stay_up import (
                stopped,
            )  # loads the whole executor, which an apply with nothing to do does not need

            yield stopped(reader, container.name, container.id)


def own_containers(reader: Reader) -> frozenset[str]:
    """The IDs of the container that netplan itself runs in, if it runs in one: by its host name and
    by what is mounted in it.
    """
    import socket
    from pathlib import Path

    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        mounts = ""
    name, ids = socket.gethostname(), [str(entry["Id"]) for entry in reader.containers()]
    return frozenset(
        id
        for id in ids
        if f"/containers/{id}/" in mounts or (len(name) == 12 and id.startswith(name))
    )


def all_run(view: View, left: Plan, reader: Reader) -> None:
    """Raises UnprovenError where a container of the file is not running, or keeps restarting,
    though nothing is left to do.

    Of those that the plan `left` says nothing about none is asked for.
    """
    if not view.policy.keep_containers and (
        ended := list(not_running(view.desired, view.observed, reader, left.unjudged))
    ):
        raise UnprovenError("not every declared container is running", *ended)

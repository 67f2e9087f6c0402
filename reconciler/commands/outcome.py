"""What an apply has come to: whether the engine is as declared, and what of it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ..codec import listed_name
from ..codec.containers import without_secrets
from ..model import RESTARTING, DesiredState, ObservedContainer, ObservedState
from ..safety import Policy

if TYPE_CHECKING:
    from ..engine import Reader
    from ..executor import Run
    from ..plan import Plan

SETTLE = (0.0, 0.3, 0.7, 1.5)
"""Seconds to wait before each look that may prove an apply: an engine lists some changes a little later."""
STEADY = 0.2
"""Seconds that a container must have had to fall over: one that ends at once looks as if it ran."""

BETWEEN = 2.0
"""Seconds within which a container that keeps ending is seen between two of its starts."""


def live(observed: ObservedState, wanted: Plan) -> set[tuple[str, str]]:
    """ID and name of what runs among the containers that a plan touches and leaves: one that restarts while its network is missing stays
    down."""
    touched = {step.container_id for step in wanted.steps}
    touched -= {step.container_id for step in wanted.steps if step.kind == "container" and step.op in ("remove", "stop")}
    return {(container.id, container.name) for container in observed.containers if container.live and container.id in touched}


def afterwards(policy: Policy) -> Policy:
    """What must hold when all is done: nothing is to be made anew once more."""
    return replace(policy, reset=False, wipe=False, spare=frozenset())


def prove(look: Callable[[], Plan], reader: Reader, ran: Run | None) -> Plan:
    """The plan that is left: empty where the apply did what it said. Looked at again for a moment, as engines list some changes late."""
    from ..engine import persistently

    started = {result.step.container for result in ran.done if result.step.op == "start"} if ran else set()
    steady = time.monotonic() + STEADY
    for pause in SETTLE:
        time.sleep(pause)
        left = look()
        if left.empty and left.applyable:
            break
    if started:
        time.sleep(max(steady - time.monotonic(), 0))
        listed = persistently(reader.containers)
        if not started <= {listed_name(entry) for entry in listed if entry.get("State") == "running"}:
            left = look()
    return left


def remains(left: Plan) -> Iterator[str]:
    """What keeps the engine from being as declared."""
    for refusal in left.refusals:
        yield f"{refusal.message}: {refusal.way_out}"
    for step in left.steps:
        yield f"left to do: {step.text}: {step.reason}"
    yield "somebody else may be changing the engine: run netplan plan to see what is left"


def not_running(desired: DesiredState, observed: ObservedState, reader: Reader, ran: Run | None = None) -> Iterator[str]:
    """Each container of the topology that should run and does not, with its exit code and its last words.

    One that its engine starts again and again is caught by what was counted since this run started it.
    """
    started = {result.step.container for result in ran.done if result.step.op == "start"} if ran else set()
    for container in observed.containers:
        wanted = desired.containers.get(container.name)
        ours = container.mark is not None and container.mark.topology == desired.topology
        if wanted is None or not wanted.managed or not ours:
            continue
        again = container.state == RESTARTING or (container.name in started and _restarts(container, reader))
        if again or not (container.live or container.state == "created" or (wanted.one_shot and container.exit_code == 0)):
            line = without_secrets(reader.last_line(container.id), reader.container(container.id) or {})
            code = _last_code(container, reader) if again else container.exit_code
            what = f"{container.name} {'keeps ending' if again else 'ended'} with exit code {code}"
            yield f"{what}: {line}" if line else f"{what} and said nothing: docker logs {container.name}"


def _restarts(container: ObservedContainer, reader: Reader) -> bool:
    policy = str(container.settings.get("restart", "no"))
    return policy != "no" and bool((reader.container(container.id) or {}).get("RestartCount"))


def _last_code(container: ObservedContainer, reader: Reader) -> int:
    """How it ended last: told only between two starts, which are soon seconds apart."""
    code, until = container.exit_code, time.monotonic() + BETWEEN
    while not code and time.monotonic() < until:
        time.sleep(0.05)
        code = int(((reader.container(container.id) or {}).get("State") or {}).get("ExitCode") or 0)
    return code


def own_containers(reader: Reader) -> frozenset[str]:
    """The IDs of the container that netplan itself runs in, if it runs in one: by its host name and by what is mounted in it."""
    import socket
    from pathlib import Path

    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        mounts = ""
    name, ids = socket.gethostname(), [str(entry["Id"]) for entry in reader.containers()]
    return frozenset(id for id in ids if f"/containers/{id}/" in mounts or (len(name) == 12 and id.startswith(name)))

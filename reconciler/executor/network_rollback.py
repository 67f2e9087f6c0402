"""The way back from a replacement that failed half-way: the old network, and every endpoint that
was taken off it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from ..fast_dataclasses import replace
from ..model import ObservedContainer, ObservedNetwork, ObservedState
from ..plan import Plan, Step
from ..settings import STATIC


def rollback(plan: Plan, statuses: Mapping[int, str], observed: ObservedState) -> Plan:
    """What puts networks back that `plan` was to replace and whose new one could not be made; empty
    where there are none.

    And on `none` the containers that left it for a network on which they did not come.

    `statuses` says of each step how it ended: `done`, `failed`, `skipped`. `observed` is what the
    plan was made from. The old network is made again only if it is gone; one that could not be
    removed only gets its endpoints back.
    """
    removals = {step.network: step for step in plan.steps if step.takes_network}
    networks = {network.id: network for network in observed.networks}
    containers = {container.id: container for container in observed.containers}
    off: dict[str, list[Step]] = defaultdict(list)
    for step in plan.steps:
        if step.op == "disconnect" and statuses[step.id] == "done":
            off[step.network].append(step)
    steps: list[Step] = []
    for create in plan.steps:
        removal = removals.get(create.network)
        if (
            create.op == "create"
            and create.kind == "network"
            and removal
            and statuses[create.id] != "done"
        ):
            old, is_gone = networks[removal.network_id], statuses[removal.id] == "done"
            steps += _way_back(plan, off[create.network], containers, old, is_gone, len(steps))
    arrived = {
        step.container_id
        for step in plan.steps
        if step.op == "connect" and statuses[step.id] == "done"
    }
    for left in plan.steps:
        if (
            left.op == "disconnect"
            and left.network == "none"
            and statuses[left.id] == "done"
            and left.container_id not in arrived
        ):
            why, ids = (
                f"{left.container} could not be connected to another network",
                (left.network_id, left.container_id),
            )
            steps.append(Step(len(steps) + 1, "connect", "none", why, left.container, *ids))
    return replace(plan, steps=tuple(steps), changes=(), drift=(), warnings=(), notes=())


def _way_back(
    plan: Plan,
    off: Sequence[Step],
    containers: Mapping[str, ObservedContainer],
    old: ObservedNetwork,
    is_gone: bool,
    number: int,
) -> Iterator[Step]:
    """`off` are the disconnects from the network that were done. Static addresses first, so that no
    dynamic one takes them.
    """
    reason = f"the new {old.name} could not be created"
    needs: tuple[int, ...] = ()
    if is_gone:
        number += 1
        needs = (number,)
        yield Step(number, "create", old.name, reason, settings=old.settings, mark=old.mark)
    endpoints = [(step, containers[step.container_id].endpoint(old.name)) for step in off]
    back = [
        (step, endpoint)
        for step, endpoint in endpoints
        if endpoint and not (endpoint.phantom or endpoint.missing)
    ]
    back.sort(key=lambda pair: not any(path in pair[1].settings for path in STATIC))
    before: tuple[int, ...] = ()
    for step, endpoint in back:
        number += 1
        network_id = "" if is_gone else old.id
        yield Step(
            number,
            "connect",
            old.name,
            reason,
            step.container,
            network_id,
            step.container_id,
            endpoint.settings,
            endpoint.mark,
            needs,
            before,
            mac=endpoint.mac if plan.engine.heeds_mac else "",
        )
        before = (number,)

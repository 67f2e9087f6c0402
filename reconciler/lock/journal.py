"""The journal on the engine: what a run is about to take away, noted before it does.

One volume per run, `netplan.journal.RUN`; its labels hold the full observed settings of each
network to be removed or replaced and of each endpoint to be disconnected, as a snapshot. Endpoint
settings and network settings hold no secrets. The planner takes it as an input
(planner/recover.py), and it is deleted only after a proof.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from socket import gethostname
from typing import TYPE_CHECKING, Any

from ..errors import ApiError, EngineError, FailedError, LostError, UsageError
from ..fast_dataclasses import dataclass, replace
from ..model import Journal, ObservedState
from ..plan import Plan, Step
from .locks import KIND, own_volumes

if TYPE_CHECKING:
    from ..engine import Engine

PREFIX = "netplan.journal."
RECORD = "netplan.record"
VERSION = 1


def takes_away(step: Step) -> bool:
    """Whether a step takes something away: what must be noted before, and done only under the
    lock.
    """
    return step.op in ("remove", "disconnect", "stop")


def taken_by(plan: Plan, observed: ObservedState) -> ObservedState:
    """All that the steps of a plan take away but for good, as it is now; of each container only the
    endpoints that are disconnected.
    """
    networks = {step.network_id for step in plan.steps if step.takes_network}
    endpoints: dict[str, set[str]] = defaultdict(set)
    for step in plan.steps:
        if step.op == "disconnect":
            endpoints[step.container_id].add(step.network)
    containers = (
        replace(
            container,
            endpoints=tuple(
                e
                for e in container.endpoints
                if e.network in endpoints[container.id] and not e.missing
            ),
        )
        for container in observed.containers
        if container.id in endpoints
    )
    return ObservedState(
        observed.engine,
        tuple(network for network in observed.networks if network.id in networks),
        tuple(container for container in containers if container.endpoints),
    )


# --- on the engine --------------------------------------------------------------------------------


def journals(volumes: Iterable[Mapping[str, Any]]) -> tuple[Journal, ...]:
    """The journals among netplan's own volumes, the oldest first; one that cannot be read says
    why.
    """
    found = [_read(str(v["Name"]), v.get("Labels") or {}) for v in volumes if _is_journal(v)]
    return tuple(sorted(found, key=lambda journal: (journal.order, journal.name)))


def _is_journal(volume: Mapping[str, Any]) -> bool:
    return (volume.get("Labels") or {}).get(KIND) == "journal" and str(volume["Name"]).startswith(
        PREFIX
    )


def _read(name: str, labels: Mapping[str, Any]) -> Journal:
    from ..snapshot import journal_from_json  # most looks find no journal

    record: Any = None
    try:
        record = json.loads(labels.get(RECORD) or "")
        if record["v"] != VERSION:
            raise ValueError(f"its version is {record['v']}, netplan reads {VERSION}")
        return journal_from_json(name, record)
    except (KeyError, TypeError, ValueError, RecursionError, UsageError) as error:
        topology = record.get("topology") if isinstance(record, dict) else None
        why = str(error) or type(error).__name__
        return Journal(
            name, topology if isinstance(topology, str) else "", 0, ObservedState(), unreadable=why
        )


@dataclass(frozen=True, slots=True)
class Writer:
    """This run's journal: on the engine from `write` until `drop`. `empty`: it holds nothing that
    would have to be put back.
    """

    engine: Engine
    name: str
    labels: Mapping[str, str]
    empty: bool = False

    def check(self, volumes: Iterable[Mapping[str, Any]]) -> None:
        """Make it again if it has vanished; `volumes` were listed just now."""
        if all(volume["Name"] != self.name for volume in volumes):
            self.write()

    def write(self) -> None:
        """Put it on the engine. Raises FailedError where that cannot be seen to have worked."""
        try:
            answer: Mapping[str, Any] = self.engine.create_volume(self.name, self.labels)
        except (ApiError, LostError) as error:
            found = next(
                (volume for volume in own_volumes(self.engine) if volume["Name"] == self.name), None
            )
            if found is None:
                raise FailedError(
                    f"the journal cannot be written: {error}", "so nothing was removed"
                ) from error
            answer = found.get("Labels") or {}
        if answer != self.labels:
            raise FailedError(
                f"the engine did not store the journal {self.name} completely",
                "so nothing was removed",
            )


def writer(
    engine: Engine, run: str, plan: Plan, observed: ObservedState, present: Sequence[Journal]
) -> Writer | None:
    """The journal that a run of `plan` needs, not yet written; None where it takes nothing away.
    `present` are those there already.
    """
    taken = taken_by(plan, observed)
    if not any(map(takes_away, plan.steps)):
        return None
    from ..snapshot import journal_json

    name, order = f"{PREFIX}{run}", 1 + max((journal.order for journal in present), default=0)
    journal = Journal(
        name,
        plan.topology,
        order,
        taken,
        gethostname(),
        datetime.now(UTC).isoformat(timespec="seconds"),
    )
    text = json.dumps(
        {"v": VERSION, **journal_json(journal)}, separators=(",", ":"), ensure_ascii=False
    )
    return Writer(
        engine,
        name,
        {KIND: "journal", RECORD: text},
        empty=not (taken.networks or taken.containers),
    )


def drop(engine: Engine, names: Iterable[str]) -> str:
    """Delete journals whose topology is proven; returns why one stays, empty where none does: the
    next apply finds it proven again.
    """
    trouble = ""
    for name in names:
        try:
            engine.remove_volume(name)
        except EngineError as error:
            if not isinstance(error, ApiError) or error.status != 404:
                trouble = f"the journal {name} could not be removed from the engine: {error}"
    return trouble

"""What is live as JSON, for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ..model import DesiredState, ObservedState
from ..plan import Plan
from .containers import containers_of
from .networks import gateways_in_use, networks_of
from .topologies import Owned, entry_json
from .volumes import volumes_of

FORMAT_VERSION = 1


def show_json(
    observed: ObservedState, *topologies: tuple[str | None, DesiredState | None, Plan | None]
) -> str:
    """What `show` shows, as JSON (schemas/show.schema.json): of each topology its name, its file
    and the plan for it; None is unknown.
    """
    return _json(observed, {"topologies": [_shown(observed, *each) for each in topologies]})


def _shown(
    observed: ObservedState, topology: str | None, desired: DesiredState | None, plan: Plan | None
) -> dict[str, Any]:
    in_use = {network.id: gateways_in_use(network) for network in observed.networks}
    return {
        "topology": topology,
        "networks": [
            asdict(network) | {"gateways": in_use[network.id] if network.id else []}
            for network in networks_of(observed, topology, desired, plan)
        ],
        "containers": [
            asdict(container) for container in containers_of(observed, topology, desired, plan)
        ],
        "volumes": [asdict(volume) for volume in volumes_of(observed, topology, desired, plan)],
    }


def ls_json(observed: ObservedState, found: Sequence[Owned], now: datetime) -> str:
    """What `ls` lists, as JSON (schemas/ls.schema.json): these topologies."""
    return _json(observed, {"topologies": [entry_json(entry, now) for entry in found]})


def _json(observed: ObservedState, body: Mapping[str, Any]) -> str:
    engine = {
        "name": observed.engine.name,
        "version": observed.engine.version,
        "flavor": observed.engine.flavor,
    }
    return json.dumps(
        {"format_version": FORMAT_VERSION, "engine": engine, **body}, indent=2, ensure_ascii=True
    )

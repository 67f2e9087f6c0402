"""Links as JSON, for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..fast_dataclasses import as_dict
from ..model import EngineInfo
from .pairing import ContainerLinks

FORMAT_VERSION = 1


def links_json(
    engine: EngineInfo, rows: Iterable[ContainerLinks], unseen: Sequence[str] = ()
) -> dict[str, Any]:
    """What `links` shows, as schemas/links.schema.json says."""
    return {
        "format_version": FORMAT_VERSION,
        "engine": {"name": engine.name, "version": engine.version, "flavor": engine.flavor},
        "containers": [_container(row) for row in rows],
        "unseen": list(unseen),
    }


def _container(row: ContainerLinks) -> dict[str, Any]:
    return as_dict(row) | {
        "interfaces": [as_dict(one) for one in row.interfaces],
        "routes": [as_dict(route) for route in row.routes],
    }

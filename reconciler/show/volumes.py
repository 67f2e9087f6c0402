"""Volumes that topologies created or declare, as rows of plain values."""

from __future__ import annotations

from typing import Literal

from ..fast_dataclasses import dataclass
from ..model import DesiredState, ObservedState, ObservedVolume
from ..ownership import owner
from ..plan import Plan
from ..settings.volume_rows import DEFAULTS


@dataclass(frozen=True, slots=True)
class VolumeView:
    """One volume. `missing`: declared and not there; `containers` are those that mount it."""

    name: str
    status: Literal["present", "missing"] = "present"
    topology: str = ""
    driver: str = ""
    containers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def volumes_of(
    observed: ObservedState,
    topology: str | None = None,
    desired: DesiredState | None = None,
    plan: Plan | None = None,
) -> list[VolumeView]:
    """Volumes that `topology` created or declares, or all that any created, by name."""
    there, declared = observed.volumes, desired.volumes if desired else {}
    if there is None:
        return []
    names = {
        name for name, volume in there.items() if volume.mark and topology in (None, owner(volume))
    }
    refused = plan.refusals if plan else ()
    about = {r.about[-1]: r.message for r in refused if r.about and len(r.about) == 3}
    return [
        _view(name, there.get(name), observed, about.get(name, ""))
        for name in sorted(names | declared.keys())
    ]


def _view(
    name: str, volume: ObservedVolume | None, observed: ObservedState, wrong: str
) -> VolumeView:
    if volume is None:
        return VolumeView(name, "missing")
    users = (one.name for one in observed.containers if one.id in volume.users)
    driver = str(volume.settings.get("driver", DEFAULTS["driver"]))
    notes = (wrong.removeprefix(f"volume {name} "),) if wrong else ()
    return VolumeView(name, "present", owner(volume), driver, tuple(sorted(users)), notes)

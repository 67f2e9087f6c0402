"""Containers that a topology runs, as rows of plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..fast_dataclasses import dataclass
from ..model import (
    PREDEFINED,
    RESTARTING,
    DesiredContainer,
    DesiredState,
    ObservedContainer,
    ObservedState,
)
from ..network_mode import cut_off, sharing
from ..plan import Change, Plan
from .notes import container_note


@dataclass(frozen=True, slots=True)
class ContainerView:
    """One container. `mode` is as in a file (`bridge`, `host`, `none`, `container:NAME`), empty for
    one on `networks`.

    `exit_code` is that of its end, None while it lives or before it was started. Its addresses
    stand with its networks. Without an `id` it is declared and not there. `notes` say what is not
    as it should be.
    """

    name: str
    id: str = ""
    topology: str = ""
    state: str = ""
    exit_code: int | None = None
    health: str = ""
    image: str = ""
    mode: str = ""
    networks: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether it runs and is well, or has ended with 0."""
        return self.health != "unhealthy" and self.state != RESTARTING and not self.exit_code


def containers_of(
    observed: ObservedState,
    topology: str | None = None,
    desired: DesiredState | None = None,
    plan: Plan | None = None,
) -> list[ContainerView]:
    """Those that `topology` runs or is declared to run, or all that any topology runs; by topology,
    then name.
    """
    planned = plan.changes if plan else ()
    changes = {change.container: change for change in planned if change.kind == "container"}
    names = {container.id: container.name for container in observed.containers}
    rows = [
        _view(container, names, changes, desired)
        for container in observed.containers
        if container.mark and topology in (None, container.mark.topology)
    ]
    known, taken = {row.name for row in rows}, set(names.values())
    if desired:
        rows += [
            _missing(wanted, desired.topology, name in taken)
            for name, wanted in desired.containers.items()
            if wanted.managed and name not in known
        ]
    return sorted(rows, key=lambda row: (row.topology, row.name, row.id))


def _view(
    container: ObservedContainer,
    names: Mapping[str, str],
    changes: Mapping[str, Change],
    desired: DesiredState | None,
) -> ContainerView:
    mode = _mode(container, names)
    return ContainerView(
        container.name,
        container.id,
        container.mark.topology if container.mark else "",
        container.state,
        (
            container.exit_code
            if container.state == RESTARTING or not (container.live or container.state == "created")
            else None
        ),
        container.health if container.live else "",
        str(container.settings.get("image", "")),
        mode,
        () if mode else tuple(endpoint.network for endpoint in container.endpoints),
        container.ports,
        tuple(_notes(container, names, changes.get(container.name), desired)),
    )


def _notes(
    container: ObservedContainer,
    names: Mapping[str, str],
    change: Change | None,
    desired: DesiredState | None,
) -> Iterator[str]:
    wanted = desired.containers.get(container.name) if desired else None
    if wanted and not wanted.managed:
        yield "was created by this topology and is no longer managed by it"
    if change:
        yield container_note(change)
    elif container.state == RESTARTING:
        yield "keeps restarting"
    elif container.severed:
        shared = sharing(container.network_mode, container.settings)
        yield cut_off({key: names.get(id, id[:12]) for key, id in shared.items()})


def _mode(container: ObservedContainer, names: Mapping[str, str]) -> str:
    """What it is attached to decides, not what it was created on: that may be long gone."""
    mode = "bridge" if container.network_mode == "default" else container.network_mode
    if mode.startswith("container:"):
        owner = mode.removeprefix("container:")
        return f"container:{names.get(owner, owner[:12])}"
    attached = {endpoint.network for endpoint in container.endpoints}
    if mode == "host" or attached in ({"bridge"}, {"none"}):
        return "host" if mode == "host" else attached.pop()
    return mode if not attached and mode in PREDEFINED else ""


def _missing(wanted: DesiredContainer, topology: str, taken: bool) -> ContainerView:
    return ContainerView(
        wanted.name,
        topology=topology,
        image=wanted.image,
        mode=str(wanted.settings.get("network_mode", "")),
        networks=tuple(endpoint.network for endpoint in wanted.endpoints),
        notes=("a container of this name is not managed by this topology" if taken else "missing",),
    )

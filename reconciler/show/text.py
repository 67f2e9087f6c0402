"""The live topology as an aligned tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from ..model import PREDEFINED, DesiredState, ObservedState
from ..plan import Plan
from ..terminal import Paint, column, plain, safe
from .containers import ContainerView, containers_of
from .networks import OPTIONAL_NETWORK, EndpointView, NetworkView, networks_of
from .status import problem_rows, problems_of, summary
from .topologies import state_of
from .volumes import VolumeView, volumes_of

MOST_ROWS = 30
"""Rows of a tree above which what is wrong stands before it, too."""


def show(
    observed: ObservedState,
    topology: str | None = None,
    desired: DesiredState | None = None,
    plan: Plan | None = None,
    paint: Paint = plain,
    *,
    problems: bool = False,
) -> str:
    """The live topology as a summary and an aligned tree; with `desired` and `plan` also what is
    missing and what differs.

    What is wrong is listed before a large tree, and with `problems` instead of it.
    """
    networks = networks_of(observed, topology, desired, plan)
    containers = containers_of(observed, topology, desired, plan)
    volumes = volumes_of(observed, topology, desired, plan)
    product = "Podman " if observed.engine.flavor == "podman" else ""  # as a plan calls it
    engine = f"engine {product}{safe(observed.engine.version)} ({safe(observed.engine.transport)})"
    head = f'topology "{safe(topology)}" on {engine}' if topology is not None else engine
    if not networks and not containers and not volumes:
        return f"netplan: {head}\n\n{_nothing(topology)}"
    wrong = problem_rows(networks, containers, volumes)
    large = sum(len(network.endpoints) for network in networks) + len(containers) > MOST_ROWS
    blocks = [f"netplan: {head}\n{summary(observed, networks, containers, wrong)}"]
    if wrong and (large or problems):
        blocks.append("\n".join(_problems(wrong, paint)))
    if not problems:
        blocks += [
            *_network_blocks(networks, topology, paint),
            *_container_blocks(containers, topology, paint),
            *_volume_block(volumes, topology, paint),
        ]
    return "\n\n".join(blocks)


def _problems(wrong: Mapping[str, Sequence[str]], paint: Paint) -> Iterator[str]:
    yield paint("error", "Problems")
    width = column(map(safe, wrong), 40)
    for name, notes in wrong.items():
        yield f"  {safe(name):<{width}}  {paint('warn', '! ' + safe('; '.join(notes)))}"


def _nothing(topology: str | None) -> str:
    return (
        "no networks"
        if topology is None
        else f'nothing on this engine belongs to "{safe(topology)}": see netplan ls'
    )


# --- networks -------------------------------------------------------------------------------------


def _network_blocks(
    networks: Sequence[NetworkView], topology: str | None, paint: Paint
) -> Iterator[str]:
    cells = [[_cells(row, network) for row in network.endpoints] for network in networks]
    widths = _widths(row for rows in cells for row in rows)
    for network, rows in zip(networks, cells, strict=True):
        yield _block(network, rows, widths, topology, paint)


def _widths(rows: Iterable[Sequence[str]]) -> list[int]:
    return [column(cells) for cells in zip(*rows, strict=True)]


def _notes(notes: Iterable[str], paint: Paint) -> str:
    return "".join(f"  {paint('warn', '! ' + safe(note))}" for note in notes)


def _block(
    network: NetworkView,
    rows: Sequence[Sequence[str]],
    widths: Sequence[int],
    topology: str | None,
    paint: Paint,
) -> str:
    lines = [_heading(network, topology, paint)]
    lines += [
        f"   {paint('warn', '! ' + safe(note))}"
        for note in network.notes
        if note != _status(network)
    ]
    for number, (endpoint, row) in enumerate(zip(network.endpoints, rows, strict=True), 1):
        branch = paint("dim", "└─" if number == len(rows) else "├─")
        text = "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width
        )
        lines.append(f"{branch} {text.rstrip()}{_notes(endpoint.notes, paint)}")
    return "\n".join(lines)


def _heading(network: NetworkView, topology: str | None, paint: Paint) -> str:
    parts = [paint("bold", safe(network.name))]
    if network.status != "present":
        parts.append(paint("warn", f"! {_status(network)}"))
    parts += [safe(part) for part in (network.driver, *network.subnets) if part]
    parts += [f"gateway {safe(gateway)}" for gateway in network.gateways]
    parts += [paint("change", flag) for flag in network.flags]
    if network.status == "present":
        parts.append(paint("dim", _owner(network, topology)))
    return "  ".join(part for part in parts if part)


def _status(network: NetworkView) -> str:
    return OPTIONAL_NETWORK if OPTIONAL_NETWORK in network.notes else network.status


def _owner(network: NetworkView, topology: str | None) -> str:
    if network.topology == topology:
        return ""
    if network.topology:
        return f"owner {safe(network.topology)}"
    return "" if network.name in PREDEFINED else "unowned"


def _cells(row: EndpointView, network: NetworkView) -> tuple[str, ...]:
    addresses = " ".join(row.addresses) or " ".join(f"({address})" for address in row.static)
    aliases = f"alias {' '.join(row.aliases)}" if row.aliases else ""
    mark = (
        f"{row.mark} by {row.topology}"
        if row.mark and row.topology != network.topology
        else row.mark
    )
    if row.managed and row.mark == "made":
        mark = ""
    elif not mark and row.container_id and network.topology:
        mark = "foreign"
    ports = "" if row.managed else " ".join(row.ports)
    return tuple(map(safe, (row.container, row.state, addresses, aliases, mark, ports)))


# --- containers -----------------------------------------------------------------------------------


def _container_blocks(
    containers: Sequence[ContainerView], topology: str | None, paint: Paint
) -> Iterator[str]:
    """One block for each topology that runs any; widths are those of all."""
    cells = {id(row): _container_cells(row) for row in containers}
    widths = _widths(cells.values())
    for owner, found in groupby(containers, key=lambda row: row.topology):
        rows = list(found)
        heading = paint("bold", "Containers") + (
            "" if owner == topology else paint("dim", f"  owner {safe(owner)}")
        )
        lines = [
            _container_line(row, cells[id(row)], widths, row is rows[-1], paint) for row in rows
        ]
        yield "\n".join((heading, *lines))


def _container_line(
    row: ContainerView, cells: Sequence[str], widths: Sequence[int], last: bool, paint: Paint
) -> str:
    branch = paint("dim", "└─" if last else "├─")
    styles = ("", _state_style(row), *[""] * len(cells))
    end = max((number for number, cell in enumerate(cells) if cell), default=0)
    shown = [
        (paint(style, cell) if cell else "") + " " * (width - len(cell) if number < end else 0)
        for number, (cell, width, style) in enumerate(zip(cells, widths, styles, strict=False))
        if width and number <= end
    ]
    return f"{branch} {'  '.join(shown)}{_notes(row.notes, paint)}"


def _state_style(row: ContainerView) -> str:
    if not row.healthy:
        return "error"
    return "add" if row.state == "running" else "dim"


def _container_cells(row: ContainerView) -> tuple[str, ...]:
    """A container that is not there has a name only: what it would be, the plan says."""
    if not row.id:
        return safe(row.name), "", "", "", ""
    where = (
        f"shares {row.mode.removeprefix('container:')}'s network"
        if row.mode.startswith("container:")
        else row.mode
    )
    where = where or ", ".join(row.networks) or "not attached"
    return tuple(map(safe, (row.name, state_of(row), row.image, where, " ".join(row.ports))))


# --- volumes --------------------------------------------------------------------------------------


def _volume_block(
    volumes: Sequence[VolumeView], topology: str | None, paint: Paint
) -> Iterator[str]:
    if not volumes:
        return
    cells = [_volume_cells(row, topology) for row in volumes]
    widths = _widths(cells)
    lines = [paint("bold", "Volumes")]
    for number, (row, found) in enumerate(zip(volumes, cells, strict=True), 1):
        branch = paint("dim", "└─" if number == len(volumes) else "├─")
        text = "  ".join(
            cell.ljust(width) for cell, width in zip(found, widths, strict=True) if width
        )
        lines.append(f"{branch} {text.rstrip()}{_notes(problems_of(row), paint)}")
    yield "\n".join(lines)


def _volume_cells(row: VolumeView, topology: str | None) -> tuple[str, ...]:
    users = f"mounted by {', '.join(row.containers)}" if row.containers else ""
    whose = f"owner {row.topology}" if row.topology else "unowned"
    if row.status == "missing" or row.topology == topology:
        whose = ""
    return tuple(map(safe, (row.name, row.driver, users, whose)))

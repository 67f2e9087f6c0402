"""The live topology as a tree, and the topologies on an engine as a table; both also as JSON.

`view` turns observed state into rows of plain values, once; text and JSON are two ways to write those down.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from .model import PREDEFINED, DesiredState, ObservedContainer, ObservedEndpoint, ObservedNetwork, ObservedState, settings_pools
from .paint import Paint, plain, safe
from .plan import Change, Difference, Plan
from .render import label, show_value

FORMAT_VERSION = 1
Status = Literal["present", "missing", "gone"]


@dataclass(frozen=True, slots=True)
class EndpointView:
    """One container on one network. `mark` is `made`, `amended` or empty, `topology` whose; `notes` say what is not as it should be."""

    container: str
    container_id: str = ""
    state: str = ""
    addresses: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    mac: str = ""
    aliases: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    mark: str = ""
    topology: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkView:
    """One network. `missing`: declared and not there; `gone`: containers still list it, and it is not there."""

    name: str
    id: str = ""
    status: Status = "present"
    topology: str = ""
    driver: str = ""
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    endpoints: tuple[EndpointView, ...] = ()
    notes: tuple[str, ...] = ()


# --- what there is ---------------------------------------------------------------------------------------------------


def view(
    observed: ObservedState, topology: str | None = None, desired: DesiredState | None = None, plan: Plan | None = None
) -> list[NetworkView]:
    """Networks with their endpoints: those that `topology` owns, declares or is attached to, or all of the engine's, by owner."""
    changes = {(change.network, change.container): change for change in (plan.changes if plan else ())}
    members = _members(observed)
    views = [_network_view(network, members.get(network.id, ()), desired, changes) for network in observed.networks]
    views += [_gone(name, list(found)) for name, found in sorted(members.items()) if name.startswith(_GONE)]
    known = {network.name for network in views}
    if desired:
        views += [_missing(name, desired, changes) for name in desired.networks if name not in known]
    wanted = [network for network in views if _in_scope(network, topology, desired)]
    return sorted(wanted, key=lambda network: (not network.topology, network.topology, network.name, network.id))


_GONE = "gone: "
Member = tuple[ObservedContainer, ObservedEndpoint]


def _members(observed: ObservedState) -> dict[str, list[Member]]:
    """Who is on each network, by its ID; under its name with `_GONE` in front where there is no such network."""
    ids = {network.id for network in observed.networks}
    by_name = {network.name: network.id for network in reversed(observed.networks)}
    members: dict[str, list[Member]] = {}
    for container in observed.containers:
        for endpoint in container.endpoints:
            home = endpoint.network_id if endpoint.network_id in ids else by_name.get(endpoint.network, _GONE + endpoint.network)
            members.setdefault(home, []).append((container, endpoint))
    return members


def _network_view(
    network: ObservedNetwork, members: Iterable[Member], desired: DesiredState | None, changes: Mapping[tuple[str, str], Change]
) -> NetworkView:
    pools = settings_pools(network.settings)
    rows = [_endpoint_view(container, endpoint, network, changes) for container, endpoint in members]
    rows += [EndpointView(name, notes=("not a container of this engine",)) for name in network.outside]
    rows += _missing_endpoints(network.name, desired, changes, {row.container for row in rows})
    change = changes.get((network.name, ""))
    return NetworkView(
        network.name,
        network.id,
        topology=network.mark.topology if network.mark else "",
        driver=str(network.settings.get("driver", "")),
        subnets=tuple(pool.subnet for pool in pools),
        gateways=tuple(pool.gateway for pool in pools if pool.gateway),
        flags=tuple(_flags(network, desired)),
        endpoints=tuple(sorted(rows, key=lambda row: (row.container, row.container_id))),
        notes=(_note(change),) if change else (),
    )


def _flags(network: ObservedNetwork, desired: DesiredState | None) -> Iterator[str]:
    declared = desired.networks.get(network.name) if desired else None
    if network.settings.get("internal") is True:
        yield "internal"
    if declared and declared.external:
        yield "external"
    if declared and declared.exclusive:
        yield "exclusive"
    if (declared and declared.protect) or (network.mark and network.mark.protect):
        yield "protect"


def _endpoint_view(
    container: ObservedContainer, endpoint: ObservedEndpoint, network: ObservedNetwork | None, changes: Mapping[tuple[str, str], Change]
) -> EndpointView:
    change = changes.get((endpoint.network, container.name))
    aliases = endpoint.settings.get("aliases", ())
    return EndpointView(
        container.name,
        container.id,
        container.state,
        endpoint.addresses,
        tuple(str(endpoint.settings[path]) for path in ("ipv4_address", "ipv6_address") if path in endpoint.settings),
        endpoint.mac,
        aliases if isinstance(aliases, tuple) else (),
        container.ports,
        endpoint.mark.how if endpoint.mark else "",
        endpoint.mark.topology if endpoint.mark else "",
        tuple(_endpoint_notes(container, endpoint, network, change)),
    )


def _endpoint_notes(
    container: ObservedContainer, endpoint: ObservedEndpoint, network: ObservedNetwork | None, change: Change | None
) -> Iterator[str]:
    if endpoint.phantom:
        yield "phantom: not connected, and the next restart will fail"
    elif network and endpoint.network_id not in ("", network.id):
        yield "lists a network of this name that is gone" + ("" if container.live else ": it cannot start")
    if change:
        yield _note(change)


def _missing_endpoints(
    network: str, desired: DesiredState | None, changes: Mapping[tuple[str, str], Change], there: set[str]
) -> Iterator[EndpointView]:
    """Endpoints that are declared or planned on a network, and not there."""
    declared = {name: box for name, box in desired.containers.items() for end in box.endpoints if end.network == network} if desired else {}
    planned = {name for (where, name), change in changes.items() if where == network and name and "connect" in change.actions}
    for name in sorted((declared.keys() | planned) - there):
        change = changes.get((network, name))
        optional = name in declared and declared[name].optional and not change
        yield EndpointView(name, notes=(_note(change) if change else "no such container (optional)" if optional else "missing",))


def _gone(key: str, members: Sequence[Member]) -> NetworkView:
    rows = tuple(_endpoint_view(container, endpoint, None, {}) for container, endpoint in members)
    return NetworkView(key.removeprefix(_GONE), status="gone", endpoints=rows)


def _missing(name: str, desired: DesiredState, changes: Mapping[tuple[str, str], Change]) -> NetworkView:
    change = changes.get((name, ""))
    flags = ("external",) if desired.networks[name].external else ()
    rows = tuple(_missing_endpoints(name, desired, changes, set()))
    return NetworkView(name, "", "missing", desired.topology, flags=flags, endpoints=rows, notes=(_note(change),) if change else ())


def _in_scope(network: NetworkView, topology: str | None, desired: DesiredState | None) -> bool:
    if topology is None:
        return network.name not in PREDEFINED or bool(network.endpoints)
    marked = topology in (network.topology, *(row.topology for row in network.endpoints))
    return marked or bool(desired and network.name in desired.networks)


# --- what differs ----------------------------------------------------------------------------------------------------

_WORDS = {
    ("create",): "missing",
    ("delete",): "to be removed",
    ("delete", "create"): "differs",
    ("connect",): "missing",
    ("disconnect",): "to be disconnected",
    ("disconnect", "connect"): "differs",
}


def _note(change: Change) -> str:
    """`drift: differs: subnet 10.1.0.0/24, should be 10.2.0.0/24`."""
    origin = "drift: " if change.drift else ""
    what = ", ".join(map(_difference, change.differences)) if change.replaces else ""
    why = what or (change.reason if change.replaces or change.drift else "")
    return f"{origin}{_WORDS[change.actions]}" + (f": {why}" if why else "")


def _difference(difference: Difference) -> str:
    return f"{label(difference.path)} {show_value(difference.before)}, should be {show_value(difference.after)}"


# --- text ------------------------------------------------------------------------------------------------------------


def show(
    observed: ObservedState,
    topology: str | None = None,
    desired: DesiredState | None = None,
    plan: Plan | None = None,
    paint: Paint = plain,
) -> str:
    """The live topology as an aligned tree; with `desired` and `plan` also what is missing and what differs."""
    networks = view(observed, topology, desired, plan)
    engine = f"engine {safe(observed.engine.version)} ({safe(observed.engine.transport)})"
    head = f'topology "{safe(topology)}" on {engine}' if topology is not None else engine
    if not networks:
        return f"netplan: {head}\n\n{_nothing(topology)}"
    cells = [[_cells(row, network) for row in network.endpoints] for network in networks]
    widths = [max(map(len, column)) for column in zip(*(row for rows in cells for row in rows), strict=True)]
    blocks = [_block(network, rows, widths, topology, paint) for network, rows in zip(networks, cells, strict=True)]
    return f"netplan: {head}\n\n" + "\n\n".join(blocks)


def _nothing(topology: str | None) -> str:
    return "no networks" if topology is None else f'nothing on this engine belongs to "{safe(topology)}": see netplan ls'


def _block(network: NetworkView, rows: Sequence[Sequence[str]], widths: Sequence[int], topology: str | None, paint: Paint) -> str:
    lines = [_heading(network, topology, paint)]
    lines += [f"   {paint('warn', '! ' + safe(note))}" for note in network.notes if note != network.status]
    for number, (endpoint, row) in enumerate(zip(network.endpoints, rows, strict=True), 1):
        branch = paint("dim", "└─" if number == len(rows) else "├─")
        text = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width)
        notes = "".join(f"  {paint('warn', '! ' + safe(note))}" for note in endpoint.notes)
        lines.append(f"{branch} {text.rstrip()}{notes}")
    return "\n".join(lines)


def _heading(network: NetworkView, topology: str | None, paint: Paint) -> str:
    parts = [paint("bold", safe(network.name))]
    if network.status != "present":
        parts.append(paint("warn", f"! {network.status}"))
    parts += [safe(part) for part in (network.driver, *network.subnets) if part]
    parts += [f"gateway {safe(gateway)}" for gateway in network.gateways]
    parts += [paint("change", flag) for flag in network.flags]
    if network.status == "present":
        parts.append(paint("dim", _owner(network, topology)))
    return "  ".join(part for part in parts if part)


def _owner(network: NetworkView, topology: str | None) -> str:
    if network.topology == topology:
        return ""
    return f"owner {safe(network.topology)}" if network.topology else "" if network.name in PREDEFINED else "unowned"


def _cells(row: EndpointView, network: NetworkView) -> tuple[str, ...]:
    addresses = " ".join(row.addresses) or " ".join(f"({address})" for address in row.static)
    aliases = f"alias {' '.join(row.aliases)}" if row.aliases else ""
    mark = f"{row.mark} by {row.topology}" if row.mark and row.topology != network.topology else row.mark
    if not mark and row.container_id and network.topology:
        mark = "foreign"
    return tuple(map(safe, (row.container, row.state, addresses, aliases, mark, " ".join(row.ports))))


# --- topologies ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Owned:
    """What one topology owns on an engine; `running` of its `containers` run."""

    topology: str
    networks: int = 0
    containers: int = 0
    running: int = 0
    endpoints: int = 0


@dataclass(slots=True)
class _Tally:
    networks: int = 0
    endpoints: int = 0
    containers: dict[str, bool] = field(default_factory=dict)


def owned(observed: ObservedState) -> list[Owned]:
    """Every topology that has a mark on this engine, by name."""
    tallies: dict[str, _Tally] = {}
    for network in observed.networks:
        if network.mark:
            tallies.setdefault(network.mark.topology, _Tally()).networks += 1
    for container in observed.containers:
        for endpoint in container.endpoints:
            if endpoint.mark:
                tally = tallies.setdefault(endpoint.mark.topology, _Tally())
                tally.endpoints += 1
                tally.containers[container.id] = container.live
    return [
        Owned(name, tally.networks, len(tally.containers), sum(tally.containers.values()), tally.endpoints)
        for name, tally in sorted(tallies.items())
    ]


def ls(observed: ObservedState, paint: Paint = plain) -> str:
    """One line for each topology on this engine."""
    heads = ("topology", "networks", "endpoints", "containers", "running")
    rows = [(safe(o.topology), str(o.networks), str(o.endpoints), str(o.containers), str(o.running)) for o in owned(observed)]
    if not rows:
        return "no topologies on this engine"
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) if number else cell.ljust(width) for number, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in (heads, *rows)
    ]
    return "\n".join((paint("dim", lines[0]), *lines[1:]))


# --- JSON ------------------------------------------------------------------------------------------------------------


def show_json(observed: ObservedState, topology: str | None = None, desired: DesiredState | None = None, plan: Plan | None = None) -> str:
    """What `show` shows, as JSON: an object with `engine`, `topology` and `networks`, each network with its `endpoints`."""
    networks = [asdict(network) for network in view(observed, topology, desired, plan)]
    return _json(observed, {"topology": topology, "networks": networks})


def ls_json(observed: ObservedState) -> str:
    """What `ls` lists, as JSON: an object with `engine` and `topologies`."""
    return _json(observed, {"topologies": [asdict(entry) for entry in owned(observed)]})


def _json(observed: ObservedState, body: Mapping[str, Any]) -> str:
    engine = {"name": observed.engine.name, "version": observed.engine.version, "flavor": observed.engine.flavor}
    return json.dumps({"format_version": FORMAT_VERSION, "engine": engine, **body}, indent=2, ensure_ascii=True)

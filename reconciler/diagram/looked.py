"""The picture of an engine: what is there, and what is not as declared or what a plan changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from ..fast_dataclasses import replace
from ..model import DesiredState, ObservedContainer, ObservedState
from ..network_mode import read_mode
from ..show.containers import ContainerView, containers_of
from ..show.networks import EndpointView, NetworkView, gateways_in_use, networks_of
from ..show.notes import container_note
from ..show.topologies import state_of
from ..terminal import safe
from .declared import box_of, driver_of, port_text, segment_of, whole
from .picture import Box, Link, Picture, Segment, Sign

if TYPE_CHECKING:
    from ..plan import Change, Plan

_PLANNED: Mapping[tuple[str, ...], Sign] = {
    ("create",): "create",
    ("delete",): "remove",
    ("delete", "create"): "replace",
    ("connect",): "connect",
    ("disconnect",): "disconnect",
    ("disconnect", "connect"): "reconnect",
    ("update",): "update",
    ("start",): "start",
}
Signs = Callable[["Change"], Sign]
Changes = Mapping[tuple[str, str], "Change"]
"""By network and container, either empty."""


def live(desired: DesiredState, observed: ObservedState, plan: Plan) -> Picture:
    """What is on the engine now; what drifted, is missing or is to change bears a sign."""
    engine = f"live on Docker {safe(observed.engine.version)}".strip()
    return _looked(desired, observed, plan, f"{engine}: {_verdict(plan)}", _as_found)


def planned(desired: DesiredState, observed: ObservedState, plan: Plan) -> Picture:
    """What is on the engine now, and what the plan makes of it."""
    found = _looked(desired, observed, plan, f"planned: {_counts(plan)}", _as_planned)
    signs = {segment.key: segment.sign for segment in found.segments}
    return replace(found, boxes=tuple(_carried(box, signs) for box in found.boxes))


def _carried(box: Box, signs: Mapping[str, Sign]) -> Box:
    """With what a network that is replaced or removed does to the attachments to it."""
    along: Mapping[Sign, Sign] = {"replace": "reconnect", "remove": "disconnect"}
    links = (
        replace(link, sign=link.sign or along.get(signs[link.segment], "")) for link in box.links
    )
    return replace(box, links=tuple(links))


def _as_found(change: Change) -> Sign:
    if change.drift:
        return "drift"
    return "missing" if change.actions[0] in ("create", "connect") else "differs"


def _as_planned(change: Change) -> Sign:
    return _PLANNED.get(change.actions, "update")


def _verdict(plan: Plan) -> str:
    if plan.empty and plan.applyable:
        return "as declared"
    drifted = sum(change.drift for change in plan.changes)
    return f"not as declared, {drifted} drifted" if drifted else "not as declared"


def _counts(plan: Plan) -> str:
    counts = {**plan.counts()}
    for word, number in plan.container_counts().items():
        counts[word] = counts.get(word, 0) + number
    told = ", ".join(f"{number} to {word}" for word, number in counts.items() if number)
    refused = "" if plan.applyable else " (refused: see netplan plan)"
    return (told or "nothing to do") + refused


def _looked(
    desired: DesiredState, observed: ObservedState, plan: Plan, subtitle: str, sign: Signs
) -> Picture:
    changes = {(c.network, c.container): c for c in plan.changes if c.kind != "image"}
    views = networks_of(observed, desired.topology, desired, plan)
    segments = [_segment(view, desired, observed, changes, sign) for view in views]
    boxes = _boxes(views, desired, observed, changes, sign)
    told = containers_of(observed, desired.topology, desired, plan)
    rows = {view.name: view for view in told}
    boxes = {name: _with_row(box, rows.get(name)) for name, box in boxes.items()}
    for name, row in rows.items():
        boxes.setdefault(name, _unattached(row, desired))
    place = {safe(name): number for number, name in enumerate(desired.networks)}
    signed = [
        _signed(_in_order(box, place), changes.get(("", name)), sign) for name, box in boxes.items()
    ]
    order = {safe(name): number for number, name in enumerate(desired.containers)}
    signed.sort(key=lambda box: (order.get(box.name, len(order)), box.name))
    segments.sort(key=lambda segment: (place.get(segment.key, len(place)), segment.key))
    return whole(safe(desired.topology), subtitle, segments, signed)


# --- networks -------------------------------------------------------------------------------------


def _segment(
    view: NetworkView,
    desired: DesiredState,
    observed: ObservedState,
    changes: Changes,
    sign: Signs,
) -> Segment:
    change, wanted = changes.get((view.name, "")), desired.networks.get(view.name)
    if view.status != "present" and wanted:
        found = replace(segment_of(wanted), notes=_texts(view.notes))
        return replace(found, sign=sign(change) if change else "missing")
    there = next((n for n in observed.networks if n.id == view.id), None)
    name = safe(view.name)
    return Segment(
        name,
        name,
        "bridge" if name == "bridge" else "network",
        view.subnets,
        tuple(gateways_in_use(there)) if there else view.gateways,
        driver_of(there.settings) if there else "",
        _texts(view.flags),
        sign(change) if change else "",
        _texts(view.notes),
    )


# --- containers -----------------------------------------------------------------------------------


def _boxes(
    views: Iterable[NetworkView],
    desired: DesiredState,
    observed: ObservedState,
    changes: Changes,
    sign: Signs,
) -> dict[str, Box]:
    """Everybody who is, or is to be, on one of the networks, by name."""
    there = {container.name: container for container in observed.containers}
    boxes: dict[str, Box] = {}
    for view in views:
        for row in view.endpoints:
            name = row.container
            box = boxes.get(name) or _bare(name, desired, there.get(name))
            link = _link(view, row, desired, changes.get((view.name, name)), sign)
            boxes[name] = replace(box, links=(*box.links, link))
    return boxes


def _bare(name: str, desired: DesiredState, there: ObservedContainer | None) -> Box:
    """A container without its attachments."""
    wanted = desired.containers.get(name)
    box = box_of(wanted) if wanted else Box(safe(name), foreign=True, flags=("not declared here",))
    if there is None:
        return replace(box, links=())
    ports = tuple(dict.fromkeys(port_text(port) for port in there.ports))
    return replace(box, links=(), state=there.state, ports=ports)


def _link(
    view: NetworkView,
    row: EndpointView,
    desired: DesiredState,
    change: Change | None,
    sign: Signs,
) -> Link:
    wanted = desired.containers.get(row.container)
    declared = {link.segment: link for link in box_of(wanted).links} if wanted else {}
    here = declared.get(safe(view.name), Link(safe(view.name)))
    live = tuple(address.split("/")[0] for address in row.addresses) or row.static
    return Link(
        safe(view.name),
        live or here.addresses,
        _texts(row.aliases) or here.aliases,
        safe(row.mac) or here.mac,
        sign(change) if change else _lone_sign(row),
        _texts(row.notes),
    )


def _lone_sign(row: EndpointView) -> Sign:
    """Of an attachment that has notes and that nothing is planned about."""
    if row.container_id:
        return "drift" if row.notes else ""
    return "missing" if "missing" in row.notes else ""


def _with_row(box: Box, row: ContainerView | None) -> Box:
    if row is None:
        return box
    return replace(
        box,
        image=safe(row.image) or box.image,
        state=state_of(row) if row.state else "",
        shares=safe(read_mode(row.mode).shares),
        foreign=False,
        notes=_texts(row.notes),
    )


def _unattached(row: ContainerView, desired: DesiredState) -> Box:
    """One that is on no network: of mode host, none or container, or not made yet."""
    wanted = desired.containers.get(row.name)
    box = box_of(wanted) if wanted else Box(safe(row.name))
    found = _with_row(box, row)
    if row.state and not found.shares:
        key = row.mode if row.mode in ("host", "none", "bridge") else "none"
        return replace(found, links=(Link(key),))
    return found


def _signed(box: Box, change: Change | None, sign: Signs) -> Box:
    if change is None:
        lone = box.shares == "" and not box.foreign and not box.state
        return replace(box, sign="missing") if lone else box
    what = sign(change)
    notes = box.notes or _texts([container_note(change)])
    links = tuple(_along(link, what) for link in box.links)
    return replace(box, sign=what, notes=notes, links=links)


def _along(link: Link, sign: Sign) -> Link:
    """An attachment of a container that is made or removed: it comes and goes with it."""
    follows: Mapping[Sign, Sign] = {
        "create": "connect",
        "remove": "disconnect",
        "replace": "reconnect",
    }
    return replace(link, sign=follows[sign]) if sign in follows and not link.notes else link


def _in_order(box: Box, place: Mapping[str, int]) -> Box:
    """With the attachments in the order of the networks in the file."""
    links = sorted(box.links, key=lambda link: (place.get(link.segment, len(place)), link.segment))
    return replace(box, links=tuple(links))


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    """Harmless, and without what the sign says already."""
    return tuple(safe(value) for value in values if value not in ("missing", "to be removed"))

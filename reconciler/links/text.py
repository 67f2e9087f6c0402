"""Links as aligned tables: one where the width has room for it, else one for the inside of the
containers and one for the engine's side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..model import EngineInfo
from ..terminal import Paint, column, plain, safe
from .pairing import ContainerLinks, Interface
from .values import Route

_GAP = "  "
_WHERE = ("container", "interface")
_INSIDE = ("MAC", "MTU", "addresses", "network")
_OUTSIDE = ("peer", "bridge", "port")
_ROUTES = ("container", "destination", "gateway", "interface", "source", "metric")
_LOOPBACK = "lo"
_LINK_LOCAL = "fe80::/64"
"""Every interface with IPv6 has a route there."""
Cells = tuple[str, ...]


def links_text(
    engine: EngineInfo,
    rows: Sequence[ContainerLinks],
    unseen: Iterable[str] = (),
    topology: str | None = None,
    width: int | None = None,
    paint: Paint = plain,
) -> str:
    """The links of containers as text of at most `width` columns, as far as names allow it."""
    product = "Podman " if engine.flavor == "podman" else ""
    head = f"engine {product}{safe(engine.version)} ({safe(engine.transport)})"
    head = f'topology "{safe(topology)}" on {head}' if topology is not None else head
    blocks = [f"netplan: links of {head}"]
    if not rows:
        return f"{blocks[0]}\n\nno containers"
    blocks += _interfaces(rows, width, paint)
    routes = [
        _route(row.container, each)
        for row in rows
        for each in row.routes
        if each.destination != _LINK_LOCAL
    ]
    blocks += _table(_ROUTES, routes, paint)
    notes = [*(f"{row.container}: {each}" for row in rows for each in row.unseen), *unseen]
    if notes:
        title = paint("bold", "Cannot be seen from here")
        blocks.append("\n".join((title, *(f"  {safe(each)}" for each in notes))))
    return "\n\n".join(blocks)


def _interfaces(rows: Iterable[ContainerLinks], width: int | None, paint: Paint) -> Iterator[str]:
    inside, outside, whole = list[Cells](), list[Cells](), list[Cells]()
    for row in rows:
        for one in _shown(row):
            where, left, right = (row.container, one.name), _inside(one), _outside(one)
            network, more = one.network, one.addresses[1:]
            inside.append((*where, *left))
            inside += [(*where[:1], "", "", "", address) for address in more]
            whole.append((*where, *left, network, *right))
            whole += [(*where[:1], "", "", "", address, *[""] * 4) for address in more]
            if network or any(right):
                outside.append((*where, *right, network))
    wide = (*_WHERE, *_INSIDE, *_OUTSIDE)
    if width is None or all(len(line) <= width for line in _lines(wide, whole, plain)):
        yield from _table(wide, whole, paint)
        return
    yield from _table((*_WHERE, *_INSIDE[:-1]), inside, paint)
    yield from _table((*_WHERE, *_OUTSIDE, _INSIDE[-1]), outside, paint)


def _shown(row: ContainerLinks) -> list[Interface]:
    """All but the loopback, where there is another; of the engine's own no ports of bridges: they
    are the other ends of the others.
    """
    found = [one for one in row.interfaces if row.shares != "host" or not one.port_state]
    return [one for one in found if one.name != _LOOPBACK] or found


def _inside(one: Interface) -> Cells:
    return one.mac, str(one.mtu), " ".join(one.addresses[:1])


def _outside(one: Interface) -> Cells:
    """What a macvlan is upon stands where others have their bridge."""
    if one.parent:
        return "", f"{one.kind} on {one.parent}", ""
    return one.peer, one.bridge, one.port_state


def _route(container: str, route: Route) -> Cells:
    metric = str(route.metric) if route.metric else ""
    destination = f"{route.kind} {route.destination}".lstrip()
    return container, destination, route.gateway, route.interface, route.source, metric


# --- tables ---------------------------------------------------------------------------------------


def _table(names: Sequence[str], rows: Sequence[Cells], paint: Paint) -> Iterator[str]:
    if rows:
        yield "\n".join(_lines(names, rows, paint))


def _lines(names: Sequence[str], rows: Sequence[Cells], paint: Paint) -> Iterator[str]:
    """The names of the columns that hold anything, then the rows; what is in the first column
    stands in the first of its rows only.
    """
    cells = [tuple(map(safe, row)) for row in rows]
    widths = [
        column((name, *texts)) if any(texts) else 0
        for name, texts in zip(names, zip(*cells, strict=True), strict=True)
    ]
    yield paint("bold", _line(names, widths))
    before = ""
    for row in cells:
        yield _line(("" if row[0] == before else row[0], *row[1:]), widths)
        before = row[0]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    shown = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True) if width)
    return _GAP.join(shown).rstrip()

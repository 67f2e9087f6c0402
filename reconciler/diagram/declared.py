"""The picture of what a file declares; needs no engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..fast_dataclasses import replace
from ..model import DesiredContainer, DesiredEndpoint, DesiredNetwork, DesiredState
from ..network_mode import read_mode
from ..settings import STATIC, Settings, settings_pools
from ..settings.ports import EVERY_ADDRESS, read_port
from ..terminal import safe
from .picture import Box, Link, Picture, Segment

SPECIAL: Mapping[str, tuple[str, ...]] = {
    "bridge": ("Docker's default bridge", "addresses only, no names"),
    "host": ("the machine's own interfaces",),
    "none": ("nothing but lo",),
}
"""What the networks that every engine has mean for the containers on them."""


def declared(state: DesiredState) -> Picture:
    """What the file says, and nothing else."""
    boxes = tuple(box_of(wanted) for wanted in state.containers.values())
    segments = [segment_of(network) for network in state.networks.values()]
    return whole(safe(state.topology), "as declared", segments, boxes)


def whole(title: str, subtitle: str, segments: Iterable[Segment], boxes: Iterable[Box]) -> Picture:
    """A picture with the segments that its boxes are on besides: those of modes, and those of
    containers that are not on it.
    """
    boxes, known = tuple(boxes), {segment.key: segment for segment in segments}
    names = {box.name for box in boxes}
    boxes = tuple(_beside(box) if box.shares and box.shares not in names else box for box in boxes)
    for box in boxes:
        for link in box.links:
            known.setdefault(link.segment, _implied(link.segment))
    return Picture(title, subtitle, tuple(known.values()), boxes)


def _beside(box: Box) -> Box:
    """A box whose owner is not on the picture hangs on a segment of its own."""
    return replace(box, links=(Link(f"container:{box.shares}"),), shares="")


def _implied(key: str) -> Segment:
    if key.startswith("container:"):
        name = key.removeprefix("container:")
        return Segment(key, name, "shared", flags=("the network of that container",))
    if key in ("host", "none"):
        return Segment(key, key, "host" if key == "host" else "none", flags=SPECIAL[key])
    if key == "bridge":
        return Segment(key, key, "bridge", flags=SPECIAL[key])
    return Segment(key, key)


def segment_of(network: DesiredNetwork) -> Segment:
    """A declared network."""
    pools = settings_pools(network.settings)
    name = safe(network.name)
    return Segment(
        name,
        name,
        subnets=tuple(pool.subnet for pool in pools),
        gateways=tuple(pool.gateway for pool in pools if pool.gateway),
        driver=driver_of(network.settings),
        flags=tuple(_flags(network)),
    )


def driver_of(settings: Settings) -> str:
    """The driver where it is not the usual one, with the interface that it is on."""
    driver = str(settings.get("driver", "bridge"))
    parent = settings.get("driver_opts.parent")
    if driver == "bridge":
        return ""
    return safe(f"{driver} on {parent}" if parent else driver)


def _flags(network: DesiredNetwork) -> Iterable[str]:
    if network.settings.get("internal") is True:
        yield "internal"
    if network.external:
        yield "external"
    if network.optional:
        yield "optional"


def box_of(wanted: DesiredContainer) -> Box:
    """A declared container."""
    links = tuple(link_of(endpoint) for endpoint in wanted.endpoints)
    kind = read_mode(wanted.mode).kind
    if not links and wanted.managed and kind in ("bridge", "host", "none"):
        links = (Link(kind),)
    flags = [
        *(["may be missing"] if wanted.optional else []),
        *(["is meant to end"] if wanted.one_shot else []),
    ]
    return Box(
        safe(wanted.name),
        links,
        safe(wanted.image),
        ports=declared_ports(wanted.settings) if read_mode(wanted.mode).publishes else (),
        shares=safe(wanted.shares),
        foreign=not wanted.managed,
        flags=tuple(flags),
    )


def link_of(endpoint: DesiredEndpoint) -> Link:
    """A declared attachment."""
    settings = endpoint.settings
    return Link(
        safe(endpoint.network),
        tuple(str(settings[path]) for path in STATIC[:2] if path in settings),
        texts(settings.get("aliases")),
        safe(str(settings.get("mac_address", ""))),
    )


def declared_ports(settings: Settings) -> tuple[str, ...]:
    """The ports of the machine that lead to a container, as people read them."""
    found = [port_text(text) for text in texts(settings.get("ports"))]
    if settings.get("publish_all"):
        found += [port_text(port) for port in texts(settings.get("expose"))]
    return tuple(dict.fromkeys(found))


def port_text(text: str) -> str:
    """`18080->80/tcp` as `host:18080 → 80`; `/tcp` goes without saying."""
    try:
        port = read_port(text)
    except ValueError:
        return safe(text)
    inside = str(port.inside) if port.protocol == "tcp" else f"{port.inside}/{port.protocol}"
    address = "host" if port.address in EVERY_ADDRESS else port.address
    where = f"[{address}]" if ":" in address else address
    return safe(f"{where}:{port.host} → {inside}" if port.host else f"any free port → {inside}")


def texts(value: object) -> tuple[str, ...]:
    """A list of texts among settings; none where there is no list."""
    return tuple(safe(str(one)) for one in value) if isinstance(value, tuple) else ()

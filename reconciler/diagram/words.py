"""What is on a picture in words, for those who hear it, and as details on a page."""

from __future__ import annotations

from collections.abc import Iterator

from .picture import MARKS, Box, Link, Picture, Segment, Sign

GONE: tuple[Sign, ...] = ("remove", "disconnect", "missing")
"""Signs of what is not there, or not for long: drawn dashed."""


def signed(name: str, sign: Sign) -> str:
    """`- old (remove)`: the name with its sign as a mark and a word."""
    return " ".join(filter(None, (MARKS[sign], name, f"({sign})"))) if sign else name


def segment_label(segment: Segment) -> tuple[str, ...]:
    """The lines of a network's label; some may be empty."""
    gateways = (f"gateway {gateway}" for gateway in segment.gateways)
    name = signed(segment.name, segment.sign)
    return (name, *segment.subnets, *gateways, segment.driver, *segment.flags, *segment.notes)


def box_label(box: Box) -> tuple[str, ...]:
    """The lines of a container's label; some may be empty."""
    aliases = dict.fromkeys(alias for link in box.links for alias in link.aliases)
    also = "also " + ", ".join(aliases) if aliases else ""
    return (signed(box.name, box.sign), box.state, box.image, *box.flags, also, *box.notes)


def link_label(link: Link) -> list[str]:
    """The addresses of an attachment, and its sign."""
    return [*link.addresses, *([signed("", link.sign)] if link.sign else [])]


def about_picture(picture: Picture) -> str:
    """`shop, as declared: 2 networks, 3 containers`."""
    networks = sum(segment.kind in ("network", "bridge") for segment in picture.segments)
    counts = f"{_count(networks, 'network')}, {_count(len(picture.boxes), 'container')}"
    return f"{picture.title}, {picture.subtitle}: {counts}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def about_segment(segment: Segment) -> str:
    """A network in one sentence."""
    return "; ".join((f"{_kind(segment)} {segment.name}", *(f"{k} {v}" for k, v in facts(segment))))


def about_box(box: Box, picture: Picture) -> str:
    """A container in one sentence."""
    rows = (f"{key} {value}" for key, value in box_facts(box, picture))
    return "; ".join((f"container {box.name}", *rows))


def _kind(segment: Segment) -> str:
    return {"shared": "network of container", "host": "mode", "none": "mode"}.get(
        segment.kind, "network"
    )


def facts(segment: Segment) -> Iterator[tuple[str, str]]:
    """What there is to say about a network."""
    yield from _said("state", segment.sign)
    yield from _said("subnet", *segment.subnets)
    yield from _said("gateway", *segment.gateways)
    yield from _said("driver", segment.driver)
    yield from _said("is", ", ".join(segment.flags))
    yield from _said("note", *segment.notes)


def box_facts(box: Box, picture: Picture) -> Iterator[tuple[str, str]]:
    """What there is to say about a container, and about those that share its network."""
    names = {segment.key: segment.name for segment in picture.segments}
    yield from _said("change", box.sign)
    yield from _said("state", box.state)
    yield from _said("image", box.image)
    yield from _said("run by", "others" if box.foreign else "")
    yield from _said("is", ", ".join(box.flags))
    yield from _said("shares the network of", box.shares)
    yield from _said("on", *(_link(link, names[link.segment]) for link in box.links))
    yield from _said("port of the machine", *box.ports)
    guests = (guest.name for guest in picture.guests(box.name) if guest.shares == box.name)
    yield from _said("its network is shared by", *guests)
    yield from _said("note", *box.notes)


def _said(key: str, *values: str) -> Iterator[tuple[str, str]]:
    return ((key, value) for value in values if value)


def _link(link: Link, name: str) -> str:
    special = link.segment in ("host", "none") or link.segment.startswith("container:")
    parts = [name, *([] if special else [", ".join(link.addresses) or "dynamic address"])]
    if link.aliases:
        parts.append("also " + ", ".join(link.aliases))
    if link.mac:
        parts.append(f"MAC {link.mac}")
    if link.sign:
        parts.append(f"({link.sign})")
    return " · ".join((*parts, *link.notes))

"""What stands on the card of a container and beside the bar of a network, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import ceil

from ..fast_dataclasses import dataclass
from .picture import MARKS, TONES, Box, Link, Picture, Segment, Sign
from .text import shortened, width, wrapped

BOLD = 1.2
"""How much wider bold text is."""
NAME, PLAIN, SMALL = 13.5, 11.5, 10.5
"""The three sizes of text."""
LINE: Mapping[str, float] = {
    "name": 19,
    "dim": 15,
    "address": 16,
    "net": 16,
    "port": 21,
    "badge": 21,
    "note": 14,
    "guest": 26,
    "guest-dim": 14,
}
"""How high a line of each kind is."""
INSET = ("port", "badge", "guest", "guest-dim")
"""Lines in a frame of their own."""
MARGIN = 12
LEAST, MOST = 150, 250


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text. `tone` colours it; `beside` stands at the right end."""

    kind: str
    text: str
    tone: str = ""
    beside: str = ""

    @property
    def size(self) -> float:
        """Of its text."""
        if self.kind == "name":
            return NAME
        return PLAIN if self.kind in ("address", "net", "guest") else SMALL

    @property
    def mono(self) -> bool:
        """Whether it is in a fixed font."""
        return self.kind in ("address", "port")

    @property
    def width(self) -> float:
        """How wide it wants to be, without margins."""
        return (
            width(self.text, self.size, self.mono)
            + (14 + width(self.beside, PLAIN, True) if self.beside else 0)
            + (16 if self.kind in INSET else 0)
        )


@dataclass(frozen=True, slots=True)
class Card:
    """The lines of a box, and how high they are together."""

    box: Box
    lines: tuple[Line, ...]

    @property
    def height(self) -> float:
        """With margins."""
        return sum(LINE[line.kind] for line in self.lines) + 2 * MARGIN - 4

    @property
    def tone(self) -> str:
        """The colour of its border."""
        return TONES.get(self.box.sign, "")


def cards(picture: Picture) -> tuple[float, dict[str, Card]]:
    """How wide every card is, and the card of each box that shares nobody's network, by name."""
    hosts = [box for box in picture.boxes if not box.shares]
    names = {segment.key: segment.name for segment in picture.segments}
    lines = {box.name: [*_lines(box, picture, names)] for box in hosts}
    widest = max((line.width for all in lines.values() for line in all), default=0)
    wide = ceil(min(MOST, max(LEAST, widest + 2 * MARGIN)) + 0.5)
    return wide, {
        box.name: Card(box, tuple(_fitted(lines[box.name], box, wide - 2 * MARGIN)))
        for box in hosts
    }


def _fitted(lines: list[Line], box: Box, room: float) -> Iterator[Line]:
    """The lines as they fit, with the notes, which are broken to the width of the card."""
    for line in lines:
        yield from _fit(line, room)
    for note in dict.fromkeys((*box.notes, *(n for link in box.links for n in link.notes))):
        for part in wrapped(note, SMALL, room, 3):
            yield Line("note", part, TONES.get(box.sign, "") or "warn")


def _fit(line: Line, room: float) -> Iterator[Line]:
    if line.beside and line.width > room:
        yield Line("net", shortened(line.text, line.size, room), line.tone)
        yield Line("address", shortened(line.beside, PLAIN, room, True), line.tone)
        return
    inner = room - (16 if line.kind in INSET else 0)
    most = inner - (14 + width(line.beside, PLAIN, True) if line.beside else 0)
    yield Line(line.kind, shortened(line.text, line.size, most, line.mono), line.tone, line.beside)


def _lines(box: Box, picture: Picture, names: Mapping[str, str]) -> Iterator[Line]:
    yield Line("name", box.name)
    if box.sign:
        yield badge(box.sign)
    yield from (Line("dim", text) for text in _about(box))
    for link in box.links:
        yield from _link_lines(link, names, len(box.links) > 1, TONES.get(box.sign, ""))
    yield from (Line("port", port) for port in box.ports)
    for guest in picture.guests(box.name):
        tone = TONES.get(guest.sign, "")
        mark = f"{MARKS[guest.sign]} " if guest.sign else ""
        yield Line("guest", f"{mark}{guest.name}", tone)
        yield Line("guest-dim", f"shares the network of {guest.shares}", tone)


def _about(box: Box) -> Iterator[str]:
    if box.state:
        yield box.state
    if box.image:
        yield box.image.removesuffix(":latest")
    elif box.foreign and not box.flags and not box.state:
        yield "run by others"
    yield from box.flags


def _link_lines(link: Link, names: Mapping[str, str], several: bool, around: str) -> Iterator[Line]:
    special = link.segment in ("host", "none") or link.segment.startswith("container:")
    addresses = () if special else link.addresses or ("dynamic address",)
    tone = TONES.get(link.sign, "")
    mark = f"{MARKS[link.sign]} " if link.sign else ""
    if several:
        yield Line("net", mark + names[link.segment], tone, _at(addresses[0]) if addresses else "")
        addresses = addresses[1:]
        mark = ""
    for address in addresses:
        yield Line("address" if link.addresses else "dim", mark + address, tone)
        mark = ""
    if link.sign and not several and tone != around:
        yield Line("note", f"{MARKS[link.sign]} {link.sign}", tone)
    if link.aliases:
        yield Line("dim", "also " + ", ".join(link.aliases))


def _at(address: str) -> str:
    return "dynamic" if address.startswith("dynamic") else address


def badge(sign: Sign) -> Line:
    """The sign of a thing, as a mark and a word."""
    return Line("badge", f"{MARKS[sign]} {sign}", TONES[sign])


def label(segment: Segment) -> list[Line]:
    """What stands beside the bar of a network."""
    lines = [Line("name", segment.name)]
    if segment.sign:
        lines.append(badge(segment.sign))
    lines += [Line("address", subnet) for subnet in segment.subnets]
    lines += [Line("dim", f"gateway {gateway}") for gateway in segment.gateways]
    if segment.driver:
        lines.append(Line("dim", segment.driver))
    lines += [Line("dim", flag) for flag in segment.flags]
    notes = (part for note in segment.notes for part in wrapped(note, SMALL, 170, 3))
    lines += [Line("note", note, TONES.get(segment.sign, "")) for note in notes]
    return [fitted for line in lines for fitted in _fit(line, 190)]


def label_width(labels: Iterable[Iterable[Line]]) -> float:
    """How wide the widest line of all these is."""
    return max((line.width for lines in labels for line in lines), default=0)

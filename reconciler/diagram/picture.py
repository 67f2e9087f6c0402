"""What is on a picture, as values: networks as segments, containers as boxes. Nothing here knows
where anything is drawn, or how.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ..fast_dataclasses import dataclass

SegmentKind = Literal["network", "bridge", "host", "none", "shared"]
Sign = Literal[
    "",
    "create",
    "replace",
    "remove",
    "connect",
    "reconnect",
    "disconnect",
    "update",
    "start",
    "drift",
    "missing",
    "differs",
]
"""What becomes of a thing, or what is not as declared; empty: nothing to say."""
MARKS: Mapping[Sign, str] = {
    "create": "+",
    "connect": "+",
    "replace": "-/+",
    "reconnect": "-/+",
    "remove": "-",
    "disconnect": "-",
    "update": "~",
    "start": "~",
    "drift": "!",
    "missing": "?",
    "differs": "≠",
}
"""As in the text of a plan, so that colour is never the only sign."""
TONES: Mapping[Sign, str] = {
    "create": "add",
    "connect": "add",
    "replace": "change",
    "reconnect": "change",
    "update": "change",
    "start": "change",
    "differs": "change",
    "remove": "remove",
    "disconnect": "remove",
    "drift": "warn",
    "missing": "warn",
}
"""The colour that goes with a sign."""


MEANING: Mapping[Sign, str] = {
    "create": "is created",
    "connect": "is connected",
    "replace": "is removed and created anew",
    "reconnect": "is disconnected and connected again",
    "remove": "is removed",
    "disconnect": "is disconnected",
    "update": "is changed in place",
    "start": "is started",
    "drift": "changed since the last apply",
    "missing": "declared, not there",
    "differs": "not as the file says",
}
"""Of each sign, in the legend."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A network, or what stands in the place of one: the machine's own interfaces, none at all, or
    the network of a container that is not on the picture (`shared`).
    """

    key: str
    name: str
    kind: SegmentKind = "network"
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    driver: str = ""
    flags: tuple[str, ...] = ()
    sign: Sign = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """An attachment of a box to the segment of that key. `addresses` is empty where the engine
    gives one.
    """

    segment: str
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    mac: str = ""
    sign: Sign = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """A container. `shares` is the name of the one whose network it uses; `state` is the engine's
    word, empty where no engine was asked. `foreign`: the topology does not run it.
    """

    name: str
    links: tuple[Link, ...] = ()
    image: str = ""
    state: str = ""
    ports: tuple[str, ...] = ()
    shares: str = ""
    foreign: bool = False
    flags: tuple[str, ...] = ()
    sign: Sign = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """All of it, in the order in which it is told. `subtitle` says what is shown: the file, the
    engine, a plan.
    """

    title: str
    subtitle: str
    segments: tuple[Segment, ...] = ()
    boxes: tuple[Box, ...] = ()

    @property
    def signs(self) -> tuple[Sign, ...]:
        """Those that are on it, in the order of `MARKS`."""
        found = {link.sign for box in self.boxes for link in box.links}
        found |= {box.sign for box in self.boxes}
        found |= {segment.sign for segment in self.segments}
        return tuple(sign for sign in MARKS if sign in found)

    def guests(self, name: str) -> tuple[Box, ...]:
        """The boxes that share the network of the one of that name, and those that share theirs."""
        direct = [box for box in self.boxes if box.shares == name and box.name != name]
        return tuple(guest for box in direct for guest in (box, *self.guests(box.name)))

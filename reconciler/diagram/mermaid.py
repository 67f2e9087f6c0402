"""A picture as Mermaid, which GitHub, GitLab and many editors draw from text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .picture import TONES, Box, Link, Picture, Segment
from .words import GONE, box_label, link_label, segment_label

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:/-_+~!?()'")
"""What Mermaid takes for nothing but itself in a quoted text; all else is written by its number."""
_STYLES: Mapping[str, str] = {
    "net": "stroke:#2f6fb0,stroke-width:3px",
    "box": "stroke:#7d97b2",
    "port": "stroke-dasharray:3 3",
    "add": "stroke:#1a7f37,stroke-width:3px",
    "change": "stroke:#b07400,stroke-width:3px",
    "remove": "stroke:#cf222e,stroke-width:3px,stroke-dasharray:6 4",
    "warn": "stroke:#bc4c00,stroke-width:3px,stroke-dasharray:2 3",
}


def mermaid(picture: Picture) -> str:
    """A flow chart; the colours are of borders, which are seen on light and dark."""
    numbers = {segment.key: number for number, segment in enumerate(picture.segments)}
    boxes = {box.name: number for number, box in enumerate(picture.boxes)}
    lines = [
        "---",
        f'title: "{_front(picture)}"',
        "---",
        "flowchart TB",
        *(_segment(segment, number) for number, segment in enumerate(picture.segments)),
    ]
    for number, box in enumerate(picture.boxes):
        lines += [*_box(box, number)]
        lines += [_link(link, number, numbers[link.segment]) for link in box.links]
        if box.shares in boxes:
            lines.append(f'  c{number} -. "shares its network" .- c{boxes[box.shares]}')
    lines += [f"  classDef {name} {style}" for name, style in _STYLES.items()]
    return "\n".join(lines) + "\n"


def _front(picture: Picture) -> str:
    """The title is YAML, in which the numbers of characters mean nothing."""
    text = f"{picture.title}, {picture.subtitle}"
    return "".join(char if char in _PLAIN else "?" for char in text)


def _quoted(*lines: str) -> str:
    return '"' + "<br/>".join(_escaped(line) for line in lines if line) + '"'


def _escaped(text: str) -> str:
    return "".join(char if char in _PLAIN else f"#{ord(char)};" for char in text)


def _segment(segment: Segment, number: int) -> str:
    text = _quoted(*segment_label(segment))
    return f"  n{number}[[{text}]]:::{TONES.get(segment.sign, 'net')}"


def _box(box: Box, number: int) -> Iterator[str]:
    text = _quoted(*box_label(box))
    yield f"  c{number}({text}):::{TONES.get(box.sign, 'box')}"
    for place, port in enumerate(box.ports):
        yield f"  p{number}x{place}>{_quoted(port)}]:::port --> c{number}"


def _link(link: Link, box: int, segment: int) -> str:
    words = ", ".join(link_label(link))
    line = "-.-" if link.sign in GONE else "---"
    label = f"|{_quoted(words)}|" if words else ""
    return f"  n{segment} {line}{label} c{box}"

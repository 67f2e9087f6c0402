"""A picture as DOT, for Graphviz and what reads its language."""

from __future__ import annotations

from collections.abc import Iterator

from .colours import light
from .picture import TONES, Box, Link, Picture, Segment, Sign
from .words import GONE, box_label, link_label, segment_label


def dot(picture: Picture) -> str:
    """An undirected graph; Graphviz draws it with `dot -Tsvg`."""
    numbers = {segment.key: number for number, segment in enumerate(picture.segments)}
    boxes = {box.name: number for number, box in enumerate(picture.boxes)}
    lines = [
        f"graph {quoted(picture.title)} {{",
        f"  label={quoted(f'{picture.title}, {picture.subtitle}')}; labelloc=t; fontsize=16;",
        '  fontname="Helvetica"; ranksep=0.6; nodesep=0.35;',
        '  node [fontname="Helvetica", fontsize=10]; edge [fontname="Helvetica", fontsize=9];',
        *(_segment(segment, number) for number, segment in enumerate(picture.segments)),
    ]
    for number, box in enumerate(picture.boxes):
        lines += [*_box(box, number)]
        lines += [_link(link, number, numbers[link.segment]) for link in box.links]
        if box.shares in boxes:
            lines.append(
                f'  c{boxes[box.shares]} -- c{number} [style=dotted, label="shares its network"];'
            )
    return "\n".join((*lines, "}")) + "\n"


def quoted(*lines: str) -> str:
    """As one text of the language; in labels a backslash begins an escape, and so is doubled."""
    texts = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines if line)
    return '"' + "\\n".join(texts) + '"'


def _colour(sign: Sign, otherwise: str) -> str:
    return light(TONES[sign]) if sign else otherwise


def _style(sign: Sign, more: str = "") -> str:
    styles = [more] if more else []
    if sign in GONE:
        styles.append("dashed")
    return f', style="{",".join(styles)}"' if styles else ""


def _segment(segment: Segment, number: int) -> str:
    text = quoted(*segment_label(segment))
    colour = _colour(segment.sign, light("net"))
    return (
        f'  n{number} [shape=box, penwidth=2.5, color="{colour}"{_style(segment.sign)},'
        f" label={text}];"
    )


def _box(box: Box, number: int) -> Iterator[str]:
    text = quoted(*box_label(box))
    colour = _colour(box.sign, light("wire"))
    style = _style(box.sign, "rounded")
    yield f'  c{number} [shape=box, color="{colour}"{style}, label={text}];'
    for place, port in enumerate(box.ports):
        yield f"  p{number}x{place} [shape=cds, label={quoted(port)}];"
        yield f"  p{number}x{place} -- c{number};"


def _link(link: Link, box: int, segment: int) -> str:
    colour = _colour(link.sign, light("wire"))
    label = quoted(*link_label(link))
    return f'  n{segment} -- c{box} [color="{colour}"{_style(link.sign)}, label={label}];'

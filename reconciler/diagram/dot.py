"""A picture as DOT, for Graphviz and what reads its language."""

from __future__ import annotations

from collections.abc import Iterator

from .colours import light
from .picture import MARKS, TONES, Box, Link, Picture, Segment, Sign


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
    if sign in ("remove", "disconnect", "missing"):
        styles.append("dashed")
    return f', style="{",".join(styles)}"' if styles else ""


def _signed(name: str, sign: Sign) -> str:
    return f"{MARKS[sign]} {name} ({sign})" if sign else name


def _segment(segment: Segment, number: int) -> str:
    text = quoted(
        _signed(segment.name, segment.sign),
        *segment.subnets,
        *(f"gateway {gateway}" for gateway in segment.gateways),
        segment.driver,
        *segment.flags,
        *segment.notes,
    )
    colour = _colour(segment.sign, light("net"))
    return (
        f'  n{number} [shape=box, penwidth=2.5, color="{colour}"{_style(segment.sign)},'
        f" label={text}];"
    )


def _box(box: Box, number: int) -> Iterator[str]:
    aliases = dict.fromkeys(alias for link in box.links for alias in link.aliases)
    also = "also " + ", ".join(aliases) if aliases else ""
    text = quoted(_signed(box.name, box.sign), box.state, box.image, *box.flags, also, *box.notes)
    colour = _colour(box.sign, light("wire"))
    style = _style(box.sign, "rounded")
    yield f'  c{number} [shape=box, color="{colour}"{style}, label={text}];'
    for place, port in enumerate(box.ports):
        yield f"  p{number}x{place} [shape=cds, label={quoted(port)}];"
        yield f"  p{number}x{place} -- c{number};"


def _link(link: Link, box: int, segment: int) -> str:
    words = [*link.addresses, _signed("", link.sign).strip() if link.sign else ""]
    colour = _colour(link.sign, light("wire"))
    label = quoted(*words)
    return f'  n{segment} -- c{box} [color="{colour}"{_style(link.sign)}, label={label}];'

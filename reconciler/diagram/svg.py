"""A picture as SVG: one file that needs nothing else, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from .cards import LINE, MARGIN, NAME, PLAIN, Line
from .colours import light, style
from .layout import BAR, EDGE, Layout, PlacedBar, PlacedCard, Wire, laid_out
from .picture import TONES, Box, Picture, Segment, Sign
from .words import about_box, about_picture, about_segment


def svg(picture: Picture) -> str:
    """The whole file."""
    layout = laid_out(picture)
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            _opening(layout),
            f"<style>{style(light)}</style>",
            '<rect class="paper" width="100%" height="100%"/>',
            *drawing(layout),
            "</svg>",
            "",
        )
    )


def inline(picture: Picture) -> str:
    """The same as a part of a page, which brings the style."""
    layout = laid_out(picture)
    return "\n".join((_opening(layout), '<g id="world">', *drawing(layout), "</g></svg>"))


def _opening(layout: Layout) -> str:
    size = f"{layout.width:g} {layout.height:g}"
    high, wide = f"{layout.height:g}", f"{layout.width:g}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{wide}"'
        f' height="{high}" role="group" aria-label="{escape(about_picture(layout.picture))}">'
    )


def drawing(layout: Layout) -> Iterator[str]:
    """Bars first, then lines, then cards, so that each may lie over those before."""
    picture = layout.picture
    yield _text(EDGE, EDGE + 16, "title ink", picture.title)
    yield _text(EDGE, EDGE + 37, "sub dim", picture.subtitle)
    numbers = {segment.key: number for number, segment in enumerate(picture.segments)}
    for bar in layout.bars:
        yield from _bar(bar, numbers[bar.segment.key])
    halos = (wire for wire in layout.wires if wire.over)
    yield from (_path(wire, "halo") for wire in halos)
    for wire in layout.wires:
        yield from _wire(wire, numbers[wire.link.segment])
    for number, card in enumerate(layout.cards):
        yield from _card(card, number, picture)
    for one in layout.legend:
        yield _text(one.x, one.y, f"small strong{_tone(one.sign)}", one.text)


# --- pieces ---------------------------------------------------------------------------------------


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(x: float, y: float, classes: str, text: str) -> str:
    return (
        f'<text x="{_number(x)}" y="{_number(y)}" class="{classes}">{escape(text)}</text>'
        if text
        else ""
    )


def _rect(x: float, y: float, wide: float, high: float, classes: str, round: float) -> str:
    return (
        f'<rect x="{_number(x)}" y="{_number(y)}" width="{_number(wide)}"'
        f' height="{_number(high)}" rx="{_number(round)}" class="{classes}"/>'
    )


def _tone(sign: Sign) -> str:
    return f" t-{TONES[sign]}" if sign else ""


def _gone(sign: Sign) -> str:
    return " gone" if sign in ("remove", "disconnect", "missing") else ""


def _bar(bar: PlacedBar, number: int) -> Iterator[str]:
    segment = bar.segment
    yield (
        f'<g class="segment" id="s{number}" aria-label="{escape(about_segment(segment))}">'
        f"<title>{escape(segment.name)}</title>"
    )
    if segment.kind != "none":
        yield _shape(bar, segment)
    yield from _lines(bar.lines, bar.left, bar.y - 5, label_room(bar))
    yield "</g>"


def label_room(bar: PlacedBar) -> float:
    """How wide the text beside a bar may be."""
    return bar.x - bar.left - 18


def _shape(bar: PlacedBar, segment: Segment) -> str:
    long, classes = bar.end - bar.x, f"bar{_tone(segment.sign)}"
    if segment.kind == "network" and not _gone(segment.sign):
        return _rect(bar.x, bar.y, long, BAR, classes, BAR / 2)
    # what is no network of the file's own, or goes away, is a double line
    pair = (_rect(bar.x, bar.y + y, long, 2.2, classes, 1.1) for y in (0.4, BAR - 2.6))
    return "".join(pair)


def _path(wire: Wire, classes: str) -> str:
    points = " ".join(f"{_number(x)},{_number(y)}" for x, y in wire.points)
    return f'<polyline points="{points}" class="{classes}"/>'


def _wire(wire: Wire, number: int) -> Iterator[str]:
    tone, (x, y) = _tone(wire.link.sign), wire.points[0]
    yield _path(wire, f"wire{tone}{_gone(wire.link.sign)} of-s{number}")
    yield f'<circle cx="{_number(x)}" cy="{_number(y)}" r="4" class="tap{tone}"/>'


def _card(placed: PlacedCard, number: int, picture: Picture) -> Iterator[str]:
    card, box = placed.card, placed.card.box
    classes = f"card{_tone(box.sign)}{' signed' if box.sign else ''}{_dashed(box)}"
    yield (
        f'<g class="{classes}" id="b{number}" aria-label="{escape(about_box(box, picture))}">'
        f"<title>{escape(box.name)}</title>"
    )
    yield _rect(placed.x, placed.y, placed.width, card.height, "body", 8)
    room = placed.width - 2 * MARGIN
    yield from _lines(card.lines, placed.x + MARGIN, placed.y + MARGIN - 2, room)
    yield "</g>"


def _dashed(box: Box) -> str:
    return " foreign" if box.foreign or _gone(box.sign) else ""


def _lines(lines: tuple[Line, ...], x: float, y: float, room: float) -> Iterator[str]:
    for line in lines:
        high = LINE[line.kind]
        yield from _line(line, x, y, room)
        y += high


def _line(line: Line, x: float, y: float, room: float) -> Iterator[str]:
    tone = f"t-{line.tone}" if line.tone else ""
    match line.kind:
        case "name":
            yield _text(x, y + 14, f"name {tone or 'ink'}", line.text)
        case "badge":
            wide = line.width
            yield _rect(x, y + 1, wide, 17, f"badge {tone}", 8.5)
            yield _text(x + 8, y + 13, f"small strong {tone}", line.text)
        case "port":
            yield _rect(x, y + 1, room, 18, "port", 4)
            yield _text(x + 8, y + 13.5, f"small mono {tone or 'ink'}", line.text)
        case "guest":
            yield _rect(x, y + 5, room, 37, "guest", 5)
            yield _text(x + 8, y + 20, f"plain strong {tone or 'ink'}", line.text)
        case "guest-dim":
            yield _text(x + 8, y + 8, f"small {tone or 'dim'}", line.text)
        case _:
            yield from _plain(line, x, y, room, tone)


def _plain(line: Line, x: float, y: float, room: float, tone: str) -> Iterator[str]:
    size = {NAME: "name", PLAIN: "plain"}.get(line.size, "small")
    mono, quiet = " mono" if line.mono else "", "ink" if line.mono else "dim"
    yield _text(x, y + 11.5, f"{size}{mono} {tone or quiet}", line.text)
    if line.beside:
        look = "small end" if line.beside == "dynamic" else "plain mono end"
        yield _text(
            x + room,
            y + 11.5,
            f"{look} {tone or ('dim' if 'small' in look else 'ink')}",
            line.beside,
        )

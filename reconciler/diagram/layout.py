"""Where everything on a picture is. Networks are bars, one below the other; a container hangs
below the first of its bars, and a line leads down from it to each further one.

A line has its column to itself, so that it crosses bars, and never a card or a text. Networks that
no container joins stand side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, sqrt

from ..fast_dataclasses import dataclass, field
from .cards import BOLD, LINE, MARGIN, SMALL, Card, Line, cards, label, label_width
from .order import components
from .picture import MARKS, MEANING, Link, Picture, Segment, Sign
from .text import width as text_width

EDGE = 28
"""Around everything."""
HEAD = 64
"""Of the title."""
BAR = 7
DROP = 24
"""From a bar down to the cards below it."""
GAP = 30
"""Between columns: a line to the cards of lower rows fits in."""
ROW = 18
"""Between rows of cards."""
BELOW = 34
"""From the lowest card of a network to the next bar."""
BETWEEN = 56
"""Between groups of networks."""
SHAPE = 1.5
"""How much wider than high a picture is to be, about."""
NARROWEST = 940
"""What may stand side by side in any picture."""
LEGEND = 18
"""Between its lines."""


@dataclass(frozen=True, slots=True)
class PlacedCard:
    """A card, by its upper left corner."""

    card: Card
    x: float
    y: float
    width: float


@dataclass(frozen=True, slots=True)
class PlacedBar:
    """The bar of a network from `x` to `end`, and the lines of text beside it, from `left` on."""

    segment: Segment
    lines: tuple[Line, ...]
    left: float
    x: float
    end: float
    y: float


@dataclass(frozen=True, slots=True)
class Wire:
    """The line of an attachment, by its corners; the first of them is on the bar. `over`: it
    crosses other bars.
    """

    box: str
    link: Link
    points: tuple[tuple[float, float], ...]
    over: bool = False


@dataclass(frozen=True, slots=True)
class PlacedSign:
    """What a sign means, below the picture."""

    sign: Sign
    text: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Layout:
    """All of it, and how large it is."""

    picture: Picture
    width: float
    height: float
    bars: tuple[PlacedBar, ...]
    cards: tuple[PlacedCard, ...]
    wires: tuple[Wire, ...]
    legend: tuple[PlacedSign, ...] = ()


@dataclass(slots=True)
class _Tile:
    """Networks that containers join, with their containers; (0, 0) is its upper left corner."""

    bars: list[PlacedBar] = field(default_factory=list)
    cards: list[PlacedCard] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    left: float = 0
    width: float = 0
    height: float = 0


@dataclass(frozen=True, slots=True)
class _Member:
    """A container in a group: the rows of its networks, lowest number first, and its links."""

    card: Card
    rows: tuple[int, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """The networks of a group from top to bottom, and who joins them."""

    segments: tuple[Segment, ...]
    singles: Mapping[int, Sequence[_Member]]
    joining: Sequence[tuple[int, _Member]]
    """Each with its column."""
    wide: float
    """Of each card."""
    left: float
    """Where every bar begins, right of the texts beside them."""
    labels: tuple[tuple[Line, ...], ...]

    @property
    def least(self) -> int:
        """The columns that the joining ones need."""
        return max((column + 1 for column, _ in self.joining), default=0)

    def free(self, row: int, columns: int) -> list[int]:
        """The columns in which no card or line of a joining container is below that bar."""
        taken = {c for c, member in self.joining if member.rows[0] <= row < member.rows[-1]}
        return [column for column in range(columns) if column not in taken]


def laid_out(picture: Picture) -> Layout:
    """The same picture is laid out in the same way everywhere."""
    wide, made = cards(picture)
    tiles = [_tile(group) for group in _groups(picture, wide, made)]
    placed = [*_packed(tiles)]
    head = max((len(picture.title) + len(picture.subtitle)) * 8.0 + 60, 320)
    width = max([x + tile.width for x, _, _, tile in placed] + [head]) + EDGE
    height = max([y + tile.height for _, _, y, tile in placed] + [EDGE + HEAD]) + EDGE
    legend = tuple(_legend(picture, width, height))
    return Layout(
        picture,
        ceil(width),
        ceil(max([height, *(sign.y + EDGE for sign in legend)])),
        tuple(_moved_bar(bar, left, x, y) for x, left, y, tile in placed for bar in tile.bars),
        tuple(
            PlacedCard(c.card, c.x + x, c.y + y, c.width)
            for x, _, y, tile in placed
            for c in tile.cards
        ),
        tuple(_moved_wire(wire, x, y) for x, _, y, tile in placed for wire in tile.wires),
        legend,
    )


def _legend(picture: Picture, width: float, top: float) -> Iterator[PlacedSign]:
    """From left to right, and in further lines where the picture is too narrow."""
    x, y = float(EDGE), top + 4
    for sign in picture.signs:
        text = f"{MARKS[sign]} {sign}: {MEANING[sign]}"
        long = BOLD * text_width(text, SMALL)
        if x > EDGE and x + long > width - EDGE:
            x, y = float(EDGE), y + LEGEND
        yield PlacedSign(sign, text, x, y)
        x += long + 24


def _moved_bar(bar: PlacedBar, left: float, x: float, y: float) -> PlacedBar:
    return PlacedBar(bar.segment, bar.lines, bar.left + left, bar.x + x, bar.end + x, bar.y + y)


def _moved_wire(wire: Wire, x: float, y: float) -> Wire:
    points = tuple((px + x, py + y) for px, py in wire.points)
    return Wire(wire.box, wire.link, points, wire.over)


# --- groups ---------------------------------------------------------------------------------------


def _groups(picture: Picture, wide: float, made: Mapping[str, Card]) -> Iterator[_Group]:
    numbers = {segment.key: number for number, segment in enumerate(picture.segments)}
    spans = [[numbers[link.segment] for link in card.box.links] for card in made.values()]
    groups = components(len(numbers), spans)
    home = {number: group for group, order in enumerate(groups) for number in order}
    members: list[list[Card]] = [[] for _ in groups]
    for card, span in zip(made.values(), spans, strict=True):
        if span:
            members[home[span[0]]].append(card)
    for order, inside in zip(groups, members, strict=True):
        segments = tuple(picture.segments[number] for number in order)
        yield _group(segments, inside, wide)


def _group(segments: tuple[Segment, ...], inside: Sequence[Card], wide: float) -> _Group:
    place = {segment.key: row for row, segment in enumerate(segments)}
    singles: dict[int, list[_Member]] = {row: [] for row in range(len(segments))}
    joining: list[_Member] = []
    for card in inside:
        links = sorted(card.box.links, key=lambda link: place[link.segment])
        rows = tuple(place[link.segment] for link in links)
        member = _Member(card, rows, tuple(links))
        (singles[rows[0]] if rows[0] == rows[-1] else joining).append(member)
    labels = tuple(tuple(label(segment)) for segment in segments)
    left = label_width(labels) + 20
    return _Group(segments, singles, [*_columns(joining)], wide, left, labels)


def _columns(joining: Sequence[_Member]) -> Iterator[tuple[int, _Member]]:
    """Each in the first column where no other reaches beyond its uppermost bar."""
    ends: list[int] = []
    for member in sorted(joining, key=lambda one: (one.rows[0], one.rows[-1])):
        column = next((c for c, end in enumerate(ends) if end <= member.rows[0]), len(ends))
        ends[column : column + 1] = [member.rows[-1]]
        yield column, member


# --- one group ------------------------------------------------------------------------------------


def _tile(group: _Group) -> _Tile:
    """With as few columns as give it a pleasant shape."""
    most = max(
        [group.least, 1]
        + [
            len(members) + sum(m.rows[0] <= row < m.rows[-1] for _, m in group.joining)
            for row, members in group.singles.items()
        ]
    )
    columns = min(most, max(group.least, 4))
    if any(group.singles.values()) and not group.free(0, columns):
        columns += 1
    tile = _drawn(group, columns)
    while columns < most and tile.width < SHAPE * tile.height:
        columns += 1
        tile = _drawn(group, columns)
    return tile


def _drawn(group: _Group, columns: int) -> _Tile:
    columns = max(
        [columns]
        + [
            group.least + 1
            for row, members in group.singles.items()
            if members and not group.free(row, columns)
        ]
    )
    tile, y, left = _Tile(left=group.left), 0.0, group.left
    bar_y: list[float] = []
    for row in range(len(group.segments)):
        bar_y.append(y)
        y = _band(tile, group, row, columns, left, y)
    hanging = _hanging(tile, group, left, bar_y)
    tile.width, tile.height = left, y - BELOW
    for row, (segment, lines) in enumerate(zip(group.segments, group.labels, strict=True)):
        ends = [point for at, point in hanging if at == row] + _taps(tile, segment.key)
        end = max([left + GAP + group.wide, *(_right_edge(group, x) for x in ends)])
        tile.bars.append(PlacedBar(segment, lines, 0, left, end, bar_y[row]))
        tile.width = max(tile.width, end)
    edges = [card.x + card.width for card in tile.cards]
    tile.width = max([tile.width, *edges])
    return tile


def _taps(tile: _Tile, key: str) -> list[float]:
    return [wire.points[0][0] for wire in tile.wires if wire.link.segment == key]


def _right_edge(group: _Group, x: float) -> float:
    """Of the column that a line at `x` belongs to."""
    column = int((x - group.left - GAP / 2 + 1) // (group.wide + GAP))
    return _column_x(group, group.left, column) + group.wide


def _column_x(group: _Group, left: float, column: int) -> float:
    return left + GAP + column * (group.wide + GAP)


def _band(tile: _Tile, group: _Group, row: int, columns: int, left: float, y: float) -> float:
    """The cards below one bar; where the next bar is."""
    free = group.free(row, columns)
    rows = [
        group.singles[row][start : start + len(free)]
        for start in range(0, len(group.singles[row]), max(len(free), 1))
    ] or [[]]
    top = y + BAR + DROP
    for column, member in group.joining:
        if member.rows[0] == row:
            tile.cards.append(
                PlacedCard(member.card, _column_x(group, left, column), top, group.wide)
            )
    own = [m.card.height for _, m in group.joining if m.rows[0] == row]
    lowest, none = top + max(own, default=0), group.segments[row].kind == "none"
    for number, members in enumerate(rows):
        for column, member in zip(free, members, strict=False):
            x = _column_x(group, left, column)
            tile.cards.append(PlacedCard(member.card, x, top, group.wide))
            if not none:
                tile.wires.append(_tap(group, member, number, x, y, top))
        top += max((m.card.height for m in members), default=0) + ROW
    lowest = max(lowest, top - ROW)
    text = y - 8 + sum(LINE[line.kind] for line in group.labels[row])
    return max(lowest, text) + BELOW


def _tap(group: _Group, member: _Member, number: int, x: float, y: float, top: float) -> Wire:
    """From the bar to a card: from above to those of the first row, else by way of the gap on the
    left.
    """
    middle = x + group.wide / 2
    points: tuple[tuple[float, float], ...]
    if number == 0:
        points = ((middle, y + BAR / 2), (middle, top))
    else:
        gap, tap = x - GAP / 2, top + MARGIN + LINE["name"] / 2 - 2
        points = ((gap, y + BAR / 2), (gap, tap), (x, tap))
    return Wire(member.card.box.name, member.links[0], points)


def _hanging(
    tile: _Tile, group: _Group, left: float, bar_y: Sequence[float]
) -> list[tuple[int, float]]:
    """The lines of the joining containers: from the first bar down to the card, and from it down to
    each further one.
    """
    top = {card.card.box.name: card.y for card in tile.cards}
    ends = []
    for column, member in group.joining:
        name, x = member.card.box.name, _column_x(group, left, column)
        lower = sum(row != member.rows[0] for row in member.rows)
        bottom, seen = top[name] + member.card.height, 0
        for row, link in zip(member.rows, member.links, strict=True):
            if row == member.rows[0]:
                at, end = x + group.wide / 2, top[name]
            else:
                seen += 1
                at, end = x + group.wide * seen / (lower + 1), bottom
            over = row - member.rows[0] > 1
            points = ((at, bar_y[row] + BAR / 2), (at, end))
            tile.wires.append(Wire(name, link, points, over))
            ends.append((row, at))
    return ends


# --- all groups -----------------------------------------------------------------------------------


def _packed(tiles: Sequence[_Tile]) -> Iterator[tuple[float, float, float, _Tile]]:
    """Side by side, and below each other where they do not fit: of each where its columns begin,
    its texts, and how far down it is. Of the first ones in their rows the bars are aligned.
    """
    area = sum((tile.width + BETWEEN) * (tile.height + BETWEEN) for tile in tiles)
    room = max([NARROWEST, sqrt(area * SHAPE * 1.15), *(tile.width for tile in tiles)])
    first = max((tile.left for tile in tiles), default=0)
    x, y, high = 0.0, float(EDGE + HEAD), 0.0
    for tile in tiles:
        if x and x + tile.width > room:
            x, y, high = 0.0, y + high + BETWEEN, 0.0
        shift = 0 if x else first - tile.left
        yield x + shift + EDGE, x + EDGE, y, tile
        x, high = x + shift + tile.width + BETWEEN, max(high, tile.height)

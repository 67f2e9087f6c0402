"""`netplan graph`: the picture of a topology, as declared, as it is, or as a plan changes it."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..model import DesiredState, Journal, ObservedState
from ..runs import look_at
from .engines import Lookout, reader_of
from .inputs import files, is_folder, load, snapshot_at
from .plan import EMPTY
from .write import write_file

if TYPE_CHECKING:
    from ..diagram.picture import Picture


def graph(options: Namespace) -> int:
    """Draws one topology; asks an engine only where the picture is of one."""
    form = _format(options)
    if is_folder(options.file):
        raise UsageError(f"{options.file} is a folder: a picture is of one topology", "name a file")
    [path] = files(options.file)
    picture = _looked(path, options) if options.live or options.planned else _declared(path)
    content = _written(picture, form)
    if options.out is not None:
        write_file(options.out, content)
    elif isinstance(content, bytes):
        sys.stdout.buffer.write(content)
    else:
        print(content, end="", flush=True)
    return 0


def _written(picture: Picture, form: str) -> str | bytes:
    from ..diagram.writers import write

    if form != "png":
        return write(picture, form)
    from .raster import png

    return png(write(picture, "svg"))


def _format(options: Namespace) -> str:
    """What is asked for, else what the name of the file to write says."""
    from ..diagram.writers import SUFFIXES

    if options.state is not None and not (options.live or options.planned):
        raise UsageError("--state was given without --live or --plan", "give one of them with it")
    suffix = Path(options.out or "").suffix.lower()
    form = str(options.output or SUFFIXES.get(suffix, "mermaid"))
    if options.out is not None and options.output is None and suffix not in SUFFIXES:
        raise UsageError(
            f"{options.out} does not say which format it is to have",
            f"give -o, or let its name end in one of {', '.join(SUFFIXES)}",
        )
    if form == "png" and options.out is None and os.isatty(1):
        raise UsageError("a PNG is nothing for a terminal", "write it to a file with --out FILE")
    return form


def _declared(path: str) -> Picture:
    from ..diagram.declared import declared

    return declared(load(path))


def _looked(path: str, options: Namespace) -> Picture:
    from ..diagram.looked import live, planned
    from ..planner import plan as make_plan

    state, observed, left = _seen(path, options)
    draw = live if options.live else planned
    return draw(state, observed, make_plan(state, observed, left))


def _seen(path: str, options: Namespace) -> tuple[DesiredState, ObservedState, Sequence[Journal]]:
    """The file, and the engine or what stands for it, with what interrupted runs left there."""
    if options.state is None:
        return _on_engine(path, options)
    if path == options.state == "-":
        raise UsageError(
            "FILE and the snapshot are both standard input", "name a file for one of them"
        )
    state = load(path)
    if options.state != EMPTY:
        return state, *snapshot_at(options.state)
    from ..simulate import assumed

    return state, assumed([state]), ()


def _on_engine(
    path: str, options: Namespace
) -> tuple[DesiredState, ObservedState, Sequence[Journal]]:
    from ..lock.journal import journals

    lookout = Lookout(options, reader_of, [path])
    state = load(path)
    with lookout.seen() as (reader, sight):
        observed = look_at(reader, [state], answers=sight.answers)
    return state, observed, journals(sight.volumes)

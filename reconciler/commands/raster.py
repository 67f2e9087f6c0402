"""A picture as PNG: the SVG, drawn by what this machine has for that."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from importlib import import_module

from ..errors import UsageError

SCALE = 2
"""Pixels of the file for one of the picture."""
SECONDS = 60


def png(svg: str) -> bytes:
    """The file. Raises UsageError where nothing here can draw it."""
    for draw in (_by_cairosvg, _by_rsvg):
        with suppress(ImportError, OSError, subprocess.SubprocessError):
            return draw(svg)
    raise UsageError(
        "nothing on this machine can make a PNG of an SVG",
        "install one: apt-get install librsvg2-bin (rsvg-convert), or pip install cairosvg",
        "or take -o svg, which browsers and most programs show",
    )


def _by_cairosvg(text: str) -> bytes:
    cairosvg = import_module("cairosvg")
    drawn: bytes = cairosvg.svg2png(bytestring=text.encode(), scale=SCALE)
    return drawn


def _by_rsvg(text: str) -> bytes:
    program = shutil.which("rsvg-convert")
    if program is None:
        raise FileNotFoundError("rsvg-convert")
    call = [program, "--zoom", str(SCALE), "--format", "png"]
    done = subprocess.run(
        call, input=text.encode(), capture_output=True, check=True, timeout=SECONDS
    )
    return done.stdout

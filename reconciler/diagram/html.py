"""A picture as a page: one file that asks nobody for anything."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

from .colours import PALETTE, SHAPES, coloured, dark, light, variable
from .layout import laid_out
from .picture import Picture
from .svg import inline
from .words import box_facts, facts


def html(picture: Picture) -> str:
    """The whole file. The page may run its own script and nothing else, whatever names hold."""
    script, sheet = _part("page.js"), _style()
    policy = (
        f"default-src 'none'; img-src data:; script-src '{_digest(script)}';"
        f" style-src '{_digest(sheet)}'; base-uri 'none'; form-action 'none'"
    )
    data = json.dumps(_details(picture), ensure_ascii=True, separators=(",", ":"))
    values = {
        "@policy@": policy,
        "@title@": escape(f"{picture.title}, {picture.subtitle}"),
        "@style@": sheet,
        "@svg@": inline(picture),
        "@data@": data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
        "@script@": script,
    }
    page = _part("page.html")
    pieces = []
    for name, value in values.items():  # in the order of the page: no value is looked into
        before, _, page = page.partition(name)
        pieces += [before, value]
    return "".join((*pieces, page))


def _part(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _style() -> str:
    one, other = (
        "".join(f"--{name}:{colour(name)};" for name in PALETTE) for colour in (light, dark)
    )
    return (
        f":root{{color-scheme:light;{one}}}"
        f"@media (prefers-color-scheme:dark){{:root{{color-scheme:dark;{other}}}}}"
        f":root[data-theme=light]{{color-scheme:light;{one}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{other}}}"
        f"{SHAPES}{coloured(variable)}{_part('page.css')}"
    )


def _details(picture: Picture) -> dict[str, Any]:
    """What the page shows of each thing, by the ID that it has in the drawing, and which containers
    are on which network.
    """
    layout = laid_out(picture)
    names = {segment.key: f"s{number}" for number, segment in enumerate(picture.segments)}
    found: dict[str, Any] = {}
    for key, segment in zip(names.values(), picture.segments, strict=True):
        found[key] = {"kind": "network", "name": segment.name, "facts": [*facts(segment)]}
    for number, placed in enumerate(layout.cards):
        box = placed.card.box
        found[f"b{number}"] = {
            "kind": "container",
            "name": box.name,
            "facts": [*box_facts(box, picture)],
            "on": [names[link.segment] for link in box.links],
            "guests": [
                {"name": guest.name, "facts": [*box_facts(guest, picture)]}
                for guest in picture.guests(box.name)
            ],
        }
    return found

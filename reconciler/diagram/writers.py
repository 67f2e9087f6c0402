"""Which formats a picture can have, and what writes each."""

from __future__ import annotations

from importlib import import_module

from .picture import Picture

SUFFIXES = {
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".svg": "svg",
    ".png": "png",
    ".html": "html",
    ".htm": "html",
}
"""What the end of a file's name says of its format."""


def write(picture: Picture, form: str) -> str:
    """The picture in one of the formats that are text. Only its writer is loaded."""
    writer = getattr(import_module(f".{form}", __package__), form)
    written: str = writer(picture)
    return written

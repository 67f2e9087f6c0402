"""What comes in a stream: the output of a container, the progress of a pull."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from ..codec.shapes import in_words, progress
from ..errors import ApiError, LostError
from .wire import NOT_DOCKER, printable

if TYPE_CHECKING:
    from .protocol import Progress

_HEADER = 8
_STREAMS = (0, 1, 2)
_LONGEST_LINE = 1 << 20
STALL = 300.0
"""Seconds without a whole line from the engine after which a pull counts as lost: it is silent
while it unpacks a large layer.
"""


def last_line(output: bytes) -> str:
    """The last line that is not blank, of a container's output as the engine sends it: in frames,
    or bare from a terminal.
    """
    lines = (
        printable(line)
        for line in reversed(_unframed(output).decode("utf-8", "replace").splitlines())
    )
    return next(filter(None, lines), "")


def _unframed(output: bytes) -> bytes:
    """What all streams hold, in the order in which it was written."""
    return b"".join(part for _, part in frames(output))


def frames(output: bytes) -> list[tuple[int, bytes]]:
    """The number of a stream, and what was written to it. Each frame has a header of eight bytes:
    the stream, three zeros, the length. What does not divide into frames has none: it is one.
    """
    parts, position = [], 0
    while position < len(output):
        header = output[position : position + _HEADER]
        end = position + _HEADER + int.from_bytes(header[4:], "big")
        if (
            len(header) < _HEADER
            or header[0] not in _STREAMS
            or any(header[1:4])
            or end > len(output)
        ):
            return [(1, output)]
        parts.append((header[0], output[position + _HEADER : end]))
        position = end
    return parts


def split_reference(reference: str) -> tuple[str, str]:
    """An image's name, and its digest or tag: `r:5000/a:1` -> (`r:5000/a`, `1`); a digest makes a
    tag meaningless.
    """
    name, _, digest = reference.partition("@")
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        head, tag = name, ""
    return head, digest or tag


def follow_pull(chunks: Iterable[bytes], on_progress: Progress | None) -> None:
    """Read a pull to its end. An error may come long after the engine has answered 200; it is
    raised as ApiError.
    """
    layers: dict[str, tuple[int, int]] = {}
    for line in filter(None, _lines(chunks)):
        entry = _entry(line)
        detail = entry.get("errorDetail") or {}
        if message := entry.get("error") or detail.get("message"):
            raise ApiError(detail.get("code") or 500, printable(message))
        if _count(layers, entry) and on_progress:
            on_progress(
                sum(here for here, _ in layers.values()), sum(total for _, total in layers.values())
            )


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest, until = b"", time.monotonic() + STALL
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        if whole:
            until = time.monotonic() + STALL
        elif time.monotonic() > until:
            raise TimeoutError
        yield from map(bytes.strip, whole)
        if len(rest) > _LONGEST_LINE:
            raise LostError("what the engine says about its pull does not end", NOT_DOCKER)
    yield rest.strip()


def _entry(line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line.decode())
        fault = progress(entry)
    except (ValueError, RecursionError):
        fault = " is not JSON"
    if fault:
        raise LostError(
            "what the engine says about its pull is not what the Docker API says:"
            f" {printable(in_words(fault))}",
            NOT_DOCKER,
        )
    return cast("dict[str, Any]", entry)


def _count(layers: dict[str, tuple[int, int]], entry: dict[str, Any]) -> bool:
    """Note how much of a layer is here; whether that is news."""
    layer, status, detail = (
        entry.get("id") or "",
        entry.get("status"),
        entry.get("progressDetail") or {},
    )
    before = layers.get(layer)
    if status == "Downloading" and detail.get("total"):
        layers[layer] = (detail.get("current") or 0, detail["total"])
    elif status == "Download complete" and before:
        layers[layer] = (before[1], before[1])
    return layers.get(layer) != before

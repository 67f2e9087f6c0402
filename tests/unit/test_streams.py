"""What engines send in streams, recorded from Docker 20.10 and 28.5."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from reconciler.engine.streams import follow_pull, last_line, split_reference
from reconciler.errors import ApiError, LostError

LAYER = "09ea75959345"


def frame(stream: int, text: str) -> bytes:
    data = text.encode()
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def entry(status: str, layer: str = LAYER, **detail: int) -> dict[str, Any]:
    return {"status": status, "progressDetail": detail, "id": layer}


PULL = [
    {"status": "Pulling from a", "id": "1"},
    entry("Already exists", "ebbbd79248f9"),
    entry("Pulling fs layer"),
    entry("Downloading", current=36445, total=2098432),
    entry("Downloading", "other", current=5, total=10),
    entry("Downloading", current=36445, total=2098432),
    entry("Verifying Checksum"),
    entry("Download complete"),
    entry("Extracting", current=32768, total=2098432),
    entry("Download complete", "other"),
    entry("Pull complete"),
    {"status": "Digest: sha256:cdc3727ad638e8edd67b98b7d1fe52461ea95bd217859a02ff37b641511581a7"},
    {"status": "Status: Downloaded newer image for 127.0.0.1:22650/a:1"},
]


def lines(*entries: object) -> list[bytes]:
    return [json.dumps(entry).encode() + b"\r\n" for entry in entries]


def test_the_progress_of_a_pull_adds_up_its_layers() -> None:
    told: list[tuple[int, int]] = []
    follow_pull([b"", *lines(*PULL)], lambda here, total: told.append((here, total)))
    assert told == [(36445, 2098432), (36450, 2098442), (2098437, 2098442), (2098442, 2098442)]
    follow_pull(lines(*PULL), None)


@pytest.mark.parametrize("size", [1, 7, 100, 10**6])
def test_the_progress_of_a_pull_may_come_in_any_pieces(size: int) -> None:
    whole, told = b"".join(lines(*PULL)).rstrip(), list[tuple[int, int]]()
    follow_pull(
        (whole[at : at + size] for at in range(0, len(whole), size)),
        lambda here, total: told.append((here, total)),
    )
    assert told == [(36445, 2098432), (36450, 2098442), (2098437, 2098442), (2098442, 2098442)]


def test_a_line_of_a_pull_that_does_not_end_is_given_up() -> None:
    with pytest.raises(LostError, match="does not end"):
        follow_pull(itertools.repeat(b"x" * 65536), None)


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (
            {"errorDetail": {"message": "unexpected EOF"}, "error": "unexpected EOF"},
            500,
            "unexpected EOF",
        ),
        ({"errorDetail": {"code": 401, "message": "no\nrights"}}, 401, "no rights"),
    ],
)
def test_an_error_in_the_stream_is_one(error: object, status: int, message: str) -> None:
    with pytest.raises(ApiError, match=message) as caught:
        follow_pull(lines(PULL[0], error), None)
    assert caught.value.status == status


@pytest.mark.parametrize(
    "line",
    [
        *(b"<html>", b"7", b'"x"', b"\xff", b"[" * 100_000),
        *lines(
            {"error": {}},
            {"errorDetail": "x"},
            {"errorDetail": {"message": "no", "code": "x"}},
            {"errorDetail": {"message": [1]}},
        ),
        *lines(
            {"id": 7},
            {"progressDetail": [1]},
            entry("Downloading") | {"progressDetail": {"current": 1, "total": "2"}},
        ),
    ],
)
def test_a_stream_of_something_else_is_said_so(line: bytes) -> None:
    with pytest.raises(LostError, match="not what the Docker API says"):
        follow_pull([line], None)


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (b"", ""),
        (frame(1, "one\n") + frame(2, "two\n"), "two"),
        (frame(1, "one\n\n \n") + frame(2, ""), "one"),
        (frame(1, "half ") + frame(1, "a line"), "half a line"),
        (frame(2, "\x1b[31mred\x1b[0m\n"), "[31mred [0m"),
        (b"bare\r\nfrom a terminal\r\n", "from a terminal"),
        (frame(1, "cut off")[:-1], "cut of"),
        (b"\x01\x00\x00\x00", ""),
        (frame(1, "x" * 900), "x" * 500),
        (frame(1, "\udcff".encode("utf-8", "surrogatepass").decode("latin-1")), "í³¿"),
    ],
)
def test_the_last_line(output: bytes, line: str) -> None:
    assert last_line(output) == line


@pytest.mark.parametrize(
    ("reference", "name", "version"),
    [
        ("busybox:1", "busybox", "1"),
        ("busybox", "busybox", ""),
        ("r.test:5000/a/b", "r.test:5000/a/b", ""),
        ("r.test:5000/a/b:1", "r.test:5000/a/b", "1"),
        ("a@sha256:77", "a", "sha256:77"),
        ("r.test:5000/a:1@sha256:77", "r.test:5000/a", "sha256:77"),
    ],
)
def test_a_reference_is_split(reference: str, name: str, version: str) -> None:
    assert split_reference(reference) == (name, version)

"""Files and engine replies that are not what they should be: every one ends in an error for the user, or in none."""

from __future__ import annotations

import argparse
import json
import random
import re
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.engine import open_reader
from reconciler.errors import InputError, NetplanError
from reconciler.lock import claims, own_volumes
from reconciler.lock.journal import journals
from reconciler.observe import observe
from reconciler.planner import plan
from reconciler.topology import load, load_text

FILES, REPLIES = 100_000, 10_000
TOPOLOGIES = sorted(Path(__file__).parents[2].glob("topologies/*.yaml"))
_WORDS = [
    "{}",
    "[]",
    "null",
    "~",
    "- ",
    ": ",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "|",
    ">",
    "\t",
    "'",
    '"',
    "1e999",
    "010",
    "no",
    "\ufeff",
    "---\n",
]
_ODD: list[Any] = [None, True, -1, 1.5, "", "x" * 300, [], {}, [None], {"": None}, "\x00", "::1/200", "10.0.0.0/99", 2**70]


def files(options: argparse.Namespace) -> str:
    """Examples with characters, words and lines changed, taken away and doubled."""
    count, choose, refused = options.rounds or FILES, random.Random(3), 0
    texts = [path.read_text(encoding="utf-8") for path in TOPOLOGIES]
    for _ in range(count):
        text = _spoilt(choose, choose.choice(texts))
        try:
            load_text(text, "fuzzed.yaml")
        except InputError:
            refused += 1
    return f"{count} fuzzed files: {refused} refused with positions, the others valid, no bug"


def _spoilt(choose: random.Random, text: str) -> str:
    for _ in range(choose.choice((1, 1, 2, 5, 20))):
        at = choose.randrange(len(text) + 1)
        match choose.randrange(5):
            case 0:
                text = text[:at] + chr(choose.choice((choose.randrange(1, 128), choose.randrange(1, 0xD7FF)))) + text[at + 1 :]
            case 1:
                text = text[:at] + choose.choice(_WORDS) + text[at:]
            case 2:
                text = text[:at] + text[at + choose.randrange(1, 30) :]
            case 3:
                lines = text.split("\n")
                index = choose.randrange(len(lines))
                lines.insert(choose.randrange(len(lines) + 1), lines[index])
                text = "\n".join(lines)
            case _:
                text = text[:at] + re.sub(r"[\w.]+", choose.choice(_WORDS), text[at:], count=1)
    return text


# --- replies ---------------------------------------------------------------------------------------------------------


def replies(options: argparse.Namespace) -> str:
    """What a real engine said of a lab, with one answer spoilt, at the hands of everything that reads."""
    from .measure import lab
    from .plans import PAIRS

    count, choose, refused = options.rounds or REPLIES, random.Random(5), 0
    with lab(next(pair for pair in PAIRS if pair.name == "foreign"), options.host) as here:
        desired, recorded = load(str(here.folder / "side1.yaml")).state, _record(options.host)
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder) / "engine.sock", recorded) as spoil:
        for _ in range(count):
            spoil(choose)
            try:
                reader = open_reader(f"unix://{folder}/engine.sock", timeout=5)
                volumes = own_volumes(reader)
                claims(volumes)
                plan(desired, observe(reader), journals(volumes))
                reader.close()
            except NetplanError:
                refused += 1
    return f"{count} malformed replies: {refused} refused in one sentence, the others harmless, no bug"


def _record(host: str) -> dict[str, bytes]:
    """Path without version and query -> the body of a real answer."""
    from ..e2e.conftest import Api

    api, found = Api(host), {}
    for path in ("/version", "/info", "/networks", "/containers/json", "/volumes"):
        status, answer = api.call("GET", path + ("?all=1" if path == "/containers/json" else ""))
        assert status == 200, answer
        found[path] = json.dumps(answer).encode()
    found["/volumes"] = json.dumps({"Volumes": [_volume("lock"), _volume("journal")], "Warnings": None}).encode()
    for container in json.loads(found["/containers/json"]):
        status, answer = api.call("GET", f"/containers/{container['Id']}/json")
        found[f"/containers/{container['Id']}/json"] = json.dumps(answer).encode()
    return found


def _volume(kind: str) -> dict[str, Any]:
    """One of netplan's own volumes as an engine lists it."""
    from reconciler.lock import HOLDER, KIND
    from reconciler.lock.holder import holder_text, myself

    empty = {"format_version": 1, "engine": {"id": "", "name": "", "version": "", "api": [1, 51], "flavor": "docker", "transport": "unix"}}
    record = {"v": 1, "topology": "lab", "order": 1, "host": "h", "time": "t", "taken": {**empty, "networks": [], "containers": []}}
    labels = {KIND: kind, HOLDER: holder_text(myself("lab"))} if kind == "lock" else {KIND: kind, "netplan.record": json.dumps(record)}
    return {"Name": f"netplan.{kind}.1", "Driver": "local", "Labels": labels, "Scope": "local", "Options": None}


@contextmanager
def _served(path: Path, recorded: dict[str, bytes]) -> Iterator[Any]:
    """A socket that gives recorded answers; the function spoils another one of them."""
    answers = dict(recorded)

    def spoil(choose: random.Random) -> None:
        answers.clear()
        answers.update(recorded)
        chosen = choose.choice(sorted(recorded))
        answers[chosen] = _malformed(choose, recorded[chosen])

    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(64)

    def serve(client: socket.socket) -> None:
        with client, client.makefile("rb") as stream:
            while first := stream.readline():
                while stream.readline().strip():
                    pass
                bare = re.sub(r"^/v[\d.]+", "", first.decode("latin-1").split(" ")[1].partition("?")[0])
                body = answers.get(bare)
                status = b"404 Not Found" if body is None else b"200 OK"
                body = body if body is not None else b'{"message":"no such thing"}'
                try:
                    client.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
                except OSError:
                    return

    def accept() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield spoil
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def _malformed(choose: random.Random, body: bytes) -> bytes:
    if choose.random() < 0.3:
        at = choose.randrange(len(body))
        cut = body[:at]
        return choose.choice((cut, cut + bytes([choose.randrange(256)]) + body[at + 1 :], b"", b"null", b"[]", b'"x"', b"\xff\xfe"))
    value = json.loads(body)
    for _ in range(choose.choice((1, 1, 3))):
        value = _bent(choose, value)
    return json.dumps(value).encode()


def _bent(choose: random.Random, value: Any) -> Any:
    """The same value with one place in it replaced by something odd, or taken away."""
    if isinstance(value, (dict, list)) and value and choose.random() < 0.93:
        key = choose.choice(sorted(value) if isinstance(value, dict) else range(len(value)))
        if choose.random() < 0.08:
            return {k: v for k, v in value.items() if k != key} if isinstance(value, dict) else value[:key] + value[key + 1 :]
        changed = dict(value) if isinstance(value, dict) else list(value)
        changed[key] = _bent(choose, value[key])
        return changed
    return choose.choice(_ODD)

"""Files and engine replies that are not what they should be: every one ends in an error for the
user, or in none.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import re
import resource
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any
from unittest.mock import patch

from reconciler.engine import open_engine, open_reader
from reconciler.errors import InputError, NetplanError
from reconciler.executor.stay_up import Settling, Started, fallen
from reconciler.executor.steps import Performer
from reconciler.lock import claims, own_volumes
from reconciler.lock.journal import journals
from reconciler.model import DesiredState, ObservedState
from reconciler.plan import Plan, Step
from reconciler.planner import Policy, plan
from reconciler.runs import look_at
from reconciler.runs.outcome import not_running, own_containers, prove
from reconciler.topology import load, load_text

from .labs import answered
from .proxy import Fault

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
_ODD: list[Any] = [
    None,
    True,
    -1,
    1.5,
    "",
    "x" * 300,
    [],
    {},
    [None],
    {"": None},
    "\x00",
    "::1/200",
    "10.0.0.0/99",
    2**70,
]
_ODD += [
    0,
    False,
    float("inf"),
    "\ud800",
    "\u00b2",
    "[31m",
    [{}],
    [[]],
    ["x"],
    {"x": {}},
    {"x": ["y"]},
]
MALFORMED = Fault("answer", method=".*", status=200, body=b'{"Id":7,"message":[]}', acts=True)
"""An answer that is JSON, and nothing that any call is answered with; the engine acted."""
APPLIES, CARRIED_OUT, MOST_MEMORY = 60, 8, 300
"""An apply is spoilt at every third of its calls up to there; a plan is carried out for one in so
many replies; in MB.
"""


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
                text = (
                    text[:at]
                    + chr(choose.choice((choose.randrange(1, 128), choose.randrange(1, 0xD7FF))))
                    + text[at + 1 :]
                )
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


# --- replies --------------------------------------------------------------------------------------


def replies(options: argparse.Namespace) -> str:
    """What a real engine said of a lab, with one answer spoilt, at the hands of everything that
    reads: while it is looked at and planned for, and while a plan is carried out. Then an apply on
    the real engine, with one answer after another replaced by a malformed one.
    """
    from .measure import lab
    from .plans import PAIRS

    count, choose, refused, before = (
        options.rounds or REPLIES,
        random.Random(5),
        Counter[bool](),
        _memory(),
    )
    with lab(
        next(pair for pair in PAIRS if pair.name == "recreation-and-replacement"), options.host
    ) as here:
        desired, recorded = load(str(here.folder / "side1.yaml")).state, _record(options.host)
    with (
        tempfile.TemporaryDirectory() as folder,
        _served(Path(folder) / "engine.sock", recorded) as spoil,
        _without_pauses(),
    ):
        host = f"unix://{folder}/engine.sock"
        made, observed = _planned(host, desired)
        for number in range(count):
            carried = number % CARRIED_OUT == 0
            spoil(choose, carried)
            if number % 50 == 0:
                # an error holds on to what was read, and Python is in no hurry: a run has one
                # error, not thousands
                gc.collect()
            try:
                _carried_out(host, made, desired, observed) if carried else _planned(host, desired)
            except NetplanError:
                refused[carried] += 1
    assert _memory() < max(before + 1, MOST_MEMORY), f"{_memory()} MB"
    with lab(PAIRS[0], options.host) as here:
        applied = sum(
            bool(answered(here, nth, MALFORMED)) for nth in range(1, APPLIES, 3 * options.share)
        )
    return (
        f"{count} malformed replies: {refused[False]} plans refused in one sentence,"
        f" {refused[True]} of {-(-count // CARRIED_OUT)} times steps failed with one, the others"
        f" harmless; {applied} applies with a malformed reply, all converged by the next; no bug"
    )


def _memory() -> int:
    """The most that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _planned(host: str, desired: DesiredState) -> tuple[Plan, ObservedState]:
    reader = open_reader(host, timeout=5)
    try:
        volumes = own_volumes(reader)
        claims(volumes)
        observed = look_at(reader, [desired], every_image=True)
        return plan(desired, observed, journals(volumes), Policy(disrupt_foreign=True)), observed
    finally:
        reader.close()


def _carried_out(host: str, made: Plan, desired: DesiredState, observed: ObservedState) -> None:
    """Each step for itself, whatever became of those that it needs, and what is asked afterwards.
    Raises the last step's error, if any.
    """
    engine = open_engine(host, timeout=5)
    failed: list[NetplanError] = []
    began = monotonic()
    try:
        performer = Performer(made, engine)
        for step in (*made.steps, *_further(observed)):
            try:
                if step.op != "wait":
                    performer.perform(step)
                while step.op == "wait" and not performer.containers.reached(step, began):
                    pass
            except NetplanError as error:
                failed.append(error)
        for old in {
            step.replaces.id: step.replaces for step in made.steps if step.replaces
        }.values():
            performer.containers.reverse(old)
        started = [Started(c.name, c.id, 0.0) for c in observed.containers]
        fallen(engine, started, Settling(0.0), threading.Event(), 1)
        prove(lambda: plan(desired, observed, (), Policy()))
        list(not_running(desired, observed, engine))
        own_containers(engine)
    finally:
        engine.close()
    if failed:
        raise failed[-1]


def _further(observed: ObservedState) -> Iterator[Step]:
    """What the plan has no step of: an image to pull, and a container to wait for, to change and to
    end.
    """
    container = next(
        container for container in observed.containers if container.mark and container.live
    )
    on = {"reason": "", "container": container.name, "container_id": container.id}
    yield Step(901, "pull", "", "", image="busybox:1")
    for number, condition in enumerate(("started", "healthy"), 902):
        yield Step(number, "wait", "", **on, seconds=0.02, condition=condition)  # type: ignore[arg-type]
    yield Step(904, "update", "", **on, settings={"mem_limit": 1 << 26})  # type: ignore[arg-type]
    yield Step(905, "stop", "", **on)  # type: ignore[arg-type]


@contextmanager
def _without_pauses() -> Iterator[None]:
    """Nothing is waited for: what a recorded engine says does not change."""
    from reconciler.engine import retry
    from reconciler.executor import container_steps, error_check, stay_up, steps
    from reconciler.runs import outcome

    with (
        patch.object(error_check, "SETTLE", (0.0, 0.0)),
        patch.multiple(steps, BUSY=(0.0,), AGAIN=()),
        patch.object(container_steps, "LOOK", 0.0),
        patch.object(retry, "_FIRST_PAUSE", 0.0),
        patch.object(outcome, "SETTLE", (0.0,)),
        patch.object(stay_up, "BETWEEN", 0.0),
    ):
        yield


def _record(host: str) -> dict[str, bytes]:
    """Path without version and query -> the body of a real answer; and of changes, after their
    method, what one says.
    """
    from ..e2e.conftest import Api

    api, found = Api(host), {}

    def record(path: str, query: str = "") -> Any:
        status, answer = api.call("GET", path + query)
        assert status == 200, answer
        found[path] = json.dumps(answer).encode()
        return answer

    for path in ("/version", "/info", "/images/json"):
        record(path)
    for network in record("/networks"):
        record(f"/networks/{network['Id']}")
    for container in record("/containers/json", "?all=1"):
        answer = record(f"/containers/{container['Id']}/json")
        answer["State"]["Health"] = {
            "Status": "healthy",
            "FailingStreak": 0,
            "Log": [{"ExitCode": 0, "Output": "well"}],
        }
        found[f"/containers/{container['Id']}/json"] = json.dumps(answer).encode()
        found[f"/containers/{container['Id']}/logs"] = b"\x01\0\0\0\0\0\0\5last\n"
        record(f"/images/{container['ImageID']}/json")
        record(f"/images/{container['Image']}/json")
        found["POST /containers/create"] = json.dumps(
            {"Id": container["Id"], "Warnings": []}
        ).encode()
        found[f"POST /containers/{container['Id']}/update"] = b'{"Warnings":null}'
    found["/volumes"] = json.dumps(
        {"Volumes": [_volume("lock"), _volume("journal")], "Warnings": None}
    ).encode()
    found["POST /networks/create"] = json.dumps({"Id": "f" * 64, "Warning": ""}).encode()
    found["POST /images/create"] = json.dumps(
        {"status": "Downloading", "progressDetail": {"current": 1, "total": 2}, "id": "a"}
    ).encode()
    return found


def _volume(kind: str) -> dict[str, Any]:
    """One of netplan's own volumes as an engine lists it."""
    from reconciler.lock import HOLDER, KIND
    from reconciler.lock.holder import holder_text, myself

    empty = {
        "format_version": 1,
        "engine": {
            "id": "",
            "name": "",
            "version": "",
            "api": [1, 51],
            "flavor": "docker",
            "transport": "unix",
        },
    }
    record = {
        "v": 1,
        "topology": "lab",
        "order": 1,
        "host": "h",
        "time": "t",
        "taken": {**empty, "networks": [], "containers": []},
    }
    labels = (
        {KIND: kind, HOLDER: holder_text(myself("lab"))}
        if kind == "lock"
        else {KIND: kind, "netplan.record": json.dumps(record)}
    )
    return {
        "Name": f"netplan.{kind}.1",
        "Driver": "local",
        "Labels": labels,
        "Scope": "local",
        "Options": None,
    }


@contextmanager
def _served(path: Path, recorded: dict[str, bytes]) -> Iterator[Any]:
    """A socket that gives recorded answers; the function spoils another one of them."""
    answers, failing = dict(recorded), set[int]()

    def spoil(choose: random.Random, changing: bool) -> None:
        """With `changing`, what is asked while a plan is carried out; every second change then
        fails too, so that more is asked.
        """
        answers.clear()
        answers.update(recorded)
        chosen = choose.choice(
            sorted(path for path in recorded if changing or not path.startswith("POST"))
        )
        answers[chosen] = _malformed(choose, recorded[chosen])
        failing.clear()
        failing.update([1] if changing and choose.random() < 0.5 else [])

    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(64)

    def answer(method: str, bare: str) -> tuple[bytes, bytes]:
        body = answers.get(
            bare if method == "GET" else f"{method} {bare}", None if method == "GET" else b""
        )
        if method != "GET" and failing:
            return b"500 Oops", body or b""
        return (
            (b"200 OK", body)
            if body is not None
            else (b"404 Not Found", b'{"message":"no such thing"}')
        )

    def serve(client: socket.socket) -> None:
        with client, client.makefile("rb") as stream:
            while first := stream.readline():
                length = 0
                while line := stream.readline().strip().lower():
                    length = (
                        int(line.partition(b":")[2])
                        if line.startswith(b"content-length:")
                        else length
                    )
                stream.read(length)
                method, target, *_ = first.decode("latin-1").split(" ")
                status, body = answer(method, re.sub(r"^/v[\d.]+", "", target.partition("?")[0]))
                try:
                    client.sendall(
                        b"HTTP/1.1 "
                        + status
                        + b"\r\nContent-Length: "
                        + str(len(body)).encode()
                        + b"\r\n\r\n"
                        + body
                    )
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
        other = cut + bytes([choose.randrange(256)]) + body[at + 1 :]
        return choose.choice(
            (
                cut,
                other,
                b"",
                b"null",
                b"[]",
                b'"x"',
                b"\xff\xfe",
                b"[" * 100_000,
                b'{"a":' * 100_000,
            )
        )
    try:
        value = json.loads(body)
    except ValueError:  # the output of a container
        return bytes(choose.randrange(256) for _ in body)
    for _ in range(choose.choice((1, 1, 3))):
        value = bent(choose, value)
    return json.dumps(value).encode()


def bent(choose: random.Random, value: Any) -> Any:
    """The same value with one place in it replaced by something odd, or taken away."""
    if isinstance(value, (dict, list)) and value and choose.random() < 0.93:
        key = choose.choice(sorted(value) if isinstance(value, dict) else range(len(value)))
        if choose.random() < 0.08:
            return (
                {k: v for k, v in value.items() if k != key}
                if isinstance(value, dict)
                else value[:key] + value[key + 1 :]
            )
        changed = dict(value) if isinstance(value, dict) else list(value)
        changed[key] = bent(choose, value[key])
        return changed
    return choose.choice(_ODD)

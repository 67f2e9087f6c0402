"""The yardstick: plain HTTP over the engine's unix socket; as a program it makes a list of calls in
their order, and does nothing else.

    python benchmarks/bare.py CALLS.json --threads 4

CALLS.json is a list of calls: `id`, `method`, `path`, `body`, and `after`, the IDs of the calls
that must have ended. A `{7}` in a path is the `Id` that call 7 answered. A thread takes the ready
call of the smallest ID. What is sent is encoded once, before the first call.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import socket
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

API = "/v1.41"


def socket_path() -> str:
    """The engine's socket, by DOCKER_HOST."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not host.startswith("unix://"):
        sys.exit(
            f"error: the benchmarks need an engine on a unix socket, and DOCKER_HOST is {host}"
        )
    return host.removeprefix("unix://")


class CallError(Exception):
    """The engine answered with an error status."""


class Connection:
    """One kept-alive connection, for one thread."""

    def __init__(self, path: str | None = None) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path or socket_path())
        self.stream = self.socket.makefile("rb", 65536)

    def call(self, method: str, path: str, body: Any = None, *, missing_ok: bool = False) -> Any:
        """The JSON of the answer, None where there is none. `missing_ok`: a 404 is no failure."""
        content = b"" if body is None else json.dumps(body).encode()
        status, answer = self.send(request(method, API + path, content))
        if status >= 300 and not (missing_ok and status == 404):
            raise CallError(f"{method} {path}: {status} {answer.decode(errors='replace').strip()}")
        return json.loads(answer) if answer.strip() and status < 300 else None

    def send(self, message: bytes) -> tuple[int, bytes]:
        self.socket.sendall(message)
        status = int(self.stream.readline().split()[1])
        length, chunked = 0, False
        while (line := self.stream.readline().lower().strip()) != b"":
            key, _, value = line.partition(b":")
            if key == b"content-length":
                length = int(value)
            elif key == b"transfer-encoding":
                chunked = True
        return status, b"".join(self._chunks()) if chunked else self.stream.read(length)

    def _chunks(self) -> Iterable[bytes]:
        while size := int(self.stream.readline(), 16):
            yield self.stream.read(size)
            self.stream.readline()
        self.stream.readline()


def request(method: str, path: str, content: bytes) -> bytes:
    kind = b"Content-Type: application/json\r\n" if content else b""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: docker\r\nContent-Length: {len(content)}\r\n".encode()
        + kind
        + b"\r\n"
        + content
    )


class Calls:
    """Makes calls with a number of threads."""

    def __init__(
        self, calls: list[dict[str, Any]], path: str | None = None, api: str = API
    ) -> None:
        self.path, self.api = path, api
        self.calls = {call["id"]: call for call in calls}
        self.contents = {
            call["id"]: json.dumps(call["body"]).encode() if call.get("body") else b""
            for call in calls
        }
        self.waiting = {call["id"]: len(call["after"]) for call in calls}
        self.dependents: dict[int, list[int]] = {call["id"]: [] for call in calls}
        for call in calls:
            for before in call["after"]:
                self.dependents[before].append(call["id"])
        self.ready = sorted(number for number, count in self.waiting.items() if not count)
        self.ids: dict[str, str] = {}
        self.left, self.error, self.changed = len(calls), "", threading.Condition()

    def run(self, threads: int) -> None:
        """Raises CallError on the first error status."""
        workers = [threading.Thread(target=self._work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if self.error:
            raise CallError(self.error)

    def _work(self) -> None:
        try:
            self._make()
        except BaseException as error:  # handed to the caller's thread
            with self.changed:
                self.error = self.error or repr(error)
                self.changed.notify_all()

    def _make(self) -> None:
        connection = Connection(self.path)
        while (number := self._next()) is not None:
            call = self.calls[number]
            status, answer = connection.send(
                request(call["method"], self.api + self._path(call["path"]), self.contents[number])
            )
            with self.changed:
                self._ended(number, status, answer)

    def _next(self) -> int | None:
        with self.changed:
            while not self.ready and self.left and not self.error:
                self.changed.wait()
            return heapq.heappop(self.ready) if self.ready and not self.error else None

    def _path(self, path: str) -> str:
        before, brace, rest = path.partition("{")
        number, _, after = rest.partition("}")
        return before + self.ids[number] + after if brace else path

    def _ended(self, number: int, status: int, answer: bytes) -> None:
        if status >= 300:
            self.error = f"call {number}: {status} {answer.decode(errors='replace').strip()}"
        elif status == 201:
            self.ids[str(number)] = json.loads(answer)["Id"]
        self.left -= 1
        for dependent in self.dependents[number]:
            self.waiting[dependent] -= 1
            if not self.waiting[dependent]:
                heapq.heappush(self.ready, dependent)
        self.changed.notify_all()


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=(
            "Make a list of calls, as fast as the engine does them. The engine: DOCKER_HOST."
        )
    )
    arguments.add_argument("calls", metavar="CALLS.json")
    arguments.add_argument("--threads", type=int, default=4, metavar="N")
    arguments.add_argument(
        "--api", default=API.removeprefix("/v"), metavar="VERSION", help="of the engine's API"
    )
    options = arguments.parse_args()
    with Path(options.calls).open(encoding="utf-8") as file:
        calls = Calls(json.load(file), api=f"/v{options.api}")
    try:
        calls.run(options.threads)
    except CallError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

"""A proxy on a unix socket in front of a real engine that spoils chosen calls. The engine behind it
is never told.

Every answer that is not spoiled is the engine's own, whole; so whatever a test sees of the engine's
behaviour is real.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

Kind = Literal["answer", "cut", "garbage", "hang", "slow", "kill", "suspend", "freeze"]
GARBAGE = b"\x00\xffHTTP? never heard of it\r\n\r\n"
LONGEST_HANG = 120.0


@dataclass(frozen=True)
class Fault:
    """Spoils the `nth` call (from 1; 0: every one) whose method and path (without version and
    query) match the regular expressions.

    `answer` sends `status` and `body`; `cut` closes the connection; `garbage` sends no HTTP; `hang`
    never answers; `slow` waits `seconds` and then behaves; `kill` sends SIGKILL to the process that
    called; `suspend` sends it SIGSTOP, and the engine carries the call out; `freeze` lets no call
    of anybody through for `seconds`, this one included. With `acts` the engine carries the call out
    first, and only its answer is lost; without, it never hears of it.
    """

    kind: Kind
    method: str = "POST|DELETE"
    path: str = ""
    nth: int = 1
    acts: bool = False
    status: int = 500
    body: bytes = b'{"message":"told to fail"}'
    seconds: float = 0.0

    def __str__(self) -> str:
        what = f"{self.kind} {self.status}" if self.kind == "answer" else self.kind
        return f"{what} {'after' if self.acts else 'before'} the engine acts"


class Proxy:
    """Listens at `path` for an engine at `upstream`.

    `calls` are all it has heard, `callers` the processes that they came from, `spoiled` those that
    met a fault.
    """

    def __init__(self, path: Path, upstream: str, faults: Sequence[Fault] = ()) -> None:
        self.path = path
        self.calls: list[str] = []
        self.spoiled: list[str] = []
        self.callers: list[int] = []
        self._upstream = upstream
        self._faults = tuple(faults)
        self._seen = [0] * len(self._faults)
        self._thaws = 0.0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def host(self) -> str:
        return f"unix://{self.path}"

    def spoil(self, *faults: Fault) -> None:
        """From now on these faults, counted from now, and a clean record."""
        with self._lock:
            self._faults, self._seen = faults, [0] * len(faults)
            self.calls, self.callers, self.spoiled = [], [], []

    def close(self) -> None:
        self._closing.set()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as stream, suppress(OSError, http.client.HTTPException):
            while request := _read_request(stream):
                if not self._exchange(client, request):
                    return

    def _exchange(self, client: socket.socket, request: _Request) -> bool:
        """Serve one call; whether the connection goes on."""
        caller = _caller(client)
        fault = self._fault(request, caller)
        if fault and fault.kind == "freeze":
            self._thaws = time.monotonic() + fault.seconds
        time.sleep(max(0.0, self._thaws - time.monotonic()))
        if fault and fault.kind == "suspend":
            os.kill(caller, signal.SIGSTOP)
        if fault and fault.kind in ("freeze", "suspend"):
            fault = None
        if fault is None:
            client.sendall(self._forward(request))
            return True
        if fault.kind == "slow":
            time.sleep(fault.seconds)
            client.sendall(self._forward(request))
            return True
        if fault.acts:
            self._forward(request)
        if fault.kind == "kill":
            os.kill(caller, signal.SIGKILL)
        if fault.kind == "answer":
            client.sendall(
                _response(fault.status, "", [("Content-Type", "application/json")], fault.body)
            )
            return True
        if fault.kind == "garbage":
            client.sendall(GARBAGE)
        if fault.kind == "hang":
            self._hang(client)
        return False

    def _fault(self, request: _Request, caller: int) -> Fault | None:
        call = f"{request.method} {request.bare_path}{request.named}"
        with self._lock:
            self.calls.append(call)
            self.callers.append(caller)
            chosen = None
            for number, fault in enumerate(self._faults):
                if re.fullmatch(fault.method, request.method) and re.search(
                    fault.path, request.bare_path
                ):
                    self._seen[number] += 1
                    if fault.nth in (0, self._seen[number]):
                        chosen = chosen or fault
            if chosen:
                self.spoiled.append(call)
        return chosen

    def _hang(self, client: socket.socket) -> None:
        """Until the client gives up."""
        until = time.monotonic() + LONGEST_HANG
        while not self._closing.is_set() and time.monotonic() < until:
            if select.select([client], [], [], 0.1)[0]:
                return

    def _forward(self, request: _Request) -> bytes:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(self._upstream.removeprefix("unix://"))
            engine.sendall(
                request.head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + request.body
            )
            answer = http.client.HTTPResponse(engine, method=request.method)
            answer.begin()
            body = answer.read()
            return _response(answer.status, answer.reason, answer.getheaders(), body)


def _caller(client: socket.socket) -> int:
    """The process at the other end, by its number here."""
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])


@dataclass(frozen=True)
class _Request:
    method: str
    target: str
    head: bytes
    body: bytes

    @property
    def bare_path(self) -> str:
        return re.sub(r"^/v\d+\.\d+", "", self.target.partition("?")[0])

    @property
    def named(self) -> str:
        """What a volume is to be called, which its path does not tell."""
        return f" {json.loads(self.body)['Name']}" if self.bare_path == "/volumes/create" else ""


def _read_request(stream: BinaryIO) -> _Request | None:
    first = stream.readline()
    if not first.strip():
        return None
    lines = [first]
    while (line := stream.readline()).strip():
        lines.append(line)
    length = next(
        (int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")),
        0,
    )
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    method, target, _ = first.decode("latin-1").split(" ", 2)
    return _Request(method, target, b"".join(kept) + b"\r\n", stream.read(length))


def _response(status: int, reason: str, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    own = ("content-length", "transfer-encoding", "connection")
    lines = [
        f"HTTP/1.1 {status} {reason or 'Spoiled'}",
        *(f"{name}: {value}" for name, value in headers if name.lower() not in own),
    ]
    length = [] if status == 204 else [f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *length, "", ""]).encode("latin-1") + body


@contextmanager
def spoiled(path: Path, upstream: str, *faults: Fault) -> Iterator[Proxy]:
    """A proxy at `path` for the time of a `with`."""
    proxy = Proxy(path, upstream, faults)
    try:
        yield proxy
    finally:
        proxy.close()

"""HTTP over a kept-alive connection: how the engine is read.

A plan inspects every container, so this is where its time goes: a read costs about a third of one
through http.client and a tenth of one through docker-py. Only GET is spoken here: nothing behind
this module can change an engine.
"""

from __future__ import annotations

import io
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import ApiError, LostError, UnreachableError, machine_error
from .locate import Target, Tls

if TYPE_CHECKING:
    from ssl import SSLContext

Log = Callable[[str, str, int, float], None]
"""Called after each answer: method, path, HTTP status, seconds."""

_LONGEST_LINE = 65536
_MOST_HEADERS = 200
_LONGEST_BODY = 1 << 30
_VERSION = re.compile(r"^/v\d+\.\d+(?=/)")
_LONGEST_MESSAGE = 500
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
NOT_DOCKER = "is it a Docker engine? try again"


class Wire:
    """A pool of connections to one engine; any number of threads may read at once. `timeout`
    (seconds) bounds each answer, whole.
    """

    def __init__(self, target: Target, timeout: float, log: Log | None = None) -> None:
        self.target, self.timeout, self._log = target, timeout, log
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []
        self._tls = tls_context(target.tls) if target.tls else None

    def get(self, path: str, headers: Mapping[str, str] = MappingProxyType({})) -> Any:
        """The JSON at `path`. Raises ApiError, LostError, UnreachableError."""
        return decoded(self.read(path, headers), f"GET {path}")

    def read(self, path: str, headers: Mapping[str, str] = MappingProxyType({})) -> bytes:
        """What is at `path`, as it comes. Raises the same."""
        began = time.monotonic()
        lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        status, body = self._exchange(
            f"GET {path} HTTP/1.1\r\nHost: docker\r\nUser-Agent: netplan\r\n{lines}\r\n".encode(),
            path,
        )
        if self._log:
            self._log("GET", path, status, time.monotonic() - began)
        if status >= 300:
            raise ApiError(
                status,
                error_message(status, body),
                f"GET {_VERSION.sub('', path.partition('?')[0])}",
            )
        return body

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _exchange(self, request: bytes, path: str) -> tuple[int, bytes]:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is not None:
            try:
                return self._ask(connection, request, path)
            except _StaleError:
                pass
        return self._ask(_Connection(connect(self.target, self.timeout, self._tls)), request, path)

    def _ask(self, connection: _Connection, request: bytes, path: str) -> tuple[int, bytes]:
        reusable = False
        try:
            status, body, reusable = connection.ask(request, self.timeout)
        except TimeoutError as error:
            raise LostError(
                f"the engine did not answer GET {path} within {self.timeout:g} s",
                "is it busy? raise --timeout",
            ) from error
        except (_StaleError, _GarbageError, OSError) as error:
            if type(error).__name__.startswith("SSL") and not connection.used:
                raise unreachable(self.target, self.timeout, error) from error
            if isinstance(error, _StaleError) and connection.used:
                raise
            raise LostError(
                f"the engine's answer to GET {path} broke off: {error or 'connection closed'}",
                "is it restarting? try again",
            ) from error
        finally:
            if not reusable:
                connection.close()
        if reusable:
            with self._lock:
                self._idle.append(connection)
        return status, body


class _StaleError(Exception):
    """The connection was closed before a byte of the answer came."""


class _GarbageError(Exception):
    """What came is not HTTP."""


class _Incoming(io.RawIOBase):
    """What a socket receives until `until` (time.monotonic); its own timeout would begin anew with
    each portion.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.until = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        return self._socket.recv_into(buffer)


class _Connection:
    def __init__(self, sock: socket.socket) -> None:
        self.used = False
        self._socket = sock
        self._incoming = _Incoming(sock)
        self._file = io.BufferedReader(self._incoming, 65536)

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, request: bytes, timeout: float) -> tuple[int, bytes, bool]:
        """Status, body, and whether the connection can be used again; TimeoutError unless all of it
        is here in time.
        """
        self._incoming.until = time.monotonic() + timeout
        try:
            self._socket.settimeout(timeout)
            self._socket.sendall(request)
            first = self._file.readline(_LONGEST_LINE)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _StaleError(str(error)) from error
        if not first:
            raise _StaleError
        version, status = _status(first)
        while status < 200:  # not the answer yet
            self._headers()
            version, status = _status(self._line())
        length, chunked, closes = self._headers()
        if status in (204, 304):
            body = b""
        elif chunked:
            body = self._chunks()
        elif length is not None:
            body = self._read(length)
        else:
            body, closes = self._file.read(_LONGEST_BODY), True
        self.used = True
        return status, body, not closes and version == b"HTTP/1.1"

    def _headers(self) -> tuple[int | None, bool, bool]:
        length, chunked, closes = None, False, False
        for _ in range(_MOST_HEADERS):
            line = self._line()
            if line in (b"\r\n", b"\n"):
                return length, chunked, closes
            key, _, value = line.lower().partition(b":")
            if key == b"content-length":
                length = _number(value.strip(), 10)
            elif key == b"transfer-encoding":
                chunked = value.strip() == b"chunked"
            elif key == b"connection":
                closes = value.strip() == b"close"
        raise _GarbageError("too many headers")

    def _chunks(self) -> bytes:
        parts, total = [], 0
        while size := _number(self._line().partition(b";")[0].strip(), 16):
            total += size
            if total > _LONGEST_BODY:
                raise _GarbageError("too long")
            parts.append(self._read(size))
            self._line()
        while self._line() not in (b"\r\n", b"\n"):
            pass
        return b"".join(parts)

    def _line(self) -> bytes:
        line: bytes = self._file.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise _GarbageError("cut off" if len(line) < _LONGEST_LINE else "a line too long")
        return line

    def _read(self, size: int) -> bytes:
        if size > _LONGEST_BODY:
            raise _GarbageError("too long")
        body: bytes = self._file.read(size)
        if len(body) < size:
            raise _GarbageError("cut off")
        return body


def _status(line: bytes) -> tuple[bytes, int]:
    parts = line.split(None, 2)
    if (
        len(parts) < 2
        or not parts[0].startswith(b"HTTP/1.")
        or not parts[1].isdigit()
        or len(parts[1]) != 3
    ):
        raise _GarbageError("not HTTP")
    return parts[0], int(parts[1])


def _number(text: bytes, base: int) -> int:
    try:
        number = int(text, base)
    except ValueError:
        number = -1
    if number < 0:
        raise _GarbageError("not HTTP")
    return number


# --- connecting -----------------------------------------------------------------------------------


def connect(target: Target, timeout: float, tls: SSLContext | None = None) -> socket.socket:
    """A connected socket. Raises UnreachableError, which says what to do."""
    sock = None
    try:
        if target.path:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(timeout)
            sock.connect(target.path)
            return sock
        sock = socket.create_connection((target.host, target.port), timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return tls.wrap_socket(sock, server_hostname=target.host) if tls else sock
    except (OSError, ValueError) as error:
        if sock:
            sock.close()
        raise machine_error(error) or unreachable(target, timeout, error) from error


def tls_context(tls: Tls) -> SSLContext:
    """TLS as `tls` says. Raises UnreachableError where its files cannot be used."""
    import ssl

    try:
        context = ssl.create_default_context(cafile=tls.ca or None)
        if not tls.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if tls.cert and tls.key:
            context.load_cert_chain(tls.cert, tls.key)
    except OSError as error:
        files = ", ".join(file for file in (tls.ca, tls.cert, tls.key) if file)
        raise UnreachableError(
            f"the TLS files cannot be used ({files}): {error}",
            "DOCKER_CERT_PATH names their folder: ca.pem, cert.pem, key.pem",
        ) from error
    return context


def unreachable(target: Target, timeout: float, error: BaseException) -> UnreachableError:
    """Why `target` (found by `target.source`) cannot be reached, and what to do."""
    where = f"{target.url} ({target.source})"
    name = type(error).__name__
    if isinstance(error, FileNotFoundError):
        return UnreachableError(
            f"no Docker engine answers at {where}: there is no such socket", *_start_hints(target)
        )
    if isinstance(error, PermissionError):
        return UnreachableError(
            f"no right to use {where}: permission denied", *_right_hints(target)
        )
    if isinstance(error, ConnectionRefusedError):
        return UnreachableError(
            f"no Docker engine answers at {where}: nothing listens there", *_start_hints(target)
        )
    if isinstance(error, TimeoutError):
        return UnreachableError(
            f"no Docker engine answers at {where} within {timeout:g} s", *_start_hints(target)
        )
    if name == "gaierror":
        return UnreachableError(
            f'no Docker engine answers at {where}: the host name "{target.host}" is not known',
            "check its spelling and your DNS",
        )
    if name.startswith("SSL"):
        return UnreachableError(
            f"no TLS with {where}:"
            f" {getattr(error, 'verify_message', '') or getattr(error, 'reason', '') or error}",
            "DOCKER_CERT_PATH must hold the engine's ca.pem and your cert.pem and key.pem; an"
            " engine without TLS: unset DOCKER_TLS_VERIFY",
        )
    return UnreachableError(f"no Docker engine answers at {where}: {error}", *_start_hints(target))


def _start_hints(target: Target) -> tuple[str, ...]:
    start = (
        "is it running? systemctl start docker"
        if target.path
        else "is it running, and does a firewall let you through?"
    )
    return start, "another engine: --host, --context or DOCKER_HOST"


SUDO = "or run netplan with sudo"


def _right_hints(target: Target) -> tuple[str, ...]:
    import grp
    from pathlib import Path

    try:
        gid = Path(target.path).stat().st_gid
        group = grp.getgrgid(gid).gr_name
    except PermissionError:
        folder = Path(target.path).parent
        return f"you may not look into {folder}: name an engine of your own by DOCKER_HOST", SUDO
    except OSError:
        group = "docker"
    except KeyError:
        return f"it is for group {gid}, which has no name on this machine", SUDO
    if group == "root":
        return (
            (
                "only root may use it: run netplan with sudo, or let dockerd give its socket to the"
                " group docker"
            ),
        )
    return f"join its group, then log in again: sudo usermod -aG {group} $USER", SUDO


# --- what came ------------------------------------------------------------------------------------


def decoded(body: bytes, call: str) -> Any:
    """The JSON in an answer to `call`. Raises LostError."""
    try:
        value = json.loads(body.decode())
        if _SURROGATE.search(body):
            json.dumps(
                value, ensure_ascii=False
            ).encode()  # half a character could neither be sent back nor printed
    except (ValueError, RecursionError) as error:
        raise LostError(f"the engine's answer to {call} is not JSON", NOT_DOCKER) from error
    return value


def error_message(status: int, body: bytes) -> str:
    """The engine's own words in an answer with an error status, one line."""
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text)
        message = value.get("message") if isinstance(value, dict) else None
        text = message if message and isinstance(message, str) else text
    except (ValueError, RecursionError):
        if text.lstrip().startswith("<"):  # a page for browsers, of what stands before the engine
            text = ""
    return printable(text) or f"HTTP status {status}"


def printable(text: str) -> str:
    """Text of others on one line, cut, without what a terminal would obey."""
    clean = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(clean.split())[:_LONGEST_MESSAGE]

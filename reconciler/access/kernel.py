"""Network namespaces by the kernel: /proc/PID/ns/net, entered by a thread.

Needs the engine's machine and root. A PID is believed only where the kernel of this machine says
that the process is of that container: an engine elsewhere, or in another PID namespace, has other
processes of these numbers.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import unpack
from typing import Generic, TypeVar

from ..engine.locate import Target
from ..engine.wire import connect
from ..errors import EngineError
from .protocol import AccessError, Question, Way

T = TypeVar("T")

_PROC = Path("/proc")
_CLONE_NEWNET = 0x40000000
_DENIED = "netplan may not enter network namespaces on this machine: that needs root"


class KernelNamespace:
    """The namespace of a process on this machine; it stays what it is when that process ends."""

    way: Way = "kernel"

    def __init__(self, pid: int) -> None:
        try:
            self._file = os.open(_PROC / f"{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        except PermissionError:
            raise AccessError(_DENIED) from None
        except OSError as error:
            raise AccessError(f"process {pid} has ended: {error.strerror}") from None

    def ask(self, question: Question[T], timeout: float) -> T:
        """See NetworkNamespace; `timeout` is for commands."""
        return _Thread(self._file, question.inside).result()

    @property
    def identity(self) -> tuple[int, int]:
        """What tells it from every other namespace of this machine."""
        status = os.fstat(self._file)
        return status.st_dev, status.st_ino

    def close(self) -> None:
        """Let go of it."""
        os.close(self._file)


class _Thread(Generic[T]):
    """A thread that enters a namespace, calls, and ends: no other ever is in a wrong one."""

    def __init__(self, file: int, call: Callable[[], T]) -> None:
        self._file, self._call = file, call
        self._found: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            _enter(self._file)
            self._found.append(self._call())
        except BaseException as error:  # raised in the caller's thread
            self._error = error

    def result(self) -> T:
        self._thread.join()
        if self._error:
            raise self._error
        return self._found[0]


def _enter(file: int) -> None:
    """Bring this thread into the namespace: Python has a name for that from 3.12 on."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(file, _CLONE_NEWNET):
        reason = os.strerror(ctypes.get_errno())
        raise AccessError(f"{_DENIED} ({reason})")


def container_namespace(id: str, pid: int) -> KernelNamespace:
    """The namespace of the container of that ID, whose engine says that its process is `pid`.
    Raises AccessError where that is no process of this machine's.
    """
    try:
        groups = _read(pid, "cgroup")
    except OSError:
        groups = ""
    if not pid or id not in groups:
        raise AccessError("its process is not one of this machine's: the engine runs elsewhere")
    return KernelNamespace(pid)


def engine_processes(target: Target, timeout: float, container: int) -> Iterator[int]:
    """Processes that may be in the engine's own namespace, the likeliest first: who listens on its
    socket, and what started the container of that PID.
    """
    if target.path:
        yield from _listener(target, timeout)
    try:
        status = _read(container, "status") if container else ""
    except OSError:
        status = ""
    yield from (int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))


def _listener(target: Target, timeout: float) -> Iterator[int]:
    try:
        with connect(target, timeout) as sock:
            found = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    except (EngineError, OSError):
        return
    pid, _, _ = unpack("=iII", found)
    if pid > 0:
        yield pid


def _read(pid: int, name: str) -> str:
    return (_PROC / f"{pid}/{name}").read_text(encoding="utf-8", errors="replace")

"""Who holds a lock: what a process says about itself, and whether another one is provably gone.

A process is told apart by the boot of its kernel, its PID namespace, its PID and when it started,
which the kernel tells by the clock of the reader's time namespace. Only a process of the same boot
and namespaces can be looked for here; of any other nobody knows whether it lives. NETPLAN_BOOT_ID
replaces the boot's ID: tests play another machine with it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..fast_dataclasses import as_dict, dataclass

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Holder:
    """One run of netplan. `run` is its own random name; `time` is UTC, ISO 8601.

    `boot`, `namespace` and `started` are empty where the system does not tell: such a holder is
    never provably gone. `clock` is the time namespace; empty where the kernel has none, and of a
    holder that an earlier netplan wrote.
    """

    run: str
    topology: str
    host: str
    pid: int
    time: str
    boot: str = ""
    namespace: str = ""
    started: str = ""
    clock: str = ""

    def __str__(self) -> str:
        return f'topology "{self.topology}", process {self.pid} on {self.host}, since {self.time}'


def myself(topology: str) -> Holder:
    """This process as a holder."""
    pid, now = os.getpid(), datetime.now(UTC).isoformat(timespec="seconds")
    where = (_boot(), _namespace(), _started(pid))
    return Holder(
        os.urandom(6).hex(), topology, socket.gethostname(), pid, now, *where, clock=_own("time")
    )


def gone(holder: Holder) -> bool:
    """Whether the holder is provably dead: of this boot and PID namespace, and no process of its
    PID started when it did.
    """
    return (
        _is_visible(holder) and _started(holder.pid) != holder.started and not _hidden(holder.pid)
    )


def standing(holder: Holder) -> str:
    """What is known of the holder from here, for people."""
    if not _is_visible(holder):
        return "this machine cannot tell whether it is still running"
    return (
        "it no longer exists, and the next run on this machine removes its lock"
        if gone(holder)
        else "it is running"
    )


def _is_visible(holder: Holder) -> bool:
    known = bool(holder.boot and holder.namespace and holder.started)
    here = (
        _boot(),
        _namespace(),
        socket.gethostname(),
    )  # two copies of one machine can have the same boot
    return (
        known
        and (holder.boot, holder.namespace, holder.host) == here
        and holder.clock in ("", _own("time"))
    )


def _boot() -> str:
    return os.environ.get("NETPLAN_BOOT_ID") or _read("sys/kernel/random/boot_id").strip()


def _namespace() -> str:
    """Empty where /proc shows another namespace than this process lives in."""
    try:
        if os.readlink(_PROC / "self") != str(os.getpid()):  # noqa: PTH115
            return ""
    except OSError:
        return ""
    return _own("pid")


def _own(kind: str) -> str:
    """This process's namespace of that kind; empty where the kernel has no such."""
    try:
        return os.readlink(_PROC / "self/ns" / kind)  # noqa: PTH115
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks since its boot; empty if there is none, or only
    what is left of one.
    """
    fields = _read(f"{pid}/stat").rpartition(")")[2].split()  # the command before may hold anything
    return "" if len(fields) < 20 or fields[0] in ("Z", "X") else fields[19]


def _hidden(pid: int) -> bool:
    """Whether there is a process of which /proc says nothing: another user's, where /proc is
    mounted with `hidepid`.
    """
    if _read(f"{pid}/stat"):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return not _read(f"{pid}/stat")


def _read(name: str) -> str:
    try:
        return (_PROC / name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


# --- as text --------------------------------------------------------------------------------------


def holder_text(holder: Holder) -> str:
    """A holder as JSON."""
    return json.dumps(as_dict(holder), sort_keys=True)


def read_holder(text: str) -> Holder:
    """The holder that `holder_text` wrote; of anything else one of whom nothing is known, so that
    it is never provably gone.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    found: Mapping[str, Any] = value if isinstance(value, dict) else {}
    words = {
        key: str(found.get(key) or "")
        for key in ("run", "topology", "host", "time", "boot", "namespace", "started", "clock")
    }
    pid = found.get("pid")
    return Holder(
        **{
            key: word or ("unknown" if key in ("run", "topology", "host", "time") else "")
            for key, word in words.items()
        },
        pid=pid if isinstance(pid, int) else 0,
    )

"""Whether what a run started stays up: each container is given a time to settle, all of them
together are waited for once.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..codec.container_output import without_secrets
from ..errors import EngineError
from ..fast_dataclasses import dataclass

if TYPE_CHECKING:
    from ..engine import Reader

SETTLE = 1.0
"""Seconds that a container must have been up, where the user says nothing."""
BETWEEN = 2.0
"""Seconds within which a container that keeps restarting is seen between two of its starts."""
AT_ONCE = 10.0
"""Seconds of life within which a container stopped right after its start: a busy engine notes the
end late.
"""


@dataclass(frozen=True, slots=True)
class Settling:
    """How long every started container must have been up. `one_shots` are those that may end, with
    exit code 0.
    """

    seconds: float = SETTLE
    one_shots: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """A container that a run started, and when (by `time.monotonic`) the engine said so."""

    name: str
    id: str
    at: float


def fallen(
    reader: Reader,
    started: Sequence[Started],
    settling: Settling,
    stop: threading.Event,
    parallel: int,
) -> Mapping[str, str]:
    """Why they do not stay up, of those of `started` that do not, by container ID.

    Returns when the last of them has had its time; `stop` ends the waiting. One look is enough: a
    container that was restarted meanwhile has counted that. A container that cannot be looked at is
    not judged.
    """
    if not started:
        return {}
    stop.wait(max(0.0, max(one.at for one in started) + settling.seconds - time.monotonic()))

    def judge(one: Started) -> str:
        with suppress(EngineError):
            return why_not_up(
                reader, one.name, reader.container(one.id), one.name in settling.one_shots
            )
        return ""

    with ThreadPoolExecutor(parallel, "netplan") as pool:
        verdicts = pool.map(judge, started)
    return {one.id: why for one, why in zip(started, verdicts, strict=True) if why}


def why_not_up(reader: Reader, name: str, raw: Mapping[str, Any] | None, one_shot: bool) -> str:
    """`container web stopped right after start (exit code 3): no such file`; empty of one that is
    as it should be.
    """
    if raw is None:
        return f"container {name} no longer exists: it was removed after its start"
    state = raw.get("State") or {}
    running, code = bool(state.get("Running")), int(state.get("ExitCode") or 0)
    restarts = int(raw.get("RestartCount") or 0) if _policy(raw) != "no" else 0
    if state.get("Restarting") or (running and restarts):
        code, times = _last_code(reader, raw), f"{restarts} time{'s' if restarts != 1 else ''}"
        what = f"stopped right after start and was restarted {times} (exit code {code})"
    elif running:
        return (
            f"container {name} is unhealthy{check_said(raw)}" if _health(raw) == "unhealthy" else ""
        )
    elif one_shot and not code:
        return ""
    else:
        what = f"stopped {_when(state)} ({_exit(state, code)})"
    return f"container {name} {what}{_said(reader, raw, '' if code or one_shot else ENDS)}"


ENDS = "; if it is meant to exit, declare one_shot: true"


def stopped(reader: Reader, name: str, id: str) -> str:
    """`container web is stopped (exit code 3): no such file`: of one that is not running, or
    restarting.
    """
    raw = reader.container(id) or {}
    state = raw.get("State") or {}
    again = bool(state.get("Restarting"))
    code = _last_code(reader, raw) if again else int(state.get("ExitCode") or 0)
    what = "keeps restarting" if again else "is stopped"
    return (
        f"container {name} {what} ({_exit(state, code)}){_said(reader, raw, '' if code else ENDS)}"
    )


def check_said(raw: Mapping[str, Any]) -> str:
    """`: connection refused`, the output of the last health check; empty where there is none."""
    log = ((raw.get("State") or {}).get("Health") or {}).get("Log") or [{}]
    said = without_secrets(" ".join(str(log[-1].get("Output") or "").split()), dict(raw))[:200]
    return f": {said}" if said else ""


NOT_STARTED = {
    "exec format error": (
        "; the program is built for another platform, or is a script without a #! line"
    ),
    "no such file or directory": (
        "; the interpreter of its #! line, or its dynamic loader, is not in the image"
    ),
}
"""What engines write into the output of a container whose program the kernel does not take: `exec
/app: exec format error`.
"""


def _said(reader: Reader, raw: Mapping[str, Any], more: str) -> str:
    line = without_secrets(reader.last_line(str(raw["Id"])), dict(raw)) if raw.get("Id") else ""
    found = re.fullmatch(r"exec /\S*: (.*)", line)
    return (
        (f": {line}" if line else " and wrote nothing")
        + (NOT_STARTED.get(found[1], "") if found else "")
        + more
    )


def _exit(state: Mapping[str, Any], code: int) -> str:
    return f"exit code {code}, out of memory" if state.get("OOMKilled") else f"exit code {code}"


def _when(state: Mapping[str, Any]) -> str:
    began, ended = _time(state.get("StartedAt")), _time(state.get("FinishedAt"))
    lived = (ended - began).total_seconds() if began and ended else 0.0
    return "right after start" if lived < AT_ONCE else f"{lived:.0f} s after its start"


def _time(text: object) -> datetime | None:
    """`2026-11-27T12:39:16.123456789Z`; engines write up to nine digits of a second."""
    try:
        return datetime.fromisoformat(str(text)[:19])
    except ValueError:
        return None


def _policy(raw: Mapping[str, Any]) -> str:
    return str(((raw.get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name") or "no")


def _health(raw: Mapping[str, Any]) -> str:
    return str(((raw.get("State") or {}).get("Health") or {}).get("Status") or "")


def _looks(reader: Reader, raw: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What is seen of a container for some time, a few times a second."""
    until = time.monotonic() + BETWEEN
    yield raw
    while time.monotonic() < until:
        time.sleep(0.05)
        yield reader.container(str(raw["Id"])) or {}


def _last_code(reader: Reader, raw: Mapping[str, Any]) -> int:
    """How a restarting container ended last: told only between two starts, which are soon seconds
    apart.
    """
    codes = (int((seen.get("State") or {}).get("ExitCode") or 0) for seen in _looks(reader, raw))
    return next(filter(None, codes), 0)

"""What the benchmarks share: containers on a real engine that are cleaned up always, commands timed
in alternation, and a verdict.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bare import CallError, Connection, socket_path

HERE = Path(__file__).resolve().parent
IMAGE = "netplan-test/busybox:1"
_SCRIPT = Path(sys.executable).with_name("netplan")
NETPLAN = (str(_SCRIPT),) if _SCRIPT.exists() else (sys.executable, "-m", "reconciler")
"""netplan as a process of its own, installed beside the interpreter that runs the benchmark and the
yardsticks in Python.
"""

Times = list[float]
"""Seconds, one for each run."""


def arguments(description: str, rounds: int, *, engine: bool = True) -> argparse.ArgumentParser:
    """The options that all benchmarks have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--rounds", type=int, default=rounds, help="alternated runs; their median counts"
    )
    if engine:
        parser.epilog = (
            "The engine is the one on the unix socket that DOCKER_HOST names. Whatever is made"
            " there is removed at the end."
        )
        parser.add_argument(
            "--image",
            default=IMAGE,
            help="an image with sh and sleep; the default one is made of a static busybox",
        )
    return parser


# --- timing ---------------------------------------------------------------------------------------


def run(command: Sequence[str], **more: Any) -> str:
    """What a command prints. One that fails ends the benchmark with its words."""
    done = subprocess.run([*command], capture_output=True, text=True, **more)
    if done.returncode:
        raise CallError(
            f"{' '.join(command)} ended with"
            f" {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return str(done.stdout)


def timed(work: Callable[[], object]) -> float:
    """How long `work` takes, in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def alternated(
    rounds: int, *works: Callable[[], object], between: Callable[[], object] = lambda: None
) -> list[Times]:
    """The times of each of `works`, run in turn, each time in the other direction; `between` after
    each, not timed.
    """
    times: list[Times] = [[] for _ in works]
    for turn in range(rounds):
        order = range(len(works)) if turn % 2 == 0 else reversed(range(len(works)))
        for index in order:
            times[index].append(timed(works[index]))
            between()
    return times


def median(times: Times) -> float:
    """The middle one."""
    return statistics.median(times)


def paired(ours: Times, theirs: Times) -> float:
    """The median of the ratios within each pair: what slowed both down at one time does not
    count.
    """
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))


def spread(times: Times) -> str:
    """`0.512 s (0.498 to 0.601)`: the median and both ends."""
    return f"{median(times):.3f} s ({min(times):.3f} to {max(times):.3f})"


class Report:
    """Prints figures against their bounds; `code` is 1 if one is over."""

    def __init__(self) -> None:
        self.code = 0

    def ratio(self, what: str, ours: Times, yardstick: str, theirs: Times, bound: float) -> None:
        """One figure, its yardstick, and the median of the ratios of each pair."""
        print(f"{what}: {spread(ours)}\n  {yardstick}: {spread(theirs)}")
        self.bound("  ratio", paired(ours, theirs), bound)

    def bound(self, what: str, value: float, bound: float, unit: str = "") -> None:
        """One figure against the most it may be."""
        holds = value <= bound
        self.code |= not holds
        print(
            f"{what} {value:.2f}{unit}, at most {bound:g}{unit}:"
            f" {'holds' if holds else 'DOES NOT HOLD'}",
            flush=True,
        )


def main(work: Callable[[], int]) -> None:
    """Runs a benchmark; what it cannot do is one line, and a SIGTERM cleans up as Ctrl-C does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(work())
    except (CallError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


# --- the engine -----------------------------------------------------------------------------------


class Host:
    """The engine of the benchmark, by bare calls."""

    def __init__(self) -> None:
        self.path = socket_path()
        try:
            self.connection = Connection(self.path)
        except OSError as error:
            raise CallError(
                f"no engine answers at {self.path}: {error.strerror}: set DOCKER_HOST"
            ) from error

    def call(self, method: str, path: str, body: Any = None, *, missing_ok: bool = False) -> Any:
        return self.connection.call(method, path, body, missing_ok=missing_ok)

    def many(self, calls: Sequence[tuple[str, str, Any]], threads: int = 4) -> None:
        """All calls, in any order; what is not there is no error."""

        def one(call: tuple[str, str, Any]) -> None:
            Connection(self.path).call(*call, missing_ok=True)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, calls))

    def networks(self, prefix: str) -> dict[str, str]:
        """Name to ID of the networks whose name begins with `prefix`."""
        return {
            n["Name"]: n["Id"]
            for n in self.call("GET", "/networks")
            if n["Name"].startswith(prefix)
        }

    def containers(self, prefix: str) -> dict[str, str]:
        """Name to ID of the containers whose name begins with `prefix`."""
        listed = self.call("GET", "/containers/json?all=1")
        return {
            c["Names"][0][1:]: c["Id"] for c in listed if c["Names"][0].startswith(f"/{prefix}")
        }

    def inspect(self, container: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/containers/{container}/json")
        return found

    def start(self, names: Sequence[str], image: str) -> None:
        """Running containers on the default network that do nothing."""
        body = {
            "Image": image,
            "Cmd": ["sh", "-c", "trap exit TERM; sleep 86400 & wait"],
            "HostConfig": {"Init": False},
        }
        self.many([("POST", f"/containers/create?name={name}", body) for name in names])
        self.many([("POST", f"/containers/{name}/start", None) for name in names])

    def remove_containers(self, prefix: str) -> None:
        self.many(
            [
                ("DELETE", f"/containers/{id}?force=1&v=1", None)
                for id in self.containers(prefix).values()
            ]
        )

    def remove_networks(self, prefix: str) -> None:
        """Networks, each after everything is taken off it."""
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self._remove_network, self.networks(prefix).values()))

    def _remove_network(self, id: str) -> None:
        connection = Connection(self.path)
        for container in (connection.call("GET", f"/networks/{id}", missing_ok=True) or {}).get(
            "Containers"
        ) or {}:
            connection.call(
                "POST",
                f"/networks/{id}/disconnect",
                {"Container": container, "Force": True},
                missing_ok=True,
            )
        connection.call("DELETE", f"/networks/{id}", missing_ok=True)


@contextmanager
def engine(image: str, *prefixes: str) -> Iterator[Host]:
    """The engine with `image` on it. Containers and networks with these prefixes must not be there
    before, and are removed after.
    """
    host = Host()
    taken = [
        name for prefix in prefixes for name in (*host.networks(prefix), *host.containers(prefix))
    ]
    if taken:
        raise CallError(
            f"in the way on this engine: {', '.join(sorted(taken)[:5])}; remove what is called"
            f" {' or '.join(prefixes)}... first"
        )
    made = _make_image(host, image)
    try:
        yield host
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for prefix in prefixes:
            host.remove_containers(prefix)
        for prefix in prefixes:
            host.remove_networks(prefix)
        if made:
            host.call("DELETE", f"/images/{image}", missing_ok=True)
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _make_image(host: Host, image: str) -> bool:
    """Whether the image had to be made."""
    if host.call("GET", f"/images/{quote(image)}/json", missing_ok=True):
        return False
    busybox = shutil.which("busybox")
    if image != IMAGE or not busybox:
        raise CallError(
            f"the engine has no image {image}: pull it, name another with --image, or install"
            " busybox-static"
        )
    run([sys.executable, str(HERE.parent / "scripts" / "lab.py"), "image", busybox])
    return True


def environment(**more: str) -> Mapping[str, str]:
    """The environment of a child: ours, with the checkout to import from, compiled once as that of
    an installed package is.
    """
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**ours, "PYTHONPATH": str(HERE.parent), **more}

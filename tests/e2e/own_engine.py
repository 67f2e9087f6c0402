"""An engine of a test's own, of the same program as the tested one: to restart it, or to empty it.

It runs as a child of the test in a network and mount namespace of its own, wherever the tested
engine's process can be found and entered: as root, on the same machine. All that it makes is in one
folder and goes with it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from reconciler.errors import NetplanError

from .conftest import Api

_START = """
ip link set lo up
[ ! -d /run/containerd ] || mount -t tmpfs none /run/containerd
exec "$0" -H "unix://$1/s" -p "$1/pid" --data-root "$1/data" --exec-root "$1/exec" \\
  --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$(basename "$1")"
"""


def process_of(host: str) -> int:
    """The process that listens at a unix socket, by its command line; skips the test where there is
    none to be entered.
    """
    if os.geteuid() != 0 or not host.startswith("unix://"):
        pytest.skip(
            "only root can start another engine like this one, and only beside one on a unix socket"
        )
    socket = host.removeprefix("unix://")
    for found in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = found.read_bytes().decode("utf-8", "replace").split("\0")
            seen = [
                f"{found.parent}/root{word.removeprefix('unix://')}"
                for word in words
                if word.startswith("unix://")
            ]
            if Path(words[0]).name == "dockerd" and any(
                Path(path).samefile(socket) for path in seen
            ):
                return int(found.parent.name)
    pytest.skip("this engine's process is not on this machine: no other like it can be started")


class OwnEngine:
    """`host` is its address as seen from here."""

    def __init__(self, beside: int) -> None:
        self._beside = beside
        self._folder = Path("/var/lib", f"netplan-own-{os.getpid()}")
        self.folder = Path(f"/proc/{beside}/root{self._folder}")
        self.host = f"unix://{self.folder}/s"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        words = Path(f"/proc/{self._beside}/cmdline").read_bytes().decode().split("\0")
        enter = [
            "nsenter",
            f"--target={self._beside}",
            "--mount",
            "--root",
            "unshare",
            "--net",
            "--mount",
            "--propagation",
            "slave",
        ]
        command = [*enter, "sh", "-c", _START, words[0], str(self._folder)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        for _ in range(600):
            with suppress(OSError, NetplanError):
                if Api(self.host).call("GET", "/_ping")[0] == 200:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        said = (self.folder / "log").read_text(errors="replace").splitlines()[-3:]
        self.stop()
        pytest.skip(f"another engine like this one does not start: {' / '.join(said)}")

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)
            self._process = None

    def remove(self) -> None:
        """Its mounts were in its own namespace, and went with it."""
        self.stop()
        subprocess.run(["rm", "-rf", "--one-file-system", str(self.folder)], check=False)
        for group in (
            Path("/sys/fs/cgroup", self._folder.name),
            *Path("/sys/fs/cgroup").glob(f"*/{self._folder.name}"),
        ):
            with suppress(OSError):
                group.rmdir()


@contextmanager
def own_engine(host: str) -> Iterator[OwnEngine]:
    """One that runs, for the time of a `with`."""
    engine = OwnEngine(process_of(host))
    try:
        engine.start()
        yield engine
    finally:
        engine.remove()

"""netplan run many times without loading it each time: a process that has loaded everything forks
itself for every run.

It is the same program with the same arguments, environment, standard streams and exit code; only
what Python does before its first line is spared, which is most of the time of a short run. What is
about starting and ending (signals, pipes, terminals) runs the command.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

STREAMS = ("in", "out", "err")
LIBRARIES = ("docker", "deepdiff", "jsonschema", "rich.progress", "yaml")
_ROOT = Path(__file__).parents[2]


class Zygote:
    """The process that forks, as its client sees it; one run at a time."""

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="netplan-zygote-")
        self._folder = Path(self._temporary.name)
        command = [sys.executable, "-m", "tests.e2e.zygote", str(self._folder)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
        )
        self._busy = threading.Lock()

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], stdin: str, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """As subprocess.run does it, which does it where a run of another thread is under way."""
        if not self._busy.acquire(blocking=False):
            return subprocess.run(
                command,
                env=environment,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        try:
            return self._run(command, environment, stdin, timeout)
        finally:
            self._busy.release()

    def _run(
        self, command: Sequence[str], environment: Mapping[str, str], stdin: str, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        to, answers = self._process.stdin, self._process.stdout
        assert to
        assert answers
        (self._folder / "in").write_text(stdin, encoding="utf-8")
        print(json.dumps([list(command), dict(environment), os.getcwd()]), file=to, flush=True)  # noqa: PTH109
        run = int(answers.readline())
        killer = threading.Timer(timeout, os.kill, (run, signal.SIGKILL))
        killer.start()
        code = int(answers.readline())
        if killer.finished.is_set():
            raise subprocess.TimeoutExpired(list(command), timeout)
        killer.cancel()
        out, err = (self._folder.joinpath(name).read_bytes().decode() for name in STREAMS[1:])
        return subprocess.CompletedProcess(command, code, out, err)


def serve(folder: Path) -> None:
    """Fork for every line that comes; its process and its exit code are the answer."""
    importlib.import_module("reconciler.cli")
    for library in LIBRARIES:
        importlib.import_module(library)
    for file in sorted((_ROOT / "reconciler").rglob("*.py")):
        module = ".".join(file.relative_to(_ROOT).with_suffix("").parts).removesuffix(".__init__")
        if not module.endswith("__main__") and not module.startswith(
            "reconciler.lock"
        ):  # which reads the environment
            importlib.import_module(module)
    gc.freeze()  # no run looks through what was loaded, which would copy all of it
    for line in sys.stdin:
        run = os.fork()
        if not run:
            _become(folder, *json.loads(line))
        print(run, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(run, 0)[1]), flush=True)


def _become(folder: Path, command: list[str], environment: dict[str, str], where: str) -> None:
    """This process as `command` in that environment; never returns."""
    try:
        os.chdir(where)
        os.environ.clear()
        os.environ.update(environment)
        for number, name in enumerate(STREAMS):
            file = os.open(
                folder / name,
                os.O_RDONLY if name == "in" else os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
            )
            os.dup2(file, number)
            os.close(file)
        streams = (open(number, mode) for number, mode in enumerate("rww"))  # noqa: PTH123, SIM115
        sys.stdin, sys.stdout, sys.stderr = streams
        sys.argv = command
        from reconciler.cli import entry

        entry()
    except BaseException:  # as Python says it
        with suppress(OSError):
            os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(1)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))

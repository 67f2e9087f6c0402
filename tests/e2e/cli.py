"""The command as its users run it: a process, its exit code and what it prints."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .conftest import IMAGE, Docker
from .zygote import Zygote

NETPLAN = str(Path(sys.executable).with_name("netplan"))
TIMEOUT = 120
_CALL = re.compile(r"^(GET|HEAD|POST|PUT|PATCH|DELETE) +\d{3} +[\d.]+ ms +(\S+)$", re.M)


@dataclass(frozen=True)
class Result:
    """How one run of the command ended."""

    arguments: Sequence[str]
    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Method and path of each engine call that `-v` shows."""
        return _CALL.findall(self.err)

    @property
    def changes(self) -> list[str]:
        """The engine calls that change something, without their version and with IDs cut: `POST
        /networks/ID/connect`.

        Those that make and drop netplan's own lock and journal are not among them.
        """
        return [call for call in self.writes if " /volumes" not in call]

    @property
    def writes(self) -> list[str]:
        """All engine calls that only an engine that can be changed serves."""
        return [
            f"{method} {re.sub('/[0-9a-f]{64}', '/ID', path)}"
            for method, path in self.calls
            if method != "GET"
        ]

    def json(self) -> Any:
        return json.loads(self.out)


def run(
    *arguments: str,
    code: int | None = 0,
    host: str = "",
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
) -> Result:
    """Runs `netplan ARGUMENTS`. Whatever it was asked for, it may never end in a bug, a traceback
    or another exit code than `code`.

    Containers get a shorter time to settle than users give them: most tests are not about that.
    """
    starts = arguments[:1] in (("apply",), ("reset",)) and "--settle" not in arguments
    command = [NETPLAN, *arguments, *(("--settle", "0.2") if starts else ())]
    done = _zygote().run(
        command, {**_clean(), "DOCKER_HOST": host, **(env or {})}, stdin or "", TIMEOUT
    )
    return _judged(Result(arguments, done.returncode, done.stdout, done.stderr), code)


@cache
def _zygote() -> Zygote:
    return Zygote()


def _clean() -> dict[str, str]:
    """The environment without what would change what is printed, or where to."""
    removed = ("DOCKER_", "NETPLAN_", "NO_COLOR", "FORCE_COLOR")
    return {key: value for key, value in os.environ.items() if not key.startswith(removed)}


def _judged(result: Result, code: int | None) -> Result:
    shown = f"netplan {' '.join(result.arguments)}: exit {result.code}\n{result.out}{result.err}"
    assert result.code != 70, shown
    assert "Traceback" not in result.said, shown
    assert code is None or result.code == code, shown
    return result


def run_on_terminal(
    *arguments: str,
    answer: str,
    host: str,
    code: int,
    meanwhile: Callable[[], object] = lambda: None,
    asks: str = "[y/N] ",
) -> Result:
    """Runs `netplan ARGUMENTS` on a terminal of its own, does `meanwhile` once it asks, and types
    `answer`.
    """
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [NETPLAN, *arguments],
        env={**_clean(), "DOCKER_HOST": host, "NO_COLOR": "1"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        try:
            output = _read(ours, until=asks.encode())
            meanwhile()
            if asks.encode() in output:
                os.write(ours, answer.encode() + b"\n")
            output += _read(ours)
            process.wait(TIMEOUT)
        finally:
            process.kill()
            os.close(ours)
    return _judged(Result(arguments, process.returncode, output.decode(), ""), code)


def _read(terminal: int, until: bytes = b"") -> bytes:
    output, deadline = b"", time.monotonic() + TIMEOUT
    while not (until and until in output) and time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        output += data
    return output


class Cli:
    """netplan on one engine, with one topology of its own. Short names given here get the test's
    prefix.
    """

    def __init__(self, docker: Docker, folder: Path) -> None:
        self.docker, self.host = docker, docker.host
        self.file = folder / "topology.yaml"
        self.topology = docker.name("top")
        self.top: Mapping[str, Any] = {}

    def write(
        self,
        networks: Mapping[str, Any],
        containers: Mapping[str, Any] | None = None,
        name: str = "",
        file: str = "topology.yaml",
    ) -> Path:
        """A topology file. Keys of networks, of containers and of their attachments get the prefix;
        those of undeclared networks do not.
        """
        full = self.docker.name
        bodies = {
            full(key): self._body(body or {}, networks, containers or {})
            for key, body in (containers or {}).items()
        }
        whole = {
            "name": name or self.topology,
            **self.top,
            "networks": {full(key): body for key, body in networks.items()},
            "containers": bodies,
        }
        path = self.file.with_name(file)
        path.write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
        return path

    def _body(
        self, body: Mapping[str, Any], networks: Mapping[str, Any], containers: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A container with the full names of all that it refers to."""
        found = dict(body)
        if "networks" in body or "image" not in body:
            found["networks"] = self._attachments(body.get("networks", []), networks)
        shared = str(body.get("network_mode", "")).removeprefix("container:")
        if shared in containers:
            found["network_mode"] = f"container:{self.docker.name(shared)}"
        if "depends_on" in body:
            found["depends_on"] = {
                self.docker.name(key): {"condition": value}
                for key, value in body["depends_on"].items()
            }
        return found

    def _attachments(self, given: Any, networks: Mapping[str, Any]) -> Any:
        def full(key: str) -> str:
            return self.docker.name(key) if key in networks else key

        return (
            {full(key): body for key, body in given.items()}
            if isinstance(given, dict)
            else [full(key) for key in given]
        )

    def run(self, *arguments: str, code: int | None = 0, **more: Any) -> Result:
        return run(*arguments, code=code, host=self.host, **more)

    def plan(self, *arguments: str, code: int = 0) -> Result:
        return self.run("plan", str(self.file), *arguments, code=code)

    def apply(self, *arguments: str, code: int | None = 0) -> Result:
        """`apply --yes -v`: the result's `changes` are the calls that changed something."""
        return self.run("apply", str(self.file), "--yes", "-v", *arguments, code=code)

    def start(self, *arguments: str, host: str = "") -> subprocess.Popen[str]:
        """`apply --yes`, on its way; what it says on both streams is its standard output."""
        command = [NETPLAN, "apply", str(self.file), "--yes", *arguments]
        return subprocess.Popen(
            [*command, "--host", host or self.host],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def destroy(self, *arguments: str, code: int = 0) -> Result:
        return self.run("destroy", str(self.file), "--yes", "-v", *arguments, code=code)

    def converge(
        self,
        networks: Mapping[str, Any],
        containers: Mapping[str, Any] | None = None,
        *arguments: str,
    ) -> Result:
        """Writes a file, applies it, and proves that nothing is left to do."""
        self.write(networks, containers)
        result = self.apply(*arguments)
        self.settled()
        return result

    def settled(self) -> None:
        """Another apply has nothing to do: it only reads, and leaves every byte that inspect shows
        as it was.
        """
        before = self.at_rest()
        again = self.apply()
        assert not again.writes, again.said
        assert "Nothing to do" in again.out, again.out
        assert self.inspected() == before

    def at_rest(self) -> dict[str, str]:
        """What is inspected once nothing moves by itself: a command that was started a moment ago
        may be about to end.
        """
        before = self.inspected()
        for _ in range(50):
            time.sleep(0.1)
            now = self.inspected()
            if now == before:
                break
            before = now
        return before

    def inspected(self) -> dict[str, str]:
        """What the engine says of each of the test's networks and containers, to the byte."""
        prefix, call = self.docker.prefix, self.docker.do
        networks = [n["Id"] for n in call("GET", "/networks") if n["Name"].startswith(prefix)]
        containers = [
            c["Id"]
            for c in call("GET", "/containers/json?all=1")
            if (c["Names"] or ["/"])[0].startswith("/" + prefix)
        ]
        paths = [f"/networks/{id}" for id in networks] + [
            f"/containers/{id}/json" for id in containers
        ]
        raw = {path: call("GET", path) for path in paths}
        for found in raw.values():
            found.pop("ExecIDs", None)  # health is checked all the time
            found.get("State", {}).pop("Health", None)
            found.get("Mounts", []).sort(
                key=lambda mount: mount["Destination"]
            )  # Docker 20.10 lists them in any order
        return {path: json.dumps(found, sort_keys=True) for path, found in raw.items()}

    def network(self, short: str) -> dict[str, Any]:
        """A network as inspected."""
        answer = self.docker.do("GET", f"/networks/{self.docker.name(short)}")
        assert isinstance(answer, dict)
        return answer

    def exists(self, short: str) -> bool:
        return self.docker.call("GET", f"/networks/{self.docker.name(short)}")[0] == 200

    def endpoint(self, container: str, network: str) -> dict[str, Any] | None:
        """A container's attachment as inspected, or None."""
        networks: dict[str, dict[str, Any]] = self.docker.inspect(self.docker.name(container))[
            "NetworkSettings"
        ]["Networks"]
        return networks.get(self.docker.name(network)) or networks.get(network)

    def life(self, *containers: str) -> list[tuple[str, str, int]]:
        """ID, start and number of restarts of each container: equal if nothing restarted."""
        found = [self.docker.inspect(self.docker.name(container)) for container in containers]
        return [(c["Id"], c["State"]["StartedAt"], c["RestartCount"]) for c in found]

    def reach(self, one: str, other: str) -> bool:
        """Whether two containers ping each other by name, both ways."""
        full = self.docker.name
        return self.docker.ping(full(one), full(other)) and self.docker.ping(full(other), full(one))


def box(*command: str, **more: object) -> dict[str, Any]:
    """A container for a file that ends at once when it is stopped; without a command it sleeps."""
    return {
        "image": IMAGE,
        "command": list(command or ("sleep", "3600")),
        "stop_grace_period": "0s",
        **more,
    }


def server(page: str = "page", **more: Any) -> dict[str, Any]:
    """A container for a file that serves one page."""
    return box("sh", "-c", f"echo {page} > /tmp/index.html; exec httpd -f -p 80 -h /tmp", **more)


def names(aliases: Sequence[str] | None, container: Mapping[str, Any]) -> set[str]:
    """The aliases of an endpoint without those that the engine adds, and the one that is netplan's
    mark on Podman.
    """
    own = {alias for alias in aliases or () if not alias.startswith("netplan:")}
    return own - {container["Id"][:12], container["Config"]["Hostname"]}

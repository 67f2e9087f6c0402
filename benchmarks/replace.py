"""Replacing one network under four running containers: how long each is off it, and whether anybody
is restarted.

The network gets another label, which no engine can change in place: disconnect four times, remove,
create, connect four times. The yardstick makes the same calls bare (bare.py), in the order of the
plan, with as many threads as netplan. The outage of an endpoint is what its container sees: a loop
inside each looks at its routing table every few milliseconds and says when the route to the network
goes and comes back. A ping would measure the outage of the one that answers too, and ends for good
where there is no route. With Compose beside, its own way of changing the network is shown: there
the containers are stopped or made anew, so the outage is the time between the events of the engine,
from disconnect to connect.
"""

from __future__ import annotations

import json
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from apply import calls
from bare import API, CallError, Connection, request
from bench import HERE, NETPLAN, Host, Report, arguments, engine, environment, main, run, spread

BOUND = 1.2
NAMES = [f"host-{number:05}" for number in range(4)]
NETWORK, PROJECT = "net-0000", "netplan-bench"
SUBNET, PROBED = "10.0.0.0/24", "0000000A"
"""The network, and how a routing table spells it."""
PROBE = f"""s=x
while :; do
  n=down
  while read -r i d r; do [ "$d" = {PROBED} ] && n=up; done </proc/net/route
  [ $n = $s ] || echo $n
  s=$n
  sleep 0.003
done"""
PARALLEL = 4


def topology(revision: int) -> str:
    """One network whose label says `revision`, with four endpoints, one of them static."""
    lines = [
        "name: replace",
        "networks:",
        f"  {NETWORK}:",
        f"    subnet: {SUBNET}",
        "    ip_range: 10.0.0.128/25",
        "    labels:",
    ]
    lines += [f"      revision: '{revision}'", "containers:"]
    for number, name in enumerate(NAMES):
        lines += [
            f"  {name}:",
            "    networks:",
            f"      {NETWORK}:",
            f"        aliases: [service-{number}]",
        ]
    return "\n".join([*lines, "        ipv4_address: 10.0.0.9"]) + "\n"


# --- the view from inside -------------------------------------------------------------------------


class Probe(threading.Thread):
    """Listens to a loop inside a container: `seen` is a list of (seconds, `up` or `down`)."""

    def __init__(self, host: Host, container: str) -> None:
        super().__init__(daemon=True)
        self.seen: list[tuple[float, str]] = []
        body = {"Cmd": ["sh", "-c", PROBE], "AttachStdout": True}
        job = host.call("POST", f"/containers/{container}/exec", body)["Id"]
        self.connection = Connection(host.path)
        self.connection.socket.sendall(
            request(
                "POST",
                f"{API}/exec/{job}/start",
                json.dumps({"Detach": False, "Tty": False}).encode(),
            )
        )
        self.start()

    def run(self) -> None:
        stream = self.connection.stream
        while stream.readline().strip():
            pass
        while len(head := stream.read(8)) == 8:
            said = stream.read(struct.unpack(">I", head[4:])[0]).decode().split()
            self.seen += [(time.perf_counter(), word) for word in said]

    def outages(self, since: int) -> list[float]:
        """Seconds from each `down` to the `up` after it, of what was said after the first `since`
        words.
        """
        said = self.seen[since:]
        return [back - gone for (gone, word), (back, _) in pairwise(said) if word == "down"]


def outages(probes: Sequence[Probe], work: Callable[[], object]) -> list[float]:
    """How long each container was off the network during `work`, which takes each off it once. The
    probes go on.
    """
    since = [len(probe.seen) for probe in probes]
    work()
    wait(
        lambda: all(probe.outages(start) for probe, start in zip(probes, since, strict=True)),
        "every container is back on the network",
    )
    found = [probe.outages(start) for probe, start in zip(probes, since, strict=True)]
    if any(len(times) != 1 for times in found):
        raise CallError(f"not one outage for each container: {found}")
    return [times[0] for times in found]


def wait(until: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 10
    while not until():
        if time.monotonic() > deadline:
            raise CallError(f"not within 10 s: {what}")
        time.sleep(0.01)


def lives(host: Host) -> list[tuple[str, str, int]]:
    """What a restart or a new container would change."""
    found = [host.inspect(name) for name in NAMES]
    return [(one["Id"], one["State"]["StartedAt"], one["RestartCount"]) for one in found]


# --- the three ways -------------------------------------------------------------------------------


class Replacement:
    """Makes the next revision of the network, by netplan or by bare calls."""

    def __init__(self, folder: Path) -> None:
        self.file, self.calls, self.revision = folder / "replace.yaml", folder / "calls.json", 0

    def prepare(self) -> None:
        """The file of the next revision, and the calls that netplan would make of it."""
        self.revision += 1
        self.file.write_text(topology(self.revision))
        self.calls.write_text(json.dumps(calls(self.file)))

    def netplan(self) -> None:
        run(
            [*NETPLAN, "apply", "--yes", "--quiet", "--parallel", str(PARALLEL), str(self.file)],
            env=environment(),
        )

    def bare(self) -> None:
        run(
            [sys.executable, str(HERE / "bare.py"), str(self.calls), "--threads", str(PARALLEL)],
            env=environment(),
        )


def compose_outages(host: Host, compose: Sequence[str], image: str) -> tuple[list[float], int]:
    """Seconds each container is off the network when Compose changes its label, and how many were
    restarted or made anew.
    """

    def up(revision: int) -> None:
        network = {
            "name": NETWORK,
            "labels": {"revision": str(revision)},
            "ipam": {"config": [{"subnet": SUBNET}]},
        }
        command = ["sh", "-c", "trap exit TERM; sleep 86400 & wait"]
        service = {"image": image, "command": command, "networks": ["net"], "pull_policy": "never"}
        project = {
            "services": {name: {**service, "container_name": name} for name in NAMES},
            "networks": {"net": network},
        }
        run([*compose, "-p", PROJECT, "-f", "-", "up", "-d", "--yes"], input=json.dumps(project))

    up(1)
    before, since = lives(host), host.call("GET", "/info")["SystemTime"]
    up(2)
    after = lives(host)
    return event_outages(host, since), sum(
        one != other for one, other in zip(before, after, strict=True)
    )


def event_outages(host: Host, since: str) -> list[float]:
    """From the engine's events: the time between the disconnects and the connects of the network,
    by the container's turn.
    """
    until = host.call("GET", "/info")["SystemTime"]
    status, text = host.connection.send(
        request("GET", f"{API}/events?since={_seconds(since)}&until={_seconds(until)}", b"")
    )
    events = [json.loads(line) for line in text.splitlines()] if status == 200 else []
    of_network = [
        event
        for event in events
        if event["Type"] == "network" and event["Actor"]["Attributes"].get("name") == NETWORK
    ]
    times: dict[str, list[int]] = {"disconnect": [], "connect": []}
    for event in of_network:
        times.get(event["Action"], []).append(event["timeNano"])
    return [
        (back - gone) / 1e9
        for gone, back in zip(times["disconnect"], times["connect"][-len(NAMES) :], strict=False)
    ]


def _seconds(text: str) -> str:
    """`2026-01-01T00:00:00.123456789Z` as the engine wants times in a query."""
    from datetime import datetime

    return f"{datetime.fromisoformat(text[:26].rstrip('Z') + '+00:00').timestamp():.6f}"


def works(compose: Sequence[str]) -> bool:
    """Whether there is such a Compose command."""
    return (
        shutil.which(compose[0]) is not None
        and subprocess.run([*compose, "version"], capture_output=True).returncode == 0
    )


def benchmark() -> int:
    parser = arguments(__doc__ or "", rounds=6)
    parser.add_argument(
        "--compose",
        default="docker compose",
        metavar="COMMAND",
        help="how Compose is called; reads its file from stdin",
    )
    options = parser.parse_args()
    report, compose = Report(), shlex.split(options.compose)
    with engine(options.image, "host-", "net-") as host, tempfile.TemporaryDirectory() as folder:
        host.start(NAMES, options.image)
        replacement = Replacement(Path(folder))
        replacement.prepare()
        replacement.netplan()
        before = lives(host)
        probes = [Probe(host, name) for name in NAMES]
        wait(
            lambda: all(probe.seen and probe.seen[-1][1] == "up" for probe in probes),
            "every container sees the network",
        )
        ours, theirs = measure(probes, replacement, options.rounds)
        report.ratio("outage of an endpoint, netplan apply", ours, "bare calls", theirs, BOUND)
        report.bound(
            "  restarts by netplan",
            sum(one != other for one, other in zip(before, lives(host), strict=True)),
            0,
        )
        host.remove_containers("host-")
        host.remove_networks("net-")
        if works(compose):
            outage, restarted = compose_outages(host, compose, options.image)
            print(
                f"docker compose up -d: {spread(outage)}, {restarted} of {len(NAMES)} containers"
                " restarted or made anew"
            )
        else:
            print(
                f"docker compose: skipped: `{options.compose} version` does not work here: name a"
                " Compose command with --compose"
            )
    return report.code


def measure(
    probes: Sequence[Probe], replacement: Replacement, rounds: int
) -> tuple[list[float], list[float]]:
    """The outages by netplan and by bare calls, four a round, in turn."""
    found: dict[str, list[Any]] = {"netplan": [], "bare": []}
    for turn in range(rounds):
        for name in ("netplan", "bare") if turn % 2 == 0 else ("bare", "netplan"):
            replacement.prepare()
            found[name] += outages(probes, getattr(replacement, name))
    return found["netplan"], found["bare"]


if __name__ == "__main__":
    main(benchmark)

"""`netplan links` of 100 containers with two attachments each, as root on the engine's machine,
against iproute2 in the same network namespaces: `ip -j address` and `ip -j route` in that of each
container, then `ip -j link` and `bridge -j link` in the engine's, one process after the other.

Both read everything anew; netplan also asks the engine which container is on which network.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from bare import CallError
from bench import NETPLAN, Report, alternated, arguments, engine, environment, main, median, run
from lab import lab

NETWORKS, CONTAINERS = 20, 100
SECONDS, RATIO = 1.0, 1.0
COMMANDS = (("ip", "-j", "address"), ("ip", "-j", "route"))
OUTSIDE = (("ip", "-j", "link"), ("bridge", "-j", "link"))


def read_all(pids: list[int], outside: int) -> None:
    """The yardstick."""
    jobs = [(pid, command) for pid in pids for command in COMMANDS]
    for pid, command in [*jobs, *((outside, command) for command in OUTSIDE)]:
        subprocess.run(
            ["nsenter", f"--net=/proc/{pid}/ns/net", *command],
            stdout=subprocess.DEVNULL,
            check=True,
        )


def benchmark() -> int:
    options = arguments(__doc__ or "", rounds=5).parse_args()
    if os.geteuid():
        raise CallError("only root may enter network namespaces: run it with sudo")
    report = Report()
    with engine(options.image, "net-", "host-") as host, tempfile.TemporaryDirectory() as folder:
        names = [f"host-{number:05}" for number in range(CONTAINERS)]
        host.start(names, options.image)
        body = {
            "Image": options.image,
            "Cmd": ["sleep", "86400"],
            "HostConfig": {"NetworkMode": "host"},
        }
        host.many([("POST", "/containers/create?name=host-outside", body)])
        host.many([("POST", "/containers/host-outside/start", None)])
        topology = Path(folder) / "lab.yaml"
        topology.write_text(lab(NETWORKS, 2 * CONTAINERS))
        run([*NETPLAN, "apply", "--quiet", str(topology)], env=environment())
        pids = [int(host.inspect(name)["State"]["Pid"]) for name in names]
        outside = int(host.inspect("host-outside")["State"]["Pid"])
        ours, theirs = alternated(
            options.rounds,
            lambda: run(
                [*NETPLAN, "links", str(topology), "--access", "kernel", "-o", "json"],
                env=environment(),
            ),
            lambda: read_all(pids, outside),
        )
        report.ratio(
            f"netplan links of {2 * CONTAINERS} endpoints",
            ours,
            "ip and bridge in each network namespace",
            theirs,
            RATIO,
        )
        report.bound("  seconds", median(ours), SECONDS, " s")
    return report.code


if __name__ == "__main__":
    main(benchmark)

"""How long netplan takes where there is nothing to do: whole processes, started again and again.

`netplan --version` against a bare Python; `netplan plan` on 20 networks and 40 containers against
`import docker`; and on 100 networks and 200 containers against `docker compose up -d`, both with
nothing to do. For the last one Compose makes the containers and attaches each to two of its own 100
networks; netplan then attaches the same containers to two each of 100 networks of its own. So each
of the two has a lab of one shape, both look at the same engine, and they can be run in turn.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path

from bench import NETPLAN, Host, Report, alternated, arguments, engine, environment, main, run
from lab import lab

VERSION_BOUND, SMALL_BOUND, LARGE_BOUND = 3.0, 2.6, 1.0
SMALL, LARGE = (20, 40), (100, 200)
PARTS = ("version", "small", "large")
PROJECT, COMPOSE_NETWORK, COMPOSE_RANGE = "netplan-bench", "bench-", "10.128.0.0/9"
NO_COMPOSE = "skipped: `{} version` does not work here: name a Compose command with --compose"


def compose_file(networks: int, containers: int, image: str) -> str:
    """A Compose project of the shape of the lab, with its containers' names."""
    subnets = IPv4Network(COMPOSE_RANGE).subnets(new_prefix=24)
    services = {}
    for number in range(containers):
        on = {
            f"{COMPOSE_NETWORK}{endpoint % networks:04}": {"aliases": [f"other-{endpoint:05}"]}
            for endpoint in (2 * number, 2 * number + 1)
        }
        name = f"host-{number:05}"
        command = ["sh", "-c", "trap exit TERM; sleep 86400 & wait"]
        services[name] = {
            "image": image,
            "container_name": name,
            "command": command,
            "networks": on,
            "pull_policy": "never",
        }
    names = (f"{COMPOSE_NETWORK}{number:04}" for number in range(networks))
    declared = {
        name: {"name": name, "ipam": {"config": [{"subnet": str(subnet)}]}}
        for name, subnet in zip(names, subnets, strict=False)
    }
    return json.dumps({"services": services, "networks": declared})


def version(report: Report, rounds: int) -> None:
    works = alternated(
        rounds,
        lambda: run([*NETPLAN, "--version"], env=environment()),
        lambda: run([sys.executable, "-c", "pass"]),
    )
    report.ratio("netplan --version", works[0], "python -c pass", works[1], VERSION_BOUND)


def plan_nothing(host: Host, topology: Path) -> Callable[[], str]:
    """Applies the topology; afterwards, what is to be timed."""
    run([*NETPLAN, "apply", "--quiet", str(topology)], env=environment())
    command = [*NETPLAN, "plan", "--exit-code", str(topology)]
    run(command, env=environment())
    return lambda: run(command, env=environment())


def small(host: Host, report: Report, topology: Path, rounds: int, image: str) -> None:
    networks, containers = SMALL
    topology.write_text(lab(networks, 2 * containers))
    host.start([f"host-{number:05}" for number in range(containers)], image)
    ours, theirs = alternated(
        rounds, plan_nothing(host, topology), lambda: run([sys.executable, "-c", "import docker"])
    )
    report.ratio(
        f"netplan plan, {networks} networks, {containers} containers",
        ours,
        'python -c "import docker"',
        theirs,
        SMALL_BOUND,
    )
    host.remove_containers("host-")
    host.remove_networks("net-")


def large(
    host: Host, report: Report, topology: Path, rounds: int, image: str, compose: list[str]
) -> None:
    networks, containers = LARGE
    topology.write_text(lab(networks, 2 * containers))
    project = compose_file(networks, containers, image)

    def up() -> str:
        return run([*compose, "-p", PROJECT, "-f", "-", "up", "-d"], input=project)

    up()
    ours, theirs = alternated(rounds, plan_nothing(host, topology), up)
    report.ratio(
        f"netplan plan, {networks} networks, {containers} containers",
        ours,
        "docker compose up -d",
        theirs,
        LARGE_BOUND,
    )


def works(compose: list[str]) -> bool:
    """Whether there is such a Compose command."""
    return (
        shutil.which(compose[0]) is not None
        and subprocess.run([*compose, "version"], capture_output=True).returncode == 0
    )


def benchmark() -> int:
    parser = arguments(__doc__ or "", rounds=9)
    parser.add_argument(
        "--compose",
        default="docker compose",
        metavar="COMMAND",
        help="how Compose is called; reads its file from stdin",
    )
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="a part of it; may be given several times"
    )
    options = parser.parse_args()
    parts, report = options.only or PARTS, Report()
    compose = shlex.split(options.compose)
    if "version" in parts:
        version(report, 2 * options.rounds)
    if "small" in parts or "large" in parts:
        with (
            engine(options.image, "host-", "net-", COMPOSE_NETWORK) as host,
            tempfile.TemporaryDirectory() as folder,
        ):
            topology = Path(folder) / "lab.yaml"
            if "small" in parts:
                small(host, report, topology, options.rounds, options.image)
            if "large" in parts and works(compose):
                large(host, report, topology, options.rounds, options.image, compose)
            elif "large" in parts:
                print(NO_COMPOSE.format(options.compose))
    return report.code


if __name__ == "__main__":
    main(benchmark)

"""A whole lab, up from nothing and down to nothing: 20 networks and 40 containers, two attachments
each, with aliases.

netplan, `docker compose` and the bare calls each bring the same lab up and take it down, in turn,
on an engine that has none of it. netplan and Compose are whole processes; the bare calls (bare.py,
a process too) are given the bodies of the very calls and their order constraints as netplan plans
them, and are made with the number of threads that suits them best. `--only-idle` measures instead
what a second `apply` takes on 100 networks and 200 containers against a second `docker compose up
-d`.
"""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from bench import (
    HERE,
    NETPLAN,
    Host,
    Report,
    Times,
    arguments,
    engine,
    environment,
    main,
    median,
    run,
    spread,
    timed,
)
from lab import lab
from nothing import NO_COMPOSE, works
from planned import API, calls, planned

NETWORKS, CONTAINERS = 20, 40
IDLE_NETWORKS, IDLE_CONTAINERS = 100, 200
COMPOSE_BOUND, BARE_BOUND = 1.0, 1.15
THREADS = (2, 4, 8)
SEARCHED = 2
PROJECT = "netplan-bench"


def compose_file(topology: str) -> str:
    """The same lab as a Compose project, with the same names on the engine."""
    whole = yaml.safe_load(topology)
    networks = {}
    for name, body in whole["networks"].items():
        pool = {key: body[key] for key in ("subnet", "gateway", "ip_range")}
        options = {key: str(value).lower() for key, value in body["driver_opts"].items()}
        networks[name] = {
            "name": name,
            "ipam": {"config": [pool]},
            "driver_opts": options,
            "labels": body["labels"],
        }
    services = {
        name: {"container_name": name, "pull_policy": "never", **body}
        for name, body in whole["containers"].items()
    }
    return json.dumps({"services": services, "networks": networks})


# --- the bare calls -------------------------------------------------------------------------------


# --- in turn --------------------------------------------------------------------------------------


@dataclass
class Contender:
    """Something that brings the lab up and takes it down. `prepare` comes before each of the two
    and is not timed.
    """

    name: str
    up: Callable[[], object]
    down: Callable[[], object]
    prepare: Callable[[bool], object] = lambda down: None
    ups: Times = field(default_factory=list)
    downs: Times = field(default_factory=list)

    def turn(self, host: Host) -> None:
        """Up and down once; what is left behind, or not made, ends the benchmark."""
        self.prepare(False)
        self.ups.append(timed(self.up))
        counted = len(host.networks("net-")), len(host.containers("host-"))
        assert counted == (NETWORKS, CONTAINERS), f"{self.name} made {counted}"
        self.prepare(True)
        self.downs.append(timed(self.down))
        left = [*host.networks("net-"), *host.containers("host-")]
        assert not left, f"{self.name} left {left}"


def netplan(file: Path) -> Contender:
    up, down = ([*NETPLAN, verb, "--quiet", "--yes", str(file)] for verb in ("apply", "destroy"))
    return Contender(
        "netplan", lambda: run(up, env=environment()), lambda: run(down, env=environment())
    )


def composed(command: list[str], project: str) -> Contender:
    whole = [*command, "-p", PROJECT, "-f", "-"]
    return Contender(
        "docker compose",
        lambda: run([*whole, "up", "-d"], input=project),
        lambda: run([*whole, "down", "-t", "0"], input=project),
    )


def bare(file: Path, threads: tuple[int, int]) -> Contender:
    """With a number of threads for the way up, and one for the way down."""
    listed = file.with_suffix(".calls.json")
    program = [sys.executable, str(HERE / "bare.py"), str(listed), "--api", API, "--threads"]

    def prepare(down: bool) -> None:
        listed.write_text(json.dumps(calls(planned(file, down=down))))

    up, down = threads
    name = f"bare.py with {up} threads" + (f" up, {down} down" if up != down else "")
    return Contender(
        name, lambda: run([*program, str(up)]), lambda: run([*program, str(down)]), prepare
    )


def best(host: Host, file: Path) -> tuple[int, int]:
    """The numbers of threads that suit the bare calls best, up and down."""
    found = {threads: bare(file, (threads, threads)) for threads in THREADS}
    for contender in [*found.values()] * SEARCHED:
        contender.turn(host)
    for contender in found.values():
        print(
            f"{contender.name}: up {spread(contender.ups)}, down {spread(contender.downs)}",
            flush=True,
        )
    return min(found, key=lambda n: median(found[n].ups)), min(
        found, key=lambda n: median(found[n].downs)
    )


def up_and_down(host: Host, report: Report, file: Path, options: Any, compose: list[str]) -> None:
    topology = lab(NETWORKS, 2 * CONTAINERS, image=options.image)
    file.write_text(topology)
    ours = netplan(file)
    others = [
        (bare(file, (options.threads,) * 2 if options.threads else best(host, file)), BARE_BOUND)
    ]
    if compose:
        others.insert(0, (composed(compose, compose_file(topology)), COMPOSE_BOUND))
    everybody = [ours, *(other for other, _ in others)]
    for turn in range(options.rounds):
        for contender in everybody if turn % 2 == 0 else reversed(everybody):
            contender.turn(host)
    for other, bound in others:
        report.ratio("netplan apply, from nothing", ours.ups, f"{other.name}, up", other.ups, bound)
        report.ratio("netplan destroy", ours.downs, f"{other.name}, down", other.downs, bound)


def idle(report: Report, file: Path, options: Any, compose: list[str]) -> None:
    """Both in turn make the lab, and then look at it again and again; the engine has one of the two
    labs at a time.
    """
    topology = lab(IDLE_NETWORKS, 2 * IDLE_CONTAINERS, image=options.image)
    file.write_text(topology)
    ours, theirs = netplan(file), composed(compose, compose_file(topology))
    for contender in (ours, theirs):
        contender.up()
        contender.up()
        contender.ups.extend(timed(contender.up) for _ in range(options.rounds))
        contender.down()
    what = f"netplan apply, nothing to do on {IDLE_NETWORKS} networks, {IDLE_CONTAINERS} containers"
    report.ratio(what, ours.ups, "docker compose up -d", theirs.ups, COMPOSE_BOUND)


def benchmark() -> int:
    parser = arguments(__doc__ or "", rounds=5)
    parser.add_argument(
        "--compose",
        default="docker compose",
        metavar="COMMAND",
        help="how Compose is called; reads its file from stdin",
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=0,
        metavar="N",
        help="of bare.py; 0: find the best of 2, 4 and 8",
    )
    parser.add_argument("--only-idle", action="store_true", help="only the part with nothing to do")
    parser.add_argument(
        "--only-up-down", action="store_true", help="only the part from nothing to nothing"
    )
    options = parser.parse_args()
    compose, report = shlex.split(options.compose), Report()
    if not works(compose):
        print(NO_COMPOSE.format(options.compose))
        compose = []
    with engine(options.image, "host-", "net-") as host, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lab.yaml"
        if not options.only_idle:
            up_and_down(host, report, file, options, compose)
        if compose and not options.only_up_down:
            idle(report, file, options, compose)
    return report.code


if __name__ == "__main__":
    main(benchmark)

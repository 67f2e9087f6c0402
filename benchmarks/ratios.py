"""How long whole commands take beside `docker compose` and beside bare calls: one line for each
bound.

    grace  20 networks, 40 containers that need the default grace period of 10 s to stop: destroy,
    reset fast   the same lab with a grace period of 0: apply from nothing, destroy idle   nothing
    to do on 20 networks and 40 containers, and on 100 and 200 large  30 networks, 300 containers
    beside bare calls: apply, nothing to do, one network replaced, reset, destroy

netplan and Compose are whole processes. `--settle 0` is given to netplan where containers are
started: by default it watches them for one second more, once, which Compose does not. The bare
calls (bare.py, a process too) are those that netplan plans, with its bodies and order constraints,
or, where nothing is to be done, those by which it looks. Both contestants have the engine in turn.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

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
    run,
    timed,
)
from lab import lab
from lab_up_down import PROJECT, compose_file
from nothing import NO_COMPOSE, works
from planned import API, calls, planned

PARTS = ("grace", "fast", "idle", "large")
SMALL, MIDDLE, LARGE = (20, 40), (100, 200), (30, 300)
SECOND_LOOKS = 5
"""Runs with nothing to do, in each turn."""
BARE_BOUND = 1.15

Works = Mapping[str, Callable[[], object]]
"""What one contestant does, in this order, by name."""


def netplan(file: Path, other: Path | None = None) -> Works:
    """`other` is the same lab with one network of another subnet."""

    def command(verb: str, path: Path = file) -> Callable[[], str]:
        settle = ["--settle", "0"] if verb != "destroy" else []
        return lambda: run(
            [*NETPLAN, verb, "--quiet", "--yes", *settle, str(path)], env=environment()
        )

    up = command("apply")
    return {
        "up": up,
        "idle": up,
        "replaced": command("apply", other or file),
        "reset": command("reset"),
        "down": command("destroy"),
    }


def composed(command: list[str], project: str, *down: str) -> Works:
    whole = [*command, "-p", PROJECT, "-f", "-"]

    def up() -> str:
        return run([*whole, "up", "-d"], input=project)

    def away() -> str:
        return run([*whole, "down", *down], input=project)

    return {"up": up, "idle": up, "reset": lambda: (away(), up()), "down": away}


def in_turn(
    rounds: int, host: Host, every: list[Works], steps: list[str], measured: list[str]
) -> list[dict[str, Times]]:
    """The times of what is measured of all `steps`, which begin and end with nothing on the
    engine.
    """
    times: list[dict[str, Times]] = [defaultdict(list) for _ in every]
    for turn in range(rounds):
        for index in range(len(every)) if turn % 2 == 0 else reversed(range(len(every))):
            for step in steps:
                work = every[index][step]
                if isinstance(work, Prepared):
                    work.prepare()
                taken = timed(work)
                if step in measured:
                    times[index][step].append(taken)
            left = [*host.networks("net-"), *host.containers("host-")]
            assert not left, f"left behind: {left}"
    return times


# --- beside Compose -------------------------------------------------------------------------------


class Beside:
    """One benchmark: the lab's file, and what reports."""

    def __init__(self, host: Host, report: Report, folder: Path, options: Any) -> None:
        self.host, self.report, self.folder, self.options = host, report, folder, options
        self.compose = shlex.split(options.compose)

    def lab(self, size: tuple[int, int], grace: str = "0s") -> Path:
        file = self.folder / "lab.yaml"
        file.write_text(lab(size[0], 2 * size[1], image=self.options.image, grace=grace))
        return file

    def both(self, file: Path, *down: str) -> list[Works]:
        return [netplan(file), composed(self.compose, compose_file(file.read_text()), *down)]

    def grace(self) -> None:
        file = self.lab(SMALL, grace="")
        ours, theirs = in_turn(
            self.options.rounds,
            self.host,
            self.both(file),
            ["up", "reset", "down"],
            ["reset", "down"],
        )
        what = "20 networks, 40 containers, default grace period"
        self.report.ratio(
            f"netplan destroy, {what}", ours["down"], "docker compose down", theirs["down"], 1.0
        )
        self.report.ratio(
            f"netplan reset --settle 0, {what}",
            ours["reset"],
            "docker compose down && up -d",
            theirs["reset"],
            1.0,
        )

    def fast(self) -> None:
        file = self.lab(SMALL)
        ours, theirs = in_turn(
            self.options.rounds,
            self.host,
            self.both(file, "-t", "0"),
            ["up", "down"],
            ["up", "down"],
        )
        what = "20 networks, 40 containers, grace period 0"
        self.report.ratio(
            f"netplan apply --settle 0, {what}",
            ours["up"],
            "docker compose up -d",
            theirs["up"],
            1.0,
        )
        self.report.ratio(
            f"netplan destroy, {what}",
            ours["down"],
            "docker compose down -t 0",
            theirs["down"],
            0.85,
        )

    def idle(self) -> None:
        for size, bound in ((SMALL, 1.3), (MIDDLE, 0.8)):
            file = self.lab(size)
            steps = ["up", "up", *["idle"] * SECOND_LOOKS, "down"]
            rounds = max(2, self.options.rounds // 2)
            ours, theirs = in_turn(rounds, self.host, self.both(file, "-t", "0"), steps, ["idle"])
            what = f"nothing to do on {size[0]} networks, {size[1]} containers"
            self.report.ratio(
                f"netplan apply, {what}",
                ours["idle"],
                "docker compose up -d",
                theirs["idle"],
                bound,
            )

    def large(self) -> None:
        file = self.lab(LARGE)
        other = self.folder / "other.yaml"
        other.write_text(file.read_text().replace("10.0.3.", "10.255.3."))
        steps = ["up", "idle", "replaced", "up", "reset", "down"]
        every = [netplan(file, other), bare(file, other, self.options.threads)]
        ours, theirs = in_turn(
            max(1, self.options.rounds // 2), self.host, every, steps, [*dict.fromkeys(steps)]
        )
        for key, what in LARGE_WORDS.items():
            name = f"netplan {what}, 30 networks, 300 containers"
            taken = (
                (ours[key][::2], theirs[key][::2]) if key == "up" else (ours[key], theirs[key])
            )  # the other half puts a network back
            self.report.ratio(
                name, taken[0], f"bare calls, {self.options.threads} threads", taken[1], BARE_BOUND
            )


LARGE_WORDS = {
    "up": "apply --settle 0",
    "idle": "apply with nothing to do",
    "replaced": "apply with one network replaced",
    "reset": "reset --settle 0",
    "down": "destroy",
}


# --- beside bare calls ----------------------------------------------------------------------------


def bare(file: Path, other: Path, threads: int) -> Works:
    """The same by bare calls; their list is made before each."""
    listed = file.with_suffix(".calls.json")
    program = [
        sys.executable,
        str(HERE / "bare.py"),
        str(listed),
        "--threads",
        str(threads),
        "--api",
        API,
    ]

    def work(path: Path, **policy: bool) -> Callable[[], object]:
        return Prepared(
            lambda: listed.write_text(json.dumps(calls(planned(path, **policy)))),
            lambda: run(program),
        )

    looks = Prepared(lambda: listed.write_text(json.dumps(reads(file))), lambda: run(program))
    return {
        "up": work(file),
        "idle": looks,
        "replaced": work(other),
        "reset": work(file, reset=True),
        "down": work(file, down=True),
    }


class Prepared:
    """Work with something to do before it that is not timed."""

    def __init__(self, prepare: Callable[[], object], work: Callable[[], object]) -> None:
        self.prepare, self.work = prepare, work

    def __call__(self) -> object:
        return self.work()


def reads(file: Path) -> list[dict[str, Any]]:
    """The calls by which netplan looks where nothing is to be done."""
    command = [*NETPLAN, "apply", "--quiet", "--verbose", str(file)]
    said = subprocess.run(
        command, env=environment(), capture_output=True, text=True, check=True
    ).stderr
    paths = re.findall(r"^GET +\d+ +[\d.]+ ms +(?:/v[\d.]+)?(\S+)$", said, re.M)
    assert len(paths) > LARGE[1], said
    return [
        {"id": number, "method": "GET", "path": path, "body": None, "after": []}
        for number, path in enumerate(paths, 1)
    ]


def benchmark() -> int:
    parser = arguments(__doc__ or "", rounds=3)
    parser.add_argument(
        "--compose",
        default="docker compose",
        metavar="COMMAND",
        help="how Compose is called; reads its file from stdin",
    )
    parser.add_argument("--threads", type=int, default=4, metavar="N", help="of the bare calls")
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="a part of it; may be given several times"
    )
    options = parser.parse_args()
    report = Report()
    with engine(options.image, "host-", "net-") as host, tempfile.TemporaryDirectory() as folder:
        beside = Beside(host, report, Path(folder), options)
        for part in options.only or PARTS:
            if part != "large" and not works(beside.compose):
                print(NO_COMPOSE.format(options.compose))
            else:
                getattr(beside, part)()
    return report.code


if __name__ == "__main__":
    main(benchmark)

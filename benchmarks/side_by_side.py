"""Ten topologies that share nothing, applied at once, each with a container that is healthy after
three seconds.

The yardstick is one of them alone, and what the engine itself needs for all: one topology of the
same networks and containers that waits for no health. `--rounds` are of both; then `--conflicts`
rounds without the waits, in which no run may fail or wait for another.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import (
    NETPLAN,
    CallError,
    Report,
    arguments,
    engine,
    environment,
    main,
    median,
    run,
    spread,
    timed,
)

TOPOLOGIES, HEALTHY_AFTER = 10, 3
BOUND = 1.5


def parts(number: int, image: str, wait: bool) -> dict[str, Any]:
    """One network and two containers; with `wait` the second starts once the first is healthy."""
    network, first, second = f"net-{number}", f"host-{number}-a", f"host-{number}-b"
    box: dict[str, Any] = {"image": image, "networks": [network], "stop_grace_period": "0s"}
    born = f"sleep {HEALTHY_AFTER}; touch /ready; exec sleep 86400"
    health = {"test": "test -e /ready", "interval": "1s", "retries": 1000}
    return {
        "networks": {network: {"subnet": f"10.213.{number}.0/24"}},
        "containers": {
            first: {
                **box,
                "command": ["sh", "-c", born],
                **({"healthcheck": health} if wait else {}),
            },
            second: {
                **box,
                "command": "sleep 86400",
                "depends_on": {first: {"condition": "service_healthy"}} if wait else [first],
            },
        },
    }


def write(file: Path, name: str, *labs: dict[str, Any]) -> Path:
    """A topology of all these parts."""
    whole: dict[str, Any] = {"name": name}
    for key in ("networks", "containers"):
        whole[key] = {name: body for lab in labs for name, body in lab[key].items()}
    file.write_text(json.dumps(whole))
    return file


def apply(files: Sequence[Path]) -> None:
    """A process for each file, all at once. Raises CallError where one fails, or waits for
    another.
    """
    command = [*NETPLAN, "apply", "--quiet", "--yes", "--settle", "0", "--lock-timeout", "0"]
    runs = [
        subprocess.Popen([*command, file], stderr=subprocess.PIPE, text=True, env=environment())
        for file in files
    ]
    said = [process.communicate()[1] for process in runs]
    if failed := [
        words for process, words in zip(runs, said, strict=True) if process.returncode or words
    ]:
        raise CallError(
            f"{len(failed)} of {len(files)} failed or had something to say: {failed[0]}"
        )


def destroy(*files: Path) -> None:
    """All of them, one after the other."""
    for file in files:
        run([*NETPLAN, "destroy", "--quiet", "--yes", str(file)], env=environment())


def benchmark() -> int:
    parser = arguments(__doc__ or "", rounds=5)
    parser.add_argument(
        "--conflicts",
        type=int,
        default=100,
        help="rounds without health waits, in which no run may wait",
    )
    options = parser.parse_args()
    report = Report()
    with engine(options.image, "host-", "net-") as host, tempfile.TemporaryDirectory() as name:
        folder, numbers = Path(name), range(TOPOLOGIES)
        waiting = [
            write(folder / f"wait{n}.yaml", f"lab-{n}", parts(n, options.image, wait=True))
            for n in numbers
        ]
        hasty = [
            write(folder / f"fast{n}.yaml", f"lab-{n}", parts(n, options.image, wait=False))
            for n in numbers
        ]
        whole = write(
            folder / "whole.yaml",
            "lab-all",
            *(parts(n, options.image, wait=False) for n in numbers),
        )
        together, alone, work = [], [], []
        for _ in range(options.rounds):
            together.append(timed(lambda: apply(waiting)))
            destroy(*waiting)
            alone.append(timed(lambda: apply(waiting[:1])))
            destroy(waiting[0])
            work.append(timed(lambda: apply([whole])))
            destroy(whole)
        print(
            f"ten at once: {spread(together)}\n  one alone: {spread(alone)}\n  all that the engine"
            f" does: {spread(work)}"
        )
        ratio = median([t / (a + w) for t, a, w in zip(together, alone, work, strict=True)])
        report.bound("  ratio to one alone and the engine's work", ratio, BOUND)
        for _ in range(options.conflicts):
            apply(hasty)
            host.remove_containers("host-")
            host.remove_networks("net-")
        print(f"{options.conflicts} rounds of ten at once: none failed, none waited for another")
    return report.code


if __name__ == "__main__":
    main(benchmark)

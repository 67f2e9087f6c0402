"""Applying 50 new networks to 100 running containers, two attachments each, against the same calls
made bare.

netplan is the whole process: starting, reading the file, observing, planning, all calls, and
observing again for the proof. The yardstick (bare.py) is a process too, but observes nothing: it is
given the bodies of the very calls and their order constraints, both as netplan plans them, and
makes them with the number of threads that suits it best.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import (
    HERE,
    NETPLAN,
    Host,
    Report,
    alternated,
    arguments,
    engine,
    environment,
    main,
    median,
    run,
    spread,
)
from lab import lab

if TYPE_CHECKING:
    from reconciler.plan import Step

NETWORKS, CONTAINERS = 50, 100
BOUND = 1.15
THREADS = (1, 2, 4, 8)
SEARCHED = 2


def calls(file: Path) -> list[dict[str, Any]]:
    """What netplan would do now, as the engine's calls."""
    from reconciler.engine import open_reader
    from reconciler.observe import observe
    from reconciler.planner import plan
    from reconciler.topology import load

    reader = open_reader()
    steps = plan(load(str(file)).state, observe(reader)).steps
    reader.close()
    creates = {step.network: step.id for step in steps if step.op == "create"}
    return [_call(step, creates) for step in steps]


def _call(step: Step, creates: dict[str, int]) -> dict[str, Any]:
    from reconciler.codec import endpoint_body, network_body
    from reconciler.marks import Place
    from reconciler.model import EndpointMark, NetworkMark

    network = step.network_id or f"{{{creates.get(step.network)}}}"
    method, body = "POST", None
    match step.op, step.mark:
        case "create", NetworkMark() as mark:
            path, body = "/networks/create", network_body(step.network, step.settings, mark)
        case "remove", _:
            method, path = "DELETE", f"/networks/{network}"
        case "disconnect", _:
            path, body = (
                f"/networks/{network}/disconnect",
                {"Container": step.container_id, "Force": False},
            )
        case _, mark:
            assert isinstance(mark, EndpointMark | None)
            place = Place(step.container, step.network)
            path, body = (
                f"/networks/{network}/connect",
                endpoint_body(step.container_id, step.settings, mark, place),
            )
    return {
        "id": step.id,
        "method": method,
        "path": path,
        "body": body,
        "after": [*step.needs, *step.follows],
    }


def reset(host: Host) -> None:
    """Everything off the lab's networks, and the networks gone."""
    host.remove_networks("net-")
    left = host.networks("net-")
    assert not left, left


def fastest(host: Host, name: str, command: list[str], option: str) -> int:
    """The number of threads that suits a program best, the candidates run in alternation."""
    works = [lambda n=n: run([*command, option, str(n)], env=environment()) for n in THREADS]
    times = alternated(SEARCHED, *works, between=lambda: reset(host))
    for threads, taken in zip(THREADS, times, strict=True):
        print(f"{name} {option} {threads}: {spread(taken)}", flush=True)
    return min(zip(map(median, times), THREADS, strict=True))[1]


def benchmark() -> int:
    parser = arguments(__doc__ or "", rounds=5)
    parser.add_argument(
        "--threads",
        type=int,
        default=0,
        metavar="N",
        help="of bare.py; 0: find the best of 1, 2, 4 and 8",
    )
    parser.add_argument(
        "--parallel", type=int, default=0, metavar="N", help="of netplan apply; 0: its own default"
    )
    parser.add_argument(
        "--search-parallel", action="store_true", help="also measure netplan with 1, 2, 4 and 8"
    )
    options = parser.parse_args()
    with engine(options.image, "host-", "net-") as host, tempfile.TemporaryDirectory() as folder:
        topology, list_of_calls = Path(folder) / "lab.yaml", Path(folder) / "calls.json"
        topology.write_text(lab(NETWORKS, 2 * CONTAINERS))
        host.start([f"host-{number:05}" for number in range(CONTAINERS)], options.image)
        made = calls(topology)
        list_of_calls.write_text(json.dumps(made))
        print(
            f"{len(made)} calls: {NETWORKS} networks, {2 * CONTAINERS} endpoints of {CONTAINERS}"
            " running containers",
            flush=True,
        )
        program = [sys.executable, str(HERE / "bare.py"), str(list_of_calls)]
        netplan = [*NETPLAN, "apply", "--quiet", str(topology)]
        threads = options.threads or fastest(host, "bare.py", program, "--threads")
        if options.search_parallel:
            fastest(host, "netplan apply", netplan, "--parallel")
        if options.parallel:
            netplan += ["--parallel", str(options.parallel)]
        ours, theirs = alternated(
            options.rounds,
            lambda: run(netplan, env=environment()),
            lambda: run([*program, "--threads", str(threads)], env=environment()),
            between=lambda: reset(host),
        )
    report = Report()
    report.ratio(
        "netplan apply",
        ours,
        f"bare.py with {threads} thread{'s' if threads > 1 else ''}",
        theirs,
        BOUND,
    )
    return report.code


if __name__ == "__main__":
    main(benchmark)

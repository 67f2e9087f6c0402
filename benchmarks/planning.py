"""Planning 2,000 networks with 20,000 endpoints against a made-up observed state, in a process of
its own that also reads the file.

Three states: one in which 5% of the networks and 2% of the endpoints differ, an empty engine with
the containers alone (all new), and the first again with containers that the topology runs, and
makes anew (reset). All are planned for a tenth of the size too, to see how the time grows: that of
the whole, reading and planning, is held to the bound, that of planning alone is told beside it.
Seconds and memory are held to theirs without a reset, which has 50,000 steps. Nothing waits for
anything: it is measured in processor time.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import process_time
from typing import TYPE_CHECKING

from bench import Report, arguments, environment, main, run
from lab import lab

if TYPE_CHECKING:
    from reconciler.model import DesiredState, EngineInfo, ObservedState

LARGE, SMALL = (2000, 20000), (200, 2000)
SECONDS, MEGABYTES, GROWTH, RESET_GROWTH = 1.0, 500, 11, 15
"""Ten times the size: a search of all for each would show as 50 times and more."""
NETWORKS_DIFFER, ENDPOINTS_DIFFER = 20, 50
"""Every twentieth network and every fiftieth endpoint."""

STATES = {
    "applied": "5% of networks, 2% of endpoints differ",
    "untouched": "all new",
    "reset": "containers of its own, reset",
}
BOUNDED = ("applied", "untouched")


def applied(desired: DesiredState) -> ObservedState:
    """An engine on which the topology was applied, and then somebody changed a part of it."""
    from reconciler.marks import digests, made_mark
    from reconciler.model import (
        EndpointMark,
        NetworkMark,
        ObservedContainer,
        ObservedEndpoint,
        ObservedNetwork,
        ObservedState,
    )

    networks, ids = [], {}
    for number, (name, wanted) in enumerate(desired.networks.items()):
        id = ids[name] = f"{number:064x}"
        settings = {
            "driver": "bridge",
            "internal": False,
            "enable_ipv6": False,
            "ipam.driver": "default",
            **wanted.settings,
        }
        if number % NETWORKS_DIFFER == 0:
            settings["labels.team"] = "another"
        networks.append(
            ObservedNetwork(
                id, name, settings, NetworkMark(desired.topology, digests(wanted.settings))
            )
        )
    containers, count = [], 0
    for number, container in enumerate(desired.containers.values()):
        endpoints = []
        for endpoint in container.endpoints:
            settings = dict(endpoint.settings)
            if count % ENDPOINTS_DIFFER == 0:
                settings["aliases"] = ("another",)
            mark = EndpointMark(desired.topology, "made", endpoint.settings)
            dynamic = f"10.{count >> 16}.{count >> 8 & 255}.{count & 255}"
            live = f"{settings.get('ipv4_address', dynamic)}/24"
            endpoints.append(
                ObservedEndpoint(
                    endpoint.network,
                    ids[endpoint.network],
                    f"{count:064x}",
                    settings,
                    mark,
                    (live,),
                )
            )
            count += 1
        id = f"{number:064x}"
        containers.append(
            ObservedContainer(
                id, container.name, endpoints=tuple(endpoints), implied=frozenset({id[:12]})
            )
        )
        if container.managed:
            mark, mode = made_mark(desired.topology, container), container.mode
            containers[-1] = replace(
                containers[-1], settings=container.settings, mark=mark, network_mode=mode
            )
    return ObservedState(
        _engine(),
        tuple(sorted(networks, key=lambda n: n.name)),
        tuple(sorted(containers, key=lambda c: c.name)),
    )


def untouched(desired: DesiredState) -> ObservedState:
    """An engine with the containers and none of the networks."""
    from reconciler.model import ObservedContainer, ObservedState

    return ObservedState(
        _engine(),
        (),
        tuple(
            ObservedContainer(f"{n:064x}", name)
            for n, name in enumerate(sorted(desired.containers))
        ),
    )


def _engine() -> EngineInfo:
    from reconciler.model import EngineInfo

    return EngineInfo("ID", "engine", "28.5.2")


def measure(file: str, state: str) -> None:
    """In a process of its own: prints seconds of reading and planning, the size of the plan, and
    the peak in MB.
    """
    from reconciler.planner import Policy, plan
    from reconciler.topology import load

    began = process_time()
    desired = load(file).state
    read = process_time()
    observed = {"untouched": untouched}.get(state, applied)(desired)
    made = process_time()
    result = plan(desired, observed, policy=Policy(reset=state == "reset"))
    planned = process_time()
    assert not result.refusals, result.refusals[:3]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {"read": read - began, "plan": planned - made, "steps": len(result.steps), "peak": peak}
        )
    )


def benchmark() -> int:
    parser = arguments(__doc__ or "", rounds=3, engine=False)
    parser.add_argument(
        "--measure",
        nargs=2,
        metavar=("FILE", "STATE"),
        help="internal: one measurement in this process",
    )
    options = parser.parse_args()
    if options.measure:
        measure(*options.measure)
        return 0
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        files = {size: Path(folder) / f"{size[0]}.yaml" for size in (SMALL, LARGE)}
        for size, file in files.items():
            file.write_text(lab(*size))
            file.with_suffix(".run.yaml").write_text(lab(*size, image="busybox"))
        for state, what in STATES.items():
            found: dict[tuple[int, int], list[dict[str, float]]] = {SMALL: [], LARGE: []}
            for size in (SMALL, LARGE) * options.rounds:
                file = files[size].with_suffix(".run.yaml" if state == "reset" else ".yaml")
                command = [sys.executable, __file__, "--measure", str(file), state]
                found[size].append(json.loads(run(command, env=environment())))
            seconds = {size: median(one["plan"] for one in every) for size, every in found.items()}
            whole = {
                size: median(one["read"] + one["plan"] for one in every)
                for size, every in found.items()
            }
            steps = {size: int(every[0]["steps"]) for size, every in found.items()}
            for networks, endpoints in (SMALL, LARGE):
                size = (networks, endpoints)
                print(
                    f"{what}: {networks} networks, {endpoints} endpoints: {steps[size]} steps"
                    f" planned in {seconds[size]:.3f} s"
                )
                print(f"  reading and planning {whole[size]:.3f} s")
            report.bound(
                "  growth of reading and planning",
                whole[LARGE] / whole[SMALL],
                GROWTH if state in BOUNDED else RESET_GROWTH,
                " times",
            )
            print(f"  growth of planning alone {seconds[LARGE] / seconds[SMALL]:.2f} times")
            if state in BOUNDED:
                report.bound("  planning", seconds[LARGE], SECONDS, " s")
                report.bound(
                    "  peak of the process, reading included,",
                    max(one["peak"] for one in found[LARGE]),
                    MEGABYTES,
                    " MB",
                )
    return report.code


if __name__ == "__main__":
    main(benchmark)

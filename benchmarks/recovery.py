"""What follows a run that was interrupted, with 2,000 networks and 20,000 endpoints in its journal:
recovery, rollback and show.

Each pure function by itself, in a process of its own, against the same at a tenth of the size, so
that a search of all for each entry shows as 50 to 100 times. Nothing waits for anything: it is
measured in processor time.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import process_time

from bench import Report, arguments, environment, main, run
from lab import lab
from planning import LARGE, SMALL, applied

GROWTH = 30
"""Ten times the size, and what a processor's caches no longer hold; a search of all for each is 50
to 100 times.
"""


def works(file: str) -> dict[str, Callable[[], object]]:
    """What is measured, by name: all networks were to be replaced, and the run ended when they were
    gone.
    """
    from reconciler.executor.network_rollback import rollback
    from reconciler.model import Journal
    from reconciler.planner import lacking, plan
    from reconciler.planner.recover import pending, recover
    from reconciler.show import ls, show, show_json
    from reconciler.topology import load

    desired = load(file).state
    before = applied(desired)
    networks = {
        name: replace(n, settings={**n.settings, "internal": True})
        for name, n in desired.networks.items()
    }
    made = plan(replace(desired, networks=networks), before)
    note = Journal("journal", desired.topology, 1, before)
    bare = tuple(replace(container, endpoints=()) for container in before.containers)
    gone = replace(before, networks=(), containers=bare)
    anew = tuple(replace(network, id=f"{network.id[1:]}f") for network in before.networks)
    again = replace(before, networks=anew, containers=bare)
    moved = {network.id: new.id for network, new in zip(before.networks, anew, strict=True)}
    back = tuple(
        replace(c, endpoints=tuple(replace(e, network_id=moved[e.network_id]) for e in c.endpoints))
        for c in before.containers
    )
    whole, recovery = replace(before, networks=anew, containers=back), plan(desired, gone, [note])
    assert not lacking(note, whole)
    assert recovery.steps
    ends = {"create": "failed", "connect": "skipped"}
    statuses = {step.id: ends.get(step.op, "done") for step in made.steps}
    return {
        "recovery, networks gone": lambda: recover(desired, gone, [note]),
        "recovery, networks made anew": lambda: recover(desired, again, [note]),
        "whether the engine lacks anything": lambda: lacking(note, whole),
        "what a plan puts back": lambda: [*pending(recovery, [note])],
        "rollback": lambda: rollback(made, statuses, before),
        "show": lambda: show(before, desired.topology, desired, made),
        "show as JSON": lambda: show_json(before, (desired.topology, desired, made)),
        "ls": lambda: ls(before),
    }


def measure(file: str) -> None:
    """In a process of its own: prints the seconds of each."""
    from reconciler.gc_pause import no_cycle_search

    seconds = {}
    for what, work in works(file).items():
        with no_cycle_search():
            began = process_time()
            work()
            seconds[what] = process_time() - began
    print(json.dumps(seconds))


def benchmark() -> int:
    parser = arguments(__doc__ or "", rounds=3, engine=False)
    parser.add_argument(
        "--measure", metavar="FILE", help="internal: one measurement in this process"
    )
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return 0
    report = Report()
    found: dict[tuple[int, int], list[dict[str, float]]] = {SMALL: [], LARGE: []}
    with tempfile.TemporaryDirectory() as folder:
        for size in (SMALL, LARGE) * options.rounds:
            file = Path(folder) / f"{size[0]}.yaml"
            file.write_text(lab(*size))
            found[size].append(
                json.loads(
                    run([sys.executable, __file__, "--measure", str(file)], env=environment())
                )
            )
    for what in found[SMALL][0]:
        small, large = (median(one[what] for one in found[size]) for size in (SMALL, LARGE))
        print(f"{what}: {SMALL[1]} endpoints {small:.4f} s, {LARGE[1]} endpoints {large:.4f} s")
        report.bound("  growth", large / small, GROWTH, " times")
    return report.code


if __name__ == "__main__":
    main(benchmark)

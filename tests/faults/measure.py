"""The counts in docs/reliability.md, on the engine that DOCKER_HOST names.

    scripts/reliability [kills] [answers] [together] [saved] [files] [replies] [foreign] [--share N]
    [--only LAB]

Without names all are measured. Each line says what was tried and what came of it; the first failure
ends the measurement with its report.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.engine import open_reader
from reconciler.engine.locate import locate

from ..e2e.conftest import IMAGE, Docker
from .labs import ANSWERS, Lab, answered, killed
from .plans import PAIRS, Pair
from .proxy import Proxy

MOST_CALLS = 60
KINDS = {"lock": "netplan.lock.", "journal": "netplan.journal.", "container": " /containers/"}
"""Which call it is, by what it names; the others are of networks, endpoints and anonymous volumes.
"""


@contextmanager
def lab(pair: Pair, host: str) -> Iterator[Lab]:
    """A lab on that engine, gone afterwards."""
    reader = open_reader(host)
    docker = Docker(host, IMAGE, reader.info())
    reader.close()
    with tempfile.TemporaryDirectory() as folder:
        proxy = Proxy(Path(folder) / "engine.sock", host)
        made = None
        try:
            made = Lab(pair, docker, proxy, Path(folder))
            yield made
        finally:
            if made:
                made.close()
            else:
                docker.clean_up()
            proxy.close()


def kills(options: argparse.Namespace) -> str:
    """SIGKILL before and after every change of every plan; every second recovery is killed too,
    every fifth runs elsewhere.
    """
    found: Counter[str] = Counter()
    for pair in chosen(options):
        with lab(pair, options.host) as here:
            _killed_everywhere(here, pair, found, options.share)
        progress(f"kills: {pair.name}: {dict(found)}")
    return (
        f"{found['points']} points in {found['plans']} plans, {found['replacing']} of them in"
        f" replacements, {found['container']} at containers, {found['lock']} at locks,"
        f" {found['journal']} at journals, {found['recovery']} in recoveries, {found['takeover']}"
        f" of these at locks; {found['elsewhere']} recovered elsewhere: all"
        f" {found['points'] + found['recovery']} recovered"
    )


def _killed_everywhere(here: Lab, pair: Pair, found: Counter[str], share: int) -> None:
    """Each of the two plans in turn, one point after another, until neither has a further call."""
    todo = {
        side: [(nth, acts) for nth in range(1, MOST_CALLS) for acts in (False, True)][::share]
        for side in (0, 1)
    }
    found["plans"] += 2
    while any(todo.values()):
        side, number = 1 - here.at, found["points"]
        nth, acts = todo[side].pop(0) if todo[side] else (MOST_CALLS, False)
        elsewhere, second = number % 5 == 4, (number // 2) % 9 + 1 if number % 2 else 0
        hit = killed(here, nth, acts, second, elsewhere)
        if not hit:
            todo[side] = []
            continue
        found["points"] += 1
        found["replacing"] += pair.replaces
        found["elsewhere"] += elsewhere
        found["recovery"] += len(hit) - 1
        found["takeover"] += sum("netplan.lock." in call for call in hit[1:])
        found[next((kind for kind, part in KINDS.items() if part in hit[0]), "other")] += 1


def answers(options: argparse.Namespace) -> str:
    """Every change of every plan answered wrongly."""
    found: Counter[str] = Counter()
    for pair in chosen(options):
        with lab(pair, options.host) as here:
            for fault in ANSWERS.values():
                _answered_everywhere(here, fault, found, options.share)
        progress(f"answers: {pair.name}: {dict(found)}")
    return (
        f"{found['calls']} changes spoiled, each kind of {', '.join(ANSWERS)}: all converged, no"
        " duplicate, no exit with 70"
    )


def _answered_everywhere(here: Lab, fault: object, found: Counter[str], share: int) -> None:
    from .proxy import Fault

    assert isinstance(fault, Fault)
    todo = {side: list(range(1, MOST_CALLS))[::share] for side in (0, 1)}
    while any(todo.values()):
        side = 1 - here.at
        nth = todo[side].pop(0) if todo[side] else MOST_CALLS
        if answered(here, nth, fault):
            found["calls"] += 1
        else:
            todo[side] = []


def chosen(options: argparse.Namespace) -> list[Pair]:
    return [pair for pair in PAIRS if not options.only or pair.name in options.only]


def progress(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def main() -> int:
    from .foreign import foreign
    from .fuzz import files, replies
    from .leases import leases
    from .saving import saved
    from .together import together

    measures: dict[str, Callable[[argparse.Namespace], str]] = {
        "kills": kills,
        "answers": answers,
        "leases": leases,
        "together": together,
        "saved": saved,
        "files": files,
        "replies": replies,
        "foreign": foreign,
    }
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "what", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(measures)}"
    )
    parser.add_argument(
        "--share", type=int, default=1, metavar="N", help="only every Nth point, for a quick look"
    )
    parser.add_argument("--only", action="append", metavar="LAB", help="only these labs")
    parser.add_argument(
        "--rounds",
        type=int,
        default=0,
        metavar="N",
        help="how many rounds, mutations, files or replies (0: the full count)",
    )
    parser.add_argument(
        "--first", type=int, default=0, metavar="SEED", help="the seed of the first round"
    )
    options = parser.parse_args()
    unknown = set(options.what) - measures.keys()
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    options.host = os.environ.get("DOCKER_HOST") or locate().url
    for name in options.what or measures:
        began = time.monotonic()
        said = measures[name](options)
        memory = (
            max(
                resource.getrusage(who).ru_maxrss
                for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
            )
            // 1024
        )
        print(f"{name}: {said} ({time.monotonic() - began:.0f} s, {memory} MB at most)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

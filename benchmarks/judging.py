"""`netplan verify --static` of 1,000 containers on 100 networks: 2,000 expectations, and the same
topology without any, of which what it implies is judged.

The yardstick is reading and validating the same file, which has to be done anyway. Nothing waits
for anything: it is measured in processor time.
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

from bench import Report, arguments, main, median
from lab import lab

from reconciler.topology import load_text
from reconciler.verify import judge_file

NETWORKS, CONTAINERS, EXPECTATIONS = 100, 1000, 2000
SECONDS, RATIO = 2.0, 1.0


def topology(expectations: int) -> str:
    """Each container has two networks; half of the expectations hold, half do not."""
    text = lab(NETWORKS, 2 * CONTAINERS, image="busybox")
    if not expectations:
        return text
    lines = ["expect:"]
    for number in range(expectations):
        source = number % CONTAINERS
        target = (source + 1 + number % 7 * NETWORKS // 2) % CONTAINERS
        arrow = "->" if number % 2 else "-/>"
        lines.append(f"  - host-{source:05} {arrow} host-{target:05}")
    return "\n".join((text.rstrip("\n"), *lines, ""))


def timed(work: Callable[[], object]) -> float:
    """How much processor time `work` takes, in seconds."""
    began = process_time()
    work()
    return process_time() - began


def benchmark() -> int:
    options = arguments(__doc__ or "", rounds=5, engine=False).parse_args()
    report = Report()
    for what, text in (
        (f"{EXPECTATIONS} expectations", topology(EXPECTATIONS)),
        ("what is implied", topology(0)),
    ):
        state = load_text(text, "lab.yaml").state
        ours, theirs = [], []
        for _ in range(options.rounds):
            theirs.append(timed(lambda text=text: load_text(text, "lab.yaml")))  # type: ignore[misc]
            ours.append(timed(lambda state=state: judge_file(state)))  # type: ignore[misc]
        found = judge_file(state)
        verdicts = ", ".join(
            f"{found.count(verdict)} {verdict}" for verdict in ("holds", "broken", "undecided")
        )
        print(f"{CONTAINERS} containers, {what} ({verdicts})")
        report.ratio("  judging", ours, "reading and validating the file", theirs, RATIO)
        report.bound("  reading and judging", median(ours) + median(theirs), SECONDS, " s")
    return report.code


if __name__ == "__main__":
    main(benchmark)

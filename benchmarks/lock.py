"""What lock and journal cost an apply of 50 networks and 100 attachments: making them all, and
replacing them all.

The yardstick (unlocked.py) is the same command without the lock, the second look under it, and the
journal. A replacement takes everything away, so its journal is as large as it gets and the lock is
looked at 150 times.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from pathlib import Path

from bench import HERE, Report, alternated, arguments, engine, environment, main, run
from lab import lab

NETWORKS, ENDPOINTS = 50, 100
BOUND = 1.05


def benchmark() -> int:
    parser = arguments(__doc__ or "", rounds=5)
    parser.add_argument("--only", choices=("make", "replace"), help="measure one of the two")
    options = parser.parse_args()
    report = Report()
    with engine(options.image, "host-", "net-") as host, tempfile.TemporaryDirectory() as folder:
        one, other = Path(folder) / "one.yaml", Path(folder) / "other.yaml"
        one.write_text(lab(NETWORKS, ENDPOINTS))
        other.write_text(lab(NETWORKS, ENDPOINTS).replace("team-", "crew-"))
        host.start([f"host-{number:05}" for number in range(ENDPOINTS // 2)], options.image)

        def apply(file: Path) -> None:
            run(
                [sys.executable, "-m", "reconciler", "apply", "--quiet", "--yes", str(file)],
                env=environment(),
            )

        def unlocked(file: Path) -> None:
            run(
                [sys.executable, str(HERE / "unlocked.py"), "apply", "--quiet", "--yes", str(file)],
                env=environment(),
            )

        if options.only != "replace":
            works = alternated(
                options.rounds,
                lambda: apply(one),
                lambda: unlocked(one),
                between=lambda: host.remove_networks("net-"),
            )
            report.ratio("apply, all new", works[0], "unlocked.py", works[1], BOUND)
        if options.only != "make":
            apply(one)
            files = itertools.cycle((other, one))
            works = alternated(
                options.rounds, lambda: apply(next(files)), lambda: unlocked(next(files))
            )
            report.ratio("apply, all replaced", works[0], "unlocked.py", works[1], BOUND)
    return report.code


if __name__ == "__main__":
    main(benchmark)

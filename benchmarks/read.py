"""What reading and validating a big file costs, against the bare `yaml.load(text,
Loader=CSafeLoader)` of the same text.

Prints for YAML and for JSON: seconds of processor time, the ratio (at most 2.5), the growth from
200 networks and 2,000 endpoints to ten times that (at most elevenfold), and the peak memory of a
process that only reads. Each figure is the median of runs that alternate between the two.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

import yaml
from bench import Report, arguments, main
from lab import lab

from reconciler.topology import load, load_text

RATIO, GROWTH, MEGABYTES = 2.5, 11, 500
SIZES = {"small": (200, 2_000), "big": (2_000, 20_000)}


def seconds(call: Callable[[], object]) -> float:
    start = process_time()
    call()
    return process_time() - start


def measure(report: Report, texts: dict[str, str], ending: str, rounds: int) -> None:
    """The figures for one kind of file."""
    ours: dict[str, list[float]] = {size: [] for size in texts}
    bare: dict[str, list[float]] = {size: [] for size in texts}
    for _ in range(rounds):
        for size, text in texts.items():
            bare[size].append(seconds(lambda text=text: yaml.load(text, Loader=yaml.CSafeLoader)))
            ours[size].append(seconds(lambda text=text: load_text(text, f"lab{ending}")))
    for size, text in texts.items():
        a, b = median(ours[size]), median(bare[size])
        print(f"{size} {ending} of {len(text) / 1e6:.2f} MB: {a:.2f} s; CSafeLoader {b:.2f} s")
        report.bound("  ratio", a / b, RATIO)
    report.bound(
        f"{ending} growth for ten times the size:",
        median(ours["big"]) / median(ours["small"]),
        GROWTH,
        " times",
    )


def peak(text: str, ending: str) -> int:
    """Peak memory in MB of a process that reads the text from a file."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"lab{ending}"
        file.write_text(text)
        run = subprocess.run(
            [sys.executable, __file__, "--load", str(file)],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(run.stdout)


def load_only(file: str) -> None:
    load(file)
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    print(int(found[1]) // 1024 if found else 0)


def benchmark() -> int:
    parser = arguments(__doc__ or "", rounds=3, engine=False)
    parser.add_argument(
        "--load",
        metavar="FILE",
        help="internal: only read, and print the peak memory of this process in MB",
    )
    options = parser.parse_args()
    if options.load:
        load_only(options.load)
        return 0
    report = Report()
    load_text(lab(1, 1), "warm-up")
    for size, (networks, endpoints) in SIZES.items():
        print(f"{size}: {networks} networks, {endpoints} endpoints")
    texts = {size: lab(*counts) for size, counts in SIZES.items()}
    as_json = {
        size: json.dumps(yaml.load(text, Loader=yaml.CSafeLoader), indent=1)
        for size, text in texts.items()
    }
    for ending, kind in ((".yaml", texts), (".json", as_json)):
        measure(report, kind, ending, options.rounds)
        report.bound(f"{ending} peak memory:", peak(kind["big"], ending), MEGABYTES, " MB")
    return report.code


if __name__ == "__main__":
    main(benchmark)

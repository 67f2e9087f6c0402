"""How long the page of a large topology takes: to write it, and until a browser has painted it.

python benchmarks/drawn.py [CONTAINERS]     needs Chromium: apt-get install chromium
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
TIMES = 5


def lab(count: int) -> dict[str, Any]:
    """A topology of `count` containers: chains of networks with a router between each two, one
    container that is on every third, the others on one each.
    """
    names = [f"net-{number:02d}" for number in range(max(2, count // 10))]
    networks = {
        name: {"subnet": f"10.60.{number}.0/24", "gateway": f"10.60.{number}.1"}
        for number, name in enumerate(names)
    }
    containers: dict[str, Any] = {
        f"router-{number:02d}": {"image": "busybox", "networks": names[number : number + 2]}
        for number in range(len(names) - 1)
    }
    containers["monitor"] = {"image": "busybox", "networks": names[::3], "ports": ["9090:9090"]}
    number = 0
    while len(containers) < count:
        image = ("nginx:1.27", "busybox", "postgres:16", "redis:7")[number % 4]
        attachment = {"aliases": ["db", "api"]} if number % 7 == 0 else {}
        place = names[number % len(names)]
        one: dict[str, Any] = {"image": image, "networks": {place: attachment}}
        if number % 9 == 0:
            one["ports"] = [f"{18000 + number}:80"]
        containers[f"{image.partition(':')[0]}-{number:03d}"] = one
        number += 1
    return {"name": f"lab-{count}", "networks": networks, "containers": containers}


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from tests.browser import Page

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        folder = Path(made)
        file, page = folder / "lab.json", folder / "lab.html"
        file.write_text(json.dumps(lab(count)), encoding="utf-8")
        command = [sys.executable, "-m", "reconciler.cli", "graph", str(file), "--out", str(page)]
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True)
        written = time.perf_counter() - start
        paints = []
        with Page(folder / "profile") as browser:
            for _ in range(TIMES):
                browser.open(page)
                paints.append(browser.run(PAINTED))
        size = page.stat().st_size / 1000
        print(f"{count} containers: written in {written:.2f} s, {size:.0f} kB")
        shown = ", ".join(f"{paint:.0f}" for paint in paints)
        print(f"first paint after {shown} ms")


if __name__ == "__main__":
    main()

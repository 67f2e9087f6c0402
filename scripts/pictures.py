"""Draws the pictures of the documents: of every example, and of a plan.

With --check it changes nothing, and fails where they are stale.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reconciler.diagram.declared import declared
from reconciler.diagram.looked import planned
from reconciler.diagram.picture import Picture
from reconciler.diagram.svg import svg
from reconciler.planner import plan
from reconciler.simulate import applied
from reconciler.topology import load, load_text

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs/pictures"
BEFORE = """
name: shop
networks:
  front: {subnet: 10.1.0.0/24}
  back: {subnet: 10.2.0.0/24}
containers:
  web: {image: nginx, networks: [front, back], ports: ["8080:80"]}
  db: {image: postgres, networks: [back]}
  old: {image: busybox, networks: [front]}
"""
AFTER = """
name: shop
networks:
  front: {subnet: 10.1.0.0/24}
  back: {subnet: 10.9.0.0/24}
containers:
  web: {image: nginx, networks: [front, back], ports: ["8080:80"]}
  db: {image: postgres, networks: [back]}
  cache: {image: redis, networks: [back]}
"""


def main() -> int:
    """Writes the pictures, or says which are stale."""
    wanted = {FOLDER / f"{name}.svg": svg(picture) for name, picture in pictures().items()}
    there = {path: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.svg")}
    stale = sorted(
        path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path)
    )
    for path in stale:
        if "--check" in sys.argv[1:]:
            print(f"{path.relative_to(ROOT)} is stale: run scripts/generate", file=sys.stderr)
        elif path in wanted:
            path.write_text(wanted[path], encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
        else:
            path.unlink()
            print(f"removed {path.relative_to(ROOT)}")
    return 1 if stale and "--check" in sys.argv[1:] else 0


def pictures() -> dict[str, Picture]:
    """All of them, by the name of their file."""
    examples = sorted((ROOT / "topologies").glob("*.yaml"))
    found = {path.stem: declared(load(str(path)).state) for path in examples}
    before, after = (load_text(text, "shop.yaml").state for text in (BEFORE, AFTER))
    observed = applied(before)
    return {**found, "plan": planned(after, observed, plan(after, observed))}


if __name__ == "__main__":
    sys.exit(main())

"""The picture of a topology: values, places, and one text per format."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.drawn import lab
from reconciler.cli import main
from reconciler.diagram.declared import declared, port_text
from reconciler.diagram.layout import Layout, laid_out
from reconciler.diagram.looked import planned
from reconciler.diagram.order import components
from reconciler.diagram.picture import MARKS, MEANING, TONES, Picture
from reconciler.diagram.text import shortened, width, wrapped
from reconciler.diagram.writers import write
from reconciler.planner import plan
from reconciler.simulate import applied
from reconciler.topology import load, load_text
from tests.drawings import hostile

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "pictures"
EXAMPLES = sorted((ROOT / "topologies").glob("*.yaml"))
BEFORE = """
name: shop
networks:
  front: {subnet: 10.1.0.0/24}
  back: {subnet: 10.2.0.0/24, internal: true}
  old: {subnet: 10.3.0.0/24}
containers:
  web: {image: nginx, networks: [front, back], ports: ["8080:80"]}
  db: {image: postgres, networks: {back: {aliases: [sql]}}}
  gone: {image: busybox, networks: [old]}
  api: {networks: [front]}
"""
AFTER = """
name: shop
networks:
  front: {subnet: 10.1.0.0/24}
  back: {subnet: 10.9.0.0/24, internal: true}
  new: {subnet: 10.4.0.0/24}
containers:
  web: {image: "nginx:2", networks: [front, back], ports: ["8080:80"]}
  db: {image: postgres, networks: {back: {aliases: [sql]}}}
  cache: {image: redis, networks: [new], depends_on: [db]}
  side: {image: busybox, network_mode: "container:cache"}
  api: {networks: [front, new]}
"""


def between() -> Picture:
    before, after = (load_text(text, "shop.yaml").state for text in (BEFORE, AFTER))
    observed = applied(before)
    return planned(after, observed, plan(after, observed))


def of(path: Path) -> Picture:
    return declared(load(str(path)).state)


PICTURES = {
    "lesson": lambda: of(ROOT / "topologies/networking-lesson.yaml"),
    "tiers": lambda: of(ROOT / "topologies/three-tier-web.yaml"),
    "plan": between,
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("form", ["mermaid", "dot", "svg"])
def test_golden(name: str, form: str) -> None:
    """NETPLAN_UPDATE_GOLDENS=1 writes them anew: look at them then."""
    golden = GOLDEN / f"{name}.{form}"
    found = write(PICTURES[name](), form)
    if os.environ.get("NETPLAN_UPDATE_GOLDENS"):
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


def test_a_plan_shows_each_change() -> None:
    picture = between()
    boxes = {box.name: box for box in picture.boxes}
    segments = {segment.name: segment for segment in picture.segments}
    assert {name: box.sign for name, box in boxes.items()} == {
        "web": "replace",
        "db": "",
        "cache": "create",
        "side": "create",
        "api": "",
        "gone": "remove",
    }
    assert {name: segment.sign for name, segment in segments.items()} == {
        "front": "",
        "back": "replace",
        "new": "create",
        "old": "remove",
    }
    assert {link.segment: link.sign for link in boxes["api"].links} == {
        "front": "",
        "new": "connect",
    }
    assert boxes["db"].links[0].sign == "reconnect"
    assert boxes["side"].shares == "cache"
    assert "subnet 10.2.0.0/24, should be 10.9.0.0/24" in segments["back"].notes[0]


# --- places ---------------------------------------------------------------------------------------


def labs() -> Iterator[Picture]:
    yield from map(of, EXAMPLES)
    yield between()
    for count in (20, 60, 200):
        yield declared(load_text(json.dumps(lab(count)), "lab.json").state)


Edges = tuple[float, float, float, float]


def card_edges(layout: Layout) -> list[tuple[str, Edges]]:
    return [(c.card.box.name, (c.x, c.y, c.x + c.width, c.y + c.card.height)) for c in layout.cards]


def meet(one: Edges, other: Edges) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("picture", [*labs()], ids=lambda picture: picture.title)
def test_nothing_lies_on_anything(picture: Picture) -> None:
    layout = laid_out(picture)
    cards = card_edges(layout)
    texts = [
        (bar.left, bar.y - 6, bar.x - 10, bar.y - 6 + 16 * len(bar.lines)) for bar in layout.bars
    ]
    bars = [(bar.x, bar.y, bar.end, bar.y + 7) for bar in layout.bars]
    everything = [edges for _, edges in cards] + texts + bars
    for one, other in combinations(everything, 2):
        assert not meet(one, other), (one, other)
    for wire in layout.wires:
        for (x, y), (to_x, to_y) in pairwise(wire.points):
            line = (min(x, to_x) - 0.5, min(y, to_y), max(x, to_x) + 0.5, max(y, to_y))
            others = [edges for name, edges in cards if name != wire.box]
            assert not any(meet(line, edges) for edges in (*others, *texts)), wire
    legend = [(one.x, one.y - 10, one.x + width(one.text, 10.5), one.y) for one in layout.legend]
    assert not any(meet(one, other) for one in legend for other in everything)
    for _, _, right, bottom in everything + legend:
        assert right <= layout.width
        assert bottom <= layout.height
    shown = {name for name, _ in cards} | {box.name for box in picture.boxes if box.shares}
    assert shown == {box.name for box in picture.boxes}


def test_networks_that_containers_join_are_neighbours() -> None:
    assert components(4, [[0, 3], [3, 1]]) == [[0, 3, 1], [2]]
    assert components(3, [[0, 1], [1, 2]]) == [[0, 1, 2]]
    assert components(0, []) == []


def test_the_same_in_each_process() -> None:
    command = [sys.executable, "-m", "reconciler.cli", "graph", "-o", "html"]
    made = {
        subprocess.run(
            [*command, str(ROOT / "topologies/two-tier.yaml")],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(made) == 1


# --- texts ----------------------------------------------------------------------------------------


def test_svg_of_hostile_names_is_xml_with_those_names() -> None:
    text = write(hostile(), "svg")
    tree = ElementTree.fromstring(text)
    assert {element.tag.rpartition("}")[2] for element in tree.iter()} <= {
        *("svg", "style", "rect", "text", "g", "title", "circle", "polyline"),
    }
    labels = [element.get("aria-label", "") for element in tree.iter()]
    assert any("</script><script>alert(1)</script>" in label for label in labels)


def test_html_of_hostile_names_has_its_own_scripts_only() -> None:
    text = write(hostile(), "html")
    assert text.count("<script") == text.count("</script>") == 2
    data = text.partition('id="data">')[2].partition("</script>")[0]
    assert "alert(1)" in json.loads(data)["b0"]["name"]


def test_mermaid_of_hostile_names_ends_no_text() -> None:
    text = write(hostile(), "mermaid")
    for line in text.splitlines()[3:]:
        assert line.count('"') in (0, 2), line
        inside = line.partition('"')[2].rpartition('"')[0].replace("<br/>", "")
        assert not set(inside) & set('<>[]{}|"`\\'), line


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not installed")
@pytest.mark.parametrize("picture", [hostile, between], ids=["hostile", "plan"])
def test_graphviz_reads_it(picture: object) -> None:
    assert callable(picture)
    text = write(picture(), "dot")
    drawn = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=True)
    assert drawn.stderr == "" or "Warning" not in drawn.stderr
    shown = "".join(ElementTree.fromstring(drawn.stdout).itertext())
    assert ("alert(1)" if picture is hostile else "10.9.0.0/24") in shown


def test_every_sign_has_a_mark_a_colour_and_a_meaning() -> None:
    assert {*MARKS} == {*TONES} == {*MEANING}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("18080->80/tcp", "host:18080 → 80"),
        ("0.0.0.0:18080->80/tcp", "host:18080 → 80"),
        ("[::1]:53->53/udp", "[::1]:53 → 53/udp"),
        ("80/tcp", "any free port → 80"),
        ("strange", "strange"),
    ],
)
def test_ports(text: str, shown: str) -> None:
    assert port_text(text) == shown


def test_texts_fit() -> None:
    assert shortened("short", 10, 100) == "short"
    cut = shortened("a-very-long-name-of-a-container", 10, 80)
    assert cut.endswith("…")
    assert width(cut, 10) <= 80
    lines = wrapped("some words that take more than one line", 10, 90, 2)
    assert len(lines) == 2
    assert all(width(line, 10) <= 90 for line in lines)


# --- the command ----------------------------------------------------------------------------------

FILE = str(ROOT / "topologies/two-tier.yaml")


def test_the_name_of_the_file_says_the_format(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, begin in (("a.svg", b"<?xml"), ("a.html", b"<!DOCTYPE"), ("a.gv", b"graph")):
        assert main(["graph", FILE, "--out", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_bytes().startswith(begin)
    assert main(["graph", FILE]) == 0
    assert capfd.readouterr().out.startswith("---\ntitle:")
    assert main(["graph", FILE, "--out", str(tmp_path / "a.jpeg")]) == 4
    assert "does not say which format" in capfd.readouterr().err


def test_what_cannot_be_drawn_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", str(ROOT / "topologies")]) == 4
    assert "is a folder" in capfd.readouterr().err
    assert main(["graph", FILE, "--state", "empty"]) == 4
    assert "give one of them" in capfd.readouterr().err
    assert main(["graph", FILE, "--live", "--plan"]) == 4
    assert main(["graph", FILE, "--plan", "--state", "empty"]) == 0


def test_png_or_what_to_install(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "a.png"
    if shutil.which("rsvg-convert"):
        assert main(["graph", FILE, "--out", str(picture)]) == 0
        assert picture.read_bytes().startswith(b"\x89PNG")
        picture.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    assert main(["graph", FILE, "--out", str(picture)]) == 4
    said = capfd.readouterr().err
    assert "nothing on this machine can make a PNG" in said
    assert "librsvg2-bin" in said
    assert not picture.exists()

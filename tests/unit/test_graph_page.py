"""The page of `graph -o html` in a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.drawn import lab
from reconciler.diagram.declared import declared
from reconciler.diagram.writers import write
from reconciler.topology import load_text
from tests.browser import Page, installed
from tests.drawings import hostile

pytestmark = [
    pytest.mark.skipif(not installed(), reason="Chromium is not installed"),
    pytest.mark.xdist_group("browser"),
]
CHOSEN = "document.querySelector('.chosen title').textContent"
FOCUSED = "document.activeElement.querySelector?.('title')?.textContent"
SHOWN = "document.getElementById('details').hidden ? '' : document.getElementById('name').innerText"
VIEW = "document.querySelector('svg').getAttribute('viewBox').split(' ').map(Number)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with Page(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    picture = declared(load_text(json.dumps(lab(200)), "lab.json").state)
    file = tmp_path_factory.mktemp("page") / "lab.html"
    text = write(picture, "html")
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def page(browser: Page, large: Path) -> Iterator[Page]:
    """Freshly loaded; at the end nothing was asked for and nothing complained of."""
    browser.events.clear()
    browser.open(large)
    yield browser
    assert browser.requests == []
    assert browser.complaints == []


def test_search(page: Page) -> None:
    page.key("/", "/")
    assert page.run("document.activeElement.id") == "search"
    page.type("router-0")
    assert page.run("document.getElementById('found').textContent") == "10 of 220"
    assert page.run("document.querySelectorAll('.faded').length") == 210
    page.key("Enter")
    first = page.run(SHOWN)
    assert first.startswith("router-0")
    assert page.run(CHOSEN) == first
    page.key("Enter")
    assert page.run(SHOWN) != first
    page.key("Escape")
    assert page.run("document.querySelectorAll('.faded').length") == 0


def test_details_on_click_and_by_keys(page: Page) -> None:
    page.click(".card .body")
    name = page.run(CHOSEN)
    assert page.run(SHOWN) == name
    facts = page.run("document.getElementById('facts').innerText")
    assert "image" in facts
    assert "net-0" in facts
    page.key("ArrowRight")
    other = page.run(FOCUSED)
    assert other not in (None, name)
    page.key("Enter", "\r")
    assert page.run(SHOWN) == other
    page.key("Escape")
    assert page.run(SHOWN) == ""
    assert page.run(FOCUSED) == other


def test_the_keyboard_alone_reaches_everything(page: Page) -> None:
    for _ in range(10):
        page.key("Tab")
        if page.run(FOCUSED):
            break
    assert page.run("document.activeElement.getAttribute('role')") == "button"
    page.key("ArrowDown")
    assert page.run(FOCUSED)
    names = page.run("[...document.querySelectorAll('#stage [role=button]')].map(e => e.ariaLabel)")
    assert len(names) == 220
    assert all(names)
    assert any(name.startswith("container monitor; image busybox") for name in names)


def test_move_and_zoom(page: Page) -> None:
    page.key("0", "0")
    x, y, wide, _ = page.run(VIEW)
    page.mouse("mousePressed", 700, 600)
    page.mouse("mouseMoved", 650, 570, buttons=1)
    page.mouse("mouseReleased", 650, 570)
    moved = page.run(VIEW)
    assert moved[0] > x
    assert moved[1] > y
    assert moved[2] == pytest.approx(wide)
    page.mouse("mouseWheel", 700, 400, deltaX=0, deltaY=-400)
    assert page.run(VIEW)[2] < wide
    page.key("0", "0")
    assert page.run(VIEW) == pytest.approx([x, y, wide, _])


def test_light_and_dark(page: Page) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    before = page.run(colour)
    page.key("t", "t")
    after = page.run(colour)
    assert {before, after} == {"rgb(255, 255, 255)", "rgb(17, 22, 29)"}
    page.click("#theme")
    assert page.run(colour) == before


def test_hostile_names_run_nothing(browser: Page, tmp_path: Path) -> None:
    file = tmp_path / "hostile.html"
    text = write(hostile(), "html")
    file.write_text(text, encoding="utf-8")
    browser.events.clear()
    browser.open(file)
    browser.click(".card .body")
    assert "alert(1)" in browser.run(SHOWN)
    assert browser.complaints == []
    assert browser.requests == []

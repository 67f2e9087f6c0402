"""`plan --out` where nothing can be written: a sentence, and nothing left beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.cli import main
from reconciler.model import ObservedState
from reconciler.snapshot import snapshot_json

COMMAND = ("plan", "t.yaml", "--state", "state.json", "--out")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("t.yaml").write_text("name: t\nnetworks: {n: {}}\n", encoding="utf-8")
    Path("state.json").write_text(json.dumps(snapshot_json(ObservedState())), encoding="utf-8")
    Path("file").touch()
    Path("folder").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", ["x" * 300, "file/P.json", "none/P.json", "folder", "", "a\0b"])
def test_a_place_that_cannot_be_written_is_told(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(folder.rglob("*"))
    assert main([*COMMAND, name]) == 4
    assert "cannot be written: " in capsys.readouterr().err
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("name", ["P.json", "x" * 255])
def test_every_name_that_the_system_allows_is_written(name: str, folder: Path) -> None:
    before = sorted(folder.iterdir())
    assert main([*COMMAND, name]) == 0
    assert sorted(folder.iterdir()) == sorted([*before, folder / name])

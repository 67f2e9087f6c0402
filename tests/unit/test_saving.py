"""`plan --out` where nothing can be written: a sentence, and nothing left beside it."""

from __future__ import annotations

import json
import os
import subprocess
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


def test_a_link_is_followed(folder: Path) -> None:
    Path("link.json").symlink_to("file")
    assert main([*COMMAND, "link.json"]) == 0
    assert Path("link.json").is_symlink()
    assert json.loads(Path("file").read_text(encoding="ascii"))["kind"] == "netplan saved plan"


def test_a_pipe_stays_one(folder: Path) -> None:
    os.mkfifo("pipe")
    with subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE) as reader:
        assert main([*COMMAND, "pipe"]) == 0
        assert json.loads(reader.communicate(timeout=10)[0])["kind"] == "netplan saved plan"
    assert Path("pipe").is_fifo()


@pytest.mark.parametrize("name", ["t.yaml", "./t.yaml", "-"])
def test_what_is_no_place_for_a_plan_is_told(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, text = sorted(folder.iterdir()), Path("t.yaml").read_text(encoding="utf-8")
    assert main([*COMMAND, name]) == 4
    assert "--out" in capsys.readouterr().err
    assert (sorted(folder.iterdir()), Path("t.yaml").read_text(encoding="utf-8")) == (before, text)


def test_a_plan_whose_file_is_elsewhere_says_where_it_is_applied(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a file with values of an environment, which the plan does not hold."""
    Path("t.yaml").write_text("name: t\ncontainers: {box: {image: i, environment: {KEY: value}}}\n", encoding="utf-8")
    assert main([*COMMAND, "P.json"]) == 0
    Path("t.yaml").rename("elsewhere.yaml")
    assert main(["apply", "--plan", "P.json"]) == 4
    assert "run this in the folder in which the plan was made" in capsys.readouterr().err

"""`plan --out` where nothing can be written: a sentence, and nothing left beside it."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import main
from reconciler.model import ObservedState
from reconciler.planner import plan
from reconciler.saved import text_digest
from reconciler.snapshot import snapshot_json
from reconciler.topology import load_text

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
def test_a_place_that_cannot_be_written_is_told(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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
def test_what_is_no_place_for_a_plan_is_told(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, text = sorted(folder.iterdir()), Path("t.yaml").read_text(encoding="utf-8")
    assert main([*COMMAND, name]) == 4
    assert "--out" in capsys.readouterr().err
    assert (sorted(folder.iterdir()), Path("t.yaml").read_text(encoding="utf-8")) == (before, text)


def test_a_plan_whose_file_is_elsewhere_says_where_it_is_applied(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a file with values of an environment, which the plan does not hold."""
    Path("t.yaml").write_text(
        "name: t\ncontainers: {box: {image: i, environment: {KEY: value}}}\n", encoding="utf-8"
    )
    assert main([*COMMAND, "P.json"]) == 0
    Path("t.yaml").rename("elsewhere.yaml")
    assert main(["apply", "--plan", "P.json"]) == 4
    assert "run this in the folder in which the plan was made" in capsys.readouterr().err


# --- files that others may have laid traps for ---

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of other users")


def mode(name: str) -> int:
    return stat.S_IMODE(Path(name).stat().st_mode)


@pytest.mark.parametrize(
    ("before", "after"), [(None, 0o600), (0o644, 0o600), (0o600, 0o600), (0o400, 0o400)]
)
def test_only_its_owner_reads_it(folder: Path, before: int | None, after: int) -> None:
    if before is not None:
        Path("P.json").touch()
        Path("P.json").chmod(before)
    assert main([*COMMAND, "P.json"]) == 0
    assert mode("P.json") == after
    assert json.loads(Path("P.json").read_text(encoding="ascii"))["kind"] == "netplan saved plan"


@needs_root
@pytest.mark.parametrize("where", ["P.json", "sub/P.json"])
def test_a_link_of_another_user_is_not_followed(
    folder: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file itself, or a folder on the way to it."""
    Path("victim").write_text("precious", encoding="utf-8")
    link = Path(where.partition("/")[0])
    link.symlink_to("victim" if where == "P.json" else "folder")
    os.lchown(link, NOBODY, NOBODY)
    assert main([*COMMAND, where]) == 4
    assert f"belongs to another user (uid {NOBODY})" in capsys.readouterr().err
    assert Path("victim").read_text(encoding="utf-8") == "precious"
    assert not list(Path("folder").iterdir())
    os.lchown(link, 0, 0)
    assert main([*COMMAND, where]) == 0


@needs_root
def test_a_pipe_of_another_user_is_not_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo("pipe")
    os.chown("pipe", NOBODY, NOBODY)
    assert main([*COMMAND, "pipe"]) == 4
    assert "another user" in capsys.readouterr().err


def test_links_that_lead_in_a_circle_are_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a").symlink_to("b")
    Path("b").symlink_to("a")
    assert main([*COMMAND, "a"]) == 4
    assert "cannot be written: Too many levels of symbolic links" in capsys.readouterr().err


def test_a_link_to_nothing_yet_is_followed(folder: Path) -> None:
    Path("link").symlink_to("folder/../folder/new.json")
    assert main([*COMMAND, "link"]) == 0
    assert Path("folder/new.json").is_file()
    assert Path("link").is_symlink()


def test_a_device_is_written(folder: Path) -> None:
    assert main([*COMMAND, "/dev/null"]) == 0


def test_a_full_disk_is_the_machine_s_fault(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*COMMAND, "/dev/full"]) == 1
    assert (
        capsys.readouterr().err
        == "error: /dev/full cannot be written: No space left on device: free some space\n"
    )


# --- what is applied is what was approved ---


def forged(change: Callable[[dict[str, Any]], None]) -> None:
    """P.json with a change, under a digest that matches it again."""
    document = json.loads(Path("P.json").read_text(encoding="ascii"))
    change(document)
    document["digest"] = "0" * 64
    text = json.dumps(document, separators=(",", ":")) + "\n"
    Path("P.json").write_text(
        text.replace("0" * 64, hashlib.sha256(text.encode()).hexdigest(), 1), encoding="ascii"
    )


def privileged(document: dict[str, Any], *, whole: bool) -> None:
    """The topology's text is another; with `whole` so is the fingerprint, as it comes out of that
    text.
    """
    text = "name: t\nnetworks: {n: {internal: true}}\n"
    loaded = load_text(text, "t.yaml").state
    document["file"] |= {"text": text, "sha256": text_digest(text)}
    if whole:
        document["fingerprint"] = plan(loaded, ObservedState()).fingerprint


@pytest.mark.parametrize("whole", [False, True])
def test_a_saved_plan_that_shows_another_plan_is_refused(
    folder: Path, whole: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*COMMAND, "P.json"]) == 0
    Path("t.yaml").rename("elsewhere.yaml")
    forged(lambda document: privileged(document, whole=whole))
    assert main(["apply", "--plan", "P.json", "--yes"]) == 3
    assert "the saved plan P.json does not match its own content" in capsys.readouterr().err


def test_only_the_approved_plan_is_applied(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its fingerprint comes from where it was approved, not from the file: a file can be forged
    whole.
    """
    assert main([*COMMAND, "P.json"]) == 0
    approved = json.loads(Path("P.json").read_text(encoding="ascii"))["fingerprint"]
    assert f"plan {approved[:8]}" in capsys.readouterr().out
    nowhere = ["--host", "unix:///nowhere.sock"]
    for right in (approved, approved[:8], approved[:8].upper()):
        assert main(["apply", "--plan", "P.json", "--fingerprint", right, *nowhere]) == 1, (
            "it goes on to the engine"
        )
    assert main(["apply", "--plan", "P.json", "--fingerprint", "0123456789", *nowhere]) == 3
    assert (
        f"is not the one that was approved: its fingerprint is {approved}"
        in capsys.readouterr().err
    )
    for wrong in ("1234567", "x" * 8, "a" * 65):
        assert main(["apply", "--plan", "P.json", "--fingerprint", wrong]) == 4
    assert main(["apply", "t.yaml", "--fingerprint", approved]) == 4


def test_values_of_an_environment_come_from_the_file_only(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No fingerprint holds them: a saved plan that brings its own is none that netplan wrote,
    whatever was approved.
    """
    text = "name: t\ncontainers: {box: {image: i, environment: {KEY: value}}}\n"
    Path("t.yaml").write_text(text, encoding="utf-8")
    assert main([*COMMAND, "P.json"]) == 0
    approved = json.loads(Path("P.json").read_text(encoding="ascii"))["fingerprint"]
    Path("t.yaml").unlink()
    other = text.replace("value", "other")

    def brings_its_own(document: dict[str, Any]) -> None:
        document["file"] |= {"text": other, "sha256": text_digest(other)}
        del document["environment"]

    forged(brings_its_own)
    capsys.readouterr()
    assert main(["apply", "--plan", "P.json", "--fingerprint", approved]) == 3
    assert "it holds values of an environment, which netplan never saves" in capsys.readouterr().err


def test_a_changed_env_file_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("t.yaml").write_text(
        "name: t\ncontainers: {box: {image: i, env_file: e.env}}\n", encoding="utf-8"
    )
    Path("e.env").write_text("PW=one\nMODE=a\nGOES=1\n", encoding="utf-8")
    assert main([*COMMAND, "P.json"]) == 0
    assert (
        "one"
        not in Path("P.json")
        .read_text(encoding="ascii")
        .split('"observed"')[0]
        .split('"environment"')[1]
    )
    Path("e.env").write_text("PW=two\nMODE=a\nNEW=1\n", encoding="utf-8")
    assert main(["apply", "--plan", "P.json"]) == 3
    said = capsys.readouterr().err
    names = ("GOES", "NEW", "PW")
    expected = "".join(f"  container box: environment.{name} changes\n" for name in names)
    assert said.startswith(
        f"error: the plan has changed since it was saved: nothing was done\n{expected}  make a new"
        " plan"
    )

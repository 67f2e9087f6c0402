"""The command as other programs start it: closed and full streams, and arguments that mean nothing."""

from __future__ import annotations

import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import pytest

from reconciler.commands import shared

LAB = "name: lab\nnetworks: {net: {subnet: 10.1.0.0/24}}\n"


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "netplan.yaml").write_text(LAB)
    command = line.replace("netplan ", f"{sys.executable} -m reconciler ", 1)
    return subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("netplan --version >&-", 0),
        ("netplan validate >&-", 0),
        ("netplan validate nosuch.yaml 2>&-", 4),
        ("netplan validate - <&-", 4),
        ("netplan validate - <&- 2>&-", 4),
    ],
)
def test_a_closed_stream_is_no_bug(line: str, code: int, tmp_path: Path) -> None:
    ended = shell(line, tmp_path)
    assert (ended.returncode, "Traceback" in ended.stderr, "a bug" in ended.stderr) == (code, False, False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", ["--version", "validate", "validate -o json", "schema"])
def test_a_full_disk_is_said_in_one_line(arguments: str, tmp_path: Path) -> None:
    ended = shell(f"netplan {arguments} >/dev/full", tmp_path)
    assert (ended.returncode, ended.stderr) == (1, "error: the output cannot be written: No space left on device\n")


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    ended = shell("netplan schema | true", tmp_path)
    assert ended.stderr == ""


def test_an_empty_name_destroys_nothing(tmp_path: Path) -> None:
    """A script's unset variable must not mean the file of the current folder."""
    ended = shell("netplan destroy --name '' --yes", tmp_path)
    assert (ended.returncode, ended.stderr.splitlines()[0]) == (4, "error: --name is empty")


def test_a_network_to_be_adopted_must_be_declared(tmp_path: Path) -> None:
    """Found out before any engine is asked."""
    ended = shell("netplan plan --adopt frontned", tmp_path)
    assert ended.returncode == 4
    assert ended.stderr == "error: --adopt frontned: no network of that name is declared\n  declared are net\n"


def test_the_lines_of_verbose_are_written_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several threads write them: what is written in two pieces would mix."""
    pieces: list[str] = []
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(write=pieces.append))
    log = shared.call_log(Namespace(verbose=True))
    assert log
    log("GET", "/networks", 200, 0.0012)
    assert pieces == ["GET    200       1.2 ms  /networks\n"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_output_is_utf_8_where_it_is_no_terminal(encoding: str, tmp_path: Path) -> None:
    """On one that cannot show a character it is escaped."""
    (tmp_path / "topology.yaml").write_text('name: t\nnetworks: {n: {labels: {what: "é→🎉"}}}\n', encoding="utf-8")
    for form in ("text", "json", "markdown"):
        ended = shell(f"PYTHONIOENCODING={encoding} netplan plan topology.yaml --state empty -o {form}", tmp_path)
        assert ended.returncode == 0, ended.stderr
        assert "é→🎉" in ended.stdout
    ended = shell("PYTHONIOENCODING=ascii script -qec 'netplan plan topology.yaml --state empty' /dev/null", tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert r"\u2192" in ended.stdout

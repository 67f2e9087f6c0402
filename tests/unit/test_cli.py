"""The command as other programs start it: closed and full streams, and arguments that mean
nothing.
"""

from __future__ import annotations

import json
import signal as signals
import socket
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from types import SimpleNamespace

import pytest

from reconciler import cli
from reconciler.arguments import COMMANDS, mistakes, parser
from reconciler.commands import engines, output
from reconciler.commands.batch import summary
from reconciler.doctor import other_netplans
from reconciler.model import DesiredState, EngineInfo
from reconciler.plan import LeftOut, Plan
from tests.schemas import validator

LAB = "name: lab\nnetworks: {net: {subnet: 10.1.0.0/24}}\n"


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "netplan.yaml").write_text(LAB)
    command = line.replace("netplan ", f"{sys.executable} -m reconciler ", 1)
    return subprocess.run(
        command, shell=True, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("netplan --version >&-", 1),
        ("netplan validate >&-", 1),
        ("netplan validate -q >&-", 0),
        ("netplan >&-", 1),
        ("netplan validate nosuch.yaml 2>&-", 4),
        ("netplan validate - <&-", 4),
        ("netplan validate - <&- 2>&-", 4),
    ],
)
def test_a_closed_stream_is_no_bug(line: str, code: int, tmp_path: Path) -> None:
    ended = shell(line, tmp_path)
    assert (ended.returncode, "Traceback" in ended.stderr, "a bug" in ended.stderr) == (
        code,
        False,
        False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "arguments", ["--version", "validate", "validate -o json", "schema", "--help", "", "apply -h"]
)
def test_a_full_disk_is_said_in_one_line(arguments: str, tmp_path: Path) -> None:
    ended = shell(f"netplan {arguments} >/dev/full", tmp_path)
    assert (ended.returncode, ended.stderr) == (
        1,
        "error: the output cannot be written: No space left on device\n",
    )


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    ended = shell("netplan schema | true", tmp_path)
    assert ended.stderr == ""


def test_no_command_prints_the_help(tmp_path: Path) -> None:
    ended = shell("netplan ", tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("usage: netplan")


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("command", ["", "apply", "prune", "ls", "diff", "snapshot"])
def test_a_help_fills_the_terminal(
    command: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its paragraphs begin at the left and are broken where the line is full; what is aligned stays
    so.
    """
    monkeypatch.setenv("COLUMNS", str(width))
    assert cli.main([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= width
    before = (
        text.partition("\n\n")[2].partition("\npositional arguments:")[0].partition("\noptions:")[0]
    )
    assert not any(line.startswith(" ") for line in before.splitlines())
    for paragraph in before.strip().split("\n\n"):
        words = [line.split() for line in paragraph.splitlines()]
        firsts = [len(line[0]) for line in words[1:]]
        lengths = [len(" ".join(line)) for line in words]
        assert all(a + 1 + b > width - 2 for a, b in zip(lengths, firsts, strict=False)), paragraph
    if not command:
        assert "\n    1  failed\n" in text
        assert "\n   75  another netplan is at work: try again\n" in text


@pytest.mark.parametrize(
    ("arguments", "message", "hints"),
    [
        ("up", "there is no command 'up'", ["did you mean: netplan apply", "see netplan --help"]),
        (
            "version",
            "there is no command 'version'",
            ["did you mean: netplan --version", "see netplan --help"],
        ),
        (
            "aply",
            "there is no command 'aply'",
            ["did you mean: netplan apply", "see netplan --help"],
        ),
        ("xyzzy", "there is no command 'xyzzy'", ["see netplan --help"]),
        (
            "apply --yse",
            "netplan apply has no option --yse",
            ["did you mean: --yes", "see netplan apply --help"],
        ),
        ("show a b", "netplan show: one argument too many: b", ["see netplan show --help"]),
        (
            "-H x ls",
            "option -H is before the command",
            ["put options after it: netplan COMMAND [FILE] [OPTION]...", "see netplan --help"],
        ),
        (
            "ls --match=",
            "argument --match: an empty pattern matches no topology: write it like 'job-*'",
            ["see netplan ls --help"],
        ),
        (
            "prune --expired --origin=",
            "argument --origin: an empty pattern matches no topology: write it like 'job-*'",
            ["see netplan prune --help"],
        ),
        (
            "destroy --stop-timeout 1.5",
            "argument --stop-timeout: '1.5' is not a whole number between 0 and 86,400",
            ["see netplan destroy --help"],
        ),
        (
            "plan --timeout 0",
            "argument --timeout: '0' is not a number between 0.001 and 86,400",
            ["see netplan plan --help"],
        ),
    ],
)
def test_a_wrong_command_line_says_what_is_meant(
    arguments: str, message: str, hints: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments.split()) == 4
    assert capsys.readouterr().err.splitlines() == [
        f"error: {message}",
        *(f"  {hint}" for hint in hints),
    ]


def test_every_word_of_another_program_names_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    for word, meant in mistakes._ELSEWHERE.items():
        assert word not in COMMANDS
        assert meant in COMMANDS or meant.startswith("--")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_takes_the_same_whether_the_others_are_there_or_not(command: str) -> None:
    def options(of: ArgumentParser) -> list[list[str] | str]:
        [commands] = [action.choices for action in of._actions if action.dest == "command"]
        assert commands
        return [[*action.option_strings] or action.dest for action in commands[command]._actions]

    assert options(parser(only=command)) == options(parser())


def test_the_summary_of_a_folder_tells_what_was_done_in_part() -> None:
    states = [DesiredState(name) for name in ("a", "b", "c", "d", "e", "f")]
    options = Namespace(incomplete=set(), no_color=True)
    done = [
        output.exit_code(Plan(name, EngineInfo(), left_out=left), options)
        for name, left in (("a", ()), ("b", (LeftOut(("n", "")),)))
    ]
    codes = {"a": done[0], "b": done[1], "c": 75, "d": 3, "e": 1}
    assert (
        summary(states, codes, "e", options.incomplete)
        == "\n6 topologies: 1 done, 1 done in part (b), 1 refused (d), 1 busy (c), 1 failed (e), 1"
        " not reached (f)."
    )


BROKEN = [
    ("validate nosuch.yaml", 4),
    ("validate wrong.yaml", 4),
    ("plan wrong.yaml --state empty", 4),
    ("plan nosuch.yaml", 4),
    ("plan", 1),
    ("plan --bogus", 4),
    ("plan --timeout x", 4),
    ("apply", 1),
    ("apply --plan nosuch.json", 4),
    ("apply --plan nosuch.json --adopt x", 4),
    ("destroy --name x", 1),
    ("destroy --name x netplan.yaml", 4),
    ("reset --yes-wipe x", 4),
    ("diff netplan.yaml nosuch.yaml", 4),
    ("show", 1),
    ("ls", 1),
    ("ls --host ssh://me@there", 4),
]


@pytest.mark.parametrize(("arguments", "code"), BROKEN)
def test_a_failure_is_a_document(
    arguments: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also where the command line cannot be read as a whole."""
    (tmp_path / "netplan.yaml").write_text(LAB)
    (tmp_path / "wrong.yaml").write_text("name: LAB\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    for option in (["-o", "json"], ["--output=json"], ["-ojson"]):
        assert cli.main([*arguments.split(), *option]) == code
        printed = capsys.readouterr()
        value = json.loads(printed.out)
        name = "validate" if arguments.startswith("validate") else "error"
        validator(name).validate(value)
        if name == "error":
            assert value["error"]["exit_code"] == code
            assert bool(value["error"]["problems"]) == ("wrong" in arguments)
        assert printed.err


def test_a_bug_is_a_document_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(arguments: list[str]) -> int:
        raise ZeroDivisionError("one\ntwo")

    monkeypatch.setattr(cli, "_run", broken)
    assert cli.main(["ls", "-o", "json"]) == 70
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"]["exit_code"] == 70
    assert printed.err.startswith("error: a bug in netplan: ZeroDivisionError: one\\ntwo\n")


def test_validate_loses_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(LAB)
    (tmp_path / "wrong.yaml").write_text("name: LAB\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a.yaml").write_text("name: a\nnetworks: {n: {}}\n")
    (tmp_path / "folder/b.yaml").write_text("name: b\nnetworks: {n: {}}\n")
    (tmp_path / "empty").mkdir()
    assert (
        cli.main(
            ["validate", "nosuch.yaml", "good.yaml", "empty", "wrong.yaml", "folder", "good.yaml"]
        )
        == 4
    )
    printed = capsys.readouterr()
    assert [line.split(":")[0] for line in printed.out.splitlines()] == [
        "good.yaml",
        "folder/a.yaml",
    ]
    assert [line.split(":")[0] for line in printed.err.splitlines()] == [
        "empty",
        "folder/b.yaml",
        "nosuch.yaml",
        "wrong.yaml",
    ]


def test_show_takes_the_file_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is read before an engine is asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert cli.main(["show"]) == 1
    (tmp_path / "topology.yaml").write_text("name: LAB\n")
    assert cli.main(["show"]) == 4
    assert cli.main(["show", "--all"]) == 1
    assert cli.main(["show", "topology.yaml", "--all"]) == 4


def test_an_unreadable_entry_of_the_path_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "netplan").write_text("x")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert list(other_netplans(f"{loop}:{'x' * 5000}:{tmp_path / 'netplan'}:{tmp_path}")) == []


@pytest.mark.parametrize(("signal", "code"), [("INT", 130), ("TERM", 143), ("HUP", 129)])
def test_a_signal_is_told_by_the_exit_code(signal: str, code: int, tmp_path: Path) -> None:
    """While the engine, here one that accepts and says nothing, is waited for."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        (tmp_path / "netplan.yaml").write_text(LAB)
        command = [
            sys.executable,
            "-m",
            "reconciler",
            "destroy",
            "-o",
            "json",
            "--host",
            f"unix://{tmp_path / 's'}",
        ]
        with subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as running:
            connection, _ = listener.accept()
            connection.recv(1)
            running.send_signal(getattr(signals, f"SIG{signal}"))
            out, err = running.communicate(timeout=30)
            connection.close()
    assert (running.returncode, err) == (
        code,
        "error: interrupted\n  netplan plan shows what is left to do\n",
    )
    assert json.loads(out)["error"]["exit_code"] == code


def test_an_empty_name_destroys_nothing(tmp_path: Path) -> None:
    """A script's unset variable must not mean the file of the current folder."""
    ended = shell("netplan destroy --name '' --yes", tmp_path)
    assert (ended.returncode, ended.stderr.splitlines()[0]) == (4, "error: --name is empty")


def test_a_network_to_be_adopted_must_be_declared(tmp_path: Path) -> None:
    """Found out before any engine is asked."""
    ended = shell("netplan plan --adopt frontned", tmp_path)
    assert ended.returncode == 4
    assert (
        ended.stderr
        == "error: --adopt frontned: no network of that name is declared\n  declared: net\n"
    )


def test_the_lines_of_verbose_are_written_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several threads write them: what is written in two pieces would mix."""
    pieces: list[str] = []
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(write=pieces.append, flush=lambda: None))
    log = engines.call_log(Namespace(verbose=True))
    assert log
    log("GET", "/networks", 200, 0.0012)
    assert pieces == ["GET    200       1.2 ms  /networks\n"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_output_is_utf_8_where_it_is_no_terminal(encoding: str, tmp_path: Path) -> None:
    """On one that cannot show a character it is escaped."""
    (tmp_path / "topology.yaml").write_text(
        'name: t\nnetworks: {n: {labels: {what: "é→🎉"}}}\n', encoding="utf-8"
    )
    for form in ("text", "json", "markdown"):
        ended = shell(
            f"PYTHONIOENCODING={encoding} netplan plan topology.yaml --state empty -o {form}",
            tmp_path,
        )
        assert ended.returncode == 0, ended.stderr
        assert "é→🎉" in ended.stdout
    ended = shell(
        "PYTHONIOENCODING=ascii script -qec 'netplan plan topology.yaml --state empty' /dev/null",
        tmp_path,
    )
    assert ended.returncode == 0, ended.stderr
    assert r"\u2192" in ended.stdout

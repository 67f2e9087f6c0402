"""Bad files and bad command lines, as a user meets them: every problem with its position, nothing
sent to an engine.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from .cli import run

NO_ENGINE = "unix:///nonexistent/engine.sock"
"""Whoever asks it ends in exit 1: a file with errors must end in 4 before that."""


def bad(text: str | bytes, tmp_path: Path, command: str = "plan") -> list[str]:
    """The problems that are reported of a file, each `LINE:COLUMN: MESSAGE`."""
    file = tmp_path / "bad.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = run(command, str(file), host=NO_ENGINE, code=4)
    assert result.out == ""
    lines = result.err.splitlines()
    assert lines
    for line in lines:
        assert re.match(rf"{re.escape(str(file))}:\d+:\d+: \S", line), line
    return [line.removeprefix(f"{file}:") for line in lines]


@pytest.mark.parametrize("command", ["validate", "plan", "apply", "destroy", "show"])
def test_every_command_reports_every_problem_and_asks_no_engine(
    command: str, tmp_path: Path
) -> None:
    text = (
        "name: Bad Name\nnetworks:\n  a: {subnett: 10.0.0.0/24}\n  b: {subnet:"
        " 10.0.0.5/24}\ncontainers:\n  c: {networks: [zz]}\n"
    )
    problems = bad(text, tmp_path, command)
    assert [problem.partition(":")[0] for problem in problems] == ["1", "3", "4", "6"]
    assert "did you mean 'subnet'" in problems[1]
    assert "did you mean 10.0.0.0/24" in problems[2]


def test_twenty_problems_in_one_run(tmp_path: Path) -> None:
    lines = [f"  n{i}: {{subnet: 10.{i}.0.1/24}}" for i in range(20)]
    problems = bad("name: x\nnetworks:\n" + "\n".join(lines) + "\n", tmp_path)
    assert [problem.partition(":")[0] for problem in problems] == [
        str(line) for line in range(3, 23)
    ]


# what is in the file, and where and what is said of it
FILES: dict[str, tuple[str | bytes, str, str]] = {
    "empty": ("", "1:1", ""),
    "only-a-comment": ("# nothing\n", "1:1", ""),
    "a-list": ("- a\n- b\n", "1:1", ""),
    "a-word": ("hello\n", "1:1", ""),
    "tab": ("name: x\nnetworks:\n\ta: {}\n", "3:1", "tab"),
    "two-documents": ("name: x\n---\nname: y\n", "2:1", ""),
    "duplicate-key": ("name: x\nnetworks:\n  a: {}\n  a: {}\n", "4:3", "'a'"),
    "no-as-a-key": ("name: x\nnetworks:\n  no: {}\n", "3:3", "no"),
    "on-as-a-key": ("name: x\nnetworks:\n  on: {}\n", "3:3", "on"),
    "octal": ("name: x\nnetworks: {a: {mtu: 010}}\n", "2:", "010"),
    "mac-as-a-number": (
        (
            "name: x\nnetworks: {a: {}}\ncontainers: {c: {networks: {a: {mac_address:"
            " 12:34:56:00:00:10}}}}\n"
        ),
        "3:",
        "quot",
    ),
    "not-utf-8": (b"name: x\nnetworks: {\xff: {}}\n", "", ""),
    "nul": (b"name: x\x00\n", "", ""),
    "unclosed": ("name: x\nnetworks: {a: {\n", "", ""),
    "variable": ("name: x\nnetworks: {a: {subnet: '${NET}'}}\n", "2:", "${NET}"),
    "compose": ("services: {web: {image: x}}\n", "1:1", "services"),
    "nested": ("name: x\nnetworks: " + "{a: " * 3000 + "}" * 3000 + "\n", "2:", ""),
    "alias-bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{c}: &{c} [{','.join([f'*{p}'] * 9)}]\n"
            for p, c in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "",
        "",
    ),
    "colour-in-a-name": ('name: x\nnetworks: {"\\e[31mred": {}}\n', "2:", "red"),
    "pipe-in-a-name": ("name: x\nnetworks: {'a|b`<i>': {}}\n", "2:", "a|b`<i>"),
    "space-in-a-name": ("name: x\nnetworks: {'a b': {}}\n", "2:", "a b"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_bad_file(kind: str, tmp_path: Path) -> None:
    text, where, what = FILES[kind]
    began = time.monotonic()
    problems = bad(text, tmp_path)
    took = time.monotonic() - began
    assert any(problem.startswith(where) and what in problem for problem in problems), problems
    assert not any("\x1b" in problem or len(problem) > 400 for problem in problems)
    assert took < 10


@pytest.mark.parametrize(
    "text",
    [b"\xef\xbb\xbfname: x\r\nnetworks: {}\r\n", b'{"name": "x", "networks": {"a": null}}'],
    ids=["bom-crlf", "json"],
)
def test_what_is_no_problem(text: bytes, tmp_path: Path) -> None:
    file = tmp_path / "good.yaml"
    file.write_bytes(text)
    assert ": ok: " in run("validate", str(file)).out


def test_a_file_from_standard_input_is_named(tmp_path: Path) -> None:
    result = run("validate", "-", stdin="name: x\nnetwork: {}\n", code=4)
    assert re.match(r"<?\S+>?:2:1: ", result.err)


# --- the command line -----------------------------------------------------------------------------

# arguments, and what is said
WRONG: dict[str, tuple[list[str], str]] = {
    "unknown-command": (["aply"], "aply"),
    "unknown-option": (["plan", "--frobnicate"], "--frobnicate"),
    "missing-file": (["plan", "/nonexistent/x.yaml"], "/nonexistent/x.yaml"),
    "folder-without-topologies": (["plan", "."], ""),
    "no-file-and-none-here": (["plan"], "netplan"),
    "timeout-of-nothing": (["ls", "--timeout", "0"], "0"),
    "parallel-of-nothing": (["apply", "x.yaml", "--parallel", "0"], "0"),
    "output-of-nothing": (["plan", "x.yaml", "-o", "xml"], "xml"),
    "name-and-file": (["destroy", "x.yaml", "--name", "x"], "--name"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_command_line(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, said = WRONG[kind]
    result = run(*arguments, host=NO_ENGINE, code=4)
    assert result.err.startswith("error: ")
    assert said in result.err
    assert result.out == ""


@pytest.mark.parametrize(
    "name", ["x" * 300, "bad.yaml/x", "\x1b[31m.yaml"], ids=["too-long", "under-a-file", "colour"]
)
def test_a_path_that_cannot_be_a_file(name: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").touch()
    result = run("validate", f"{tmp_path}/{name}", code=4)
    assert result.err.startswith("error: ")
    assert "\x1b" not in result.err

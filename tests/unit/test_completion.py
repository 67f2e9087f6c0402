"""`netplan completion`, in the shells themselves."""

# ruff: noqa: E501

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from reconciler.arguments import parser
from reconciler.commands.completion import (
    ANY_FILES,
    JSON_FILES,
    SHELLS,
    TOPOLOGY_FILES,
    TOPOLOGY_NAMES,
    actions,
    script,
)

CASES = {
    "netplan ": {"apply", "plan", "ls", "completion"},
    "netplan de": {"destroy"},
    "netplan plan -o ": {"text", "json", "markdown"},
    "netplan ls -o ": {"text", "json"},
    "netplan graph -o ": {"mermaid", "dot", "svg", "png", "html"},
    "netplan graph --pl": {"--plan"},
    "netplan apply --max": {"--max-removals"},
    "netplan apply ": {"lab.yaml", "deep"},
    "netplan apply deep/": {"deep/inner.yaml"},
    "netplan apply --plan s": {"saved.json"},
    "netplan destroy --name ": {"lab", "shop"},
    "netplan unlock ": {"lab", "shop"},
    "netplan completion ": {*SHELLS},
    "netplan schema rep": {"report", "reports"},
    "docker-netplan de": {"destroy"},
}
EXACT = {
    "netplan de",
    "netplan ls -o ",
    "netplan destroy --name ",
    "netplan apply --plan s",
    "docker-netplan de",
}
"""Of these nothing else is completed."""


def needed(shell: str) -> str:
    found = shutil.which(shell)
    if not found:
        pytest.skip(f"{shell} is not installed: apt-get install {shell}")
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With two topologies, a saved plan, something else, and a folder."""
    (tmp_path / "lab.yaml").write_text(
        "# a lab\nname: lab  # its name\nnetworks: {}\n", encoding="utf-8"
    )
    (tmp_path / "shop.yml").write_text("name: shop\nnetworks: {}\n", encoding="utf-8")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/inner.yaml").write_text("name: inner\n", encoding="utf-8")
    (tmp_path / "saved.json").write_text("{}", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no topology", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(line: str, found: set[str]) -> None:
    """Folders may end in a slash."""
    bare = {word.rstrip("/") for word in found}
    assert bare >= CASES[line], f"{line!r}: {sorted(found)}"
    assert line not in EXACT or bare == CASES[line], f"{line!r}: {sorted(found)}"
    assert "notes.txt" not in bare


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def test_bash(folder: Path) -> None:
    file = folder / ".completion"
    file.write_text(script("bash"), encoding="utf-8")
    lines = [f"source {file}"]
    for line in CASES:
        words = line.split(" ")
        lines += [
            (
                f"COMP_WORDS=({' '.join(words)} {'' if words[-1] else repr('')});"
                f" COMP_CWORD={len(words) - 1}; COMPREPLY=()"
            ),
            f"_shtab_netplan {words[0]} {words[-1]!r} {words[-2]!r}",
            'echo "${COMPREPLY[@]}"',
        ]
    lines += [f"complete -p {name}" for name in ("netplan", "docker-netplan")]
    *answers, first, second = run(needed("bash"), "--norc", "-c", "\n".join(lines)).splitlines()
    assert first.replace(" netplan", "") == second.replace(" docker-netplan", "")
    for line, answer in zip(CASES, answers, strict=True):
        check(line, {*answer.split()})


def test_fish(folder: Path) -> None:
    file = folder / ".completion"
    file.write_text(script("fish"), encoding="utf-8")
    lines = [f"source {file}", *(f"echo '== '; complete -C '{line}'" for line in CASES)]
    answers = run(needed("fish"), "--no-config", "-c", "\n".join(lines)).split("== \n")[1:]
    for line, answer in zip(CASES, answers, strict=True):
        check(line, {row.partition("\t")[0] for row in answer.splitlines()})


ZSH = """
PS1='ready> '; zstyle ':completion:*' list-colors; zstyle ':completion:*' menu no; LISTMAX=0; unsetopt list_beep prompt_cr prompt_sp
fpath=({functions} $fpath); autoload -U compinit; compinit -D -u
listed() {{ compstate[list]=''; compstate[insert]=''; print -r -- "== ${{(j: :)${{(u)seen}}}}"; }}
compadd() {{
  local -a kept; (( ${{@[(I)-[ADO]*]}} )) || builtin compadd -A kept "$@"; seen+=("${{kept[@]}}"); builtin compadd "$@"
}}
whole() {{ seen=(); _main_complete; listed }}
zle -C whole list-choices whole; bindkey '^X' whole
"""


def test_zsh(folder: Path) -> None:
    """On a terminal: its completion works in its line editor only."""
    functions = folder / ".functions"
    functions.mkdir()
    (functions / "_netplan").write_text(script("zsh"), encoding="utf-8")
    (folder / ".start").write_text(ZSH.format(functions=functions), encoding="utf-8")
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "dumb", "COLUMNS": "1000"}
    with subprocess.Popen(
        [needed("zsh"), "-f", "-i"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    ) as shell:
        os.close(theirs)
        try:
            os.write(ours, b"source .start\n")
            until(ours, "ready> ")
            for line in CASES:
                os.write(ours, line.encode() + b"\x18")
                answer = until(ours, "== ") + until(ours, "\n")
                os.write(ours, b"\x15")
                found = answer.rpartition("== ")[2].split()
                inside = (
                    line.rpartition(" ")[2] if line.endswith("/") else ""
                )  # it lists names only
                check(line, {inside + word for word in found})
        finally:
            shell.kill()
            os.close(ours)


def until(terminal: int, end: str) -> str:
    output, deadline = "", time.monotonic() + 30
    while end not in output:
        assert select.select([terminal], [], [], deadline - time.monotonic())[0], output
        output += os.read(terminal, 1).decode(errors="replace")
    return output


@pytest.mark.parametrize("name", [*TOPOLOGY_FILES, *JSON_FILES, *ANY_FILES, *TOPOLOGY_NAMES])
def test_every_argument_that_is_completed_exists(name: str) -> None:
    assert name in {action.dest for action in actions(parser())}

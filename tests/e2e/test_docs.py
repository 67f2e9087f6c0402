"""The documents are true: their files are valid, their commands exist, and both parts of the
tour print what stands there.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from reconciler.arguments import parser
from reconciler.errors import NetplanError

from .cli import run

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCUMENTS = [
    README,
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    ROOT / "topologies/README.md",
    ROOT / "benchmarks/README.md",
    *sorted(ROOT.glob("docs/*.md")),
]
REVIEW = ROOT / "docs/pull-requests.md"
BIN = Path(sys.executable).parent
NO_ENGINE = "unix:///nowhere/docker.sock"
WIDE = {"COLUMNS": "1000"}
"""For `ls`, whose last column is the folder of the test, however long its name is."""


class Block(NamedTuple):
    """A fenced block of a document; `line` is that of its first line of text."""

    document: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def blocks(document: Path) -> Iterator[Block]:
    text = document.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        yield Block(document, text.count("\n", 0, match.start(2)) + 1, match[1], match[2])


def section(document: Path, heading: str) -> list[Block]:
    """The blocks below a heading of the second level."""
    before, _, rest = document.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    first = before.count("\n") + 1
    last = first + rest.partition("\n## ")[0].count("\n") + 1
    found = [block for block in blocks(document) if first < block.line <= last]
    assert found, heading
    return found


BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]


def topology(block: Block) -> bool:
    if block.language != "yaml":
        return False
    found = yaml.safe_load(block.text)
    return isinstance(found, dict) and {"name", "networks"} <= found.keys()


def commands() -> Iterator[tuple[str, str]]:
    """Every netplan command line in blocks and in running text, with its place."""
    for block in BLOCKS:
        prompt = r"^\$ (netplan .*)$" if block.language == "console" else r"^(netplan .*)$"
        for found in (
            re.findall(prompt, block.text, re.M) if block.language in ("sh", "console") else []
        ):
            yield str(block), found
    for document in DOCUMENTS:
        prose = re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
        for found in re.findall(r"`(netplan [a-z][^`]*)`", prose):
            yield str(document.relative_to(ROOT)), found


# --- without an engine ----------------------------------------------------------------------------


@pytest.mark.parametrize("block", [block for block in BLOCKS if topology(block)], ids=str)
def test_an_example_file_is_valid(block: Block) -> None:
    run("validate", "-", stdin=block.text)


@pytest.mark.parametrize(("place", "command"), sorted(set(commands())))
def test_a_command_line_is_understood(place: str, command: str) -> None:
    filled = command.replace("$APPROVED", "0" * 64)
    words = list(
        itertools.takewhile(
            lambda word: word not in ("<", ">", "|"), shlex.split(filled, comments=True)[1:]
        )
    )
    if {"--help", "--version"} & {*words}:
        return
    try:
        parser().parse_args([word for word in words if word != "..."])
    except NetplanError as error:
        pytest.fail(f"{place}: {command}: {error}")


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT))
)
def test_what_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = [
        link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link
    ]
    assert [link for link in links if not (document.parent / link).exists()] == []
    assert [
        script
        for script in re.findall(r"\bscripts/\w+", text)
        if not os.access(ROOT / script, os.X_OK)
    ] == []


def test_the_table_of_exit_codes() -> None:
    section = (
        (ROOT / "docs/commands.md")
        .read_text(encoding="utf-8")
        .partition("## Exit codes")[2]
        .partition("\n## ")[0]
    )
    table = {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.M)}
    assert {error.exit_code for error in errors()} <= table
    assert table >= {0, 1, 2, 3, 4, 70, 130}


def errors() -> list[type[NetplanError]]:
    found: list[type[NetplanError]] = [NetplanError]
    for error in found:
        found.extend(error.__subclasses__())
    return found


def test_the_architecture_names_every_module() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    modules = [
        file.name for file in (ROOT / "reconciler").glob("**/*.py") if not file.name.startswith("_")
    ]
    assert [name for name in modules if f"`{name}`" not in text] == []


def test_the_review_without_an_engine(tmp_path: Path) -> None:
    follow(repository(Walk(NO_ENGINE, tmp_path)), section(REVIEW, "Without an engine"))


# --- the tour -------------------------------------------------------------------------------------

_CHANGING = [
    (r"on engine \S+ \(unix\)", "on engine VERSION (unix)"),
    (r" +plan [0-9a-f]{8}\b", " plan FINGERPRINT"),
    (r"\b\d+\.\d+ s\b", "TIME"),
    (r"\.netplan-[0-9a-f]{12}\b", ".netplan-ID"),
    (r"\bnetwork [0-9a-f]{12} -> [0-9a-f]{12}\b", "network ID -> ID"),
    (r"(?m)(running|\d)  (age|\d\S*[dhms]) +(?=origin|\S+:/)", r"\1  "),
    (r"(?m)(running|\d)  (origin|\S+:/\S*)( in \S+)?$", r"\1  ORIGIN"),
    (r"Warnings\n  the MAC address.*\n\n", ""),  # Docker 20.10 keeps them, 29 sets them
    (r"(?m)  gateway [0-9a-f.:]+$", ""),  # 29 shows it where nobody chose it
]
"""What may differ from the printed output from run to run and from engine to engine."""


def comparable(text: str) -> str:
    for pattern, word in _CHANGING:
        text = re.sub(pattern, word, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


class Walk:
    """A folder in which the tour's commands run, against one engine."""

    def __init__(self, host: str, folder: Path) -> None:
        self.host, self.folder = host, folder
        self.environment = {
            **os.environ,
            "DOCKER_HOST": host,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "NO_COLOR": "1",
            "COLUMNS": "100",
        }
        self.started: list[str] = []

    def run(self, command: str) -> tuple[int, str]:
        if started := re.match(r"docker run -d --name (\S+) ", command):
            self.started.append(started[1])
        done: Any = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment | WIDE if command.startswith("netplan ls") else self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout

    def clean(self) -> None:
        self.environment["DOCKER_HOST"] = self.host
        for name in ("shop", "lab"):
            self.run(f"netplan destroy --name {name} --yes")
        self.run("docker network rm frontend")
        if self.started:
            self.run(f"docker rm -f {' '.join(self.started)}")


@pytest.fixture
def walk(host: str, busybox: None, tmp_path: Path) -> Iterator[Walk]:
    if not shutil.which("docker"):
        pytest.skip("the tour uses the docker command, and there is none")
    found = Walk(host, tmp_path)
    yield found
    found.clean()


def transcript(block: Block) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with the output printed below it."""
    for part in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


@pytest.mark.e2e
def test_the_tour(walk: Walk) -> None:
    """The plan at the top of the README is the one that the tour makes after its first change."""
    picture, *_ = blocks(README)
    tour = section(README, "A five-minute tour")
    change = next(i for i, block in enumerate(tour) if block.text.startswith("sed ")) + 1
    follow(walk, [*tour[:change], picture, *tour[change:]])


@pytest.mark.e2e
def test_the_second_part_of_the_tour(walk: Walk) -> None:
    if json.loads(walk.run("netplan ls -o json")[1])["topologies"]:
        pytest.skip("the engine has topologies already, and the tour lists them all")
    follow(walk, [*blocks(ROOT / "docs/tour.md")])


@pytest.mark.e2e
def test_the_loop_of_a_review(walk: Walk) -> None:
    """From the pull request to the merge: only the host and the merge reach the engine."""
    repository(walk)
    for heading, engine in (
        ("Without an engine", NO_ENGINE),
        ("The host publishes its snapshot", walk.host),
        ("The runner plans", NO_ENGINE),
        ("After the merge", walk.host),
    ):
        walk.environment["DOCKER_HOST"] = engine
        follow(walk, section(REVIEW, heading))


def repository(walk: Walk) -> Walk:
    """Its folder becomes a git repository, with a remote one to push to."""
    walk.environment |= {
        f"GIT_{who}_{what}": "t@example.invalid"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    walk.run("git init && git init --bare origin.git && git remote add origin origin.git")
    return walk


def follow(walk: Walk, steps: Sequence[Block]) -> None:
    """Writes each topology to a file of its name, runs the commands, and compares what they print
    with what is printed there.
    """
    for block in steps:
        if topology(block):
            name = yaml.safe_load(block.text)["name"]
            (walk.folder / f"{name}.yaml").write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            for command in block.text.splitlines():
                status, output = walk.run(command)
                assert status == 0, f"{block}: {command}\n{output}"
        elif block.language == "console":
            for command, expected in transcript(block):
                _, output = walk.run(command)
                assert comparable(output) == comparable(expected), f"{block}: {command}\n{output}"

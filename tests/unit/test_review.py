"""Reviewing without an engine: plans from snapshots, of folders, between revisions; and
annotations. The whole command is run.
"""

# ruff: noqa: E501

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reconciler.cli import main
from reconciler.errors import Problem
from reconciler.model import DesiredState
from reconciler.planner import conflicts
from reconciler.render.annotations import annotation
from reconciler.topology import load_text
from tests.schemas import validator

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir())


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def netplan(*arguments: str, folder: Path = ROOT, stdin: str = "") -> Ended:
    """The command, with an engine that is not there: whoever asks one fails."""
    streams = [
        io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")
        for text in (stdin.encode(), b"", b"")
    ]
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder):
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            patch.setattr(sys, name, stream)
        patch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
        code = main(arguments)
        for stream in streams[1:]:
            stream.flush()
    out, err = (stream.buffer.getvalue().decode() for stream in streams[1:])  # type: ignore[attr-defined]
    assert "Traceback" not in err
    assert code != 70, err
    return Ended(code, out, err)


def valid(name: str, text: str) -> Any:
    value = json.loads(text)
    validator(name).validate(value)
    return value


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


# --- from a snapshot, from nothing ----------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("form", "ending"), [("text", "txt"), ("json", "json"), ("markdown", "md")]
)
def test_a_plan_from_a_snapshot_is_that_of_the_engine(case: str, form: str, ending: str) -> None:
    """The goldens' snapshots were taken from real engines; tests/e2e/test_review.py compares with a
    living one.
    """
    folder = GOLDEN / case
    words = (folder / "topology.yaml").read_text(encoding="utf-8").splitlines()[1].split()[2:]
    if words[0] != "plan":
        return  # destroy asks an engine
    ended = netplan(*words, "--state", "observed.json", "-o", form, folder=folder)
    golden = (folder / f"plan.{ending}").read_text(encoding="utf-8")
    if form == "text":  # why it is refused, errors tell
        golden = re.sub(r"^Refused \(nothing is changed\)\n.*?\n\n", "", golden, flags=re.M | re.S)
    assert ended.out == golden
    made = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    refusals, incomplete = made["refusals"], "left_out" in made
    assert ended.code == (
        int(incomplete)
        if not refusals
        else 3
        if any(refusal["unsafe"] for refusal in refusals)
        else 1
    )


def test_a_snapshot_on_standard_input(tmp_path: Path) -> None:
    folder = GOLDEN / "create"
    ended = netplan(
        "plan",
        "topology.yaml",
        "--state",
        "-",
        folder=folder,
        stdin=(folder / "observed.json").read_text(encoding="utf-8"),
    )
    assert ended.out == (folder / "plan.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["-", "--state", "-"], "", "FILE and the snapshot are both standard input"),
        (
            ["topology.yaml", "--state", "nosuch.json"],
            "",
            "the snapshot nosuch.json cannot be read: No such file or directory",
        ),
        (["topology.yaml", "--state", "."], "", "the snapshot . cannot be read: Is a directory"),
        (
            ["topology.yaml", "--state", "topology.yaml"],
            "",
            "the snapshot topology.yaml is not JSON",
        ),
        (["topology.yaml", "--state", "plan.json"], "", "this is not a snapshot"),
        (["topology.yaml", "--state", "-"], "\0", "the snapshot - is not JSON"),
        (["topology.yaml", "--state", "-"], "[]", "this is not a snapshot"),
        (
            ["topology.yaml", "--state", "-"],
            '{"format_version": 99}',
            "this snapshot has format_version 99, netplan reads up to",
        ),
        (["topology.yaml", "--state", "-"], "[" * 100_000, "the snapshot - is not JSON"),
    ],
)
def test_what_is_no_snapshot_is_said(arguments: Sequence[str], stdin: str, message: str) -> None:
    ended = netplan("plan", *arguments, folder=GOLDEN / "create", stdin=stdin)
    assert ended.code == 4
    assert f"error: {message}" in ended.err.splitlines()[-2]


def test_a_saved_plan_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    ended = netplan("apply", "--plan", "nope.json", folder=tmp_path)
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.splitlines() == [
        "error: the saved plan nope.json cannot be read: No such file or directory",
        "  make a plan with: netplan plan FILE --out nope.json",
    ]


def test_from_nothing_what_the_file_does_not_make_is_assumed(tmp_path: Path) -> None:
    write(tmp_path, {"lab.yaml": EXTERNAL})
    ended = netplan("plan", "lab.yaml", "--state", "empty", "--exit-code", folder=tmp_path)
    assert ended.code == 2
    assert "on engine 29 (simulated)" in ended.out
    assert "these containers are assumed to exist and be running: api" in ended.out
    assert "these external networks are assumed to exist: corp" in ended.out
    assert "connect api to corp" in ended.out


EXTERNAL = """\
name: lab
networks:
  back: {subnet: 10.9.0.0/24}
  corp: {external: true}
containers:
  api: {networks: {back: {}, corp: {ipv4_address: 172.30.4.1}}}
"""


# --- folders --------------------------------------------------------------------------------------

FIRST = """\
name: one
networks:
  shared: {subnet: 10.1.0.0/24}
  mine: {subnet: 10.3.0.0/16}
containers:
  api: {networks: [shared]}
"""
SECOND = """\
name: two
networks:
  shared: {external: true}
  yours: {subnet: 10.3.4.0/24}
containers:
  api: {networks: [shared, yours]}
"""


def test_a_folder_is_one_summary_then_every_plan(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"a.yaml": FIRST, "b.yaml": "name: none\nnetworks: {}\n", "compose.yaml": "services: {}\n"},
    )
    ended = netplan("plan", ".", "--state", "empty", "--exit-code", folder=tmp_path)
    assert ended.code == 2
    lines = ended.out.splitlines()
    assert lines[0].split() == ["file", "topology", "verdict", "changes"]
    assert lines[1].split() == [
        "a.yaml",
        "one",
        "changes",
        "2",
        "to",
        "create,",
        "1",
        "to",
        "connect",
    ]
    assert lines[2].split() == ["b.yaml", "none", "as", "declared"]
    assert "2 topologies: 1 with changes, 1 as declared." in lines
    assert ended.out.count("netplan: topology") == 2


def test_a_folder_is_planned_in_the_order_in_which_it_is_applied(tmp_path: Path) -> None:
    write(tmp_path, {"1-uses.yaml": LENT, "2-makes.yaml": FIRST})
    lines = netplan("plan", ".", "--state", "empty", folder=tmp_path).out.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["2-makes.yaml", "1-uses.yaml"]
    assert [line.split('"')[1] for line in lines if line.startswith("netplan: topology")] == [
        "one",
        "two",
    ]


def test_a_long_name_moves_no_other_line(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": FIRST.replace("mine", "m" * 250), f"{'z' * 200}.yaml": OTHER})
    lines = netplan("plan", ".", "--state", "empty", folder=tmp_path).out.splitlines()
    assert lines[0].index("topology") == lines[1].index("one") == len("a.yaml  ")
    assert {
        "  + network shared  declared, does not exist                  a.yaml:3",
        "  3 connect api to shared  after 2",
    } <= {*lines}


OTHER = (
    "name: two\nnetworks: {other: {subnet: 10.8.0.0/24}}\ncontainers: {api: {networks: [other]}}\n"
)
LENT = "name: two\nnetworks: {shared: {external: true}}\ncontainers: {db: {networks: [shared]}}\n"
CONFLICTS = {
    "a network owned twice": (
        {"b.yaml": "name: two\nnetworks: {shared: {subnet: 10.8.0.0/24}}\n"}, ["network shared is also declared at a.yaml:3"],
    ),
    "overlapping subnets": (
        {"b.yaml": "name: two\nnetworks: {yours: {subnet: 10.3.4.0/24}}\n"},
        ["network yours: subnet 10.3.4.0/24 overlaps 10.3.0.0/16 of network mine at a.yaml:4"],
    ),
    "one container on one network": (
        {"b.yaml": SECOND.replace("10.3.4.0", "10.7.4.0")},
        ["api on shared is also declared at a.yaml:6: only one topology can own an attachment"],
    ),
    "one name": ({"b.yaml": "name: one\nnetworks: {other: {subnet: 10.8.0.0/24}}\n"}, ["topology 'one' is also declared in a.yaml"]),
    "none": ({"b.yaml": OTHER}, []),
    "an external network is nobody's": ({"b.yaml": LENT}, []),
}  # fmt: skip


@pytest.mark.parametrize("what", CONFLICTS)
def test_conflicts_between_topologies(what: str, tmp_path: Path) -> None:
    more, messages = CONFLICTS[what]
    write(tmp_path, {"a.yaml": FIRST, **more})
    ended = netplan("plan", ".", "--state", "empty", "-o", "json", folder=tmp_path)
    value = valid("plans", ended.out)
    assert ended.code == (3 if messages else 0)
    found = [conflict["message"] for conflict in value["conflicts"]]
    assert len(found) == len(messages)
    assert all(message in each for message, each in zip(messages, found, strict=True))
    assert all(conflict["way_out"] and conflict["source"] for conflict in value["conflicts"])
    assert [one["file"] for one in value["summary"]] == ["a.yaml", "b.yaml"]
    for form, word in (("text", "between them."), ("markdown", "> [!CAUTION]")):
        shown = netplan("plan", ".", "--state", "empty", "-o", form, folder=tmp_path)
        assert (shown.code, word in shown.out) == (ended.code, bool(messages))
        assert [shown.err.count(message) for message in messages] == [1] * len(messages)
    quiet = netplan("plan", ".", "--state", "empty", "-q", folder=tmp_path)
    assert (quiet.out, quiet.err.count("error:")) == ("", len(messages))
    checked = netplan("validate", ".", folder=tmp_path)
    assert (checked.code, len(checked.err.splitlines())) == (ended.code, len(messages))
    assert all(message in checked.err for message in messages)
    placed = valid("validate", netplan("validate", ".", "-o", "json", folder=tmp_path).out)[
        "problems"
    ]
    assert [message in one["message"] for message, one in zip(messages, placed, strict=True)] == [
        True
    ] * len(messages)
    annotated = netplan("validate", ".", "-o", "github", folder=tmp_path)
    assert (annotated.code, annotated.out.count("::error file=b.yaml")) == (
        ended.code,
        len(messages),
    )
    assert netplan("validate", "a.yaml", "b.yaml", folder=tmp_path).code == 0


def test_all_problems_of_all_files_of_a_folder_are_reported(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "name: A\n", "b.yaml": "name: b\nnetworks: 7\n", "c.yaml": FIRST})
    ended = netplan("plan", ".", "--state", "empty", folder=tmp_path)
    assert ended.code == 4
    assert {line.partition(":")[0] for line in ended.err.splitlines()} == {"a.yaml", "b.yaml"}


def test_the_examples_do_not_contradict_each_other() -> None:
    ended = netplan("plan", "topologies", "--state", "empty", "-o", "json")
    assert ended.code == 0
    assert valid("plans", ended.out)["conflicts"] == []


def test_a_wrong_file_beside_a_contradiction(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": FIRST, "b.yaml": FIRST, "c.yaml": "name: C\n"})
    ended = netplan("validate", ".", "-o", "json", folder=tmp_path)
    assert ended.code == 4
    assert {line.partition(":")[0] for line in ended.err.splitlines()} == {"b.yaml", "c.yaml"}
    value = valid("validate", ended.out)
    assert [(one["file"], one["line"], one["column"]) for one in value["problems"]][-1] == (
        "c.yaml",
        1,
        7,
    )
    assert [one["file"] for one in value["files"]] == ["a.yaml", "b.yaml"]


# --- from one revision to another -----------------------------------------------------------------


def test_diff_is_the_plan_from_one_file_to_the_other(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.yaml": FIRST,
            "b.yaml": FIRST.replace("10.1.0.0", "10.2.0.0").replace("[shared]", "[shared, mine]"),
        },
    )
    ended = netplan("diff", "a.yaml", "b.yaml", "--exit-code", folder=tmp_path)
    assert ended.code == 2
    assert "-/+ network shared  must be replaced" in ended.out
    assert "subnet  10.1.0.0/24 -> 10.2.0.0/24" in ended.out
    assert "interrupts: api" in ended.out
    assert "connect api to mine" in ended.out
    value = valid("plan", netplan("diff", "a.yaml", "b.yaml", "-o", "json", folder=tmp_path).out)
    assert value["summary"] == {
        "create": 0,
        "replace": 1,
        "remove": 0,
        "connect": 1,
        "reconnect": 0,
        "disconnect": 0,
    }
    assert (
        "netplan apply"
        not in netplan("diff", "a.yaml", "b.yaml", "-o", "markdown", folder=tmp_path).out
    )
    same = netplan("diff", "a.yaml", "a.yaml", "--exit-code", folder=tmp_path)
    assert (same.code, "Nothing to do" in same.out) == (0, True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    def git(*arguments: str) -> None:
        identity = [
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.invalid",
            "-c",
            "commit.gpgsign=false",
        ]
        subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True
        )

    git("init", "-b", "main")
    (tmp_path / "lab").mkdir()
    write(tmp_path / "lab", {"shop.yaml": FIRST})
    git("add", ".")
    git("commit", "-m", "first")
    write(tmp_path / "lab", {"shop.yaml": FIRST.replace("mine", "ours")})
    git("commit", "-am", "second")
    return tmp_path


def test_diff_between_revisions(repository: Path) -> None:
    ended = netplan("diff", "git:HEAD~1:lab/shop.yaml", "git:HEAD:lab/shop.yaml", folder=repository)
    assert ended.code == 0
    assert "+ network ours  declared, does not exist" in ended.out
    assert "git:HEAD:lab/shop.yaml:4" in ended.out
    assert "- network mine  no longer declared" in ended.out
    inside = netplan("diff", "git:main:./shop.yaml", "shop.yaml", folder=repository / "lab")
    assert "Nothing to do" in inside.out


NAMES_FILES = """\
name: shop
containers:
  api: {image: "busybox:1", env_file: api.env, volumes: ["./data:/data"]}
"""


@pytest.mark.parametrize("argument", ["git:HEAD:lab/shop.yaml", "git:HEAD:./lab/shop.yaml"])
def test_what_a_revision_names_is_of_that_revision(repository: Path, argument: str) -> None:
    """Files as they were then, paths as they are of the file; a file that git does not keep is read
    where it stands.
    """
    write(repository / "lab", {"shop.yaml": NAMES_FILES, "api.env": "A=1\n"})
    subprocess.run(["git", "add", "lab/shop.yaml"], cwd=repository, check=True)
    commit = [
        "git",
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.invalid",
        "-c",
        "commit.gpgsign=false",
        "commit",
        "-qm",
        "x",
    ]
    subprocess.run(commit, cwd=repository, check=True)
    assert "Nothing to do" in netplan("diff", argument, "lab/shop.yaml", folder=repository).out
    subprocess.run(["git", "add", "lab/api.env"], cwd=repository, check=True)
    subprocess.run(commit, cwd=repository, check=True)
    assert "Nothing to do" in netplan("diff", argument, "lab/shop.yaml", folder=repository).out
    write(repository / "lab", {"api.env": "A=2\n"})
    changed = netplan("diff", argument, "lab/shop.yaml", folder=repository)
    assert "environment.A  changed (value hidden)" in changed.out, changed.out
    assert "/data" not in changed.out


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("git:HEAD:lab", "git:HEAD:lab is a folder"),
        ("git:HEAD", "names no file of a revision"),
        ("git::lab/shop.yaml", "names no file of a revision"),
        ("git:nosuch:lab/shop.yaml", "cannot be read"),
        ("git:HEAD:nosuch.yaml", "cannot be read"),
        ("git:--output=x:lab/shop.yaml", "cannot be read"),
        ("git:HEAD;touch x:lab/shop.yaml", "cannot be read"),
    ],
)
def test_a_revision_that_is_none(repository: Path, argument: str, message: str) -> None:
    ended = netplan("diff", argument, "lab/shop.yaml", folder=repository)
    assert ended.code == 4
    assert ended.err.startswith("error: git:")
    assert message in ended.err
    assert not (repository / "x").exists()


def test_a_revision_that_is_wrong_is_reported_with_its_lines(repository: Path) -> None:
    subprocess.run(["git", "tag", "v1"], cwd=repository, check=True)
    ended = netplan("diff", "git:v1:lab/shop.yaml", "-", folder=repository, stdin="name: UPPER\n")
    assert ended.code == 4
    assert ended.err.startswith("<stdin>:1:")


# --- annotations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (Problem("a.yaml", 3, 5, "is wrong"), "::error file=a.yaml,line=3,col=5::is wrong"),
        (
            Problem("a.yaml", 3, 5, "is odd", warning=True),
            "::warning file=a.yaml,line=3,col=5::is odd",
        ),
        (
            Problem("a,b:c%.yaml", 1, 1, "50%: x,y"),
            "::error file=a%2Cb%3Ac%25.yaml,line=1,col=1::50%25: x,y",
        ),
        (
            Problem("a", 1, 1, "one\r\n::error::two"),
            "::error file=a,line=1,col=1::one%0D%0A::error::two",
        ),
        (Problem("a\n::x", 1, 1, "\x1b[31m"), "::error file=a%0A%3A%3Ax,line=1,col=1::\\x1b[31m"),
    ],
)
def test_an_annotation_is_one_line(problem: Problem, line: str) -> None:
    assert annotation(problem) == line


def test_validate_annotates_every_problem(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "name: A\nnetworks: 7\n", "b.yaml": FIRST})
    ended = netplan("validate", "-o", "github", "a.yaml", "b.yaml", folder=tmp_path)
    assert ended.code == 4
    lines = ended.out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("::error file=a.yaml,line=1,col=7::")
    assert lines[1].startswith("::error file=a.yaml,line=2,col=")
    assert netplan("validate", "-o", "github", "b.yaml", folder=tmp_path) == Ended(0, "", "")


def test_two_files_that_publish_one_port_or_run_one_container_contradict_each_other() -> None:
    def lab(name: str, *lines: str) -> tuple[str, DesiredState]:
        text = "\n".join(
            [f"name: {name}", "networks: {}", "containers:", *(f"  {line}" for line in lines)]
        )
        return f"{name}.yaml", load_text(text + "\n", f"{name}.yaml").state

    one = lab("one", 'web: {image: a, ports: ["8080:80"]}', "same: {image: a}")
    other = lab(
        "two",
        'app: {image: a, ports: ["127.0.0.1:8080:80"]}',
        "same: {image: a}",
        'side: {image: a, network_mode: "container:web"}',
    )
    found = [str(refusal.message) for refusal in conflicts([one, other])]
    assert [message for message in found if "port" in message] == [
        "container app: host port 8080/tcp is also published by web at one.yaml:4"
    ]
    assert [message for message in found if "can own it" in message] == [
        "container same is also declared at one.yaml:5: only one topology can own it"
    ]
    assert not [message for message in found if "side" in message]

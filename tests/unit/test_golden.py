"""Plans to the byte: tests/golden/CASE holds a file, what was observed on a real engine, and the
plan as text, Markdown and JSON.

The second line of each topology.yaml is the command whose plan it is. `NETPLAN_UPDATE_GOLDENS=1`
writes the plans anew: read the diff as a user would. A new case: a folder with a topology.yaml and
`netplan snapshot > observed.json`; where the file runs containers, the snapshot of `observe(reader,
images=...)` with the images that it names.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.arguments import parser
from reconciler.commands.next_command import apply_command
from reconciler.model import DesiredState
from reconciler.plan import Plan
from reconciler.planner import Policy, plan
from reconciler.render import render_text
from reconciler.render.as_json import render_json
from reconciler.render.markdown import render_markdown
from reconciler.snapshot import snapshot_json, state_from_snapshot
from reconciler.topology import load_text
from tests.schemas import validator

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())
UPDATE = bool(os.environ.get("NETPLAN_UPDATE_GOLDENS"))


def command(case: str) -> Any:
    """The options of the command in the case's second line."""
    text = (GOLDEN / case / "topology.yaml").read_text(encoding="utf-8")
    lesson, line = text.splitlines()[:2]
    assert lesson.startswith("# ")
    assert line.startswith("# netplan ")
    return parser().parse_args(line.split()[2:])


def planned(case: str) -> Plan:
    """The plan of that command."""
    options = command(case)
    state = load_text(
        (GOLDEN / case / "topology.yaml").read_text(encoding="utf-8"), options.file
    ).state
    destroyed = state if options.command == "destroy" else None
    policy = Policy(frozenset(getattr(options, "adopt", ())), options.disrupt_foreign, destroyed)
    policy = replace(
        policy,
        only=frozenset(getattr(options, "only", ())),
        keep_going=getattr(options, "keep_going", False),
    )
    if options.command == "reset":
        keep = options.keep_containers
        policy = replace(
            policy, reset=not keep, exclusive=True, keep_containers=keep, wipe=options.wipe
        )
    observed = state_from_snapshot(
        json.loads((GOLDEN / case / "observed.json").read_text(encoding="utf-8"))
    )
    return plan(DesiredState(state.topology) if destroyed else state, observed, policy=policy)


def compare(file: Path, text: str) -> None:
    if UPDATE:
        file.write_text(text, encoding="utf-8", newline="\n")
    assert text == file.read_bytes().decode("utf-8"), (
        f"{file} differs: NETPLAN_UPDATE_GOLDENS=1 writes it anew"
    )


@pytest.mark.parametrize("case", CASES)
def test_the_text(case: str) -> None:
    text = render_text(planned(case))
    assert all(character.isprintable() or character == "\n" for character in text)
    compare(GOLDEN / case / "plan.txt", text)


@pytest.mark.parametrize("case", CASES)
def test_the_markdown(case: str) -> None:
    options = command(case)
    text = render_markdown(planned(case), apply_command(options, options.file))
    assert all(character.isprintable() or character == "\n" for character in text)
    compare(GOLDEN / case / "plan.md", text)


@pytest.mark.parametrize("case", CASES)
def test_the_json(case: str) -> None:
    text = render_json(planned(case))
    validator("plan").validate(json.loads(text))
    compare(GOLDEN / case / "plan.json", text)


@pytest.mark.parametrize("case", CASES)
def test_the_snapshot_is_one(case: str) -> None:
    value = json.loads((GOLDEN / case / "observed.json").read_text(encoding="utf-8"))
    validator("snapshot").validate(value)
    assert snapshot_json(state_from_snapshot(value)) == value


def test_every_folder_is_a_whole_case() -> None:
    for case in CASES:
        assert {file.name for file in (GOLDEN / case).iterdir()} == {
            "topology.yaml",
            "observed.json",
            "plan.txt",
            "plan.md",
            "plan.json",
        }

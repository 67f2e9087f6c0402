"""Saved plans and limits: what is carried out is what was reviewed, or nothing."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from .cli import Cli, run


def save(cli: Cli, tmp_path: Path, *arguments: str) -> Path:
    path = tmp_path / "P.json"
    cli.run("plan", str(cli.file), "--out", str(path), *arguments)
    return path


def replacement(cli: Cli) -> None:
    """Converged, and a file that replaces the network."""
    cli.docker.container("c")
    first, then = cli.docker.subnet(), cli.docker.subnet()
    cli.converge({"n": {"subnet": first}}, {"c": {"networks": {"n": {"aliases": ["x"]}}}})
    cli.write({"n": {"subnet": then}}, {"c": {"networks": {"n": {"aliases": ["x"]}}}})


def test_a_saved_plan_is_applied_without_its_file(cli: Cli, tmp_path: Path) -> None:
    replacement(cli)
    path = save(cli, tmp_path)
    text = cli.file.read_text()
    cli.file.unlink()
    cli.run("apply", "--plan", str(path), code=3)  # it disconnects: pass --yes to confirm it
    assert "Done:" in cli.run("apply", "--plan", str(path), "--yes").out
    cli.file.write_text(text)
    cli.settled()
    stale = cli.run("apply", "--plan", str(path), "--yes", code=3)
    assert "the plan has changed since it was saved: nothing was done" in stale.err


def test_a_file_that_changed_since_is_not_what_was_planned(cli: Cli, tmp_path: Path) -> None:
    saved = str(tmp_path / "P.json")
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    cli.plan("--out", saved)
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    refused = cli.run("apply", "--plan", saved, "--yes", code=3)
    assert f"{cli.file} changed since the plan was saved" in refused.err
    assert not cli.exists("n")


def test_a_plan_from_a_snapshot_is_made_without_an_engine_and_applied_on_it(
    cli: Cli, tmp_path: Path
) -> None:
    """The whole way of a pull request: the reviewer's machine has no engine, and what is merged is
    what is done.
    """
    replacement(cli)
    state, path = tmp_path / "state.json", tmp_path / "P.json"
    state.write_text(cli.run("snapshot", str(cli.file)).out)
    run(
        "plan",
        str(cli.file),
        "--state",
        str(state),
        "--out",
        str(path),
        host="unix:///nowhere/docker.sock",
    )
    assert "Done:" in cli.run("apply", "--plan", str(path), "--yes").out
    cli.settled()
    refused = run(
        "plan",
        str(cli.file),
        "--state",
        "empty",
        "--out",
        str(path),
        host="unix:///nowhere/docker.sock",
        code=4,
    )
    assert "--state empty is no engine" in refused.err


def test_a_change_in_scope_is_told_and_one_outside_does_not_matter(
    cli: Cli, tmp_path: Path
) -> None:
    replacement(cli)
    path = save(cli, tmp_path)
    network, container = cli.docker.name("n"), cli.docker.name("c")
    cli.docker.network("elsewhere")
    cli.docker.disconnect(network, container)
    refused = cli.run("apply", "--plan", str(path), "--yes", "-v", code=3)
    assert f"container {container} was disconnected from {network}" in refused.err
    assert not refused.writes


def test_every_flipped_byte_is_noticed(cli: Cli, tmp_path: Path) -> None:
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    path = save(cli, tmp_path)
    whole, choose = path.read_bytes(), random.Random(1)
    from reconciler.errors import RefusedError
    from reconciler.saved import read_saved

    read_saved(whole, "P.json")
    for at in range(len(whole)):
        spoilt = (
            whole[:at]
            + bytes([whole[at] ^ choose.choice((1, 2, 4, 8, 16, 32, 64, 128))])
            + whole[at + 1 :]
        )
        with pytest.raises(RefusedError, match="cannot be trusted"):
            read_saved(spoilt, "P.json")
    path.write_bytes(whole.replace(b'"disrupt_foreign":false', b'"disrupt_foreign":true '))
    assert (
        "cannot be trusted: its digest does not match"
        in cli.run("apply", "--plan", str(path), code=3).err
    )


def test_another_engine_and_other_options_are_refused(cli: Cli, tmp_path: Path) -> None:
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    path = save(cli, tmp_path)
    document = path.read_text()
    engine = json.loads(document)["engine"]
    from reconciler.saved import _BLANK, _digest

    other = document.replace(json.loads(document)["digest"], _BLANK, 1).replace(
        f'"engine":"{engine}"', '"engine":"another"'
    )
    path.write_text(other.replace(_BLANK, _digest(other), 1))
    assert "was made for another engine" in cli.run("apply", "--plan", str(path), code=3).err
    cli.run("apply", str(cli.file), "--plan", str(path), code=4)
    cli.run("apply", "--plan", str(path), "--disrupt-foreign", code=4)
    cli.run("apply", "--plan", str(tmp_path / "missing"), code=4)
    cli.run("plan", str(cli.file), "--out", str(tmp_path / "no" / "P.json"), code=4)


def test_a_refused_plan_is_not_saved(cli: Cli, tmp_path: Path) -> None:
    cli.docker.network("n")
    cli.write({"n": {}})
    cli.run("plan", str(cli.file), "--out", str(tmp_path / "P.json"), code=3)
    assert not (tmp_path / "P.json").exists()


def test_no_more_is_taken_away_than_the_limit_allows(cli: Cli) -> None:
    cli.docker.container("c")
    networks = {"n": {"subnet": cli.docker.subnet()}, "m": {"subnet": cli.docker.subnet()}}
    cli.converge(networks, {"c": {"networks": ["n"]}})
    for command in ("plan", "apply", "destroy"):
        refused = cli.run(
            command,
            str(cli.file),
            *(["--yes"] if command != "plan" else []),
            "--max-removals",
            "1",
            code=None,
        )
        assert refused.code == (3 if command == "destroy" else 0), refused.said
    cli.destroy("--max-removals", "2")


def test_an_empty_file_does_not_undo_a_living_topology(cli: Cli) -> None:
    cli.converge({"n": {"subnet": cli.docker.subnet()}})
    cli.write({})
    for command in ("plan", "apply"):
        refused = cli.run(command, str(cli.file), code=3)
        assert "the file is empty, but topology" in refused.said
    cli.apply("--allow-empty")
    assert not cli.exists("n")
    cli.plan()

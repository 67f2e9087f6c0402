"""How long topologies live: what an apply writes of it, what `ls` says, and what `prune` removes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from .cli import Cli, box


def with_ttl(file: Path, ttl: str) -> None:
    """Sets the file's `ttl`, or takes it out."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("ttl:")]
    file.write_text("\n".join([*lines, *([f"ttl: {ttl}"] if ttl else [])]) + "\n", encoding="utf-8")


def written(cli: Cli, topology: str = "") -> list[dict[str, Any]]:
    """What the engine keeps of a topology's ttl."""
    found = cli.docker.do("GET", "/volumes")["Volumes"] or ()
    return [
        v
        for v in found
        if (v["Labels"] or {}).get("netplan.kind") == "ttl" and v["Labels"]["netplan.topology"] == (topology or cli.topology)
    ]


def listed(cli: Cli, *options: str) -> list[dict[str, Any]]:
    """This test's own topologies, as `ls` lists them."""
    found = cli.run("ls", "-o", "json", "--match", f"{cli.docker.prefix}*", *options).json()["topologies"]
    assert isinstance(found, list)
    return found


def until_expired(cli: Cli, count: int) -> None:
    deadline = time.monotonic() + 20
    while len(listed(cli, "--expired")) < count:
        assert time.monotonic() < deadline, listed(cli)
        time.sleep(0.2)


def test_a_ttl_is_renewed_and_dropped_and_is_never_a_change(cli: Cli) -> None:
    cli.write({"n": {}}, {"c": box(networks=["n"])})
    with_ttl(cli.file, "2h")
    assert "Expires in 2h" in cli.apply().out
    before, life = cli.at_rest(), cli.life("c")
    (first,) = written(cli)
    (entry,) = listed(cli)
    assert (entry["ttl"], entry["expired"], entry["origins"][0]["folder"]) == (7200, False, str(cli.file.parent))
    assert entry["created"] <= entry["changed"] <= entry["expires"]
    assert 0 <= entry["age"] < 60

    again = cli.apply()
    assert "Nothing to do" in again.out
    assert not again.changes
    (second,) = written(cli)
    assert first["Name"] != second["Name"]
    assert "Nothing to do" in cli.plan("--exit-code").out

    assert "Expires in 1s" in cli.apply("--ttl", "1s").out
    until_expired(cli, 1)
    assert "expired" in cli.run("ls", "--match", cli.topology).out
    with_ttl(cli.file, "")
    cli.apply()
    assert not written(cli)
    assert (listed(cli)[0]["expires"], listed(cli, "--expired")) == (None, [])
    cli.settled()
    assert (cli.inspected(), cli.life("c")) == (before, life)

    cli.run("reset", str(cli.file), "--yes", "--ttl", "3d")
    assert listed(cli)[0]["ttl"] == 3 * 24 * 3600
    cli.run("destroy", "--name", cli.topology, "--yes")
    assert not written(cli)


def test_a_saved_plan_holds_the_ttl_of_its_file(cli: Cli, tmp_path: Path) -> None:
    cli.write({"n": {}})
    with_ttl(cli.file, "2h")
    saved = str(tmp_path / "p.json")
    cli.plan("--out", saved)
    cli.run("apply", "--plan", saved)
    assert listed(cli)[0]["ttl"] == 7200
    cli.plan("--out", saved)
    cli.run("apply", "--plan", saved, "--ttl", "3h")
    assert listed(cli)[0]["ttl"] == 10800


def test_a_run_that_fails_leaves_something_that_expires(cli: Cli) -> None:
    cli.write({"n": {}}, {"c": box(image="netplan-test/nowhere:1", pull_policy="never", networks=["n"]), "d": box(networks=["n"])})
    with_ttl(cli.file, "2h")
    cli.apply(code=1)
    cli.write({"n": {}}, {"d": box("false", networks=["n"])})
    with_ttl(cli.file, "2h")
    cli.apply(code=1)
    assert [v["Labels"]["netplan.ttl"] for v in written(cli)] == ["2h"]
    cli.docker.clean_up()
    assert [entry["networks"] for entry in listed(cli)] == [0]
    cli.run("destroy", "--name", cli.topology, "--yes")
    assert not listed(cli)

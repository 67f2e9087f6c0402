"""How long topologies live: what an apply writes of it, what `ls` says, and what `prune`
removes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.cli import main
from reconciler.engine import Engine
from reconciler.lock.scope import Scope
from reconciler.lock.ticket import acquire
from reconciler.runs import locked_run
from reconciler.topology.schema import schema_text

from .cli import Cli, Result, box, run_on_terminal


def with_ttl(file: Path, ttl: str) -> None:
    """Sets the file's `ttl`, or takes it out."""
    lines = [
        line
        for line in file.read_text(encoding="utf-8").splitlines()
        if not line.startswith("ttl:")
    ]
    file.write_text("\n".join([*lines, *([f"ttl: {ttl}"] if ttl else [])]) + "\n", encoding="utf-8")


def written(cli: Cli, topology: str = "") -> list[dict[str, Any]]:
    """What the engine keeps of a topology's ttl."""
    found = cli.docker.do("GET", "/volumes")["Volumes"] or ()
    return [
        v
        for v in found
        if (v["Labels"] or {}).get("netplan.kind") == "ttl"
        and v["Labels"]["netplan.topology"] == (topology or cli.topology)
    ]


def listed(cli: Cli, *options: str) -> list[dict[str, Any]]:
    """This test's own topologies, as `ls` lists them."""
    found = cli.run("ls", "-o", "json", "--match", f"{cli.docker.prefix}*", *options).json()[
        "topologies"
    ]
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
    assert (entry["ttl"], entry["expired"], entry["origins"][0]["folder"]) == (
        7200,
        False,
        str(cli.file.parent),
    )
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
    cli.write(
        {"n": {}},
        {
            "c": box(image="netplan-test/nowhere:1", pull_policy="never", networks=["n"]),
            "d": box(networks=["n"]),
        },
    )
    with_ttl(cli.file, "2h")
    cli.apply(code=1)
    cli.write({"n": {}}, {"d": box("false", networks=["n"])})
    with_ttl(cli.file, "2h")
    cli.apply(code=1)
    assert [v["Labels"]["netplan.ttl"] for v in written(cli)] == ["2h"]
    cli.docker.do("DELETE", f"/containers/{cli.docker.name('d')}?force=1")
    cli.docker.do("DELETE", f"/networks/{cli.docker.name('n')}")
    assert [entry["networks"] for entry in listed(cli)] == [0]
    cli.run("destroy", "--name", cli.topology, "--yes")
    assert not listed(cli)


# --- prune ----------------------------------------------------------------------------------------


def prune(cli: Cli, *arguments: str, code: int = 0) -> Result:
    return cli.run("prune", "--expired", "--match", f"{cli.docker.prefix}*", *arguments, code=code)


def outcomes(cli: Cli, *arguments: str, code: int = 0) -> dict[str, str]:
    """What became of each topology, without the test's prefix."""
    document = prune(cli, "-o", "json", *arguments, code=code).json()
    jsonschema.validate(document, json.loads(schema_text("prune")))
    return {
        case["found"]["topology"].removeprefix(cli.docker.prefix): case["outcome"]
        for case in document["topologies"]
    }


def job(
    cli: Cli,
    name: str,
    networks: dict[str, Any],
    containers: dict[str, Any] | None = None,
    ttl: str = "1s",
) -> Path:
    """Applies a file of its own."""
    path = cli.write(networks, containers, name=cli.docker.name(name), file=f"{name}.yaml")
    with_ttl(path, ttl)
    cli.run("apply", str(path), "--yes")
    return path


def test_prune_removes_what_has_expired_and_nothing_else(cli: Cli) -> None:
    """The second uses a network of the first, the third has an attachment only, the fourth is
    protected, the fifth not over.
    """
    cli.docker.network("theirs")
    cli.docker.container("c")
    shared = cli.docker.name("shared")
    job(cli, "job-1", {"shared": {}})
    job(cli, "job-2", {"shared": {"external": True}}, {"d": box(networks=["shared"])})
    job(cli, "job-3", {"theirs": {"external": True}}, {"c": {"networks": ["theirs"]}})
    job(cli, "kept", {"p": {"protect": True}})
    job(cli, "late", {"l": {}}, ttl="2h")
    assert (
        "Nothing to prune"
        in cli.run("prune", "--older-than", "2h", "--match", f"{cli.docker.prefix}*").out
    )
    until_expired(cli, 4)
    before = cli.inspected()

    told = prune(cli, "--dry-run", code=3)
    assert "4 topologies: 3 planned, 1 refused" in told.out
    assert f"remove network {shared}" in told.out
    assert "is protected" in told.err
    assert "no terminal to ask" in prune(cli, code=3).err
    assert "the limit is 2" in prune(cli, "--yes", "--max-removals", "2", code=3).err
    planned = {"job-2": "planned", "job-1": "planned", "job-3": "planned", "kept": "refused"}
    assert outcomes(cli, "--dry-run", code=3) == planned
    assert cli.inspected() == before

    assert outcomes(cli, "--yes", code=3) == {
        "job-2": "removed",
        "job-1": "removed",
        "job-3": "removed",
        "kept": "refused",
    }
    assert not cli.exists("shared")
    assert cli.exists("theirs")
    assert cli.endpoint("c", "theirs") is None
    assert [entry["topology"].removeprefix(cli.docker.prefix) for entry in listed(cli)] == [
        "kept",
        "late",
    ]
    assert [
        len(written(cli, cli.docker.name(name)))
        for name in ("job-1", "job-2", "job-3", "kept", "late")
    ] == [0, 0, 0, 1, 1]
    assert "Nothing to prune" in prune(cli, "--origin", "elsewhere:*").out
    assert outcomes(cli, "--origin", "elsewhere:*") == {}


def test_one_that_is_renewed_while_the_plan_is_read_is_kept(cli: Cli) -> None:
    job(cli, "job-1", {"a": {}})
    renewed = job(cli, "job-2", {"b": {}})
    until_expired(cli, 2)
    words = ("prune", "--expired", "--match", f"{cli.docker.prefix}*")

    def asked(answer: str, code: int, meanwhile: Callable[[], object], topologies: str) -> str:
        asks = f"Destroy {topologies}? [y/N] "
        result = run_on_terminal(
            *words, answer=answer, host=cli.host, code=code, meanwhile=meanwhile, asks=asks
        )
        return " ".join(result.out.split())

    said = asked("y", 0, lambda: cli.run("apply", str(renewed), "--ttl", "1h"), "2 topologies")
    assert "was renewed during this run" in said
    assert "2 topologies: 1 removed, 1 kept" in said
    assert (cli.exists("a"), cli.exists("b")) == (False, True)

    cli.run("apply", str(renewed), "--ttl", "1s")
    until_expired(cli, 1)

    def widen() -> None:
        wider = cli.write({"b": {}, "more": {}}, name=cli.docker.name("job-2"), file="job-2.yaml")
        cli.run("apply", str(wider), "--ttl", "1s")
        until_expired(cli, 1)

    assert "changed after its plan was shown" in asked("y", 3, widen, "1 topology")
    assert cli.exists("b")
    asked("n", 1, lambda: None, "1 topology")
    assert outcomes(cli, "--yes") == {"job-2": "removed"}


def test_one_that_is_renewed_between_the_look_and_the_lock_is_kept(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    renewed, locked = job(cli, "job-1", {"a": {}}), locked_run._locked
    until_expired(cli, 1)

    @contextmanager
    def late(*arguments: Any) -> Iterator[Any]:
        cli.run("apply", str(renewed), "--ttl", "1h")
        with locked(*arguments) as found:
            yield found

    monkeypatch.setattr(locked_run, "_locked", late)
    words = ("prune", "--expired", "--match", f"{cli.docker.prefix}*", "--yes", "--host", cli.host)
    assert main(words) == 0
    assert "1 topology: 1 kept" in capsys.readouterr().out
    assert cli.exists("a")


def test_one_that_somebody_works_on_is_left_and_the_others_are_removed(
    cli: Cli, engine: Engine
) -> None:
    """Who renews holds the topology's lock, also where nothing else is to be done."""
    busy, _ = job(cli, "job-1", {"a": {}}), job(cli, "job-2", {"b": {}})
    until_expired(cli, 2)
    scope = Scope(frozenset({f"topology {cli.docker.name('job-1')}"}))
    lock = acquire(engine, cli.docker.name("job-1"), scope, 20, lambda claim, waited, common: None)
    try:
        assert cli.run("apply", str(busy), "--lock-timeout", "0", code=75)
        assert outcomes(cli, "--yes", "--lock-timeout", "0.1", code=75) == {
            "job-1": "failed",
            "job-2": "removed",
        }
    finally:
        lock.release()
    assert outcomes(cli, "--yes") == {"job-1": "removed"}


def test_a_foreign_container_needs_consent_and_what_was_removed_by_hand_is_forgotten(
    cli: Cli,
) -> None:
    job(cli, "job-1", {"a": {}})
    job(cli, "job-2", {"b": {}})
    cli.docker.connect(cli.docker.name("a"), cli.docker.container("c"))
    cli.docker.do("DELETE", f"/networks/{cli.docker.name('b')}")
    until_expired(cli, 2)
    assert outcomes(cli, "--yes", code=3) == {"job-1": "refused", "job-2": "removed"}
    assert outcomes(cli, "--yes", "--disrupt-foreign") == {"job-1": "removed"}
    assert not listed(cli)

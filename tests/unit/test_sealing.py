"""Digests of environment values in what is published: comparable, slow to guess, and with a key
impossible to guess.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import main
from reconciler.environment_digests import MOST_ROUNDS, seal_for, sealed
from reconciler.errors import RefusedError
from reconciler.marks import digest, digests, secret_digest
from reconciler.model import ContainerMark, EngineInfo, Journal, ObservedContainer, ObservedState
from reconciler.planner import plan
from reconciler.safety import Policy
from reconciler.saved import SavedPlan, read_saved, saved_text
from reconciler.snapshot import journal_json, snapshot_json, state_from_snapshot
from reconciler.topology import load_text

TEXT = "name: lab\ncontainers: {web: {image: i, environment: {PW: %s, MODE: a}}}\n"
BEFORE = load_text(TEXT % "sunshine7391", "t.yaml").state
CHANGED = load_text(TEXT % "other", "t.yaml").state


def engine(id: str = "engine-1", actual: str = "sunshine7391") -> ObservedState:
    """One container as BEFORE declares it, but with that value."""
    declared = BEFORE.containers["web"].settings
    settings = {
        **declared,
        "environment.PW": secret_digest("PW", actual),
        "environment.PATH": secret_digest("PATH", "/bin"),
    }
    web = ObservedContainer(
        "c" * 64, "web", "running", mark=ContainerMark("lab", digests(declared)), settings=settings
    )
    return ObservedState(EngineInfo(id=id), containers=(web,))


def plain(state: ObservedState) -> set[str]:
    """All that a guess could be compared with at the speed of a hash."""
    (web,) = state.containers
    first = {str(value) for path, value in web.settings.items() if path.startswith("environment.")}
    return first | {digest(value) for value in first}


@pytest.mark.parametrize("key", ["", "a key"])
def test_nothing_published_holds_a_plain_digest(key: str) -> None:
    state = engine()
    journal = Journal("netplan.journal.1", "lab", 1, state, "h", "t")
    snapshot = json.dumps(snapshot_json(state, [journal], key))
    saved = saved_text(
        SavedPlan("t.yaml", "0" * 64, None, Policy(), "engine-1", "f", state, journals=(journal,)),
        BEFORE,
        key,
    )
    for text in (snapshot, saved, json.dumps(journal_json(journal))):
        assert not [value for value in plain(state) if value in text]
    assert "environment.PW" not in json.dumps(journal_json(journal))


@pytest.mark.parametrize("key", ["", "a key"])
@pytest.mark.parametrize("actual", ["sunshine7391", "drifted"])
@pytest.mark.parametrize("desired", [BEFORE, CHANGED], ids=["same", "changed"])
def test_a_plan_from_a_snapshot_is_that_of_the_engine(desired: Any, actual: str, key: str) -> None:
    state = engine(actual=actual)
    again = state_from_snapshot(json.loads(json.dumps(snapshot_json(state, key=key))), key)
    assert again.seal == sealed(state, key).seal
    ours, theirs = plan(desired, state), plan(desired, again)
    assert (ours.fingerprint, ours.drift, ours.changes == ()) == (
        theirs.fingerprint,
        theirs.drift,
        theirs.changes == (),
    )
    assert [(s.op, s.reason) for s in ours.steps] == [(s.op, s.reason) for s in theirs.steps]
    assert snapshot_json(again, key=key) == snapshot_json(state, key=key), (
        "what is published is published again as it is"
    )


def test_a_fingerprint_confirms_no_guess() -> None:
    """It is in the comment on a request; whether a value changes is in the steps."""
    third = load_text(TEXT % "third", "t.yaml").state
    assert (
        plan(CHANGED, engine()).fingerprint
        == plan(third, engine()).fingerprint
        != plan(BEFORE, engine()).fingerprint
    )


def test_each_engine_and_each_key_has_digests_of_its_own() -> None:
    seals = [
        seal_for(engine(id), key).of("x")
        for id in ("engine-1", "engine-2")
        for key in ("", "one", "two")
    ]
    assert len(set(seals)) == len(seals)


def test_a_guess_takes_thousands_of_rounds_unless_there_are_very_many_values() -> None:
    assert seal_for(engine()).rounds == MOST_ROUNDS
    web = engine().containers[0]
    many = {f"environment.K{number}": secret_digest("K", str(number)) for number in range(200_000)}
    crowd = ObservedState(
        containers=(ObservedContainer("c", "web", "running", mark=web.mark, settings=many),)
    )
    assert seal_for(crowd).rounds == 1


@pytest.mark.parametrize("key", ["", "wrong"])
def test_without_its_key_a_snapshot_says_so_where_values_are_compared(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NETPLAN_SNAPSHOT_KEY", key)
    Path("s.json").write_text(json.dumps(snapshot_json(engine(), key="right")), encoding="utf-8")
    Path("t.yaml").write_text(TEXT % "sunshine7391", encoding="utf-8")
    Path("n.yaml").write_text("name: n\nnetworks: {n: {}}\n", encoding="utf-8")
    assert main(["plan", "n.yaml", "--state", "s.json"]) == 0
    assert main(["plan", "t.yaml", "--state", "s.json"]) == 4
    assert "set NETPLAN_SNAPSHOT_KEY to the value that" in capsys.readouterr().err
    monkeypatch.setenv("NETPLAN_SNAPSHOT_KEY", "right")
    assert main(["plan", "t.yaml", "--state", "s.json"]) == 0


@pytest.mark.parametrize(("version", "age"), [(1, "an earlier"), (2, "an earlier"), (4, "a later")])
def test_a_saved_plan_of_another_format_is_refused_with_one_sentence(
    version: int, age: str
) -> None:
    """Settings had other forms: another plan would come out, with differences that are none."""
    document = {"format_version": version, "kind": "netplan saved plan", "digest": "0" * 64}
    text = json.dumps(document, separators=(",", ":")) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    with pytest.raises(RefusedError) as refused:
        read_saved(text.replace("0" * 64, digest, 1).encode(), "P.json")
    assert refused.value.exit_code == 3
    assert str(refused.value).splitlines()[0] == (
        f"the saved plan P.json was made by {age} version of netplan: its format_version is"
        f" {version}, and this one reads 3 only"
    )

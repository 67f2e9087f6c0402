"""Parts of a plan: what they hold, what they are called, and what they refuse."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest
from test_planner import (
    DOCKER_28,
    HERE,
    MADE,
    attached,
    container,
    declared,
    endpoint,
    lab,
    network,
)

from reconciler.cli import main
from reconciler.model import (
    Dependency,
    DesiredContainer,
    DesiredEndpoint,
    DesiredState,
    Journal,
    NetworkMark,
    ObservedImage,
    ObservedState,
)
from reconciler.plan import Plan
from reconciler.planner import Policy, plan
from reconciler.render import render_text
from reconciler.simulate import applied
from reconciler.snapshot import snapshot_json

IMAGES = {"box": ObservedImage("sha256:1"), "sha256:1": ObservedImage("sha256:1")}
EMPTY = ObservedState(DOCKER_28, images=IMAGES)
GOING = Policy(keep_going=True)


def run(
    name: str, *networks: str, image: str = "box", needs: tuple[str, ...] = (), mode: str = ""
) -> DesiredContainer:
    settings = {"image": image, **({"network_mode": mode} if mode else {})}
    endpoints = tuple(DesiredEndpoint(where, HERE) for where in networks)
    return DesiredContainer(
        name,
        HERE,
        endpoints,
        managed=True,
        settings=settings,
        depends_on=tuple(map(Dependency, needs)),
    )


def only(*names: str, keep_going: bool = False) -> Policy:
    return Policy(only=frozenset(names), keep_going=keep_going)


def texts(made: Plan) -> list[str]:
    assert made.applyable, made.refusals
    return [step.text for step in made.steps]


SHOP = lab(
    declared("back", "10.1.0.0/24"),
    declared("front", "10.2.0.0/24"),
    declared("side", "10.3.0.0/24"),
    run("db", "back"),
    run("web", "front", needs=("db",)),
    run("sidecar", mode="container:web"),
    run("other", "side", "back"),
)


def test_a_container_comes_with_its_networks_what_it_depends_on_and_whose_network_it_shares() -> (
    None
):
    made = plan(SHOP, EMPTY, policy=only("sidecar"))
    created = [text for text in texts(made) if text.startswith("create")]
    assert sorted(created) == [
        *("create container db", "create container sidecar", "create container web"),
        *("create network back", "create network front"),
    ]
    assert made.only == ("sidecar",)
    assert made.unjudged == {"other"}
    assert "\nonly sidecar and what it needs\n" in render_text(made)


def test_a_network_comes_alone() -> None:
    assert texts(plan(SHOP, EMPTY, policy=only("side"))) == ["create network side"]
    assert texts(plan(SHOP, EMPTY, policy=only("side", "db"))) == [
        *("create network back", "create container db", "create network side", "start db"),
    ]


def test_a_network_that_is_replaced_comes_with_all_that_is_on_it_and_nothing_is_removed() -> None:
    """`gone` and `old` are no longer declared; `new` is not attached yet."""
    attachment = replace(endpoint("back", MADE), mac="02:42:0a:01:00:02")
    on_back = [container(name, "bridge", attachment) for name in ("api", "gone")]
    observed = ObservedState(
        DOCKER_28,
        (network("back", "10.1.0.0/24"), network("old", "10.9.0.0/24")),
        (*on_back, container("new", "bridge")),
    )
    desired = lab(
        declared("back", "10.2.0.0/24"), attached("api", back={}), attached("new", back={})
    )
    assert texts(plan(desired, observed, policy=only("back"))) == [
        *(
            "disconnect api from back",
            "disconnect gone from back",
            "remove network back",
            "create network back",
        ),
        *("connect api to back", "connect gone to back"),
    ]
    made = plan(desired, observed, policy=only("back"))
    mark = next(step.mark for step in made.steps if step.op == "create")
    assert isinstance(mark, NetworkMark)
    assert mark.endpoints.keys() == {"api", "gone"}
    assert {"remove network old", "connect new to back"} <= {*texts(plan(desired, observed))}
    changed = (
        "the MAC addresses of api, gone will change: this Docker version cannot set one on connect"
    )
    assert made.warnings == (changed,)


def test_a_network_that_only_somebody_on_it_was_created_on_stays() -> None:
    """In the whole plan `x` waits for `home` before it is connected to `away` again."""
    x = container("x", "home", endpoint("home", MADE), endpoint("away", MADE))
    observed = ObservedState(
        DOCKER_28, (network("home", "10.1.0.0/24"), network("away", "10.2.0.0/24")), (x,)
    )
    desired = lab(
        declared("home", "10.3.0.0/24"),
        declared("away", "10.4.0.0/24"),
        attached("x", home={}, away={}),
    )
    assert texts(plan(desired, observed, policy=only("away"))) == [
        *(
            "disconnect x from away",
            "remove network away",
            "create network away",
            "connect x to away",
        ),
    ]


def test_what_is_no_longer_declared_is_in_the_way_and_not_removed() -> None:
    observed = ObservedState(
        DOCKER_28, (network("old", "10.1.0.0/24"), network("kept", "10.2.0.0/24"))
    )
    desired = lab(declared("new", "10.1.0.0/24"), declared("kept", "10.2.0.0/24"))
    assert plan(desired, observed).applyable
    [refusal] = plan(desired, observed, policy=only("new")).refusals
    assert refusal.message.startswith(
        "network new: subnet 10.1.0.0/24 overlaps 10.1.0.0/24 of network old"
    )


def test_images_of_others_are_not_pulled() -> None:
    desired = lab(
        declared("n", "10.1.0.0/24"), run("web", "n", image="web:1"), run("db", "n", image="db:1")
    )
    assert [text for text in texts(plan(desired, EMPTY, policy=only("db"))) if "image" in text] == [
        "pull image db:1"
    ]


def test_an_image_that_is_not_had_stops_only_what_is_made_of_it() -> None:
    desired = lab(declared("n", "10.1.0.0/24"), run("web", "n", image="web:1"), run("db", "n"))
    made = plan(desired, EMPTY, policy=GOING)
    by_text = {step.text: step for step in made.steps}
    pull = by_text["pull image web:1"].id
    assert pull in by_text["create container web"].needs
    assert pull in by_text["create network n"].follows
    assert pull not in by_text["create container db"].needs


def test_a_part_has_a_fingerprint_of_its_own_and_is_about_nothing_else() -> None:
    part, whole = plan(SHOP, EMPTY, policy=only("side")), plan(SHOP, EMPTY)
    assert part.fingerprint != whole.fingerprint
    elsewhere = replace(EMPTY, containers=(container("web", "bridge"),))
    assert plan(SHOP, elsewhere, policy=only("side")).fingerprint == part.fingerprint
    assert not plan(SHOP, elsewhere, policy=only("web")).applyable
    assert plan(SHOP, elsewhere, policy=only("side")).applyable
    all_names = only(*SHOP.networks, *SHOP.containers)
    assert texts(plan(SHOP, EMPTY, policy=all_names)) == texts(whole)
    assert plan(SHOP, EMPTY, policy=all_names).fingerprint != whole.fingerprint


@pytest.mark.parametrize("missing", ["corp", "ghost"])
def test_what_cannot_be_is_left_out_with_what_needs_it(missing: str) -> None:
    desired = lab(
        declared("corp", "", external=True),
        declared("n", "10.1.0.0/24"),
        attached("ghost", n={}),
        run("report", "n", "corp"),
        run("waits", "n", needs=("report",)),
        run("shares", mode="container:waits"),
        run("after", "n", needs=("ghost",)),
    )
    there = {"corp": network("corp", "10.9.0.0/24", None), "ghost": container("ghost", "bridge")}
    present = there["ghost" if missing == "corp" else "corp"]
    observed = (
        replace(EMPTY, networks=(present,))
        if missing == "ghost"
        else replace(EMPTY, containers=(present,))
    )
    made = plan(desired, observed, policy=GOING)
    left = {one.thing: one.why for one in made.left_out}
    needs_corp = {
        ("corp", ""): "is external and does not exist",
        ("", "report"): "needs network corp",
        ("", "waits"): "needs container report",
        ("", "shares"): "needs container waits",
    }
    needs_ghost = {("", "ghost"): "does not exist", ("", "after"): "needs container ghost"}
    assert left == (needs_corp if missing == "corp" else needs_ghost)
    assert {"corp": "start after", "ghost": "start shares"}[missing] in texts(made)
    assert made.unjudged == {container for _, container in left if container}


def test_what_stands_against_the_whole_plan_refuses_it_still() -> None:
    observed = ObservedState(DOCKER_28, (network("old", "10.9.0.0/24"),))
    made = plan(lab(declared("corp", "", external=True)), observed, policy=GOING)
    assert [refusal.about for refusal in made.refusals] == [None]
    many = plan(
        lab(declared("n", "10.1.0.0/24"), declared("old", "10.8.0.0/24")),
        observed,
        policy=replace(GOING, max_removals=0),
    )
    assert not many.applyable


def test_what_an_interrupted_run_took_away_elsewhere_waits_for_the_whole() -> None:
    taken = ObservedState(DOCKER_28, (network("a", "10.1.0.0/24"), network("b", "10.2.0.0/24")))
    desired = lab(declared("a", "10.1.0.0/24"), declared("b", "10.2.0.0/24"))
    left = Journal("netplan.journal.1", "lab", 1, taken, "host", "today")
    made = plan(desired, ObservedState(DOCKER_28), [left], only("a"))
    assert texts(made) == ["create network a"]
    assert (
        "this plan restores network a, and a plan of the whole file restores the rest"
        in made.warnings[0]
    )


def test_reset_makes_anew_only_what_is_named() -> None:
    reset = replace(only("web"), reset=True, exclusive=True)
    made = plan(SHOP, applied(SHOP, DOCKER_28), policy=reset)
    assert {change.container for change in made.changes} == {"web", "sidecar"}


def test_every_refusal_of_the_planner_is_about_something_or_the_whole() -> None:
    """A new kind of refusal says what it is about: without that a part of a plan would be refused
    for it.
    """
    folder = Path(__file__).parents[2] / "reconciler"
    about_everything = {"recover", "topology_identity", "wipe", "topology_conflicts"}
    bare = []
    for path in [*sorted((folder / "planner").glob("*.py")), folder / "safety.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "Refusal"
                and path.stem not in about_everything
            ):
                told = len(node.args) == 5 or any(word.arg == "about" for word in node.keywords)
                bare += [] if told else [f"{path.name}:{node.lineno}"]
    assert [place.partition(":")[0] for place in bare] == ["safety.py"], (
        bare
    )  # --max-removals counts the whole


# --- the command ----------------------------------------------------------------------------------

FILE = "name: t\nnetworks: {front: {}, back: {}}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("--only", "frnt"),
            "--only frnt: no network, container or volume of that name is declared\n"
            "  did you mean front?",
        ),
        (("--only", "front,,back"), "names nothing"),
        (("--only", ""), "names nothing"),
        (("--only",), "expected one argument"),
    ],
)
def test_a_name_that_nothing_has(
    arguments: tuple[str, ...],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.yaml").write_text(FILE, encoding="utf-8")
    assert main(["plan", "t.yaml", "--state", "empty", *arguments]) == 4
    assert told in capsys.readouterr().err


def test_of_a_folder_only_the_files_that_declare_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.yaml").write_text(FILE, encoding="utf-8")
    Path("u.yaml").write_text("name: u\nnetworks: {side: {}}\n", encoding="utf-8")
    assert main(["plan", ".", "--state", "empty", "--only", "side"]) == 0
    shown = capsys.readouterr().out
    assert "create network side" in shown
    assert "front" not in shown


def test_the_keys_of_the_file_are_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (
        "name: t\nnetworks: {default: {}, n: {name: net}, o: {}}\ncontainers: {web: {image: box,"
        " container_name: t-web, networks: [n]}}\n"
    )
    Path("t.yaml").write_text(text, encoding="utf-8")
    assert main(["plan", "t.yaml", "--state", "empty", "--only", "web,default"]) == 0
    shown = capsys.readouterr().out
    assert "only t-web, t_default and what they need" in shown
    assert "create network net" in shown
    assert "network o" not in shown


def test_what_is_left_out_is_told_and_exits_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.yaml").write_text(
        "name: t\nnetworks: {front: {driver: nonesuch}, back: {}}\ncontainers: {a: {networks:"
        " [back]}}\n",
        encoding="utf-8",
    )

    Path("s.json").write_text(json.dumps(snapshot_json(ObservedState(DOCKER_28))), encoding="utf-8")
    assert main(["plan", "t.yaml", "--state", "s.json", "--keep-going", "--out", "p.json"]) == 1
    shown = capsys.readouterr()
    assert "error: container a does not exist (t.yaml:3)" in shown.err
    assert "error: left out: container a" in shown.err
    assert "2 to create" in shown.out
    saved = json.loads(Path("p.json").read_text(encoding="ascii"))
    assert saved["options"]["keep_going"] is True
    assert saved["plan"]["left_out"][0]["resource"] == {"kind": "container", "name": "a"}


def test_nothing_of_the_file_is_left_where_everything_is_named() -> None:
    assert plan(DesiredState("lab"), EMPTY, policy=GOING).left_out == ()

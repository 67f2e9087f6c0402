"""Volumes that a file declares: how they are read, planned, written and kept secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.codec.volumes import read_volume, volume_body, volumes_listed
from reconciler.errors import InputError
from reconciler.lock.scope import scope_of
from reconciler.marks import digests
from reconciler.model import (
    ContainerMark,
    DesiredState,
    ObservedContainer,
    ObservedImage,
    ObservedState,
    ObservedVolume,
    Origin,
    VolumeMark,
)
from reconciler.plan import Plan
from reconciler.planner import made_by_others, plan
from reconciler.removal_order import removal_order
from reconciler.render import render_text
from reconciler.render.as_json import plan_json
from reconciler.safety import Policy
from reconciler.saved import has_secrets
from reconciler.settings import Settings
from reconciler.simulate import applied, expected
from reconciler.snapshot import snapshot_json, state_from_snapshot
from reconciler.topology import load_text

SNAPSHOT = json.loads(
    (Path(__file__).parents[2] / "schemas/snapshot.schema.json").read_text(encoding="utf-8")
)
IMAGES = {"app:latest": ObservedImage("sha256:1", {}, "linux/amd64")}
CIFS = "username=a,password=b,vers=3"
MASKED = "username=a,password=(value hidden),vers=3"


def load(*lines: str) -> DesiredState:
    return load_text("\n".join(("name: t", *lines, "")), "/lab/t.yaml").state


def settings(body: str) -> Settings:
    return load(f"volumes: {{vv: {body}}}").volumes["vv"].settings


def planned(
    desired: DesiredState, *volumes: ObservedVolume, policy: Policy | None = None, **state: Any
) -> Plan:
    there = {volume.name: volume for volume in volumes}
    return plan(desired, ObservedState(images=IMAGES, volumes=there, **state), policy=policy)


def ours(
    name: str, made: Settings | None = None, topology: str = "t", **more: Any
) -> ObservedVolume:
    return ObservedVolume(name, made or {}, VolumeMark(topology, digests(made or {})), **more)


def steps(made: Plan) -> list[tuple[str, tuple[int, ...]]]:
    return [(step.text, step.needs) for step in made.steps]


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("", {}),
        ("{}", {}),
        ("{driver: local}", {"driver": "local"}),
        ("{driver: rexray, driver_opts: }", {"driver": "rexray"}),
        (
            "{driver_opts: {type: nfs, o: 'addr=10.0.0.9,rw', port: 7, soft: true}}",
            {
                "driver_opts.type": "nfs",
                "driver_opts.o": "addr=10.0.0.9,rw",
                "driver_opts.port": "7",
                "driver_opts.soft": "true",
            },
        ),
        (
            "{driver_opts: {type: none, o: bind, device: ./x}}",
            {"driver_opts.type": "none", "driver_opts.o": "bind", "driver_opts.device": "/lab/x"},
        ),
        ("{labels: {a: 1, b: }}", {"labels.a": "1", "labels.b": ""}),
        ("{labels: [a=1, b]}", {"labels.a": "1", "labels.b": ""}),
        (f"{{driver_opts: {{o: '{CIFS}', token: x}}}}", {
            "driver_opts.o": MASKED, "driver_opts.token": "(value hidden)",
        }),
    ],
)  # fmt: skip
def test_every_form_of_compose_is_read(body: str, found: Settings) -> None:
    assert settings(body) == found


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{external: true, driver: nfs}", "'driver' is set together with external: true"),
        ("{external: true, labels: {a: b}}", "'labels' is set together with external: true"),
        ("{labels: {netplan.topology: b}}", "'netplan.topology' is reserved"),
        ("{labels: [a=1, a=2]}", "the label 'a' is declared twice"),
        ("{driver_opts: [a]}", "driver_opts"),
        ("{}, w: {}", "'w' cannot be the name of a volume"),
    ],
)
def test_what_cannot_be_is_reported(body: str, why: str) -> None:
    with pytest.raises(InputError) as caught:
        settings(body)
    assert any(why in str(problem) for problem in caught.value.problems)


# --- the engine's JSON ----------------------------------------------------------------------------


def test_what_is_sent_is_read_back_and_a_copy_is_not_ours() -> None:
    wanted = load(
        f"volumes: {{vv: {{driver: d, driver_opts: {{o: '{CIFS}'}}, labels: {{a: b}}}}}}"
    ).volumes["vv"]
    mark = VolumeMark("t", digests(wanted.settings), Origin("host", "/lab"))
    body = volume_body("vv", wanted.settings, mark, wanted.secrets)
    assert body["DriverOpts"] == {"o": CIFS}
    raw = {"Name": "vv", "Driver": "d", "Options": body["DriverOpts"], "Labels": body["Labels"]}
    assert read_volume(raw) == ObservedVolume("vv", wanted.settings, mark)
    assert read_volume(raw | {"Name": "w"}).mark is None
    assert "password" not in json.dumps(body["Labels"])
    bare = {"Name": "vv", "Driver": "local", "Options": None, "Labels": None}
    assert read_volume(bare) == ObservedVolume("vv")


def test_neither_anonymous_ones_nor_netplans_own_are_listed() -> None:
    raw = [
        {"Name": "data"},
        {"Name": "0" * 64},
        {"Name": "netplan.lock.1", "Labels": {"netplan.kind": "lock"}},
    ]
    mounts = [{"Type": "volume", "Name": "data"}, {"Type": "bind"}, "odd"]
    containers = [{"Id": "c", "Mounts": mounts}, {"Id": "d"}]
    assert volumes_listed(raw, containers) == {"data": ObservedVolume("data", users=("c",))}


def test_a_snapshot_holds_them() -> None:
    state = ObservedState(volumes={"vv": ours("vv", {"driver_opts.o": "x"}, users=("c",))})
    value = snapshot_json(state)
    jsonschema.validate(value, SNAPSHOT)
    assert state_from_snapshot(json.loads(json.dumps(value))) == state
    assert state_from_snapshot(snapshot_json(ObservedState())).volumes is None


# --- planning -------------------------------------------------------------------------------------

FILE = (
    "volumes: {data: {labels: {a: b}}, mem: {driver_opts: {type: tmpfs}}, old: {external: true}}",
    "containers: {web: {image: app, volumes: [data:/a, mem:/b, old:/c, loose:/d]}}",
)


def test_they_are_created_before_what_mounts_them() -> None:
    made = planned(load(*FILE), ObservedVolume("old"))
    assert steps(made) == [
        ("create volume data", ()),
        ("create volume mem", ()),
        ("create container web", (1, 2)),
        ("start web", (3,)),
    ]
    assert made.steps[1].settings == {"driver_opts.type": "tmpfs"}
    assert not made.destructive
    assert plan_json(made)["volumes"] == {"create": 2, "remove": 0}
    text = render_text(made)
    assert "+ volume data  declared, does not exist" in text
    assert "Plan: volumes: 2 to create; containers: 1 to create." in text
    scope = scope_of(load(*FILE), ObservedState(), made, ())
    assert {"volume data", "volume mem"} <= scope.changes
    assert "volume old" in scope.uses


def test_nothing_is_done_where_they_exist() -> None:
    there = [ours("data", {"labels.a": "b"}), ours("mem", {"driver_opts.type": "tmpfs"})]
    only = load(FILE[0])
    made = planned(only, *there, ObservedVolume("old"))
    assert made.empty
    assert made.applyable
    assert not made.notes
    assert "volumes" not in plan_json(made)
    assert not plan(only, applied(only)).steps


WAY = "a volume cannot be changed without losing what it holds"


@pytest.mark.parametrize(
    ("present", "refused", "note"),
    [
        (ours("vv", {"driver_opts.type": "nfs"}), "driver_opts.type is nfs, not tmpfs", ""),
        (ObservedVolume("vv"), "driver_opts.type is not set, not tmpfs", ""),
        (
            ours("vv", {"driver": "d", "driver_opts.type": "tmpfs"}),
            "driver is d, not local",
            "",
        ),
        (
            ours("vv", {"driver_opts.type": "tmpfs", "labels.b": "1"}),
            "",
            "volume vv keeps the labels that it was created with: labels.b is 1, and no longer"
            " declared",
        ),
        (
            ObservedVolume("vv", {"driver_opts.type": "tmpfs", "labels.b": "1"}),
            "",
            "volume vv was not created by netplan: it is used as it is, and never removed; declare"
            " it external: true",
        ),
        (
            ours("vv", {"driver_opts.type": "tmpfs"}, "other"),
            "",
            "volume vv belongs to topology 'other': it is used as it is, and never removed; declare"
            " it external: true",
        ),
    ],
)
def test_one_that_differs(present: ObservedVolume, refused: str, note: str) -> None:
    made = planned(load("volumes: {vv: {driver_opts: {type: tmpfs}}}"), present)
    assert made.empty
    assert [refusal.message for refusal in made.refusals] == (
        [f"volume vv is not as declared: {refused}"] if refused else []
    )
    assert all(r.unsafe and r.way_out.startswith(WAY) for r in made.refusals)
    assert made.notes == ((note,) if note else ())


def test_an_option_that_is_no_longer_declared_is_refused() -> None:
    made = planned(load("volumes: {vv: }"), ours("vv", {"driver_opts.type": "nfs"}))
    assert "driver_opts.type is nfs, and no longer declared" in made.refusals[0].message


def test_of_a_snapshot_that_knows_nothing_of_volumes_nothing_is_planned() -> None:
    made = plan(load("volumes: {vv: }"), ObservedState())
    assert made.empty
    assert "nothing is known of volumes" in made.notes[0]


def container(name: str, topology: str = "t") -> ObservedContainer:
    return ObservedContainer(f"{name}-id", name, "exited", mark=ContainerMark(topology))


def test_one_that_is_not_declared_is_left_and_told_of() -> None:
    made = planned(load("networks: {}"), ours("a"), ours("b"), ours("c", topology="u"))
    assert made.empty
    assert made.notes == (
        "volumes a, b are no longer declared, and left, as they hold data: docker volume rm a b"
        " removes them",
    )


def destroyed(*volumes: ObservedVolume, remove: bool = True, file: str = "volumes: {}") -> Plan:
    policy = Policy(destroyed=load(file), volumes=remove, replaces=frozenset({"t"}))
    containers = (container("app", "u"), container("web"))
    return planned(DesiredState("t"), *volumes, policy=policy, containers=containers)


def test_destroy_leaves_them_unless_it_is_told_to_remove_them() -> None:
    mounted, shared = ours("aa", users=("web-id",)), ours("bb", users=("app-id", "web-id"))
    made = destroyed(mounted, shared, remove=False)
    assert steps(made) == [("remove container web", ())]
    assert made.notes == (
        "volumes aa, bb are left, as they hold data: destroy --volumes removes them, or docker"
        " volume rm aa bb",
    )
    made = destroyed(mounted, shared, ours("c", topology="u"), ObservedVolume("d"))
    assert steps(made) == [("remove container web", ()), ("remove volume aa", (1,))]
    assert made.destructive
    assert "volume bb is left: mounted by app, which stays" in made.notes
    assert "all that it holds is lost" in render_text(made)
    external = destroyed(mounted, file="volumes: {aa: {external: true}}")
    assert "volume aa is left: the file declares it external" in external.notes


def test_a_part_has_the_volumes_that_it_needs() -> None:
    desired = load(
        "volumes: {aa: , bb: , cc: }",
        "containers: {web: {image: app, volumes: [aa:/a]}, db: {image: app, volumes: [bb:/b]}}",
    )
    made = planned(desired, policy=Policy(only=frozenset({"web"})))
    assert [text for text, _ in steps(made)][:2] == ["create volume aa", "create container web"]
    assert len(made.steps) == 3
    made = planned(desired, policy=Policy(only=frozenset({"cc"})))
    assert steps(made) == [("create volume cc", ())]
    assert made.only == ("cc",)


def test_what_cannot_be_is_left_out_with_what_mounts_it() -> None:
    desired = load(
        "volumes: {aa: {driver: x}, bb: }",
        "containers: {web: {image: app, volumes: [aa:/a]}, db: {image: app, volumes: [bb:/b]}}",
    )
    made = planned(desired, ours("aa"), policy=Policy(keep_going=True))
    assert made.applyable
    assert [text for text, _ in steps(made)] == [
        "create volume bb",
        "create container db",
        "start db",
    ]
    assert [one.why for one in made.left_out] == [
        "is not as declared: driver is local, not x",
        "needs volume aa",
    ]
    assert plan_json(made)["left_out"][0]["resource"] == {"kind": "volume", "name": "aa"}


def test_one_that_another_file_makes_is_expected() -> None:
    maker, user = load("volumes: {aa: }"), load("volumes: {aa: {external: true}}")
    needs = made_by_others(user, [maker, user])
    assert needs == {("volume", "aa"): "t"}
    seen = expected(ObservedState(volumes={}), needs, [maker])
    assert set(seen.volumes or ()) == {"aa"}


def test_topologies_that_mount_anothers_volume_go_first() -> None:
    observed = ObservedState(
        containers=(container("web", "b"),),
        volumes={"vv": ours("vv", topology="a", users=("web-id",))},
    )
    assert removal_order(observed, ["a", "b"]) == ["b", "a"]


# --- secrets --------------------------------------------------------------------------------------


def test_a_password_is_nowhere_but_in_what_is_sent() -> None:
    desired = load(f"volumes: {{vv: {{driver_opts: {{o: '{CIFS}'}}}}}}")
    made = planned(desired)
    assert made.steps[0].secrets == {"driver_opts.o": CIFS}
    assert has_secrets(desired)
    shown = f"{made!r} {render_text(made)} {json.dumps(plan_json(made))} {desired!r}"
    assert "password=b" not in shown
    assert MASKED in shown

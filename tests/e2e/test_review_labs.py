"""Plans of labs made elsewhere are the engine's own: from its snapshot, and from one file to
another without it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from .cli import Cli, Result, run
from .test_converge import at
from .test_output import valid

NOWHERE = "unix:///nowhere/docker.sock"
FORMS = ("text", "json", "markdown")
SECRET = "hunter2-hunter2"
Body = dict[str, Any]


class Writer:
    """Writes files of labs; `subnets` are free ones, `port` a free port of the machine's."""

    def __init__(self, cli: Cli) -> None:
        self.cli, self.image = cli, cli.docker.image
        self.subnets = [cli.docker.subnet() for _ in range(3)]
        self.port = (
            20000
            + int(self.subnets[0].split(".")[2]) * 20
            + int(self.subnets[0].split(".")[1]) % 20
        )

    def runs(self, **more: Any) -> Body:
        return {
            "image": self.image,
            "command": ["sleep", "3600"],
            "stop_grace_period": "0s",
            **more,
        }

    def shares(self, short: str) -> str:
        return f"container:{self.cli.docker.name(short)}"

    def every_kind(self) -> tuple[Mapping[str, Any], dict[str, Body]]:
        """Every mode, a dependency, one that has ended, secrets, a port, an anonymous volume."""
        health = {"test": ["CMD", "true"], "interval": "1s"}
        return {"n": {"subnet": self.subnets[0]}, "m": {"subnet": self.subnets[1]}}, {
            "web": self.runs(
                networks={
                    "n": {"aliases": ["www"], "ipv4_address": at(self.subnets[0], 9)},
                    "m": None,
                },
                environment={"PASSWORD": SECRET},
                ports=[f"127.0.0.1:{self.port}:80"],
                volumes=["/data"],
                labels={"team": "net"},
                healthcheck=health,
            ),
            "app": self.runs(networks=["n"], depends_on={"web": "service_healthy"}, hostname="app"),
            "once": {"image": self.image, "command": ["true"], "one_shot": True, "networks": ["n"]},
            "side": self.runs(network_mode=self.shares("web")),
            "plain": self.runs(network_mode="bridge"),
            "alone": self.runs(network_mode="none"),
            "open": self.runs(network_mode="host"),
        }


@pytest.fixture
def writer(cli: Cli) -> Writer:
    return Writer(cli)


def test_a_plan_of_a_lab_from_a_snapshot_is_the_engines_to_the_byte(
    cli: Cli, writer: Writer
) -> None:
    networks, containers = writer.every_kind()
    cli.write(networks, containers)
    cli.apply()
    _same_from_snapshot(cli, code=0)
    cli.docker.do("POST", f"/containers/{cli.docker.name('app')}/kill")
    cli.docker.disconnect(cli.docker.name("m"), cli.docker.name("web"))
    containers["web"] |= {
        "environment": {"PASSWORD": f"{SECRET}-2"},
        "restart": "always",
        "labels": {},
    }
    containers["open"] |= {"image": "netplan-test/missing:1"}
    containers["alone"] |= {"network_mode": "host"}
    containers["plain"] |= {"mem_limit": "64m"}
    del containers["once"]
    cli.write(
        {**networks, "m": {"subnet": writer.subnets[2]}},
        {**containers, "new": writer.runs(networks=["m"])},
    )
    _same_from_snapshot(cli, code=0)
    plan = cli.plan("-o", "json").json()
    assert any(change["resource"]["kind"] == "image" for change in plan["changes"])


def test_a_snapshot_that_was_taken_for_a_file_knows_what_registries_said(
    cli: Cli, writer: Writer
) -> None:
    """Here that no registry answers, which refuses; one that was taken for none does not know it,
    and says so.
    """
    cli.write({}, {"c": writer.runs(network_mode="none", pull_policy="always")})
    live = cli.plan("-o", "json", code=1)
    assert valid("plan", live.out)["refusals"]
    state = cli.run("snapshot", str(cli.file)).out
    assert valid("snapshot", state)["images"][writer.image]["asked"] is True
    assert (
        run(
            "plan", str(cli.file), "--state", "-", "-o", "json", host=NOWHERE, stdin=state, code=1
        ).out
        == live.out
    )
    unasked = run(
        "plan",
        str(cli.file),
        "--state",
        "-",
        "-o",
        "json",
        host=NOWHERE,
        stdin=cli.run("snapshot").out,
    ).json()
    assert unasked["notes"] == [
        f"the registry of image {writer.image} was not queried: apply checks for a newer image"
    ]


def test_a_snapshot_holds_the_images_by_name_and_no_secret(cli: Cli, writer: Writer) -> None:
    cli.write(*writer.every_kind())
    cli.apply()
    result = cli.run("snapshot", "-v")
    state = valid("snapshot", result.out)
    assert SECRET not in result.said
    id = state["images"][writer.image]["id"]
    assert state["images"][id]["platform"].startswith("linux/")
    paths = [path for _, path in result.calls if "/images/" in path]
    assert len([path for path in paths if path.endswith("/images/json")]) == 1
    assert len(paths) <= 1 + len(
        {container["image_id"] for container in state["containers"] if "mark" in container}
    )
    for form in FORMS:
        assert SECRET not in cli.plan("-o", form, "-v").said


def _same_from_snapshot(cli: Cli, code: int) -> None:
    state = cli.run("snapshot").out
    valid("snapshot", state)
    for form in FORMS:
        live = cli.plan("-o", form, code=code)
        again = run(
            "plan", str(cli.file), "--state", "-", "-o", form, host=NOWHERE, stdin=state, code=code
        )
        assert again.out == live.out
        assert again.calls == []


# --- from one file to another ---------------------------------------------------------------------

Lab = tuple[dict[str, Any], dict[str, Body]]


def _base(writer: Writer) -> Lab:
    static = {"n": {"ipv4_address": at(writer.subnets[0], 9), "aliases": ["www"]}}
    return {"n": {"subnet": writer.subnets[0]}, "m": {"subnet": writer.subnets[1]}}, {
        "a": writer.runs(networks=static, labels={"team": "net"}),
        "b": writer.runs(networks=["n"], restart="no", ports=[f"127.0.0.1:{writer.port}:80"]),
        "side": writer.runs(network_mode=writer.shares("a")),
        "once": {
            "image": writer.image,
            "command": ["true"],
            "one_shot": True,
            "network_mode": "none",
        },
    }


def _changed(**bodies: Body) -> Callable[[Writer, Lab], None]:
    def change(_: Writer, lab: Lab) -> None:
        for name, body in bodies.items():
            lab[1][name] |= body

    return change


def _removed(_: Writer, lab: Lab) -> None:
    del lab[1]["b"]


def _replaced(writer: Writer, lab: Lab) -> None:
    lab[0]["n"] = {"subnet": writer.subnets[2]}
    lab[1]["a"]["networks"] = {"n": {"ipv4_address": at(writer.subnets[2], 9), "aliases": ["www"]}}


def _added(_: Writer, lab: Lab) -> None:
    lab[1]["b"]["networks"] = ["n", "m"]


def _moved(_: Writer, lab: Lab) -> None:
    lab[1]["b"] = {
        key: body for key, body in lab[1]["b"].items() if key not in ("networks", "ports")
    } | {"network_mode": "host"}


def _other_port(writer: Writer, lab: Lab) -> None:
    lab[1]["b"]["ports"] = [f"127.0.0.1:{writer.port + 1}:80"]


CHANGES: dict[str, Callable[[Writer, Lab], None]] = {
    "nothing": _changed(),
    "recreated, and who shares its network": _changed(
        a={"hostname": "other", "environment": {"KEY": SECRET}}
    ),
    "updated in place": _changed(b={"restart": "always", "mem_limit": "64m"}),
    "a label no longer declared": _changed(a={"labels": {}}),
    "a network replaced": _replaced,
    "a container removed": _removed,
    "an attachment added": _added,
    "another mode": _moved,
    "another image": _changed(b={"image": "netplan-test/missing:1"}),
    "another port": _other_port,
    "meant to end no more": _changed(once={"command": ["sleep", "9"], "one_shot": False}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_diff_says_of_a_lab_what_the_engine_would_say(cli: Cli, writer: Writer, what: str) -> None:
    lab = _base(writer)
    old = cli.write(*lab, file="old.yaml")
    cli.run("apply", str(old), "--yes")
    CHANGES[what](writer, lab)
    cli.write(*lab)
    live = cli.plan("-o", "json")
    simulated = run("diff", str(old), str(cli.file), "-o", "json", host=NOWHERE)
    valid("plan", live.out)
    assert valid("plan", simulated.out)["applyable"] is True
    assert _essence(simulated) == _essence(live)
    assert SECRET not in live.said + simulated.said


def _essence(result: Result) -> tuple[list[Any], list[Any], list[str]]:
    """What is changed, why and by which steps; IDs are made up where there is no engine."""
    plan = json.loads(re.sub(r"\b(?!0{12})[0-9a-f]{12}\b", "ID", result.out))
    changes = [
        (
            change["actions"],
            change["resource"],
            change["after"],
            change["reason"],
            change["interrupts"],
        )
        for change in plan["changes"]
    ]
    steps = [
        (step["op"], *_target(step), step["depends_on"], step["follows"]) for step in plan["steps"]
    ]
    return changes, steps, plan["interrupts"]


def _target(step: Mapping[str, Any]) -> list[Any]:
    return [step["target"].get(key) for key in ("network", "container", "image", "name")]

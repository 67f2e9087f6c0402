"""Plans made elsewhere are the engine's own: from its snapshot, and from one file to another
without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from .cli import Cli, Result, run
from .test_converge import at
from .test_output import valid

NOWHERE = "unix:///nowhere/docker.sock"
FORMS = ("text", "json", "markdown")


@pytest.fixture
def drifted(cli: Cli) -> Cli:
    """Something of every kind is to be done: a network replaced, one made, endpoints connected,
    amended, drifted, foreign ones noted.
    """
    one, other = cli.docker.subnet(), cli.docker.subnet()
    for name in ("c", "d", "foreign"):
        cli.docker.container(name)
    cli.converge(
        {"n": {"subnet": one}, "gone": {}},
        {"c": {"networks": {"n": {"aliases": ["web"]}}}, "d": {"networks": ["n", "gone"]}},
    )
    cli.docker.disconnect(cli.docker.name("n"), cli.docker.name("d"))
    cli.docker.connect(cli.docker.name("n"), cli.docker.name("foreign"), Aliases=["x|y`z"])
    cli.write(
        {"n": {"subnet": other}, "new": {}},
        {"c": {"networks": {"n": {"ipv4_address": at(other, 9)}}}, "d": {"networks": ["n", "new"]}},
    )
    return cli


@pytest.mark.parametrize("options", [(), ("--disrupt-foreign",)])
def test_a_plan_from_a_snapshot_is_the_engines_to_the_byte(
    drifted: Cli, options: tuple[str, ...]
) -> None:
    state = drifted.run("snapshot").out
    for form in FORMS:
        live = drifted.plan("-o", form, *options, code=0 if options else 3)
        again = run(
            "plan",
            str(drifted.file),
            "--state",
            "-",
            "-o",
            form,
            *options,
            host=NOWHERE,
            stdin=state,
            code=live.code,
        )
        assert again.out == live.out
        assert again.calls == []


def test_a_folder_is_planned_against_the_engine(drifted: Cli) -> None:
    drifted.write(
        {"n": {"external": True}},
        {"foreign": {"networks": ["n"]}},
        name=drifted.docker.name("other"),
        file="other.yaml",
    )
    folder = str(drifted.file.parent)
    done = drifted.run("plan", folder, "-o", "json", code=3)
    value = valid("plans", done.out)
    assert [one["verdict"] for one in value["summary"]] == ["refused", "as declared"]  # type: ignore[attr-defined]
    state = drifted.run("snapshot").out
    assert (
        run("plan", folder, "--state", "-", "-o", "json", host=NOWHERE, stdin=state, code=3).out
        == done.out
    )


def test_apply_shows_its_plan_as_markdown(cli: Cli) -> None:
    cli.docker.container("c")
    cli.write({"n": {"subnet": cli.docker.subnet()}}, {"c": {"networks": ["n"]}})
    planned = cli.plan("-o", "markdown").out
    applied = cli.run("apply", str(cli.file), "-o", "markdown").out
    assert applied.startswith(planned)
    assert applied.removeprefix(planned).startswith(
        "\n```\nDone: 1 network created, 1 endpoint connected in "
    )
    assert f"netplan apply {cli.file}\n" in planned


def test_a_snapshot_holds_no_secret(cli: Cli) -> None:
    """Values that a container is given in its environment, its command and as a label are not in
    what netplan prints of it.
    """
    secret = "hunter2-hunter2"
    cli.docker.container(
        "c", Env=[f"PASSWORD={secret}"], Labels={"password": secret}, Cmd=["sleep", "3600", secret]
    )
    cli.write({"n": {"subnet": cli.docker.subnet()}}, {"c": {"networks": ["n"]}})
    for command in (
        ["snapshot"],
        ["plan", str(cli.file), "-o", "json"],
        ["plan", str(cli.file), "-o", "markdown"],
        ["show", "-o", "json"],
    ):
        assert secret not in cli.run(*command, "-v").said


PAIRS: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "a subnet": ({"n": {"subnet": 0}}, {"n": {"subnet": 1}}),
    "an option": (
        {"n": {"subnet": 0}},
        {"n": {"subnet": 0, "internal": True, "labels": {"team": "net"}}},
    ),
    "a network more, one less": (
        {"n": {"subnet": 0}, "old": {"subnet": 1}},
        {"n": {"subnet": 0}, "new": {"subnet": 2}},
    ),
    "nothing": ({"n": {"subnet": 0, "mtu": 1400}}, {"n": {"subnet": 0, "mtu": 1400}}),
    "another gateway": ({"n": {"subnet": 0}}, {"n": {"subnet": 0, "gateway": 99}}),
}


@pytest.mark.parametrize("what", PAIRS)
def test_diff_says_what_the_engine_would_say(cli: Cli, what: str) -> None:
    """The simulated engine against the real one: the same resources change in the same way by the
    same steps.
    """
    subnets = [cli.docker.subnet() for _ in range(3)]
    before, after = (
        {name: _filled(body, subnets) for name, body in networks.items()}
        for networks in PAIRS[what]
    )
    for name in ("c", "d"):
        cli.docker.container(name)
    old = cli.write(before, _members(before, subnets), file="old.yaml")
    cli.run("apply", str(old), "--yes")
    cli.write(after, _members(after, subnets))
    live = cli.plan("-o", "json")
    simulated = run("diff", str(old), str(cli.file), "-o", "json", host=NOWHERE)
    assert _essence(simulated) == _essence(live)
    assert valid("plan", simulated.out)["applyable"] is True


def _filled(body: Mapping[str, Any], subnets: list[str]) -> dict[str, Any]:
    subnet = subnets[body["subnet"]]
    return {
        **body,
        "subnet": subnet,
        **({"gateway": at(subnet, body["gateway"])} if "gateway" in body else {}),
    }


def _members(networks: Mapping[str, Any], subnets: list[str]) -> dict[str, Any]:
    """c is on all with an alias and a static address, d on the first with nothing."""
    first = next(iter(networks))
    settings = {
        name: {"aliases": ["web"], "ipv4_address": at(body["subnet"], 40)}
        for name, body in networks.items()
    }
    return {"c": {"networks": settings}, "d": {"networks": [first]}}


def _essence(result: Result) -> tuple[list[Any], list[Any], list[str]]:
    plan = json.loads(result.out)
    changes = [
        (change["actions"], change["resource"], change["after"], change["reason"])
        for change in plan["changes"]
    ]
    steps = [
        (step["op"], step["target"]["network"], step["target"].get("container"), step["depends_on"])
        for step in plan["steps"]
    ]
    return changes, steps, plan["interrupts"]


def test_a_folder_is_applied_reset_and_destroyed_with_one_document(cli: Cli) -> None:
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    cli.write(
        {"m": {"subnet": cli.docker.subnet()}}, name=cli.docker.name("other"), file="other.yaml"
    )
    folder = str(cli.file.parent)
    for command in ("apply", "reset", "destroy"):
        value = valid("reports", cli.run(command, folder, "--yes", "-o", "json").out)
        assert [report["converged"] for report in value["reports"]] == [True, True]  # type: ignore[attr-defined]
    valid("report", cli.apply("-o", "json").out)


def test_a_folder_is_applied_in_the_order_of_what_its_files_need(cli: Cli) -> None:
    """The file that uses a network comes first in the folder, and is applied after the one that
    makes it; destroyed before it.
    """
    subnet, folder = cli.docker.subnet(), str(cli.file.parent)
    cli.docker.container("web")
    cli.write(
        {"n": {"external": True}},
        {"web": {"networks": {"n": {"ipv4_address": subnet.replace(".0/24", ".9")}}}},
        file="a.yaml",
    )
    cli.write({"n": {"subnet": subnet}}, name=cli.docker.name("maker"), file="b.yaml")
    planned = cli.run("plan", folder, "--exit-code", code=2).out
    assert (
        f"network {cli.docker.name('n')} does not exist yet: topology {cli.docker.name('maker')}"
        " creates it" in planned
    )
    cli.run("apply", folder)
    assert "2 topologies: 2 as declared." in cli.run("plan", folder, "--exit-code").out
    cli.run("destroy", folder, "--yes")
    assert not cli.exists("n")


def test_a_folder_that_contradicts_itself_is_not_applied(cli: Cli) -> None:
    """Neither file: one would undo the other."""
    folder = str(cli.file.parent)
    for file, network in (("a.yaml", "n"), ("b.yaml", "m")):
        cli.write({network: {"subnet": cli.docker.subnet()}}, file=file)
    for command in ("apply", "reset"):
        refused = cli.run(command, folder, "--yes", code=3)
        assert "these files conflict with each other: nothing was done" in refused.err
        assert "b.yaml:1: topology" in refused.err
    for form in ("json", "markdown", "text"):
        assert "error: topology" in cli.run("plan", folder, "-o", form, code=3).err
    assert not cli.exists("n")

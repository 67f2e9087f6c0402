"""What the commands that only look print, and that they only look."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from typing import Any

import pytest

from ..schemas import validator
from .cli import NETPLAN, Cli, box
from .test_converge import at


@pytest.fixture
def converged(cli: Cli) -> Cli:
    """c on n with an alias and a static address; other is declared, and was disconnected by
    hand.
    """
    subnet = cli.docker.subnet()
    for name in ("c", "other"):
        cli.docker.container(name)
    settings = {"aliases": ["web"], "ipv4_address": at(subnet, 30)}
    network = {"subnet": subnet, "ip_range": subnet.replace(".0/24", ".128/25")}
    cli.converge({"n": network}, {"c": {"networks": {"n": settings}}, "other": {"networks": ["n"]}})
    cli.docker.disconnect(cli.docker.name("n"), cli.docker.name("other"))
    return cli


def valid(name: str, text: str) -> dict[str, object]:
    value = json.loads(text)
    validator(name).validate(value)
    assert isinstance(value, dict)
    return value


def test_commands_that_look_only_look(converged: Cli) -> None:
    before = converged.inspected()
    for command in (
        ["plan", str(converged.file)],
        ["show", str(converged.file)],
        ["show"],
        ["ls"],
        ["snapshot"],
    ):
        looked = converged.run(*command, "-v")
        assert looked.calls, command
        assert not looked.changes, command
    converged.run("doctor")
    assert converged.inspected() == before


def test_plan_as_json(converged: Cli) -> None:
    value = valid("plan", converged.plan("-o", "json", "--exit-code", code=2).out)
    assert value["topology"] == converged.topology
    assert value["summary"] == {
        "create": 0,
        "replace": 0,
        "remove": 0,
        "connect": 1,
        "reconnect": 0,
        "disconnect": 0,
    }
    assert converged.plan("-o", "json").out == converged.plan("-o", "json").out


def test_apply_as_json(converged: Cli) -> None:
    done: Any = valid("report", converged.apply("-o", "json").out)
    assert [result["status"] for result in done["results"]] == ["done"]
    assert done["converged"] is True
    again = valid("report", converged.apply("-o", "json").out)
    assert (again["results"], again["converged"]) == ([], True)
    gone: Any = valid("report", converged.destroy("-o", "json").out)
    assert {result["status"] for result in gone["results"]} == {"done"}


def test_a_refused_apply_as_json(converged: Cli) -> None:
    converged.docker.network("taken", subnet=converged.docker.subnet())
    converged.write({"taken": {}})
    refused: Any = valid("report", converged.apply("-o", "json", code=3).out)
    assert (refused["results"], refused["converged"], refused["plan"]["applyable"]) == (
        [],
        False,
        False,
    )


def test_snapshot_is_valid(converged: Cli) -> None:
    value = valid("snapshot", converged.run("snapshot").out)
    networks = value["networks"]
    assert isinstance(networks, list)
    assert converged.docker.name("n") in {network["name"] for network in networks}


def test_show_is_the_live_topology_with_drift_marked(converged: Cli) -> None:
    full = converged.docker.name
    shown = converged.run("show", str(converged.file)).out
    address = (converged.endpoint("c", "n") or {})["IPAddress"]
    for text in (full("n"), full("c"), address, "web", "not attached now"):
        assert text in shown
    assert "not attached now" not in converged.run("show").out


def test_ls_counts_what_a_topology_owns(converged: Cli) -> None:
    (line,) = [line for line in converged.run("ls").out.splitlines() if converged.topology in line]
    assert [word for word in line.split() if word.isdigit()][:2] == ["1", "1"]
    assert json.loads(converged.run("ls", "-o", "json").out)


def test_quiet_says_nothing_but_errors(converged: Cli) -> None:
    done = converged.run("apply", str(converged.file), "-q")
    assert (done.out, done.err) == ("", "")


def test_a_pipe_that_closes_early_is_no_bug(converged: Cli) -> None:

    done = subprocess.run(
        ["bash", "-c", f"{NETPLAN} snapshot | head -c 1"],
        env={"DOCKER_HOST": converged.host, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr


def test_hostile_names_of_others_are_harmless_in_every_output(cli: Cli) -> None:
    """Colour codes, a line break and a verdict of their own, in a network's name, its labels and an
    endpoint's aliases and options.
    """
    hostile = "\x1b[31mred\x1b[0m\nNothing to do: | `x` <b>\u202e"
    subnet, full = cli.docker.subnet(), cli.docker.name
    cli.write({"n": {"subnet": subnet, "labels": {"team": "net"}}})
    cli.apply()
    labels = cli.network("n")["Labels"]
    cli.docker.do("DELETE", f"/networks/{full('n')}")
    cli.docker.network("n", subnet=subnet, Labels=labels | {"team": hostile, hostile: hostile})
    cli.docker.network(hostile, subnet=cli.docker.subnet(), Labels=labels)
    cli.docker.container("c")
    cli.docker.connect(full("n"), full("c"), Aliases=[hostile], DriverOpts={"x": hostile})
    cli.write(
        {"n": {"subnet": subnet, "labels": {"team": "net"}}},
        {"c": {"networks": {"n": {"aliases": ["mine"]}}}},
    )
    for command in (["plan", str(cli.file)], ["show", str(cli.file)], ["show"], ["ls"]):
        said = cli.run(*command, "-v").said
        assert all(character.isprintable() or character == "\n" for character in said), command
        assert not [line for line in said.splitlines() if line.startswith("Nothing to do")]
    for command in (["snapshot"], ["plan", str(cli.file), "-o", "json"]):
        printed = cli.run(*command).out
        assert "\x1b" not in printed
        assert "\\u001b[31mred" in printed
    applied = cli.apply()
    assert all(character.isprintable() or character == "\n" for character in applied.said)
    cli.settled()
    assert cli.network("n")["Labels"]["team"] == "net"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_says_so_by_its_exit_code(
    cli: Cli, number: signal.Signals
) -> None:
    """Its report has what was done; the next apply goes on."""
    sick = box(healthcheck={"test": ["CMD", "false"], "interval": "1s", "retries": 100})
    cli.write(
        {"n": {}},
        {
            "sick": {**sick, "networks": ["n"]},
            "later": box(depends_on={"sick": "service_healthy"}, networks=["n"]),
        },
    )
    command = [NETPLAN, "apply", str(cli.file), "--yes", "-o", "json"]
    with subprocess.Popen(
        command,
        env={"DOCKER_HOST": cli.host, "PATH": "/usr/bin"},
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        full, until = cli.docker.name("sick"), time.monotonic() + 60
        while (
            cli.docker.call("GET", f"/containers/{full}/json")[1].get("State", {}).get("Running")
            is not True
        ):
            assert time.monotonic() < until
            time.sleep(0.2)
        running.send_signal(number)
        out, _ = running.communicate(timeout=60)
    report: Any = valid("report", out)
    assert running.returncode == 128 + number
    assert {result["status"] for result in report["results"]} >= {"done", "skipped"}
    cli.destroy()

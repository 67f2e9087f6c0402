"""Containers that wait for each other, that are meant to end, and that end though they should
not.
"""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from typing import Any

from .cli import NETPLAN, Cli, box

READY = {"test": ["CMD", "cat", "/tmp/ready"], "interval": "1s", "timeout": "1s", "retries": 3}


def started_at(cli: Cli, short: str) -> str:
    return str(cli.docker.inspect(cli.docker.name(short))["State"]["StartedAt"])


def finished_at(cli: Cli, short: str) -> str:
    return str(cli.docker.inspect(cli.docker.name(short))["State"]["FinishedAt"])


def test_started_in_the_order_of_dependence(cli: Cli) -> None:
    chain = {
        "a1": box(depends_on={"b1": "service_started"}),
        "b1": box(depends_on={"c1": "service_started"}),
        "c1": box(),
    }
    cli.converge({}, chain)
    assert started_at(cli, "c1") < started_at(cli, "b1") < started_at(cli, "a1")


def test_waits_until_it_is_healthy(cli: Cli) -> None:
    db = box(
        "sh",
        "-c",
        "sleep 2; echo > /tmp/ready; exec sleep 3600",
        healthcheck=READY | {"retries": 10},
    )
    cli.write({}, {"db": db, "web": box(depends_on={"db": "service_healthy"})})
    result = cli.apply()
    assert "wait until" in result.out
    health = cli.docker.inspect(cli.docker.name("db"))["State"]["Health"]
    assert health["Status"] == "healthy"
    good = next(entry for entry in health["Log"] if entry["ExitCode"] == 0)
    assert started_at(cli, "web")[:19] >= good["Start"].replace("+00:00", "Z")[:19]
    cli.settled()


def test_one_that_never_gets_healthy_is_told(cli: Cli) -> None:
    db = box(
        "sleep",
        "3600",
        healthcheck=READY | {"test": ["CMD-SHELL", "echo not today; exit 1"], "retries": 1},
    )
    cli.write({}, {"db": db, "web": box(depends_on={"db": "service_healthy"})})
    result = cli.apply(code=1)
    assert f"{cli.docker.name('db')} is unhealthy: not today" in result.out
    assert "needs step" in result.out
    assert cli.docker.inspect(cli.docker.name("web"))["State"]["Status"] == "created"


def test_one_without_a_healthcheck_is_told(cli: Cli) -> None:
    cli.write({}, {"db": box(), "web": box(depends_on={"db": "service_healthy"})})
    result = cli.apply(code=None)
    assert result.code in (1, 4)
    assert "healthcheck" in result.said


def test_waits_until_it_has_ended(cli: Cli) -> None:
    job = box("sh", "-c", "sleep 1", one_shot=True)
    cli.converge({}, {"job": job, "web": box(depends_on={"job": "service_completed_successfully"})})
    assert finished_at(cli, "job") <= started_at(cli, "web")


def test_one_that_fails_stops_what_waits_for_it(cli: Cli) -> None:
    job = box("sh", "-c", "echo first; echo the schema is broken; exit 3", one_shot=True)
    cli.write({}, {"job": job, "web": box(depends_on={"job": "service_completed_successfully"})})
    result = cli.apply(code=1)
    assert f"{cli.docker.name('job')} exited with code 3: the schema is broken" in result.said
    assert cli.docker.inspect(cli.docker.name("web"))["State"]["Status"] == "created"


def test_one_shot_that_ended_well_is_converged(cli: Cli) -> None:
    cli.converge({}, {"job": box("true", one_shot=True)})
    assert cli.docker.inspect(cli.docker.name("job"))["State"]["Status"] == "exited"


CRASH = box("sh", "-c", "echo crash; exit 9", restart="always")
SICK = {
    "test": ["CMD-SHELL", "echo no disk; exit 1"],
    "interval": "100ms",
    "timeout": "1s",
    "retries": 1,
}
NOT_UP: dict[str, tuple[dict[str, Any], str]] = {
    "one-shot": (
        box("sh", "-c", "echo first >&2; echo went wrong >&2; exit 3", one_shot=True),
        "stopped right after start (exit code 3): went wrong",
    ),
    "at-once": (
        box("sh", "-c", "echo no config; exit 7"),
        "stopped right after start (exit code 7): no config",
    ),
    "in-silence": (
        box("true"),
        (
            "stopped right after start (exit code 0) and wrote nothing; if it is meant to exit,"
            " declare one_shot: true"
        ),
    ),
    "later": (
        box("sh", "-c", "sleep 0.6; echo too late; exit 4"),
        "stopped right after start (exit code 4): too late",
    ),
    "member": (
        box("sh", "-c", "exit 5", network_mode="container:two"),
        "stopped right after start (exit code 5)",
    ),
    "sick": (box(healthcheck=SICK), "is unhealthy: no disk"),
    "no-program": (
        box("/no/such/program"),
        "the image has no program /no/such/program: check command and entrypoint",
    ),
}


def test_what_does_not_stay_up_failed_to_start(cli: Cli) -> None:
    """Each with its last line, also where another step failed; what stays up, or is meant to end,
    did start.
    """
    good = {"two": box(), "done": box("true", one_shot=True)}
    cli.write({}, {**{name: body for name, (body, _) in NOT_UP.items()}, "looping": CRASH, **good})
    result = cli.apply("--settle", "1", code=1)
    failed = {
        line.split()[3]: line
        for line in result.out.splitlines()
        if line.strip().startswith("failed") and " start " in line
    }
    assert {cli.docker.name(short) for short in (*NOT_UP, "looping")} == failed.keys(), result.said
    for short, (_, told) in NOT_UP.items():
        assert told in failed[cli.docker.name(short)]
    looping = failed[cli.docker.name("looping")]
    assert "was restarted" in looping
    assert looping.endswith("(exit code 9): crash")
    assert f"failed  start {cli.docker.name('later')}: " in result.err
    assert "not as declared" not in result.said


def test_an_apply_that_starts_nothing_does_not_wait(cli: Cli) -> None:
    cli.converge({}, {name: box() for name in ("a", "b", "c")})
    began = time.monotonic()
    cli.apply("--settle", "60")
    assert time.monotonic() - began < 30


def test_one_that_ends_again_and_again_is_told_by_each_apply(cli: Cli) -> None:
    """Also where nothing is to be done. Between two ends it runs, for a moment that grows rarer."""
    cli.write({}, {"one": CRASH})
    cli.apply(code=None)
    name = cli.docker.name("one")
    for _ in range(20):
        time.sleep(0.5)
        result = cli.apply(code=None)
        if result.code:
            break
    assert f"container {name} keeps restarting (exit code 9): crash" in result.err, result.said
    assert "Nothing to do" in result.out
    for command, told in (
        ("plan", f"container {name} keeps restarting: exit code 9"),
        ("show", "! keeps restarting"),
    ):
        assert any(
            told in cli.run(command, str(cli.file)).out or time.sleep(0.3) for _ in range(20)
        )


def test_ctrl_c_ends_a_wait(cli: Cli) -> None:
    """Within a moment, with a report; the next apply goes on."""
    db = box("sleep", "3600", healthcheck=READY | {"retries": 60})
    cli.write({}, {"db": db, "web": box(depends_on={"db": "service_healthy"})})
    environment = {**os.environ, "DOCKER_HOST": cli.host}
    command = [NETPLAN, "apply", str(cli.file), "--yes"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command,
        env=environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        until = time.monotonic() + 30
        while time.monotonic() < until and not running(cli, "db"):
            time.sleep(0.1)
        time.sleep(0.5)
        began = time.monotonic()
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=30)
    os.close(ours)
    os.close(theirs)
    assert time.monotonic() - began < 5
    assert run.returncode == 130, out + err
    assert "interrupted" in out
    assert "Traceback" not in out + err
    cli.docker.exec(cli.docker.name("db"), "sh", "-c", "echo > /tmp/ready")
    cli.apply()
    cli.settled()
    assert running(cli, "web")


def test_one_file_of_a_folder_that_ends_badly_keeps_no_other_from_its_turn(cli: Cli) -> None:
    cli.write(
        {}, {"bad": box("sh", "-c", "echo no licence; exit 3")}, cli.topology + "a", "topology.yaml"
    )
    cli.write(
        {"n": {"subnet": cli.docker.subnet()}},
        {"good": box(networks=["n"])},
        cli.topology + "b",
        "zz.yaml",
    )
    ended = cli.run("apply", str(cli.file.parent), "--yes", code=1)
    assert (
        f"{cli.docker.name('bad')} stopped right after start (exit code 3): no licence" in ended.out
    )
    assert running(cli, "good")
    report = json.loads(cli.run("apply", str(cli.file.parent), "--yes", "-o", "json", code=1).out)
    assert [one["plan"]["topology"] for one in report["reports"]] == [
        cli.topology + "a",
        cli.topology + "b",
    ]


def running(cli: Cli, short: str) -> bool:
    status, answer = cli.docker.call("GET", f"/containers/{cli.docker.name(short)}/json")
    return status == 200 and bool(answer["State"]["Running"])

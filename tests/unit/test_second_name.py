"""`docker-netplan`, and `docker netplan`: the same program under the names that are not
Ubuntu's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from reconciler import __version__, invocation
from reconciler.arguments import parser
from reconciler.docker_plugin import understood
from reconciler.errors import UsageError

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]
TOPOLOGY = str(ROOT / "topologies/single-bridge.yaml")


def run(*command: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A configuration of the docker command with netplan in its plugin folder."""
    if not shutil.which("docker"):
        pytest.skip("there is no docker command")
    (tmp_path / "cli-plugins").mkdir()
    (tmp_path / "cli-plugins/docker-netplan").symlink_to(BIN / "docker-netplan")
    return str(tmp_path)


def test_the_second_name_is_the_same_program() -> None:
    command = str(BIN / "docker-netplan")
    assert run(command, "--version").stdout == f"netplan {__version__}\n"
    assert (
        run(command, "validate", TOPOLOGY).stdout
        == run(str(BIN / "netplan"), "validate", TOPOLOGY).stdout
    )
    assert run(command, "plan", "--help").stdout.startswith("usage: docker-netplan plan ")
    wrong = run(command, "up", code=4).stderr
    assert "did you mean: docker-netplan apply\n" in wrong
    assert "see docker-netplan --help\n" in wrong
    assert "see docker-netplan plan --help" in run(command, "plan", "--nonsense", code=4).stderr


def test_the_first_name_is_told_where_it_is_called() -> None:
    wrong = run(str(BIN / "netplan"), "up", code=4).stderr
    assert "did you mean: netplan apply\n" in wrong
    assert "docker" not in wrong


def test_the_docker_command_runs_it_as_a_plugin(config: str) -> None:
    plugins = json.loads(
        run(
            "docker",
            "info",
            "--format",
            "{{json .ClientInfo.Plugins}}",
            DOCKER_CONFIG=config,
            code=0,
        ).stdout
    )
    assert [(p["Name"], p["Version"], p.get("Err")) for p in plugins if p["Name"] == "netplan"] == [
        ("netplan", __version__, None)
    ]
    assert (
        "docker netplan"
        not in run("docker", "netplan", "validate", TOPOLOGY, DOCKER_CONFIG=config).stderr
    )
    assert run("docker", "netplan", "plan", "--help", DOCKER_CONFIG=config).stdout.startswith(
        "usage: docker netplan plan "
    )
    assert (
        "usage: docker netplan [-h]"
        in run("docker", "help", "netplan", DOCKER_CONFIG=config).stdout
    )
    assert (
        "did you mean: docker netplan apply"
        in run("docker", "netplan", "up", DOCKER_CONFIG=config, code=4).stderr
    )


def test_the_engine_of_the_docker_command_is_its_engine_too(config: str) -> None:
    done = run(
        "docker", "-H", "unix:///nowhere/docker.sock", "netplan", "ls", DOCKER_CONFIG=config, code=1
    )
    assert "/nowhere/docker.sock" in done.stderr


CASES: list[tuple[Sequence[str], str, Sequence[str], dict[str, str]]] = [
    (["plan", "-o", "json"], "docker-netplan", ["plan", "-o", "json"], {}),
    ([], "docker-netplan", [], {}),
    (["--version"], "docker-netplan", ["--version"], {}),
    (["netplan"], "docker netplan", [], {}),
    (["netplan", "plan", "-H", "x"], "docker netplan", ["plan", "-H", "x"], {}),
    (["-H", "tcp://a:1", "netplan", "ls"], "docker netplan", ["ls"], {"DOCKER_HOST": "tcp://a:1"}),
    (["-Htcp://a:1", "netplan", "ls"], "docker netplan", ["ls"], {"DOCKER_HOST": "tcp://a:1"}),
    (["--host=tcp://a:1", "netplan", "ls"], "docker netplan", ["ls"], {"DOCKER_HOST": "tcp://a:1"}),
    (
        ["--context", "lab", "-D", "netplan", "ls"],
        "docker netplan",
        ["ls"],
        {"DOCKER_CONTEXT": "lab"},
    ),
    (["--config", "/c", "-l", "debug", "netplan"], "docker netplan", [], {"DOCKER_CONFIG": "/c"}),
    (["help", "netplan", "plan"], "docker netplan", ["plan", "--help"], {}),
]


@pytest.mark.parametrize(("given", "name", "arguments", "env"), CASES)
def test_what_the_docker_command_hands_over(
    given: Sequence[str], name: str, arguments: Sequence[str], env: dict[str, str]
) -> None:
    found: dict[str, str] = {}
    assert understood(given, found) == (name, [*arguments])
    assert found == env


def test_the_last_choice_of_an_engine_counts() -> None:
    env = {"DOCKER_HOST": "tcp://a:1"}
    understood(["-c", "lab", "netplan", "ls"], env)
    assert env == {"DOCKER_CONTEXT": "lab"}


def test_what_cannot_be_handed_over_is_refused() -> None:
    with pytest.raises(UsageError, match="netplan cannot use docker's option --tlscacert"):
        understood(["--tlscacert=/ca.pem", "netplan", "ls"], {})


def test_every_command_is_renamed_in_hints() -> None:
    [commands] = [action.choices for action in parser()._actions if action.dest == "command"]
    assert commands
    assert {*commands} <= {*invocation.COMMANDS}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "run netplan plan x, then netplan destroy --name y",
            "run docker netplan plan x, then docker netplan destroy --name y",
        ),
        ("a bug in netplan: netplan: topology x", "a bug in netplan: netplan: topology x"),
        (
            "another netplan at work; see docker netplan apply --help",
            "another netplan at work; see docker netplan apply --help",
        ),
        ("docker-netplan show, netplan planned", "docker-netplan show, netplan planned"),
    ],
)
def test_only_commands_are_renamed(text: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert invocation.renamed(text) == text
    monkeypatch.setattr(invocation, "_called", ["docker netplan"])
    assert invocation.renamed(text) == shown

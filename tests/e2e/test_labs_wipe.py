"""`reset --wipe` empties a whole engine, so it is tested only on engines of the tests' own:
NETPLAN_WIPE_HOSTS, of NETPLAN_TEST_HOSTS.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ..engines import WIPE_HOSTS
from .cli import Cli, box, run_on_terminal, server

NETPLAN_INSIDE = """
import socket, sys
sys.path.insert(0, {checkout!r})
socket.gethostname = lambda: {id!r}
from reconciler.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def _only_there(host: str) -> None:
    if host not in WIPE_HOSTS:
        pytest.skip(
            "this would remove everything on the engine: name it in NETPLAN_WIPE_HOSTS if that"
            " may be"
        )


class Machine:
    """A lab and what others have on the engine."""

    def __init__(self, cli: Cli) -> None:
        self.cli, self.docker = cli, cli.docker
        self.name = str(cli.docker.do("GET", "/info")["Name"])
        cli.converge(
            {"n": {"subnet": cli.docker.subnet()}},
            {"web": server(networks=["n"]), "client": box(networks=["n"])},
        )
        cli.docker.network("theirs", subnet=cli.docker.subnet())
        cli.docker.container("running", cli.docker.name("theirs"))
        cli.docker.container("member", f"container:{cli.docker.name('running')}")
        cli.docker.container("onhost", "host", start=False)
        self.gateway = (
            cli.docker.call(
                "POST", "/networks/create", {"Name": "docker_gwbridge", "CheckDuplicate": True}
            )[0]
            == 201
        )

    def containers(self) -> set[str]:
        return {entry["Names"][0][1:] for entry in self.docker.do("GET", "/containers/json?all=1")}

    def networks(self) -> set[str]:
        return {entry["Name"] for entry in self.docker.do("GET", "/networks")} - {
            "bridge",
            "host",
            "none",
            "ingress",
        }

    def full(self, *short: str) -> set[str]:
        return set(map(self.docker.name, short))

    def is_the_declared(self, *more: str) -> None:
        assert self.containers() == self.full("web", "client") | set(more)
        assert self.networks() - self.full("theirs" if more else "") == self.full("n") | {
            "docker_gwbridge"
        }
        assert (
            self.docker.fetch(self.docker.name("client"), f"http://{self.docker.name('web')}/")
            == "page"
        )


@pytest.fixture
def machine(cli: Cli) -> Machine:
    return Machine(cli)


@pytest.fixture(autouse=True)
def _without_gateway(cli: Cli) -> None:
    cli.docker.call("DELETE", "/networks/docker_gwbridge")


def test_only_the_declared_is_left(machine: Machine) -> None:
    """All others are removed, the engine's own docker_gwbridge stays; the declared is recreated."""
    before = machine.cli.life("web")
    result = machine.cli.run("reset", str(machine.cli.file), "--wipe", "--yes-wipe", machine.name)
    assert "wipe: everything on this engine is removed" in result.out
    machine.is_the_declared()
    assert machine.cli.life("web") != before
    machine.cli.settled()
    machine.docker.do("DELETE", "/networks/docker_gwbridge")


def test_the_engines_name_is_asked_for(machine: Machine) -> None:
    file, before = str(machine.cli.file), machine.cli.inspected()
    for arguments in (["--yes"], ["--yes-wipe", "another"], []):
        refused = machine.cli.run("reset", file, "--wipe", *arguments, code=3)
        assert machine.name in refused.err
        assert machine.cli.inspected() == before
    wrong = run_on_terminal(
        "reset",
        file,
        "--wipe",
        asks="Type its name: ",
        answer="another",
        host=machine.cli.host,
        code=3,
    )
    assert "nothing was changed" in wrong.out
    assert machine.cli.inspected() == before
    run_on_terminal(
        "reset",
        file,
        "--wipe",
        asks="Type its name: ",
        answer=machine.name,
        host=machine.cli.host,
        code=0,
    )
    machine.is_the_declared()
    machine.docker.do("DELETE", "/networks/docker_gwbridge")


def test_the_container_that_netplan_runs_in_is_spared(machine: Machine, tmp_path: Path) -> None:
    """netplan knows it by its host name; it and the network that it is on stay."""
    import subprocess
    import sys

    id = machine.docker.inspect(machine.docker.name("running"))["Id"][:12]
    checkout = str(Path(__file__).parents[2])
    program = tmp_path / "inside.py"
    program.write_text(NETPLAN_INSIDE.format(checkout=checkout, id=id))
    started = machine.cli.life("running")
    command = [
        sys.executable,
        str(program),
        "reset",
        str(machine.cli.file),
        "--wipe",
        "--yes-wipe",
        machine.name,
    ]
    environment = {**os.environ, "DOCKER_HOST": machine.cli.host}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert machine.cli.life("running") == started
    machine.is_the_declared(machine.docker.name("running"))
    machine.docker.do("DELETE", "/networks/docker_gwbridge")

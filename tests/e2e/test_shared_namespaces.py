"""Containers that share the processes or the IPC namespace of another one."""

from __future__ import annotations

from typing import Any

from .cli import Cli, box


def _file(cli: Cli, owner: str = "1") -> dict[str, Any]:
    called, owned = cli.docker.name("called"), f"service:{cli.docker.name('owner')}"
    return {
        "debug": box(pid=owned, network_mode="none"),
        "reader": box(ipc=owned, network_mode="none"),
        "owner": box(
            ipc="shareable",
            network_mode="none",
            container_name=called,
            labels={"version": owner},
        ),
        "outer": box(pid=f"container:{called}", ipc=f"container:{called}", network_mode="none"),
    }


def test_owners_come_first_and_members_follow(cli: Cli) -> None:
    """Found as declared; a new owner brings new members, a restarted one restarts them."""
    members = ("debug", "reader", "outer")
    cli.converge({}, _file(cli))
    owner = cli.docker.inspect(cli.docker.name("called"))
    host = cli.docker.inspect(cli.docker.name("debug"))["HostConfig"]
    assert host["PidMode"] == f"container:{owner['Id']}"

    before = {name: cli.docker.inspect(cli.docker.name(name))["Id"] for name in members}
    cli.converge({}, _file(cli, "2"))
    assert all(cli.docker.inspect(cli.docker.name(name))["Id"] != before[name] for name in members)

    cli.docker.do("POST", f"/containers/{cli.docker.name('called')}/restart?t=0")
    plan = cli.plan("--exit-code", code=2).out
    assert "whose IPC namespace it shares, was restarted" in plan
    assert cli.docker.name("debug") in plan
    assert cli.docker.name("outer") in plan
    cli.converge({}, _file(cli, "2"))

    ends = _file(cli, "2")
    del ends["reader"], ends["outer"], ends["owner"]
    ends["debug"] = box(network_mode="none")
    cli.converge({}, ends)

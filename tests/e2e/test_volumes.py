"""Declared volumes on a real engine: created before the containers that mount them, left by
destroy, removed by destroy --volumes, and those of others used as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import yaml

from .cli import Cli, box


@pytest.fixture(autouse=True)
def no_volumes_left(cli: Cli) -> Iterator[None]:
    yield
    cli.docker.clean_up()
    for volume in cli.docker.do("GET", "/volumes")["Volumes"] or ():
        if volume["Name"].startswith(cli.docker.prefix):
            with suppress(AssertionError):
                cli.docker.call("DELETE", f"/volumes/{volume['Name']}")


def write(cli: Cli, topology: str, volumes: dict[str, Any], **containers: dict[str, Any]) -> None:
    top = {
        "name": topology,
        "volumes": {
            key: (value or {}) | {"name": cli.docker.name(key)} for key, value in volumes.items()
        },
        "containers": {
            cli.docker.name(key): box("sleep", "600", attach=False, **body)
            for key, body in containers.items()
        },
    }
    cli.file.write_text(yaml.safe_dump(top, sort_keys=False), encoding="utf-8")


def found(cli: Cli, key: str) -> dict[str, Any] | None:
    status, body = cli.docker.call("GET", f"/volumes/{cli.docker.name(key)}")
    return body if status == 200 else None


OPTIONS = {"type": "tmpfs", "device": "tmpfs", "o": "size=8m"}
MOUNTS = {"volumes": ["data:/d", "mem:/m:ro"]}


def test_created_kept_and_removed(cli: Cli) -> None:
    mem = {"driver": "local", "driver_opts": OPTIONS, "labels": ["team=net"]}
    write(cli, cli.topology, {"data": None, "mem": mem}, web=MOUNTS)
    planned = cli.plan("-o", "json").json()
    assert planned["volumes"] == {"create": 2, "remove": 0}
    ops = [(step["op"], step["target"]) for step in planned["steps"]]
    assert ops[:2] == [("create", {"volume": cli.docker.name(key)}) for key in ("data", "mem")]
    assert planned["steps"][2]["depends_on"] == [1, 2]
    cli.apply("--settle", "0")
    cli.settled()
    created = found(cli, "mem")
    assert created is not None
    assert created["Options"] == OPTIONS
    assert created["Labels"]["team"] == "net"
    assert created["Labels"]["netplan.topology"] == cli.topology
    shown = cli.run("show", str(cli.file)).out
    assert f"{cli.docker.name('mem')}  " in shown
    assert f"mounted by {cli.docker.name('web')}" in shown

    # what cannot be changed is refused, or told
    write(
        cli, cli.topology, {"data": None, "mem": mem | {"driver_opts": OPTIONS | {"o": "size=9m"}}}
    )
    refused = cli.plan(code=3).said
    assert "driver_opts.o is size=8m, not size=9m" in refused
    assert f"docker volume rm {cli.docker.name('mem')}" in refused
    write(
        cli, cli.topology, {"mem": mem | {"labels": {"team": "x"}}}, web={"volumes": ["mem:/m:ro"]}
    )
    told = cli.apply("--settle", "0").out
    assert "keeps the labels that it was created with: labels.team is net, not x" in told
    assert f"volume {cli.docker.name('data')} is no longer declared, and left" in told
    assert found(cli, "data") is not None

    left = cli.destroy().out
    assert f"volumes {cli.docker.name('data')}, {cli.docker.name('mem')} are left" in left
    assert (found(cli, "mem") or {})["Labels"] == created["Labels"]
    assert cli.topology in cli.run("ls").out
    gone = cli.run("destroy", "--name", cli.topology, "--volumes", "--yes")
    assert "all that it holds is lost" in gone.out
    assert found(cli, "data") is None
    assert found(cli, "mem") is None
    assert cli.topology not in cli.run("ls").out


def test_a_volume_of_others_is_used_as_it_is(cli: Cli) -> None:
    """One that nobody created by netplan, and one of another topology that both declare."""
    name, other = cli.docker.name, f"{cli.topology}-b"
    cli.docker.do("POST", "/volumes/create", {"Name": name("old"), "Labels": {"a": "b"}})
    write(
        cli,
        cli.topology,
        {"old": {"labels": {"c": "d"}}, "data": None},
        web={"volumes": ["data:/d"]},
    )
    used = cli.apply("--settle", "0").out
    assert f"volume {name('old')} was not created by netplan: it is used as it is" in used
    first = cli.file.read_text(encoding="utf-8")
    write(cli, other, {"data": None}, app={"volumes": ["data:/d"]})
    used = cli.apply("--settle", "0").out
    assert f"volume {name('data')} belongs to topology '{cli.topology}': it is used" in used
    second = cli.file.read_text(encoding="utf-8")

    cli.file.write_text(first, encoding="utf-8")
    left = cli.destroy("--volumes").out
    assert f"volume {name('data')} is left: mounted by {name('app')}, which stays" in left
    assert found(cli, "data") is not None
    cli.file.write_text(second, encoding="utf-8")
    cli.destroy("--volumes")
    assert found(cli, "data") is not None
    cli.run("destroy", "--name", cli.topology, "--volumes", "--yes")
    assert found(cli, "data") is None
    assert found(cli, "old") is not None


def test_one_made_by_another_file_of_a_folder(cli: Cli) -> None:
    """The file that declares it external comes second, and its plan says so."""
    write(cli, f"{cli.topology}-b", {"data": {"external": True}}, app={"volumes": ["data:/d"]})
    cli.file.rename(cli.file.with_name("a.yaml"))
    write(cli, cli.topology, {"data": None})
    folder = str(cli.file.parent)
    assert "creates it" in cli.run("plan", folder).out
    cli.run("apply", folder, "--yes", "--settle", "0")
    assert found(cli, "data") is not None
    cli.run("destroy", folder, "--yes", "--volumes")
    assert found(cli, "data") is None

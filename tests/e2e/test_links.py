"""`netplan links` against what `ip` and `bridge` say in the same network namespaces."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from typing import Any

import jsonschema
import pytest

from reconciler.topology.schema import schema_text

from .cli import NETPLAN, Cli, box
from .conftest import Docker

WAYS = ("kernel", "helper", "exec")
HELPERS = '/containers/json?all=1&filters={"label":["netplan.helper"]}'.replace('"', "%22")


def _said_by(pid: int, *command: str) -> list[dict[str, Any]]:
    """The JSON of an iproute2 command in the network namespace of a process."""
    done = subprocess.check_output(["nsenter", f"--net=/proc/{pid}/ns/net", *command])
    found = json.loads(done or "[]")
    assert isinstance(found, list)
    return [one for one in found if one]


def _pid(docker: Docker, short: str) -> int:
    """The process of a container, on this machine, where this test may look at it."""
    found = docker.inspect(docker.name(short))
    pid = int(found["State"]["Pid"])
    if os.geteuid() or not shutil.which("bridge") or not shutil.which("nsenter"):
        pytest.skip("compares with ip and bridge, as root: apt-get install iproute2")
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:  # noqa: PTH123
            here = found["Id"] in file.read()
    except OSError:
        here = False
    if not here:
        pytest.skip("the engine is on another machine")
    return pid


def _by_ip(pid: int) -> list[tuple[object, ...]]:
    found = _said_by(pid, "ip", "-j", "address")
    indexes = {one["ifname"]: one["ifindex"] for one in found}
    return [
        (
            *(one["ifindex"], one["ifname"], one["address"], one["mtu"], one["operstate"]),
            [f"{each['local']}/{each['prefixlen']}" for each in one["addr_info"]],
            one.get("link_index") or indexes.get(one.get("link"), 0),
        )
        for one in found
    ]


def _by_netplan(row: dict[str, Any]) -> list[tuple[object, ...]]:
    keys = ("index", "name", "mac", "mtu", "state", "addresses", "peer_index")
    return [tuple(one[key] for key in keys) for one in row["interfaces"]]


def _routes_by_ip(pid: int) -> set[tuple[str, str, str]]:
    found = [
        *_said_by(pid, "ip", "-j", "route"),
        *_said_by(pid, "ip", "-j", "-6", "route"),
    ]
    return {
        (_network(one["dst"]), one.get("gateway", ""), one["dev"])
        for one in found
        if one.get("type") != "multicast"
    }


def _network(destination: str) -> str:
    if destination == "default" or "/" in destination:
        return destination
    return f"{destination}/{128 if ':' in destination else 32}"


def _lab(cli: Cli, parent: str) -> None:
    subnets = [cli.docker.subnet() for _ in range(3)]
    cli.write(
        {
            "a": {"subnet": subnets[0]},
            "b": {"ipam": {"config": [{"subnet": subnets[1]}]}, "internal": True, "mtu": 1400},
            "m": {
                "driver": "macvlan",
                "subnet": subnets[2],
                "driver_opts": {"parent": parent},
            },
        },
        {
            "web": box(networks=["a", "b"]),
            "db": box(networks=["b"]),
            "mac": box(networks=["m"]),
            "old": box(network_mode="bridge"),
            "side": box(network_mode="container:web"),
            "lonely": box(network_mode="none"),
            "watcher": box(network_mode="host"),
            "done": box("true", networks=["a"], one_shot=True),
        },
    )
    cli.apply("--settle", "0")


def _links(cli: Cli, way: str) -> dict[str, dict[str, Any]]:
    image = cli.docker.image
    said = cli.run(
        *("links", str(cli.file), "-o", "json", "--access", way, "--probe-image", image)
    ).json()
    jsonschema.validate(said, json.loads(schema_text("links")))
    assert said["unseen"] == []
    cut = len(cli.docker.prefix)
    return {row["container"][cut:]: row for row in said["containers"]}


def test_links_says_what_ip_and_bridge_say(cli: Cli, parent: str) -> None:
    """By each of the ways the same, of a network of each kind and of all modes."""
    _lab(cli, parent)
    full = cli.docker.name
    outside = _pid(cli.docker, "watcher")
    ports = {one["ifname"]: one for one in _said_by(outside, "bridge", "-j", "link")}
    engine = {one["ifindex"]: one for one in _said_by(outside, "ip", "-j", "link")}
    for way in WAYS:
        rows = _links(cli, way)
        assert rows["done"]["interfaces"] == []
        assert "exited" in rows.pop("done")["unseen"][0]
        for short, row in rows.items():
            pid = _pid(cli.docker, short)
            assert row["way"] == way
            assert row["unseen"] == [], (way, short)
            assert _by_netplan(row) == _by_ip(pid), (way, short)
            assert {
                (one["destination"], one["gateway"], one["interface"]) for one in row["routes"]
            } == _routes_by_ip(pid), (way, short)
        paired = [one for row in rows.values() for one in row["interfaces"] if one["peer"]]
        assert len(paired) == 2 + 1 + 1 + 2  # web, db, old, side
        for one in paired:
            port = ports[one["peer"]]
            assert (one["peer_index"], one["bridge"], one["port_state"]) == (
                *(port["ifindex"], port["master"], port["state"]),
            )
        assert [one["network"] for one in rows["web"]["interfaces"] if one["network"]] in (
            [full("a"), full("b")],
            [full("b"), full("a")],
        )
        assert rows["side"]["interfaces"] == rows["web"]["interfaces"]
        assert rows["side"]["shares"] == full("web")
        assert [one["name"] for one in rows["lonely"]["interfaces"]] == ["lo"]
        [mac] = [one for one in rows["mac"]["interfaces"] if one["network"]]
        assert (mac["kind"], mac["parent"]) == ("macvlan", parent)
        assert engine[mac["peer_index"]]["ifname"] == parent
        assert rows["watcher"]["shares"] == "host"
    _after_a_restart(cli)


def _after_a_restart(cli: Cli) -> None:
    """Names and indexes may be others: the networks are still right. Other commands agree."""
    cli.docker.do("POST", f"/containers/{cli.docker.name('web')}/restart?t=0")
    rows = _links(cli, "exec")
    subnets = {
        one["network"]: one["addresses"][0].rpartition(".")[0]
        for one in rows["web"]["interfaces"]
        if one["network"]
    }
    for short in ("a", "b"):
        endpoint = cli.endpoint("web", short)
        assert endpoint
        assert subnets[cli.docker.name(short)] == endpoint["IPAddress"].rpartition(".")[0]
    text = cli.run("show", "--links", str(cli.file), "-v", "--probe-image", cli.docker.image)
    assert cli.docker.name("web") in text.out
    assert "enter  " in text.err


def test_without_tools_and_without_an_image_it_says_why(cli: Cli) -> None:
    cli.docker.container("c", "bridge")
    file = cli.write({}, {"c": {}})
    missing = cli.run(
        *("links", str(file), "--access", "helper", "--probe-image", "no/such:image")
    ).out
    assert "image no/such:image is not on the engine" in missing
    assert "--probe-image" in missing
    assert cli.docker.do("GET", HELPERS) == []


def test_helpers_of_a_killed_run_count_for_nobody_and_are_removed(cli: Cli) -> None:
    docker = cli.docker
    for number in range(4):
        docker.container(f"c{number}")
    cli.converge({"n": {"subnet": docker.subnet()}}, {f"c{n}": {"networks": ["n"]} for n in "0123"})
    before = [cli.run(*command).out for command in (("ls", "-o", "json"), ("show", "--all"))]
    command = [NETPLAN, "links", str(cli.file), "--access", "helper", "--host", cli.host]
    with subprocess.Popen(
        [*command, "--probe-image", docker.image], stdout=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 60
        while not docker.do("GET", HELPERS) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    left = docker.do("GET", HELPERS)
    assert left
    after = [cli.run(*command).out for command in (("ls", "-o", "json"), ("show", "--all"))]
    assert _without_ages(after) == _without_ages(before)
    cli.settled()
    cli.run("links", str(cli.file), "--access", "exec")
    gone = {one["Id"] for one in left}
    assert not gone & {one["Id"] for one in docker.do("GET", HELPERS)}


def _without_ages(said: list[str]) -> list[str]:
    return [
        line
        for text in said
        for line in text.splitlines()
        if '"age"' not in line and "minutes" not in line and "seconds" not in line
    ]

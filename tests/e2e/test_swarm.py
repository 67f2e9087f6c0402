"""Overlay networks and swarm services, on one node: an engine of the tests' own is made a swarm for
as long as this takes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from .cli import Cli
from .conftest import Docker, one_node_swarm

VXLAN = "com.docker.network.driver.overlay.vxlanid_list"


@pytest.fixture
def swarm(docker: Docker) -> Iterator[Docker]:
    """A swarm of one node; the engine is as it was afterwards."""
    with one_node_swarm(docker):
        yield docker


def overlay(docker: Docker, **more: Any) -> dict[str, Any]:
    return {"driver": "overlay", "attachable": True, "subnet": docker.subnet(), **more}


def runs(docker: Docker, *networks: str, **more: Any) -> dict[str, Any]:
    return {
        "image": docker.image,
        "command": "sleep 3600",
        "stop_grace_period": "0s",
        "networks": list(networks),
        **more,
    }


def test_declared_tunnel_ids_converge_and_go_back_to_the_engines_choice(
    swarm: Docker, cli: Cli
) -> None:
    ids = str(5000 + time.time_ns() // 1000 % 100000)
    network = {"driver": "overlay", "attachable": True, "driver_opts": {VXLAN: ids}}
    cli.converge({"n": network}, {"web": runs(swarm, "n")})
    assert swarm.do("GET", f"/networks/{swarm.name('n')}")["Options"][VXLAN] == ids
    cli.converge({"n": {**network, "driver_opts": {}}}, {"web": runs(swarm, "n")})
    assert swarm.do("GET", f"/networks/{swarm.name('n')}")["Options"][VXLAN] != ids


def test_a_container_on_an_overlay_network_is_recreated(swarm: Docker, cli: Cli) -> None:
    """It is stopped before it is renamed, which no engine does while it runs there; its static
    address goes along.

    On two of them only where the engine itself can start a container again that was the last on
    both: 20.10 cannot.
    """
    network, two = overlay(swarm), swarm.info.major > 20
    address = network["subnet"].replace(".0/24", ".77")
    swarm.network("foreign", Driver="overlay", Attachable=True, subnet=swarm.subnet())
    networks = {"n": network, **({"foreign": {"external": True}} if two else {})}

    def containers(hostname: str, **more: Any) -> dict[str, Any]:
        attached = {"n": {"ipv4_address": address}, **({"foreign": {}} if two else {})}
        return {"web": runs(swarm, hostname=hostname, **more) | {"networks": attached}}

    cli.converge(networks, containers("one"))
    cli.write(networks, containers("two"))
    assert "stopped before it is renamed" in cli.plan().out
    cli.converge(networks, containers("two"))
    old = swarm.inspect(swarm.name("web"))
    assert old["Config"]["Hostname"] == "two"
    assert old["NetworkSettings"]["Networks"][swarm.name("n")]["IPAddress"] == address

    cli.write(networks, containers("three", command="nothing-like-it"))
    assert "the old container was restored" in cli.apply(code=1).said
    back = swarm.inspect(old["Id"])
    assert (back["Name"], back["State"]["Running"]) == (f"/{swarm.name('web')}", True)
    assert back["NetworkSettings"]["Networks"][swarm.name("n")]["IPAddress"] == address

    cli.write(networks, containers("two"))
    cli.run("reset", str(cli.file), "--yes")
    assert swarm.inspect(swarm.name("web"))["Id"] != old["Id"]
    cli.settled()


@pytest.fixture
def service(swarm: Docker, cli: Cli) -> Iterator[tuple[Docker, str]]:
    """A service on the overlay network `n` of the file, with one task that runs; and the ID of its
    task's container.
    """
    cli.converge({"n": overlay(swarm)})
    network = swarm.do("GET", f"/networks/{swarm.name('n')}")["Id"]
    task = {
        "ContainerSpec": {
            "Image": swarm.image,
            "Command": ["sleep", "3600"],
            "StopSignal": "SIGKILL",
        },
        "Networks": [{"Target": network}],
        "LogDriver": {"Name": "none"},
    }
    name = swarm.name("svc")
    endpoint = {"Mode": "dnsrr"}
    swarm.do(
        "POST",
        "/services/create",
        {
            "Name": name,
            "TaskTemplate": task,
            "Mode": {"Replicated": {"Replicas": 1}},
            "EndpointSpec": endpoint,
        },
    )
    try:
        yield swarm, _task_of(swarm, name)
    finally:
        swarm.call("DELETE", f"/services/{name}")
        _until(
            lambda: (
                not swarm.do(
                    "GET", "/containers/json?all=1&filters=" + quote(json.dumps({"name": [name]}))
                )
            )
        )


def _task_of(docker: Docker, service: str) -> str:
    def running() -> list[dict[str, Any]]:
        found = docker.do(
            "GET", "/containers/json?filters=" + quote(json.dumps({"name": [service]}))
        )
        assert isinstance(found, list)
        return found

    return str(_until(running)[0]["Id"])


def _until(look: Callable[[], Any]) -> Any:
    for _ in range(150):
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen within 15 s")


def test_a_network_that_a_service_uses_is_refused_whatever_is_allowed(
    service: tuple[Docker, str], cli: Cli
) -> None:
    docker, task = service
    was = docker.inspect(task)["NetworkSettings"]["Networks"]
    command = f"docker service update --network-rm {docker.name('n')} {docker.name('svc')}"
    for allowed in ([], ["--disrupt-foreign"]):
        cli.write({"n": overlay(docker)})  # another subnet
        refused = cli.apply(*allowed, code=3)
        assert f"swarm service {docker.name('svc')} uses it" in refused.said
        assert command in refused.said
        assert not refused.changes
        assert command in cli.destroy(*allowed, code=3).said
    name = docker.do("GET", "/info")["Name"]
    wiped = cli.run("reset", str(cli.file), "--wipe", "--yes-wipe", name, code=3)
    assert f"docker service rm {docker.name('svc')}" in wiped.said
    assert docker.inspect(task)["NetworkSettings"]["Networks"] == was


def test_a_service_that_was_just_removed_is_waited_for(
    service: tuple[Docker, str], cli: Cli
) -> None:
    """Its tasks are there until they have stopped; docker service update would say that there is no
    such service.
    """
    docker, task = service
    name = docker.name("svc")
    spec = docker.do("GET", f"/services/{name}")
    slow = spec["Spec"]["TaskTemplate"]["ContainerSpec"] | {
        "StopSignal": "SIGTERM",
        "StopGracePeriod": 60 * 10**9,
    }
    changed = spec["Spec"] | {
        "TaskTemplate": spec["Spec"]["TaskTemplate"] | {"ContainerSpec": slow}
    }
    docker.do("POST", f"/services/{name}/update?version={spec['Version']['Index']}", changed)
    slow_task = _until(lambda: next((id for id in [_task_of(docker, name)] if id != task), ""))
    docker.do("DELETE", f"/services/{name}")
    try:
        for refused in (cli.destroy(code=3), cli.destroy("--disrupt-foreign", code=3)):
            said = " ".join(refused.said.split())
            assert (
                f"tasks of swarm service {name} are still on it; the service was removed or no"
                " longer uses it" in said
            )
            assert (
                "wait until they have stopped, and run this again (docker ps --filter"
                f" label=com.docker.swarm.service.name={name})" in said
            )
            assert "service update" not in said
            assert not refused.changes
        engine = docker.do("GET", "/info")["Name"]
        wiped = cli.run("reset", str(cli.file), "--wipe", "--yes-wipe", engine, code=3)
        assert "if that is already done, wait until its tasks have stopped" in " ".join(
            wiped.said.split()
        )
    finally:
        docker.do("POST", f"/containers/{slow_task}/kill")
    _until(
        lambda: (
            not docker.do(
                "GET", "/containers/json?all=1&filters=" + quote(json.dumps({"name": [name]}))
            )
        )
    )
    cli.destroy()


def test_a_task_is_not_undeclared_to_exclusive_or_reset(
    service: tuple[Docker, str], cli: Cli
) -> None:
    docker, task = service
    was = docker.inspect(task)["NetworkSettings"]["Networks"]
    subnet = docker.do("GET", f"/networks/{docker.name('n')}")["IPAM"]["Config"][0]["Subnet"]
    cli.write({"n": overlay(docker, subnet=subnet, exclusive=True)})
    assert not cli.apply("--disrupt-foreign").changes
    assert "a task of swarm service" in cli.plan().out
    cli.run("reset", str(cli.file), "--yes", "--disrupt-foreign")
    assert docker.inspect(task)["NetworkSettings"]["Networks"] == was


def test_an_attachment_that_the_manager_does_not_know_is_made_anew(swarm: Docker, cli: Cli) -> None:
    """A live connect that failed for its address leaves the next one unregistered: nothing keeps
    the address, nor the network.
    """
    network = overlay(swarm)
    taken = network["subnet"].replace(".0/24", ".50")
    web, tap = swarm.container("web"), swarm.container("tap")
    cli.converge({"n": network})
    swarm.container("holder", swarm.name("n"), endpoint={"IPAMConfig": {"IPv4Address": taken}})
    id = swarm.do("GET", f"/networks/{swarm.name('n')}")["Id"]
    with ThreadPoolExecutor(2) as pool:  # each hangs for 20 s
        answers = list(
            pool.map(
                lambda box: swarm.connect(id, box, IPAMConfig={"IPv4Address": taken}), (web, tap)
            )
        )
    assert all(
        status == 500 and "context deadline exceeded" in str(answer) for status, answer in answers
    )
    assert swarm.connect(id, tap)[0] == 200

    cli.write({"n": network}, {"web": {"networks": ["n"]}, "tap": {"networks": ["n"]}})
    assert "not registered with the swarm" in cli.plan().out
    calls = [call.rpartition("/")[2] for call in cli.apply().changes]
    assert sorted(calls) == [
        "connect",
        "connect",
        "connect",
        "disconnect",
        "disconnect",
    ]  # that of web had to be made twice
    attachments = str(swarm.do("GET", "/tasks?filters=" + quote('{"runtime":["attachment"]}')))
    assert {web, tap} <= {box for box in (web, tap) if box in attachments}
    cli.settled()


def test_what_an_overlay_network_would_drop_is_refused(swarm: Docker, cli: Cli) -> None:
    cli.converge({"n": overlay(swarm)})
    subnet = swarm.do("GET", f"/networks/{swarm.name('n')}")["IPAM"]["Config"][0]["Subnet"]
    vxlan = swarm.do("GET", f"/networks/{swarm.name('n')}")["Options"][VXLAN]
    swarm.container("web")
    cases = [
        (
            {"m": overlay(swarm, aux_addresses={"a": "10.1.1.9"}, subnet="10.1.1.0/24")},
            "ignores aux_addresses",
        ),
        (
            {"m": {"driver": "overlay", "subnet": "fd00:7e57:9::/64", "enable_ipv6": True}},
            "has no IPv6 addresses",
        ),
        (
            {
                "n": overlay(swarm, subnet=subnet),
                "m": {"driver": "overlay", "driver_opts": {VXLAN: vxlan}},
            },
            f"VXLAN ID {vxlan} is taken",
        ),
        (
            {"m": {"driver": "overlay", "driver_opts": {VXLAN: "4097,4098"}}},
            "2 VXLAN IDs are declared for 1 subnet",
        ),
        ({"m": overlay(swarm, attachable=False)}, "declare attachable: true"),
    ]
    for networks, said in cases:
        cli.write({"n": overlay(swarm, subnet=subnet)} | networks, {"web": {"networks": ["m"]}})
        assert said in cli.plan(code=1).said
    other = {
        "name": swarm.name("other"),
        "networks": {swarm.name("o"): overlay(swarm, subnet=subnet)},
    }
    assert "overlaps" in cli.run("plan", "-", stdin=yaml.safe_dump(other), code=1).said

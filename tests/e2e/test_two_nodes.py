"""A swarm of two nodes: `NETPLAN_TEST_SWARM=unix:///manager,unix:///worker`, two engines that are
in one swarm already.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.engine import open_reader

from .cli import Cli, box
from .conftest import IMAGE, Api, Docker, add_image

NODES = [
    host.strip() for host in os.environ.get("NETPLAN_TEST_SWARM", "").split(",") if host.strip()
]
pytestmark = pytest.mark.skipif(
    len(NODES) != 2, reason="needs two engines in one swarm: NETPLAN_TEST_SWARM=MANAGER,WORKER"
)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[Cli, Cli]]:
    """The command on the manager and on the worker; names given to either get the same prefix."""
    found = []
    for host in NODES:
        reader = open_reader(host)
        missing = Api(host).call("GET", f"/images/{IMAGE}/json")[0] == 404
        found.append(Docker(host, add_image(host) if missing else IMAGE, reader.info()))
        reader.close()
    manager, worker = found
    assert (manager.info.swarm, worker.info.swarm) == (
        "manager",
        "worker",
    ), "one must be a manager, the other a worker"
    worker.prefix = manager.prefix
    folders = [tmp_path / "manager", tmp_path / "worker"]
    for folder in folders:
        folder.mkdir()
    yield Cli(manager, folders[0]), Cli(worker, folders[1])
    worker.clean_up()
    manager.clean_up()


def overlay(docker: Docker) -> dict[str, object]:
    return {"driver": "overlay", "attachable": True, "subnet": docker.subnet()}


def test_a_network_with_containers_on_another_node_is_refused(nodes: tuple[Cli, Cli]) -> None:
    """Before anything is changed, whatever is allowed: the manager does not let go of it."""
    manager, worker = nodes
    manager.docker.container("here")
    manager.converge({"n": overlay(manager.docker)}, {"here": {"networks": ["n"]}})
    there = worker.docker.container("there", worker.docker.name("n"))
    manager.write({"n": overlay(manager.docker)}, {"here": {"networks": ["n"]}})
    for allowed in ([], ["--disrupt-foreign"]):
        refused = manager.apply(*allowed, code=3)
        assert (
            f"cannot be replaced: container {there[:12]} on node {worker.docker.info.node[:12]}"
            in refused.said
        )
        assert not refused.changes
        assert f"container {there[:12]} on node" in manager.destroy(*allowed, code=3).said
    assert f"container {there[:12]}" in manager.run("show", str(manager.file)).out
    worker.docker.do("DELETE", f"/containers/{there}?force=1")
    manager.apply()
    manager.settled()
    manager.destroy()


def test_a_worker_attaches_to_a_network_that_it_does_not_list_yet(nodes: tuple[Cli, Cli]) -> None:
    manager, worker = nodes
    network = overlay(manager.docker)
    static = str(network["subnet"]).replace(".0/24", ".77")
    manager.converge({"n": network})
    worker.docker.container("guest")
    external = {"n": {"external": True}}
    containers = {
        "web": box(networks={"n": {"ipv4_address": static}}),
        "guest": {"networks": ["n"]},
    }
    worker.write(external, containers)
    assert "a worker sees only those in use here" in worker.plan().out
    worker.converge(external, containers)
    assert worker.docker.ping(worker.docker.name("guest"), static)

    for name in (
        "web",
        "guest",
    ):  # then the worker lists the network no more, and it is there all the same
        worker.docker.stop(worker.docker.name(name))
    stopped = worker.plan().out
    assert "recreated" not in stopped
    assert "gone" not in stopped
    worker.apply()
    worker.docker.start(worker.docker.name("guest"))
    worker.settled()
    worker.converge(
        external,
        {**containers, "web": box(hostname="other", networks={"n": {"ipv4_address": static}})},
    )
    worker.destroy()

    worker.write({"m": overlay(worker.docker)})
    assert "only a manager of the swarm can create an overlay network" in worker.apply(code=1).said

"""Every file in topologies/: what the gallery says of it is true, and on a real engine it does what it teaches."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from .cli import run

FOLDER = Path(__file__).parents[2] / "topologies"
FILES = sorted(FOLDER.glob("*.yaml"))
HEADER = "# yaml-language-server: $schema=../schemas/topology.schema.json"
PARENT = "npt-parent"

Topology = dict[str, Any]


def load(file: Path) -> Topology:
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def needed(topology: Topology) -> list[str]:
    return [name for name, container in topology["containers"].items() if not container.get("optional")]


def subnets(topology: Topology) -> list[str]:
    networks = topology["networks"].values()
    pools = [pool for network in networks for pool in network.get("ipam", {}).get("config", [])]
    return [pool["subnet"] for pool in (*networks, *pools) if "subnet" in pool]


def members(topology: Topology, network: str) -> list[str]:
    return [name for name in needed(topology) if network in topology["containers"][name]["networks"]]


# --- the files and the gallery ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_says_what_it_needs(file: Path) -> None:
    text, topology = file.read_text(encoding="utf-8"), load(file)
    assert text.startswith(HEADER + "\n")
    assert topology["name"] == file.stem
    must, _, _ = text.partition("# May exist:")
    assert re.findall(r"^#   docker run -d --name (\S+)", must, re.M) == needed(topology)
    external = [name for name, network in topology["networks"].items() if network.get("external")]
    assert re.findall(r"^#   docker network create (\S+)", text, re.M) == external
    assert not any("image" in container for container in topology["containers"].values())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_gallery_shows_it(file: Path) -> None:
    gallery, topology = (FOLDER / "README.md").read_text(encoding="utf-8"), load(file)
    assert f"| [{file.name}]({file.name}) |" in gallery
    picture = gallery.partition(f"## {file.name}\n")[2].partition("\n## ")[0]
    for name in (*topology["networks"], *topology["containers"], *subnets(topology)):
        assert name in picture, f"the picture lacks {name}"


def test_the_files_do_not_collide() -> None:
    topologies = [load(file) for file in FILES]
    names = [name for topology in topologies for name in topology["networks"]]
    assert len(names) == len(set(names))
    pools = [ip_network(subnet) for topology in topologies for subnet in subnets(topology)]
    assert not [(a, b) for a, b in itertools.combinations(pools, 2) if a.version == b.version and a.overlaps(b)]


# --- on an engine ----------------------------------------------------------------------------------------------------


class Lab:
    """One engine with the containers and networks that a file needs."""

    def __init__(self, host: str, image: str) -> None:
        self.host, self.image = host, image
        self.client = docker.DockerClient(base_url=host, timeout=120)
        self._made: list[Any] = []

    def prepare(self, topology: Topology) -> None:
        for name, network in topology["networks"].items():
            if network.get("external"):
                self._made.append(self.client.networks.create(name))
        for name in needed(topology):
            self._made.append(self.client.containers.run(self.image, ["sleep", "3600"], name=name, detach=True, init=False))

    def clean(self) -> None:
        for thing in reversed(self._made):
            thing.remove(**({"force": True} if hasattr(thing, "kill") else {}))
        self.client.close()

    def netplan(self, *arguments: str, code: int = 0) -> str:
        return run(*arguments, host=self.host, code=code).said

    def inside(self, container: str, *command: str) -> bool:
        return bool(self.client.containers.get(container).exec_run(list(command)).exit_code == 0)

    def on_host(self, *command: str) -> str:
        """Runs a command in the engine's own network namespace; its output."""
        output = self.client.containers.run(self.image, list(command), network_mode="host", cap_add=["NET_ADMIN"], remove=True, stderr=True)
        return str(output, "utf-8")

    def state(self) -> dict[str, Any]:
        """What must be as before in the end: each network's name and ID; each container's networks and start."""
        containers = self.client.containers.list(all=True)
        return {
            **{f"network {n.name}": n.id for n in self.client.networks.list()},
            **{f"container {c.name}": (sorted(c.attrs["NetworkSettings"]["Networks"]), started(c)) for c in containers},
        }


def started(container: Any) -> str:
    container.reload()
    return str(container.attrs["State"]["StartedAt"])


@pytest.fixture
def lab(host: str, image: str) -> Iterator[Lab]:
    found = Lab(host, image)
    yield found
    found.clean()


@pytest.fixture
def parent(lab: Lab) -> Iterator[str]:
    """An interface on the engine's machine that a macvlan network can stand on: one end of a veth pair."""
    try:
        lab.on_host("ip", "link", "add", PARENT, "type", "veth")
    except docker.errors.ContainerError as error:
        pytest.skip(f"this kernel makes no veth pair for macvlan: {error}")
    peer = re.search(rf"{PARENT}@(\w+)", lab.on_host("ip", "link", "show", PARENT))
    assert peer
    lab.on_host("sh", "-c", f"ip link set {PARENT} up; ip link set {peer[1]} up")
    yield PARENT
    lab.on_host("ip", "link", "del", PARENT)


@pytest.fixture
def runnable(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The file to run: the lesson itself, but macvlan's with the parent changed, as it tells its reader to."""
    file: Path = request.param
    text = file.read_text(encoding="utf-8")
    if "parent: eth0" not in text:
        return file
    changed = tmp_path / file.name
    changed.write_text(text.replace("parent: eth0", f"parent: {request.getfixturevalue('parent')}"), encoding="utf-8")
    return changed


@pytest.mark.e2e
@pytest.mark.parametrize("runnable", FILES, indirect=True, ids=lambda file: file.stem)
def test_it_runs(runnable: Path, lab: Lab) -> None:
    topology, file = load(runnable), str(runnable)
    lab.prepare(topology)
    before = lab.state()
    try:
        lab.netplan("validate", file)
        lab.netplan("plan", file, "--exit-code", code=2)
        lab.netplan("apply", file, "--yes")
        for network in topology["networks"]:
            for one, other in itertools.permutations(members(topology, network), 2):
                assert lab.inside(one, "ping", "-c", "1", "-W", "2", other), f"{one} does not reach {other}"
        applied = lab.state()
        assert "nothing to do" in lab.netplan("apply", file).lower()
        lab.netplan("plan", file, "--exit-code")
        assert lab.state() == applied
        assert {name: applied[name][1] for name in before if name.startswith("container")} == {
            name: before[name][1] for name in before if name.startswith("container")
        }, "a container was restarted"
    finally:
        lab.netplan("destroy", file, "--yes")
    assert lab.state() == before
    assert "nothing to do" in lab.netplan("destroy", file, "--yes").lower()


@pytest.mark.e2e
@pytest.mark.parametrize("runnable", [FOLDER / "two-tier.yaml"], indirect=True, ids=["two-tier"])
def test_the_tiers_do_not_reach_each_other(runnable: Path, lab: Lab) -> None:
    lab.prepare(load(runnable))
    lab.netplan("apply", str(runnable), "--yes")
    try:
        assert lab.inside("shop-web", "ping", "-c", "1", "-W", "2", "shop-router")
        assert not lab.inside("shop-web", "ping", "-c", "1", "-W", "2", "shop-db")
        assert not lab.inside("shop-db", "nslookup", "shop-web")
    finally:
        lab.netplan("destroy", str(runnable), "--yes")


@pytest.mark.e2e
def test_the_alias_stands_for_both(lab: Lab) -> None:
    file = FOLDER / "static-addresses-and-aliases.yaml"
    lab.prepare(load(file))
    lab.netplan("apply", str(file), "--yes")
    try:
        answer = lab.client.containers.get("caller").exec_run(["nslookup", "api."]).output.decode()
        assert {"10.201.4.11", "10.201.4.12"} <= set(re.findall(r"10\.201\.4\.\d+", answer))
        own = lab.client.containers.get("caller").exec_run(["ip", "-o", "-4", "addr"]).output.decode()
        (last,) = re.findall(r"10\.201\.4\.(\d+)/24", own)
        assert int(last) >= 128
    finally:
        lab.netplan("destroy", str(file), "--yes")


@pytest.mark.e2e
def test_the_optional_member_joins_when_it_comes(lab: Lab) -> None:
    file = FOLDER / "optional-member.yaml"
    topology = load(file)
    lab.prepare(topology)
    lab.netplan("apply", str(file), "--yes")
    try:
        assert "debugger" in lab.netplan("plan", str(file))
        lab.prepare({"networks": {}, "containers": {"debugger": {}}})
        lab.netplan("apply", str(file), "--yes")
        assert lab.inside("debugger", "ping", "-c", "1", "-W", "2", "service")
    finally:
        lab.netplan("destroy", str(file), "--yes")

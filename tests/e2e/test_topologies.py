"""Every file in topologies/: what the gallery says of it is true, and on a real engine it does what
it teaches.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import docker
import pytest

from reconciler.topology import load as load_file

from .agreement import disagreements
from .lab import Lab, Topology, load, needed
from .lessons import LESSONS

FOLDER = Path(__file__).parents[2] / "topologies"
FILES = sorted(FOLDER.glob("*.yaml"))
HEADER = "# yaml-language-server: $schema=../schemas/topology.schema.json"
PARENT = "npt-parent"


def managed(topology: Topology) -> list[str]:
    """The containers that the file runs."""
    return [name for name, container in topology["containers"].items() if "image" in container]


def subnets(topology: Topology) -> list[str]:
    networks = topology["networks"].values()
    pools = [pool for network in networks for pool in network.get("ipam", {}).get("config", [])]
    return [pool["subnet"] for pool in (*networks, *pools) if "subnet" in pool]


def members(topology: Topology, network: str) -> list[str]:
    """Who stays on a network and so must answer there."""
    boxes = {name: topology["containers"][name] for name in (*needed(topology), *managed(topology))}
    return [
        name
        for name, box in boxes.items()
        if network in box.get("networks", ()) and not box.get("one_shot")
    ]


def host_ports(topology: Topology) -> list[str]:
    return [
        port.split(":")[-2]
        for container in topology["containers"].values()
        for port in container.get("ports", ())
    ]


# --- the files and the gallery --------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_says_what_it_needs(file: Path) -> None:
    text, topology = file.read_text(encoding="utf-8"), load(file)
    assert text.startswith(HEADER + "\n")
    assert topology["name"] == file.stem
    must, _, _ = text.partition("# May exist:")
    assert re.findall(r"^#   docker run -d --name (\S+)", must, re.M) == needed(topology)
    external = [name for name, network in topology["networks"].items() if network.get("external")]
    assert re.findall(r"^#   docker network create (\S+)", text, re.M) == external
    assert {
        container["image"] for container in topology["containers"].values() if "image" in container
    } <= {"busybox"}
    assert not (needed(topology) and managed(topology)), (
        "a file is about attachments or runs its containers"
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_gallery_shows_it(file: Path) -> None:
    gallery, topology = (FOLDER / "README.md").read_text(encoding="utf-8"), load(file)
    assert f"| [{file.name}]({file.name}) |" in gallery
    section = gallery.partition(f"## {file.name}\n")[2].partition("\n## ")[0]
    [drawn] = re.findall(r"!\[[^]]*\]\(([^)]+\.svg)\)", section)
    picture = (FOLDER / drawn).read_text(encoding="utf-8")
    for name in (*topology["networks"], *topology["containers"], *subnets(topology)):
        assert name in picture, f"the picture lacks {name}"


def test_the_files_do_not_collide() -> None:
    topologies = [load(file) for file in FILES]
    for part in ("networks", "containers"):
        names = [name for topology in topologies for name in topology[part]]
        assert len(names) == len(set(names))
    ports = [port for topology in topologies for port in host_ports(topology)]
    assert len(ports) == len(set(ports))
    pools = [ip_network(subnet) for topology in topologies for subnet in subnets(topology)]
    assert not [
        (a, b)
        for a, b in itertools.combinations(pools, 2)
        if a.version == b.version and a.overlaps(b)
    ]


# --- on an engine ---------------------------------------------------------------------------------


@pytest.fixture
def lab(host: str, image: str, busybox: None) -> Iterator[Lab]:
    found = Lab(host, image)
    yield found
    found.clean()


@pytest.fixture
def parent(lab: Lab) -> Iterator[str]:
    """An interface on the engine's machine that a macvlan network can stand on: one end of a veth
    pair.
    """
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
    """The file to run: the lesson itself, but macvlan's with the parent changed, as it tells its
    reader to.
    """
    file: Path = request.param
    text = file.read_text(encoding="utf-8")
    if "parent: eth0" not in text:
        return file
    changed = tmp_path / file.name
    changed.write_text(
        text.replace("parent: eth0", f"parent: {request.getfixturevalue('parent')}"),
        encoding="utf-8",
    )
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
                assert lab.reaches(one, other), f"{one} does not reach {other}"
        compared, wrong = disagreements(lab, load_file(file).state)
        assert not wrong, "\n".join(wrong)
        assert compared, "the judge decided nothing"
        if teaches := LESSONS.get(runnable.stem):
            teaches(lab, runnable)
        applied = lab.state()
        assert "nothing to do" in lab.netplan("apply", file).lower()
        lab.netplan("plan", file, "--exit-code")
        assert lab.state() == applied
        for name in needed(topology):
            assert applied[f"container {name}"][1] == before[f"container {name}"][1], (
                "a container was restarted"
            )
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
        answer = lab.says("caller", "nslookup", "api.")
        assert {"10.201.4.11", "10.201.4.12"} <= set(re.findall(r"10\.201\.4\.\d+", answer))
        own = lab.says("caller", "ip", "-o", "-4", "addr")
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

"""A lab damaged at random, again and again: each `reset` ends at the declaration. Judged by inspect
and by traffic, not by netplan.

A sample runs with the other tests; two hundred in a row on one engine are

    NETPLAN_RESETS=200 NETPLAN_TEST_HOSTS=unix:///var/run/docker.sock .venv/bin/pytest
    tests/e2e/test_resets.py

`NETPLAN_RESETS_SEED` chooses other damage.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.model import EngineInfo

from .cli import Cli, box, names, server
from .conftest import Docker
from .damage import Damage

COUNT = int(os.environ.get("NETPLAN_RESETS", "8"))
SEED = os.environ.get("NETPLAN_RESETS_SEED", "1")
REFUSED = 3
CONTAINERS = ("web", "db", "client", "side", "onhost", "legacy", "sealed")
NETWORKS = ("front", "back")


class Lab:
    """Two networks, a server on both, and a container in each mode."""

    def __init__(self, docker: Docker, folder: Path) -> None:
        self.docker, self.cli = docker, Cli(docker, folder)
        self.port = random.randint(20000, 29999)
        self.subnets = {short: docker.subnet() for short in NETWORKS}
        self.address = self.subnets["back"].replace(".0/24", ".77")
        docker.network("elsewhere", subnet=docker.subnet())
        self.cli.write(
            {
                short: {"subnet": self.subnets[short], "internal": short == "back"}
                for short in NETWORKS
            },
            self._containers(),
        )

    def _containers(self) -> dict[str, Any]:
        web: dict[str, Any] = {
            "environment": {"MODE": "declared"},
            "ports": [f"{self.port}:80"],
            "volumes": ["/data"],
        }
        return {
            "web": server(
                networks={"front": {"aliases": ["www"]}, "back": {"aliases": ["app"]}}, **web
            ),
            "db": box(networks={"back": {"ipv4_address": self.address}}, restart="always"),
            "client": box(networks=["front"], depends_on={"web": "service_started"}),
            "side": box(network_mode="container:web"),
            "onhost": box(network_mode="host"),
            "legacy": box(network_mode="bridge"),
            "sealed": box(network_mode="none"),
        }

    # --- reset ---

    def reset(self, damage: Damage) -> None:
        """Resets as a person would: what is refused changes nothing, and the way out that it names
        is taken.
        """
        result = self.cli.run("reset", str(self.cli.file), "--yes", code=None)
        if damage.squatters:
            assert result.code == REFUSED, result.said
            assert all(self.docker.name(short) in result.said for short in damage.squatters), (
                result.said
            )
            for short in damage.squatters:
                self.docker.do("DELETE", f"/containers/{self.docker.name(short)}?force=1")
            result = self.cli.run("reset", str(self.cli.file), "--yes", code=None)
        if result.code == REFUSED:
            assert damage.foreign, result.said
            assert "--disrupt-foreign" in result.said, result.said
            result = self.cli.run(
                "reset", str(self.cli.file), "--yes", "--disrupt-foreign", code=None
            )
        assert result.code == 0, result.said

    # --- judgement ---

    def judge(self) -> None:
        """The engine is as declared, by all that it says and by traffic."""
        listed = self.docker.do("GET", "/containers/json?all=1")
        ours = {
            entry["Names"][0][1:]
            for entry in listed
            if entry["Labels"].get("netplan.topology") == self.cli.topology
        }
        assert ours == {self.docker.name(short) for short in CONTAINERS}
        raw = {short: self.docker.inspect(self.docker.name(short)) for short in CONTAINERS}
        assert {short: found["State"]["Status"] for short, found in raw.items()} == dict.fromkeys(
            CONTAINERS, "running"
        )
        self._settings(raw)
        self._attachments(raw)
        self._networks(raw)
        self._traffic()

    def _settings(self, raw: Mapping[str, Any]) -> None:
        modes = {short: found["HostConfig"]["NetworkMode"] for short, found in raw.items()}
        default = ("bridge", "default")
        assert modes["side"] == f"container:{raw['web']['Id']}"
        assert (modes["onhost"], modes["sealed"], modes["legacy"] in default) == (
            "host",
            "none",
            True,
        )
        assert "MODE=declared" in raw["web"]["Config"]["Env"]
        assert raw["web"]["Config"]["Cmd"][0] == "sh"
        assert all(raw[short]["Config"]["Cmd"] == ["sleep", "3600"] for short in CONTAINERS[1:])
        assert raw["db"]["HostConfig"]["RestartPolicy"]["Name"] == "always"
        assert raw["web"]["HostConfig"]["PortBindings"]["80/tcp"][0]["HostPort"] == str(self.port)

    def _attachments(self, raw: Mapping[str, Any]) -> None:
        wanted = {"web": {"front", "back"}, "db": {"back"}, "client": {"front"}}
        for short, networks in wanted.items():
            found = raw[short]["NetworkSettings"]["Networks"]
            assert set(found) == {self.docker.name(network) for network in networks}, short
            for network in networks:
                endpoint = found[self.docker.name(network)]
                aliases = {("web", "front"): {"www"}, ("web", "back"): {"app"}}.get(
                    (short, network), set()
                )
                assert names(endpoint["Aliases"], raw[short]) == aliases, (short, network)
                assert endpoint["NetworkID"] == self.cli.network(network)["Id"]
        assert (
            raw["db"]["NetworkSettings"]["Networks"][self.docker.name("back")]["IPAddress"]
            == self.address
        )
        modes = {
            short: set(raw[short]["NetworkSettings"]["Networks"])
            for short in ("side", "onhost", "legacy", "sealed")
        }
        assert modes == {
            "side": set(),
            "onhost": {"host"},
            "legacy": {"bridge"},
            "sealed": {"none"},
        }

    def _networks(self, raw: Mapping[str, Any]) -> None:
        members = {"front": {"web", "client"}, "back": {"web", "db"}}
        for short, inside in members.items():
            network = self.cli.network(short)
            assert [pool["Subnet"] for pool in network["IPAM"]["Config"]] == [self.subnets[short]]
            assert network["Internal"] == (short == "back")
            assert set(network["Containers"]) == {raw[member]["Id"] for member in inside}, short
            assert self._listing(short) == {raw[member]["Id"] for member in inside}, short

    def _listing(self, network: str) -> set[str]:
        """Who lists a network, running or not."""
        listed = self.docker.do("GET", "/containers/json?all=1")
        return {
            entry["Id"]
            for entry in listed
            if self.docker.name(network) in entry["NetworkSettings"]["Networks"]
        }

    def _traffic(self) -> None:
        full = self.docker.name
        pages = {
            "client": f"http://{full('web')}/",
            "db": "http://app/",
            "side": "http://127.0.0.1/",
            "onhost": f"http://127.0.0.1:{self.port}/",
        }
        for short, url in pages.items():
            assert self.docker.fetch(full(short), url) == "page", (short, url)
        assert self.docker.fetch(full("client"), "http://www/") == "page"
        assert self.docker.ping(full("web"), full("db"))
        assert self.docker.exec(full("client"), "ping", "-c", "1", "-W", "1", full("db"))[0] != 0
        assert self.docker.exec(full("sealed"), "ls", "/sys/class/net")[1].split() == ["lo"]


@pytest.fixture(scope="module")
def lab(
    host: str, image: str, engine_info: EngineInfo, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    docker = Docker(host, image, engine_info)
    try:
        found = Lab(docker, tmp_path_factory.mktemp("lab"))
        found.cli.apply()
        yield found
    finally:
        docker.clean_up()


@pytest.mark.parametrize("turn", range(COUNT))
def test_a_damaged_lab_is_reset(lab: Lab, turn: int) -> None:
    chance = random.Random(f"{SEED}-{turn}")
    if turn == 0:
        lab.judge()
    damage = Damage(lab.docker, chance, CONTAINERS, NETWORKS)
    damage.inflict(chance.randint(1, 5))
    try:
        before = strangers(lab, damage)
        lab.reset(damage)
        lab.judge()
        assert strangers(lab, damage) == before
    except AssertionError as error:
        error.add_note("damage: " + "; ".join(damage.done))
        raise
    finally:
        for short in damage.foreign:
            lab.docker.call("DELETE", f"/containers/{lab.docker.name(short)}?force=1&v=1")


def strangers(lab: Lab, damage: Damage) -> dict[str, tuple[str, str]]:
    """ID and start of each foreign container: none is restarted or replaced."""
    found = {short: lab.docker.inspect(lab.docker.name(short)) for short in damage.foreign}
    return {short: (raw["Id"], raw["State"]["StartedAt"]) for short, raw in found.items()}

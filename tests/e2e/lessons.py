"""What each lab in topologies/ teaches, proved from inside its containers: pings and downloads by
name, as its pictures say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import jsonschema

from reconciler.topology.schema import schema_text

from .lab import Lab


def bridges(lab: Lab, file: Path) -> None:
    """On the default bridge addresses work and names do not; on one's own both do."""
    assert lab.reaches("default-a", lab.address("default-b", "bridge"))
    assert not lab.reaches("default-a", "default-b")
    assert lab.reaches("custom-a", lab.address("custom-b", "custom"))
    assert lab.reaches("custom-a", "custom-b")
    assert not lab.reaches("custom-a", "default-b")


def names(lab: Lab, file: Path) -> None:
    """A server that gets another address is found under its name and its alias, and does not
    restart; nor does its client.
    """
    lives = [lab.life(name) for name in ("name-server", "name-client")]
    with lab.edited(file, ("10.201.22.10", "10.201.22.99")) as said:
        assert "10.201.22.10 -> 10.201.22.99" in said
        for name in ("name-server", "www"):
            assert lab.fetches("name-client", f"http://{name}") == "here I am"
        assert "10.201.22.99" in lab.says(
            "name-client", "ping", "-c", "1", "-W", "2", "name-server"
        )
    assert lab.fetches("name-client", "http://name-server") == "here I am"
    assert [lab.life(name) for name in ("name-server", "name-client")] == lives


def connections(lab: Lab, file: Path) -> None:
    """Attachments come and go with the file, without a restart; one that was taken away by hand is
    drift and comes back.
    """
    life = lab.life("roamer")
    with lab.edited(file, ("networks: [mainland, island]", "networks: [mainland]")):
        assert lab.reaches("roamer", "mainlander")
        assert not lab.reaches("roamer", "islander")
    assert lab.reaches("roamer", "islander")
    lab.client.networks.get("island").disconnect("roamer")
    assert "Drift" in lab.netplan("plan", str(file), "--exit-code", code=2)
    lab.netplan("apply", str(file), "--yes")
    assert lab.reaches("roamer", "islander")
    assert lab.life("roamer") == life


def modes(lab: Lab, file: Path) -> None:
    """host has the machine's interfaces, none only lo, and who shares a network has its address,
    its MAC address and its localhost.
    """
    links = ("ip", "-o", "link")
    assert interfaces(lab.says("mode-none", *links)) == {"lo"}
    assert (
        interfaces(lab.says("mode-host", *links))
        == interfaces(lab.on_host(*links))
        > {"lo", "docker0"}
    )
    assert lab.says("mode-shared", "ip", "addr") == lab.says("mode-network", "ip", "addr")
    assert lab.address("mode-network", "own", "MacAddress") in lab.says("mode-shared", "ip", "link")
    assert lab.fetches("mode-shared", "http://localhost") == "mode-network"
    assert not lab.reaches("mode-bridge", "mode-network")
    with lab.edited(file, ("network_mode: none}", "network_mode: bridge}")) as said:
        assert "network_mode  none -> bridge" in said
        assert "eth0" in interfaces(lab.says("mode-none", *links))


def interfaces(text: str) -> set[str]:
    return set(re.findall(r"^\d+: ([^:@]+)", text, re.M))


def ports(lab: Lab, file: Path) -> None:
    """Published ports lead to their containers, also after the network under them was replaced."""
    lives = [lab.life(name) for name in ("port-fixed", "port-local", "port-any")]
    published(lab)
    with lab.edited(file, ("10.201.26.0/24", "10.201.126.0/24")):
        published(lab)
    published(lab)
    assert [lab.life(name) for name in ("port-fixed", "port-local", "port-any")] == lives


def published(lab: Lab) -> None:
    chosen = lab.client.containers.get("port-any").attrs["NetworkSettings"]["Ports"]["80/tcp"][0][
        "HostPort"
    ]
    for port, name in (("18080", "port-fixed"), ("18081", "port-local"), (chosen, "port-any")):
        assert lab.on_host("wget", "-q", "-O", "-", f"http://127.0.0.1:{port}").strip() == name


def tiers(lab: Lab, file: Path) -> None:
    """The page comes through all tiers, and no tier knows further than the next."""
    assert lab.on_host("wget", "-q", "-O", "-", "http://127.0.0.1:18090/").strip() == "42 rows"
    assert lab.fetches("tier-proxy", "http://app/") == "42 rows"
    assert not lab.inside("tier-proxy", "nslookup", "db.")
    assert not lab.reaches("tier-proxy", lab.address("tier-db", "tier-data"))
    order = [lab.life(name)[1] for name in ("tier-db", "tier-web", "tier-proxy")]
    assert order == sorted(order)


def gateway(lab: Lab, file: Path) -> None:
    """Each side reaches the other through the router, one hop away, and not by name."""
    for one, other in (("west-host", "10.201.31.20"), ("east-host", "10.201.30.20")):
        assert "ttl=63" in lab.says(one, "ping", "-c", "1", "-W", "2", other)
    assert not lab.reaches("west-host", "east-host")


def database(lab: Lab, file: Path) -> None:
    """The client sees the server's page and not the database; the check has ended well, and that is
    as declared.
    """
    assert lab.fetches("cs-client", "http://cs-server") == "7 records"
    assert not lab.reaches("cs-client", "cs-database")
    assert not lab.reaches("cs-client", lab.address("cs-database", "records"))
    check = lab.client.containers.get("cs-check")
    assert (check.status, check.attrs["State"]["ExitCode"], check.logs().decode().strip()) == (
        "exited",
        0,
        "7 records",
    )
    shown = json.loads(lab.netplan("show", str(file), "-o", "json"))
    jsonschema.validate(shown, json.loads(schema_text("show")))
    rows = shown["topologies"][0]["containers"]
    assert {row["name"]: row["exit_code"] for row in rows if row["state"] == "exited"} == {
        "cs-check": 0
    }
    assert not any(row["notes"] for row in rows)


def families(lab: Lab, file: Path) -> None:
    """One name, both families."""
    assert lab.inside("both-client", "ping", "-6", "-c", "1", "-W", "2", "both-server")
    assert lab.fetches("both-client", "http://[fd00:201:34::10]") == "both"
    assert lab.fetches("both-client", "http://10.201.34.10") == "both"


def lesson(lab: Lab, file: Path) -> None:
    """Everything at once."""
    assert lab.fetches("tom", "http://jerry") == "jerry"
    assert not lab.reaches("old-1", "old-2")
    assert lab.reaches("old-1", lab.address("old-2", "bridge"))
    assert lab.fetches("sidekick", "http://localhost") == "tom"
    assert interfaces(lab.says("hermit", "ip", "-o", "link")) == {"lo"}
    assert "docker0" in interfaces(lab.says("watcher", "ip", "-o", "link"))
    assert lab.on_host("wget", "-q", "-O", "-", "http://127.0.0.1:18200").strip() == "tom"


LESSONS: Mapping[str, Callable[[Lab, Path], None]] = {
    "networking-lesson": lesson,
    "default-or-custom-bridge": bridges,
    "names-follow-addresses": names,
    "connect-and-disconnect": connections,
    "network-modes": modes,
    "port-mapping": ports,
    "three-tier-web": tiers,
    "gateway": gateway,
    "client-server-database": database,
    "dual-stack-web": families,
}
"""By the name of the file, without `.yaml`."""

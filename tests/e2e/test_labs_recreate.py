"""A container recreated loses nothing that can be kept; what fails is taken back; what is killed is
finished by the next apply.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..faults.proxy import Fault, Proxy, spoiled
from .cli import NETPLAN, Cli, box, server


class Lab:
    """A container with an anonymous volume, on two networks, and a client."""

    def __init__(self, cli: Cli) -> None:
        self.cli, self.docker = cli, cli.docker
        self.networks = {"n": {"subnet": cli.docker.subnet()}, "m": {"subnet": cli.docker.subnet()}}
        self.converge()
        cli.docker.exec(cli.docker.name("one"), "sh", "-c", "echo kept > /data/kept")

    def declare(self, **more: Any) -> dict[str, Any]:
        one = server(
            **{"networks": {"n": {"aliases": ["www"]}, "m": {}}, "volumes": ["/data"], **more}
        )
        return {"one": one, "two": box(networks=["n"])}

    def converge(self, **more: Any) -> None:
        self.cli.converge(self.networks, self.declare(**more))

    def write(self, **more: Any) -> None:
        self.cli.write(self.networks, self.declare(**more))

    def kept(self) -> bool:
        return self.docker.exec(self.docker.name("one"), "cat", "/data/kept")[1].strip() == "kept"

    def works(self) -> None:
        """Reachable, with its volume, and nothing of an attempt is left."""
        assert self.docker.fetch(self.docker.name("two"), "http://www/") == "page"
        assert self.cli.reach("one", "two")
        assert set(
            self.docker.inspect(self.docker.name("one"))["NetworkSettings"]["Networks"]
        ) == set(map(self.docker.name, "nm"))
        assert self.kept()
        listed = self.docker.do("GET", "/containers/json?all=1")
        assert sorted(
            c["Names"][0][1:] for c in listed if self.docker.prefix + "one" in c["Names"][0]
        ) == [self.docker.name("one")]


@pytest.fixture
def lab(cli: Cli) -> Lab:
    return Lab(cli)


def test_anonymous_volumes_are_carried_over(lab: Lab) -> None:
    lab.write(environment={"MODE": "new"})
    plan = lab.cli.plan().out
    assert "its anonymous volumes are kept: /data" in plan
    assert "data outside its volumes is lost" in plan
    (before,) = lab.cli.life("one")
    lab.converge(environment={"MODE": "new"})
    assert lab.cli.life("one")[0][0] != before[0]
    lab.works()


FAILURES: dict[str, dict[str, Any]] = {
    "no such command": {"command": ["/no/such/command"]},
    "no such device": {"devices": ["/dev/no-such-device"]},
    "a mount that cannot be": {"volumes": ["/data", "/proc/self/no-such-place:/x"]},
    "a sysctl that is none": {"sysctls": {"net.ipv4.no_such_thing": "1"}},
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_recreation_that_fails_is_taken_back(lab: Lab, failure: str) -> None:
    """The old container runs again under its name with its endpoints; exit 1 with the engine's
    words; a mended file converges.
    """
    (before,) = lab.cli.life("one")
    lab.write(**FAILURES[failure])
    result = lab.cli.apply(code=1)
    assert "the old container was restored" in result.out, result.said
    assert lab.cli.life("one")[0][0] == before[0]
    lab.works()
    lab.converge(environment={"MODE": "mended"})
    lab.works()


def test_a_host_port_that_is_taken_outside_docker(lab: Lab) -> None:
    """By a process on the engine's machine: only the engine can find out, and says so."""
    lab.docker.container("squatter", "host", Cmd=["nc", "-l", "-p", "39123"])
    lab.write(ports=["39123:80"])
    result = lab.cli.apply(code=1)
    assert "is in use by a process on the engine's host" in result.out, result.said
    assert "39123" in result.out
    lab.works()
    lab.converge()


def test_members_follow_the_one_whose_network_they_share(cli: Cli) -> None:
    n = {"subnet": cli.docker.subnet()}

    def declare(**more: Any) -> dict[str, Any]:
        return {
            "one": server(networks=["n"], **more),
            "member": box(network_mode="container:one"),
            "two": box(networks=["n"]),
        }

    cli.converge({"n": n}, declare())
    member = cli.life("member")[0][0]
    cli.converge({"n": n}, declare(environment={"MODE": "new"}))
    assert cli.life("member")[0][0] != member
    assert cli.docker.fetch(cli.docker.name("member"), "http://127.0.0.1/") == "page"
    assert (
        cli.docker.inspect(cli.docker.name("member"))["HostConfig"]["NetworkMode"]
        == f"container:{cli.life('one')[0][0]}"
    )
    cli.docker.do("POST", f"/containers/{cli.docker.name('one')}/stop?t=0")
    cli.apply()  # restarted, and so is the member, which had lost its network
    cli.settled()
    assert cli.docker.fetch(cli.docker.name("member"), "http://127.0.0.1/") == "page"


def test_a_member_that_fails_to_follow_says_what_to_do(cli: Cli) -> None:
    """Its old container can run in the network of the old owner only, which has ended: the new one
    runs, and is not taken back for it.
    """
    cli.converge({}, {"one": box(), "member": box(network_mode="container:one")})
    before = cli.life("one", "member")
    follow = {"one": box(environment={"MODE": "new"}), "member": box(network_mode="container:one")}
    cli.write({}, {**follow, "member": box("/no/such/command", network_mode="container:one")})
    result = cli.apply(code=1)
    assert "the old container has its name back and stays stopped" in result.out, result.said
    assert "apply again: that recreates it" in " ".join(result.out.split()), result.out
    now = cli.life("one", "member")
    assert now[0][0] != before[0][0]
    assert now[1][0] == before[1][0]
    cli.converge({}, follow)
    assert cli.docker.inspect(cli.docker.name("member"))["State"]["Running"]


def test_a_member_that_cannot_be_created_keeps_its_network(cli: Cli) -> None:
    """Nothing is stopped before every new container of the namespace is there: the owner's
    recreation is taken back too.
    """
    networks = {"n": {"subnet": cli.docker.subnet()}}
    cli.converge(
        networks, {"one": server(networks=["n"]), "member": box(network_mode="container:one")}
    )
    before = cli.life("one", "member")
    new = {
        "one": server(networks=["n"], environment={"MODE": "new"}),
        "member": box(network_mode="container:one", platform="linux/s390x"),
    }
    cli.write(networks, new)
    result = cli.apply(code=1)
    assert result.out.count("the old container was restored") == 2, result.out
    assert cli.life("one", "member") == before
    assert cli.docker.fetch(cli.docker.name("member"), "http://127.0.0.1/") == "page"
    cli.converge(networks, {**new, "member": box(network_mode="container:one")})
    assert cli.docker.fetch(cli.docker.name("member"), "http://127.0.0.1/") == "page"


def test_what_was_connected_by_hand_goes_with_the_old_one_and_that_is_said(cli: Cli) -> None:
    cli.converge({}, {"one": box()})
    full = cli.docker.name
    cli.docker.network("elsewhere", subnet=cli.docker.subnet())
    cli.docker.do("POST", f"/networks/{full('elsewhere')}/connect", {"Container": full("one")})
    cli.write({}, {"one": box(environment={"MODE": "new"})})
    assert (
        f"connected manually to {full('elsewhere')}, and not declared there: not attached again"
        in cli.plan().out
    )
    cli.apply()
    cli.settled()
    assert cli.endpoint("one", "elsewhere") is None


def test_a_foreign_member_stands_in_the_way(cli: Cli) -> None:
    cli.converge({}, {"one": box()})
    cli.docker.container("theirs", f"container:{cli.docker.name('one')}")
    cli.write({}, {"one": box(environment={"MODE": "new"})})
    before = cli.inspected()
    refused = cli.apply(code=3)
    assert "--disrupt-foreign" in refused.said
    assert not refused.changes
    assert cli.inspected() == before
    cli.apply("--disrupt-foreign")
    cli.settled()


def test_an_image_that_moved_under_its_tag_recreates(cli: Cli) -> None:
    tag = f"netplan-test/{cli.docker.prefix}moved"
    cli.docker.do("POST", f"/images/{cli.docker.image}/tag?repo={tag}&tag=1")
    try:
        cli.converge({}, {"one": box() | {"image": f"{tag}:1"}})
        cli.docker.container("builder")
        cli.docker.exec(cli.docker.name("builder"), "sh", "-c", "echo new > /tmp/new")
        cli.docker.do("POST", f"/commit?container={cli.docker.name('builder')}&repo={tag}&tag=1")
        cli.docker.do("DELETE", f"/containers/{cli.docker.name('builder')}?force=1")
        assert "image" in cli.plan("--exit-code", code=2).out
        cli.apply()
        cli.settled()
        assert cli.docker.exec(cli.docker.name("one"), "cat", "/tmp/new")[1].strip() == "new"
    finally:
        cli.docker.clean_up()
        cli.docker.call("DELETE", f"/images/{tag}:1?force=1")


@pytest.mark.parametrize(("verb", "stays"), [("apply", 200), ("reset", 404)])
def test_the_volume_that_an_interrupted_reset_left_is_named(
    lab: Lab, verb: str, stays: int
) -> None:
    """As a kill between the new container's creation and its start leaves the two. Another reset
    removes it.
    """
    one, docker = lab.docker.name("one"), lab.docker
    old = docker.inspect(one)
    left = f"{one}.netplan-{old['Id'][:12]}"
    (volume,) = [mount["Name"] for mount in old["Mounts"] if mount["Destination"] == "/data"]
    docker.do("POST", f"/containers/{one}/rename?name={left}")
    networks = {docker.name("n"): {"Aliases": ["www"]}}
    body = {
        **old["Config"],
        "Hostname": "",
        "HostConfig": old["HostConfig"],
        "NetworkingConfig": {"EndpointsConfig": networks},
    }
    docker.do("POST", f"/containers/create?name={one}", body)
    docker.do("POST", f"/networks/{docker.name('m')}/connect", {"Container": one})
    try:
        assert f"its anonymous volume at /data is not removed: {volume[:12]}" in lab.cli.plan().out
        lab.cli.run(verb, str(lab.cli.file), "--yes")
        lab.cli.settled()
        assert docker.call("GET", f"/containers/{left}/json")[0] == 404
        assert docker.call("GET", f"/volumes/{volume}")[0] == stays
    finally:
        docker.call("DELETE", f"/volumes/{volume}")


# --- killed ---------------------------------------------------------------------------------------


@pytest.fixture
def proxy(cli: Cli, tmp_path: Path) -> Iterator[Proxy]:
    if not cli.host.startswith("unix://"):
        pytest.skip("the proxy stands in front of a unix socket")
    with spoiled(tmp_path / "p", cli.host) as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("acts", [False, True], ids=["before", "after"])
def test_killed_at_every_step_the_next_apply_converges(lab: Lab, proxy: Proxy, acts: bool) -> None:
    """kill -9 before and after each call of a recreation; the volume's content is kept each
    time.
    """
    nth = 0
    while True:
        nth += 1
        lab.write(environment={"MODE": f"{acts}{nth}"})
        proxy.spoil(Fault("hang", nth=nth, acts=acts))
        if not _killed_at_fault(lab.cli, proxy):
            break
        lab.cli.apply()
        lab.cli.settled()
        lab.works()
    assert nth > 5, proxy.calls
    lab.cli.settled()


def _killed_at_fault(cli: Cli, proxy: Proxy) -> bool:
    """Whether the apply got to the fault, where it was killed, or to its end."""
    options = ["--yes", "--parallel", "1", "--settle", "0.2", "-H", proxy.host]
    command = [NETPLAN, "apply", str(cli.file), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while process.poll() is None and not proxy.spoiled and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.3 if proxy.spoiled else 0)  # the engine acts
        process.send_signal(signal.SIGKILL)
    return bool(proxy.spoiled)


# --- every setting --------------------------------------------------------------------------------


EVERYTHING: dict[str, Any] = {
    "entrypoint": ["sleep"],
    "command": ["sleep", "1800"],
    "environment": {"A": "1", "EMPTY": "", "SPACES": "a b", "NUMBER": 7, "FLAG": True},
    "hostname": "web",
    "domainname": "example.org",
    "user": "0:0",
    "working_dir": "/tmp",
    "ports": ["127.0.0.1:39231:81", "39232:82/udp", "83"],
    "expose": ["90", "91/udp"],
    "volumes": ["/anonymous", "/tmp:/bound:ro", {"type": "tmpfs", "target": "/scratch"}],
    "cap_add": ["NET_ADMIN", "SYS_TIME"],
    "cap_drop": ["MKNOD"],
    "sysctls": {"net.ipv4.ip_forward": 1},
    "devices": ["/dev/null:/dev/other:rw"],
    "dns": ["127.0.0.1"],
    "dns_search": ["a.test"],
    "extra_hosts": ["a.test:10.0.0.1", "b.test:fd00::1"],
    "labels": {"team": "net", "empty": ""},
    "restart": "on-failure:3",
    "init": True,
    "healthcheck": {
        "test": ["CMD", "true"],
        "interval": "1m30s",
        "timeout": "2s",
        "retries": 4,
        "start_period": "500ms",
    },
    "stop_grace_period": "3s",
    "mem_limit": "64m",
    "cpus": 0.5,
    "pull_policy": "never",
    "platform": "linux/amd64",
    "privileged": False,
    "publish_all": False,
}


@pytest.mark.parametrize("key", EVERYTHING)
def test_each_setting_converges_and_is_dropped_again(cli: Cli, key: str) -> None:
    """A second apply makes no mutating call, with the setting and after it left the file."""
    plain = box(networks=["n"])
    with_it = plain | {key: EVERYTHING[key]}
    if key == "entrypoint":
        with_it["command"] = ["3600"]
    n = {"subnet": cli.docker.subnet()}
    cli.converge({"n": n}, {"one": with_it})
    cli.converge({"n": n}, {"one": plain})


def test_all_settings_together_converge(cli: Cli) -> None:
    cli.converge(
        {"n": {"subnet": cli.docker.subnet()}},
        {"one": box() | EVERYTHING | {"networks": ["n"], "command": ["3600"]}},
    )


# --- secrets --------------------------------------------------------------------------------------

SECRET, OTHER = "hunter2-is-secret", "swordfish-is-secret"


def test_environment_values_appear_nowhere(cli: Cli, tmp_path: Path) -> None:
    """Neither in plans nor reports, labels, snapshots, logs of calls, or what a failure says."""
    (tmp_path / "secrets.env").write_text(f"FROM_FILE={OTHER}\n")
    said: list[str] = []

    def declare(value: str, **more: Any) -> None:
        environment = {"PASSWORD": value, "PLAIN": "x"}
        cli.write({}, {"one": box(environment=environment, env_file="secrets.env", **more)})

    def note(*arguments: str, code: int | None = 0) -> None:
        said.append(cli.run(*arguments, code=code).said)

    file = str(cli.file)
    declare(SECRET)
    note("plan", file, "-v")
    note("plan", file, "-o", "json")
    note("apply", file, "--yes", "-v")
    assert SECRET in cli.docker.exec(cli.docker.name("one"), "sh", "-c", "echo $PASSWORD")[1]
    assert OTHER in cli.docker.exec(cli.docker.name("one"), "sh", "-c", "echo $FROM_FILE")[1]
    said.append(json.dumps(cli.docker.inspect(cli.docker.name("one"))["Config"]["Labels"]))
    note("snapshot")
    note("show", file)
    note("show", file, "-o", "json")
    declare(SECRET + "-new")
    note("plan", file)
    note("plan", file, "-o", "json")
    note("apply", file, "--yes", "-v", "-o", "json")
    declare(SECRET, command=["/no/such"])
    note("apply", file, "--yes", "-v", code=1)
    declare(SECRET, no_such_key=1)
    note("validate", file, code=4)
    note("reset", file, "--yes", "-v", code=4)
    assert all(SECRET not in text and OTHER not in text for text in said)
    assert "(value hidden)" in said[0]


def test_a_mac_address_that_a_stopped_container_was_not_made_with_makes_it_anew(cli: Cli) -> None:
    """While it is stopped the engine tells none: what netplan noted at its creation counts."""
    nets, mac = {"n": {"subnet": cli.docker.subnet()}}, "02:42:0a:3d:01:0b"
    end = {"command": ["true"], "one_shot": True, "networks": {"n": {}}}
    cli.converge(nets, {"web": box(networks={"n": {}}), "job": box(**end)})
    cli.docker.do("POST", f"/containers/{cli.docker.name('web')}/stop?t=0")
    fixed = {"n": {"mac_address": mac}}
    cli.converge(
        nets,
        {
            "web": box(networks=fixed),
            "job": box(**end | {"networks": {"n": {"mac_address": mac[:-1] + "c"}}}),
        },
    )
    assert (cli.endpoint("web", "n") or {})["MacAddress"] == mac
    cli.docker.do("POST", f"/containers/{cli.docker.name('web')}/stop?t=0")
    assert "start" in cli.plan().out
    assert "recreate" not in cli.plan().out
    cli.converge(nets, {"web": box(networks={"n": {}}), "job": box(**end)})
    assert (cli.endpoint("web", "n") or {})["MacAddress"] != mac

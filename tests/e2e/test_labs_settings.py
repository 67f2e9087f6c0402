"""Settings that engines keep in words of their own, or beside others: a second apply finds nothing
to do. And what a container says.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from reconciler.model import ALL_ENDPOINTS_API

from .cli import Cli, box, server
from .conftest import IMAGE

SETTINGS: dict[str, dict[str, Any]] = {
    "exposed beside published": {"expose": ["80", "81"], "ports": ["127.0.0.1::80"]},
    "a folder with a slash": {"working_dir": "/tmp/"},
    "no words of the image's entrypoint": {"entrypoint": []},
    "no limits": {"cpus": 0, "mem_limit": 0},
    "a file that need not be there": {"env_file": [{"path": "nosuch.env", "required": False}]},
}


def test_what_was_added_in_place_is_taken_out_again(cli: Cli) -> None:
    """Which no label tells; nor what somebody else's `docker update` did. A restart policy in
    place, a limit with its container.
    """
    cli.converge({}, {"web": box()})
    (before,) = cli.life("web")
    cli.converge({}, {"web": box(restart="unless-stopped")})
    cli.write({}, {"web": box()})
    assert "restart  unless-stopped -> no" in cli.plan("--exit-code", code=2).out
    cli.converge({}, {"web": box()})
    assert cli.life("web") == [before]
    cli.docker.do(
        "POST",
        f"/containers/{cli.docker.name('web')}/update",
        {"RestartPolicy": {"Name": "always"}},
    )
    cli.converge({}, {"web": box()})
    assert cli.life("web") == [before]
    cli.converge({}, {"web": box(mem_limit="64m", cpus=0.5)})
    assert cli.life("web") == [before]
    cli.write({}, {"web": box()})
    planned = cli.plan("--exit-code", code=2).out
    assert planned.count("# not declared") == len(("mem_limit", "cpus")), planned
    cli.converge({}, {"web": box()})
    host = cli.docker.inspect(cli.docker.name("web"))["HostConfig"]
    assert (host["RestartPolicy"]["Name"] or "no", host["Memory"], host["NanoCpus"]) == ("no", 0, 0)


@pytest.mark.parametrize("what", SETTINGS)
def test_a_setting_is_kept(cli: Cli, what: str) -> None:
    cli.converge({}, {"web": box(**SETTINGS[what])})
    cli.converge({}, {"web": box()})


def test_ports_that_an_image_exposes_stay_exposed(cli: Cli) -> None:
    """Those of the file come to them and go again; so do the image's words, which an empty
    entrypoint puts aside.
    """
    image = "netplan-test/exposing:1"
    id = cli.docker.container("base", start=False)
    changes = "&changes=EXPOSE%2080&changes=ENTRYPOINT%20%5B%22nosuch%22%5D"
    cli.docker.do("POST", f"/commit?container={id}&repo=netplan-test/exposing&tag=1{changes}")
    try:
        web = box(image=image, entrypoint=[])
        cli.converge({}, {"web": {**web, "expose": ["81"]}})
        assert set(cli.docker.inspect(cli.docker.name("web"))["Config"]["ExposedPorts"]) == {
            "80/tcp",
            "81/tcp",
        }
        cli.converge({}, {"web": {**web, "ports": ["127.0.0.1::80"]}})
        assert set(cli.docker.inspect(cli.docker.name("web"))["Config"]["ExposedPorts"]) == {
            "80/tcp"
        }
        cli.converge({}, {"web": web})
    finally:
        cli.docker.clean_up()
        cli.docker.call("DELETE", f"/images/{image}?force=1")


def test_a_platform_has_many_names(cli: Cli) -> None:
    machine = cli.docker.do("GET", "/info")["Architecture"]
    cli.converge({}, {"web": box(platform=machine)})


def test_who_shares_a_network_has_its_domain(cli: Cli) -> None:
    cli.converge(
        {},
        {
            "owner": box(network_mode="none"),
            "web": box(network_mode="container:owner", domainname="a.test"),
        },
    )


def test_a_mac_address_on_the_network_that_is_written_last(cli: Cli) -> None:
    """It survives a restart and a replacement, moves to another network, and is settled all the
    while.
    """
    if cli.docker.info.flavor == "podman":
        pytest.skip("Podman heeds one on connect: test_marks_and_macs.py")
    nets = {net: {"subnet": cli.docker.subnet()} for net in ("aa", "za")}
    mac, web = "02:42:72:98:65:08", cli.docker.name("web")

    def macs() -> list[bool]:
        return [(cli.endpoint("web", net) or {})["MacAddress"] == mac for net in nets]

    cli.converge(nets, {"web": box(networks={"aa": {}, "za": {"mac_address": mac}})})
    assert macs() == [False, True]
    life = cli.life("web")
    cli.converge(nets, {"web": box(networks={"za": {"mac_address": mac}, "aa": {}})})
    assert cli.life("web") == life, "the order in the file makes no difference"
    cli.docker.do("POST", f"/containers/{web}/restart?t=0")
    assert macs() == [False, True]
    nets["za"] |= {"labels": {"changed": "yes"}}
    cli.converge(nets, {"web": box(networks={"aa": {}, "za": {"mac_address": mac}})})
    assert macs() == [False, True]
    cli.converge(nets, {"web": box(networks={"aa": {"mac_address": mac}, "za": {}})})
    assert macs() == [True, False]
    both = {
        "web": box(networks={"aa": {"mac_address": mac}, "za": {"mac_address": mac[:-1] + "9"}})
    }
    if cli.docker.info.api >= ALL_ENDPOINTS_API:
        cli.converge(nets, both)
        return
    cli.write(nets, both)
    refused = cli.apply(code=1)
    assert not refused.changes
    assert f"keep the mac_address of only one network of {web}" in " ".join(refused.said.split())
    assert macs() == [True, False]


def test_a_mac_address_that_is_not_declared_any_more_goes(cli: Cli) -> None:
    subnet = cli.docker.subnet()
    mac = "02:42:00:00:09:09"
    cli.converge({"n": {"subnet": subnet}}, {"web": box(networks={"n": {"mac_address": mac}})})
    assert cli.endpoint("web", "n")["MacAddress"] == mac  # type: ignore[index]
    cli.write({"n": {"subnet": subnet}}, {"web": box(networks={"n": {}})})
    assert mac in cli.plan().out
    cli.apply()
    cli.settled()
    assert cli.endpoint("web", "n")["MacAddress"] != mac  # type: ignore[index]


def test_a_container_that_is_committed_to_its_own_image_stays_ours(cli: Cli) -> None:
    """Its labels are the image's by then, and those of the container that is made of it are still
    its own.
    """
    image = "netplan-test/mine:1"
    cli.docker.do("POST", f"/images/{IMAGE}/tag?repo=netplan-test/mine&tag=1")
    try:
        cli.converge({}, {"web": box(image=image)})
        cli.docker.do(
            "POST", f"/commit?container={cli.docker.name('web')}&repo=netplan-test/mine&tag=1"
        )
        assert "must be recreated" in cli.plan().out
        cli.apply()
        cli.settled()
        stranger = cli.docker.container("stranger", Image=image)
        cli.destroy()
        assert cli.docker.call("GET", f"/containers/{cli.docker.name('web')}/json")[0] == 404
        assert cli.docker.inspect(stranger)["State"]["Running"]
    finally:
        cli.docker.clean_up()
        cli.docker.call("DELETE", f"/images/{image}?force=1")


SECRET = {"environment": {"TOKEN": "hunter2-s3cr3t"}}
TELLERS: dict[str, dict[str, Any]] = {
    "its last words": box("sh", "-c", "echo no login with $$TOKEN; exit 7", **SECRET),
    "its healthcheck": box(
        healthcheck={
            "test": "echo no login with $$TOKEN; exit 1",
            "interval": "200ms",
            "retries": 1,
            "start_period": "0s",
        },
        **SECRET,
    ),
}


@pytest.mark.parametrize("who", TELLERS)
def test_what_a_container_says_shows_no_value(cli: Cli, who: str) -> None:
    cli.write(
        {},
        {
            "db": TELLERS[who],
            "web": box(depends_on={"db": "service_healthy"} if "check" in who else {}),
        },
    )
    result = cli.apply(code=1)
    assert "no login with (value hidden)" in result.said
    assert "hunter2" not in result.said


def test_the_health_of_a_container_that_is_not_run_here_is_waited_for(cli: Cli) -> None:
    check = {"Test": ["CMD-SHELL", "ls /tmp/ready"], "Interval": 10**8, "Retries": 100}
    ext = cli.docker.container("ext", Healthcheck=check)
    cli.write({}, {"ext": {"networks": []}, "web": box(depends_on={"ext": "service_healthy"})})
    assert f"wait until {cli.docker.name('ext')} is healthy" in cli.plan().out
    cli.docker.exec(ext, "sh", "-c", "echo > /tmp/ready")
    cli.apply()
    cli.settled()


def test_one_that_waits_runs_on_meanwhile(cli: Cli) -> None:
    """The old container is stopped after what the new one depends on is there: that may be long, or
    fail.
    """
    check = {"test": "ls /tmp/ready", "interval": "100ms", "retries": 2}
    make = ["sh", "-c", "echo > /tmp/ready; sleep 3600"]
    whole = {
        "db": box(*make, healthcheck=check),
        "web": server(depends_on={"db": "service_healthy"}),
    }
    cli.converge({}, whole)
    broken = box(healthcheck=check)
    cli.write({}, {"db": broken, "web": server("new", depends_on={"db": "service_healthy"})})
    before = cli.life("web")
    assert "is unhealthy" in cli.apply(code=1).said
    assert cli.life("web") == before
    cli.converge({}, whole)


def test_a_container_that_ends_again_and_again_is_refused_beforehand(cli: Cli) -> None:
    """Its attachments cannot be changed between two starts; nobody else is interrupted for
    nothing.
    """
    subnet = cli.docker.subnet()
    loop = cli.docker.container(
        "loop", Cmd=["sh", "-c", "exit 1"], HostConfig={"RestartPolicy": {"Name": "always"}}
    )
    web = cli.docker.container("web")
    members: dict[str, Any] = {"loop": {"networks": ["n"]}, "web": {"networks": ["n"]}}
    for _ in range(300):
        state = cli.docker.inspect(loop)
        if (
            state["State"]["Restarting"] and state["RestartCount"] > 5
        ):  # by now there are seconds between two starts
            break
        time.sleep(0.1)
    else:
        raise AssertionError(state)
    cli.write({"n": {"subnet": subnet}}, members)
    refused = cli.apply(code=1)
    assert f"container {cli.docker.name('loop')} keeps restarting" in refused.err
    assert f"docker stop {cli.docker.name('loop')}" in refused.err
    assert not refused.changes
    cli.docker.stop(loop)
    cli.converge({"n": {"subnet": subnet}}, members)
    assert cli.docker.inspect(web)["State"]["Running"]


def test_the_place_of_one_that_does_not_run_is_warned_of(cli: Cli) -> None:
    subnet = cli.docker.subnet()
    address = subnet.replace(".0/24", ".2")
    cli.docker.container("web")
    cli.docker.container("rests", start=False)
    networks = {"n": {"subnet": subnet}}
    cli.write(
        networks,
        {"web": {"networks": ["n"]}, "rests": {"networks": {"n": {"ipv4_address": address}}}},
    )
    plan = cli.plan().out
    assert f"the engine may give its address {address} to {cli.docker.name('web')}" in plan
    cli.apply()
    assert f"{cli.docker.name('web')} has its address {address}" in cli.plan().out


def test_files_limits_and_labels_in_compose_s_other_words(cli: Cli) -> None:
    """`deploy`, secrets, configs, label files and a container's own MAC address."""
    folder = cli.file.parent
    (folder / "token.txt").write_text("s3\n", encoding="utf-8")
    (folder / "labels.env").write_text("a=1\nb=2\n", encoding="utf-8")
    web = box(
        networks=["n"],
        mac_address="02:42:0a:00:00:63",
        secrets=["token"],
        configs=[{"source": "app", "target": "/etc/app"}],
        label_file="labels.env",
        labels={"b": "mine"},
        deploy={
            "resources": {"limits": {"memory": "64m", "pids": 50}},
            "restart_policy": {"condition": "on-failure", "max_attempts": 2},
        },
        depends_on={"once": "service_completed_successfully"},
    )
    once = box("true")
    shared = {"token": {"file": "token.txt"}}
    cli.top = {"secrets": shared, "configs": {"app": {"file": "./token.txt"}}}
    cli.converge({"n": {}}, {"web": web, "once": {**once, "networks": ["n"]}})
    raw = cli.docker.inspect(cli.docker.name("web"))
    labels = raw["Config"]["Labels"]
    assert (labels["a"], labels["b"]) == ("1", "mine")
    assert raw["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 2}
    networks = raw["NetworkSettings"]["Networks"]
    assert [seen["MacAddress"] for seen in networks.values()] == ["02:42:0a:00:00:63"]
    mounts = {mount["Destination"]: mount["RW"] for mount in raw["Mounts"]}
    assert mounts == {"/run/secrets/token": False, "/etc/app": False}

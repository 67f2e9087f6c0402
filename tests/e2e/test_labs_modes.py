"""Containers that a file runs, in every network mode, with traffic between them: the lesson that
this project grew out of.
"""

from __future__ import annotations

import random

import pytest

from .cli import Cli, box, server


def port() -> int:
    return random.randint(30000, 39999)


def page(cli: Cli, number: int) -> str:
    """What the engine's own machine gets from one of its ports."""
    cli.docker.container(f"probe{number}", "host")
    return cli.docker.fetch(cli.docker.name(f"probe{number}"), f"http://127.0.0.1:{number}/")


def interfaces(cli: Cli, short: str) -> list[str]:
    return cli.docker.exec(cli.docker.name(short), "ls", "/sys/class/net")[1].split()


def links(cli: Cli, short: str) -> str:
    """Addresses and MACs as seen from inside, without what counts time."""
    return cli.docker.exec(cli.docker.name(short), "ip", "-o", "addr", "show", "dev", "eth0")[1]


def test_on_the_default_bridge_addresses_work_and_names_do_not(cli: Cli) -> None:
    cli.converge(
        {},
        {"one": server(network_mode="bridge"), "two": box(network_mode="bridge"), "three": box()},
    )
    full = cli.docker.name
    address = cli.docker.inspect(full("one"))["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    for short in ("two", "three"):  # `bridge` is what a container without networks is on
        assert cli.docker.fetch(full(short), f"http://{address}/") == "page"
        assert cli.docker.ping(full(short), address)
        assert not cli.docker.ping(full(short), full("one"))


def test_on_a_network_of_its_own_names_and_aliases_work(cli: Cli) -> None:
    n = {"subnet": cli.docker.subnet()}
    cli.converge(
        {"n": n}, {"one": server(networks={"n": {"aliases": ["web"]}}), "two": box(networks=["n"])}
    )
    assert cli.reach("one", "two")
    for name in (cli.docker.name("one"), "web"):
        assert cli.docker.fetch(cli.docker.name("two"), f"http://{name}/") == "page"


def test_addresses_change_without_a_restart_and_names_still_work(cli: Cli) -> None:
    subnet = cli.docker.subnet()

    def lab(one: str, two: str) -> None:
        address = subnet.replace(".0/24", "")
        endpoints = [{"n": {"ipv4_address": f"{address}.{host}"}} for host in (one, two)]
        cli.converge(
            {"n": {"subnet": subnet}},
            {"one": server(networks=endpoints[0]), "two": box(networks=endpoints[1])},
        )
        assert (
            cli.docker.fetch(cli.docker.name("two"), f"http://{cli.docker.name('one')}/") == "page"
        )
        assert cli.reach("one", "two")

    lab("10", "20")
    before = cli.life("one", "two")
    lab("20", "10")  # swapped
    assert cli.life("one", "two") == before


def test_host_none_and_container(cli: Cli) -> None:
    """`host` has the host's interfaces, `none` only lo, and two that share a network have one
    address, one MAC and one localhost.
    """
    n = {"subnet": cli.docker.subnet()}
    shared = {"owner": server(networks=["n"]), "member": box(network_mode="container:owner")}
    cli.converge(
        {"n": n}, shared | {"onhost": box(network_mode="host"), "sealed": box(network_mode="none")}
    )
    cli.docker.container("other", "host")
    assert "docker0" in interfaces(cli, "onhost")
    assert interfaces(cli, "onhost") == interfaces(cli, "other")
    assert interfaces(cli, "sealed") == ["lo"]
    assert links(cli, "owner") == links(cli, "member")
    assert "inet " in links(cli, "owner")
    mac = ("cat", "/sys/class/net/eth0/address")
    assert cli.docker.exec(cli.docker.name("owner"), *mac) == cli.docker.exec(
        cli.docker.name("member"), *mac
    )
    assert cli.docker.fetch(cli.docker.name("member"), "http://127.0.0.1/") == "page"


def test_a_foreign_containers_network_is_shared(cli: Cli) -> None:
    name = cli.docker.name("theirs")
    cli.docker.container("theirs")
    cli.converge({}, {"member": box(network_mode=f"container:{name}")})
    assert links(cli, "member") == links(cli, "theirs")


@pytest.mark.parametrize("owner", ["ours", "theirs"])
def test_who_shares_a_network_that_was_started_anew_is_not_left_cut_off(
    cli: Cli, owner: str
) -> None:
    """A restart of the owner by hand leaves the member without a network, though it runs: that is
    drift.
    """
    name = cli.docker.name("owner")
    n, member = {"subnet": cli.docker.subnet()}, box(network_mode=f"container:{name}")
    if owner == "ours":
        cli.converge(
            {"n": n}, {"owner": box(networks=["n"]), "member": member, "other": box(networks=["n"])}
        )
    else:
        cli.docker.container("owner")
        cli.converge({"n": n}, {"member": member})
    before = links(cli, "member")
    assert "inet " in before
    life = cli.life("owner")
    cli.docker.do("POST", f"/containers/{name}/restart?t=0")
    assert "inet " not in links(cli, "member")
    said = f"has lost its network: {name}, whose network it shares, was restarted"
    assert f"container {cli.docker.name('member')}  {said}" in cli.plan("--exit-code", code=2).out
    assert said in cli.run("show", str(cli.file)).out
    restarted = cli.life("owner")
    assert restarted != life
    cli.apply()
    assert "inet " in links(cli, "member")
    assert cli.life("owner") == restarted
    cli.settled()


def test_a_restart_that_cuts_nobody_off_is_no_drift(cli: Cli) -> None:
    """Of one on the host's network, and of one in the middle of a chain."""
    containers = {
        "onhost": box(network_mode="host"),
        "beside": box(network_mode="container:onhost"),
        "head": box(networks=["n"]),
        "middle": box(network_mode="container:head"),
        "end": box(network_mode="container:middle"),
    }
    cli.converge({"n": {"subnet": cli.docker.subnet()}}, containers)
    before = {name: links(cli, name) for name in containers}
    for name in ("onhost", "middle"):
        cli.docker.do("POST", f"/containers/{cli.docker.name(name)}/restart?t=0")
    cli.settled()
    assert {name: links(cli, name) for name in containers} == before
    cli.docker.do("POST", f"/containers/{cli.docker.name('head')}/restart?t=0")
    assert "2 containers are interrupted" in cli.plan("--exit-code", code=2).out
    assert cli.run("show").out.count("has lost its network: ") == 2
    cli.apply()
    cli.settled()
    assert "inet " in links(cli, "end")


MODES = {
    "bridge": {"network_mode": "bridge"},
    "none": {"network_mode": "none"},
    "host": {"network_mode": "host"},
}


@pytest.mark.parametrize("before", MODES)
@pytest.mark.parametrize("after", MODES)
def test_another_mode_recreates_and_says_so(cli: Cli, before: str, after: str) -> None:
    if before == after:
        pytest.skip("no change")
    cli.converge({}, {"one": box(**MODES[before])})
    (old,) = cli.life("one")
    cli.write({}, {"one": box(**MODES[after])})
    plan = cli.plan().out
    assert "network_mode" in plan
    assert "-/+ container" in plan
    cli.converge({}, {"one": box(**MODES[after])})
    (new,) = cli.life("one")
    assert new[0] != old[0]


def test_published_ports_still_work_after_the_network_was_replaced(cli: Cli) -> None:
    """`ports` and `publish_all`, from the engine's own machine; the container is not restarted."""
    number = port()
    web = server(networks=["n"], ports=[f"{number}:80"])
    every = server("all", networks=["n"], publish_all=True, expose=["80"])
    cli.converge({"n": {"subnet": cli.docker.subnet()}}, {"web": web, "every": every})

    def chosen() -> int:
        first, *_ = cli.docker.inspect(cli.docker.name("every"))["NetworkSettings"]["Ports"][
            "80/tcp"
        ]
        return int(first["HostPort"])

    assert page(cli, number) == "page"
    assert page(cli, chosen()) == "all"
    cli.docker.do("DELETE", f"/containers/{cli.docker.name(f'probe{number}')}?force=1")
    before = cli.life("web", "every")
    cli.converge(
        {"n": {"subnet": cli.docker.subnet(), "internal": False}}, {"web": web, "every": every}
    )
    assert cli.life("web", "every") == before
    assert page(cli, number) == "page"
    cli.docker.container("again", "host")
    assert cli.docker.fetch(cli.docker.name("again"), f"http://127.0.0.1:{chosen()}/") == "all"


def test_what_leaves_the_file_leaves_the_engine(cli: Cli) -> None:
    both = {"a": {"subnet": cli.docker.subnet()}, "b": {"subnet": cli.docker.subnet()}}
    cli.converge(both, {"one": server(networks=["a", "b"]), "two": box(networks=["b"])})
    before = cli.life("one")
    cli.converge({"a": both["a"]}, {"one": server(networks=["a"])})
    assert not cli.exists("b")
    assert cli.docker.call("GET", f"/containers/{cli.docker.name('two')}/json")[0] == 404
    assert cli.life("one") == before
    cli.destroy()
    assert not cli.inspected()


def test_a_container_is_never_left_naming_a_network_that_is_gone(cli: Cli) -> None:
    """Created on a and b, then a dropped from the file: it is attached and restarted at will
    afterwards.
    """
    both = {"a": {"subnet": cli.docker.subnet()}, "b": {"subnet": cli.docker.subnet()}}
    one = server(networks=["a", "b"])
    cli.converge(both, {"one": one, "two": box(networks=["b"])})
    cli.converge({"b": both["b"]}, {"one": server(networks=["b"]), "two": box(networks=["b"])})
    name = cli.docker.name("one")
    mode = cli.docker.inspect(name)["HostConfig"]["NetworkMode"]
    assert cli.docker.call("GET", f"/networks/{mode}")[0] == 200
    cli.docker.do("POST", f"/containers/{name}/restart?t=0")
    assert cli.docker.fetch(cli.docker.name("two"), f"http://{name}/") == "page"
    cli.docker.network("later", subnet=cli.docker.subnet())
    assert cli.docker.connect(cli.docker.name("later"), name)[0] == 200


def test_all_endpoints_are_there_before_it_starts(cli: Cli) -> None:
    """With several networks it never runs half attached: what it looks at first is whole. Before
    API 1.44 the rest is connected.
    """
    networks = {short: {"subnet": cli.docker.subnet()} for short in "abc"}
    result = cli.converge(
        networks,
        {
            "one": box(
                "sh", "-c", "ls /sys/class/net > /tmp/first; sleep 3600", networks=["a", "b", "c"]
            )
        },
    )
    assert cli.docker.exec(cli.docker.name("one"), "cat", "/tmp/first")[1].split() == [
        "eth0",
        "eth1",
        "eth2",
        "lo",
    ]
    connects = [call for call in result.changes if call.endswith("/connect")]
    assert len(connects) == (0 if cli.docker.info.api >= (1, 44) else 2)

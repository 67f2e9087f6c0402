"""Containers that were stopped, removed, recreated, or attached by hand: the plan shows it, and
apply mends it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .cli import Cli, box, names, server


class Pair:
    """A server and a client on one network."""

    def __init__(self, cli: Cli) -> None:
        self.cli, self.docker = cli, cli.docker
        self.networks = {"n": {"subnet": cli.docker.subnet()}, "m": {"subnet": cli.docker.subnet()}}
        one = server(networks={"n": {"aliases": ["www"]}}, environment={"MODE": "declared"})
        self.containers = {"one": one, "two": box(networks=["n"])}
        cli.converge(self.networks, self.containers)

    def works(self) -> bool:
        client, full = self.docker.name("two"), self.docker.name
        return all(
            self.docker.fetch(client, f"http://{name}/") == "page" for name in ("www", full("one"))
        ) and self.cli.reach("one", "two")

    def raw(self, call: str, body: object = None) -> None:
        method, _, path = call.partition(" ")
        self.docker.do(
            method,
            path.replace("ONE", self.docker.name("one")).replace("NET", self.docker.name("n")),
            body,
        )


def stop(pair: Pair) -> None:
    pair.raw("POST /containers/ONE/stop?t=0")


def kill(pair: Pair) -> None:
    pair.raw("POST /containers/ONE/kill")


def remove(pair: Pair) -> None:
    pair.raw("DELETE /containers/ONE?force=1")


def rename(pair: Pair) -> None:
    pair.raw(f"POST /containers/ONE/rename?name={pair.docker.name('away')}")


def recreate(pair: Pair) -> None:
    """By a tool that keeps the labels, and little else."""
    raw = pair.docker.inspect(pair.docker.name("one"))
    remove(pair)
    body = {
        "Env": ["MODE=other"],
        "Labels": raw["Config"]["Labels"],
        "HostConfig": {"NetworkMode": pair.docker.name("n")},
    }
    pair.docker.container(
        "one", **{"network": pair.docker.name("n"), "Cmd": ["sleep", "3600"], **body}
    )


def disconnect(pair: Pair) -> None:
    pair.raw("POST /networks/NET/disconnect", {"Container": pair.docker.name("one")})


def connect(pair: Pair) -> None:
    assert pair.docker.connect(pair.docker.name("m"), pair.docker.name("one"))[0] == 200


def other_alias(pair: Pair) -> None:
    disconnect(pair)
    assert (
        pair.docker.connect(pair.docker.name("n"), pair.docker.name("one"), Aliases=["wrong"])[0]
        == 200
    )


def other_address(pair: Pair) -> None:
    disconnect(pair)
    address = pair.networks["n"]["subnet"].replace(".0/24", ".99")
    assert (
        pair.docker.connect(
            pair.docker.name("n"), pair.docker.name("one"), IPAMConfig={"IPv4Address": address}
        )[0]
        == 200
    )


def other_network(pair: Pair) -> None:
    """Removed and made again by its own labels, with other settings."""
    labels = pair.cli.network("n")["Labels"]
    for short in ("one", "two"):
        pair.raw("POST /networks/NET/disconnect", {"Container": pair.docker.name(short)})
    pair.raw("DELETE /networks/NET")
    pair.docker.network("n", subnet=pair.docker.subnet(), Labels=labels)


def policy(pair: Pair) -> None:
    pair.raw("POST /containers/ONE/update", {"Memory": 64 << 20, "MemorySwap": 128 << 20})
    pair.docker.do("POST", f"/containers/{pair.docker.name('one')}/stop?t=0")


CHANGES = (
    stop,
    kill,
    remove,
    rename,
    recreate,
    disconnect,
    connect,
    other_alias,
    other_address,
    other_network,
    policy,
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_drift_is_shown_and_mended(cli: Cli, change: Callable[[Pair], None]) -> None:
    pair = Pair(cli)
    change(pair)
    plan = cli.plan("--exit-code", code=2)
    assert cli.docker.name("one") in plan.out
    cli.apply()
    cli.settled()
    raw = cli.docker.inspect(cli.docker.name("one"))
    assert raw["State"]["Running"]
    assert "MODE=declared" in raw["Config"]["Env"]
    assert set(raw["NetworkSettings"]["Networks"]) == {cli.docker.name("n")}
    assert names((cli.endpoint("one", "n") or {})["Aliases"], raw) == {"www"}
    assert pair.works()


def test_a_container_of_somebody_else_in_its_place_is_not_touched(cli: Cli) -> None:
    pair = Pair(cli)
    remove(pair)
    cli.docker.container("one")
    cli.docker.container("bystander", cli.docker.name("m"))
    before = cli.inspected()
    for command in ("apply", "reset", "destroy"):
        result = cli.run(command, str(cli.file), "--yes", "-v", code=None)
        if command != "destroy":
            assert result.code == 3, result.said
            assert cli.docker.name("one") in result.err
            assert not result.changes
            assert cli.inspected() == before
    inspected = cli.inspected()
    theirs = [
        f"/containers/{cli.docker.inspect(cli.docker.name(short))['Id']}/json"
        for short in ("one", "bystander")
    ]
    assert {path: inspected[path] for path in theirs} == {path: before[path] for path in theirs}


def test_strangers_are_byte_identical_after_everything(cli: Cli) -> None:
    """Networks and containers of others, after apply, reset and destroy."""
    cli.docker.network("theirs", subnet=cli.docker.subnet())
    cli.docker.container("running", cli.docker.name("theirs"), endpoint={"Aliases": ["x"]})
    cli.docker.container("never-started", cli.docker.name("theirs"), start=False)
    before = cli.inspected()

    def same() -> bool:
        now = cli.inspected()
        return {path: now[path] for path in before} == before

    pair = Pair(cli)
    assert same()
    assert cli.run("reset", str(cli.file), "--yes").code == 0
    assert same()
    assert pair.works()
    cli.destroy()
    assert cli.inspected() == before


def test_one_made_anew_by_another_tool_is_attached_again(cli: Cli) -> None:
    """A container that the file does not run, with the settings of its endpoint."""
    subnet = cli.docker.subnet()
    address = subnet.replace(".0/24", ".40")
    endpoint = {"n": {"ipv4_address": address, "aliases": ["www"]}}
    cli.docker.container("theirs")
    lab = {"theirs": {"networks": endpoint}, "client": box(networks=["n"])}
    cli.converge({"n": {"subnet": subnet}}, lab)
    cli.docker.do("DELETE", f"/containers/{cli.docker.name('theirs')}?force=1")
    cli.docker.container(
        "theirs", Cmd=["sh", "-c", "echo page > /tmp/index.html; exec httpd -f -p 80 -h /tmp"]
    )
    plan = cli.plan("--exit-code", code=2).out
    assert "the container was recreated" in plan
    cli.apply()
    cli.settled()
    found = cli.endpoint("theirs", "n")
    assert found
    assert found["IPAddress"] == address
    assert cli.docker.fetch(cli.docker.name("client"), "http://www/") == "page"


def test_a_reset_makes_everything_anew_and_takes_strangers_off(cli: Cli) -> None:
    pair = Pair(cli)
    cli.docker.container("stranger")
    assert (
        cli.docker.connect(cli.docker.name("n"), cli.docker.name("stranger"), Aliases=["www"])[0]
        == 200
    )
    cli.docker.exec(cli.docker.name("one"), "sh", "-c", "echo damaged > /tmp/index.html")
    before = cli.life("one", "two")
    result = cli.run("reset", str(cli.file), "--yes")
    assert "reset: recreated" in result.out
    assert not {id for id, _, _ in before} & {id for id, _, _ in cli.life("one", "two")}
    assert cli.endpoint("stranger", "n") is None
    assert cli.docker.inspect(cli.docker.name("stranger"))["State"]["Running"]
    assert pair.works()
    cli.settled()


def test_a_reset_may_leave_the_containers(cli: Cli) -> None:
    pair = Pair(cli)
    before = cli.life("one", "two")
    disconnect(pair)
    cli.run("reset", str(cli.file), "--yes", "--keep-containers")
    assert cli.life("one", "two") == before
    assert pair.works()

"""Parts of a plan on a real engine: --only, and --keep-going where something is missing."""

from __future__ import annotations

from reconciler.engine import Engine
from reconciler.lock import own_volumes
from reconciler.lock.journal import writer
from reconciler.observe import observe
from reconciler.planner import plan
from reconciler.topology import load

from .cli import Cli, box


def test_only_what_is_named_and_what_it_needs(cli: Cli) -> None:
    docker, full = cli.docker, cli.docker.name
    subnets = [docker.subnet() for _ in range(4)]
    networks = {"front": {"subnet": subnets[0]}, "back": {"subnet": subnets[1]}, "side": {}}
    db = box(networks=["back"])
    web = box(networks=["front", "back"], depends_on={"db": "service_started"})
    other = box(networks=["side", "back"])
    cli.write(networks, {"db": db, "web": web, "other": other})

    unknown = cli.apply("--only", full("wbe"), code=4)
    assert f"did you mean {full('web')}?" in unknown.err
    assert not unknown.writes
    first = cli.apply("--only", full("web"))
    assert f"only {full('web')} and what it needs" in first.out
    assert {
        name
        for name in ("db", "web", "other")
        if docker.call("GET", f"/containers/{full(name)}/json")[0] == 200
    } == {"db", "web"}
    assert cli.exists("front")
    assert cli.exists("back")
    assert not cli.exists("side")
    assert "this part is as declared" in cli.apply("--only", full("web")).out
    assert "1 to create" in cli.plan().out

    saved = cli.file.with_name("plan.json")
    cli.plan("--only", full("other"), "--out", str(saved))
    assert cli.run("apply", "--plan", str(saved), "--only", full("web"), code=4)
    cli.run("apply", "--plan", str(saved), "--yes")
    assert "Nothing to do" in cli.plan().out

    # a network is replaced with all that is on it; what is not declared any more stays, as does
    # drift elsewhere
    docker.disconnect(full("side"), full("other"))
    life = cli.life("web", "db")
    cli.write(
        {"back": {"subnet": subnets[2]}, "side": {}},
        {"db": db | {"networks": ["back"]}, "other": other},
    )
    part = cli.apply("--only", full("back"))
    assert f"interrupts: {full('db')}, {full('other')}, {full('web')}" in part.out
    assert cli.network("back")["IPAM"]["Config"][0]["Subnet"] == subnets[2]
    assert cli.life("web", "db") == life
    assert cli.endpoint("db", "back")
    assert cli.endpoint("other", "back")
    assert cli.endpoint("web", "back")
    assert not cli.endpoint("other", "side")
    assert cli.exists("front")
    assert "no longer declared" in cli.plan().out

    # reset makes the named container anew, and no other
    stays = cli.life("db", "web")
    before = cli.life("other")
    cli.run("reset", str(cli.file), "--only", full("other"), "--yes")
    assert cli.endpoint("other", "side")
    assert cli.life("db", "web") == stays
    assert cli.life("other") != before
    cli.apply()
    cli.settled()


def test_what_can_be_done_is_done(cli: Cli) -> None:
    docker, full = cli.docker, cli.docker.name
    own, taken = docker.subnet(), docker.subnet()
    docker.network("theirs", subnet=taken)
    docker.container(
        "stranger",
        endpoint={"IPAMConfig": {"IPv4Address": _host(taken, 9)}},
        network=full("theirs"),
    )
    docker.container("member")
    cli.write(
        {
            "own": {"subnet": own},
            "corp": {"external": True},
            "theirs": {"external": True},
            "clash": {"subnet": taken},
        },
        {
            "web": box(networks=["own"]),
            "needs-corp": box(networks=["own", "corp"]),
            "waits": box(networks=["own"], depends_on={"needs-corp": "service_started"}),
            "clashing": box(networks=["clash"]),
            "fixed": box(networks={"theirs": {"ipv4_address": _host(taken, 9)}}),
            "ghost": {"networks": ["own"]},
            "member": {"networks": ["own", "corp"]},
            "pulled": box(networks=["own"]) | {"image": "127.0.0.1:9/no/such:1"},
        },
    )
    cli.apply(code=1)
    assert not cli.exists("own")

    planned = cli.plan("--keep-going", "-o", "json", code=1).json()
    left = {tuple(sorted(one["resource"].items())) for one in planned["left_out"]}
    assert _container(full("waits")) in left
    result = cli.apply("--keep-going", "-o", "json", code=1)
    assert not result.json()["converged"]
    for text in (
        "is external and does not exist",
        f"container {full('ghost')} does not exist",
        "overlaps",
        "is taken by",
    ):
        assert text in result.err, result.err
    running = {
        name
        for name in ("web", "needs-corp", "waits", "clashing", "fixed", "pulled")
        if _runs(cli, name)
    }
    assert running == {"web"}
    assert cli.endpoint("member", "own")

    docker.network("corp")
    docker.container("ghost")
    docker.do("DELETE", f"/containers/{full('stranger')}?force=1")
    docker.do("POST", f"/images/{docker.image}/tag?repo=127.0.0.1:9/no/such&tag=1")
    try:
        again = cli.apply("--keep-going", code=1)
        assert f"left out: network {full('clash')}, container {full('clashing')}" in again.err
        assert {
            name for name in ("needs-corp", "waits", "fixed", "pulled") if _runs(cli, name)
        } == {
            "needs-corp",
            "waits",
            "fixed",
            "pulled",
        }
        nothing = cli.apply("--keep-going", code=1)
        assert not nothing.writes
        assert "Nothing can be done: 2 left out." in nothing.out
        assert (
            "Nothing to do"
            in cli.apply("--only", ",".join(map(full, ("web", "member", "fixed")))).out
        )
    finally:
        docker.clean_up()
        docker.call("DELETE", "/images/127.0.0.1:9/no/such:1?force=1")


def test_what_a_part_does_not_put_back_stays_in_the_journal(cli: Cli, engine: Engine) -> None:
    docker, full = cli.docker, cli.docker.name
    subnets = {name: docker.subnet() for name in ("a", "b")}
    docker.container("x")
    containers = {"x": {"networks": ["a", "b"]}}
    cli.write({name: {"subnet": subnet} for name, subnet in subnets.items()}, containers)
    cli.apply()
    path = cli.write(
        {name: {"subnet": subnet, "internal": True} for name, subnet in subnets.items()}, containers
    )
    observed = observe(engine)  # as if a run had been killed that replaces both networks
    note = writer(engine, "killed", plan(load(str(path)).state, observed), observed, ())
    assert note
    note.write()
    for name in subnets:
        docker.disconnect(full(name), full("x"))
        docker.do("DELETE", f"/networks/{full(name)}")

    part = cli.apply("--only", full("a"))
    assert "a plan of the whole file restores the rest" in part.out
    assert cli.endpoint("x", "a"), "it was on the network that comes back"
    assert _journals(engine) == ["netplan.journal.killed"]
    cli.apply("--only", full("b"))
    assert cli.endpoint("x", "b")
    assert _journals(engine) == []
    cli.settled()


def _journals(engine: Engine) -> list[str]:
    return [
        volume["Name"]
        for volume in own_volumes(engine)
        if volume["Name"].startswith("netplan.journal.")
    ]


def _host(subnet: str, last: int) -> str:
    return subnet.rpartition(".")[0] + f".{last}"


def _container(name: str) -> tuple[tuple[str, str], ...]:
    return (("kind", "container"), ("name", name))


def _runs(cli: Cli, name: str) -> bool:
    status, found = cli.docker.call("GET", f"/containers/{cli.docker.name(name)}/json")
    return status == 200 and bool(found["State"]["Running"])

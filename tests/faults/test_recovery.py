"""Nothing is lost: a sample of what scripts/reliability counts in full, and the ways back that it
does not go.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reconciler.engine import open_engine
from reconciler.lock.holder import holder_text, myself
from reconciler.lock.locks import HOLDER, KIND, claims, own_volumes, sweep

from ..e2e.cli import NETPLAN, Cli, box
from ..e2e.conftest import Docker
from ..e2e.test_output import valid
from .labs import ANSWERS, Lab, answered, killed, own_volumes_of
from .plans import PAIRS, Pair
from .proxy import Fault, Proxy

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
POINTS = int(os.environ.get("NETPLAN_EXAMPLES", "3"))


@pytest.fixture(autouse=True)
def docker_only(docker: Docker) -> None:
    if docker.info.flavor == "podman":
        pytest.skip("Podman keeps no marks on endpoints")


KILLS = st.tuples(
    st.just(killed), st.integers(1, 11), st.booleans(), st.integers(0, 5), st.booleans()
)
SPOILED = st.tuples(st.just(answered), st.integers(1, 9), st.sampled_from(list(ANSWERS.values())))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_killed_anywhere_and_answered_anyhow(
    docker: Docker, proxy: Proxy, tmp_path: Path, pair: Pair
) -> None:
    """Hypothesis chooses what breaks at which call of the plan there and of the plan back, and
    whether the recovery is killed too.
    """
    lab = Lab(pair, docker, proxy, tmp_path)

    @settings(
        max_examples=POINTS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(point=KILLS | SPOILED)
    def comes_right(point: tuple[Callable[..., object], *tuple[object, ...]]) -> None:
        break_it, *how = point
        break_it(lab, *how)

    comes_right()
    lab.close()


def replacement(cli: Cli) -> tuple[str, object, list[tuple[str, str, int]]]:
    """A network with a declared and a foreign endpoint, and a file that replaces it; its first
    subnet and the foreign endpoint.
    """
    for who in ("web", "guest"):
        cli.docker.container(who)
    first, then = cli.docker.subnet(), cli.docker.subnet()
    cli.converge({"n": {"subnet": first}}, {"web": {"networks": {"n": {"aliases": ["w"]}}}})
    cli.docker.connect(
        cli.docker.name("n"),
        cli.docker.name("guest"),
        Aliases=["mine"],
        IPAMConfig={"LinkLocalIPs": ["169.254.3.3"]},
    )
    cli.write({"n": {"subnet": then}}, {"web": {"networks": {"n": {"aliases": ["w"]}}}})
    return first, foreign(cli), cli.life("web", "guest")


def foreign(cli: Cli) -> object:
    found = cli.endpoint("guest", "n")
    return found and (sorted(a for a in found["Aliases"] if a == "mine"), found["IPAMConfig"])


def test_a_replacement_whose_network_cannot_be_created_is_rolled_back(
    cli: Cli, proxy: Proxy
) -> None:
    subnet, before, life = replacement(cli)
    proxy.spoil(
        Fault(
            "answer",
            path="^/networks/create$",
            status=403,
            body=b'{"message":"Pool overlaps with other one"}',
        )
    )
    failed = cli.run(
        "apply", str(cli.file), "--yes", "--disrupt-foreign", "--host", proxy.host, code=1
    )
    assert "failed: restoring it" in failed.err
    assert cli.network("n")["IPAM"]["Config"][0]["Subnet"] == subnet
    assert foreign(cli) == before
    assert (cli.endpoint("web", "n") or {})["DriverOpts"]["netplan.topology"] == cli.topology
    assert cli.life("web", "guest") == life
    assert not own_volumes_of(cli.docker), "the engine has all that the journal held"
    cli.apply("--disrupt-foreign")
    assert foreign(cli) == before


def test_an_adopted_network_that_cannot_be_made_anew_is_put_back_too(
    cli: Cli, proxy: Proxy
) -> None:
    """It never had a mark, and has none afterwards."""
    subnet = cli.docker.subnet()
    cli.docker.network("corp", subnet=subnet)
    cli.docker.container("guest", cli.docker.name("corp"))
    before = cli.endpoint("guest", "corp")
    cli.write({"corp": {"subnet": subnet, "mtu": 1400}})
    proxy.spoil(Fault("answer", path="^/networks/create$", status=403))
    adopt = ("--adopt", cli.docker.name("corp"), "--disrupt-foreign", "--yes")
    failed = cli.run("apply", str(cli.file), *adopt, "--host", proxy.host, code=1)
    assert "failed: restoring it" in failed.err
    assert "bug" not in failed.said
    assert not [label for label in cli.network("corp")["Labels"] if "netplan" in label]
    assert (cli.endpoint("guest", "corp") or {})["Aliases"] == (before or {})["Aliases"]
    assert not own_volumes_of(cli.docker)


def test_a_call_that_the_engine_carries_out_after_the_time_out_costs_nothing(
    cli: Cli, proxy: Proxy
) -> None:
    """Nobody can say at the end of that run what will be: so nothing is put back, and the journal
    stays for the next one.
    """
    _, before, life = replacement(cli)
    proxy.spoil(Fault("slow", path="/disconnect$", nth=0, seconds=4))
    command = (
        "apply",
        str(cli.file),
        "--yes",
        "--disrupt-foreign",
        "--parallel",
        "1",
        "--timeout",
        "1",
    )
    failed = cli.run(*command, "--host", proxy.host, code=1)
    assert "within 1 s; it has not happened so far" in failed.out
    assert "restoring it" not in failed.err
    assert [name.split(".")[1] for name in own_volumes_of(cli.docker)] == ["journal"]
    _until(lambda: not (cli.endpoint("web", "n") and cli.endpoint("guest", "n")))
    cli.apply("--disrupt-foreign")
    assert foreign(cli) == before
    assert cli.life("web", "guest") == life
    assert not own_volumes_of(cli.docker)


@pytest.mark.parametrize("cure", ["killed", "failed"])
def test_a_cure_that_ends_half_way_is_no_endpoint(cli: Cli, proxy: Proxy, cure: str) -> None:
    """Somebody takes the address of an endpoint while its network is replaced: its connect fails,
    and leaves what must be made real to be taken away. What it is made real with is not what it
    was.
    """
    subnet = cli.docker.subnet()
    address = subnet.replace(".0/24", ".77")
    for who in ("web", "guest", "thief"):
        cli.docker.container(who)
    members = {"web": {"networks": {"n": {"aliases": ["w"]}}}}
    cli.converge({"n": {"subnet": subnet}}, members)
    cli.docker.connect(
        cli.docker.name("n"),
        cli.docker.name("guest"),
        Aliases=["mine"],
        IPAMConfig={"IPv4Address": address},
    )
    before = foreign(cli)
    cli.write({"n": {"subnet": subnet, "mtu": 1400}}, members)
    broken = (
        Fault("kill", path="/connect$", nth=2, acts=True)
        if cure == "killed"
        else Fault("answer", path="/disconnect$", nth=3, status=500)
    )
    proxy.spoil(Fault("slow", path="/connect$", nth=1, seconds=3), broken)
    with cli.start("--disrupt-foreign", "--parallel", "1", host=proxy.host) as process:
        _until(lambda: bool(proxy.spoiled))
        time.sleep(0.5)
        cli.docker.connect(
            cli.docker.name("n"), cli.docker.name("thief"), IPAMConfig={"IPv4Address": address}
        )
        said, _ = process.communicate(timeout=60)
    assert process.returncode == (-9 if cure == "killed" else 1), said
    assert any(".journal." in name for name in own_volumes_of(cli.docker))
    cli.docker.do(
        "POST",
        f"/networks/{cli.docker.name('n')}/disconnect",
        {"Container": cli.docker.name("thief")},
    )
    cli.apply("--disrupt-foreign")
    assert foreign(cli) == before
    assert not own_volumes_of(cli.docker)


def test_who_is_taken_over_does_nothing_more(cli: Cli, proxy: Proxy) -> None:
    """Neither its next steps, nor a rollback, nor an end of its journal."""
    replacement(cli)
    proxy.spoil(Fault("slow", path="/disconnect$", nth=1, seconds=2))
    with (
        cli.start("--disrupt-foreign", "--parallel", "1", host=proxy.host) as process,
        closing(open_engine(cli.host)) as engine,
    ):
        _until(lambda: bool(proxy.spoiled))
        volumes = own_volumes(engine)
        (held,) = claims(volumes)
        taker = myself("taker")
        engine.create_volume("netplan.lock.2", {KIND: "lock", HOLDER: holder_text(taker)})
        sweep(engine, held, volumes)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "this run's lock has vanished" in said
    assert [
        call for call in proxy.calls if not call.startswith("GET") and "/volumes" not in call
    ] == proxy.spoiled
    left = own_volumes_of(cli.docker)
    assert "netplan.lock.2" in left
    assert f"netplan.journal.{held.holder.run}" in left
    cli.docker.do("DELETE", "/volumes/netplan.lock.2")
    cli.apply("--disrupt-foreign")
    assert not own_volumes_of(cli.docker)


def test_a_run_without_its_lock_makes_nothing_more(cli: Cli, proxy: Proxy) -> None:
    """Broken by hand while it only adds things: no further call changes the engine, and report and
    exit say why.
    """
    cli.docker.container("web")
    networks = {f"n{number}": {"subnet": cli.docker.subnet()} for number in range(5)}
    cli.write(networks, {"web": {"networks": list(networks)}})
    proxy.spoil(Fault("slow", path="^/networks/create$", nth=2, seconds=2))
    with cli.start("--parallel", "1", host=proxy.host) as process:
        _until(lambda: bool(proxy.spoiled))
        (lock,) = own_volumes_of(cli.docker)
        cli.docker.do("DELETE", f"/volumes/{lock}")
        began = len(proxy.calls)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert not [call for call in proxy.calls[began:] if not call.startswith("GET")]
    assert (
        "error: this run's lock has vanished: somebody ran netplan unlock, or removed the volume\n"
        in said
    )
    assert "the lock was lost at step" in said
    cli.apply()


@pytest.mark.parametrize("volume", ["lock", "journal"])
def test_interrupted_before_anything_was_taken_away_nothing_is_left(
    cli: Cli, proxy: Proxy, volume: str
) -> None:
    replacement(cli)
    proxy.spoil(
        Fault("hang", path="^/volumes/create$", nth=1 if volume == "lock" else 2, acts=True)
    )
    with cli.start("--disrupt-foreign", host=proxy.host) as process:
        _until(lambda: bool(proxy.spoiled))
        _until(lambda: any(f".{volume}." in name for name in own_volumes_of(cli.docker)))
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 143, said
    assert not own_volumes_of(cli.docker)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("kill", path="^/volumes/create$", nth=2, acts=True),
        Fault("kill", path="^/containers/create", nth=1, acts=False),
    ],
    ids=["answer", "container"],
)
def test_a_volume_that_a_killed_run_made_is_found(cli: Cli, proxy: Proxy, fault: Fault) -> None:
    """It is the topology's: nothing is to be recovered, and destroy --volumes removes it."""
    name = cli.docker.name("data")
    web = box(volumes=[f"{name}:/d"], attach=False)
    top = {"name": cli.topology, "volumes": {name: None}, "containers": {cli.docker.name("w"): web}}
    cli.file.write_text(json.dumps(top), encoding="utf-8")
    proxy.spoil(fault)
    with cli.start("--parallel", "1", host=proxy.host) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == -9, said
    made = cli.docker.do("GET", f"/volumes/{name}")
    assert made["Labels"]["netplan.topology"] == cli.topology
    assert "create volume" not in cli.plan().out
    cli.apply("--settle", "0")
    cli.settled()
    assert cli.docker.do("GET", f"/volumes/{name}")["Labels"] == made["Labels"]
    cli.destroy("--volumes")
    assert cli.docker.call("GET", f"/volumes/{name}")[0] == 404
    assert not own_volumes_of(cli.docker)


def test_a_report_that_nobody_reads_stops_nothing_half_way(cli: Cli) -> None:
    """As by `apply -v 2>&1 | head -1`."""
    cli.docker.container("c")
    networks = {f"n{number}": {"subnet": cli.docker.subnet()} for number in range(4)}
    cli.write(networks, {"c": {"networks": list(networks)}})
    command = [NETPLAN, "apply", str(cli.file), "--yes", "-v", "--host", cli.host]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        process.stderr.readline()
        process.stderr.close()
        process.wait(timeout=60)
    assert not own_volumes_of(cli.docker)
    cli.settled()


def test_a_pending_recovery_is_shown_and_another_topology_leaves_it_alone(
    cli: Cli, proxy: Proxy
) -> None:
    _, before, _ = replacement(cli)
    proxy.spoil(Fault("kill", method="POST", path="^/networks/create$"))
    cli.run("apply", str(cli.file), "--yes", "--disrupt-foreign", "--host", proxy.host, code=-9)
    shown = cli.plan().out
    assert "was interrupted; this plan recovers it: it restores network" in shown
    assert cli.docker.name("guest") in shown
    state = cli.file.with_name("state.json")
    state.write_text(cli.run("snapshot").out, encoding="utf-8")
    valid("snapshot", state.read_text(encoding="utf-8"))
    assert cli.plan("--state", str(state)).out == shown
    other = cli.write(
        {"x": {"subnet": cli.docker.subnet()}},
        {"web": {"networks": ["x"]}},
        name=cli.docker.name("other"),
        file="other.yaml",
    )
    assert (
        f"apply or destroy {cli.topology} to recover it"
        in cli.run("apply", str(other), "--yes").out
    )
    assert any(name.startswith("netplan.journal.") for name in own_volumes_of(cli.docker))
    cli.apply()
    assert foreign(cli) == before
    assert not own_volumes_of(cli.docker)
    cli.settled()


def test_a_subnet_that_the_engine_chose_and_gave_away_meanwhile_costs_nothing(
    cli: Cli, proxy: Proxy
) -> None:
    cli.docker.container("web")
    attached = {"web": {"networks": {"n": {"aliases": ["w"]}}}}
    cli.converge({"n": {}}, attached)
    pool, *_ = cli.network("n")["IPAM"]["Config"]
    cli.write({"n": {"mtu": 1400}}, attached)
    proxy.spoil(Fault("kill", method="POST", path="^/networks/create$", acts=False))
    cli.run("apply", str(cli.file), "--yes", "--host", proxy.host, code=-9)
    cli.docker.network("taker", subnet=pool["Subnet"])
    said = cli.apply().out
    assert (
        f"its subnet {pool['Subnet']} now belongs to network {cli.docker.name('taker')}: the"
        " engine chooses another one" in said
    )
    assert cli.network("n")["IPAM"]["Config"][0]["Subnet"] != pool["Subnet"]
    assert "w" in (cli.endpoint("web", "n") or {})["Aliases"]
    assert not own_volumes_of(cli.docker)
    cli.settled()


@pytest.mark.parametrize("volume", ["lock", "journal"])
def test_a_volume_that_vanishes_during_a_run(cli: Cli, proxy: Proxy, volume: str) -> None:
    """The lock: nothing more is taken away. The journal: it is made again."""
    _, before, _ = replacement(cli)
    proxy.spoil(Fault("slow", path="/disconnect$", seconds=2))
    with cli.start("--disrupt-foreign", "--parallel", "1", host=proxy.host) as process:
        _until(lambda: bool(proxy.spoiled))
        for name in own_volumes_of(cli.docker):
            if f".{volume}." in name:
                cli.docker.do("DELETE", f"/volumes/{name}")
        said, _ = process.communicate(timeout=60)
    assert process.returncode == (1 if volume == "lock" else 0), said
    assert ("this run's lock has vanished" in said) == (volume == "lock"), said
    cli.apply("--disrupt-foreign")
    assert foreign(cli) == before
    assert not own_volumes_of(cli.docker)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)
@pytest.mark.parametrize("times", [1, 2])
def test_interrupted(cli: Cli, proxy: Proxy, number: signal.Signals, times: int) -> None:
    """Once: what runs is finished, the rest skipped, all reported, the lock given back. Twice: out
    within a second.
    """
    _, before, _ = replacement(cli)
    proxy.spoil(Fault("slow", path="/disconnect$", nth=1, seconds=2 if times == 1 else 6))
    with cli.start("--disrupt-foreign", "--parallel", "1", host=proxy.host) as process:
        _until(lambda: bool(proxy.spoiled))
        began = time.monotonic()
        for _ in range(times):
            process.send_signal(number)
            time.sleep(0.3)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number, said
    if times == 1:
        assert "interrupted before it started" in said
        assert not any(".lock." in name for name in own_volumes_of(cli.docker))
    else:
        assert time.monotonic() - began < 4, (
            said
        )  # 0.6 s on an idle machine; the call under way takes 6
        assert "interrupted" in said
        time.sleep(6)  # it is still to reach the engine
    cli.apply("--disrupt-foreign")
    assert foreign(cli) == before
    assert not own_volumes_of(cli.docker)


def test_an_engine_that_says_later_is_asked_again(cli: Cli, proxy: Proxy) -> None:
    cli.docker.container("c")
    cli.write({"n": {"subnet": cli.docker.subnet()}}, {"c": {"networks": ["n"]}})
    for path in ("^/networks/create$", "/connect$"):
        proxy.spoil(Fault("answer", path=path, status=503))
        cli.run("apply", str(cli.file), "--host", proxy.host)
        cli.destroy()


def test_an_engine_that_stumbles_over_a_question_is_asked_again(cli: Cli, proxy: Proxy) -> None:
    cli.docker.container("c")
    cli.write({"n": {"subnet": cli.docker.subnet()}}, {"c": {"networks": ["n"]}})
    for path in ("^/volumes$", "^/networks$", "^/containers/json$", "^/containers/[0-9a-f]+/json$"):
        proxy.spoil(*(Fault("answer", method="GET", path=path, nth=nth) for nth in (1, 3)))
        cli.run("apply", str(cli.file), "--host", proxy.host)
        assert len(proxy.spoiled) == 2
        cli.destroy()


def test_what_was_done_is_reported_though_the_proof_cannot_be_read(cli: Cli, proxy: Proxy) -> None:
    cli.docker.container("c")
    cli.write({"n": {"subnet": cli.docker.subnet()}}, {"c": {"networks": ["n"]}})
    proxy.spoil(
        *(Fault("answer", method="GET", path="^/networks$", nth=nth) for nth in range(4, 12))
    )
    failed = cli.run("apply", str(cli.file), "-o", "json", "--host", proxy.host, code=1)
    valid("report", failed.out)
    report = json.loads(failed.out)
    assert [result["status"] for result in report["results"]] == ["done", "done"]
    assert not report["converged"]
    assert "told to fail" in failed.err
    assert "bug" not in failed.said
    cli.settled()


def test_a_run_that_cannot_begin_leaves_no_word_of_an_interruption(cli: Cli, proxy: Proxy) -> None:
    replacement(cli)
    proxy.spoil(
        *(Fault("answer", method="GET", path="^/networks$", nth=nth) for nth in range(3, 12))
    )
    cli.run("apply", str(cli.file), "--yes", "--disrupt-foreign", "--host", proxy.host, code=1)
    assert not own_volumes_of(cli.docker)
    cli.apply("--disrupt-foreign")


def test_one_look_that_fails_does_not_end_a_wait(cli: Cli, proxy: Proxy) -> None:
    """Of the many looks at a container that is waited for: what the engine says of a stumble, and
    an answer that broke off.
    """
    ready = {"test": ["CMD", "cat", "/tmp/ready"], "interval": "1s", "retries": 10}
    db = box("sh", "-c", "sleep 2; echo > /tmp/ready; exec sleep 3600", healthcheck=ready)
    cli.write({}, {"db": db, "web": box(depends_on={"db": "service_healthy"})})
    stumbles = [
        Fault("answer", method="GET", path="^/containers/[0-9a-f]+/json$", nth=nth)
        for nth in (4, 5)
    ]
    proxy.spoil(*stumbles, Fault("cut", method="GET", path="^/containers/[0-9a-f]+/json$", nth=6))
    cli.run("apply", str(cli.file), "--host", proxy.host)
    assert len(proxy.spoiled) == 3
    cli.settled()


def test_killed_while_the_network_of_a_fixed_mac_address_is_replaced(
    cli: Cli, proxy: Proxy
) -> None:
    """No engine from API 1.44 on can give it on connect: the next apply makes the container anew,
    as this run would have.
    """
    mac = "02:42:0a:3d:01:0a"
    attached = {"web": box(networks={"n": {"mac_address": mac}}), "api": box(networks=["n"])}
    cli.converge({"n": {"subnet": cli.docker.subnet()}}, attached)
    cli.write({"n": {"subnet": cli.docker.subnet()}}, attached)
    proxy.spoil(Fault("kill", path="^/networks/[0-9a-f]+$", method="DELETE", acts=True))
    cli.run("apply", str(cli.file), "--yes", "--host", proxy.host, code=-9)
    cli.apply()
    assert (cli.endpoint("web", "n") or {})["MacAddress"] == mac
    assert not own_volumes_of(cli.docker)
    cli.settled()


def test_a_change_of_a_container_is_judged_by_what_it_left(cli: Cli, proxy: Proxy) -> None:
    """A recreation and an update, each call done and its answer lost: the apply succeeds. So it
    does where the engine says later.
    """
    cli.converge({}, {"web": box()})
    lost = [Fault("cut", path="/containers/", nth=nth, acts=True) for nth in range(1, 6)]
    for number, fault in enumerate(
        (*lost, *(replace(fault, kind="answer", status=503, acts=False) for fault in lost))
    ):
        cli.write({}, {"web": box(environment={"NUMBER": number})})
        proxy.spoil(fault)
        cli.run("apply", str(cli.file), "--yes", "--host", proxy.host)
        assert proxy.spoiled
        cli.settled()
    for restart, fault in {
        "always": lost[0],
        "on-failure": Fault("answer", path="/update$", status=503),
    }.items():
        cli.write({}, {"web": box(environment={"NUMBER": number}, restart=restart)})
        proxy.spoil(fault)
        cli.run("apply", str(cli.file), "--host", proxy.host)
        assert proxy.spoiled
        cli.settled()


def _until(true: object, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():  # type: ignore[operator]
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen")

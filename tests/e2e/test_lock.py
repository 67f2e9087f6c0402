"""Locks on an engine: who waits for whom, who takes over, and what a user can do about it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from reconciler.engine import Engine, open_engine
from reconciler.errors import BusyError, LockLostError
from reconciler.lock import lease, locks, ticket
from reconciler.lock.holder import Holder, holder_text, myself
from reconciler.lock.locks import (
    HOLDER,
    KIND,
    SCOPE,
    Claim,
    Lock,
    break_locks,
    claims,
    own_volumes,
)
from reconciler.lock.scope import EVERYTHING, Scope, scope_text
from reconciler.lock.ticket import acquire

from ..faults.proxy import Fault, spoiled
from .cli import NETPLAN, Cli, box, run_on_terminal


def quiet(claim: Claim, waited: float, common: str) -> None:
    return


def runs(engine: Engine) -> list[str]:
    """Who has a lock or waits for one, the first first."""
    return [claim.holder.run for claim in claims(own_volumes(engine))]


def taken(engine: Engine, *names: str, timeout: float = 1, topology: str = "lab") -> Lock:
    """A lock for these names, of everything if there are none."""
    return acquire(
        engine, topology, Scope(frozenset(names)) if names else EVERYTHING, timeout, quiet
    )


def plant(
    engine: Engine, number: int, scope: Scope = EVERYTHING, **changes: str | int | tuple[str, ...]
) -> Holder:
    """A lock on the engine, of this process or of one that `changes` say; of everything as an
    earlier netplan's are.
    """
    holder = replace(myself("planted"), **changes)  # type: ignore[arg-type]
    engine.create_volume(
        f"netplan.lock.{number}",
        {KIND: "lock", HOLDER: holder_text(holder), SCOPE: scope_text(scope)},
    )
    return holder


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases that end twenty times as fast as they do."""
    for name, seconds in (
        ("EVERY", 0.5),
        ("STOP_AFTER", 2.0),
        ("GONE_AFTER", 3.0),
        ("_AGAIN", 0.1),
    ):
        for module in (lease, locks, ticket):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, seconds)


@pytest.fixture(autouse=True)
def unlocked(engine: Engine) -> Iterator[None]:
    yield
    for volume in own_volumes(engine):
        engine.remove_volume(volume["Name"])


def test_the_first_has_it_and_the_second_does_not(engine: Engine) -> None:
    lock = taken(engine, "network a", "network b", topology="one")
    lock.hold()
    lock.check(claims(own_volumes(engine)))
    heard: list[tuple[str, str]] = []
    with pytest.raises(
        BusyError, match='another netplan is at work: topology "one", process'
    ) as caught:
        acquire(
            engine, "two", Scope(frozenset({"network b", "network c"})), 0.6,
            lambda claim, waited, common: heard.append((claim.holder.run, common)),
        )  # fmt: skip
    assert heard == [(lock.run, "network b")]
    assert caught.value.exit_code == 75
    assert "both change or use network b" in caught.value.hints
    assert runs(engine) == [lock.run], "whoever gives up waiting leaves the queue"
    lock.release()
    assert runs(engine) == []


def test_runs_that_touch_different_things_do_not_wait(engine: Engine) -> None:
    first, second = taken(engine, "network a"), taken(engine, "network b", timeout=0)
    user = acquire(
        engine, "lab", Scope(frozenset({"container x"}), frozenset({"network c"})), 0, quiet
    )
    also = acquire(
        engine, "lab", Scope(frozenset({"container y"}), frozenset({"network c"})), 0, quiet
    )
    for lock in (first, second, user, also):
        lock.hold()
    with pytest.raises(BusyError):
        taken(engine, timeout=0)
    with pytest.raises(BusyError):
        taken(engine, "network c", timeout=0)
    for lock in (first, second, user, also):
        lock.release()
    assert not own_volumes(engine)


def test_who_waits_is_not_overtaken(engine: Engine) -> None:
    """One that waits for everything, behind one of two: nobody that came later gets in between."""
    first = taken(engine, "network a")
    got: list[str] = []

    def wait(name: str, *names: str) -> threading.Thread:
        def run() -> None:
            lock = taken(engine, *names, timeout=30)
            got.append(name)
            lock.release()

        thread, before = threading.Thread(target=run), len(runs(engine))
        thread.start()
        until(lambda: len(runs(engine)) == before + 1)
        return thread

    threads = [wait("everything"), wait("later", "network b")]
    first.release()
    for thread in threads:
        thread.join()
    assert got == ["everything", "later"]


@pytest.mark.parametrize("number", [3, 3 << 48])
def test_a_dead_holder_is_taken_over_at_once(engine: Engine, number: int) -> None:
    dead = plant(engine, number, started="1")
    engine.create_volume(f"netplan.beat.{dead.run}.5", {KIND: "beat"})
    began = time.monotonic()
    lock = taken(engine, timeout=30)
    assert time.monotonic() - began < 5
    assert runs(engine) == [lock.run]
    with pytest.raises(LockLostError, match="this run's lock has vanished"):
        Lock(engine, Claim(number, dead), lease.Pulse(engine, dead.run, {})).hold()
    lock.release()
    assert not own_volumes(engine)


@pytest.mark.parametrize("where", ["boot", "namespace", "started"])
def test_a_holder_elsewhere_is_not_taken_to_be_dead_at_once(engine: Engine, where: str) -> None:
    plant(engine, 1, pid=999_999_999, **{where: "" if where == "started" else "elsewhere"})
    with pytest.raises(BusyError, match="another netplan is at work") as caught:
        taken(engine, timeout=0)
    assert "netplan unlock" in " ".join(caught.value.hints)


@pytest.mark.usefixtures("hurried")
def test_a_holder_elsewhere_that_shows_no_sign_of_life_is_taken_over(engine: Engine) -> None:
    """Nobody can look for its process; its last sign of life is there, and stays the same."""
    elsewhere = plant(engine, 1, boot="elsewhere")
    engine.create_volume(f"netplan.beat.{elsewhere.run}.1", {KIND: "beat"})
    began = time.monotonic()
    lock = taken(engine, timeout=20)
    assert lease.GONE_AFTER <= time.monotonic() - began < 10
    assert runs(engine) == [lock.run]
    lock.release()
    assert not own_volumes(engine)


@pytest.mark.usefixtures("hurried")
def test_a_holder_that_lives_is_waited_for_and_shows_it(engine: Engine) -> None:
    lock = taken(engine)
    with pytest.raises(BusyError):
        taken(engine, timeout=2 * lease.GONE_AFTER)
    lock.hold()
    lock.release()
    assert not own_volumes(engine)


@pytest.mark.usefixtures("hurried")
def test_a_run_that_cannot_show_that_it_lives_does_nothing_more(
    engine: Engine, tmp_path: Path
) -> None:
    """The engine answers all its other calls; the lock is still its own."""
    faults = [Fault("answer", "POST", "^/volumes/create$", nth=nth) for nth in range(2, 40)]
    with spoiled(tmp_path / "engine.sock", engine.target.url, *faults) as proxy:
        cut_off = open_engine(proxy.host)
        lock = taken(cut_off)
        lock.hold()
        time.sleep(lease.STOP_AFTER + 0.3)
        with pytest.raises(LockLostError, match="this run could not renew its lock for"):
            lock.hold()
        cut_off.close()


def test_nobody_gives_back_the_lock_of_another(engine: Engine) -> None:
    """Its own was broken while it worked, and another run has one since."""
    first = taken(engine)
    break_locks(engine, claims(own_volumes(engine)))
    second = taken(engine)
    with pytest.raises(LockLostError, match="has vanished"):
        first.check(claims(own_volumes(engine)))
    assert first.release() == ""
    assert runs(engine) == [second.run]
    second.release()
    assert runs(engine) == []


def test_a_lock_that_cannot_be_given_back_is_told(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    with spoiled(
        tmp_path / "engine.sock", cli.host, Fault("answer", "DELETE", "/volumes/", nth=0)
    ) as proxy:
        done = cli.run("apply", str(cli.file), "--host", proxy.host)
    assert (
        "warning: this run's lock could not be released: told to fail\n  the next run that waits"
        " for it takes it over" in done.err
    )
    cli.apply()
    assert runs(engine) == []


def test_a_lock_that_cannot_be_had_is_told_with_the_call(cli: Cli, tmp_path: Path) -> None:
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    page = b"<html><body>403 Forbidden</body></html>"
    for fault in (
        Fault("answer", "GET", "^/volumes$", nth=0, status=403, body=page),
        Fault("answer", "POST", "^/volumes/create$", nth=0),
    ):
        with spoiled(tmp_path / "engine.sock", cli.host, fault) as proxy:
            done = cli.run("apply", str(cli.file), "--host", proxy.host, code=1)
        what = "HTTP status 403" if fault.status == 403 else "told to fail"
        path = fault.path.strip("^$")
        assert (
            done.err
            == f"error: {what}\n  this was the engine's answer to {fault.method} {path} (status"
            f" {fault.status})\n  check the engine: netplan doctor\n"
        )


def test_a_journal_that_cannot_be_read_is_no_obstacle_to_unlocking(
    cli: Cli, engine: Engine
) -> None:
    plant(engine, 1, host="elsewhere", boot="elsewhere")
    engine.create_volume("netplan.journal.newer", {KIND: "journal", "netplan.record": '{"v": 99}'})
    said = cli.run("unlock", "--yes")
    assert "the journal netplan.journal.newer on the engine cannot be read" in said.out
    assert "Unlocked." in said.out
    assert runs(engine) == []


def test_doctor_says_who_is_at_work_and_what_was_interrupted(
    cli: Cli, engine: Engine, tmp_path: Path
) -> None:
    def told(code: int = 0) -> str:
        return cli.run("doctor", code=code).out

    assert "ok    no netplan is running on it, and no run was interrupted" in told()
    plant(engine, 1, host="elsewhere")
    assert 'warn  locked by topology "planted", process' in told()
    assert "netplan unlock" in told()
    engine.remove_volume("netplan.lock.1")
    plant(engine, 1, started="1")
    assert "it no longer exists, and the next run on this machine removes its lock" in told()
    engine.remove_volume("netplan.lock.1")
    engine.create_volume("netplan.journal.newer", {KIND: "journal", "netplan.record": '{"v": 99}'})
    assert "fail  the journal netplan.journal.newer on the engine cannot be read" in told(1)
    with spoiled(
        tmp_path / "engine.sock", cli.host, Fault("answer", "GET", "^/volumes$", nth=0, status=403)
    ) as proxy:
        assert (
            "fail  its volumes cannot be listed: told to fail"
            in cli.run("doctor", "--host", proxy.host, code=1).out
        )


def test_of_many_at_once_one_has_it(engine: Engine) -> None:
    """Each in a process of its own; they take turns, over a dead holder's lock."""
    plant(engine, 1, started="1")
    program = (
        "import sys, time\nfrom reconciler.engine import open_engine\nfrom reconciler.lock.scope"
        " import EVERYTHING\nfrom reconciler.lock.ticket import acquire\nengine ="
        " open_engine(sys.argv[1])\nlock = acquire(engine, 'lab', EVERYTHING, 60, lambda claim,"
        " waited, common: None)\nprint(time.monotonic(),"
        " flush=True)\ntime.sleep(0.05)\nprint(time.monotonic(), flush=True)\nlock.release()\n"
    )
    command = [sys.executable, "-c", program, engine.target.url]
    many = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    turns = sorted(
        tuple(map(float, process.communicate(timeout=90)[0].split())) for process in many
    )
    assert [process.returncode for process in many] == [0] * 8
    assert all(earlier[1] < later[0] for earlier, later in pairwise(turns)), turns
    assert runs(engine) == []


def test_apply_waits_and_names_the_holder(cli: Cli, engine: Engine) -> None:
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    plant(engine, 1, host="elsewhere", boot="elsewhere")
    refused = cli.apply("--lock-timeout", "0.5", code=75)
    assert "waiting for another netplan: topology" in refused.err
    assert "on elsewhere" in refused.err
    assert "netplan unlock" in refused.err
    assert not refused.changes
    told = cli.run("apply", str(cli.file), "-o", "json", "--lock-timeout", "0", code=75).json()
    assert told["error"]["exit_code"] == 75
    cli.plan()
    asked = run_on_terminal("unlock", answer="no", host=cli.host, code=1)
    assert "on elsewhere" in asked.out
    assert 'There is no lock of topology "other"' in cli.run("unlock", "other", "--yes").out
    assert runs(engine), "not confirmed: the lock stays"
    cli.run("unlock", code=3)
    assert "Unlocked." in cli.run("unlock", "--yes").out
    cli.apply()
    assert "There is no lock on this engine." in cli.run("unlock").out


def test_nothing_to_do_takes_no_lock_and_looking_never_does(cli: Cli, engine: Engine) -> None:
    cli.converge({"n": {"subnet": cli.docker.subnet()}})
    plant(engine, 1, host="elsewhere", boot="elsewhere")
    assert not cli.apply().writes
    for command in ("plan", "show"):
        assert not cli.run(command, str(cli.file), "-v").writes
    cli.run("ls")


def test_a_dead_lock_is_swept_away_even_with_nothing_to_do(cli: Cli, engine: Engine) -> None:
    cli.converge({"n": {"subnet": cli.docker.subnet()}})
    plant(engine, 1, started="1")
    cli.apply()
    assert runs(engine) == []


def waiting(cli: Cli, name: str) -> Path:
    """A topology whose second container starts once somebody has made the file /ready in its
    first.
    """
    first = box(
        networks=[name],
        healthcheck={"test": "test -e /ready", "interval": "200ms", "retries": 1000},
    )
    second = box(networks=[name], depends_on={f"{name}-a": "service_healthy"})
    networks = {name: {"subnet": cli.docker.subnet()}}
    return cli.write(
        networks,
        {f"{name}-a": first, f"{name}-b": second},
        name=cli.docker.name(f"top-{name}"),
        file=f"{name}.yaml",
    )


def started(cli: Cli, container: str) -> bool:
    status, found = cli.docker.call("GET", f"/containers/{container}/json")
    return status == 200 and bool(found["State"]["Running"])


def test_topologies_that_share_nothing_are_applied_at_the_same_time(
    cli: Cli, engine: Engine
) -> None:
    files, firsts = (
        [waiting(cli, name) for name in ("x", "y")],
        [cli.docker.name(name) for name in ("x-a", "y-a")],
    )
    command = [NETPLAN, "apply", "--yes", "--settle", "0", "--host", cli.host]
    both = [
        subprocess.Popen(
            [*command, str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for file in files
    ]
    until(lambda: len(runs(engine)) == 2)
    until(lambda: all(started(cli, first) for first in firsts))
    assert len(runs(engine)) == 2
    third = cli.write(
        {"z": {"subnet": cli.docker.subnet()}},
        {"x-a": {"networks": ["z"]}},
        name=cli.docker.name("top-z"),
        file="z.yaml",
    )
    waited = cli.run("apply", str(third), "--yes", "--lock-timeout", "0", code=75)
    assert f"  both change or use container {cli.docker.name('x-a')}\n" in waited.err
    assert not waited.changes
    assert all(cli.docker.exec(first, "sh", "-c", ": > /ready")[0] == 0 for first in firsts)
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert not any("waiting for another netplan" in each for each in said), said
    assert not own_volumes(engine)
    for file in files:
        cli.run("destroy", str(file), "--yes")


def test_a_plan_that_touches_more_by_then_gets_a_lock_for_that_too(
    cli: Cli, engine: Engine, tmp_path: Path
) -> None:
    """Somebody attaches a container to a network after it was shown that it is to be replaced."""
    cli.converge({"n": {"subnet": cli.docker.subnet()}})
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    cli.docker.container("guest")
    other = taken(engine, f"container {cli.docker.name('guest')}")
    with (
        spoiled(
            tmp_path / "engine.sock",
            cli.host,
            Fault("slow", "POST", "^/volumes/create$", seconds=1),
        ) as proxy,
        cli.start("--disrupt-foreign", host=proxy.host) as process,
    ):
        until(lambda: bool(proxy.spoiled))
        cli.docker.connect(cli.docker.name("n"), cli.docker.name("guest"))
        until(lambda: sum("POST /volumes/create" in call for call in proxy.calls) == 2)
        asked = len(proxy.calls)
        until(lambda: proxy.calls[asked:].count("GET /volumes") >= 2)
        assert runs(engine)[0] == other.run
        other.release()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert f"; both change or use container {cli.docker.name('guest')}\n" in said
    assert cli.endpoint("guest", "n")
    assert not own_volumes(engine)


def test_a_run_whose_lock_went_before_its_journal_writes_none(
    cli: Cli, engine: Engine, tmp_path: Path
) -> None:
    """Whoever took over may have removed for good what that journal would bring back."""
    cli.converge({"n": {"subnet": cli.docker.subnet()}})
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    with (
        spoiled(
            tmp_path / "engine.sock",
            cli.host,
            Fault("slow", "GET", "^/networks$", nth=2, seconds=1),
        ) as proxy,
        cli.start(host=proxy.host) as process,
    ):
        until(lambda: bool(proxy.spoiled))
        break_locks(engine, claims(own_volumes(engine)))
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "this run's lock has vanished" in said
    assert sum("POST /volumes/create" in call for call in proxy.calls) == 1, "its lock's"
    assert not own_volumes(engine)


def test_of_a_folder_only_what_is_busy_waits(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    """The others are applied; to try again is all that is left."""
    folder = tmp_path / "all"
    folder.mkdir()
    for name in ("one", "two"):
        file = cli.write(
            {name: {"subnet": cli.docker.subnet()}}, name=cli.docker.name(name), file=f"{name}.yaml"
        )
        file.rename(folder / file.name)
    held = taken(engine, f"topology {cli.docker.name('one')}")
    said = cli.run("apply", str(folder), "--yes", "--lock-timeout", "0", code=75)
    assert f"2 topologies: 1 done, 1 busy ({cli.docker.name('one')})." in said.out
    assert "error: another netplan is at work" in said.err
    assert cli.exists("two")
    assert not cli.exists("one")
    reports = cli.run(
        "apply", str(folder), "--yes", "--lock-timeout", "0", "-o", "json", code=75
    ).json()["reports"]
    told = {one["plan"]["topology"]: one.get("error", {}).get("exit_code") for one in reports}
    assert told == {cli.docker.name("one"): 75, cli.docker.name("two"): None}
    held.release()
    cli.run("apply", str(folder), "--yes")
    for name in ("one", "two"):
        cli.run("destroy", "--name", cli.docker.name(name), "--yes")

"""One writer per engine: who waits for whom, who takes over, and what a user can do about it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from reconciler.engine import Engine
from reconciler.errors import FailedError, LockLostError
from reconciler.lock import HOLDER, KIND, Claim, Lock, acquire, break_locks, claims, own_volumes
from reconciler.lock.holder import Holder, holder_text, myself

from ..faults.proxy import Fault, spoiled
from .cli import Cli, run_on_terminal


def quiet(holder: Holder) -> None:
    return


def held(engine: Engine) -> list[tuple[int, str]]:
    return [(claim.generation, claim.holder.run) for claim in claims(own_volumes(engine))]


def plant(engine: Engine, generation: int, **changes: str | int | tuple[str, ...]) -> Holder:
    """A lock on the engine, of this process or of one that `changes` say."""
    holder = replace(myself("planted"), **changes)  # type: ignore[arg-type]
    engine.create_volume(f"netplan.lock.{generation}", {KIND: "lock", HOLDER: holder_text(holder)})
    return holder


@pytest.fixture(autouse=True)
def unlocked(engine: Engine) -> Iterator[None]:
    yield
    for volume in own_volumes(engine):
        engine.remove_volume(volume["Name"])


def test_the_first_has_it_and_the_second_does_not(engine: Engine) -> None:
    lock = acquire(engine, "one", 1, quiet)
    lock.check(claims(own_volumes(engine)))
    heard: list[Holder] = []
    with pytest.raises(FailedError, match='another netplan is at work on this engine: topology "one", process'):
        acquire(engine, "two", 0.6, heard.append)
    assert [holder.run for holder in heard] == [lock.run]
    lock.release()
    assert held(engine) == []


def test_a_dead_holder_is_taken_over_at_once(engine: Engine) -> None:
    dead = plant(engine, 3, started="1")
    began = time.monotonic()
    lock = acquire(engine, "lab", 30, quiet)
    assert time.monotonic() - began < 5
    assert held(engine) == [(4, lock.run)]
    with pytest.raises(FailedError, match="taken over by"):
        Lock(engine, Claim(3, dead)).check(claims(own_volumes(engine)))
    lock.release()


@pytest.mark.parametrize("where", ["boot", "namespace", "started"])
def test_a_holder_elsewhere_is_never_taken_to_be_dead(engine: Engine, where: str) -> None:
    plant(engine, 1, pid=999_999_999, **{where: "" if where == "started" else "elsewhere"})
    with pytest.raises(FailedError, match="another netplan is at work") as caught:
        acquire(engine, "lab", 0, quiet)
    assert "netplan unlock" in " ".join(caught.value.hints)


def test_a_holder_that_was_taken_over_notices(engine: Engine) -> None:
    lock = acquire(engine, "lab", 1, quiet)
    taker = plant(engine, 2, takes=(lock.run,))
    with pytest.raises(FailedError, match="taken over by") as caught:
        lock.check(claims(own_volumes(engine)))
    assert str(taker) in caught.value.message


def test_nobody_gives_back_the_lock_of_another(engine: Engine) -> None:
    """Its own was broken while it worked, and another run has made one of the same name since."""
    first = acquire(engine, "lab", 1, quiet)
    break_locks(engine, claims(own_volumes(engine)))
    second = acquire(engine, "lab", 1, quiet)
    with pytest.raises(LockLostError, match="has vanished"):
        first.check(claims(own_volumes(engine)))
    assert first.release() == ""
    assert held(engine) == [(1, second.run)]
    second.release()
    assert held(engine) == []


def test_a_lock_that_cannot_be_given_back_is_told(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    with spoiled(tmp_path / "engine.sock", cli.host, Fault("answer", "DELETE", "/volumes/", nth=0)) as proxy:
        done = cli.run("apply", str(cli.file), "--host", proxy.host)
    assert "warning: the engine's lock could not be given back: told to fail\n  the next apply on this machine takes it over" in done.err
    cli.apply()
    assert held(engine) == []


def test_a_lock_that_cannot_be_had_is_told_with_the_call(cli: Cli, tmp_path: Path) -> None:
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    page = b"<html><body>403 Forbidden</body></html>"
    for fault in (Fault("answer", "GET", "^/volumes$", nth=0, status=403, body=page), Fault("answer", "POST", "^/volumes/create$", nth=0)):
        with spoiled(tmp_path / "engine.sock", cli.host, fault) as proxy:
            done = cli.run("apply", str(cli.file), "--host", proxy.host, code=1)
        what = "HTTP status 403" if fault.status == 403 else "told to fail"
        path = fault.path.strip("^$")
        assert done.err == (
            f"error: {what}\n  so the engine answered {fault.method} {path} (status {fault.status})\n  netplan doctor examines the engine\n"
        )


def test_a_journal_that_cannot_be_read_is_no_obstacle_to_unlocking(cli: Cli, engine: Engine) -> None:
    plant(engine, 1, host="elsewhere", boot="elsewhere")
    engine.create_volume("netplan.journal.newer", {KIND: "journal", "netplan.record": '{"v": 99}'})
    said = cli.run("unlock", "--yes")
    assert "the journal netplan.journal.newer on the engine cannot be read" in said.out
    assert "Unlocked." in said.out
    assert held(engine) == []


def test_doctor_says_who_is_at_work_and_what_was_interrupted(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    def told(code: int = 0) -> str:
        return cli.run("doctor", code=code).out

    assert "ok    nobody is at work on it, and no run was interrupted" in told()
    plant(engine, 1, host="elsewhere")
    assert 'warn  locked by topology "planted", process' in told()
    assert "netplan unlock" in told()
    engine.remove_volume("netplan.lock.1")
    plant(engine, 1, started="1")
    assert "it is gone, and the next apply here takes over by itself" in told()
    engine.remove_volume("netplan.lock.1")
    engine.create_volume("netplan.journal.newer", {KIND: "journal", "netplan.record": '{"v": 99}'})
    assert "fail  the journal netplan.journal.newer on the engine cannot be read" in told(1)
    with spoiled(tmp_path / "engine.sock", cli.host, Fault("answer", "GET", "^/volumes$", nth=0, status=403)) as proxy:
        assert "fail  its volumes cannot be listed: told to fail" in cli.run("doctor", "--host", proxy.host, code=1).out


def test_a_newer_lock_that_takes_somebody_else_over_does_not_disturb(engine: Engine) -> None:
    lock = acquire(engine, "lab", 1, quiet)
    plant(engine, 2, takes=("another",))
    lock.check(claims(own_volumes(engine)))


def test_of_many_at_once_one_has_it(engine: Engine) -> None:
    """Each in a process of its own; they take turns, over a dead holder's lock."""
    plant(engine, 1, started="1")
    program = (
        "import sys, time\nfrom reconciler.engine import open_engine\nfrom reconciler.lock import acquire\n"
        "engine = open_engine(sys.argv[1])\nlock = acquire(engine, 'lab', 60, lambda holder: None)\n"
        "print(time.monotonic(), flush=True)\ntime.sleep(0.05)\nprint(time.monotonic(), flush=True)\nlock.release()\n"
    )
    command = [sys.executable, "-c", program, engine.target.url]
    many = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    turns = sorted(tuple(map(float, process.communicate(timeout=90)[0].split())) for process in many)
    assert [process.returncode for process in many] == [0] * 8
    assert all(earlier[1] < later[0] for earlier, later in pairwise(turns)), turns
    assert held(engine) == []


def test_apply_waits_and_names_the_holder(cli: Cli, engine: Engine) -> None:
    cli.write({"n": {"subnet": cli.docker.subnet()}})
    plant(engine, 1, host="elsewhere", boot="elsewhere")
    refused = cli.apply("--lock-timeout", "0.5", code=1)
    assert "waiting for the engine's lock: topology" in refused.err
    assert "on elsewhere" in refused.err
    assert "netplan unlock" in refused.err
    assert not refused.changes
    cli.plan()
    asked = run_on_terminal("unlock", answer="no", host=cli.host, code=1)
    assert "on elsewhere" in asked.out
    assert held(engine), "not confirmed: the lock stays"
    cli.run("unlock", code=3)
    assert "Unlocked." in cli.run("unlock", "--yes").out
    cli.apply()
    assert "not locked" in cli.run("unlock").out


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
    assert held(engine) == []

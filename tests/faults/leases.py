"""Holders that are suspended, or killed where nobody sees it, and engines that freeze: who takes
over, and what the holder still does.
"""

from __future__ import annotations

import argparse
import os
import signal
from collections import Counter
from collections.abc import Mapping, Sequence

from reconciler.lock import own_volumes
from reconciler.lock.lease import signs

from .labs import ELSEWHERE, Lab
from .process import Ended, Running, start
from .proxy import Fault

LEASE = 3.0
HURRIED = {"NETPLAN_LEASE": str(LEASE)}
"""A lease of that many seconds in place of 60, and all that goes with it in proportion."""
WAYS = ("kill", "suspend", "freeze")
FROZEN = LEASE + 0.5
_ATTEMPTS = 3
IN_FLIGHT = 1
"""Changes that may be on their way when a process is suspended; `--parallel 1`."""


def left_alone(lab: Lab, way: str, nth: int) -> str:
    """What befalls the holder at its `nth` change, while another machine waits for its lock; that
    one takes over and converges.

    `kill`: nobody tells that it is dead. `suspend`: it goes on once the other one is done.
    `freeze`: the engine does not answer for longer than a lease. The call; empty where the run made
    fewer changes (it then has converged).
    """
    side = 1 - lab.at
    lab.damage()
    lab.proxy.spoil(_fault(way, nth))
    holder = begin(lab, side, "holder", HURRIED)
    if not _hit(lab, holder):
        ended = holder.wait()
        assert ended.code == 0, ended.said
        lab.at = side
        lab.check(side)
        return ""
    (call,) = lab.proxy.spoiled
    taker = _taken_over(lab, side)
    late = _goes_no_further(lab, holder, way)
    if (
        way == "kill" and "Nothing to do" in taker.said
    ):  # killed when all was done: who does nothing waits for nobody
        lab.unlock()
    lab.at = side
    if late:
        lab.converge(side)
    lab.check(side)
    for shown in signs(
        own_volumes(lab.reader)
    ).values():  # one that it was about to give when it was suspended
        for sign in shown:
            lab.docker.call("DELETE", f"/volumes/{sign}")
    return call


def _taken_over(lab: Lab, side: int) -> Ended:
    """The run of another machine that takes over. One that could not show its own signs of life, as
    this machine was too busy, stops, and runs again.
    """
    for _ in range(_ATTEMPTS):
        taker = begin(lab, side, "taker", {**HURRIED, **ELSEWHERE}).wait()
        if "could not renew its lock" not in taker.said:
            break
    assert taker.code == 0, taker.said
    return taker


def _fault(way: str, nth: int) -> Fault:
    if way == "freeze":
        return Fault("freeze", nth=nth, seconds=FROZEN)
    return (
        Fault("kill", nth=nth, acts=bool(nth % 2)) if way == "kill" else Fault("suspend", nth=nth)
    )


def begin(lab: Lab, side: int, who: str, environment: Mapping[str, str]) -> Running:
    """A run through the proxy that waits for a lock as long as it must."""
    return start(lab.command(side, "--lock-timeout", "60"), lab.folder / who, environment)


def _hit(lab: Lab, holder: Running) -> bool:
    while holder.process.is_alive() and not lab.proxy.spoiled:
        holder.process.join(0.02)
    return bool(lab.proxy.spoiled)


def _goes_no_further(lab: Lab, holder: Running, way: str) -> Sequence[str]:
    """The holder, once it goes on: after its lock was removed by another it begins no further
    change. Those that were on their way.
    """
    if way == "suspend" and holder.process.pid:
        os.kill(holder.process.pid, signal.SIGCONT)
    ended = holder.wait()
    assert ended.code in ((-9,) if way == "kill" else (0, 1)), ended.said
    after = _after_takeover(lab, holder)
    assert len(after) <= IN_FLIGHT, f"after its lock was taken over: {after}\n{ended.said}"
    return after


def _after_takeover(lab: Lab, holder: Running) -> Sequence[str]:
    """The changes that the holder asked for while another run had removed its lock.

    A run whose lock is gone before its first change may take a new one and plan again: `reset`
    always finds something to do. After its first change it takes no other.
    """
    own, lost, begun = "", False, False
    late: list[str] = []
    for who, call in zip(lab.proxy.callers, lab.proxy.calls, strict=True):
        if who != holder.process.pid:
            lost |= bool(own) and call.startswith("DELETE") and call[16:] == own
        elif "create netplan.lock." in call:
            own = call.rpartition(" ")[2]
            late += [call] if lost and begun else []
            lost = False
        elif not call.startswith("GET") and "/volumes" not in call:
            begun = True
            late += [call] if lost else []
    return late


def leases(options: argparse.Namespace) -> str:
    """Each way at every change of every plan."""
    from .measure import MOST_CALLS, chosen, lab, progress

    found: Counter[str] = Counter()
    for pair in chosen(options):
        with lab(pair, options.host) as here:
            found["plans"] += 2
            todo = {
                side: [(way, nth) for nth in range(1, MOST_CALLS) for way in WAYS][:: options.share]
                for side in (0, 1)
            }
            while any(todo.values()):
                side = 1 - here.at
                way, nth = todo[side].pop(0) if todo[side] else ("kill", MOST_CALLS)
                call = left_alone(here, way, nth)
                found[way] += bool(call)
                todo[side] = todo[side] if call else []
        progress(f"leases: {pair.name}: {dict(found)}")
    return (
        f"{found['plans']} plans; as from another machine, with leases of {LEASE:g} s:"
        f" {found['kill']} killed, {found['suspend']} suspended until another was done,"
        f" {found['freeze']} on an engine that froze for {FROZEN:g} s: all recovered without"
        " unlock, no change begun by a holder after its lock was taken over"
    )

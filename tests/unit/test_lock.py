"""Who has a lock, and who waits: scopes, signs of life, and the drawing of numbers in every order
that two or three runs can have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from reconciler.lock.holder import Holder, holder_text, myself
from reconciler.lock.lease import GONE_AFTER, MOST_COUNTED, Watch, signs
from reconciler.lock.locks import HOLDER, KIND, SCOPE, SEEN, Claim, claims
from reconciler.lock.scope import (
    EVERYTHING,
    MOST_NAMES,
    Scope,
    in_words,
    read_scope,
    scope_of,
    scope_text,
)
from reconciler.lock.ticket import SHIFT, drawn, turn
from reconciler.model import (
    ContainerMark,
    DesiredContainer,
    DesiredEndpoint,
    DesiredNetwork,
    DesiredState,
    EndpointMark,
    Journal,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
    ObservedState,
    Source,
)
from reconciler.planner import Policy, plan
from reconciler.runs import View

HERE = Source("lab.yaml", 1)


def scope(*changes: str, uses: tuple[str, ...] = ()) -> Scope:
    return Scope(frozenset(changes), frozenset(uses))


# --- scopes ---------------------------------------------------------------------------------------


def test_who_waits_for_whom() -> None:
    a, b, user, other_user = (
        scope("network a"),
        scope("network b"),
        scope("container x", uses=("network a",)),
        scope(uses=("network a",)),
    )
    assert not a.overlaps(b)
    assert a.overlaps(a)
    assert a.overlaps(user)
    assert user.overlaps(a)
    assert not user.overlaps(other_user), "both attach something to it, and neither changes it"
    assert all(
        EVERYTHING.overlaps(each) and each.overlaps(EVERYTHING)
        for each in (a, user, Scope(), EVERYTHING)
    )
    assert user.common(a) == a.common(user) == ["network a"]


def test_who_may_do_what_another_needs() -> None:
    wide = scope("network a", "network b", uses=("network c",))
    assert wide.covers(scope("network a", uses=("network b", "network c")))
    assert not wide.covers(scope("network c")), "it is only used"
    assert not wide.covers(EVERYTHING)
    assert EVERYTHING.covers(wide)
    assert (wide | scope("network d")).covers(scope("network d"))
    assert (wide | EVERYTHING).everything


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"changes": 1, "uses": []}', '{"changes": [1], "uses": []}', "[" * 100_000],
)
def test_a_scope_that_cannot_be_read_is_everything(text: str) -> None:
    assert read_scope(text) == EVERYTHING


def test_a_scope_comes_back_as_it_was_written() -> None:
    for each in (scope("network a", uses=("container b",)), Scope(), EVERYTHING):
        assert read_scope(scope_text(each)) == each


def test_words_of_a_scope() -> None:
    assert in_words(["network a"]) == "network a"
    assert in_words(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_all_that_a_run_may_touch_is_in_its_scope() -> None:
    """Declared, owned, attached, held by a journal, interrupted, shared; nothing of others."""
    networks = {
        "n": DesiredNetwork("n", HERE, {"internal": True}),
        "wan": DesiredNetwork("wan", HERE, external=True),
    }
    containers = {
        "app": DesiredContainer(
            "app", HERE, (DesiredEndpoint("n", HERE), DesiredEndpoint("wan", HERE))
        ),
        "side": DesiredContainer(
            "side",
            HERE,
            managed=True,
            settings={"image": "busybox", "network_mode": "container:vpn"},
        ),
    }
    mark = NetworkMark("lab")
    guest = ObservedContainer("9" * 64, "guest", endpoints=(ObservedEndpoint("n", "1" * 64, "e9"),))
    observed = ObservedState(
        networks=(
            ObservedNetwork(
                "1" * 64, "n", {"internal": False}, replace(mark, hashes={"internal": "x"})
            ),
            ObservedNetwork("2" * 64, "old", mark=mark),
            ObservedNetwork("3" * 64, "wan"),
            ObservedNetwork("4" * 64, "foreign"),
        ),
        containers=(
            ObservedContainer("5" * 64, "app"),
            guest,
            ObservedContainer("6" * 64, "mine", mark=ContainerMark("lab")),
            ObservedContainer(
                "7" * 64,
                "attached",
                endpoints=(ObservedEndpoint("wan", "3" * 64, "e7", mark=EndpointMark("lab")),),
            ),
            ObservedContainer(
                "8" * 64, "stranger", endpoints=(ObservedEndpoint("foreign", "4" * 64, "e8"),)
            ),
        ),
    )
    taken = ObservedState(
        networks=(ObservedNetwork("a" * 64, "gone"),),
        containers=(ObservedContainer("b" * 64, "lost"),),
    )
    journals = (
        Journal("j", "lab", 1, taken),
        Journal("k", "other", 2, ObservedState(containers=(ObservedContainer("c" * 64, "no"),))),
    )
    desired = DesiredState("lab", networks, containers)
    found = scope_of(desired, observed, plan(desired, observed), journals)
    mine = (
        "network n",
        "network old",
        "network gone",
        *(f"container {name}" for name in ("app", "side", "guest", "mine", "attached", "lost")),
    )
    assert found.changes == {"topology lab", *mine}
    assert found.uses == {"network wan", "container vpn"}


def test_a_part_touches_what_it_is_about_and_what_its_steps_touch() -> None:
    """`old` is no longer declared; nobody who works on `b` has to wait for it."""
    networks = {name: DesiredNetwork(name, HERE, {"internal": True}) for name in "ab"}
    containers = {
        name: DesiredContainer(name, HERE, (DesiredEndpoint(on, HERE),))
        for name, on in (("x", "a"), ("y", "b"))
    }
    mark = NetworkMark("lab", {"internal": "x"})
    on_a = (ObservedEndpoint("a", "1" * 64, "e1"),)
    observed = ObservedState(
        networks=(
            ObservedNetwork("1" * 64, "a", {"internal": False}, mark),
            ObservedNetwork("2" * 64, "old", mark=mark),
        ),
        containers=(
            ObservedContainer("3" * 64, "x", endpoints=on_a),
            ObservedContainer("4" * 64, "guest", endpoints=on_a),
        ),
    )

    def touched(*only: str) -> frozenset[str]:
        policy = Policy(only=frozenset(only))
        view = View(DesiredState("lab", networks, containers), None, policy)  # type: ignore[arg-type] # it does not look
        view.observed = observed
        return view.scope(plan(view.desired, observed, policy=policy)).changes

    whole = {
        "topology lab",
        *(f"network {name}" for name in ("a", "b", "old")),
        *(f"container {name}" for name in ("x", "y", "guest")),
    }
    assert touched() == whole
    assert touched("x") == whole - {"network b", "network old", "container y"}
    assert touched("b") == {"topology lab", "network b"}


def test_a_scope_of_too_many_names_is_everything() -> None:
    networks = {f"n{number}": DesiredNetwork(f"n{number}", HERE) for number in range(MOST_NAMES)}
    desired = DesiredState("lab", networks)
    assert scope_of(desired, ObservedState(), plan(desired, ObservedState()), ()) == EVERYTHING


# --- signs of life --------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def looked(watch: Watch, clock: Clock, seconds: float, every: float, sign: str) -> float:
    """How long a run is silent after looks for so many seconds, each of which shows this sign."""
    for _ in range(round(seconds / every)):
        clock.now += every
        watch.look(["r"], {"r": [sign]} if sign else {})
    return watch.silent("r")


def test_silence_is_counted_from_the_first_look() -> None:
    clock = Clock()
    watch = Watch(clock)
    assert watch.silent("r") == 0
    assert looked(watch, clock, 1, 1, "") == 0
    assert looked(watch, clock, GONE_AFTER, 1, "") == GONE_AFTER


def test_a_sign_of_life_ends_the_silence_when_it_comes_and_when_it_goes() -> None:
    clock = Clock()
    watch = Watch(clock)
    looked(watch, clock, 50, 1, "")
    assert looked(watch, clock, 1, 1, "netplan.beat.r.1") == 0
    assert looked(watch, clock, 30, 1, "netplan.beat.r.1") == 30
    assert looked(watch, clock, 1, 1, "") == 0
    assert looked(watch, clock, 1, 1, "netplan.beat.r.2") == 0


def test_time_in_which_the_engine_did_not_answer_is_not_counted() -> None:
    """As where the one who waits was itself suspended: the holder may be as it was."""
    clock = Clock()
    watch = Watch(clock)
    looked(watch, clock, 10, 1, "")
    clock.now += 3600
    watch.look(["r"], {})
    assert watch.silent("r") == 9 + MOST_COUNTED
    watch.look([], {})
    assert watch.silent("r") == 0, "one that is no longer waited for is forgotten"


def test_the_signs_of_all_runs() -> None:
    names = ["netplan.beat.0a.3", "netplan.lock.7", "netplan.journal.0a", "netplan.beat.ff.1"]
    assert signs([{"Name": name} for name in names]) == {
        "0a": ["netplan.beat.0a.3"],
        "ff": ["netplan.beat.ff.1"],
    }


def test_in_whatever_order_an_engine_lists_two_signs_of_a_run_they_are_the_same() -> None:
    """One is left where the answer to its making was lost; of a holder that is gone both stay for
    ever.
    """
    volumes, clock = [{"Name": f"netplan.beat.r.{number}"} for number in (1, 2)], Clock()
    watch = Watch(clock)
    for number in range(21):
        clock.now += 1
        watch.look(["r"], signs(volumes if number % 2 else reversed(volumes)))
    assert watch.silent("r") == 20


# --- numbers --------------------------------------------------------------------------------------


def holder(run: str) -> Holder:
    return Holder(run, "lab", "here", 1, "2026-11-27T00:00:00+00:00")


def test_a_number_is_larger_than_all_that_are_there_and_nobody_elses() -> None:
    first = Claim(drawn("00000000000a", ()), holder("00000000000a"))
    second = Claim(drawn("000000000003", [first]), holder("000000000003"))
    assert first.number == (1 << SHIFT) + 10
    assert second.number == (2 << SHIFT) + 3
    assert drawn("000000000001", [Claim(7, holder("x"))]) == (1 << SHIFT) + 1, (
        "an earlier netplan counts from 1"
    )


def test_a_lock_is_read_from_its_volume() -> None:
    me = myself("lab")
    labels = {
        KIND: "lock",
        HOLDER: holder_text(me),
        SCOPE: scope_text(scope("network a")),
        SEEN: "x y",
    }
    (found,) = claims(
        [
            {"Name": "netplan.lock.12", "Labels": labels},
            {"Name": "netplan.lock.x", "Labels": labels},
        ]
    )
    assert found == Claim(12, me, scope("network a"), frozenset({"x", "y"}))
    (earlier,) = claims(
        [{"Name": "netplan.lock.1", "Labels": {KIND: "lock", HOLDER: holder_text(me)}}]
    )
    assert earlier.scope == EVERYTHING


SAME = scope("network a")


@dataclass(frozen=True)
class Process:
    """One run between two of its calls to the engine: what it knows, and what it does next."""

    scope: Scope
    next: str = "list"
    seen: frozenset[str] = frozenset()
    claim: Claim | None = None
    tickets: int = 0


World = tuple[tuple[Process, ...], frozenset[Claim]]
MOST_TICKETS = 2


def moved(
    number: int, process: Process, locks: frozenset[Claim]
) -> tuple[Process, frozenset[Claim]]:
    """The next call of one process: each is atomic, as those of an engine that lists, makes or
    removes one volume.
    """
    mine = process.claim
    if mine is None:
        run = f"{(process.tickets + 1) * 16 + number:012x}"
        claim = Claim(
            drawn(run, locks),
            holder(run),
            process.scope,
            frozenset(other.holder.run for other in locks),
        )
        return replace(process, next="create", claim=claim, tickets=process.tickets + 1), locks
    if process.next == "create":
        return replace(process, next="first look"), locks | {mine}
    if process.next in ("first look", "look"):
        found = turn(
            mine, sorted(locks, key=lambda claim: claim.number), process.next == "first look"
        )
        after = (
            {"held": "work", "draw again": "give back"}.get(found, "")
            if isinstance(found, str)
            else "look"
        )
        return replace(process, next=after), locks
    return replace(
        process, next="done" if process.next == "work" else "list", claim=None
    ), locks - {mine}


def after(world: World, suspends: bool) -> Iterator[World]:
    """What can happen next. With `suspends`, one who waits may also remove the lock of any that is
    ahead of it, as of one that is gone.
    """
    processes, locks = world
    for number, process in enumerate(processes):
        if process.next != "done" and (process.claim or process.tickets < MOST_TICKETS):
            changed, left = moved(number, process, locks)
            yield (*processes[:number], changed, *processes[number + 1 :]), left
        mine = process.claim
        if suspends and mine and process.next in ("first look", "look"):
            yield from (
                (processes, locks - {other}) for other in locks if other.number < mine.number
            )


def reachable(start: World, suspends: bool) -> Iterator[tuple[World, set[World]]]:
    """Every state that some order of calls leads to, and those that can follow it at once."""
    found, todo = {start}, [start]
    while todo:
        world = todo.pop()
        following = set(after(world, suspends))
        yield world, following
        todo += following - found
        found |= following


USER = scope("container x", uses=("network a",))


@pytest.mark.parametrize(
    ("scopes", "suspends", "most"),
    [
        ((SAME, SAME), False, 1),
        ((SAME, SAME, SAME), False, 1),
        ((SAME, EVERYTHING, scope("network b")), False, 2),
        ((SAME, USER, scope(uses=("network a",))), False, 2),
        ((SAME, SAME), True, 1),
    ],
    ids=["two", "three", "one for everything", "two that use", "two that may be suspended"],
)
def test_in_no_order_of_calls_two_that_overlap_are_at_work(
    scopes: tuple[Scope, ...], suspends: bool, most: int
) -> None:
    together = 0
    for (processes, locks), following in reachable(
        (tuple(map(Process, scopes)), frozenset()), suspends
    ):
        at_work = [
            process.scope
            for process in processes
            if process.next == "work" and process.claim in locks
        ]
        assert not any(
            one.overlaps(other) for index, one in enumerate(at_work) for other in at_work[:index]
        )
        stuck = following <= {(processes, locks)} and any(process.claim for process in processes)
        assert not stuck, "whoever has a lock, or waits for one, gets on in the end"
        together = max(together, len(at_work))
    assert together == most


def test_the_one_ahead_is_waited_for_and_one_behind_is_not() -> None:
    first, second, third = (
        Claim(number, holder(str(number)), SAME, frozenset(map(str, range(number))))
        for number in (1, 2, 3)
    )
    assert turn(first, [first, second, third], first=True) == "held"
    assert turn(third, [first, second, third], first=False) == second
    assert turn(third, [third], first=False) == "held"
    assert turn(second, [first, third], first=False) == "draw again", "somebody removed it"


def test_one_that_was_overtaken_while_it_drew_draws_again() -> None:
    slow, fast = Claim(1, holder("slow"), SAME), Claim(2, holder("fast"), SAME)
    assert turn(slow, [slow, fast], first=True) == "draw again"
    assert turn(fast, [slow, fast], first=True) == slow
    assert turn(slow, [slow, replace(fast, scope=scope("network b"))], first=True) == "held"

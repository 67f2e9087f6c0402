"""What interrupted runs left: which of it comes back, and as what."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_planner import DOCKER_28, MADE, attached, container, declared, endpoint, lab, network

from reconciler.executor.network_rollback import rollback
from reconciler.lock.holder import Holder, gone, holder_text, myself, read_holder
from reconciler.lock.journal import taken_by
from reconciler.marks import digests
from reconciler.model import (
    ContainerMark,
    DesiredNetwork,
    DesiredState,
    EndpointMark,
    Journal,
    NetworkMark,
    ObservedContainer,
    ObservedImage,
    ObservedNetwork,
    ObservedState,
)
from reconciler.plan import Plan
from reconciler.planner import Policy, lacking, plan
from reconciler.planner.subnets import subnets_of
from reconciler.settings import Settings
from reconciler.simulate import applied

AMENDED = EndpointMark("lab", "amended", {"aliases": ("a",)}, {"aliases": ("theirs",)})
NET = network("n", "10.1.0.0/24")
WHOLE = ObservedState(
    DOCKER_28,
    (NET,),
    (
        container("guest", "bridge", endpoint("n", aliases=("g",), ipv4_address="10.1.0.9")),
        container("web", "bridge", endpoint("n", MADE, aliases=("w",))),
    ),
)
BARE = tuple(replace(found, endpoints=()) for found in WHOLE.containers)
REPLACED = lab(
    declared("n", "10.1.0.0/24", settings={"internal": True}),
    attached("web", n={"aliases": ("w",)}),
)
BY_NAME = Policy(destroyed=DesiredState("lab"), replaces=frozenset({"lab"}))
"""What `destroy --name lab` is."""
CONSENT = Policy(disrupt_foreign=True)


def journal(taken: ObservedState, topology: str = "lab", order: int = 1) -> Journal:
    return Journal(f"netplan.journal.{order}", topology, order, taken, "host", "today")


def steps(made: Plan) -> list[tuple[str, dict[str, object]]]:
    assert made.applyable, made.refusals
    return [(step.text, dict(step.settings)) for step in made.steps]


def test_what_a_plan_takes_away_is_all_that_a_journal_holds() -> None:
    assert taken_by(plan(REPLACED, WHOLE, policy=CONSENT), WHOLE) == WHOLE
    only = taken_by(plan(lab(declared("n", "10.1.0.0/24")), WHOLE), WHOLE)
    assert [found.name for found in only.containers] == ["web"]
    assert only.networks == ()


def test_a_network_and_everything_on_it_come_back_without_another_consent() -> None:
    made = plan(REPLACED, replace(WHOLE, networks=(), containers=BARE), [journal(WHOLE)])
    assert [text for text, _ in steps(made)] == [
        "create network n",
        "connect guest to n",
        "connect web to n",
    ]
    assert dict(made.steps[0].settings) == {**NET.settings, "internal": True}
    assert steps(made)[1][1] == {"aliases": ("g",), "ipv4_address": "10.1.0.9"}
    assert made.steps[1].mark is None
    assert not made.destructive
    assert "it restores network n, guest on n, web on n" in made.warnings[0]


def silent(name: str) -> DesiredNetwork:
    return replace(declared(name, ""), settings={"internal": True})


def test_a_subnet_that_nobody_declares_is_given_up_where_another_network_took_it_meanwhile() -> (
    None
):
    chosen = replace(NET, mark=NetworkMark("lab", digests({"internal": False})))
    before = replace(WHOLE, networks=(chosen,), containers=(BARE[0], WHOLE.containers[1]))
    file = lab(silent("n"), attached("web", n={"aliases": ("w",)}))
    gone = replace(WHOLE, networks=(), containers=BARE)
    taken = replace(gone, networks=(network("theirs", "10.1.0.0/16", None),))
    made = plan(file, taken, [journal(before)])
    assert [text for text, _ in steps(made)] == ["create network n", "connect web to n"]
    assert not subnets_of(made.steps[0].settings)
    assert made.notes == (
        "network n: its subnet 10.1.0.0/24 now belongs to network theirs: the engine chooses"
        " another one",
    )
    assert subnets_of(plan(file, gone, [journal(before)]).steps[0].settings) == ("10.1.0.0/24",)
    (refusal,) = plan(file, taken, [journal(replace(before, containers=WHOLE.containers))]).refusals
    assert "guest on n: its static address 10.1.0.9 is not in the" in refusal.message
    claimed = plan(
        replace(file, networks={**file.networks, "m": declared("m", "10.1.0.0/24")}),
        gone,
        [journal(before)],
    )
    assert {
        step.network: subnets_of(step.settings) for step in claimed.steps if step.op == "create"
    } == {"m": ("10.1.0.0/24",), "n": ()}


def test_a_subnet_that_is_declared_and_taken_meanwhile_is_refused() -> None:
    taken = replace(WHOLE, networks=(network("theirs", "10.1.0.0/16", None),), containers=BARE)
    refusal, *_ = plan(lab(declared("n", "10.1.0.0/24")), taken, [journal(WHOLE)]).refusals
    assert "subnet 10.1.0.0/24 overlaps 10.1.0.0/16 of network theirs" in refusal.message


def test_what_is_there_again_is_left_alone() -> None:
    made = plan(
        lab(declared("n", "10.1.0.0/24"), attached("web", n={"aliases": ("w",)})),
        WHOLE,
        [journal(WHOLE)],
    )
    assert made.empty
    assert "nothing is left to restore" in made.warnings[0]
    assert not lacking(journal(WHOLE), WHOLE)
    assert lacking(journal(WHOLE), replace(WHOLE, containers=BARE))


def test_what_the_file_no_longer_wants_stays_away() -> None:
    taken = replace(WHOLE, containers=(WHOLE.containers[1],))
    assert plan(
        lab(declared("n", "10.1.0.0/24")), replace(WHOLE, containers=BARE), [journal(taken)]
    ).empty


def test_what_a_container_that_the_file_runs_has_lost_stays_away_unless_declared() -> None:
    """So the journal of a run that has disconnected one does not stand against its own proof."""
    settings: Settings = {"image": "busybox:latest"}
    box = replace(
        container("web", "m", endpoint("m", MADE)),
        settings=settings,
        mark=ContainerMark("lab", digests(settings)),
    )
    nets = (network("m", "10.2.0.0/24"), NET)
    state = ObservedState(DOCKER_28, nets, (box,), {"busybox:latest": ObservedImage("sha256:1")})
    before = ObservedState(DOCKER_28, (), (replace(box, endpoints=(endpoint("n", MADE),)),))
    wanted = replace(attached("web", m={}), managed=True, settings=settings)
    assert plan(
        lab(declared("m", "10.2.0.0/24"), declared("n", "10.1.0.0/24"), wanted),
        state,
        [journal(before)],
    ).empty


def test_an_amended_endpoint_gets_its_own_settings_back() -> None:
    box = container("web", "bridge", endpoint("n", AMENDED, aliases=("a", "theirs")))
    state = replace(WHOLE, containers=(replace(box, endpoints=()),))
    made = plan(
        lab(declared("n", "10.1.0.0/24")), state, [journal(replace(WHOLE, containers=(box,)))]
    )
    assert steps(made) == [("connect web to n", {"aliases": ("theirs",)})]


def test_of_two_journals_the_newer_decides() -> None:
    newer = replace(
        WHOLE, containers=(container("guest", "bridge", endpoint("n", aliases=("new",))),)
    )
    state = replace(WHOLE, containers=BARE[:1])
    made = plan(
        lab(declared("n", "10.1.0.0/24")), state, [journal(newer, order=2), journal(WHOLE, order=1)]
    )
    assert steps(made) == [("connect guest to n", {"aliases": ("new",)})]


def test_another_topologys_journal_is_only_told_of() -> None:
    state = replace(WHOLE, networks=(), containers=BARE)
    made = plan(lab(declared("x", "10.9.0.0/24")), state, [journal(WHOLE, "other")])
    assert [text for text, _ in steps(made)] == ["create network x"]
    assert "apply or destroy other to recover it" in made.warnings[0]


def test_another_topologys_journal_counts_for_an_endpoint_that_is_declared_here() -> None:
    state = replace(WHOLE, containers=BARE)
    made = plan(
        lab(declared("n", "10.1.0.0/24"), attached("guest", n={})), state, [journal(WHOLE, "other")]
    )
    assert steps(made) == [("connect guest to n", {"aliases": ("g",), "ipv4_address": "10.1.0.9"})]


def test_somebody_elses_network_of_the_same_name_is_not_the_one_that_was_taken() -> None:
    """Neither one that another tool made since, nor one that another topology did: what was on the
    old one is not forgotten.
    """
    elsewhere = lab(declared("m", "10.3.0.0/24"))
    for owner in (None, "another"):
        now = replace(
            WHOLE,
            networks=(replace(network("n", "10.2.0.0/24", owner), id="other"),),
            containers=BARE,
        )
        for file, policy in ((elsewhere, Policy()), (lab(), Policy(destroyed=lab()))):
            gone = (
                "disconnected container guest from network n, and this plan would restore neither"
                " (another network has the name n now)"
            )
            assert (
                sum(
                    gone in refusal.message
                    for refusal in plan(file, now, [journal(WHOLE)], policy).refusals
                )
                == 1
            )
            consented = plan(
                file, now, [journal(WHOLE)], replace(policy, disrupt_foreign=True)
            ).refusals
            assert not [refusal for refusal in consented if gone in refusal.message]
        assert lacking(journal(WHOLE), now)
        adopted = plan(
            lab(declared("n", "10.1.0.0/24")), now, [journal(WHOLE)], Policy(frozenset({"n"}))
        )
        assert [gone in refusal.message for refusal in adopted.refusals] == [True]
        corp = lab(replace(declared("n", ""), external=True))
        assert not plan(corp, now, [journal(WHOLE)], CONSENT).steps


def test_a_network_that_the_same_topology_made_since_is_the_one_that_was_taken() -> None:
    now = replace(WHOLE, networks=(replace(NET, id="new"),), containers=BARE)
    made = plan(
        lab(declared("n", "10.1.0.0/24"), attached("web", n={"aliases": ("w",)})),
        now,
        [journal(WHOLE)],
    )
    assert [text for text, _ in steps(made)] == ["connect guest to n", "connect web to n"]


def test_a_container_is_back_on_none_when_it_has_no_other_network() -> None:
    """Once its attachment is undone, and where an interrupted run took it off none and no
    further.
    """
    none = ObservedNetwork("none", "none", {"driver": "null"}, None)
    on_none = container("nn", "none", endpoint("none"))
    on_net = container("nn", "none", endpoint("n", MADE))
    whole = replace(WHOLE, networks=(NET, none), containers=(on_net,))
    undeclared = lab(declared("n", "10.1.0.0/24"))
    for file, policy in ((undeclared, Policy()), (lab(), Policy(destroyed=lab()))):
        made = plan(file, whole, policy=policy)
        assert [step.text for step in made.steps if step.container] == [
            "disconnect nn from n",
            "connect nn to none",
        ]
    nowhere = replace(whole, containers=(replace(on_none, endpoints=()),))
    taken = journal(replace(whole, networks=(), containers=(on_none,)))
    assert [text for text, _ in steps(plan(undeclared, nowhere, [taken]))] == ["connect nn to none"]
    again = lab(declared("n", "10.1.0.0/24"), attached("nn", n={}))
    assert [text for text, _ in steps(plan(again, nowhere, [taken]))] == ["connect nn to n"]
    assert not plan(undeclared, replace(whole, containers=(on_none,)), [taken]).steps
    before = replace(whole, containers=(on_none,))
    made = plan(again, before)
    assert [step.text for step in made.steps] == ["disconnect nn from none", "connect nn to n"]
    for failed, back in (("failed", ["connect nn to none"]), ("done", [])):
        statuses = {made.steps[0].id: "done", made.steps[1].id: failed}
        assert [step.text for step in rollback(made, statuses, before).steps] == back


def test_other_peoples_endpoints_are_not_given_up_without_consent() -> None:
    """The network that they were on is gone, and the topology is destroyed now."""
    state, left = replace(WHOLE, networks=(), containers=BARE), [journal(WHOLE)]
    (refusal,) = plan(DesiredState("lab"), state, left, BY_NAME).refusals
    assert "disconnected container guest from network n" in refusal.message
    assert plan(DesiredState("lab"), state, left, replace(BY_NAME, disrupt_foreign=True)).empty


@pytest.mark.parametrize("owner", ["lab", None])
def test_a_file_that_declares_nothing_does_not_give_up_what_its_journal_holds(
    owner: str | None,
) -> None:
    """Killed before the new network was made: nothing on the engine bears the topology's mark
    then.
    """
    taken = ObservedState(
        DOCKER_28,
        (network("n", "10.1.0.0/24", owner),),
        (container("web", "bridge", endpoint("n", MADE)),),
    )
    state, left = ObservedState(DOCKER_28, (), BARE), [journal(taken)]
    (refusal,) = plan(lab(), state, left).refusals
    assert (
        refusal.message == "the file is empty, but topology 'lab' owns n, web on n on this engine"
    )
    assert plan(lab(), state, left, Policy(allow_empty=True)).empty
    assert plan(lab(), state, left, Policy(destroyed=lab(declared("n", "10.1.0.0/24")))).applyable
    assert plan(lab(), state, [journal(taken, "other")]).applyable
    assert not plan(lab(), replace(state, networks=taken.networks), left).applyable


def test_a_phantom_is_connected_with_the_settings_of_the_journal() -> None:
    listed = ObservedContainer("", "", endpoints=(endpoint("n", phantom=True),))
    state = replace(
        WHOLE, containers=(replace(BARE[0], endpoints=listed.endpoints), WHOLE.containers[1])
    )
    wanted = lab(declared("n", "10.1.0.0/24"), attached("web", n={"aliases": ("w",)}))
    assert steps(plan(wanted, state, [journal(WHOLE)])) == [
        ("connect guest to n", {"aliases": ("g",), "ipv4_address": "10.1.0.9"})
    ]


# --- rollback -------------------------------------------------------------------------------------


def statuses(made: Plan, failed: str) -> dict[int, str]:
    """How the steps end where the one of that text fails."""
    found: dict[int, str] = {}
    for step in made.steps:
        needs = all(found[need] == "done" for need in step.needs)
        found[step.id] = "failed" if step.text == failed else "done" if needs else "skipped"
    return found


@pytest.mark.parametrize(
    ("failed", "back"),
    [
        ("create network n", ["create network n", "connect guest to n", "connect web to n"]),
        ("remove network n", ["connect guest to n", "connect web to n"]),
        ("disconnect web from n", ["connect guest to n"]),
        ("connect web to n", []),
    ],
)
def test_the_way_back(failed: str, back: list[str]) -> None:
    made = plan(REPLACED, WHOLE, policy=CONSENT)
    found = rollback(made, statuses(made, failed), WHOLE)
    assert [step.text for step in found.steps] == back
    if back:
        assert found.steps[-1].settings in [
            e.settings for c in WHOLE.containers for e in c.endpoints
        ]
    if len(back) == 3:
        assert (found.steps[0].settings, found.steps[0].mark) == (NET.settings, NET.mark)


def test_what_a_wipe_takes_is_not_wanted_back() -> None:
    """Neither by the journal of the run that took it, nor by a rollback; and what an earlier run
    took away it has not to remove.
    """
    empty = Policy(reset=True, exclusive=True, wipe=True)
    strangers = replace(
        WHOLE, networks=(network("n", "10.9.0.0/24", None, settings={"internal": True}),)
    )
    file = lab(declared("n", "10.1.0.0/24"))
    made = plan(file, strangers, policy=empty)
    assert [step.text for step in made.steps] == [
        "remove container guest",
        "remove container web",
        "remove network n",
        "create network n",
    ]
    assert not taken_by(made, strangers).networks
    assert rollback(made, statuses(made, "create network n"), strangers).steps == ()
    again = plan(file, replace(WHOLE, networks=(), containers=BARE), [journal(WHOLE)], empty)
    assert "remove network n" not in [step.text for step in again.steps]


# --- holders --------------------------------------------------------------------------------------


def test_this_process_lives_and_one_that_started_at_another_time_is_gone() -> None:
    me = myself("lab")
    assert read_holder(holder_text(me)) == me
    assert not gone(me)
    assert gone(replace(me, started="1"))
    for unknown in (
        replace(me, boot=""),
        replace(me, namespace="elsewhere"),
        replace(me, boot="elsewhere", started="1"),
    ):
        assert not gone(unknown)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"pid":"x","takes":5,"run":null}', "[" * 100_000]
)
def test_a_label_that_somebody_else_wrote_is_never_provably_gone(text: str) -> None:
    found = read_holder(text)
    assert isinstance(found, Holder)
    assert not gone(found)


@pytest.mark.parametrize(
    ("networks", "journals", "why"),
    [
        ((), (), "which no longer exists"),
        (
            (replace(network("away", "10.9.0.0/24", "other"), id="f" * 64),),
            (),
            "which was recreated since then",
        ),
        ((), ("other",), "which an interrupted run of that topology removed"),
        ((), ("another",), "which no longer exists"),
    ],
)
def test_a_container_on_a_network_that_is_gone_is_not_started(
    networks: tuple[ObservedNetwork, ...], journals: tuple[str, ...], why: str
) -> None:
    """What another topology attached is for that one to mend; it is named before anything is
    tried.
    """
    wanted = replace(attached("web", n={}), managed=True, settings={"image": "box:1"})
    desired, lost = (
        lab(declared("n", "10.1.0.0/24"), wanted),
        endpoint("away", EndpointMark("other", "made")),
    )
    there = applied(desired, DOCKER_28)
    (web,) = there.containers
    stopped = replace(
        web, state="exited", endpoints=(*web.endpoints, replace(lost, endpoint_id=""))
    )
    taken = ObservedState(DOCKER_28, (network("away", "10.9.0.0/24", "other"),))
    notes = [journal(taken, topology) for topology in journals]
    observed = replace(there, containers=(stopped,), networks=(*there.networks, *networks))
    (refusal,) = plan(desired, observed, notes).refusals
    assert (
        refusal.message
        == f"container web cannot start: topology 'other' attached it to network away, {why}"
    )
    assert (
        refusal.way_out
        == "first run netplan apply on the file of other, or remove that topology: netplan destroy"
        " --name other"
    )
    assert not refusal.unsafe
    assert not plan(
        desired, replace(observed, networks=(*there.networks, *taken.networks)), notes
    ).refusals
    running = replace(stopped, state="running")
    assert not plan(desired, replace(observed, containers=(running,)), notes).refusals, (
        "it is not started"
    )

"""Two topologies of one name: which of them a file means, and where they come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.marks import (
    container_labels,
    network_labels,
    read_container_mark,
    read_network_mark,
)
from reconciler.model import (
    ContainerMark,
    DesiredContainer,
    DesiredEndpoint,
    DesiredNetwork,
    DesiredState,
    Journal,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    Origin,
    Source,
)
from reconciler.ownership import anothers, ours, owner
from reconciler.plan import Plan
from reconciler.planner import Policy, plan
from reconciler.simulate import applied
from reconciler.snapshot import snapshot_json, state_from_snapshot
from reconciler.topology.file_location import origin_of, public_address

HERE = Source("netplan.yaml", 1)
ALICES, BOBS = Origin("pc", "/home/alice/lab"), Origin("pc", "/home/bob/lab")


def state(prefix: str, origin: Origin | None, *, runs: bool = True) -> DesiredState:
    """A topology called lab with a network and a container, whose names begin with the prefix."""
    name = f"{prefix}web"
    network = DesiredNetwork(f"{prefix}net", HERE, {"ipv4.subnet": ("10.7.0.0/24",)})
    web = DesiredContainer(
        name,
        HERE,
        (DesiredEndpoint(network.name, HERE),),
        managed=runs,
        settings={"image": "box:1"} if runs else {},
    )
    return DesiredState("lab", {network.name: network}, {name: web}, origin=origin)


ALICE, BOB = state("a", ALICES), state("b", BOBS)
RUNNING = applied(ALICE, also=[BOB])


def refused(made: Plan) -> list[str]:
    return [
        refusal.message for refusal in made.refusals if "topology 'lab' owns" in refusal.message
    ]


@pytest.mark.parametrize("verb", ["apply", "reset", "destroy"])
def test_a_topology_of_which_the_file_declares_nothing_is_not_touched_without_consent(
    verb: str,
) -> None:
    policies = {
        "apply": Policy(),
        "reset": Policy(reset=True, exclusive=True),
        "destroy": Policy(destroyed=BOB),
    }
    file = DesiredState("lab", origin=BOBS) if verb == "destroy" else BOB
    made = plan(file, RUNNING, policy=policies[verb])
    (refusal,) = made.refusals
    what = (
        "topology 'lab' owns anet, aweb, aweb on anet on this engine (created from"
        " pc:/home/alice/lab)"
    )
    assert refusal.message == f"the file declares none of the objects of its topology: {what}"
    assert refusal.unsafe
    assert (
        "destroy --name lab" if verb == "destroy" else "--replace-topology lab"
    ) in refusal.way_out
    allowed = plan(file, RUNNING, policy=replace(policies[verb], replaces=frozenset({"lab"})))
    assert allowed.applyable
    assert [
        change.actions
        for change in allowed.changes
        if change.network == "anet" and not change.container
    ] == [("delete",)]
    assert allowed.warnings[0].startswith("container aweb, network anet will be removed, and were ")
    assert allowed.warnings[0].endswith("created from elsewhere: pc:/home/alice/lab")


def test_one_thing_in_common_is_enough() -> None:
    """Then it is an edit; what goes is said to come from elsewhere where it does."""
    both = replace(BOB, networks={**BOB.networks, **ALICE.networks}, containers={})
    assert not refused(plan(both, RUNNING))
    edited = replace(both, origin=ALICES)
    assert not [warning for warning in plan(edited, RUNNING).warnings if "elsewhere" in warning]
    only_name = replace(BOB, containers={"aweb": DesiredContainer("aweb", HERE)})
    assert not refused(plan(only_name, RUNNING))


def test_whoever_renamed_everything_is_told_how_to_go_on() -> None:
    (refusal,) = plan(replace(BOB, origin=ALICES), RUNNING).refusals
    assert (
        refusal.way_out
        == "they were created from this file's folder: if you renamed everything in it, pass"
        " --replace-topology lab"
    )


def test_attachments_and_journals_count() -> None:
    attached = applied(state("a", ALICES, runs=False), also=[BOB])
    only = replace(
        attached, networks=tuple(replace(network, mark=None) for network in attached.networks)
    )
    assert refused(plan(BOB, only)) == [
        "the file declares none of the objects of its topology: topology 'lab' owns aweb on anet"
        " on this engine"
    ]
    empty = replace(RUNNING, networks=(), containers=())
    own = tuple(network for network in RUNNING.networks if network.mark)
    left = Journal("j", "lab", 1, replace(RUNNING, networks=own, containers=()))
    whence = "(created from pc:/home/alice/lab)"
    assert refused(plan(BOB, empty, [left])) == [
        "the file declares none of the objects of its topology: topology 'lab' owns anet on this"
        f" engine {whence}"
    ]
    assert not refused(plan(ALICE, empty, [left]))
    assert not refused(plan(BOB, empty, [replace(left, topology="other")]))


def test_what_stood_in_the_way_on_a_network_of_the_file_is_no_other_topologys() -> None:
    """A first run moved somebody's container to another address of an external network, and was
    killed.
    """
    box = ObservedContainer(
        "1" * 64, "box", "running", "bridge", (ObservedEndpoint("bnet", "2" * 64),)
    )
    nothing = replace(RUNNING, networks=(), containers=(box,))
    left = Journal("j", "lab", 1, nothing)
    assert not refused(plan(BOB, nothing, [left]))
    assert refused(plan(ALICE, nothing, [left]))


def test_an_empty_file_says_the_same_in_every_command() -> None:
    empty = DesiredState("lab", origin=BOBS)
    (applying,), (destroying,) = (
        plan(empty, RUNNING).refusals,
        plan(empty, RUNNING, policy=Policy(destroyed=empty)).refusals,
    )
    assert applying.message == destroying.message
    assert applying.message.startswith("the file is empty, but topology 'lab' owns anet")
    assert (applying.way_out[-13:], destroying.way_out[-22:]) == (
        "--allow-empty",
        "--replace-topology lab",
    )
    assert plan(empty, RUNNING, policy=Policy(allow_empty=True)).applyable


def test_an_origin_is_kept_and_changes_nothing() -> None:
    origin = Origin("pc", "/home/ä b", "example.org/x", "labs")
    network = NetworkMark("lab", {}, {}, origin=origin)
    assert read_network_mark(network_labels(network, "n"), "n") == network
    container = ContainerMark("lab", {}, origin)
    assert read_container_mark(container_labels(container, "c"), "c", "1" * 64) == container
    for damaged in ("", "7", "[]", "{}", '{"host":1}', "[" * 200_000):
        assert read_network_mark(
            {**network_labels(network, "n"), "netplan.origin": damaged}, "n"
        ) == replace(network, origin=None)
    assert state_from_snapshot(snapshot_json(RUNNING)) == RUNNING
    moved = plan(replace(ALICE, origin=BOBS), RUNNING)
    assert (moved.empty, moved.warnings) == (True, ())
    assert plan(replace(ALICE, origin=None), RUNNING).fingerprint == moved.fingerprint


def test_whose_an_object_is() -> None:
    network, bare = RUNNING.networks[0], replace(RUNNING.networks[0], mark=None)
    assert (
        owner(network),
        ours(network, "lab"),
        anothers(network, "lab"),
        anothers(network, "x"),
    ) == ("lab", True, False, True)
    assert (owner(bare), ours(bare, "lab"), ours(bare, ""), anothers(bare, "lab"), owner(None)) == (
        "",
        False,
        False,
        False,
        "",
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "https://user:s3cret@example.org:8443/group/lab.git?token=s3cret#s3cret",
            "example.org:8443/group/lab",
        ),
        ("https://s3cret@example.org/lab/", "example.org/lab"),
        ("git@example.org:group/lab.git", "example.org/group/lab"),
        ("ssh://git:s3cret@example.org/group/lab.git", "example.org/group/lab"),
        ("example.org:lab", "example.org/lab"),
        ("file:///srv/lab.git", "/srv/lab"),
        ("../lab", "../lab"),
        ("codecommit::https://me:s3cret@example.org/lab", "example.org/lab"),
        ('"https://me:s3cret@example.org/lab.git"', "example.org/lab"),
        ("me:s3cret@example.org:lab", "example.org/lab"),
        ("https://me:s3/cr?e@t@example.org/lab", "example.org/lab"),
        ("https://me:s3cret@example.org/lab?mail=me@s3cret", "example.org/lab"),
        ("https://example.org/@scope/lab", "example.org/@scope/lab"),
        ("ext::helper --token s3cret %S", ""),
    ],
)
def test_the_address_of_a_repository_holds_no_secret(url: str, shown: str) -> None:
    assert public_address(url) == shown


def test_where_a_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from the folder that git keeps, of a clone and of a worktree."""
    root, labs = tmp_path / "clone", tmp_path / "clone" / "labs" / "one"
    labs.mkdir(parents=True)
    monkeypatch.chdir(labs)
    assert (origin_of("netplan.yaml").repository, origin_of("-").folder) == ("", str(labs))
    (root / ".git").mkdir()
    remotes = (
        '[remote "other"]\n\turl = a:b\n[remote "origin"]\n\turl ='
        " https://me:pw@example.org/lab.git\n"
    )
    config = f'[core]\n\tbare = false\n{remotes}[branch "x"]\nurl = no\n'
    (root / ".git" / "config").write_text(config, encoding="utf-8")
    found = origin_of(str(labs / "netplan.yaml"))
    assert (found.folder, found.repository, found.path) == (
        str(labs),
        "example.org/lab",
        "labs/one",
    )
    assert str(found).endswith(f":{labs} in example.org/lab/labs/one")
    tree = tmp_path / "tree"
    (tree / "labs" / "one").mkdir(parents=True)
    (root / ".git" / "worktrees" / "tree").mkdir(parents=True)
    (root / ".git" / "worktrees" / "tree" / "commondir").write_text("../..\n", encoding="utf-8")
    (tree / ".git").write_text(
        f"gitdir: {root / '.git' / 'worktrees' / 'tree'}\n", encoding="utf-8"
    )
    other = origin_of(str(tree / "labs" / "one" / "x.yaml"))
    assert (other.repository, other.path, other.same(found), other == found) == (
        "example.org/lab",
        "labs/one",
        True,
        False,
    )
    (root / ".git" / "config").unlink()
    assert origin_of(str(labs / "netplan.yaml")).repository == ""

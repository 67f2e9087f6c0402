"""Whatever the text, reading it gives a state or an InputError with positions inside the text;
whatever the snapshot, a UsageError.
"""

# ruff: noqa: E501

from __future__ import annotations

import json
import random
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.environment_digests import has_digests, sealed
from reconciler.errors import InputError, Problem, UsageError
from reconciler.model import DesiredState, Journal
from reconciler.planner import Policy, plan
from reconciler.render import render_text
from reconciler.render.as_json import render_json
from reconciler.show import show
from reconciler.snapshot import snapshot_json, state_from_snapshot
from reconciler.terminal import plain
from reconciler.topology import load, load_text

from ..examples import examples
from ..faults.fuzz import bent

VOCABULARY = """
    name: networks: containers: subnet: gateway: ip_range: aux_addresses: ipam: config: labels: driver_opts: aliases: ipv4_address: driver:
    ipv6_address: mac_address: external: internal: enable_ipv6: mtu: optional: x-a: t n c 10.1.0.0/24 10.1.0.1 10.1.0.0/25 fd00::/64 bridge
    macvlan true no ~ 010 5 1.5 &a *a <<: [ ] { } , - ? : | > ' " # ! !!str --- ... % @ ` ${X} 52:54:00:12:34:56
"""
PROPERTIES = """
    name networks containers subnet gateway ip_range aux_addresses ipam config labels driver_opts options aliases ipv4_address driver mtu
    ipv6_address mac_address external internal enable_ipv4 enable_ipv6 optional link_local_ips interface_name gw_priority n c bridge
"""
WORDS = st.sampled_from([*VOCABULARY.split(), "é", "\ufeff", "\x85", "\u2028", "\0"])
BREAKS = st.sampled_from([" ", " ", "\n", "\n  ", "\n    ", "\t", "\r\n", ""])
YAMLISH = st.lists(st.tuples(WORDS, BREAKS), max_size=40).map(
    lambda parts: "".join(word + gap for word, gap in parts)
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = st.sampled_from(PROPERTIES.split()) | st.text(max_size=4)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=30,
)


def problems(text: str, file: str) -> tuple[Problem, ...]:
    try:
        assert isinstance(load_text(text, file).state, DesiredState)
    except InputError as error:
        return error.problems or pytest.fail("an error without a problem")
    return ()


def check(text: str, file: str) -> None:
    """The state, or problems that stand somewhere in the text and show nothing raw."""
    lines = text.count("\n") + text.count("\r") + 1
    for problem in problems(text, file):
        assert 1 <= problem.line <= lines
        assert 1 <= problem.column <= len(text) + 1
        assert problem.message.isprintable()


@given(YAMLISH | st.text())
@example("? &a\n: *a\n")
@example("name: t\nnetworks: &a\n  n: *a\n")
@examples(300)
def test_any_text(text: str) -> None:
    check(text, "t.yaml")
    check(text, "t.json")


@given(TREES)
@examples(300)
def test_any_values_in_any_place(tree: object) -> None:
    check(json.dumps(tree), "t.json")
    check(json.dumps(tree), "t.yaml")


@given(TREES, TREES, TREES)
@examples(200)
def test_any_network_and_attachment(network: object, other: object, attachment: object) -> None:
    value = {
        "name": "t",
        "networks": {"n": network, "o": other},
        "containers": {"c": {"networks": {"n": attachment}}, "d": attachment},
    }
    check(json.dumps(value), "t.yaml")


@given(st.binary(max_size=200))
@examples(100)
def test_any_bytes(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "t.yaml"
        file.write_bytes(content)
        with suppress(InputError):
            assert load(str(file)).state.topology


GOLDEN = sorted(
    folder for folder in (Path(__file__).parents[1] / "golden").iterdir() if folder.is_dir()
)


@given(st.sampled_from(GOLDEN), st.randoms(use_true_random=False), st.integers(1, 3))
@examples(300)
def test_any_damage_to_a_snapshot(case: Path, choose: random.Random, places: int) -> None:
    """It is refused, or as good as one that an engine gave: a plan is made from it and shown, and a
    journal may hold it.
    """
    desired = load_text((case / "topology.yaml").read_text(encoding="utf-8"), "t.yaml").state
    damaged = json.loads((case / "observed.json").read_text(encoding="utf-8"))
    for _ in range(places):
        damaged = bent(choose, damaged)
    try:
        observed = state_from_snapshot(damaged)
    except UsageError:
        return
    for policy in (
        Policy(),
        Policy(frozenset(desired.networks), disrupt_foreign=True),
        Policy(exclusive=True, reset=True),
    ):
        made = plan(desired, observed, (Journal("j", desired.topology, 1, observed),), policy)
        assert render_text(made, plain)
        assert json.loads(render_json(made))
        assert show(observed, desired.topology, desired, made, plain)
    assert state_from_snapshot(json.loads(json.dumps(snapshot_json(observed)))) == (
        sealed(observed) if has_digests(observed) else observed
    )

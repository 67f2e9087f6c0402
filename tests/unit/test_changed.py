"""What changed between two looks: every difference that a fingerprint covers has its sentence, and nothing else has one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from reconciler.model import (
    DesiredContainer,
    DesiredEndpoint,
    DesiredNetwork,
    DesiredState,
    EndpointMark,
    EngineInfo,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
    ObservedState,
    Source,
)
from reconciler.plan import Plan
from reconciler.planner import plan
from reconciler.render.changed import changed

AT = Source("shop.yaml", 1)
DESIRED = DesiredState(
    "shop",
    {"backend": DesiredNetwork("backend", AT, {"ipv4.subnet": ("10.2.0.0/24",)})},
    {"api": DesiredContainer("api", AT, (DesiredEndpoint("backend", AT, {"aliases": ("api",)}),))},
)
ENDPOINT = ObservedEndpoint(
    "backend", "b" * 64, "e" * 64, {"aliases": ("api",)}, EndpointMark("shop", "made", {"aliases": ("api",)}), ("10.1.0.2/24",)
)
API = ObservedContainer("a" * 64, "api", endpoints=(ENDPOINT,))
OTHER = ObservedContainer("c" * 64, "other")
BACKEND = ObservedNetwork("b" * 64, "backend", {"driver": "bridge", "ipv4.subnet": ("10.1.0.0/24",)}, NetworkMark("shop", {}))
UNRELATED = ObservedNetwork("d" * 64, "unrelated", {"driver": "bridge"})
BEFORE = ObservedState(EngineInfo("id", "engine", "28.5.2"), (BACKEND, UNRELATED), (API, OTHER))


def with_api(**changes: object) -> ObservedState:
    return replace(BEFORE, containers=(replace(API, **changes), OTHER))  # type: ignore[arg-type]


def with_endpoint(**changes: object) -> ObservedState:
    return with_api(endpoints=(replace(ENDPOINT, **changes),))  # type: ignore[arg-type]


def with_backend(**changes: object) -> ObservedState:
    return replace(BEFORE, networks=(replace(BACKEND, **changes), UNRELATED))  # type: ignore[arg-type]


SENTENCES: list[tuple[ObservedState, tuple[str, ...]]] = [
    (with_api(state="exited"), ("container api was stopped",)),
    (with_api(id="f" * 64), ("container api was made anew",)),
    (with_api(network_mode="backend"), ("container api: network_mode bridge -> backend",)),
    (with_api(endpoints=()), ("container api was disconnected from backend",)),
    (with_api(endpoints=(ENDPOINT, ObservedEndpoint("unrelated"))), ("container api was connected to unrelated",)),
    (with_endpoint(settings={"aliases": ("api", "web")}), ("container api on backend: aliases api -> api, web",)),
    (with_endpoint(settings={}), ("container api on backend: aliases api -> (unset)",)),
    (with_endpoint(phantom=True), ("container api on backend: listed only false -> true",)),
    (with_endpoint(mark=None), ("container api on backend: owner topology shop (made) -> nobody",)),
    (with_endpoint(network_id="f" * 64), ("container api on backend: network bbbbbbbbbbbb -> ffffffffffff",)),
    (with_backend(id="f" * 64), ("network backend was made anew",)),
    (with_backend(mark=None), ("network backend: owner topology shop -> nobody",)),
    (
        with_backend(settings={"driver": "macvlan"}),
        ("network backend: driver bridge -> macvlan", "network backend: ipv4.subnet 10.1.0.0/24 -> (unset)"),
    ),
    (replace(BEFORE, networks=(UNRELATED,)), ("network backend is gone",)),
    (replace(BEFORE, containers=(OTHER,)), ("container api is gone",)),
    (
        replace(BEFORE, containers=(API, replace(OTHER, endpoints=(ObservedEndpoint("backend", "b" * 64),)))),
        ("container other was connected to backend",),
    ),
]

SILENT: list[ObservedState] = [
    BEFORE,
    with_endpoint(endpoint_id="f" * 64),
    with_endpoint(addresses=("10.1.0.3/24",)),
    with_endpoint(mac="02:42:00:00:00:01"),
    with_api(state="paused"),
    with_api(ports=("0.0.0.0:80->80/tcp",)),
    replace(BEFORE, networks=(BACKEND, replace(UNRELATED, settings={"driver": "macvlan"}))),
    replace(BEFORE, networks=(BACKEND,)),
    replace(BEFORE, containers=(API, replace(OTHER, state="exited"))),
    replace(BEFORE, containers=(API,)),
]


def sentences(after: ObservedState) -> tuple[str, ...]:
    return changed(BEFORE, after, DESIRED, plan(DESIRED, BEFORE))


@pytest.mark.parametrize(("after", "expected"), SENTENCES)
def test_what_changes_the_fingerprint_is_said(after: ObservedState, expected: tuple[str, ...]) -> None:
    assert plan(DESIRED, after).fingerprint != plan(DESIRED, BEFORE).fingerprint
    assert sentences(after) == expected


@pytest.mark.parametrize("after", SILENT)
def test_what_does_not_change_the_fingerprint_is_not_said(after: ObservedState) -> None:
    assert plan(DESIRED, after).fingerprint == plan(DESIRED, BEFORE).fingerprint
    assert sentences(after) == ()


def test_of_several_networks_of_one_name_the_new_one_is_named() -> None:
    twin = replace(BACKEND, id="f" * 64, mark=None)
    after = replace(BEFORE, networks=(BACKEND, twin, UNRELATED))
    assert sentences(after) == ("network backend (ffffffffffff) is new",)


def test_a_destroyed_topology_sees_its_own_and_what_its_steps_touch() -> None:
    nothing = DesiredState("shop")
    steps = plan(nothing, BEFORE)
    assert changed(BEFORE, with_api(state="exited"), nothing, steps) == ("container api was stopped",)


def test_text_from_the_engine_is_escaped() -> None:
    (sentence,) = sentences(with_endpoint(settings={"aliases": ("\x1b[31m",)}))
    assert "\x1b" not in sentence


def deepdiff_is_loaded(look: str) -> bool:
    code = f"import sys, tests.unit.test_changed as t; {look}; print('deepdiff' in sys.modules)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "True"


def test_deepdiff_is_loaded_only_where_something_differs() -> None:
    assert not deepdiff_is_loaded("t.sentences(t.BEFORE)")
    assert deepdiff_is_loaded("t.sentences(t.with_api(state='exited'))")


def test_an_empty_plan_of_an_empty_topology_has_no_scope() -> None:
    assert changed(BEFORE, ObservedState(), DesiredState("none"), Plan("none", EngineInfo())) == ()

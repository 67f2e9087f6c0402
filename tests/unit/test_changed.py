"""What changed between two looks: every difference that a fingerprint covers has its sentence, and
nothing else has one.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from reconciler.environment_digests import sealed
from reconciler.marks import made_mark, secret_digest
from reconciler.model import (
    DesiredContainer,
    DesiredEndpoint,
    DesiredNetwork,
    DesiredState,
    EndpointMark,
    EngineInfo,
    Journal,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedImage,
    ObservedNetwork,
    ObservedState,
    PullPolicy,
    Source,
)
from reconciler.plan import Plan
from reconciler.planner import Policy, plan
from reconciler.render.engine_changes import changed, why
from reconciler.snapshot import snapshot_json, state_from_snapshot

AT = Source("shop.yaml", 1)
DESIRED = DesiredState(
    "shop",
    {"backend": DesiredNetwork("backend", AT, {"ipv4.subnet": ("10.2.0.0/24",)})},
    {"api": DesiredContainer("api", AT, (DesiredEndpoint("backend", AT, {"aliases": ("api",)}),))},
)
ENDPOINT = ObservedEndpoint(
    "backend",
    "b" * 64,
    "e" * 64,
    {"aliases": ("api",)},
    EndpointMark("shop", "made", {"aliases": ("api",)}),
    ("10.1.0.2/24",),
)
API = ObservedContainer("a" * 64, "api", endpoints=(ENDPOINT,))
OTHER = ObservedContainer("c" * 64, "other")
BACKEND = ObservedNetwork(
    "b" * 64,
    "backend",
    {"driver": "bridge", "ipv4.subnet": ("10.1.0.0/24",)},
    NetworkMark("shop", {}),
)
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
    (with_api(id="f" * 64), ("container api was recreated",)),
    (with_api(network_mode="backend"), ("container api: network_mode bridge -> backend",)),
    (with_api(endpoints=()), ("container api was disconnected from backend",)),
    (
        with_api(endpoints=(ENDPOINT, ObservedEndpoint("unrelated"))),
        ("container api was connected to unrelated",),
    ),
    (
        with_endpoint(settings={"aliases": ("api", "web")}),
        ("container api on backend: aliases api -> api, web",),
    ),
    (with_endpoint(settings={}), ("container api on backend: aliases api -> (unset)",)),
    (
        with_endpoint(phantom=True),
        ("container api on backend: listed but not attached false -> true",),
    ),
    (with_endpoint(mark=None), ("container api on backend: owner topology shop (made) -> nobody",)),
    (
        with_endpoint(network_id="f" * 64),
        ("container api on backend: network bbbbbbbbbbbb -> ffffffffffff",),
    ),
    (with_backend(id="f" * 64), ("network backend was recreated",)),
    (with_backend(mark=None), ("network backend: owner topology shop -> nobody",)),
    (
        with_backend(settings={"driver": "macvlan"}),
        (
            "network backend: driver bridge -> macvlan",
            "network backend: ipv4.subnet 10.1.0.0/24 -> (unset)",
        ),
    ),
    (replace(BEFORE, networks=(UNRELATED,)), ("network backend no longer exists",)),
    (replace(BEFORE, containers=(OTHER,)), ("container api no longer exists",)),
    (
        replace(
            BEFORE,
            containers=(API, replace(OTHER, endpoints=(ObservedEndpoint("backend", "b" * 64),))),
        ),
        ("container other was connected to backend",),
    ),
]

OWN_MARK = replace(
    ENDPOINT, mark=EndpointMark("shop", "amended", {"aliases": ("api",)}, {"aliases": ("web",)})
)
MARKS: list[tuple[EndpointMark | None, str]] = [
    (EndpointMark("shop", "amended", {"aliases": ("api",)}), "mark's own aliases web -> (unset)"),
    (
        EndpointMark("shop", "amended", {"aliases": ("api",)}, {"aliases": ("db",)}),
        "mark's own aliases web -> db",
    ),
    (EndpointMark("shop", "amended", {}, {"aliases": ("web",)}), "mark's aliases api -> (unset)"),
    (
        EndpointMark("shop", "made", {"aliases": ("api",)}),
        "owner topology shop (amended) -> topology shop (made)",
    ),
    (None, "owner topology shop (amended) -> nobody"),
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
def test_what_changes_the_fingerprint_is_said(
    after: ObservedState, expected: tuple[str, ...]
) -> None:
    assert plan(DESIRED, after).fingerprint != plan(DESIRED, BEFORE).fingerprint
    assert sentences(after) == expected


@pytest.mark.parametrize(("mark", "expected"), MARKS)
def test_what_an_endpoints_mark_holds_counts_too(mark: EndpointMark | None, expected: str) -> None:
    before, after = (
        with_api(endpoints=(endpoint,)) for endpoint in (OWN_MARK, replace(OWN_MARK, mark=mark))
    )
    assert plan(DESIRED, before).fingerprint != plan(DESIRED, after).fingerprint
    assert changed(before, after, DESIRED, plan(DESIRED, after)) == (
        f"container api on backend: {expected}",
    )


@pytest.mark.parametrize("after", SILENT)
def test_what_does_not_change_the_fingerprint_is_not_said(after: ObservedState) -> None:
    assert plan(DESIRED, after).fingerprint == plan(DESIRED, BEFORE).fingerprint
    assert sentences(after) == ()


def test_of_several_networks_of_one_name_the_new_one_is_named() -> None:
    twin = replace(BACKEND, id="f" * 64, mark=None)
    after = replace(BEFORE, networks=(BACKEND, twin, UNRELATED))
    assert sentences(after) == ("network backend (ffffffffffff) was created",)


def test_a_destroyed_topology_sees_its_own_and_what_its_steps_touch() -> None:
    nothing = DesiredState("shop")
    steps = plan(nothing, BEFORE)
    assert changed(BEFORE, with_api(state="exited"), nothing, steps) == (
        "container api was stopped",
    )


def test_text_from_the_engine_is_escaped() -> None:
    (sentence,) = sentences(with_endpoint(settings={"aliases": ("\x1b[31m",)}))
    assert "\x1b" not in sentence


def deepdiff_is_loaded(look: str) -> bool:
    code = f"import sys, tests.unit.test_changed as t; {look}; print('deepdiff' in sys.modules)"
    return (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "True"
    )


def test_deepdiff_is_loaded_only_where_something_differs() -> None:
    assert not deepdiff_is_loaded("t.sentences(t.BEFORE)")
    assert deepdiff_is_loaded("t.sentences(t.with_api(state='exited'))")


def test_an_empty_plan_of_an_empty_topology_has_no_scope() -> None:
    assert changed(BEFORE, ObservedState(), DesiredState("none"), Plan("none", EngineInfo())) == ()


# --- containers that the file runs ----------------------------------------------------------------

IMAGE = ObservedImage("sha256:1", {}, "linux/amd64")


def managed(
    name: str, *, one_shot: bool = False, pull: PullPolicy = "missing", **settings: str
) -> DesiredContainer:
    return DesiredContainer(
        name,
        AT,
        managed=True,
        settings={"image": "app:1", **settings},
        one_shot=one_shot,
        pull_policy=pull,
    )


def run(wanted: DesiredContainer, number: str, **more: Any) -> ObservedContainer:
    return ObservedContainer(
        number * 64,
        wanted.name,
        mark=made_mark("shop", wanted),
        settings=wanted.settings,
        image_id="sha256:1",
        **more,
    )


WEB, TAP, FILL = (
    managed("web"),
    managed("tap", network_mode="container:web"),
    managed("fill", one_shot=True, pull="always"),
)
RUNS = DesiredState("shop", {}, {box.name: box for box in (WEB, TAP, FILL)})
WEB_RUNS, TAP_RUNS = run(WEB, "1"), run(TAP, "2", network_mode="container:" + "1" * 64)
FILLED = run(FILL, "3", state="exited")
LIVES = ObservedState(
    EngineInfo("id", "engine", "28.5.2"),
    (),
    (FILLED, TAP_RUNS, WEB_RUNS),
    {"app:1": IMAGE, "sha256:1": IMAGE},
)
GUEST = ObservedContainer("4" * 64, "guest", network_mode="container:" + "1" * 64)
ANEW = replace(RUNS, containers={**RUNS.containers, "web": managed("web", working_dir="/tmp")})

LIVING: list[tuple[ObservedState, tuple[str, ...]]] = [
    (
        replace(LIVES, containers=(FILLED, replace(TAP_RUNS, severed=True), WEB_RUNS)),
        ("container tap lost the network that it shares",),
    ),
    (
        replace(LIVES, containers=(replace(FILLED, exit_code=3), TAP_RUNS, WEB_RUNS)),
        ("container fill: exit code 0 -> 3",),
    ),
    (
        replace(LIVES, images={"app:1": replace(IMAGE, id="sha256:2"), "sha256:1": IMAGE}),
        ("image app:1: ID 1 -> 2",),
    ),
    (replace(LIVES, images={"sha256:1": IMAGE}), ("image app:1 no longer exists",)),
    (
        replace(LIVES, images={"app:1": replace(IMAGE, outdated=True), "sha256:1": IMAGE}),
        ("image app:1: registry has a newer image false -> true",),
    ),
    (replace(LIVES, containers=(FILLED, TAP_RUNS)), ("container web no longer exists",)),
    (replace(LIVES, engine=replace(LIVES.engine, api=(1, 41))), ("the engine: API 1.51 -> 1.41",)),
]


@pytest.mark.parametrize(("after", "expected"), LIVING)
def test_what_is_run_and_what_it_is_made_of_counts_too(
    after: ObservedState, expected: tuple[str, ...]
) -> None:
    assert plan(RUNS, after).fingerprint != plan(RUNS, LIVES).fingerprint
    assert changed(LIVES, after, RUNS, plan(RUNS, after)) == expected


def test_a_stranger_that_shares_the_network_of_a_container_counts_where_that_goes() -> None:
    """It loses its network: nobody has agreed to that who did not see it."""
    after, consent = (
        replace(LIVES, containers=(FILLED, GUEST, TAP_RUNS, WEB_RUNS)),
        Policy(disrupt_foreign=True),
    )
    was, made = plan(ANEW, LIVES, policy=consent), plan(ANEW, after, policy=consent)
    assert was.fingerprint != made.fingerprint
    assert was.interrupts == ("tap", "web")
    assert made.interrupts == ("guest", "tap", "web")
    assert (
        "guest, which is not managed by this topology, shares its network: it loses its network and"
        " must be recreated" in made.changes[-1].notes
    )
    assert changed(LIVES, after, ANEW, made) == (
        "container guest, which shares the network of web, was created",
    )
    assert plan(RUNS, LIVES).fingerprint == plan(RUNS, after).fingerprint
    assert changed(LIVES, after, RUNS, plan(RUNS, after)) == ()


def test_what_a_stranger_shares_is_named() -> None:
    guest = replace(GUEST, network_mode="bridge", settings={"ipc": "container:" + "1" * 64})
    after = replace(LIVES, containers=(FILLED, guest, TAP_RUNS, WEB_RUNS))
    made = plan(ANEW, after, policy=Policy(disrupt_foreign=True))
    assert changed(LIVES, after, ANEW, made) == (
        "container guest, which shares the IPC namespace of web, was created",
    )


# --- where nothing in scope changed ---------------------------------------------------------------


def test_what_stands_against_the_plan_now_is_said_where_nothing_in_its_scope_changed() -> None:
    overlapping = replace(UNRELATED, settings={"driver": "bridge", "ipv4.subnet": ("10.2.0.0/16",)})
    after = replace(BEFORE, networks=(BACKEND, overlapping))
    assert why(BEFORE, after, DESIRED, plan(DESIRED, after)) == (
        "network backend: subnet 10.2.0.0/24 overlaps 10.2.0.0/16 of network unrelated",
    )


def test_else_what_the_plan_has_become() -> None:
    """An interrupted run left a journal meanwhile, or an address that the engine chose is wanted
    for somebody.
    """
    made = plan(DESIRED, BEFORE, [Journal("j", "shop", 1, ObservedState(), "host", "today")])
    said = why(BEFORE, BEFORE, DESIRED, made)
    assert (
        said[0]
        == 'a run of topology "shop" on host, started today, was interrupted; this plan recovers'
        " it: nothing is left to restore"
    )
    assert said[1] == "the plan is now to disconnect api from backend: backend is replaced"
    assert why(BEFORE, BEFORE, DesiredState("none"), Plan("none", EngineInfo())) == (
        "there is nothing left to do",
    )


def test_what_changed_comes_first() -> None:
    after = with_api(state="exited")
    assert why(BEFORE, after, DESIRED, plan(DESIRED, after)) == ("container api was stopped",)


def test_what_a_start_of_the_engine_changes_does_not_count() -> None:
    """Some engines tell a gateway that nobody chose only after it, and their own networks have
    other IDs.
    """

    def state(bridge: str, **more: Any) -> ObservedState:
        backend = replace(BACKEND, settings={**BACKEND.settings, **more})
        on_bridge = ObservedEndpoint("bridge", bridge, "e" * 64)
        networks = (backend, ObservedNetwork(bridge, "bridge", {"driver": "bridge"}))
        return replace(
            BEFORE,
            networks=networks,
            containers=(replace(API, endpoints=(ENDPOINT, on_bridge)), OTHER),
        )

    before, after = state("1" * 64), state("2" * 64, **{"ipv4.gateway": "10.1.0.1"})
    made = plan(DESIRED, after)
    assert made.fingerprint == plan(DESIRED, before).fingerprint
    assert changed(before, after, DESIRED, made) == ()
    chosen = state("1" * 64, **{"ipv4.gateway": "10.1.0.254"})
    assert plan(DESIRED, chosen).fingerprint != made.fingerprint
    assert changed(before, chosen, DESIRED, plan(DESIRED, chosen)) == (
        "network backend: ipv4.gateway (unset) -> 10.1.0.254",
    )


def test_an_environment_that_changed_on_the_engine_is_named_and_not_shown() -> None:
    """Also where one of the two is sealed, as in a saved plan."""

    def state(**values: str) -> ObservedState:
        settings = {
            "image": "i",
            **{f"environment.{key}": secret_digest(key, value) for key, value in values.items()},
        }
        api = replace(API, mark=made_mark("shop", DesiredContainer("api", AT)), settings=settings)
        return replace(BEFORE, containers=(api, OTHER))

    before, after = state(PW="one", GOES="1", SAME="1"), state(PW="two", NEW="1", SAME="1")
    for first in (before, sealed(before), sealed(before, "a key")):
        assert changed(first, after, DESIRED, plan(DESIRED, after)) == (
            "container api: environment.GOES (value hidden) -> (unset)",
            "container api: environment.NEW (unset) -> (value hidden)",
            "container api: environment.PW changes",
        )
        assert changed(first, before, DESIRED, plan(DESIRED, before)) == ()


def test_a_network_that_is_adopted_loses_its_config_network_and_that_is_said() -> None:
    corp = replace(BACKEND, mark=None, config_from="cfg")
    change, *_ = plan(
        DESIRED, replace(BEFORE, networks=(corp,)), policy=Policy(frozenset({"backend"}))
    ).changes
    assert "keeps the settings of config network cfg, but is no longer linked to it" in change.notes
    assert state_from_snapshot(snapshot_json(ObservedState(networks=(corp,)))).networks == (corp,)

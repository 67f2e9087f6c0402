"""Settings that an engine was asked for and does not show afterwards: named, with the engine."""

from __future__ import annotations

import pytest

from reconciler.executor import Run, StepResult
from reconciler.marks import digests
from reconciler.model import (
    ContainerMark,
    DesiredNetwork,
    DesiredState,
    EngineInfo,
    NetworkMark,
    ObservedNetwork,
    ObservedState,
    Source,
)
from reconciler.plan import Change, ContainerSpec, Difference, EndpointSpec, Plan, Step
from reconciler.planner import Policy, plan
from reconciler.runs.ignored_settings import dropped_settings
from reconciler.settings import Value

ENGINE = EngineInfo(version="28.5.2")
NETWORK = Step(
    1,
    "create",
    "mesh",
    "declared",
    settings={"ipv6.subnet": ("fd00::/64",), "driver_opts.a": "1", "internal": True},
)
CONNECT = Step(
    2, "connect", "mesh", "declared", container="web", settings={"interface_name": "lan0"}
)
SPEC = ContainerSpec(
    {"mem_limit": 2**26, "image": "app:1"},
    ContainerMark("t"),
    endpoints=(EndpointSpec("mesh", {"gw_priority": 9}),),
)
CREATE = Step(3, "create", "", "declared", container="app", spec=SPEC)


def left(network: str, container: str, *differences: Difference, flavor: str = "docker") -> Plan:
    change = Change(("delete", "create"), network, container, differences)
    return Plan("t", EngineInfo(version="28.5.2", flavor=flavor), (change,), (NETWORK,))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (
            left(
                "mesh",
                "",
                Difference("ipv6.subnet", None, ("fd00::/64",), "drift"),
                Difference("internal", False, True, "drift"),
            ),
            [
                (
                    "network mesh: Docker 28.5.2 did not keep subnet (IPv6): fd00::/64 was"
                    " requested, the engine shows (unset)"
                ),
                (
                    "network mesh: Docker 28.5.2 did not keep internal: true was requested, the"
                    " engine shows false"
                ),
            ],
        ),
        (
            left("mesh", "web", Difference("interface_name", None, "lan0"), flavor="podman"),
            [
                "web on mesh: Podman 28.5.2 did not keep interface_name: lan0 was requested, the"
                " engine shows (unset)"
            ],
        ),
        (
            left("", "app", Difference("mem_limit", 0, 2**26, "drift")),
            [
                "container app: Docker 28.5.2 did not keep mem_limit: 64m was requested, the"
                " engine shows (unset)"
            ],
        ),
        (
            left("mesh", "app", Difference("gw_priority", 0, 9)),
            [
                "app on mesh: Docker 28.5.2 did not keep gw_priority: 9 was requested, the engine"
                " shows 0"
            ],
        ),
        (
            left("mesh", "", Difference("driver_opts.a", "1", None, "dropped")),
            [],
        ),  # no longer in the file
        (
            left("mesh", "", Difference("driver_opts.a", "1", "2", "drift")),
            [],
        ),  # not what was sent: the file changed meanwhile
        (left("mesh", "", Difference("labels.b", None, "1")), []),
        (left("back", "", Difference("internal", False, True)), []),
        (left("mesh", "other", Difference("interface_name", None, "lan0")), []),
        (Plan("t", ENGINE), []),
    ],
)
def test_what_was_asked_for_and_is_not_there(after: Plan, expected: list[str]) -> None:
    ran = Run(tuple(StepResult(step, "done") for step in (NETWORK, CONNECT, CREATE)))
    assert list(dropped_settings(after, ran)) == expected


def test_what_was_not_done_was_not_dropped() -> None:
    after = left("mesh", "", Difference("internal", False, True, "drift"))
    assert dropped_settings(after, Run((StepResult(NETWORK, "failed"),))) == ()
    assert dropped_settings(after, None) == ()


def planned(lost: str, policy: Policy | None = None, **more: Value) -> list[str]:
    """The refusals where a network was created with a setting that it does not show; `more` is what
    it has otherwise than declared.
    """
    settings: dict[str, Value] = {"ipv4.subnet": ("10.1.0.0/24",), "internal": True, lost: "x"}
    has = {path: value for path, value in settings.items() if path != lost} | more
    network = ObservedNetwork("1" * 64, "n", has, NetworkMark("t", digests(settings)))
    desired = DesiredState("t", {"n": DesiredNetwork("n", Source("t", 1), settings)})
    return [
        refusal.message
        for refusal in plan(desired, ObservedState(ENGINE, (network,)), policy=policy).refusals
    ]


def test_a_network_is_not_made_anew_in_vain() -> None:
    """Nobody can change a network in place: what it was created with and does not show was never
    there, and would not be again.
    """
    path = "ipv4.aux_addresses.printer"
    assert planned(path) == [f"network n was created with {path}, which Docker 28.5.2 did not keep"]
    assert planned("driver_opts.parent") == [
        "network n was created with driver_opts.parent, which Docker 28.5.2 did not keep"
    ]
    assert planned("labels.team") == []  # which another tool may have left out
    assert planned(path, internal=False) == []  # and something else that changes
    assert planned(path, Policy(reset=True)) == []


def test_the_refusal_of_the_plan_after_a_run_hides_nothing() -> None:
    settings: dict[str, Value] = {
        "ipv4.subnet": ("10.1.0.0/24",),
        "ipv4.aux_addresses.printer": "10.1.0.9",
    }
    network = ObservedNetwork(
        "1" * 64, "n", {"ipv4.subnet": ("10.1.0.0/24",)}, NetworkMark("t", digests(settings))
    )
    after = plan(
        DesiredState("t", {"n": DesiredNetwork("n", Source("t", 1), settings)}),
        ObservedState(ENGINE, (network,)),
    )
    ran = Run((StepResult(Step(1, "create", "n", "declared", settings=settings), "done"),))
    assert dropped_settings(after, ran) == (
        (
            "network n: Docker 28.5.2 did not keep aux_addresses.printer: 10.1.0.9 was requested,"
            " the engine shows (unset)"
        ),
    )

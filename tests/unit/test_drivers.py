"""What a file asks of an engine and the engine does not have: drivers, and volumes that are to
exist.
"""

# ruff: noqa: E501

from __future__ import annotations

import pytest

from reconciler.model import (
    EngineInfo,
    ObservedImage,
    ObservedNetwork,
    ObservedState,
    ObservedVolume,
)
from reconciler.planner import plan
from reconciler.topology import load_text

LISTED = frozenset(("bridge", "host", "ipvlan", "macvlan", "null", "overlay", "team/net:latest"))


def refusals(text: str, observed: ObservedState) -> list[tuple[str, str]]:
    return [
        (refusal.message, refusal.way_out)
        for refusal in plan(load_text(text, "t").state, observed).refusals
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", []),
        ("{driver: bridge, ipam: {driver: default}}", []),
        ("{driver: macvlan, driver_opts: {parent: eth0}}", []),
        ("{driver: team/net}", []),
        ("{driver: 'team/net:latest'}", []),
        ("{ipam: {driver: infoblox}}", []),
        ("{external: true}", [(
            "network n is external and does not exist",
            "create it first (docker network create n), declare it optional: true, or remove external: true",
        )]),
        ("{driver: brigde}", [("network n: this engine has no network driver 'brigde'", "did you mean bridge?")]),
        ("{driver: Bridge}", [("network n: this engine has no network driver 'Bridge'", "did you mean bridge?")]),
        ("{driver: ipvlan_l2}", [("network n: this engine has no network driver 'ipvlan_l2'", "did you mean ipvlan?")]),
        ("{driver: weave}", [(
            "network n: this engine has no network driver 'weave'",
            "choose one of bridge, ipvlan, macvlan, overlay, team/net:latest, or install it; "
            "a legacy plugin is listed only after a first network uses it: docker network create -d weave probe",
        )]),
        ("{ipam: {driver: defualt}}", [("network n: this engine has no IPAM driver 'defualt'", "did you mean default?")]),
        ("{ipam: {driver: host-local}}", [("network n: this engine has no IPAM driver 'host-local'", "did you mean default?")]),
    ],
)  # fmt: skip
def test_a_driver_that_the_engine_does_not_have(body: str, expected: list[tuple[str, str]]) -> None:
    text = f"name: t\nnetworks:\n  n: {body}\n"
    assert (
        refusals(text, ObservedState(EngineInfo(version="28.5.2", network_drivers=LISTED)))
        == expected
    )
    assert refusals(text, ObservedState(EngineInfo(version="28.5.2"))) == [
        pair for pair in expected if "external" in pair[0]
    ]


def test_a_network_that_is_there_needs_no_driver() -> None:
    there = ObservedNetwork("1" * 64, "n", {"driver": "weave"})
    text = "name: t\nnetworks:\n  n: {external: true}\n"
    assert refusals(text, ObservedState(EngineInfo(network_drivers=LISTED), (there,))) == []


VOLUMES = """\
name: t
volumes: {data: {external: true, name: shop_data}, unused: {external: true}, made: }
containers: {web: {image: app, volumes: [data:/a, made:/b]}}
"""


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        (None, []),
        (("shop_data", "other"), []),
        ((), [(
            "container web: volume shop_data is external and does not exist",
            "create it first (docker volume create shop_data), or remove external: true",
        )]),
    ],
)  # fmt: skip
def test_an_external_volume_must_be_there(
    volumes: tuple[str, ...] | None, expected: list[tuple[str, str]]
) -> None:
    images = {"app:latest": ObservedImage("sha256:1", {}, "linux/amd64")}
    there = None if volumes is None else {name: ObservedVolume(name) for name in volumes}
    assert refusals(VOLUMES, ObservedState(images=images, volumes=there)) == expected

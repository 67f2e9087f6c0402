"""What Docker 29.7.2 says at API 1.55 (recorded), and what is made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.codec import read_container, read_network, shapes
from reconciler.marks import digests
from reconciler.model import (
    DesiredNetwork,
    DesiredState,
    EndpointMark,
    EngineInfo,
    NetworkMark,
    ObservedNetwork,
    ObservedState,
    Source,
)
from reconciler.planner import plan
from reconciler.planner.address_capacity import fits
from reconciler.settings import Settings

RECORDED = Path(__file__).parent / "recorded"
ENGINE = EngineInfo("E", "lab", "29.7.2", (1, 55))
DOCKER_28 = EngineInfo("E", "lab", "28.5.2", (1, 51))
MAC = "02:42:0a:c9:07:09"


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}-29.7.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("engine", "driver", "free"),
    [(ENGINE, "macvlan", True), (ENGINE, "bridge", False), (DOCKER_28, "macvlan", False)],
)
def test_the_first_address_of_a_macvlan_network_is_free(
    engine: EngineInfo, driver: str, free: bool
) -> None:
    """Where no gateway is declared: measured, on 28.5 it is taken."""
    assert (
        fits("10.201.7.1", {"driver": driver, "ipv4.subnet": ("10.201.7.0/24",)}, "ipv4", engine)
        is free
    )


@pytest.mark.parametrize("how", ["inspect", "listed"])
def test_a_network_is_the_same_inspected_and_listed(how: str) -> None:
    """The list has no Containers at all; the gateway that nobody chose is there at once."""
    raw = recorded("network")[how]
    assert not shapes.network(raw)
    assert ("Containers" in raw) == (how == "inspect")
    network = read_network(raw, ENGINE, recorded("network")["inspect"]["Containers"])
    assert network.settings["ipv4.gateway"] == "10.201.7.1"
    assert (network.settings["enable_ipv4"], network.settings["enable_ipv6"], network.outside) == (
        True,
        False,
        (),
    )


def test_an_address_is_that_of_its_network_only() -> None:
    raw = recorded("container")
    assert not shapes.container(raw)
    assert "IPAddress" not in raw["NetworkSettings"]
    assert "MacAddress" not in raw["Config"]
    [endpoint] = read_container(raw, ENGINE).endpoints
    assert (endpoint.addresses, endpoint.mac) == (("10.201.7.9/24",), MAC)
    assert "mac_address" not in endpoint.settings, "it does not say whether anybody chose it"


def test_the_mark_says_that_a_mac_address_was_chosen() -> None:
    raw = recorded("container")
    mark = {
        "v": 1,
        "how": "made",
        "declared": {"mac_address": MAC},
        "container": "exp1",
        "network": "expnet",
    }
    raw["NetworkSettings"]["Networks"]["expnet"]["DriverOpts"] |= {
        "netplan.topology": "lab",
        "netplan.spec": json.dumps(mark),
    }
    [endpoint] = read_container(raw, ENGINE).endpoints
    assert endpoint.mark == EndpointMark("lab", "made", {"mac_address": MAC})
    assert endpoint.settings["mac_address"] == MAC


@pytest.mark.parametrize(
    ("declared", "sent"), [({}, None), ({"ipv4.gateway": "10.201.7.1"}, "10.201.7.1")]
)
def test_a_gateway_that_nobody_chose_is_no_setting(declared: Settings, sent: str | None) -> None:
    """It is no difference, and a replacement leaves it to the engine again."""
    settings: Settings = {"ipv4.subnet": ("10.201.7.0/24",), **declared}
    shown = read_network(recorded("network")["listed"], ENGINE).settings
    network = ObservedNetwork("aa" * 32, "expnet", shown, NetworkMark("lab", digests(settings)))

    def steps(**more: bool) -> list[Settings]:
        wanted = DesiredNetwork("expnet", Source("f", 1), {**settings, **more})
        return [
            step.settings
            for step in plan(
                DesiredState("lab", {"expnet": wanted}), ObservedState(ENGINE, (network,))
            ).steps
        ]

    assert not steps()
    assert steps(internal=True)[-1].get("ipv4.gateway") == sent

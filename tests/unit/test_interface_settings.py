"""Settings of one interface in the plan: sysctls that belong to an attachment, and priorities that
an engine does not heed.
"""

from __future__ import annotations

import pytest

from reconciler.model import (
    DesiredContainer,
    DesiredEndpoint,
    DesiredNetwork,
    DesiredState,
    EngineInfo,
    ObservedState,
    Source,
)
from reconciler.plan import Plan
from reconciler.planner import plan
from reconciler.safety import Policy
from reconciler.settings import Settings

HERE = Source("lab.yaml", 1)
DOCKER_28 = EngineInfo(version="28.5.2+dfsg4", api=(1, 51))
DOCKER_26 = EngineInfo(version="26.1.5", api=(1, 45))


def planned(
    engine: EngineInfo,
    settings: Settings,
    networks: dict[str, Settings],
    priorities: dict[str, int],
) -> Plan:
    endpoints = tuple(
        DesiredEndpoint(name, HERE, {"gw_priority": value} if value else {})
        for name, value in priorities.items()
    )
    container = DesiredContainer(
        "c", HERE, endpoints, managed=True, settings={"image": "busybox", **settings}
    )
    wanted = {name: DesiredNetwork(name, HERE, network) for name, network in networks.items()}
    return plan(
        DesiredState("lab", wanted, {"c": container}),
        ObservedState(engine, (), (), {}),
        policy=Policy(),
    )


@pytest.mark.parametrize(
    ("engine", "sysctl", "instead"),
    [
        (DOCKER_28, "net.ipv4.conf.eth0.forwarding", "net.ipv4.conf.IFNAME.forwarding=1"),
        (DOCKER_28, "net.ipv6.neigh.foo0.gc_stale_time", "net.ipv6.neigh.IFNAME.gc_stale_time=1"),
        (DOCKER_28, "net.mpls.conf.eth11.input", "net.mpls.conf.IFNAME.input=1"),
        (
            EngineInfo(version="27.0.1", api=(1, 46)),
            "net.ipv4.conf.eth0.forwarding",
            "net.ipv4.conf.IFNAME.forwarding=1",
        ),
        (DOCKER_28, "net.ipv4.conf.all.forwarding", ""),
        (DOCKER_28, "net.ipv6.conf.default.forwarding", ""),
        (DOCKER_28, "net.ipv4.conf.lo.forwarding", ""),
        (DOCKER_28, "net.ipv4.ip_forward", ""),
        (DOCKER_26, "net.ipv4.conf.eth0.forwarding", ""),
        (
            EngineInfo(version="5.8.6", api=(1, 44), flavor="podman"),
            "net.ipv4.conf.eth0.forwarding",
            "",
        ),
    ],
)
def test_a_sysctl_of_an_interface(engine: EngineInfo, sysctl: str, instead: str) -> None:
    found = planned(engine, {f"sysctls.{sysctl}": "1"}, {"n": {}}, {"n": 0}).refusals
    assert [refusal.way_out for refusal in found if "a sysctl of interface" in refusal.message] == [
        "remove it from 'sysctls', and set it on the attachment: driver_opts:"
        f' {{com.docker.network.endpoint.sysctls: "{instead}"}}'
    ] * bool(instead)


def test_several_sysctls_of_an_interface_are_one_option() -> None:
    settings = {
        "sysctls.net.ipv4.conf.eth0.forwarding": "1",
        "sysctls.net.ipv6.conf.eth0.forwarding": "0",
    }
    (refusal,) = planned(DOCKER_28, settings, {"n": {}}, {"n": 0}).refusals
    assert "net.ipv4.conf.IFNAME.forwarding=1,net.ipv6.conf.IFNAME.forwarding=0" in refusal.way_out


@pytest.mark.parametrize(
    ("version", "four", "six", "more", "warned"),
    [
        ("28.5.2+dfsg4", 10, 0, {}, True),
        ("28.5.2", 0, -1, {}, True),
        ("29.4.0", 10, 0, {}, True),
        ("29.4.1", 10, 0, {}, False),
        ("29.10.0-rc.1", 10, 0, {}, False),
        ("28.5.2", 0, 10, {}, False),
        ("28.5.2", 0, 0, {}, False),
        ("28.5.2", 10, 0, {"internal": True}, False),
    ],
)
def test_a_priority_that_is_not_heeded(
    version: str, four: int, six: int, more: Settings, warned: bool
) -> None:
    networks: dict[str, Settings] = {"four": {}, "six": {"enable_ipv6": True, **more}}
    found = planned(
        EngineInfo(version=version, api=(1, 51)), {}, networks, {"four": four, "six": six}
    ).warnings
    assert (
        any(
            "gw_priority of four does not give it the default gateway: Docker before 29.4.1"
            " uses six" in text
            for text in found
        )
        == warned
    )

"""Warnings that need containers and networks together: static addresses among dynamic ones, ports
that lead nowhere.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.topology import load, load_text

ROOT = Path(__file__).parents[2]


def warnings(text: str) -> list[str]:
    return [str(warning).removeprefix("t:") for warning in load_text(text, "t").warnings]


def ranged(network: str, *containers: str) -> str:
    """A file with one network `n`; containers begin in line 5."""
    lines = "".join(
        f"  {name}: {{{body}}}\n"
        for name, _, body in (container.partition(" ") for container in containers)
    )
    return f"name: t\nnetworks:\n  n: {{{network}}}\ncontainers:\n{lines}"


STATIC = "one networks: {n: {ipv4_address: 10.1.0.9}}"
DYNAMIC = "two networks: [n]"
SIX = "one networks: {n: {ipv4_address: 10.1.0.9, ipv6_address: 'fd00::9'}}"


def first(address: str, who: str, mend: str) -> str:
    reason = f"'{who}' may get it first, as its address is dynamic"
    return f"{address} is one of those that the engine hands out, and {reason}: add {mend}"


@pytest.mark.parametrize(
    ("network", "containers", "said"),
    [
        (
            "subnet: 10.1.0.0/24",
            (STATIC, "also networks: {n: {ipv4_address: 10.1.0.8}}", DYNAMIC),
            [
                "5:38: warning: "
                + first("10.1.0.9", "two", "ip_range: 10.1.0.128/25 beside subnet 10.1.0.0/24")
            ],
        ),
        (
            "subnet: 10.1.0.0/24, gateway: 10.1.0.254",
            (STATIC, DYNAMIC),
            [
                "5:38: warning: "
                + first("10.1.0.9", "two", "ip_range: 10.1.0.128/26 beside subnet 10.1.0.0/24")
            ],
        ),
        (
            "subnet: 10.1.0.8/29",
            ("one networks: {n: {ipv4_address: 10.1.0.10}}", DYNAMIC),
            [
                "5:38: warning: "
                + first(
                    "10.1.0.10",
                    "two",
                    "an ip_range without static addresses beside subnet 10.1.0.8/29",
                )
            ],
        ),
        (
            (
                "enable_ipv6: true, ipam: {config: [{subnet: 10.1.0.0/24, ip_range: 10.1.0.128/25},"
                " {subnet: 'fd00::/64'}]}"
            ),
            (SIX, DYNAMIC),
            [
                "5:62: warning: "
                + first("fd00::9", "two", "ip_range: fd00::8000:0:0:0/65 beside subnet fd00::/64")
            ],
        ),
        ("subnet: 10.1.0.0/24", (STATIC, "also networks: {n: {ipv4_address: 10.1.0.8}}"), []),
        ("subnet: 10.1.0.0/24", (STATIC, "two image: i"), []),
        ("subnet: 10.1.0.0/24, ip_range: 10.1.0.128/25", (STATIC, DYNAMIC), []),
        ("subnet: 10.1.0.0/24, ipam: {driver: own}", (STATIC, DYNAMIC), []),
        ("external: true", (STATIC, DYNAMIC), []),
    ],
)
def test_a_static_address_among_dynamic_ones(
    network: str, containers: tuple[str, ...], said: list[str]
) -> None:
    assert warnings(ranged(network, *containers)) == said


def test_a_container_that_joins_default_without_a_word_has_a_dynamic_address() -> None:
    text = "name: t\nnetworks: {default: {subnet: 10.1.0.0/24}}\ncontainers:\n"
    text += "  one: {image: i, networks: {default: {ipv4_address: 10.1.0.2}}}\n  two: {image: i}\n"
    assert len(warnings(text)) == 1
    assert warnings(text.replace("two: {image: i}", "two: {image: i, network_mode: none}")) == []


def nowhere(setting: str, which: str) -> str:
    why = f"{which} internal, macvlan or ipvlan, and engines publish nothing from there"
    return (
        f"'{setting}' cannot be reached from outside: {why}: attach 'one' to an ordinary network"
        f" too, or remove '{setting}'"
    )


@pytest.mark.parametrize(
    ("container", "said"),
    [
        (
            "ports: ['80:80'], networks: [in]",
            ["6:19: warning: " + nowhere("ports", "network 'in' is")],
        ),
        (
            "ports: ['80:80'], networks: [in, mac]",
            ["6:19: warning: " + nowhere("ports", "its networks are")],
        ),
        (
            "publish_all: true, networks: [mac]",
            ["6:19: warning: " + nowhere("publish_all", "network 'mac' is")],
        ),
        ("ports: ['80:80']", ["6:19: warning: " + nowhere("ports", "network 'default' is")]),
        ("ports: ['80:80'], networks: [in, out]", []),
        ("ports: ['80:80'], networks: [there]", []),
        ("ports: ['80:80'], networks: [bridge]", []),
        ("expose: ['80'], networks: [in]", []),
    ],
)
def test_ports_that_lead_nowhere(container: str, said: list[str]) -> None:
    networks = (
        "in: {internal: on}, mac: {driver: macvlan, driver_opts: {parent: e}}, out: , there:"
        " {external: true}"
    )
    text = (
        f"name: t\nnetworks: {{default: {{internal: true}}, {networks}}}\n\n\ncontainers:\n  one:"
        f" {{image: i, {container}}}\n"
    )
    assert warnings(text) == said


@pytest.mark.parametrize(
    ("container", "warned"),
    [
        ("ports: ['80:80'], networks: [r]", True),
        ("ports: ['80', '8000-8001:80'], networks: [r, in]", True),
        ("ports: ['80'], networks: [r]", False),
        ("ports: ['[::1]:80:80'], networks: [r]", False),
        ("ports: ['80:80'], networks: [r, out]", False),
        ("ports: ['80:80'], networks: [in, out]", False),
        ("ports: ['80:80'], network_mode: host", False),
    ],
)
def test_host_ports_of_a_routed_network(container: str, warned: bool) -> None:
    networks = (
        "r: {driver_opts: {com.docker.network.bridge.gateway_mode_ipv4: routed}}, in: {internal:"
        " true}, out: "
    )
    found = warnings(
        f"name: t\nnetworks: {{{networks}}}\ncontainers:\n  one: {{image: i, {container}}}\n"
    )
    assert (
        any(
            "no IPv4 port of the host leads to 'one': network 'r' is routed" in said
            for said in found
        )
        == warned
    )


@pytest.mark.parametrize("file", sorted(path.name for path in (ROOT / "topologies").glob("*.yaml")))
def test_topologies_to_learn_from_have_no_warnings(file: str) -> None:
    assert load(str(ROOT / "topologies" / file)).warnings == ()

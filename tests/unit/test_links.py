"""Interfaces paired with what they lead to, from what shells of a real lab wrote: a bridge network
of 28.5 with a container `web` on two networks, one beside it, and the engine's own namespace.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

from reconciler.access import AccessError, Look
from reconciler.access.look import read_view
from reconciler.access.netlink import view_here
from reconciler.engine import Ran
from reconciler.fast_dataclasses import replace
from reconciler.links import (
    ContainerLinks,
    Link,
    Route,
    Seen,
    View,
    links_json,
    links_of,
    links_text,
    owner_of,
)
from reconciler.model import (
    EngineInfo,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
    ObservedState,
)
from reconciler.topology.schema import schema_text

RECORDED = Path(__file__).parent / "recorded"
WEB = (RECORDED / "namespace-web.txt").read_text(encoding="utf-8")
ENGINE = (RECORDED / "namespace-engine.txt").read_text(encoding="utf-8")
MACS = ("4a:2d:40:3d:67:bc", "56:f0:3c:60:a5:53")
ENDPOINTS = (
    ObservedEndpoint("backend", "f77237030b42" * 2, "e1", mac=MACS[0]),
    ObservedEndpoint("front", "612044db4d51" * 2, "e2", mac=MACS[1]),
)
STATE = ObservedState(
    EngineInfo(name="box", version="28.5.2", transport="unix"),
    networks=(
        ObservedNetwork("f77237030b42" * 2, "backend", {"driver": "bridge"}),
        ObservedNetwork("612044db4d51" * 2, "front", {"driver": "bridge"}),
    ),
    containers=(
        ObservedContainer("w", "web", network_mode="backend", endpoints=ENDPOINTS),
        ObservedContainer("s", "side", network_mode="container:w"),
        ObservedContainer("h", "onhost", network_mode="host"),
    ),
)
SEEN = {"w": Seen(read_view(WEB), "helper")}
OUTSIDE = Seen(read_view(ENGINE), "helper")


def rows(state: ObservedState = STATE, outside: Seen = OUTSIDE) -> dict[str, ContainerLinks]:
    found = links_of(state, state.containers, SEEN, outside)
    return {row.container: row for row in found}


def test_what_a_shell_wrote_is_read() -> None:
    view = read_view(WEB)
    assert view.links[1] == Link(
        *(2, "eth0", MACS[0], 1500, "UP", "veth", 1327), addresses=("10.61.0.2/24",)
    )
    assert view.links[0].addresses == ("127.0.0.1/8", "::1/128")
    assert view.routes == (
        Route("default", "10.61.0.1", "eth0"),
        Route("10.61.0.0/24", "", "eth0", "10.61.0.2"),
        Route("10.62.0.0/24", "", "eth1", "10.62.0.2"),
    )
    ports = {link.name: link for link in read_view(ENGINE).links if link.port_state}
    assert {name: (link.master, link.port_state) for name, link in ports.items()} == {
        "vethe62b517": (1323, "forwarding"),
        "veth48fbefb": (1326, "forwarding"),
        "veth842ca40": (1324, "forwarding"),
        "veth953d48b": (1324, "forwarding"),
        "vetha9dfc15": (2, "forwarding"),
    }
    assert {route.kind for route in read_view(ENGINE).routes} == {""}


def test_routes_that_lead_nowhere_keep_their_kind() -> None:
    [route] = read_view("route unreachable 10.9.0.0/16 metric 4\n").routes
    assert route == Route("10.9.0.0/16", metric=4, kind="unreachable")
    assert read_view("route 10.9.0.7 dev eth0\n").routes[0].destination == "10.9.0.7/32"


NEXT_HOPS = """\
route 10.6.0.0/16 via inet6 fe80::1 dev v0
route 10.8.0.0/16
route nexthop via 10.9.0.7 dev v0 weight 1
route nexthop via 10.9.0.8 dev v0 weight 1
"""


def test_each_next_hop_is_a_route() -> None:
    """As iproute2 6.1 wrote it."""
    assert read_view(NEXT_HOPS).routes == (
        Route("10.6.0.0/16", "fe80::1", "v0"),
        Route("10.8.0.0/16", "10.9.0.7", "v0"),
        Route("10.8.0.0/16", "10.9.0.8", "v0"),
    )


@pytest.mark.parametrize(
    ("ran", "why"),
    [
        (Ran(126, "OCI runtime exec failed: no such file\r\n"), "no such file"),
        (Ran(0, "", "sh: syntax error"), "syntax error"),
        (Ran(1, ""), "exit code 1"),
    ],
)
def test_a_shell_that_shows_nothing_is_no_empty_namespace(ran: Ran, why: str) -> None:
    with pytest.raises(AccessError, match=why):
        Look().read(ran)


def test_without_ip_the_rest_is_seen_and_the_lack_is_said() -> None:
    text = "".join(f"{line}\n" for line in WEB.splitlines() if line.startswith("link"))
    view = Look().read(Ran(0, text + "without ip\n"))
    assert [link.name for link in view.links] == ["lo", "eth0", "eth1"]
    assert "no command `ip`" in view.unseen[0]


@pytest.mark.skipif(not shutil.which("ip"), reason="compares with ip: apt-get install iproute2")
def test_the_kernel_says_what_ip_says() -> None:
    """Of this process's own namespace, and the shell the same."""
    here = view_here()
    said = json.loads(subprocess.check_output(["ip", "-j", "address"]))
    assert [
        (link.index, link.name, link.mac, link.mtu, link.state, link.addresses)
        for link in here.links
    ] == [
        (
            *(one["ifindex"], one["ifname"], one["address"], one["mtu"], one["operstate"]),
            tuple(f"{each['local']}/{each['prefixlen']}" for each in one["addr_info"]),
        )
        for one in said
    ]
    ran = subprocess.run(Look().command, capture_output=True, text=True, check=True)
    by_shell = Look().read(Ran(0, ran.stdout))
    assert [replace(link, kind="") for link in by_shell.links] == [
        replace(link, kind="") for link in here.links
    ]
    assert set(by_shell.routes) == set(here.routes)


def test_each_interface_is_paired() -> None:
    lo, eth0, eth1 = rows()["web"].interfaces
    assert (eth0.network, eth0.peer, eth0.bridge, eth0.port_state) == (
        *("backend", "veth953d48b", "br-f77237030b42", "forwarding"),
    )
    assert (eth1.network, eth1.peer, eth1.bridge) == ("front", "vethe62b517", "br-612044db4d51")
    assert (lo.network, lo.peer) == ("", "")
    assert rows()["web"].unseen == ()


def test_a_member_has_its_owners_and_host_the_engines() -> None:
    found = rows()
    assert found["side"].shares == "web"
    assert found["side"].interfaces == found["web"].interfaces
    assert found["onhost"].shares == "host"
    assert "docker0" in {one.name for one in found["onhost"].interfaces}
    by_id = {one.id: one for one in STATE.containers}
    member = ObservedContainer("m", "m", network_mode="container:s")
    assert [owner_of(one, by_id) for one in (*STATE.containers, member)] == ["w", "w", "", "w"]


def test_an_interface_of_that_number_that_is_no_end_of_the_pair_is_none() -> None:
    assert OUTSIDE.view
    others = tuple(
        replace(link, peer=77) if link.name == "veth953d48b" else link
        for link in OUTSIDE.view.links
    )
    row = rows(outside=Seen(View(others), "kernel"))["web"]
    assert (row.interfaces[1].peer, row.interfaces[1].bridge) == ("", "")
    assert row.unseen == ("the other end of eth0 is not in the engine's own network namespace",)


def test_an_overlays_other_ends_are_elsewhere() -> None:
    overlay = replace(STATE.networks[0], settings={"driver": "overlay"})
    row = rows(replace(STATE, networks=(overlay, STATE.networks[1])))["web"]
    assert row.interfaces[1].peer == ""
    assert "in a network namespace of backend's own" in row.unseen[0]


def test_a_macvlan_is_upon_its_parent() -> None:
    view = View((Link(9, "eth0", MACS[0], 1500, "UP", "macvlan", 2),))
    [row] = links_of(STATE, STATE.containers[:1], {"w": Seen(view, "kernel")}, OUTSIDE)
    assert (row.interfaces[0].parent, row.interfaces[0].peer) == ("docker0", "")
    assert row.unseen == ("it has no interface on front, which lists it",)
    by_shell = View((replace(view.links[0], kind="veth"),))
    macvlan = replace(STATE.networks[0], settings={"driver": "macvlan"})
    state = replace(STATE, networks=(macvlan,))
    [row] = links_of(state, STATE.containers[:1], {"w": Seen(by_shell, "helper")}, OUTSIDE)
    assert (row.interfaces[0].kind, row.interfaces[0].parent) == ("macvlan", "docker0")


def test_what_cannot_be_seen_is_said_once() -> None:
    why = Seen(reason="it is exited")
    [row] = links_of(STATE, STATE.containers[:1], {"w": why}, OUTSIDE)
    assert row.unseen == ("it is exited",)
    text = links_text(STATE.engine, [row], ["the engine's side cannot be entered: no"])
    assert text.endswith(
        "Cannot be seen from here\n  web: it is exited\n  the engine's side cannot be entered: no"
    )
    assert rows(outside=Seen(reason="no"))["web"].unseen == ()


WIDE = """\
netplan: links of topology "lab" on engine 28.5.2 (unix)

container  interface  MAC                MTU   addresses     network  peer         bridge           port
web        eth0       4a:2d:40:3d:67:bc  1500  10.61.0.2/24  backend  veth953d48b  br-f77237030b42  forwarding
           eth1       56:f0:3c:60:a5:53  1500  10.62.0.2/24  front    vethe62b517  br-612044db4d51  forwarding

container  destination   gateway    interface  source
web        default       10.61.0.1  eth0
           10.61.0.0/24             eth0       10.61.0.2
           10.62.0.0/24             eth1       10.62.0.2"""  # noqa: E501
NARROW = """\
container  interface  MAC                MTU   addresses
web        eth0       4a:2d:40:3d:67:bc  1500  10.61.0.2/24
           eth1       56:f0:3c:60:a5:53  1500  10.62.0.2/24

container  interface  peer         bridge           port        network
web        eth0       veth953d48b  br-f77237030b42  forwarding  backend
           eth1       vethe62b517  br-612044db4d51  forwarding  front
"""


def test_text_fits_the_width() -> None:
    web = [rows()["web"]]
    assert links_text(STATE.engine, web, (), "lab") == WIDE
    narrow = links_text(STATE.engine, web, (), "lab", 80)
    assert NARROW in narrow
    assert max(map(len, narrow.splitlines())) <= 80
    assert links_text(STATE.engine, []).endswith("no containers")


def test_names_cannot_steer_a_terminal() -> None:
    row = ContainerLinks("\x1b[2J", "i", unseen=("\x1b]0;x\x07",))
    assert "\x1b" not in links_text(STATE.engine, [row])


def test_json_is_as_its_schema_says() -> None:
    document = json.loads(json.dumps(links_json(STATE.engine, list(rows().values()), ["why"])))
    jsonschema.validate(document, json.loads(schema_text("links")))
    assert [row["container"] for row in document["containers"]] == ["onhost", "side", "web"]

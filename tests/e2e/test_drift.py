"""Somebody changed the engine: plan shows it as drift, apply mends it, and nothing else is
touched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .cli import Cli, names
from .test_converge import at

Body = dict[str, Any]
SETTINGS: Body = {
    "aliases": ["web"],
    "link_local_ips": ["169.254.9.9"],
    "driver_opts": {"org.example.x": "1"},
}


class Lab:
    """A converged topology: c on n with every setting, other on n with none; both run."""

    def __init__(self, cli: Cli) -> None:
        self.cli, self.docker = cli, cli.docker
        self.subnet = cli.docker.subnet()
        self.n, self.c = cli.docker.name("n"), cli.docker.name("c")
        self.ids = {name: cli.docker.container(name) for name in ("c", "other")}
        self.settings = {**SETTINGS, "ipv4_address": at(self.subnet, 20)}
        self.file()
        cli.apply()

    def file(self, **network: Any) -> None:
        containers = {"c": {"networks": {"n": self.settings}}, "other": {"networks": ["n"]}}
        self.cli.write(
            {"n": {"subnet": self.subnet, "internal": False, "labels": {"a": "1"}, **network}},
            containers,
        )

    def endpoint(self) -> Body:
        found = self.cli.endpoint("c", "n")
        assert found
        return found

    def assert_whole(self) -> None:
        """c is on n with every setting that the file gives it."""
        found, container = self.endpoint(), self.docker.inspect(self.c)
        assert names(found["Aliases"], container) == {"web"}
        assert found["IPAMConfig"] == {
            "IPv4Address": at(self.subnet, 20),
            "LinkLocalIPs": ["169.254.9.9"],
        }
        assert found["DriverOpts"]["org.example.x"] == "1"
        if container["State"]["Running"]:
            assert found["IPAddress"] == at(self.subnet, 20)

    def remake(self, **body: Any) -> None:
        """Another tool removes the network and makes it anew under the same containers."""
        labels = self.cli.network("n")["Labels"]
        for container in ("c", "other"):
            assert self.docker.disconnect(self.n, self.docker.name(container))[0] == 200
        self.docker.do("DELETE", f"/networks/{self.n}")
        self.docker.network("n", **{"subnet": self.subnet, "Labels": labels} | body)
        for container in ("c", "other"):
            assert self.docker.connect(self.n, self.docker.name(container))[0] == 200


@pytest.fixture
def lab(cli: Cli) -> Lab:
    return Lab(cli)


def reconnect(lab: Lab, **endpoint: Any) -> None:
    """Another tool gives the endpoint other settings, and keeps what else it has, netplan's mark
    included.
    """
    found = lab.endpoint()
    body = {
        "Aliases": ["web"],
        "IPAMConfig": found["IPAMConfig"],
        "DriverOpts": found["DriverOpts"],
    } | endpoint
    lab.docker.disconnect(lab.n, lab.c)
    status, answer = lab.docker.connect(lab.n, lab.c, **body)
    assert status == 200, answer


def disconnect(lab: Lab) -> None:
    lab.docker.disconnect(lab.n, lab.c)


def connect_by_hand(lab: Lab) -> None:
    lab.docker.disconnect(lab.n, lab.c)
    lab.docker.connect(lab.n, lab.c)


def change_address(lab: Lab) -> None:
    reconnect(lab, IPAMConfig={"IPv4Address": at(lab.subnet, 33), "LinkLocalIPs": ["169.254.9.9"]})


def lose_link_local(lab: Lab) -> None:
    reconnect(lab, IPAMConfig={"IPv4Address": at(lab.subnet, 20)})


def change_aliases(lab: Lab) -> None:
    reconnect(lab, Aliases=["web", "extra"])


def change_option(lab: Lab) -> None:
    reconnect(lab, DriverOpts=lab.endpoint()["DriverOpts"] | {"org.example.x": "2"})


def recreate(lab: Lab) -> None:
    lab.docker.do("DELETE", f"/containers/{lab.c}?force=1")
    lab.docker.container("c")


def recreate_stopped(lab: Lab) -> None:
    lab.docker.do("DELETE", f"/containers/{lab.c}?force=1")
    lab.docker.container("c", start=False)


# what another tool does, and what the plan says of it
KINDS: dict[str, tuple[Callable[[Lab], object], tuple[str, ...]]] = {
    "disconnected": (
        disconnect,
        ("x {n}", "declared when the network was created, not attached now"),
    ),
    "reconnected-without-settings": (connect_by_hand, ("~ reconnect {c} on {n}",)),
    "address": (change_address, ("changed: ipv4_address", ".33 -> ")),
    "link-local": (lose_link_local, ("changed: link_local_ips", "(unset) -> 169.254.9.9")),
    "aliases": (change_aliases, ("changed: aliases", "extra, web -> web")),
    "driver-option": (change_option, ("changed: driver_opts.org.example.x", "2 -> 1")),
    "container-recreated": (recreate, ("the container was recreated", "+ connect {c} -> {n}")),
    "container-recreated-not-started": (recreate_stopped, ("the container was recreated",)),
    "network-made-anew-without-endpoints-settings": (
        lambda lab: lab.remake(),
        ("~ reconnect {c} on {n}",),
    ),
    "network-made-anew-internal": (
        lambda lab: lab.remake(Internal=True),
        ("recreated with a different", "internal"),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_drift_is_shown_and_mended(lab: Lab, kind: str) -> None:
    tool, shown = KINDS[kind]
    tool(lab)
    planned = lab.cli.plan("--exit-code", "-v", code=2)
    assert not planned.changes
    for text in shown:
        assert text.format(n=lab.n, c=lab.c) in planned.out, planned.out
    other = lab.cli.life("other")
    lab.cli.apply()
    lab.assert_whole()
    assert lab.cli.life("other") == other
    lab.cli.settled()
    if kind != "container-recreated-not-started":
        assert lab.cli.reach("c", "other")


def test_a_stopped_container_is_no_drift(lab: Lab) -> None:
    """Also where its dynamic endpoint has no address while it stops; what the container has comes
    back when it starts.
    """
    for container in ("c", "other"):
        lab.docker.stop(lab.docker.name(container))
    assert "Nothing to do" in lab.cli.plan("--exit-code").out
    for container in ("c", "other"):
        lab.docker.start(lab.docker.name(container))
    lab.cli.settled()
    lab.assert_whole()


def test_a_removed_container_is_named(lab: Lab) -> None:
    lab.docker.do("DELETE", f"/containers/{lab.c}?force=1")
    before = lab.cli.inspected()
    refused = lab.cli.apply(code=1)
    assert f"container {lab.c} does not exist" in refused.said
    assert not refused.changes
    assert lab.cli.inspected() == before


def test_a_network_removed_by_hand_is_made_again(lab: Lab) -> None:
    before = lab.cli.life("c", "other")
    for container in ("c", "other"):
        lab.docker.disconnect(lab.n, lab.docker.name(container))
    lab.docker.do("DELETE", f"/networks/{lab.n}")
    lab.cli.apply()
    lab.cli.settled()
    lab.assert_whole()
    assert lab.cli.life("c", "other") == before


def test_what_is_missing_beside_a_network_that_is_gone_is_shown(cli: Cli) -> None:
    """A stopped container still lists it, and hides nobody."""
    for name in ("runs", "rests"):
        cli.docker.container(name)
    cli.converge(
        {"n": {"subnet": cli.docker.subnet()}},
        {name: {"networks": ["n"]} for name in ("runs", "rests")},
    )
    cli.docker.stop(cli.docker.name("rests"))
    cli.docker.disconnect(cli.docker.name("n"), cli.docker.name("runs"))
    cli.docker.do("DELETE", f"/networks/{cli.docker.name('n')}")
    shown = cli.run("show", str(cli.file)).out
    assert f"{cli.docker.name('n')}  ! gone" in shown
    assert f"{cli.docker.name('runs')}  ! missing" in shown
    assert cli.docker.name("rests") in shown
    cli.apply()
    cli.settled()


def test_a_label_changed_by_hand_is_drift_of_the_network(lab: Lab) -> None:
    lab.remake(Labels=lab.cli.network("n")["Labels"] | {"a": "2", "theirs": "stays"})
    planned = lab.cli.plan("--exit-code", code=2).out
    assert "recreated with a different labels.a" in planned
    lab.cli.apply()
    lab.cli.settled()
    labels = lab.cli.network("n")["Labels"]
    assert (labels["a"], labels["theirs"]) == ("1", "stays")


def test_what_else_is_connected_by_hand_is_noted_and_left(lab: Lab) -> None:
    lab.docker.container("stranger")
    stranger = lab.docker.name("stranger")
    lab.docker.connect(lab.n, stranger)
    planned = lab.cli.plan("--exit-code").out
    assert f"{stranger} on {lab.n} is not changed: no topology declares it" in planned
    lab.cli.settled()


def test_what_else_is_connected_by_hand_leaves_an_exclusive_network(lab: Lab) -> None:
    lab.docker.container("stranger")
    stranger = lab.docker.name("stranger")
    lab.docker.connect(lab.n, stranger)
    lab.file(exclusive=True)
    planned = lab.cli.plan("--exit-code", code=2).out
    assert f"{stranger} x {lab.n}" in planned
    assert f"- disconnect {stranger} from {lab.n}" in planned
    assert lab.cli.apply().changes == ["POST /networks/ID/disconnect"]
    assert lab.cli.endpoint("stranger", "n") is None
    assert lab.cli.endpoint("stranger", "bridge")
    lab.cli.settled()


def test_a_phantom_leaves_an_exclusive_network(lab: Lab) -> None:
    """On any other network it is told of."""
    lab.docker.container("stranger")
    stranger = lab.docker.name("stranger")
    assert (
        lab.docker.connect(lab.n, stranger, IPAMConfig={"IPv4Address": at(lab.subnet, 20)})[0]
        == 403
    )
    assert "the next restart would fail" in lab.cli.plan().out
    lab.file(exclusive=True)
    assert f"- disconnect {stranger} from {lab.n}" in lab.cli.plan("--exit-code", code=2).out
    lab.cli.apply()
    lab.cli.settled()
    assert lab.cli.endpoint("stranger", "n") is None
    lab.docker.do("POST", f"/containers/{stranger}/restart?t=0")


def test_phantoms_on_a_full_network_are_cured_one_after_the_other(cli: Cli) -> None:
    subnet = cli.docker.subnet().replace("/24", "/30")
    address = subnet.replace(".0/30", ".2")
    for name in ("one", "two", "three"):
        cli.docker.container(name)
    cli.converge({"n": {"subnet": subnet}}, {"one": {"networks": {"n": {"ipv4_address": address}}}})
    assert (
        cli.docker.connect(
            cli.docker.name("n"), cli.docker.name("two"), IPAMConfig={"IPv4Address": address}
        )[0]
        >= 400
    )
    assert cli.docker.connect(cli.docker.name("n"), cli.docker.name("three"))[0] >= 400
    cli.destroy("--disrupt-foreign")
    assert not cli.exists("n")
    for name in ("two", "three"):
        assert cli.endpoint(name, "n") is None


def test_a_phantom_endpoint_is_seen_and_cured(lab: Lab) -> None:
    """A live connect that fails leaves the network in the container's list, and its next restart
    would fail.
    """
    lab.docker.disconnect(lab.n, lab.c)
    lab.docker.container("thief")
    thief = lab.docker.name("thief")
    assert (
        lab.docker.connect(lab.n, thief, IPAMConfig={"IPv4Address": at(lab.subnet, 20)})[0] == 200
    )
    assert (
        lab.docker.connect(lab.n, lab.c, IPAMConfig={"IPv4Address": at(lab.subnet, 20)})[0] == 403
    )
    assert lab.endpoint()["EndpointID"] == ""
    lab.docker.disconnect(lab.n, thief)
    planned = lab.cli.plan("--exit-code", code=2).out
    assert "listed but not attached" in planned
    lab.cli.apply()
    lab.cli.settled()
    lab.assert_whole()
    lab.docker.do("POST", f"/containers/{lab.c}/restart?t=0")
    lab.assert_whole()


def test_an_address_that_somebody_took_is_refused_by_name(lab: Lab) -> None:
    """Before the first call: a failed connect would leave a phantom behind."""
    lab.docker.disconnect(lab.n, lab.c)
    lab.docker.container("thief")
    thief = lab.docker.name("thief")
    assert (
        lab.docker.connect(lab.n, thief, IPAMConfig={"IPv4Address": at(lab.subnet, 20)})[0] == 200
    )
    refused = lab.cli.apply(code=1)
    assert not refused.changes
    assert f"{at(lab.subnet, 20)} is taken by container {thief}" in refused.said
    assert lab.cli.endpoint("c", "n") is None

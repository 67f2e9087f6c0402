"""A default route of a container's own: where a connect would take it, Docker fails half-way, and
its network knows nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from .cli import Cli, box
from .test_converge import at

Body = dict[str, Any]
ROUTER = {"CapAdd": ["NET_RAW", "NET_ADMIN"]}


@pytest.fixture
def routed(cli: Cli) -> Cli:
    """A lab whose container has made itself a default route, on a network that is no way out."""
    if cli.docker.info.flavor == "podman":
        pytest.skip("Podman has several default routes")
    subnet = cli.docker.subnet()
    cli.docker.network("inner", subnet=subnet, Internal=True)
    cli.docker.container("c", network=cli.docker.name("inner"), HostConfig=ROUTER)
    code, said = cli.docker.exec(
        cli.docker.name("c"),
        "sh",
        "-c",
        f"ip route del default; ip route add default via {at(subnet, 77)}",
    )
    assert code == 0, said
    return cli


def test_a_connect_that_would_take_it_is_refused_beforehand(routed: Cli) -> None:
    """As far as the kernel can be asked; a network that is not taken for the default route is
    connected.
    """
    cli, full = routed, routed.docker.name
    if not any(cli.docker.inspect(full("c"))["Id"] in cgroup for cgroup in _cgroups(cli)):
        pytest.skip("the engine's containers are not on this machine")
    networks: Body = {"inner": {"external": True}, "out": None, "zone": {"internal": True}}
    cli.write(networks, {"c": {"networks": ["inner", "out"]}})
    planned = cli.plan(code=1)
    assert (
        f"{full('c')} on {full('out')}: {full('c')} has set its own default route (via"
        in planned.said
    )
    cli.converge(networks, {"c": {"networks": ["inner", "zone"]}})
    cli.docker.stop(full("c"))
    cli.converge(networks, {"c": {"networks": ["inner", "out"]}})


def _cgroups(cli: Cli) -> Iterator[str]:
    pid = cli.docker.inspect(cli.docker.name("c"))["State"]["Pid"]
    with suppress(OSError):
        yield Path(f"/proc/{pid}/cgroup").read_text()


def fails_half_way(cli: Cli) -> None:
    """Connects c to out by hand."""
    full = cli.docker.name
    assert cli.docker.connect(full("out"), full("c"))[0] == 500
    if cli.endpoint("c", "out") is None:
        pytest.skip("this engine cleans up behind itself")


def test_what_such_a_connect_leaves_is_drift(routed: Cli) -> None:
    """Somebody else's container: refused, with what makes it whole; then it is as declared."""
    cli, full = routed, routed.docker.name
    networks: Body = {"inner": {"external": True}, "out": None}
    cli.converge(networks)
    fails_half_way(cli)
    cli.write(networks, {"c": {"networks": ["inner", "out"]}})
    planned = cli.plan(code=1)
    assert f"container {full('c')} is only partly attached to {full('out')}" in planned.said
    assert f"docker restart {full('c')}" in planned.said
    cli.docker.do("POST", f"/containers/{full('c')}/restart?t=0")
    cli.apply()
    cli.settled()


def test_a_container_that_the_file_runs_is_started_anew_for_it(cli: Cli) -> None:
    if cli.docker.info.flavor == "podman":
        pytest.skip("Podman has several default routes")
    full, subnet = cli.docker.name, cli.docker.subnet()
    networks: Body = {
        "inner": {"subnet": subnet, "internal": True},
        "out": {"subnet": cli.docker.subnet()},
    }
    router = box(cap_add=["NET_ADMIN"], networks=["inner"])
    cli.converge(networks, {"c": router})
    before = cli.docker.inspect(full("c"))["Id"]
    command = f"ip route del default; ip route add default via {at(subnet, 77)}"
    assert cli.docker.exec(full("c"), "sh", "-c", command)[0] == 0
    fails_half_way(cli)
    cli.write(networks, {"c": {**router, "networks": ["inner"]}})
    assert "is only partly attached to" in cli.plan().out
    cli.apply()
    cli.settled()
    assert cli.docker.inspect(full("c"))["Id"] != before, "no topology declares it: recreated"

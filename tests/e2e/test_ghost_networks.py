"""A ghost: an engine holds the subnet of a network that it no longer shows. It stays until the
engine is restarted, so that each engine is the test's own.

Docker 20.10 leaks one where a network is refused for an address outside its subnet; a kill -9 of
the engine can leave one as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.engine import open_engine, open_reader
from reconciler.lock import own_volumes
from reconciler.lock.journal import writer
from reconciler.model import EngineInfo
from reconciler.observe import observe
from reconciler.planner import Policy, plan
from reconciler.topology import load

from .cli import Cli
from .conftest import Docker, add_image
from .own_engine import OwnEngine, own_engine
from .test_converge import at


@pytest.fixture
def own(host: str, engine_info: EngineInfo) -> Iterator[OwnEngine]:
    if engine_info.flavor == "podman" or engine_info.major > 20:
        pytest.skip("only Docker 20.10 is known to keep the subnet of a network that it refuses")
    with own_engine(host) as found:
        yield found


@pytest.fixture
def lab(own: OwnEngine, tmp_path: Path) -> Cli:
    reader = open_reader(own.host)
    info = reader.info()
    reader.close()
    return Cli(Docker(own.host, add_image(own.host), info), tmp_path)


def leak(cli: Cli, subnet: str) -> None:
    pools = [{"Subnet": subnet, "AuxiliaryAddresses": {"x": "192.0.2.9"}}]
    status, answer = cli.docker.call(
        "POST", "/networks/create", {"Name": cli.docker.name("ghost"), "IPAM": {"Config": pools}}
    )
    assert status == 403, answer
    assert not cli.exists("ghost")


def journals(cli: Cli) -> list[str]:
    """Names of the journals on the engine."""
    engine = open_engine(cli.host)
    try:
        return [
            volume["Name"]
            for volume in own_volumes(engine)
            if volume["Name"].startswith("netplan.journal.")
        ]
    finally:
        engine.close()


def interrupted(cli: Cli) -> None:
    """As if a run had been killed that replaces the network n: it is gone, its journal is there."""
    engine = open_engine(cli.host)
    try:
        observed = observe(engine)
        wanted = plan(load(str(cli.file)).state, observed, policy=Policy(disrupt_foreign=True))
        note = writer(engine, "killed", wanted, observed, ())
        assert note
        note.write()
    finally:
        engine.close()
    assert cli.docker.disconnect(cli.docker.name("n"), cli.docker.name("guest"))[0] == 200
    cli.docker.do("DELETE", f"/networks/{cli.docker.name('n')}")


def test_a_subnet_that_the_engine_holds_for_a_network_it_no_longer_shows(
    own: OwnEngine, lab: Cli
) -> None:
    """A replacement that meets it goes back; a recovery that meets it keeps its journal, until the
    engine was restarted.
    """
    subnet, other = lab.docker.subnet(), lab.docker.subnet()
    guest, full = lab.docker.name("guest"), lab.docker.name("n")
    lab.docker.container("guest", HostConfig={"RestartPolicy": {"Name": "always"}})
    lab.converge({"n": {"subnet": subnet}})
    theirs = {"Aliases": ["theirs"], "IPAMConfig": {"IPv4Address": at(subnet, 9)}}
    assert lab.docker.connect(full, guest, **theirs)[0] == 200

    def meets(held: str) -> None:
        failed = lab.apply("--disrupt-foreign", code=1)
        said = " ".join(failed.said.split())
        assert (
            f"the engine holds subnet {held} for a network it no longer shows: restart the engine,"
            " then run this again" in said
        )

    def is_back() -> bool:
        endpoint = lab.endpoint("guest", "n") or {}
        return endpoint.get("IPAddress") == at(subnet, 9) and "theirs" in endpoint["Aliases"]

    leak(lab, other)
    lab.write({"n": {"subnet": other}})
    meets(other)
    assert is_back(), "the old network is there again, and the guest on it"
    assert not journals(lab)

    lab.write({"n": {"subnet": subnet, "internal": True}})
    interrupted(lab)
    leak(lab, subnet)
    for _ in range(2):
        meets(subnet)
        assert "netplan.journal.killed" in journals(lab)
        assert not lab.exists("n")
    own.stop()
    own.start()
    lab.apply("--disrupt-foreign")
    lab.settled()
    assert is_back()
    assert not journals(lab)

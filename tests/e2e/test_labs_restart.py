"""After the engine was restarted, as by a reboot of its machine: what has a restart policy runs
again, and nothing is left to do but what the engine itself could not start.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.engine import open_reader

from .cli import Cli, box, server
from .conftest import Docker, add_image
from .own_engine import OwnEngine, own_engine


@pytest.fixture
def own(host: str) -> Iterator[OwnEngine]:
    with own_engine(host) as found:
        yield found


@pytest.fixture
def lab(own: OwnEngine, tmp_path: Path) -> Cli:
    reader = open_reader(own.host)
    info = reader.info()
    reader.close()
    return Cli(Docker(own.host, add_image(own.host), info), tmp_path)


def test_after_a_restart_of_the_engine_nothing_is_to_be_done(own: OwnEngine, lab: Cli) -> None:
    address = (subnet := lab.docker.subnet()).replace(".0/24", ".20")
    networks = {
        "n": {"subnet": subnet},
        "m": {},
        "six": {"enable_ipv6": True, "subnet": lab.docker.subnet("ipv6")},
    }
    always = {"restart": "unless-stopped"}
    web = server(
        networks={"n": {"ipv4_address": address, "aliases": ["www"]}, "m": {}},
        volumes=["/data"],
        **always,
    )
    containers = {
        "web": web,
        "client": box(networks=["n", "six"], **always),
        "member": box(network_mode="container:web", **always),
        "onhost": box(network_mode="host", **always),
        "sealed": box(network_mode="none", **always),
        "legacy": box(network_mode="bridge", **always),
        "job": box("true", one_shot=True),
    }
    lab.converge(networks, containers)
    before = {short: identity for short in containers for identity in [lab.life(short)[0][0]]}
    own.stop()
    own.start()
    for _ in range(10):  # those with a restart policy come back one after the other
        if lab.run("plan", str(lab.file), "--exit-code", code=None).code == 0:
            break
        time.sleep(1)
    else:  # an engine that starts `member` before `web` fails, and leaves it so
        steps = lab.plan("-o", "json").json()["steps"]
        assert [(step["op"], step["target"]["container"]) for step in steps] == [
            ("start", lab.docker.name("member"))
        ]
        lab.apply()
    lab.settled()
    assert {short: lab.life(short)[0][0] for short in containers} == before
    assert lab.docker.fetch(lab.docker.name("client"), "http://www/") == "page"
    assert lab.reach("web", "client")
    lab.docker.start(lab.docker.name("job"))  # on `bridge`, which has another ID by now
    lab.docker.do("POST", f"/containers/{lab.docker.name('job')}/wait")
    lab.settled()


def test_what_has_no_restart_policy_is_started_again(own: OwnEngine, lab: Cli) -> None:
    networks = {"n": {"subnet": lab.docker.subnet()}}
    lab.converge(networks, {"web": server(networks=["n"]), "client": box(networks=["n"])})
    own.stop()
    own.start()
    assert "is not running" in lab.plan("--exit-code", code=2).out
    lab.apply()
    lab.settled()
    assert (
        lab.docker.fetch(lab.docker.name("client"), f"http://{lab.docker.name('web')}/") == "page"
    )

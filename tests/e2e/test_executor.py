"""What a step does to a real engine, and how its errors are judged: every classification is driven for real."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from reconciler.codec import read_container
from reconciler.engine import Engine, open_engine
from reconciler.executor import Run, execute
from reconciler.marks import digests
from reconciler.model import EndpointMark, NetworkMark, ObservedContainer, Settings
from reconciler.plan import Plan, Step

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))
from proxy import Fault, Proxy, spoiled

pytestmark = pytest.mark.e2e
SUBNET = "10.213.{}.0/24"
MADE = EndpointMark("xnp-lab")


class Lab:
    """A few containers and networks on one engine, all gone in the end."""

    def __init__(self, host: str, image: str) -> None:
        self.host, self.image = host, image
        self.engine: Engine = open_engine(host)
        self.client = docker.DockerClient(base_url=host, timeout=60)

    def box(self, name: str, network: str | None = None, run: bool = True) -> str:
        """A container, its ID."""
        box = self.client.containers.create(self.image, ["sleep", "3600"], name=name, network=network, init=False)
        if run:
            box.start()
        return str(box.id)

    def exited_box(self, name: str, network: str | None = None) -> str:
        box_id = self.box(name, network)
        self.client.containers.get(box_id).kill()
        self.client.containers.get(box_id).wait()
        return box_id

    def network(self, name: str, number: int) -> str:
        return self.engine.create_network(name, {"ipv4.subnet": (SUBNET.format(number),)})

    def seen(self, box_id: str) -> ObservedContainer:
        raw = self.engine.container(box_id)
        assert raw
        return read_container(raw, self.engine.info())

    def networks_of(self, box_id: str) -> set[str]:
        return {endpoint.network for endpoint in self.seen(box_id).endpoints}

    def named(self, name: str) -> list[str]:
        return [raw["Id"] for raw in self.engine.networks() if raw["Name"] == name]

    def restart(self, box_id: str) -> None:
        self.client.containers.get(box_id).restart(timeout=0)

    def run(self, *steps: Step, engine: Engine | None = None) -> Run:
        return execute(Plan("xnp-lab", self.engine.info(), steps=steps), engine or self.engine)

    def clean(self) -> None:
        for box in self.client.containers.list(all=True, filters={"name": "^/xnp-"}):
            box.remove(force=True)
        for network in self.client.networks.list(filters={"name": "^xnp-"}):
            network.remove()
        self.client.close()
        self.engine.close()


@pytest.fixture
def lab(host: str, image: str) -> Iterator[Lab]:
    found = Lab(host, image)
    try:
        yield found
    finally:
        found.clean()


@pytest.fixture
def proxy(host: str, tmp_path: Path) -> Iterator[Proxy]:
    if not host.startswith("unix://"):
        pytest.skip("the proxy stands in front of a unix socket")
    with spoiled(tmp_path / "engine.sock", host) as found:
        yield found


@pytest.fixture
def through(proxy: Proxy) -> Iterator[Engine]:
    """The engine as seen through the proxy."""
    engine = open_engine(proxy.host, timeout=20)
    yield engine
    engine.close()


def create(number: int, name: str, subnet: int, **more: Any) -> Step:
    settings = {"ipv4.subnet": (SUBNET.format(subnet),)}
    return Step(number, "create", name, "test", settings=settings, mark=NetworkMark("xnp-lab", digests(settings)), **more)


def remove(number: int, name: str, network_id: str, **more: Any) -> Step:
    return Step(number, "remove", name, "test", network_id=network_id, **more)


def connect(number: int, network: str, box_id: str, network_id: str = "", settings: Settings | None = None, **more: Any) -> Step:
    return Step(number, "connect", network, "test", "xnp-box", network_id, box_id, settings or {}, MADE, **more)


def disconnect(number: int, network: str, box_id: str, network_id: str = "", **more: Any) -> Step:
    return Step(number, "disconnect", network, "test", "xnp-box", network_id, box_id, **more)


def words(run: Run) -> list[str]:
    return [f"{result.status} {result.error}".strip() for result in run.results]


# --- as planned ------------------------------------------------------------------------------------------------------


def test_make_attach_detach_and_take_away(lab: Lab) -> None:
    box = lab.box("xnp-box")
    wanted = {"aliases": ("web",), "ipv4_address": "10.213.1.9"}
    assert lab.run(create(1, "xnp-a", 1), connect(2, "xnp-a", box, settings=wanted, needs=(1,))).ok
    (network_id,) = lab.named("xnp-a")
    endpoint = lab.seen(box).endpoint("xnp-a")
    assert endpoint
    assert (endpoint.settings["ipv4_address"], endpoint.mark, endpoint.phantom) == ("10.213.1.9", MADE, False)
    off = disconnect(1, "xnp-a", box, network_id, expects=(endpoint.endpoint_id,))
    assert lab.run(off, remove(2, "xnp-a", network_id, needs=(1,), expects=(box,))).ok
    assert lab.named("xnp-a") == []
    assert "xnp-a" not in lab.networks_of(box)


def test_an_exited_container_whose_network_was_made_anew_starts_again(lab: Lab) -> None:
    old = lab.network("xnp-a", 1)
    box = lab.exited_box("xnp-box", "xnp-a")
    run = lab.run(
        remove(1, "xnp-a", old, expects=(box,)),
        create(2, "xnp-a", 1, needs=(1,)),
        disconnect(3, "xnp-a", box, needs=(2,)),
        connect(4, "xnp-a", box, needs=(3,)),
    )
    assert words(run) == ["done"] * 4
    lab.client.containers.get(box).start()
    endpoint = lab.seen(box).endpoint("xnp-a")
    assert endpoint
    assert [endpoint.network_id] == lab.named("xnp-a")
    assert endpoint.addresses


# --- already so ------------------------------------------------------------------------------------------------------


def test_what_is_done_already_is_done_without_a_call(lab: Lab, proxy: Proxy, through: Engine) -> None:
    network_id, box, gone = lab.network("xnp-a", 1), lab.box("xnp-box"), lab.box("xnp-gone", "xnp-a")
    lab.client.containers.get(gone).remove(force=True)
    assert words(lab.run(disconnect(1, "xnp-a", box, network_id), disconnect(2, "xnp-a", gone, network_id), engine=through)) == [
        "done",
        "done",
    ]
    assert not [call for call in proxy.calls if not call.startswith("GET")]


def test_a_network_that_is_gone_is_removed(lab: Lab) -> None:
    network_id = lab.network("xnp-a", 1)
    lab.engine.remove_network(network_id)
    assert words(lab.run(remove(1, "xnp-a", network_id))) == ["done"]


def test_a_stopped_container_that_lists_the_network_as_wanted_is_connected(lab: Lab) -> None:
    network_id, box = lab.network("xnp-a", 1), lab.exited_box("xnp-box")
    lab.engine.connect(network_id, box, {"aliases": ("web",)}, MADE)
    assert words(lab.run(connect(1, "xnp-a", box, network_id, {"aliases": ("web",)}))) == ["done"]


# --- not as planned --------------------------------------------------------------------------------------------------


def test_a_stopped_container_that_lists_the_network_otherwise_is_not(lab: Lab) -> None:
    network_id, box = lab.network("xnp-a", 1), lab.exited_box("xnp-box")
    lab.engine.connect(network_id, box, {"aliases": ("web",)}, MADE)
    for wanted, mark in (({"aliases": ("api",)}, MADE), ({"aliases": ("web",)}, EndpointMark("other"))):
        step = replace(connect(1, "xnp-a", box, network_id, wanted), mark=mark)
        assert words(lab.run(step)) == ["failed xnp-box is not running and already lists xnp-a: changed since the plan was made"]
    endpoint = lab.seen(box).endpoint("xnp-a")
    assert endpoint
    assert set(endpoint.settings["aliases"]) - lab.seen(box).implied == {"web"}  # type: ignore[arg-type]


def test_an_endpoint_made_anew_since_the_plan_is_left_alone(lab: Lab) -> None:
    network_id = lab.network("xnp-a", 1)
    box = lab.box("xnp-box", "xnp-a")
    before = lab.seen(box).endpoint("xnp-a")
    lab.engine.disconnect(network_id, box)
    lab.engine.connect(network_id, box, {})
    assert before
    run = lab.run(disconnect(1, "xnp-a", box, network_id, expects=(before.endpoint_id,)))
    assert words(run) == ["failed changed since the plan was made: it was connected anew"]
    assert "xnp-a" in lab.networks_of(box)


@pytest.mark.parametrize("running", [True, False])
def test_a_network_that_somebody_joined_since_the_plan_stays(lab: Lab, running: bool) -> None:
    network_id = lab.network("xnp-a", 1)
    box = (lab.box if running else lab.exited_box)("xnp-box", "xnp-a")
    assert words(lab.run(remove(1, "xnp-a", network_id))) == ["failed still used by xnp-box: changed since the plan was made"]
    assert lab.named("xnp-a") == [network_id]
    if not running:
        assert lab.run(remove(1, "xnp-a", network_id, expects=(box,))).ok


def test_a_network_in_use_fails_in_the_words_of_the_engine(lab: Lab) -> None:
    network_id = lab.network("xnp-a", 1)
    box = lab.box("xnp-box", "xnp-a")
    (result,) = lab.run(remove(1, "xnp-a", network_id, expects=(box,))).results
    assert result.status == "failed"
    assert "active endpoints" in result.error
    assert result.seconds < 1.0, "not tried again: it is in use"


def test_a_failed_create_stops_only_what_needs_it(lab: Lab) -> None:
    lab.network("xnp-taken", 1)
    box = lab.box("xnp-box")
    run = lab.run(
        create(1, "xnp-a", 1),
        create(2, "xnp-b", 2),
        connect(3, "xnp-a", box, needs=(1,)),
        connect(4, "xnp-b", box, needs=(2,), follows=(3,)),
    )
    assert [result.status for result in run.results] == ["failed", "done", "skipped", "done"]
    assert "Pool overlaps" in run.results[0].error
    assert {"xnp-b"} <= lab.networks_of(box)


def test_a_name_that_is_taken_is_not_ours_even_with_our_mark(lab: Lab) -> None:
    step = create(1, "xnp-a", 1)
    assert lab.run(step).ok
    before = lab.named("xnp-a")
    (result,) = lab.run(step).results
    assert result.status == "failed"
    assert "already exists" in result.error
    assert lab.named("xnp-a") == before


def test_a_failed_connect_leaves_no_phantom_and_the_container_restarts(lab: Lab) -> None:
    network_id, holder, box = lab.network("xnp-a", 1), lab.box("xnp-holder"), lab.box("xnp-box")
    lab.engine.connect(network_id, holder, {"ipv4_address": "10.213.1.9"})
    before = lab.networks_of(box)
    assert words(lab.run(connect(1, "xnp-a", box, network_id, {"ipv4_address": "10.213.1.9"}))) == ["failed Address already in use"]
    assert lab.networks_of(box) == before
    lab.restart(box)
    assert lab.seen(box).state == "running"


def test_a_phantom_can_be_disconnected(lab: Lab) -> None:
    network_id, holder, box = lab.network("xnp-a", 1), lab.box("xnp-holder"), lab.box("xnp-box")
    lab.engine.connect(network_id, holder, {"ipv4_address": "10.213.1.9"})
    with pytest.raises(Exception, match="Address already in use"):
        lab.engine.connect(network_id, box, {"ipv4_address": "10.213.1.9"})
    phantom = lab.seen(box).endpoint("xnp-a")
    assert phantom
    assert phantom.phantom
    assert words(lab.run(disconnect(1, "xnp-a", box, network_id))) == ["done"]
    assert "xnp-a" not in lab.networks_of(box)
    lab.restart(box)


def test_a_phantom_that_cannot_be_cured_is_reported(lab: Lab, proxy: Proxy, through: Engine) -> None:
    network_id, holder, box = lab.network("xnp-a", 1), lab.box("xnp-holder"), lab.box("xnp-box")
    lab.engine.connect(network_id, holder, {"ipv4_address": "10.213.1.9"})
    proxy.spoil(Fault("answer", path="/connect$", nth=2))
    (result,) = lab.run(connect(1, "xnp-a", box, network_id, {"ipv4_address": "10.213.1.9"}), engine=through).results
    assert result.error == (
        "Address already in use; xnp-box still lists xnp-a and its next restart will fail (told to fail): connect and disconnect it by hand"
    )


# --- lost answers ----------------------------------------------------------------------------------------------------

LOST = [
    Fault("cut", acts=True),
    Fault("garbage", acts=True),
    Fault("answer", acts=True, status=500),
    Fault("answer", acts=True, status=404),
]


@pytest.mark.parametrize("fault", LOST, ids=str)
def test_what_the_engine_did_is_done_whatever_it_answered(lab: Lab, proxy: Proxy, through: Engine, fault: Fault) -> None:
    box = lab.box("xnp-box")
    proxy.spoil(replace(fault, nth=0))
    settings = {"aliases": ("web",), "ipv4_address": "10.213.1.9"}
    run = lab.run(create(1, "xnp-a", 1), connect(2, "xnp-a", box, settings=settings, needs=(1,)), engine=through)
    assert words(run) == ["done", "done"]
    (network_id,) = lab.named("xnp-a")
    run = lab.run(disconnect(1, "xnp-a", box, network_id), remove(2, "xnp-a", network_id, needs=(1,)), engine=through)
    assert words(run) == ["done", "done"]
    assert lab.named("xnp-a") == []
    assert len(proxy.spoiled) == 4


@pytest.mark.parametrize("fault", [Fault("cut"), Fault("garbage"), Fault("hang"), Fault("answer", status=503)], ids=str)
def test_what_the_engine_never_heard_of_is_failed(lab: Lab, proxy: Proxy, fault: Fault) -> None:
    engine = open_engine(proxy.host, timeout=1)
    network_id, box = lab.network("xnp-b", 2), lab.box("xnp-box")
    proxy.spoil(replace(fault, nth=0))
    run = lab.run(create(1, "xnp-a", 1), connect(2, "xnp-b", box, network_id), remove(3, "xnp-b", network_id, follows=(2,)), engine=engine)
    engine.close()
    assert [result.status for result in run.results] == ["failed"] * 3
    expected = "told to fail" if fault.kind == "answer" else "it did not happen"
    assert all(expected in result.error for result in run.results)
    assert lab.named("xnp-a") == []
    assert lab.named("xnp-b") == [network_id]
    assert "xnp-b" not in lab.networks_of(box)


def test_an_outcome_that_cannot_be_read_is_unknown(lab: Lab, proxy: Proxy, through: Engine) -> None:
    network_id, box = lab.network("xnp-a", 1), lab.box("xnp-box")
    proxy.spoil(Fault("cut", acts=True), Fault("cut", "GET", "/containers/[0-9a-f]+/json", nth=0))
    (result,) = lab.run(connect(1, "xnp-a", box, network_id), engine=through).results
    assert result.status == "failed"
    assert "outcome unknown" in result.error


def test_an_engine_that_goes_away_ends_the_run(lab: Lab, proxy: Proxy, through: Engine) -> None:
    network_id, box = lab.network("xnp-a", 1), lab.box("xnp-box")

    steps = (connect(1, "xnp-a", box, network_id), disconnect(2, "xnp-a", box, network_id, needs=(1,)), create(3, "xnp-b", 2, follows=(2,)))
    plan = Plan("xnp-lab", lab.engine.info(), steps=steps)
    run = execute(plan, through, listen=lambda event: proxy.close() if event.step.id == 1 and event.result else None)
    assert [result.status for result in run.results] == ["done", "failed", "skipped"]
    assert run.results[2].error == "the engine could not be reached at step 2"


def test_a_network_only_believed_in_use_is_removed_after_a_moment(lab: Lab, proxy: Proxy, through: Engine) -> None:
    network_id = lab.network("xnp-a", 1)
    busy = b'{"message":"error while removing network: network xnp-a id 1 has active endpoints"}'
    proxy.spoil(Fault("answer", "DELETE", status=403, body=busy), Fault("answer", "DELETE", status=403, body=busy, nth=2))
    assert words(lab.run(remove(1, "xnp-a", network_id), engine=through)) == ["done"]
    assert len(proxy.spoiled) == 2
    assert lab.named("xnp-a") == []

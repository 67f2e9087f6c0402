"""What a step does to a real engine, and how its errors are judged: every classification is driven
for real.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from reconciler.codec import read_container
from reconciler.engine import Engine, open_engine
from reconciler.errors import ApiError
from reconciler.executor import Run, execute
from reconciler.marks import digests
from reconciler.model import EndpointMark, NetworkMark, ObservedContainer
from reconciler.plan import Plan, Step
from reconciler.settings import Settings

from ..faults.conftest import proxy
from ..faults.proxy import Fault, Proxy
from .conftest import Docker

__all__ = ["proxy"]
MADE = EndpointMark("lab")


class Lab:
    """A few containers and networks on one engine. Names here are short; on the engine they have
    the test's prefix.
    """

    def __init__(self, docker: Docker, engine: Engine) -> None:
        if engine.info().flavor == "podman":
            pytest.skip("Podman keeps no marks on endpoints and has other errors")
        self.docker, self.engine = docker, engine
        self._subnets: dict[int, str] = {}

    def subnet(self, number: int) -> str:
        return self._subnets.setdefault(number, self.docker.subnet())

    def address(self, number: int = 1, host: int = 9) -> str:
        return self.subnet(number).replace(".0/24", f".{host}")

    def box(self, name: str, network: str | None = None, run: bool = True) -> str:
        """A container, its ID."""
        return self.docker.container(
            name, self.docker.name(network) if network else "bridge", start=run
        )

    def exited_box(self, name: str, network: str | None = None) -> str:
        box_id = self.box(name, network)
        self.docker.stop(box_id)
        return box_id

    def network(self, name: str, number: int) -> str:
        return self.docker.network(name, subnet=self.subnet(number))

    def seen(self, box_id: str) -> ObservedContainer:
        raw = self.engine.container(box_id)
        assert raw
        found = read_container(raw, self.engine.info())
        prefix = self.docker.prefix
        return replace(
            found,
            endpoints=tuple(
                replace(e, network=e.network.removeprefix(prefix)) for e in found.endpoints
            ),
        )

    def networks_of(self, box_id: str) -> set[str]:
        return {endpoint.network for endpoint in self.seen(box_id).endpoints}

    def named(self, name: str) -> list[str]:
        return [
            raw["Id"] for raw in self.engine.networks() if raw["Name"] == self.docker.name(name)
        ]

    def restart(self, box_id: str) -> None:
        self.docker.do("POST", f"/containers/{box_id}/restart?t=0")

    def plan(self, *steps: Step) -> Plan:
        return Plan("lab", self.engine.info(), steps=tuple(self._whole(step) for step in steps))

    def _whole(self, step: Step) -> Step:
        """Full names; a create has its subnet by number."""
        step = replace(
            step,
            network=self.docker.name(step.network),
            container=step.container and self.docker.name(step.container),
        )
        if step.op != "create":
            return step
        settings: Settings = {"ipv4.subnet": (self.subnet(int(str(step.settings["subnet"]))),)}
        return replace(step, settings=settings, mark=NetworkMark("lab", digests(settings)))

    def run(self, *steps: Step, engine: Engine | None = None) -> Run:
        return execute(self.plan(*steps), engine or self.engine)

    def words(self, run: Run) -> list[str]:
        return [
            f"{result.status} {result.error}".strip().replace(self.docker.prefix, "")
            for result in run.results
        ]


@pytest.fixture
def lab(docker: Docker, engine: Engine) -> Lab:
    return Lab(docker, engine)


@pytest.fixture
def through(proxy: Proxy) -> Iterator[Engine]:
    """The engine as seen through the proxy."""
    engine = open_engine(proxy.host, timeout=20)
    yield engine
    engine.close()


def create(number: int, name: str, subnet: int, **more: Any) -> Step:
    return Step(number, "create", name, "test", settings={"subnet": subnet}, **more)


def remove(number: int, name: str, network_id: str, **more: Any) -> Step:
    return Step(number, "remove", name, "test", network_id=network_id, **more)


def connect(
    number: int,
    network: str,
    box_id: str,
    network_id: str = "",
    settings: Settings | None = None,
    **more: Any,
) -> Step:
    return Step(
        number, "connect", network, "test", "box", network_id, box_id, settings or {}, MADE, **more
    )


def disconnect(number: int, network: str, box_id: str, network_id: str = "", **more: Any) -> Step:
    return Step(number, "disconnect", network, "test", "box", network_id, box_id, **more)


# --- as planned -----------------------------------------------------------------------------------


def test_make_attach_detach_and_take_away(lab: Lab) -> None:
    box = lab.box("box")
    wanted: Settings = {"aliases": ("web",), "ipv4_address": lab.address()}
    assert lab.run(create(1, "a", 1), connect(2, "a", box, settings=wanted, needs=(1,))).ok
    (network_id,) = lab.named("a")
    endpoint = lab.seen(box).endpoint("a")
    assert endpoint
    assert (endpoint.settings["ipv4_address"], endpoint.mark, endpoint.phantom) == (
        lab.address(),
        MADE,
        False,
    )
    off = disconnect(1, "a", box, network_id, expects=(endpoint.endpoint_id,))
    assert lab.run(off, remove(2, "a", network_id, needs=(1,), expects=(box,))).ok
    assert lab.named("a") == []
    assert "a" not in lab.networks_of(box)


def test_an_exited_container_whose_network_was_made_anew_starts_again(lab: Lab) -> None:
    old = lab.network("a", 1)
    box = lab.exited_box("box", "a")
    run = lab.run(
        remove(1, "a", old, expects=(box,)),
        create(2, "a", 1, needs=(1,)),
        disconnect(3, "a", box, needs=(2,)),
        connect(4, "a", box, needs=(3,)),
    )
    assert lab.words(run) == ["done"] * 4
    lab.docker.start(box)
    endpoint = lab.seen(box).endpoint("a")
    assert endpoint
    assert [endpoint.network_id] == lab.named("a")
    assert endpoint.addresses


# --- already so -----------------------------------------------------------------------------------


def test_what_is_done_already_is_done_without_a_call(
    lab: Lab, proxy: Proxy, through: Engine
) -> None:
    network_id, box, gone = lab.network("a", 1), lab.box("box"), lab.box("gone", "a")
    lab.docker.do("DELETE", f"/containers/{gone}?force=1")
    assert lab.words(
        lab.run(
            disconnect(1, "a", box, network_id),
            disconnect(2, "a", gone, network_id),
            engine=through,
        )
    ) == [
        "done",
        "done",
    ]
    assert not [call for call in proxy.calls if not call.startswith("GET")]


def test_a_network_that_is_gone_is_removed(lab: Lab) -> None:
    network_id = lab.network("a", 1)
    lab.engine.remove_network(network_id)
    assert lab.words(lab.run(remove(1, "a", network_id))) == ["done"]


def test_a_stopped_container_that_lists_the_network_as_wanted_is_connected(lab: Lab) -> None:
    network_id, box = lab.network("a", 1), lab.exited_box("box")
    lab.engine.connect(network_id, box, {"aliases": ("web",)}, MADE)
    assert lab.words(lab.run(connect(1, "a", box, network_id, {"aliases": ("web",)}))) == ["done"]


# --- not as planned -------------------------------------------------------------------------------


def test_a_stopped_container_that_lists_the_network_otherwise_is_not(lab: Lab) -> None:
    network_id, box = lab.network("a", 1), lab.exited_box("box")
    lab.engine.connect(network_id, box, {"aliases": ("web",)}, MADE)
    for wanted, mark in (
        ({"aliases": ("api",)}, MADE),
        ({"aliases": ("web",)}, EndpointMark("other")),
    ):
        step = replace(connect(1, "a", box, network_id, wanted), mark=mark)
        assert lab.words(lab.run(step)) == [
            "failed box is not running and already lists a: changed since the plan was made"
        ]
    endpoint = lab.seen(box).endpoint("a")
    assert endpoint
    assert set(endpoint.settings["aliases"]) - lab.seen(box).implied == {"web"}  # type: ignore[arg-type]


def test_an_endpoint_made_anew_since_the_plan_is_left_alone(lab: Lab) -> None:
    network_id = lab.network("a", 1)
    box = lab.box("box", "a")
    before = lab.seen(box).endpoint("a")
    lab.engine.disconnect(network_id, box)
    lab.engine.connect(network_id, box, {})
    assert before
    run = lab.run(disconnect(1, "a", box, network_id, expects=(before.endpoint_id,)))
    assert lab.words(run) == ["failed changed since the plan was made: it was reconnected"]
    assert "a" in lab.networks_of(box)


@pytest.mark.parametrize("running", [True, False])
def test_a_network_that_somebody_joined_since_the_plan_stays(lab: Lab, running: bool) -> None:
    network_id = lab.network("a", 1)
    box = (lab.box if running else lab.exited_box)("box", "a")
    assert lab.words(lab.run(remove(1, "a", network_id))) == [
        "failed still used by box: changed since the plan was made"
    ]
    assert lab.named("a") == [network_id]
    if not running:
        assert lab.run(remove(1, "a", network_id, expects=(box,))).ok


def test_a_network_in_use_fails_in_the_words_of_the_engine(lab: Lab) -> None:
    network_id = lab.network("a", 1)
    box = lab.box("box", "a")
    (result,) = lab.run(remove(1, "a", network_id, expects=(box,))).results
    assert result.status == "failed"
    assert "active endpoints" in result.error
    assert result.seconds < 1.0, "not tried again: it is in use"


def test_a_failed_create_stops_only_what_needs_it(lab: Lab) -> None:
    lab.network("taken", 1)
    box = lab.box("box")
    run = lab.run(
        create(1, "a", 1),
        create(2, "b", 2),
        connect(3, "a", box, needs=(1,)),
        connect(4, "b", box, needs=(2,), follows=(3,)),
    )
    assert [result.status for result in run.results] == ["failed", "done", "skipped", "done"]
    assert "overlaps network" in run.results[0].error
    assert "Pool overlaps" in run.results[0].raw
    assert {"b"} <= lab.networks_of(box)


def test_a_name_that_is_taken_is_not_ours_even_with_our_mark(lab: Lab) -> None:
    step = create(1, "a", 1)
    assert lab.run(step).ok
    before = lab.named("a")
    (result,) = lab.run(step).results
    assert result.status == "failed"
    assert "already exists" in result.error
    assert lab.named("a") == before


def test_a_failed_connect_leaves_no_phantom_and_the_container_restarts(lab: Lab) -> None:
    network_id, holder, box = lab.network("a", 1), lab.box("holder"), lab.box("box")
    lab.engine.connect(network_id, holder, {"ipv4_address": lab.address()})
    before = lab.networks_of(box)
    address = lab.address()
    in_use = f"failed {address} on network a is in use: choose another, or"
    in_use += " disconnect the container that has it"
    assert lab.words(lab.run(connect(1, "a", box, network_id, {"ipv4_address": address}))) == [
        in_use
    ]
    assert lab.networks_of(box) == before
    lab.restart(box)
    assert lab.seen(box).state == "running"


def test_a_phantom_can_be_disconnected(lab: Lab) -> None:
    network_id, holder, box = lab.network("a", 1), lab.box("holder"), lab.box("box")
    lab.engine.connect(network_id, holder, {"ipv4_address": lab.address()})
    with pytest.raises(ApiError, match="Address already in use"):
        lab.engine.connect(network_id, box, {"ipv4_address": lab.address()})
    phantom = lab.seen(box).endpoint("a")
    assert phantom
    assert phantom.phantom
    assert lab.words(lab.run(disconnect(1, "a", box, network_id))) == ["done"]
    assert "a" not in lab.networks_of(box)
    lab.restart(box)


def test_a_phantom_that_cannot_be_cured_is_reported(
    lab: Lab, proxy: Proxy, through: Engine
) -> None:
    network_id, holder, box = lab.network("a", 1), lab.box("holder"), lab.box("box")
    lab.engine.connect(network_id, holder, {"ipv4_address": lab.address()})
    proxy.spoil(Fault("answer", path="/connect$", nth=2))
    address = lab.address()
    run = lab.run(connect(1, "a", box, network_id, {"ipv4_address": address}), engine=through)
    assert lab.words(run) == [
        f"failed {address} on network a is in use: choose another, or disconnect the container that"
        " has it; box still lists a and its next restart will fail (told to fail): connect and"
        " disconnect it manually"
    ]


# --- lost answers ---------------------------------------------------------------------------------

LOST = [
    Fault("cut", acts=True),
    Fault("garbage", acts=True),
    Fault("answer", acts=True, status=500),
    Fault("answer", acts=True, status=404),
]


@pytest.mark.parametrize("fault", LOST, ids=str)
def test_what_the_engine_did_is_done_whatever_it_answered(
    lab: Lab, proxy: Proxy, through: Engine, fault: Fault
) -> None:
    box = lab.box("box")
    proxy.spoil(replace(fault, nth=0))
    settings: Settings = {"aliases": ("web",), "ipv4_address": lab.address()}
    run = lab.run(
        create(1, "a", 1), connect(2, "a", box, settings=settings, needs=(1,)), engine=through
    )
    assert lab.words(run) == ["done", "done"]
    (network_id,) = lab.named("a")
    run = lab.run(
        disconnect(1, "a", box, network_id), remove(2, "a", network_id, needs=(1,)), engine=through
    )
    assert lab.words(run) == ["done", "done"]
    assert lab.named("a") == []
    assert len(proxy.spoiled) == 4


@pytest.mark.parametrize(
    "fault", [Fault("cut"), Fault("garbage"), Fault("hang"), Fault("answer", status=503)], ids=str
)
def test_what_the_engine_never_heard_of_is_failed(lab: Lab, proxy: Proxy, fault: Fault) -> None:
    engine = open_engine(proxy.host, timeout=1)
    network_id, box = lab.network("b", 2), lab.box("box")
    proxy.spoil(replace(fault, nth=0))
    run = lab.run(
        create(1, "a", 1),
        connect(2, "b", box, network_id),
        remove(3, "b", network_id, follows=(2,)),
        engine=engine,
    )
    engine.close()
    assert [result.status for result in run.results] == ["failed"] * 3
    expected = {"answer": "told to fail", "hang": "it has not happened so far"}.get(
        fault.kind, "it did not happen"
    )
    assert all(expected in result.error for result in run.results)
    assert lab.named("a") == []
    assert lab.named("b") == [network_id]
    assert "b" not in lab.networks_of(box)


def test_an_outcome_that_cannot_be_read_is_unknown(lab: Lab, proxy: Proxy, through: Engine) -> None:
    network_id, box = lab.network("a", 1), lab.box("box")
    proxy.spoil(Fault("cut", acts=True), Fault("cut", "GET", "/containers/[0-9a-f]+/json", nth=0))
    (result,) = lab.run(connect(1, "a", box, network_id), engine=through).results
    assert result.status == "failed"
    assert "outcome unknown" in result.error


def test_an_engine_that_goes_away_ends_the_run(lab: Lab, proxy: Proxy, through: Engine) -> None:
    network_id, box = lab.network("a", 1), lab.box("box")

    plan = lab.plan(
        connect(1, "a", box, network_id),
        disconnect(2, "a", box, network_id, needs=(1,)),
        create(3, "b", 2, follows=(2,)),
    )
    run = execute(
        plan,
        through,
        listen=lambda event: proxy.close() if event.step.id == 1 and event.result else None,
    )
    assert [result.status for result in run.results] == ["done", "failed", "skipped"]
    assert run.results[2].error == "the engine could not be reached at step 2"


def test_a_network_only_believed_in_use_is_removed_after_a_moment(
    lab: Lab, proxy: Proxy, through: Engine
) -> None:
    network_id = lab.network("a", 1)
    busy = b'{"message":"error while removing network: network a id 1 has active endpoints"}'
    proxy.spoil(
        Fault("answer", "DELETE", status=403, body=busy),
        Fault("answer", "DELETE", status=403, body=busy, nth=2),
    )
    assert lab.words(lab.run(remove(1, "a", network_id), engine=through)) == ["done"]
    assert len(proxy.spoiled) == 2
    assert lab.named("a") == []

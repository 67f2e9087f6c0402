"""The simulator is checked itself: the same cases on a real engine, call by call and plan by plan.

The calls that made a case's observed state are made on the engine; what is then observed is planned
for, simulated and carried out; what is observed afterwards must be what the simulator says, but for
IDs and for the addresses that an engine chooses.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from reconciler.codec import endpoint_body, network_body
from reconciler.engine import Engine, open_engine
from reconciler.executor import execute
from reconciler.model import (
    PREDEFINED,
    EndpointMark,
    EngineInfo,
    NetworkMark,
    ObservedContainer,
    ObservedNetwork,
    ObservedState,
)
from reconciler.observe import observe
from reconciler.planner import Policy, plan
from tests.e2e.conftest import Docker

from .checker import problems
from .choices import Space
from .history import Call
from .pools import FAMILIES, engine_chooses
from .simulator import simulate
from .strategies import Case, seeded

CASES = 200
LABS = 3
"""Cases under way at once, each with names and subnets of its own."""


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_simulator_says_what_a_real_engine_does(
    host: str, image: str, engine_info: EngineInfo
) -> None:
    if engine_info.flavor != "docker":
        pytest.skip("the simulator is of Docker engines")
    report = Report()
    with ThreadPoolExecutor(LABS) as pool:
        for done in [
            pool.submit(_work, Lab(number, Docker(host, image, engine_info)), report)
            for number in range(LABS)
        ]:
            done.result()
    assert not report.wrong, "\n".join(report.wrong)
    assert report.replayed >= CASES
    assert report.skipped < CASES // 4


@dataclass
class Report:
    """What came of the cases; shared by all labs."""

    seeds: Iterator[int] = field(default_factory=itertools.count)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    choosing: threading.Lock = field(default_factory=threading.Lock, repr=False)
    replayed: int = 0
    skipped: int = 0
    wrong: list[str] = field(default_factory=list)

    def next_seed(self) -> int | None:
        with self.lock:
            return (
                next(self.seeds)
                if self.replayed + len(self.wrong) < CASES and len(self.wrong) < 20
                else None
            )

    def ends(self, seed: int, outcome: list[str] | None) -> None:
        """`outcome`: what is wrong; None is skipped."""
        with self.lock:
            if outcome is None:
                self.skipped += 1
            elif outcome:
                self.wrong.append(f"seed {seed}: " + "; ".join(outcome))
            else:
                self.replayed += 1


def _work(lab: Lab, report: Report) -> None:
    while (seed := report.next_seed()) is not None:
        case = seeded(seed, lab.space, lab.docker.info)
        policy = replace(case.policy, disrupt_foreign=True)
        first = plan(case.desired, case.observed, None, policy)
        if not first.applyable or not first.steps:
            continue
        try:
            with report.choosing if _lets_choose(case) else nullcontext():
                report.ends(seed, lab.replay(case, policy))
        finally:
            lab.clear(case)


def _lets_choose(case: Case) -> bool:
    """Whether the engine chooses a subnet: the next lab's network could take it while this one's is
    replaced.
    """
    created = [call.settings for call in case.calls if call.what == "create"]
    return any(
        map(engine_chooses, [*created, *(n.settings for n in case.desired.networks.values())])
    )


class Lab:
    """Names and subnets of an engine that only one case at a time uses."""

    def __init__(self, number: int, docker: Docker) -> None:
        self.docker = docker
        self.space = Space(
            tuple(docker.name(short) for short in "ab"),
            tuple(docker.name(short) for short in "xyz"),
            tuple(f"10.{200 + number}.{rest}" for rest in ("1.0/24", "1.0/29", "2.0/29", "0.0/16")),
            (f"fd00:7e58:{number + 1}1::/64", f"fd00:7e58:{number + 1}2::/64"),
            (f"npbr{number}a", f"npbr{number}b"),
            ("bridge", "bridge", "bridge", "default", "none", "name", "name", "id", "container"),
            twins=False,
            length=9,
        )

    def replay(self, case: Case, policy: Policy) -> list[str] | None:
        """What the engine did otherwise than the simulator said; None where the case cannot be made
        there.
        """
        engine = open_engine(self.docker.host)
        try:
            wrong, chosen = self._make(case)
            if wrong:
                return wrong
            before = self._observe(engine)
            made = plan(case.desired, before, None, policy)
            if not made.applyable or not made.steps:
                return None  # the engine chose other addresses
            ids = {network.name: network.id for network in before.networks}
            automatic = {(ids[name], family) for name, family in chosen if name in ids}
            said = simulate(before, made.steps, automatic)
            run = execute(made, engine, parallel=2)
            wrong += [f"{result.step.text}: {result.error}" for result in run.failed]
            after = self._observe(engine)
            wrong += _differences(
                essence(said, before, automatic), essence(after, before, automatic, like=said)
            )
            wrong += problems(case.desired, before, after, policy)
            wrong += [
                f"again: {step.text}: {step.reason}"
                for step in plan(case.desired, after, None, policy).steps
            ]
            return wrong
        finally:
            engine.close()

    def _observe(self, engine: Engine) -> ObservedState:
        """What of the engine is this lab's."""
        whole = observe(engine)
        mine = self.docker.prefix
        networks = tuple(
            n for n in whole.networks if n.name in PREDEFINED or n.name.startswith(mine)
        )
        return replace(
            whole,
            networks=networks,
            containers=tuple(c for c in whole.containers if c.name.startswith(mine)),
        )

    def clear(self, case: Case) -> None:
        """Take everything away; containers first, at once."""
        names = {call.container for call in case.calls if call.what == "run"}
        with ThreadPoolExecutor(len(names) or 1) as pool:
            list(
                pool.map(
                    lambda name: self.docker.call("DELETE", f"/containers/{name}?force=1"), names
                )
            )
        self.docker.clean_up()

    def _make(self, case: Case) -> tuple[list[str], set[tuple[str, str]]]:
        """Make the calls of a case: those that end otherwise than simulated, and the (network,
        family) whose subnet the engine chose.
        """
        wrong: list[str] = []
        chosen: set[tuple[str, str]] = set()
        for call in case.calls:
            status, answer = self._call(call)
            if (status >= 300) != call.fails and "already in use" not in str(answer):
                wrong.append(f"{call}: {status} {answer}")
            if call.what == "create":
                chosen -= {(call.network, family) for family in FAMILIES}
                chosen |= {
                    (call.network, family)
                    for family in FAMILIES
                    if f"{family}.subnet" not in call.settings
                }
        return wrong, chosen

    def _call(self, call: Call) -> tuple[int, Any]:
        where, what = call.network, call.container
        match call.what:
            case "create":
                assert not isinstance(call.mark, EndpointMark)
                return self.docker.call(
                    "POST", "/networks/create", network_body(where, call.settings, call.mark)
                )
            case "remove":
                return self.docker.call("DELETE", f"/networks/{where}")
            case "connect":
                assert not isinstance(call.mark, NetworkMark)
                return self.docker.call(
                    "POST",
                    f"/networks/{where}/connect",
                    endpoint_body(what, call.settings, call.mark),
                )
            case "disconnect":
                return self.docker.disconnect(where, what)
            case "run":
                return self._run(call)
            case "stop":
                return self.docker.call("POST", f"/containers/{what}/stop?t=0")
            case _:
                return self.docker.call("POST", f"/containers/{what}/{call.what}")

    def _run(self, call: Call) -> tuple[int, Any]:
        modes: dict[str, Callable[[], str]] = {
            "name": lambda: call.network,
            "id": lambda: str(self.docker.do("GET", f"/networks/{call.network}")["Id"]),
            "container": lambda: f"container:{call.network}",
        }
        mode = modes.get(call.mode, lambda: call.mode)()
        body: dict[str, Any] = {
            "Image": self.docker.image,
            "Cmd": ["sleep", "3600"],
            "StopSignal": "SIGKILL",
        }
        body["HostConfig"] = {"NetworkMode": mode}
        if call.settings:
            body["NetworkingConfig"] = {
                "EndpointsConfig": {mode: endpoint_body("", call.settings)["EndpointConfig"]}
            }
        return self.docker.call("POST", f"/containers/create?name={call.container}", body)


def essence(
    state: ObservedState,
    before: ObservedState,
    automatic: set[tuple[str, str]],
    like: ObservedState | None = None,
) -> dict[str, Any]:
    """What two engines in the same state have in common, by name. Chosen subnets are left out:
    those that are so in `like`.
    """
    known = {network.id for network in before.networks}
    chosen = {n.name: _chosen(n, automatic) for n in (like or state).networks}
    names = {network.id: network.name for network in state.networks}
    result: dict[str, Any] = {}
    for network in state.networks:
        hidden = tuple(f"{family}." for family in chosen.get(network.name, ()))
        settings = {
            path: value
            for path, value in network.settings.items()
            if not hidden or not path.startswith(hidden)
        }
        result[network.name] = (network.id in known and network.id, settings, network.mark)
    for container in state.containers:
        owner = next(
            (c.name for c in state.containers if container.network_mode == f"container:{c.id}"), ""
        )
        mode = f"container:{owner}" if owner else container.network_mode
        result[container.name] = (
            container.state,
            mode,
            [_endpoint(e, container, names) for e in container.endpoints],
        )
    return result


def _chosen(network: ObservedNetwork, automatic: set[tuple[str, str]]) -> set[str]:
    """The families whose subnet the engine chose, or may have in the simulator."""
    marked = network.id.partition("-auto")[2]
    return {
        family for family in FAMILIES if family[-1] in marked or (network.id, family) in automatic
    }


def _endpoint(
    endpoint: Any, container: ObservedContainer, names: dict[str, str]
) -> tuple[Any, ...]:
    bound = names.get(endpoint.network_id, endpoint.network_id)
    static = {
        endpoint.settings[path]
        for path in ("ipv4_address", "ipv6_address")
        if path in endpoint.settings
    }
    live = {address.partition("/")[0] for address in endpoint.addresses}
    addresses = (len(live), static <= live or not container.live)
    return (
        endpoint.network,
        bound,
        bool(endpoint.endpoint_id),
        dict(endpoint.settings),
        endpoint.mark,
        endpoint.phantom,
        addresses,
    )


def _differences(said: dict[str, Any], did: dict[str, Any]) -> list[str]:
    return [
        f"{name}: said {said.get(name)}, did {did.get(name)}"
        for name in sorted({*said, *did})
        if said.get(name) != did.get(name)
    ]

"""The simulator of containers is checked itself: cases of lab_cases.py on a real engine, call by
call and plan by plan.

The earlier file of a case is carried out, what happened by hand is done, and what is then observed
is planned for, simulated and carried out: what is observed afterwards must be what the simulator
says, but for IDs and for what an engine chooses.
"""

# ruff: noqa: E501

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from reconciler.engine import Engine, open_engine
from reconciler.executor import execute
from reconciler.model import EngineInfo, ObservedContainer, ObservedState
from reconciler.observe import observe
from reconciler.planner import Policy, plan
from reconciler.runs.outcome import afterwards
from reconciler.settings.container_defaults import DEFAULTS
from tests.e2e.conftest import Docker

from .history import Call
from .lab import ENDS, simulate_lab
from .lab_cases import Case, LabSpace, seeded
from .lab_checker import lab_problems
from .pools import engine_chooses
from .simulator import Violation
from .test_container_properties import target
from .test_replay import Lab, _differences, essence

CASES = int(os.environ.get("NETPLAN_REPLAYS", "24"))
"""How many: 40 take about two and a half minutes on two busy processors."""
LABS = 4
"""Cases under way at once, each with names, subnets and host ports of its own."""
PROGRAM = (
    "sh",
    "-c",
    "trap 'exit 3' INT; trap 'exit 0' HUP; trap 'exit 137' TERM; sleep 3600 & wait",
)
SIGNALS = {"0": "HUP", "3": "INT", "137": "KILL"}


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_simulator_of_containers_says_what_a_real_engine_does(
    host: str, image: str, engine_info: EngineInfo
) -> None:
    if engine_info.flavor != "docker":
        pytest.skip("the simulator is of Docker engines")
    labs = [ContainerLab(number, Docker(host, image, engine_info)) for number in range(LABS)]
    with ThreadPoolExecutor(LABS) as pool:
        outcomes = [
            found
            for done in [pool.submit(list, _work(lab, number)) for number, lab in enumerate(labs)]
            for found in done.result()
        ]
    wrong = [problem for _, problem in outcomes if problem]
    assert not wrong, "\n".join(wrong)
    assert len(outcomes) >= CASES


def _work(lab: ContainerLab, number: int) -> Iterator[tuple[int, str]]:
    """Each lab has its share of the seeds, and goes on until it has replayed its share of the
    cases.
    """
    done, seed = 0, number
    lab.make_images()
    try:
        while done * LABS < CASES:
            case = seeded(seed, lab.labs, lab.docker.info)
            made = plan(target(case), case.observed, None, case.policy)
            mine = number == 0 or not _lets_choose(case)
            if mine and not case.policy.wipe and case.whole and made.applyable and made.steps:
                try:
                    outcome = lab.run(case)
                finally:
                    lab.docker.clean_up()
                if outcome is not None:
                    done += 1
                    yield seed, f"seed {seed}: {'; '.join(outcome)}" if outcome else ""
            seed += LABS
    finally:
        lab.remove_images()


def _lets_choose(case: Case) -> bool:
    """Whether the engine chooses a subnet, which another lab's network could take meanwhile: only
    one lab has such cases.
    """
    declared = [
        network
        for file in (case.desired, case.earlier)
        if file
        for network in file.networks.values()
    ]
    settings = [call.settings for call in (*case.before, *case.after) if call.what == "create"] + [
        n.settings for n in declared
    ]
    return any(map(engine_chooses, settings))


class ContainerLab(Lab):
    """Names, subnets and host ports of an engine that only one case at a time uses."""

    def __init__(self, number: int, docker: Docker) -> None:
        super().__init__(number, docker)
        ports = [f"{21100 + 10 * number + n}" for n in range(2)]
        names = {
            field: getattr(self.space, field)
            for field in ("networks", "subnets", "subnets6", "bridges", "twins")
        }
        self.labs = LabSpace(
            containers=tuple(docker.name(short) for short in "wxyz"),
            foreign=tuple(docker.name(short) for short in ("f1", "f2")),
            images=tuple(f"{docker.prefix}image:{n}" for n in (1, 2)),
            program=PROGRAM,
            ports=(
                f"{ports[0]}->80/tcp",
                f"127.0.0.1:{ports[0]}->80/tcp",
                f"{ports[1]}->81/tcp",
                f"{ports[0]}->80/udp",
            ),
            restarts=("no",),
            registry=False,
            **names,
        )

    def make_images(self) -> None:
        for image, change in zip(self.labs.images, ("VOLUME /data", "LABEL l=0"), strict=True):
            id = self.docker.do(
                "POST", "/containers/create", {"Image": self.docker.image, "Cmd": ["sh"]}
            )["Id"]
            name, _, tag = image.partition(":")
            self.docker.do(
                "POST",
                f"/commit?container={id}&repo={name}&tag={tag}&changes={change.replace(' ', '%20')}",
            )
            self.docker.do("DELETE", f"/containers/{id}")

    def remove_images(self) -> None:
        for image in self.labs.images:
            self.docker.call("DELETE", f"/images/{image}?force=1")

    def run(self, case: Case) -> list[str] | None:
        """What the engine did otherwise than the simulator said; None where the case cannot be made
        there.
        """
        engine = open_engine(self.docker.host)
        try:
            return self._replayed(case, engine)
        finally:
            engine.close()

    def _replayed(self, case: Case, engine: Engine) -> list[str] | None:
        for call in case.before:
            self._call(call)
        if case.earlier:
            made = plan(
                case.earlier,
                self._see(engine),
                None,
                Policy(frozenset(case.earlier.networks), disrupt_foreign=True),
            )
            if not made.applyable or not execute(made, engine, parallel=2).ok:
                return None
        for call in case.after:
            self._call(call)
        before, desired = self._see(engine), target(case)
        made = plan(desired, before, None, case.policy)
        if not made.applyable or not made.steps:
            return None
        automatic = self._automatic(case, before)
        try:
            said = simulate_lab(before, made.steps, automatic)
        except Violation as violation:
            return [f"simulated: {violation}"]
        run = execute(made, engine, parallel=2)
        wrong = [f"{result.step.text}: {result.error}" for result in run.failed]
        after = self._see(engine)
        wrong += _differences(
            essence(said.observed, before, automatic),
            essence(after, before, automatic, like=said.observed),
        )
        wrong += _differences(_run(said.observed, before), _run(after, before))
        wrong += [
            problem
            for problem in lab_problems(desired, before, said, case.policy)
            if "sha256" not in problem
        ]
        wrong += [
            f"again: {step.text}: {step.reason}"
            for step in plan(desired, after, None, afterwards(case.policy)).steps
        ]
        return wrong

    def _automatic(self, case: Case, before: ObservedState) -> set[tuple[str, str]]:
        """The networks whose subnet the engine chose: those that a call or the earlier file made
        without one.
        """
        chosen: set[tuple[str, str]] = set()
        made = [
            (call.network, call.settings)
            for call in (*case.before, *case.after)
            if call.what == "create"
        ]
        made += (
            [(network.name, network.settings) for network in case.earlier.networks.values()]
            if case.earlier
            else []
        )
        for name, settings in made:
            chosen |= {
                (name, family) for family in ("ipv4", "ipv6") if f"{family}.subnet" not in settings
            }
        return {
            (network.id, family)
            for network in before.networks
            for name, family in chosen
            if network.name == name
        }

    def _see(self, engine: Engine) -> ObservedState:
        whole = observe(engine, images=self.labs.images)
        for _ in range(50):
            if not any(
                c.live and c.settings.get("command") == ENDS
                for c in whole.containers
                if c.name.startswith(self.docker.prefix)
            ):
                break
            time.sleep(0.1)
            whole = observe(engine, images=self.labs.images)
        mine = self.docker.prefix
        networks = tuple(
            n
            for n in whole.networks
            if n.name in ("bridge", "host", "none") or n.name.startswith(mine)
        )
        containers = tuple(replace(c, health="") for c in whole.containers if mine in c.name)
        return replace(whole, networks=networks, containers=containers)

    def _call(self, call: Call) -> tuple[int, Any]:
        match call.what:
            case "end":
                return self._end(call.container, call.mode)
            case "delete":
                return self.docker.call("DELETE", f"/containers/{call.container}?force=1")
            case "rename":
                return self._rename(call.container, call.mode)
        return super()._call(call)

    def _end(self, container: str, code: str) -> tuple[int, Any]:
        answer = self.docker.call("POST", f"/containers/{container}/kill?signal={SIGNALS[code]}")
        self.docker.call("POST", f"/containers/{container}/wait")
        return answer

    def _rename(self, container: str, name: str) -> tuple[int, Any]:
        """The name of an interrupted recreation has the ID in it."""
        base, leftover, _ = name.partition(".netplan-")
        if leftover:
            name = f"{base}.netplan-{self.docker.inspect(container)['Id'][:12]}"
        return self.docker.call("POST", f"/containers/{container}/rename?name={name}")


def _run(state: ObservedState, before: ObservedState) -> dict[str, Any]:
    """What two engines in the same state have in common about the containers that are run, by
    name.
    """
    names = {container.id: container.name for container in state.containers}
    known = {container.id for container in before.containers}
    volumes = {name for container in before.containers for name in container.anonymous.values()}
    return {c.name: _one(c, names, known, volumes) for c in state.containers if c.mark}


def _one(
    container: ObservedContainer, names: dict[str, str], known: set[str], volumes: set[str]
) -> dict[str, Any]:
    owner = container.network_mode.removeprefix("container:")
    mode = f"container:{names.get(owner, owner)}" if owner != container.network_mode else owner
    unseen = {"network_mode", "platform", "cgroup", "memswap_limit"}  # the engine's own choices
    if mode == "host":
        unseen.add("hostname")  # the machine's
    return {
        "kept": container.id in known and container.id,
        "mode": "bridge" if mode == "default" else mode,
        "settings": {
            path: value
            for path, value in container.settings.items()
            if path not in unseen and value != DEFAULTS.get(path)
        },
        "mark": container.mark,
        "image": container.image_id,
        "volumes": {
            target: name if name in volumes else "new"
            for target, name in container.anonymous.items()
        },
        "ended": container.exit_code if container.state == "exited" else None,
    }

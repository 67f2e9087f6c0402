"""A lab on a real engine, what it must look like on each side, and how it gets from one side to the
other when things break.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from reconciler.engine import Reader, open_reader
from reconciler.lock import claims, own_volumes
from reconciler.lock.journal import journals
from reconciler.marks import BIRTH, SPEC
from reconciler.model import EndpointMark, NetworkMark, ObservedState
from reconciler.observe import observe
from reconciler.planner import Policy, plan
from reconciler.runs import look_at
from reconciler.topology import load

from ..e2e.conftest import Docker
from .plans import Pair, Side
from .process import Ended, run
from .proxy import Fault, Proxy

Picture = Mapping[str, Any]
ELSEWHERE = {"NETPLAN_BOOT_ID": "another-machine"}


class Lab:
    """One pair on one engine. `sides` are 0 and 1; `at` is where it is now."""

    def __init__(self, pair: Pair, docker: Docker, proxy: Proxy, folder: Path) -> None:
        self.pair, self.docker, self.proxy, self.folder = pair, docker, proxy, folder
        self.topology = docker.name("lab")
        self.reader: Reader = open_reader(docker.host)
        self.stands = {key: docker.subnet().removesuffix(".0/24") for key in "abcd"} | {
            "v6": docker.subnet("ipv6").removesuffix("::/64")
        }
        self.stands |= {"me": docker.prefix, "port": str(random.randint(20000, 29999))}
        self.at = 0
        for side, body in enumerate((pair.one, pair.other)):
            self._file(side).write_text(self._text(body or pair.one), encoding="utf-8")
        self.expected = self._settle()

    def close(self) -> None:
        self.reader.close()
        self.docker.clean_up()
        for volume in own_volumes_of(self.docker):
            self.docker.call("DELETE", f"/volumes/{volume}")

    # --- declarations ---

    def _file(self, side: int) -> Path:
        return self.folder / f"side{side}.yaml"

    def _filled(self, value: Any) -> Any:
        text = json.dumps(value)
        for key, meant in self.stands.items():
            text = text.replace(f"{{{key}}}", meant)
        return json.loads(text)

    def _text(self, side: Side) -> str:
        name = self.docker.name
        containers = {
            name(who): {"networks": {name(net): body for net, body in on.items()}}
            for who, on in side.containers.items()
        }
        containers |= {name(who): body for who, body in side.runs.items()}
        networks = {name(net): body for net, body in side.networks.items()}
        return yaml.safe_dump(
            self._filled({"name": self.topology, "networks": networks, "containers": containers}),
            sort_keys=False,
        )

    def _verb(self, side: int) -> tuple[str, ...]:
        return ("destroy",) if side and self.pair.other is None else self.pair.verb

    # --- runs ---

    def go(
        self,
        side: int,
        environment: Mapping[str, str] | None = None,
        *more: str,
        verb: tuple[str, ...] = (),
    ) -> Ended:
        """One run through the proxy, one call at a time."""
        return run(self.command(side, *more, verb=verb), self.folder / "output", environment)

    def command(self, side: int, *more: str, verb: tuple[str, ...] = ()) -> list[str]:
        """The arguments of such a run. What it starts sleeps, and needs little time to show it."""
        command = verb or self._verb(side)
        options = [
            "--yes",
            "--disrupt-foreign",
            "--timeout",
            "10",
            "--parallel",
            "1",
            "--host",
            self.proxy.host,
            *(("--settle", "0.2") if command[0] in ("apply", "reset") else ()),
            *more,
        ]
        return [*command, str(self._file(side)), *options]

    def set_out(self, fault: Fault) -> Ended:
        """The first run to the other side, of a lab that is damaged before it where its pair says
        so.
        """
        self.damage()
        self.proxy.spoil(fault)
        return self.go(1 - self.at)

    def damage(self) -> None:
        """What its pair says is made by hand before each run."""
        for call, body in self.pair.damage:
            self.docker.do(*self._filled(call).split(), self._filled(body))

    def unlock(self, environment: Mapping[str, str] | None = None) -> Ended:
        return run(
            ["unlock", "--yes", "--host", self.docker.host], self.folder / "output", environment
        )

    def converge(self, side: int, environment: Mapping[str, str] | None = None) -> None:
        """The run that nothing disturbs, and all that must hold after it."""
        self.proxy.spoil()
        ended = self.go(side, environment)
        assert ended.code == 0, ended.said
        self.at = side
        self.check(side)

    def _settle(self) -> list[Picture]:
        """To and fro until both sides are known; what is made by hand is made on the first."""
        for who in (*self.pair.running, *self.pair.exited):
            self.docker.container(who)
        for who in self.pair.exited:
            self.docker.stop(self.docker.name(who))
        self.proxy.spoil()
        assert (first := self.go(0, verb=("apply",))).code == 0, first.said
        for who, body in self.pair.foreign.items():
            network, container = self.docker.name("n"), self.docker.name(who)
            self.docker.call("POST", f"/networks/{network}/disconnect", {"Container": container})
            status, answer = self.docker.connect(network, container, **self._filled(body))
            assert status < 300, answer
        pictures: list[Picture] = []
        for side in (0, 1, 0, 1, 0):
            self.damage()
            assert (ended := self.go(side)).code == 0, ended.said
            pictures.append(self.picture())
        kept = {
            what
            for what, found in pictures[0]["kept"].items()
            if all(other["kept"].get(what) == found for other in pictures)
        }
        return [
            {**seen, "kept": {what: seen["kept"][what] for what in kept}}
            for seen in (pictures[4], pictures[3])
        ]

    # --- what must hold ---

    def observed(self) -> ObservedState:
        state, prefix = observe(self.reader), self.docker.prefix
        return replace(
            state,
            networks=tuple(
                network for network in state.networks if network.name.startswith(prefix)
            ),
            containers=tuple(
                container for container in state.containers if container.name.startswith(prefix)
            ),
        )

    def picture(self) -> Picture:
        """All that must come back: everything but IDs, generated MACs and dynamic addresses.

        `kept` are the lives and volumes of containers: what a run that nothing disturbs leaves as
        it was, so must one that was disturbed.
        """
        state = self.observed()
        networks = [(n.name, dict(n.settings), _mark(n.mark)) for n in state.networks]
        containers = {
            c.name: (
                c.state,
                {e.network: (dict(e.settings), _mark(e.mark), e.phantom) for e in c.endpoints},
            )
            for c in state.containers
        }
        raw = {c.name: self.docker.inspect(c.id) for c in state.containers}
        kept = {name: (found["Id"], found["State"]["StartedAt"]) for name, found in raw.items()}
        for name, found in raw.items():
            volumes = [
                (mount["Destination"], mount["Name"])
                for mount in found["Mounts"]
                if mount["Type"] == "volume"
            ]
            kept |= {
                f"{name}:{at}": (it, self.docker.do("GET", f"/volumes/{it}")["CreatedAt"])
                for at, it in volumes
            }
        return {
            "networks": networks,
            "containers": containers,
            "run with": self._run_with(raw),
            "kept": kept,
        }

    @staticmethod
    def _run_with(raw: Mapping[str, Any]) -> Any:
        """What the engine says each container is run with, names in place of IDs."""
        for found in raw.values():
            labels = found["Config"]["Labels"] or {}
            labels.pop(
                BIRTH, None
            )  # each container has its own, and with it salts its hashes of secrets
            labels |= {SPEC: re.sub("~[0-9a-f]{4}", "~", labels[SPEC])} if SPEC in labels else {}
        text = json.dumps(
            {name: (found["Config"], found["HostConfig"]) for name, found in raw.items()}
        )
        for name, found in raw.items():
            text = text.replace(found["Id"], name).replace(found["Id"][:12], name)
        return json.loads(text)

    def check(self, side: int) -> None:
        """As declared, as before where nothing is declared, nothing twice, nothing restarted,
        nothing left to do, no lock, no journal.
        """
        found, wanted = self.picture(), self.expected[side]
        found = {**found, "kept": {what: found["kept"].get(what) for what in wanted["kept"]}}
        for part in wanted:
            assert found[part] == wanted[part], f"{part}:\n{found[part]}\nwanted:\n{wanted[part]}"
        volumes = own_volumes(self.reader)
        assert not claims(volumes), volumes
        assert not journals(volumes), volumes
        declared = load(str(self._file(side))).state
        reset = self.pair.verb[0] == "reset"
        policy = Policy(
            disrupt_foreign=True,
            exclusive=reset,
            keep_containers="--keep-containers" in self.pair.verb,
        )
        if side and self.pair.other is None:
            declared, policy = type(declared)(declared.topology), Policy(destroyed=declared)
        left = plan(declared, look_at(self.reader, [declared]), (), policy)
        assert left.empty, [step.text for step in left.steps]
        assert left.applyable, left.refusals


def _mark(mark: NetworkMark | EndpointMark | None) -> Any:
    if isinstance(mark, EndpointMark):
        return mark.topology, mark.how, dict(mark.declared), dict(mark.before)
    return mark and (mark.topology, dict(mark.hashes), mark.protect)


def own_volumes_of(docker: Docker) -> list[str]:
    """The names of netplan's own volumes on the engine."""
    return [
        str(v["Name"])
        for v in docker.do("GET", "/volumes")["Volumes"] or []
        if str(v["Name"]).startswith("netplan.")
    ]


# --- points ---------------------------------------------------------------------------------------


def killed(lab: Lab, nth: int, acts: bool, second: int = 0, elsewhere: bool = False) -> list[str]:
    """Kill the run to the other side at its `nth` change, its recovery at its `second` (0: not),
    and see that the next one converges.

    `elsewhere`: the recovery runs on another machine, which must be told that the lock's holder is
    gone. The calls at which a run was killed; empty where the run made fewer changes than `nth` (it
    then has converged, and that is checked too).
    """
    side, hit = 1 - lab.at, []
    environment = ELSEWHERE if elsewhere else None
    ended = lab.set_out(Fault("kill", nth=nth, acts=acts))
    if not lab.proxy.spoiled:
        assert ended.code == 0, ended.said
        lab.at = side
        lab.check(side)
        return []
    assert ended.code == -9, ended.said
    hit += lab.proxy.spoiled
    if elsewhere and claims(own_volumes(lab.reader)):
        lab.proxy.spoil()
        refused = lab.go(side, environment, "--lock-timeout", "0")
        blocked = refused.code == 75 and "netplan unlock" in refused.said
        assert blocked or (refused.code == 0 and "Nothing to do" in refused.said), refused.said
        assert lab.unlock(environment).code == 0
    if second:
        lab.proxy.spoil(Fault("kill", nth=second, acts=not acts))
        again = lab.go(side, environment)
        hit += lab.proxy.spoiled
        assert again.code == (-9 if lab.proxy.spoiled else 0), again.said
    lab.converge(side, environment)
    return hit


ANSWERS: dict[str, Fault] = {
    **{str(status): Fault("answer", status=status) for status in (404, 409, 403, 500)},
    "garbage": Fault("garbage"),
    "reset before": Fault("cut"),
    "reset after": Fault("cut", acts=True),
}


def answered(lab: Lab, nth: int, fault: Fault) -> list[str]:
    """Spoil the `nth` change of the run to the other side: it ends with a report, and the next one
    converges. The call, if any.
    """
    side = 1 - lab.at
    ended = lab.set_out(replace(fault, nth=nth))
    hit = list(lab.proxy.spoiled)
    assert ended.code in (0, 1), ended.said
    lab.converge(side)
    return hit

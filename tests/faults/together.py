"""Two applies at once: of two topologies on the same containers, or of one; from one machine or
two; over a dead holder's lock or none.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from reconciler.engine import open_engine, open_reader
from reconciler.lock import HOLDER, KIND, own_volumes
from reconciler.lock.holder import holder_text, myself
from reconciler.model import DesiredState
from reconciler.observe import observe
from reconciler.planner import plan
from reconciler.topology import load

from ..e2e.conftest import IMAGE, Docker
from .process import start
from .proxy import Proxy

ROUNDS = 200
NETPLAN = str(Path(sys.executable).with_name("netplan"))
ANOTHER_MACHINE = [
    "unshare",
    "--pid",
    "--fork",
    "--mount-proc",
    "env",
    "NETPLAN_BOOT_ID=another-machine",
]


class Couple:
    """Two topologies, each with a network of its own under the same two containers, and endpoints
    on one that is neither's.
    """

    def __init__(self, docker: Docker, proxy: Proxy, folder: Path) -> None:
        self.docker, self.proxy, self.folder = docker, proxy, folder
        for who in ("web", "db"):
            docker.container(who)
        docker.network("common", subnet=docker.subnet())
        self.subnets = [docker.subnet() for _ in range(4)]

    def write(self, which: int, number: int) -> Path:
        """The declaration of one topology in round `number`: another subnet, another alias than in
        the round before.
        """
        name, subnet = self.docker.name, self.subnets[2 * which + number % 2]
        own, common = name(f"own{which}"), name("common")
        body = {
            "name": name(f"top{which}"),
            "networks": {own: {"subnet": subnet}, common: {"external": True}},
            "containers": {
                name("web"): {
                    "networks": (
                        {own: {"aliases": [f"w{number}"]}}
                        | ({common: {"aliases": [f"c{number}"]}} if which else {})
                    )
                },
                name("db"): {
                    "networks": {own: {}} | ({} if which else {common: {"aliases": [f"c{number}"]}})
                },
            },
        }
        path = self.folder / f"top{which}.yaml"
        path.write_text(yaml.safe_dump(body, sort_keys=False))
        return path

    def plant(self) -> None:
        """A lock whose holder is provably gone."""
        engine = open_engine(self.docker.host)
        gone = replace(myself("gone"), started="0")
        engine.create_volume("netplan.lock.1", {KIND: "lock", HOLDER: holder_text(gone)})
        engine.close()

    def round(self, paths: Sequence[Path], elsewhere: bool) -> None:
        self.proxy.spoil()
        commands = [["apply", str(path), "--yes", "--host", self.proxy.host] for path in paths]
        here = start(commands[0], self.folder / "here")
        if elsewhere:
            command = [*ANOTHER_MACHINE, NETPLAN, *commands[1]]
            environment = {
                key: value for key, value in os.environ.items() if not key.startswith("DOCKER_")
            }
            there = subprocess.run(
                command, capture_output=True, text=True, timeout=120, check=False, env=environment
            )
            code, said = there.returncode, there.stdout + there.stderr
        else:
            other = start(commands[1], self.folder / "there").wait()
            code, said = other.code, other.said
        ended = here.wait()
        assert ended.code == 0, ended.said
        assert code == 0, said
        self._one_at_a_time()
        self._all_there([load(str(path)).state for path in paths])

    def _one_at_a_time(self) -> None:
        """The steps of one process all lie before those of the other."""
        at_work = [
            who
            for who, call in zip(self.proxy.callers, self.proxy.calls, strict=True)
            if _is_step(call)
        ]
        turns = [who for index, who in enumerate(at_work) if not index or at_work[index - 1] != who]
        assert len(turns) == len(set(turns)), f"two at work at once: {turns}"

    def _all_there(self, declared: Sequence[DesiredState]) -> None:
        reader = open_reader(self.docker.host)
        try:
            observed = observe(reader)
            assert own_volumes(reader) == []
        finally:
            reader.close()
        names = [network.name for network in observed.networks]
        assert len(names) == len(set(names)), names
        for desired in declared:
            left = plan(desired, observed)
            assert left.empty, [step.text for step in left.steps]
            assert left.applyable, left.refusals


def _is_step(call: str) -> bool:
    return not call.startswith("GET") and "/volumes" not in call


def together(options: argparse.Namespace) -> str:
    """The rounds."""
    rounds = options.rounds or ROUNDS
    choose, dead, apart, alike = random.Random(7), 0, 0, 0
    reader = open_reader(options.host)
    docker = Docker(options.host, IMAGE, reader.info())
    reader.close()
    with tempfile.TemporaryDirectory() as folder:
        proxy = Proxy(Path(folder) / "engine.sock", options.host)
        try:
            couple = Couple(docker, proxy, Path(folder))
            for number in range(rounds):
                over, elsewhere, same = number % 2 == 1, number % 4 >= 2, choose.random() < 0.3
                paths = [couple.write(0, number), couple.write(0 if same else 1, number)]
                if over:
                    couple.plant()
                couple.round(paths, elsewhere)
                dead, apart, alike = dead + over, apart + elsewhere, alike + same
        finally:
            docker.clean_up()
            proxy.close()
    return (
        f"{rounds} rounds of two at once, {apart} as from two machines, {dead} over a dead holder's"
        f" lock, {alike} of one topology: no update lost, no network twice, never two at work"
    )

"""Random labs beside random objects that are not theirs, and what a destroy changes of those:
nothing.

What is not a lab's may look as if it were: copied labels, containers of a committed image that is
gone, renamed backups, copied endpoint options; and it may stand on the lab's own networks. Each
object is inspected before and after, and must be the same to the byte.
"""

# ruff: noqa: E501

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from reconciler.engine import open_reader

from ..e2e.conftest import IMAGE, Docker
from .labs import own_volumes_of
from .process import run

ROUNDS = 200
Body = dict[str, Any]
_SLEEP = {"image": IMAGE, "command": ["sleep", "3600"], "stop_grace_period": "0s"}


class Neighbours:
    """One lab and its neighbours. `kinds` counts what was put beside it."""

    def __init__(self, docker: Docker, folder: Path, seed: int) -> None:
        self.docker, self.folder, self.random = docker, folder, random.Random(seed)
        self.topology, self.file, self.kinds = (
            docker.name("lab"),
            folder / "netplan.yaml",
            Counter[str](),
        )
        self.nets = [docker.name(f"n{number}") for number in range(self.random.randint(1, 2))]
        self.webs = [docker.name(f"web{number}") for number in range(self.random.randint(1, 2))]
        self.guests = [docker.name(f"guest{number}") for number in range(self.random.randint(0, 1))]
        self.containers: dict[str, str] = {}
        self.networks: dict[str, str] = {}
        self.images: list[str] = []
        self.on_ours = False
        """Whether something of others stands on the lab's networks: a reset would take it off, as
        it is meant to.
        """

    def netplan(self, *arguments: str) -> tuple[int, str]:
        ended = run([*arguments, "--yes", "--host", self.docker.host], self.folder / "output")
        return ended.code, ended.said

    def settle(self) -> None:
        """The lab, applied; its guests are containers that it attaches and does not run."""
        for guest in self.guests:
            self.docker.container(
                guest.removeprefix(self.docker.prefix), start=self.random.random() < 0.5
            )
        on = {
            name: self.random.sample(self.nets, self.random.randint(1, len(self.nets)))
            for name in (*self.webs, *self.guests)
        }
        containers = {
            name: {**(_SLEEP if name in self.webs else {}), "networks": networks}
            for name, networks in on.items()
        }
        networks = {name: {"subnet": self.docker.subnet()} for name in self.nets}
        self.file.write_text(
            yaml.safe_dump({"name": self.topology, "networks": networks, "containers": containers}),
            encoding="utf-8",
        )
        code, said = self.netplan("apply", str(self.file))
        assert code == 0, said

    def surround(self) -> None:
        """Three to seven objects that are not the lab's."""
        self._network("theirs", {})
        kinds: list[Callable[[str], None]] = [
            self._plain,
            self._copied,
            self._committed,
            self._net,
            self._forged,
        ]
        kinds += [self._renamed, self._on_ours] if self.random.random() < 0.4 else []
        for number in range(self.random.randint(3, 7)):
            kind = self.random.choice(kinds)
            kind(f"foreign{number}")
            self.kinds[kind.__name__.lstrip("_")] += 1

    # --- neighbours ---

    def _network(self, short: str, labels: Body) -> None:
        self.networks[self.docker.name(short)] = self.docker.network(
            short, subnet=self.docker.subnet(), Labels=labels
        )

    def _container(self, short: str, network: str = "", **body: Any) -> str:
        """One of another tool, with an anonymous volume."""
        where = network or self.random.choice([self.docker.name("theirs"), "none", "bridge"])
        id = self.docker.container(
            short, where, self.random.random() < 0.3, Volumes={"/keep": {}}, **body
        )
        self.containers[self.docker.name(short)] = id
        return id

    def _plain(self, short: str) -> None:
        self._container(short)

    def _copied(self, short: str) -> None:
        """`docker run --label-file`, or a duplicate made in a user interface."""
        self._container(short, Labels=self._a_web()["Config"]["Labels"])

    def _committed(self, short: str) -> None:
        """An image of one of the lab's containers, which is removed again."""
        repository = f"{self.docker.prefix}{short}"
        self.docker.do("POST", f"/commit?container={self._a_web()['Id']}&repo={repository}&tag=1")
        self.docker.stop(self._container(short, Image=f"{repository}:1"))
        gone = self.random.random() < 0.7
        if gone:
            self.docker.do("DELETE", f"/images/{repository}:1?force=1")
        else:
            self.images.append(f"{repository}:1")

    def _renamed(self, short: str) -> None:
        """A backup of one of the lab's containers, which is still on its networks; the lab has it
        no more.
        """
        web = self._a_web()
        if web["Name"] not in {f"/{name}" for name in self.webs}:
            return
        self.docker.do("POST", f"/containers/{web['Id']}/rename?name={self.docker.name(short)}")
        self.containers[self.docker.name(short)] = web["Id"]
        self.webs.remove(web["Name"].removeprefix("/"))
        self.on_ours = True

    def _net(self, short: str) -> None:
        """A network with the labels of one of the lab's."""
        self._network(
            short, self.docker.do("GET", f"/networks/{self.random.choice(self.nets)}")["Labels"]
        )

    def _forged(self, short: str) -> None:
        """An endpoint with the options of one of the lab's, or with its topology's name alone."""
        endpoints = self._a_web()["NetworkSettings"]["Networks"]
        copied = next(iter(endpoints.values()))["DriverOpts"]
        options = copied if self.random.random() < 0.7 else {"netplan.topology": self.topology}
        id = self._container(short, "bridge")
        self.docker.connect(self.docker.name("theirs"), id, DriverOpts=options)

    def _on_ours(self, short: str) -> None:
        """One on a network of the lab: without consent that network stays."""
        id = self._container(short, "bridge")
        self.docker.connect(self.random.choice(self.nets), id, Aliases=[short])
        self.on_ours = True

    def _a_web(self) -> Body:
        names = self.webs or [name for name in self.containers if self._has_marks(name)]
        return self.docker.inspect(self.random.choice(names))

    def _has_marks(self, name: str) -> bool:
        raw = self.docker.inspect(name)
        own = "netplan.topology" in (raw["Config"]["Labels"] or {})
        return own and any(
            endpoint.get("DriverOpts") for endpoint in raw["NetworkSettings"]["Networks"].values()
        )

    # --- what must hold ---

    def inspected(self) -> dict[str, Any]:
        """Everything that is not the lab's; of a network the lab's own containers on it aside."""
        found = {name: self.docker.inspect(id) for name, id in self.containers.items()}
        return found | {
            name: self.docker.do("GET", f"/networks/{id}") for name, id in self.networks.items()
        }

    def destroy(self) -> bool:
        """Destroys the lab in one of the ways that there are, after an apply or a reset or not;
        whether it was not refused.
        """
        before = self.inspected()
        first = self.random.choice(
            ["", "apply", *([] if self.on_ours else ["reset", "reset --keep-containers"])]
        ).split()
        if first:
            code, said = self.netplan(first[0], str(self.file), *first[1:])
            assert code in (0, 3), said
            self._same(before, " ".join(first), said)
        code, said = self.netplan(
            "destroy", *self.random.choice([[str(self.file)], ["--name", self.topology]])
        )
        assert code in (0, 3), said
        self._same(before, "destroy", said)
        return code == 0

    def _same(self, before: Body, what: str, said: str) -> None:
        after = self.inspected()
        changed = [name for name in before if before[name] != after[name]]
        assert not changed, (
            f"{what} changed {changed}:\n{[(before[name], after[name]) for name in changed]}\n{said}"
        )

    def close(self) -> None:
        self.docker.clean_up()
        for image in self.images:
            self.docker.call("DELETE", f"/images/{image}?force=1")
        for volume in own_volumes_of(self.docker):
            self.docker.call("DELETE", f"/volumes/{volume}")


def one_round(host: str, seed: int) -> tuple[Counter[str], int, bool]:
    """What stood beside the lab, how many objects that were, and whether it was destroyed; a change
    of any is an AssertionError.
    """
    reader = open_reader(host)
    docker = Docker(host, IMAGE, reader.info())
    reader.close()
    with tempfile.TemporaryDirectory() as folder:
        here = Neighbours(docker, Path(folder), seed)
        try:
            here.settle()
            here.surround()
            done = here.destroy()
            return here.kinds, len(here.containers) + len(here.networks), done
        finally:
            here.close()


def foreign(options: argparse.Namespace) -> str:
    """Random destroys beside random objects of others."""
    kinds, objects, done = Counter[str](), 0, 0
    rounds = options.rounds or ROUNDS
    for seed in range(options.first, options.first + rounds):
        try:
            found, number, destroyed = one_round(options.host, seed)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        kinds, objects, done = kinds + found, objects + number, done + destroyed
        if seed % 10 == 9:
            print(
                f"  foreign: up to seed {seed}: {done} done, {objects} objects, {dict(kinds)}",
                file=sys.stderr,
                flush=True,
            )
    what = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return (
        f"{rounds} destroys ({done} done, {rounds - done} refused) beside {objects} objects of"
        f" others ({what}): 0 of them changed"
    )

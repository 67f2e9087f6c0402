"""Saved plans while the engine changes: in their scope, and outside it."""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable

from .labs import Lab
from .plans import Pair, Side
from .process import run

MUTATIONS = 500
PAIR = Pair(
    "saved",
    Side({"n": {"subnet": "{a}.0/24"}}, {"web": {"n": {"aliases": ["w"]}}, "db": {"n": {}}}),
    Side({"n": {"subnet": "{b}.0/24"}}, {"web": {"n": {"aliases": ["w"]}}, "db": {"n": {}}}),
    running=("web", "db", "guest", "other"),
    replaces=True,
)
Undo = Callable[[], object]


def saved(options: argparse.Namespace) -> str:
    """Every change in scope refuses with no call that changes anything; every one outside is none of its business."""
    from .measure import lab

    rounds, choose = options.rounds or MUTATIONS, random.Random(11)
    with lab(PAIR, options.host) as here:
        plan = _save(here, 1)
        for _ in range(rounds):
            undo = _inside(here, choose)
            here.proxy.spoil()
            ended = run(["apply", "--plan", plan, "--yes", "--host", here.proxy.host], here.folder / "output")
            assert ended.code == 3, ended.said
            assert not [call for call in here.proxy.calls if not call.startswith("GET")], here.proxy.calls
            undo()
        for _ in range(rounds):
            side = 1 - here.at
            plan = _save(here, side)
            undo = _outside(here, choose)
            ended = run(["apply", "--plan", plan, "--yes", "--host", here.proxy.host], here.folder / "output")
            assert ended.code == 0, ended.said
            here.at = side
            undo()
    return f"{rounds} changes in scope, all refused with 0 calls; {rounds} outside, all accepted"


def _save(here: Lab, side: int) -> str:
    here.proxy.spoil()
    path = here.folder / "P.json"
    ended = run(["plan", str(here.folder / f"side{side}.yaml"), "--out", str(path), "--host", here.proxy.host], here.folder / "output")
    assert ended.code == 0, ended.said
    return str(path)


def _inside(here: Lab, choose: random.Random) -> Undo:
    """Change something that the plan was made from; how to undo it."""
    docker, name = here.docker, here.docker.name
    network, alias = name("n"), f"x{choose.randrange(10**6)}"
    subnet = f"{here.stands['b']}.{choose.choice((0, 64, 128, 192))}/26"

    def back(who: str) -> Undo:
        marks = docker.inspect(name(who))["NetworkSettings"]["Networks"][network]
        endpoint = {"Aliases": [a for a in marks["Aliases"] or [] if a == "w"], "DriverOpts": marks["DriverOpts"]}

        def undo() -> None:
            docker.disconnect(network, name(who))
            docker.connect(network, name(who), **endpoint)

        return undo

    match choose.randrange(5):
        case 0:
            undo = back(who := choose.choice(("web", "db")))
            docker.disconnect(network, name(who))
        case 1:
            undo = back(who := choose.choice(("web", "db")))
            docker.disconnect(network, name(who))
            docker.connect(network, name(who), Aliases=[alias])
        case 2:
            docker.connect(network, name("guest"), Aliases=[alias])
            return lambda: docker.disconnect(network, name("guest"))
        case 3:
            who = choose.choice(("web", "db"))
            docker.stop(name(who))
            return lambda: docker.start(name(who))
        case _:
            id = docker.network(f"in-{alias}", subnet=subnet)
            return lambda: docker.do("DELETE", f"/networks/{id}")
    return undo


def _outside(here: Lab, choose: random.Random) -> Undo:
    """Change something that the plan has nothing to do with; how to undo it."""
    docker, name = here.docker, here.docker.name
    number = choose.randrange(10**6)
    match choose.randrange(3):
        case 0:
            id = docker.network(f"out-{number}", subnet=f"{here.stands['d']}.0/24")
            return lambda: docker.do("DELETE", f"/networks/{id}")
        case 1:
            id = docker.network(f"out-{number}", subnet=f"{here.stands['d']}.0/24", Labels={"n": str(number)})
            docker.connect(id, name("other"), Aliases=[f"x{number}"])

            def undo() -> None:
                docker.disconnect(id, name("other"))
                docker.do("DELETE", f"/networks/{id}")

            return undo
        case _:
            id = docker.container(f"out-{number}", start=False)
            return lambda: docker.do("DELETE", f"/containers/{id}?force=1")

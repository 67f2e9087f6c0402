"""Saved plans while the engine changes: in their scope, and outside it."""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from reconciler.engine import open_reader

from ..e2e.cli import box
from ..e2e.conftest import IMAGE, Docker
from .labs import Lab
from .plans import Pair, Side
from .process import Ended, run

MUTATIONS = 500
REPOSITORY = "netplan-test/saving"
"""An image of its own, that can be moved."""


def _side(subnet: str, mode: str = "one", **more: Any) -> Side:
    """`db` exists already; the file runs `web`, `tap`, which shares its network, and `fill`, which
    ends at once.
    """
    web = _run(networks=["{me}n"], environment={"MODE": mode})
    runs = {
        "web": web,
        "tap": _run(network_mode="container:{me}web"),
        "fill": _run("sleep", "1", one_shot=True, networks=["{me}n"]),
    }
    return Side(
        {"n": {"subnet": f"{{{subnet}}}.0/24"}, **more}, {"db": {"n": {"aliases": ["w"]}}}, runs
    )


def _run(*command: str, **more: Any) -> dict[str, Any]:
    return {**box(*command, **more), "image": f"{REPOSITORY}:1"}


ATTACHED: Any = {"web": {"n": {"aliases": ["w"]}}, "db": {"n": {}}}
EXISTING = Pair(
    "saved",
    Side({"n": {"subnet": "{a}.0/24"}}, ATTACHED),
    Side({"n": {"subnet": "{b}.0/24"}}, ATTACHED),
    running=("web", "db", "guest", "other"),
    replaces=True,
)
RECREATED = Pair(
    "saved-recreation",
    _side("a"),
    _side("b", "other"),
    running=("db", "guest", "other"),
    replaces=True,
)
KEPT = Pair(
    "saved-addition",
    _side("a"),
    _side("a", m={"subnet": "{b}.0/24"}),
    running=("db", "guest", "other"),
)

Undo = Callable[[], object]
Change = Callable[["Hand"], tuple[Undo, str]]
"""Changes something that a plan was made from; how to undo it, and what the refusal must say."""


def saved(options: argparse.Namespace) -> str:
    """Every change in scope refuses with no call that changes anything, and says what it was; those
    outside are none of its business.
    """
    from .measure import lab

    rounds, choose = options.rounds or MUTATIONS, random.Random(11)
    with _image(options.host):
        for pair, changes in SCOPES:
            with lab(pair, options.host) as here:
                _refused(here, choose, changes, -(-rounds // len(SCOPES)))
        with lab(EXISTING, options.host) as here:
            for _ in range(rounds):
                side = 1 - here.at
                plan = _save(here, side)
                undo = _outside(here, choose)
                _accepted(here, plan, side)
                undo()
    inside = -(-rounds // len(SCOPES)) * len(SCOPES)
    return (
        f"{inside} changes in scope, all refused with 0 calls and told; {rounds} outside, all"
        " accepted"
    )


def _refused(here: Lab, choose: random.Random, changes: tuple[Change, ...], rounds: int) -> None:
    """One plan over and over; when all is undone it is carried out."""
    plan, hand = _save(here, 1), Hand(here, choose)
    for number in range(rounds):
        undo, said = changes[number % len(changes)](hand)
        here.proxy.spoil()
        ended = _apply(here, plan)
        assert ended.code == 3, ended.said
        assert said in ended.said, f"{said!r} is not in {ended.said}"
        assert not [call for call in here.proxy.calls if not call.startswith("GET")], (
            here.proxy.calls
        )
        undo()
    _accepted(here, plan, 1)


def _accepted(here: Lab, plan: str, side: int) -> None:
    here.proxy.spoil()
    ended = _apply(here, plan)
    assert ended.code == 0, ended.said
    here.at = side


def _apply(here: Lab, plan: str) -> Ended:
    return run(
        ["apply", "--plan", plan, "--yes", "--host", here.proxy.host], here.folder / "output"
    )


def _save(here: Lab, side: int) -> str:
    here.proxy.spoil()
    path = here.folder / "P.json"
    file = str(here.folder / f"side{side}.yaml")
    ended = run(
        ["plan", file, "--out", str(path), "--disrupt-foreign", "--host", here.proxy.host],
        here.folder / "output",
    )
    assert ended.code == 0, ended.said
    return str(path)


@contextmanager
def _image(host: str) -> Iterator[None]:
    """What the file's containers are made of, as `:1`; as `:2` what that is moved to."""
    reader = open_reader(host)
    docker = Docker(host, IMAGE, reader.info())
    reader.close()
    _tag(docker, IMAGE, "1")
    made = docker.container("image", start=False)
    docker.do(
        "POST", f"/commit?container={made}&repo={REPOSITORY}&tag=2&changes={quote('LABEL moved=1')}"
    )
    docker.clean_up()
    try:
        yield
    finally:
        for tag in "12":
            docker.call("DELETE", f"/images/{REPOSITORY}:{tag}?force=1")


def _tag(docker: Docker, what: str, tag: str) -> None:
    docker.do("POST", f"/images/{what}/tag?repo={REPOSITORY}&tag={tag}")


# --- in scope -------------------------------------------------------------------------------------


class Hand:
    """Somebody else at work on a lab."""

    def __init__(self, here: Lab, choose: random.Random) -> None:
        self.docker, self.choose, self.stands = here.docker, choose, here.stands
        self.name = here.docker.name

    def attached(self) -> str:
        """A container of the network that exists without the file."""
        return self.choose.choice([who for who in ("web", "db") if not self._runs(who)])

    def _runs(self, who: str) -> bool:
        return "netplan.topology" in self.docker.inspect(self.name(who))["Config"]["Labels"]

    def disconnected(self) -> tuple[Undo, str]:
        undo = self._back(who := self.attached())
        self.docker.disconnect(self.name("n"), self.name(who))
        return undo, f"container {self.name(who)} was disconnected from {self.name('n')}"

    def renamed(self) -> tuple[Undo, str]:
        return self._anew(alias := self._word(), Aliases=[alias])

    def marked(self) -> tuple[Undo, str]:
        """As it was, with another note of what it was before netplan came."""
        spec = json.dumps({"v": 1, "how": "amended", "before": {"aliases": ["theirs"]}})
        return self._anew("owner topology", mark=spec)

    def _anew(self, said: str, mark: str = "", **endpoint: Any) -> tuple[Undo, str]:
        who, network = self.attached(), self.name("n")
        there, undo = self._endpoint(who), self._back(who)
        if mark:
            endpoint = there | {"DriverOpts": {**there["DriverOpts"], "netplan.spec": mark}}
        self.docker.disconnect(network, self.name(who))
        self.docker.connect(network, self.name(who), **endpoint)
        return undo, said

    def _endpoint(self, who: str) -> dict[str, Any]:
        found = self.docker.inspect(self.name(who))["NetworkSettings"]["Networks"][self.name("n")]
        return {
            "Aliases": [a for a in found["Aliases"] or [] if a == "w"],
            "DriverOpts": found["DriverOpts"],
        }

    def _back(self, who: str) -> Undo:
        endpoint = self._endpoint(who)

        def undo() -> None:
            self.docker.disconnect(self.name("n"), self.name(who))
            self.docker.connect(self.name("n"), self.name(who), **endpoint)

        return undo

    def joined(self) -> tuple[Undo, str]:
        self.docker.connect(self.name("n"), self.name("guest"), Aliases=[self._word()])
        undo = lambda: self.docker.disconnect(self.name("n"), self.name("guest"))  # noqa: E731
        return undo, f"container {self.name('guest')} was connected to {self.name('n')}"

    def stopped(self) -> tuple[Undo, str]:
        who = self.attached()
        self.docker.stop(self.name(who))
        return lambda: self.docker.start(self.name(who)), f"container {self.name(who)} was stopped"

    def overlapped(self) -> tuple[Undo, str]:
        """No thing of the plan changes: what stands against it now is told."""
        subnet = f"{self.stands['b']}.{self.choose.choice((0, 64, 128, 192))}/26"
        id = self.docker.network(f"in-{self._word()}", subnet=subnet)
        return lambda: self.docker.do("DELETE", f"/networks/{id}"), f"overlaps {subnet} of network"

    # --- what the file runs ---

    def ended(self) -> tuple[Undo, str]:
        """With the one whose network it shares, it is started again."""
        who = self.choose.choice(("web", "tap"))
        self.docker.do("POST", f"/containers/{self.name(who)}/stop?t=0")

        def undo() -> None:
            for name in dict.fromkeys((who, "tap")):
                self.docker.do("POST", f"/containers/{self.name(name)}/restart?t=0")

        return undo, f"container {self.name(who)} was stopped"

    def widened(self) -> tuple[Undo, str]:
        """Somebody connects one to a network that is not declared for it."""
        id = self.docker.network(f"by-hand-{self._word()}", subnet=f"{self.stands['d']}.0/24")
        self.docker.connect(id, self.name("web"))

        def undo() -> None:
            self.docker.disconnect(id, self.name("web"))
            self.docker.do("DELETE", f"/networks/{id}")

        return undo, f"container {self.name('web')} was connected to {self.name('by-hand-')}"

    def shared(self) -> tuple[Undo, str]:
        """A stranger shares the network of one that goes, and would lose it."""
        id = self.docker.container("stranger", f"container:{self.name('web')}")
        said = (
            f"container {self.name('stranger')}, which shares the network of {self.name('web')},"
            " is new"
        )
        return lambda: self.docker.do("DELETE", f"/containers/{id}?force=1"), said

    def moved(self) -> tuple[Undo, str]:
        _tag(self.docker, f"{REPOSITORY}:2", "1")
        return lambda: _tag(self.docker, IMAGE, "1"), f"image {REPOSITORY}:1: ID"

    def cut_off(self) -> tuple[Undo, str]:
        self.docker.do("POST", f"/containers/{self.name('web')}/restart?t=0")
        undo = lambda: self.docker.do("POST", f"/containers/{self.name('tap')}/restart?t=0")  # noqa: E731
        return undo, f"container {self.name('tap')} lost the network that it shares"

    def failed(self) -> tuple[Undo, str]:
        fill, back = self.name("fill"), self._back("fill")
        ran = self.docker.inspect(fill)["NetworkSettings"]["Networks"][self.name("n")]["NetworkID"]
        self.docker.start(fill)
        self.docker.do("POST", f"/containers/{fill}/kill")
        self.docker.do("POST", f"/containers/{fill}/wait")

        def undo() -> None:
            self.docker.start(fill)
            self.docker.do("POST", f"/containers/{fill}/wait")
            if not ran:  # only what has run on a network knows its ID
                back()

        return undo, f"container {fill}: exit code 0 -> 137"

    def _word(self) -> str:
        return f"x{self.choose.randrange(10**6)}"


NETWORK: tuple[Change, ...] = (
    Hand.disconnected,
    Hand.renamed,
    Hand.marked,
    Hand.joined,
    Hand.stopped,
    Hand.overlapped,
)
RUN: tuple[Change, ...] = (Hand.ended, Hand.widened, Hand.moved, Hand.failed)
SCOPES = (
    (EXISTING, NETWORK),
    (RECREATED, (*NETWORK, *RUN, Hand.shared)),
    (KEPT, (*NETWORK, *RUN, Hand.cut_off)),
)
"""Plans, and what can change under each."""


# --- outside --------------------------------------------------------------------------------------


def _outside(here: Lab, choose: random.Random) -> Undo:
    """Change something that the plan has nothing to do with; how to undo it."""
    docker, name = here.docker, here.docker.name
    number = choose.randrange(10**6)
    match choose.randrange(3):
        case 0:
            id = docker.network(f"out-{number}", subnet=f"{here.stands['d']}.0/24")
            return lambda: docker.do("DELETE", f"/networks/{id}")
        case 1:
            id = docker.network(
                f"out-{number}", subnet=f"{here.stands['d']}.0/24", Labels={"n": str(number)}
            )
            docker.connect(id, name("other"), Aliases=[f"x{number}"])

            def undo() -> None:
                docker.disconnect(id, name("other"))
                docker.do("DELETE", f"/networks/{id}")

            return undo
        case _:
            id = docker.container(f"out-{number}", start=False)
            return lambda: docker.do("DELETE", f"/containers/{id}?force=1")

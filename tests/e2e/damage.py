"""Ways to damage a lab by hand, as people and other programs do it: bare calls to the engine,
chosen at random.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.marks import TOPOLOGY

from .conftest import Docker

Change = Callable[["Damage"], None]


@dataclass
class Damage:
    """A lab that is being damaged. All names are short ones: `containers` and `networks` are the
    lab's, `foreign` came by the damage, `squatters` are foreign too and have the lab's names.
    `done` says what was done.
    """

    docker: Docker
    random: random.Random
    containers: Sequence[str]
    networks: Sequence[str]
    done: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    squatters: list[str] = field(default_factory=list)

    def inflict(self, times: int) -> None:
        """Damages it so many times."""
        for _ in range(times):
            change = self.random.choice(CHANGES)
            change(self)
        self.foreign = [short for short in self.foreign if self.raw(self.docker.name(short))]
        raw = {short: self.raw(self.docker.name(short)) for short in self.containers}
        self.squatters = [
            short
            for short, found in raw.items()
            if found and TOPOLOGY not in found["Config"]["Labels"]
        ]

    # --- choices ---

    def note(self, what: str) -> None:
        self.done.append(what)

    def container(self) -> str:
        return self.docker.name(self.random.choice(self.containers))

    def network(self) -> str:
        return self.docker.name(self.random.choice(self.networks))

    def other(self) -> str:
        """The short name of a foreign container that is not there yet."""
        self.foreign.append(f"foreign{len(self.foreign)}")
        return self.foreign[-1]

    def raw(self, container: str) -> dict[str, Any] | None:
        status, answer = self.docker.call("GET", f"/containers/{container}/json")
        return answer if status == 200 else None

    def members(self, network: str) -> list[str]:
        """The IDs of all that list a network, also the stopped ones."""
        listed = self.docker.do("GET", "/containers/json?all=1")
        return [entry["Id"] for entry in listed if network in entry["NetworkSettings"]["Networks"]]


# --- containers -----------------------------------------------------------------------------------


def _call(verb: str) -> Change:
    """A plain call to a random container; where it makes no sense at that time the engine says so,
    and nothing happens.
    """

    def change(lab: Damage) -> None:
        name = lab.container()
        method, _, path = verb.partition(" ")
        lab.docker.call(method, f"/containers/{name}{path}")
        lab.note(f"{verb} {name}")

    return change


def rename(lab: Damage) -> None:
    name = lab.container()
    lab.docker.call("POST", f"/containers/{name}/rename?name={name}-away{len(lab.done)}")
    lab.note(f"rename {name}")


def interrupt(lab: Damage) -> None:
    """As a recreation that was killed leaves it: renamed, with or without a successor that was
    never started.
    """
    name = lab.container()
    raw = lab.raw(name)
    if raw:
        lab.docker.call("POST", f"/containers/{name}/rename?name={name}.netplan-{raw['Id'][:12]}")
        if lab.random.random() < 0.5:
            lab.docker.call("POST", f"/containers/create?name={name}", _same(raw))
    lab.note(f"interrupted recreation of {name}")


def remake(lab: Damage) -> None:
    """Under the same name and labels, with another environment and another command."""
    name = lab.container()
    raw = lab.raw(name)
    if raw:
        lab.docker.do("DELETE", f"/containers/{name}?force=1&v=1")
        body = _same(raw) | {"Env": ["MODE=damaged"], "Cmd": ["sleep", "3600"]}
        status, _ = lab.docker.call("POST", f"/containers/create?name={name}", body)
        if status == 201 and lab.random.random() < 0.7:
            lab.docker.call("POST", f"/containers/{name}/start")
    lab.note(f"remake {name} with another environment")


def _same(raw: dict[str, Any]) -> dict[str, Any]:
    config = {key: raw["Config"][key] for key in ("Image", "Cmd", "Env", "Labels")}
    return config | {
        "StopTimeout": 0,
        "HostConfig": {"NetworkMode": raw["HostConfig"]["NetworkMode"]},
    }


def squat(lab: Damage) -> None:
    """A container of somebody else takes the name."""
    name = lab.container()
    lab.docker.call("DELETE", f"/containers/{name}?force=1&v=1")
    lab.docker.container(name.removeprefix(lab.docker.prefix), "none")
    lab.note(f"foreign container called {name}")


def write(lab: Damage) -> None:
    """Spoil what it serves, in the writable layer."""
    name = lab.container()
    raw = lab.raw(name)
    if raw and raw["State"]["Running"] and not raw["State"]["Paused"]:
        lab.docker.exec(name, "sh", "-c", "echo damaged > /tmp/index.html")
    lab.note(f"write into {name}")


def other_policy(lab: Damage) -> None:
    name = lab.container()
    lab.docker.call(
        "POST",
        f"/containers/{name}/update",
        {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2}},
    )
    lab.note(f"another restart policy of {name}")


# --- attachments ----------------------------------------------------------------------------------


def disconnect(lab: Damage) -> None:
    network, name = lab.network(), lab.container()
    lab.docker.call("POST", f"/networks/{network}/disconnect", {"Container": name, "Force": True})
    lab.note(f"disconnect {name} from {network}")


def reconnect(lab: Damage) -> None:
    network, name = lab.network(), lab.container()
    lab.docker.call("POST", f"/networks/{network}/disconnect", {"Container": name, "Force": True})
    lab.docker.connect(network, name, Aliases=["wrong"])
    lab.note(f"connect {name} to {network} with another alias")


def connect_elsewhere(lab: Damage) -> None:
    name, network = lab.container(), lab.random.choice(["bridge", lab.docker.name("elsewhere")])
    lab.docker.connect(network, name)
    lab.note(f"connect {name} to {network}")


def take_address(lab: Damage) -> None:
    """A container of somebody else has the static address, as its owner left it for a moment."""
    network, name = lab.network(), lab.container()
    raw = lab.raw(name) or {}
    endpoint = raw.get("NetworkSettings", {}).get("Networks", {}).get(network) or {}
    address = (endpoint.get("IPAMConfig") or {}).get("IPv4Address")
    if address:
        lab.docker.disconnect(network, name)
        lab.docker.container(short := lab.other(), "bridge")
        lab.docker.connect(network, lab.docker.name(short), IPAMConfig={"IPv4Address": address})
        lab.docker.connect(
            network, name, IPAMConfig={"IPv4Address": address}
        )  # a phantom is left, where it still runs
    lab.note(f"address of {name} on {network} taken")


def foreign(lab: Damage) -> None:
    """A container of somebody else joins: running, stopped, or never started."""
    network, short = lab.network(), lab.other()
    state = lab.random.choice(["running", "exited", "created"])
    id = lab.docker.container(short, "bridge", start=state != "created")
    lab.docker.connect(network, id, Aliases=["stranger"])
    if state == "exited":
        lab.docker.stop(id)
    lab.note(f"foreign container, {state}, on {network}")


def foreign_inside(lab: Damage) -> None:
    """A container of somebody else shares the network of one of the lab's."""
    name = lab.container()
    raw = lab.raw(name)
    if (
        raw
        and raw["State"]["Running"]
        and raw["HostConfig"]["NetworkMode"].partition(":")[0] not in ("container", "host")
    ):
        lab.docker.container(
            lab.other(), f"container:{raw['Id']}", start=not raw["State"]["Paused"]
        )
    lab.note(f"foreign container inside {name}")


# --- networks -------------------------------------------------------------------------------------


def remove_network(lab: Damage) -> None:
    network = lab.network()
    _remove_network(lab, network)
    lab.note(f"remove network {network}")


def remake_network(lab: Damage) -> None:
    """With the labels that it had, and other settings; all that were on it are back, without their
    aliases.
    """
    network = lab.network()
    status, raw = lab.docker.call("GET", f"/networks/{network}")
    if status == 200:
        members = _remove_network(lab, network)
        body = {
            "Labels": raw["Labels"],
            "Internal": not raw["Internal"],
            "IPAM": {"Config": [{"Subnet": lab.docker.subnet()}]},
        }
        lab.docker.network(network.removeprefix(lab.docker.prefix), **body)
        for member in members:
            lab.docker.connect(network, member)
    lab.note(f"remake network {network}")


def _remove_network(lab: Damage, network: str) -> list[str]:
    members = lab.members(network)
    for member in members:
        lab.docker.call(
            "POST", f"/networks/{network}/disconnect", {"Container": member, "Force": True}
        )
    lab.docker.call("DELETE", f"/networks/{network}")
    return members


CHANGES: Sequence[Change] = (
    *map(
        _call,
        ("POST /kill", "POST /stop?t=0", "POST /pause", "POST /restart?t=0", "DELETE ?force=1&v=1"),
    ),
    *(rename, interrupt, remake, squat, write, other_policy),
    *(disconnect, reconnect, connect_elsewhere, take_address, foreign, foreign_inside),
    *(remove_network, remake_network),
)

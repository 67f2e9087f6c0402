"""One engine with a topology's lab on it, and what can be seen from inside."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import yaml

from .cli import run

Topology = dict[str, Any]


def needed(topology: Topology) -> list[str]:
    """The containers that must exist beforehand."""
    return [
        name
        for name, container in topology["containers"].items()
        if not container.get("optional") and "image" not in container
    ]


def load(file: Path) -> Topology:
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


class Lab:
    """One engine with the containers and networks that a file needs."""

    def __init__(self, host: str, image: str) -> None:
        self.host, self.image = host, image
        self.client = docker.DockerClient(base_url=host, timeout=120)
        self._made: list[Any] = []

    def prepare(self, topology: Topology) -> None:
        for name, network in topology["networks"].items():
            if network.get("external"):
                self._made.append(self.client.networks.create(name))
        for name in needed(topology):
            self._made.append(
                self.client.containers.run(
                    self.image, ["sleep", "3600"], name=name, detach=True, init=False
                )
            )

    def clean(self) -> None:
        for thing in reversed(self._made):
            thing.remove(**({"force": True} if hasattr(thing, "kill") else {}))
        self.client.close()

    def netplan(self, *arguments: str, code: int = 0) -> str:
        return run(*arguments, host=self.host, code=code).said

    def inside(self, container: str, *command: str) -> bool:
        return bool(self.client.containers.get(container).exec_run(list(command)).exit_code == 0)

    def says(self, container: str, *command: str) -> str:
        """What a command prints inside a container."""
        output = self.client.containers.get(container).exec_run(list(command)).output
        assert isinstance(output, bytes)
        return output.decode()

    def fetches(self, container: str, url: str) -> str:
        """A page downloaded inside a container, or nothing."""
        done = self.client.containers.get(container).exec_run(
            ["wget", "-q", "-O", "-", url], stderr=False
        )
        assert isinstance(done.output, bytes)
        return done.output.decode().strip() if done.exit_code == 0 else ""

    def reaches(self, one: str, other: str) -> bool:
        return self.inside(one, "ping", "-c", "1", "-W", "2", other)

    def address(self, container: str, network: str, key: str = "IPAddress") -> str:
        return str(
            self.client.containers.get(container).attrs["NetworkSettings"]["Networks"][network][key]
        )

    def life(self, container: str) -> tuple[str, str]:
        """Its ID and when it was started."""
        found = self.client.containers.get(container)
        return str(found.id), started(found)

    @contextmanager
    def edited(self, file: Path, *changes: tuple[str, str]) -> Iterator[str]:
        """The file applied with changes, and as it was again afterwards; yields what the first
        said.
        """
        text = file.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        with tempfile.TemporaryDirectory() as folder:
            changed = Path(folder, file.name)
            changed.write_text(text, encoding="utf-8")
            yield self.netplan("apply", str(changed), "--yes")
        self.netplan("apply", str(file), "--yes")

    def on_host(self, *command: str) -> str:
        """Runs a command in the engine's own network namespace; its output."""
        output = self.client.containers.run(
            self.image,
            list(command),
            network_mode="host",
            cap_add=["NET_ADMIN"],
            remove=True,
            stderr=True,
        )
        return str(output, "utf-8")

    def state(self) -> dict[str, Any]:
        """What must be as before in the end: each network's name and ID; each container's networks
        and start.
        """
        containers = self.client.containers.list(all=True)
        return {
            **{f"network {n.name}": n.id for n in self.client.networks.list()},
            **{f"volume {v.name}": v.name for v in self.client.volumes.list()},
            **{
                f"container {c.name}": (sorted(c.attrs["NetworkSettings"]["Networks"]), started(c))
                for c in containers
            },
        }


def started(container: Any) -> str:
    container.reload()
    return str(container.attrs["State"]["StartedAt"])

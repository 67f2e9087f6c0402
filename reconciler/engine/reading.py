"""Reading an engine, over `wire`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import quote

from ..codec import shapes
from ..codec.shapes import Shape
from ..codec.swarm_networks import part_in_swarm
from ..errors import ApiError, LostError
from ..model import EngineInfo, Flavor
from .api_version import greet, is_podman, pin, version_text
from .docker_py import credentials
from .locate import Target, locate
from .protocol import Filters, Reader
from .streams import last_line
from .wire import NOT_DOCKER, Log, Wire, printable

IN_NAMES = "/:@"
"""Characters that stand for themselves in an image's name."""
LINES = 20
"""How many of a container's last lines are looked at for one that is not blank; an engine cuts a
line at 16 KiB.
"""

TIMEOUT = 60.0
"""Seconds to wait for an answer, where the user says nothing."""


class EngineReader:
    """An engine that can be looked at."""

    def __init__(self, target: Target, timeout: float, log: Log | None) -> None:
        self.target = target
        self._timeout, self._log = timeout, log
        self._wire = Wire(target, timeout, log)
        self._version = greet(self._wire)
        self._api = pin(self._version)
        self._flavor: Flavor = "podman" if is_podman(self._version) else "docker"
        self._prefix = f"/v{version_text(self._api)}"
        self._info: EngineInfo | None = None

    def info(self) -> EngineInfo:
        if self._info is None:
            details, podman = self.details(), self._flavor == "podman"
            name = str(details.get("Name") or "")
            self._info = EngineInfo(
                id=(
                    name if podman else str(details.get("ID") or "")
                ),  # Podman makes up a new ID for each answer
                name=name,
                version=str(self._version.get("Version") or ""),
                api=self._api,
                flavor=self._flavor,
                transport=self.target.transport,
                network_drivers=frozenset((details.get("Plugins") or {}).get("Network") or ()),
                cgroup=str(details.get("CgroupVersion") or ""),
                **part_in_swarm(details),
            )
        return self._info

    def details(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self._get("/info", shapes.info))

    def networks(self) -> list[dict[str, Any]]:
        return self._list("/networks", shapes.network)

    def containers(self, filters: Filters | None = None) -> list[dict[str, Any]]:
        query = f"&filters={quote(json.dumps(filters))}" if filters else ""
        return self._list(f"/containers/json?all=1{query}", shapes.listed_container)

    def volumes(self, filters: Filters | None = None) -> list[dict[str, Any]]:
        query = f"?filters={quote(json.dumps(filters))}" if filters else ""
        return self._get(f"/volumes{query}", shapes.volumes).get("Volumes") or []

    def network(self, id: str) -> dict[str, Any] | None:
        return self._inspect(f"/networks/{quote(id, safe='')}", shapes.network)

    def attachments(self) -> list[dict[str, Any]]:
        filters: Filters = {"runtime": ["attachment"]}
        return self._list(f"/tasks?filters={quote(json.dumps(filters))}", shapes.task)

    def services(self) -> list[dict[str, Any]]:
        return self._list("/services", shapes.service)

    def container(self, id: str) -> dict[str, Any] | None:
        return self._inspect(f"/containers/{quote(id, safe='')}/json", shapes.container)

    def volume(self, name: str) -> dict[str, Any] | None:
        return self._inspect(f"/volumes/{quote(name, safe='')}", shapes.volume)

    def image(self, reference: str) -> dict[str, Any] | None:
        return self._inspect(f"/images/{quote(reference, safe=IN_NAMES)}/json", shapes.image)

    def images(self) -> list[dict[str, Any]]:
        return self._list("/images/json", shapes.listed_image)

    def newest(self, reference: str) -> str:
        path = f"/distribution/{quote(reference, safe=IN_NAMES)}/json"
        return str(
            self._get(path, shapes.distribution, credentials(reference))["Descriptor"]["digest"]
        )

    def last_line(self, id: str) -> str:
        query = f"stdout=1&stderr=1&tail={LINES}"
        try:
            return last_line(
                self._wire.read(f"{self._prefix}/containers/{quote(id, safe='')}/logs?{query}")
            )
        except ApiError:  # it is gone, or its log driver keeps nothing that can be read
            return ""

    def close(self) -> None:
        self._wire.close()

    def _get(
        self, path: str, shape: Shape, headers: Mapping[str, str] = MappingProxyType({})
    ) -> Any:
        """The one door through which answers come in: behind it they have the shape that their
        readers rely on.
        """
        return sound(
            self._wire.get(self._prefix + path, headers), shape, f"GET {path.partition('?')[0]}"
        )

    def _list(self, path: str, shape: Shape) -> list[dict[str, Any]]:
        """A list of such things; null is none."""
        items = shapes.list_of(shape)
        return self._get(path, lambda answer: "" if answer is None else items(answer)) or []

    def _inspect(self, path: str, shape: Shape) -> dict[str, Any] | None:
        try:
            return cast("dict[str, Any]", self._get(path, shape))
        except ApiError as error:
            if error.status == 404:
                return None
            raise


def sound(answer: Any, shape: Shape, call: str) -> Any:
    """`answer` if it has that shape. Raises LostError, which says what is wrong with it."""
    if fault := shape(answer):
        what = printable(shapes.in_words(fault))
        raise LostError(
            f"the engine's answer to {call} is not what the Docker API says: {what}", NOT_DOCKER
        )
    return answer


def open_reader(
    host: str | None = None,
    context: str | None = None,
    timeout: float = TIMEOUT,
    log: Log | None = None,
) -> Reader:
    """The engine that the docker CLI would use, to look at. Raises UsageError, UnreachableError,
    LostError.
    """
    return EngineReader(locate(host, context), timeout, log)


def engine_at(target: Target, timeout: float = TIMEOUT, log: Log | None = None) -> Reader:
    """The engine at a place that is known already, to look at."""
    return EngineReader(target, timeout, log)

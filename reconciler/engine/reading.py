"""Reading an engine, over `wire`."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from ..errors import ApiError, LostError
from ..model import EngineInfo
from .docker_py import credentials
from .greeting import greet, is_podman, pin, version_text
from .locate import Target
from .protocol import Filters
from .streams import last_line
from .wire import Log, Wire

IN_NAMES = "/:@"
"""Characters that stand for themselves in an image's name."""
LINES = 20
"""How many of a container's last lines are looked at for one that is not blank; an engine cuts a line at 16 KiB."""


class EngineReader:
    """An engine that can be looked at."""

    def __init__(self, target: Target, timeout: float, log: Log | None) -> None:
        self.target = target
        self._timeout, self._log = timeout, log
        self._wire = Wire(target, timeout, log)
        self._version = greet(self._wire)
        self._api = pin(self._version)
        self._prefix = f"/v{version_text(self._api)}"
        self._info: EngineInfo | None = None

    def info(self) -> EngineInfo:
        if self._info is None:
            details, podman = self.details(), is_podman(self._version)
            name = str(details.get("Name") or "")
            self._info = EngineInfo(
                id=name if podman else str(details.get("ID") or ""),  # Podman makes up a new ID for each answer
                name=name,
                version=str(self._version.get("Version") or ""),
                api=self._api,
                flavor="podman" if podman else "docker",
                transport=self.target.transport,
            )
        return self._info

    def details(self) -> dict[str, Any]:
        return json_object(self._wire.get(f"{self._prefix}/info"), "GET /info")

    def networks(self) -> list[dict[str, Any]]:
        return json_objects(self._wire.get(f"{self._prefix}/networks"), "GET /networks")

    def containers(self, filters: Filters | None = None) -> list[dict[str, Any]]:
        query = f"&filters={quote(json.dumps(filters))}" if filters else ""
        return json_objects(self._wire.get(f"{self._prefix}/containers/json?all=1{query}"), "GET /containers/json")

    def volumes(self, filters: Filters | None = None) -> list[dict[str, Any]]:
        query = f"?filters={quote(json.dumps(filters))}" if filters else ""
        answer = json_object(self._wire.get(f"{self._prefix}/volumes{query}"), "GET /volumes")
        volumes = json_objects(answer.get("Volumes"), "GET /volumes", "Name")
        for volume in volumes:
            json_object(volume.get("Labels") or {}, "GET /volumes")
        return volumes

    def network(self, id: str) -> dict[str, Any] | None:
        return self._inspect(f"/networks/{quote(id, safe='')}")

    def container(self, id: str) -> dict[str, Any] | None:
        return self._inspect(f"/containers/{quote(id, safe='')}/json")

    def image(self, reference: str) -> dict[str, Any] | None:
        return self._inspect(f"/images/{quote(reference, safe=IN_NAMES)}/json")

    def images(self) -> list[dict[str, Any]]:
        return json_objects(self._wire.get(f"{self._prefix}/images/json"), "GET /images/json")

    def newest(self, reference: str) -> str:
        path = f"/distribution/{quote(reference, safe=IN_NAMES)}/json"
        answer = json_object(self._wire.get(self._prefix + path, credentials(reference)), f"GET {path}")
        return str(json_object(answer.get("Descriptor"), f"GET {path}", "digest")["digest"])

    def last_line(self, id: str) -> str:
        query = f"stdout=1&stderr=1&tail={LINES}"
        try:
            return last_line(self._wire.read(f"{self._prefix}/containers/{quote(id, safe='')}/logs?{query}"))
        except ApiError:  # it is gone, or its log driver keeps nothing that can be read
            return ""

    def close(self) -> None:
        self._wire.close()

    def _inspect(self, path: str) -> dict[str, Any] | None:
        try:
            return json_object(self._wire.get(self._prefix + path), f"GET {path}", "Id")
        except ApiError as error:
            if error.status == 404:
                return None
            raise


# --- the shape of answers --------------------------------------------------------------------------------------------


def json_object(value: Any, call: str, *keys: str) -> dict[str, Any]:
    """`value` if it is an object with text under `keys`. Raises LostError."""
    if not isinstance(value, dict) or not all(isinstance(value.get(key), str) for key in keys):
        raise LostError(f"the engine's answer to {call} is not what the Docker API says", "is it a Docker engine? try again")
    return value


def json_objects(value: Any, call: str, key: str = "Id") -> list[dict[str, Any]]:
    """`value` if it is a list of objects with text under `key`; null is none. Raises LostError."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise LostError(f"the engine's answer to {call} is not what the Docker API says", "is it a Docker engine? try again")
    return [json_object(item, call, key) for item in value]

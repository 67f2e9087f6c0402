"""The engine: read over `wire`, changed through docker-py. The only importer of `docker`.

`open_reader` gives an object that has no method to change anything: what `plan` gets. `open_engine` gives one that can. Both pin one API
version for their whole life and translate every failure into the errors of errors.py. A change is sent once and never again by itself:
after a LostError nobody here knows whether the engine acted.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import quote

from .codec import endpoint_body, network_body
from .errors import ApiError, EngineError, LostError, UnreachableError
from .locate import Target, locate
from .model import EndpointMark, EngineInfo, NetworkMark, Settings
from .wire import Log, Wire, error_message, unreachable

if TYPE_CHECKING:
    from docker import APIClient

Api = tuple[int, int]
Filters = Mapping[str, Sequence[str]]
OLDEST_API: Api = (1, 41)
NEWEST_API: Api = (1, 51)
TIMEOUT = 60.0
"""Seconds to wait for an answer, where the user says nothing."""


class Reader(Protocol):
    """An engine that can be looked at. All JSON is as the engine sends it; every method raises EngineError."""

    @property
    def target(self) -> Target:
        """Where it listens."""

    def info(self) -> EngineInfo:
        """Which engine this is; asked once."""

    def details(self) -> dict[str, Any]:
        """All that `GET /info` says."""

    def networks(self) -> list[dict[str, Any]]:
        """All networks, as listed."""

    def containers(self, filters: Filters | None = None) -> list[dict[str, Any]]:
        """Containers of any state, as listed: all, or those that match the engine's own filters, e.g. `{"network": [ID]}`."""

    def network(self, id: str) -> dict[str, Any] | None:
        """A network as inspected, or None if there is none."""

    def container(self, id: str) -> dict[str, Any] | None:
        """A container as inspected, or None if there is none."""

    def volumes(self, filters: Filters | None = None) -> list[dict[str, Any]]:
        """Volumes, as listed: all, or those that match the engine's own filters, e.g. `{"label": [KEY]}`."""

    def close(self) -> None:
        """Let go of all connections."""


class Engine(Reader, Protocol):
    """An engine that can be changed too. After a LostError the change may or may not have happened."""

    def make_ready(self) -> None:
        """A change is coming: get ready for it meanwhile. Need not be called."""

    def create_network(self, name: str, settings: Settings, mark: NetworkMark | None = None) -> str:
        """Make a network; its ID."""

    def remove_network(self, id: str) -> None:
        """Remove a network."""

    def connect(self, network_id: str, container_id: str, settings: Settings, mark: EndpointMark | None = None) -> None:
        """Attach a container to a network."""

    def disconnect(self, network_id: str, container_id: str, force: bool = False) -> None:
        """Detach a container from a network; `network_id` is its name where the network itself is gone."""

    def create_volume(self, name: str, labels: Mapping[str, str]) -> dict[str, str]:
        """Make a volume; the labels that the volume of that name has now: where there was one already, they are those of that one."""

    def remove_volume(self, name: str) -> None:
        """Remove a volume."""


def open_reader(host: str | None = None, context: str | None = None, timeout: float = TIMEOUT, log: Log | None = None) -> Reader:
    """The engine that the docker CLI would use, to look at. Raises UsageError, UnreachableError, LostError."""
    return _Reader(locate(host, context), timeout, log)


def open_engine(host: str | None = None, context: str | None = None, timeout: float = TIMEOUT, log: Log | None = None) -> Engine:
    """The engine that the docker CLI would use, to look at and to change; any number of threads may use it at once."""
    return _Engine(locate(host, context), timeout, log)


def engine_at(target: Target, timeout: float = TIMEOUT, log: Log | None = None) -> Reader:
    """The engine at a place that is known already, to look at."""
    return _Reader(target, timeout, log)


class _Reader:
    def __init__(self, target: Target, timeout: float, log: Log | None) -> None:
        self.target = target
        self._timeout, self._log = timeout, log
        self._wire = Wire(target, timeout, log)
        self._version = _greet(self._wire)
        self._api = pin(self._version)
        self._prefix = f"/v{version_text(self._api)}"
        self._info: EngineInfo | None = None

    def info(self) -> EngineInfo:
        if self._info is None:
            details, podman = self.details(), _is_podman(self._version)
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
        return _object(self._wire.get(f"{self._prefix}/info"), "GET /info")

    def networks(self) -> list[dict[str, Any]]:
        return _objects(self._wire.get(f"{self._prefix}/networks"), "GET /networks")

    def containers(self, filters: Filters | None = None) -> list[dict[str, Any]]:
        query = f"&filters={quote(json.dumps(filters))}" if filters else ""
        return _objects(self._wire.get(f"{self._prefix}/containers/json?all=1{query}"), "GET /containers/json")

    def volumes(self, filters: Filters | None = None) -> list[dict[str, Any]]:
        query = f"?filters={quote(json.dumps(filters))}" if filters else ""
        answer = _object(self._wire.get(f"{self._prefix}/volumes{query}"), "GET /volumes")
        volumes = _objects(answer.get("Volumes"), "GET /volumes", "Name")
        for volume in volumes:
            _object(volume.get("Labels") or {}, "GET /volumes")
        return volumes

    def network(self, id: str) -> dict[str, Any] | None:
        return self._inspect(f"/networks/{quote(id, safe='')}")

    def container(self, id: str) -> dict[str, Any] | None:
        return self._inspect(f"/containers/{quote(id, safe='')}/json")

    def close(self) -> None:
        self._wire.close()

    def _inspect(self, path: str) -> dict[str, Any] | None:
        try:
            return _object(self._wire.get(self._prefix + path), f"GET {path}", "Id")
        except ApiError as error:
            if error.status == 404:
                return None
            raise


class _Engine(_Reader):
    def __init__(self, target: Target, timeout: float, log: Log | None) -> None:
        super().__init__(target, timeout, log)
        self._local = threading.local()
        self._clients: list[APIClient] = []

    def make_ready(self) -> None:
        threading.Thread(target=_load_docker_early, daemon=True).start()

    def create_network(self, name: str, settings: Settings, mark: NetworkMark | None = None) -> str:
        answer = self._change("POST", "/networks/create", network_body(name, settings, mark))
        return str(_object(answer, "POST /networks/create", "Id")["Id"])

    def remove_network(self, id: str) -> None:
        self._change("DELETE", f"/networks/{quote(id, safe='')}")

    def connect(self, network_id: str, container_id: str, settings: Settings, mark: EndpointMark | None = None) -> None:
        self._change("POST", f"/networks/{quote(network_id, safe='')}/connect", endpoint_body(container_id, settings, mark))

    def disconnect(self, network_id: str, container_id: str, force: bool = False) -> None:
        body = {"Container": container_id, "Force": force}
        self._change("POST", f"/networks/{quote(network_id, safe='')}/disconnect", body)

    def create_volume(self, name: str, labels: Mapping[str, str]) -> dict[str, str]:
        answer = self._change("POST", "/volumes/create", {"Name": name, "Labels": dict(labels)})
        found = _object(answer, "POST /volumes/create", "Name").get("Labels") or {}
        return _object(found, "POST /volumes/create")

    def remove_volume(self, name: str) -> None:
        self._change("DELETE", f"/volumes/{quote(name, safe='')}")

    def close(self) -> None:
        super().close()
        while self._clients:
            self._clients.pop().close()

    def _change(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send one change, once. Some fields are newer than docker-py, so its session carries the JSON and its methods are not used."""
        _load_docker()
        from requests.exceptions import RequestException

        client, began = self._client(), time.monotonic()
        try:
            response = client.request(method, f"{client.base_url}{self._prefix}{path}", json=body, timeout=self._timeout)
        except RequestException as error:
            raise self._lost(method, path, error) from error
        if self._log:
            self._log(method, path, response.status_code, time.monotonic() - began)
        if response.status_code >= 300:
            raise ApiError(response.status_code, error_message(response.status_code, response.content))
        try:
            return response.json() if path.endswith("/create") else None
        except ValueError as error:
            raise LostError(f"the engine's answer to {method} {path} is not JSON") from error

    def _client(self) -> APIClient:
        """This thread's own client: a requests session is not made for several threads."""
        client = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = _docker_client(self.target, self._timeout, version_text(self._api))
            self._clients.append(client)
        return cast("APIClient", client)

    def _lost(self, method: str, path: str, error: Exception) -> EngineError:
        cause = _root(error)
        if isinstance(cause, (FileNotFoundError, ConnectionRefusedError, PermissionError)):
            return unreachable(self.target, self._timeout, cause)
        if isinstance(cause, TimeoutError):
            return LostError(f"the engine did not answer {method} {path} within {self._timeout:g} s", "is it busy? raise --timeout")
        return LostError(f"the engine's answer to {method} {path} broke off: {cause}", "is it restarting?")


_loading = threading.Lock()


def _load_docker() -> None:
    """By one thread at a time: its packages import each other in a circle, in which two threads would wait for one another."""
    with _loading:
        import docker  # noqa: F401


def _load_docker_early() -> None:
    """It takes as long as several changes; whoever needs it before it is there waits for the rest of it, and meets its errors."""
    with suppress(ImportError):
        _load_docker()


def _docker_client(target: Target, timeout: float, version: str) -> APIClient:
    from docker import APIClient
    from docker.errors import DockerException
    from docker.tls import TLSConfig
    from urllib3 import disable_warnings
    from urllib3.exceptions import InsecureRequestWarning

    try:
        tls: TLSConfig | None = None
        if target.tls:
            pair = (target.tls.cert, target.tls.key) if target.tls.cert and target.tls.key else None
            if not target.tls.verify:
                disable_warnings(InsecureRequestWarning)  # the user's own choice: DOCKER_TLS without DOCKER_TLS_VERIFY
            tls = TLSConfig(client_cert=pair, ca_cert=target.tls.ca or None, verify=target.tls.verify)
        client = APIClient(base_url=target.url, version=version, timeout=int(timeout) or 1, tls=tls or False)
    except DockerException as error:
        raise UnreachableError(f"docker-py cannot use {target.url}: {error}") from error
    client.trust_env = False  # no proxy and no .netrc between netplan and the engine
    return client


def _root(error: BaseException) -> BaseException:
    """The operating system's own error at the bottom of what requests and urllib3 made of it; a timeout counts as one."""
    from requests.exceptions import Timeout

    if isinstance(error, Timeout):
        return TimeoutError()
    seen: list[BaseException] = [error]
    for item in seen:
        if isinstance(item, OSError) and item.errno:
            return item
        nested = [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]
        seen += [candidate for candidate in nested if isinstance(candidate, BaseException) and candidate not in seen]
    return seen[-1]


# --- finding out who it is -------------------------------------------------------------------------------------------


def pin(version: dict[str, Any]) -> Api:
    """The API version for a whole run: the engine's newest that netplan knows. Raises UnreachableError where there is none."""
    newest, oldest = _api(version.get("ApiVersion")), _api(version.get("MinAPIVersion"))
    name = version.get("Version") or "unknown"
    if newest < OLDEST_API:
        raise UnreachableError(
            f"the engine is too old: {name} speaks API {version_text(newest)}, netplan needs {version_text(OLDEST_API)}",
            "update it to Docker 20.10 or newer",
        )
    if oldest > NEWEST_API:
        raise UnreachableError(
            f"the engine is too new: {name} speaks no API below {version_text(oldest)}, netplan knows up to {version_text(NEWEST_API)}",
            "update netplan: pip install -U docker-netplan",
        )
    return min(newest, NEWEST_API)


def version_text(api: Api) -> str:
    """(1, 51) -> `1.51`."""
    return f"{api[0]}.{api[1]}"


def _greet(wire: Wire) -> dict[str, Any]:
    try:
        version = wire.get("/version")
    except ApiError as error:
        hint = "set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH" if "HTTPS server" in error.message else "check the address"
        raise UnreachableError(f"what answers at {wire.target.url} is not a Docker engine: {error.message}", hint) from error
    if not isinstance(version, dict) or not version.get("ApiVersion"):
        raise UnreachableError(f"what answers at {wire.target.url} is not a Docker engine", "check the address")
    return version


def _is_podman(version: dict[str, Any]) -> bool:
    components = version.get("Components") or []
    return any(isinstance(component, dict) and component.get("Name") == "Podman Engine" for component in components)


def _api(text: object) -> Api:
    major, _, minor = str(text or "0.0").partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)


# --- the shape of answers --------------------------------------------------------------------------------------------


def _object(value: Any, call: str, *keys: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(value.get(key), str) for key in keys):
        raise LostError(f"the engine's answer to {call} is not what the Docker API says", "is it a Docker engine? try again")
    return value


def _objects(value: Any, call: str, key: str = "Id") -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise LostError(f"the engine's answer to {call} is not what the Docker API says", "is it a Docker engine? try again")
    return [_object(item, call, key) for item in value]

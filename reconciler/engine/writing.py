"""Changing an engine, through docker-py's session. A change is sent once and never again by
itself.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode

from ..codec import endpoint_body, network_body, shapes
from ..codec.container_mounts import carried_volumes
from ..codec.containers import container_body, helper_body, update_body
from ..codec.shapes import Shape
from ..codec.volumes import volume_body
from ..errors import ApiError, EngineError, LostError, TimedOutError, machine_error
from ..marks import Place
from ..model import EndpointMark, NetworkMark, VolumeMark
from ..plan import ContainerSpec
from ..settings import Settings, Value
from .api_version import version_text
from .deadline import patiently, within
from .docker_py import credentials, docker_client, load_docker, load_docker_early, root_cause
from .locate import Target, locate
from .protocol import Engine, Progress, Ran
from .reading import TIMEOUT, EngineReader, sound
from .streams import STALL, follow_pull, frames, split_reference
from .wire import Log, decoded, error_message, unreachable

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

SOON = 1.0
"""Seconds after a look at the lock within which a change goes out without another one."""
ALREADY = 304
"""A container that runs is started, one that is stopped is stopped: nothing to do."""


class EngineWriter(EngineReader):
    """An engine that can be changed too."""

    def __init__(self, target: Target, timeout: float, log: Log | None) -> None:
        super().__init__(target, timeout, log)
        self._clients: list[APIClient] = []
        self._check: Callable[[], None] | None = None

    def make_ready(self) -> None:
        with suppress(RuntimeError):  # no more threads: it is loaded when it is needed
            threading.Thread(target=load_docker_early, daemon=True).start()

    def guard(self, check: Callable[[], None] | None) -> None:
        self._check = check

    def create_network(self, name: str, settings: Settings, mark: NetworkMark | None = None) -> str:
        return self._create("/networks/create", network_body(name, settings, mark))

    def remove_network(self, id: str) -> None:
        self._change("DELETE", f"/networks/{quote(id, safe='')}")

    def connect(
        self,
        network_id: str,
        container_id: str,
        settings: Settings,
        mark: EndpointMark | None = None,
        place: Place | None = None,
    ) -> None:
        body = endpoint_body(container_id, settings, mark, place, self._flavor)
        self._change("POST", f"/networks/{quote(network_id, safe='')}/connect", body)

    def disconnect(self, network_id: str, container_id: str, force: bool = False) -> None:
        body = {"Container": container_id, "Force": force}
        self._change("POST", f"/networks/{quote(network_id, safe='')}/disconnect", body)

    def create_container(self, name: str, spec: ContainerSpec) -> str:
        query = {"name": name, "platform": spec.settings.get("platform", "")}
        body = container_body(name, spec, self._api, self._flavor, os.urandom(6).hex())
        return self._create(f"/containers/create?{_query(query)}", body)

    def start(self, id: str) -> None:
        self._change("POST", f"{_container(id)}/start")

    def stop(self, id: str, seconds: int) -> None:
        self._change("POST", f"{_container(id)}/stop?t={seconds}", patience=seconds)

    def rename(self, id: str, name: str) -> None:
        self._change("POST", f"{_container(id)}/rename?{_query({'name': name})}")

    def remove_container(self, id: str, force: bool = False, volumes: bool = False) -> None:
        carried = carried_volumes(self.container(id) or {}) if volumes else []
        self._change("DELETE", f"{_container(id)}?{_query({'force': force, 'v': volumes})}")
        for volume in carried:
            with suppress(ApiError):  # another container uses it too
                self._change("DELETE", f"/volumes/{volume}")

    def update_container(self, id: str, settings: Settings) -> None:
        self._change("POST", f"{_container(id)}/update", update_body(settings))

    def create_helper(self, image: str, mode: str, mark: str, command: Sequence[str]) -> str:
        body = helper_body(image, mode, mark, command)
        return str(self._answered("/containers/create", body, shapes.created, guarded=False)["Id"])

    def execute(self, id: str, command: Sequence[str], timeout: float) -> Ran:
        body = {"Cmd": list(command), "AttachStdout": True, "AttachStderr": True}
        made = self._answered(f"{_container(id)}/exec", body, shapes.created, guarded=False)
        place = f"/exec/{quote(made['Id'], safe='')}"
        patience = max(timeout, self._timeout)
        with (
            self._send(
                "POST", f"{place}/start", {"Detach": False}, patience, guarded=False, stream=True
            ) as response,
            self._translated("POST", f"{place}/start", timeout),
        ):
            written = within(timeout, lambda: response.content)
        streams: dict[int, bytes] = {}
        for number, part in frames(written):
            streams[number] = streams.get(number, b"") + part
        texts = (streams.get(number, b"").decode("utf-8", "replace") for number in (1, 2))
        ended = self._get(f"{place}/json", shapes.executed)
        return Ran(int(ended.get("ExitCode") or 0), *texts)

    def pull(self, reference: str, platform: str = "", on_progress: Progress | None = None) -> None:
        name, version = split_reference(reference)
        path = f"/images/create?{_query({'fromImage': name, 'tag': version, 'platform': platform})}"
        with (
            self._send(
                "POST", path, None, STALL, headers=credentials(reference), stream=True
            ) as response,
            self._translated("POST", path, STALL),
        ):
            follow_pull(patiently(response.iter_content(1 << 16), STALL), on_progress)

    def create_volume(self, name: str, labels: Mapping[str, str]) -> dict[str, str]:
        body = {"Name": name, "Labels": dict(labels)}
        return (
            self._answered("/volumes/create", body, shapes.volume, guarded=False).get("Labels")
            or {}
        )

    def remove_volume(self, name: str) -> None:
        self._change("DELETE", f"/volumes/{quote(name, safe='')}", guarded=False)

    def create_declared_volume(
        self, name: str, settings: Settings, mark: VolumeMark, secrets: Mapping[str, str]
    ) -> dict[str, Any]:
        body = volume_body(name, settings, mark, secrets)
        return self._answered("/volumes/create", body, shapes.volume)

    def remove_declared_volume(self, name: str) -> None:
        self._change("DELETE", f"/volumes/{quote(name, safe='')}")

    def close(self) -> None:
        super().close()
        while self._clients:
            self._clients.pop().close()

    def _create(self, path: str, body: dict[str, Any]) -> str:
        return str(self._answered(path, body, shapes.created)["Id"])

    def _answered(
        self, path: str, body: dict[str, Any], shape: Shape, guarded: bool = True
    ) -> dict[str, Any]:
        """The JSON that comes back, of that shape."""
        call = f"POST {path.partition('?')[0]}"
        with self._send("POST", path, body, self._timeout, guarded=guarded) as response:
            return cast("dict[str, Any]", sound(decoded(response.content, call), shape, call))

    def _change(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        patience: float = 0,
        guarded: bool = True,
    ) -> None:
        """Send one change, once; `patience`: seconds that it may rightly take, beyond the usual."""
        self._send(method, path, body, self._timeout + patience, guarded=guarded).close()

    def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        timeout: float,
        guarded: bool = True,
        **more: Any,
    ) -> Response:
        """Some fields are newer than docker-py, so its session carries the JSON and its methods are
        not used.

        Every change leaves through here, so here the guard is asked.
        """
        load_docker()
        check = self._check if guarded else None
        if check:
            check()
        ask = partial(_asked, check, time.monotonic())
        client, began = self._client(), time.monotonic()
        url = f"{client.base_url}{self._prefix}{path}"
        with self._translated(method, path, timeout):
            # a client that is not done in time is not used again: its call goes on
            response = within(
                timeout,
                partial(
                    ask,
                    client.request,
                    method,
                    url,
                    json=body,
                    timeout=timeout,
                    allow_redirects=False,
                    **more,
                ),
            )
            if response.status_code < 200:
                raise ValueError(f"HTTP status {response.status_code} is no answer")
            if not more:
                self._clients.append(client)
        if self._log:
            self._log(method, path, response.status_code, time.monotonic() - began)
        if response.status_code >= 300 and response.status_code != ALREADY:
            with response, self._translated(method, path, timeout):
                status, call = response.status_code, f"{method} {path.partition('?')[0]}"
                raise ApiError(status, error_message(status, response.content), call)
        return response

    @contextmanager
    def _translated(self, method: str, path: str, timeout: float) -> Iterator[None]:
        """Failures of the session as errors of errors.py."""
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        try:
            yield
        except (
            RequestException,
            HTTPError,
            TimeoutError,
            ValueError,
        ) as error:  # requests lets some of what others raise through
            raise self._lost(method, path, timeout, error) from error

    def _client(self) -> APIClient:
        """A client that nobody uses now: a requests session is not made for several threads."""
        with suppress(IndexError):
            return self._clients.pop()
        return docker_client(self.target, self._timeout, version_text(self._api))

    def _lost(self, method: str, path: str, timeout: float, error: Exception) -> EngineError:
        cause = root_cause(error)
        if (
            isinstance(cause, OSError)
            and cause.errno in (errno.EMFILE, errno.ENFILE)
            and (shortage := machine_error(cause))
        ):
            return shortage  # no connection: nothing was sent
        if isinstance(cause, (FileNotFoundError, ConnectionRefusedError, PermissionError)):
            return unreachable(self.target, timeout, cause)
        if isinstance(cause, TimeoutError):
            return TimedOutError(
                f"the engine did not answer {method} {path} within {timeout:g} s",
                "is it busy? raise --timeout",
            )
        return LostError(
            f"the engine's answer to {method} {path} broke off: {cause}", "is it restarting?"
        )


def _asked(
    check: Callable[[], None] | None,
    checked: float,
    request: Callable[..., Response],
    *arguments: Any,
    **more: Any,
) -> Response:
    """`request(...)`; checked again where much time has passed since: this process was
    suspended.
    """
    if check and time.monotonic() - checked > SOON:
        check()
    return request(*arguments, **more)


def _container(id: str) -> str:
    return f"/containers/{quote(id, safe='')}"


def _query(values: Mapping[str, Value]) -> str:
    """`{"name": "web", "force": True, "platform": ""}` -> `name=web&force=1`."""
    return urlencode(
        {
            key: int(value) if isinstance(value, bool) else value
            for key, value in values.items()
            if value
        }
    )


def open_engine(
    host: str | None = None,
    context: str | None = None,
    timeout: float = TIMEOUT,
    log: Log | None = None,
) -> Engine:
    """The engine that the docker CLI would use, to look at and to change; any number of threads may
    use it at once.
    """
    return EngineWriter(locate(host, context), timeout, log)

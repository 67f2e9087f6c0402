"""What is taken from docker-py: its session, which carries changes, and the credentials that the
docker CLI keeps. Loaded when needed.
"""

from __future__ import annotations

import threading
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import UnreachableError
from .locate import Target

if TYPE_CHECKING:
    from docker import APIClient

_loading = threading.Lock()


def load_docker() -> None:
    """By one thread at a time: its packages import each other in a circle, in which two threads
    would wait for one another.
    """
    with _loading:
        import docker  # noqa: F401


def load_docker_early() -> None:
    """It takes as long as several changes; whoever needs it before it is there waits for the rest
    of it, and meets its errors.
    """
    with suppress(ImportError):
        load_docker()


def docker_client(target: Target, timeout: float, version: str) -> APIClient:
    """A client for `target` at that version of the API. Raises UnreachableError."""
    from docker import APIClient
    from docker.errors import DockerException
    from docker.tls import TLSConfig
    from docker.transport import UnixHTTPAdapter
    from urllib3 import disable_warnings
    from urllib3.exceptions import InsecureRequestWarning

    try:
        tls: TLSConfig | None = None
        if target.tls:
            pair = (target.tls.cert, target.tls.key) if target.tls.cert and target.tls.key else None
            if not target.tls.verify:
                disable_warnings(
                    InsecureRequestWarning
                )  # the user's own choice: DOCKER_TLS without DOCKER_TLS_VERIFY
            tls = TLSConfig(
                client_cert=pair, ca_cert=target.tls.ca or None, verify=target.tls.verify
            )
        seconds = int(timeout) or 1
        client = APIClient(base_url=target.url, version=version, timeout=seconds, tls=tls or False)
        if (
            target.path
        ):  # its own adapter keeps one connection for each of 25 paths, whatever `num_pools` says
            adapter = UnixHTTPAdapter(f"http+unix://{target.path}", seconds, pool_connections=1)
            client.mount("http+docker://", adapter)
    except DockerException as error:
        raise UnreachableError(f"docker-py cannot use {target.url}: {error}") from error
    client.trust_env = False  # no proxy and no .netrc between netplan and the engine
    return client


def root_cause(error: BaseException) -> BaseException:
    """The operating system's own error at the bottom of what requests and urllib3 made of it; a
    timeout counts as one.
    """
    from requests.exceptions import Timeout

    seen: list[BaseException] = [error]
    for item in seen:
        if isinstance(item, Timeout | TimeoutError):
            return TimeoutError()
        if isinstance(item, OSError) and item.errno:
            return item
        nested = [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]
        seen += [
            candidate
            for candidate in nested
            if isinstance(candidate, BaseException) and candidate not in seen
        ]
    return seen[-1]


def credentials(reference: str) -> dict[str, str]:
    """The header that tells the registry of an image who asks, from where the docker CLI keeps it;
    none for a stranger.

    Like the CLI, a store of credentials that does not work is passed over: the registry then says
    what it misses.
    """
    load_docker()
    from docker import auth

    warnings.filterwarnings("ignore", module="docker.credentials")
    with suppress(Exception):  # what docker-py raises for a file that anybody may have written
        registry, _ = auth.resolve_repository_name(reference)
        found = auth.load_config().resolve_authconfig(registry)
        if found:
            return {"X-Registry-Auth": auth.encode_header(found).decode()}
    return {}

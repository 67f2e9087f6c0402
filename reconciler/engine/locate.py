"""Which engine: found as the docker CLI finds it.

`--context`, then `--host`, `DOCKER_HOST`, `DOCKER_CONTEXT`, the current context of the docker CLI's
configuration, the default socket. Contexts are read here and not through docker-py: it finds none
where there is no config.json (`docker context create` writes none), and importing it costs more
than all reads of a small plan.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import UnreachableError, UsageError
from ..fast_dataclasses import dataclass

DEFAULT_SOCKET = "/var/run/docker.sock"


@dataclass(frozen=True, slots=True)
class Tls:
    """Files for TLS, each a path or empty; `verify`: whether the engine's certificate is
    checked.
    """

    ca: str = ""
    cert: str = ""
    key: str = ""
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Target:
    """Where an engine listens: a socket's `path`, or `host` and `port`. `source` says why this one,
    `context` names the context if any.
    """

    source: str
    path: str = ""
    host: str = ""
    port: int = 0
    tls: Tls | None = None
    context: str = ""

    @property
    def transport(self) -> str:
        """`unix`, `tcp` or `tls`."""
        if self.path:
            return "unix"
        return "tls" if self.tls else "tcp"

    @property
    def url(self) -> str:
        """As a user writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"unix://{self.path}" if self.path else f"tcp://{host}:{self.port}"


def locate(
    host: str | None = None, context: str | None = None, env: Mapping[str, str] = os.environ
) -> Target:
    """The engine to use. Raises UsageError for a contradictory or unusable choice; touches no
    engine.
    """
    if host and context:
        raise UsageError("--host and --context were both given", "give one of them")
    if host or (env.get("DOCKER_HOST") and not context):
        source = "--host" if host else "DOCKER_HOST"
        return _target(host or env["DOCKER_HOST"], source, _tls_of_environment(env))
    name, source = _context_name(context, env)
    if name != "default":
        return _target_of_context(name, source, env)
    if context and env.get("DOCKER_HOST"):
        return _target(env["DOCKER_HOST"], "DOCKER_HOST", _tls_of_environment(env))
    return Target("the default socket", path=DEFAULT_SOCKET)


def _context_name(context: str | None, env: Mapping[str, str]) -> tuple[str, str]:
    if context:
        return context, "--context"
    if env.get("DOCKER_CONTEXT"):
        return env["DOCKER_CONTEXT"], "DOCKER_CONTEXT"
    file = _config_folder(env) / "config.json"
    current = _read_json(file).get("currentContext")
    return (current, str(file)) if isinstance(current, str) and current else ("default", "")


def _target_of_context(name: str, source: str, env: Mapping[str, str]) -> Target:
    folder, key = _config_folder(env) / "contexts", hashlib.sha256(name.encode()).hexdigest()
    meta = _read_json(folder / "meta" / key / "meta.json")
    endpoints = meta.get("Endpoints")
    endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
    if not isinstance(endpoint, dict) or not endpoint.get("Host"):
        raise UsageError(
            f'the context "{name}" ({source}) does not exist',
            "list them: docker context ls",
            "or name the engine: --host unix:///...",
        )
    files = folder / "tls" / key / "docker"
    present = os.path.isdir(files)  # noqa: PTH112 - Path's raises where it may not look
    tls = _tls_files(files, verify=not endpoint.get("SkipTLSVerify")) if present else None
    return _target(str(endpoint["Host"]), f'context "{name}" ({source})', tls, name)


def _target(host: str, source: str, tls: Tls | None, context: str = "") -> Target:
    scheme, separator, rest = host.strip().partition("://")
    if not separator:
        scheme, rest = "tcp", host.strip()
    if scheme == "unix":
        return Target(source, path=rest or DEFAULT_SOCKET, context=context)
    if scheme == "ssh":
        raise UsageError(
            f"{source}: {host}: engines over ssh are not supported yet", *_forwarding(rest, source)
        )
    if scheme not in ("tcp", "http", "https"):
        raise UsageError(
            f"{source}: {host}: no such kind of address",
            "use unix:///path/to/docker.sock or tcp://host:port",
        )
    if scheme == "https" and tls is None:
        tls = Tls()
    address, port = _split(host, rest)
    return Target(
        source, host=address, port=port or (2376 if tls else 2375), tls=tls, context=context
    )


def _forwarding(rest: str, source: str) -> list[str]:
    """The commands that make an engine over ssh a local socket, to be run as they stand."""
    try:
        parts = urlsplit(f"//{rest}")
        machine, port, path = (
            parts.hostname or "HOST",
            parts.port,
            parts.path.rstrip("/") or DEFAULT_SOCKET,
        )
    except ValueError:
        machine, port, path = "HOST", None, DEFAULT_SOCKET
    user = f"{parts.username}@" if machine != "HOST" and parts.username else ""
    local = f"/tmp/netplan-{re.sub('[^0-9A-Za-z.-]', '-', machine)}.sock"
    where = ["-p", str(port)] if port else []
    words = [
        "ssh",
        "-fNT",
        "-o",
        "ExitOnForwardFailure=yes",
        "-o",
        "StreamLocalBindUnlink=yes",
        "-L",
        f"{local}:{path}",
        *where,
    ]
    use = (
        f"instead of {source}: --host unix://{local}"
        if source == "--host"
        else f"export DOCKER_HOST=unix://{local}"
    )
    if "--context" in source:
        use = f"instead of --context: --host unix://{local}"
    return [
        "forward its socket, and use that:",
        shlex.join([*words, "--", f"{user}{machine}"]),
        use,
    ]


def _split(host: str, rest: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"//{rest}")
        address, port = parts.hostname, parts.port
    except ValueError:
        address, port = None, None
    if not address or parts.path.strip("/"):
        raise UsageError(
            f"{host}: not an engine's address", "use unix:///path/to/docker.sock or tcp://host:port"
        )
    return address, port


def _tls_of_environment(env: Mapping[str, str]) -> Tls | None:
    verify = bool(env.get("DOCKER_TLS_VERIFY"))
    if not verify and not env.get("DOCKER_TLS"):
        return None
    return _tls_files(Path(env.get("DOCKER_CERT_PATH") or _config_folder(env)), verify)


def _tls_files(folder: Path, verify: bool) -> Tls:
    files = (str(folder / f"{name}.pem") for name in ("ca", "cert", "key"))
    ca, cert, key = (file if os.path.exists(file) else "" for file in files)  # noqa: PTH110 - Path's raises where it may not look
    return Tls(ca, cert, key, verify)


def _config_folder(env: Mapping[str, str]) -> Path:
    if env.get("DOCKER_CONFIG"):
        return Path(env["DOCKER_CONFIG"])
    return Path(env.get("HOME") or os.path.expanduser("~")) / ".docker"  # noqa: PTH111 - Path.expanduser raises for a user without a home


def _read_json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise UnreachableError(
            f"{file} cannot be read: permission denied", "give --host, or the right to read it"
        ) from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read: {error}", "mend it, or give --host") from error
    return value if isinstance(value, dict) else {}

"""Which engine this is, and which version of its API is spoken for a whole run."""

from __future__ import annotations

import re
from typing import Any, cast

from ..codec import shapes
from ..errors import ApiError, UnreachableError
from ..model import NEWEST_API, OLDEST_API, Api
from .wire import Wire

_API = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")


def pin(version: dict[str, Any]) -> Api:
    """The API version for a whole run: the engine's newest that netplan knows. Raises
    UnreachableError where there is none.
    """
    newest, oldest = _api(version.get("ApiVersion")), _api(version.get("MinAPIVersion"))
    name = version.get("Version") or "unknown"
    if newest < OLDEST_API:
        raise UnreachableError(
            f"the engine is too old: {name} speaks API {version_text(newest)}, netplan needs"
            f" {version_text(OLDEST_API)}",
            "update it to Docker 20.10 or newer",
        )
    if oldest > NEWEST_API:
        raise UnreachableError(
            f"the engine is too new: {name} speaks no API below {version_text(oldest)}, netplan"
            f" knows up to {version_text(NEWEST_API)}",
            "update netplan: pip install -U docker-netplan",
        )
    return min(newest, NEWEST_API)


def version_text(api: Api) -> str:
    """(1, 51) -> `1.51`."""
    return f"{api[0]}.{api[1]}"


def greet(wire: Wire) -> dict[str, Any]:
    """What the engine says about its version. Raises UnreachableError where no engine answers."""
    try:
        version = wire.get("/version")
    except ApiError as error:
        hint = (
            "set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH"
            if "HTTPS server" in error.message
            else "check the address"
        )
        raise UnreachableError(
            f"what answers at {wire.target.url} is not a Docker engine: {error.message}", hint
        ) from error
    if shapes.version(version):
        raise UnreachableError(
            f"what answers at {wire.target.url} is not a Docker engine", "check the address"
        )
    return cast("dict[str, Any]", version)


def is_podman(version: dict[str, Any]) -> bool:
    """Whether it is Podman that answers like Docker."""
    components = version.get("Components") or []
    return any(component.get("Name") == "Podman Engine" for component in components)


def _api(text: str | None) -> Api:
    found = _API.fullmatch(text or "")
    return (int(found[1]), int(found[2])) if found else (0, 0)

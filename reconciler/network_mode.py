"""A container's network mode as a value; its text is as an engine and a file write it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from .fast_dataclasses import dataclass

_CONTAINER = "container:"
NAMESPACES = {"network_mode": "network", "pid": "process namespace", "ipc": "IPC namespace"}
"""The settings by which a container shares something of another one, and what that is called."""


@dataclass(frozen=True, slots=True)
class NetworkMode:
    """`name` is that of a `network`, or the name or ID of the `container` whose network it shares;
    for the other kinds it is that of the network which every engine has.
    """

    kind: Literal["bridge", "host", "none", "container", "network"]
    name: str

    @property
    def shares(self) -> str:
        """The name or ID of the container whose network it shares, empty where it shares none."""
        return self.name if self.kind == "container" else ""

    @property
    def attachable(self) -> bool:
        """Whether a container of this mode can be attached to networks."""
        return self.kind not in ("host", "container")

    @property
    def publishes(self) -> bool:
        """Whether ports of such a container can be published; elsewhere engines ignore them."""
        return self.kind in ("bridge", "network")

    @property
    def text(self) -> str:
        """As a file writes it: `bridge` and not `default`."""
        return f"{_CONTAINER}{self.name}" if self.kind == "container" else self.name


@lru_cache(maxsize=4096)
def read_mode(text: str) -> NetworkMode:
    """The mode of a text; `default` and none at all is `bridge`."""
    if text.startswith(_CONTAINER):
        return NetworkMode("container", text.removeprefix(_CONTAINER))
    match text:
        case "" | "default" | "bridge":
            return NetworkMode("bridge", "bridge")
        case "host":
            return NetworkMode("host", text)
        case "none":
            return NetworkMode("none", text)
        case _:
            return NetworkMode("network", text)


def sharing(mode: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """By key of NAMESPACES the name or ID of the container whose namespace is shared; `mode` is
    the network mode.
    """
    found = {"network_mode": mode, "pid": settings.get("pid"), "ipc": settings.get("ipc")}
    return {
        key: value.removeprefix(_CONTAINER)
        for key, value in found.items()
        if isinstance(value, str) and value.startswith(_CONTAINER)
    }


def joined(mode: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The names or IDs of all containers of which a container shares something."""
    return tuple(dict.fromkeys(sharing(mode, settings).values()))


def cut_off(shared: Mapping[str, str]) -> str:
    """Why a container that runs in a namespace of before must be restarted; `shared` as of
    `sharing`, with names. Who shares processes ended with them.
    """
    kept = {key: name for key, name in shared.items() if key != "pid"}
    names = " or ".join(dict.fromkeys(kept.values()))
    what = " or ".join(NAMESPACES[key] for key in kept)
    return f"has lost its {what}: {names}, whose {what} it shares, was restarted"

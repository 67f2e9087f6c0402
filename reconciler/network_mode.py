"""A container's network mode as a value; its text is as an engine and a file write it."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from .records import dataclass

_CONTAINER = "container:"


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

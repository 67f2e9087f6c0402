"""Network namespaces by commands: in a helper, which is a container of netplan's own that shares
one, or in the container itself.

A helper is labelled with the run that made it. It ends by itself after a while, and the engine
removes it then; one whose run was killed is removed by the next run that looks.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar

from ..engine import Engine
from ..errors import ApiError, EngineError
from ..lock.holder import gone, holder_text, myself, read_holder
from ..marks import HELPER
from .protocol import AccessError, Question, Way

T = TypeVar("T")

DEFAULT_IMAGE = "busybox"
LIFETIME = 900
"""Seconds after which a helper ends."""
_SLEEP = ("sleep", str(LIFETIME))
_NOT_FOUND = 404


class CommandNamespace:
    """The namespace that the container of that ID is in."""

    def __init__(self, engine: Engine, container: str, way: Way) -> None:
        self._engine, self._container, self.way = engine, container, way

    def ask(self, question: Question[T], timeout: float) -> T:
        """See NetworkNamespace."""
        try:
            ran = self._engine.execute(self._container, question.command, timeout)
        except ApiError as error:
            raise AccessError(f"no command can be run in it: {error.message}") from error
        return question.read(ran)


class Helpers:
    """The helpers of this run, and what is left of those of others."""

    def __init__(self, engine: Engine, image: str) -> None:
        self._engine, self._image = engine, image
        self._mark = holder_text(myself("links"))
        self._made: list[str] = []

    def enter(self, mode: str) -> CommandNamespace:
        """The namespace that a container of that network mode is in. Raises AccessError."""
        try:
            id = self._engine.create_helper(self._image, mode, self._mark, _SLEEP)
            self._made.append(id)
            self._engine.start(id)
        except ApiError as error:
            if error.status == _NOT_FOUND and "image" in error.message.lower():
                raise AccessError(
                    f"image {self._image} is not on the engine: docker pull {self._image}, or name"
                    " another with --probe-image"
                ) from error
            raise AccessError(f"no helper can be started: {error.message}") from error
        return CommandNamespace(self._engine, id, "helper")

    def sweep(self) -> int:
        """Remove the helpers whose run is provably gone; how many there were."""
        listed = self._engine.containers({"label": [HELPER]})
        dead = [one["Id"] for one in listed if gone(read_holder(one["Labels"].get(HELPER) or ""))]
        for id in dead:
            self._remove(id)
        return len(dead)

    def close(self) -> None:
        """Remove those of this run."""
        while self._made:
            self._remove(self._made.pop())

    def _remove(self, id: str) -> None:
        with suppress(EngineError):  # it has ended, and the engine removes it
            self._engine.remove_container(id, force=True)

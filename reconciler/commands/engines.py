"""The engine that the options name, to look at or to change."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from os.path import isfile
from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from ..runs import Sight
from ..terminal import safe, write_line

if TYPE_CHECKING:
    from ..engine import Engine, Reader


R = TypeVar("R", bound="Reader")


class Lookout(Generic[R]):
    """An engine that is opened and looked at in the background, while the files are read: reading
    them takes as long as that.

    Where a text may be long in coming (standard input, a pipe), it looks only when that is there:
    what it saw before may be long gone.
    """

    def __init__(
        self,
        options: Namespace,
        opening: Callable[[Namespace], AbstractContextManager[R]],
        paths: Iterable[str],
    ) -> None:
        self._opening = opening(options)
        self._found: list[tuple[R, Sight] | BaseException] = []
        self._thread = Thread(target=self._look, daemon=True)
        self._early = all(map(isfile, paths))
        if self._early:
            self._thread.start()

    def _look(self) -> None:
        from ..lock import own_volumes
        from ..observe import gather

        try:
            reader = self._opening.__enter__()
            self._found.append((reader, Sight(own_volumes(reader), gather(reader))))
        except BaseException as error:  # handed to the caller's thread, which raises it
            self._found.append(error)

    @contextmanager
    def seen(self) -> Iterator[tuple[R, Sight]]:
        """The engine, and what was seen of it. Raises EngineError."""
        if not self._early:
            self._thread.start()
        self._thread.join()
        [found] = self._found
        if isinstance(found, BaseException):
            raise found
        try:
            yield found
        finally:
            self._opening.__exit__(None, None, None)


@contextmanager
def reader_of(options: Namespace) -> Iterator[Reader]:
    """The engine that the options name, to look at."""
    from ..engine import open_reader

    with closing(
        open_reader(options.host, options.context, options.timeout, call_log(options))
    ) as reader:
        yield reader


@contextmanager
def engine_of(options: Namespace) -> Iterator[Engine]:
    """The engine that the options name, to look at and to change."""
    from ..engine import open_engine

    with closing(
        open_engine(options.host, options.context, options.timeout, call_log(options))
    ) as engine:
        yield engine


def call_log(options: Namespace) -> Callable[[str, str, int, float], None] | None:
    """Prints each engine call with its time on standard error, where --verbose asks for it."""
    if not options.verbose:
        return None

    def log(method: str, path: str, status: int, seconds: float) -> None:
        with suppress(OSError, ValueError):  # whoever reads it may be gone, and the call was made
            time = f"{seconds * 1000:8.1f} ms"
            write_line(sys.stderr, f"{method:<6} {status}  {time}  {safe(path)}")

    return log

"""What reads one container's settings: the settings as far as they are read, and the ways to take
values from a mapping.

Nothing is trusted to fit the schema: a value of a wrong type counts as absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from ..fast_dataclasses import dataclass, field
from ..model import Dependency, PullPolicy, Secrets
from ..network_mode import sharing
from ..settings import BadValueError, Value
from ..settings.ports import Port
from .document import Map, Odd, Seq, show
from .engine_names import Volumes
from .report import Report

T = TypeVar("T")
MAX_PORTS = 200_000
"""Of one file, ranges expanded."""


@dataclass
class Common:
    """What the containers of a file have in common: the volumes that it declares, the files of its
    secrets and configs by kind and key, and how many ports they may still have.
    """

    volumes: Volumes = field(default_factory=Volumes)
    files: Mapping[tuple[str, str], str] = field(default_factory=dict)
    ports: int = MAX_PORTS


@dataclass
class Service:
    """One managed container as its file says: what DesiredContainer holds, and where what other
    containers matter to stands.

    `name` is its key in the file; `settings` are whole except for what was reported. `published`
    are its ports, `depends_on` what it waits for and `mode` the network mode, with positions.
    """

    name: str
    at: int
    body: Map
    settings: dict[str, Value] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    published: list[tuple[Port, int]] = field(default_factory=list)
    mounts: dict[str, int] = field(default_factory=dict)
    depends_on: list[tuple[Dependency, int]] = field(default_factory=list)
    one_shot: bool = False
    pull_policy: PullPolicy = "missing"

    @property
    def mode(self) -> str:
        """The declared network mode, or nothing."""
        return str(self.settings.get("network_mode", ""))

    @property
    def shares(self) -> str:
        """The container whose network it shares, or nothing."""
        return self.mode.removeprefix("container:") if self.mode.startswith("container:") else ""

    @property
    def joins(self) -> dict[str, str]:
        """By key (network_mode, pid, ipc) the container of which it shares something."""
        return sharing(self.mode, self.settings)

    def secrets(self) -> Secrets:
        """The values that only the engine may see."""
        return Secrets(self.environment)


class Reader:
    """One container's mapping, and its settings as they are read."""

    def __init__(self, report: Report, service: Service, common: Common) -> None:
        self.report = report
        self.common = common
        self.service = service
        self.body = service.body
        self.settings = service.settings

    def attempt(self, at: int, function: Callable[..., T], *arguments: Any) -> T | None:
        """The function's result, or a report and None."""
        try:
            return function(*arguments)
        except BadValueError as error:
            self.report.error(at, str(error))
            return None

    def items(
        self, key: str, body: Map | None = None, numbers: bool = False
    ) -> Iterator[tuple[int, str]]:
        """Position and text of the items of a list, or of the one item that stands for a list;
        whole numbers count only if asked for.
        """
        where = self.body if body is None else body
        value = where.get(key)
        if isinstance(value, Seq):
            found = [(value.value_at(index), item) for index, item in enumerate(value)]
        else:
            found = [(where.value_at(key), value)]
        return (
            (at, str(item))
            for at, item in found
            if is_text(item) or (numbers and type(item) is int)
        )

    def pairs(
        self, key: str, what: str, example: str, body: Map | None = None
    ) -> Iterator[tuple[str, int, Any, int]]:
        """Key, position, value, position of a mapping or of a list of `key=value`; in a list each
        key stands once.
        """
        where = self.body if body is None else body
        value = where.get(key)
        if isinstance(value, Map):
            yield from (
                (name, value.key_at(name), item, value.value_at(name))
                for name, item in value.items()
            )
        seen: dict[str, int] = {}
        for at, item in self.items(key, where) if isinstance(value, Seq) else ():
            name, sign, rest = item.partition("=")
            if name in seen:
                first = f"the first is in line {self.report.line(seen[name])}, remove one"
                self.report.error(
                    at, f"{what} {show(name) if sign else 'here'} is declared twice: {first}"
                )
            elif not sign and example:
                self.report.error(at, f"{what} {show(name)} has no value: write it like {example}")
            else:
                yield name, at, rest if sign else None, at
            seen.setdefault(name, at)

    def many(self, key: str, values: Iterable[str | None], ordered: bool = False) -> None:
        """Sets a tuple, without what failed and without repetitions; an empty one is unset."""
        kept = list(dict.fromkeys(value for value in values if value is not None))
        if kept:
            self.settings[key] = tuple(kept if ordered else sorted(kept))

    def put(self, key: str, value: Value | None) -> None:
        """Sets what is not None."""
        if value is not None:
            self.settings[key] = value

    def members(self, key: str) -> Iterator[tuple[int, Any]]:
        """Position and value of the items of a list that are text, whole numbers or mappings."""
        value = self.body.get(key)
        listed = value if isinstance(value, Seq) else Seq()
        for index, item in enumerate(listed):
            if isinstance(item, Map):
                yield listed.value_at(index), item
            elif is_text(item) or type(item) is int:
                yield listed.value_at(index), str(item)


def is_text(value: object) -> bool:
    """Whether a value is text, and to every reader of YAML."""
    return isinstance(value, str) and type(value) is not Odd


def number(entry: Map, key: str) -> str | None:
    """The value of a key, as text, if it is text or a whole number."""
    value = entry.get(key)
    return str(value) if is_text(value) or type(value) is int else None

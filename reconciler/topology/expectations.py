"""Reads `expect:`, and reports what is wrong with it. As in network_checks.py, nothing is trusted
to fit the schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..expectations import (
    HOST,
    LOCALHOST,
    OUTSIDE,
    Expectation,
    ExpectationError,
    checked,
    read_expectation,
    split_url,
)
from ..fast_dataclasses import dataclass, field, replace
from .attachment_checks import attachments
from .container_reader import is_text
from .document import Map, Seq, show
from .engine_names import container_name, is_external, network_name
from .hints import suggestion
from .report import Report, mapping, members, text
from .schema import flag

_MAX_SUGGESTIONS = 50
_KEYS = {"source": "from", "target": "to", "options": "probe"}
"""Parts of an expectation that a mapping calls otherwise."""


def read_expectations(report: Report, root: Map) -> tuple[Expectation, ...]:
    """The expectations of a file, in its order."""
    listed = root.get("expect")
    if not isinstance(listed, Seq):
        return ()
    reader = _Reader(report, _known(root))
    found = [reader.item(listed.value_at(index), item) for index, item in enumerate(listed)]
    return tuple(one for one in found if one)


@dataclass
class _Known:
    """Names of one file. `containers` maps keys and names to names on the engine, `others` are
    aliases, host names and the like; `open`: others may exist that the file does not declare.
    """

    containers: dict[str, str] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    open: bool = False


def _known(root: Map) -> _Known:
    networks = mapping(root, "networks")
    named = {
        key: network_name(text(root, "name") or "", key, body if isinstance(body, Map) else Map())
        for key, _, body in members(networks)
    }
    found = _Known(
        open=any(is_external(body) for body in networks.values() if isinstance(body, Map))
    )
    for key, _, body in members(mapping(root, "containers")):
        found.containers[key] = found.containers[container_name(key, body)] = container_name(
            key, body
        )
        if isinstance(body, Map):
            found.others |= set(_names(body, container_name(key, body), named))
    return found


def _names(body: Map, name: str, networks: dict[str, str]) -> Iterator[str]:
    """All other names under which somebody may find a container, or that it has for others."""
    yield from filter(None, [text(body, "hostname")])
    for key, _, settings in attachments(body):
        yield f"{name}.{networks.get(key, key)}"
        aliases = settings.get("aliases")
        yield from (str(alias) for alias in (aliases if isinstance(aliases, Seq) else ()))
        links = settings.get("links")
        yield from (
            str(link).rpartition(":")[2] for link in (links if isinstance(links, Seq) else ())
        )
    hosts = body.get("extra_hosts")
    for host in hosts if isinstance(hosts, Seq | Map) else ():
        yield str(host).partition(":")[0].partition("=")[0]


class _Reader:
    """Reads one expectation after the other."""

    def __init__(self, report: Report, known: _Known) -> None:
        self.report, self.known = report, known
        self.misses = 0

    def item(self, at: int, item: Any) -> Expectation | None:
        """One expectation in either form; None where it was reported."""
        try:
            if isinstance(item, Map) and text(item, "from"):
                found, places = _of_mapping(item)
            elif is_text(item):
                found, places = read_expectation(item), self._places(at, item)
            else:
                return None
        except ExpectationError as error:
            inside = (
                self._key(item, error.part)
                if isinstance(item, Map)
                else self._inside(at, str(item), error.index)
            )
            self.report.error(inside, str(error))
            return None
        if not (self._source(found, places[0]) and self._target(found, places[1])):
            return None
        return replace(
            found,
            place=self.report.document.source(at),
            source_container=self.known.containers.get(found.source, ""),
            target_container=self.known.containers.get(found.target, ""),
        )

    def _inside(self, at: int, item: str, index: int) -> int:
        """The place of a character of a text, where the file has the text as it is; else its
        beginning.
        """
        whole = self.report.document.text
        start = at + 1 if whole[at : at + 1] in ("'", '"') else at
        return start + index if whole.startswith(item, start) else at

    def _places(self, at: int, item: str) -> tuple[int, int]:
        source = len(item) - len(item.lstrip())
        target = item.index(">") + 1
        target += len(item[target:]) - len(item[target:].lstrip())
        return self._inside(at, item, source), self._inside(at, item, target)

    @staticmethod
    def _key(item: Map, part: str) -> int:
        key = _KEYS.get(part, part)
        return item.value_at(key if key in item else "url" if "url" in item else key)

    def _source(self, found: Expectation, at: int) -> bool:
        if found.source in self.known.containers or found.source == HOST:
            return True
        if found.source in self.known.others:
            why = "is an alias, and what it names is reached, but does not reach: name a container"
        else:
            why = f"is not declared{self._meant(found.source, [*self.known.containers, HOST])}"
        self.report.error(at, f"container {show(found.source)} {why}")
        return False

    def _target(self, found: Expectation, at: int) -> bool:
        """A name with a dot may be anywhere, and be known to the machine's name servers."""
        name, known = found.target, self.known
        if (
            name in known.containers
            or name in known.others
            or name in (OUTSIDE, LOCALHOST)
            or found.address
            or ("." in name and name != found.source)
        ):
            return True
        if name == HOST:
            why = f"{show(HOST)} is where something comes from: as a target write its address"
            self.report.error(at, why)
            return False
        meant = self._meant(name, [*known.containers, *known.others, OUTSIDE])
        what = f"no container and no alias of this file is called {show(name)}"
        if known.open:
            self.report.warn(at, f"{what}: one that it does not declare, on an external network?")
            return True
        self.report.error(at, f"{what}{meant or ': declare it, or write an address'}")
        return False

    def _meant(self, name: str, known: list[str]) -> str:
        self.misses += 1
        return suggestion(name, known) if self.misses <= _MAX_SUGGESTIONS else ""


def _of_mapping(item: Map) -> tuple[Expectation, tuple[int, int]]:
    """An expectation, and where source and target stand. Raises ExpectationError."""
    url = text(item, "url") or ""
    target, port = text(item, "to") or "", _number(item, "port")
    if url and (target or port):
        raise ExpectationError("a page says its host and port itself: leave to and port out", "url")
    if not url and not target:
        raise ExpectationError("'to' is missing: say what is reached, such as to: server")
    if url:
        target, port = split_url(url)
    reaches = flag(item.get("reach"))
    found = checked(
        text(item, "from") or "",
        target,
        reaches=True if reaches is None else reaches,
        probe=text(item, "probe") or "",
        port=port,
        url=url,
        status=_number(item, "status"),
        by_address=text(item, "by") == "address",
    )
    return found, (item.value_at("from"), item.value_at("to" if "to" in item else "url"))


def _number(item: Map, key: str) -> int:
    value = item.get(key)
    return value if type(value) is int else 0

"""What a file says about how to run a container: from a mapping in Compose's words to settings, in
the canonical forms of settings/.

Reading and checking of single values are one pass: what means nothing is reported where it stands
and left out. Nothing is trusted to fit the schema: a value of a wrong type counts as absent.
Environment values are in no message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..model import Dependency, PullPolicy
from ..settings import canonical_image, canonical_option, parse_words, ports
from ..settings.ports import Port
from .container_reader import MAX_PORTS, Common, Reader, Service, T, number
from .deploy import read_deploy
from .document import Map, Odd, Seq, show
from .environment import read_environment, read_lines
from .limits import read_limits
from .mounts import read_mounts
from .network_checks import check_pair
from .process import read_process
from .report import Report, members, text
from .rows import read_rows
from .schema import flag
from .secrets_configs import mount_shared_files

_WORDS: dict[str, Callable[[str], str]] = {
    "image": canonical_image,
    "platform": parse_words.platform,
    "network_mode": parse_words.network_mode,
}
_CONDITIONS: dict[str, Any] = {
    "service_started": "started",
    "service_healthy": "healthy",
    "service_completed_successfully": "completed",
}
_PULL: dict[str, PullPolicy] = {
    "missing": "missing",
    "if_not_present": "missing",
    "always": "always",
    "never": "never",
}


def labels(value: Any) -> Iterator[tuple[str, str]]:
    """Labels in either form: text stays as it is, booleans and numbers become text, nothing becomes
    the empty text.
    """
    if isinstance(value, Map):
        for key, item in value.items():
            yield f"labels.{key}", item if isinstance(item, str) else canonical_option(item)
    for item in value if isinstance(value, list) else ():
        if isinstance(item, str):
            key, _, rest = item.partition("=")
            yield f"labels.{key}", rest


def read_labels(reader: Reader) -> None:
    """Labels of files in order, then those of the topology."""
    for at, path in reader.items("label_file"):
        for line in read_lines(reader, at, path):
            check_pair(reader.report, line.key, at, line.value, at, "label")
            reader.settings[f"labels.{line.key}"] = line.value
    reader.settings.update(labels(reader.body.get("labels")))


def read_service(report: Report, name: str, at: int, body: Map, common: Common) -> Service:
    """A container that has an `image`; `at` is where its key, `name`, stands."""
    service = Service(name, at, body)
    _Reader(report, service, common).read()
    return service


class _Reader(Reader):
    """Reads one container's settings, group by group."""

    def read(self) -> None:
        """Everything."""
        self.words()
        read_rows(self)
        read_process(self)
        read_environment(self)
        self.ports()
        read_mounts(self)
        self.many(
            "devices", (self.attempt(at, parse_words.device, item) for at, item in self.devices())
        )
        self.many("extra_hosts", self.extra_hosts())
        read_limits(self)
        self.dependencies()
        read_deploy(self)
        mount_shared_files(self)
        read_labels(self)

    def words(self) -> None:
        """What is a word in no regular way."""
        body = self.body
        for key, form in _WORDS.items():
            if written := text(body, key):
                self.put(key, self.attempt(body.value_at(key), form, written))
        policy = self.attempt(body.value_at("restart"), _restart, body.get("restart"))
        self.put("restart", policy)
        self.service.one_shot = flag(body.get("one_shot")) is True
        self.service.pull_policy = _PULL.get(text(body, "pull_policy") or "", "missing")

    def ports(self) -> None:
        """Published and exposed ports, ranges expanded."""
        for at, item in self.members("ports"):
            read: Callable[..., tuple[Port, ...]] = (
                _long_port if isinstance(item, Map) else ports.short_ports
            )
            self.service.published += [(port, at) for port in self.within_budget(at, read, item)]
        self.many("ports", (str(port) for port, _ in self.service.published))
        self.many(
            "expose",
            (
                port
                for at, item in self.items("expose", numbers=True)
                for port in self.within_budget(at, ports.exposed, item)
            ),
        )

    def within_budget(
        self, at: int, read: Callable[..., tuple[T, ...]], item: Any
    ) -> tuple[T, ...]:
        """What `read` makes of an item; nothing once the file has more ports than it may."""
        if self.common.ports < 0:
            return ()
        found = self.attempt(at, read, item) or ()
        self.common.ports -= len(found)
        if self.common.ports < 0:
            self.report.error(
                at,
                f"too many ports: a file has {MAX_PORTS} at most, and with network_mode: host a"
                " container needs none",
            )
        return found

    def devices(self) -> Iterator[tuple[int, str]]:
        """Position and short form of each."""
        for at, item in self.members("devices"):
            if not isinstance(item, Map):
                yield at, item
                continue
            source = text(item, "source") or ""
            target, rights = text(item, "target") or source, text(item, "permissions") or "rwm"
            yield at, f"{source}:{target}:{rights}"

    def extra_hosts(self) -> Iterator[str | None]:
        """A mapping from a name to an address or several, or a list."""
        value = self.body.get("extra_hosts")
        if isinstance(value, Map):
            return (
                self.attempt(at, parse_words.extra_host, name, item)
                for name in value
                for at, item in self.items(name, value)
            )
        return (
            self.attempt(at, parse_words.split_extra_host, item)
            for at, item in self.items("extra_hosts")
        )

    def dependencies(self) -> None:
        """Names with the condition that is waited for."""
        value = self.body.get("depends_on")
        if isinstance(value, Map):
            for name, at, entry in members(value):
                condition = text(entry, "condition") if isinstance(entry, Map) else None
                self.service.depends_on.append(
                    (Dependency(name, _CONDITIONS.get(condition or "", "started")), at)
                )
        seen: dict[str, int] = {}
        for at, name in self.items("depends_on") if isinstance(value, Seq) else ():
            if (first := seen.setdefault(name, at)) == at:
                self.service.depends_on.append((Dependency(name), at))
            else:
                self.report.error(
                    at,
                    f"{show(name)} is listed twice: the first is in line"
                    f" {self.report.line(first)}, remove one",
                )


def _restart(value: object) -> str | None:
    """`no` in each of its spellings is the policy of that name, as no policy is a boolean."""
    if flag(value) is False:
        return "no"
    word = "true" if value is True else value
    return (
        parse_words.restart_policy(word)
        if isinstance(word, str) and type(word) is not Odd
        else None
    )


def _long_port(entry: Map) -> tuple[Port, ...]:
    if (target := number(entry, "target")) is None:
        return ()
    return ports.published(
        target,
        number(entry, "published") or "",
        text(entry, "host_ip") or "",
        text(entry, "protocol") or "",
    )

"""What a file says about how to run a container: from a mapping in Compose's words to settings, in
the canonical forms of settings.py.

Reading and checking of single values are one pass: what means nothing is reported where it stands
and left out. Nothing is trusted to fit the schema: a value of a wrong type counts as absent.
Environment values are in no message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .. import forms
from ..forms import Port
from ..model import Dependency, PullPolicy
from ..settings import canonical_image, canonical_option
from .document import Map, Odd, Seq, show
from .environment import read_environment
from .mounts import read_mounts
from .names import Volumes
from .reader import MAX_PORTS, Budget, Reader, Service, T, number
from .report import Report, check_word, mapping, members, text
from .schema import flag
from .shellwords import in_line, in_words

_WORDS: dict[str, Callable[[str], str]] = {
    "image": canonical_image,
    "hostname": str,
    "domainname": str,
    "user": str,
    "working_dir": forms.folder,
    "platform": forms.platform,
}
_TIMES = ("interval", "timeout", "start_period", "start_interval")
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


def read_service(
    report: Report, name: str, at: int, body: Map, budget: Budget, volumes: Volumes
) -> Service:
    """A container that has an `image`; `at` is where its key, `name`, stands."""
    service = Service(name, at, body)
    _Reader(report, service, budget, volumes).read()
    return service


class _Reader(Reader):
    """Reads one container's settings, group by group."""

    def read(self) -> None:
        """Everything."""
        self.simple()
        self.commands()
        read_environment(self)
        self.ports()
        read_mounts(self)
        self.lists()
        self.healthcheck()
        self.dependencies()
        self.settings.update(labels(self.body.get("labels")))

    def simple(self) -> None:
        """One word, one flag, one number."""
        for key, form in _WORDS.items():
            if written := text(self.body, key):
                self.put(key, self.attempt(self.body.value_at(key), form, written))
        self.put(
            "restart",
            self.attempt(self.body.value_at("restart"), _restart, self.body.get("restart")),
        )
        for key in ("privileged", "init", "publish_all"):
            self.put(key, flag(self.body.get(key)))
        self.service.one_shot = flag(self.body.get("one_shot")) is True
        self.service.pull_policy = _PULL.get(text(self.body, "pull_policy") or "", "missing")
        if (written := text(self.body, "network_mode")) is not None:
            self.put(
                "network_mode",
                self.attempt(self.body.value_at("network_mode"), forms.network_mode, written),
            )
        if (grace := text(self.body, "stop_grace_period")) is not None:
            self.put(
                "stop_grace_period",
                self.attempt(self.body.value_at("stop_grace_period"), forms.seconds, grace),
            )
        for at, limit in self.items("mem_limit", numbers=True):
            self.put("mem_limit", self.attempt(at, forms.memory, limit) if limit != "0" else None)
        cpus = self.body.get("cpus")
        if isinstance(cpus, int | float | str) and not isinstance(cpus, bool) and str(cpus) != "0":
            self.put("cpus", self.attempt(self.body.value_at("cpus"), forms.cpus_text, cpus))

    def commands(self) -> None:
        """A text is split as a shell does, a list is taken as it stands: an entrypoint without
        words is none at all.
        """
        for key in ("command", "entrypoint"):
            if (written := text(self.body, key)) is not None:
                split = self.attempt(self.body.value_at(key), forms.words, written) or ()
                self.no_shell(self.body.value_at(key), key, in_line(written))
            else:
                split = (
                    tuple(item for _, item in self.items(key))
                    if isinstance(self.body.get(key), Seq)
                    else ()
                )
                self.no_shell(self.body.value_at(key), key, in_words(split))
                self.one_program(
                    self.body.value_at(key), key, split[:1] if key == "entrypoint" else ()
                )
            if key == "entrypoint" and split and not split[0]:
                self.report.error(
                    self.body.value_at(key),
                    "'entrypoint' begins with an empty word: name the program, or remove the key",
                )
            elif split or (key == "entrypoint" and isinstance(self.body.get(key), Seq)):
                self.settings[key] = split
            elif (
                key == "command"
                and isinstance(self.body.get(key), Seq)
                and not self.body.get("entrypoint")
            ):
                self.report.warn(
                    self.body.value_at(key),
                    "'command' has no words, which engines take for those of the image: remove it",
                )

    def no_shell(self, at: int, key: str, operator: str) -> None:
        """Warns of an operator that only a shell would understand."""
        if operator:
            way = "write the whole line as one word of [sh, -c, 'the line']"
            self.report.warn(
                at,
                f"{show(operator)} in {show(key)} is handed to the program as a word, as no shell"
                f" reads it: {way}",
            )

    def one_program(self, at: int, key: str, first: tuple[str, ...]) -> None:
        """Warns of a whole line where a list names its program."""
        for word in first:
            if len(word.split()) > 1:
                self.report.warn(
                    at,
                    f"{show(key)} runs a program called {show(word)}: make each of its words an"
                    " item of its own",
                )

    def ports(self) -> None:
        """Published and exposed ports, ranges expanded."""
        for at, item in self.members("ports"):
            read: Callable[..., tuple[Port, ...]] = (
                _long_port if isinstance(item, Map) else forms.short_ports
            )
            self.service.published += [(port, at) for port in self.within_budget(at, read, item)]
        self.many("ports", (str(port) for port, _ in self.service.published))
        self.many(
            "expose",
            (
                port
                for at, item in self.items("expose", numbers=True)
                for port in self.within_budget(at, forms.exposed, item)
            ),
        )

    def within_budget(
        self, at: int, read: Callable[..., tuple[T, ...]], item: Any
    ) -> tuple[T, ...]:
        """What `read` makes of an item; nothing once the file has more ports than it may."""
        if self.budget.ports < 0:
            return ()
        found = self.attempt(at, read, item) or ()
        self.budget.ports -= len(found)
        if self.budget.ports < 0:
            self.report.error(
                at,
                f"too many ports: a file has {MAX_PORTS} at most, and with network_mode: host a"
                " container needs none",
            )
        return found

    def lists(self) -> None:
        """Lists of single words; their order counts for name servers only."""
        for key in ("cap_add", "cap_drop"):
            self.many(
                key, (self.attempt(at, forms.capability, item) for at, item in self.items(key))
            )
        self.many("devices", (self.attempt(at, forms.device, item) for at, item in self.devices()))
        self.many(
            "dns",
            (self.attempt(at, forms.host_address, item) for at, item in self.items("dns")),
            ordered=True,
        )
        self.many("dns_search", (item for _, item in self.items("dns_search")), ordered=True)
        self.many("extra_hosts", self.extra_hosts())
        for key, key_at, value, _ in self.pairs("sysctls", "the sysctl", "net.ipv4.ip_forward=1"):
            check_word(self.report, key_at, key, "sysctl")
            if value is not None and not isinstance(value, Odd | Map | Seq):
                self.settings[f"sysctls.{key}"] = canonical_option(value)

    def devices(self) -> Iterator[tuple[int, str]]:
        """Position and short form of each."""
        for at, item in self.members("devices"):
            parts = (
                (text(item, key) for key in ("source", "target", "permissions"))
                if isinstance(item, Map)
                else (item,)
            )
            yield at, ":".join(part for part in parts if part)

    def extra_hosts(self) -> Iterator[str | None]:
        """A mapping from a name to an address or several, or a list."""
        value = self.body.get("extra_hosts")
        if isinstance(value, Map):
            return (
                self.attempt(at, forms.extra_host, name, item)
                for name in value
                for at, item in self.items(name, value)
            )
        return (
            self.attempt(at, forms.split_extra_host, item) for at, item in self.items("extra_hosts")
        )

    def healthcheck(self) -> None:
        """The image's own, changed or put out of use."""
        body = mapping(self.body, "healthcheck")
        if (test := self.health_test(body)) is not None:
            self.settings["healthcheck.test"] = test
        if flag(body.get("disable")) is True:
            if test not in (None, ("NONE",)):
                self.report.error(
                    body.key_at("disable"), "'disable' stands beside a test: remove one of them"
                )
            self.settings["healthcheck.test"] = ("NONE",)
        if type(retries := body.get("retries")) is int:
            self.settings["healthcheck.retries"] = retries
        for key in _TIMES:
            if (written := text(body, key)) is not None and written not in ("0s", "0"):
                self.put(
                    f"healthcheck.{key}",
                    self.attempt(body.value_at(key), forms.health_time, written),
                )

    def health_test(self, body: Map) -> tuple[str, ...] | None:
        """A text is a line for the shell; a list begins with how it is run."""
        if written := text(body, "test"):
            return ("CMD-SHELL", written)
        test = (
            tuple(item for _, item in self.items("test", body))
            if isinstance(body.get("test"), Seq)
            else ()
        )
        if not test:
            return None
        if test[0] == "CMD":
            self.no_shell(body.value_at("test"), "test", in_words(test))
            self.one_program(body.value_at("test"), "test", test[1:2])
        if test[0] not in ("NONE", "CMD", "CMD-SHELL") or (len(test) == 1) != (test[0] == "NONE"):
            form = (
                "[CMD, program, argument], [CMD-SHELL, line] nor [NONE]: write one of these, or the"
                " line alone"
            )
            self.report.error(body.value_at("test"), f"the test is neither {form}")
            return None
        return test

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
                    f"{show(name)} is waited for twice: the first is in line"
                    f" {self.report.line(first)}, remove one",
                )


def _restart(value: object) -> str | None:
    """`no` in each of its spellings is the policy of that name, as no policy is a boolean."""
    if flag(value) is False:
        return "no"
    word = "true" if value is True else value
    return forms.restart_policy(word) if isinstance(word, str) and type(word) is not Odd else None


def _long_port(entry: Map) -> tuple[Port, ...]:
    if (target := number(entry, "target")) is None:
        return ()
    return forms.published(
        target,
        number(entry, "published") or "",
        text(entry, "host_ip") or "",
        text(entry, "protocol") or "",
    )

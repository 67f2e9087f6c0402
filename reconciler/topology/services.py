"""What a file says about how to run a container: from a mapping in Compose's words to settings, in the canonical forms of settings.py.

Reading and checking of single values are one pass: what means nothing is reported where it stands and left out. Nothing is trusted to fit
the schema: a value of a wrong type counts as absent. Environment values are in no message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from os.path import lexists
from typing import Any, TypeVar

from .. import forms
from ..errors import UsageError
from ..forms import BadValueError, Port
from ..marks import secret_digest
from ..model import Dependency, PullPolicy, Secrets
from ..settings import Value, canonical_image, canonical_option
from .document import Map, Odd, Seq, is_variable, show
from .envfile import parse
from .names import Volumes, check_mounted
from .report import Report, check_word, mapping, members, text
from .schema import flag
from .shellwords import in_line, in_words

_T = TypeVar("_T")
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
_PULL: dict[str, PullPolicy] = {"missing": "missing", "if_not_present": "missing", "always": "always", "never": "never"}
MAX_PORTS = 200_000
"""Of one file, ranges expanded."""


@dataclass
class Budget:
    """What all containers of a file may have together."""

    ports: int = MAX_PORTS


@dataclass
class Service:
    """One managed container as its file says: what DesiredContainer holds, and where what other containers matter to stands.

    `name` is its key in the file; `settings` are whole except for what was reported. `published` are its ports, `depends_on` what it
    waits for and `mode` the network mode, with positions.
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

    def secrets(self) -> Secrets:
        """The values that only the engine may see."""
        return Secrets(self.environment)


def labels(value: Any) -> Iterator[tuple[str, str]]:
    """Labels in either form: text stays as it is, booleans and numbers become text, nothing becomes the empty text."""
    if isinstance(value, Map):
        for key, item in value.items():
            yield f"labels.{key}", item if isinstance(item, str) else canonical_option(item)
    for item in value if isinstance(value, list) else ():
        if isinstance(item, str):
            key, _, rest = item.partition("=")
            yield f"labels.{key}", rest


def read_service(report: Report, name: str, at: int, body: Map, budget: Budget, volumes: Volumes) -> Service:
    """A container that has an `image`; `at` is where its key, `name`, stands."""
    service = Service(name, at, body)
    _Reader(report, service, budget, volumes).read()
    return service


class _Reader:
    """Reads one container's settings, group by group."""

    def __init__(self, report: Report, service: Service, budget: Budget, volumes: Volumes) -> None:
        self.report = report
        self.budget = budget
        self.declared_volumes = volumes
        self.service = service
        self.body = service.body
        self.settings = service.settings

    def read(self) -> None:
        """Everything."""
        self.simple()
        self.commands()
        self.environment()
        self.ports()
        self.volumes()
        self.lists()
        self.healthcheck()
        self.dependencies()
        self.settings.update(labels(self.body.get("labels")))

    # --- tools ---

    def attempt(self, at: int, function: Callable[..., _T], *arguments: Any) -> _T | None:
        """The function's result, or a report and None."""
        try:
            return function(*arguments)
        except BadValueError as error:
            self.report.error(at, str(error))
            return None

    def items(self, key: str, body: Map | None = None, numbers: bool = False) -> Iterator[tuple[int, str]]:
        """Position and text of the items of a list, or of the one item that stands for a list; whole numbers count only if asked for."""
        where = self.body if body is None else body
        value = where.get(key)
        if isinstance(value, Seq):
            found = [(value.value_at(index), item) for index, item in enumerate(value)]
        else:
            found = [(where.value_at(key), value)]
        return ((at, str(item)) for at, item in found if _is_text(item) or (numbers and type(item) is int))

    def pairs(self, key: str, what: str, example: str) -> Iterator[tuple[str, int, Any, int]]:
        """Key, position, value, position of a mapping or of a list of `key=value`; in a list each key stands once."""
        value = self.body.get(key)
        if isinstance(value, Map):
            yield from ((name, value.key_at(name), item, value.value_at(name)) for name, item in value.items())
        seen: dict[str, int] = {}
        for at, item in self.items(key) if isinstance(value, Seq) else ():
            name, sign, rest = item.partition("=")
            if name in seen:
                where = f"the first is in line {self.report.line(seen[name])}, remove one"
                self.report.error(at, f"{what} {show(name) if sign else 'here'} is declared twice: {where}")
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

    # --- groups ---

    def simple(self) -> None:
        """One word, one flag, one number."""
        for key, form in _WORDS.items():
            if written := text(self.body, key):
                self.put(key, self.attempt(self.body.value_at(key), form, written))
        self.put("restart", self.attempt(self.body.value_at("restart"), _restart, self.body.get("restart")))
        for key in ("privileged", "init", "publish_all"):
            self.put(key, flag(self.body.get(key)))
        self.service.one_shot = flag(self.body.get("one_shot")) is True
        self.service.pull_policy = _PULL.get(text(self.body, "pull_policy") or "", "missing")
        if (written := text(self.body, "network_mode")) is not None:
            self.put("network_mode", self.attempt(self.body.value_at("network_mode"), forms.network_mode, written))
        if (grace := text(self.body, "stop_grace_period")) is not None:
            self.put("stop_grace_period", self.attempt(self.body.value_at("stop_grace_period"), forms.seconds, grace))
        for at, limit in self.items("mem_limit", numbers=True):
            self.put("mem_limit", self.attempt(at, forms.memory, limit) if limit != "0" else None)
        cpus = self.body.get("cpus")
        if isinstance(cpus, int | float | str) and not isinstance(cpus, bool) and str(cpus) != "0":
            self.put("cpus", self.attempt(self.body.value_at("cpus"), forms.cpus_text, cpus))

    def put(self, key: str, value: Value | None) -> None:
        """Sets what is not None."""
        if value is not None:
            self.settings[key] = value

    def commands(self) -> None:
        """A text is split as a shell does, a list is taken as it stands: an entrypoint without words is none at all."""
        for key in ("command", "entrypoint"):
            if (written := text(self.body, key)) is not None:
                split = self.attempt(self.body.value_at(key), forms.words, written) or ()
                self.no_shell(self.body.value_at(key), key, in_line(written))
            else:
                split = tuple(item for _, item in self.items(key)) if isinstance(self.body.get(key), Seq) else ()
                self.no_shell(self.body.value_at(key), key, in_words(split))
                self.one_program(self.body.value_at(key), key, split[:1] if key == "entrypoint" else ())
            if key == "entrypoint" and split and not split[0]:
                self.report.error(self.body.value_at(key), "'entrypoint' begins with an empty word: name the program, or remove the key")
            elif split or (key == "entrypoint" and isinstance(self.body.get(key), Seq)):
                self.settings[key] = split
            elif key == "command" and isinstance(self.body.get(key), Seq) and not self.body.get("entrypoint"):
                self.report.warn(self.body.value_at(key), "'command' has no words, which engines take for those of the image: remove it")

    def no_shell(self, at: int, key: str, operator: str) -> None:
        """Warns of an operator that only a shell would understand."""
        if operator:
            way = "write the whole line as one word of [sh, -c, 'the line']"
            self.report.warn(at, f"{show(operator)} in {show(key)} is handed to the program as a word, as no shell reads it: {way}")

    def one_program(self, at: int, key: str, first: tuple[str, ...]) -> None:
        """Warns of a whole line where a list names its program."""
        for word in first:
            if len(word.split()) > 1:
                self.report.warn(at, f"{show(key)} runs a program called {show(word)}: make each of its words an item of its own")

    def environment(self) -> None:
        """Files in order, then what stands in the topology; settings hold digests, the values go elsewhere."""
        values: dict[str, str] = {}
        for at, path, required in self.environment_files():
            try:
                for variable in parse(self.report.place.read(path)):
                    values[variable.key] = variable.value
                    if variable.expands:
                        why = "is an ordinary character here, where Compose expands a variable: put the value in single quotes"
                        self.report.warn(at, f"the '$' in line {variable.line} of {show(path)} {why}")
            except (UsageError, BadValueError) as error:
                if required or lexists(self.report.place.path(path)):
                    self.report.error(at, f"the file {show(path)} cannot be used: {error}")
        listed = isinstance(self.body.get("environment"), Seq)
        for key, key_at, value, at in self.pairs("environment", "the variable", ""):
            if fault := _variable_fault(key, value, listed):
                self.report.error(at if "NUL" in fault else key_at, fault)
            elif not isinstance(value, Odd | Map | Seq):
                values[key] = value if isinstance(value, str) else canonical_option(value)
        self.service.environment = values
        self.settings.update((f"environment.{key}", secret_digest(key, value)) for key, value in values.items())

    def environment_files(self) -> list[tuple[int, str, bool]]:
        """Position and path of each in order, and whether it must be there."""
        found = [(at, path, True) for at, path in self.items("env_file")]
        for at, item in self.members("env_file"):
            if isinstance(item, Map) and (path := text(item, "path")) is not None:
                found.append((at, path, flag(item.get("required")) is not False))
        return sorted(found)

    def ports(self) -> None:
        """Published and exposed ports, ranges expanded."""
        for at, item in self.members("ports"):
            read: Callable[..., tuple[Port, ...]] = _long_port if isinstance(item, Map) else forms.short_ports
            self.service.published += [(port, at) for port in self.within_budget(at, read, item)]
        self.many("ports", (str(port) for port, _ in self.service.published))
        self.many(
            "expose", (port for at, item in self.items("expose", numbers=True) for port in self.within_budget(at, forms.exposed, item))
        )

    def within_budget(self, at: int, read: Callable[..., tuple[_T, ...]], item: Any) -> tuple[_T, ...]:
        """What `read` makes of an item; nothing once the file has more ports than it may."""
        if self.budget.ports < 0:
            return ()
        found = self.attempt(at, read, item) or ()
        self.budget.ports -= len(found)
        if self.budget.ports < 0:
            self.report.error(at, f"too many ports: a file has {MAX_PORTS} at most, and with network_mode: host a container needs none")
        return found

    def members(self, key: str) -> Iterator[tuple[int, Any]]:
        """Position and value of the items of a list that are text, whole numbers or mappings."""
        value = self.body.get(key)
        listed = value if isinstance(value, Seq) else Seq()
        for index, item in enumerate(listed):
            if isinstance(item, Map):
                yield listed.value_at(index), item
            elif _is_text(item) or type(item) is int:
                yield listed.value_at(index), str(item)

    def volumes(self) -> None:
        """Binds, named and anonymous volumes, and tmpfs in its two places; one for each path."""
        for at, item in self.members("volumes"):
            read: Callable[..., tuple[str, str] | None] = self.long_volume if isinstance(item, Map) else self.short_volume
            if found := self.attempt(at, read, item):
                self.mount(at, *found)
                self.check_declared(at, item)
        for at, item in self.items("tmpfs"):
            if found := self.attempt(at, forms.split_tmpfs, item):
                self.mount(at, *found)

    def mount(self, at: int, target: str, value: str) -> None:
        """One thing is mounted in one place."""
        if (first := self.service.mounts.setdefault(target, at)) != at:
            self.report.error(at, f"something is mounted on {show(target)} in line {self.report.line(first)} already: remove one of them")
            return
        self.settings[f"volumes.{target}"] = value

    def check_declared(self, at: int, item: Map | str) -> None:
        """A volume that a file names is declared, where it declares volumes."""
        if isinstance(item, Map):
            key = (text(item, "source") or "") if text(item, "type") == "volume" else ""
        else:
            key = forms.split_mount(item)[0]
        if key and key[0] not in "/.~":
            check_mounted(self.report, self.declared_volumes, at, key)

    def short_volume(self, written: str) -> tuple[str, str]:
        """`src:dst:options`."""
        return forms.short_mount(written, self.report.place.path, self.declared_volumes.name)

    def bind(self, source: str, options: Iterable[str]) -> str:
        """A relative source begins in the topology file's folder."""
        return forms.mount("bind", self.report.place.path(source), options)

    def long_volume(self, entry: Map) -> tuple[str, str] | None:
        """A mapping; what does not fit the schema was reported already."""
        kind, source, written = text(entry, "type"), text(entry, "source") or "", text(entry, "target")
        if kind not in ("bind", "volume", "tmpfs") or written is None:
            return None
        for other in {"bind", "volume", "tmpfs"} - {kind}:
            if entry.get(other):
                self.report.error(entry.key_at(other), f"{show(other)} stands beside type: {kind}: remove one of them")
        if flag(mapping(entry, "bind").get("create_host_path")) is False:
            at = mapping(entry, "bind").value_at("create_host_path")
            self.report.error(at, "'create_host_path' is false, but engines make a missing path a folder here: remove it")
        options = list(_volume_options(entry, kind))
        if kind == "bind":
            if not source:
                raise BadValueError("a bind needs a source: add the path on the engine's machine")
            return forms.target(written), self.bind(source, options)
        if kind == "tmpfs" and source:
            raise BadValueError("a tmpfs has no source: remove it")
        return forms.target(written), forms.mount(kind, self.declared_volumes.name(source) if source else "", options)

    def lists(self) -> None:
        """Lists of single words; their order counts for name servers only."""
        for key in ("cap_add", "cap_drop"):
            self.many(key, (self.attempt(at, forms.capability, item) for at, item in self.items(key)))
        self.many("devices", (self.attempt(at, forms.device, item) for at, item in self.devices()))
        self.many("dns", (self.attempt(at, forms.host_address, item) for at, item in self.items("dns")), ordered=True)
        self.many("dns_search", (item for _, item in self.items("dns_search")), ordered=True)
        self.many("extra_hosts", self.extra_hosts())
        for key, key_at, value, _ in self.pairs("sysctls", "the sysctl", "net.ipv4.ip_forward=1"):
            check_word(self.report, key_at, key, "sysctl")
            if value is not None and not isinstance(value, Odd | Map | Seq):
                self.settings[f"sysctls.{key}"] = canonical_option(value)

    def devices(self) -> Iterator[tuple[int, str]]:
        """Position and short form of each."""
        for at, item in self.members("devices"):
            parts = (text(item, key) for key in ("source", "target", "permissions")) if isinstance(item, Map) else (item,)
            yield at, ":".join(part for part in parts if part)

    def extra_hosts(self) -> Iterator[str | None]:
        """A mapping from a name to an address or several, or a list."""
        value = self.body.get("extra_hosts")
        if isinstance(value, Map):
            return (self.attempt(at, forms.extra_host, name, item) for name in value for at, item in self.items(name, value))
        return (self.attempt(at, forms.split_extra_host, item) for at, item in self.items("extra_hosts"))

    def healthcheck(self) -> None:
        """The image's own, changed or put out of use."""
        body = mapping(self.body, "healthcheck")
        if (test := self.health_test(body)) is not None:
            self.settings["healthcheck.test"] = test
        if flag(body.get("disable")) is True:
            if test not in (None, ("NONE",)):
                self.report.error(body.key_at("disable"), "'disable' stands beside a test: remove one of them")
            self.settings["healthcheck.test"] = ("NONE",)
        if type(retries := body.get("retries")) is int:
            self.settings["healthcheck.retries"] = retries
        for key in _TIMES:
            if (written := text(body, key)) is not None and written not in ("0s", "0"):
                self.put(f"healthcheck.{key}", self.attempt(body.value_at(key), forms.health_time, written))

    def health_test(self, body: Map) -> tuple[str, ...] | None:
        """A text is a line for the shell; a list begins with how it is run."""
        if written := text(body, "test"):
            return ("CMD-SHELL", written)
        test = tuple(item for _, item in self.items("test", body)) if isinstance(body.get("test"), Seq) else ()
        if not test:
            return None
        if test[0] == "CMD":
            self.no_shell(body.value_at("test"), "test", in_words(test))
            self.one_program(body.value_at("test"), "test", test[1:2])
        if test[0] not in ("NONE", "CMD", "CMD-SHELL") or (len(test) == 1) != (test[0] == "NONE"):
            form = "[CMD, program, argument], [CMD-SHELL, line] nor [NONE]: write one of these, or the line alone"
            self.report.error(body.value_at("test"), f"the test is neither {form}")
            return None
        return test

    def dependencies(self) -> None:
        """Names with the condition that is waited for."""
        value = self.body.get("depends_on")
        if isinstance(value, Map):
            for name, at, entry in members(value):
                condition = text(entry, "condition") if isinstance(entry, Map) else None
                self.service.depends_on.append((Dependency(name, _CONDITIONS.get(condition or "", "started")), at))
        seen: dict[str, int] = {}
        for at, name in self.items("depends_on") if isinstance(value, Seq) else ():
            if (first := seen.setdefault(name, at)) == at:
                self.service.depends_on.append((Dependency(name), at))
            else:
                self.report.error(at, f"{show(name)} is waited for twice: the first is in line {self.report.line(first)}, remove one")


def _variable_fault(key: str, value: Any, listed: bool) -> str:
    """What is wrong with a variable, or nothing. Its name is shown only where it looks like one: it may be a secret out of place."""
    name = f"the variable {show(key)}" if is_variable(key) and not (listed and value is None) else "this variable"
    if value is None:
        how = "NAME=value, or NAME= for an empty one" if listed else "one"
        return f"{name} has no value and is not taken from the shell: write {how}"
    if "=" in key:
        return "this variable has '=' in its name: write name: value"
    if not key or not key.isprintable() or key != key.strip() or (listed and len(key.split()) > 1):
        return "this variable has no usable name: write one without control characters and spaces"
    return f"{name} holds a NUL character, which no variable can: remove it" if isinstance(value, str) and "\0" in value else ""


def _restart(value: object) -> str | None:
    """`no` in each of its spellings is the policy of that name, as no policy is a boolean."""
    if flag(value) is False:
        return "no"
    word = "true" if value is True else value
    return forms.restart_policy(word) if isinstance(word, str) and type(word) is not Odd else None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and type(value) is not Odd


def _long_port(entry: Map) -> tuple[Port, ...]:
    if (target := _number(entry, "target")) is None:
        return ()
    return forms.published(target, _number(entry, "published") or "", text(entry, "host_ip") or "", text(entry, "protocol") or "")


def _number(entry: Map, key: str) -> str | None:
    value = entry.get(key)
    return str(value) if _is_text(value) or type(value) is int else None


def _volume_options(entry: Map, kind: str) -> Iterator[str]:
    """The options of a mapping in the words of the short form."""
    options = mapping(entry, kind)
    if flag(entry.get("read_only")) is True:
        yield "ro"
    if kind == "bind":
        yield from (value for key in ("propagation", "selinux") if (value := text(options, key)))
    elif kind == "volume" and flag(options.get("nocopy")) is True:
        yield "nocopy"
    elif kind == "tmpfs":
        if (size := _number(options, "size")) is not None:
            yield f"size={size}"
        if mode := text(options, "mode"):
            yield f"mode={mode}"

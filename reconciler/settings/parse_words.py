"""Words: commands, capabilities, platforms, hosts, modes, as Compose and engines write them.

Each function raises BadValueError, whose text names the value, what is wrong, and what to write.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from posixpath import normpath

from .values import BadValueError, canonical_address

_HOST = re.compile(r"[a-zA-Z0-9_]([a-zA-Z0-9_.-]*[a-zA-Z0-9_])?\Z")
_LAST_SIGNAL = 64
_SIGNAL_NAMES = (
    "ABRT|ALRM|BUS|CHLD|CLD|CONT|FPE|HUP|ILL|INT|IO|IOT|KILL|PIPE|POLL|PROF|PWR|QUIT|SEGV|STKFLT|STOP"
    "|SYS|TERM|TRAP|TSTP|TTIN|TTOU|URG|USR1|USR2|VTALRM|WINCH|XCPU|XFSZ"
)
_SIGNAL = re.compile(rf"SIG({_SIGNAL_NAMES}|RTMIN(\+[0-9]{{1,2}})?|RTMAX(-[0-9]{{1,2}})?)\Z")
_CPU_SET = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*\Z")
_DEVICE_RULE = re.compile(r"[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}\Z")
_SECURITY = frozenset(("no-new-privileges", "seccomp", "apparmor", "label", "writable-cgroups"))
_CONTAINER = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*\Z")
_CAPABILITY_NAMES = (
    "ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN"
    " DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE"
    " MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP"
    " SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT"
    " SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM"
)
_CAPABILITIES = frozenset(_CAPABILITY_NAMES.split())


def words(text: str) -> tuple[str, ...]:
    """A command as its words, split as a shell does, nothing expanded: `sh -c 'a b'` -> `("sh",
    "-c", "a b")`.
    """
    try:
        return tuple(shlex.split(text))
    except ValueError:
        raise BadValueError(
            f"{text[:60]!r} has a quote that never ends: close it, or write the words as a list"
        ) from None


def capability(text: str) -> str:
    """`cap_net_admin` -> `NET_ADMIN`."""
    name = text.upper().removeprefix("CAP_")
    if name not in _CAPABILITIES:
        from difflib import get_close_matches

        close = get_close_matches(name[:100], _CAPABILITIES, n=1)
        raise BadValueError(
            f"{text[:60]!r} is not a capability: "
            + (f"did you mean {close[0]}?" if close else "write one like NET_ADMIN")
        )
    return name


def restart_policy(text: str) -> str:
    """`on-failure:0` -> `on-failure`; `no`, `always`, `unless-stopped`, `on-failure:3` stay."""
    name, colon, count = text.partition(":")
    if name not in ("no", "always", "unless-stopped", "on-failure"):
        raise BadValueError(
            f"{text[:60]!r} is not a restart policy: write 'no', always, unless-stopped, on-failure"
            " or on-failure:3"
        )
    if not colon:
        return name
    if name != "on-failure" or not re.fullmatch("[0-9]{1,9}", count):
        raise BadValueError(
            f"{text[:60]!r} is not a restart policy: a number of attempts goes with on-failure"
            " only, as in on-failure:3"
        )
    return f"{name}:{int(count)}" if int(count) else name


def folder(text: str) -> str:
    """A path inside a container as engines keep it: `/srv/` -> `/srv`."""
    return "/" + normpath(text).lstrip("/") if text.startswith("/") else text


_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "amd64/v1": "amd64",
    "aarch64": "arm64",
    "arm64/8": "arm64/v8",
    "i386": "386",
    "armhf": "arm/v7",
    "armel": "arm/v6",
}
_SYSTEMS = ("linux", "windows", "darwin", "freebsd", "wasi", "wasip1")
_KNOWN_ARCHITECTURES = (
    *(
        "386",
        "amd64",
        "arm",
        "arm64",
        "loong64",
        "mips",
        "mips64",
        "mips64le",
        "mipsle",
        "ppc64",
        "ppc64le",
        "riscv64",
        "s390x",
        "wasm",
    ),
)


def platform(text: str) -> str:
    """`Linux/x86_64` -> `linux/amd64`, in the words that images have; without an operating system
    it is Linux.
    """
    system, _, architecture = text.lower().partition("/")
    if not architecture and system not in _SYSTEMS:
        system, architecture = "linux", system
    architecture = _ARCHITECTURES.get(architecture, architecture)
    for word, known, what in (
        (system, _SYSTEMS, "operating system"),
        (architecture.partition("/")[0], _KNOWN_ARCHITECTURES, "architecture"),
    ):
        if re.fullmatch("[a-z0-9]+", word) and word not in known:
            raise BadValueError(
                f"{text[:60]!r} is not a platform: {what} {word[:60]!r} is not"
                f" known{_close(word, known)}"
            )
    return "/".join(filter(None, (system, architecture)))


def _close(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word[:100], list(known), n=1)
    return f", did you mean {close[0]}?" if close else ", write one like linux/amd64"


def device(text: str) -> str:
    """`/dev/a` -> `/dev/a:/dev/a:rwm`; `/dev/a:/dev/b:wr` -> `/dev/a:/dev/b:rw`."""
    source, _, rest = text.partition(":")
    target, _, rights = rest.partition(":")
    if target and not rights and not target.startswith("/"):
        target, rights = "", target
    rights = rights or "rwm"
    if (
        not source.startswith("/")
        or (target and not target.startswith("/"))
        or len(set(rights)) != len(rights)
        or set(rights) - set("rwm")
    ):
        raise BadValueError(
            f"{text[:60]!r} is not a device: write it like /dev/ttyUSB0, /dev/a:/dev/b or"
            " /dev/a:/dev/b:rwm"
        )
    return f"{source}:{target or source}:{''.join(right for right in 'rwm' if right in rights)}"


def host_address(text: str) -> str:
    """An address without brackets, canonical. Raises BadValueError."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        ip_address(bare)
    except ValueError:
        raise BadValueError(
            f"{text[:60]!r} is not an address: write one like 10.1.0.9 or fd00::9"
        ) from None
    return canonical_address(bare)


def extra_host(name: str, address: str) -> str:
    """`db`, `[FD00::1]` -> `db:fd00::1`. `host-gateway` stands for the engine's machine."""
    if not _HOST.match(name):
        raise BadValueError(
            f"{name[:60]!r} is not a host name: letters, digits, '.', '-' and '_' are allowed"
        )
    return f"{name}:{address if address == 'host-gateway' else host_address(address)}"


def split_extra_host(text: str) -> str:
    """`db:10.0.0.1`, `db=10.0.0.1`, `db=[::1]` -> `db:10.0.0.1` and so on."""
    name, sign, address = text.partition("=") if "=" in text else text.partition(":")
    if not sign:
        raise BadValueError(f"{text[:60]!r} has no address: write it like db=10.1.0.9")
    return extra_host(name, address)


def network_mode(written: str) -> str:
    """`bridge`, `host`, `none`, `container:NAME` or `service:KEY`; what else Compose knows is
    refused with the word for it here.
    """
    kind, colon, name = written.partition(":")
    named = _CONTAINER.match(name) is not None
    if written in ("bridge", "host", "none") or (kind in ("container", "service") and named):
        return written
    if written == "default":
        raise BadValueError("'default' is the engine's own network: write bridge")
    hint = "" if colon else "; a network of the file goes under 'networks'"
    raise BadValueError(
        f"{written[:60]!r} is not a network mode: write bridge, host, none, container:NAME or"
        f" service:KEY{hint}"
    )


def namespace(what: str, *known: str) -> Callable[[str], str]:
    """A parser that takes these words, `container:NAME` and `service:KEY`; `what` is the key."""

    def parse(text: str) -> str:
        kind, _, name = text.partition(":")
        if text in known or (kind in ("container", "service") and _CONTAINER.match(name)):
            return text
        listed = ", ".join((*known, "container:NAME"))
        raise BadValueError(
            f"{text[:60]!r} is not supported for {what}: write {listed} or service:KEY"
        )

    return parse


def engine_capability(text: str) -> str:
    """An engine's, which may be one that is not known here."""
    return text.upper().removeprefix("CAP_")


def one_of(what: str, *known: str) -> Callable[[str], str]:
    """A parser that takes these words only; `what` is the key."""

    def parse(text: str) -> str:
        if text not in known:
            listed = known[0] if len(known) == 1 else f"{', '.join(known[:-1])} or {known[-1]}"
            raise BadValueError(f"{text[:60]!r} is not supported for {what}: write {listed}")
        return text

    return parse


def signal(text: str) -> str:
    """`term` and `SIGTERM` -> `SIGTERM`; numbers stay."""
    if text.isdecimal() and 1 <= int(text) <= _LAST_SIGNAL:
        return str(int(text))
    name = "SIG" + text.upper().removeprefix("SIG")
    if not _SIGNAL.match(name):
        raise BadValueError(f"{text[:60]!r} is not a signal: write it like SIGTERM or 15")
    return name


def cpu_set(text: str) -> str:
    """`0, 2-3` -> `0,2-3`."""
    found = text.replace(" ", "")
    ranges = (part.partition("-") for part in found.split(","))
    if not _CPU_SET.match(found) or any(
        last and int(last) < int(first) for first, _, last in ranges
    ):
        raise BadValueError(
            f"{text[:60]!r} is not a set of CPUs: write numbers and ranges like 0-2,4"
        )
    return found


def device_rule(text: str) -> str:
    """`c 1:3  rm` -> `c 1:3 mr`: a kind of device, its number, and what may be done."""
    parts = text.split()
    if not _DEVICE_RULE.match(" ".join(parts)):
        raise BadValueError(f"{text[:60]!r} is not a device rule: write it like 'c 188:* rmw'")
    return " ".join(parts)


def security_option(text: str) -> str:
    """`seccomp:unconfined` -> `seccomp=unconfined`; `no-new-privileges` is `=true`."""
    name, sign, value = text.partition("=") if "=" in text else text.partition(":")
    if name == "no-new-privileges" and value in ("", "true"):
        return name
    if not sign or not value or name not in _SECURITY:
        raise BadValueError(
            f"{text[:60]!r} is not a security option: write one like no-new-privileges,"
            " seccomp=unconfined, apparmor=PROFILE or label=disable"
        )
    return f"{name}={value}"


def of_engine(parse: Callable[[str], str]) -> Callable[[str], str]:
    """A reader of an engine's text: in the form that `parse` gives it, where it has one."""

    def read(text: str) -> str:
        try:
            return parse(text)
        except BadValueError:
            return text

    return read

"""The canonical forms of what a container is run with: durations, sizes, ports, mounts, devices,
names of hosts.

What a file says and what an engine reports go through the same functions. Each takes text in any
form that Compose or an engine writes and raises BadValueError, whose text is the rest of a
sentence's worth: the value, what is wrong with it, what to write.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address
from posixpath import normpath

from .records import dataclass
from .settings import canonical_address

MAX_PORT = 65535
MIN_MEMORY = 6 * 2**20
"""Bytes; engines give a container no less."""
EVERY_ADDRESS = ("", "0.0.0.0", "::")
"""What stands for all addresses of a machine, all of IPv4, all of IPv6."""

_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DURATION = re.compile(r"(?:[0-9]{1,40}(?:\.[0-9]*)?(?:ns|us|µs|ms|s|m|h))+\Z")
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?)(ns|us|µs|ms|s|m|h)")
_LIFETIME = re.compile(r"(?:([0-9]{1,9})d)?(.*)", re.DOTALL)
_LONGEST_LIFETIME = 100
_DAY = 24 * 3600
MAX_LIFETIME = 36500 * _DAY
"""Seconds that a topology may live by its `ttl`."""
_SIZE = re.compile(r"([0-9]{1,40}(?:\.[0-9]+)?) ?(?:([bkmgtp])|([kmgtp])i?b)?\Z", re.IGNORECASE)
_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?\Z")
_HOST = re.compile(r"[a-zA-Z0-9_]([a-zA-Z0-9_.-]*[a-zA-Z0-9_])?\Z")
_CONTAINER = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*\Z")
_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")
_CAPABILITY_NAMES = (
    "ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN"
    " DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE"
    " MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP"
    " SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT"
    " SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM"
)
_CAPABILITIES = frozenset(_CAPABILITY_NAMES.split())
_PROPAGATION = frozenset(("shared", "rshared", "slave", "rslave", "private", "rprivate"))
_OPTIONS = {
    "bind": frozenset(("ro", "z", "Z")) | _PROPAGATION,
    "volume": frozenset(("ro", "z", "Z", "nocopy")),
}
_NO_MEANING = frozenset(("rw", "consistent", "cached", "delegated"))
"""Options of a mount that say what holds anyway."""
_TMPFS_NAMES = (
    "ro suid nosuid dev nodev exec noexec sync async dirsync atime noatime diratime nodiratime"
    " relatime norelatime strictatime nostrictatime size mode uid gid nr_inodes nr_blocks mpol"
)
_TMPFS = frozenset(_TMPFS_NAMES.split())


class BadValueError(ValueError):
    """A value that means nothing: what is wrong with it, and what to write."""


# --- numbers with units ---------------------------------------------------------------------------


def nanoseconds(text: str) -> int:
    """`1m30s` -> 90000000000. Units are h, m, s, ms, us, ns."""
    if not _DURATION.match(text):
        raise BadValueError(f"{text[:60]!r} is not a duration: write it like 30s, 1m30s or 500ms")
    return _bounded(
        sum((Decimal(number) * _UNITS[unit] for number, unit in _PART.findall(text)), Decimal(0)),
        text,
    )


def _bounded(value: Decimal, text: str) -> int:
    if value >= 2**63:
        raise BadValueError(f"{text[:60]!r} is more than engines can count: write less")
    return int(value)


def seconds(text: str) -> int:
    """`1m30s` -> 90: engines wait for whole seconds."""
    whole, rest = divmod(nanoseconds(text), 10**9)
    if rest:
        raise BadValueError(
            f"{text[:60]!r} is no whole number of seconds, which engines count here: did you mean"
            f" {whole + 1}s?"
        )
    return whole


def lifetime(text: str) -> int:
    """`1d12h` -> 129600 seconds, at least one: a duration that may begin with days of 24 hours."""
    days, rest = _LIFETIME.fullmatch(text[:_LONGEST_LIFETIME]).groups()  # type: ignore[union-attr]
    try:
        found = int(days or 0) * _DAY + (seconds(rest) if rest or not days else 0)
    except BadValueError as error:
        if "whole number" in str(error):
            raise
        hint = "write it like 90s, 2h, 1h30m or 2d"
        raise BadValueError(f"{text[:60]!r} is not a duration: {hint}") from None
    if not 0 < found <= MAX_LIFETIME:
        raise BadValueError(
            f"{text[:60]!r} is out of range: a lifetime is 1s to {MAX_LIFETIME // _DAY}d"
        )
    return found


def lifetime_text(value: int) -> str:
    """Seconds as people write them: 129600 -> `1d12h`, 90 -> `1m30s`."""
    days, rest = divmod(value, _DAY)
    return (f"{days}d" if days else "") + (duration_text(rest * 10**9) if rest or not days else "")


def duration_text(value: int) -> str:
    """Nanoseconds as people write them: 90000000000 -> `1m30s`, 500000000 -> `500ms`."""
    parts = []
    for unit in ("h", "m", "s", "ms", "us", "ns"):
        number, value = divmod(value, _UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


def size_bytes(text: str) -> int:
    """`64m` -> 67108864, `1.5gb` -> 1610612736. Units are b, k, m, g, t, p, by 1024."""
    match = _SIZE.match(text)
    if not match:
        raise BadValueError(
            f"{text[:60]!r} is not a size: write bytes, or a number with a unit like 64m or 1g"
        )
    unit = (match[2] or match[3] or "b").lower()
    return _bounded(Decimal(match[1]) * 1024 ** "bkmgtp".index(unit), text)


def size_text(value: int) -> str:
    """Bytes with the largest unit that fits exactly: 67108864 -> `64m`."""
    units = iter("kmgtp")
    unit = ""
    while value and value % 1024 == 0 and (larger := next(units, "")):
        value, unit = value // 1024, larger
    return f"{value}{unit}"


def cpus_text(value: str | int | float) -> str:
    """A number of CPUs as the shortest decimal: `1.50` -> `1.5`, 2.0 -> `2`. Engines count
    billionths, and give at least 0.01.
    """
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal(0)
    if not number.is_finite() or not Decimal("0.01") <= number < 10**6:
        raise BadValueError(
            f"{str(value)[:60]!r} is no number of CPUs: write it like 0.5 or 2, at least 0.01"
        )
    if number != (rounded := number.quantize(Decimal("1e-9"))):
        raise BadValueError(
            f"{str(value)[:60]!r} is finer than a billionth of a CPU: did you mean"
            f" {rounded.normalize():f}?"
        )
    return f"{number.normalize():f}"


def memory(written: str) -> int:
    """A limit in bytes, as much as engines give at least."""
    size = size_bytes(written)
    if size < MIN_MEMORY:
        raise BadValueError(
            f"{written[:60]!r} is less than a container can have: write at least"
            f" {size_text(MIN_MEMORY)}"
        )
    return size


def health_time(written: str) -> int:
    """Nanoseconds of a health check, as many as engines take at least."""
    time = nanoseconds(written)
    if time < nanoseconds("1ms"):
        raise BadValueError(
            f"{written[:60]!r} is less than 1ms, the least that engines take here: write more or"
            " remove it"
        )
    return time


# --- words ----------------------------------------------------------------------------------------


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
            f"{text[:60]!r} is no capability: "
            + (f"did you mean {close[0]}?" if close else "write one like NET_ADMIN")
        )
    return name


def restart_policy(text: str) -> str:
    """`on-failure:0` -> `on-failure`; `no`, `always`, `unless-stopped`, `on-failure:3` stay."""
    name, colon, count = text.partition(":")
    if name not in ("no", "always", "unless-stopped", "on-failure"):
        raise BadValueError(
            f"{text[:60]!r} is no restart policy: write 'no', always, unless-stopped, on-failure or"
            " on-failure:3"
        )
    if not colon:
        return name
    if name != "on-failure" or not re.fullmatch("[0-9]{1,9}", count):
        raise BadValueError(
            f"{text[:60]!r} is no restart policy: a number of attempts goes with on-failure only,"
            " as in on-failure:3"
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
                f"{text[:60]!r} is no platform: {what} {word[:60]!r} is not"
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
            f"{text[:60]!r} is no device: write it like /dev/ttyUSB0, /dev/a:/dev/b or"
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
            f"{text[:60]!r} is no address: write one like 10.1.0.9 or fd00::9"
        ) from None
    return canonical_address(bare)


def extra_host(name: str, address: str) -> str:
    """`db`, `[FD00::1]` -> `db:fd00::1`. `host-gateway` stands for the engine's machine."""
    if not _HOST.match(name):
        raise BadValueError(
            f"{name[:60]!r} is no name of a host: letters, digits, '.', '-' and '_' are allowed"
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
        f"{written[:60]!r} is no network mode: write bridge, host, none, container:NAME or"
        f" service:KEY{hint}"
    )


# --- ports ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Port:
    """One published port. `address` is empty for all of the machine's, `host` for a port that the
    engine chooses.

    `host` may be a range, of which the engine takes a free one.
    """

    inside: int
    protocol: str = "tcp"
    address: str = ""
    host: str = ""

    def __str__(self) -> str:
        where = (
            f"[{self.address}]:"
            if ":" in self.address
            else f"{self.address}:"
            if self.address
            else ""
        )
        return (
            f"{where}{self.host}->{self.inside}/{self.protocol}"
            if where or self.host
            else f"{self.inside}/{self.protocol}"
        )


def read_port(text: str) -> Port:
    """The inverse of `str(port)`."""
    outside, _, inside = text.rpartition("->")
    number, _, name = inside.partition("/")
    address, _, host = outside.rpartition(":")
    return Port(int(number), name, address.strip("[]"), host)


def port_range(text: str) -> range:
    """`80` or `80-82`, at least 1."""
    match = _PORTS.match(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last <= MAX_PORT:
        raise BadValueError(
            f"{text[:60]!r} is no port and no range of ports: write it like 80 or 8000-8010, from 1"
            f" to {MAX_PORT}"
        )
    return range(first, last + 1)


def protocol(text: str) -> str:
    """`TCP` -> `tcp`; nothing is tcp."""
    name = text.lower() or "tcp"
    if name not in ("tcp", "udp", "sctp"):
        raise BadValueError(f"{text[:60]!r} is no protocol of a port: write tcp, udp or sctp")
    return name


def published(inside: str, host: str = "", address: str = "", kind: str = "") -> tuple[Port, ...]:
    """The ports of one entry: a range inside goes with a range of the same length outside, or with
    none.
    """
    inner, name, where = (
        port_range(inside),
        protocol(kind),
        host_address(address) if address else "",
    )
    if host in ("", "0"):
        return tuple(Port(port, name, where) for port in inner)
    outer = port_range(host)
    if len(inner) == 1:
        return (Port(inner[0], name, where, host if len(outer) > 1 else str(outer[0])),)
    if len(inner) != len(outer):
        lengths = (
            f"{len(outer)} {'port' if len(outer) == 1 else 'ports'} outside and {len(inner)} inside"
        )
        raise BadValueError(
            f"{host}:{inside} publishes {lengths}: make both ranges the same length"
        )
    return tuple(
        Port(port, name, where, str(other)) for port, other in zip(inner, outer, strict=True)
    )


def short_ports(text: str) -> tuple[Port, ...]:
    """Compose's short form: `80`, `8080:80`, `127.0.0.1:8080:80`, `[::1]::80`,
    `8000-8002:80-82/udp`.
    """
    rest, _, kind = text.partition("/")
    address, closed, after = rest[1:].partition("]") if rest.startswith("[") else ("", "", rest)
    parts = after.removeprefix(":").split(":") if closed else after.split(":")
    if (closed and (len(parts) != 2 or not after.startswith(":"))) or len(parts) > 3:
        raise BadValueError(
            f"{text[:60]!r} publishes no port: write it like 8080:80, 127.0.0.1:8080:80 or"
            " [::1]:8080:80/udp"
        )
    if len(parts) == 2 and "." in parts[0]:
        meant = f"{parts[0]}::{parts[1]}"[:60]
        raise BadValueError(
            f"{text[:60]!r} publishes no port: did you mean {meant!r}, where the engine chooses the"
            " port?"
        )
    inside, host = parts[-1], parts[-2] if len(parts) > 1 else ""
    return published(inside, host, address or (parts[0] if len(parts) == 3 else ""), kind)


def exposed(text: str) -> tuple[str, ...]:
    """`80-81/UDP` -> `80/udp`, `81/udp`."""
    ports, _, kind = text.partition("/")
    name = protocol(kind)
    return tuple(f"{port}/{name}" for port in port_range(ports))


def overlaps(one: str, other: str) -> bool:
    """Whether two addresses that ports are published on have one in common: nothing is all, 0.0.0.0
    all of IPv4, :: all of IPv6.
    """
    if not one or not other:
        return True
    return one == other or (
        (":" in one) == (":" in other) and (one in EVERY_ADDRESS or other in EVERY_ADDRESS)
    )


# --- mounts ---------------------------------------------------------------------------------------


def target(text: str) -> str:
    """A path inside a container, canonical: `/data/../x/` -> `/x`."""
    path = folder(text)
    if not text.startswith("/") or path == "/":
        raise BadValueError(
            f"{text[:60]!r} is no place for a mount: write an absolute path inside the container"
            " other than /"
        )
    return path


def mount(kind: str, source: str = "", options: Iterable[str] = ()) -> str:
    """`bind`, `/src`, `rw` -> `bind:/src`; `volume`, `data`, `ro` -> `volume:data:ro`; `tmpfs`, ``,
    `size=64M` -> `tmpfs:size=64m`.
    """
    if kind == "tmpfs":
        return "tmpfs:" + ",".join(
            sorted({_tmpfs_option(option) for option in options} - _NO_MEANING)
        )
    kept = sorted(set(options) - _NO_MEANING)
    for option in kept:
        if option not in _OPTIONS[kind]:
            raise BadValueError(
                f"{option[:60]!r} is no option of a {kind}: known are rw,"
                f" {', '.join(sorted(_OPTIONS[kind]))}"
            )
    if kind == "volume" and not source and {"z", "Z"} & set(kept):
        raise BadValueError(
            "an anonymous volume cannot be relabelled for SELinux: give it a name, or remove z"
        )
    if kind == "volume" and not source and "ro" in kept:
        raise BadValueError(
            "an anonymous volume cannot be read-only, engines refuse it: give it a name, or remove"
            " that"
        )
    if kind == "volume" and source and not _VOLUME.match(source):
        raise BadValueError(
            f"{source[:60]!r} is no name of a volume: two or more letters, digits, '_', '.', '-'; a"
            " path begins with '/', './' or '~/'"
        )
    if kind == "bind" and (not source.startswith("/") or ":" in source):
        raise BadValueError(f"{source[:60]!r} cannot be mounted: write a path without ':'")
    return ":".join((kind, source, *([",".join(kept)] if kept else [])))


def _tmpfs_option(option: str) -> str:
    name, sign, value = option.partition("=")
    if (name not in _TMPFS and option not in _NO_MEANING) or (sign and not value):
        raise BadValueError(
            f"{option[:60]!r} is no option of a tmpfs: write them like size=64m,mode=1770,ro"
        )
    return (
        f"size={size_text(size_bytes(value))}"
        if name == "size" and not value.endswith("%")
        else option
    )


def split_mount(text: str) -> tuple[str, str, tuple[str, ...]]:
    """Compose's short form: `src:dst:ro,z` -> `("src", "/dst", ("ro", "z"))`; `/dst` has an empty
    source.
    """
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        raise BadValueError(
            f"{text[:60]!r} mounts nothing: write it like data:/var/lib/data, ./here:/there:ro or"
            " /anonymous"
        )
    if len(parts) == 1:
        return "", target(text), ()
    return parts[0], target(parts[1]), tuple(parts[2].split(",")) if len(parts) == 3 else ()


def short_mount(
    text: str, absolute: Callable[[str], str] = str, named: Callable[[str], str] = str
) -> tuple[str, str]:
    """Compose's and the engine's short form: `/src:/dst:ro` -> `("/dst", "bind:/src:ro")`,
    `data:/dst` -> `("/dst", "volume:data")`.

    `absolute` completes a path that begins with `.` or `~`, `named` gives a volume's name on the
    engine.
    """
    source, path, options = split_mount(text)
    if source[:1] in ("/", ".", "~"):
        return path, mount("bind", absolute(source), options)
    return path, mount("volume", named(source) if source else "", options)


def split_tmpfs(text: str) -> tuple[str, str]:
    """`/run:size=64m,rw` -> `("/run", "tmpfs:size=64m")`."""
    path, colon, options = text.partition(":")
    return target(path), mount("tmpfs", "", options.split(",") if colon else ())

"""An expectation, who reaches what, as a value; and its short form, which people write.

::

    SOURCE -> TARGET            it reaches it: TARGET is a name or an address, and answers to ping
    SOURCE -/> TARGET           it does not, by whatever name or address
    SOURCE -> TARGET:80/tcp     a port; tcp without a protocol, or udp
    SOURCE -> TARGET (dns)      the name is known
    SOURCE -> TARGET (by address)    without the name, where that is not known
    SOURCE -> http://TARGET/path == 200      a page; without a status any below 400
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, get_args

from .fast_dataclasses import dataclass, field
from .settings import BadValueError
from .settings import address_of as read_address

if TYPE_CHECKING:
    from .desired import Source

Probe = Literal["icmp", "tcp", "udp", "dns", "http"]
PROBES: tuple[str, ...] = get_args(Probe)
HOST = "host"
"""As a source: the engine's machine, which reaches published ports and addresses."""
OUTSIDE = "outside"
"""As a target: whatever is neither in the topology nor the engine's machine."""
LOCALHOST = "localhost"
MAX_PORT = 65535

_EXAMPLES = "client -> server:80/tcp, vault -/> client or client -> www (dns)"
_SPACED = re.compile(r"\s*(?P<source>\S+)\s+(?P<arrow>\S+)\s+(?P<rest>\S.*?)\s*\Z", re.S)
_REST = re.compile(
    r"(?P<target>\S+)(?:\s+\((?P<options>[^()]*)\))?(?:\s+==\s*(?P<status>\S+))?\Z", re.S
)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<user>[^/@\s]*@)?(?P<host>\[[^\]\s]+\]|[^/:?#@\s\[\]]+)"
    r"(?::(?P<port>[^/?#@\s]*))?(?:[/?]\S*)?\Z"
)
_BY_ADDRESS = "by address"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ARROWS = {"->": True, "-/>": False}
_MEANT = {
    **dict.fromkeys(("-->", "=>", "→", "—>", "–>", ">"), "->"),
    **dict.fromkeys(("-!>", "!->", "-x>", "-X>", "-/->", "=/>", "↛", "/->", "->/"), "-/>"),
}


class ExpectationError(BadValueError):
    """What is wrong with an expectation, and in which `part` of it: the name of a field, or nothing
    for the whole; `index` is where that part begins in the short form.
    """

    def __init__(self, message: str, part: str = "", index: int = 0) -> None:
        super().__init__(message)
        self.part, self.index = part, index


@dataclass(frozen=True, slots=True)
class Expectation:
    """`source` and `target` are as they are written; of a `url` the target is its host.

    `source_container` and `target_container` are the names on the engine of the containers that
    they name, empty where they name none. `status` 0 is any answer below 400.
    """

    source: str
    target: str
    reaches: bool = True
    probe: Probe = "icmp"
    port: int = 0
    url: str = ""
    status: int = 0
    by_address: bool = False
    place: Source | None = field(default=None, compare=False)
    source_container: str = field(default="", compare=False)
    target_container: str = field(default="", compare=False)

    @property
    def address(self) -> str:
        """The address that the target is, or nothing."""
        return address_of(self.target)

    def __str__(self) -> str:
        """The short form, which `read_expectation` reads back."""
        target = f"[{self.target}]" if ":" in self.target and self.port else self.target
        if self.url:
            aim = self.url + (f" == {self.status}" if self.status else "")
        elif self.port:
            aim = f"{target}:{self.port}/{self.probe}"
        else:
            aim = target
        options = [word for word in ("dns",) if self.probe == word]
        options += [_BY_ADDRESS] if self.by_address else []
        arrow = "->" if self.reaches else "-/>"
        return f"{self.source} {arrow} {aim}" + (f" ({', '.join(options)})" if options else "")


def address_of(target: str) -> str:
    """The canonical form of an address; nothing for a name."""
    try:
        return str(read_address(target))
    except ValueError:
        return ""


# --- the short form -------------------------------------------------------------------------------


def read_expectation(text: str) -> Expectation:
    """The expectation of its short form. Raises ExpectationError."""
    match = _SPACED.match(text)
    if match is None or match["arrow"] not in _ARROWS:
        raise _no_arrow(text, match)
    start = match.start("rest")
    rest = _REST.match(match["rest"])
    if rest is None:
        what = "what follows the target is (dns), (icmp) or (by address), and == 200 after a page"
        raise ExpectationError(f"{_shown(match['rest'])} is no target: {what}", "target", start)
    starts = {part: start + max(rest.start(part), 0) for part in ("target", "options", "status")}
    starts |= {"probe": starts["options"], "by": starts["options"], "port": starts["target"]}
    starts |= {"source": match.start("source"), "url": starts["target"]}
    try:
        target, port, protocol, url = _target(rest["target"])
        words = _options(rest["options"])
        probe = next((word for word in words if word in PROBES), protocol)
        if protocol and probe != protocol:
            raise ExpectationError(
                f"({probe}) contradicts /{protocol}: leave one of them out", "probe"
            )
        return checked(
            match["source"],
            target,
            reaches=_ARROWS[match["arrow"]],
            probe=probe,
            port=port,
            url=url,
            status=_status(rest["status"]),
            by_address=_BY_ADDRESS in words,
        )
    except ExpectationError as error:
        raise ExpectationError(str(error), error.part, starts.get(error.part, start)) from None


def _no_arrow(text: str, match: re.Match[str] | None) -> ExpectationError:
    if match and (meant := _MEANT.get(match["arrow"])):
        found = f"{_shown(match['arrow'])} is no arrow: did you mean {meant!r}?"
        return ExpectationError(found, "arrow", match.start("arrow"))
    why = "put spaces around the arrow" if ">" in text else "it has no arrow"
    return ExpectationError(
        f"{_shown(text)} is no expectation: {why}, and write it like {_EXAMPLES}"
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _target(text: str) -> tuple[str, int, str, str]:
    """Host, port, protocol and URL of a target; 0 and nothing for what it does not say."""
    if "://" in text:
        return *split_url(text), "http", text
    if found := address_of(text.removeprefix("[").removesuffix("]")):
        return found, 0, "", ""
    host, colon, port = text.rpartition(":")
    if not colon:
        return text, 0, "", ""
    number, slash, protocol = port.partition("/")
    name = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if slash and protocol.lower() not in ("tcp", "udp"):
        raise ExpectationError(f"{_shown(protocol)} is no protocol: write tcp or udp", "port")
    return address_of(name) or name, read_port_number(number), protocol.lower() or "tcp", ""


def read_port_number(text: str) -> int:
    """A port of 1 to 65535. Raises ExpectationError."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    if not 1 <= number <= MAX_PORT:
        raise ExpectationError(
            f"{_shown(text)} is no port: it is a number from 1 to {MAX_PORT}", "port"
        )
    return number


def split_url(url: str) -> tuple[str, int]:
    """Host and port of a URL. Raises ExpectationError."""
    parts = _URL.match(url)
    if parts is None:
        raise ExpectationError(
            f"{_shown(url)} is no URL of a page: write it like http://api/health", "url"
        )
    if parts["user"]:
        raise ExpectationError(
            "the URL holds a user or password, which reports would print: leave it out", "url"
        )
    bare = parts["host"].strip("[]")
    port = parts["port"]
    number = read_port_number(port) if port is not None else _DEFAULT_PORTS[parts["scheme"]]
    return address_of(bare) or bare, number


def _options(text: str | None) -> list[str]:
    words = [" ".join(word.lower().split()) for word in text.split(",")] if text is not None else []
    for word in words:
        if word not in (*PROBES, _BY_ADDRESS):
            raise ExpectationError(
                f"({word[:60]}) says nothing here: write ({'), ('.join((*PROBES, _BY_ADDRESS))})",
                "options",
            )
    if len([word for word in words if word in PROBES]) > 1:
        raise ExpectationError("one expectation has one probe: write a line for each", "options")
    return words


def _status(text: str | None) -> int:
    if text is None:
        return 0
    number = int(text) if text.isascii() and text.isdigit() and len(text) == 3 else 0
    if not 100 <= number <= 599:
        raise ExpectationError(
            f"{_shown(text)} is no status of HTTP: it is a number from 100 to 599", "status"
        )
    return number


# --- what goes together ---------------------------------------------------------------------------


def checked(
    source: str,
    target: str,
    *,
    reaches: bool = True,
    probe: str = "",
    port: int = 0,
    url: str = "",
    status: int = 0,
    by_address: bool = False,
) -> Expectation:
    """The expectation of these parts. `probe` may be left out. Raises ExpectationError where they
    do not go together.
    """
    for part, name in (("source", source), ("target", target)):
        if not _NAME.match(name) and not address_of(name):
            raise ExpectationError(f"{_shown(name)} is no name of a container", part)
    found = probe or ("http" if url else "tcp" if port else "icmp")
    for wrong, part, message in (
        (url and found != "http", "probe", f"a page is fetched by http, not {found}"),
        (
            found == "http" and not url,
            "probe",
            "http needs the page: write it like http://api/health",
        ),
        (found in ("tcp", "udp") and not port, "probe", f"{found} needs a port: server:80/{found}"),
        (
            found in ("icmp", "dns") and port,
            "probe",
            f"{found} has no ports: leave the port or ({found}) out",
        ),
        (status and not url, "status", "only a page has a status: write http://... == 200"),
        (
            status and not reaches,
            "status",
            "-/> means that no page comes at all: leave the status out",
        ),
        (by_address and found in ("dns", "http"), "by", f"{found} is about names, not addresses"),
        (found == "dns" and address_of(target), "target", "an address needs no name server"),
        (
            source == HOST and found == "dns",
            "probe",
            "the engine's machine does not know the names of containers: use a container",
        ),
        (
            target == OUTSIDE and (found != "icmp" or by_address),
            "target",
            f"{OUTSIDE} has neither a port nor a name of its own: write only {OUTSIDE}",
        ),
    ):
        if wrong:
            raise ExpectationError(message, part)
    by_address = by_address and not address_of(target)
    probed: Probe = found  # type: ignore[assignment] # it is one of PROBES
    return Expectation(source, target, reaches, probed, port, url, status, by_address)

"""The question what stands in a network namespace: its interfaces, addresses and routes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from ..engine import Ran
from ..fast_dataclasses import replace
from ..links.values import NOWHERE, PORT_STATES, Link, Route, View
from .protocol import AccessError

_SCRIPT = r"""
get() { v=-; [ -r "$1" ] && read -r v 2>/dev/null <"$1"; [ -n "$v" ] || v=-; }
for d in /sys/class/net/*; do
  [ -r "$d/ifindex" ] || continue
  l=${d##*/}
  for f in ifindex iflink mtu operstate address; do get "$d/$f"; l="$l $v"; done
  t=-
  while read -r v; do case $v in DEVTYPE=*) t=${v#DEVTYPE=};; esac; done <"$d/uevent"
  echo "link $l $t"
  for p in "$d"/brif/*; do
    [ -r "$p/state" ] && get "$p/state" && echo "port ${d##*/} ${p##*/} $v"
  done
done
if command -v ip >/dev/null 2>&1; then
  ip -o addr show | while read -r v; do echo "addr $v"; done
  ip route show | while read -r v; do echo "route $v"; done
  ip -6 route show 2>/dev/null | while read -r v; do echo "route $v"; done
else echo "without ip"; fi
"""
"""Needs a shell, and for addresses and routes `ip`, of busybox or of iproute2."""
_NO_IP = "its addresses and routes cannot be seen: it has no command `ip`"
_NO_SHELL = (126, 127)
_OTHER_KINDS = ("local", "broadcast", "multicast", "anycast")
"""Busybox lists them too, with the kind before the destination."""


class Look:
    """What stands in a network namespace."""

    @property
    def command(self) -> Sequence[str]:
        """A script of the shell's own words and of `ip`."""
        return ("sh", "-c", _SCRIPT)

    def read(self, ran: Ran) -> View:
        """The view in what the script wrote."""
        if ran.code in _NO_SHELL or not ran.output.startswith("link "):
            said = " ".join((ran.errors or ran.output).split())[:200]
            raise AccessError(f"its shell shows no interfaces: {said or f'exit code {ran.code}'}")
        return read_view(ran.output)

    def inside(self) -> View:
        """As the kernel says it to this process."""
        from .netlink import view_here

        return view_here()


def read_view(text: str) -> View:
    """What the script wrote, as a view."""
    rows: dict[str, list[list[str]]] = {}
    for line in text.splitlines():
        kind, *words = line.split()
        rows.setdefault(kind, []).append(words)
    links = {words[0]: _link(words) for words in rows.get("link", ())}
    for bridge, port, state in rows.get("port", ()):
        links[port] = replace(
            links[port], master=links[bridge].index, port_state=PORT_STATES[int(state)]
        )
    for name, address in _addresses(rows.get("addr", ())):
        if name in links:
            links[name] = replace(links[name], addresses=(*links[name].addresses, address))
    routes = tuple(_routes(rows.get("route", ())))
    ordered = sorted(links.values(), key=lambda link: link.index)
    return View(tuple(ordered), routes, (_NO_IP,) if "without" in rows else ())


def _link(words: Sequence[str]) -> Link:
    """`eth0 5 6 1500 up 02:42:... -`: name, index, that of the other end, and so on."""
    name, index, peer, mtu, state, mac, kind = ("" if word == "-" else word for word in words)
    other = int(peer) if peer != index and peer.isdecimal() else 0
    kind = kind or ("veth" if other else "")
    return Link(int(index), name, mac, int(mtu), state.upper(), kind, other)


def _addresses(lines: Sequence[Sequence[str]]) -> Iterator[tuple[str, str]]:
    """`5: eth0 inet 10.1.0.2/24 ...`; busybox has lines of links between them."""
    for words in lines:
        if len(words) > 3 and words[2] in ("inet", "inet6"):
            yield words[1].partition("@")[0], _with_prefix(words[3])


def _with_prefix(address: str) -> str:
    if "/" in address:
        return address
    return f"{address}/{128 if ':' in address else 32}"


def _routes(lines: Iterable[Sequence[str]]) -> Iterator[Route]:
    """`default via 10.1.0.1 dev eth0 metric 100`; a route of several next hops has a line of its
    own, then one for each of them.
    """
    destination, kind = "", ""
    for words in lines:
        if words[0] != "nexthop":
            kind = words[0] if words[0] in NOWHERE else ""
            destination = words[1 if kind else 0]
        found = _route(destination, kind, words)
        if (found.interface or kind) and destination not in _OTHER_KINDS:
            yield found


def _route(destination: str, kind: str, words: Sequence[str]) -> Route:
    words = [word for word in words if word not in ("inet", "inet6")]  # of a gateway
    known = dict(pairwise(words))
    return Route(
        destination if destination == "default" else _with_prefix(destination),
        known.get("via", ""),
        "" if kind else known.get("dev", ""),
        known.get("src", ""),
        int(known.get("metric", 0)),
        kind,
    )

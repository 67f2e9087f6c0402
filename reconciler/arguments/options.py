"""What commands take: each function adds an option, or options that belong together, to a command."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser
from collections.abc import Callable

from ..forms import BadValueError, lifetime

Adds = Callable[[ArgumentParser], None]

_FORMATS = (
    *("topology", "plan", "plans", "report", "reports", "snapshot"),
    *("validate", "show", "ls", "prune", "doctor", "error"),
)


# --- what several commands take --------------------------------------------------------------------------------------


def file(parser: ArgumentParser) -> None:
    """A topology, or a folder of them."""
    parser.add_argument("file", nargs="?", metavar="FILE")


def output(*more: str) -> Adds:
    """How output is made, with `more` formats than text and JSON."""

    def add(parser: ArgumentParser) -> None:
        choices = ("text", "json", *more)
        parser.add_argument("-o", "--output", choices=choices, default="text", help="what to print (default: text)")
        parser.add_argument("--no-color", action="store_true", help="no colours; NO_COLOR does the same")
        parser.add_argument("-q", "--quiet", action="store_true", help="print errors only")

    return add


def engine(parser: ArgumentParser) -> None:
    """Which engine, and how it is asked."""
    where = "the engine, e.g. unix:///var/run/docker.sock (default: DOCKER_HOST)"
    parser.add_argument("--host", "-H", metavar="URL", help=where)
    context = "the docker context (default: the current one)"
    parser.add_argument("--context", "-c", metavar="NAME", help=context)
    patience = "seconds to wait for one answer (default: 60)"
    parser.add_argument("--timeout", type=_seconds, default=60.0, metavar="S", help=patience)
    parser.add_argument("-v", "--verbose", action="store_true", help="print each engine call with its time")


def parallel(parser: ArgumentParser) -> None:
    """How many calls at a time."""
    parser.add_argument("--parallel", type=_count, default=6, metavar="N", help="engine calls at a time (default: 6)")


def replacing(parser: ArgumentParser) -> None:
    """Another topology of the same name."""
    what = "allow replacing everything that topology NAME owns, where the file declares none of it"
    parser.add_argument("--replace-topology", action="append", default=[], metavar="NAME", help=what)


def limits(parser: ArgumentParser) -> None:
    """How much may be interrupted or removed."""
    foreign = "allow interrupting containers that are not declared here"
    parser.add_argument("--disrupt-foreign", action="store_true", help=foreign)
    most = "refuse to remove, replace or disconnect more than N things"
    parser.add_argument("--max-removals", type=_limit, metavar="N", help=most)


def confirm(parser: ArgumentParser) -> None:
    """Consent beforehand."""
    what = "do not ask before something is removed, replaced or disconnected"
    parser.add_argument("-y", "--yes", action="store_true", help=what)


def lock(parser: ArgumentParser) -> None:
    """How long others are waited for."""
    what = "seconds to wait for another netplan at work on the same (default: 90)"
    parser.add_argument("--lock-timeout", type=_patience, default=90.0, metavar="S", help=what)


def adopt(parser: ArgumentParser) -> None:
    """Networks to take over."""
    what = "take over an existing network: replaced, every endpoint kept"
    parser.add_argument("--adopt", action="append", default=[], metavar="NETWORK", help=what)


def allow_empty(parser: ArgumentParser) -> None:
    """An empty file."""
    what = "allow a file that declares nothing to remove all that its topology owns"
    parser.add_argument("--allow-empty", action="store_true", help=what)


def only(parser: ArgumentParser) -> None:
    """A part of the topology."""
    what = "only this network or container and what it needs; several: --only a,b or --only a --only b"
    parser.add_argument("--only", action="extend", default=[], type=_names, metavar="NAME", help=what)


def keep_going(parser: ArgumentParser) -> None:
    """All but what cannot be."""
    what = "leave out what cannot be as declared and what needs it, do the rest, exit 1"
    parser.add_argument("--keep-going", action="store_true", help=what)


def ttl(parser: ArgumentParser) -> None:
    """When the topology expires."""
    what = "how long until the topology expires, e.g. 2h, counted from the end of this run (default: the file's ttl)"
    parser.add_argument("--ttl", type=_lifetime, metavar="DURATION", help=what)


def settle(parser: ArgumentParser) -> None:
    """How long started containers are watched."""
    what = "seconds that every started container must stay up, waited for once (default: 1; 0: do not wait)"
    parser.add_argument("--settle", type=_patience, default=1.0, metavar="S", help=what)


def stop_timeout(parser: ArgumentParser) -> None:
    """How long stopped containers have."""
    what = "seconds that every container stopped by this run has to end (default: its own stop_grace_period)"
    parser.add_argument("--stop-timeout", type=_whole_seconds, metavar="S", help=what)


def exit_code(parser: ArgumentParser) -> None:
    """For scripts."""
    parser.add_argument("--exit-code", action="store_true", help="exit 2 when changes are pending")


def choice(parser: ArgumentParser) -> None:
    """Which topologies, by name and origin."""
    name = "those whose name fits, e.g. 'job-*'; may be given several times"
    parser.add_argument("--match", action="append", default=[], metavar="PATTERN", type=_pattern, help=name)
    origin = "those whose file was there, e.g. 'runner7:*' (HOST:FOLDER), or the address of its git repository"
    parser.add_argument("--origin", action="append", default=[], metavar="PATTERN", type=_pattern, help=origin)


def age(parser: argparse._ActionsContainer) -> None:
    """Which topologies, by age."""
    parser.add_argument("--expired", action="store_true", help="those whose ttl is over")
    older = "those that created nothing, and had no ttl renewed, for so long, e.g. 2h"
    parser.add_argument("--older-than", type=_lifetime, metavar="DURATION", help=older)


# --- what one command takes ------------------------------------------------------------------------------------------


def validated(parser: ArgumentParser) -> None:
    """Of validate."""
    parser.add_argument("files", nargs="*", metavar="FILE")


def state(parser: ArgumentParser) -> None:
    """Of plan."""
    what = "plan against what netplan snapshot printed, or against 'empty'; needs no engine"
    parser.add_argument("--state", metavar="SNAPSHOT", help=what)


def plan_out(parser: ArgumentParser) -> None:
    """Of plan."""
    parser.add_argument("--out", metavar="P.json", help="save the plan, for apply --plan")


def saved_plan(parser: ArgumentParser) -> None:
    """Of apply."""
    what = "a saved plan; refused if the engine or the plan changed since"
    parser.add_argument("--plan", metavar="P.json", help=what)


def approved(parser: ArgumentParser) -> None:
    """Of apply."""
    what = "with --plan: refuse any plan but the approved one; the plan and the comment on a request print it (8 digits or more)"
    parser.add_argument("--fingerprint", type=_fingerprint, metavar="HEX", help=what)


def topology_name(parser: ArgumentParser) -> None:
    """Of destroy."""
    parser.add_argument("--name", metavar="TOPOLOGY", help="the topology's name, where there is no file any more")


def keep_containers(parser: ArgumentParser) -> None:
    """Of reset."""
    what = "keep the containers: restore networks and attachments only"
    parser.add_argument("--keep-containers", action="store_true", help=what)


def wipe(parser: ArgumentParser) -> None:
    """Of reset."""
    what = "first remove every container and every network that is on the engine"
    parser.add_argument("--wipe", action="store_true", help=what)
    confirmed = "confirm --wipe by the engine's name; do not ask for it"
    parser.add_argument("--yes-wipe", metavar="ENGINE", help=confirmed)


def pruned(parser: ArgumentParser) -> None:
    """Of prune, which must be told which topologies by age."""
    age(parser.add_mutually_exclusive_group(required=True))
    parser.add_argument("--dry-run", action="store_true", help="show the plans, and change nothing")
    parser.set_defaults(file=None, name=None, replace_topology=[])


def compared(parser: ArgumentParser) -> None:
    """Of diff."""
    parser.add_argument("before", metavar="BEFORE")
    parser.add_argument("after", metavar="AFTER")


def shown(parser: ArgumentParser) -> None:
    """Of show."""
    parser.add_argument("--all", action="store_true", help="everything on the engine, whatever file is here")
    parser.add_argument("--problems", action="store_true", help="only what is not as declared, or not well")


def schema_name(parser: ArgumentParser) -> None:
    """Of schema."""
    parser.add_argument("name", nargs="?", default="topology", choices=_FORMATS)


def snapshot_of(parser: ArgumentParser) -> None:
    """Of snapshot."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="a topology, or a folder of them")
    what = "write it to a file that only you can read, whole or not at all"
    parser.add_argument("--out", metavar="S.json", help=what)


def unlocked(parser: ArgumentParser) -> None:
    """Of unlock."""
    what = "only the locks of runs of this topology"
    parser.add_argument("topology", nargs="?", metavar="TOPOLOGY", help=what)
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def shell(parser: ArgumentParser) -> None:
    """Of completion."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


# --- values ----------------------------------------------------------------------------------------------------------


def _fingerprint(text: str) -> str:
    digits = text.lower()
    if not 8 <= len(digits) <= 64 or set(digits) - set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"{text!r} is no fingerprint: it has 8 to 64 hexadecimal digits")
    return digits


def _lifetime(text: str) -> int:
    try:
        return lifetime(text)
    except BadValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _names(text: str) -> list[str]:
    names = text.split(",")
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} names nothing: --only NAME, or --only NAME,NAME")
    return names


def _pattern(text: str) -> str:
    """A variable of a script that is not set would select nothing, for ever and in silence."""
    if not text:
        raise argparse.ArgumentTypeError("an empty pattern fits no topology: write it like 'job-*'")
    return text


def _patience(text: str) -> float:
    return _number(text, float, 0, 86400)


def _whole_seconds(text: str) -> int:
    return int(_number(text, int, 0, 86400))


def _limit(text: str) -> int:
    return int(_number(text, int, 0, 1_000_000))


def _seconds(text: str) -> float:
    return _number(text, float, 0.001, 86400)


def _count(text: str) -> int:
    return int(_number(text, int, 1, 64))


def _number(text: str, kind: type[int] | type[float], least: float, most: float) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = kind(-1)
    if not least <= value <= most:
        what = "whole number" if kind is int else "number"
        raise argparse.ArgumentTypeError(f"{text!r} is not a {what} between {least:,} and {most:,}")
    return value

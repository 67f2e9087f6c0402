"""What commands take: each adds an option, or options that belong together, to a command."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from ..engine_info import DEFAULT_PARALLEL
from ..settings import BadValueError
from ..settings.units import lifetime

Adds = Callable[[ArgumentParser], None]


# --- values ---------------------------------------------------------------------------------------


def _fingerprint(text: str) -> str:
    digits = text.lower()
    if not 8 <= len(digits) <= 64 or set(digits) - set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a fingerprint (8 to 64 hexadecimal digits)"
        )
    return digits


def _lifetime(text: str) -> int:
    try:
        return lifetime(text)
    except BadValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _names(text: str) -> list[str]:
    names = text.split(",")
    if not all(names):
        raise argparse.ArgumentTypeError(
            f"{text!r} names nothing: --only NAME, or --only NAME,NAME"
        )
    return names


def _pattern(text: str) -> str:
    """A variable of a script that is not set would select nothing, for ever and in silence."""
    if not text:
        raise argparse.ArgumentTypeError(
            "an empty pattern matches no topology: write it like 'job-*'"
        )
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


def _option(*names: str, **settings: Any) -> Adds:
    """Adds one option or argument, with the settings of argparse's `add_argument`."""

    def add(parser: ArgumentParser) -> None:
        parser.add_argument(*names, **settings)

    return add


def _all(*options: Adds) -> Adds:
    """Adds several, in this order."""

    def add(parser: ArgumentParser) -> None:
        for option in options:
            option(parser)

    return add


# --- what several commands take -------------------------------------------------------------------

file = _option("file", nargs="?", metavar="FILE")
no_color = _option("--no-color", action="store_true", help="no colours; NO_COLOR does the same")
quiet = _option("-q", "--quiet", action="store_true", help="print errors only")


def output(*more: str) -> Adds:
    """How output is made, with `more` formats than text and JSON."""
    choices = ("text", "json", *more)
    form = _option(
        "-o", "--output", choices=choices, default="text", help="what to print (default: text)"
    )
    return _all(form, no_color, quiet)


engine = _all(
    _option(
        "--host",
        "-H",
        metavar="URL",
        help="the engine, e.g. unix:///var/run/docker.sock (default: DOCKER_HOST)",
    ),
    _option(
        "--context", "-c", metavar="NAME", help="the docker context (default: the current one)"
    ),
    _option(
        "--timeout",
        type=_seconds,
        default=60.0,
        metavar="S",
        help="seconds to wait for each answer of the engine (default: 60)",
    ),
    _option("-v", "--verbose", action="store_true", help="print each engine call with its time"),
)
parallel = _option(
    "--parallel",
    type=_count,
    default=DEFAULT_PARALLEL,
    metavar="N",
    help=f"engine calls in parallel (default: {DEFAULT_PARALLEL})",
)
replacing = _option(
    "--replace-topology",
    action="append",
    default=[],
    metavar="NAME",
    help="allow replacing everything that topology NAME owns, where the file declares none of it",
)
limits = _all(
    _option(
        "--disrupt-foreign",
        action="store_true",
        help="allow interrupting containers that are not declared here",
    ),
    _option(
        "--max-removals",
        type=_limit,
        metavar="N",
        help="refuse to remove, replace or disconnect more than N objects",
    ),
)
confirm = _option(
    "-y",
    "--yes",
    action="store_true",
    help="do not ask before something is removed, replaced or disconnected",
)
lock = _option(
    "--lock-timeout",
    type=_patience,
    default=90.0,
    metavar="S",
    help="seconds to wait for another netplan that works on the same objects (default: 90)",
)
adopt = _option(
    "--adopt",
    action="append",
    default=[],
    metavar="NETWORK",
    help="adopt an existing network: it is replaced and keeps all endpoints",
)
allow_empty = _option(
    "--allow-empty",
    action="store_true",
    help="allow a file that declares nothing to remove all that its topology owns",
)
only = _option(
    "--only",
    action="extend",
    default=[],
    type=_names,
    metavar="NAME",
    help=(
        "only this network, container or volume and what it needs; several: --only a,b or"
        " --only a --only b"
    ),
)
keep_going = _option(
    "--keep-going",
    action="store_true",
    help="skip what is refused and what depends on it, do the rest, exit 1",
)
ttl = _option(
    "--ttl",
    type=_lifetime,
    metavar="DURATION",
    help=(
        "how long until the topology expires, e.g. 2h, counted from the end of this run (default:"
        " the file's ttl)"
    ),
)
settle = _option(
    "--settle",
    type=_patience,
    default=1.0,
    metavar="S",
    help=(
        "seconds that started containers must stay up before the run is done (default: 1; 0: do"
        " not wait)"
    ),
)
stop_timeout = _option(
    "--stop-timeout",
    type=_whole_seconds,
    metavar="S",
    help=(
        "seconds that a container has to stop before it is killed (default: its own"
        " stop_grace_period)"
    ),
)
exit_code = _option("--exit-code", action="store_true", help="exit 2 when changes are pending")
choice = _all(
    _option(
        "--match",
        action="append",
        default=[],
        metavar="PATTERN",
        type=_pattern,
        help="those whose name matches, e.g. 'job-*'; may be given several times",
    ),
    _option(
        "--origin",
        action="append",
        default=[],
        metavar="PATTERN",
        type=_pattern,
        help=(
            "those created from there, e.g. 'runner7:*' (HOST:FOLDER), or the address of its git"
            " repository"
        ),
    ),
)


def age(parser: argparse._ActionsContainer) -> None:
    """Which topologies, by age."""
    parser.add_argument("--expired", action="store_true", help="those whose ttl has expired")
    older = "those that created nothing and renewed no ttl for this long, e.g. 2h"
    parser.add_argument("--older-than", type=_lifetime, metavar="DURATION", help=older)


# --- what one command takes -----------------------------------------------------------------------

validated = _option("files", nargs="*", metavar="FILE")
state = _option(
    "--state",
    metavar="SNAPSHOT",
    help="plan against the output of netplan snapshot, or against 'empty'; needs no engine",
)
plan_out = _option("--out", metavar="P.json", help="save the plan, for apply --plan")
saved_plan = _option(
    "--plan",
    metavar="P.json",
    help="a saved plan; refused if the engine or the plan changed since",
)
approved = _option(
    "--fingerprint",
    type=_fingerprint,
    metavar="HEX",
    help=(
        "with --plan: refuse every plan except the approved one; the plan and the comment on a"
        " pull request print it (8 digits or more)"
    ),
)
topology_name = _option(
    "--name",
    metavar="TOPOLOGY",
    help="the topology's name, if its file no longer exists",
)
volumes = _option(
    "--volumes",
    action="store_true",
    help="also remove the volumes that the topology created, with all that they hold",
)
keep_containers = _option(
    "--keep-containers",
    action="store_true",
    help="keep the containers: restore networks and attachments only",
)
wipe = _all(
    _option(
        "--wipe",
        action="store_true",
        help="first remove all containers and networks on the engine",
    ),
    _option(
        "--yes-wipe",
        metavar="ENGINE",
        help="confirm --wipe with the engine's name, without a question",
    ),
)


def pruned(parser: ArgumentParser) -> None:
    """Of prune, which must be told which topologies by age."""
    age(parser.add_mutually_exclusive_group(required=True))
    parser.add_argument("--dry-run", action="store_true", help="show the plans, and change nothing")
    parser.set_defaults(file=None, name=None, replace_topology=[])


static = _option(
    "--static",
    action="store_true",
    help="judge by the topology and the rules of engines alone; needs no engine",
)
compared = _all(_option("before", metavar="BEFORE"), _option("after", metavar="AFTER"))
everything = _option(
    "--all",
    action="store_true",
    help="everything on the engine, without regard to a file in this folder",
)
access = _all(
    _option(
        "--probe-image",
        metavar="IMAGE",
        default="busybox",
        help=(
            "the image of the containers that look into network namespaces, where that is not"
            " possible as root on the engine's machine (default: busybox)"
        ),
    ),
    _option(
        "--access",
        choices=("auto", "kernel", "helper", "exec"),
        default="auto",
        help=(
            "how to look into network namespaces: as root on the engine's machine, by a helper"
            " container, or by each container's own tools (default: the first that works)"
        ),
    ),
)
shown = _all(
    everything,
    _option("--links", action="store_true", help="as netplan links shows it"),
    _option("--problems", action="store_true", help="only what is not as declared, or not healthy"),
)
drawn = _all(
    _option(
        "-o",
        "--output",
        choices=("mermaid", "dot", "svg", "png", "html"),
        help="the format (default: what the name of the --out file says, else mermaid)",
    ),
    _option("--out", metavar="FILE", help="write the picture to a file; its name says the format"),
)


def viewed(parser: ArgumentParser) -> None:
    """What the picture is of, where it is not of the file alone."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--live", action="store_true", help="what is on the engine; drift is marked")
    planned = "what apply would change, each change with its sign and colour"
    what.add_argument("--plan", action="store_true", dest="planned", help=planned)
    state = "with --live or --plan: a snapshot instead of an engine, or 'empty'"
    parser.add_argument("--state", metavar="SNAPSHOT", help=state)


schema_name = _option(
    "name",
    nargs="?",
    default="topology",
    choices=(
        *("topology", "plan", "plans", "report", "reports", "snapshot"),
        *("validate", "show", "links", "ls", "prune", "doctor", "verify", "error"),
    ),
)
snapshot_of = _all(
    _option("file", nargs="?", metavar="FILE", help="a topology, or a folder of them"),
    _option(
        "--out",
        metavar="S.json",
        help="write it atomically to a file that only you can read",
    ),
)
unlocked = _all(
    _option(
        "topology", nargs="?", metavar="TOPOLOGY", help="only the locks of runs of this topology"
    ),
    _option("-y", "--yes", action="store_true", help="do not ask"),
)
shell = _option("shell", choices=("bash", "zsh", "fish"))

"""The command line: which commands there are, and what each takes.

Only the command that a command line names gets its arguments: to give them to all takes as long as
a part of the work.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any, NamedTuple, NoReturn

from .. import __version__
from ..errors import UsageError
from . import options as take
from .mistakes import check_command, unknown_option

_EPILOG = """\
exit codes:
    0  done, or nothing to do
    1  failed
    2  changes pending (plan --exit-code); nothing to judge (verify)
    3  refused as unsafe
    4  the file or command line is wrong
   75  another netplan is at work: try again
  130  interrupted

FILE may be - (standard input), a folder (every topology in it), or absent: netplan.yaml or
topology.yaml in this folder.
"""
_DIFF = """\
Shows the plan from BEFORE, as if it had been applied, to AFTER. Needs no engine.

Each is a file, - (standard input), or git:REV:PATH, a file as it was: git:main:netplan.yaml
"""
_COMPLETION = """\
Prints a script that makes a shell complete commands, options, files, and names of topologies. In
the shell's start-up file, or for zsh once:

  bash  source <(netplan completion bash)
  zsh   netplan completion zsh > "${fpath[1]}/_netplan"
  fish  netplan completion fish | source
"""
_DOCTOR = "Checks the engine and your permissions, and says how to fix problems."
_SHOW = """\
Shows the live topology of FILE, with drift marked; without FILE that of the file in this folder,
and where there is none everything on the engine.
"""
_LINKS = """\
Shows each interface of the containers of FILE, as the kernel has it: MAC, MTU, addresses, routes,
the other end of its veth pair, the bridge and the state of its port. Without FILE as show does.

Changes nothing. Where it cannot look by itself, as root on the engine's machine, it starts a helper
container in each network namespace, and removes it at the end.
"""
_GRAPH = """\
Draws FILE: networks as bars, containers below them with an address for each attachment. As
declared; with --live as it is on the engine; with --plan as apply would change it.

The format html is one page with search and details, which needs nothing else. A png is made by
cairosvg or rsvg-convert, where one of them is installed.
"""
_SNAPSHOT = """\
Prints the observed state as JSON. Holds no environment values, only a digest of each: guesses are
slow, and impossible where NETPLAN_SNAPSHOT_KEY is set to a secret; plan --state and apply --plan
then need the same key.

Given a FILE, the registries of its images with pull_policy: always are asked too, so that a plan
from the snapshot knows whether there are newer ones.
"""
_VERIFY = """\
Judges the expectations (expect:) of a file, and without any what its topology implies: whether each
holds, is broken, or cannot be decided without an engine, and why.

Exit codes: 0 nothing is broken, 1 something is, 2 there was nothing to judge.
"""
_LS = """\
Lists the topologies on this engine: what each owns, its age, when it expires, and where its file
was. The age counts from the last time that something of it was created, or its ttl renewed.
"""
_PRUNE = """\
Destroys the topologies that have expired, or are older than you say: shows the plan of each, asks
once for all, and removes one after the other. One that was applied again meanwhile is kept.
"""


class Command(NamedTuple):
    """One command: a phrase for the list of all, the text above its options, and what it takes, in
    this order.
    """

    help: str
    description: str
    takes: tuple[take.Adds, ...]


_REVIEWED = take.output("markdown")
_CONSENT = (take.replacing, take.limits)
_CHANGES = (take.file, _REVIEWED, take.engine, *_CONSENT, take.parallel, take.confirm, take.lock)
"""What the commands take that change an engine as a file says."""

COMMANDS = {
    "validate": Command(
        "check files; never contacts an engine",
        "Checks files. Never contacts an engine.",
        (take.output("github"), take.validated),
    ),
    "plan": Command(
        "show what apply would do",
        "Shows what apply would do. Changes nothing.",
        (
            *(take.file, _REVIEWED, take.engine, *_CONSENT, take.exit_code, take.state),
            *(take.adopt, take.allow_empty, take.only, take.keep_going, take.plan_out),
        ),
    ),
    "apply": Command(
        "make the engine match the file",
        "Shows the plan, asks for confirmation where something is removed or interrupted, carries"
        " out the steps and\nverifies the result.",
        (
            *(*_CHANGES, take.adopt, take.allow_empty, take.ttl, take.only, take.keep_going),
            *(take.saved_plan, take.settle, take.approved, take.stop_timeout),
        ),
    ),
    "verify": Command(
        "check who reaches whom, as expected",
        _VERIFY,
        (take.file, take.output("markdown", "junit"), take.static),
    ),
    "destroy": Command(
        "remove what a topology owns",
        "Removes what the topology owns and undoes its attachments.",
        (*_CHANGES, take.topology_name, take.volumes, take.stop_timeout),
    ),
    "reset": Command(
        "restore a lab to its declared state",
        "Restores a lab to its declared state: recreates its containers, reverts manual changes,"
        " and\ndisconnects containers that are not declared from its networks.",
        (
            *(*_CHANGES, take.stop_timeout, take.only, take.keep_containers),
            *(take.settle, take.ttl, take.wipe),
        ),
    ),
    "prune": Command(
        "remove topologies that have expired",
        _PRUNE,
        (
            *(take.choice, take.output(), take.engine, take.parallel, take.confirm, take.lock),
            *(take.pruned, take.limits, take.volumes, take.stop_timeout),
        ),
    ),
    "diff": Command(
        "the plan from one file to another",
        _DIFF,
        (_REVIEWED, *_CONSENT, take.compared, take.exit_code),
    ),
    "show": Command(
        "the live topology as a tree",
        _SHOW,
        (take.file, take.output(), take.engine, take.shown, take.access),
    ),
    "links": Command(
        "interfaces, veth pairs and bridges of containers",
        _LINKS,
        (take.file, take.output(), take.engine, take.everything, take.access),
    ),
    "graph": Command(
        "draw a topology", _GRAPH, (take.file, take.drawn, take.viewed, take.no_color, take.engine)
    ),
    "ls": Command(
        "topologies on this engine", _LS, (take.choice, take.output(), take.engine, take.age)
    ),
    "schema": Command(
        "print a JSON Schema", "Prints the JSON Schema of a file format.", (take.schema_name,)
    ),
    "snapshot": Command("the observed state as JSON", _SNAPSHOT, (take.engine, take.snapshot_of)),
    "unlock": Command(
        "remove the locks on the engine",
        "Shows the locks on the engine and who holds them, asks, and removes them. Journals stay.",
        (take.engine, take.unlocked),
    ),
    "doctor": Command(
        "the engine, your permissions, how to fix problems", _DOCTOR, (take.output(), take.engine)
    ),
    "completion": Command("print a script for a shell", _COMPLETION, (take.shell,)),
}


def _width() -> int:
    from ..wrap import width_of

    return width_of(sys.stdout) or 80


class _Help(argparse.HelpFormatter):
    """Fills paragraphs to the width of the terminal; what is indented stays as it is."""

    def __init__(self, prog: str) -> None:
        # argparse makes one for each argument that is added, and would load shutil for the width
        super().__init__(prog, width=_width() - 2)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = super()._fill_text
        parts = text.strip("\n").split("\n\n")
        return "\n\n".join(part if "\n " in part else fill(part, width, indent) for part in parts)


class _Parser(argparse.ArgumentParser):
    """One that raises UsageError where argparse would exit with 2."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message[:1].lower() + message[1:], f"see {self.prog} --help")

    def format_help(self) -> str:
        from ..invocation import renamed
        from ..wrap import fit

        return fit(renamed(super().format_help()), _width())

    def _print_message(
        self, message: str, file: Any = None
    ) -> None:  # argparse's own keeps a full disk to itself
        (file or sys.stderr).write(message)


def parser(prog: str = "netplan", only: str = "") -> argparse.ArgumentParser:
    """The whole command line of a program of that name; where `only` is a command, with no other
    than that.
    """
    top = _Parser(
        prog,
        description=(
            "Docker topologies as code: makes the engine's networks match a file exactly."
        ),
        epilog=_EPILOG,
        formatter_class=_Help,
    )
    top.add_argument("--version", "-V", action="version", version=f"netplan {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    names = [only] if only in COMMANDS else list(COMMANDS)
    for name in names:
        help, description, takes = COMMANDS[name]
        one = commands.add_parser(
            name, help=help, description=description, formatter_class=_Help, allow_abbrev=False
        )
        for add in takes:
            add(one)
    return top


def parse(arguments: list[str], prog: str = "netplan") -> argparse.Namespace | None:
    """The options of a command line; None where it names no command. Raises UsageError for a wrong
    one.
    """
    check_command(arguments, COMMANDS)
    whole = parser(prog, *arguments[:1])
    found, unknown = whole.parse_known_args(arguments)
    if unknown:  # argparse would have the command's own help left out
        raise unknown_option(unknown[0], found.command, _options(found.command))
    return found if found.command else None


def _options(command: str) -> list[str]:
    alone = argparse.ArgumentParser()
    for add in COMMANDS[command].takes:
        add(alone)
    return [*alone._option_string_actions]

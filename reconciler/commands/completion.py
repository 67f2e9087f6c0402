"""`netplan completion SHELL`: what a shell completes, made from the parser of the command line.

The scripts are shtab's, which is made for argparse and is loaded here only.
"""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Iterator

from ..docker_plugin import COMMAND

SHELLS = ("bash", "zsh", "fish")

_NAMES = (
    "find . -maxdepth 1 -name '*.y*ml' -exec sed -n 's/^name:"
    " *\\([A-Za-z0-9][A-Za-z0-9_.-]*\\).*/\\1/p' {} +"
)
"""Prints the names of the topologies in the current folder: no engine is asked."""
_TOPOLOGIES = {
    "bash": "_netplan_topologies",
    "zsh": "_netplan_topologies",
    "fish": "(_netplan_topologies)",
}
_FUNCTIONS = {
    "bash": f'_netplan_topologies() {{ compgen -W "$({_NAMES})" -- "$1"; }}',
    "zsh": f'_netplan_topologies() {{ compadd -- ${{(f)"$({_NAMES})"}} }}',
    "fish": f"function _netplan_topologies; {_NAMES}; end",
}
_REGISTERED = {
    "bash": ("complete -o bashdefault -F _shtab_netplan netplan",),
    "zsh": ("#compdef netplan", "compdef _shtab_netplan -N netplan"),
    "fish": (),
}
"""The lines of a script that name the command; the second name follows there."""
TOPOLOGY_FILES = ("file", "files", "before", "after")
JSON_FILES = ("plan", "state")
ANY_FILES = ("out",)
TOPOLOGY_NAMES = ("name", "topology", "replace_topology")


def completion(options: Namespace) -> int:
    """Prints the script for a shell."""
    print(script(options.shell), end="")
    return 0


def script(shell: str) -> str:
    """The script that makes `shell` complete netplan's commands, options, files and names."""
    import shtab

    from ..arguments import parser

    whole = parser("netplan")
    completers = {
        **dict.fromkeys(TOPOLOGY_FILES, shtab.glob("*.yaml", "*.yml", "*.json")),
        # two patterns: zsh takes a single one in parentheses for something else
        **dict.fromkeys(JSON_FILES, shtab.glob("*.json", "*.JSON")),
        **dict.fromkeys(ANY_FILES, shtab.FILE),
        **dict.fromkeys(TOPOLOGY_NAMES, _TOPOLOGIES),
    }
    _shorten(whole)
    for action in actions(whole):
        if action.dest in completers and not action.choices:
            action.complete = completers[action.dest]  # type: ignore[attr-defined]
    text: str = shtab.complete(whole, shell, root_prefix="netplan", preamble=_FUNCTIONS[shell])
    for line in _REGISTERED[shell]:
        text = text.replace(line, f"{line} {COMMAND}")
    if shell == "fish":
        text += f"\ncomplete -c {COMMAND} -w netplan\n"
    return text.rstrip() + "\n"


def _shorten(parser: argparse.ArgumentParser) -> None:
    """Shells show a command's description: the line of `netplan --help` fits there."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action._choices_actions:
                action.choices[one.dest].description = one.help


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every argument of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from actions(command)

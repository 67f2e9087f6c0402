"""What to say of a command or an option that does not exist."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ..errors import UsageError

_ELSEWHERE = {
    **dict.fromkeys(
        ("up", "run", "start", "create", "deploy", "sync", "converge", "restart"), "apply"
    ),
    **dict.fromkeys(("down", "rm", "remove", "delete", "stop", "kill", "undo"), "destroy"),
    **dict.fromkeys(("gc", "expire", "cleanup", "clean"), "prune"),
    **dict.fromkeys(("list", "topologies"), "ls"),
    **dict.fromkeys(("status", "ps", "inspect", "state", "get", "describe"), "show"),
    **dict.fromkeys(("check", "config", "lint"), "validate"),
    **dict.fromkeys(("test", "ping", "probe", "expect", "reach", "prove"), "verify"),
    **dict.fromkeys(("preview", "dry-run", "changes"), "plan"),
    **dict.fromkeys(("recreate", "rebuild"), "reset"),
    **dict.fromkeys(("info", "diagnose"), "doctor"),
    **dict.fromkeys(("brctl", "bridge", "ip", "interfaces", "veth", "link"), "links"),
    "version": "--version",
    "help": "--help",
}
"""Words of other programs, and what does the same here."""


def check_command(arguments: Sequence[str], known: Collection[str]) -> None:
    """Raises UsageError for a command that does not exist, with what it may mean."""
    word = arguments[0] if arguments else "--help"
    if word in (*known, "-h", "--help", "-V", "--version"):
        return
    if word.startswith("-"):
        raise UsageError(
            f"option {word} is before the command",
            "put options after it: netplan COMMAND [FILE] [OPTION]...",
            "see netplan --help",
        )
    from difflib import get_close_matches

    meant = _ELSEWHERE.get(word.lower()) or next(
        iter(get_close_matches(word.lower(), known, 1)), ""
    )
    hints = [f"did you mean: netplan {meant}"] if meant else []
    raise UsageError(f"there is no command {word!r}", *hints, "see netplan --help")


def unknown_option(word: str, command: str, known: Iterable[str]) -> UsageError:
    """The error of an argument that a command with the options `known` does not take."""
    from difflib import get_close_matches

    prog = f"netplan {command}"
    if not word.startswith("-"):
        return UsageError(f"{prog}: one argument too many: {word}", f"see {prog} --help")
    near = get_close_matches(word.partition("=")[0], list(known), 1, 0.7)
    return UsageError(
        f"{prog} has no option {word}",
        *[f"did you mean: {option}" for option in near],
        f"see {prog} --help",
    )

"""The name under which netplan was called, in the commands that it tells people to run."""

from __future__ import annotations

NAME = "netplan"
COMMANDS = (
    *("validate", "plan", "apply", "destroy", "reset", "prune", "diff", "show", "links"),
    *("graph", "ls", "schema", "snapshot", "unlock", "doctor", "completion", "verify"),
    *("COMMAND", "--help", "--version"),
)
"""What follows the name in a command line, and not where it is the project's name."""

_called = [NAME]


def call(name: str) -> None:
    """From now on commands are told under that name: `docker-netplan`, `docker netplan`."""
    _called[0] = name


def called() -> str:
    """The name under which netplan was called."""
    return _called[0]


def renamed(text: str) -> str:
    """`text` with the commands in it as the caller of netplan can run them."""
    if _called[0] == NAME or NAME not in text:
        return text
    import re

    commands = "|".join(COMMANDS)
    return re.sub(rf"(?<!docker[ -])\b{NAME}(?= (?:{commands})(?![\w-]))", _called[0], text)

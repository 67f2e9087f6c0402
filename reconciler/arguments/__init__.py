"""The command line: which commands there are, and what each takes."""

from .command_line import COMMANDS, Command, parse, parser

__all__ = [
    "COMMANDS",
    "Command",
    "parse",
    "parser",
]

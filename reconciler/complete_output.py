"""What the caller of the command is owed: one document for `-o json`, and no output lost in
silence.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from .errors import InputError, NetplanError
from .invocation import renamed
from .signals import received
from .wrap import fit, width_of

FORMAT_VERSION = 1
"""Of the JSON of an error; schemas/error.schema.json describes it."""

_lost: list[OSError] = []
_held: list[dict[str, Any]] = []


def forget() -> None:
    """Nothing is held or lost, and no signal came: another command begins in this process."""
    _lost.clear()
    _held.clear()
    received.clear()


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether the command line asks for JSON; it need not be a correct one."""
    last = ""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word in ("-o", "--output"):
            last = following
        elif word.startswith(("-o", "--output=")):
            last = word.removeprefix("--output=").removeprefix("-o")
    return last == "json"


# --- documents ------------------------------------------------------------------------------------


def hold(document: dict[str, Any]) -> None:
    """Keeps a document until the command ends: an error that comes after it becomes a part of
    it.
    """
    _held[:] = [document]


def error_json(error: NetplanError) -> dict[str, Any]:
    """An error as JSON values: what happened, then why and what to do, and of a file's problems
    each with its place.
    """
    problems = error.problems if isinstance(error, InputError) else ()
    return {
        "message": error.message,
        "hints": list(error.hints),
        "exit_code": error.exit_code,
        "problems": [
            {"file": p.file, "line": p.line, "column": p.column, "message": p.message}
            for p in problems
        ],
    }


def print_document(error: dict[str, Any] | None = None) -> None:
    """Prints the document that is held, or one of the error alone; nothing where there is
    neither.
    """
    if not _held and not error:
        return
    document = _held.pop() if _held else {"format_version": FORMAT_VERSION}
    if error:
        document |= {"error": error}
    print(json.dumps(document, indent=2, ensure_ascii=False), flush=True)


# --- output ---------------------------------------------------------------------------------------


def print_on(text: str, whole: bool = False) -> None:
    """Prints what a run did: that goes on, and is verified, though nobody takes its output; the
    exit code tells of it.
    """
    if not _lost:
        try:
            print(text if whole else fit(renamed(text), width_of(sys.stdout)), flush=True)
        except OSError as error:
            _lost.append(error)


def print_text(text: str) -> None:
    """Text for people, made to fit their terminal."""
    print(fit(renamed(text), width_of(sys.stdout)), flush=True)


def lost_output() -> OSError | None:
    """Why `print_on` could not print, if it could not."""
    return _lost[0] if _lost else None


def say_error(text: str) -> None:
    """On standard error, if anybody reads it; made to fit their terminal."""
    try:
        print(fit(renamed(text), width_of(sys.stderr)), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        return

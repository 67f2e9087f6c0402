"""Reads what a container runs, and how its health is tested."""

from __future__ import annotations

from ..settings import parse_words
from .container_reader import Reader
from .document import Map, Seq, show
from .report import mapping, text
from .schema import flag
from .shell_syntax import in_line, in_words


def read_process(reader: Reader) -> None:
    """Command, entrypoint, and the test of the health check."""
    for key in ("command", "entrypoint"):
        split = _words(reader, key)
        listed = isinstance(reader.body.get(key), Seq)
        if key == "entrypoint":
            _entrypoint(reader, split, listed)
        elif split:
            reader.settings[key] = split
        elif listed and not reader.body.get("entrypoint"):
            reader.report.warn(
                reader.body.value_at(key),
                "'command' has no words, which engines take for those of the image: remove it",
            )
    _healthcheck(reader)


def _words(reader: Reader, key: str) -> tuple[str, ...]:
    """A text is split as a shell does, a list is taken as it stands."""
    at = reader.body.value_at(key)
    if (written := text(reader.body, key)) is not None:
        _no_shell(reader, at, key, in_line(written))
        return reader.attempt(at, parse_words.words, written) or ()
    if not isinstance(reader.body.get(key), Seq):
        return ()
    split = tuple(item for _, item in reader.items(key))
    _no_shell(reader, at, key, in_words(split))
    _one_program(reader, at, key, split[:1] if key == "entrypoint" else ())
    return split


def _entrypoint(reader: Reader, split: tuple[str, ...], listed: bool) -> None:
    """An entrypoint without words is none at all."""
    if split and not split[0]:
        reader.report.error(
            reader.body.value_at("entrypoint"),
            "'entrypoint' begins with an empty word: name the program, or remove the key",
        )
    elif split or listed:
        reader.settings["entrypoint"] = split


def _no_shell(reader: Reader, at: int, key: str, operator: str) -> None:
    """Warns of an operator that only a shell would understand."""
    if operator:
        reader.report.warn(
            at,
            f"{show(operator)} in {show(key)} is handed to the program as a word, as no shell reads"
            " it: write the whole line as one word of [sh, -c, 'the line']",
        )


def _one_program(reader: Reader, at: int, key: str, first: tuple[str, ...]) -> None:
    """Warns of a whole line where a list names its program."""
    for word in first:
        if len(word.split()) > 1:
            reader.report.warn(
                at,
                f"{show(key)} runs a program called {show(word)}: make each of its words an item of"
                " its own",
            )


def _healthcheck(reader: Reader) -> None:
    """The image's own, changed or put out of use."""
    body = mapping(reader.body, "healthcheck")
    test = _health_test(reader, body)
    if test is not None:
        reader.settings["healthcheck.test"] = test
    if flag(body.get("disable")) is True:
        if test not in (None, ("NONE",)):
            reader.report.error(
                body.key_at("disable"), "'disable' is set together with a test: remove one of them"
            )
        reader.settings["healthcheck.test"] = ("NONE",)


def _health_test(reader: Reader, body: Map) -> tuple[str, ...] | None:
    """A text is a line for the shell; a list begins with how it is run."""
    if written := text(body, "test"):
        return ("CMD-SHELL", written)
    if not isinstance(body.get("test"), Seq):
        return None
    at, test = body.value_at("test"), tuple(item for _, item in reader.items("test", body))
    if not test:
        return None
    if test[0] == "CMD":
        _no_shell(reader, at, "test", in_words(test))
        _one_program(reader, at, "test", test[1:2])
    if test[0] not in ("NONE", "CMD", "CMD-SHELL") or (len(test) == 1) != (test[0] == "NONE"):
        reader.report.error(
            at,
            "the test is neither [CMD, program, argument], [CMD-SHELL, line] nor [NONE]: write one"
            " of these, or the line alone",
        )
        return None
    return test

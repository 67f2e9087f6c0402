"""`netplan validate`: checks files, with no engine."""

from __future__ import annotations

import itertools
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..complete_output import print_text
from ..errors import InputError, Problem, RefusedError, UsageError
from ..model import DesiredState
from ..terminal import safe
from ..topology import load as read_file
from .inputs import files
from .output import print_json, warn


def validate(options: Namespace) -> int:
    """Checks every file and reports every problem of every file, and what the files of a folder
    contradict each other in.
    """
    alone = options.output == "text" and len(options.files) <= 1
    groups, problems = ([files(*options.files or [None])], []) if alone else _groups(options.files)
    states: dict[str, DesiredState] = {}
    warnings: list[Problem] = []
    for path in dict.fromkeys(itertools.chain(*groups)):
        try:
            loaded = read_file(path)
        except InputError as error:
            problems += error.problems
        except UsageError as error:
            if alone and groups == [[path]]:
                raise
            problems.append(_unreadable(path, error))
        else:
            states[path] = loaded.state
            warnings += loaded.warnings
    contradictions = [
        problem for group in groups if len(group) > 1 for problem in _contradictions(group, states)
    ]
    _print_checked(states, warnings, sorted({*problems, *contradictions}), options)
    if problems:
        return InputError.exit_code
    return RefusedError.exit_code if contradictions else 0


def _groups(arguments: Sequence[str]) -> tuple[list[list[str]], list[Problem]]:
    """The files that each argument means, and which arguments mean none: one that cannot be read
    keeps no other from being checked.
    """
    if not arguments:
        return [files(None)], []
    groups, problems = [], []
    for argument in arguments:
        try:
            groups.append(files(argument))
        except UsageError as error:
            problems.append(_unreadable(argument, error))
    return groups, problems


def _unreadable(path: str, error: UsageError) -> Problem:
    return Problem(
        "<stdin>" if path == "-" else path,
        1,
        1,
        f"{error.message}: {'; '.join(error.hints)}" if error.hints else error.message,
    )


def _contradictions(paths: Sequence[str], states: Mapping[str, DesiredState]) -> Iterator[Problem]:
    from ..planner import conflicts

    for refusal in conflicts([(path, states[path]) for path in paths if path in states]):
        assert refusal.source is not None
        yield Problem(
            refusal.source.file,
            refusal.source.line,
            refusal.source.column,
            f"{refusal.message}: {refusal.way_out}",
        )


def _print_checked(
    states: Mapping[str, DesiredState],
    warnings: Sequence[Problem],
    problems: Sequence[Problem],
    options: Namespace,
) -> None:
    """For GitHub as it shows them at their lines: nothing where there are none."""
    if options.output == "github":
        from ..render.annotations import annotation

        for problem in (*warnings, *problems):
            print(annotation(problem))
        return
    warn(warnings)
    if options.output == "json":
        sizes = [{"file": path, **_size(desired)} for path, desired in states.items()]
        print_json(
            {
                "format_version": 1,
                "files": sizes,
                "warnings": list(map(_placed, warnings)),
                "problems": list(map(_placed, problems)),
            }
        )
    elif not options.quiet:
        wrong = {problem.file for problem in problems}
        for path, desired in states.items():
            if path in wrong:  # it contradicts another
                continue
            size = _size(desired)
            counted = ", ".join(
                _count(size[kind], kind[:-1]) for kind in ("networks", "containers", "endpoints")
            )
            counted += (
                f" ({_count(size['managed'], 'container')} managed)" if size["managed"] else ""
            )
            print_text(f'{safe(path)}: ok: topology "{desired.topology}", {counted}')
    warn(problems)


def _placed(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
    }


def _size(desired: DesiredState) -> dict[str, Any]:
    endpoints = sum(len(container.endpoints) for container in desired.containers.values())
    return {
        "topology": desired.topology,
        "networks": len(desired.networks),
        "containers": len(desired.containers),
        "managed": sum(container.managed for container in desired.containers.values()),
        "endpoints": endpoints,
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

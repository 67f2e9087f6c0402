"""The commands that only look: at files, at an engine, at neither."""

from __future__ import annotations

import itertools
import json
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import InputError, Problem, RefusedError, UsageError
from ..model import DesiredState
from ..paint import choose, safe
from ..process import print_text, say_error
from ..runs import look_at
from ..topology import load as read_file
from .shared import call_log, files, load, painted, print_json, reader_of, say, snapshot_key, warn

if TYPE_CHECKING:
    from ..plan import Plan

# --- without an engine ----------------------------------------------------------------------------


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
                f" ({_count(size['managed'], 'container')} run by it)" if size["managed"] else ""
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


def schema(options: Namespace) -> int:
    """Prints a published schema."""
    from ..topology.schema import schema_text

    print(schema_text(options.name), end="")
    return 0


# --- reading an engine ----------------------------------------------------------------------------


def show(options: Namespace) -> int:
    """The live topology; drift is marked where the file is known."""
    from .. import show as view
    from ..planner import plan as make_plan

    states = [load(path) for path in _shown_files(options)]
    with reader_of(options) as reader:
        observed = look_at(reader, states)
    shown: list[tuple[str | None, DesiredState | None, Plan | None]]
    shown = [(state.topology, state, make_plan(state, observed)) for state in states] or [
        (None, None, None)
    ]
    if options.output == "json":
        print(view.show_json(observed, *shown))
        return 0
    render = painted(view.show, options)
    say(options, "\n\n".join(render(observed, *each, problems=options.problems) for each in shown))
    return 0


def _shown_files(options: Namespace) -> list[str]:
    """Those that are named, or that of the current folder; none: everything on the engine is
    meant.
    """
    from ..topology.files import default_file

    if options.all:
        if options.file:
            raise UsageError("--all and FILE were both given", "give one of them")
        return []
    if options.file is not None:
        return files(options.file)
    found = default_file()
    return [found] if found else []


def ls(options: Namespace) -> int:
    """Topologies on the engine: all, or those that the options mean."""
    from .. import show as view
    from .lifetime import choice_of, survey

    with reader_of(options) as reader:
        seen = survey(reader)
    found = seen.chosen(choice_of(options))
    if options.output == "json":
        print(view.ls_json(seen.observed, found, seen.now))
    elif seen.entries and not found:
        say(
            options,
            f"these options fit none of the topologies on this engine, {len(seen.entries)} in all",
        )
    else:
        say(options, view.ls(found, seen.now, choose(sys.stdout, options.no_color)))
    return 0


def snapshot(options: Namespace) -> int:
    """The observed state, for other programs; registries are asked where a file says so."""
    from ..lock import own_volumes
    from ..lock.journal import journals
    from ..planner import cannot_read
    from ..snapshot import snapshot_json

    states = [load(path) for path in files(options.file)] if options.file else []
    with reader_of(options) as reader:
        left = journals(own_volumes(reader))
        for journal in left:
            if journal.unreadable:
                say_error(safe(f"warning: {cannot_read(journal)}: it is not in the snapshot"))
        value = snapshot_json(look_at(reader, states, every_image=True), left, snapshot_key())
    if options.out is None:
        print_json(value)
    else:
        from .write import write_file

        write_file(options.out, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    return 0


def doctor(options: Namespace) -> int:
    """Examines the engine; exit 1 where something must be mended."""
    from dataclasses import asdict

    from ..doctor import FORMAT_VERSION, examine, healthy, report

    findings = examine(options.host, options.context, options.timeout, log=call_log(options))
    if options.output == "json":
        print_json(
            {
                "format_version": FORMAT_VERSION,
                "findings": [asdict(finding) for finding in findings],
            }
        )
    else:
        paint = choose(sys.stdout, options.no_color)
        styles = {"ok  ": "add", "warn": "warn", "fail": "error"}
        shown = [finding for finding in findings if not options.quiet or finding.level != "ok"]
        for line in map(safe, report(shown)):
            print_text(paint(styles.get(line[:4], ""), line[:4]) + line[4:])
    return 0 if healthy(findings) else 1

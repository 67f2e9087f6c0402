"""What each command does: read the file, look at the engine, plan, act, and say so. Each returns its exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .errors import FailedError, InputError, NetplanError, Problem, RefusedError, UsageError
from .model import DesiredState, ObservedState
from .paint import Paint, choose, safe
from .safety import Policy

if TYPE_CHECKING:
    from argparse import Namespace

    from .engine import Engine, Reader
    from .executor import Run
    from .plan import Plan

CHANGES_PENDING = 2
_WORSE = (0, CHANGES_PENDING, FailedError.exit_code, RefusedError.exit_code)
"""Exit codes of plans, from good to bad."""
MOST_CHANGES = 10
"""Differences that are listed where the engine changed while a plan was being read."""
SETTLE = (0.0, 0.3, 0.7, 1.5)
"""Seconds to wait before each look that may prove an apply: an engine lists some changes a little later."""


def run(options: Namespace) -> int:
    """Dispatch; raises NetplanError for whatever a user can mend."""
    commands: dict[str, Callable[[Namespace], int]] = {
        "validate": validate,
        "plan": plan,
        "apply": apply,
        "destroy": destroy,
        "show": show,
        "ls": ls,
        "schema": schema,
        "snapshot": snapshot,
        "doctor": doctor,
    }
    return commands[options.command](options)


# --- without an engine -----------------------------------------------------------------------------------------------


def validate(options: Namespace) -> int:
    """Checks every file and reports every problem of every file."""
    problems: list[Problem] = []
    checked: list[tuple[str, DesiredState]] = []
    for path in [found for argument in options.files or [None] for found in _files(argument)]:
        try:
            checked.append((path, _load(path)))
        except InputError as error:
            problems += error.problems
    if options.output == "json":
        _print_json({"files": [{"file": path, **_size(desired)} for path, desired in checked], "problems": [str(p) for p in problems]})
    elif not options.quiet:
        for path, desired in checked:
            size = _size(desired)
            counted = ", ".join(_count(size[kind], kind[:-1]) for kind in ("networks", "containers", "endpoints"))
            print(f'{safe(path)}: ok: topology "{desired.topology}", {counted}')
    if problems:
        raise InputError(problems)
    return 0


def _size(desired: DesiredState) -> dict[str, Any]:
    endpoints = sum(len(container.endpoints) for container in desired.containers.values())
    return {
        "topology": desired.topology,
        "networks": len(desired.networks),
        "containers": len(desired.containers),
        "endpoints": endpoints,
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def schema(options: Namespace) -> int:
    """Prints a published schema."""
    from .schema import schema_text

    print(schema_text(options.name), end="")
    return 0


# --- reading an engine -----------------------------------------------------------------------------------------------


def plan(options: Namespace) -> int:
    """Shows what apply would do, with an engine that cannot write."""
    from .observe import observe
    from .planner import plan as make_plan

    worst = 0
    desired = [_load(path) for path in _files(options.file)]
    with _reader(options) as reader:
        observed = observe(reader)
    for state in desired:
        result = make_plan(state, observed, policy=_policy(options))
        _print_plan(result, options)
        pending = CHANGES_PENDING if options.exit_code and not result.empty else 0
        worst = max(worst, _refused(result) or pending, key=_WORSE.index)
    return worst


def show(options: Namespace) -> int:
    """The live topology; drift is marked where the file is known."""
    from . import show as view
    from .observe import observe
    from .planner import plan as make_plan

    states = [_load(path) for path in _files(options.file)] if options.file else []
    with _reader(options) as reader:
        observed = observe(reader)
    render = view.show_json if options.output == "json" else _painted(view.show, options)
    for state in states:
        _say(options, render(observed, state.topology, state, make_plan(state, observed)))
    if not states:
        _say(options, render(observed))
    return 0


def ls(options: Namespace) -> int:
    """Topologies on the engine."""
    from . import show as view
    from .observe import observe

    with _reader(options) as reader:
        observed = observe(reader)
    _say(options, view.ls_json(observed) if options.output == "json" else view.ls(observed, choose(sys.stdout, options.no_color)))
    return 0


def snapshot(options: Namespace) -> int:
    """The observed state, for other programs."""
    from .observe import observe
    from .snapshot import snapshot_json

    with _reader(options) as reader:
        _print_json(snapshot_json(observe(reader)))
    return 0


def doctor(options: Namespace) -> int:
    """Examines the engine; exit 1 where something must be mended."""
    from dataclasses import asdict

    from .doctor import examine, healthy, report

    findings = examine(options.host, options.context, options.timeout)
    if options.output == "json":
        _print_json([asdict(finding) for finding in findings])
    else:
        paint = choose(sys.stdout, options.no_color)
        styles = {"ok  ": "add", "warn": "warn", "fail": "error"}
        for line in map(safe, report(findings)):
            print(paint(styles.get(line[:4], ""), line[:4]) + line[4:])
    return 0 if healthy(findings) else 1


# --- changing an engine ----------------------------------------------------------------------------------------------


def apply(options: Namespace) -> int:
    """Shows the plan, asks, carries it out, proves it."""
    states = [_load(path) for path in _files(options.file)]
    with _engine(options) as engine:
        return max(_carry_out(state, engine, _policy(options), options) for state in states)


def destroy(options: Namespace) -> int:
    """Applies an empty topology of that name: by file its `protect` binds and its endpoints are ours, by name the marks decide."""
    if options.name is not None and options.file:
        raise UsageError("--name and FILE were both given", "give one of them")
    if options.name == "":
        raise UsageError("--name is empty", "name the topology: netplan ls lists them")
    states = [DesiredState(options.name)] if options.name else [_load(path) for path in _files(options.file)]
    with _engine(options) as engine:
        return max(_carry_out(DesiredState(s.topology), engine, _policy(options, destroyed=s), options, "destroy") for s in states)


def _carry_out(desired: DesiredState, engine: Engine, policy: Policy, options: Namespace, verb: str = "apply") -> int:
    from .changed import changed
    from .executor import execute
    from .observe import observe
    from .planner import plan as make_plan
    from .progress import progress, render_run

    observed = ObservedState()

    def look() -> Plan:
        nonlocal observed
        observed = observe(engine)
        return make_plan(desired, observed, policy=policy)

    wanted = look()
    ran_before = _live(observed, wanted)
    if wanted.applyable and not wanted.empty:
        engine.make_ready()
    if options.output == "text":
        _print_plan(wanted, options)
    if code := _refused(wanted):
        _print_report(wanted, None, False, options)
        return code
    if wanted.empty:
        _print_report(wanted, None, True, options)
        return 0
    first = observed
    _confirm(wanted, look, lambda: changed(first, observed, desired, wanted), options, verb)
    paint = choose(sys.stderr, options.no_color)
    with progress(wanted, sys.stderr, paint, verbose=options.verbose and not options.quiet) as listen:
        ran = execute(wanted, engine, parallel=options.parallel, listen=listen)
    if options.output == "text" and not (options.quiet and ran.ok):
        print(render_run(ran, choose(sys.stdout, options.no_color), options.file or "FILE"), flush=True)
    left = _prove(look) if ran.ok else wanted
    converged = left.empty and left.applyable
    _print_report(wanted, ran, converged, options)
    if bug := next((result.bug for result in ran.results if result.bug), None):
        raise bug
    if not ran.ok:
        return FailedError.exit_code
    if not converged:
        raise FailedError("the engine is not as declared, though every step was done", *_remains(left))
    if stopped := ran_before - _live(observed, wanted):
        names = sorted(name for _, name in stopped)
        what = "stopped while netplan was at work, by somebody else or by a restart"
        raise FailedError(f"{what}: {', '.join(names)}", f"docker start {' '.join(names)}")
    return 0


def _live(observed: ObservedState, wanted: Plan) -> set[tuple[str, str]]:
    """ID and name of what runs among the containers that a plan touches: one that restarts while its network is missing stays down."""
    touched = {step.container_id for step in wanted.steps}
    return {(container.id, container.name) for container in observed.containers if container.live and container.id in touched}


def _prove(look: Callable[[], Plan]) -> Plan:
    """The plan that is left: empty where the apply did what it said. Looked at again for a moment, as engines list some changes late."""
    import time

    for pause in SETTLE:
        time.sleep(pause)
        left = look()
        if left.empty and left.applyable:
            break
    return left


def _remains(left: Plan) -> Iterator[str]:
    for refusal in left.refusals:
        yield f"{refusal.message}: {refusal.way_out}"
    for step in left.steps:
        yield f"left to do: {step.text}: {step.reason}"
    yield "somebody else may be changing the engine: run netplan plan to see what is left"


def _confirm(wanted: Plan, look: Callable[[], Plan], explain: Callable[[], Sequence[str]], options: Namespace, verb: str) -> None:
    """Asks where something is taken away; what was agreed to must still be what would be done. `explain` says what changed meanwhile."""
    if options.yes or not wanted.destructive:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise RefusedError("the plan removes, replaces or disconnects something, and there is no terminal to ask on", "agree with --yes")
    if options.quiet or options.output != "text":
        raise RefusedError("the plan removes, replaces or disconnects something, and it was not shown", "agree with --yes")
    print(f"{verb.capitalize()} this plan? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NetplanError("not confirmed: nothing was changed")
    if look().fingerprint != wanted.fingerprint:
        what = explain()
        more = [f"and {len(what) - MOST_CHANGES} more"] if len(what) > MOST_CHANGES else []
        raise RefusedError(
            "the engine changed while the plan was being read: nothing was done", *what[:MOST_CHANGES], *more, f"run netplan {verb} again"
        )


# --- shared ----------------------------------------------------------------------------------------------------------


def _files(argument: str | None) -> list[str]:
    from .topology import find_files

    return find_files(argument)


def _load(path: str) -> DesiredState:
    """One file's desired state; its warnings go to standard error."""
    from .topology import load

    loaded = load(path)
    for warning in loaded.warnings:
        print(safe(str(warning)), file=sys.stderr)
    return loaded.state


@contextmanager
def _reader(options: Namespace) -> Iterator[Reader]:
    from .engine import open_reader

    reader = open_reader(options.host, options.context, options.timeout, _log(options))
    try:
        yield reader
    finally:
        reader.close()


@contextmanager
def _engine(options: Namespace) -> Iterator[Engine]:
    from .engine import open_engine

    engine = open_engine(options.host, options.context, options.timeout, _log(options))
    try:
        yield engine
    finally:
        engine.close()


def _log(options: Namespace) -> Callable[[str, str, int, float], None] | None:
    if not options.verbose:
        return None

    def log(method: str, path: str, status: int, seconds: float) -> None:
        print(f"{method:<6} {status}  {seconds * 1000:8.1f} ms  {safe(path)}", file=sys.stderr)

    return log


def _policy(options: Namespace, destroyed: DesiredState | None = None) -> Policy:
    return Policy(frozenset(getattr(options, "adopt", ())), options.disrupt_foreign, destroyed)


def _refused(wanted: Plan) -> int:
    """3 where the plan is unsafe, 1 where it is impossible, 0 where nothing stands against it."""
    if wanted.applyable:
        return 0
    return RefusedError.exit_code if any(refusal.unsafe for refusal in wanted.refusals) else FailedError.exit_code


def _print_plan(wanted: Plan, options: Namespace) -> None:
    from .render import render_json, render_text

    if options.output == "json":
        print(render_json(wanted), end="")
    elif not options.quiet:
        print(render_text(wanted, choose(sys.stdout, options.no_color)), end="", flush=True)
    if options.quiet:
        for refusal in wanted.refusals:
            print(f"error: {safe(refusal.message)}\n  {safe(refusal.way_out)}", file=sys.stderr)


def _print_report(wanted: Plan, ran: Run | None, converged: bool, options: Namespace) -> None:
    """The JSON of an apply: the plan, how each step ended, and whether the engine is now as declared."""
    if options.output != "json":
        return
    from .render import plan_json

    results = [{"id": r.step.id, "status": r.status, "error": r.error or None} for r in ran.results] if ran else []
    _print_json({"format_version": 1, "plan": plan_json(wanted), "results": results, "converged": converged})


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _say(options: Namespace, text: str) -> None:
    if not options.quiet:
        print(text.rstrip("\n"))


def _painted(render: Callable[..., str], options: Namespace) -> Callable[..., str]:
    paint: Paint = choose(sys.stdout, options.no_color)
    return lambda *arguments: render(*arguments, paint=paint)

"""The commands that change an engine."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import FailedError, NetplanError, RefusedError, UsageError
from ..model import DesiredState, ObservedState
from ..paint import choose, safe
from ..safety import Policy
from .outcome import afterwards, live, not_running, own_containers, prove, remains
from .shared import check_adopt, engine_of, files, load, look_at, policy_of, print_plan, print_report, print_run, refused

if TYPE_CHECKING:
    from ..engine import Engine
    from ..plan import Plan

MOST_CHANGES = 10
"""Differences that are listed where the engine changed while a plan was being read."""


def apply(options: Namespace) -> int:
    """Shows the plan, asks, carries it out, proves it."""
    states = [load(path) for path in files(options.file)]
    check_adopt(options, states)
    with engine_of(options) as engine:
        return max(_carry_out(state, engine, policy_of(options), options) for state in states)


def destroy(options: Namespace) -> int:
    """Applies an empty topology of that name: by file its `protect` binds and its endpoints are ours, by name the marks decide."""
    if options.name is not None and options.file:
        raise UsageError("--name and FILE were both given", "give one of them")
    if options.name == "":
        raise UsageError("--name is empty", "name the topology: netplan ls lists them")
    states = [DesiredState(options.name)] if options.name else [load(path) for path in files(options.file)]
    with engine_of(options) as engine:
        return max(_carry_out(DesiredState(s.topology), engine, policy_of(options, destroyed=s), options, "destroy") for s in states)


def reset(options: Namespace) -> int:
    """Applies the file with its containers made anew and nobody else on its networks; with `--wipe`, on an engine emptied before."""
    if options.keep_containers and options.wipe:
        raise UsageError("--keep-containers and --wipe were both given", "give one of them")
    if options.yes_wipe is not None and not options.wipe:
        raise UsageError("--yes-wipe was given without --wipe", "give both, or neither")
    paths = files(options.file)
    if options.wipe and len(paths) > 1:
        raise UsageError("--wipe takes one file: the second would remove what the first has made", "name one file")
    with engine_of(options) as engine:
        keep = options.keep_containers
        policy = replace(policy_of(options), reset=not keep, exclusive=True, keep_containers=keep, wipe=options.wipe)
        if options.wipe:
            policy = replace(policy, spare=own_containers(engine))
        return max(_carry_out(load(path), engine, policy, options, "reset") for path in paths)


def _carry_out(desired: DesiredState, engine: Engine, policy: Policy, options: Namespace, verb: str = "apply") -> int:
    from ..changed import changed
    from ..executor import execute
    from ..planner import plan as make_plan
    from ..progress import progress, render_run

    observed = ObservedState()

    def look(policy: Policy = policy) -> Plan:
        nonlocal observed
        observed = look_at(engine, [desired])
        return make_plan(desired, observed, policy=policy)

    wanted = look()
    ran_before = live(observed, wanted)
    if wanted.applyable and not wanted.empty:
        engine.make_ready()
    if options.output != "json":
        print_plan(wanted, options)
    if code := refused(wanted):
        print_report(wanted, None, False, options)
        return code
    if wanted.empty:
        print_report(wanted, None, True, options)
        return 0
    first = observed
    if policy.wipe:
        _confirm_wipe(observed.engine.name, options)
    _confirm(wanted, look, lambda: changed(first, observed, desired, wanted), options, verb)
    paint = choose(sys.stderr, options.no_color)
    with progress(wanted, sys.stderr, paint, verbose=options.verbose and not options.quiet) as listen:
        ran = execute(wanted, engine, parallel=options.parallel, listen=listen)
    if options.output != "json" and not (options.quiet and ran.ok):
        shown = choose(sys.stdout, options.no_color or options.output == "markdown")
        print_run(render_run(ran, shown, options.file or "FILE"), options)
    left = prove(lambda: look(afterwards(policy)), ran) if ran.ok else wanted
    converged = left.empty and left.applyable
    print_report(wanted, ran, converged, options)
    if bug := next((result.bug for result in ran.results if result.bug), None):
        raise bug
    if not ran.ok:
        return FailedError.exit_code
    if ended := list(not_running(desired, observed, engine)):
        raise FailedError("what was started does not run", *ended)
    if not converged:
        raise FailedError("the engine is not as declared, though every step was done", *remains(left))
    if stopped := ran_before - live(observed, wanted):
        names = sorted(name for _, name in stopped)
        what = "stopped while netplan was at work, by somebody else or by a restart"
        raise FailedError(f"{what}: {', '.join(names)}", f"docker start {' '.join(names)}")
    return 0


def _confirm(wanted: Plan, look: Callable[[], Plan], explain: Callable[[], Sequence[str]], options: Namespace, verb: str) -> None:
    """Asks where something is taken away; what was agreed to must still be what would be done. `explain` says what changed meanwhile."""
    if options.yes or not wanted.destructive or getattr(options, "yes_wipe", None):
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise RefusedError("the plan removes, replaces or disconnects something, and there is no terminal to ask on", "agree with --yes")
    if options.quiet or options.output == "json":
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


def _confirm_wipe(engine: str, options: Namespace) -> None:
    """Whoever empties an engine must know which: its name is asked for, or was given with `--yes-wipe`."""
    name = options.yes_wipe
    if name is None:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise RefusedError(
                "--wipe removes every container and network of the engine, and there is no terminal to ask on", _WIPE.format(engine)
            )
        print(f"Everything on engine {safe(engine)} goes. Type its name: ", end="", file=sys.stderr, flush=True)
        name = options.yes_wipe = sys.stdin.readline().strip()
    if name != engine:
        raise RefusedError(f"this engine is called {engine!r}, not {name!r}: nothing was changed", _WIPE.format(engine))


_WIPE = "agree with --yes-wipe {}"

"""The commands that change an engine."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import FailedError, NetplanError, RefusedError, UsageError
from ..model import DesiredState, ObservedState
from ..paint import choose
from ..safety import Policy
from .shared import engine_of, files, load, policy_of, print_plan, print_report, print_run, refused

if TYPE_CHECKING:
    from ..engine import Engine
    from ..plan import Plan

MOST_CHANGES = 10
"""Differences that are listed where the engine changed while a plan was being read."""
SETTLE = (0.0, 0.3, 0.7, 1.5)
"""Seconds to wait before each look that may prove an apply: an engine lists some changes a little later."""


def apply(options: Namespace) -> int:
    """Shows the plan, asks, carries it out, proves it."""
    states = [load(path) for path in files(options.file)]
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


def _carry_out(desired: DesiredState, engine: Engine, policy: Policy, options: Namespace, verb: str = "apply") -> int:
    from ..changed import changed
    from ..executor import execute
    from ..observe import observe
    from ..planner import plan as make_plan
    from ..progress import progress, render_run

    observed = ObservedState()

    def look() -> Plan:
        nonlocal observed
        observed = observe(engine)
        return make_plan(desired, observed, policy=policy)

    wanted = look()
    ran_before = _live(observed, wanted)
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
    _confirm(wanted, look, lambda: changed(first, observed, desired, wanted), options, verb)
    paint = choose(sys.stderr, options.no_color)
    with progress(wanted, sys.stderr, paint, verbose=options.verbose and not options.quiet) as listen:
        ran = execute(wanted, engine, parallel=options.parallel, listen=listen)
    if options.output != "json" and not (options.quiet and ran.ok):
        shown = choose(sys.stdout, options.no_color or options.output == "markdown")
        print_run(render_run(ran, shown, options.file or "FILE"), options)
    left = _prove(look) if ran.ok else wanted
    converged = left.empty and left.applyable
    print_report(wanted, ran, converged, options)
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

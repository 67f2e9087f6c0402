"""What the commands print, and the exit codes that go with it."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..complete_output import error_json, hold, print_on, print_text, say_error
from ..errors import FailedError, InputError, NetplanError, Problem, RefusedError
from ..plan import named
from ..terminal import Paint, choose, safe

if TYPE_CHECKING:
    from ..executor import Run
    from ..plan import Plan, Refusal


CHANGES_PENDING = 2


WORSE = (0, CHANGES_PENDING, FailedError.exit_code, RefusedError.exit_code)
"""Exit codes of plans, from good to bad."""


def warn(warnings: Iterable[Problem]) -> None:
    """A file's warnings or problems, on standard error."""
    for warning in warnings:
        say_error(safe(str(warning)))


def report(error: NetplanError) -> None:
    """On standard error: what happened, then why, then what to do; problems of a file each on a
    line of its own.
    """
    if isinstance(error, InputError):
        warn(error.problems)
        return
    paint = choose(sys.stderr, "--no-color" in sys.argv)
    say_error(
        "\n".join(
            [
                f"{paint('error', 'error:')} {safe(error.message)}",
                *(f"  {safe(hint)}" for hint in error.hints),
            ]
        )
    )


def report_of(error: NetplanError, options: Namespace) -> None:
    """An error that does not keep the next topology of a folder from its turn; with `-o json` it is
    in the report of its own.
    """
    report(error)
    if options.output == "json" and getattr(options, "reports", None):
        options.reports[-1]["error"] = error_json(error)


def refused(wanted: Plan, options: Namespace) -> int:
    """3 where the plan is unsafe, 1 where it is impossible, 0 where nothing stands against it; what
    does is told.
    """
    if wanted.applyable:
        return 0
    tell_refusals(wanted.refusals, options)
    return (
        RefusedError.exit_code
        if any(refusal.unsafe for refusal in wanted.refusals)
        else FailedError.exit_code
    )


def tell_left_out(wanted: Plan, options: Namespace) -> None:
    """Why things are left out, as errors; the plan names them."""
    tell_refusals(dict.fromkeys(one.refusal for one in wanted.left_out if one.refusal), options)


def exit_code(done: Plan, options: Namespace) -> int:
    """1 where something was left out of what is done, else 0; says what.

    Where several topologies are carried out, it is among the `incomplete` of their options.
    """
    if not done.left_out:
        return 0
    if hasattr(options, "incomplete"):
        options.incomplete.add(done.topology)
    names = [named(one.thing) for one in done.left_out]
    say_error(
        f"{choose(sys.stderr, options.no_color)('error', 'error:')} left out:"
        f" {safe(', '.join(dict.fromkeys(names)))}"
    )
    return FailedError.exit_code


def review_code(found: Plan, options: Namespace) -> int:
    """The exit code of a plan that is only shown; says what stands against it."""
    tell_left_out(found, options)
    return (
        refused(found, options)
        or exit_code(found, options)
        or (CHANGES_PENDING if options.exit_code and not found.empty else 0)
    )


def print_plan(wanted: Plan, options: Namespace) -> None:
    """The plan in the form that was asked for; with --quiet no text."""
    from ..render import render_text
    from ..render.as_json import render_json

    if options.output == "json":
        print(render_json(wanted), end="", flush=True)
    elif options.output == "markdown":
        from ..render.markdown import render_markdown
        from .next_command import apply_command

        print(
            render_markdown(wanted, apply_command(options, getattr(options, "file", None))),
            end="",
            flush=True,
        )
    elif not options.quiet:
        print_text(
            render_text(wanted, choose(sys.stdout, options.no_color), refusals=False).rstrip("\n")
        )


def tell_refusals(refusals: Iterable[Refusal], options: Namespace) -> None:
    """What stands against a plan, as errors; the text of a plan has only how many there are."""
    paint = choose(sys.stderr, options.no_color)
    for refusal in refusals:
        place = f" ({refusal.source})" if refusal.source else ""
        way_out = f"\n  {safe(refusal.way_out)}" if refusal.way_out else ""
        say_error(f"{paint('error', 'error:')} {safe(refusal.message + place)}{way_out}")


def print_run(text: str, options: Namespace) -> None:
    """What was done, below the plan."""
    if options.output == "markdown":
        from ..render.gfm import fence

        print_on("\n" + fence(text.splitlines()), whole=True)
    else:
        print_on(text)


def print_report(wanted: Plan, ran: Run | None, converged: bool, options: Namespace) -> None:
    """The JSON of an apply: the plan, how each step ended, and whether the engine is now as
    declared.
    """
    if options.output != "json":
        return
    from ..render.as_json import plan_json

    results = (
        [{"id": r.step.id, "status": r.status, "error": r.error or None} for r in ran.results]
        if ran
        else []
    )
    report = {
        "format_version": 1,
        "plan": plan_json(wanted),
        "results": results,
        "converged": converged and not wanted.left_out,
    }
    if hasattr(options, "reports"):
        options.reports.append(report)
    else:
        hold(report)


def print_json(value: Any) -> None:
    """JSON for programs."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def say(options: Namespace, text: str) -> None:
    """Text, unless --quiet."""
    if not options.quiet:
        print_text(text.rstrip("\n"))


def painted(render: Callable[..., str], options: Namespace) -> Callable[..., str]:
    """`render` with the colours of standard output."""
    paint: Paint = choose(sys.stdout, options.no_color)
    return lambda *arguments, **more: render(*arguments, paint=paint, **more)

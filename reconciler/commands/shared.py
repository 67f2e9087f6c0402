"""What the commands share: files, engines, printing."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from os.path import isfile
from threading import Thread
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import FailedError, InputError, NetplanError, Problem, RefusedError, UsageError
from ..model import DesiredState
from ..paint import Paint, choose, safe
from ..plan import named
from ..process import error_json, hold, print_on, print_text, say_error
from ..records import replace
from ..runs import Sight
from ..safety import Policy

if TYPE_CHECKING:
    from ..engine import Engine, Reader
    from ..executor import Run
    from ..plan import Plan, Refusal
    from ..topology import Loaded

R = TypeVar("R", bound="Reader")

CHANGES_PENDING = 2
_MOST_NAMES = 20
WORSE = (0, CHANGES_PENDING, FailedError.exit_code, RefusedError.exit_code)
"""Exit codes of plans, from good to bad."""


def files(argument: str | None) -> list[str]:
    """Every topology file that the argument means; Compose files of a folder are told on standard
    error.
    """
    from ..topology.files import look_for

    found = look_for(argument)
    if found.passed_over:
        say_error(safe(f"{argument}: {found.passed_over}"))
    return found.topologies


def load(path: str) -> DesiredState:
    """One file's desired state, and where the file is; its warnings go to standard error."""
    from ..topology import load
    from ..topology.origin import origin_of

    return replace(warned(load(path)), origin=origin_of(path))


def warned(loaded: Loaded) -> DesiredState:
    """What was loaded; its warnings go to standard error."""
    warn(loaded.warnings)
    return loaded.state


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


class Lookout(Generic[R]):
    """An engine that is opened and looked at in the background, while the files are read: reading
    them takes as long as that.

    Where a text may be long in coming (standard input, a pipe), it looks only when that is there:
    what it saw before may be long gone.
    """

    def __init__(
        self,
        options: Namespace,
        opening: Callable[[Namespace], AbstractContextManager[R]],
        paths: Iterable[str],
    ) -> None:
        self._opening = opening(options)
        self._found: list[tuple[R, Sight] | BaseException] = []
        self._thread = Thread(target=self._look, daemon=True)
        self._early = all(map(isfile, paths))
        if self._early:
            self._thread.start()

    def _look(self) -> None:
        from ..lock import own_volumes
        from ..observe import gather

        try:
            reader = self._opening.__enter__()
            self._found.append((reader, Sight(own_volumes(reader), gather(reader))))
        except BaseException as error:  # handed to the caller's thread, which raises it
            self._found.append(error)

    @contextmanager
    def seen(self) -> Iterator[tuple[R, Sight]]:
        """The engine, and what was seen of it. Raises EngineError."""
        if not self._early:
            self._thread.start()
        self._thread.join()
        [found] = self._found
        if isinstance(found, BaseException):
            raise found
        try:
            yield found
        finally:
            self._opening.__exit__(None, None, None)


@contextmanager
def reader_of(options: Namespace) -> Iterator[Reader]:
    """The engine that the options name, to look at."""
    from ..engine import open_reader

    with closing(
        open_reader(options.host, options.context, options.timeout, call_log(options))
    ) as reader:
        yield reader


@contextmanager
def engine_of(options: Namespace) -> Iterator[Engine]:
    """The engine that the options name, to look at and to change."""
    from ..engine import open_engine

    with closing(
        open_engine(options.host, options.context, options.timeout, call_log(options))
    ) as engine:
        yield engine


def call_log(options: Namespace) -> Callable[[str, str, int, float], None] | None:
    """Prints each engine call with its time on standard error, where --verbose asks for it."""
    if not options.verbose:
        return None

    def log(method: str, path: str, status: int, seconds: float) -> None:
        # one write: `print` makes two, and the other threads' lines would come between the text and
        # its end
        with suppress(OSError, ValueError):  # whoever reads it may be gone, and the call was made
            sys.stderr.write(f"{method:<6} {status}  {seconds * 1000:8.1f} ms  {safe(path)}\n")

    return log


def snapshot_key() -> str:
    """What seals the digests of environment values in snapshots and saved plans; empty where the
    user has none.
    """
    return os.environ.get("NETPLAN_SNAPSHOT_KEY", "")


def policy_of(options: Namespace, destroyed: DesiredState | None = None) -> Policy:
    """What the options allow."""
    adopt, allow_empty = (
        frozenset(getattr(options, "adopt", ())),
        getattr(options, "allow_empty", False),
    )
    policy = Policy(
        adopt,
        options.disrupt_foreign,
        destroyed,
        max_removals=options.max_removals,
        allow_empty=allow_empty,
    )
    only, keep_going = (
        frozenset(getattr(options, "only", ())),
        getattr(options, "keep_going", False),
    )
    return replace(
        policy, replaces=frozenset(options.replace_topology), only=only, keep_going=keep_going
    )


def check_named(options: Namespace, states: Sequence[DesiredState]) -> None:
    """Raises UsageError where an option names a network or a topology that no file declares."""
    from ..runs.checks import check_adopt, check_replaced

    check_adopt(getattr(options, "adopt", ()), states)
    check_replaced(options.replace_topology, states)


def check_only(options: Namespace, states: Sequence[DesiredState]) -> None:
    """Replaces keys of the files by the names on the engine. Raises UsageError where a part is
    asked for that no file declares.
    """
    declared = {name for state in states for name in (*state.networks, *state.containers)}
    found: list[str] = []
    for asked in options.only:
        names = (
            [asked]
            if asked in declared
            else [name for state in states for name in state.keys.get(asked, ())]
        )
        if not names:
            raise _undeclared(asked, sorted(declared))
        found += names
    options.only = found


def _undeclared(asked: str, declared: Sequence[str]) -> UsageError:
    from difflib import get_close_matches

    near = get_close_matches(asked, declared, 1)
    more = f" and {len(declared) - _MOST_NAMES} more" if len(declared) > _MOST_NAMES else ""
    names = (
        f"declared are {', '.join(declared[:_MOST_NAMES])}{more}"
        if declared
        else "nothing is declared"
    )
    meant = [f"did you mean {near[0]}?"] if near else []
    return UsageError(
        f"--only {asked}: no network or container of that name is declared", *meant, names
    )


def concerned(options: Namespace, states: Sequence[DesiredState]) -> list[DesiredState]:
    """The states of which a part is asked for: all, unless --only names some. Raises UsageError as
    `check_only`.
    """
    check_only(options, states)
    return [
        state
        for state in states
        if not options.only or {*state.networks, *state.containers}.intersection(options.only)
    ]


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


def print_plan(wanted: Plan, options: Namespace) -> None:
    """The plan in the form that was asked for; with --quiet no text."""
    from ..render import render_text
    from ..render.as_json import render_json

    if options.output == "json":
        print(render_json(wanted), end="", flush=True)
    elif options.output == "markdown":
        from ..render.markdown import render_markdown
        from .review import apply_command

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


@contextmanager
def one_document(options: Namespace, argument: str | None) -> Iterator[None]:
    """Of a folder, `-o json` prints one document of all reports that are made meanwhile, also where
    one of them fails.
    """
    from .review import is_folder

    if options.output != "json" or not is_folder(argument):
        yield
        return
    options.reports = []
    try:
        yield
    finally:
        hold({"format_version": 1, "reports": options.reports})


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

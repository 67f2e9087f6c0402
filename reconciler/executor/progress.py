"""What a run looks like while it lasts and when it is over."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import environ
from typing import TextIO

from ..plan import Kind, Op, Plan, Step
from ..terminal import Paint, column, plain, safe, write_line
from ..wrap import fit, width_of
from .results import Event, Listener, Run, StepResult
from .wait_messages import Waiting, told

PHASES: dict[Kind, str] = {
    "image": "images",
    "volume": "volumes",
    "network": "networks",
    "endpoint": "endpoints",
    "container": "containers",
}
DONE_WORDS: dict[tuple[Kind, Op], tuple[str, str]] = {
    ("image", "pull"): ("image", "pulled"),
    ("volume", "create"): ("volume", "created"),
    ("volume", "remove"): ("volume", "removed"),
    ("network", "create"): ("network", "created"),
    ("network", "remove"): ("network", "removed"),
    ("endpoint", "connect"): ("endpoint", "connected"),
    ("endpoint", "disconnect"): ("endpoint", "disconnected"),
    ("container", "create"): ("container", "created"),
    ("container", "update"): ("container", "updated"),
    ("container", "start"): ("container", "started"),
    ("container", "remove"): ("container", "removed"),
}
NEXT = {"What is left to do": "netplan plan FILE", "To do it": "netplan apply FILE"}


@contextmanager
def progress(
    plan: Plan, stream: TextIO, paint: Paint = plain, *, verbose: bool = False
) -> Iterator[Listener]:
    """A listener for `execute`: a bar per phase on a terminal, gone when it ends; elsewhere plain
    lines.

    Elsewhere a line every ten seconds says what is waited for. A line is written for each failed
    step, and with `verbose` for each step that ends, with its time.
    """
    if stream.isatty() and environ.get("TERM") != "dumb":
        with _bars(plan, stream, paint, verbose) as listener:
            yield listener
    else:
        waiting = Waiting(plan)

        def put(line: str) -> None:
            write_line(stream, fit(line, width_of(stream)))

        def write(event: Event) -> None:
            waiting.note(event)
            if line := _line(event, paint, verbose):
                put(line)

        with told(waiting, lambda words: put(safe(words))):
            yield write


@contextmanager
def _bars(plan: Plan, stream: TextIO, paint: Paint, verbose: bool) -> Iterator[Listener]:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.text import Text

    console = Console(file=stream, no_color=paint is plain, highlight=False)
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    bars, left, waiting, below = (
        Progress(*columns, console=console),
        Left(plan),
        Waiting(plan),
        Text(),
    )
    tasks = {
        kind: bars.add_task(phase, total=total)
        for kind, phase in PHASES.items()
        if (total := left.things(kind))
    }
    with Live(Group(bars, below), console=console, transient=True):

        def draw(event: Event) -> None:
            waiting.note(event)
            below.plain = safe(waiting.words)
            if left.note(event):
                bars.advance(tasks[event.step.kind])
            if line := _line(event, paint, verbose):
                console.print(Text.from_ansi(fit(line, width_of(stream))), soft_wrap=True)

        yield draw


class Left:
    """What a plan's steps are still to do with each thing: a container that is recreated is one
    container, and has five steps.
    """

    def __init__(self, plan: Plan) -> None:
        self._names = {step.replaces.id: step.replaces.name for step in plan.steps if step.replaces}
        self._open: dict[tuple[Kind, str, str], set[int]] = defaultdict(set)
        for step in plan.steps:
            self._open[self._thing(step)].add(step.id)

    def things(self, kind: Kind) -> int:
        """How many things of a kind the whole plan is about."""
        return sum(thing[0] == kind for thing in self._open)

    def note(self, event: Event) -> bool:
        """Whether the last step of a thing has ended just now; a start that is told to have failed
        after all is told twice.
        """
        steps = self._open[self._thing(event.step)]
        last = event.result is not None and steps == {event.step.id}
        if event.result:
            steps.discard(event.step.id)
        return last

    def _thing(self, step: Step) -> tuple[Kind, str, str]:
        container = self._names.get(step.container_id) or step.container
        return step.kind, container, step.image or step.volume or step.network


def _line(event: Event, paint: Paint, verbose: bool) -> str:
    result = event.result
    if result is None or not (verbose or result.status == "failed"):
        return ""
    time = paint("dim", f"  {result.seconds:.3f} s") if result.status == "done" else ""
    raw = (
        f"\n        the engine said: {safe(result.raw)}"
        if result.raw and (verbose or environ.get("NETPLAN_DEBUG"))
        else ""
    )
    return f"{_status(result, paint)} {safe(event.step.text)}{time}{_why(result)}{raw}"


def render_run(run: Run, paint: Paint = plain, next_commands: Mapping[str, str] = NEXT) -> str:
    """What was done in how long; where not all of it was, every step with how it ended, and what to
    run next: for what, which command.
    """
    if run.ok:
        return f"{paint('add', 'Done')}: {_achieved(run)} in {run.seconds:.2f} s."
    width = column((safe(result.step.text) for result in run.results), 72)
    digits = len(str(max(result.step.id for result in run.results)))
    rows = [
        _row(result, width, digits, paint)
        for group in (run.done, run.skipped, run.failed)
        for result in group
    ]
    counts = (
        f"{len(run.done)} of {len(run.results)} steps done, {len(run.failed)} failed,"
        f" {len(run.skipped)} skipped, in {run.seconds:.2f} s."
    )
    verdict = "Failed" if run.failed else "Stopped"
    wide = max(map(len, next_commands), default=0) + 1
    next_steps = [
        f"{what + ':':<{wide}}  {safe(command)}" for what, command in next_commands.items()
    ]
    return "\n".join((*rows, "", f"{paint('error', verdict)}: {counts}", *next_steps))


def _row(result: StepResult, width: int, digits: int, paint: Paint) -> str:
    text = (
        f"  {_status(result, paint)} {result.step.id:>{digits}} {safe(result.step.text):<{width}}"
    )
    more = f"{result.seconds:.2f} s" if result.status == "done" else safe(result.error)
    return f"{text}  {more}".rstrip()


def _status(result: StepResult, paint: Paint) -> str:
    style = {"done": "add", "failed": "error", "skipped": "warn"}[result.status]
    return paint(style, f"{result.status:<7}")


def _why(result: StepResult) -> str:
    return f": {safe(result.error)}" if result.error else ""


def _achieved(run: Run) -> str:
    """`2 networks created, 1 endpoint connected`."""
    parts = []
    done = Counter((result.step.kind, result.step.op) for result in run.done)
    for what, (noun, verb) in DONE_WORDS.items():
        if count := done[what]:
            parts.append(f"{count} {noun}{'s' if count != 1 else ''} {verb}")
    return ", ".join(parts) or "nothing to do"

"""What an engine did not keep of what it was asked for, though it answered that all was done.

An engine takes some settings with a 200 or 201 and drops them. What the steps of a run asked for is
compared with what the plan that is left says about the same things: each setting that is still to
be set, to the very value that was sent, was dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..render.values import before_after, label

if TYPE_CHECKING:
    from ..executor import Run
    from ..plan import Change, Difference, Plan, Step
    from ..settings import Settings

Thing = tuple[str, str]
"""A network, a container, or an endpoint: the names of its network and its container, either may be
empty.
"""
WAY_OUT = (
    "remove it from the file, or use an engine that supports it: until then every apply tries again"
)


def dropped_settings(left: Plan, ran: Run | None) -> tuple[str, ...]:
    """One line for each setting that the engine dropped, none if it dropped nothing; `left` is the
    plan after the run.
    """
    asked = (
        {thing: settings for result in ran.done for thing, settings in _asked(result.step)}
        if ran
        else {}
    )
    engine = f"{left.engine.product} {left.engine.version}"
    return tuple(
        _sentence(change, difference, engine)
        for change in left.changes
        for difference in change.differences
        if _was_sent(asked.get((change.network, change.container), {}), difference)
    )


def _was_sent(asked: Settings, difference: Difference) -> bool:
    return (
        difference.cause != "dropped"
        and difference.after is not None
        and asked.get(difference.path) == difference.after
    )


def _asked(step: Step) -> Iterator[tuple[Thing, Settings]]:
    """What a step asked for, of each thing that it makes."""
    if step.op == "connect" or (step.op == "create" and step.kind == "network"):
        yield (step.network, step.container), step.settings
    elif step.op == "create" and step.spec:
        yield ("", step.container), step.spec.settings
        yield from (
            ((endpoint.network, step.container), endpoint.settings)
            for endpoint in step.spec.endpoints
        )


def _sentence(change: Change, difference: Difference, engine: str) -> str:
    endpoint = change.kind == "endpoint"
    name = (
        f"{change.container} on {change.network}"
        if endpoint
        else f"{change.kind} {change.container or change.network}"
    )
    shows, wanted = before_after(difference)
    return (
        f"{name}: {engine} did not keep {label(difference.path)}: {wanted} was requested, the"
        f" engine shows {shows}"
    )

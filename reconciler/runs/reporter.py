"""What a run tells whoever called it, and asks them: on a terminal, or nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..engine_info import DEFAULT_PARALLEL
from ..fast_dataclasses import dataclass

if TYPE_CHECKING:
    from ..executor import Listener, Run
    from ..lock import Claim
    from ..plan import Plan


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a run happens at a time, and how long it waits (seconds).

    `parallel` engine calls at a time; `lock_timeout` for another netplan at work on the same;
    `settle` is how long a started container must stay up; `stop_timeout` is what each stopped
    container has to end, None: its own grace period.
    """

    parallel: int = DEFAULT_PARALLEL
    lock_timeout: float = 90.0
    settle: float = 1.0
    stop_timeout: int | None = None


class Reporter:
    """Hears how a run goes, in the calling thread but for `waiting`. This one is silent and
    agrees.
    """

    again = "netplan apply"
    """The command that a refusal tells to run again."""

    def planned(self, plan: Plan) -> None:
        """A plan was made; nothing was changed yet."""

    def ask(self, plan: Plan, engine: str) -> bool:
        """Asks for consent to the plan on the engine of that name. Raises NetplanError without it.

        Returns whether somebody was asked: then another plan is not carried out in its place.
        """
        return False

    def changed(self, plan: Plan) -> None:
        """The plan under the lock is another one than the first. Raises to keep it from
        happening.
        """

    def refused(self, plan: Plan) -> None:
        """The plan cannot be carried out; its refusals say why."""

    def waiting(self, claim: Claim, waited: float, common: str) -> None:
        """Another run has the lock: for so many seconds by now, for what both touch."""

    def warn(self, trouble: str, hint: str) -> None:
        """Something went wrong that does not change the outcome."""

    def prepare(self) -> None:
        """Loads what the other methods need: after the first step there may be no file left to
        open.
        """

    @contextmanager
    def executing(self, plan: Plan) -> Iterator[Listener]:
        """Around the steps of a plan; gives what listens to them."""
        yield lambda event: None

    def executed(self, run: Run) -> None:
        """The steps of a plan have ended."""

    def rolling_back(self, back: Plan) -> None:
        """Steps that put back what a failed replacement took away are about to run."""

    def renewed(self, ttl: int) -> None:
        """The topology expires so many seconds from now."""

    def ended(self, plan: Plan, run: Run | None, converged: bool) -> None:
        """Nothing more is done: how each step ended, and whether the engine is as declared."""

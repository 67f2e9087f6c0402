"""What verify says of a file: one finding for each expectation or promise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from ..desired import Source
from ..expectations import Expectation
from ..fast_dataclasses import dataclass
from ..model import DesiredState
from .answers import Answer
from .implied import implied, promised
from .judge import judge
from .world import world_of

Verdict = Literal["broken", "undecided", "holds"]
VERDICTS: tuple[Verdict, ...] = ("broken", "undecided", "holds")
"""In the order in which people want to see them."""
_VERDICT_OF: Mapping[bool | None, Verdict] = {False: "broken", None: "undecided", True: "holds"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of `subject`. `expectation` is None for what the topology implies, which
    stands for `pairs` expectations.
    """

    subject: str
    verdict: Verdict
    reason: str
    mend: str = ""
    place: Source | None = None
    expectation: Expectation | None = None
    pairs: int = 1


@dataclass(frozen=True, slots=True)
class Judged:
    """All findings of one topology, in the order of its file. `declared`: they are about its
    `expect:`.
    """

    topology: str
    declared: bool
    findings: tuple[Finding, ...]

    def count(self, verdict: Verdict) -> int:
        """How many findings have that verdict."""
        return sum(finding.verdict == verdict for finding in self.findings)

    @property
    def in_order(self) -> tuple[Finding, ...]:
        """Broken ones first, then what is undecided."""
        return tuple(sorted(self.findings, key=lambda one: VERDICTS.index(one.verdict)))


def judge_file(state: DesiredState) -> Judged:
    """What its expectations come to; of a file without any what it implies."""
    found = tuple(_declared(state) if state.expectations else _implied(state))
    return Judged(state.topology, bool(state.expectations), found)


def broken_warnings(state: DesiredState) -> Iterator[str]:
    """A sentence for each expectation that the topology breaks."""
    for finding in _declared(state) if state.expectations else ():
        if finding.verdict == "broken":
            mend = f": {finding.mend}" if finding.mend else ""
            yield f"{finding.place}: {finding.subject} will not hold: {finding.reason}{mend}"


def _declared(state: DesiredState) -> Iterator[Finding]:
    world = world_of(state)
    for expected in state.expectations:
        answer = judge(world, expected)
        yield _finding(str(expected), answer, expected)


def _implied(state: DesiredState) -> Iterator[Finding]:
    world = world_of(state)
    for promise in implied(world):
        yield _finding(str(promise), promised(world, promise), None, promise.pairs)


def _finding(subject: str, answer: Answer, expected: Expectation | None, pairs: int = 1) -> Finding:
    verdict = _VERDICT_OF[answer.value]
    mend = answer.mend if verdict == "broken" else ""
    place = expected.place if expected else None
    return Finding(subject, verdict, answer.reason, mend, place, expected, pairs)

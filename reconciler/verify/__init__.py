"""What a topology promises: its expectations, and what it implies without any; judged from the
topology and the rules of engines, before anything exists.

Pure: nothing here asks an engine.
"""

from .findings import VERDICTS, Finding, Judged, Verdict, broken_warnings, judge_file
from .implied import Promise, expand, implied, promised
from .judge import judge
from .world import World, world_of

__all__ = (
    "VERDICTS",
    "Finding",
    "Judged",
    "Promise",
    "Verdict",
    "World",
    "broken_warnings",
    "expand",
    "implied",
    "judge",
    "judge_file",
    "promised",
    "world_of",
)

"""The live topology as a tree, and the topologies on an engine as a table; both also as JSON.

networks.py and containers.py turn observed state into rows of plain values, once; text and JSON are
two ways to write those down.
"""

from .as_json import ls_json, show_json
from .text import show
from .topologies import Choice, Owned, entry_json, ls, owned

__all__ = [
    "Choice",
    "Owned",
    "entry_json",
    "ls",
    "ls_json",
    "owned",
    "show",
    "show_json",
]

"""What the containers' interfaces lead to, as values, as text and as JSON: nothing here looks by
itself.
"""

from .as_json import links_json
from .pairing import ContainerLinks, Interface, Seen, links_of, owner_of
from .text import links_text
from .values import Link, Route, View

__all__ = [
    "ContainerLinks",
    "Interface",
    "Link",
    "Route",
    "Seen",
    "View",
    "links_json",
    "links_of",
    "links_text",
    "owner_of",
]

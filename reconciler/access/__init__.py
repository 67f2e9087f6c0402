"""Into the network namespaces of an engine's containers: to look, and to ask."""

from .commands import DEFAULT_IMAGE
from .entrance import WAYS, Entrance
from .look import Look
from .protocol import Access, AccessError, NetworkNamespace, Question, Way

__all__ = [
    "DEFAULT_IMAGE",
    "WAYS",
    "Access",
    "AccessError",
    "Entrance",
    "Look",
    "NetworkNamespace",
    "Question",
    "Way",
]

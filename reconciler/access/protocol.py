"""What the other modules may ask of network namespaces.

`Access` enters the namespace of a container or of the engine, in whichever way works here. In it a
`Question` is asked, which can be answered in two ways: by Python in a thread that entered the
namespace, or by a command that a container runs. A new question, such as a probe, needs nothing
from here but these two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeVar

from ..engine import Ran
from ..errors import EngineError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Way = Literal["kernel", "helper", "exec"]
"""How a namespace is entered: through /proc/PID/ns/net, by a container of netplan's own that shares
it, or by the container's own tools.
"""


class AccessError(EngineError):
    """A namespace that cannot be entered, or in which a question cannot be asked; one sentence says
    why. It never says anything of what the answer would have been.
    """


class Question(Protocol[T_co]):
    """A question that is answered inside a network namespace."""

    @property
    def command(self) -> Sequence[str]:
        """The command line that answers it, where a container has to; it ends by itself."""

    def read(self, ran: Ran) -> T_co:
        """The answer in what that command wrote. Raises AccessError."""

    def inside(self) -> T_co:
        """The answer by Python: runs in a thread of its own whose network namespace is the one
        that is asked about. Everything else (files, processes, users) is this machine's.
        """


class NetworkNamespace(Protocol):
    """A network namespace that was entered; any number of threads may ask at once."""

    @property
    def way(self) -> Way:
        """How it was entered."""

    def ask(self, question: Question[T], timeout: float) -> T:
        """The answer. `timeout` bounds a command, in seconds; Python bounds itself. Raises
        AccessError, and whatever the question raises.
        """


class Access(Protocol):
    """The way into the network namespaces of one engine; any number of threads may use it."""

    def enter(self, container: str) -> NetworkNamespace:
        """The namespace of the container of that ID, which may be another's or the engine's. Raises
        AccessError where it cannot be entered.
        """

    def engine_side(self) -> NetworkNamespace:
        """The engine's own namespace: bridges, the other ends of veth pairs, published ports.
        Raises AccessError.
        """

    def close(self) -> None:
        """Remove what was made for it."""

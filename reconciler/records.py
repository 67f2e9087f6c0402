"""`dataclass` for the values that every command loads: the same to their users, and made in a third of the time.

The standard one writes and compiles six methods of each frozen class, which was a quarter of a command
with nothing to do. Here only `__init__` is compiled; the others are shared. What is frozen is so for
mypy, which is strict here, and not at run time, which also makes values faster to create.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool, slots: bool, order: bool = False) -> Callable[[type], type]:
        """The standard one's options that are used here; what is ordered is made by that one."""
        if order:
            return dataclasses.dataclass(frozen=frozen, slots=slots, order=order)

        def made(cls: type) -> type:
            fast = dataclasses.dataclass(slots=slots, repr=False, eq=False)(cls)
            names = [field.name for field in dataclasses.fields(fast) if field.compare]
            fast.__repr__ = _repr
            fast.__eq__, fast.__hash__ = _compared_by(attrgetter(*names))
            return fast

        return made


def _compared_by(key: Callable[[Any], Any]) -> tuple[Callable[[Any, object], bool], Callable[[Any], int]]:
    """`__eq__` and `__hash__` of objects of one class, by what `key` takes of them."""

    def equal(self: Any, other: object) -> bool:
        return self is other or (key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented)

    def hashed(self: Any) -> int:
        return hash(key(self))

    return equal, hashed


def _repr(self: Any) -> str:
    shown = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({shown})"

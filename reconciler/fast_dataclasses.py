"""`dataclass`, `field` and `replace` as in the standard library, for a command that lasts a third
of a second.

The standard `dataclass` writes and compiles up to six methods of each class, and its import loads
the compiler's modules: both were a third of a command with nothing to do. Here the methods are
shared, and `__init__` is compiled when a class is first used. What is frozen is so for mypy, which
is strict here, and not at run time, which also makes values faster to create.
"""

from __future__ import annotations

from functools import total_ordering
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from dataclasses import KW_ONLY as KW_ONLY
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace
else:
    KW_ONLY = "what follows is given by name only"

    def dataclass(cls: type | None = None, /, **options: bool) -> Any:
        """With the standard one's options `frozen`, `slots`, `eq` and `order`; fields of base
        classes come first.
        """
        return _made(cls) if cls else lambda cls: _made(cls, **options)

    def field(
        *,
        default: Any = ...,
        default_factory: Callable[[], Any] | None = None,
        compare: bool = True,
        repr: bool = True,
    ) -> Any:
        """A field with a default that is recreated for each record, or that is not compared or
        shown.
        """
        return _Field("", default, default_factory, compare, repr)

    def replace(record: Any, /, **changes: Any) -> Any:
        """A copy with other values in some fields."""
        for one in record.__record__:
            if one.name not in changes:
                changes[one.name] = getattr(record, one.name)
        return record.__class__(**changes)


def as_dict(record: Any) -> dict[str, Any]:
    """The fields of a record by name; what they hold stays what it is."""
    return {one.name: getattr(record, one.name) for one in record.__record__}


class _Field(NamedTuple):
    """One field of a record; a `default` of ... is none."""

    name: str
    default: Any = ...
    factory: Callable[[], Any] | None = None
    compare: bool = True
    repr: bool = True
    by_name: bool = False


class _StandardFields:
    """What `replace`, `asdict` and `fields` of the standard library look for in a class: made when
    they do.
    """

    def __get__(self, record: object, cls: Any) -> Any:
        import dataclasses

        twin = type(
            cls.__name__, (), {"__annotations__": {one.name: "object" for one in cls.__record__}}
        )
        found = dataclasses.dataclass(init=False, repr=False, eq=False)(twin).__dataclass_fields__  # type: ignore[attr-defined]
        cls.__dataclass_fields__ = found
        return found


def _made(
    cls: Any, *, frozen: bool = False, slots: bool = False, eq: bool = True, order: bool = False
) -> Any:
    own = _fields_of(cls)
    inherited = [
        one for one in getattr(cls, "__record__", ()) if one.name not in {mine.name for mine in own}
    ]
    cls = _with_slots(cls, own) if slots else _with_defaults(cls, own)
    cls.__record__ = fields = (*inherited, *own)
    cls.__match_args__ = tuple(one.name for one in fields if not one.by_name)  # type: ignore[misc]
    cls.__dataclass_fields__ = _StandardFields()
    if "__init__" not in cls.__dict__:
        cls.__init__ = _compiled_at_first_use(cls)
    if "__repr__" not in cls.__dict__:
        cls.__repr__ = _repr
    if eq:
        _compare(cls, attrgetter(*(one.name for one in fields if one.compare)), frozen, order)
    return cls


def _fields_of(cls: Any) -> list[_Field]:
    """Those that the class itself declares."""
    found, by_name = [], False
    for name, kind in cls.__annotations__.items():
        if kind == "KW_ONLY":
            by_name = True
        elif not kind.startswith("ClassVar"):
            default = cls.__dict__.get(name, ...)
            one = default if isinstance(default, _Field) else _Field(name, default)
            found.append(one._replace(name=name, by_name=by_name))
    return found


def _with_defaults(cls: Any, own: Sequence[_Field]) -> Any:
    """The class; what stood for a default that is recreated for each record is no attribute of
    it.
    """
    for one in own:
        if isinstance(cls.__dict__.get(one.name), _Field):
            delattr(cls, one.name)
    return cls


def _with_slots(cls: Any, own: Sequence[_Field]) -> Any:
    """The class once more: slots must be known when a class is made."""
    names = {one.name for one in own}
    body = {
        key: value
        for key, value in cls.__dict__.items()
        if key not in {*names, "__dict__", "__weakref__"}
    }
    again = type(cls)(
        cls.__name__, cls.__bases__, {**body, "__slots__": tuple(one.name for one in own)}
    )
    again.__qualname__ = cls.__qualname__
    return again


def _compiled_at_first_use(cls: Any) -> Callable[..., None]:
    def init(self: Any, /, *values: Any, **named: Any) -> None:
        compiled = _init_of(cls)
        cls.__init__ = compiled
        compiled(self, *values, **named)

    return init


def _init_of(cls: Any) -> Callable[..., None]:
    """`__init__` that takes the fields in their order and sets each."""
    meant: dict[str, Any] = {}
    parameters, lines = ["self"], []
    for one in sorted(cls.__record__, key=attrgetter("by_name")):
        if one.by_name and "*" not in parameters:
            parameters.append("*")
        optional = one.factory is not None or one.default is not ...
        meant[f"_{one.name}"] = one.factory or one.default
        parameters.append(
            f"{one.name}={'...' if one.factory else f'_{one.name}'}" if optional else one.name
        )
        lines.append(
            f" self.{one.name} ="
            f" {f'_{one.name}() if {one.name} is ... else ' if one.factory else ''}{one.name}"
        )
    exec(f"def __init__({', '.join(parameters)}):\n" + ("\n".join(lines) or " pass"), meant)
    init: Callable[..., None] = meant["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _compare(cls: Any, key: Callable[[Any], Any], frozen: bool, order: bool) -> None:
    """Give the class `==` and hash by what `key` takes of its records; with `order` also `<` and
    the like.
    """

    def equal(self: Any, other: object) -> bool:
        return self is other or (
            key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented
        )

    def hashed(self: Any) -> int:
        return hash(key(self))

    cls.__eq__ = equal
    cls.__hash__ = hashed if frozen else None
    if order:
        cls.__lt__ = lambda self, other: (
            key(self) < key(other) if other.__class__ is self.__class__ else NotImplemented
        )
        total_ordering(cls)


def _repr(self: Any) -> str:
    shown = ", ".join(
        f"{one.name}={getattr(self, one.name)!r}" for one in self.__record__ if one.repr
    )
    return f"{type(self).__qualname__}({shown})"

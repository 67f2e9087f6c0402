"""Records behave as the standard library's dataclasses, to which mypy takes them."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from typing import ClassVar

import pytest

from reconciler import model, plan
from reconciler.fast_dataclasses import KW_ONLY, as_dict, dataclass, field, replace
from reconciler.model import EngineInfo, Seal, Source
from reconciler.plan import Refusal, Step

RECORDS = [
    found
    for module in (model, plan)
    for found in vars(module).values()
    if dataclasses.is_dataclass(found)
]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands."""

    line: int
    column: int = 1
    word: str = field(default="", compare=False, repr=False)
    most: ClassVar[int] = 7

    @property
    def both(self) -> tuple[int, int]:
        return self.line, self.column


@dataclass
class Found:
    """What may be changed."""

    name: str
    _: KW_ONLY
    places: list[Place] = field(default_factory=list)
    known: bool = False


@dataclass(frozen=True, slots=True)
class Named(Place):
    """A place with a name, which comes after its base's fields."""

    name: str = ""


@dataclass(slots=True, eq=False)
class Node:
    """Equal only to itself."""

    number: int = 0


@dataclass(frozen=True, slots=True)
class Secret:
    """One that writes itself its own way."""

    text: str

    def __repr__(self) -> str:
        return "***"


def test_fields_are_given_in_order_or_by_name_and_have_defaults() -> None:
    assert Place(3).both == (3, 1)
    assert Place(column=2, line=3).both == (3, 2)
    assert Named(1, 2, "w", "n").name == "n"
    assert Found("a", known=True).places == []
    assert Found("a").places is not Found("a").places
    with pytest.raises(TypeError, match="line"):
        Place()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="positional"):
        Found("a", [])  # type: ignore[misc]
    with pytest.raises(TypeError, match="depth"):
        Place(1, depth=2)  # type: ignore[call-arg]


def test_records_are_equal_and_ordered_by_the_fields_that_are_compared() -> None:
    assert Place(1, 2, "x") == Place(1, 2, "y") != Place(1, 3)
    assert hash(Place(1, 2, "x")) == hash(Place(1, 2, "y"))
    assert sorted([Place(2), Place(1, 5), Place(1, 2)]) == [Place(1, 2), Place(1, 5), Place(2)]
    assert (Place(1) <= Place(1), Place(1) > Place(1), Place(2) >= Place(1)) == (True, False, True)
    assert Place(1) != Named(1)
    assert Node() != Node()
    assert len({Node(), Node()}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(Found("a"))
    with pytest.raises(TypeError, match="not supported"):
        Place(1) < 1  # type: ignore[operator]  # noqa: B015


def test_a_record_says_what_it_holds() -> None:
    assert repr(Place(1, 2, "hidden")) == "Place(line=1, column=2)"
    assert repr(Named(1, name="n")) == "Named(line=1, column=1, name='n')"
    assert repr(Secret("x")) == "***"
    assert Place.__doc__ == "Where something stands."


def test_slots_leave_no_room_for_other_attributes() -> None:
    with pytest.raises(AttributeError):
        Place(1).depth = 2  # type: ignore[attr-defined]
    assert Place.most == 7


def test_a_record_is_copied_with_changes() -> None:
    place = Place(1, 2, "w")
    assert as_dict(replace(place, line=9)) == {"line": 9, "column": 2, "word": "w"}
    assert replace(Found("a", known=True), name="b") == Found("b", known=True)
    assert as_dict(copy.copy(place)) == as_dict(place) == as_dict(pickle.loads(pickle.dumps(place)))
    with pytest.raises(TypeError, match="depth"):
        replace(place, depth=1)  # type: ignore[call-arg]


def test_the_standard_library_takes_them_for_dataclasses() -> None:
    found = Found("a", places=[Place(1)])
    assert dataclasses.asdict(found) == {
        "name": "a",
        "places": [{"line": 1, "column": 1, "word": ""}],
        "known": False,
    }
    assert dataclasses.replace(Place(1, 2), column=3) == Place(1, 3)
    assert [one.name for one in dataclasses.fields(Named)] == ["line", "column", "word", "name"]
    assert dataclasses.is_dataclass(Place)


def test_fields_can_be_matched_in_order() -> None:
    match Place(1, 2):
        case Place(line, column):
            assert (line, column) == (1, 2)
    assert Found.__match_args__ == ("name",)


# --- those of netplan -----------------------------------------------------------------------------


def test_equal_and_hashed_by_what_is_compared() -> None:
    one, same, other = (Refusal("a", source=Source("f", line)) for line in (1, 1, 2))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != "a"
    assert {one, same, other} == {one, other}
    assert dataclasses.replace(one, message="b") == Refusal("b", source=Source("f", 1))
    assert Step(1, "start", "", "test") != Step(1, "stop", "", "test")


def test_what_is_not_compared_or_shown_is_not() -> None:
    seal = Seal("salt", 0, key="secret", check="1")
    assert seal == Seal("salt", 0, key="secret", check="2")
    assert seal != Seal("salt", 0, key="other", check="1")
    assert repr(seal) == "Seal(salt='salt', rounds=0, check='1')"
    assert Source("f", 1) < Source("f", 2)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_no_field_can_be_misspelt(record: type) -> None:
    """They have slots, also at run time."""
    assert "__dict__" not in dir(record)


def test_pickled_and_back() -> None:
    info = EngineInfo(name="e")
    assert pickle.loads(pickle.dumps(info)) == info


def test_an_apply_with_nothing_to_do_does_not_load_what_it_does_not_need() -> None:
    """Each of these takes as long to load as a part of the work."""
    loads = (
        "runs",
        "runs.name_checks",
        "commands.apply",
        "engine",
        "engine.writing",
        "observe",
        "planner",
        "arguments",
    )
    code = (
        f"import sys; import {', '.join(f'reconciler.{name}' for name in loads)};"
        " reconciler.arguments.parse(['apply', 'x'])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", f"{code}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    needless = {
        "docker",
        "requests",
        "jsonschema",
        "logging",
        "difflib",
        "platform",
        "reconciler.executor.error_messages",
    }
    assert not {*needless, "dataclasses", "inspect", "shutil"} & {*loaded}

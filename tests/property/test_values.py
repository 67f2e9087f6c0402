"""Whatever scalar stands wherever in a file: it arrives as Compose would pass it on, or is refused
where it stands. None is lost.

The places are those of the published schema, so that a new key is covered with no word here.
`NETPLAN_VALUES=20000` tries as many.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from reconciler.errors import InputError
from reconciler.model import Source
from reconciler.topology import load_text

from .places import PLACES, Place, Raw, text_of
from .scalars import Scalar, compose_passes, scalars

COUNT = int(os.environ.get("NETPLAN_VALUES", "300"))
FILE = "t.yaml"
WAYS = (
    "there",
    "there",
    "there",
    "there",
    "anchored",
    "alias",
    "merged",
    "merged alias",
    "comment",
)

ZERO = re.compile(r"0+(\.0*)?( ?[kmgtp]?i?b?|[nuµm]?s|h)")
HOLDS_ANYWAY: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        (
            "external",
            "exclusive",
            "protect",
            "optional",
            "one_shot",
            "read_only",
            "nocopy",
            "disable",
            "restart",
        ),
        frozenset(["false"]),
    ),
    **dict.fromkeys(("create_host_path",), frozenset(["true"])),
    **dict.fromkeys(
        (
            *("cpus", "cpu_period", "cpu_quota", "shm_size", "memory"),
            *("mem_limit", "mem_reservation", "memswap_limit"),
            *("interval", "timeout", "start_period", "start_interval"),
        ),
        frozenset(["0"]),
    ),
    "required": frozenset(["true", "false"]),
    "published": frozenset(["0"]),
    "count": frozenset(["-1", "all"]),
    "pull_policy": frozenset(["missing", "if_not_present"]),
    "protocol": frozenset(["tcp"]),
    "condition": frozenset(["service_started"]),
    "permissions": frozenset(["rwm"]),
    "target": frozenset(["/dev/ttyusb0"]),
    "driver": frozenset(["local"]),
    "type": frozenset(["volume"]),
    "network_mode": frozenset(["bridge"]),
}
"""What may be written under a key and changes nothing, as it holds without it (or, of `required`,
as the file is there).
"""


def facts(state: Any) -> Any:
    """What a file says, without where it says it."""
    if isinstance(state, Source):
        return None
    if dataclasses.is_dataclass(state):
        return {
            field.name: facts(getattr(state, field.name)) for field in dataclasses.fields(state)
        }
    if isinstance(state, Mapping):
        return {key: facts(value) for key, value in state.items()}
    return [facts(item) for item in state] if isinstance(state, tuple | list) else state


def read(text: str) -> Any:
    """What a file says; None if it is refused."""
    try:
        return facts(load_text(text, FILE).state)
    except InputError:
        return None


@lru_cache(maxsize=4096)
def said(place: Place, literal: str) -> Any:
    """What the file with that, in quotes or a literal of JSON, says."""
    return read("---" + text_of(place.file(Raw(literal))))


@lru_cache(maxsize=512)
def said_without(place: Place) -> Any:
    """What the file says without anything there."""
    return read("---" + text_of(place.without()))


def file_of(place: Place, written: str, way: str) -> str:
    """The file with a scalar, in its place or brought there by an anchor; `x-` keys hold those."""
    if way == "there" or not isinstance(place.path[-1], str):
        return "---" + text_of(place.file(Raw(written)))
    if way == "comment":
        return "---" + text_of(place.file(Raw(written if "\n" in written else f"{written} # it")))
    if way == "anchored":
        return "---" + text_of(place.file(Raw(f"&it {written}")))
    if way == "alias":
        return (
            "---\nx-it:"
            + text_of(Raw(f"&it {written}"), 1)
            + text_of(place.file(Raw("*it"))).lstrip("\n")
        )
    whole = place.file(Raw(written))
    holder: Any = whole
    for part in place.path[:-1]:
        holder = holder[part]
    value = holder.pop(place.path[-1])
    if way == "merged":
        holder[Raw("<<")] = {place.path[-1]: value}
        return "---" + text_of(whole)
    holder[Raw("<<")] = Raw("*it")
    return "---\nx-it: &it" + text_of({place.path[-1]: value}, 1) + text_of(whole).lstrip("\n")


def lines_of(place: Place, way: str) -> set[int]:
    """Where the scalar and what brings it there stand, from the line that begins what holds it."""
    marked = file_of(place, "\0", way).splitlines()
    found: set[int] = set()
    for at, line in enumerate(marked):
        if "\0" in line or "*it" in line:
            first = at
            for _ in range(_levels(place) + (way == "merged")):
                first = next(
                    (
                        above
                        for above in range(first, 0, -1)
                        if _indent(marked[above]) < _indent(marked[first])
                    ),
                    first,
                )
            found.update(range(first, at + 2))
    return {line + 1 for line in found}


def _levels(place: Place) -> int:
    """How many levels up the line is at which all of it may be refused: what holds it, or the item
    of a list that it is in.
    """
    return (
        next((up for up, part in enumerate(reversed(place.path)) if isinstance(part, int)), 1) or 1
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def literals(passed: str) -> list[str]:
    """What means the same beyond doubt: the text in quotes, and a number or boolean of JSON."""
    found = [json.dumps(passed), *(["{}"] if not passed else [])]
    with suppress(ValueError):
        found += (
            [passed]
            if compose_passes(passed) == passed and not isinstance(json.loads(passed), str)
            else []
        )
    return found


def changes_nothing(place: Place, passed: str) -> bool:
    """Whether that says only what holds without it."""
    words = {"no": "false", "off": "false", "yes": "true", "on": "true"}
    word = words.get(passed.lower(), passed.lower())
    word = "0" if ZERO.fullmatch(word) else word
    help = place.schema.get("description", "")
    told = help.startswith("Without effect") or place.path == ("$schema",)
    told = told or f"{passed}, which holds anyway" in help
    told = told or (
        place.path[-1] == "name" and place.path[-2:-1] == (passed,)
    )  # what it is called anyway
    return told or word in HOLDS_ANYWAY.get(str(place.path[-1]), ())


def check(place: Place, scalar: Scalar, way: str) -> None:
    """Refused at its place, or the same as what Compose passes on in quotes, and not the same as
    nothing.
    """
    text = file_of(place, scalar.written(), way)
    try:
        found = facts(load_text(text, FILE).state)
    except InputError as error:
        event("refused")
        refused_at = {problem.line for problem in error.problems}
        elsewhere = f"refused elsewhere: {[str(problem) for problem in error.problems]}\n{text}"
    else:
        refused_at, elsewhere = set(), ""
    if elsewhere:
        assert lines_of(place, way) & refused_at, elsewhere
        return
    event("accepted")
    passed, absent = scalar.passed, said_without(place)
    assert passed is not None, f"accepted, and Compose passes nothing on:\n{text}"
    if (
        scalar.style == "plain"
        and passed == ""
        and "null" in place.schema.get("type", ())
        and found == absent
    ):
        return
    assert any(found == said(place, literal) for literal in literals(passed)), (
        f"not what Compose passes on, {passed!r}:\n{text}"
    )
    assert found != absent or changes_nothing(place, passed), f"lost:\n{text}"


@st.composite
def cases(draw: st.DrawFn) -> tuple[Place, Scalar, str]:
    """A place, a scalar that may mean something there, a way to bring it there."""
    place = draw(st.sampled_from(PLACES))
    single = [
        value
        for value in (*place.examples, *place.schema.get("enum", ()))
        if not isinstance(value, dict | list)
    ]
    known = tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in single)
    return place, draw(scalars(known)), draw(st.sampled_from(WAYS))


@pytest.mark.timeout(max(300, COUNT // 4))
@given(cases())
@settings(max_examples=COUNT, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_scalar_is_lost_in_silence(case: tuple[Place, Scalar, str]) -> None:
    check(*case)

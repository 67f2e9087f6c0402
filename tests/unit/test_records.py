"""The quick `dataclass` of the values does what the standard one does."""

from __future__ import annotations

import dataclasses
import pickle
import subprocess
import sys

import pytest

from reconciler import model, plan
from reconciler.model import EngineInfo, Seal, Source
from reconciler.plan import Refusal, Step

RECORDS = [found for module in (model, plan) for found in vars(module).values() if dataclasses.is_dataclass(found)]


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
    loads = "import reconciler.runs, reconciler.commands.change, reconciler.engine, reconciler.observe, reconciler.planner"
    code = f"import sys; {loads}; import reconciler.engine.writing; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"docker", "requests", "jsonschema", "logging", "difflib", "platform", "reconciler.executor.translate"} & {*loaded}

"""What fits the topology schema at first sight is what `jsonschema` finds nothing wrong with."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.topology.schema import _fits, _validator

from ..examples import examples
from .test_reading import TREES

FILES = sorted((Path(__file__).parents[2] / "topologies").glob("*.yaml"))
VALUES = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in FILES]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a value: what holds it, and its key there."""
    keys = (
        list(value)
        if isinstance(value, dict)
        else range(len(value))
        if isinstance(value, list)
        else ()
    )
    return [place for key in keys for place in ((value, key), *places(value[key]))]


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """A good file with something else in one to three places."""
    value = copy.deepcopy(draw(st.sampled_from(VALUES)))
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(places(value)))
        if isinstance(holder, dict) and draw(st.booleans()):
            holder[
                draw(
                    st.sampled_from(
                        ["subnet", "name", "image", "ports", "no such key", "x-mine", ""]
                    )
                )
            ] = holder.pop(key)
        else:
            holder[key] = draw(TREES)
    return value


@given(spoilt() | TREES)
@examples(1500)
def test_what_fits_is_valid(value: Any) -> None:
    """Not the other way round: what is not certain at first sight, such as 1.0 for a whole number,
    may be valid too.
    """
    assert not _fits()(value) or _validator().is_valid(value)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_good_file_fits(file: Path) -> None:
    assert _fits()(yaml.safe_load(file.read_text(encoding="utf-8")))

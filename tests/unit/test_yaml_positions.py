"""Reading with positions: what a value is, and where it stands, in YAML and in JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from reconciler.errors import InputError
from reconciler.topology.document import MAX_SIZE, Map, Odd, Seq, plain, show
from reconciler.topology.yamlpos import read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-7", -7),
        ("1450", 1450),
        ("1.5", 1.5),
        ("web", "web"),
        ("10.1.0.0/24", "10.1.0.0/24"),
        ("02:42:c0:a8:00:09", "02:42:c0:a8:00:09"),
        ("1.2.3", "1.2.3"),
        ("y", "y"),
    ],
)
def test_a_plain_scalar_on_which_all_agree(text: str, value: object) -> None:
    assert plain(text) == value
    assert type(plain(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("010", "a number"),
        ("0x1F", "a number"),
        ("0o17", "a number"),
        ("0b11", "a number"),
        ("1_000", "a number"),
        ("+5", "a number"),
        ("-0", "a number"),
        ("1.10", "a number"),
        ("1e3", "a number"),
        ("1e999", "a number"),
        (".inf", "a number"),
        (".nan", "a number"),
        ("52:54:00:12:34:56", "a number"),
        ("9" * 5000, "a number"),
        ("yes", "a boolean"),
        ("No", "a boolean"),
        ("on", "a boolean"),
        ("2024-01-01", "a date"),
    ],
)
def test_a_plain_scalar_that_is_not_what_it_looks_like(text: str, kind: str) -> None:
    value = plain(text)
    assert isinstance(value, Odd)
    assert (str(value), value.kind) == (text, kind)


YAML = """\
# a comment
name: lab   # another
"größe": {a: 1, "😀": [x, 'y']}
list:
  - one
  -
    key: |
      text
    empty:
"""


def places(text: str, file: str = "t.yaml") -> dict[str, tuple[int, int]]:
    """Every key and item of a document, with line and column of its value."""
    document = read(text, file)
    found: dict[str, tuple[int, int]] = {}

    def walk(value: object, path: str) -> None:
        for key in (
            value if isinstance(value, Map) else range(len(value)) if isinstance(value, Seq) else ()
        ):
            assert isinstance(value, Map | Seq)
            found[f"{path}/{key}"] = document.position(value.value_at(key))  # type: ignore[arg-type]
            walk(value[key], f"{path}/{key}")  # type: ignore[call-overload]

    walk(document.value, "")
    return found


def test_values_stand_where_they_are_written() -> None:
    assert places(YAML) == {
        "/name": (2, 7),
        "/größe": (3, 10),
        "/größe/a": (3, 14),
        "/größe/😀": (3, 22),
        "/größe/😀/0": (3, 23),
        "/größe/😀/1": (3, 26),
        "/list": (5, 3),
        "/list/0": (5, 5),
        "/list/1": (7, 5),
        "/list/1/key": (7, 10),
        "/list/1/empty": (9, 5),
    }


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks_do_not_matter(end: str, mark: str) -> None:
    text = mark + YAML.replace("\n", end)
    assert places(text) == places(YAML)
    assert read(text, "t").value == read(YAML, "t").value


def test_json_has_the_same_values_and_its_own_places() -> None:
    value = {
        "name": "lab",
        "größe": {"a": 1, "b": [True, None, 1.5, -2, "\\\n\u2028"]},
        "empty": [{}, []],
    }
    text = json.dumps(value, indent=1)
    assert read(text, "t.json").value == value == read(text, "t.yaml").value
    assert places(text, "t.json") == places(text, "t.yaml")
    assert places('{"a": {"b": [1,\n 2]}}', "t.JSON") == {
        "/a": (1, 7),
        "/a/b": (1, 13),
        "/a/b/0": (1, 14),
        "/a/b/1": (2, 2),
    }


def test_aliases_share_and_merges_yield_to_own_keys() -> None:
    text = "x-a: &a {k: 1, l: 2}\nb: {<<: *a, k: 3}\nc: *a\nd: {<<: [{m: 1, k: 5}, *a]}\n"
    document = read(text, "t")
    assert document.value == yaml.safe_load(text)
    assert document.value["c"] is document.value["x-a"]
    assert document.position(document.value["b"].value_at("l")) == (1, 19)
    assert document.problems == []


def test_forced_text_is_text() -> None:
    assert read("a: !!str 010\nb: !!map {c: !!seq [d]}\n", "t").value == {
        "a": "010",
        "b": {"c": ["d"]},
    }


def test_keys_under_an_ignored_key_may_be_anything() -> None:
    document = read("x-ports: {80: a, on: b, c: {no: d}}\non: 1\n", "t")
    assert [str(problem) for problem in document.problems] == [
        "t:2:1: the key 'on' is a boolean to YAML, not text: put it in quotes"
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a", "'a'"),
        ("\x1b[31m", r"'\x1b[31m'"),
        ("a\nb\u202e\x85", r"'a\nb\u202e\x85'"),
        ("x" * 100, "'" + "x" * 57 + "...'"),
        (12, "'12'"),
        ({}, "a mapping"),
        ([], "a list"),
    ],
)
def test_nothing_raw_is_shown(value: object, shown: str) -> None:
    assert show(value) == shown


# --- limits: how long the refusal takes, and how much memory the whole process has then -----------

LETTERS = "abcdefgh"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{letter}: &{letter} [{','.join(['*' + before] * 9)}]\n"
    for before, letter in pairwise(LETTERS)
)
HOSTILE = {
    "nested flow": ("[" * 3000, "1:64: nested more than 64 levels deep"),
    "nested mappings": ("{a: " * 3000, "1:253: nested more than 64 levels deep"),
    "nested items": ("- " * 3000, "1:127: nested more than 64 levels deep"),
    "nested blocks": (
        "".join(" " * level + "a:\n" for level in range(3000)),
        "64:64: nested more than 64 levels deep",
    ),
    "alias bomb": (BOMB, "4:4: aliases of this anchor expand to more than this file may hold"),
    "wide alias bomb": (
        f"a: &a [{'x,' * 9000}]\nb: [{'*a,' * 9000}]\n",
        "1:4: aliases of this anchor expand to more than this file may hold",
    ),
    "alias ladder": (
        "x0: &x0 [a]\n" + "".join(f"x{n}: &x{n} [*x{n - 1}]\n" for n in range(1, 1500)),
        "64:6: aliases of this anchor nest more than 64 levels deep",
    ),
    "merge bomb": (
        "x-a: &a {"
        + "".join(f"k{n}: v, " for n in range(500))
        + "}\n"
        + "".join(f"x{n}: {{<<: *a}}\n" for n in range(500)),
        "1:6: aliases of this anchor expand to more than this file may hold",
    ),
    "alias in itself": (
        "a: &a {b: [*a]}\n",
        "1:4: this anchor contains itself: an alias cannot stand inside what it names",
    ),
    "too large": ("a" * (MAX_SIZE + 1), "1:1: the file is too large: at most 8 MiB are read"),
    "NUL": ("name: t\0\n", "1:8: a character that text files must not contain, U+0000: remove it"),
}
MEASURE = """
import re, sys, time
from pathlib import Path
from reconciler.errors import InputError
from reconciler.topology import load
load(sys.argv[2])
start = time.process_time()
try:
    load(sys.argv[1])
except InputError as error:
    peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
    print(time.process_time() - start, int(peak[1]) // 1024, str(error.problems[-1]), sep="|")
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_early(name: str, tmp_path: Path) -> None:
    text, expected = HOSTILE[name]
    hostile, harmless = tmp_path / "hostile.yaml", tmp_path / "harmless.yaml"
    hostile.write_text(text)
    harmless.write_text("name: t\n")
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, hostile, harmless],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, megabytes, message = run.stdout.strip().split("|")
    assert message == f"{hostile}:{expected}"
    assert float(seconds) < 1, "0.1 s on an idle machine"
    assert int(megabytes) < 60, "under 50 MB, and what a larger interpreter takes"


def test_what_a_small_file_may_expand_to_is_still_quick() -> None:
    text = f"name: t\nx-a: &a [{'x,' * 90}]\nx-b: &b [{'*a,' * 90}]\nnetworks: *b\n"
    start = time.process_time()
    with pytest.raises(InputError):
        read(text * 3, "t")
    assert time.process_time() - start < 1

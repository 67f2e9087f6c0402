"""Tables of the documentation: a row without a head is shown as text with bars in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in (".", "docs", "topologies", "benchmarks")
    for path in (ROOT / folder).glob("*.md")
)


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_table_has_a_head_and_cells_for_it(file: Path) -> None:
    text = re.sub(r"^```.*?^```", "", file.read_text(encoding="utf-8"), flags=re.M | re.S)
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        rows = [re.split(r"(?<!\\)\|", row)[1:-1] for row in table.splitlines()]
        assert len(rows) > 1, table
        assert all(re.fullmatch(r" ?:?-+:? ?", cell) for cell in rows[1]), table
        assert {len(row) for row in rows} == {len(rows[0])}, table

"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Where several workers share the tests, all tests of one engine are one worker's: two at once would see each other's networks."""
    for item in items:
        parameters = getattr(item, "callspec", None)
        host = parameters.params.get("host") if parameters else None
        if host:
            item.add_marker(pytest.mark.xdist_group(host))

"""A few rounds of `scripts/reliability foreign`."""

from __future__ import annotations

import pytest

from ..e2e.conftest import Docker
from .foreign import one_round

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("seed", [1, 5, 6])
def test_a_destroy_changes_nothing_that_is_not_the_labs(docker: Docker, seed: int) -> None:
    kinds, objects, _ = one_round(docker.host, seed)
    assert objects > 1
    assert kinds

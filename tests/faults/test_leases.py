"""A few points of scripts/reliability leases: a holder elsewhere that is killed, suspended, or
whose engine freezes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ..e2e.conftest import Docker
from .labs import Lab
from .leases import WAYS, left_alone
from .plans import PAIRS
from .proxy import Proxy

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_who_shows_no_sign_of_life_is_taken_over(
    docker: Docker, proxy: Proxy, tmp_path: Path
) -> None:
    lab = Lab(PAIRS[0], docker, proxy, tmp_path)
    try:
        hit = [left_alone(lab, way, nth) for way in WAYS for nth in (2, 4)]
    finally:
        lab.close()
    assert all(hit), hit

"""The engines of tests/e2e, and a proxy in front of them that spoils calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..e2e.conftest import cli, docker, engine, engine_info, host, image
from .proxy import Proxy, spoiled

__all__ = ["cli", "docker", "engine", "engine_info", "host", "image", "proxy"]


@pytest.fixture
def proxy(host: str, tmp_path: Path) -> Iterator[Proxy]:
    """A proxy that spoils nothing yet."""
    if not host.startswith("unix://"):
        pytest.skip("the proxy stands in front of a unix socket")
    with spoiled(tmp_path / "engine.sock", host) as found:
        yield found

"""What an interrupted run took away is not given up by a file that was cut short."""

from __future__ import annotations

import pytest

from ..e2e.cli import Cli
from .labs import own_volumes_of
from .proxy import Fault, Proxy

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_an_empty_file_does_not_give_up_what_a_killed_run_took_away(cli: Cli, proxy: Proxy) -> None:
    """Nothing on the engine bears the topology's mark then, only its journal knows."""
    networks = {"n": {"subnet": cli.docker.subnet()}}
    cli.converge(networks)
    cli.write({"n": {**networks["n"], "internal": True}})
    proxy.spoil(Fault("kill", method="POST", path="^/networks/create$"))
    assert cli.run("apply", str(cli.file), "--yes", "--host", proxy.host, code=None).code
    assert not cli.exists("n")
    cli.write({})
    refused = cli.apply(code=3)
    assert (
        f"the file is empty, but topology '{cli.topology}' owns {cli.docker.name('n')}"
        in refused.said
    )
    assert any("journal" in name for name in own_volumes_of(cli.docker))
    cli.apply("--allow-empty")
    assert not own_volumes_of(cli.docker)

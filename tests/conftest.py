"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from . import examples
from .engines import host_ids, hosts_of
from .layers import Layers

os.environ.pop("COLUMNS", None)  # pytest-xdist sets it, and then netplan breaks the lines of a pipe
pytest.register_assert_rewrite(
    "tests.e2e.cli"
)  # its assertions say what differed, as those of a test do


def pytest_configure(config: pytest.Config) -> None:
    examples.use()
    config.pluginmanager.register(Layers())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> object:
    """Where several workers share the tests, all tests of one engine are one worker's: two at once
    would see each other's networks.
    """
    for item in items:
        parameters = getattr(item, "callspec", None)
        host = parameters.params.get("host") if parameters else None
        if host:
            item.add_marker(pytest.mark.xdist_group(host))
    result = yield
    if config.getoption("loadgroup", False) and any(
        item.get_closest_marker("xdist_group") and "@" not in item.nodeid for item in items
    ):
        raise pytest.UsageError(
            "this pytest-xdist does not see the groups of this pytest: take the versions of"
            " pyproject.toml"
        )
    return result


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for a `host` runs on one engine of each version."""
    own = any("host" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "host" in metafunc.fixturenames and not own:
        hosts = hosts_of(metafunc.definition.nodeid)
        metafunc.parametrize("host", hosts, ids=host_ids(), indirect=True, scope="session")


def pytest_runtest_setup() -> None:
    """Readline, where something loads it, puts the width into the environment of C, which children
    get.
    """
    os.unsetenv("COLUMNS")

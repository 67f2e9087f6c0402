"""What a command must not load: every module costs the user its time at each start."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOPOLOGY = ROOT / "topologies" / "single-bridge.yaml"

LOADED = """
import sys
before = set(sys.modules)
from reconciler.cli import main
code = main(sys.argv[1:])
print(code, *sorted(set(sys.modules) - before), file=sys.stderr)
"""


def loaded(*arguments: str) -> set[str]:
    """The modules that a command loads and a bare interpreter does not, submodules included; the
    command must end well.
    """
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, cwd=ROOT
    )
    code, *modules = done.stderr.splitlines()[-1].split()
    assert code == "0", done.stderr
    return set(modules)


def top_level(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


VERSION_NEEDS_NOT = {
    "argparse",
    "yaml",
    "json",
    "jsonschema",
    "docker",
    "deepdiff",
    "rich",
    "ipaddress",
    "dataclasses",
    "ssl",
    "socket",
}


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version_loads_next_to_nothing(option: str) -> None:
    assert not VERSION_NEEDS_NOT & top_level(loaded(option))


def test_help_loads_no_command() -> None:
    modules = loaded("plan", "--help")
    assert not {"yaml", "jsonschema", "docker", "deepdiff", "rich"} & top_level(modules)
    assert "reconciler.commands" not in modules


def test_validate_never_loads_the_engine_or_what_explains_differences() -> None:
    modules = loaded("validate", str(TOPOLOGY))
    assert "reconciler.topology" in modules
    assert not {"docker", "deepdiff", "rich", "requests", "ssl", "http"} & top_level(modules)
    assert (
        not {
            "reconciler.engine",
            "reconciler.engine.wire",
            "reconciler.planner",
            "reconciler.executor",
        }
        & modules
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", str(TOPOLOGY), "--state", "empty"],
        ["plan", "topologies", "--state", "empty", "-o", "json"],
        [
            "plan",
            "tests/golden/create/topology.yaml",
            "--state",
            "tests/golden/create/observed.json",
            "-o",
            "markdown",
        ],
        ["diff", str(TOPOLOGY), str(TOPOLOGY)],
    ],
)
def test_a_plan_without_an_engine_loads_none(arguments: list[str]) -> None:
    modules = loaded(*arguments)
    assert "reconciler.planner" in modules
    assert not {
        "docker",
        "deepdiff",
        "rich",
        "requests",
        "urllib3",
        "ssl",
        "http",
        "socket",
    } & top_level(modules)
    assert (
        not {
            "reconciler.engine",
            "reconciler.engine.wire",
            "reconciler.engine.locate",
            "reconciler.observe",
            "reconciler.executor",
        }
        & modules
    )


def test_printing_a_schema_loads_no_validator() -> None:
    assert not {"jsonschema", "docker", "deepdiff", "rich"} & top_level(loaded("schema"))


def test_every_package_is_installed() -> None:
    """An editable install has all there is; a wheel only what is named."""
    root = Path(__file__).parents[2]
    named = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "setuptools"
    ]["packages"]
    folders = [
        file.parent.relative_to(root).parts for file in (root / "reconciler").rglob("__init__.py")
    ]
    assert sorted(named) == sorted([*(".".join(parts) for parts in folders), "reconciler.schemas"])

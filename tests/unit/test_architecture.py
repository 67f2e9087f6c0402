"""The direction of imports, over the syntax trees: what decides does no input or output, and
nothing reaches around a face.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "reconciler"
MODULES = {
    ".".join(("reconciler", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

VALUES = (
    "errors",
    "fast_dataclasses",
    "settings",
    "network_mode",
    "engine_info",
    "expectations",
    "desired",
    "model",
    "plan",
    "marks",
    "ownership",
    "environment_digests",
    "gc_pause",
)
PURE = (
    *VALUES,
    "codec",
    "diagram",
    "lifetimes",
    "removal_order",
    "verify",
    "planner",
    "safety",
    "render",
    "show",
    "links",
    "simulate",
    "snapshot",
    "saved",
)
PURE_INSIDE = {
    *(
        f"reconciler.topology.{name}"
        for name in (
            "addresses",
            "network_checks",
            "document",
            "envfile",
            "hints",
            "container_checks",
            "pool_checks",
            "report",
        )
    ),
    "reconciler.executor.network_rollback",
}
"""Modules that are pure although others beside them are not."""
ABOVE = (
    "topology",
    "engine",
    "observe",
    "access",
    "executor",
    "lock",
    "runs",
    "commands",
    "api",
    "api_listener",
    "arguments",
    "cli",
    "doctor",
    "__main__",
)
DOES_IO = {
    "docker",
    "os",
    "pathlib",
    "socket",
    "subprocess",
    "sys",
    "threading",
    "time",
    "urllib",
    "http",
    "requests",
    "rich",
    "tempfile",
}
LAZY = {
    *("docker", "deepdiff", "jsonschema", "networkx", "rich", "requests", "urllib3"),
}

MAY_IMPORT = {
    "errors": ("fast_dataclasses",),
    "gc_pause": (),
    "terminal": (),
    "signals": (),
    "invocation": (),
    "docker_plugin": ("__init__", "errors"),
    "wrap": (),
    "complete_output": ("errors", "invocation", "signals", "wrap"),
    "fast_dataclasses": (),
    "settings": ("fast_dataclasses",),
    "network_mode": ("fast_dataclasses",),
    "engine_info": ("fast_dataclasses",),
    "expectations": ("fast_dataclasses", "settings"),
    "desired": ("fast_dataclasses", "settings", "network_mode", "engine_info"),
    "model": ("fast_dataclasses", "settings", "network_mode", "engine_info", "desired"),
    "plan": ("errors", "fast_dataclasses", "settings", "model"),
    "marks": ("errors", "fast_dataclasses", "settings", "model"),
    "ownership": ("fast_dataclasses", "model"),
    "environment_digests": ("errors", "fast_dataclasses", "settings", "model", "marks"),
    "safety": VALUES,
    "topology": VALUES,
    "codec": VALUES,
    "lifetimes": (*VALUES, "codec"),
    "removal_order": VALUES,
    "verify": VALUES,
    "planner": (*VALUES, "safety", "verify"),
    "render": (*VALUES, "safety", "terminal", "verify"),
    "simulate": VALUES,
    "snapshot": (*VALUES, "codec"),
    "saved": (*VALUES, "safety", "snapshot"),
    "diagram": (*VALUES, "terminal", "show"),
    "engine": (*VALUES, "codec"),
    "observe": (*VALUES, "codec", "engine"),
    "links": (*VALUES, "terminal"),
    "access": (*VALUES, "engine", "links", "lock"),
    "executor": (*VALUES, "codec", "engine", "terminal", "signals", "wrap"),
    "lock": (*VALUES, "engine", "snapshot"),
    "runs": (
        *VALUES,
        *(
            "engine",
            "executor",
            "lifetimes",
            "lock",
            "observe",
            "planner",
            "render",
            "safety",
            "show",
            "snapshot",
        ),
    ),
    "api_listener": (*VALUES, "runs", "signals"),
    "api": (
        *VALUES,
        *(
            "api_listener",
            "signals",
            "engine",
            "executor",
            "lock",
            "planner",
            "render",
            "runs",
            "safety",
            "show",
            "topology",
        ),
    ),
    "arguments": ("engine_info", "errors", "invocation", "fast_dataclasses", "settings", "wrap"),
    "cli": (
        "arguments",
        "docker_plugin",
        "errors",
        "invocation",
        "terminal",
        "complete_output",
        "signals",
        "wrap",
        "commands",
    ),
}
"""Of the parts with a place in the direction, all that each may import, lazily or not."""


def part(module: str) -> str:
    """`reconciler.planner.order` -> `planner`: the module or package directly under reconciler."""
    return [*module.split("."), ""][1]


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imports(module: str, nodes: Iterator[ast.AST]) -> Iterator[tuple[str, int]]:
    """Absolute name and line of what the nodes import."""
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = (
                package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            )
            base = ".".join([*up, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
            yield from ((name if name in MODULES else base, node.lineno) for name in names)


def for_types_only(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    )


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below but what is for the type checker alone."""
    for child in ast.iter_child_nodes(node):
        if not for_types_only(child):
            yield child
            yield from executed(child)


def at_top(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that importing the module executes: what is in no function."""
    for child in ast.iter_child_nodes(node):
        if not for_types_only(child) and not isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef
        ):
            yield child
            yield from at_top(child)


ALL = pytest.mark.parametrize("module", MODULES)
EVERY_PURE = pytest.mark.parametrize(
    "module", [module for module in MODULES if part(module) in PURE or module in PURE_INSIDE]
)


@pytest.mark.parametrize("module", [module for module in MODULES if part(module) in MAY_IMPORT])
def test_imports_run_one_way(module: str) -> None:
    allowed = MAY_IMPORT[part(module)]
    for name, line in imports(module, executed(tree(module))):
        if name.startswith("reconciler."):
            assert part(name) in (
                *allowed,
                part(module),
            ), f"{MODULES[module]}:{line}: {part(module)} must not import {part(name)}"


@EVERY_PURE
def test_what_is_pure_imports_nothing_that_reads_or_writes(module: str) -> None:
    above = set(ABOVE) - ({part(module)} if module in PURE_INSIDE else set())
    for name, line in imports(module, executed(tree(module))):
        assert name.partition(".")[0] not in DOES_IO, f"{MODULES[module]}:{line}: {name}"
        assert not (name.startswith("reconciler.") and part(name) in above), (
            f"{MODULES[module]}:{line}: {name}"
        )


@EVERY_PURE
def test_what_is_pure_calls_nothing_that_reads_or_writes(module: str) -> None:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            compiles = node.func.id == "exec" and module == "reconciler.fast_dataclasses"
            assert compiles or node.func.id not in (
                "open",
                "print",
                "input",
                "exec",
                "eval",
            ), f"{MODULES[module]}:{node.lineno}: {node.func.id}()"


@ALL
def test_what_is_slow_to_load_is_loaded_where_it_is_used(module: str) -> None:
    for name, line in imports(module, at_top(tree(module))):
        assert name.partition(".")[0] not in LAZY, f"{MODULES[module]}:{line}: {name} at module top"


@ALL
def test_only_the_engine_knows_docker_py(module: str) -> None:
    for name, line in imports(module, ast.walk(tree(module))):
        assert name.partition(".")[0] != "docker" or part(module) == "engine", (
            f"{MODULES[module]}:{line}: {name}"
        )


@ALL
def test_only_the_planner_looks_inside_the_planner(module: str) -> None:
    for name, line in imports(module, ast.walk(tree(module))):
        inside = name.startswith("reconciler.planner.")
        assert not inside or part(module) == "planner", (
            f"{MODULES[module]}:{line}: {name} is inside the planner"
        )


KNOWN_CIRCLES: set[frozenset[str]] = {
    frozenset({"reconciler.topology.jsonpos", "reconciler.topology.yamlpos"}),
}
"""Modules that still import each other: this only gets shorter."""


def circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """The sets of modules that reach each other."""
    reached: dict[str, set[str]] = {}
    for module in graph:
        found, todo = set[str](), [module]
        while todo:
            new = graph[todo.pop()] - found
            found |= new
            todo += new
        reached[module] = found
    return {
        frozenset(other for other in reached[module] if module in reached[other])
        for module in graph
        if module in reached[module]
    }


def test_no_modules_import_each_other() -> None:
    """At the top of modules or in functions, directly or by way of others."""
    graph = {
        module: {name for name, _ in imports(module, executed(tree(module))) if name in MODULES}
        - {module}
        for module in MODULES
    }
    assert circles(graph) <= KNOWN_CIRCLES


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == {frozenset("bc")}


def test_every_folder_is_in_the_wheel() -> None:
    packaged = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))[
        "tool"
    ]["setuptools"]["packages"]
    folders = {f"reconciler.{path.parent.name}" for path in PACKAGE.glob("*/__init__.py")}
    assert set(packaged) == {"reconciler", "reconciler.schemas", *folders}


def test_the_modules_are_all_there() -> None:
    assert {
        "reconciler.cli",
        "reconciler.planner",
        "reconciler.planner.order",
        "reconciler.engine",
    } <= MODULES.keys()
    missing = {name for name in (*MAY_IMPORT, *PURE, *ABOVE) if f"reconciler.{name}" not in MODULES}
    assert not missing

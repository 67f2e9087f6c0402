"""The Python interface without an engine: types as users see them, values, errors, imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reconciler import api
from reconciler.errors import InputError, PlanRefusedError, StepsFailedError, UsageError
from reconciler.model import EngineInfo, ObservedNetwork, ObservedState
from reconciler.plan import Plan

ROOT = Path(__file__).parents[2]
HEAVY = {
    "docker",
    "requests",
    "yaml",
    "jsonschema",
    "rich",
    "deepdiff",
    "ssl",
    "socket",
    "json",
    "argparse",
}
TEXT = "name: shop\nnetworks:\n  backend: {subnet: 10.201.110.0/24}\n"
NOWHERE = api.Engine(host="unix:///nowhere/docker.sock")


@pytest.mark.slow
def test_a_program_is_checked_as_its_author_would_check_it(tmp_path: Path) -> None:
    """Away from the checkout, with nothing of its configuration."""
    program = ROOT / "tests/typing/uses_api.py"
    mypy = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--cache-dir",
        str(ROOT / ".mypy_cache/program"),
    ]
    done = subprocess.run(
        [*mypy, str(program)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_it_loads_nothing_that_takes_long() -> None:
    code = (
        "import sys; before = set(sys.modules); import reconciler.api; print(*set(sys.modules) -"
        " before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & {name.partition(".")[0] for name in done.stdout.split()}
    assert "reconciler.engine" not in done.stdout.split()


@pytest.mark.parametrize("name", api.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(api, name).__module__.startswith("reconciler.")
    assert getattr(api, name).__doc__


def test_another_name_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'up'"):
        api.up  # type: ignore[attr-defined]  # noqa: B018


def test_a_text_is_loaded_with_its_warnings_and_origin(tmp_path: Path) -> None:
    topology = api.load_text(TEXT, tmp_path / "shop.yaml")
    assert topology.name == "shop"
    assert topology.warnings == ()
    assert topology.state.origin
    assert topology.state.origin.folder == str(tmp_path)
    (tmp_path / "shop.yaml").write_text(TEXT, encoding="utf-8")
    assert api.load(tmp_path / "shop.yaml") == topology


def test_a_wrong_text_tells_every_problem() -> None:
    with pytest.raises(InputError) as caught:
        api.load_text(
            "name: shop\nnetworks: {backend: {sub: 1}, front: {subnet: x}}\n", "shop.yaml"
        )
    assert [(problem.file, problem.line) for problem in caught.value.problems] == [
        ("shop.yaml", 2)
    ] * 2


def test_a_plan_from_what_was_observed_needs_no_engine() -> None:
    topology = api.load_text(TEXT)
    plan = api.plan(topology, NOWHERE, observed=api.Observed(ObservedState()))
    assert [step.text for step in plan.steps] == ["create network backend"]
    assert api.render(plan).startswith('netplan: topology "shop"')
    assert '"topology": "shop"' in api.render(plan, "json")
    assert "backend" in api.render(plan, "markdown")


def test_protect_keeps_a_network_from_being_replaced() -> None:
    present = ObservedState(networks=(ObservedNetwork("1" * 64, "backend", {"driver": "bridge"}),))
    observed = api.Observed(present)
    adopted = api.Consent(adopt={"backend"})
    topology = api.load_text(TEXT)
    assert api.plan(topology, observed=observed, consent=adopted).applyable
    protected = api.Consent(adopt={"backend"}, protect={"backend"})
    plan = api.plan(topology, observed=observed, consent=protected)
    assert not plan.applyable
    assert (
        plan.refusals[0].message
        == "network backend is protected by the caller of netplan and would be replaced"
    )


@pytest.mark.parametrize(
    ("consent", "message"),
    [
        (api.Consent(adopt={"bakend"}), "adopt bakend: no network of that name is declared"),
        (
            api.Consent(replace_topology={"shp"}),
            "replace_topology shp: the name of the topology is shop",
        ),
    ],
)
def test_consent_to_what_is_not_declared_is_an_error(consent: api.Consent, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        api.plan(api.load_text(TEXT), NOWHERE, consent=consent)
    assert caught.value.message == message


def test_errors_carry_what_a_program_needs() -> None:
    plan = Plan("shop", EngineInfo())
    assert PlanRefusedError(plan, "no").plan is plan
    result = api.Result(plan)
    assert StepsFailedError(result, "no", "why").result is result
    assert not result.changed

"""Each setting on a real engine: applied, found as declared, changed, and taken out of the file."""

from __future__ import annotations

from typing import Any

import yaml

from ..setting_cases import CASES, CREATED_ONLY
from .cli import Cli, box


def _lab(cli: Cli, which: int) -> dict[str, Any]:
    """A container for each case that this engine can run."""
    containers: dict[str, Any] = {}
    for number, case in enumerate(CASES):
        first: dict[str, Any] = yaml.safe_load(f"{{{case[0]}}}")
        if first.keys() & CREATED_ONLY or (
            cli.docker.info.api < (1, 43) and "annotations" in first
        ):
            continue
        body: dict[str, Any] = box(network_mode="none")
        said: dict[str, Any] = yaml.safe_load(f"{{{case[which]}}}") if which != 1 else {}
        if "hostname" in first or "domainname" in first or "dns" in first:
            body["network_mode"] = "bridge"
        containers[f"c{number}"] = body | said
    return containers


def test_applied_changed_and_taken_out(cli: Cli) -> None:
    cli.converge({}, _lab(cli, 0))
    lab = _lab(cli, 2)
    cli.write({}, lab)
    plan = cli.plan("--exit-code", code=2).out
    found = plan.count("  must be recreated") + plan.count("  is updated in place")
    assert found == len(lab), plan
    cli.converge({}, lab)
    cli.converge({}, _lab(cli, 1))

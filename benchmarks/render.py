"""How long it takes to render a plan of 1,000 changes, in each format, and the plan of a folder of
as many.

Two plans: all new, and all to be replaced under running containers (the longest one there is to
say). The yardstick is `json.dumps` of the same plan's JSON values, indented: the least that a
program does to print as much. Rendering waits for nothing: processor time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import Report, arguments, main, paired, spread
from lab import lab

from reconciler.model import DesiredState
from reconciler.plan import Plan
from reconciler.planner import plan
from reconciler.render import render_text
from reconciler.render.as_json import plan_json, render_json
from reconciler.render.combined_plans import Planned, folder_json, folder_markdown, folder_text
from reconciler.render.markdown import LONGEST_TEXT, render_markdown
from reconciler.simulate import applied, assumed
from reconciler.topology import load_text

CHANGES, SECONDS = 1000, 1.0
RATIOS = {"text": 1.0, "JSON": 2.0, "Markdown": 3.0}
"""Times the yardstick, at most."""


def plans() -> dict[str, Plan]:
    """Plans of 1,000 changes each."""
    desired = load_text(lab(200, 800), "lab.yaml").state
    replaced = load_text(lab(CHANGES, 2 * CHANGES), "lab.yaml").state
    networks = {
        name: replace(network, settings={**network.settings, "internal": True})
        for name, network in replaced.networks.items()
    }
    found = {
        "all new": plan(desired, assumed([desired])),
        "all replaced": plan(
            DesiredState(replaced.topology, networks, replaced.containers), applied(replaced)
        ),
    }
    for name, made in found.items():
        assert (len(made.changes), made.refusals) == (CHANGES, ()), (
            name,
            len(made.changes),
            made.refusals[:3],
        )
    return found


def timed(work: Callable[[], object]) -> float:
    began = process_time()
    work()
    return process_time() - began


def measured(
    report: Report,
    rounds: int,
    name: str,
    forms: dict[str, Callable[[], str]],
    yardstick: Callable[[], object],
) -> None:
    for form, render in forms.items():
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(timed(render))
            theirs.append(timed(yardstick))
        text = render()
        print(
            f"{name} as {form}: {spread(ours)}, {len(text):,} characters\n  json.dumps of the plan:"
            f" {spread(theirs)}"
        )
        report.bound("  rendering", median(ours), SECONDS, " s")
        report.bound("  ratio", paired(ours, theirs), RATIOS[form])
        if form == "Markdown":
            report.bound("  length", len(text.encode()), LONGEST_TEXT, " bytes")


def benchmark() -> int:
    options = arguments(__doc__ or "", rounds=9, engine=False).parse_args()
    report = Report()
    for name, made in plans().items():
        forms: dict[str, Callable[[], str]] = {
            "text": lambda made=made: render_text(made),  # type: ignore[misc]
            "JSON": lambda made=made: render_json(made),  # type: ignore[misc]
            "Markdown": lambda made=made: render_markdown(made, "netplan apply lab.yaml"),  # type: ignore[misc]
        }
        value = plan_json(made)
        measured(
            report,
            options.rounds,
            f"{CHANGES} changes, {name},",
            forms,
            lambda value=value: json.dumps(value, indent=2),
        )  # type: ignore[misc]
    states = [
        load_text(lab(2, 8, name=f"lab-{number}"), f"lab/{number}.yaml").state
        for number in range(100)
    ]
    folder = [
        Planned(f"lab/{state.topology}.yaml", plan(state, assumed([state]))) for state in states
    ]
    forms = {
        "text": lambda: folder_text(folder, ()),
        "JSON": lambda: folder_json(folder, ()),
        "Markdown": lambda: folder_markdown("lab", folder, ()),
    }
    values = [plan_json(one.plan) for one in folder]
    changes = sum(len(one.plan.changes) for one in folder)
    measured(
        report,
        options.rounds,
        f"a folder of {len(folder)} files, {changes} changes,",
        forms,
        lambda: json.dumps(values, indent=2),
    )
    return report.code


if __name__ == "__main__":
    main(benchmark)

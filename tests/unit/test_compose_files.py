"""Compose files of the shapes that people have, pasted in: tests/compose/NN-SHAPE.yaml, and beside
it what must come out of it.

Pasted in means what docs/topology-file.md says: `services:` is renamed to `containers:`, and a name
is added. The first line of each file says whether Compose takes it as it stands (2.40, `docker
compose config`), so that the files can serve an import as well. `NETPLAN_UPDATE_GOLDENS=1` writes
what comes out anew: read the diff as a user would.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import InputError
from reconciler.model import DesiredContainer, DesiredNetwork, DesiredState
from reconciler.topology import load_text
from reconciler.topology.files import Place

FOLDER = Path(__file__).parents[1] / "compose"
FILES = sorted(FOLDER.glob("*.yaml"))
UPDATE = bool(os.environ.get("NETPLAN_UPDATE_GOLDENS"))


def pasted(text: str) -> str:
    """The file as its user pastes it; every line stays where it is."""
    text = re.sub(r"^services:", "containers:", text, flags=re.M)
    text = text.replace('{"services":', '{"name": "pasted", "containers":')
    return (
        text if re.search(r'^name:|"name": "pasted"', text, flags=re.M) else f"{text}name: pasted\n"
    )


def come_out(text: str) -> dict[str, Any]:
    """The problems, or the state and the warnings."""
    try:
        loaded = load_text(pasted(text), "compose.yaml", Place(str(FOLDER)))
    except InputError as error:
        return {"errors": [str(problem) for problem in error.problems]}
    return {"warnings": [str(problem) for problem in loaded.warnings], **state(loaded.state)}


def state(desired: DesiredState) -> dict[str, Any]:
    """A state as JSON, without what is empty."""
    return full(
        {
            "topology": desired.topology,
            "networks": {name: network(value) for name, value in desired.networks.items()},
            "containers": {name: container(value) for name, value in desired.containers.items()},
            "external_volumes": {
                name: volume.source.line
                for name, volume in desired.volumes.items()
                if volume.external
            },
            "volumes": {
                name: settings(volume.settings)
                for name, volume in desired.volumes.items()
                if volume.settings
            },
        }
    )


def network(value: DesiredNetwork) -> dict[str, Any]:
    return full(
        {
            "line": value.source.line,
            "external": value.external,
            "settings": settings(value.settings),
        }
    )


def container(value: DesiredContainer) -> dict[str, Any]:
    return full(
        {
            "line": value.source.line,
            "settings": settings(value.settings),
            "environment": dict(value.environment),
            "networks": {
                endpoint.network: settings(endpoint.settings) for endpoint in value.endpoints
            },
            "depends_on": {needed.container: needed.condition for needed in value.depends_on},
            "one_shot": value.one_shot,
            "pull_policy": "" if value.pull_policy == "missing" else value.pull_policy,
        }
    )


def settings(value: Mapping[str, Any]) -> dict[str, Any]:
    """In order of path; environment values stand elsewhere, here are their digests."""
    return {
        path: list(item) if isinstance(item, tuple) else _from_here(item)
        for path, item in sorted(value.items())
        if not path.startswith("environment.")
    }


def _from_here(value: Any) -> Any:
    """The folder of the files is another one on each machine."""
    return value.replace(str(FOLDER), "FOLDER") if isinstance(value, str) else value


def full(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item not in (None, False, "", {}, [])}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_comes_out_of_a_compose_file(file: Path) -> None:
    found, expected = come_out(file.read_text(encoding="utf-8")), file.with_suffix(".json")
    if UPDATE:
        expected.write_text(
            json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
        )
    assert found == json.loads(expected.read_text(encoding="utf-8")), (
        f"{expected} differs: NETPLAN_UPDATE_GOLDENS=1 writes it anew"
    )


def test_the_folder_is_whole() -> None:
    assert len(FILES) >= 60
    assert {file.stem for file in FILES} == {file.stem for file in FOLDER.glob("*.json")}
    for file in FILES:
        assert re.match(r"# Compose: (valid|refused)\. \S", file.read_text(encoding="utf-8")), (
            file.name
        )

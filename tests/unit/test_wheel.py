"""The distribution: built, installed away from the checkout, and used there as its users use it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from reconciler import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]  # made once, not by each worker
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "reconciler", "schemas")
DEPENDENCIES = Path(pytest.__file__).parents[1]
"""Where the libraries that netplan needs are installed already; the checkout is not in there."""


def run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somewhere else, with a copy of what the distribution is built from."""
    found = tmp_path_factory.mktemp("distribution")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, found / "src" / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            (found / "src").mkdir(exist_ok=True)
            shutil.copy(source, found / "src" / name)
    return found


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    """The wheel, made from the source distribution, which is made from the checkout."""
    run(
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        folder / "dist",
        folder / "src",
        cwd=folder,
    )
    [found] = (folder / "dist").glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(folder: Path, wheel: Path) -> Path:
    """The `bin` of a virtual environment that has the wheel, and of all else only the libraries."""
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv/bin/python"
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", wheel, cwd=folder)
    [site] = (folder / "venv/lib").glob("python*/site-packages")
    (site / "libraries.pth").write_text(f"{DEPENDENCIES}\n", encoding="utf-8")
    where = run(python, "-c", "import reconciler; print(reconciler.__file__)", cwd=folder)
    assert where.startswith(str(site)), where
    return folder / "venv/bin"


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def test_what_the_wheel_says_of_itself(wheel: Path) -> None:
    told = metadata(wheel)
    assert (told["Name"], told["Version"]) == ("docker-netplan", __version__)
    assert {line.partition(",")[0] for line in told.get_all("Project-URL", [])} == {
        *PROJECT["urls"]
    }
    needs = {
        re.split(r"[<>=~; ]", line)[0]
        for line in told.get_all("Requires-Dist", [])
        if "extra" not in line
    }
    assert needs == {
        "docker",
        "deepdiff",
        "jsonschema",
        "networkx",
        "pyyaml",
        "rich",
        "shtab",
    }


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = {str(path.relative_to(ROOT)) for path in (ROOT / "reconciler").rglob("*.py")}
    schemas = {f"reconciler/schemas/{path.name}" for path in (ROOT / "schemas").glob("*.json")}
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "reconciler").rglob("page.*")}
    assert len(pages) == 3
    assert names >= {*package, *schemas, *pages, "reconciler/py.typed"}
    assert {name for name in names if not name.startswith("reconciler/")} == set()


@pytest.mark.parametrize("name", ["netplan", "docker-netplan"])
def test_the_commands(installed: Path, folder: Path, name: str) -> None:
    assert run(installed / name, "--version", cwd=folder) == f"netplan {__version__}\n"


def test_a_file_is_checked_and_planned(installed: Path, folder: Path) -> None:
    shutil.copy(ROOT / "topologies/single-bridge.yaml", folder / "lab.yaml")
    assert "lab.yaml: ok" in run(installed / "netplan", "validate", "lab.yaml", cwd=folder)
    plan = json.loads(
        run(installed / "netplan", "plan", "lab.yaml", "--state", "empty", "-o", "json", cwd=folder)
    )
    assert plan["applyable"]


def test_the_schemas_are_shipped(installed: Path, folder: Path) -> None:
    for path in (ROOT / "schemas").glob("*.schema.json"):
        name = path.name.partition(".")[0]
        printed = json.loads(run(installed / "netplan", "schema", name, cwd=folder))
        assert printed["$id"] == json.loads(path.read_text(encoding="utf-8"))["$id"]


def test_the_python_interface(installed: Path, folder: Path) -> None:
    program = (
        "from reconciler import api; print(api.load_text('name: x\\nnetworks: {a: {}}\\n').name)"
    )
    assert run(installed / "python", "-c", program, cwd=folder) == "x\n"


def test_completion(installed: Path, folder: Path) -> None:
    assert "complete " in run(installed / "netplan", "completion", "bash", cwd=folder)

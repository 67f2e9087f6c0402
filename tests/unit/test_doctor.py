"""What doctor says without an engine, and of engines by version."""

from __future__ import annotations

import grp
import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from reconciler.cli import main
from reconciler.doctor import Finding, examine, features, healthy, other_netplans, report
from reconciler.model import EngineInfo
from tests.schemas import validator

OURS = "#!/usr/bin/python3\nfrom reconciler.cli import main\n"
OTHER = "#!/usr/bin/python3\nfrom netplan_cli import Netplan\n"


def script(folder: Path, text: str) -> str:
    folder.mkdir()
    file = folder / "netplan"
    file.write_text(text)
    file.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ([OURS], None),
        ([], None),
        ([OURS, OTHER], "typing netplan starts this one"),
        ([OTHER, OURS], "not this one"),
        ([OTHER], "this one is not on the PATH"),
    ],
)
def test_both_netplans_on_the_path(tmp_path: Path, order: list[str], said: str | None) -> None:
    folders = [script(tmp_path / str(number), text) for number, text in enumerate(order)]
    findings = list(other_netplans(":".join(["", str(tmp_path / "missing"), *folders, *folders])))
    assert [finding.level for finding in findings] == ([] if said is None else ["warn"])
    if said:
        assert said in findings[0].what
        assert findings[0].fix


@pytest.mark.parametrize(
    ("engine", "missing"),
    [
        (EngineInfo(api=(1, 55)), []),
        (EngineInfo(api=(1, 51)), ["mac_address on connect"]),
        (
            EngineInfo(api=(1, 45)),
            ["enable_ipv4", "gw_priority", "interface_name", "mac_address on connect"],
        ),
        (
            EngineInfo(api=(1, 41)),
            [
                *(
                    "unique network names",
                    "several networks",
                    "mac_address of one endpoint",
                    "start_interval",
                ),
                *("enable_ipv4", "gw_priority", "interface_name", "mac_address on connect"),
            ],
        ),
        (
            EngineInfo(api=(1, 44), flavor="podman"),
            ["ip_range", "link_local_ips", "enable_ipv4", "gw_priority", "interface_name"],
        ),
    ],
)
def test_features_by_engine(engine: EngineInfo, missing: list[str]) -> None:
    warnings = [finding for finding in features(engine) if finding.level == "warn"]
    assert len(warnings) == len(missing)
    assert all(
        f"missing: {name}" in finding.what for name, finding in zip(missing, warnings, strict=True)
    )
    assert all(finding.fix for finding in warnings)


@pytest.mark.parametrize(
    ("host", "context", "message"),
    [
        (
            "unix:///no/such.sock",
            None,
            "no Docker engine answers at unix:///no/such.sock (--host): there is no such socket",
        ),
        ("ssh://far", None, "over ssh are not supported"),
        (None, "nosuch", "does not exist"),
        ("unix:///a", "b", "--host and --context"),
    ],
)
def test_no_engine_is_a_finding_with_a_fix(
    tmp_path: Path, host: str | None, context: str | None, message: str
) -> None:
    findings = examine(host, context, 1, {"DOCKER_CONFIG": str(tmp_path)})
    (failure,) = (finding for finding in findings if finding.level == "fail")
    assert message in failure.what
    assert failure.fix
    assert not healthy(findings)


def test_the_report_has_each_fix_under_its_finding() -> None:
    findings = [Finding("ok", "fine"), Finding("warn", "odd", "do this")]
    assert report(findings) == ["ok    fine", "warn  odd", "      fix: do this"]
    assert healthy(findings)


def test_the_findings_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--host", "unix:///no/such.sock", "-o", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    validator("doctor").validate(found)
    assert [finding["level"] for finding in found["findings"]][:2] == ["ok", "fail"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may look into: pytest's own are for their user."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def _as_nobody(*arguments: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and output of a command that is run once as root, to load it, and once as
    nobody.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = 99
        try:
            os.environ.update(environment)
            sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - until the process ends
            main(arguments)
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            sys.stdout = sys.stderr = os.fdopen(writing, "w")
            code = main(arguments)
            sys.stdout.flush()
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as output:
        said = output.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_who_may_read_nothing_is_told_so(open_folder: Path) -> None:
    """An unreadable folder on the PATH is passed over; a socket that one may not use is no
    mystery.
    """
    locked = open_folder / "locked"
    locked.mkdir(mode=0o700)
    unnamed = max(group.gr_gid for group in grp.getgrall() if group.gr_gid < 65000) + 1
    hints = {
        "root.sock": (0, "only root may use it"),
        "unnamed.sock": (
            unnamed,
            (
                f"it is for group {unnamed}, which has no name on this machine; or run netplan with"
                " sudo"
            ),
        ),
        "locked/own.sock": (
            0,
            f"you may not look into {locked}: name an engine of your own by DOCKER_HOST",
        ),
    }
    for name, (gid, hint) in hints.items():
        path = open_folder / name
        with socket.socket(socket.AF_UNIX) as engine:
            engine.bind(str(path))
            path.chmod(0o660)
            os.chown(path, 0, gid)
            environment = {
                "DOCKER_HOST": f"unix://{path}",
                "PATH": f"{locked}:{open_folder}:/nonexistent:",
            }
            code, said = _as_nobody("doctor", environment=environment)
        assert code == 1, said
        assert f"fail  no right to use unix://{path} (DOCKER_HOST): permission denied" in said
        assert hint in " ".join(said.split())

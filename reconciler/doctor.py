"""What `netplan doctor` finds out: which engine, how it is reached, what it can and cannot do, and
the fix for each.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from .engine import TIMEOUT, Log, Reader, engine_at, version_text
from .engine.locate import Target, locate
from .errors import ApiError, NetplanError
from .fast_dataclasses import dataclass
from .model import (
    ALL_ENDPOINTS_API,
    DOCKER_28_API,
    MAC_ON_CONNECT_API,
    OLDEST_API,
    Api,
    EngineInfo,
)

Level = Literal["ok", "warn", "fail"]

FORMAT_VERSION = 1
"""Of the JSON; schemas/doctor.schema.json describes it."""

_OURS = b"reconciler"
"""What the start script of this netplan imports, and no other netplan does."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `fix` says what the user can do; empty where there is nothing
    to do.
    """

    level: Level
    what: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Feature:
    """Something a file may ask for, or netplan relies on. `api` is the first API version of a
    Docker that has it.
    """

    name: str
    api: Api
    docker: str
    """The Docker release to update to."""
    podman: bool = False
    without: str = ""
    """What holds where it is missing."""


FEATURES = (
    Feature("endpoint marks", OLDEST_API, "20.10", podman=True),
    Feature(
        "ip_range and aux_addresses",
        OLDEST_API,
        "20.10",
        without="a file that declares them is refused",
    ),
    Feature(
        "link_local_ips and driver_opts of an endpoint",
        OLDEST_API,
        "20.10",
        without="a file that declares them is refused",
    ),
    Feature(
        "unique network names",
        ALL_ENDPOINTS_API,
        "25",
        podman=True,
        without="two programs that create one name at the same time create two networks",
    ),
    Feature(
        "several networks when a container is created",
        ALL_ENDPOINTS_API,
        "25",
        podman=True,
        without="each further one is connected before it starts",
    ),
    Feature(
        "mac_address of one endpoint when a container is created",
        ALL_ENDPOINTS_API,
        "25",
        podman=True,
        without="the address applies to the whole container",
    ),
    Feature(
        "start_interval of a healthcheck",
        ALL_ENDPOINTS_API,
        "25",
        podman=True,
        without="a file that declares it is refused",
    ),
    Feature("enable_ipv4", DOCKER_28_API, "28", without="a file that sets it to false is refused"),
    Feature("gw_priority", DOCKER_28_API, "28", without="a file that declares it is refused"),
    Feature("interface_name", DOCKER_28_API, "28", without="a file that declares it is refused"),
    Feature(
        "mac_address on connect",
        MAC_ON_CONNECT_API,
        "29.3",
        podman=True,
        without="only containers that are created with one have it",
    ),
)


def examine(
    host: str | None = None,
    context: str | None = None,
    timeout: float = TIMEOUT,
    env: Mapping[str, str] = os.environ,
    log: Log | None = None,
) -> list[Finding]:
    """Everything that doctor looks at, in the order in which it is printed. Raises nothing: what
    fails is a finding.
    """
    return [*_engine(host, context, timeout, env, log), *other_netplans(env.get("PATH", ""))]


def report(findings: Iterable[Finding]) -> list[str]:
    """The findings as lines of text."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.level:<4}  {finding.what}")
        if finding.fix:
            lines.append(f"      fix: {finding.fix}")
    return lines


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing failed; a warning is no failure."""
    return all(finding.level != "fail" for finding in findings)


def _engine(
    host: str | None, context: str | None, timeout: float, env: Mapping[str, str], log: Log | None
) -> Iterator[Finding]:
    reader = None
    try:
        target = locate(host, context, env)
        yield Finding("ok", f"engine: {target.url}, found by {target.source}")
        reader = engine_at(target, timeout, log)
        yield from _identity(reader.info(), reader.details(), target)
        yield from features(reader.info())
        yield from duplicate_names(reader)
        yield from runs(reader)
    except NetplanError as error:
        yield Finding("fail", error.message, "; ".join(error.hints))
    finally:
        if reader:
            reader.close()


def _identity(engine: EngineInfo, details: Mapping[str, Any], target: Target) -> Iterator[Finding]:
    yield Finding(
        "ok",
        f"the engine answers: {engine.product} {engine.version} on {engine.name}, API"
        f" {version_text(engine.api)}",
    )
    if target.transport == "unix":
        yield Finding("ok", f"you have access to its socket {target.path}")
    if target.transport == "tcp" and target.host not in ("localhost", "127.0.0.1", "::1"):
        yield Finding(
            "warn",
            "the connection is not encrypted: anyone who can reach that port has root access on"
            " that machine",
            "use TLS: DOCKER_TLS_VERIFY=1",
        )
    if engine.flavor == "podman":
        yield Finding(
            "warn",
            "Podman supports fewer settings than Docker: a file that needs others is refused",
            "use Docker for such files",
        )
    if any("rootless" in str(option) for option in details.get("SecurityOptions") or ()):
        yield Finding(
            "ok", "rootless: the host interfaces of its networks are in its own network namespace"
        )
    swarm = details.get("Swarm") or {}
    if swarm.get("LocalNodeState") == "active":
        role = "manager" if swarm.get("ControlAvailable") else "worker"
        yield Finding(
            "ok",
            f"swarm {role}: overlay networks {'can' if role == 'manager' else 'cannot'} be created"
            " here",
        )


def features(engine: EngineInfo) -> Iterator[Finding]:
    """What the engine can do and what it cannot."""
    here = [feature for feature in FEATURES if _has(engine, feature)]
    yield Finding("ok", "available: " + ", ".join(feature.name for feature in here))
    for feature in FEATURES:
        if feature in here:
            continue
        fix = "use Docker" if engine.flavor == "podman" else f"update to Docker {feature.docker}"
        yield Finding("warn", f"missing: {feature.name} ({feature.without})", fix)


def _has(engine: EngineInfo, feature: Feature) -> bool:
    return feature.podman if engine.flavor == "podman" else engine.api >= feature.api


def duplicate_names(reader: Reader) -> Iterator[Finding]:
    """Names that several networks share: no file can name one of them."""
    networks = reader.networks()
    counts = Counter(str(network.get("Name")) for network in networks)
    for name in sorted(name for name, count in counts.items() if count > 1):
        ids = sorted(str(network["Id"])[:12] for network in networks if network.get("Name") == name)
        yield Finding(
            "fail",
            f'{len(ids)} networks are named "{name}": {", ".join(ids)}',
            "remove all but one by ID: docker network rm ID",
        )


def runs(reader: Reader) -> Iterator[Finding]:
    """Who is at work on the engine, and which runs were interrupted: its volumes tell."""
    from .lock import claims, own_volumes
    from .lock.holder import gone, standing
    from .lock.journal import journals
    from .planner import READ_IT, cannot_read

    try:
        volumes = own_volumes(reader)
    except ApiError as error:
        what = f"its volumes cannot be listed: {error}"
        yield Finding(
            "fail",
            what,
            "allow /volumes in the proxy before the engine: netplan keeps its lock and its journals"
            " in volumes",
        )
        return
    held = claims(volumes)
    for claim in held:
        fix = (
            ""
            if gone(claim.holder)
            else "wait for it, or, if that process certainly no longer runs: netplan unlock"
        )
        yield Finding("warn", f"locked by {claim.holder}: {standing(claim.holder)}", fix)
    if held:  # whoever is at work has a journal too
        return
    found = journals(volumes)
    for journal in found:
        if journal.unreadable:
            yield Finding("fail", cannot_read(journal), READ_IT.format(journal.name))
            continue
        what = (
            f'a run of topology "{journal.topology}" on {journal.host} was interrupted at'
            f" {journal.time}"
        )
        yield Finding(
            "warn",
            what,
            f"run netplan apply on the file of {journal.topology}: it restores what was removed",
        )
    if not found:
        yield Finding("ok", "no netplan is running on it, and no run was interrupted")


def other_netplans(path: str) -> Iterator[Finding]:
    """Ubuntu has a `netplan` too (host network configuration). Says which one a shell with this
    PATH starts.
    """
    found = list(
        dict.fromkeys(
            candidate
            for folder in path.split(os.pathsep)
            if folder and _runs(candidate := Path(folder) / "netplan")
        )
    )
    ours = [candidate for candidate in found if _is_ours(candidate)]
    others = [candidate for candidate in found if candidate not in ours]
    if not others:
        return
    if ours and found[0] == ours[0]:
        what = (
            f"another netplan is at {_names(others)} (host network configuration); typing netplan"
            f" starts this one, {ours[0]}"
        )
        yield Finding("warn", what, f"with sudo, use the full path: sudo {ours[0]}")
    elif ours:
        what = (
            f"typing netplan starts {others[0]} (host network configuration), not this one,"
            f" {ours[0]}"
        )
        yield Finding("warn", what, f"put {ours[0].parent} first in PATH, or use the full path")
    else:
        what = (
            f"typing netplan starts {others[0]} (host network configuration); this one is not on"
            " the PATH"
        )
        yield Finding("warn", what, "install it with pipx, and run: pipx ensurepath")


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(map(str, paths))


def _runs(candidate: Path) -> bool:
    return os.path.isfile(candidate) and os.access(candidate, os.X_OK)  # noqa: PTH113 - Path.is_file raises where it may not look


def _is_ours(candidate: Path) -> bool:
    try:
        with candidate.open("rb") as file:
            return _OURS in file.read(4096)
    except OSError:
        return False

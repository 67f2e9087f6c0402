"""What a schema cannot say about the containers that a topology runs: rules between their settings,
and between each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from ..fast_dataclasses import dataclass, field
from ..network_mode import NAMESPACES
from ..settings.container_defaults import CONTAINER
from ..settings.ports import EVERY_ADDRESS, overlaps
from .container_reader import Common, Service
from .container_settings import read_service
from .document import Map, show
from .engine_names import Volumes, check_container_names, container_name
from .hints import suggestion
from .namespaces import check_shareable, resolve_namespaces
from .network_checks import check_labels
from .report import Report, mapping, members, text
from .schema import flag, topology_schema

if TYPE_CHECKING:
    from ..expectations import Expectation

_ANYBODY = frozenset(("networks", "optional", "container_name", "attach"))
"""Keys of containers that need not be managed."""
_NOT_WITH_A_SHARED_NETWORK = tuple(row.path for row in CONTAINER if not row.shared)
"""Refused by engines when the container is created."""

_MAX_CIRCLES = 20
"""Nobody mends more at once, and looking for each takes time."""
_MAX_SUGGESTIONS = 50


@dataclass
class Checked:
    """The managed containers of a file by key, its volumes, and what it expects."""

    services: dict[str, Service] = field(default_factory=dict)
    volumes: Volumes = field(default_factory=Volumes)
    expectations: tuple[Expectation, ...] = ()


def check_services(report: Report, containers: Map, common: Common, default: bool) -> Checked:
    """Reports what is wrong with the managed containers. `default`: whether those without networks
    join one of that name.
    """
    services: dict[str, Service] = {}
    for name, at, body in members(containers):
        if isinstance(body, Map) and "image" in body:
            services[name] = read_service(report, name, at, body, common)
        elif isinstance(body, Map):
            _check_without_image(report, name, body)
    _meant_to_end(services)
    names = {key: container_name(key, body) for key, _, body in members(containers)}
    check_container_names(report, containers)
    for service in services.values():
        resolve_namespaces(report, service, names)
        _check_one(report, service, names[service.name])
    keys = {name: key for key, name in names.items()}
    _check_references(report, containers, services, keys)
    _check_circles(report, services, keys)
    _check_published(report, services.values())
    if not default:
        _check_nameless(report, services)
    return Checked(services, common.volumes)


def _meant_to_end(services: Mapping[str, Service]) -> None:
    """A container that another one waits for to complete is one_shot, as in Compose."""
    for service in services.values():
        for needed, _ in service.depends_on:
            other = services.get(needed.container)
            if needed.condition == "completed" and other and other.body.get("one_shot") is None:
                other.one_shot = True


def _check_without_image(report: Report, name: str, body: Map) -> None:
    for key in body:
        if key in _ANYBODY or key not in _known_keys() or body[key] in (None, {}, []):
            continue
        why = f"{show(name)} has no image, so it is not managed by this file"
        report.error(
            body.key_at(key),
            f"{why} and {show(key)} cannot be set: add image, or remove {show(key)}",
        )


def _known_keys() -> Iterable[str]:
    keys: Iterable[str] = topology_schema()["$defs"]["container"]["properties"]
    return keys


# --- one container --------------------------------------------------------------------------------


def _check_one(report: Report, service: Service, name: str) -> None:
    body = service.body
    if len(name) < 2 and name == service.name:
        report.error(
            service.at,
            f"a container cannot be called {show(service.name)}: engines want two characters or"
            " more",
        )
    if flag(body.get("optional")) is True:
        report.error(
            body.key_at("optional"),
            "'optional' is set together with 'image': what is missing is created, so remove it",
        )
    if body.get("networks") and body.get("network_mode") is not None:
        why = "a container has a network mode or networks: remove one of them"
        report.error(
            body.key_at("network_mode"),
            f"'network_mode' is set together with 'networks', but {why}",
        )
    restart = str(service.settings.get("restart", ""))
    if service.one_shot and restart in ("always", "unless-stopped"):
        why = "is set together with one_shot: true, so it never ends: remove one"
        if "one_shot" not in body:
            why = "never lets it end, and another container waits for it to complete: remove it"
        report.error(body.value_at("restart"), f"restart: {restart} {why}")
    check_labels(report, body)
    _check_limits(report, service)
    _check_mode(report, service)


def _check_limits(report: Report, service: Service) -> None:
    """Limits that engines refuse beside each other."""
    body, settings = service.body, service.settings
    for key in ("cpu_quota", "cpu_period"):
        if "cpus" in settings and key in settings:
            way = "'cpus' is cpu_quota divided by cpu_period: remove one of them"
            report.error(body.key_at(key), f"{show(key)} is set together with 'cpus': {way}")
    period = settings.get("cpu_period")
    if isinstance(period, int) and not 1000 <= period <= 10**6:
        report.error(body.value_at("cpu_period"), "'cpu_period' must be from 1ms to 1s")
    if settings.get("cpu_shares") == 1:
        report.error(body.value_at("cpu_shares"), "'cpu_shares' is 1: it must be at least 2")
    if settings.get("uts") == "host" and "hostname" in settings:
        why = "the container then has the host name of its machine: remove one of them"
        report.error(
            body.key_at("hostname"), f"'hostname' is set together with uts: host, but {why}"
        )
    _check_memory(report, service)


def _check_memory(report: Report, service: Service) -> None:
    body, settings = service.body, service.settings
    memory, swap = settings.get("mem_limit"), settings.get("memswap_limit")
    if swap is not None and memory is None:
        report.error(body.key_at("memswap_limit"), "'memswap_limit' needs mem_limit: add it")
    elif isinstance(swap, int) and isinstance(memory, int) and 0 <= swap < memory:
        report.error(
            body.value_at("memswap_limit"),
            "'memswap_limit' is less than mem_limit, which is a part of it: write more, or -1",
        )
    reserved = settings.get("mem_reservation")
    if isinstance(reserved, int) and isinstance(memory, int) and reserved > memory:
        report.error(
            body.value_at("mem_reservation"), "'mem_reservation' is more than mem_limit: write less"
        )


def _check_mode(report: Report, service: Service) -> None:
    """What the network mode makes impossible or useless."""
    idle = service.shares or service.mode in ("host", "none") or service.body.get("networks") == []
    if idle and "mac_address" in service.body:
        why = "the container is attached to no network: remove it"
        report.error(service.body.key_at("mac_address"), f"'mac_address' has no effect, as {why}")
    body, mode = service.body, (text(service.body, "network_mode") or "")[:60]
    if service.shares:
        for key in _set_keys(service, _NOT_WITH_A_SHARED_NETWORK):
            why = f"the network belongs to {show(service.shares)}, so engines refuse it"
            report.error(
                body.key_at(key),
                f"{show(key)} is set together with network_mode: {mode}, but {why}: set it there",
            )
        for key in _set_keys(service, ("domainname", "dns_search", "dns_opt")):
            report.warn(
                body.key_at(key), f"{show(key)} beside network_mode: {mode}: engines ignore it"
            )
        service.settings.pop("domainname", None)
    elif mode in ("host", "none"):
        for key in _set_keys(service, ("ports", "publish_all")):
            report.warn(
                body.key_at(key),
                f"{show(key)} beside network_mode: {mode}: engines ignore it, nothing is published",
            )
    if mode == "host":
        for path in service.settings:
            if path.startswith("sysctls.net."):
                name, sysctls = path.removeprefix("sysctls."), body["sysctls"]
                at = sysctls.key_at(name) if isinstance(sysctls, Map) else body.key_at("sysctls")
                report.error(
                    at,
                    f"the sysctl {show(name)} would be that of the engine's machine with"
                    " network_mode: host: remove it",
                )


def _set_keys(service: Service, keys: Iterable[str]) -> Iterator[str]:
    return (key for key in keys if service.settings.get(key))


# --- containers among each other ------------------------------------------------------------------


def _check_references(
    report: Report, containers: Map, services: dict[str, Service], keys: Mapping[str, str]
) -> None:
    optional = {
        name
        for name, _, body in members(containers)
        if isinstance(body, Map) and flag(body.get("optional")) is True
    }
    optional -= services.keys()
    declared = {name for name, _, _ in members(containers)}
    by_name = {name: services[key] for name, key in keys.items() if key in services}
    misses = 0
    for service in services.values():
        owners = {key: keys.get(name, name) for key, name in service.joins.items()}
        for key, owner in owners.items():
            at = service.body.value_at(key)
            if owner == service.name:
                what = f"its own {NAMESPACES[key]}: name another container"
                report.error(at, f"{show(service.name)} cannot share {what}")
            elif owner in optional:
                report.error(at, _may_be_missing(owner))
        check_shareable(report, service, by_name)
        _check_dependency_words(report, service, owners.values())
        for needed, where in service.depends_on:
            if needed.container == service.name:
                report.error(where, f"{show(service.name)} waits for itself: remove it")
            elif needed.container not in declared:
                misses += 1
                meant = suggestion(needed.container, declared) if misses <= _MAX_SUGGESTIONS else ""
                report.error(
                    where,
                    f"container {show(needed.container)} is not"
                    f" declared{meant or ': declare it under containers'}",
                )
            elif needed.container in optional:
                report.error(where, _may_be_missing(needed.container))
            elif problem := _impossible(
                needed.container, needed.condition, services.get(needed.container)
            ):
                report.error(where, problem)


def _check_dependency_words(report: Report, service: Service, owners: Collection[str]) -> None:
    """What Compose's other words for a dependency say that does not hold anyway."""
    needed = mapping(service.body, "depends_on")
    for name, _, entry in members(needed):
        if not isinstance(entry, Map):
            continue
        if flag(entry.get("required")) is False:
            why = f"but {show(service.name)} starts only when {show(name)} is as waited for"
            report.error(
                entry.key_at("required"),
                f"'required' is false, {why}: remove 'required', or the dependency",
            )
        if flag(entry.get("restart")) is True and name not in owners:
            why = "but netplan restarts no container because of another"
            report.error(
                entry.key_at("restart"),
                f"'restart' is true, {why}: remove it, and run docker restart yourself when it is"
                " needed",
            )


def _check_nameless(report: Report, services: Mapping[str, Service]) -> None:
    """On the engine's own network nobody finds anybody by name, as they would in a Compose
    project.
    """
    nameless = [
        s
        for s in services.values()
        if s.body.get("networks") is None and s.body.get("network_mode") is None
    ]
    bare = {service.name for service in nameless}
    way = "add default: {} under the top-level 'networks', which containers without networks join"
    if len(nameless) > 1:
        more = f" and {len(nameless) - 2} more" if len(nameless) > 2 else ""
        who = f"{show(nameless[0].name)}{',' if more else ' and'} {show(nameless[1].name)}{more}"
        why = "so they are on the engine's network 'bridge' and do not find each other by name"
        report.warn(nameless[0].at, f"{who} have neither networks nor network_mode, {why}: {way}")
    for service in services.values():
        for needed, at in service.depends_on:
            other = services.get(needed.container)
            if (
                other
                and not other.shares
                and not service.shares
                and bare & {service.name, other.name}
                and _has_networks(service, other)
            ):
                what = (
                    f"{show(service.name)} waits for {show(other.name)}, but cannot find it by name"
                )
                mend = (
                    way
                    if bare >= {service.name, other.name}
                    else "give both of them a network of this file"
                )
                report.warn(
                    at, f"{what}: they have no network in common on which names resolve; {mend}"
                )


def _has_networks(*services: Service) -> bool:
    return all(service.mode not in ("host", "none") for service in services)


def _may_be_missing(name: str) -> str:
    return (
        f"{show(name)} is optional, so what needs it could not run without it: remove its optional:"
        " true"
    )


def _impossible(name: str, condition: str, other: Service | None) -> str:
    """Why a condition never comes true, or nothing."""
    if condition == "completed" and (other is None or not other.one_shot):
        what = "is not managed by this file" if other is None else "is not meant to exit"
        return f"{show(name)} {what}, so it cannot complete: " + (
            "wait for service_started" if other is None else "give it one_shot: true"
        )
    if (
        condition == "healthy"
        and other is not None
        and other.settings.get("healthcheck.test") == ("NONE",)
    ):
        return (
            f"the healthcheck of {show(name)} is disabled, so it is never healthy: remove that, or"
            " wait for service_started"
        )
    return ""


def _check_circles(report: Report, services: dict[str, Service], keys: Mapping[str, str]) -> None:
    """Nothing waits for itself, over whatever chain of dependencies and shared networks."""
    edges: dict[str, dict[str, int]] = {name: {} for name in services}
    for name, service in services.items():
        needed = [(dependency.container, at) for dependency, at in service.depends_on]
        for key, owner in service.joins.items():
            needed.append((keys.get(owner, owner), service.body.value_at(key)))
        edges[name] = {other: at for other, at in needed if other in services and other != name}
    for _ in range(_MAX_CIRCLES):
        try:
            TopologicalSorter({name: list(needs) for name, needs in edges.items()}).prepare()
            return
        except CycleError as error:
            # graphlib lists a circle with each name before the one that waits for it
            circle: list[str] = list(reversed(error.args[1]))
        start = max(
            range(len(circle) - 1), key=lambda index: edges[circle[index]][circle[index + 1]]
        )
        circle = [*circle[start:-1], *circle[: start + 1]]
        at = edges[circle[0]].pop(circle[1])
        names = circle if len(circle) <= 10 else [*circle[:5], "...", *circle[-4:]]
        shown = " -> ".join(name if len(name) <= 30 else f"{name[:27]}..." for name in names)
        report.error(
            at,
            f"{show(circle[0])} waits for itself: {shown}; remove one of these depends_on,"
            " network_mode, pid or ipc",
        )


def _check_published(report: Report, services: Iterable[Service]) -> None:
    """A port of the engine's machine is published once on each of its addresses; of each entry one
    conflict is reported.
    """
    used: dict[tuple[str, str], dict[str, tuple[str, int]]] = {}
    reported: set[int] = set()
    for service in services:
        for port, at in (
            service.published if service.mode not in ("host", "none") and not service.shares else ()
        ):
            if not port.host or "-" in port.host or at in reported:
                continue
            taken = used.setdefault((port.protocol, port.host), {})
            if (clash := _taken(taken, port.address)) is None:
                taken[port.address] = (service.name, at)
                continue
            reported.add(at)
            where = f"{show(clash[0])} in line {report.line(clash[1])}"
            report.error(
                at,
                f"port {port.host}/{port.protocol} of the engine's machine is already used by"
                f" {where}: choose another",
            )


def _taken(taken: dict[str, tuple[str, int]], address: str) -> tuple[str, int] | None:
    """Who has the port on that address; only an address that stands for many is compared with every
    other.
    """
    if address in EVERY_ADDRESS:
        return next((who for other, who in taken.items() if overlaps(other, address)), None)
    return next(
        (
            taken[other]
            for other in (address, *EVERY_ADDRESS)
            if other in taken and overlaps(other, address)
        ),
        None,
    )

"""What can be known to fail of containers before anything is changed: each refusal names the
culprit and a way out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from ..model import (
    ENDPOINT_SYSCTLS,
    DesiredContainer,
    DesiredState,
    EngineInfo,
    Journal,
    ObservedContainer,
    ObservedEndpoint,
    ObservedState,
)
from ..network_mode import NAMESPACES, sharing
from ..plan import Refusal
from ..settings import SYSCTLS_OPTION
from ..settings.container_defaults import CONTAINER
from ..settings.mounts import named_volumes
from ..settings.ports import Port
from ..settings.row import Setting, docker_of
from .decisions import ContainerCase, Containers, Endpoints, Networks
from .endpoint_questions import is_gone
from .host_ports import host_ports, ports_meet, published

_INTERFACE_SYSCTL = re.compile(
    r"sysctls\.(net\.(?:ipv4|ipv6|mpls)\.(?:conf|neigh)\.)(?!(?:all|default|lo)\.)([^.]+)(\..+)"
)


def container_preflight(
    desired: DesiredState,
    networks: Networks,
    endpoints: Endpoints,
    containers: Containers,
    observed: ObservedState,
    journals: Sequence[Journal],
) -> Iterator[Refusal]:
    """All refusals."""
    by_name = {container.name: container for container in observed.containers}
    held = defaultdict(list)
    for container in observed.containers:
        for port in host_ports(container.ports) if container.live else ():
            held[port.host].append((container, port))
    names = by_name.keys() | {c.name for c in desired.containers.values() if c.managed}
    yield from _lacking_volumes(desired, containers, observed)
    yield from _lost_networks(networks, endpoints, containers, observed, journals)
    for case in containers.cases.values():
        if case.wanted and (case.comes or case.start):
            yield from _ports(case, case.wanted, containers, held)
            yield from _idle_namespace(case.wanted, desired, by_name)
            yield from _never_healthy(case.wanted, containers, observed)
        if case.wanted and case.comes:
            yield from _gaps(case.wanted, observed.engine)
            yield from _lost_namespace(case.wanted, names, containers, observed)
            yield from _name_taken(case, by_name)


def _gaps(wanted: DesiredContainer, engine: EngineInfo) -> Iterator[Refusal]:
    """What this engine would ignore, and so would never be as declared."""
    for row in _LIMITED:
        if not _is_set(wanted, row):
            continue
        message = ""
        if engine.api < row.least:
            needed = docker_of(row.least)
            message = f"{row.path} needs {needed}; this engine is {engine.product} {engine.version}"
        elif row.cgroup1 and engine.cgroup == "2":
            message = f"{row.path} has no effect with cgroup v2, which this engine uses"
        if message:
            yield Refusal(
                f"container {wanted.name}: {message}",
                "remove it from the file, or use an engine that supports it",
                False,
                wanted.source,
                ("", wanted.name),
            )
    if engine.is_docker(ENDPOINT_SYSCTLS) and not wanted.shares:
        yield from _interface_sysctls(wanted, engine)


_LIMITED = tuple(row for row in CONTAINER if row.least > (0, 0) or row.cgroup1)


def _is_set(wanted: DesiredContainer, row: Setting) -> bool:
    if row.kind.mapped:
        return any(path.startswith(f"{row.path}.") for path in wanted.settings)
    value = wanted.settings.get(row.path)
    return value is not None and value is not False


def _interface_sysctls(wanted: DesiredContainer, engine: EngineInfo) -> Iterator[Refusal]:
    """The interfaces come after those of a container: they are set with each attachment."""
    found: dict[str, list[str]] = defaultdict(list)
    for path, value in sorted(wanted.settings.items()):
        if match := _INTERFACE_SYSCTL.match(path):
            found[match[2]].append(f"{match[1]}IFNAME{match[3]}={value}")
    for interface, settings in found.items():
        message = (
            f"container {wanted.name}: Docker {engine.version} refuses a sysctl of interface"
            f" {interface} here"
        )
        option = f'driver_opts: {{{SYSCTLS_OPTION}: "{",".join(settings)}"}}'
        way_out = f"remove it from 'sysctls', and set it on the attachment: {option}"
        yield Refusal(message, way_out, False, wanted.source, ("", wanted.name))


def _lacking_volumes(
    desired: DesiredState, containers: Containers, observed: ObservedState
) -> Iterator[Refusal]:
    """External volumes that are not there: the engine would make empty ones."""
    external = {name for name, volume in desired.volumes.items() if volume.external}
    if observed.volumes is None or not (missing := external.difference(observed.volumes)):
        return
    for case in containers.cases.values():
        settings = case.wanted.settings if case.wanted and case.comes else {}
        for name in sorted(missing.intersection(named_volumes(settings))):
            message = f"container {case.name}: volume {name} is external and does not exist"
            way_out = f"create it first (docker volume create {name}), or remove external: true"
            yield Refusal(message, way_out, False, desired.volumes[name].source, ("", case.name))


def _ports(
    case: ContainerCase,
    wanted: DesiredContainer,
    containers: Containers,
    held: Mapping[str, Sequence[tuple[ObservedContainer, Port]]],
) -> Iterator[Refusal]:
    """Host ports that another container holds (`held`, by port) and keeps. What else listens on the
    host only the engine can find out.
    """
    for port in published(wanted):
        for name, other in {
            o.name: o for o, taken in held.get(port.host, ()) if ports_meet(port, taken)
        }.items():
            run = containers.of(other)
            if name != case.name and run is not case and not (run and run.goes):
                message = (
                    f"container {case.name}: host port {port.host}/{port.protocol} is already"
                    f" published by container {name}"
                )
                yield Refusal(
                    message,
                    f"choose another host port, or stop {name} first",
                    False,
                    wanted.source,
                    ("", case.name),
                )


def _lost_namespace(
    wanted: DesiredContainer, names: set[str], containers: Containers, observed: ObservedState
) -> Iterator[Refusal]:
    for key, other in sharing(wanted.mode, wanted.settings).items():
        yield from _lost(wanted, key, other, names, containers, observed)


def _lost(
    wanted: DesiredContainer,
    key: str,
    other: str,
    names: set[str],
    containers: Containers,
    observed: ObservedState,
) -> Iterator[Refusal]:
    going, what = containers.cases.get(other), NAMESPACES[key]
    if other not in names and (found := _by_id(other, observed)):
        message = (
            f"container {wanted.name} shares the {what} of {other[:12]}: this is the ID of"
            f" container {found.name}"
        )
        way_out = (
            f"an ID changes when its container is recreated, so use the name: {key}:"
            f" container:{found.name}"
        )
        yield Refusal(message, way_out, False, wanted.source, ("", wanted.name))
    elif other not in names or (going and going.fate == "remove"):
        message = (
            f"container {wanted.name} shares the {what} of container {other}, which"
            f" {'is removed' if going else 'does not exist'}"
        )
        way_out = f"declare {other} here, start it first, or choose another {key}"
        yield Refusal(message, way_out, False, wanted.source, ("", wanted.name))


_SHORTEST_ID = 4
"""Characters below which it is rather a name that was mistyped."""


def _by_id(prefix: str, observed: ObservedState) -> ObservedContainer | None:
    """The one container whose ID begins so: engines take a few characters of it."""
    found = [other for other in observed.containers if other.id.startswith(prefix.lower())]
    return found[0] if len(found) == 1 and len(prefix) >= _SHORTEST_ID else None


def _lost_networks(
    networks: Networks,
    endpoints: Endpoints,
    containers: Containers,
    observed: ObservedState,
    journals: Sequence[Journal],
) -> Iterator[Refusal]:
    """Networks that are gone, and that a container to be started is still on: no engine starts it,
    and what another topology attached is for that one to mend.
    """
    ids = {network.id for network in observed.networks}
    names = {network.name for network in observed.networks}
    names |= {name for name, case in networks.cases.items() if case.comes}
    mended = {(case.container.id, case.network) for case in endpoints.cases}
    for case in containers.cases.values():
        old = case.observed if case.start and not case.comes else None
        for endpoint in old.endpoints if old else ():
            mends = endpoint.missing or (
                case.observed and (case.observed.id, endpoint.network) in mended
            )
            if endpoint.mark and not mends and is_gone(endpoint, ids, names, observed.engine):
                yield _lost_network(case, endpoint, endpoint.mark.topology, names, journals)


def _lost_network(
    case: ContainerCase,
    endpoint: ObservedEndpoint,
    owner: str,
    names: Collection[str],
    journals: Sequence[Journal],
) -> Refusal:
    network = endpoint.network
    why = "which was recreated since then" if network in names else "which no longer exists"
    if any(
        j.topology == owner and any(n.name == network for n in j.taken.networks) for j in journals
    ):
        why = "which an interrupted run of that topology removed"
    message = (
        f"container {case.name} cannot start: topology {owner!r} attached it to network {network},"
        f" {why}"
    )
    way_out = (
        f"first run netplan apply on the file of {owner}, or remove that topology: netplan destroy"
        f" --name {owner}"
    )
    return Refusal(
        message, way_out, False, case.wanted.source if case.wanted else None, ("", case.name)
    )


def _idle_namespace(
    wanted: DesiredContainer, desired: DesiredState, by_name: Mapping[str, ObservedContainer]
) -> Iterator[Refusal]:
    """Only a container that runs has something to share, and those that are not ours are not
    started.
    """
    for key, name in sharing(wanted.mode, wanted.settings).items():
        found, declared = by_name.get(name), desired.containers.get(name)
        if found and not found.live and not (declared and declared.managed):
            message = (
                f"container {wanted.name} shares the {NAMESPACES[key]} of container {name}, which"
                " is not running"
            )
            yield Refusal(
                message,
                f"start it first: docker start {name}",
                False,
                wanted.source,
                ("", wanted.name),
            )


def _never_healthy(
    wanted: DesiredContainer, containers: Containers, observed: ObservedState
) -> Iterator[Refusal]:
    for dependency in wanted.depends_on:
        other = containers.cases.get(dependency.container)
        if (
            dependency.condition == "healthy"
            and other
            and other.wanted
            and _unchecked(other, other.wanted, containers, observed)
        ):
            what = f"container {wanted.name} waits for {other.name} to be healthy"
            message = (
                f"{what}, but neither {other.name} nor its image {other.wanted.image} has a"
                " healthcheck"
            )
            way_out = f"declare a healthcheck for {other.name}, or use condition: service_started"
            yield Refusal(message, way_out, False, wanted.source, ("", wanted.name))


def _unchecked(
    case: ContainerCase, wanted: DesiredContainer, containers: Containers, observed: ObservedState
) -> bool:
    """Whether it has no healthcheck for certain: an image that is pulled first, or only listed
    (without a platform), may bring one.
    """
    image = observed.images.get(wanted.image)
    if case.comes and (wanted.image in containers.pulls or image is None or not image.platform):
        return False
    old = case.observed.settings if case.observed else {}
    settings = {**(image.settings if image else {}), **wanted.settings} if case.comes else old
    return settings.get("healthcheck.test") in (None, (), ("NONE",))


def _name_taken(case: ContainerCase, names: Collection[str]) -> Iterator[Refusal]:
    """The name that the old container gets meanwhile."""
    if case.fate == "recreate" and not case.renamed and case.old_name in names:
        source = case.wanted.source if case.wanted else None
        message = (
            f"container {case.name} must be renamed to {case.old_name} while it is recreated, but a"
            " container of that name exists"
        )
        yield Refusal(
            message, f"remove or rename {case.old_name}", source=source, about=("", case.name)
        )

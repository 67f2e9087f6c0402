"""Whether the containers of an engine are as a file says: ownership.md in other words than the
planner's.

Networks, foreign containers and their attachments are judged by checker.py; here is what a topology
runs. Nothing here knows of plans.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.marks import digest, digests
from reconciler.model import (
    ENGINE_OWN,
    DesiredContainer,
    DesiredEndpoint,
    DesiredState,
    ObservedContainer,
    ObservedEndpoint,
    ObservedState,
)
from reconciler.planner import Policy
from reconciler.planner.decisions import leftover_of
from reconciler.settings import Value

from .checker import problems
from .lab import LabEngine

DEFAULTS: dict[str, Value] = {
    "restart": "no",
    "privileged": False,
    "publish_all": False,
    "mem_limit": 0,
}
STATIC = ("ipv4_address", "ipv6_address")


def lab_problems(
    desired: DesiredState, before: ObservedState, after: LabEngine, policy: Policy
) -> list[str]:
    """Everything that is not as it must be; empty where all is well."""
    now = after.observed
    if policy.wipe:
        return [*_wiped(desired, before, now, policy), *_run(desired, before, after, policy)]
    mine = {c.id for state in (before, now) for c in state.containers if is_run(c, desired)}
    if policy.keep_containers:  # a stranger of such a name is left as it is, and the plan says so
        named = {name for name, wanted in desired.containers.items() if wanted.managed}
        mine |= {c.id for c in before.containers if c.name in named}
    strangers = [
        replace(state, containers=tuple(c for c in state.containers if c.id not in mine))
        for state in (before, now)
    ]
    if policy.exclusive:
        consents = {
            name: replace(n, exclusive=not n.external) for name, n in desired.networks.items()
        }
        file = replace(desired, networks=consents, containers=_attached_only(desired))
    else:
        file = replace(desired, containers=_attached_only(desired))
    used = policy.destroyed.networks if policy.destroyed else {}
    left = {
        f"network {name} is ours, not declared, and still there"
        for name, wanted in used.items()
        if wanted.external
    }
    found = [
        problem
        for problem in problems(file, strangers[0], strangers[1], policy, desired)
        if problem not in left
    ]
    cut_off = _cut_off(desired, before, after, policy)
    return [
        *found,
        *_run(desired, before, after, policy),
        *cut_off,
        *lost_attachments(desired, before, now, policy),
    ]


def is_run(container: ObservedContainer, desired: DesiredState) -> bool:
    """Whether it is one that the topology runs or ran."""
    declared = desired.containers.get(container.name)
    ours = container.mark is not None and container.mark.topology == desired.topology
    return ours and (declared is None or declared.managed)


def _attached_only(desired: DesiredState) -> dict[str, DesiredContainer]:
    return {
        name: container for name, container in desired.containers.items() if not container.managed
    }


# --- what the topology runs -----------------------------------------------------------------------


def _run(
    desired: DesiredState, before: ObservedState, after: LabEngine, policy: Policy
) -> Iterator[str]:
    now = {container.name: container for container in after.observed.containers}
    old = {
        container.name: container
        for container in before.containers
        if not policy.wipe or container.id in policy.spare
    }
    for name, wanted in desired.containers.items():
        if wanted.managed and policy.keep_containers:
            yield from _left_alone(wanted, old.get(name), now.get(name), desired)
        elif wanted.managed:
            yield from _one(wanted, old.get(name), now.get(name), after, desired, policy)
    for container in now.values():
        declared = desired.containers.get(container.name)
        if is_run(container, desired) and declared is None and not policy.keep_containers:
            yield f"container {container.name} is ours, not declared, and still there"
    yield from _volumes(desired, before, after, policy)


def _left_alone(
    wanted: DesiredContainer,
    old: ObservedContainer | None,
    new: ObservedContainer | None,
    desired: DesiredState,
) -> Iterator[str]:
    if old is None or new is None:
        if old is not new:
            yield f"container {wanted.name} came or went"
        return
    if replace(old, endpoints=(), ports=()) != replace(new, endpoints=(), ports=()):
        yield f"container {wanted.name} changed itself"
    if is_run(old, desired):
        yield from _endpoints(wanted, new, desired)


def _one(
    wanted: DesiredContainer,
    old: ObservedContainer | None,
    new: ObservedContainer | None,
    after: LabEngine,
    desired: DesiredState,
    policy: Policy,
) -> Iterator[str]:
    if new is None:
        yield f"container {wanted.name} does not exist"
        return
    if new.mark is None or new.mark.topology != desired.topology:
        yield f"container {wanted.name} is not marked"
    if wanted.one_shot:
        if new.live or new.exit_code or new.state == "created":
            yield f"container {wanted.name} is {new.state} with {new.exit_code}, and was to end"
    elif new.state not in ("running", "paused"):
        yield f"container {wanted.name} is {new.state}"
    if wanted.image in after.images and new.image_id != after.images[wanted.image].id:
        yield f"container {wanted.name} is of image {new.image_id}"
    yield from _settings(wanted, new, after)
    yield from _endpoints(wanted, new, desired)
    if old is None or old.id != new.id:
        attached = {f"networks.{endpoint.network}": digest(()) for endpoint in wanted.endpoints}
        if new.mark and dict(new.mark.hashes) != digests(wanted.settings) | attached:
            yield f"container {wanted.name} was made with the mark {new.mark}"
    elif policy.reset:
        yield f"container {wanted.name} was to be recreated"


def _settings(wanted: DesiredContainer, new: ObservedContainer, after: LabEngine) -> Iterator[str]:
    name = wanted.name
    declared = dict(wanted.settings)
    yield from _mode(wanted, str(declared.pop("network_mode", "")), new, after)
    image = after.blobs[new.image_id].settings
    for path in sorted({*declared, *new.settings} - {"network_mode", "image"}):
        expected = declared.get(path, image.get(path, DEFAULTS.get(path)))
        managed = path in declared or (new.mark and path in new.mark.hashes)
        if managed and new.settings.get(path, DEFAULTS.get(path)) != expected:
            yield f"container {name}: {path} is {new.settings.get(path)}, should be {expected}"


def _mode(
    wanted: DesiredContainer, mode: str, new: ObservedContainer, after: LabEngine
) -> Iterator[str]:
    actual = new.network_mode
    if mode.startswith("container:"):
        other = after.containers.get(actual.removeprefix("container:"))
        if not other or f"container:{other.name}" != mode:
            yield f"container {wanted.name} shares {actual}, not {mode}"
    elif mode and actual != mode:
        yield f"container {wanted.name} has the mode {actual}, not {mode}"
    elif not mode and (actual == "host" or actual.startswith("container:")):
        yield f"container {wanted.name} has the mode {actual}, and is declared on networks"
    elif after.info.major >= 23 and not after._mode_resolves(new):
        yield f"container {wanted.name} was created on {actual}, which no longer exists"


def _endpoints(
    wanted: DesiredContainer, new: ObservedContainer, desired: DesiredState
) -> Iterator[str]:
    declared = {endpoint.network: endpoint for endpoint in wanted.endpoints}
    for endpoint in new.endpoints:
        foreign = endpoint.mark is not None and endpoint.mark.topology != desired.topology
        mode = str(wanted.settings.get("network_mode", ""))
        if (
            endpoint.network not in declared
            and not foreign
            and endpoint.network not in ("none", "host")
            and endpoint.network != mode
        ):
            yield f"{wanted.name} on {endpoint.network}: not declared"
    for network, endpoint in declared.items():
        for problem in _endpoint(endpoint, new.endpoint(network), new, desired):
            yield f"{wanted.name} on {network}: {problem}"


def _endpoint(
    wanted: DesiredEndpoint,
    new: ObservedEndpoint | None,
    container: ObservedContainer,
    desired: DesiredState,
) -> Iterator[str]:
    if new is None:
        yield "missing"
        return
    if new.phantom or (container.live and not new.endpoint_id):
        yield "only listed"
    if new.mark and new.mark.topology != desired.topology:
        return
    aliases = set(_tuple(new.settings.get("aliases"))) - container.implied
    if aliases != set(_tuple(wanted.settings.get("aliases"))) - container.implied:
        yield f"aliases are {sorted(aliases)}"
    for path in {*wanted.settings, *new.settings} - {"aliases", "mac_address"}:
        default = 0 if path == "gw_priority" else None
        actual, declared = new.settings.get(path, default), wanted.settings.get(path, default)
        managed = path in wanted.settings or (new.mark and path in new.mark.declared)
        if managed and actual != declared:
            yield f"{path} is {actual}, declared {declared}"
    live = {address.partition("/")[0] for address in new.addresses}
    for path in STATIC:
        if container.live and path in wanted.settings and wanted.settings[path] not in live:
            yield f"lives at {live}"
    if (
        container.live
        and "mac_address" in wanted.settings
        and new.mac != wanted.settings["mac_address"]
    ):
        yield f"has MAC {new.mac}"


def lost_attachments(
    desired: DesiredState, before: ObservedState, now: ObservedState, policy: Policy
) -> Iterator[str]:
    """What another topology attached to a container that is run here is as it was, recreated or
    not; given up only with consent.
    """
    new = {container.name: container for container in now.containers}
    present = {network.name for network in before.networks} & {
        network.name for network in now.networks
    }
    for old in before.containers:
        base = leftover_of(old)
        wanted, found = desired.containers.get(base or old.name), new.get(base or old.name)
        if (
            not (
                wanted
                and wanted.managed
                and found
                and is_run(found, desired)
                and is_run(old, desired)
            )
            or policy.keep_containers
        ):
            continue
        for endpoint in old.endpoints:
            theirs = (
                endpoint.mark is not None
                and endpoint.mark.topology != desired.topology
                and not endpoint.phantom
            )
            if (
                theirs
                and endpoint.network in present
                and all(e.network != endpoint.network for e in wanted.endpoints)
            ):
                yield from _lost_attachment(old, endpoint, found, policy)


def _lost_attachment(
    old: ObservedContainer, endpoint: ObservedEndpoint, new: ObservedContainer, policy: Policy
) -> Iterator[str]:
    what, there = (
        f"{new.name} on {endpoint.network}, of another topology",
        new.endpoint(endpoint.network),
    )
    shares = new.network_mode == "host" or new.network_mode.startswith("container:")
    if there is None:
        if not (shares and policy.disrupt_foreign):
            yield f"{what}: lost"
        return
    if there.mark != endpoint.mark:
        yield f"{what}: has the mark {there.mark}"
    for path in {*endpoint.settings, *there.settings} - {"mac_address"}:
        was, now = endpoint.settings.get(path), there.settings.get(path)
        if path == "aliases":
            was, now = (
                tuple(sorted({*_tuple(value)} - old.implied - new.implied)) for value in (was, now)
            )
        if was != now and not (path in STATIC and policy.disrupt_foreign and now is None):
            yield f"{what}: {path} was {was}, is {now}"


def _tuple(value: Value | None) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _cut_off(
    desired: DesiredState, before: ObservedState, after: LabEngine, policy: Policy
) -> Iterator[str]:
    """Nobody loses the network it shares: what we run not at all, what we do not run only with
    consent.
    """
    was = {container.id: container for container in before.containers}
    for name in after.cut_off():
        container = next(c for c in after.containers.values() if c.name == name)
        old = was.get(container.id)
        owner = was.get(container.network_mode.removeprefix("container:"))
        lost_before = old is not None and old.live and not (owner and owner.live)
        if is_run(container, desired):
            if not policy.keep_containers and not (
                lost_before and owner and not is_run(owner, desired)
            ):
                yield f"container {name} runs without the network that it shares"
        elif not policy.disrupt_foreign and not lost_before:
            yield f"stranger {name} lost the network that it shares"


def _volumes(
    desired: DesiredState, before: ObservedState, after: LabEngine, policy: Policy
) -> Iterator[str]:
    """What was written to an anonymous volume is there as long as its container is declared, and is
    not to be recreated.
    """
    now = {container.name: container for container in after.observed.containers}
    for container in before.containers:
        wanted = desired.containers.get(container.name)
        gone = set(container.anonymous.values()) & after.lost
        if gone and (
            not is_run(container, desired) or (wanted and not policy.reset and not policy.wipe)
        ):
            yield f"container {container.name} lost {sorted(gone)}"
        new = now.get(container.name)
        if (
            wanted is None
            or new is None
            or not is_run(container, desired)
            or policy.reset
            or policy.keep_containers
        ):
            continue
        for target, name in container.anonymous.items():
            if (
                new.settings.get(f"volumes.{target}", "volume:") == "volume:"
                and new.anonymous.get(target, name) != name
            ):
                yield f"container {container.name}: another volume is at {target}"


# --- the empty machine ----------------------------------------------------------------------------


def _wiped(
    desired: DesiredState, before: ObservedState, now: ObservedState, policy: Policy
) -> Iterator[str]:
    spared = [container for container in before.containers if container.id in policy.spare]
    kept = ENGINE_OWN | {
        endpoint.network for container in spared for endpoint in container.endpoints
    }
    ids = {container.id for container in before.containers if container.id not in policy.spare}
    for container in now.containers:
        if container.id in ids:
            yield f"container {container.name} was to go"
    for network in before.networks:
        declared = desired.networks.get(network.name)
        if network.name not in kept and network in now.networks:
            yield f"network {network.name} was to go"
        elif (
            network.name in kept
            and not declared
            and network not in now.networks
            and not network.mark
        ):
            yield f"network {network.name} was to stay"
    for name, wanted in desired.networks.items():
        found = [network for network in now.networks if network.name == name]
        if len(found) != 1:
            yield f"network {name} exists {len(found)} times"
        for path, value in wanted.settings.items() if found else ():
            if found[0].settings.get(path, value) != value:
                yield f"network {name}: {path} is {found[0].settings.get(path)}"
    for container in spared:
        if not is_run(container, desired) and not any(
            other.id == container.id and other.state == container.state for other in now.containers
        ):
            yield f"container {container.name} was to be spared"

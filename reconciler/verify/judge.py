"""Judges expectations: whether each holds, is broken, or cannot be decided without looking."""

from __future__ import annotations

from ..expectations import HOST, LOCALHOST, OUTSIDE, Expectation
from ..settings.ports import EVERY_ADDRESS, Port, read_port
from .answers import Answer, across, from_machine, knows, outside, reach, to_address
from .world import World

__all__ = ("Answer", "across", "judge")

_LISTENS = "only a running topology shows whether anything answers there"


def judge(world: World, expected: Expectation) -> Answer:
    """Whether an expectation holds (True), is broken (False) or is open (None), and why."""
    found = _reached(world, expected)
    if found.value and (missing := _may_be_missing(world, expected)):
        found = found.opened(missing)
    if expected.probe in ("tcp", "udp", "http"):
        found = found.opened(f"{found.reason}; {_LISTENS}")
    if expected.reaches:
        return found
    value = None if found.value is None else not found.value
    return Answer(value, found.reason, "" if value or not found.mend else _kept_apart(expected))


def _kept_apart(expected: Expectation) -> str:
    if expected.target == OUTSIDE:
        return "set internal: true on that network"
    return "take one of them from the network that they share"


def _may_be_missing(world: World, expected: Expectation) -> str:
    named = (expected.source_container, expected.target_container)
    return next(
        (why for name in named if name and (why := world.lasts(name))),
        "",
    )


def _reached(world: World, expected: Expectation) -> Answer:
    source, name = expected.source_container, expected.target
    declared = bool(expected.target_container)
    if not source:
        return _from_host(world, expected)
    if not declared and name == LOCALHOST:
        return Answer(True, "a container always reaches its own lo")
    if not declared and name == OUTSIDE:
        return outside(world, source)
    if expected.address:
        return to_address(world, source, expected.address)
    if expected.probe == "dns":
        return knows(world, source, name)
    if expected.by_address or not expected.reaches:
        return _at_any_address(world, expected)
    known = knows(world, source, name)
    return _by_name(world, source, name) if known.value else known


def _by_name(world: World, source: str, name: str) -> Answer:
    """Whether all containers of a name that is known are reached where it is."""
    station = world.station(source)
    found = []
    for network in station.segments:
        if world.segments[network].names:
            holders = world.names.get(network, {}).get(name.lower(), ())
            found += [reach(world, source, holder) for holder in holders]
    return _least(found)


def _least(answers: list[Answer]) -> Answer:
    """The worst of them: no, then open."""
    return min(answers, key=_rank)


def _rank(answer: Answer) -> int:
    return (False, None, True).index(answer.value)


def _at_any_address(world: World, expected: Expectation) -> Answer:
    """Whether what the target names is reached by whatever address it has."""
    source, name = expected.source_container, expected.target
    holders = dict.fromkeys(world.holders.get(name.lower(), ()))
    if expected.target_container:
        holders[expected.target_container] = None
    if not holders or (
        not expected.target_container and name.lower() in world.station(source).asks
    ):
        left = outside(world, source)
        known = knows(world, source, name)
        return left if left.value is False else Answer(None, known.reason)
    answers = [reach(world, source, holder) for holder in holders]
    if expected.reaches:
        return _least(answers)
    return max(answers, key=_rank)


# --- from the engine's machine --------------------------------------------------------------------


def _from_host(world: World, expected: Expectation) -> Answer:
    assert expected.source == HOST
    target = expected.target_container
    if not target:
        return _machine_to_name(world, expected)
    if not expected.port or expected.url:
        return _machine_to_url(world, target) if expected.url else from_machine(world, target)
    station, container = world.station(target), world.state.containers[target]
    if station.kind == "host":
        return Answer(True, f"{target} is on the engine's machine")
    if not container.managed:
        return Answer(
            None, f"{target} is not managed by this file, which does not know what it publishes"
        )
    inside = f"{expected.port}/{expected.probe}"
    found = [port for port in published(world, target) if _is(port, expected)]
    if not found:
        return Answer(
            False,
            f"{target} does not publish port {inside}",
            f'add ports: ["{expected.port}:{expected.port}"] to {station.name}',
        )
    segments = [world.segments[name] for name in station.segments]
    if segments and all(one.internal or one.kind in ("macvlan", "ipvlan") for one in segments):
        why = (
            f"{target} publishes port {inside}, but engines publish nothing from internal networks"
        )
        return Answer(False, why, f"attach {target} to a network that is not internal")
    outer = found[0].host or "a port that the engine chooses"
    return Answer(True, f"port {inside} of {target} is published as {outer}")


def _is(port: Port, expected: Expectation) -> bool:
    return (port.inside, port.protocol) == (expected.port, expected.probe)


def published(world: World, container: str) -> tuple[Port, ...]:
    """The ports of a container that lead to the engine's machine."""
    settings = world.state.containers[container].settings
    ports = settings.get("ports", ())
    exposed = settings.get("expose", ()) if settings.get("publish_all") else ()
    assert isinstance(ports, tuple)
    assert isinstance(exposed, tuple)
    return tuple(read_port(str(text)) for text in (*ports, *exposed))


def _machine_to_url(world: World, target: str) -> Answer:
    found = world.station(target)
    return Answer(
        None,
        f"the engine's machine does not know the name {found.name} by the engine: use an address",
    )


def _machine_to_name(world: World, expected: Expectation) -> Answer:
    """An address, or a name that is not a container's."""
    address = "127.0.0.1" if expected.target == LOCALHOST else expected.address
    for container, _ in world.addresses.get(address, ()):
        return from_machine(world, container)
    if not address or not expected.port:
        return Answer(None, f"the engine's machine decides how it reaches {expected.target}")
    for name in world.state.containers:
        for port in published(world, name):
            if port.host == str(expected.port) and port.address in (*EVERY_ADDRESS, address):
                return Answer(True, f"{port} leads to {name}")
    return Answer(None, f"no container of this file publishes {expected.target}:{expected.port}")

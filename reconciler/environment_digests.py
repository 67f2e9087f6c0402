"""The digests of environment values, made fit to be published.

In memory a value's digest is a plain hash. What leaves the engine, a snapshot or a saved plan, is
read by others: there each digest is sealed, so that guessing values is slow, different for each
engine, and with a key impossible. Equal values still have equal seals, so that a plan can be made
from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .errors import UsageError
from .fast_dataclasses import replace
from .marks import CHANGED, SECRET, digest
from .model import DesiredState, ObservedContainer, ObservedState, Seal
from .settings import Settings, Value

BUDGET, MOST_ROUNDS = 100_000, 10_000
"""Rounds of PBKDF2 for all values together, and for one."""


def sealed(state: ObservedState, key: str = "", like: Seal | None = None) -> ObservedState:
    """`state` with all its digests sealed, by a seal of its own or `like` another; itself if they
    are already.
    """
    if state.seal:
        return state
    seal = like or seal_for(state, key)
    containers = tuple(
        _container(container, seal) if container.mark else container
        for container in state.containers
    )
    images = {
        name: replace(image, settings=seal_settings(image.settings, seal))
        for name, image in state.images.items()
    }
    return replace(state, containers=containers, images=images, seal=seal)


def seal_for(state: ObservedState, key: str = "") -> Seal:
    """The seal for what is published of an engine: the more values there are, the less each
    costs.
    """
    if key:
        return Seal(state.engine.id, 0, key)
    return Seal(
        state.engine.id, max(1, min(MOST_ROUNDS, BUDGET // max(len(set(_digests(state))), 1)))
    )


def has_digests(state: ObservedState) -> bool:
    """Whether there is anything to seal."""
    return next(_digests(state), None) is not None


def as_sealed(desired: DesiredState, observed: ObservedState) -> DesiredState:
    """`desired` with digests that can be compared with those that are observed. Raises UsageError
    where their key is not at hand.
    """
    seal = observed.seal
    there = {container.name for container in observed.containers if container.mark} if seal else ()
    compared = [desired.containers[name] for name in there if name in desired.containers]
    if seal is None or not any(
        path.startswith(SECRET) for container in compared for path in container.settings
    ):
        return desired
    check_key(seal)
    changed = {
        container.name: replace(container, settings=seal_settings(container.settings, seal))
        for container in compared
    }
    return replace(desired, containers={**desired.containers, **changed})


def check_key(seal: Seal) -> None:
    """Raise UsageError where the key of a seal is not at hand, or another."""
    if not seal.fits:
        raise UsageError(
            "the environment values in this snapshot or saved plan were sealed with a key that is"
            " not set here",
            "set NETPLAN_SNAPSHOT_KEY to the value that netplan snapshot or netplan plan --out had",
        )


def seals(desired: DesiredState, seal: Seal) -> dict[str, dict[str, str]]:
    """The seal of each declared value, by container and name of the variable."""
    found = {}
    for name, container in sorted(desired.containers.items()):
        values = seal_settings(
            {path: value for path, value in container.settings.items() if path.startswith(SECRET)},
            seal,
        )
        if values:
            found[name] = {
                path.removeprefix(SECRET): str(value) for path, value in sorted(values.items())
            }
    return found


def seal_settings(settings: Settings, seal: Seal) -> Settings:
    """Settings whose digests are sealed."""
    if not any(path.startswith(SECRET) for path in settings):
        return settings
    return {
        path: seal.of(digest(value)) if path.startswith(SECRET) else value
        for path, value in settings.items()
    }


def _container(container: ObservedContainer, seal: Seal) -> ObservedContainer:
    """What is recorded is a digest of the digest: sealed like that, so that it stays one."""
    mark = container.mark
    assert mark is not None
    hashes = {
        path: digest(seal.of(hash)) if path.startswith(SECRET) and hash != CHANGED else hash
        for path, hash in mark.hashes.items()
    }
    return replace(
        container,
        settings=seal_settings(container.settings, seal),
        mark=replace(mark, hashes=hashes),
    )


def _digests(state: ObservedState) -> Iterator[Value]:
    for container in state.containers:
        yield from _secrets(container.settings)
        yield from _secrets(container.mark.hashes if container.mark else {})
    for image in state.images.values():
        yield from _secrets(image.settings)


def _secrets(settings: Mapping[str, Value]) -> Iterator[Value]:
    return (value for path, value in settings.items() if path.startswith(SECRET))

"""Everything on one engine, as a value: two lists, then an inspect of each container, because only
that shows marks, aliases and phantoms.

Images are looked up by the references that the caller names, and by ID where a container with
netplan's mark is made from one; for a snapshot all are listed.

Things come and go while we look. What vanishes between the list and its inspect was not there; an
engine that stumbles over it (an internal error) is asked again a few times.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, TypeVar

from .codec import (
    listed_mode,
    listed_name,
    read_container,
    read_listed,
    read_network,
    shares_namespace,
)
from .codec.containers import listed_images, read_image, read_managed
from .codec.sound import check_container, check_image, check_network
from .codec.swarm_networks import (
    Cluster,
    clustered_container,
    clustered_network,
    has_view,
    read_cluster,
)
from .codec.times import is_started_after
from .codec.volumes import volumes_listed
from .engine import Reader, persistently
from .engine.namespaces import own_route
from .engine.wire import NOT_DOCKER, printable
from .errors import ApiError, LostError
from .fast_dataclasses import dataclass, replace
from .marks import BIRTH, HELPER, TOPOLOGY
from .model import (
    EngineInfo,
    ObservedContainer,
    ObservedEndpoint,
    ObservedImage,
    ObservedNetwork,
    ObservedState,
    ObservedVolume,
)

T = TypeVar("T")
R = TypeVar("R")

Answered = Mapping[str, Mapping[str, Any]]
"""Inspects by ID."""
PARALLEL = 4
"""Inspects under way at once. More gains nothing on a local socket: the engine and the decoding
share the processor.
"""


@dataclass(frozen=True)
class Answers:
    """What an engine says, as it says it: two lists, and by ID the inspect of each container that
    needs one and is still there.
    """

    engine: EngineInfo
    containers: Sequence[Mapping[str, Any]]
    networks: Sequence[Mapping[str, Any]]
    inspected: Mapping[str, Mapping[str, Any]]
    helpers: frozenset[str] = frozenset()
    """The IDs of containers by which a netplan looks into network namespaces: they are left out."""

    @cached_property
    def _networks_listed(self) -> Mapping[str, Container[str]]:
        return {
            entry["Id"]: (entry.get("NetworkSettings") or {}).get("Networks") or {}
            for entry in self.containers
        }

    def listed(self, id: str) -> Container[str]:
        """The networks that the list says a container is on: those that know of it."""
        return self._networks_listed.get(id, ())


def gather(reader: Reader, parallel: int = PARALLEL) -> Answers:
    """All that can be asked before it is known what a file declares. Raises EngineError."""
    every = persistently(reader.containers)
    helpers = frozenset(entry["Id"] for entry in every if HELPER in (entry.get("Labels") or ()))
    listed = [entry for entry in every if entry["Id"] not in helpers]
    ids = [
        entry["Id"]
        for entry in listed
        if _marked(entry) or not shares_namespace(listed_mode(entry))
    ]
    # together: an engine takes longer to describe itself than to answer for several containers
    calls: list[Callable[[], Any]] = [
        reader.networks,
        reader.info,
        *(partial(reader.container, id) for id in ids),
    ]
    networks, engine, *found = in_parallel(persistently, calls, parallel)
    return Answers(
        engine,
        listed,
        networks,
        {id: raw for id, raw in zip(ids, found, strict=True) if raw is not None},
        helpers,
    )


def observe(
    reader: Reader,
    parallel: int = PARALLEL,
    images: Iterable[str] = (),
    ask: Iterable[str] = (),
    *,
    every_image: bool = False,
    volumes: bool = False,
    own: Sequence[Mapping[str, Any]] | None = None,
    answers: Answers | None = None,
) -> ObservedState:
    """The present state of the engine, or that of the moment when it gave `answers`. Raises
    EngineError.

    `images` are the canonical references of images to look up, `ask` those whose registry is asked
    too whether it has another by now. With `every_image` all others are there too, as far as one
    list tells: their IDs. With `volumes` all volumes with a name are there; otherwise those that a
    topology created, where `own` are the volumes that have a label of netplan's.
    """
    answers = answers or gather(reader, parallel)
    engine, asked = answers.engine, set(ask)
    references = sorted({*images, *asked})
    first: list[Callable[[], Any]] = [
        reader.images if every_image else list,
        reader.volumes if volumes else list,
    ]
    first += [partial(_image, reader, reference, reference in asked) for reference in references]
    all_images, all_volumes, *found = in_parallel(persistently, first, parallel)
    known = {reference: look for reference, look in zip(references, found, strict=True) if look}
    ids = {entry["Id"] for entry in answers.containers} | answers.helpers
    networks = _networks(reader, engine, answers.networks, ids)
    cluster = _cluster(reader, engine, parallel) if has_view(engine, networks) else None
    if cluster:
        networks = [clustered_network(network, cluster) for network in networks]
    swarm = {network.id for network in networks if network.scope == "swarm"}
    inside = _images_inside(reader, answers.containers, known.values(), parallel)
    twins = _twins(answers.containers)
    containers = [_container(answers, entry, swarm, inside, twins) for entry in answers.containers]
    containers = _believed(reader, answers, containers)
    containers = [
        _whole(reader, answers, container, swarm) if container else None for container in containers
    ]
    if cluster:
        overlays = frozenset(
            network.id for network in networks if network.settings.get("driver") == "overlay"
        )
        containers = [
            container and clustered_container(container, overlays, cluster)
            for container in containers
        ]
    seen = _decoded(partial(listed_images, all_images), "its images")
    seen |= {reference: image for reference, (_, image) in known.items()}
    seen |= {id: _read_image(raw, id) for id, raw in inside.items()}
    return ObservedState(
        engine,
        tuple(sorted(networks, key=_key)),
        tuple(sorted(filter(None, containers), key=_key)),
        dict(sorted(seen.items())),
        _volumes(all_volumes if volumes else own, answers.containers),
    )


def _volumes(
    listed: Sequence[Mapping[str, Any]] | None, containers: Sequence[Mapping[str, Any]]
) -> dict[str, ObservedVolume] | None:
    """Those that were asked for, with who mounts them."""
    if listed is None:
        return None
    return _decoded(partial(volumes_listed, listed, containers), "its volumes")


def _cluster(reader: Reader, engine: EngineInfo, parallel: int) -> Cluster | None:
    """What a manager knows of its swarm; None where it does not tell, as too many of the others are
    gone.
    """
    try:
        tasks, services = in_parallel(persistently, [reader.attachments, reader.services], parallel)
    except ApiError:
        return None
    return read_cluster(tasks, services, engine.node)


_Look = tuple[Mapping[str, Any], ObservedImage]


def _image(reader: Reader, reference: str, ask: bool) -> _Look | None:
    """An image as inspected and as read."""
    raw = reader.image(reference)
    if raw is None:
        return None
    image = _read_image(raw, reference)
    if not ask:
        return raw, image
    try:
        newest = reader.newest(reference)
    except ApiError as error:
        return raw, replace(image, asked=True, unasked=error.message)
    digests = {digest.partition("@")[2] for digest in raw.get("RepoDigests") or ()}
    return raw, replace(image, asked=True, outdated=newest not in digests)


def _images_inside(
    reader: Reader, listed: Iterable[Mapping[str, Any]], known: Iterable[_Look], parallel: int
) -> dict[str, Mapping[str, Any]]:
    """The images of marked containers, as inspected, by ID; none is looked up twice."""
    at_hand = {image.id: raw for raw, image in known}
    wanted = sorted({str(entry.get("ImageID") or "") for entry in listed if _marked(entry)} - {""})
    missing = [id for id in wanted if id not in at_hand]
    found = in_parallel(lambda id: persistently(lambda: reader.image(id)), missing, parallel)
    at_hand |= {id: raw for id, raw in zip(missing, found, strict=True) if raw}
    return {id: at_hand[id] for id in wanted if id in at_hand}


def _marked(entry: Mapping[str, Any]) -> bool:
    return TOPOLOGY in (entry.get("Labels") or ())


def _twins(listed: Iterable[Mapping[str, Any]]) -> set[str]:
    """Births that several containers claim."""
    births = Counter(str(entry["Labels"].get(BIRTH) or "") for entry in listed if _marked(entry))
    return {birth for birth, count in births.items() if birth and count > 1}


def _networks(
    reader: Reader, engine: EngineInfo, listed: Iterable[Mapping[str, Any]], containers: set[str]
) -> list[ObservedNetwork]:
    found = []
    for entry in listed:
        raw: Mapping[str, Any] | None = entry
        if entry.get("Scope") == "swarm":  # its list entry has neither labels nor endpoints
            raw = persistently(partial(reader.network, str(entry["Id"])))
        if raw is not None:
            read = partial(_checked_network, raw, engine, containers)
            found.append(_decoded(read, f"network {entry['Id']}"))
    return found


def _checked_network(
    raw: Mapping[str, Any], engine: EngineInfo, containers: set[str]
) -> ObservedNetwork:
    return check_network(read_network(raw, engine, containers))


def _container(
    answers: Answers,
    entry: Mapping[str, Any],
    swarm: set[str],
    images: Mapping[str, Mapping[str, Any]],
    twins: set[str],
) -> ObservedContainer | None:
    """From its list entry and its inspect; None where it vanished between the two."""
    engine, raw = answers.engine, answers.inspected.get(entry["Id"])
    what, marked = f"container {listed_name(entry)}", _marked(entry)
    if shares_namespace(listed_mode(entry)) and not marked:
        return _decoded(lambda: check_container(read_listed(entry, engine)), what)
    if raw is None:
        return None
    container = read_container(raw, engine, swarm)
    if marked:
        owners = _owners(answers.inspected, raw)
        container = _decoded(
            lambda: read_managed(container, raw, images.get(raw.get("Image") or ""), owners, twins),
            what,
        )
    return _decoded(lambda: check_container(container), what)


def _believed(
    reader: Reader, answers: Answers, containers: list[ObservedContainer | None]
) -> list[ObservedContainer | None]:
    """Which of two containers was started later cannot be told while the engine's clock, which was
    set back, has not come that far again: a member that looks cut off was perhaps started since,
    and starting it once more would not change its looks.
    """
    if not any(container and container.severed for container in containers):
        return containers
    now = str(persistently(reader.details).get("SystemTime") or "")

    def believed(container: ObservedContainer | None) -> ObservedContainer | None:
        if container is None or not container.severed:
            return container
        owners = _owners(answers.inspected, answers.inspected.get(container.id) or {})
        late = any(is_started_after(owner, now) for owner in owners)
        return replace(container, severed=False) if late else container

    return [believed(container) for container in containers]


def _whole(
    reader: Reader, answers: Answers, container: ObservedContainer, swarm: set[str]
) -> ObservedContainer:
    """With what its inspect does not say: which of its endpoints are half, and whether its default
    route is its own.
    """
    raw = answers.inspected.get(container.id)
    if (
        answers.engine.flavor != "docker"
        or not container.live
        or raw is None
        or shares_namespace(container.network_mode)
    ):
        return container
    listed = answers.listed(container.id)
    endpoints = tuple(
        (
            replace(endpoint, half=True)
            if endpoint.network not in listed and _is_half(reader, container, endpoint)
            else endpoint
        )
        for endpoint in container.endpoints
    )
    here = answers.engine.transport == "unix" and not any(
        endpoint.network_id in swarm for endpoint in endpoints
    )  # those go another way
    return replace(container, endpoints=endpoints, own_route=own_route(raw) if here else "")


def _is_half(reader: Reader, container: ObservedContainer, endpoint: ObservedEndpoint) -> bool:
    """Whether its network knows nothing of it. The list may only be older than the inspect: the
    network itself is asked.
    """
    if endpoint.phantom or not endpoint.endpoint_id:
        return False
    network = persistently(lambda: reader.network(endpoint.network_id))
    return network is not None and container.id not in (network.get("Containers") or {})


def _read_image(raw: Mapping[str, Any], name: str) -> ObservedImage:
    return _decoded(lambda: check_image(read_image(raw)), f"image {name}")


def _owners(inspected: Answered, raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Whose network and whose IPC namespace a container runs in, where those are not its own. (Who
    shares processes ends with them.)
    """
    found = (_owner(inspected, raw, key) for key in ("NetworkMode", "IpcMode"))
    return [owner for owner in found if owner is not None]


def _owner(inspected: Answered, raw: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    """The container at the end of the chain: the one whose namespace one shares may share
    another's. None where it is not a container's.
    """
    owner: Mapping[str, Any] | None = None
    here: Mapping[str, Any] | None = raw
    for _ in range(len(inspected) + 1):
        of = str((here.get("HostConfig") or {}).get(key) or "") if here else ""
        if not of.startswith("container:"):
            return None if of == "host" else owner
        owner = here = inspected.get(of.removeprefix("container:"))
    return None


def _key(thing: ObservedNetwork | ObservedContainer) -> tuple[str, str]:
    return thing.name, thing.id


def _decoded(read: Callable[[], T], what: str) -> T:
    try:
        return read()
    except (TypeError, ValueError) as error:
        raise LostError(
            f"what the engine says about {what} is not what the Docker API says:"
            f" {printable(str(error))}",
            NOT_DOCKER,
        ) from error


def in_parallel(function: Callable[[T], R], items: Iterable[T], parallel: int) -> list[R]:
    """`function` of each item, in the items' order, on up to `parallel` threads; the first error
    ends all and is raised.
    """
    work = list(items)
    if min(parallel, len(work)) <= 1:
        return [function(item) for item in work]
    results: dict[int, R] = {}
    errors: list[BaseException] = []
    remaining, lock = iter(range(len(work))), threading.Lock()

    def worker() -> None:
        while not errors:
            with lock:
                index = next(remaining, None)
            if index is None:
                return
            try:
                results[index] = function(work[index])
            except BaseException as error:  # handed to the caller's thread, which raises it
                errors.append(error)

    _run([threading.Thread(target=worker, daemon=True) for _ in range(min(parallel, len(work)))])
    if errors:
        raise errors[0]
    return [results[index] for index in range(len(work))]


def _run(threads: Sequence[threading.Thread]) -> None:
    """As many as this machine can start; at least one."""
    started: list[threading.Thread] = []
    for thread in threads:
        try:
            thread.start()
        except RuntimeError:
            if not started:
                raise
            break
        started.append(thread)
    for thread in started:
        thread.join()

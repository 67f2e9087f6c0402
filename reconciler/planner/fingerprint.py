"""What a plan was made from, as a digest: equal as long as the same plan would be made again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from operator import attrgetter

from ..marks import SECRET
from ..model import (
    DesiredContainer,
    DesiredNetwork,
    EndpointMark,
    ObservedContainer,
    ObservedNetwork,
    ObservedState,
    lasting_id,
)
from ..plan import Step
from ..settings import Settings, chosen
from .step_groups import Whole


def fingerprint(found: Whole, observed: ObservedState, asked: Sequence[str] = ()) -> str:
    """A digest of the engine, of every network and container in scope, of the file and of the steps
    (which hold the subnets that matter).

    Of a part of a plan it is about that part; `asked` tells it from others.

    In scope are also strangers that share the network of a container that goes: they lose it.

    Endpoint IDs, dynamic addresses, health and times are left out: they change by themselves, as at
    a start of the engine do the IDs of its own networks, and whether it tells a gateway that nobody
    chose. So are the values of environments: a plan is published, and no guess at a value shall be
    confirmed by it. Whether one changes is in the steps.
    """
    records = _Records(step.settings for step in found.steps)
    records.put("netplan", 1, found.desired.topology, observed.engine.id, observed.engine.api)
    if asked:
        records.put("part", *asked)
    for _, network in sorted(found.desired.networks.items()):
        records.put_declared_network(network)
    for _, volume in sorted(found.desired.volumes.items()):
        if volume.settings:  # earlier versions knew none: their saved plans stay what they are
            records.put("volume", volume.name, records.canonical(volume.settings))
    _put_observed(records, found, observed)
    for _, container in sorted(found.desired.containers.items()):
        records.put_declared_container(container, observed)
    for step in found.steps:
        records.put_step(step)
    return records.digest()


def _put_observed(records: _Records, found: Whole, observed: ObservedState) -> None:
    """The networks and containers of the engine that are in scope."""
    scope = {name for name, case in found.networks.cases.items() if case.wanted or case.goes}
    scope |= {case.network for case in found.endpoints.cases}
    for network in sorted(observed.networks, key=lambda n: (n.name, n.id)):
        if network.name in scope:
            records.put_network(network)
    cases = found.containers.cases.values()
    touched = {case.container.id for case in found.endpoints.cases}
    touched |= {case.observed.id for case in cases if case.observed}
    touched |= {member.id for case in cases for member in case.strangers}
    for container in sorted(observed.containers, key=lambda c: (c.name, c.id)):
        if (
            container.name in found.desired.containers
            or container.id in touched
            or any(endpoint.network in scope for endpoint in container.endpoints)
        ):
            records.put_container(container)


def _optional(wanted: DesiredNetwork) -> tuple[str, ...]:
    """Nothing for what earlier versions knew: their saved plans stay what they are."""
    return ("optional",) if wanted.optional else ()


_by_network = attrgetter("network")

_AT_ONCE = 512
"""Records digested at once: few enough to stay in the processor's cache."""


class _Records:
    """Text to be digested. `again` are settings that will be asked for more than once: what a step
    sends is often the declared object.
    """

    def __init__(self, again: Iterable[Settings]) -> None:
        self._hash = hashlib.sha256()
        self._records: list[str] = []
        self._again = {id(settings) for settings in again}
        self._spelt: dict[int, str] = {}

    def put(self, *values: object) -> None:
        self._records.append("\x1f".join(map(str, values)))
        if len(self._records) == _AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._hash.update("\x1e".join([*self._records, ""]).encode("utf-8", "surrogatepass"))
        self._records.clear()

    def put_declared_network(self, wanted: DesiredNetwork) -> None:
        self.put(
            "network",
            wanted.name,
            wanted.external,
            wanted.exclusive,
            wanted.protect,
            self.canonical(wanted.settings),
            *_optional(wanted),
        )

    def put_declared_container(self, wanted: DesiredContainer, observed: ObservedState) -> None:
        attached = [f"{e.network} {self.canonical(e.settings)}" for e in wanted.endpoints]
        self.put("container", wanted.name, wanted.optional, *attached)
        if wanted.managed:
            image = observed.images.get(wanted.image)
            self.put(
                self.canonical(wanted.settings),
                wanted.depends_on,
                wanted.one_shot,
                wanted.pull_policy,
                image and image.id,
            )

    def put_step(self, step: Step) -> None:
        self.put(
            step.op,
            step.network,
            step.container,
            self.canonical(step.settings),
            step.needs,
            step.follows,
            self.marked(step.mark),
        )
        if step.volume:
            self.put(step.volume)
        if step.kind in ("container", "image"):
            self.put(step.image, step.name, step.container_id, step.condition, step.volumes)

    def put_network(self, network: ObservedNetwork) -> None:
        self.put(
            lasting_id(network.id, network.name),
            network.name,
            self.canonical(chosen(network.settings)),
            network.mark and network.mark.topology,
        )

    def put_container(self, container: ObservedContainer) -> None:
        self.put(container.id, container.name, container.live, container.network_mode)
        if container.mark:
            self.put(
                container.mark.topology,
                self.canonical(container.settings),
                container.image_id,
                sorted(container.anonymous.items()),
            )
        for endpoint in sorted(container.endpoints, key=_by_network):
            settings, mark = self.canonical(endpoint.settings), self.marked(endpoint.mark)
            phantom = "half" if endpoint.half else endpoint.phantom
            self.put(
                endpoint.network,
                lasting_id(endpoint.network_id, endpoint.network),
                phantom,
                settings,
                mark,
            )

    def marked(self, mark: object) -> object:
        """An endpoint's mark whole; a network's follows from the file and from the containers."""
        if not isinstance(mark, EndpointMark):
            return None
        return (
            mark.topology,
            mark.how,
            self.canonical(mark.declared),
            self.canonical(mark.before) if mark.before else "",
        )

    def canonical(self, settings: Settings) -> str:
        text = self._spelt.get(id(settings))
        if text is None:
            items = sorted(settings.items()) if len(settings) > 1 else [*settings.items()]
            if any(path.startswith(SECRET) for path in settings):
                items = [(path, "" if path.startswith(SECRET) else value) for path, value in items]
            text = repr(items)
            if id(settings) in self._again:
                self._spelt[id(settings)] = text
        return text

    def digest(self) -> str:
        self._flush()
        return self._hash.hexdigest()

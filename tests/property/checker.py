"""Whether an engine is as a file says, and everything else as it was: ownership.md in other words
than the planner's.

`problems` takes three values (the file, the engine before, the engine after) and knows nothing of
plans or steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.model import (
    DesiredEndpoint,
    DesiredNetwork,
    DesiredState,
    EndpointMark,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
    ObservedState,
)
from reconciler.planner import Policy
from reconciler.settings import Pool, Settings, Value, settings_pools

from .pools import FAMILIES, implicit_gateway, reserved, version_of, within
from .simulator import Engine, Violation

DEFAULTS: Mapping[str, Value] = {
    "driver": "bridge",
    "internal": False,
    "attachable": False,
    "enable_ipv4": True,
    "enable_ipv6": False,
    "ipam.driver": "default",
    "gw_priority": 0,
}
STATIC = ("ipv4_address", "ipv6_address")


def problems(
    desired: DesiredState,
    before: ObservedState,
    after: ObservedState,
    policy: Policy,
    whole: DesiredState | None = None,
) -> list[str]:
    """Everything that is not as it must be; empty where all is well. `whole` declares containers
    that are not looked at, too.
    """
    return list(_Check(desired, before, after, policy, whole or desired).all())


class _Check:
    def __init__(
        self,
        desired: DesiredState,
        before: ObservedState,
        after: ObservedState,
        policy: Policy,
        whole: DesiredState,
    ) -> None:
        self.desired, self.before, self.after, self.policy, self.whole = (
            desired,
            before,
            after,
            policy,
            whole,
        )
        self.networks = {network.id: network for network in after.networks}
        self.known = {network.id: network for network in before.networks}

    def all(self) -> Iterator[str]:
        for wanted in self.desired.networks.values():
            yield from self._network(wanted)
        yield from self._other_networks()
        if [c.id for c in self.before.containers] != [c.id for c in self.after.containers]:
            yield "containers came or went"
        for old, new in zip(self.before.containers, self.after.containers, strict=True):
            if replace(old, endpoints=()) != replace(new, endpoints=()):
                yield f"container {old.name} changed itself"
            yield from self._container(old, new)
            yield from self._starts(old, new)

    def _ours(self, mark: NetworkMark | EndpointMark | None) -> bool:
        return mark is not None and mark.topology == self.desired.topology

    # --- networks ---------------------------------------------------------------------------------

    def _network(self, wanted: DesiredNetwork) -> Iterator[str]:
        found = [network for network in self.after.networks if network.name == wanted.name]
        if len(found) != 1:
            yield f"network {wanted.name} exists {len(found)} times"
            return
        if wanted.external:
            return
        network = found[0]
        if not self._ours(network.mark):
            yield f"network {wanted.name} is not marked"
        for path, value in wanted.settings.items():
            if not _is(path, value, network.settings):
                yield (
                    f"network {wanted.name}: {path} is {network.settings.get(path)}, declared"
                    f" {value}"
                )
        for old in self.before.networks:
            if old.name == wanted.name:
                yield from self._kept_or_dropped(wanted, old, network)

    def _kept_or_dropped(
        self, wanted: DesiredNetwork, old: ObservedNetwork, new: ObservedNetwork
    ) -> Iterator[str]:
        recorded = old.mark.hashes if old.mark and self._ours(old.mark) else {}
        for path in {*recorded, *old.settings} - set(wanted.settings):
            family, _, rest = path.partition(".")
            switched = old.settings.get(f"enable_{family}") != new.settings.get(f"enable_{family}")
            if (
                family in FAMILIES
                and rest != "subnet"
                and (switched or self._changes_subnet(old, new, family))
            ):
                continue  # what belonged to a subnet that went
            if path not in recorded:
                if old.settings[path] != new.settings.get(path) and not (
                    rest == "subnet" and switched
                ):
                    yield (
                        f"network {wanted.name}: {path} was {old.settings[path]}, nobody declared"
                        f" it, is {new.settings.get(path)}"
                    )
            elif rest == "subnet":
                if path in old.settings and old.id == new.id:
                    yield f"network {wanted.name}: {path} was dropped and stayed"
            elif path in new.settings and not _is(path, DEFAULTS.get(path), new.settings):
                yield f"network {wanted.name}: {path} was dropped and is {new.settings[path]}"

    def _other_networks(self) -> Iterator[str]:
        for network in self.before.networks:
            declared = network.name in self.desired.networks
            external = declared and self.desired.networks[network.name].external
            if self._ours(network.mark) and not external:
                if not declared and network.id in self.networks:
                    yield f"network {network.name} is ours, not declared, and still there"
            elif network.name in self.policy.adopt and declared and not external:
                continue
            elif self.networks.get(network.id) != network:
                yield f"foreign network {network.name} changed or went"
        for network in self.after.networks:
            if network.id not in self.known and network.name not in self.desired.networks:
                yield f"network {network.name} appeared"

    # --- endpoints --------------------------------------------------------------------------------

    def _container(self, old: ObservedContainer, new: ObservedContainer) -> Iterator[str]:
        declaration = self.desired.containers.get(old.name)
        declared = (
            {endpoint.network: endpoint for endpoint in declaration.endpoints}
            if declaration
            else {}
        )
        for name, wanted in declared.items():
            for problem in self._declared(wanted, old.endpoint(name), new.endpoint(name), new):
                yield f"{old.name} on {name}: {problem}"
        for endpoint in old.endpoints:
            if endpoint.network not in declared:
                for problem in self._undeclared(old, endpoint, new.endpoint(endpoint.network)):
                    yield f"{old.name} on {endpoint.network}: {problem}"
        for endpoint in new.endpoints:
            back = (
                endpoint.network == "none" == new.network_mode and len(new.endpoints) == 1
            )  # it has left all others
            if (
                endpoint.network not in declared
                and old.endpoint(endpoint.network) is None
                and not back
            ):
                yield f"{old.name} on {endpoint.network}: appeared"

    def _declared(
        self,
        wanted: DesiredEndpoint,
        old: ObservedEndpoint | None,
        new: ObservedEndpoint | None,
        container: ObservedContainer,
    ) -> Iterator[str]:
        if new is None:
            yield "declared and missing"
            return
        yield from self._attached(new, container)
        if old and old.mark and self._taken_over(old):
            old = replace(old, mark=replace(old.mark, topology=self.desired.topology))
        if old and old.mark and not self._ours(old.mark) and new.mark != old.mark:
            yield "belongs to another topology and changed"
        yield from _settings_hold(wanted.settings, new, container)
        if (
            self._ours(new.mark)
            and new.mark
            and new.mark.how == "made"
            and (more := _more_aliases(wanted.settings, new, container))
        ):
            yield f"has aliases {sorted(more)} that nobody declares"
        if old is None:
            if not (
                self._ours(new.mark)
                and new.mark
                and new.mark.how == "made"
                and new.mark.declared == wanted.settings
            ):
                yield f"made, and marked {new.mark}"
        elif not old.phantom:
            mark = old.mark if self._ours(old.mark) else None
            own = {**old.settings, **(mark.before if mark else {})}
            yield from _overlaid(
                wanted.settings, old, new, mark, container, self._lost(own, old, new)
            )
            yield from _marked(wanted.settings, old, new, mark)
            if not old.mark and not new.mark and self._own(old, new) != _plain(new.settings):
                yield "was changed and is not marked"

    def _taken_over(self, old: ObservedEndpoint) -> bool:
        """Whether its network was adopted from the topology that marked it."""
        was = self.known.get(old.network_id) or next(
            (n for n in self.before.networks if n.name == old.network), None
        )
        now = next((n for n in self.after.networks if n.name == old.network), None)
        theirs = (
            was is not None
            and was.mark is not None
            and old.mark is not None
            and was.mark.topology == old.mark.topology
        )
        return theirs and not self._ours(old.mark) and now is not None and self._ours(now.mark)

    def _moved(self, old: ObservedEndpoint, new: ObservedEndpoint) -> bool:
        """Whether its network was replaced by one of other subnets, so that its own static
        addresses may not fit.
        """
        network = next((n for n in self.after.networks if n.name == new.network), None)
        was = self.known.get(old.network_id) or next(
            (n for n in self.before.networks if n.name == old.network), None
        )
        return network is not None and (
            was is None or any(self._changes_subnet(was, network, family) for family in FAMILIES)
        )

    def _changes_subnet(self, was: ObservedNetwork, now: ObservedNetwork, family: str) -> bool:
        """Whether the subnet or what it keeps for itself is another, or is the same only because
        the engine chose it.
        """
        path, wanted = f"{family}.subnet", self.desired.networks.get(now.name)
        recorded = was.mark.hashes if was.mark and self._ours(was.mark) else {}
        dropped = path in recorded and wanted is not None and path not in wanted.settings
        return _addressing(was, family) != _addressing(now, family) or (
            was.id != now.id and dropped
        )

    def _attached(self, endpoint: ObservedEndpoint, container: ObservedContainer) -> Iterator[str]:
        """It is on the network of that name that exists, or will be at the next start."""
        present = [network for network in self.after.networks if network.name == endpoint.network]
        if endpoint.phantom:
            yield "only listed"
        elif container.live and endpoint.network_id not in {network.id for network in present}:
            yield "on a network that is gone"
        elif not present or (endpoint.network_id and endpoint.network_id not in self.networks):
            yield "would not start: its network is gone"
        for path in STATIC:
            if path in endpoint.settings and (
                holder := self._holder(endpoint.network, str(endpoint.settings[path]), container)
            ):
                yield f"has the static address {endpoint.settings[path]} of {holder}"

    def _holder(self, network: str, address: str, but: ObservedContainer) -> str | None:
        """Who else has this address configured on that network."""
        for container in self.after.containers:
            endpoint = container.endpoint(network)
            if (
                endpoint
                and container.id != but.id
                and not endpoint.phantom
                and address in [endpoint.settings.get(path) for path in STATIC]
            ):
                return container.name
        return None

    def _undeclared(
        self, container: ObservedContainer, old: ObservedEndpoint, new: ObservedEndpoint | None
    ) -> Iterator[str]:
        was = (
            self.known.get(old.network_id)
            if old.network_id
            else next((n for n in self.before.networks if n.name == old.network), None)
        )
        now = next((n for n in self.after.networks if n.name == old.network), None)
        wanted = self.desired.networks.get(old.network)
        exclusive = bool(wanted and wanted.exclusive)
        if self._ours(old.mark) and old.mark:
            yield from self._undone(old, old.mark, new, None if exclusive else now)
        elif was is None:  # listed a network that is gone already
            if new != (None if exclusive and not (old.network_id or old.mark) else old):
                yield f"listed a network that is gone, and changed to {new}"
        elif old.network == "none":
            declared = self.desired.containers.get(container.name)
            if new != old and not (declared and declared.endpoints and new is None):
                yield "taken off none"
        elif was.id in self.networks:
            yield from self._foreign_kept(old, new)
        elif now is None or not old.phantom:
            yield from self._foreign_on_gone(container, old, new, now)

    def _undone(
        self,
        old: ObservedEndpoint,
        mark: EndpointMark,
        new: ObservedEndpoint | None,
        now: ObservedNetwork | None,
    ) -> Iterator[str]:
        """Ours and no longer declared: what we made goes, what we amended gets its own settings
        back.
        """
        if mark.how == "made" or now is None:
            if new is not None:
                yield "made by us, no longer declared, and still there"
        elif new is None or new.mark is not None:
            yield f"amended by us, no longer declared, and is {new}"
        elif _plain(new.settings) != self._given_back(mark, new) and not self._moved(old, new):
            yield f"amended by us, no longer declared: has {new.settings}, had {mark.before}"

    def _given_back(self, mark: EndpointMark, new: ObservedEndpoint) -> dict[str, Value]:
        """What it had, with consent without static addresses: its network may have been recreated
        with a different subnet since.
        """
        lost = self._unfit(mark.before, new) if self.policy.disrupt_foreign else frozenset()
        return {path: value for path, value in _plain(mark.before).items() if path not in lost}

    def _foreign_kept(self, old: ObservedEndpoint, new: ObservedEndpoint | None) -> Iterator[str]:
        wanted = self.desired.networks.get(old.network)
        if wanted and wanted.exclusive and old.mark is None:
            if new is not None:
                yield "undeclared on an exclusive network"
        elif new != old and not (new and self._gave_up_its_address(old, new)):
            yield f"foreign, and changed from {old} to {new}"

    def _gave_up_its_address(self, old: ObservedEndpoint, new: ObservedEndpoint) -> bool:
        """With consent: it was in the way of a static address, and is whole but for its own."""
        whole = {
            p: v
            for p, v in _plain(old.settings).items()
            if p not in STATIC or new.settings.get(p) == v
        }
        if not self.policy.disrupt_foreign or (new.mark, _plain(new.settings)) != (old.mark, whole):
            return False
        return (
            old.addresses != new.addresses
            or self._is_declared(old)
            or (not old.addresses and self._is_held(old))
        )

    def _is_declared(self, old: ObservedEndpoint) -> bool:
        """Whether one of its addresses is declared: who got it may have ended by now, and given it
        back.
        """
        declared = [
            e
            for c in self.whole.containers.values()
            for e in c.endpoints
            if e.network == old.network
        ]
        had = {address.partition("/")[0] for address in old.addresses}
        return any(endpoint.settings.get(path) in had for endpoint in declared for path in STATIC)

    def _is_held(self, old: ObservedEndpoint) -> bool:
        """Whether somebody has a static address now that one of a stopped container had for its
        next start.
        """
        own = {value for path, value in old.settings.items() if path in STATIC}
        present = [
            e for c in self.after.containers for e in c.endpoints if e.network == old.network
        ]
        return any(
            address.partition("/")[0] in own
            for endpoint in present
            for address in endpoint.addresses
        )

    def _foreign_on_gone(
        self,
        container: ObservedContainer,
        old: ObservedEndpoint,
        new: ObservedEndpoint | None,
        now: ObservedNetwork | None,
    ) -> Iterator[str]:
        wanted = self.desired.networks.get(old.network)
        exclusive = bool(wanted and wanted.exclusive and old.mark is None)
        if not (self.policy.disrupt_foreign or exclusive or self._is_destroyed(container, old)):
            yield "foreign, and its network went without consent"
        if now is None or exclusive:
            if new is not None:
                yield "foreign, and still lists a network that went"
        elif new is None or new.phantom:
            yield "foreign, and did not come back"
        else:
            if (
                self._own(old, new) != _plain(new.settings)
                or _foreign_names(old, new, container)
                or old.mark != new.mark
            ):
                yield f"foreign, and came back as {new.settings}, was {old.settings}"

    def _is_destroyed(self, container: ObservedContainer, endpoint: ObservedEndpoint) -> bool:
        """Whether the file that is being destroyed declares it."""
        declared = (
            self.policy.destroyed.containers.get(container.name) if self.policy.destroyed else None
        )
        return declared is not None and endpoint.network in [
            wanted.network for wanted in declared.endpoints
        ]

    def _own(self, old: ObservedEndpoint, new: ObservedEndpoint) -> dict[str, Value]:
        """Its settings, without static addresses that did not fit any more and became dynamic."""
        lost = self._lost(old.settings, old, new)
        return {path: value for path, value in _plain(old.settings).items() if path not in lost}

    def _lost(self, own: Settings, old: ObservedEndpoint, new: ObservedEndpoint) -> frozenset[str]:
        """The paths of static addresses that it had and may have lost: its network was replaced,
        and cannot give them.
        """
        stale = bool(old.network_id) and all(
            network.id != old.network_id for network in self.before.networks
        )
        return self._unfit(own, new) if stale or self._moved(old, new) else frozenset()

    def _unfit(self, own: Settings, new: ObservedEndpoint) -> frozenset[str]:
        """The paths of static addresses that it has no longer, as its network cannot give them.

        One whose subnet the engine chose cannot give any: its ID tells (simulator.py).
        """
        network = next((n for n in self.after.networks if n.name == new.network), None)
        pools = settings_pools(network.settings) if network else ()
        chosen = {
            path for path in STATIC if network and path[3] in network.id.partition("-auto")[2]
        }
        gone = (path for path in STATIC if path in own and path not in new.settings)
        return frozenset(
            path for path in gone if path in chosen or not _gives(pools, str(own[path]))
        )

    # --- afterwards -------------------------------------------------------------------------------

    def _starts(self, old: ObservedContainer, new: ObservedContainer) -> Iterator[str]:
        """A stopped container that could have been started still can; a running one that could be
        restarted too.
        """
        mode = new.network_mode
        if (
            Engine(self.before)._mode_resolves(old)
            and not Engine(self.after)._mode_resolves(new)
            and self.after.engine.major >= 23
        ):
            yield f"{old.name} was created on {mode}, which no longer exists"
        if new.live or not _can_start(self.before, old):
            return
        try:
            Engine(self.after).start(new)
        except Violation as violation:
            if "already in use" not in str(violation) and "no available address" not in str(
                violation
            ):
                yield f"{violation}, and could before"


def _addressing(network: ObservedNetwork, family: str) -> dict[str, Value]:
    """What decides which static addresses it can give."""
    paths = (
        f"{family}.subnet",
        f"{family}.gateway",
        f"{family}.ip_range",
        f"{family}.aux_addresses",
    )
    return {path: value for path, value in network.settings.items() if path.startswith(paths)}


def _gives(pools: Iterable[Pool], address: str) -> bool:
    return any(
        within(address, pool.subnet) and address not in reserved(pool)
        for pool in pools
        if version_of(address) == version_of(pool.subnet)
    )


def _can_start(state: ObservedState, container: ObservedContainer) -> bool:
    try:
        Engine(state).start(container)
    except Violation:
        return False
    return True


def _is(path: str, value: Value | None, settings: Settings) -> bool:
    actual = settings.get(path, DEFAULTS.get(path))
    if actual == value:
        return True
    implicit = {
        f"{'ipv6' if ':' in pool.subnet else 'ipv4'}.gateway": implicit_gateway(pool)
        for pool in settings_pools(settings)
    }
    return {actual, value} == {None, implicit.get(path)}


def _settings_hold(
    declared: Settings, endpoint: ObservedEndpoint, container: ObservedContainer
) -> Iterator[str]:
    for path, value in declared.items():
        actual = endpoint.settings.get(path, DEFAULTS.get(path))
        if path == "aliases":
            if missing := _names(value) - _names(actual) - container.implied:
                yield f"aliases {sorted(missing)} are missing"
        elif path == "mac_address":
            if container.live and endpoint.mac != value:
                yield f"has MAC {endpoint.mac}, declared {value}"
        elif actual != value:
            yield f"{path} is {actual}, declared {value}"
    live = {address.partition("/")[0] for address in endpoint.addresses}
    for path in STATIC:
        if container.live and path in declared and declared[path] not in live:
            yield f"lives at {live}, declared {declared[path]}"


def _more_aliases(
    declared: Settings, endpoint: ObservedEndpoint, container: ObservedContainer
) -> frozenset[str]:
    return (
        _names(endpoint.settings.get("aliases"))
        - _names(declared.get("aliases"))
        - container.implied
    )


def _overlaid(
    declared: Settings,
    old: ObservedEndpoint,
    new: ObservedEndpoint,
    mark: EndpointMark | None,
    container: ObservedContainer,
    lost: frozenset[str],
) -> Iterator[str]:
    """Dropped settings go back, those that are nobody's survive; `lost` are paths of addresses that
    could not be given again.
    """
    recorded, given_back = (
        (mark.declared, mark.before if mark.how == "amended" else {}) if mark else ({}, {})
    )
    for path in {*old.settings, *recorded} - {*declared, "aliases", "mac_address"}:
        actual = new.settings.get(path, DEFAULTS.get(path))
        if path in recorded:
            expected = given_back.get(path, DEFAULTS.get(path))
        elif mark and mark.how == "made":
            continue
        else:
            expected = old.settings[path]
        if actual != expected and not (path in lost and actual is None):
            yield f"{path} is {actual}, should be {expected}"
    if mark is None or mark.how == "amended":
        added = _names(recorded.get("aliases")) - _names(given_back.get("aliases"))
        own = _names(old.settings.get("aliases")) - added
        actual_names = _names(new.settings.get("aliases"))
        if own - actual_names - container.implied:
            yield f"lost its own aliases {sorted(own - actual_names)}"
        if more := actual_names - own - _names(declared.get("aliases")) - container.implied:
            yield f"has aliases {sorted(more)} that nobody declares"


def _marked(
    declared: Settings, old: ObservedEndpoint, new: ObservedEndpoint, mark: EndpointMark | None
) -> Iterator[str]:
    if old.mark and not mark:
        if new.mark != old.mark:
            yield "lost another topology's mark"
    elif mark:
        before = mark.before if mark.how == "amended" else {}
        if not new.mark or (new.mark.topology, new.mark.how, new.mark.before) != (
            mark.topology,
            mark.how,
            before,
        ):
            yield f"was marked {mark}, is {new.mark}"
        elif new.endpoint_id != old.endpoint_id and new.mark.declared != declared:
            yield f"remade with the mark of {new.mark.declared}, declared {declared}"
    elif new.mark and (new.mark.how != "amended" or new.mark.before != old.settings):
        yield f"was somebody's with {old.settings}, is marked {new.mark}"


def _foreign_names(
    old: ObservedEndpoint, new: ObservedEndpoint, container: ObservedContainer
) -> frozenset[str]:
    """Aliases that it lost or gained, those aside that the engine adds."""
    return (
        _names(old.settings.get("aliases")) ^ _names(new.settings.get("aliases"))
    ) - container.implied


def _names(value: Value | None) -> frozenset[str]:
    return frozenset(value) if isinstance(value, tuple) else frozenset()


def _plain(settings: Settings) -> dict[str, Value]:
    """Without the aliases: engines add to them."""
    return {path: value for path, value in settings.items() if path != "aliases"}

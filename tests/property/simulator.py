"""What a real engine does to the model's values: each rule measured on Docker 20.10, 26.1 and 28.5,
and replayed by test_replay.py.

A comment cites the measurement: `engine facts N` is the section (1 snapshot, 2 round trip, 3
errors, 4 stopped containers, 5 replacing, 6 connect options, 7 modes), docs/engines.md says what
follows from them, `replayed` was found by test_replay.py or while writing it. A rule raises
`Violation` where the engine refuses, and also where it answers 200 and does something else than was
asked: a plan must run into neither.

What inspect does not show, whether a subnet was chosen by the engine, is part of the IDs that the
simulator gives: `0000000012-auto4`.
"""

# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network

from reconciler.marks import (
    Place,
    endpoint_options,
    network_labels,
    read_endpoint_mark,
    read_network_mark,
)
from reconciler.model import (
    PREDEFINED,
    EndpointMark,
    EngineInfo,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
    ObservedState,
)
from reconciler.plan import Step
from reconciler.settings import (
    BRIDGE_NAME_OPTION,
    Pool,
    Settings,
    Value,
    family_of,
    pool_settings,
    settings_pools,
)

from .pools import ADDRESSES, AUTOMATIC_POOLS, FAMILIES, lowest, reserved, version_of, within

ALWAYS_THERE = PREDEFINED | {"default"}


class Violation(Exception):  # noqa: N818 - the word the tests use
    """The engine refuses this, or says yes and does something else."""


class Refused(Violation):
    """Refused before anything is done: leaves no phantom."""


def simulate(
    observed: ObservedState, steps: Iterable[Step], automatic: Iterable[tuple[str, str]] = ()
) -> ObservedState:
    """The state after `steps`, in their order. `automatic` are (network ID, family) whose subnet
    the engine chose. Raises Violation.
    """
    engine = Engine(observed, automatic)
    for step in steps:
        engine.run(step)
    return engine.observed


class Engine:
    """One engine. A failing call leaves behind what it leaves behind on a real one."""

    def __init__(self, observed: ObservedState, automatic: Iterable[tuple[str, str]] = ()) -> None:
        self.info = observed.engine
        self.networks = {network.id: network for network in observed.networks}
        self.containers = {container.id: container for container in observed.containers}
        self._automatic = set(automatic)
        self._made: dict[str, str] = {}
        self._serial = max((_serial(known) for known in self._known_ids()), default=0)

    @property
    def observed(self) -> ObservedState:
        """The state as it would be observed now."""
        networks = sorted(self.networks.values(), key=lambda n: (n.name, n.id))
        containers = sorted(self.containers.values(), key=lambda c: (c.name, c.id))
        return ObservedState(self.info, tuple(networks), tuple(containers))

    def run(self, step: Step) -> None:
        """One call. Raises Violation."""
        match step.op:
            case "create":
                mark = step.mark
                assert mark is None or isinstance(mark, NetworkMark)
                self._made[step.network] = self.create(step.network, step.settings, mark)
            case "remove":
                self.remove(self._resolve(step), step.expects)
            case "connect":
                mark = step.mark
                assert mark is None or isinstance(mark, EndpointMark)
                self.connect(self._resolve(step), self._container(step), step.settings, mark)
            case "disconnect":
                if step.network_id == step.network:
                    self.forget(step.network, self._container(step))
                else:
                    self.disconnect(self._resolve(step), self._container(step), step.expects)

    def fail(self, step: Step) -> None:
        """A live connect that fails late: the network stays listed (engine facts 3)."""
        container, settings, mark = self._container(step), step.settings, step.mark
        assert mark is None or isinstance(mark, EndpointMark)
        if (
            container.live
            and not container.endpoint(step.network)
            and not container.endpoint("none")
        ):
            network = self._resolve(step)
            self._put(
                container, replace(self._endpoint(network, container, settings, mark), phantom=True)
            )

    def _resolve(self, step: Step) -> ObservedNetwork:
        """The network that a step names: by the ID observed, or made by an earlier step."""
        network = self.networks.get(step.network_id or self._made.get(step.network, ""))
        if network is None:  # engine facts 3: missing network, 404
            raise Violation(f"{step.text}: network {step.network_id or step.network} not found")
        if network.name != step.network:
            raise Violation(f"{step.text}: {step.network_id} is network {network.name}")
        return network

    def _container(self, step: Step) -> ObservedContainer:
        container = self.containers.get(step.container_id)
        if (
            container is None or container.name != step.container
        ):  # engine facts 3: missing container, 404
            raise Violation(f"{step.text}: no such container: {step.container_id}")
        return container

    # --- networks ---------------------------------------------------------------------------------

    def create(self, name: str, settings: Settings, mark: NetworkMark | None = None) -> str:
        """`POST /networks/create`; returns the new ID."""
        if name in PREDEFINED:  # engine facts 3: create those, 403
            raise Violation(f"create {name}: predefined")
        if any(
            network.name == name for network in self.networks.values()
        ):  # engine facts 3: same name, 409 with CheckDuplicate
            raise Violation(f"create {name}: network with that name exists")
        pools = settings_pools(settings)
        self._check_pools(name, pools)
        self._check_create(name, settings)
        families = self._automatic_families(name, settings)
        kind = "auto" + "".join(family[-1] for family in families) if families else "network"
        network_id = self._new_id(kind)
        labels = network_labels(mark, name) if mark else {}
        values = {**self._network_defaults(), **settings, **self._automatic_pools(name, families)}
        if self.info.api < (1, 48):
            values.pop("enable_ipv4", None)  # engine facts 2: not known before 28
        self.networks[network_id] = ObservedNetwork(
            network_id, name, values, read_network_mark(labels, name)
        )
        return network_id

    def _network_defaults(self) -> dict[str, Value]:
        values: dict[str, Value] = dict.fromkeys(("internal", "attachable", "enable_ipv6"), False)
        if self.info.api >= (1, 48):  # engine facts 2: EnableIPv4 is in 28 only
            values["enable_ipv4"] = True
        return values | {"driver": "bridge", "ipam.driver": "default"}

    def _check_pools(self, name: str, pools: tuple[Pool, ...]) -> None:
        for (
            family
        ) in FAMILIES:  # engine facts 2: the bridge driver takes one subnet of a family, 403
            if sum(family_of(pool.subnet) == family for pool in pools) > 1:
                raise Violation(f"create {name}: bridge driver doesn't support multiple subnets")
        for pool in pools:
            subnet = ip_network(pool.subnet)
            others = [
                other
                for other in map(ip_network, self._subnets())
                if other.version == subnet.version
            ]
            if any(subnet.overlaps(other) for other in others):  # engine facts 3: overlap, 403
                raise Violation(
                    f"create {name}: pool {subnet} overlaps with other one on this address space"
                )
            inside = [pool.gateway, *(address for _, address in pool.aux_addresses)]
            if any(
                address and ip_address(address) not in subnet for address in inside
            ):  # engine facts 3: gateway outside, 400 or 500
                raise Violation(f"create {name}: gateway or auxiliary address outside {subnet}")
            if pool.ip_range and not within(
                pool.ip_range, pool.subnet
            ):  # engine facts 2: range outside, 400 (20 accepts)
                raise Violation(f"create {name}: range {pool.ip_range} outside {subnet}")

    def _check_create(self, name: str, settings: Settings) -> None:
        bridge = settings.get(f"driver_opts.{BRIDGE_NAME_OPTION}")
        option = f"driver_opts.{BRIDGE_NAME_OPTION}"
        if bridge and any(
            network.settings.get(option) == bridge for network in self.networks.values()
        ):
            raise Violation(f"create {name}: networks have same bridge name")  # replayed: 403
        if bridge == "docker0":  # engine facts 2: 403, and on 20 the default bridge breaks
            raise Violation(f"create {name}: docker0 is the default bridge's")
        if settings.get("enable_ipv4") is False and self.info.api < (
            1,
            48,
        ):  # engine facts 2: ignored before 28
            raise Violation(f"create {name}: enable_ipv4 is ignored")
        if (
            settings.get("enable_ipv4") is False and settings.get("enable_ipv6") is not True
        ):  # engine facts 2: 400 on 28
            raise Violation(f"create {name}: IPv4 or IPv6 must be enabled")

    def _automatic_families(self, name: str, settings: Settings) -> tuple[str, ...]:
        """The families whose subnet the engine chooses."""
        families = []
        if settings.get("enable_ipv4") is not False and not settings.get(
            "ipv4.subnet"
        ):  # engine facts 2: also where only v6 is given
            families.append("ipv4")
        if settings.get("enable_ipv6") is True and not settings.get("ipv6.subnet"):
            if self.info.api < (1, 48):  # engine facts 2: 28 allocates a ULA, before it is 404
                raise Violation(
                    f"create {name}: could not find an available, non-overlapping IPv6 address pool"
                )
            families.append("ipv6")
        return tuple(families)

    def _automatic_pools(self, name: str, families: tuple[str, ...]) -> dict[str, Value]:
        """engine facts 2: the lowest free default pool, with its gateway."""
        taken = [ip_network(subnet) for subnet in self._subnets()]
        pools = []
        for family in families:
            candidates = (
                AUTOMATIC_POOLS if family == "ipv4" else (f"fd00:aaaa:{self._serial:x}::/64",)
            )
            free = (
                c
                for c in candidates
                if not any(t.version == version_of(c) and t.overlaps(ip_network(c)) for t in taken)
            )
            subnet = next(free, None)
            if subnet is None:  # engine facts 3: pools exhausted
                raise Violation(f"create {name}: no address pool left")
            pools.append(Pool(subnet, str(ip_network(subnet)[1])))
        return pool_settings(pools)

    def _subnets(self) -> Iterator[str]:
        for network in self.networks.values():
            if network.scope != "swarm":
                yield from (pool.subnet for pool in settings_pools(network.settings))

    def remove(self, network: ObservedNetwork, expects: Iterable[str] | None = None) -> None:
        """`DELETE /networks/{id}`. `expects`: the containers that may still list it; None is
        any.
        """
        if network.name in PREDEFINED:  # engine facts 3: 403
            raise Violation(f"remove {network.name}: predefined")
        users = [
            c
            for c in self.containers.values()
            if any(e.network_id == network.id for e in c.endpoints)
        ]
        active = [c.name for c in users if c.live]
        if (
            active or network.outside
            # engine facts 3: rm in use, 403. Exited ones do not count (engine facts 4), nor phantoms
        ):
            raise Violation(
                f"remove {network.name}: has active endpoints {active or network.outside}"
            )
        if expects is not None and (others := [c.name for c in users if c.id not in expects]):
            raise Violation(f"remove {network.name}: unexpectedly used by {others}")
        del self.networks[
            network.id
        ]  # engine facts 4: what exited containers list is stale from now on

    # --- endpoints --------------------------------------------------------------------------------

    def connect(
        self,
        network: ObservedNetwork,
        container: ObservedContainer,
        settings: Settings,
        mark: EndpointMark | None = None,
    ) -> None:
        """`POST /networks/{id}/connect`."""
        what = f"connect {container.name} to {network.name}"
        self._check_modes(what, network, container)
        self._check_settings(what, network, settings)
        listed = container.endpoint(network.name)
        if not container.live:
            # engine facts 4, docs/engines.md Stopped containers: a second connect to a listed
            # network answers 200 and is ignored; a stale entry is overwritten
            if listed and (not listed.network_id or listed.network_id in self.networks):
                raise Violation(f"{what}: already listed, silently ignored")
            self._check_inside(what, network, settings)
            self._put(container, self._endpoint(network, container, settings, mark))
            return
        if listed and not listed.phantom:  # engine facts 3: connect twice, 403
            raise Violation(f"{what}: endpoint already exists")
        if self.info.major >= 23 and not self._mode_resolves(
            container
        ):  # engine facts 5: 404 on 26 and 28
            raise Violation(
                f"{what}: could not find a network matching network mode {container.network_mode}"
            )
        try:
            self._check_inside(what, network, settings)
            addresses = tuple(self._give(what, network, settings))
        except Refused:
            raise
        except Violation:
            # engine facts 3, docs/engines.md Phantoms; a second failure leaves the first one's
            # settings (replayed)
            if not listed:
                self._put(
                    container,
                    replace(self._endpoint(network, container, settings, mark), phantom=True),
                )
            raise
        endpoint = self._endpoint(network, container, settings, mark)
        self._put(container, self._joined(endpoint, network, addresses))

    def _joined(
        self, endpoint: ObservedEndpoint, network: ObservedNetwork, addresses: tuple[str, ...]
    ) -> ObservedEndpoint:
        endpoint_id = self._new_id("endpoint")
        mac = f"02:42:00:00:{self._serial >> 8:02x}:{self._serial & 255:02x}" if addresses else ""
        return replace(
            endpoint, network_id=network.id, endpoint_id=endpoint_id, addresses=addresses, mac=mac
        )

    def _check_modes(
        self, what: str, network: ObservedNetwork, container: ObservedContainer
    ) -> None:
        if container.network_mode == "host" or container.network_mode.startswith("container:"):
            # engine facts 3: 400 while it runs; engine facts 7: stopped, 200 may be a lie
            raise Violation(f"{what}: shares a network namespace")
        if network.name == "host":  # engine facts 3: connect to `host`, 400
            raise Violation(f"{what}: nobody is connected to host")
        if container.endpoint("none") or (
            network.name == "none" and container.endpoints
        ):  # engine facts 3 and 7: 400
            raise Violation(f"{what}: none excludes every other network")

    def _check_settings(self, what: str, network: ObservedNetwork, settings: Settings) -> None:
        for family, path in ADDRESSES.items():
            if path not in settings:
                continue
            if network.name in PREDEFINED:  # engine facts 3: IP on default bridge, 400
                raise Violation(f"{what}: user specified IP address on a predefined network")
            configured = f"{family}.subnet" in network.settings and not self._is_automatic(
                network, family
            )
            if not configured:  # engine facts 3: IP on auto-subnet network, 400
                raise Violation(f"{what}: user specified IP address needs a user configured subnet")
        if network.name in PREDEFINED and settings.get(
            "aliases"
        ):  # engine facts 3: alias on default bridge, 400
            raise Violation(f"{what}: alias on a predefined network")
        if self.info.api < (1, 48) and settings.get(
            "gw_priority"
        ):  # engine facts 6: honoured by 28 only
            raise Violation(f"{what}: gw_priority is silently ignored")

    def _check_inside(self, what: str, network: ObservedNetwork, settings: Settings) -> None:
        for family, path in ADDRESSES.items():
            if (address := settings.get(path)) is None:
                continue
            subnets = [
                pool.subnet
                for pool in settings_pools(network.settings)
                if family_of(pool.subnet) == family
            ]
            if not any(
                ip_address(str(address)) in ip_network(subnet) for subnet in subnets
            ):  # engine facts 3: 400 or 500
                if self.info.major >= 23:
                    raise Refused(f"{what}: {address} is in no configured subnet")
                raise Violation(
                    f"{what}: {address} does not belong to any of this network's subnets"
                )

    def _give(self, what: str, network: ObservedNetwork, settings: Settings) -> Iterator[str]:
        """The live addresses of a new endpoint: the configured ones, else the lowest free one of
        each pool.
        """
        used = self._used(network)
        for pool in settings_pools(network.settings):
            family = family_of(pool.subnet)
            if (
                network.settings.get(f"enable_{family}", family == "ipv4") is False
            ):  # engine facts 2: a v6 subnet alone enables nothing
                continue
            address = settings.get(ADDRESSES[family])
            if address in used:  # engine facts 3: IP in use/aux/net/broadcast/gateway, 403
                raise Violation(f"{what}: address {address} already in use")
            given = str(address) if address else lowest(pool, used)
            if given is None:
                raise Violation(f"{what}: no available address in {pool.subnet}")
            yield f"{given}/{ip_network(pool.subnet).prefixlen}"

    def _used(self, network: ObservedNetwork) -> frozenset[str]:
        """engine facts 4: only live endpoints hold addresses; a stopped container's configured one
        is not reserved.
        """
        endpoints = (
            e
            for c in self.containers.values()
            if c.live
            for e in c.endpoints
            if e.network_id == network.id
        )
        held = {address.partition("/")[0] for e in endpoints for address in e.addresses}
        return frozenset(held).union(*(reserved(pool) for pool in settings_pools(network.settings)))

    def _endpoint(
        self,
        network: ObservedNetwork,
        container: ObservedContainer,
        settings: Settings,
        mark: EndpointMark | None,
    ) -> ObservedEndpoint:
        """What inspect shows of it: as sent, without what is ignored, with what the engine adds."""
        values = {
            path: value
            for path, value in settings.items()
            if value not in ((), 0) or value is False
        }
        if container.live:  # engine facts 6: the MAC on connect is ignored
            values.pop("mac_address", None)
        place = Place(container.name, network.name)
        read = (
            read_endpoint_mark(endpoint_options(mark, place), place, container.id) if mark else None
        )
        return self._named(ObservedEndpoint(network.name, settings=values, mark=read), container)

    def _named(self, endpoint: ObservedEndpoint, container: ObservedContainer) -> ObservedEndpoint:
        """engine facts 1: up to API 1.44 the hostname is shown among the aliases."""
        values = dict(endpoint.settings)
        aliases = {*(values.pop("aliases", ()) or ())} - {container.id[:12]}  # type: ignore[misc]
        if self.info.api < (1, 45) and endpoint.network not in PREDEFINED:
            aliases |= container.implied - {container.id[:12]}
        if aliases:
            values["aliases"] = tuple(sorted(aliases))
        return replace(endpoint, settings=values)

    def disconnect(
        self, network: ObservedNetwork, container: ObservedContainer, expects: Iterable[str] = ()
    ) -> None:
        """`POST /networks/{id}/disconnect`. `expects`: the endpoint IDs that may be there; none is
        any.
        """
        what = f"disconnect {container.name} from {network.name}"
        endpoint = container.endpoint(network.name)
        if endpoint is None:  # engine facts 3: 500
            raise Violation(f"{what}: is not connected")
        if container.network_mode == "host" or network.name == "host":  # engine facts 3 and 7
            raise Violation(f"{what}: a host container stays on the host")
        if (
            container.live and endpoint.network_id != network.id
        ):  # engine facts 3: phantoms too, 500 also with force
            raise Violation(f"{what}: is not connected, only listed")
        if any(expects) and endpoint.endpoint_id not in expects:
            raise Violation(f"{what}: endpoint {endpoint.endpoint_id} was not planned for")
        rest = tuple(e for e in container.endpoints if e is not endpoint)
        self.containers[container.id] = replace(container, endpoints=rest)

    def forget(self, name: str, container: ObservedContainer) -> None:
        """The same by the name of a network that is gone, with force where the container runs
        (engine facts 3 and 4).
        """
        endpoint = container.endpoint(name)
        if endpoint is None or any(network.name == name for network in self.networks.values()):
            raise Violation(
                f"disconnect {container.name} from lost {name}: not listed, or not lost"
            )
        rest = tuple(e for e in container.endpoints if e is not endpoint)
        self.containers[container.id] = replace(container, endpoints=rest)

    def _put(self, container: ObservedContainer, endpoint: ObservedEndpoint) -> None:
        rest = [e for e in container.endpoints if e.network != endpoint.network]
        endpoints = tuple(sorted([*rest, endpoint], key=lambda e: e.network))
        self.containers[container.id] = replace(container, endpoints=endpoints)

    def _mode_resolves(self, container: ObservedContainer) -> bool:
        mode = container.network_mode
        found = any(
            network.name == mode or network.id.startswith(mode)
            for network in self.networks.values()
        )
        return mode in ALWAYS_THERE or mode.startswith("container:") or found

    def _is_automatic(self, network: ObservedNetwork, family: str) -> bool:
        chosen = network.id.partition("-auto")[2]
        return family[-1] in chosen or (network.id, family) in self._automatic

    # --- containers: what others do to them -------------------------------------------------------

    def create_container(
        self, name: str, mode: str = "bridge", hostname: str = "", settings: Settings | None = None
    ) -> ObservedContainer:
        """`POST /containers/create` with one network: by the name in `mode`, or by its ID."""
        container_id = self._new_id("container")
        implied = frozenset(filter(None, (container_id[:12], hostname)))
        container = ObservedContainer(container_id, name, "created", mode, (), implied)
        wanted = "bridge" if mode == "default" else mode
        network = next((n for n in self.networks.values() if wanted in (n.name, n.id)), None)
        if network:
            endpoint = ObservedEndpoint(
                network.name, settings=settings or {}
            )  # engine facts 1: a created one's NetworkID is ""
            container = replace(container, endpoints=(endpoint,))
        self.containers[container_id] = container
        return container

    def start(self, container: ObservedContainer) -> None:
        """`POST /containers/{id}/start`: every listed network is joined, or the start fails."""
        what = f"start {container.name}"
        if self.info.major >= 23 and not self._mode_resolves(container):  # engine facts 5
            raise Violation(
                f"{what}: could not find a network matching network mode {container.network_mode}"
            )
        other = self.containers.get(container.network_mode.removeprefix("container:"))
        if other and not other.live:  # replayed: 409 on 20
            raise Violation(f"{what}: cannot join network of a non running container")
        started: list[ObservedEndpoint] = []
        for endpoint in container.endpoints:
            by_name = (n for n in self.networks.values() if n.name == endpoint.network)
            network = (
                self.networks.get(endpoint.network_id)
                if endpoint.network_id
                else next(by_name, None)
            )
            if network is None:  # engine facts 4: entries that ran bind by ID, others by name
                raise Violation(
                    f"{what}: network {endpoint.network_id or endpoint.network} not found"
                )
            self._check_inside(what, network, endpoint.settings)
            addresses = tuple(self._give(what, network, endpoint.settings))
            started.append(self._joined(self._named(endpoint, container), network, addresses))
        self.containers[container.id] = replace(
            container, state="running", endpoints=tuple(started)
        )

    def stop(self, container: ObservedContainer) -> None:
        """engine facts 1: an exited container keeps its network IDs, and neither endpoint IDs nor
        addresses; no phantom is told apart.
        """
        endpoints = tuple(
            replace(e, endpoint_id="", addresses=(), mac="", phantom=False)
            for e in container.endpoints
        )
        self.containers[container.id] = replace(container, state="exited", endpoints=endpoints)

    def pause(self, container: ObservedContainer) -> None:
        """engine facts 1: a paused container keeps everything."""
        self.containers[container.id] = replace(container, state="paused")

    # --- IDs --------------------------------------------------------------------------------------

    def _known_ids(self) -> Iterator[str]:
        yield from self.networks
        for container in self.containers.values():
            yield container.id
            yield container.network_mode
            for endpoint in container.endpoints:
                yield from (endpoint.network_id, endpoint.endpoint_id)

    def _new_id(self, kind: str) -> str:
        self._serial += 1
        return f"{self._serial:010d}-{kind}"


def empty(info: EngineInfo) -> Engine:
    """An engine with nothing but its own networks."""
    engine = Engine(ObservedState(info))
    docker0 = pool_settings([Pool("172.17.0.0/16", "172.17.0.1")])
    for name, driver, more in (
        ("bridge", "bridge", docker0),
        ("host", "host", {}),
        ("none", "null", {}),
    ):
        network_id = engine._new_id("auto4" if name == "bridge" else "network")
        engine.networks[network_id] = ObservedNetwork(
            network_id, name, {**engine._network_defaults(), "driver": driver, **more}
        )
    return engine


def _serial(known: str) -> int:
    head, dash, _ = known.partition("-")
    return int(head) if dash and head.isdigit() else 0

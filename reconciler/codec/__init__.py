"""Between the Docker API's JSON and the model. Everything the planner compares is brought to one
form here, and only here.

Bodies hold what is set and nothing else, so that the engine's own defaults stand. Readers drop what
an engine adds by itself: addresses that it chose on a swarm's networks, the short container ID
among the aliases. Nothing secret is read: of a container only its name, state, hostname, published
ports and attachments.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..fast_dataclasses import replace
from ..marks import (
    CURE,
    Place,
    alias_of_options,
    endpoint_options,
    network_labels,
    options_of_alias,
    read_endpoint_mark,
    read_network_mark,
    without_marks,
)
from ..model import (
    DOCKER_28_API,
    EndpointMark,
    EngineInfo,
    Flavor,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
)
from ..network_mode import read_mode
from ..settings import (
    IFNAME_OPTION,
    MTU_OPTION,
    STATIC,
    Pool,
    Settings,
    Value,
    canonical_address,
    canonical_mac,
    canonical_option,
    canonical_prefix,
    family_of,
    pool_settings,
    settings_pools,
    subtree,
)
from ..settings.endpoint_rows import ENDPOINT
from ..settings.network_rows import NETWORK
from ..settings.row import body_of, reader
from .swarm_networks import service_of

Json = Mapping[str, Any]

SHORT_ID = 12

_read_network, _read_endpoint_rows = reader(NETWORK), reader(ENDPOINT)
_NO_FLAGS = {row.path: False for row in NETWORK if row.kind.type is bool}
_PODMAN_OPTIONS = {"driver_opts.mtu": f"driver_opts.{MTU_OPTION}"}
PODMANS_BRIDGE = "podman"
"""What Podman calls the network that it lists as `bridge`."""
_PODMAN_DEFAULT = {PODMANS_BRIDGE: "bridge"}
"""Podman lists its default network as `bridge`, but containers name it `podman`."""


# --- to the engine --------------------------------------------------------------------------------


def network_body(name: str, settings: Settings, mark: NetworkMark | None = None) -> dict[str, Any]:
    """The body of `POST /networks/create`."""
    labels = subtree(settings, "labels") | (network_labels(mark, name) if mark else {})
    rows = body_of(NETWORK, settings).get("Network", {})
    pools = [_pool_body(pool) for pool in settings_pools(settings)]
    ipam = set_only({**rows.pop("IPAM", {}), "Config": pools})
    return set_only({"Name": name, "CheckDuplicate": True, **rows, "IPAM": ipam, "Labels": labels})


def _pool_body(pool: Pool) -> dict[str, Any]:
    aux = dict(pool.aux_addresses)
    return set_only(
        {
            "Subnet": pool.subnet,
            "Gateway": pool.gateway,
            "IPRange": pool.ip_range,
            "AuxiliaryAddresses": aux,
        }
    )


def endpoint_body(
    container_id: str,
    settings: Settings,
    mark: EndpointMark | None = None,
    place: Place | None = None,
    flavor: Flavor = "docker",
) -> dict[str, Any]:
    """The body of `POST /networks/{id}/connect`."""
    return set_only(
        {
            "Container": container_id,
            "EndpointConfig": endpoint_config(settings, mark, place, flavor),
        }
    )


def endpoint_config(
    settings: Settings, mark: EndpointMark | None, place: Place | None, flavor: Flavor
) -> dict[str, Any]:
    """How an endpoint is written wherever one is asked for; its mark names `place`. Podman drops
    driver options: an alias holds it it.
    """
    options, own = subtree(settings, "driver_opts"), endpoint_options(mark, place) if mark else {}
    aliases = as_list(settings.get("aliases"))
    if flavor == "docker":
        options |= own
    elif own:
        aliases.append(alias_of_options(own))
    if "interface_name" in settings:
        options[IFNAME_OPTION] = str(settings["interface_name"])
    rows = body_of(ENDPOINT, settings).get("Endpoint", {})
    return set_only({**rows, "Aliases": aliases, "DriverOpts": options})


def set_only(body: dict[str, Any]) -> dict[str, Any]:
    """`body` without what is empty; zero and false are something."""
    return {
        key: value for key, value in body.items() if value is not None and value not in ("", {}, [])
    }


def as_list(value: Value | None) -> list[str]:
    """A setting that is a list, as JSON has it."""
    return list(value) if isinstance(value, tuple) else []


# --- from the engine: networks --------------------------------------------------------------------


def read_network(
    raw: Json, engine: EngineInfo, containers: Collection[str] = ()
) -> ObservedNetwork:
    """A network as listed or inspected. `containers` are the IDs of this engine's own; an endpoint
    of any other is `outside`.

    The swarm's load balancer is not: it comes and goes with the network.
    """
    labels = strings(raw.get("Labels"))
    attached = raw.get("Containers") or {}
    ours = {f"lb-{raw['Name']}", *containers}
    outside = sorted(
        (seen or {}).get("Name") or key for key, seen in attached.items() if key not in ours
    )
    return ObservedNetwork(
        id=raw["Id"],
        name=raw["Name"],
        settings=_network_settings(raw, labels, engine),
        mark=read_network_mark(labels, raw["Name"]),
        scope=raw.get("Scope") or "local",
        outside=tuple(outside),
        ingress=raw.get("Ingress") is True,
        config_from=str((raw.get("ConfigFrom") or {}).get("Network") or ""),
        created=raw.get("Created") or "",
    )


def _network_settings(raw: Json, labels: Mapping[str, str], engine: EngineInfo) -> dict[str, Value]:
    podman = engine.flavor == "podman"
    settings: dict[str, Value] = {
        "driver": "bridge",
        **_NO_FLAGS,
        **_read_network({"Network": raw}),
    }
    if engine.api < DOCKER_28_API or podman:
        del settings["enable_ipv4"]  # it says nothing of it, and Podman always says no
    if podman:
        settings = {
            _PODMAN_OPTIONS.get(path, path): value
            for path, value in settings.items()
            if not path.startswith("ipam.options.")
        }
    settings |= pool_settings(_read_pools((raw.get("IPAM") or {}).get("Config") or ()))
    return settings | prefixed("labels", without_marks(labels))


def _read_pools(config: Iterable[Json]) -> list[Pool]:
    return [_read_pool(item) for item in config if item.get("Subnet")]


def _read_pool(item: Json) -> Pool:
    aux = item.get("AuxiliaryAddresses") or {}
    return Pool(
        canonical_prefix(item["Subnet"]),
        canonical_address(item["Gateway"]) if item.get("Gateway") else None,
        canonical_prefix(item["IPRange"]) if item.get("IPRange") else None,
        tuple(
            sorted((host, canonical_address(address)) for host, address in aux.items() if address)
        ),
    )


# --- from the engine: containers ------------------------------------------------------------------


def read_container(raw: Json, engine: EngineInfo, swarm: Collection[str] = ()) -> ObservedContainer:
    """A container as inspected. `swarm` are the IDs of the networks on which the engine writes
    dynamic addresses as if configured.
    """
    config, network_settings = raw.get("Config") or {}, raw.get("NetworkSettings") or {}
    container = ObservedContainer(
        id=raw["Id"],
        name=raw["Name"].removeprefix("/"),
        state=(raw.get("State") or {}).get("Status") or "",
        network_mode=(raw.get("HostConfig") or {}).get("NetworkMode") or "default",
        implied=frozenset(name for name in (raw["Id"][:SHORT_ID], config.get("Hostname")) if name),
        mac=canonical_mac(config.get("MacAddress") or ""),
        ports=tuple(_read_ports(network_settings.get("Ports") or {})),
        service=service_of(config.get("Labels")),
        created=raw.get("Created") or "",
    )
    return _attached(container, network_settings.get("Networks") or {}, engine, swarm)


def read_listed(raw: Json, engine: EngineInfo) -> ObservedContainer:
    """A container as listed: enough for one that shares a network namespace, whose attachments
    nobody can change.
    """
    container = ObservedContainer(
        id=raw["Id"],
        name=listed_name(raw),
        state=raw.get("State") or "",
        network_mode=listed_mode(raw),
        implied=frozenset({raw["Id"][:SHORT_ID]}),
        service=service_of(raw.get("Labels")),
    )
    return _attached(
        container, (raw.get("NetworkSettings") or {}).get("Networks") or {}, engine, ()
    )


def listed_name(raw: Json) -> str:
    """The name of a listed container: the one without a second slash (the others are legacy
    links).
    """
    names = [str(name).removeprefix("/") for name in raw.get("Names") or ()]
    return next((name for name in names if "/" not in name), str(raw["Id"])[:SHORT_ID])


def listed_mode(raw: Json) -> str:
    """The network mode in a list's entry; empty on Podman, whose list does not say."""
    return str((raw.get("HostConfig") or {}).get("NetworkMode") or "")


def shares_namespace(mode: str) -> bool:
    """Whether a container of this mode has no network namespace of its own."""
    return not read_mode(mode).attachable


def _attached(
    container: ObservedContainer, networks: Json, engine: EngineInfo, swarm: Collection[str]
) -> ObservedContainer:
    if read_mode(container.network_mode).shares:
        return container
    renamed = _PODMAN_DEFAULT if engine.flavor == "podman" else {}
    can_be_phantom = (
        engine.flavor == "docker" and container.live and container.network_mode != "host"
    )
    plain = _unhidden if engine.flavor == "podman" else dict
    endpoints = [
        _read_endpoint(
            renamed.get(name, name), plain(entry or {}), container, can_be_phantom, swarm
        )
        for name, entry in sorted(networks.items())
        if name
    ]
    return replace(container, endpoints=tuple(endpoints))


def _unhidden(raw: Json) -> dict[str, Any]:
    """An endpoint of Podman's with what an alias holds back among its driver options."""
    aliases = {alias: options_of_alias(alias) for alias in raw.get("Aliases") or ()}
    options = dict(raw.get("DriverOpts") or {})
    for own in aliases.values():
        options |= own or {}
    return {
        **raw,
        "Aliases": [alias for alias, own in aliases.items() if own is None],
        "DriverOpts": options,
    }


def _read_endpoint(
    name: str, raw: Json, container: ObservedContainer, can_be_phantom: bool, swarm: Collection[str]
) -> ObservedEndpoint:
    options = _options(raw.get("DriverOpts"))
    mark = read_endpoint_mark(options, Place(container.name, name), container.id)
    network_id, endpoint_id = raw.get("NetworkID") or "", raw.get("EndpointID") or ""
    cured = options.get(CURE) in ("1", container.id[:SHORT_ID])
    return ObservedEndpoint(
        network=name,
        network_id=network_id,
        endpoint_id=endpoint_id,
        settings=_endpoint_settings(raw, options, mark, container, network_id in swarm),
        mark=mark,
        addresses=tuple(_read_addresses(raw)) if container.live else (),
        mac=canonical_mac(raw.get("MacAddress") or "") if container.live else "",
        phantom=can_be_phantom and name != "none" and (cured or not (network_id or endpoint_id)),
    )


def _endpoint_settings(
    raw: Json,
    options: Mapping[str, str],
    mark: EndpointMark | None,
    container: ObservedContainer,
    swarm: bool,
) -> dict[str, Value]:
    declared: Settings = mark.declared if mark else {}
    settings = _read_endpoint_rows({"Endpoint": raw})
    for path in STATIC if swarm else ():
        if path not in declared:  # the engine's own choice, which it writes as if configured
            settings.pop(path, None)
    if aliases := set(raw.get("Aliases") or ()) - {container.id[:SHORT_ID]}:
        settings["aliases"] = tuple(sorted(aliases))
    else:
        settings.pop("aliases", None)
    mac = settings.get("mac_address")
    if mac and container.live and mac not in (container.mac, declared.get("mac_address")):
        del settings["mac_address"]
    if not options:
        return settings
    if options.get(IFNAME_OPTION):
        settings["interface_name"] = options[IFNAME_OPTION]
    plain = {key: value for key, value in without_marks(options).items() if key != IFNAME_OPTION}
    return settings | prefixed("driver_opts", plain)


def _read_addresses(raw: Json) -> Iterable[str]:
    for address, length in (
        ("IPAddress", "IPPrefixLen"),
        ("GlobalIPv6Address", "GlobalIPv6PrefixLen"),
    ):
        if raw.get(address):
            yield f"{canonical_address(raw[address])}/{raw.get(length) or 0}"


def _read_ports(ports: Json) -> Iterable[str]:
    """What of the host leads where; nothing does on a routed network, of which engines list a
    binding without a port.
    """
    for inside in sorted(ports, key=_port_order):
        for binding in filter(_has_port, ports[inside] or ()):
            host = binding.get("HostIp") or "0.0.0.0"
            where = f"[{host}]" if family_of(host) == "ipv6" else host
            yield f"{where}:{binding['HostPort']}->{inside}"


def _has_port(binding: Json) -> bool:
    return bool(binding.get("HostPort"))


def _port_order(inside: str) -> tuple[int, str]:
    number = inside.partition("/")[0]
    return (int(number) if number.isdigit() else 0, inside)


def strings(value: Json | None) -> dict[str, str]:
    """Labels and the like: null is none."""
    return {str(key): "" if item is None else str(item) for key, item in (value or {}).items()}


def _options(value: Json | None) -> dict[str, str]:
    return {str(key): canonical_option(item) for key, item in (value or {}).items()}


def prefixed(prefix: str, mapping: Mapping[str, str]) -> dict[str, Value]:
    """`labels`, `{"a": "1"}` -> `{"labels.a": "1"}`: the inverse of `subtree`."""
    return {f"{prefix}.{key}": mapping[key] for key in sorted(mapping)}

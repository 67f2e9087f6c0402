"""From a topology file to the desired state: text, positions, schema, rules, values.

`load_text` is pure but for the `env_file`s that a text names; `load` and `find_files` (files.py)
are what reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from ..errors import InputError, Problem
from ..fast_dataclasses import dataclass, replace
from ..gc_pause import no_cycle_search
from ..model import DesiredContainer, DesiredEndpoint, DesiredNetwork, DesiredState
from ..settings import (
    IFNAME_OPTION,
    MTU_OPTION,
    BadValueError,
    Pool,
    Value,
    canonical_address,
    canonical_option,
    canonical_prefix,
    pool_settings,
)
from ..settings.endpoint_rows import ENDPOINT
from ..settings.network_rows import NETWORK
from ..settings.units import lifetime
from .advice import advise
from .attachment_checks import attachments, check_containers, implied, optional
from .container_checks import Checked, check_services
from .container_reader import Common, Service
from .container_settings import labels
from .document import MAX_PROBLEMS, MORE_PROBLEMS, Document, Map
from .engine_names import DEFAULT, container_name, is_external, network_name
from .files import Place, find_files, read_text
from .network_checks import NetworkFacts, check_networks
from .report import EnoughError, Report, mapping, members, resolve_dollars, text
from .rows import plain_settings
from .schema import flag, problems_of_schema
from .secrets_configs import read_shared_files
from .volumes import declared_volumes, read_volumes
from .yamlpos import read

__all__ = ["Loaded", "find_files", "load", "load_text"]


class Loaded(NamedTuple):
    """A file that is in order: what it declares, and what it probably does not mean."""

    state: DesiredState
    warnings: tuple[Problem, ...] = ()


def load(path: str) -> Loaded:
    """What the file at `path` (`-` is standard input) declares, and warnings.

    Raises UsageError if there is nothing to read, InputError with every problem of the text.
    """
    file, content = read_text(path)
    return load_text(content, file)


def load_text(text: str, file: str, place: Place | None = None) -> Loaded:
    """What `text` declares, and warnings in order of position; its `place` is the folder of `file`
    unless it is given.

    Raises InputError with every problem at once.
    """
    with no_cycle_search():
        document = read(text, file)
        report = Report(document, place or Place.of(file), [*document.problems])
        checked = Checked()
        with suppress(EnoughError):
            resolve_dollars(report)
            report.problems += problems_of_schema(document)
            checked = check(report) if len(report.problems) <= MAX_PROBLEMS else checked
        found = sorted(set(report.problems))
        if errors := [problem for problem in found if not problem.warning]:
            raise InputError(_shown(errors))
        return Loaded(_state(document, checked, report.place), tuple(found))


def _shown(errors: list[Problem]) -> list[Problem]:
    """Nobody reads more than these."""
    if len(errors) <= MAX_PROBLEMS:
        return errors
    return [*errors[:MAX_PROBLEMS], replace(errors[MAX_PROBLEMS], message=MORE_PROBLEMS)]


def check(report: Report) -> Checked:
    """Every rule beyond the schema; returns the managed containers and the volumes as read on the
    way.
    """
    root = report.document.value
    if not isinstance(root, Map):
        return Checked()
    networks: dict[str, NetworkFacts] = {}
    if isinstance(root.get("networks"), Map | None):
        networks = check_networks(report, text(root, "name") or "", mapping(root, "networks"))
        check_containers(report, mapping(root, "containers"), networks)
    _check_ttl(report, root)
    volumes = read_volumes(report, mapping(root, "volumes"))
    common = Common(volumes, read_shared_files(report, root))
    default = DEFAULT in mapping(root, "networks")
    checked = check_services(report, mapping(root, "containers"), common, default)
    advise(report, mapping(root, "containers"), networks, checked.services.values())
    if "expect" in root:
        from .expectations import read_expectations  # loaded where something is expected

        checked.expectations = read_expectations(report, root)
    return checked


def _check_ttl(report: Report, root: Map) -> None:
    try:
        lifetime(text(root, "ttl") or "1s")
    except BadValueError as error:
        report.error(root.value_at("ttl"), f"ttl: {error}")


# --- values: from here on the document is known to be in order ------------------------------------


def _state(document: Document, checked: Checked, place: Place) -> DesiredState:
    root = document.value
    networks: dict[str, DesiredNetwork] = {}
    names = {"bridge": "bridge"}
    for key, at, value in members(mapping(root, "networks")):
        network = _network(
            document, root["name"], key, at, value if isinstance(value, Map) else Map(at)
        )
        networks[network.name] = network
        names[key] = network.name
    builder = _Builder(
        document,
        names,
        {key: container_name(key, value) for key, _, value in members(mapping(root, "containers"))},
    )
    containers = [
        builder.container(
            key, at, value if isinstance(value, Map) else Map(at), checked.services.get(key)
        )
        for key, at, value in members(mapping(root, "containers"))
    ]
    ttl = lifetime(root["ttl"]) if "ttl" in root else None
    keys = _keys(
        [*names.items(), *builder.containers.items(), *checked.volumes.names.items()],
    )
    return DesiredState(
        root["name"],
        networks,
        {container.name: container for container in containers},
        {volume.name: volume for volume in declared_volumes(document, place)},
        ttl=ttl,
        keys=keys,
        expectations=checked.expectations,
    )


def _keys(named: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Those that have another name on the engine."""
    found: dict[str, tuple[str, ...]] = {}
    for key, name in named:
        if key != name:
            found[key] = (*found.get(key, ()), name)
    return found


def _network(document: Document, topology: str, key: str, at: int, body: Map) -> DesiredNetwork:
    policy = {name: flag(body.get(name)) is True for name in ("exclusive", "protect", "optional")}
    external = is_external(body)
    settings = {} if external else _network_settings(body)
    return DesiredNetwork(
        network_name(topology, key, body), document.source(at), settings, external, **policy
    )


def _network_settings(body: Map) -> dict[str, Value]:
    settings = plain_settings(NETWORK, body)
    entries = [body] if body.get("subnet") else mapping(body, "ipam").get("config") or []
    settings.update(pool_settings(_pool(entry) for entry in entries))
    if body.get("mtu") is not None:
        settings[f"driver_opts.{MTU_OPTION}"] = canonical_option(body["mtu"])
    settings.update(labels(body.get("labels")))
    return settings


def _pool(entry: Map) -> Pool:
    aux = mapping(entry, "aux_addresses")
    return Pool(
        canonical_prefix(entry["subnet"]),
        canonical_address(entry["gateway"]) if entry.get("gateway") else None,
        canonical_prefix(entry["ip_range"]) if entry.get("ip_range") else None,
        tuple(sorted((host, canonical_address(value)) for host, value in aux.items())),
    )


@dataclass(frozen=True, slots=True)
class _Builder:
    """Containers of one document; by key the names that networks and containers have on the
    engine.
    """

    document: Document
    networks: dict[str, str]
    containers: dict[str, str]

    def container(self, key: str, at: int, body: Map, service: Service | None) -> DesiredContainer:
        """One container, with its endpoints."""
        source, name = self.document.source(at), self.containers[key]
        endpoints = tuple(
            self.endpoint(key, network, where, settings)
            for network, where, settings in attachments(body)
        )
        if service is None:
            return DesiredContainer(name, source, endpoints, optional(body))
        if service.mode == "bridge":
            endpoints = (self.endpoint(key, "bridge", at, implied(body)),)
        elif not service.mode and body.get("networks") is None:
            endpoints = (
                self.endpoint(
                    key, DEFAULT if DEFAULT in self.networks else "bridge", at, implied(body)
                ),
            )
        return DesiredContainer(
            name,
            source,
            endpoints,
            managed=True,
            settings=service.settings,
            environment=service.secrets(),
            depends_on=tuple(
                replace(needed, container=self.containers[needed.container])
                for needed, _ in service.depends_on
            ),
            one_shot=service.one_shot,
            pull_policy=service.pull_policy,
        )

    def endpoint(self, key: str, network: str, at: int, body: Map) -> DesiredEndpoint:
        """A container that has another name on the engine is found under its key as well."""
        name, settings = self.networks[network], _endpoint(body)
        if self.containers[key] != key and name != "bridge":
            aliases = settings.get("aliases", ())
            assert isinstance(aliases, tuple)
            settings["aliases"] = tuple(sorted({*aliases, key}))
        return DesiredEndpoint(name, self.document.source(at), settings)


def _endpoint(body: Map) -> dict[str, Value]:
    settings = plain_settings(ENDPOINT, body)
    options = mapping(body, "driver_opts")
    settings |= {f"driver_opts.{key}": canonical_option(item) for key, item in options.items()}
    if (name := settings.pop(f"driver_opts.{IFNAME_OPTION}", None)) is not None:
        settings["interface_name"] = name
    return settings

"""An observed state, and journals, as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..environment_digests import has_digests, sealed
from ..fast_dataclasses import replace
from ..marks import origin_fields
from ..model import (
    ContainerMark,
    Journal,
    ObservedContainer,
    ObservedEndpoint,
    ObservedImage,
    ObservedNetwork,
    ObservedState,
    ObservedVolume,
    Origin,
    Seal,
)
from ..settings import Settings

FORMAT_VERSION = 2
"""2: the digests of environment values are sealed."""


def snapshot_json(
    state: ObservedState, journals: Iterable[Journal] = (), key: str = ""
) -> dict[str, Any]:
    """`state`, and what interrupted runs left beside it, as plain JSON; the same state gives the
    same bytes.

    `key` seals the digests of environment values, so that without it no guess can be confirmed.
    """
    if has_digests(state):
        state = sealed(state, key)
    engine = state.engine
    images = {reference: _image_json(image) for reference, image in sorted(state.images.items())}
    volumes = [volume for _, volume in sorted((state.volumes or {}).items())]
    left = {journal.name: journal_json(journal) for journal in journals if not journal.unreadable}
    return {
        "format_version": FORMAT_VERSION,
        "engine": {
            "id": engine.id,
            "name": engine.name,
            "version": engine.version,
            "api": list(engine.api),
            "flavor": engine.flavor,
            "transport": engine.transport,
            **({"swarm": engine.swarm} if engine.swarm else {}),
            **({"node": engine.node} if engine.node else {}),
            **({"cgroup": engine.cgroup} if engine.cgroup else {}),
        },
        "networks": [_network_json(network) for network in state.networks],
        "containers": [_container_json(container) for container in state.containers],
        **({"environment": _seal_json(state.seal)} if state.seal else {}),
        **({"images": images} if images else {}),
        **({} if state.volumes is None else {"volumes": list(map(_volume_json, volumes))}),
        **({"journals": left} if left else {}),
    }


def journal_json(journal: Journal) -> dict[str, Any]:
    """What a journal holds: networks and endpoints, whose settings hold no secrets, and nothing of
    what a container is run with.
    """
    bare = tuple(
        replace(container, mark=None, settings={}) for container in journal.taken.containers
    )
    taken = snapshot_json(replace(journal.taken, containers=bare, images={}))
    return {
        "topology": journal.topology,
        "order": journal.order,
        "host": journal.host,
        "time": journal.time,
        "taken": taken,
    }


def _seal_json(seal: Seal) -> dict[str, Any]:
    return {"rounds": seal.rounds, "check": seal.check or seal.of("")}


def _network_json(network: ObservedNetwork) -> dict[str, Any]:
    mark = network.mark
    return {
        "id": network.id,
        "name": network.name,
        "scope": network.scope,
        "settings": _plain(network.settings),
        "mark": (
            mark
            and {
                "topology": mark.topology,
                "hashes": dict(sorted(mark.hashes.items())),
                "endpoints": dict(sorted(mark.endpoints.items())),
                "protect": mark.protect,
                **_origin_json(mark.origin),
            }
        ),
        "outside": list(network.outside),
        **({"ingress": True} if network.ingress else {}),
        **({"config_from": network.config_from} if network.config_from else {}),
    } | ({"services": list(network.services)} if network.services else {})


def _volume_json(volume: ObservedVolume) -> dict[str, Any]:
    mark = volume.mark
    return {
        "name": volume.name,
        "settings": _plain(volume.settings),
        "mark": (
            mark
            and {
                "topology": mark.topology,
                "hashes": dict(sorted(mark.hashes.items())),
                **_origin_json(mark.origin),
            }
        ),
        "users": list(volume.users),
    }


def _container_json(container: ObservedContainer) -> dict[str, Any]:
    return {
        "id": container.id,
        "name": container.name,
        "state": container.state,
        "network_mode": container.network_mode,
        "implied": sorted(container.implied),
        "mac": container.mac,
        "ports": list(container.ports),
        "endpoints": [_endpoint_json(endpoint) for endpoint in container.endpoints],
        **({"service": container.service} if container.service else {}),
        **(_managed_json(container, container.mark) if container.mark else {}),
        **({"written_for": container.written_for} if container.written_for else {}),
    }


def _managed_json(container: ObservedContainer, mark: ContainerMark) -> dict[str, Any]:
    return {
        "mark": {
            "topology": mark.topology,
            "hashes": dict(sorted(mark.hashes.items())),
            **_origin_json(mark.origin),
        },
        "settings": _plain(container.settings),
        "image_id": container.image_id,
        "anonymous": dict(sorted(container.anonymous.items())),
        "exit_code": container.exit_code,
        "health": container.health,
    } | ({"severed": True} if container.severed else {})


def _origin_json(origin: Origin | None) -> dict[str, Any]:
    return {"origin": origin_fields(origin)} if origin else {}


def _image_json(image: ObservedImage) -> dict[str, Any]:
    return {
        "id": image.id,
        "settings": _plain(image.settings),
        "platform": image.platform,
        "outdated": image.outdated,
        "unasked": image.unasked,
    } | ({"asked": True} if image.asked else {})


def _endpoint_json(endpoint: ObservedEndpoint) -> dict[str, Any]:
    mark = endpoint.mark
    return (
        {
            "network": endpoint.network,
            "network_id": endpoint.network_id,
            "endpoint_id": endpoint.endpoint_id,
            "settings": _plain(endpoint.settings),
            "mark": (
                mark
                and {
                    "topology": mark.topology,
                    "how": mark.how,
                    "declared": _plain(mark.declared),
                    "before": _plain(mark.before),
                }
            ),
            "addresses": list(endpoint.addresses),
            "mac": endpoint.mac,
            "phantom": endpoint.phantom,
        }
        | ({"half": True} if endpoint.half else {})
        | ({"ghost": True} if endpoint.ghost else {})
    )


def _plain(settings: Settings) -> dict[str, Any]:
    return {
        path: list(value) if isinstance(value, tuple) else value
        for path, value in sorted(settings.items())
    }

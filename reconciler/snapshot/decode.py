"""What snapshots of this and earlier versions hold, as an observed state and journals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..codec.sound import check_container, check_image, check_network, check_volume
from ..environment_digests import MOST_ROUNDS
from ..errors import UsageError
from ..marks import origin_from
from ..model import (
    ContainerMark,
    EndpointMark,
    EngineInfo,
    Journal,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedImage,
    ObservedNetwork,
    ObservedState,
    ObservedVolume,
    Seal,
    VolumeMark,
)
from ..settings import Value
from .encode import FORMAT_VERSION

MOST_ORDER = 10**15
"""Of a journal. What counts higher was not written by netplan."""


UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: lambda value: {**value, "format_version": 2}
}
"""What makes of a snapshot of an earlier version one of the next; none is ever taken out
(tests/formats keeps a snapshot of each).
"""


def state_from_snapshot(value: Mapping[str, Any], key: str = "") -> ObservedState:
    """The state that `snapshot_json` wrote, with that key. Raises UsageError for anything else."""
    version = value.get("format_version") if isinstance(value, Mapping) else None
    if version is None or "kind" in value or "steps" in value:  # a saved plan, a plan
        raise UsageError("this is not a snapshot", "make one with: netplan snapshot > state.json")
    if type(version) is not int or (version != FORMAT_VERSION and version not in UPGRADES):
        what = f"this snapshot has format_version {version}, netplan reads up to {FORMAT_VERSION}"
        raise UsageError(
            what, "use the netplan that made it, or make one with: netplan snapshot > state.json"
        )
    try:
        value = upgraded(dict(value))
        engine = _engine(value["engine"])
        return ObservedState(
            engine,
            tuple(check_network(_network(item)) for item in value["networks"]),
            tuple(check_container(_container(item)) for item in value["containers"]),
            {
                reference: check_image(_image(item))
                for reference, item in value.get("images", {}).items()
            },
            _volumes(value["volumes"]) if "volumes" in value else None,
            seal=_seal(engine.id, value["environment"], key) if "environment" in value else None,
        )
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"this snapshot is damaged: {error!r:.500}",
            "make a new one with: netplan snapshot > state.json",
        ) from error


def journals_from_snapshot(value: Mapping[str, Any]) -> tuple[Journal, ...]:
    """The journals of a snapshot that `state_from_snapshot` took, the oldest first. Raises
    UsageError.
    """
    try:
        found = [journal_from_json(name, item) for name, item in value.get("journals", {}).items()]
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"this snapshot is damaged: {error!r:.500}",
            "make a new one with: netplan snapshot > state.json",
        ) from error
    return tuple(sorted(found, key=lambda journal: (journal.order, journal.name)))


def journal_from_json(name: str, value: Mapping[str, Any]) -> Journal:
    """The journal that `journal_json` wrote. Raises UsageError, KeyError, TypeError or ValueError
    for anything else.
    """
    order = _number(value, "order")
    if abs(order) > MOST_ORDER:
        raise ValueError("order was not counted up by runs of netplan")
    taken = state_from_snapshot(value["taken"])
    return Journal(
        name, _text(value, "topology"), order, taken, _text(value, "host"), _text(value, "time")
    )


def upgraded(value: dict[str, Any]) -> dict[str, Any]:
    """A snapshot of any earlier version as one of this version."""
    while value["format_version"] != FORMAT_VERSION:
        value = UPGRADES[value["format_version"]](value)
    return value


def _seal(salt: str, item: Mapping[str, Any], key: str) -> Seal:
    rounds, check = _number(item, "rounds"), _text(item, "check")
    if not 0 <= rounds <= MOST_ROUNDS:
        raise ValueError(f"rounds cannot be {rounds}")
    seal = Seal(salt, rounds, "" if rounds else key, check=check)
    if rounds and not seal.fits:
        raise ValueError("check is not of this engine and these rounds")
    return seal


def _network(item: Mapping[str, Any]) -> ObservedNetwork:
    return ObservedNetwork(
        id=_text(item, "id"),
        name=_text(item, "name"),
        settings=_settings(item["settings"]),
        mark=None if item["mark"] is None else _network_mark(item["mark"]),
        scope=_text(item, "scope"),
        outside=_texts(item["outside"]),
        services=_texts(item.get("services", [])),
        ingress=_flag(item, "ingress") if "ingress" in item else False,
        config_from=_text(item, "config_from") if "config_from" in item else "",
    )


def _volumes(items: Iterable[Mapping[str, Any]]) -> dict[str, ObservedVolume]:
    found = (
        ObservedVolume(
            _text(item, "name"),
            _settings(item["settings"]),
            None if item["mark"] is None else _volume_mark(item["mark"]),
            _texts(item["users"]),
        )
        for item in items
    )
    return {volume.name: check_volume(volume) for volume in found}


def _volume_mark(item: Mapping[str, Any]) -> VolumeMark:
    hashes = _mapping(item, "hashes")
    return VolumeMark(_text(item, "topology"), hashes, origin_from(item.get("origin", {})))


def _container(item: Mapping[str, Any]) -> ObservedContainer:
    return ObservedContainer(
        id=_text(item, "id"),
        name=_text(item, "name"),
        state=_text(item, "state"),
        network_mode=_text(item, "network_mode"),
        endpoints=tuple(_endpoint(endpoint) for endpoint in item["endpoints"]),
        implied=frozenset(_texts(item["implied"])),
        mac=_text(item, "mac"),
        ports=_texts(item["ports"]),
        service=_text(item, "service") if "service" in item else "",
        **(_managed(item) if "mark" in item else {}),
        written_for=_text(item, "written_for") if "written_for" in item else "",
    )


def _managed(item: Mapping[str, Any]) -> dict[str, Any]:
    mark = item["mark"]
    if item["health"] not in ("", "starting", "healthy", "unhealthy"):
        raise ValueError(f"health cannot be {item['health']!r}")
    return {
        "mark": ContainerMark(
            _text(mark, "topology"), _mapping(mark, "hashes"), origin_from(mark.get("origin", {}))
        ),
        "settings": _settings(item["settings"]),
        "image_id": _text(item, "image_id"),
        "anonymous": _mapping(item, "anonymous"),
        "exit_code": _number(item, "exit_code"),
        "health": item["health"],
        "severed": "severed" in item and _flag(item, "severed"),
    }


def _image(item: Mapping[str, Any]) -> ObservedImage:
    return ObservedImage(
        id=_text(item, "id"),
        settings=_settings(item["settings"]),
        platform=_text(item, "platform"),
        asked="asked" in item and _flag(item, "asked"),
        outdated=_flag(item, "outdated"),
        unasked=_text(item, "unasked"),
    )


def _endpoint(item: Mapping[str, Any]) -> ObservedEndpoint:
    return ObservedEndpoint(
        network=_text(item, "network"),
        network_id=_text(item, "network_id"),
        endpoint_id=_text(item, "endpoint_id"),
        settings=_settings(item["settings"]),
        mark=None if item["mark"] is None else _endpoint_mark(item["mark"]),
        addresses=_texts(item["addresses"]),
        mac=_text(item, "mac"),
        phantom=_flag(item, "phantom"),
        half="half" in item and _flag(item, "half"),
        ghost="ghost" in item and _flag(item, "ghost"),
    )


def _network_mark(item: Mapping[str, Any]) -> NetworkMark:
    hashes, endpoints = _mapping(item, "hashes"), _mapping(item, "endpoints")
    return NetworkMark(
        _text(item, "topology"),
        hashes,
        endpoints,
        _flag(item, "protect"),
        origin_from(item.get("origin", {})),
    )


def _endpoint_mark(item: Mapping[str, Any]) -> EndpointMark:
    if item["how"] not in ("made", "amended"):
        raise ValueError(f"how cannot be {item['how']!r}")
    return EndpointMark(
        _text(item, "topology"), item["how"], _settings(item["declared"]), _settings(item["before"])
    )


def _settings(value: Mapping[str, Any]) -> dict[str, Value]:
    return {
        path: _texts(item) if isinstance(item, list) else _scalar(item)
        for path, item in value.items()
    }


def _scalar(value: object) -> Value:
    if not isinstance(value, (str, int)):
        raise TypeError(f"a setting cannot be {value!r}")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{value!r} is not a list of strings")
    return tuple(value)


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} cannot be {value!r}")
    return value


def _mapping(item: Mapping[str, Any], key: str) -> dict[str, str]:
    return {name: _text(item[key], name) for name in item[key]}


def _number(item: Mapping[str, Any], key: str) -> int:
    return _integer(key, item[key])


def _integer(key: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{key} cannot be {value!r}")
    return value


def _flag(item: Mapping[str, Any], key: str) -> bool:
    value = item[key]
    if not isinstance(value, bool):
        raise TypeError(f"{key} cannot be {value!r}")
    return value


def _engine(item: Mapping[str, Any]) -> EngineInfo:
    major, minor = item["api"]
    if item["flavor"] not in ("docker", "podman"):
        raise ValueError(f"flavor cannot be {item['flavor']!r}")
    if item.get("swarm", "") not in ("", "inactive", "worker", "manager"):
        raise ValueError(f"swarm cannot be {item['swarm']!r}")
    return EngineInfo(
        id=_text(item, "id"),
        name=_text(item, "name"),
        version=_text(item, "version"),
        api=(_integer("api", major), _integer("api", minor)),
        flavor=item["flavor"],
        transport=_text(item, "transport"),
        swarm=item.get("swarm", ""),
        node=_text(item, "node") if "node" in item else "",
        cgroup=_text(item, "cgroup") if "cgroup" in item else "",
    )

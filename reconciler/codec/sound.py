"""Whether what was read of an engine, a snapshot or a journal is what the model says it is: the
planner relies on it, and they may say anything. Each check gives back what it was given, or raises
TypeError or ValueError with what is wrong.
"""

from __future__ import annotations

from ipaddress import ip_network

from ..model import (
    ObservedContainer,
    ObservedEndpoint,
    ObservedImage,
    ObservedNetwork,
    ObservedVolume,
)
from ..settings import FAMILIES, STATIC, Settings, Value, address_of
from ..settings.ports import read_port
from ..settings.value_types import fits


def check_network(network: ObservedNetwork) -> ObservedNetwork:
    """A network: its subnets and what is in them are of their family."""
    _texts(network.id, network.name, network.scope, *network.outside, *network.services)
    _named(network.name)
    _settings(network.settings)
    for path, value in network.settings.items():
        family, _, rest = path.partition(".")
        if family in FAMILIES:
            for text in value if isinstance(value, tuple) else (str(value),):
                _in_family(family, text, prefix=rest.startswith(("subnet", "ip_range")))
    return network


def check_container(container: ObservedContainer) -> ObservedContainer:
    """A container, with what is read of one that netplan runs."""
    _texts(
        container.id,
        container.name,
        container.state,
        container.network_mode,
        container.mac,
        container.service,
    )
    _texts(*container.implied, *container.ports)
    _named(container.name)
    _ports(container.ports)
    for endpoint in container.endpoints:
        _check_endpoint(endpoint)
    if container.mark:
        _texts(container.image_id)
        _settings(container.settings)
        _ports(container.settings.get("ports", ()))
    return container


def check_image(image: ObservedImage) -> ObservedImage:
    """An image."""
    _texts(image.id, image.platform, image.unasked)
    _settings(image.settings)
    return image


def check_volume(volume: ObservedVolume) -> ObservedVolume:
    """A volume."""
    _texts(volume.name, *volume.users, *volume.settings.values())
    _named(volume.name)
    return volume


def _check_endpoint(endpoint: ObservedEndpoint) -> None:
    _texts(
        endpoint.network,
        endpoint.network_id,
        endpoint.endpoint_id,
        endpoint.mac,
        *endpoint.addresses,
    )
    _named(endpoint.network)
    for settings in (
        endpoint.settings,
        *((endpoint.mark.declared, endpoint.mark.before) if endpoint.mark else ()),
    ):
        _settings(settings)
        for path in STATIC:
            if path in settings:
                _in_family(path[:4], str(settings[path]))
    for address in endpoint.addresses:
        host, _, length = address.partition("/")
        if not (
            length.isascii()
            and length.isdecimal()
            and len(length) < 4
            and int(length) <= address_of(host).max_prefixlen
        ):
            raise ValueError(f"{address} has no such prefix")


def _in_family(family: str, text: str, *, prefix: bool = False) -> None:
    found = ip_network(text) if prefix else address_of(text)
    if family != f"ipv{found.version}":
        raise ValueError(f"{text} is not {family}")


def _ports(ports: Value) -> None:
    for port in ports if isinstance(ports, tuple) else ():
        read_port(port)


def _named(name: str) -> None:
    if not name:
        raise ValueError("a name is missing")


def _settings(settings: Settings) -> None:
    for path, value in settings.items():
        if not fits(path, value):
            raise TypeError(f"{path} cannot be {value!r}")


def _texts(*values: object) -> None:
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"{value!r} is no text")

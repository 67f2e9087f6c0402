"""Whether what was read of an engine is what the model says it is: the planner relies on it, and an engine may say anything."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from ..model import ObservedContainer, ObservedEndpoint, ObservedNetwork
from ..settings import Settings

_ADDRESSES = ("ipv4_address", "ipv6_address")


def check_network(network: ObservedNetwork) -> ObservedNetwork:
    """`network`, or TypeError or ValueError with what is wrong."""
    _texts(network.id, network.name, network.scope, *network.outside)
    _settings(network.settings)
    for path, value in network.settings.items():
        family, _, rest = path.partition(".")
        if family in ("ipv4", "ipv6"):
            for text in value if isinstance(value, tuple) else (str(value),):
                _in_family(family, text, prefix=rest.startswith(("subnet", "ip_range")))
    return network


def check_container(container: ObservedContainer) -> ObservedContainer:
    """`container`, or TypeError or ValueError with what is wrong."""
    _texts(container.id, container.name, container.state, container.network_mode, container.mac, *container.implied, *container.ports)
    for endpoint in container.endpoints:
        _check_endpoint(endpoint)
    return container


def _check_endpoint(endpoint: ObservedEndpoint) -> None:
    _texts(endpoint.network, endpoint.network_id, endpoint.endpoint_id, endpoint.mac, *endpoint.addresses)
    _settings(endpoint.settings)
    for path in _ADDRESSES:
        if path in endpoint.settings:
            ip_address(str(endpoint.settings[path]))
    for address in endpoint.addresses:
        host, _, length = address.partition("/")
        if not (length.isascii() and length.isdecimal() and int(length) <= ip_address(host).max_prefixlen):
            raise ValueError(f"{address} has no such prefix")


def _in_family(family: str, text: str, *, prefix: bool) -> None:
    found = ip_network(text) if prefix else ip_address(text)
    if family != f"ipv{found.version}":
        raise ValueError(f"{text} is not {family}")


def _settings(settings: Settings) -> None:
    for path, value in settings.items():
        _texts(path, *(value if isinstance(value, tuple) else ()))
        if not isinstance(value, (str, int, tuple)):
            raise TypeError(f"{path} cannot be {value!r}")


def _texts(*values: object) -> None:
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"{value!r} is no text")

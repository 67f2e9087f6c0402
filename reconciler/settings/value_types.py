"""The types that the values of settings have, by path.

The paths are those of the rows of network_rows.py, endpoint_rows.py, container_rows.py and
limit_rows.py. Each key of a mapping has a path of its own: ``driver_opts.K``, ``labels.K``,
``environment.K``. Pools are ``ipv4.subnet`` (always a tuple, sorted), ``ipv4.gateway``,
``ipv4.ip_range``, ``ipv4.aux_addresses.K``, the same under ``ipv6``; with several pools in one
family ``ipv4.gateway[10.7.0.0/24]`` and so on.

``mtu`` is ``driver_opts.com.docker.network.driver.mtu`` and ``interface_name`` is never also in
``driver_opts``. netplan's own labels and driver options are marks (marks.py), never settings.
"""

from __future__ import annotations

from collections.abc import Mapping

from .container_defaults import CONTAINER
from .endpoint_rows import ENDPOINT
from .network_rows import NETWORK

_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("ipv4.subnet", "ipv6.subnet"), tuple),
    **{row.path: row.kind.type for row in (*NETWORK, *ENDPOINT, *CONTAINER)},
}


def fits(path: str, value: object) -> bool:
    """Whether a path can have such a value."""
    kind = _TYPES.get(path, str)
    if kind is tuple:
        return type(value) is tuple and all(type(item) is str for item in value)
    return type(value) is kind

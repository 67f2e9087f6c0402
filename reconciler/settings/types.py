"""The types that the values of settings have, by path.

Network paths
    ``driver`` ``internal`` ``attachable`` ``enable_ipv4`` ``enable_ipv6`` ``ipam.driver``
    ``ipam.options.K`` ``ipv4.subnet`` (always a tuple, sorted) ``ipv4.gateway`` ``ipv4.ip_range``
    ``ipv4.aux_addresses.K``, the same under ``ipv6``; with several pools in one family
    ``ipv4.gateway[10.7.0.0/24]`` and so on; ``driver_opts.K`` ``labels.K``
Endpoint paths
    ``ipv4_address`` ``ipv6_address`` (configured, never dynamic) ``aliases`` ``link_local_ips``
    ``links`` (sorted tuples) ``mac_address`` ``gw_priority`` ``interface_name`` ``driver_opts.K``
Container paths
    the rows of container_rows.py and limit_rows.py

``mtu`` is ``driver_opts.com.docker.network.driver.mtu`` and ``interface_name`` is never also in
``driver_opts``. netplan's own labels and driver options are marks (marks.py), never settings.
"""

from __future__ import annotations

from collections.abc import Mapping

from .container import CONTAINER

_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("ipv4.subnet", "ipv6.subnet", "aliases", "link_local_ips", "links"), tuple),
    **dict.fromkeys(("internal", "attachable", "enable_ipv4", "enable_ipv6"), bool),
    "gw_priority": int,
    **{row.path: row.kind.type for row in CONTAINER},
}


def fits(path: str, value: object) -> bool:
    """Whether a path can have such a value."""
    kind = _TYPES.get(path, str)
    if kind is tuple:
        return type(value) is tuple and all(type(item) is str for item in value)
    return type(value) is kind

"""The settings of a network: one row each, in the order of the documents.

Places are those of `GET /networks/{id}` and of the body of `POST /networks/create`: `Network`
stands for either. Pools of addresses (pools.py) have no row, nor have labels, which hold netplan's
own marks as well.
"""

from __future__ import annotations

from .kinds import FLAG, OPTIONS, TEXT
from .row import Setting

NETWORK = (
    Setting(
        "driver",
        TEXT,
        "Network.Driver",
        "Driver",
        "The network driver: bridge (the engine's default), macvlan, ipvlan, overlay or any"
        " plugin.",
        ("bridge", "macvlan", "ipvlan", "overlay"),
    ),
    Setting("ipam.driver", TEXT, "Network.IPAM.Driver"),
    Setting("ipam.options", OPTIONS, "Network.IPAM.Options"),
    Setting(
        "internal",
        FLAG,
        "Network.Internal",
        "Internal",
        "true: no way out of this network. Unset is unmanaged, false is a statement.",
        (True,),
    ),
    Setting(
        "attachable",
        FLAG,
        "Network.Attachable",
        "Attachable",
        "For overlay networks: containers may be attached, not only services.",
        (True,),
    ),
    Setting(
        "enable_ipv4",
        FLAG,
        "Network.EnableIPv4",
        "IPv4",
        "false makes an IPv6-only network. Needs engine API 1.48 (Docker 28).",
        (False,),
        least=(1, 48),
    ),
    Setting(
        "enable_ipv6",
        FLAG,
        "Network.EnableIPv6",
        "IPv6",
        "Whether containers get IPv6 addresses on this network.",
        (True,),
    ),
    Setting(
        "driver_opts",
        OPTIONS,
        "Network.Options",
        "Driver options",
        "Options of the network driver. Values compare as text: false is 'false'.",
        ({"com.docker.network.bridge.name": "br-dual"},),
    ),
)

"""Declared against observed against recorded: which settings differ and why, and what a remade
object gets.

An unset setting is unmanaged and never differs. One that netplan recorded and the file no longer
declares is *dropped*: it is compared with the engine's default. A difference is *drift* where
declared and recorded agree, otherwise *intent*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..marks import digest
from ..model import ALL_ENDPOINTS_API, EndpointMark, EngineInfo, ObservedContainer, ObservedEndpoint
from ..network_mode import read_mode
from ..plan import Cause, Difference
from ..settings import (
    FAMILIES,
    NETWORK_DEFAULTS,
    STATIC,
    VXLAN_OPTION,
    Settings,
    Value,
    implicit_gateway,
)
from .subnets import parsed

DEFAULTS: Mapping[str, Value] = {
    **NETWORK_DEFAULTS,
    "gw_priority": 0,
    "aliases": (),
    "link_local_ips": (),
}
"""What the engine does where nothing is said; every other setting is absent by default."""

AUTOMATIC = "automatic"
"""How a subnet that nobody declares is described: the engine chooses one."""

SUBNETS = tuple(f"{family}.subnet" for family in FAMILIES)
VXLAN_PATH = f"driver_opts.{VXLAN_OPTION}"
GATEWAYS = tuple(f"{family}.gateway" for family in FAMILIES)


def network_differences(
    declared: Settings, observed: Settings, recorded: Mapping[str, str]
) -> tuple[Difference, ...]:
    """What keeps a network from being as declared; `recorded` holds the digests of its mark. Sorted
    by path.
    """
    found = []
    for path, value in declared.items():
        if not _network_equal(path, value, observed):
            cause: Cause = "drift" if recorded.get(path) == digest(value) else "intent"
            found.append(Difference(path, observed.get(path, DEFAULTS.get(path)), value, cause))
    for path in recorded:
        if path not in declared and _dropped_differs(path, observed):
            automatic = path in SUBNETS and _stays_on(
                f"enable_{path.partition('.')[0]}", declared, observed, recorded
            )
            after = AUTOMATIC if automatic else DEFAULTS.get(path)
            found.append(Difference(path, observed.get(path), after, "dropped"))
    return tuple(sorted(found, key=lambda d: d.path))


def _stays_on(
    family: str, declared: Settings, observed: Settings, recorded: Mapping[str, str]
) -> bool:
    """Whether a network has a family of addresses afterwards; `family` is its setting,
    `enable_ipv6`.
    """
    default = DEFAULTS[family]
    return (
        declared.get(family, default if family in recorded else observed.get(family, default))
        is True
    )


def _network_equal(path: str, value: Value, observed: Settings) -> bool:
    actual = observed.get(path, DEFAULTS.get(path))
    if actual is None and path in GATEWAYS:
        return value in implicit_gateways(path, observed)
    if (
        path == VXLAN_PATH
    ):  # subnets beyond the declared tunnel IDs get others, which the engine lists behind them
        return f"{actual},".startswith(f"{value},")
    return actual == value


def _dropped_differs(path: str, observed: Settings) -> bool:
    if path in SUBNETS:
        return path in observed
    actual = observed.get(path, DEFAULTS.get(path))
    if path in GATEWAYS:
        return actual is not None and actual not in implicit_gateways(path, observed)
    return actual != DEFAULTS.get(path)


def implicit_gateways(path: str, observed: Settings) -> frozenset[str]:
    """The addresses an engine may take as the gateway of a family's one pool when none is given."""
    family = path.partition(".")[0]
    subnets = observed.get(f"{family}.subnet")
    if not isinstance(subnets, tuple) or len(subnets) != 1:
        return frozenset()
    ip_range = observed.get(f"{family}.ip_range")
    gateway = implicit_gateway(parsed(subnets[0]), parsed(str(ip_range)) if ip_range else None)
    return frozenset({str(gateway)} if gateway else ())


def _implied(path: str, value: Value, observed: Settings) -> bool:
    """Whether it is the gateway that an engine takes where none is given: 29 shows it at once,
    others only after they were restarted.
    """
    return path in GATEWAYS and value in implicit_gateways(path, observed)


def overlaid_network(
    declared: Settings, observed: Settings, differences: Iterable[Difference]
) -> dict[str, Value]:
    """What a replaced network is made with: observed overlaid by declared, minus the dropped.

    What belonged to a subnet or a driver that goes is not carried over to the new one.
    """
    changed = {d.path: d for d in differences}
    result = {
        path: value
        for path, value in observed.items()
        if path not in changed and not _implied(path, value, observed)
    }
    for family in FAMILIES:
        gone = f"{family}.subnet" in changed or f"enable_{family}" in changed
        if gone:
            result = {
                path: value for path, value in result.items() if not path.startswith(family + ".")
            }
    result.pop(VXLAN_PATH, None)  # the engine's own choice, where the file does not make it
    if "driver" in changed:
        result = {
            path: value
            for path, value in result.items()
            if not path.startswith(("driver_opts.", "ipam."))
        }
    return {**result, **declared}


# --- endpoints ------------------------------------------------------------------------------------


def endpoint_differences(
    declared: Settings,
    container: ObservedContainer,
    endpoint: ObservedEndpoint,
    mark: EndpointMark | None,
    *,
    addresses_readable: bool = True,
    heeds_mac: bool = False,
) -> tuple[Difference, ...]:
    """What keeps an endpoint from being as declared; `mark` is ours or None. Sorted by path.

    `mac_address` is left out unless the engine heeds one on connect (`heeds_mac`); macs.py knows
    what else can be said. Where an engine does not tell configured addresses (`addresses_readable`
    is false), the live ones are compared, and those of a stopped container are unknown, not
    different.
    """
    if (
        addresses_readable
        and declared == endpoint.settings
        and (mark is None or (mark.how == "made" and mark.declared == declared))
    ):
        return ()  # what most endpoints are, at a glance
    recorded = mark.declared if mark else {}
    before = mark.before if mark and mark.how == "amended" else {}
    ignored = {"aliases"} if heeds_mac else {"aliases", "mac_address"}
    guessed = {"mac_address"} if addresses_readable else {"mac_address", *STATIC}
    found = []
    for path, value in declared.items():
        actual = _actual(path, value, container, endpoint, recorded, path in guessed)
        if path not in ignored and actual != value:
            found.append(
                Difference(
                    path, actual, value, "drift" if recorded.get(path) == value else "intent"
                )
            )
    for path in recorded.keys() - declared.keys() - ignored:
        default = before.get(path, DEFAULTS.get(path))
        actual = _actual(path, recorded[path], container, endpoint, recorded, path in guessed)
        if actual != default and not (
            path in guessed and actual != recorded[path]
        ):  # every endpoint has one, whoever gave it
            found.append(Difference(path, actual, default, "dropped"))
    return tuple(
        sorted((*found, *_other_aliases(declared, container, endpoint, mark)), key=lambda d: d.path)
    )


def _actual(
    path: str,
    meant: Value,
    container: ObservedContainer,
    endpoint: ObservedEndpoint,
    recorded: Settings,
    guessed: bool,
) -> Value | None:
    """A setting as it is. Of one that the engine does not tell the live value; of a stopped
    container it is taken to be as it was made.
    """
    if not guessed:
        return endpoint.settings.get(path, DEFAULTS.get(path))
    if path == "mac_address":
        return endpoint.mac or endpoint.settings.get(path) or recorded.get(path)
    live = {address.partition("/")[0] for address in endpoint.addresses}
    return meant if meant in live or not container.live else min(live, default=None)


def _other_aliases(
    declared: Settings,
    container: ObservedContainer,
    endpoint: ObservedEndpoint,
    mark: EndpointMark | None,
) -> Iterator[Difference]:
    wanted, present = (
        wanted_aliases(declared, endpoint.settings, mark),
        names(endpoint.settings.get("aliases")),
    )
    if wanted - container.implied != present - container.implied:
        same = mark is not None and mark.declared.get("aliases", ()) == declared.get("aliases", ())
        yield Difference(
            "aliases", tuple(sorted(present)), tuple(sorted(wanted)), "drift" if same else "intent"
        )


def wanted_aliases(
    declared: Settings, observed: Settings, mark: EndpointMark | None
) -> frozenset[str]:
    """The aliases an endpoint should have: exactly the declared ones where we made it, otherwise
    its own and the declared ones.

    Those that we added and the file no longer declares are taken away, unless the endpoint had them
    before us.
    """
    mine = names(declared.get("aliases"))
    if mark and mark.how == "made":
        return mine
    added = (
        (names(mark.declared.get("aliases")) - names(mark.before.get("aliases")))
        if mark
        else frozenset()
    )
    return (names(observed.get("aliases")) - added) | mine


def overlaid_endpoint(
    declared: Settings, observed: Settings, mark: EndpointMark | None
) -> dict[str, Value]:
    """What an endpoint is remade with: the declared settings where we made it, otherwise its own
    overlaid by them.
    """
    if mark and mark.how == "made":
        result = dict(declared)
    else:
        result = dict(observed)
        if mark:
            for path in mark.declared:
                result.pop(path, None)
                if path in mark.before:
                    result[path] = mark.before[path]
        result.update(declared)
    aliases = wanted_aliases(declared, observed, mark)
    result.pop("aliases", None)
    return {**result, "aliases": tuple(sorted(aliases))} if aliases else result


def names(value: Value | None) -> frozenset[str]:
    """A tuple-valued setting as a set; unset is empty."""
    return frozenset(value) if isinstance(value, tuple) else frozenset()


def remembers_mac(
    container: ObservedContainer, network: str, engine: EngineInfo, id: str = ""
) -> bool:
    """Whether a container has the MAC address of its creation at each connect to a network: before
    API 1.44 on the one that it was created on, named by `network` or, in part or whole, by `id`.
    """
    mode = read_mode(container.network_mode).text
    return engine.api < ALL_ENDPOINTS_API and (
        mode == network or (len(mode) >= 12 and id.startswith(mode))
    )

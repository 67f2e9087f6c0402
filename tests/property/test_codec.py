"""Settings become a body, the engine keeps and echoes it, and reading gives the same settings: for
any settings.

What the engines echo is measured on real ones (docs/engines.md); that they do so is tested on them
in tests/e2e/test_observe.py.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.codec import endpoint_body, network_body, read_container, read_network
from reconciler.model import (
    ContainerMark,
    EndpointMark,
    EngineInfo,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedImage,
    ObservedNetwork,
    ObservedState,
)
from reconciler.settings import Pool, Settings, pool_settings
from reconciler.snapshot import snapshot_json, state_from_snapshot

DOCKER = EngineInfo("id", "vm", "28.5.2", (1, 51))
ID = "0123456789abcdef" * 4

names = st.text("abcdefghijklmnopqrstuvwxyz0123456789_.-", min_size=1, max_size=12)
keys = names.filter(lambda name: not name.startswith("netplan."))
words = st.text(st.characters(codec="utf-8"), max_size=20)
options = st.dictionaries(
    keys,
    words.filter(lambda text: text.lower() not in ("true", "false"))
    | st.sampled_from(["true", "false"]),
    max_size=4,
)


def under(
    prefix: str, values: st.SearchStrategy[dict[str, str]]
) -> st.SearchStrategy[dict[str, Any]]:
    return values.map(lambda mapping: {f"{prefix}.{key}": value for key, value in mapping.items()})


def merged(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(
        lambda found: {key: value for part in found for key, value in part.items()}
    )


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def pools(draw: st.DrawFn) -> dict[str, Any]:
    found = []
    for number in draw(st.sets(st.integers(0, 3), max_size=3)):
        gateway, ip_range, aux = (
            draw(st.booleans()),
            draw(st.booleans()),
            draw(st.dictionaries(names, st.integers(2, 99), max_size=2)),
        )
        four = draw(st.booleans())
        base, end = (f"10.7.{number}.", "0/24") if four else (f"fd00:{number + 1}::", "/64")
        inner = f"{base}128/25" if four else f"{base}8000/113"
        hosts = tuple(sorted((host, f"{base}{last}") for host, last in aux.items()))
        found.append(
            Pool(base + end, f"{base}1" if gateway else None, inner if ip_range else None, hosts)
        )
    return dict(pool_settings(found))


network_settings = merged(
    optional(
        driver=st.sampled_from(["bridge", "macvlan", "overlay"]),
        internal=st.booleans(),
        attachable=st.booleans(),
        enable_ipv4=st.booleans(),
        enable_ipv6=st.booleans(),
        **{"ipam.driver": st.sampled_from(["default", "dhcp"])},
    ),
    pools(),
    under("ipam.options", options),
    under("driver_opts", options),
    under("labels", st.dictionaries(keys, words, max_size=4)),
)
lists = st.sets(names, min_size=1, max_size=4).map(lambda items: tuple(sorted(items)))
endpoint_settings = merged(
    optional(
        ipv4_address=st.sampled_from(["10.7.0.9", "10.7.0.77"]),
        ipv6_address=st.sampled_from(["fd00:7::9", "fd00::77"]),
        aliases=lists,
        links=lists,
        link_local_ips=st.just(("169.254.9.9", "fe80::9")),
        mac_address=st.just("02:42:c0:a8:00:09"),
        gw_priority=st.integers(-5, 100).filter(bool),
        interface_name=names,
    ),
    under("driver_opts", options),
)
network_marks = st.none() | st.builds(
    NetworkMark, names, st.dictionaries(names, names), st.dictionaries(names, names), st.booleans()
)
endpoint_marks = (
    st.none()
    | st.builds(EndpointMark, names, st.just("made"), endpoint_settings)
    | st.builds(EndpointMark, names, st.just("amended"), endpoint_settings, endpoint_settings)
)


def network_echo(body: dict[str, Any], empty: Any) -> dict[str, Any]:
    """What inspect shows of a network made with `body`; `empty` is how the engine writes what is
    not there.
    """
    ipam = body.get("IPAM", {})
    return {
        "Id": ID,
        "Name": body["Name"],
        "Scope": "local",
        "Driver": body.get("Driver", "bridge"),
        "EnableIPv4": body.get("EnableIPv4", True),
        "EnableIPv6": body.get("EnableIPv6", False),
        "Internal": body.get("Internal", False),
        "Attachable": body.get("Attachable", False),
        "IPAM": {
            "Driver": ipam.get("Driver", "default"),
            "Options": ipam.get("Options", empty),
            "Config": ipam.get("Config", empty),
        },
        "Containers": empty,
        "Options": body.get("Options", empty),
        "Labels": body.get("Labels", empty),
    }


def container_echo(
    config: dict[str, Any], status: str, added: list[str], empty: Any
) -> dict[str, Any]:
    """What inspect shows of a container with one endpoint made with `config`; `added` are aliases
    of the engine's own.
    """
    live = status == "running"
    entry = {
        "IPAMConfig": config.get("IPAMConfig", empty),
        "Links": config.get("Links", empty),
        "Aliases": [*config.get("Aliases", []), *added] or empty,
        "MacAddress": config.get("MacAddress", ""),
        "DriverOpts": config.get("DriverOpts", empty),
        "GwPriority": config.get("GwPriority", 0),
        "NetworkID": "f" * 64,
        "EndpointID": "e" * 64 if live else "",
    }
    settings = {"Ports": empty, "Networks": {"n": entry}}
    config_part = {
        "Hostname": "h",
        "Env": ["PASSWORD=secret"],
        "MacAddress": config.get("MacAddress", ""),
    }
    return {
        "Id": ID,
        "Name": "/c",
        "State": {"Status": status},
        "HostConfig": {"NetworkMode": "n"},
        "Config": config_part,
        "NetworkSettings": settings,
    }


def over_the_wire(body: dict[str, Any]) -> dict[str, Any]:
    value = json.loads(json.dumps(body))
    assert isinstance(value, dict)
    return value


@given(network_settings, network_marks, st.sampled_from([None, {}]))
def test_a_network_comes_back_as_it_was_sent(
    settings: Settings, mark: NetworkMark | None, empty: Any
) -> None:
    body = over_the_wire(network_body("n", settings, mark))
    seen = read_network(network_echo(body, empty), DOCKER)
    assert {path: seen.settings[path] for path in settings} == settings
    assert seen.mark == mark
    defaults = {"driver", "internal", "attachable", "enable_ipv4", "enable_ipv6", "ipam.driver"}
    assert set(seen.settings) - set(settings) <= defaults
    again = read_network(
        network_echo(over_the_wire(network_body("n", seen.settings, seen.mark)), empty), DOCKER
    )
    assert again == seen


@given(network_settings)
def test_a_body_holds_what_is_set_and_nothing_else(settings: Settings) -> None:
    body = network_body("n", settings, None)
    present = {
        "Internal": "internal",
        "Attachable": "attachable",
        "EnableIPv4": "enable_ipv4",
        "EnableIPv6": "enable_ipv6",
    }
    assert {key for key in present if key in body} == {
        key for key, path in present.items() if path in settings
    }
    assert body["CheckDuplicate"] is True
    assert ("Config" in body.get("IPAM", {})) == any(
        f"{family}.subnet" in settings for family in ("ipv4", "ipv6")
    )
    assert all(value not in (None, "", {}, []) for value in body.values())


@given(
    endpoint_settings,
    endpoint_marks,
    st.sampled_from(["running", "exited"]),
    st.sampled_from([[], [ID[:12]]]),
    st.sampled_from([None, {}]),
)
def test_an_endpoint_comes_back_as_it_was_sent(
    settings: Settings, mark: EndpointMark | None, status: str, added: list[str], empty: Any
) -> None:
    body = over_the_wire(endpoint_body(ID, settings, mark))
    assert body["Container"] == ID
    container = read_container(
        container_echo(body.get("EndpointConfig", {}), status, added, empty), DOCKER
    )
    (endpoint,) = container.endpoints
    assert endpoint.settings == settings
    assert endpoint.mark == mark
    assert not endpoint.phantom
    assert "secret" not in repr(container)


@given(endpoint_settings)
def test_addresses_of_a_swarms_own_choice_count_as_unset(settings: Settings) -> None:
    raw = container_echo(endpoint_body(ID, settings).get("EndpointConfig", {}), "running", [], None)
    (endpoint,) = read_container(raw, DOCKER, {"f" * 64}).endpoints
    addresses = {"ipv4_address", "ipv6_address"}
    assert endpoint.settings == {
        path: value for path, value in settings.items() if path not in addresses
    }


addresses = st.lists(st.sampled_from(["10.7.0.2/24", "fd00:7::2/64", "fe80::1%eth0/64"])).map(tuple)
observed_endpoints = st.builds(
    ObservedEndpoint,
    names,
    names,
    names,
    endpoint_settings,
    endpoint_marks,
    addresses,
    names,
    st.booleans(),
)
container_marks = st.builds(ContainerMark, names, st.dictionaries(names, names))
some_settings = merged(
    optional(
        image=words,
        command=st.lists(words).map(tuple),
        privileged=st.booleans(),
        mem_limit=st.integers(),
    ),
    under("labels", options),
)
ports = st.lists(st.sampled_from(["0.0.0.0:8080->80/tcp", "[::]:->53/udp"]), max_size=2).map(tuple)
managed = st.fixed_dictionaries(
    {
        "mark": container_marks,
        "settings": some_settings,
        "image_id": names,
        "anonymous": st.dictionaries(names, names, max_size=2),
        "exit_code": st.integers(0, 255),
        "health": st.sampled_from(["", "starting", "healthy", "unhealthy"]),
    }
)
images = st.dictionaries(
    names,
    st.builds(ObservedImage, names, some_settings, names, st.booleans(), st.booleans(), words),
    max_size=2,
)
containers = st.builds(
    lambda container, more: replace(container, **more),
    st.builds(
        ObservedContainer,
        names,
        names,
        names,
        names,
        st.lists(observed_endpoints, max_size=2).map(tuple),
        st.frozensets(names, max_size=2),
        names,
        ports,
    ),
    st.just({}) | managed,
)
states = st.builds(
    ObservedState,
    st.builds(
        EngineInfo,
        names,
        names,
        names,
        st.tuples(st.just(1), st.integers(41, 51)),
        st.sampled_from(["docker", "podman"]),
    ),
    st.lists(
        st.builds(
            ObservedNetwork,
            names,
            names,
            network_settings,
            network_marks,
            names,
            st.lists(names).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    st.lists(containers, max_size=3).map(tuple),
    images,
)


@given(states)
def test_a_snapshot_is_exact(state: ObservedState) -> None:
    text = json.dumps(snapshot_json(state))
    assert state_from_snapshot(json.loads(text)) == state
    assert json.dumps(snapshot_json(state_from_snapshot(json.loads(text)))) == text

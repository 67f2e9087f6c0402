"""Keys of a file and names on the engine, which Compose tells apart: `default`, `container_name`,
`external`, named volumes.
"""

from __future__ import annotations

import pytest

from reconciler.model import DesiredContainer, DesiredState, Source
from reconciler.topology import load_text


def load(*lines: str) -> DesiredState:
    return load_text("\n".join(("name: t", *lines, "")), "t").state


def warnings(*lines: str) -> list[str]:
    return [
        str(problem).removeprefix("t:").replace(": warning: ", ": ")
        for problem in load_text("\n".join(("name: t", *lines, "")), "t").warnings
    ]


def attached(container: DesiredContainer) -> dict[str, object]:
    """Its networks, with the aliases."""
    return {
        endpoint.network: endpoint.settings.get("aliases", ()) for endpoint in container.endpoints
    }


# --- networks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "name", "external"),
    [
        ("default: ", "t_default", False),
        ("default: {driver: bridge}", "t_default", False),
        ("default: {name: shop}", "shop", False),
        ("default: {name: shop, external: true}", "shop", True),
        ("default: {external: {name: shop}}", "shop", True),
        ("default: {external: true}", "t_default", True),
        ("n: {external: {name: shop}}", "shop", True),
        ("n: {external: {name: shop}, name: shop}", "shop", True),
        ("n: {external: {}}", "n", True),
        ("n: {external: false, name: shop}", "shop", False),
        ("bridge: {external: true}", "bridge", True),
    ],
)
def test_the_name_of_a_network(body: str, name: str, external: bool) -> None:
    networks = load(f"networks: {{{body}}}").networks
    assert {key: network.external for key, network in networks.items()} == {name: external}


def test_containers_without_networks_join_the_default_network() -> None:
    state = load(
        "networks: {default: {name: shop}, back: }",
        "containers:",
        "  web: {image: a}",
        "  db: {image: a, networks: [back]}",
        "  job: {image: a, networks: [default, back]}",
        "  old: {image: a, network_mode: bridge}",
        "  lone: {image: a, networks: []}",
        "  side: {image: a, network_mode: 'service:web'}",
        "  theirs: {networks: [default]}",
        "  idle:",
    )
    assert {name: [*attached(container)] for name, container in state.containers.items()} == {
        "web": ["shop"],
        "db": ["back"],
        "job": ["shop", "back"],
        "old": ["bridge"],
        "lone": [],
        "side": [],
        "theirs": ["shop"],
        "idle": [],
    }


# --- containers -----------------------------------------------------------------------------------


def test_the_name_of_a_container_leaves_its_key_as_an_alias() -> None:
    state = load(
        "networks: {back: , front: }",
        "containers:",
        "  db: {image: a, container_name: shop-db, networks: {back: {aliases: [sql]}, front: ,"
        " bridge: }}",
        "  web: {image: a, container_name: web, networks: [back]}",
        "  app: {image: a, networks: [back], depends_on: {db: {condition: service_started,"
        " required: true, restart: false}}}",
        "  vpn: {image: a, container_name: tunnel, networks: [back]}",
        "  one: {image: a, network_mode: 'service:vpn'}",
        "  two: {image: a, network_mode: 'container:tunnel'}",
        "  theirs: {container_name: outside, networks: [back]}",
    )
    assert list(state.containers) == ["shop-db", "web", "app", "tunnel", "one", "two", "outside"]
    assert attached(state.containers["shop-db"]) == {
        "back": ("db", "sql"),
        "front": ("db",),
        "bridge": (),
    }
    assert attached(state.containers["web"]) == {"back": ()}
    assert attached(state.containers["outside"]) == {"back": ("theirs",)}
    assert [dependency.container for dependency in state.containers["app"].depends_on] == [
        "shop-db"
    ]
    assert [state.containers[name].shares for name in ("one", "two")] == ["tunnel", "tunnel"]


def test_two_containers_may_exchange_their_names() -> None:
    state = load(
        "networks: {n: }",
        "containers:",
        "  aa: {image: a, container_name: bb, networks: [n]}",
        "  bb: {image: b, container_name: aa, networks: [n], depends_on: [aa]}",
    )
    assert {
        name: (container.image, attached(container)) for name, container in state.containers.items()
    } == {
        "bb": ("a:latest", {"n": ("aa",)}),
        "aa": ("b:latest", {"n": ("bb",)}),
    }
    assert [dependency.container for dependency in state.containers["aa"].depends_on] == ["bb"]


def test_words_that_say_what_holds_anyway() -> None:
    state = load(
        "version: '3.8'",
        "containers:",
        "  web:",
        "    image: a",
        "    attach: false",
        "    ports:",
        "    - {mode: ingress, target: 80, published: '8080', protocol: tcp, name: web,"
        " app_protocol: http}",
        "    - {mode: host, target: 81}",
        "    devices: [{source: /dev/null, target: /dev/n, permissions: r}, {source: /dev/zero},"
        " /dev/tty]",
    )
    settings = state.containers["web"].settings
    assert settings["ports"] == ("8080->80/tcp", "81/tcp")
    assert settings["devices"] == (
        "/dev/null:/dev/n:r",
        "/dev/tty:/dev/tty:rwm",
        "/dev/zero:/dev/zero:rwm",
    )


# --- volumes --------------------------------------------------------------------------------------


def test_a_mount_gets_the_name_that_the_volume_has_on_the_engine() -> None:
    state = load(
        "networks: {default: }",
        "volumes:",
        "  data:",
        "  logs: {name: shop_logs, driver: local, driver_opts: {}, labels: }",
        "  cache: {external: true}",
        "  old: {external: {name: old_data}}",
        "containers:",
        "  web:",
        "    image: a",
        "    volumes: [data:/a, 'logs:/b:ro', {type: volume, source: cache, target: /c, volume:"
        " {nocopy: true}}, old:/d, ./data:/e, /f]",
    )
    settings = state.containers["web"].settings
    mounts = {
        path.removeprefix("volumes."): value
        for path, value in settings.items()
        if path.startswith("volumes.")
    }
    assert {path: mounts[path] for path in ("/a", "/b", "/c", "/d", "/f")} == {
        "/a": "volume:data",
        "/b": "volume:shop_logs:ro",
        "/c": "volume:cache:nocopy",
        "/d": "volume:old_data",
        "/f": "volume:",
    }
    assert str(mounts["/e"]).startswith("bind:")
    external = {name: v.source for name, v in state.volumes.items() if v.external}
    assert external == {"cache": Source("t", 6, 3), "old_data": Source("t", 7, 3)}


def test_a_volume_that_is_not_declared_beside_others_is_perhaps_a_slip() -> None:
    assert warnings(
        "volumes: {data: }",
        "containers: {web: {image: a, volumes: [dat:/a, data:/b, /c, ./dat:/d, zzz:/e]}}",
    ) == [
        "3:40: the volume 'dat' is not declared, though others are: did you mean 'data'?",
        "3:71: the volume 'zzz' is not declared, though others are: declare it under 'volumes'",
    ]
    assert warnings("containers: {web: {image: a, volumes: [dat:/a]}}") == []


# --- nobody finds anybody -------------------------------------------------------------------------

WAY = "add default: {} under the top-level 'networks', which containers without networks join"
NOBODY = (
    "have neither networks nor network_mode, so they are on the engine's network 'bridge' and do"
    " not find each other by name"
)


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        (["db: {image: a}"], []),
        (["db: {image: a}", "web: {image: a}"], [f"3:3: 'db' and 'web' {NOBODY}: {WAY}"]),
        (
            ["db: {image: a}", "web: {image: a}", "c: {networks: [n]}", "app: {image: a}"],
            [f"3:3: 'db', 'web' and 1 more {NOBODY}: {WAY}"],
        ),
        (
            ["db: {image: a}", "web: {image: a, depends_on: [db]}"],
            [
                f"3:3: 'db' and 'web' {NOBODY}: {WAY}",
                (
                    "4:32: 'web' waits for 'db', but cannot find it by name: they have no network"
                    f" in common on which names resolve; {WAY}"
                ),
            ],
        ),
        (
            ["db: {image: a}", "web: {image: a, networks: [n], depends_on: {db: }}"],
            [
                "4:47: 'web' waits for 'db', but cannot find it by name: they have no network in"
                " common on which names resolve; give both of them a network of this file"
            ],
        ),
        (["db: {image: a, networks: [n]}", "web: {image: a, networks: [n], depends_on: [db]}"], []),
        (
            [
                "db: {image: a, network_mode: bridge}",
                "web: {image: a, network_mode: bridge, depends_on: [db]}",
            ],
            [],
        ),
        (["db: {image: a}", "web: {image: a, network_mode: 'service:db', depends_on: [db]}"], []),
        (["db: {image: a}", "web: {image: a, network_mode: host, depends_on: [db]}"], []),
        (["db: {image: a}", "web: {}"], []),
    ],
)
def test_containers_without_a_network_do_not_find_each_other(
    containers: list[str], expected: list[str]
) -> None:
    lines = ["containers:", *(f"  {line}" for line in containers), "networks: {n: }"]
    assert warnings(*lines) == expected
    assert warnings(*lines[:-1], "networks: {n: , default: }") == []


def test_a_volume_may_be_called_as_anything_else() -> None:
    """Directly under `volumes` names are the user's, as under `networks` and `containers`."""
    state = load(
        "volumes: {x-data: {name: shop-data}}",
        "containers: {web: {image: a, volumes: [x-data:/a]}}",
    )
    assert state.containers["web"].settings["volumes./a"] == "volume:shop-data"

"""What netplan sees is what is there, on every engine."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reconciler.engine import NEWEST_API, OLDEST_API, Engine, open_reader
from reconciler.errors import ApiError, LostError, UnreachableError
from reconciler.model import (
    EndpointMark,
    EngineInfo,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
)
from reconciler.observe import gather, observe
from reconciler.settings import VXLAN_OPTION, Value
from reconciler.snapshot import snapshot_json, state_from_snapshot

from .cli import Cli
from .conftest import IMAGE, Docker, one_node_swarm

MARK = EndpointMark(
    "lab", "amended", {"aliases": ("web",), "ipv4_address": "10.9.9.9"}, {"aliases": ("old",)}
)


def network_of(engine: Engine, name: str) -> ObservedNetwork:
    (network,) = (network for network in observe(engine).networks if network.name == name)
    return network


def container_of(engine: Engine, name: str) -> ObservedContainer:
    (container,) = (container for container in observe(engine).containers if container.name == name)
    return container


def endpoint_of(engine: Engine, container: str, network: str) -> ObservedEndpoint:
    endpoint = container_of(engine, container).endpoint(network)
    assert endpoint is not None
    return endpoint


def only_docker(info: EngineInfo) -> None:
    if info.flavor == "podman":
        pytest.skip("Podman does not keep this")


def test_a_network_is_read_back_as_it_was_made(
    engine: Engine, docker: Docker, engine_info: EngineInfo
) -> None:
    only_docker(engine_info)
    v4, v6 = docker.subnet(), docker.subnet("ipv6")
    base = v4.removesuffix(".0/24")
    settings: dict[str, Value] = {
        "driver": "bridge",
        "internal": False,
        "attachable": True,
        "enable_ipv6": True,
        "ipam.driver": "default",
        "ipv4.subnet": (v4,),
        "ipv4.gateway": f"{base}.1",
        "ipv4.ip_range": f"{base}.128/25",
        "ipv4.aux_addresses.printer": f"{base}.9",
        "ipv6.subnet": (v6,),
        "driver_opts.com.docker.network.driver.mtu": "1450",
        "labels.team": "net",
    }
    mark = NetworkMark("lab", {"driver": "0123456789ab"}, {"web": "cafe"}, protect=True)
    id = engine.create_network(docker.name("a"), settings, mark)
    seen = network_of(engine, docker.name("a"))
    expected = settings | ({"enable_ipv4": True} if engine_info.api >= (1, 48) else {})
    if engine_info.major >= 29:  # shown at once
        expected["ipv6.gateway"] = v6.removesuffix("/64") + "1"
    assert (seen.id, seen.settings, seen.mark, seen.scope, seen.outside) == (
        id,
        expected,
        mark,
        "local",
        (),
    )
    engine.remove_network(id)
    assert engine.network(id) is None


def test_spellings_are_made_canonical(engine: Engine, docker: Docker) -> None:
    v6 = docker.subnet("ipv6")
    long = v6.upper().replace("::/64", ":0000::/64")
    docker.network(
        "a",
        EnableIPv6=True,
        IPAM={"Config": [{"Subnet": docker.subnet()}, {"Subnet": long}]},
        Labels={"empty": ""},
    )
    settings = network_of(engine, docker.name("a")).settings
    assert settings["ipv6.subnet"] == (v6,)
    assert settings["enable_ipv6"] is True
    assert settings["labels.empty"] == ""


def test_a_network_without_settings_has_the_defaults(
    engine: Engine, docker: Docker, engine_info: EngineInfo
) -> None:
    id = engine.create_network(docker.name("a"), {})
    settings = dict(network_of(engine, docker.name("a")).settings)
    assert len(settings.pop("ipv4.subnet")) == 1  # type: ignore[arg-type]
    assert settings.pop("ipv4.gateway")
    assert settings.pop("enable_ipv4", True) is True
    flags = {"internal": False, "attachable": False, "enable_ipv6": False}
    assert settings == {"driver": "bridge", "ipam.driver": "default"} | flags
    engine.remove_network(id)


def test_the_predefined_networks_are_seen(
    engine: Engine, docker: Docker, engine_info: EngineInfo
) -> None:
    names = {network.name for network in observe(engine).networks}
    assert "bridge" in names
    if engine_info.flavor == "docker":
        assert names >= {"host", "none"}


def test_an_endpoint_is_read_back_as_it_was_made(
    engine: Engine, docker: Docker, engine_info: EngineInfo
) -> None:
    only_docker(engine_info)
    v4, v6 = docker.subnet(), docker.subnet("ipv6")
    network = docker.network(
        "a", EnableIPv6=True, IPAM={"Config": [{"Subnet": v4}, {"Subnet": v6}]}
    )
    web = docker.container("web", Hostname="explicit")
    settings: dict[str, Value] = {
        "ipv4_address": v4.replace(".0/24", ".77"),
        "ipv6_address": v6.replace("::/64", "::77"),
        "aliases": ("www", "zzz"),
        "link_local_ips": ("169.254.9.9",),
        "links": (f"{docker.name('web')}:itself",),
        "interface_name": "eth7",
        "driver_opts.com.example.any": "thing",
    }
    if engine_info.api >= (1, 48):
        settings["gw_priority"] = 5
    engine.connect(network, web, settings, MARK)
    container = container_of(engine, docker.name("web"))
    endpoint = container.endpoint(docker.name("a"))
    assert endpoint is not None
    added = {"explicit"} if engine_info.api < (1, 45) else set()
    assert {**endpoint.settings, "aliases": ()} == {**settings, "aliases": ()}
    assert set(endpoint.settings["aliases"]) == {"www", "zzz"} | added  # type: ignore[arg-type]
    assert container.implied == {web[:12], "explicit"}
    assert endpoint.mark == MARK
    assert endpoint.addresses == (
        f"{settings['ipv4_address']}/24",
        f"{settings['ipv6_address']}/64",
    )
    assert (
        endpoint.network_id,
        bool(endpoint.endpoint_id),
        bool(endpoint.mac),
        endpoint.phantom,
    ) == (network, True, True, False)
    engine.disconnect(network, web)
    assert container_of(engine, docker.name("web")).endpoint(docker.name("a")) is None


def test_a_dynamic_endpoint_has_no_settings(engine: Engine, docker: Docker) -> None:
    docker.network("a", subnet=docker.subnet())
    docker.container("web", docker.name("a"))
    endpoint = endpoint_of(engine, docker.name("web"), docker.name("a"))
    assert endpoint.settings == {}
    assert endpoint.mark is None
    assert len(endpoint.addresses) == 1


def test_marks_survive_a_restart_and_a_stop(
    engine: Engine, docker: Docker, engine_info: EngineInfo
) -> None:
    only_docker(engine_info)
    big = replace(MARK, before={f"driver_opts.option{number}": "x" * 50 for number in range(70)})
    network, web = docker.network("a", subnet=docker.subnet()), docker.container("web")
    engine.connect(network, web, {"aliases": ("web",)}, big)
    for act in (docker.stop, docker.start):
        act(web)
        assert endpoint_of(engine, docker.name("web"), docker.name("a")).mark == big


def test_an_exited_container_keeps_its_attachments(engine: Engine, docker: Docker) -> None:
    network = docker.network("a", subnet=docker.subnet())
    web = docker.container("web", docker.name("a"), endpoint={"Aliases": ["www"]})
    docker.stop(web)
    container = container_of(engine, docker.name("web"))
    assert (container.state, container.live) == ("exited", False)
    (endpoint,) = container.endpoints
    assert (endpoint.network, endpoint.network_id, endpoint.addresses, endpoint.mac) == (
        docker.name("a"),
        network,
        (),
        "",
    )
    assert "www" in endpoint.settings["aliases"]  # type: ignore[operator]
    assert not endpoint.phantom


def test_a_created_container_is_seen(
    engine: Engine, docker: Docker, engine_info: EngineInfo
) -> None:
    docker.network("a", subnet=docker.subnet())
    docker.container("web", docker.name("a"), start=False, endpoint={"Aliases": ["www"]})
    container = container_of(engine, docker.name("web"))
    assert container.state == "created"
    (endpoint,) = container.endpoints
    assert (endpoint.network, endpoint.endpoint_id, endpoint.phantom) == (
        docker.name("a"),
        "",
        False,
    )
    assert endpoint.settings == {"aliases": ("www",)}


def test_an_exited_container_may_name_a_network_that_is_gone(
    engine: Engine, docker: Docker, engine_info: EngineInfo
) -> None:
    only_docker(engine_info)
    subnet = docker.subnet()
    old, web = docker.network("a", subnet=subnet), docker.container("web")
    assert docker.connect(old, web, Aliases=["www"])[0] == 200
    docker.stop(web)
    docker.do("DELETE", f"/networks/{old}")
    new = docker.network("a", subnet=subnet)
    assert endpoint_of(engine, docker.name("web"), docker.name("a")).network_id == old
    assert docker.call("POST", f"/containers/{web}/start")[0] == 404
    engine.disconnect(new, web)
    engine.connect(new, web, {"aliases": ("www",)})
    docker.start(web)
    endpoint = endpoint_of(engine, docker.name("web"), docker.name("a"))
    assert (endpoint.network_id, endpoint.settings) == (new, {"aliases": ("www",)})


def test_a_phantom_is_found_and_a_connect_cures_it(
    engine: Engine, docker: Docker, engine_info: EngineInfo
) -> None:
    only_docker(engine_info)
    network = docker.network("a", subnet=docker.subnet())
    docker.container("first", docker.name("a"))
    web = docker.container("web")
    taken = (
        endpoint_of(engine, docker.name("first"), docker.name("a")).addresses[0].partition("/")[0]
    )
    with pytest.raises(ApiError, match="Address already in use") as caught:
        engine.connect(network, web, {"ipv4_address": taken}, MARK)
    assert caught.value.status == 403
    phantom = endpoint_of(engine, docker.name("web"), docker.name("a"))
    assert (phantom.phantom, phantom.network_id, phantom.endpoint_id, phantom.addresses) == (
        True,
        "",
        "",
        (),
    )
    assert phantom.settings == {"ipv4_address": taken}
    assert phantom.mark == MARK
    engine.connect(network, web, {"aliases": ("www",)})
    cured = endpoint_of(engine, docker.name("web"), docker.name("a"))
    assert (cured.phantom, cured.settings, cured.mark) == (False, {"aliases": ("www",)}, None)
    docker.do("POST", f"/containers/{web}/restart?t=0")


def test_host_none_and_shared_namespaces(
    engine: Engine, docker: Docker, engine_info: EngineInfo
) -> None:
    docker.network("a", subnet=docker.subnet())
    web = docker.container("web", docker.name("a"))
    docker.container("onhost", "host")
    docker.container("sealed", "none")
    docker.container("sidecar", f"container:{web}")
    seen = {
        container.name.removeprefix(docker.prefix): container
        for container in observe(engine).containers
    }
    modes = {name: seen[name].network_mode for name in ("onhost", "sealed", "sidecar")}
    assert modes == {"onhost": "host", "sealed": "none", "sidecar": f"container:{web}"}
    attached = {name: [endpoint.network for endpoint in seen[name].endpoints] for name in modes}
    assert attached == {"onhost": ["host"], "sealed": ["none"], "sidecar": []}
    assert not any(
        endpoint.phantom for container in seen.values() for endpoint in container.endpoints
    )


def test_the_default_network_is_called_bridge(engine: Engine, docker: Docker) -> None:
    docker.container("web")
    container = container_of(engine, docker.name("web"))
    assert container.network_mode in ("bridge", "default")
    assert [endpoint.network for endpoint in container.endpoints] == ["bridge"]


def test_published_ports_and_the_mac_given_at_creation(
    engine: Engine, docker: Docker, engine_info: EngineInfo
) -> None:
    only_docker(engine_info)
    docker.network("a", subnet=docker.subnet())
    mac, since_25 = "02:42:AA:00:00:01", engine_info.api >= (1, 44)
    docker.container(
        "web",
        docker.name("a"),
        **({"endpoint": {"MacAddress": mac}} if since_25 else {"MacAddress": mac}),
        ExposedPorts={"80/tcp": {}, "9/udp": {}},
        HostConfig={"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18099"}]}},
    )
    container = container_of(engine, docker.name("web"))
    assert container.ports == ("127.0.0.1:18099->80/tcp",)
    assert container.endpoints[0].mac == mac.lower()
    told = (
        mac.lower() if engine_info.api < (1, 52) else ""
    )  # later ones do not say that it was given
    assert (container.mac, container.endpoints[0].settings.get("mac_address", "")) == (told, told)


def test_networks_of_one_name_are_all_seen(
    engine: Engine, docker: Docker, engine_info: EngineInfo
) -> None:
    if engine_info.flavor == "podman" or engine_info.api >= (1, 44):
        pytest.skip("this engine refuses a second network of the same name")
    ids = {docker.network("a", subnet=docker.subnet(), CheckDuplicate=False) for _ in range(3)}
    same = [network for network in observe(engine).networks if network.name == docker.name("a")]
    assert {network.id for network in same} == ids
    assert [network.id for network in same] == sorted(ids)


def test_nothing_secret_is_kept_and_a_snapshot_is_exact(engine: Engine, docker: Docker) -> None:
    network, web = (
        docker.network("a", subnet=docker.subnet()),
        docker.container("web", Env=["PASSWORD=hunter2-is-secret"]),
    )
    engine.connect(network, web, {"aliases": ("www",)}, MARK)
    state = observe(engine)
    text = json.dumps(snapshot_json(state))
    assert "hunter2-is-secret" not in text
    kept = replace(state.engine, network_drivers=frozenset())  # another engine may have others
    assert state_from_snapshot(json.loads(text)) == replace(state, engine=kept)
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(
        (Path(__file__).parents[2] / "schemas" / "snapshot.schema.json").read_text()
    )
    jsonschema.Draft202012Validator(schema).validate(json.loads(text))


def test_any_number_of_threads_sees_the_same(engine: Engine, docker: Docker) -> None:
    for short in "abcd":
        docker.container(short, start=False)
    mine = [
        [c for c in observe(engine, parallel).containers if c.name.startswith(docker.prefix)]
        for parallel in (1, 4)
    ]
    assert mine[0] == mine[1]
    assert [container.name for container in mine[0]] == [docker.name(short) for short in "abcd"]


def test_what_comes_and_goes_meanwhile_does_not_disturb(
    host: str, engine: Engine, docker: Docker
) -> None:
    over = threading.Event()

    def churn() -> None:
        while not over.is_set():
            docker.do("DELETE", f"/containers/{docker.container('fleeting', start=False)}?force=1")
            docker.do("DELETE", f"/networks/{docker.network('fleeting', subnet=docker.subnet())}")

    docker.container("steady")
    churning = threading.Thread(target=churn)
    churning.start()
    try:
        for _ in range(60):
            assert docker.name("steady") in {
                container.name for container in observe(engine).containers
            }
    finally:
        over.set()
        churning.join()


def test_the_engine_is_known_by_the_same_id_each_time(
    host: str, engine: Engine, engine_info: EngineInfo
) -> None:
    assert engine.info() == engine_info
    assert OLDEST_API <= engine_info.api <= NEWEST_API
    assert engine_info.id
    assert engine_info.transport == "unix" or not host.startswith("unix")


def test_an_error_has_the_engines_own_words(engine: Engine, docker: Docker) -> None:
    subnet = docker.subnet()
    engine.create_network(docker.name("a"), {"ipv4.subnet": (subnet,)})
    with pytest.raises(ApiError) as caught:
        engine.create_network(docker.name("b"), {"ipv4.subnet": (subnet,)})
    assert caught.value.status in (403, 500)
    assert "overlap" in caught.value.message or "already used" in caught.value.message
    with pytest.raises(ApiError) as caught:
        engine.remove_network(docker.name("nosuch"))
    assert caught.value.status == 404
    assert engine.container(docker.name("nosuch")) is None


def test_a_reader_cannot_write(host: str) -> None:
    reader = open_reader(host)
    names = {name for name in dir(reader) if not name.startswith("_")}
    reader.close()
    lists = {"networks", "containers", "volumes", "images", "attachments", "services"}
    looks = {"info", "details", "network", "container", "volume", "image", "newest", "last_line"}
    assert names == {"target", *lists, *looks, "close"}


def test_a_change_that_takes_too_long_is_lost_not_repeated(
    host: str, docker: Docker, engine_info: EngineInfo
) -> None:
    from reconciler.engine import open_engine

    only_docker(engine_info)
    calls: list[tuple[str, str]] = []
    hasty = open_engine(
        host, timeout=20, log=lambda method, path, status, seconds: calls.append((method, path))
    )
    hasty._timeout = 0.001  # type: ignore[attr-defined]  # of one change only
    with pytest.raises((LostError, UnreachableError), match=r"within|broke off"):
        hasty.create_network(docker.name("a"), {"ipv4.subnet": (docker.subnet(),)})
    hasty.close()
    assert not [call for call in calls if call[0] == "POST"]
    counts = []
    for _ in range(10):  # the engine may still be at it
        time.sleep(0.1)
        counts.append([n["Name"] for n in docker.do("GET", "/networks")].count(docker.name("a")))
    assert max(counts) <= 1


def test_an_overlay_network_has_no_addresses_of_the_engines_own_making(
    engine: Engine, docker: Docker, engine_info: EngineInfo, tmp_path: Path
) -> None:
    only_docker(engine_info)
    subnet = docker.subnet()
    declared = subnet.replace(".0/24", ".77")
    with one_node_swarm(docker):
        network = engine.create_network(
            docker.name("a"),
            {"driver": "overlay", "attachable": True, "ipv4.subnet": (subnet,)},
            NetworkMark("lab"),
        )
        docker.container("dynamic", docker.name("a"))
        web = docker.container("web")
        mark = EndpointMark("lab", "made", {"ipv4_address": declared})
        engine.connect(network, web, {"ipv4_address": declared}, mark)
        seen = network_of(engine, docker.name("a"))
        assert (seen.scope, seen.mark, seen.outside) == ("swarm", NetworkMark("lab"), ())
        assert [path for path in seen.settings if path.startswith("driver_opts.")] == [
            f"driver_opts.{VXLAN_OPTION}"
        ]
        assert endpoint_of(engine, docker.name("dynamic"), docker.name("a")).settings == {}
        assert endpoint_of(engine, docker.name("web"), docker.name("a")).settings == {
            "ipv4_address": declared
        }
        overlay_is_replaced(Cli(docker, tmp_path), subnet)


def overlay_is_replaced(cli: Cli, subnet: str) -> None:
    """Under its containers, although a swarm lets go of its name some time after it says so."""
    cli.docker.clean_up()
    cli.docker.container("web")
    network = {"driver": "overlay", "attachable": True, "subnet": subnet}
    for label in "abc":
        cli.converge({"n": {**network, "labels": {"round": label}}}, {"web": {"networks": ["n"]}})
    cli.destroy()


def test_a_clock_that_was_set_back_severs_nobody(cli: Cli, engine: Engine) -> None:
    """The owner of a network namespace says that it was started in the future: whether its member
    was started since cannot be told.
    """
    box: dict[str, object] = {
        "image": IMAGE,
        "command": ["sleep", "3600"],
        "stop_grace_period": "0s",
    }
    cli.converge(
        {},
        {
            "owner": {**box, "network_mode": "none"},
            "member": {**box, "network_mode": "container:owner"},
        },
    )
    answers = gather(engine)
    owner = cli.docker.inspect(cli.docker.name("owner"))
    now = datetime.fromisoformat(
        f"{engine.details()['SystemTime'].removesuffix('Z')[:26]:0<26}+00:00"
    )

    def severed(began: datetime) -> bool:
        state = {**owner["State"], "StartedAt": began.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
        inspected = {**answers.inspected, owner["Id"]: {**owner, "State": state}}
        seen = observe(engine, answers=replace(answers, inspected=inspected)).containers
        return next(
            container.severed for container in seen if container.name == cli.docker.name("member")
        )

    assert not container_of(engine, cli.docker.name("member")).severed
    assert severed(now)
    assert not severed(now + timedelta(hours=1))
    assert not severed(now - timedelta(hours=1))

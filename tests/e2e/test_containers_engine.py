"""Containers on a real engine: every setting comes back as it was sent, and every call does what it
is for.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.codec.containers import read_settings
from reconciler.engine import Engine
from reconciler.errors import ApiError
from reconciler.marks import TOPOLOGY, aside_name, container_labels, digests, secret_digest
from reconciler.model import (
    ALL_ENDPOINTS_API,
    ContainerMark,
    EndpointMark,
    EngineInfo,
    ObservedContainer,
    Secrets,
)
from reconciler.observe import observe
from reconciler.plan import ContainerSpec, EndpointSpec
from reconciler.settings import Settings, Value
from reconciler.settings.container_defaults import value_of

from .conftest import Docker

STAY = ("sleep", "1000")
FOREVER: dict[str, Value] = {"command": STAY}
SECRET = "hunter2-is-secret"

SETTINGS: dict[str, dict[str, Value]] = {
    "command": {"command": ("sleep", "7", "a b", "")},
    "entrypoint": {"entrypoint": ("sleep",), "command": ("9",)},
    "no entrypoint": {"entrypoint": (), "command": STAY},
    "no command": {"entrypoint": STAY, "command": ()},
    "names": {"hostname": "web", "domainname": "example.org"},
    "user": {"user": "0:0"},
    "working_dir": {"working_dir": "/tmp"},
    "labels": {"labels.team": "net", "labels.a.b": "x=y", "labels.empty": ""},
    "restart no": {"restart": "no"},
    "restart always": {"restart": "always"},
    "restart unless-stopped": {"restart": "unless-stopped"},
    "restart on-failure": {"restart": "on-failure:3"},
    "sysctls": {"sysctls.net.ipv4.ip_forward": "1", "sysctls.net.ipv4.conf.all.rp_filter": "2"},
    "ports": {
        "ports": (
            "127.0.0.1:18181->81/tcp",
            "127.0.0.1:18182->82/udp",
            "18183->83/tcp",
            "81/tcp",
            "[::1]:18184->84/tcp",
        )
    },
    "expose": {"expose": ("80/tcp", "81/udp")},
    "expose and ports": {"expose": ("80/tcp",), "ports": ("127.0.0.1:18185->85/tcp",)},
    "publish_all": {"publish_all": True, "expose": ("80/tcp",)},
    "publish_all off": {"publish_all": False},
    "binds": {"volumes./a": "bind:/tmp", "volumes./b": "bind:/tmp:ro"},
    "anonymous volume": {"volumes./a": "volume:", "volumes./b": "volume::nocopy"},
    "tmpfs": {"volumes./a": "tmpfs:", "volumes./b": "tmpfs:mode=1770,size=1m"},
    "capabilities": {"cap_add": ("NET_ADMIN", "SYS_TIME"), "cap_drop": ("MKNOD",)},
    "no capabilities": {"cap_drop": ("ALL",)},
    "privileged": {"privileged": True},
    "privileged off": {"privileged": False},
    "devices": {"devices": ("/dev/null:/dev/other:rw", "/dev/zero:/dev/zero:rwm")},
    "dns": {"dns": ("9.9.9.9", "1.1.1.1", "fd00::1"), "dns_search": ("b.test", "a.test")},
    "extra_hosts": {"extra_hosts": ("a.test:10.0.0.1", "b.test:fd00::1")},
    "init": {"init": True},
    "init off": {"init": False},
    "limits": {"mem_limit": 64 << 20, "cpus": "0.5"},
    "cpus": {"cpus": "1"},
    "grace period": {"stop_grace_period": 3},
    "no grace period": {"stop_grace_period": 0},
    "healthcheck": {
        "healthcheck.test": ("CMD", "true"),
        "healthcheck.interval": 10**9,
        "healthcheck.timeout": 2 * 10**9,
        "healthcheck.start_period": 3 * 10**9,
        "healthcheck.retries": 4,
    },
    "healthcheck off": {"healthcheck.test": ("NONE",)},
    "host": {"network_mode": "host"},
    "host with names": {"network_mode": "host", "hostname": "web", "expose": ("80/tcp",)},
    "none": {"network_mode": "none"},
    "bridge": {"network_mode": "bridge"},
}


SINCE_API_144: dict[str, dict[str, Value]] = {
    "healthcheck": {
        "healthcheck.test": ("CMD", "true"),
        "healthcheck.start_period": 10**9,
        "healthcheck.start_interval": 10**8,
    },
}


def spec_of(
    docker: Docker, settings: Settings, environment: Mapping[str, str] | None = None, **more: Any
) -> ContainerSpec:
    secrets = {
        f"environment.{key}": secret_digest(key, value)
        for key, value in (environment or {}).items()
    }
    whole = {"image": docker.image, **FOREVER, **settings, **secrets}
    mode = str(settings.get("network_mode", "bridge"))
    more = {
        "mark": ContainerMark("lab", digests(whole)),
        "mode": mode,
        "environment": Secrets(environment or {}),
        **more,
    }
    return ContainerSpec(whole, **more)


def read(engine: Engine, id: str) -> dict[str, Value]:
    raw = engine.container(id)
    assert raw is not None
    return read_settings(raw)


def seen(engine: Engine, id: str) -> ObservedContainer:
    (container,) = (container for container in observe(engine).containers if container.id == id)
    return container


@pytest.mark.parametrize("case", SETTINGS)
def test_a_setting_comes_back_as_it_was_sent(engine: Engine, docker: Docker, case: str) -> None:
    spec = spec_of(docker, SETTINGS[case])
    id = engine.create_container(docker.name("a"), spec)
    if case != "privileged":  # a machine that is itself a container may not have all rights to give
        engine.start(id)
    settings = read(engine, id)
    shown = {path: value_of(settings, path) for path in spec.settings}
    assert shown == dict(spec.settings)
    engine.remove_container(id, force=True, volumes=True)


@pytest.mark.parametrize("case", SINCE_API_144)
def test_a_newer_setting_comes_back_as_it_was_sent(
    engine: Engine, docker: Docker, engine_info: EngineInfo, case: str
) -> None:
    if engine_info.api < (1, 44):
        pytest.skip("needs API 1.44")
    spec = spec_of(docker, SINCE_API_144[case])
    settings = read(engine, engine.create_container(docker.name("a"), spec))
    assert {path: settings.get(path) for path in spec.settings} == dict(spec.settings)


def test_what_is_not_declared_is_the_default(engine: Engine, docker: Docker) -> None:
    """Of two containers that declare nothing, nothing differs: neither ID nor name nor time is
    among their settings.
    """
    first, second = (
        read(engine, engine.create_container(docker.name(short), spec_of(docker, {})))
        for short in "ab"
    )
    assert first == second
    assert set(first) == {
        *(
            "image",
            "command",
            "environment.PATH",
            "network_mode",
            "cgroup",
        ),
    }


def test_environment_values_reach_the_container_and_nothing_else(
    engine: Engine, docker: Docker
) -> None:
    spec = spec_of(docker, {}, {"PASSWORD": SECRET, "EMPTY": "", "EQUALS": "a=b c\nd"})
    id = engine.create_container(docker.name("a"), spec)
    engine.start(id)
    assert SECRET in docker.exec(id, "sh", "-c", "echo $PASSWORD")[1]
    container = seen(engine, id)
    assert {path: container.settings[path] for path in spec.settings} == dict(spec.settings)
    assert container.mark == spec.mark
    assert SECRET not in repr((container, spec))
    assert SECRET not in str(container_labels(spec.mark, "web"))


def test_named_volumes_come_back_as_they_were_sent(engine: Engine, docker: Docker) -> None:
    name = docker.name("data")
    spec = spec_of(docker, {"volumes./a": f"volume:{name}", "volumes./b": f"volume:{name}:ro"})
    id = engine.create_container(docker.name("a"), spec)
    container = seen(engine, id)
    assert {path: container.settings[path] for path in spec.settings} == dict(spec.settings)
    assert container.anonymous == {}
    engine.remove_container(id, volumes=True)
    docker.do("DELETE", f"/volumes/{name}")


def test_anonymous_volumes_are_carried_over_again_and_again(engine: Engine, docker: Docker) -> None:
    settings: dict[str, Value] = {"volumes./a": "volume:"}
    id = engine.create_container(docker.name("a"), spec_of(docker, settings))
    volumes = seen(engine, id).anonymous
    assert list(volumes) == ["/a"]
    engine.start(id)
    docker.exec(id, "sh", "-c", "echo kept > /a/file")
    for _ in range(2):
        engine.remove_container(id, force=True)
        id = engine.create_container(docker.name("a"), spec_of(docker, settings, volumes=volumes))
        container = seen(engine, id)
        assert container.anonymous == volumes
        assert container.settings["volumes./a"] == "volume:"
    engine.start(id)
    assert "kept" in docker.exec(id, "cat", "/a/file")[1]
    engine.remove_container(id, force=True, volumes=True)
    assert docker.call("GET", f"/volumes/{volumes['/a']}")[0] == 404


def test_a_volume_that_was_carried_over_outlives_the_old_container(
    engine: Engine, docker: Docker
) -> None:
    """Whichever of the two goes, and however: only the last takes the volume with it."""
    settings: dict[str, Value] = {"volumes./a": "volume:"}
    old = engine.create_container(docker.name("old"), spec_of(docker, settings))
    volumes = seen(engine, old).anonymous
    new, failed = (
        engine.create_container(docker.name(short), spec_of(docker, settings, volumes=volumes))
        for short in ("new", "failed")
    )
    for id in (failed, old):
        engine.remove_container(id, force=True, volumes=True)
        docker.do("GET", f"/volumes/{volumes['/a']}")
    engine.remove_container(new, force=True, volumes=True)
    assert docker.call("GET", f"/volumes/{volumes['/a']}")[0] == 404


def test_all_endpoints_go_with_the_create_where_the_engine_can(
    engine: Engine, docker: Docker, engine_info: EngineInfo
) -> None:
    subnets = [docker.subnet(), docker.subnet()]
    names = [docker.name(short) for short in ("n1", "n2")]
    for name, subnet in zip(names, subnets, strict=True):
        engine.create_network(name, {"ipv4.subnet": (subnet,)})
    endpoints = []
    for number, (name, subnet) in enumerate(zip(names, subnets, strict=True)):
        settings: Settings = {
            "ipv4_address": subnet.replace(".0/24", ".77"),
            "aliases": (f"alias{number}", "web"),
            "mac_address": f"02:42:c0:a8:00:0{number}",
        }
        endpoints.append(EndpointSpec(name, settings, EndpointMark("lab", "made", settings)))
    id = engine.create_container(
        docker.name("a"),
        spec_of(docker, {"hostname": "web"}, mode=names[0], endpoints=tuple(endpoints)),
    )
    engine.start(id)
    container = seen(engine, id)
    sent = endpoints if engine_info.api >= ALL_ENDPOINTS_API else endpoints[:1]
    assert [(e.network, e.settings, e.mark) for e in container.endpoints] == [
        (e.network, e.settings, e.mark) for e in sent
    ]
    assert [e.mac for e in container.endpoints] == [e.settings["mac_address"] for e in sent]
    assert container.network_mode == names[0]


def test_one_in_anothers_namespace_is_read_whole(engine: Engine, docker: Docker) -> None:
    """What its engine would refuse of it is not sent: it has the other's names and ports."""
    other = engine.create_container(docker.name("x"), spec_of(docker, {"hostname": "x"}))
    engine.start(other)
    mode = f"container:{docker.name('x')}"
    refused: dict[str, Value] = {
        "hostname": "a",
        "expose": ("80/tcp",),
        "dns": ("9.9.9.9",),
        "extra_hosts": ("a:10.0.0.1",),
    }
    spec = spec_of(docker, {"network_mode": mode, "labels.team": "net", **refused})
    id = engine.create_container(docker.name("a"), spec)
    engine.start(id)
    container = seen(engine, id)
    assert container.network_mode == container.settings["network_mode"] == f"container:{other}"
    assert container.mark == spec.mark
    assert container.settings["labels.team"] == "net"
    assert not {"hostname", "expose", "dns", "extra_hosts"} & set(container.settings)


def test_what_changes_in_place(engine: Engine, docker: Docker) -> None:
    id = engine.create_container(
        docker.name("a"), spec_of(docker, {"mem_limit": 64 << 20, "restart": "no"})
    )
    engine.start(id)
    changes: list[dict[str, Value]] = [
        {"mem_limit": 512 << 20, "cpus": "1.5", "restart": "on-failure:2"},
        {"mem_limit": 32 << 20},
        {"cpus": "0.25"},
        {"restart": "always"},
        {"restart": "no"},
    ]
    for settings in changes:
        before = read(engine, id)
        engine.update_container(id, settings)
        after = read(engine, id)
        assert {path: value_of(after, path) for path in settings} == settings
        same = before.keys() - settings.keys() - {"memswap_limit"}
        assert {path: after.get(path) for path in same} == {path: before[path] for path in same}
    unlimited = engine.create_container(docker.name("b"), spec_of(docker, {}))
    engine.start(unlimited)
    engine.update_container(unlimited, {"mem_limit": 64 << 20})
    assert read(engine, unlimited)["mem_limit"] == 64 << 20


def test_a_container_is_renamed_stopped_started_and_removed(engine: Engine, docker: Docker) -> None:
    id = engine.create_container(docker.name("a"), spec_of(docker, {}))
    assert seen(engine, id).state == "created"
    for _ in range(2):  # again: nothing to do
        engine.start(id)
        assert seen(engine, id).state == "running"
    aside = aside_name(docker.name("a"), id)  # another name would not be that of its mark
    engine.rename(id, aside)
    assert seen(engine, id).name == aside
    for _ in range(2):
        engine.stop(id, 0)
        assert (seen(engine, id).state, seen(engine, id).exit_code) == ("exited", 137)
    engine.start(id)
    with pytest.raises(ApiError, match=r"stop|running"):
        engine.remove_container(id)
    engine.remove_container(id, force=True)
    assert engine.container(id) is None
    with pytest.raises(ApiError) as caught:
        engine.start(id)
    assert caught.value.status == 404


def test_a_stop_waits_for_its_grace_period(host: str, docker: Docker, engine: Engine) -> None:
    """As long as the container was given, also where that is longer than netplan's own patience."""
    from reconciler.engine import open_engine

    id = engine.create_container(
        docker.name("a"), spec_of(docker, {})
    )  # its sleep is process 1 and hears no SIGTERM
    engine.start(id)
    hasty = open_engine(host, timeout=2)
    began = time.monotonic()
    hasty.stop(id, 3)
    hasty.close()
    assert time.monotonic() - began > 2.5
    assert seen(engine, id).state == "exited"


def test_health_and_exit_code_are_seen(engine: Engine, docker: Docker) -> None:
    check: dict[str, Value] = {
        "healthcheck.test": ("CMD-SHELL", "ls /tmp/well"),
        "healthcheck.interval": 10**8,
        "healthcheck.retries": 1,
    }
    id = engine.create_container(
        docker.name("a"),
        spec_of(docker, {"command": ("sh", "-c", "while :; do sleep 0.1; done"), **check}),
    )
    assert seen(engine, id).health in ("", "starting")
    engine.start(id)
    wait_for(lambda: seen(engine, id).health == "unhealthy")
    docker.exec(id, "sh", "-c", "echo > /tmp/well")
    wait_for(lambda: seen(engine, id).health == "healthy")
    ended = engine.create_container(
        docker.name("b"), spec_of(docker, {"command": ("sh", "-c", "exit 7")})
    )
    engine.start(ended)
    wait_for(lambda: seen(engine, ended).state == "exited")
    assert (seen(engine, ended).exit_code, seen(engine, ended).health) == (7, "")


def wait_for(condition: Any) -> None:
    for _ in range(100):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come about within 10 s")


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("echo one; echo two", "two"),
        ("echo one >&2; echo; echo '  '", "one"),
        ("printf 'no newline'", "no newline"),
        ("printf 'red\\033[31m\\tgrün\\n'", "red [31m grün"),
        ("true", ""),
        ("i=0; while [ $i != 3000 ]; do i=$((i+1)); printf 'xxxxxxxxxx'; done", "x" * 500),
    ],
)
def test_the_last_line_of_a_container(
    engine: Engine, docker: Docker, script: str, line: str
) -> None:
    id = engine.create_container(
        docker.name("a"), spec_of(docker, {"command": ("sh", "-c", script)})
    )
    assert engine.last_line(id) == ""
    engine.start(id)
    wait_for(lambda: seen(engine, id).state == "exited")
    assert engine.last_line(id) == line


def test_the_last_line_of_what_is_not_kept(engine: Engine, docker: Docker) -> None:
    body = {
        "Image": docker.image,
        "Cmd": ["echo", "x"],
        "Tty": True,
        "HostConfig": {"LogConfig": {"Type": "none"}},
    }
    id = docker.do("POST", f"/containers/create?name={docker.name('a')}", body)["Id"]
    engine.start(id)
    assert engine.last_line(id) == ""
    assert engine.last_line(docker.name("nosuch")) == ""


def test_the_last_line_of_a_terminal(engine: Engine, docker: Docker) -> None:
    body = {"Image": docker.image, "Cmd": ["echo", "x\ny"], "Tty": True}
    id = docker.do("POST", f"/containers/create?name={docker.name('a')}", body)["Id"]
    engine.start(id)
    wait_for(lambda: docker.inspect(id)["State"]["Status"] == "exited")
    assert engine.last_line(id) == "y"


def test_a_mark_that_comes_from_the_image_does_not_count(engine: Engine, docker: Docker) -> None:
    """`docker commit` copies a container's labels into an image, and whatever is made of that has
    them.
    """
    spec = spec_of(docker, {"labels.team": "net"})
    id = engine.create_container(docker.name("a"), spec)
    committed = f"netplan-test/{docker.prefix}committed:1"
    repository, _, tag = committed.rpartition(":")
    made = docker.do("POST", f"/commit?container={id}&repo={repository}&tag={tag}")["Id"]
    try:
        foreign = docker.do(
            "POST", f"/containers/create?name={docker.name('b')}", {"Image": committed}
        )["Id"]
        ours = engine.create_container(docker.name("c"), spec_of(docker, {"image": committed}))
        state = observe(engine)
        found = {container.id: container for container in state.containers}
        assert found[id].mark == spec.mark
        assert (found[foreign].mark, found[foreign].settings, found[foreign].image_id) == (
            None,
            {},
            "",
        )
        mark = found[ours].mark
        assert mark is not None
        assert (mark.topology, found[ours].image_id) == ("lab", made)
        assert state.images[made].settings["labels.team"] == "net"
        assert not [path for path in state.images[made].settings if "netplan" in path]
    finally:
        docker.clean_up()
        docker.do("DELETE", f"/images/{committed}?force=1")


def test_images_are_looked_up_by_name_and_by_container(engine: Engine, docker: Docker) -> None:
    id = engine.create_container(docker.name("a"), spec_of(docker, {}))
    docker.container("foreign", start=False)
    state = observe(engine, images=[docker.image, "netplan-test/nosuch:1"])
    image = state.images[docker.image]
    assert "netplan-test/nosuch:1" not in state.images
    (container,) = (container for container in state.containers if container.id == id)
    assert container.image_id == image.id
    assert state.images[image.id] == image
    assert container.settings["platform"] == image.platform
    assert image.platform.startswith("linux/")
    assert image.settings == {"environment.PATH": secret_digest("PATH", "/bin")}


def test_no_call_is_made_for_containers_without_a_mark(host: str, docker: Docker) -> None:
    """Beyond what there was before containers could be managed: two lists, and an inspect of each
    that has a namespace of its own.
    """
    from reconciler.engine import open_reader

    if any(TOPOLOGY in entry["Labels"] for entry in docker.do("GET", "/containers/json?all=1")):
        pytest.skip("the engine has containers with a mark already")
    for number in range(40):
        docker.container(f"c{number}", start=False)
    calls: list[str] = []
    reader = open_reader(host, log=lambda method, path, status, seconds: calls.append(path))
    state = observe(reader)
    reader.close()
    assert len(state.containers) >= 40
    own = [container for container in state.containers if container.network_mode != "host"]
    assert not [path for path in calls if "/images/" in path]
    assert len(
        [path for path in calls if path.endswith("/json") and "/containers/" in path]
    ) == len(own)
    assert len(calls) == len(own) + len(["/version", "/info", "/containers", "/networks"])
    assert state.images == {}


def test_an_image_that_no_registry_has_is_a_clean_error(engine: Engine, docker: Docker) -> None:
    """Nobody listens on the discard port of the loopback."""
    with pytest.raises(ApiError, match="refused"):
        engine.pull("127.0.0.1:9/nosuch:1")
    with pytest.raises(ApiError, match="refused"):
        engine.newest("127.0.0.1:9/nosuch:1")
    assert engine.image("127.0.0.1:9/nosuch:1") is None
    with pytest.raises(ApiError) as caught:
        engine.create_container(
            docker.name("a"), spec_of(docker, {"image": "127.0.0.1:9/nosuch:1"})
        )
    assert caught.value.status == 404


def test_a_registry_that_does_not_answer_is_said_so(engine: Engine, docker: Docker) -> None:
    reference = f"127.0.0.1:9/{docker.prefix}a:1"
    repository, _, tag = reference.rpartition(":")
    docker.do("POST", f"/images/{docker.image}/tag?repo={repository}&tag={tag}")
    try:
        image = observe(engine, ask=[reference]).images[reference]
        assert "refused" in image.unasked
        assert not image.outdated
    finally:
        docker.do("DELETE", f"/images/{reference}")

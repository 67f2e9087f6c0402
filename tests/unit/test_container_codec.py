"""A container's settings: what recorded inspects say (one call, on Docker 20.10.24, 28.5.2,
29.7.2), and what is sent and what is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from reconciler.codec import read_container, shapes
from reconciler.codec.container_mounts import carried_volumes
from reconciler.codec.containers import (
    container_body,
    read_image,
    read_managed,
    read_settings,
    update_body,
)
from reconciler.codec.sound import check_container
from reconciler.codec.times import is_started_after
from reconciler.marks import (
    SPEC,
    TOPOLOGY,
    container_labels,
    digest,
    endpoint_options,
    read_container_mark,
    secret_digest,
)
from reconciler.model import ContainerMark, EndpointMark, EngineInfo, Flavor, ObservedImage, Secrets
from reconciler.plan import ContainerSpec, EndpointSpec
from reconciler.settings import Settings

RECORDED = {
    path.stem.partition("-")[2]: path
    for path in (Path(__file__).parent / "recorded").glob("container-*.json")
}
MARK = ContainerMark("lab", {"image": digest("netplan-test/busybox:1")})
ID = "ab" * 32
EXPECTED: Settings = {
    "image": "netplan-test/busybox:1",
    "command": ("sleep", "100"),
    "environment.A": secret_digest("A", "1"),
    "environment.B": secret_digest("B", ""),
    "environment.C": secret_digest("C", "x=y"),
    "environment.PATH": secret_digest("PATH", "/bin"),
    "hostname": "h1",
    "domainname": "ex.org",
    "user": "0:0",
    "working_dir": "/tmp",
    "labels.a": "b",
    "labels.e": "",
    "stop_grace_period": 3,
    "healthcheck.test": ("CMD", "true"),
    "healthcheck.interval": 10**9,
    "healthcheck.timeout": 2 * 10**9,
    "healthcheck.start_period": 10**9,
    "healthcheck.retries": 2,
    "network_mode": "expnet",
    "ports": ("127.0.0.1:->80/tcp", "18080->80/tcp"),
    "publish_all": True,
    "expose": ("81/udp",),
    "volumes./b": "bind:/tmp/bindsrc:ro",
    "volumes./v": "volume:vol1",
    "volumes./v2": "volume:expnamed:nocopy",
    "volumes./anon": "volume:",
    "volumes./anon2": "volume::nocopy",
    "volumes./carried": "volume:",
    "volumes./t": "tmpfs:size=1m",
    "volumes./t2": "tmpfs:",
    "cap_add": ("NET_ADMIN", "SYS_TIME"),
    "cap_drop": ("ALL", "MKNOD"),
    "sysctls.net.ipv4.ip_forward": "1",
    "devices": ("/dev/null:/dev/xnull:rwm",),
    "dns": ("1.1.1.1",),
    "dns_search": ("ex.org",),
    "extra_hosts": ("db:10.1.1.1",),
    "restart": "on-failure:3",
    "mem_limit": 64 << 20,
    "memswap_limit": 128 << 20,  # the engine's own, beside a limit of memory
    "cpus": "0.5",
}
SINCE_25 = {"healthcheck.start_interval": 10**9}
CGROUP = {"20.10": "host", "28.5": "host"}


def test_of_an_image_for_several_platforms_the_container_tells_which() -> None:
    raw = recorded("29.7")
    raw["Config"]["Labels"] |= container_labels(MARK, "exp1")
    raw["ImageManifestDescriptor"]["platform"] |= {"architecture": "arm", "variant": "v7"}
    image = {"Id": raw["Image"], "Os": "linux", "Architecture": "amd64"}
    assert (
        read_managed(read_container(raw, EngineInfo()), raw, image).settings["platform"]
        == "linux/arm/v7"
    )
    del raw["ImageManifestDescriptor"]
    assert (
        read_managed(read_container(raw, EngineInfo()), raw, image).settings["platform"]
        == "linux/amd64"
    )


def recorded(version: str) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(RECORDED[version].read_text(encoding="utf-8"))
    return raw


def body(
    settings: Settings, mode: str = "bridge", api: tuple[int, int] = (1, 51), **more: Any
) -> dict[str, Any]:
    return container_body("web", ContainerSpec(settings, MARK, mode, **more), api)


@pytest.mark.parametrize(("flavor", "name"), [("docker", "bridge"), ("podman", "podman")])
def test_the_default_network_by_the_name_that_the_engine_knows(flavor: Flavor, name: str) -> None:
    """Podman lists it as bridge, and creates nothing on a network of that name."""
    spec = ContainerSpec({}, MARK, "bridge", (EndpointSpec("bridge", {}), EndpointSpec("net", {})))
    sent = container_body("web", spec, (1, 44), flavor)
    assert set(sent["NetworkingConfig"]["EndpointsConfig"]) == {name, "net"}


@pytest.mark.parametrize("version", RECORDED)
def test_a_recorded_container_is_read_whole(version: str) -> None:
    assert read_settings(recorded(version)) == {
        **EXPECTED,
        **(SINCE_25 if version != "20.10" else {}),
        "cgroup": CGROUP.get(version, "private"),
    }


@pytest.mark.parametrize("version", RECORDED)
def test_anonymous_volumes_are_those_that_nobody_gave_a_name(version: str) -> None:
    raw = recorded(version)
    raw["Config"]["Labels"] |= container_labels(MARK, "exp1")
    container = read_managed(read_container(raw, EngineInfo()), raw)
    assert list(container.anonymous) == ["/anon", "/anon2", "/carried"]
    assert all(len(name) == 64 for name in container.anonymous.values())
    assert carried_volumes(raw) == [container.anonymous["/carried"]]
    assert (container.mark, container.image_id, container.health) == (
        MARK,
        raw["Image"],
        "starting",
    )
    assert "platform" not in container.settings
    assert not [path for path in container.settings if "netplan" in path]


# when a member and its owner were started, and whether that cuts the member off
STARTS = {
    "after it": ("2026-11-24T13:19:40.25Z", "2026-11-24T13:19:40.250086344Z", True),
    "before it": ("2026-11-24T13:19:40.250086344Z", "2026-11-24T13:19:40.25Z", False),
    "at once": ("2026-11-24T13:19:40Z", "2026-11-24T13:19:40Z", False),
    "no fraction": ("2026-11-24T13:19:40.9Z", "2026-11-24T13:19:41Z", True),
    "never": ("2026-11-24T13:19:40Z", "0001-01-01T00:00:00Z", False),
    "nobody knows": ("", "2026-11-24T13:19:40Z", False),
    "another zone": ("2026-11-24T13:19:40+01:00", "2026-11-24T13:19:41Z", False),
}


@pytest.mark.parametrize("case", STARTS)
def test_a_member_is_cut_off_by_a_later_start_of_its_owner(case: str) -> None:
    began, anew, expected = STARTS[case]
    raw = recorded("28.5")
    raw["Config"]["Labels"] |= container_labels(MARK, "exp1")
    container = read_container(raw, EngineInfo())
    for running in (True, False):
        raw["State"] |= {"StartedAt": began, "Running": running}
        owner = {"State": {"StartedAt": anew, "Running": True}}
        assert read_managed(container, raw, None, [owner]).severed == (expected and running)
    assert not read_managed(container, raw).severed


@pytest.mark.parametrize(
    ("began", "now", "expected"),
    [
        ("2026-11-24T12:00:00.5Z", "2026-11-24T11:00:00.123456789Z", True),
        ("2026-11-24T12:00:00.5Z", "2026-11-24T13:00:00.123456789+02:00", True),
        ("2026-11-24T12:00:00.5Z", "2026-11-24T12:00:00.500000001Z", False),
        ("2026-11-24T12:00:00Z", "2026-11-24T12:00:01Z", False),
        ("2026-11-24T12:00:00Z", "", False),
        ("2026-11-24T12:00:00Z", "2026-11-24T11:00:00", False),
        ("", "2026-11-24T11:00:00Z", False),
        ("soon", "2026-11-24T11:00:00Z", False),
    ],
)
def test_a_clock_that_was_set_back_is_told_by_a_start_in_the_future(
    began: str, now: str, expected: bool
) -> None:
    assert is_started_after({"State": {"StartedAt": began}}, now) == expected


@pytest.mark.parametrize("version", RECORDED)
def test_one_without_a_mark_is_read_as_ever(version: str) -> None:
    raw = recorded(version)
    container = read_container(raw, EngineInfo())
    assert read_managed(container, raw) is container
    raw["Config"]["Labels"] |= container_labels(MARK, "exp1")
    assert (
        read_managed(
            container, raw, {"Id": "sha256:1", "Config": {"Labels": raw["Config"]["Labels"]}}
        )
        is container
    )


def test_a_mark_survives_its_labels() -> None:
    labels = container_labels(MARK, "web")
    assert read_container_mark(labels, "web", ID) == MARK
    assert read_container_mark({SPEC: labels[SPEC]}, "web", ID) is None
    for wrong in ("", "7", "{}", '{"v":0}', '{"v":true}', "[" * 200_000):
        assert read_container_mark(labels | {SPEC: wrong}, "web", ID) is None
    newer = labels | {SPEC: labels[SPEC].replace('"v":1', '"v":2')}
    assert read_container_mark(newer, "web", ID) == ContainerMark("lab")
    assert read_container_mark(newer, "other", ID) is None


def test_an_image_is_what_its_containers_have() -> None:
    config = {
        "Hostname": "0123456789ab",
        "StopTimeout": 4,
        "Cmd": ["sh"],
        "Entrypoint": None,
        "Env": ["PATH=/bin"],
        "User": "web",
        "WorkingDir": "",
        "ExposedPorts": {"443/tcp": {}, "80/tcp": {}},
        "Volumes": {"/data": {}},
        "Labels": {"a": "b", TOPOLOGY: "lab"},
        "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Retries": 3},
    }
    settings: Settings = {
        "command": ("sh",),
        "environment.PATH": secret_digest("PATH", "/bin"),
        "user": "web",
        "expose": ("443/tcp", "80/tcp"),
        "volumes./data": "volume:",
        "labels.a": "b",
        "healthcheck.test": ("CMD-SHELL", "true"),
        "healthcheck.retries": 3,
    }
    raw = {
        "Id": "sha256:1",
        "Os": "linux",
        "Architecture": "arm64",
        "Variant": "v8",
        "Config": config,
    }
    assert read_image(raw) == ObservedImage("sha256:1", settings, "linux/arm64/v8")
    assert read_image(
        {"Id": "sha256:1", "Os": "linux", "Architecture": "amd64", "Config": None}
    ) == ObservedImage("sha256:1", {}, "linux/amd64")


def test_a_body_holds_what_is_set_and_nothing_else() -> None:
    assert body({"image": "a:1"}) == {
        "Image": "a:1",
        "Labels": container_labels(MARK, "web"),
        "HostConfig": {"NetworkMode": "bridge"},
    }


def test_the_values_of_the_environment_are_sent_and_their_digests_are_not() -> None:
    settings = {"image": "a:1", "environment.K": secret_digest("K", "hidden")}
    sent = body(settings, environment=Secrets({"K": "hidden", "EMPTY": ""}))
    assert sent["Env"] == ["K=hidden", "EMPTY="]
    assert settings["environment.K"] not in json.dumps(sent)


def test_published_ports_are_exposed_too() -> None:
    sent = body({"ports": ("8080->80/tcp", "[::1]:->80/tcp"), "expose": ("53/udp",)})
    assert sent["ExposedPorts"] == {"53/udp": {}, "80/tcp": {}}
    assert sent["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostIp": "", "HostPort": "8080"}, {"HostIp": "::1", "HostPort": ""}]
    }


@pytest.mark.parametrize(
    ("volume", "carried", "expected"),
    [
        ("bind:/src", "", {"Binds": ["/src:/t"]}),
        ("bind:/src:ro,z", "", {"Binds": ["/src:/t:ro,z"]}),
        ("volume:data:nocopy", "", {"Binds": ["data:/t:nocopy"]}),
        ("volume:data", "f" * 64, {"Binds": ["data:/t"]}),
        ("volume:", "", {}),
        ("volume:", "f" * 64, {"Mounts": [{"Type": "volume", "Target": "/t", "Source": "f" * 64}]}),
        (
            "volume::nocopy",
            "",
            {"Mounts": [{"Type": "volume", "Target": "/t", "VolumeOptions": {"NoCopy": True}}]},
        ),
        ("tmpfs:", "", {"Tmpfs": {"/t": ""}}),
        ("tmpfs:size=1m", "f" * 64, {"Tmpfs": {"/t": "size=1m"}}),
        ("", "f" * 64, {"Mounts": [{"Type": "volume", "Target": "/t", "Source": "f" * 64}]}),
    ],
)
def test_volumes(volume: str, carried: str, expected: dict[str, Any]) -> None:
    sent = body(
        {"volumes./t": volume} if volume else {}, volumes={"/t": carried} if carried else {}
    )
    assert sent["HostConfig"] == {"NetworkMode": "bridge", **expected}
    assert ("Volumes" in sent) == (volume == "volume:" and not carried)


ENDPOINTS = (
    EndpointSpec("n1", {"mac_address": "02:42:c0:a8:00:01", "aliases": ("web",)}),
    EndpointSpec("n2", {"mac_address": "02:42:c0:a8:00:02"}),
)


def test_a_newer_engine_gets_all_endpoints_at_once() -> None:
    sent = body({}, "n1", endpoints=ENDPOINTS)
    configs = {
        "n1": {"Aliases": ["web"], "MacAddress": "02:42:c0:a8:00:01"},
        "n2": {"MacAddress": "02:42:c0:a8:00:02"},
    }
    assert sent["NetworkingConfig"]["EndpointsConfig"] == configs
    assert "MacAddress" not in sent


def test_an_older_engine_gets_the_first_endpoint_and_its_mac() -> None:
    sent = body({}, "n1", api=(1, 43), endpoints=ENDPOINTS)
    assert list(sent["NetworkingConfig"]["EndpointsConfig"]) == ["n1"]
    assert sent["MacAddress"] == "02:42:c0:a8:00:01"


def test_one_in_anothers_namespace_sends_nothing_of_its_own_network() -> None:
    settings: Settings = {
        "hostname": "a",
        "ports": ("80->80/tcp",),
        "expose": ("81/tcp",),
        "dns": ("1.1.1.1",),
        "user": "web",
    }
    sent = body(settings, "container:x")
    assert sent == {
        "User": "web",
        "Labels": container_labels(MARK, "web"),
        "HostConfig": {"NetworkMode": "container:x"},
    }


def test_an_update_keeps_the_swap_in_step_with_the_memory() -> None:
    assert update_body(
        {"mem_limit": 5, "cpus": "1.5", "restart": "on-failure:2", "user": "web"}
    ) == {
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2},
        "Memory": 5,
        "MemorySwap": 10,
        "NanoCpus": 1_500_000_000,
    }
    assert update_body({"restart": "no"}) == {"RestartPolicy": {"Name": "no"}}


# --- answers of an engine that are spoilt ---------------------------------------------------------

ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    float("inf"),
    "",
    "x",
    "\u00b2/tcp",
    [],
    {},
    [None],
    [{}],
    [[]],
    {"": None},
    {"a": []},
]


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands, from the whole to the smallest."""
    yield at
    for key, item in (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    ):
        yield from places(item, (*at, key))


def spoilt(value: Any, at: tuple[Any, ...], odd: Any) -> Any:
    """The same value with something else in one place."""
    if not at:
        return odd
    changed = value.copy()
    changed[at[0]] = spoilt(value[at[0]], at[1:], odd)
    return changed


def rich(version: str) -> dict[str, Any]:
    """A recorded container that runs, is marked, and has all that only some have."""
    raw = recorded(version)
    raw["State"] |= {"Status": "running", "Health": {"Status": "healthy", "Log": [{"Output": "x"}]}}
    raw["Config"]["Labels"] |= container_labels(MARK, "exp1")
    raw["NetworkSettings"]["Ports"] = {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}
    endpoint = next(iter(raw["NetworkSettings"]["Networks"].values()))
    endpoint["DriverOpts"] = endpoint_options(
        EndpointMark("lab", "made", {"aliases": ("a",)}), None
    )
    endpoint["IPAMConfig"] = {"IPv4Address": "10.1.1.1", "LinkLocalIPs": ["169.254.1.1"]}
    return raw


@pytest.mark.parametrize("version", RECORDED)
def test_what_is_let_in_is_read_whatever_it_holds(version: str) -> None:
    """Every reader is content with what has the shape; what is then no sound container is said
    so.
    """
    raw, let_in = rich(version), 0
    assert not shapes.container(raw)
    for at in places(raw):
        for odd in ODD:
            bad = spoilt(raw, at, odd)
            if not shapes.container(bad):
                let_in += 1
                found = read_managed(read_container(bad, EngineInfo()), bad, None, [bad])
                carried_volumes(bad)
                with suppress(TypeError, ValueError):
                    check_container(found)
    assert let_in > 1000


def test_a_binding_without_a_port_of_the_host_leads_nowhere() -> None:
    """What Docker 28.5 lists of `ports: ['18080:80']` on a network with the gateway mode
    `routed`.
    """
    bindings = [{"HostIp": "0.0.0.0", "HostPort": ""}, {"HostIp": "::", "HostPort": "18080"}]
    raw = {
        "Id": "a",
        "Name": "/web",
        "Config": {},
        "State": {},
        "NetworkSettings": {"Ports": {"80/tcp": bindings, "81/tcp": None}},
    }
    assert read_container(raw, EngineInfo()).ports == ("[::]:18080->80/tcp",)

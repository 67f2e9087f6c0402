"""Any settings become a body, the engine keeps and echoes it, and reading gives the same settings.

What engines echo is recorded in tests/unit/recorded; that they do so is tested on them in
tests/e2e/test_containers_engine.py.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.codec import read_container
from reconciler.codec.containers import container_body, read_image, read_managed, read_settings
from reconciler.marks import secret_digest
from reconciler.model import ContainerMark, EngineInfo, ObservedImage, Secrets
from reconciler.plan import ContainerSpec
from reconciler.settings import Settings, Value
from reconciler.settings.container_defaults import DEFAULTS, value_of
from reconciler.settings.ports import Port

from .test_codec import ID, keys, merged, names, optional, over_the_wire, under, words

VOLUME = "0f" * 32
texts = words.filter(bool)
commands = st.lists(words, max_size=4).map(tuple)
some_names = st.sets(names, min_size=1, max_size=3).map(lambda items: tuple(sorted(items)))
variables = st.dictionaries(names.filter(lambda name: "=" not in name), words, max_size=4)
numbers = st.integers(1, 65535).map(str)
inside = st.builds("{}/{}".format, numbers, st.sampled_from(["tcp", "udp", "sctp"]))
published = st.builds(
    Port,
    st.integers(1, 65535),
    st.sampled_from(["tcp", "udp", "sctp"]),
    st.sampled_from(["", "127.0.0.1", "0.0.0.0", "::1"]),
    numbers | st.sampled_from(["", "8000-8010"]),
)
ports = st.lists(published.map(str), min_size=1, max_size=4, unique=True)
targets = names.map(lambda name: f"/{name}")
volumes = st.one_of(
    st.builds("bind:/{}{}".format, names, st.sampled_from(["", ":ro", ":ro,z"])),
    st.builds("volume:{}{}".format, names, st.sampled_from(["", ":ro", ":nocopy"])),
    st.sampled_from(
        ["volume:", "volume::nocopy", "volume::nocopy,ro", "tmpfs:", "tmpfs:mode=1777,size=1m"]
    ),
)
times = st.integers(1, 10**12)

own_settings = merged(
    optional(
        command=commands,
        entrypoint=commands,
        user=texts,
        working_dir=texts,
        stop_grace_period=st.integers(0, 10**6),
        restart=st.sampled_from(["no", "always", "unless-stopped", "on-failure", "on-failure:5"]),
        privileged=st.booleans(),
        init=st.booleans(),
        mem_limit=st.integers(1, 1 << 50),
        cpus=st.integers(1, 10**13).map(lambda nano: f"{nano / 10**9:.9f}".rstrip("0").rstrip(".")),
        cap_add=st.sets(st.sampled_from(["NET_ADMIN", "SYS_TIME", "ALL"]), min_size=1).map(
            lambda items: tuple(sorted(items))
        ),
        cap_drop=st.just(("MKNOD",)),
        devices=st.just(("/dev/a:/dev/b:rw", "/dev/c:/dev/c:rwm")),
        dns_search=some_names,
        **{
            "healthcheck.test": st.just(("CMD", "true")) | st.just(("NONE",)),
            "healthcheck.interval": times,
            "healthcheck.timeout": times,
            "healthcheck.start_period": times,
            "healthcheck.start_interval": times,
            "healthcheck.retries": st.integers(1, 99),
        },
    ),
    under("labels", st.dictionaries(keys, words, max_size=4)),
    under("sysctls", st.dictionaries(names, texts, max_size=3)),
    under("volumes", st.dictionaries(targets, volumes, max_size=4)),
)
network_settings = optional(
    hostname=names.filter(lambda name: name != ID[:12]),
    domainname=texts,
    ports=ports.map(lambda items: tuple(sorted(items))),
    publish_all=st.booleans(),
    dns=st.just(("1.1.1.1", "fd00::1")),
    extra_hosts=some_names,
)
exposed = st.sets(inside, max_size=3)


def echo(body: dict[str, Any], empty: Any) -> dict[str, Any]:
    """What inspect shows of a container made with `body`; `empty` is how the engine writes what is
    not there.
    """
    host = body["HostConfig"]
    config_keys = ("Hostname", "Domainname", "User", "WorkingDir")
    host_lists = (
        "Binds",
        "PortBindings",
        "CapAdd",
        "CapDrop",
        "Dns",
        "DnsSearch",
        "ExtraHosts",
        "Mounts",
        "Devices",
        "Tmpfs",
        "Sysctls",
    )
    config = {key: body.get(key, "") for key in config_keys}
    config |= {key: body.get(key) for key in ("Cmd", "Entrypoint", "Healthcheck", "StopTimeout")}
    config |= {key: body.get(key, empty) for key in ("Env", "Labels", "ExposedPorts", "Volumes")}
    config["Hostname"] = config["Hostname"] or ID[:12]
    mounted = (*body.get("Volumes", ()), *(mount["Target"] for mount in host.get("Mounts", ())))
    return {
        "Id": ID,
        "Name": "/c",
        "Image": "sha256:1",
        "State": {"Status": "running", "ExitCode": 0},
        "Config": config | {"Image": body.get("Image", "")},
        "HostConfig": (
            {key: host.get(key, empty) for key in host_lists}
            | {key: host.get(key, False) for key in ("PublishAllPorts", "Privileged")}
            | {key: host.get(key, 0) for key in ("Memory", "NanoCpus")}
            | {"NetworkMode": host["NetworkMode"], "Init": host.get("Init")}
            | {
                "RestartPolicy": (
                    {"Name": "no", "MaximumRetryCount": 0} | host.get("RestartPolicy", {})
                )
            }
        ),
        "Mounts": [{"Type": "volume", "Name": VOLUME, "Destination": target} for target in mounted],
        "NetworkSettings": {},
    }


def made(
    settings: Settings, environment: dict[str, str], mode: str = "bridge", **more: Any
) -> tuple[ContainerSpec, Settings]:
    """What a container is created with, and its settings in full."""
    secrets: dict[str, Value] = {
        f"environment.{key}": secret_digest(key, value) for key, value in environment.items()
    }
    whole = {"image": "a:1", **settings, **secrets}
    return (
        ContainerSpec(
            whole,
            ContainerMark("lab", {"command": "0"}),
            mode,
            environment=Secrets(environment),
            **more,
        ),
        whole,
    )


@given(
    own_settings,
    network_settings,
    exposed,
    variables,
    st.sampled_from([None, {}]),
    st.sampled_from(["bridge", "host", "none", "n1"]),
)
def test_settings_come_back_as_they_were_sent(
    own: dict[str, Value],
    network: dict[str, Value],
    expose: set[str],
    environment: dict[str, str],
    empty: Any,
    mode: str,
) -> None:
    published = {str(port).partition("->")[2] for port in network.get("ports", ())}  # type: ignore[union-attr]
    shown = tuple(sorted(expose - published))
    spec, whole = made(
        {**own, **network, **({"expose": shown} if shown else {})}, environment, mode
    )
    settings = read_settings(echo(over_the_wire(container_body("c", spec, (1, 51))), empty))
    assert settings == explicit(whole) | {"network_mode": mode}


def explicit(settings: Settings) -> dict[str, Value]:
    """Settings as they are read: without those that have their default."""
    return {path: value for path, value in settings.items() if value != DEFAULTS.get(path)}


@given(own_settings, variables)
def test_what_shares_a_namespace_has_only_what_is_its_own(
    own: dict[str, Value], environment: dict[str, str]
) -> None:
    refused: dict[str, Value] = {
        "hostname": "h",
        "ports": ("1->1/tcp",),
        "expose": ("2/tcp",),
        "dns": ("1.1.1.1",),
    }
    spec, whole = made(own | refused, environment, "container:x")
    raw = echo(over_the_wire(container_body("c", spec, (1, 51))), None)
    raw["Config"]["Hostname"] = "the-others"
    settings = read_settings(raw)
    assert settings == {
        path: value for path, value in explicit(whole).items() if path not in refused
    } | {"network_mode": "container:x"}


@given(own_settings, st.sets(targets, max_size=3))
def test_volumes_that_are_carried_over_stay_anonymous(
    own: dict[str, Value], carried: set[str]
) -> None:
    """However often: what is read of the new container is what was read of the old one."""
    spec, whole = made(own, {}, volumes=dict.fromkeys(carried, VOLUME))
    for _ in range(2):
        raw = echo(over_the_wire(container_body("c", spec, (1, 51))), None)
        container = read_managed(read_container(raw, EngineInfo()), raw)
        assert container.mark == spec.mark
        assert {path: value_of(container.settings, path) for path in whole} == dict(whole)
        kept = {
            target
            for target in carried
            if str(whole.get(f"volumes.{target}", "volume:")).startswith("volume:")
        }
        named = {
            target
            for target in kept
            if str(whole.get(f"volumes.{target}", "volume:")).split(":")[1]
        }
        assert kept - named <= set(container.anonymous)
        assert not named & set(container.anonymous)
        spec, _ = made(own, {}, volumes=container.anonymous)


@given(own_settings, variables)
def test_no_value_of_the_environment_is_read(
    own: dict[str, Value], environment: dict[str, str]
) -> None:
    environment = {key: f"hidden-{value}" for key, value in environment.items()}
    spec, _ = made(own, environment)
    raw = echo(over_the_wire(container_body("c", spec, (1, 51))), None)
    assert "hidden-" not in repr((read_managed(read_container(raw, EngineInfo()), raw), spec))


@given(own_settings, exposed, variables)
def test_an_image_and_a_container_of_it_are_read_alike(
    own: dict[str, Value], expose: set[str], environment: dict[str, str]
) -> None:
    """What `docker commit` makes of a container has its configuration; all that is inherited is
    read in the same words.
    """
    shown: dict[str, Value] = {"expose": tuple(sorted(expose))} if expose else {}
    spec, _ = made(own | shown, environment)
    raw = echo(over_the_wire(container_body("c", spec, (1, 51))), None)
    image = read_image(
        {"Id": "sha256:1", "Os": "linux", "Architecture": "amd64", "Config": raw["Config"]}
    )
    settings = read_settings(raw)
    assert isinstance(image, ObservedImage)
    assert {path: settings[path] for path in image.settings} == image.settings
    inherited = {
        path for path in settings if path.startswith(("labels.", "environment.", "healthcheck."))
    }
    assert inherited <= set(image.settings)

"""What a file says about how to run a container, in every form; and that no secret leaves where it
belongs.
"""

# ruff: noqa: E501

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.errors import InputError
from reconciler.marks import secret_digest
from reconciler.model import DesiredContainer, DesiredEndpoint, Source
from reconciler.topology import load, load_text
from tests.schemas import validator

SECOND = 10**9


def container(body: str, file: str = "/lab/t.yaml") -> DesiredContainer:
    """The container `web` with that flow mapping beside its image."""
    text = (
        f"name: t\nnetworks: {{n: }}\ncontainers:\n  web: {{image: a, {body}}}\n  db: {{image: a,"
        " one_shot: true}\n  old:\n"
    )
    return load_text(text, file).state.containers["web"]


def settings(body: str) -> dict[str, Any]:
    found = dict(container(body).settings)
    assert found.pop("image") == "a:latest"
    return found


SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("command: sleep 3600", {"command": ("sleep", "3600")}),
    ("command: [sleep, '3600']", {"command": ("sleep", "3600")}),
    ("command: ['sh', '-c', 'echo $$HOME $$$$ $1 $?']", {"command": ("sh", "-c", "echo $HOME $$ $1 $?")}),
    ("command: , entrypoint: []", {"entrypoint": ()}),
    ("cpus: 0, mem_limit: 0, healthcheck: {start_period: 0s}", {}),
    ("cpus: 0.50, working_dir: /srv/../tmp/, platform: Linux/x86_64", {"cpus": "0.5", "working_dir": "/tmp", "platform": "linux/amd64"}),
    ("platform: arm64, env_file: [{path: /nosuch.env, required: false}]", {"platform": "linux/arm64"}),
    ("network_mode: 'container:old', domainname: a.test", {"network_mode": "container:old"}),
    ("entrypoint: /init -q 'a b'", {"entrypoint": ("/init", "-q", "a b")}),
    ("command: [echo, '']", {"command": ("echo", "")}),
    ("environment: {A: x, B: 1, C: true, D: 1.5, E: '', x-f: a$$b}", {
        f"environment.{key}": secret_digest(key, value) for key, value in [("A", "x"), ("B", "1"), ("C", "true"), ("D", "1.5"), ("E", ""), ("x-f", "a$b")]
    }),
    ("environment: {A: off, B: yes, C: No, D: True, E: 1e-05}", {
        f"environment.{key}": secret_digest(key, value) for key, value in [("A", "off"), ("B", "yes"), ("C", "No"), ("D", "true"), ("E", "1e-05")]
    }),
    ("labels: {a: off}", {"labels.a": "off"}),
    ("environment: [A=x, B=, C=a=b]", {f"environment.{key}": secret_digest(key, value) for key, value in [("A", "x"), ("B", ""), ("C", "a=b")]}),
    ("environment: {}, env_file: []", {}),
    ("hostname: web.example, domainname: example.com", {"hostname": "web.example", "domainname": "example.com"}),
    ("user: 1000:1000, working_dir: /srv", {"user": "1000:1000", "working_dir": "/srv"}),
    ("user: '0'", {"user": "0"}),
    ("ports: [80, '8080:80', '127.0.0.1::81/UDP', '90-91']", {"ports": ("127.0.0.1:->81/udp", "80/tcp", "8080->80/tcp", "90/tcp", "91/tcp")}),
    ("ports: [{target: 80}, {target: '81', published: 8081, host_ip: 127.0.0.1, protocol: udp}]", {"ports": ("127.0.0.1:8081->81/udp", "80/tcp")}),
    ("ports: [{target: 80, published: 8000-8010, x-a: 1}]", {"ports": ("8000-8010->80/tcp",)}),
    ("ports: [80, '80/tcp']", {"ports": ("80/tcp",)}),
    ("publish_all: false, privileged: true, init: yes", {"publish_all": False, "privileged": True, "init": True}),
    ("expose: [80, '81-82/udp', '80']", {"expose": ("80/tcp", "81/udp", "82/udp")}),
    ("volumes: [/data]", {"volumes./data": "volume:"}),
    ("volumes: ['data:/d/', './conf:/e:ro', '../up:/u', '/abs:/a:rw,z', '.:/here']", {
        "volumes./d": "volume:data", "volumes./e": "bind:/lab/conf:ro", "volumes./u": "bind:/up", "volumes./a": "bind:/abs:z", "volumes./here": "bind:/lab",
    }),
    ("volumes: [{type: bind, source: conf, target: /e, read_only: true, bind: {propagation: rslave, selinux: z, create_host_path: true}}]", {
        "volumes./e": "bind:/lab/conf:ro,rslave,z",
    }),
    ("volumes: [{type: volume, source: data, target: /d, volume: {nocopy: true}}, {type: volume, target: /e}]", {"volumes./d": "volume:data:nocopy", "volumes./e": "volume:"}),
    ("volumes: [{type: tmpfs, target: /t, read_only: true, tmpfs: {size: 1048576, mode: '1770'}}, {type: tmpfs, target: /u, tmpfs: {size: 1g}}]", {
        "volumes./t": "tmpfs:mode=1770,ro,size=1m", "volumes./u": "tmpfs:size=1g",
    }),
    ("tmpfs: /run", {"volumes./run": "tmpfs:"}),
    ("tmpfs: ['/run:size=64M,rw', /tmp]", {"volumes./run": "tmpfs:size=64m", "volumes./tmp": "tmpfs:"}),
    ("cap_add: [cap_net_raw, NET_ADMIN, net_raw], cap_drop: [all]", {"cap_add": ("NET_ADMIN", "NET_RAW"), "cap_drop": ("ALL",)}),
    ("sysctls: {net.ipv4.ip_forward: 1, kernel.msgmax: '2'}", {"sysctls.net.ipv4.ip_forward": "1", "sysctls.kernel.msgmax": "2"}),
    ("sysctls: [net.ipv4.ip_forward=1]", {"sysctls.net.ipv4.ip_forward": "1"}),
    ("devices: [/dev/b, '/dev/a:/dev/x:wr']", {"devices": ("/dev/a:/dev/x:rw", "/dev/b:/dev/b:rwm")}),
    ("dns: 10.1.0.53, dns_search: example.com", {"dns": ("10.1.0.53",), "dns_search": ("example.com",)}),
    ("dns: ['FD00::2', 10.1.0.53], dns_search: [b, a]", {"dns": ("fd00::2", "10.1.0.53"), "dns_search": ("b", "a")}),
    ("extra_hosts: {db: 10.1.0.9, a: ['FD00::1', host-gateway]}", {"extra_hosts": ("a:fd00::1", "a:host-gateway", "db:10.1.0.9")}),
    ("extra_hosts: ['db:10.1.0.9', 'c=10.1.0.8', 'a=[fd00::1]']", {"extra_hosts": ("a:fd00::1", "c:10.1.0.8", "db:10.1.0.9")}),
    ("labels: {a: 1, x-b: }", {"labels.a": "1", "labels.x-b": ""}),
    ("labels: [a=b]", {"labels.a": "b"}),
    *((f"restart: {word}", {"restart": "no"}) for word in ("'no'", "no", "No", "off", "false", "FALSE")),
    ("restart: on-failure:3", {"restart": "on-failure:3"}),
    ("healthcheck: {test: nc -z localhost 80, interval: 1m30s, timeout: 3s, retries: 3, start_period: 20s, start_interval: 500ms}", {
        "healthcheck.test": ("CMD-SHELL", "nc -z localhost 80"), "healthcheck.interval": 90 * SECOND, "healthcheck.timeout": 3 * SECOND,
        "healthcheck.retries": 3, "healthcheck.start_period": 20 * SECOND, "healthcheck.start_interval": SECOND // 2,
    }),
    ("healthcheck: {test: [CMD, nc, '-z']}", {"healthcheck.test": ("CMD", "nc", "-z")}),
    ("healthcheck: {test: [NONE]}", {"healthcheck.test": ("NONE",)}),
    ("healthcheck: {disable: true}", {"healthcheck.test": ("NONE",)}),
    ("healthcheck: {disable: false}", {}),
    ("stop_grace_period: 1m30s, mem_limit: 64m, cpus: 0.5", {"stop_grace_period": 90, "mem_limit": 64 * 2**20, "cpus": "0.5"}),
    ("mem_limit: 67108864, cpus: '2.50'", {"mem_limit": 64 * 2**20, "cpus": "2.5"}),
    ("platform: linux/ARM64/v8", {"platform": "linux/arm64/v8"}),
    ("network_mode: bridge", {"network_mode": "bridge"}),
    ("network_mode: 'container:db'", {"network_mode": "container:db"}),
    ("x-note: 1", {}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), SETTINGS, ids=[body for body, _ in SETTINGS])
def test_a_setting_in_each_of_its_forms(body: str, expected: dict[str, Any]) -> None:
    assert settings(body) == expected


@pytest.mark.parametrize(("body", "expected"), SETTINGS, ids=[body for body, _ in SETTINGS])
def test_the_published_schema_accepts_each_form(body: str, expected: dict[str, Any]) -> None:
    document = yaml.safe_load(f"name: t\ncontainers:\n  web: {{image: a, {body}}}\n")
    validator("topology").validate(document)


@pytest.mark.parametrize(
    ("image", "canonical"),
    [
        ("busybox", "busybox:latest"),
        ("docker.io/library/busybox:1", "busybox:1"),
        ("registry:5000/team/app", "registry:5000/team/app:latest"),
        ("localhost/a__b/c.d-e:V1", "localhost/a__b/c.d-e:V1"),
        (f"a@sha256:{'0' * 64}", f"a@sha256:{'0' * 64}"),
        (f"sha256:{'a' * 64}", f"sha256:{'a' * 64}"),
    ],
)
def test_images(image: str, canonical: str) -> None:
    assert (
        load_text(f"name: t\ncontainers: {{web: {{image: '{image}'}}}}\n", "t")
        .state.containers["web"]
        .image
        == canonical
    )


def test_what_is_no_setting() -> None:
    found = container(
        "one_shot: true, pull_policy: if_not_present, depends_on: {db: {condition:"
        " service_completed_successfully}, old: }"
    )
    assert (found.managed, found.one_shot, found.pull_policy, found.optional) == (
        True,
        True,
        "missing",
        False,
    )
    assert [(needed.container, needed.condition) for needed in found.depends_on] == [
        ("db", "completed"),
        ("old", "started"),
    ]
    assert [
        needed.condition
        for needed in container("depends_on: {old: {condition: service_healthy}}").depends_on
    ] == ["healthy"]
    assert [needed.container for needed in container("depends_on: [old, db]").depends_on] == [
        "old",
        "db",
    ]
    assert [
        container(f"pull_policy: {word}").pull_policy for word in ("always", "never", "missing")
    ] == ["always", "never", "missing"]


WEB = Source("/lab/t.yaml", 4, 3)


@pytest.mark.parametrize(
    ("body", "endpoints"),
    [
        ("", (DesiredEndpoint("bridge", WEB),)),
        ("networks: ", (DesiredEndpoint("bridge", WEB),)),
        ("network_mode: bridge", (DesiredEndpoint("bridge", WEB),)),
        ("networks: []", ()),
        ("networks: {}", ()),
        ("network_mode: host", ()),
        ("network_mode: none", ()),
        ("network_mode: 'container:elsewhere'", ()),
        ("networks: [n]", (DesiredEndpoint("n", Source("/lab/t.yaml", 4, 30)),)),
        (
            "networks: {n: {aliases: [w]}}",
            (DesiredEndpoint("n", Source("/lab/t.yaml", 4, 30), {"aliases": ("w",)}),),
        ),
    ],
)
def test_what_it_is_attached_to(body: str, endpoints: tuple[DesiredEndpoint, ...]) -> None:
    assert container(body).endpoints == endpoints


def test_dollars_are_halved_once_also_behind_an_alias() -> None:
    text = (
        "name: t\nnetworks: {n: {labels: {a: $$x}}}\ncontainers:\n  c1: &c {image: a, command:"
        " [$$$$], labels: [a=$$b]}\n  c2: *c\n  c3: {<<: *c}\n"
    )
    state = load_text(text, "t").state
    assert state.networks["n"].settings == {"labels.a": "$x"}
    assert [dict(found.settings) for found in state.containers.values()] == [
        {"image": "a:latest", "command": ("$$",), "labels.a": "$b"}
    ] * 3


def test_paths_begin_where_the_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "t.yaml").write_text(
        "name: t\ncontainers: {web: {image: a, volumes: ['./x:/x', '~/y:/y', '~:/z']}}\n"
    )
    found = load("lab/t.yaml").state.containers["web"].settings
    assert [found[f"volumes./{name}"] for name in "xyz"] == [
        f"bind:{tmp_path}/lab/x",
        "bind:/home/me/y",
        "bind:/home/me",
    ]


# --- secrets --------------------------------------------------------------------------------------


def test_later_files_win_and_the_topology_wins_over_files(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("A=a\nB=a\nC=a\n")
    (tmp_path / "b.env").write_text("export B='b $X'\nC=b\n")
    found = container("env_file: [a.env, ./b.env], environment: {C: c}", str(tmp_path / "t.yaml"))
    values = {"A": "a", "B": "b $X", "C": "c"}
    assert dict(found.environment) == values
    assert {path: value for path, value in found.settings.items() if path != "image"} == {
        f"environment.{key}": secret_digest(key, value) for key, value in values.items()
    }


def test_a_dollar_in_a_file_of_variables_is_told_where_compose_would_expand_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.env").write_text("A=a$b\nB='$b'\nC=HUNTER2$$\n")
    text = "name: t\ncontainers:\n  web: {image: a, env_file: a.env}\n"
    loaded = load_text(text, str(tmp_path / "t.yaml"))
    assert dict(loaded.state.containers["web"].environment) == {
        "A": "a$b",
        "B": "$b",
        "C": "HUNTER2$$",
    }
    why = (
        "is an ordinary character here, where Compose expands a variable: put the value in single"
        " quotes"
    )
    assert [str(warning).removeprefix(f"{tmp_path}/t.yaml:") for warning in loaded.warnings] == [
        f"3:29: warning: the '$' in line {line} of 'a.env' {why}" for line in (1, 3)
    ]


def test_a_container_does_not_show_its_secrets() -> None:
    assert "HUNTER2" not in repr(container("environment: {A: HUNTER2}"))


@pytest.mark.parametrize(
    "body",
    [
        "environment: HUNTER2",
        "environment: [[HUNTER2]]",
        "environment: {A: [HUNTER2]}",
        "environment: {A: {HUNTER2: 1}}",
        "environment: {A: 017}",
        "environment: ['A=${HUNTER2}']",
        "environment: ['HUNTER2 x=${X}']",
        "environment: {A: '${HUNTER2}'}",
        "environment: {'A=HUNTER2': '1'}",
        "environment: {'A=${HUNTER2}': '1'}",
        "environment: {A: 'HUNTER2', B: }",
        "environment: [A=HUNTER2, A=HUNTER2]",
        "environment: {A: !secret HUNTER2, 'b ': HUNTER2}",
        "environment: {A: !HUNTER2 x, B: [!HUNTER2 y]}",
        "environment: {A: *HUNTER2}",
        "environment: {A: @HUNTER2}",
        'environment: {A: "x\\0HUNTER2"}',
        "environment: [PW HUNTER2]",
        "environment: [HUNTER2, HUNTER2]",
        "environment: [PW HUNTER2=]",
        "environment: {PW:HUNTER2}",
        "environment: {PW HUNTER2, PW HUNTER2}",
        "environment: [PW: HUNTER2]",
        "env_file: bad.env",
        "env_file: binary.env",
    ],
)
def test_no_message_holds_an_environment_value(body: str, tmp_path: Path) -> None:
    (tmp_path / "bad.env").write_text("A=1\nB='HUNTER2\n")
    (tmp_path / "binary.env").write_bytes(b"A=HUNTER2\xff\n")
    with pytest.raises(InputError) as caught:
        container(body, str(tmp_path / "t.yaml"))
    messages = "\n".join(map(str, caught.value.problems))
    assert messages
    assert "HUNTER2" not in messages
    assert "017" not in messages


def test_no_message_about_broken_json_holds_an_environment_value() -> None:
    with pytest.raises(InputError) as caught:
        load_text(
            '{"name": "t", "containers": {"web": {"image": "a", "environment": {"A": HUNTER2}}}}',
            "t.json",
        )
    assert [str(problem) for problem in caught.value.problems] == [
        "t.json:1:73: not valid JSON: something else is where a value or a mark should be"
    ]


def test_words_that_old_readers_of_yaml_take_for_booleans_are_text() -> None:
    body = "hostname: on, command: [echo, yes, NO], labels: [off=on]"
    assert settings(body) == {
        "hostname": "on",
        "command": ("echo", "yes", "NO"),
        "labels.off": "on",
    }


def test_files_of_variables_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "bad.env").write_text("A=1\nB\n")
    (tmp_path / "binary.env").write_bytes(b"A=\xff\n")
    (tmp_path / "large.env").write_bytes(b"#" * (2**20 + 1))
    (tmp_path / "folder.env").mkdir()
    os.mkfifo(tmp_path / "pipe.env")
    with pytest.raises(InputError) as caught:
        container(
            "env_file: [no.env, bad.env, binary.env, large.env, folder.env, pipe.env]",
            str(tmp_path / "t.yaml"),
        )
    assert [
        str(problem).removeprefix(f"{tmp_path}/t.yaml:") for problem in caught.value.problems
    ] == [
        "4:30: the file 'no.env' cannot be used: there is no such file",
        (
            "4:38: the file 'bad.env' cannot be used: line 2 is not of the form KEY=VALUE: a key"
            " without a value is not taken from the shell"
        ),
        "4:47: the file 'binary.env' cannot be used: it is not UTF-8",
        "4:59: the file 'large.env' cannot be used: it is too large: at most 1 MiB are read",
        "4:70: the file 'folder.env' cannot be used: it is not a regular file",
        "4:82: the file 'pipe.env' cannot be used: it is not a regular file",
    ]

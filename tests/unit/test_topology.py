"""From a file to the desired state: values, sources, warnings, and which files are meant."""

# ruff: noqa: E501

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
import yaml

from reconciler.cli import main
from reconciler.errors import InputError, Problem, UsageError
from reconciler.model import DesiredContainer, DesiredEndpoint, DesiredNetwork, Source
from reconciler.topology import find_files, load, load_text
from reconciler.topology.document import MAX_SIZE
from reconciler.topology.files import Found
from reconciler.topology.schema import schema_path, schema_text
from tests.schemas import validator


def network_settings(body: str) -> dict[str, Any]:
    return dict(load_text(f"name: t\nnetworks:\n  n: {body}\n", "t").state.networks["n"].settings)


def endpoint_settings(body: str) -> dict[str, Any]:
    text = (
        "name: t\nnetworks: {n: {external: true}}\ncontainers:\n  c: {networks: {n:"
        f" {body}}}}}\n"
    )
    return dict(load_text(text, "t").state.containers["c"].endpoints[0].settings)


def under(path: str, **values: str) -> dict[str, str]:
    return {f"{path}.{key}": value for key, value in values.items()}


@pytest.mark.parametrize(
    ("body", "settings"),
    [
        ("", {}),
        ("{}", {}),
        ("{labels: {}, driver_opts: {}, ipam: {}, aux_addresses: }", {}),
        ("{ipam: {driver: default, options: {}, config: []}}", {"ipam.driver": "default"}),
        ("{driver: macvlan, driver_opts: {parent: eth0}}", {"driver": "macvlan", "driver_opts.parent": "eth0"}),
        ("{internal: false, attachable: yes, enable_ipv6: 'true'}", {"internal": False, "attachable": True, "enable_ipv6": True}),
        ("{enable_ipv4: true}", {"enable_ipv4": True}),
        ("{mtu: 1450}", {"driver_opts.com.docker.network.driver.mtu": "1450"}),
        ("{driver_opts: {a: true, b: 1, c: 'False', d: , e: x}}", under("driver_opts", a="true", b="1", c="false", d="", e="x")),
        ("{labels: {a: true, b: 1.5, c: 'True', d: , e: x}}", under("labels", a="true", b="1.5", c="True", d="", e="x")),
        ("{labels: [a=b, c, d=e=f, x-g=h]}", {"labels.a": "b", "labels.c": "", "labels.d": "e=f", "labels.x-g": "h"}),
        ("{subnet: 10.1.0.0/24, gateway: 10.1.0.1}", {"ipv4.subnet": ("10.1.0.0/24",), "ipv4.gateway": "10.1.0.1"}),
        ("{subnet: 10.1.0.0/31}", {"ipv4.subnet": ("10.1.0.0/31",)}),
        ("{subnet: 10.1.0.0/32}", {"ipv4.subnet": ("10.1.0.0/32",)}),
        ("{subnet: 10.1.0.0/31, gateway: 10.1.0.0}", {"ipv4.subnet": ("10.1.0.0/31",), "ipv4.gateway": "10.1.0.0"}),
        ("{enable_ipv6: true, subnet: 'FD00:7:0::/64'}", {"enable_ipv6": True, "ipv6.subnet": ("fd00:7::/64",)}),
        ("{x-note: {anything: [1]}, internal: true}", {"internal": True}),
    ],
)  # fmt: skip
def test_a_network_is_what_it_says(body: str, settings: dict[str, Any]) -> None:
    assert network_settings(body) == settings


@pytest.mark.parametrize(
    ("body", "settings"),
    [
        ("", {}),
        ("{aliases: [], link_local_ips: , driver_opts: {}}", {}),
        ("{aliases: [b, a, b]}", {"aliases": ("a", "b")}),
        (
            "{ipv4_address: 10.1.0.9, ipv6_address: 'FD00:0::9'}",
            {"ipv4_address": "10.1.0.9", "ipv6_address": "fd00::9"},
        ),
        ("{mac_address: 02-42-C0-A8-00-09}", {"mac_address": "02:42:c0:a8:00:09"}),
        (
            "{link_local_ips: [169.254.9.9, 'FE80::1']}",
            {"link_local_ips": ("169.254.9.9", "fe80::1")},
        ),
        ("{gw_priority: -1, interface_name: eth1}", {"gw_priority": -1, "interface_name": "eth1"}),
        (
            "{driver_opts: {com.docker.network.endpoint.ifname: eth1, a: 1}}",
            {"interface_name": "eth1", "driver_opts.a": "1"},
        ),
        ("{x-note: 1}", {}),
    ],
)
def test_an_attachment_is_what_it_says(body: str, settings: dict[str, Any]) -> None:
    assert endpoint_settings(body) == settings


EXAMPLE = """\
name: two-tier
x-common: &common {driver: bridge, labels: {team: net}}
networks:
  front: {<<: *common, subnet: 10.1.0.0/24, protect: true}
  back:
    name: shop-back
    exclusive: true
    enable_ipv6: true
    ipam:
      config:
        - {subnet: 10.2.0.0/24, gateway: 10.2.0.1, ip_range: 10.2.0.128/25, aux_addresses: {printer: 10.2.0.9}}
        - {subnet: "fd00:2::/64"}
  corp: {external: true, optional: true, name: corp-lan}
  x-net:
containers:
  router:
    networks:
      back: {ipv4_address: 10.2.0.2}
      front:
  agent: {optional: true, networks: [corp, bridge]}
  idle:
  x-terminal:
    networks: {x-net: {x-ignored: 5}}
"""


def test_the_whole_state_with_its_sources() -> None:
    loaded = load_text(EXAMPLE, "f.yaml")
    common = {"driver": "bridge", "labels.team": "net"}
    back = {
        "enable_ipv6": True,
        "ipv4.subnet": ("10.2.0.0/24",),
        "ipv4.gateway": "10.2.0.1",
        "ipv4.ip_range": "10.2.0.128/25",
        "ipv4.aux_addresses.printer": "10.2.0.9",
        "ipv6.subnet": ("fd00:2::/64",),
    }
    at = "f.yaml"
    assert loaded.warnings == ()
    assert loaded.state.topology == "two-tier"
    assert list(loaded.state.networks.items()) == [
        (
            "front",
            DesiredNetwork(
                "front", Source(at, 4, 3), {**common, "ipv4.subnet": ("10.1.0.0/24",)}, protect=True
            ),
        ),
        ("shop-back", DesiredNetwork("shop-back", Source(at, 5, 3), back, exclusive=True)),
        (
            "corp-lan",
            DesiredNetwork("corp-lan", Source(at, 13, 3), {}, external=True, optional=True),
        ),
        ("x-net", DesiredNetwork("x-net", Source(at, 14, 3), {})),
    ]
    router = (
        DesiredEndpoint("shop-back", Source(at, 18, 7), {"ipv4_address": "10.2.0.2"}),
        DesiredEndpoint("front", Source(at, 19, 7)),
    )
    agent = (
        DesiredEndpoint("corp-lan", Source(at, 20, 38)),
        DesiredEndpoint("bridge", Source(at, 20, 44)),
    )
    assert list(loaded.state.containers.items()) == [
        ("router", DesiredContainer("router", Source(at, 16, 3), router)),
        ("agent", DesiredContainer("agent", Source(at, 20, 3), agent, optional=True)),
        ("idle", DesiredContainer("idle", Source(at, 21, 3))),
        (
            "x-terminal",
            DesiredContainer(
                "x-terminal", Source(at, 22, 3), (DesiredEndpoint("x-net", Source(at, 23, 16)),)
            ),
        ),
    ]


def test_json_says_the_same() -> None:
    text = json.dumps({"$schema": "topology.schema.json", **yaml.safe_load(EXAMPLE)})
    state, example = load_text(text, "f.json").state, load_text(EXAMPLE, "f.yaml").state
    assert [network.settings for network in state.networks.values()] == [
        network.settings for network in example.networks.values()
    ]
    assert list(state.containers) == list(example.containers)


def test_a_block_from_a_compose_file_is_valid() -> None:
    text = """\
name: pasted
networks:
  frontend:
  backend: {}
  proxy:
    name: my-proxy
    external: true
  app:
    driver: bridge
    driver_opts:
      com.docker.network.bridge.host_binding_ipv4: "127.0.0.1"
      com.docker.network.driver.mtu: 1400
    attachable: true
    internal: true
    enable_ipv6: true
    ipam:
      driver: default
      config:
        - subnet: 172.28.0.0/16
          ip_range: 172.28.5.0/24
          gateway: 172.28.5.254
          aux_addresses:
            host1: 172.28.1.5
            host2: 172.28.1.6
        - subnet: 2001:db8::/64
          gateway: 2001:db8::1
      options:
        foo: bar
    labels:
      - "com.example.description=Financial"
      - com.example.empty
"""
    assert list(load_text(text, "t").state.networks) == ["frontend", "backend", "my-proxy", "app"]


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        (
            (
                "name: t\nnetworks: {n: {subnet: 10.1.0.0/24, ip_range: 10.1.0.128/25}}\n"
                "containers: {c: {networks: {n: {ipv4_address: 10.1.0.200}}}}\n"
            ),
            [
                "3:47: warning: 10.1.0.200 is inside the range 10.1.0.128/25 of dynamic addresses:"
                " another container may get it first"
            ],
        ),
        (
            "name: t\nnetworks: {n: {driver: macvlan}}\n",
            [
                "2:24: warning: macvlan without the driver option 'parent': nothing outside this"
                " machine can be reached"
            ],
        ),
        ("name: t\nnetworks: {n: {driver: ipvlan, internal: true}}\n", []),
        (
            "name: t\nnetworks: {n: {subnet: 'fd00::/64'}}\n",
            [
                "2:24: warning: an IPv6 subnet without enable_ipv6: true: containers get no IPv6"
                " address, and Docker 29 refuses it: add enable_ipv6: true"
            ],
        ),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(text: str, warnings: list[str]) -> None:
    assert [
        str(warning).removeprefix("t:") for warning in load_text(text, "t").warnings
    ] == warnings


@pytest.mark.parametrize(
    "attachment",
    [
        ("{subnet: 10.1.0.0/24, ip_range: 10.1.0.128/25}", "10.1.0.1"),
        ("{subnet: 10.1.0.0/31, gateway: 10.1.0.0}", "10.1.0.1"),
        (
            (
                "{subnet: 10.1.0.0/24, driver_opts: {com.docker.network.bridge.gateway_mode_ipv4:"
                " isolated}, internal: true}"
            ),
            "10.1.0.1",
        ),
        (
            (
                "{driver: macvlan, driver_opts: {parent: e}, ipam: {config: [{subnet: 10.1.0.0/24},"
                " {subnet: 10.2.0.0/24}]}}"
            ),
            "10.2.0.9",
        ),
        ("{external: true}", "10.9.0.1"),
    ],
)
def test_static_addresses_that_are_free(attachment: tuple[str, str]) -> None:
    network, address = attachment
    text = (
        f"name: t\nnetworks:\n  n: {network}\ncontainers: {{c: {{networks: {{n: {{ipv4_address:"
        f" {address}}}}}}}}}\n"
    )
    assert load_text(text, "t").warnings == ()


def test_networks_of_other_ipam_drivers_may_overlap() -> None:
    load_text(
        "name: t\nnetworks: {a: {subnet: 10.1.0.0/24}, b: {subnet: 10.1.0.0/24, ipam: {driver:"
        " dhcp}}}\n",
        "t",
    )


# --- the schema for editors -----------------------------------------------------------------------


def described(schema: Any, path: str = "") -> list[str]:
    """Properties without a title, a description or examples."""
    missing = []
    for name, member in schema.get("properties", {}).items():
        missing += [
            f"{path}/{name}.{key}"
            for key in ("title", "description", "examples")
            if not member.get(key)
        ]
        missing += described(member, f"{path}/{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            missing += described(schema[key], f"{path}/{key}")
    return missing


def test_the_schema_is_valid_and_every_property_is_explained() -> None:
    from jsonschema import Draft202012Validator

    schema = json.loads(schema_text("topology"))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"]
    assert [gap for part in (schema, *schema["$defs"].values()) for gap in described(part)] == []
    assert schema_path("topology").name == "topology.schema.json"


def test_the_published_schema_accepts_what_netplan_accepts() -> None:
    validator("topology").validate(yaml.safe_load(EXAMPLE))


def test_examples_of_the_schema_are_examples() -> None:
    from jsonschema import Draft202012Validator

    schema = json.loads(schema_text("topology"))
    for kind in ("network", "container", "endpoint"):
        for name, member in schema["$defs"][kind]["properties"].items():
            one = Draft202012Validator(member | {"$defs": schema["$defs"]})
            assert [example for example in member["examples"] if not one.is_valid(example)] == [], (
                f"{kind}: {name}"
            )


# --- files ----------------------------------------------------------------------------------------


def test_a_folder_is_every_topology_in_it(tmp_path: Path) -> None:
    for name, text in {
        "b.yaml": "name: b\n",
        "a.yml": "name: a\nx-services: services\n",
        "c.json": '{"name": "c", "networks": {}}',
        "plan.json": '{"format_version": 1}',
        "snapshot.json": '{"format_version": 1, "networks": [], "containers": []}',
        "compose.yaml": "services: {}\nnetworks: {}\n",
        "broken.yaml": "name: [\n",
        "README.md": "x",
    }.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "folder.yaml").mkdir()
    assert find_files(str(tmp_path)) == [
        str(tmp_path / name) for name in ("a.yml", "b.yaml", "broken.yaml", "c.json")
    ]


COMPOSE = {
    "compose.yaml": "services: {web: {image: nginx}}\n",
    "docker-compose.yml": "name: shop\nservices:\nnetworks: {n: }\n",
    "list.yaml": "services: [web]\n",
    "override.yaml": "services:\n  web: {ports: !reset []}\n",
    "quoted.json": '{"services": {"web": {"image": "nginx"}}}',
    "torn.yaml": "services:\n  web: {image: nginx\n",
    "twice.yaml": "services: {}\n---\nservices: {}\n",
}


def test_compose_files_of_a_folder_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line for all of them, the same each time; what declares containers is no Compose file."""
    folder = str(tmp_path)

    def said(command: str) -> tuple[int, list[str]]:
        code = main([command, folder, *(("--state", "empty") if command == "plan" else ())])
        return code, capsys.readouterr().err.splitlines()

    for name, text in COMPOSE.items():
        (tmp_path / name).write_text(text)
    names = ", ".join(sorted(COMPOSE))
    skipped = (
        f"skipped {names}: Compose files, which have services: where a topology has containers:"
    )
    assert said("validate") == (
        4,
        [f"error: no topology in the folder {folder}", f"  {skipped}", ANY],
    )
    (tmp_path / "a.yaml").write_text("name: a\nnetworks: {services: {}}\n")
    assert said("validate") == said("validate") == said("plan") == (0, [f"{folder}: {skipped}"])
    (tmp_path / "both.yaml").write_text("name: b\ncontainers: {}\nservices: {}\n")
    code, errors = said("validate")
    assert (code, errors[0]) == (4, f"{folder}: {skipped}")
    assert "both.yaml:3:1: 'services' is not a key of a topology" in errors[1]


def test_many_compose_files_are_told_in_one_line(tmp_path: Path) -> None:
    assert Found(["a.yaml"]).passed_over == ""
    assert (
        Found(["a.yaml"], ["x/b.yaml"]).passed_over
        == "skipped b.yaml: a Compose file, which has services: where a topology has containers:"
    )
    many = Found(["a.yaml"], [f"x/{number:02}.yaml" for number in range(12)]).passed_over
    assert many.startswith("skipped 00.yaml, 01.yaml,")
    assert "09.yaml and 2 more: Compose files" in many


def test_a_link_that_leads_nowhere_is_not_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text("name: a\n")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    assert find_files(str(tmp_path)) == [
        str(tmp_path / name) for name in ("a.yaml", "gone.yaml", "loop.yaml")
    ]
    assert main(["validate", str(tmp_path)]) == 4
    assert "gone.yaml cannot be read: there is no such file" in capsys.readouterr().err


def test_problems_of_several_files_are_counted_as_such() -> None:
    problems = [
        Problem("a.yaml", 1, 1, "x"),
        Problem("b.yaml", 1, 1, "y"),
        Problem("b.yaml", 2, 1, "z"),
    ]
    assert str(InputError(problems)) == "3 problems in 2 files"
    assert str(InputError(problems[1:])) == "2 problems in the file"


def test_a_folder_without_topologies(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no topology in the folder"):
        find_files(str(tmp_path))


def test_without_a_file_the_current_folder_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"neither netplan\.yaml nor topology\.yaml") as caught:
        find_files(None)
    assert (
        any("not the netplan that configures this machine" in hint for hint in caught.value.hints)
        == Path("/etc/netplan").is_dir()
    )
    for name in ("topology.yml", "topology.yaml", "netplan.yml", "netplan.yaml"):
        Path(name).write_text("name: t\n")
        assert find_files(None) == [name]


def test_a_named_file_stands_for_itself(tmp_path: Path) -> None:
    assert find_files("-") == ["-"]
    assert find_files(str(tmp_path / "missing.yaml")) == [str(tmp_path / "missing.yaml")]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(b"name: t\nnetworks: {n: }\n")

    monkeypatch.setattr(sys, "stdin", Input)
    assert load("-").state.networks["n"].source == Source("<stdin>", 2, 12)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        load(str(tmp_path / "missing.yaml"))
    with pytest.raises(UsageError, match="cannot be read"):
        load(str(tmp_path))
    with pytest.raises(UsageError, match="cannot be read"):
        load("a\0b")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name: t\nnetworks: \xff\n", "2:11: byte 0xff is not UTF-8: save the file as UTF-8"),
        ("größe: ".encode() + b"\xe4\n", "1:8: byte 0xe4 is not UTF-8: save the file as UTF-8"),
        ("name: t\n".encode("utf-16"), "1:1: this looks like UTF-16: save the file as UTF-8"),
        (b"a" * (MAX_SIZE + 1), "1:1: the file is too large: at most 8 MiB are read"),
    ],
)
def test_bytes_that_are_no_text(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load(str(file))
    assert [str(problem) for problem in caught.value.problems] == [f"{file}:{message}"]

"""Each setting as a file writes it, what a request says of it, and that every row has a case."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.codec.containers import container_body, read_settings
from reconciler.model import ContainerMark
from reconciler.plan import ContainerSpec
from reconciler.settings.container_defaults import CONTAINER, value_of
from reconciler.topology import load_text
from tests.setting_cases import CASES

BLOCK_DEVICES = {
    "weight_device: [{path: /dev/sda, weight: 300}]": "300",
    "device_read_bps: [{path: /dev/sda, rate: 1m}]": "1048576",
    "device_write_bps: [{path: /dev/sda, rate: 2048}]": "2048",
    "device_read_iops: [{path: /dev/sda, rate: 30}]": "30",
    "device_write_iops: [{path: /dev/sda, rate: 20}]": "20",
}
ELSEWHERE = {"image", "command", "entrypoint", "environment", "network_mode", "ports", "expose"}
ELSEWHERE |= {"publish_all", "volumes", "devices", "platform", "privileged", "healthcheck"}
"""Keys whose forms have tests of their own."""


def settings_of(text: str) -> dict[str, Any]:
    state = load_text(f"name: t\ncontainers: {{web: {{image: a, {text}}}}}\n", "t.yaml").state
    found = dict(state.containers["web"].settings)
    assert found.pop("image") == "a:latest"
    return found


@pytest.mark.parametrize(("text", "settings", "other"), CASES, ids=[case[0] for case in CASES])
def test_it_is_read_sent_and_read_back(text: str, settings: dict[str, Any], other: str) -> None:
    assert settings_of(text) == settings
    assert not other or settings_of(other) != settings
    body = container_body("web", ContainerSpec(settings, ContainerMark("t")), (1, 51))
    inspect = {
        "Id": "0" * 64,
        "Config": {key: value for key, value in body.items() if key != "HostConfig"},
        "HostConfig": body["HostConfig"],
    }
    found = read_settings(inspect)
    assert {path: value_of(found, path) for path in settings} == settings


def test_every_row_has_a_case() -> None:
    tried = {path for _, settings, _ in CASES for path in settings}
    rows = {row.path for row in CONTAINER if row.key not in ELSEWHERE}
    lacking = {row for row in rows if not any(p == row or p.startswith(f"{row}.") for p in tried)}
    assert lacking == {f"blkio_config.{text.partition(':')[0]}" for text in BLOCK_DEVICES}


@pytest.mark.parametrize("text", BLOCK_DEVICES)
def test_a_block_device(text: str) -> None:
    """No machine is sure to have one: what is sent is what a recorded engine shows."""
    path = f"blkio_config.{text.partition(':')[0]}./dev/sda"
    settings = settings_of(f"blkio_config: {{{text}}}")
    assert settings == {path: BLOCK_DEVICES[text]}
    body = container_body("web", ContainerSpec(settings, ContainerMark("t")), (1, 51))
    assert read_settings({"Id": "0" * 64, "HostConfig": body["HostConfig"]})[path] == settings[path]


def test_the_security_option_that_engines_add_is_none_of_ours() -> None:
    """With the privileges of its machine a container gets label=disable."""
    raw = {
        "Id": "0" * 64,
        "HostConfig": {"Privileged": True, "SecurityOpt": ["label=disable", "no-new-privileges"]},
    }
    assert read_settings(raw)["security_opt"] == ("no-new-privileges",)
    raw["HostConfig"] = {"PidMode": "host", "SecurityOpt": ["label=disable"]}
    assert "security_opt" not in read_settings(raw)
    raw["HostConfig"] = {"SecurityOpt": ["label=disable"]}
    assert read_settings(raw)["security_opt"] == ("label=disable",)

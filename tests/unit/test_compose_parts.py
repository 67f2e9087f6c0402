"""Keys of Compose that say what other keys say as well: deploy, secrets, configs, label files, and
a container's own MAC address.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import InputError
from reconciler.model import DesiredContainer
from reconciler.topology import load_text

TOP = (
    "name: t\nsecrets: {token: {file: ./t.txt}}\nconfigs: {app: {file: /etc/app}}\nnetworks: {n: }"
)
OTHERS = "  job: {image: a}\n  idle: {image: a, one_shot: false}"


def container(body: str, folder: Path = Path("/lab")) -> DesiredContainer:
    text = f"{TOP}\ncontainers:\n  web: {{image: a, {body}}}\n{OTHERS}\n"
    return load_text(text, str(folder / "t.yaml")).state.containers["web"]


def problems(body: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        container(body)
    return [str(problem).partition(": ")[2] for problem in caught.value.problems]


SETTINGS: dict[str, dict[str, Any]] = {
    "deploy: {resources: {limits: {cpus: '0.50', memory: 64m, pids: 5}}}": {
        "cpus": "0.5",
        "mem_limit": 64 << 20,
        "pids_limit": 5,
    },
    "deploy: {resources: {limits: {cpus: 0.50}}, mode: replicated, replicas: 1}": {"cpus": "0.5"},
    "mem_limit: 64m, deploy: {resources: {limits: {memory: 67108864}}}": {"mem_limit": 64 << 20},
    "deploy: {resources: {reservations: {memory: 8m}}}": {"mem_reservation": 8 << 20},
    "deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1}]}}}": {
        "gpus": ("driver=nvidia,count=1",)
    },
    "deploy: {restart_policy: {condition: on-failure, max_attempts: 3, delay: 5s}}": {
        "restart": "on-failure:3"
    },
    "deploy: {restart_policy: {condition: none}}": {"restart": "no"},
    "deploy: {restart_policy: {window: 5s}}": {"restart": "always"},
    "deploy: {resources: , restart_policy: }": {},
    "secrets: [token]": {"volumes./run/secrets/token": "bind:/lab/t.txt:ro"},
    "secrets: [{source: token, target: /etc/t}]": {"volumes./etc/t": "bind:/lab/t.txt:ro"},
    "configs: [app], secrets: [{source: token, target: t}]": {
        "volumes./app": "bind:/etc/app:ro",
        "volumes./run/secrets/t": "bind:/lab/t.txt:ro",
    },
}
PROBLEMS = {
    "mem_limit: 32m, deploy: {resources: {limits: {memory: 64m}}}": [
        "deploy: limits.memory and 'mem_limit' say different things: remove one of them"
    ],
    "restart: always, deploy: {restart_policy: {condition: none}}": [
        "deploy: restart_policy and 'restart' say different things: remove one of them"
    ],
    "deploy: {restart_policy: {max_attempts: 3}}": [
        "'max_attempts' goes with condition: on-failure only: remove one of them"
    ],
    "deploy: {replicas: 3}": [
        "'replicas' is 3: one key is one container: declare each under a key of its own, and remove"
        " it"
    ],
    "deploy: {resources: {reservations: {cpus: 1}}}": [
        "'cpus' is not a key of deploy: CPUs cannot be reserved on one machine: write limits:"
        " {cpus: ...}, and remove 'cpus'"
    ],
    "secrets: [tokn]": ["'tokn' is not declared under 'secrets': did you mean 'token'?"],
    "secrets: [token], volumes: ['/a:/run/secrets/token']": [
        "something is mounted on '/run/secrets/token' in line 6 already: remove one of them"
    ],
    "mac_address: '02:42:0a:00:00:02', network_mode: none": [
        "'mac_address' has no effect, as the container is attached to no network: remove it"
    ],
    "mac_address: '02:42:0a:00:00:02', networks: []": [
        "'mac_address' has no effect, as the container is attached to no network: remove it"
    ],
    "depends_on: {idle: {condition: service_completed_successfully}}": [
        "'idle' is not meant to end, so it cannot complete: give it one_shot: true"
    ],
    "label_file: [nosuch.env]": ["the file 'nosuch.env' cannot be used: there is no such file"],
}


@pytest.mark.parametrize("body", SETTINGS)
def test_what_it_stands_for(body: str) -> None:
    assert container(body).settings == {"image": "a:latest", **SETTINGS[body]}


@pytest.mark.parametrize("body", PROBLEMS)
def test_what_is_refused(body: str) -> None:
    assert problems(body) == PROBLEMS[body]


@pytest.mark.parametrize("networks", ["networks: [n]", "networks: {n: }", "networks: {n: {}}", ""])
def test_the_mac_address_is_that_of_the_first_network(networks: str) -> None:
    found = container(f"mac_address: '02-42-0A-00-00-02'{', ' if networks else ''}{networks}")
    assert found.endpoints[0].settings == {"mac_address": "02:42:0a:00:00:02"}


def test_an_attachment_s_own_mac_address_goes_before() -> None:
    mac = "{mac_address: '02:42:0a:00:00:09'}"
    found = container(f"mac_address: '02:42:0a:00:00:02', networks: {{n: {mac}}}")
    assert found.endpoints[0].settings == {"mac_address": "02:42:0a:00:00:09"}


def test_two_containers_cannot_have_one_mac_address() -> None:
    mac = "mac_address: '02:42:0a:00:00:02', networks: [n]"
    with pytest.raises(InputError) as caught:
        load_text(
            f"name: t\nnetworks: {{n: }}\ncontainers:\n  a1: {{image: a, {mac}}}\n"
            f"  a2: {{image: a, {mac}}}\n",
            "t.yaml",
        )
    [problem] = caught.value.problems
    assert "02:42:0a:00:00:02" in problem.message


def test_labels_override_those_of_files(tmp_path: Path) -> None:
    (tmp_path / "l.env").write_text("# two\na=1\nb='2 3'\n", encoding="utf-8")
    found = container("label_file: l.env, labels: {a: mine}", tmp_path).settings
    assert {key: found[key] for key in ("labels.a", "labels.b")} == {
        "labels.a": "mine",
        "labels.b": "2 3",
    }


def test_a_container_that_is_waited_for_to_complete_is_one_shot() -> None:
    text = "depends_on: {job: {condition: service_completed_successfully}}"
    text = f"{TOP}\ncontainers:\n  web: {{image: a, {text}}}\n{OTHERS}\n"
    containers = load_text(text, "t.yaml").state.containers
    assert [name for name, found in containers.items() if found.one_shot] == ["job"]

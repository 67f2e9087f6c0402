"""Keys of Compose that say what other keys say as well: deploy, secrets, configs, label files, and
a container's own MAC address.
"""

from __future__ import annotations

import subprocess
import sys
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
    "deploy: {restart_policy: {condition: unless-stopped}}": {"restart": "unless-stopped"},
    "pids_limit: -1, deploy: {resources: {limits: {pids: -1}}}": {"pids_limit": 0},
    "deploy: {resources: {limits: {cpus: 0, memory: 0}}}": {},
    "deploy: {resources: {reservations: {devices: [{capabilities: [tpu]}]}}}": {
        "gpus": ("count=all,capabilities=tpu",)
    },
    "shm_size: 0m, mem_reservation: 0b, cpus: 0.0": {},
    "gpus: [{count: -1}, {device_ids: ['0', '1'], capabilities: [utility]}]": {
        "gpus": ("count=all", "device=0;1,capabilities=gpu;utility")
    },
    "stop_signal: rtmin+3, cpuset: '0, 2-3'": {"stop_signal": "SIGRTMIN+3", "cpuset": "0,2-3"},
    "secrets: [token]": {"volumes./run/secrets/token": "bind:/lab/t.txt:ro"},
    "secrets: [{source: token, target: /etc/t}]": {"volumes./etc/t": "bind:/lab/t.txt:ro"},
    "configs: [app], secrets: [{source: token, target: t}]": {
        "volumes./app": "bind:/etc/app:ro",
        "volumes./run/secrets/t": "bind:/lab/t.txt:ro",
    },
}
PROBLEMS = {
    "shm_size: 0foo, cpu_period: 0k, cpus: 0s": [
        "'0foo' is not a size: write bytes, or a number with a unit like 64m or 1g",
        "'0k' is not a duration: write it like 30s, 1m30s or 500ms",
        "'0s' is not a number of CPUs: write it like 0.5 or 2, at least 0.01",
    ],
    "ulimits: {nofle: 5, '': 1}": [
        "'nofle' is not a process limit: did you mean 'nofile'?",
        "'' is not a process limit: known are core, cpu, data, fsize, locks, memlock, msgqueue,"
        " nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack",
    ],
    "gpus: [{count: two}, {count: 1, device_ids: ['0']}, {driver: 'a,b'}]": [
        "'two' is not a device count: write a number, or all",
        "'count' is set together with 'device_ids': remove one of them",
        "'a,b' holds ',', ';' or '=', which is not supported here",
    ],
    "blkio_config: {device_read_bps: [{path: /a, rate: 1}, {path: /a, rate: 2}]}": [
        "'/a' is listed twice: remove one of them"
    ],
    "blkio_config: {weight_device: [{path: sda, weight: 10}]}": [
        "'sda' is not a device: write a path such as /dev/sda"
    ],
    "cpu_period: 500, cpu_shares: 1, uts: host, hostname: a": [
        "'cpu_period' must be from 1ms to 1s",
        "'cpu_shares' is 1: it must be at least 2",
        "'hostname' is set together with uts: host, but the container then has the host name of its"
        " machine: remove one of them",
    ],
    "stop_signal: SIGFOO, cpuset: 3-1, mem_reservation: 1m": [
        "'SIGFOO' is not a signal: write it like SIGTERM or 15",
        "'3-1' is not a set of CPUs: write numbers and ranges like 0-2,4",
        "'1m' is less than a container can have: write at least 6m",
    ],
    "security_opt: ['systempaths=unconfined']": [
        "'systempaths=unconfined' is not a security option: write one like no-new-privileges,"
        " seccomp=unconfined, apparmor=PROFILE or label=disable"
    ],
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
        "'idle' is not meant to exit, so it cannot complete: give it one_shot: true"
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


def test_another_mac_address_of_the_first_attachment_is_refused() -> None:
    mac = "{mac_address: '02:42:0a:00:00:09'}"
    found = problems(f"mac_address: '02:42:0a:00:00:02', networks: {{n: {mac}}}")
    assert found == [
        "'mac_address' is '02:42:0a:00:00:02', and that of its attachment to 'n' is another:"
        " remove one of them"
    ]


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


def test_the_mac_address_of_a_container_without_networks_is_checked() -> None:
    mac = "mac_address: '02:42:0a:00:00:02'"
    text = f"name: t\ncontainers:\n  a1: {{image: a, {mac}}}\n  a2: {{image: a, {mac}}}\n"
    with pytest.raises(InputError) as caught:
        load_text(text, "t.yaml")
    assert "02:42:0a:00:00:02" in caught.value.problems[0].message


def test_a_bad_label_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "l.env").write_text("a=1\nb\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        container("label_file: l.env", tmp_path)
    assert "the file 'l.env' cannot be used" in caught.value.problems[0].message


def test_a_secret_that_is_a_folder_or_missing(tmp_path: Path) -> None:
    text = "name: t\nsecrets: {a: {file: .}}\nconfigs: {b: {file: nosuch}}\n"
    with pytest.raises(InputError) as caught:
        load_text(text, str(tmp_path / "t.yaml"))
    found = [problem.message for problem in caught.value.problems]
    assert [message.partition("' ")[2] for message in found] == ["is a folder: name a file"]
    loaded = load_text(text.replace("file: .", "file: t"), str(tmp_path / "t.yaml"))
    assert len(loaded.warnings) == 2


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


def test_what_a_label_file_says_is_checked_like_labels(tmp_path: Path) -> None:
    (tmp_path / "l.env").write_text("netplan.a=1\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        container("label_file: l.env", tmp_path)
    [problem] = caught.value.problems
    assert "the label 'netplan.a' is reserved" in problem.message
    (tmp_path / "l.env").write_text("a=$HOME\n", encoding="utf-8")
    text = f"{TOP}\ncontainers:\n  web: {{image: a, label_file: l.env}}\n"
    warnings = [problem.message for problem in load_text(text, str(tmp_path / "t.yaml")).warnings]
    assert any("the '$' in line 1 of 'l.env'" in message for message in warnings)


def test_a_container_that_never_ends_cannot_be_waited_for() -> None:
    wait = "depends_on: {job: {condition: service_completed_successfully}}"
    text = (
        f"name: t\ncontainers:\n  web: {{image: a, {wait}}}\n  job: {{image: a, restart: always}}\n"
    )
    with pytest.raises(InputError) as caught:
        load_text(text, "t.yaml")
    assert [str(problem) for problem in caught.value.problems] == [
        "t.yaml:4:28: restart: always never lets it end, and another container waits for it to"
        " complete: remove it"
    ]


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_no_plan_shows_a_token_of_a_logging_driver(form: str, tmp_path: Path) -> None:
    before, after = tmp_path / "a.yaml", tmp_path / "b.yaml"
    for file, token in ((before, "hunter2-old"), (after, "hunter2-new")):
        options = f"{{driver: splunk, options: {{splunk-token: {token}}}}}"
        text = (
            f"name: t\ncontainers: {{web: {{image: a, network_mode: none, logging: {options}}}}}\n"
        )
        file.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "reconciler", "diff", str(before), str(after), "-o", form]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "splunk-token" in said.stdout
    assert "hunter2" not in said.stdout + said.stderr

"""Every rule about containers that a topology runs: text, and the problems that it must give, each
with its place.
"""

# ruff: noqa: E501

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import InputError, Problem
from reconciler.topology import Loaded, load_text
from reconciler.topology.schema import topology_schema
from tests.examples import examples


def run(body: str) -> str:
    """A file whose one container `web` has this beside its image; it begins at 4:19."""
    return f"name: t\nnetworks: {{n: }}\ncontainers:\n  web: {{image: a, {body}}}\n"


def several(*containers: str) -> str:
    """A file with these containers; the first stands in line 4."""
    return "name: t\nnetworks: {n: }\ncontainers:\n" + "".join(
        f"  {container}\n" for container in containers
    )


# fmt: off
CASES: dict[str, list[tuple[str, list[str]]]] = {
    "forms": [
        (run('command: "sh -c \'x"'), [
            '4:28: "sh -c \'x" has a quote that never ends: close it, or write the words as a list',
        ]),
        (run("entrypoint: [''], command: ''"), [
            "4:31: 'entrypoint' begins with an empty word: name the program, or remove the key",
            "4:46: 'command' is empty: write a value or remove the key",
        ]),
        (run('ports: [22:22]'), [
            "4:27: an item of 'ports' is '22:22', a number to YAML, not text: put it in quotes",
        ]),
        (run("ports: ['a:80', 80.5, '127.0.0.1:80', '80/icmp']"), [
            "4:27: 'a' is not a port or a range of ports: write it like 80 or 8000-8010, from 1 to 65535",
            "4:35: an item of 'ports' is '80.5', a number to YAML, not text: put it in quotes",
            "4:41: '127.0.0.1:80' publishes no port: did you mean '127.0.0.1::80', where the engine chooses the port?",
            "4:57: 'icmp' is not a protocol of a port: write tcp, udp or sctp",
        ]),
        (run("ports: ['8000-8003:80-82']"), [
            '4:27: 8000-8003:80-82 publishes 4 ports outside and 3 inside: make both ranges the same length',
        ]),
        (run('ports: [{published: 80}]'), [
            "4:27: 'target' is missing: each port needs the one inside the container, such as target: 80",
        ]),
        (run('ports: [{target: 0, mode: hst, name: 1}]'), [
            "4:27: '0' is not a port or a range of ports: write it like 80 or 8000-8010, from 1 to 65535",
            "4:45: 'mode' is 'hst': it must be one of ingress, host: did you mean 'host'?",
            "4:56: 'name' is '1', a number to YAML, not text: put it in quotes",
        ]),
        (run("ports: ['[::1]:80', 'x:80:80', '0-70000:80']"), [
            "4:27: '[::1]:80' publishes no port: write it like 8080:80, 127.0.0.1:8080:80 or [::1]:8080:80/udp",
            "4:39: 'x' is not an address: write one like 10.1.0.9 or fd00::9",
            "4:50: '0-70000' is not a port or a range of ports: write it like 80 or 8000-8010, from 1 to 65535",
        ]),
        (run("expose: [0, '80/x']"), [
            "4:28: '0' is not a port or a range of ports: write it like 80 or 8000-8010, from 1 to 65535",
            "4:31: 'x' is not a protocol of a port: write tcp, udp or sctp",
        ]),
        (run("volumes: ['d:/d', 'data:/d:foo', 'data:rel', 'a/b:/x', ':/x']"), [
            "4:29: 'd' is not a volume name: two or more letters, digits, '_', '.', '-'; a path begins with '/', './' or '~/'",
            "4:37: 'foo' is not an option of a volume: known are rw, Z, nocopy, ro, z",
            "4:52: 'rel' is not a mount target: write an absolute path inside the container other than /",
            "4:64: 'a/b' is not a volume name: two or more letters, digits, '_', '.', '-'; a path begins with '/', './' or '~/'",
            "4:74: ':/x' mounts nothing: write it like data:/var/lib/data, ./here:/there:ro or /anonymous",
        ]),
        (run("volumes: ['/a:/b:nocopy', 'data:/c:rshared', '/:/']"), [
            "4:29: 'nocopy' is not an option of a bind: known are rw, Z, private, ro, rprivate, rshared, rslave, shared, slave, z",
            "4:45: 'rshared' is not an option of a volume: known are rw, Z, nocopy, ro, z",
            "4:64: '/' is not a mount target: write an absolute path inside the container other than /",
        ]),
        (run('volumes: [{type: npipe}]'), [
            "4:29: 'target' is missing: each needs at least type: bind, volume or tmpfs, and target: the path inside the container",
            "4:36: 'type' is 'npipe': it must be one of bind, volume, tmpfs",
        ]),
        (run('volumes: [{type: bind, target: /b}, {type: tmpfs, source: a, target: /c}, {type: volume, target: /d, bind: {propagation: shared}}]'), [
            "4:29: a bind needs a source: add the path on the engine's machine",
            '4:55: a tmpfs has no source: remove it',
            "4:120: 'bind' is set together with type: volume: remove one of them",
        ]),
        (run('volumes: [{type: volume, target: /d, volume: {subpath: x}, consistency: cached}, {type: bind, source: ., target: /e, bind: {create_host_path: false}}]'), [
            "4:65: 'subpath' is not a key of a volume: it is not supported yet; mount the whole volume, and remove 'subpath'",
            "4:78: 'consistency' is not a key of a volume: it has no effect on Linux: remove 'consistency'",
            "4:161: 'create_host_path' is false, but engines make a missing path a folder here: remove it",
        ]),
        (run('volumes: [{type: tmpfs, target: /t, tmpfs: {mode: 1770, size: lots}}]'), [
            "4:29: 'lots' is not a size: write bytes, or a number with a unit like 64m or 1g",
            "4:69: 'mode' is '1770', a number to YAML, not text: put it in quotes",
        ]),
        (run("tmpfs: ['/a:foo', /]"), [
            "4:27: 'foo' is not an option of a tmpfs: write them like size=64m,mode=1770,ro",
            "4:37: '/' is not a mount target: write an absolute path inside the container other than /",
        ]),
        (run('cap_add: [NET_ADMN], cap_drop: [x y z]'), [
            "4:29: 'NET_ADMN' is not a capability: did you mean NET_ADMIN?",
            "4:51: 'x y z' is not a capability: write one like NET_ADMIN",
        ]),
        (run('sysctls: [net.ipv4.ip_forward]'), [
            "4:29: the sysctl 'net.ipv4.ip_forward' has no value: write it like net.ipv4.ip_forward=1",
        ]),
        (run('sysctls: {net.ipv4.ip_forward: , a: true}'), [
            "4:29: 'net.ipv4.ip_forward' must be text or a number, not empty",
            "4:55: 'a' is true, a boolean to YAML, not text: put it in quotes",
        ]),
        (run('devices: [tty, ]'), [
            "4:29: 'tty' is not a device: write it like /dev/ttyUSB0, /dev/a:/dev/b or /dev/a:/dev/b:rwm",
        ]),
        (run('devices: [{source: /dev/a, target: rwm}]'), [
            "4:29: '/dev/a:rwm:rwm' is not a device: write it like /dev/ttyUSB0, /dev/a:/dev/b or"
            " /dev/a:/dev/b:rwm",
        ]),
        (run('dns: [nope], dns_search: [1]'), [
            "4:25: 'nope' is not an address: write one like 10.1.0.9 or fd00::9",
            "4:45: an item of 'dns_search' is '1', a number to YAML, not text: put it in quotes",
        ]),
        (run("extra_hosts: {db: nope, 'a b': 10.0.0.1}"), [
            "4:37: 'nope' is not an address: write one like 10.1.0.9 or fd00::9",
            "4:50: 'a b' is not a host name: letters, digits, '.', '-' and '_' are allowed",
        ]),
        (run('extra_hosts: [db]'), [
            "4:33: 'db' has no address: write it like db=10.1.0.9",
        ]),
        (run('labels: {netplan.topology: x}'), [
            "4:28: the label 'netplan.topology' is reserved: names that begin with 'netplan.' are netplan's own marks",
        ]),
        (run('restart: yes'), [
            "4:28: 'yes' is not a restart policy: write 'no', always, unless-stopped, on-failure or on-failure:3",
        ]),
        (run('restart: true'), [
            "4:28: 'true' is not a restart policy: write 'no', always, unless-stopped, on-failure or on-failure:3",
        ]),
        (run('environment: {API: 1.10, RATE: .5, BIG: 1234567.5, ONE: 1.0, OCT: 010, DAY: 2024-01-01}'), [
            f"4:{at}: '{key}' must be text or a number or true or false; what stands there is something else to YAML: put it in quotes (value hidden)"
            for key, at in [("API", 38), ("RATE", 50), ("BIG", 59), ("ONE", 75), ("OCT", 85), ("DAY", 95)]
        ]),
        (run('sysctls: {net.core.somaxconn: 1.10, net.ipv4.ip_forward: 1.0}'), [
            "4:49: 'net.core.somaxconn' is '1.10', a number to YAML, not text: put it in quotes",
            "4:76: 'net.ipv4.ip_forward' is '1.0', a number to YAML, not text: put it in quotes",
        ]),
        (run('healthcheck: {retries: 3.0}, mem_limit: 1e+16, expose: [80.0], ports: [{target: 80.0}]'), [
            "4:42: 'retries' must be a whole number, not '3.0'",
            "4:59: 'mem_limit' is '1e+16', a number to YAML, not text: put it in quotes",
            "4:75: an item of 'expose' is '80.0', a number to YAML, not text: put it in quotes",
            "4:99: 'target' is '80.0', a number to YAML, not text: put it in quotes",
        ]),
        (run('restart: never'), [
            "4:28: 'never' is not a restart policy: write 'no', always, unless-stopped, on-failure or on-failure:3",
        ]),
        (run('restart: always:3'), [
            "4:28: 'always:3' is not a restart policy: a number of attempts goes with on-failure only, as in on-failure:3",
        ]),
        (run("healthcheck: {test: [nc, '-z'], interval: 10, timeout: 1us, retries: 0}"), [
            '4:39: the test is neither [CMD, program, argument], [CMD-SHELL, line] nor [NONE]: write one of these, or the line alone',
            "4:61: 'interval' is 10: a duration is written with its unit, such as 30s or 1m30s",
            "4:74: '1us' is less than 1ms, the least that engines take here: write more or remove it",
            "4:88: 'retries' is 0: it must be at least 1",
        ]),
        (run('healthcheck: {test: [CMD]}'), [
            '4:39: the test is neither [CMD, program, argument], [CMD-SHELL, line] nor [NONE]: write one of these, or the line alone',
        ]),
        (run('healthcheck: {tests: x}'), [
            "4:33: 'tests' is not a key of a healthcheck: did you mean 'test'?",
        ]),
        (run('stop_grace_period: 1500ms'), [
            "4:38: '1500ms' is not a whole number of seconds, which engines count here: did you mean 2s?",
        ]),
        (run('stop_grace_period: 10'), [
            "4:38: 'stop_grace_period' is 10: a duration is written with its unit, such as 30s or 1m30s",
        ]),
        (run('mem_limit: 5m'), [
            "4:30: '5m' is less than a container can have: write at least 6m",
        ]),
        (run('mem_limit: much'), [
            "4:30: 'much' is not a size: write bytes, or a number with a unit like 64m or 1g",
        ]),
        (run('cpus: 0.001'), [
            "4:25: '0.001' is not a number of CPUs: write it like 0.5 or 2, at least 0.01",
        ]),
        (run('volumes: [{type: volume, target: /x, read_only: true}]'), [
            "4:29: an anonymous volume cannot be read-only, engines refuse it: give it a name, or remove that",
        ]),
        (run('cpus: many'), [
            "4:25: 'many' is not a number of CPUs: write it like 0.5 or 2, at least 0.01",
        ]),
        (run('pull_policy: build'), [
            "4:32: 'pull_policy' is 'build': it must be one of missing, always, never, if_not_present",
        ]),
        (run('platform: a b'), [
            "4:29: 'platform' is 'a b': a platform is written like linux/amd64 or linux/arm64/v8",
        ]),
        (run('user: a b'), [
            "4:25: 'user' is 'a b': a user is written like www-data, '1000' or 1000:1000",
        ]),
        (run('working_dir: srv'), [
            "4:32: 'working_dir' is 'srv': it must be an absolute path inside the container",
        ]),
        (run('hostname: a/b, domainname: -x'), [
            "4:29: 'hostname' is 'a/b': the name of a host is letters, digits, '-', '_' and '.', each part at most 63 characters that begin and end with no '-'",
            "4:46: 'domainname' is '-x': the name of a host is letters, digits, '-', '_' and '.', each part at most 63 characters that begin and end with no '-'",
        ]),
        (run('hostname: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'), [
            "4:29: 'hostname' is 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...': at most 64 characters are allowed",
            "4:29: 'hostname' is 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...': the name of a host is letters, digits, '-', '_' and '.', each part at most 63 characters that begin and end with no '-'",
        ]),
        (run('environment: [A], env_file: [1]'), [
            "4:33: this variable has no value and is not taken from the shell: write NAME=value, or NAME= for an empty one",
            "4:48: an item of 'env_file' is '1', a number to YAML, not text: put it in quotes",
        ]),
        (run('environment: {A: }'), [
            "4:33: the variable 'A' has no value and is not taken from the shell: write one",
        ]),
        (run("environment: {'': x}"), [
            "4:33: this variable has no usable name: write one without control characters and spaces",
        ]),
        (run('privileged: 1, init: perhaps'), [
            "4:31: 'privileged' must be true or false, not 1",
            "4:40: 'init' must be true or false, not 'perhaps'",
        ]),
    ],
    "modes": [
        (run('network_mode: host, networks: [n]'), [
            "4:19: 'network_mode' is set together with 'networks', but a container has a network mode or networks: remove one of them",
        ]),
        (run('network_mode: default'), [
            "4:33: 'default' is the engine's own network: write bridge",
        ]),
        (run("network_mode: 'service:db'"), [
            "4:33: container 'db' is not declared: write container:NAME for one that this file does not declare",
        ]),
        (several("web: {image: a, network_mode: 'service:vpm', ports: [80]}", "vpn: {image: a, network_mode: none}"), [
            "4:33: container 'vpm' is not declared: did you mean 'vpn'?",
        ]),
        (several("web: {image: a, network_mode: 'service:vpn', ports: [80]}", "vpn: {image: a, network_mode: none}"), [
            "4:48: 'ports' is set together with network_mode: service:vpn, but the network belongs to 'vpn', so engines refuse it: set it there",
        ]),
        (several("web: {image: a, network_mode: 'container:vpn'}", "vpn: {image: a, container_name: tunnel, network_mode: none}"), [
            "4:33: container 'vpn' is called 'tunnel' on the engine: write service:vpn",
        ]),
        (several("web: {image: a, network_mode: 'service:web'}"), [
            "4:33: 'web' cannot share its own network: name another container",
        ]),
        (several("web: {image: a, container_name: w2, network_mode: 'container:w2'}"), [
            "4:53: 'web' cannot share its own network: name another container",
        ]),
        (several("aa: {image: a, container_name: a2, network_mode: 'service:bb'}", "bb: {image: a, network_mode: 'container:a2'}"), [
            "5:32: 'bb' waits for itself: bb -> aa -> bb; remove one of these depends_on, network_mode, pid or ipc",
        ]),
        (several("web: {image: a, pid: 'service:vpm', ipc: 'service:vpn'}", "vpn: {image: a, ipc: none}"), [
            "4:24: container 'vpm' is not declared: did you mean 'vpn'?",
            "4:44: the IPC namespace of 'vpn' is none, so 'web' cannot start: give 'vpn' ipc: shareable",
        ]),
        (several("web: {image: a, pid: 'service:web', ipc: 'container:web'}"), [
            "4:24: 'web' cannot share its own process namespace: name another container",
            "4:44: 'web' cannot share its own IPC namespace: name another container",
        ]),
        (several("aa: {image: a, pid: 'service:bb'}", "bb: {image: a, depends_on: [aa]}"), [
            "5:31: 'bb' waits for itself: bb -> aa -> bb; remove one of these depends_on, network_mode, pid or ipc",
        ]),
        (run('pid: hots'), [
            "4:24: 'hots' is not supported for pid: write host, container:NAME or service:KEY",
        ]),
        (run('network_mode: n'), [
            "4:33: 'n' is not a network mode: write bridge, host, none, container:NAME or service:KEY; a network of the file goes under 'networks'",
        ]),
        (run("network_mode: 'container:'"), [
            "4:33: 'container:' is not a network mode: write bridge, host, none, container:NAME or service:KEY",
        ]),
        (run('network_mode: "container:a\\e[31m", hostname: h'), [
            "4:33: 'container:a\\x1b[31m' is not a network mode: write bridge, host, none, container:NAME or service:KEY",
        ]),
        (run("network_mode: 'container:web'"), [
            "4:33: 'web' cannot share its own network: name another container",
        ]),
        (run("network_mode: 'container:x', ports: [80], publish_all: true, expose: [80], hostname: h, dns: [10.0.0.1], extra_hosts: {a: 10.0.0.1}"), [
            "4:48: 'ports' is set together with network_mode: container:x, but the network belongs to 'x', so engines refuse it: set it there",
            "4:61: 'publish_all' is set together with network_mode: container:x, but the network belongs to 'x', so engines refuse it: set it there",
            "4:80: 'expose' is set together with network_mode: container:x, but the network belongs to 'x', so engines refuse it: set it there",
            "4:94: 'hostname' is set together with network_mode: container:x, but the network belongs to 'x', so engines refuse it: set it there",
            "4:107: 'dns' is set together with network_mode: container:x, but the network belongs to 'x', so engines refuse it: set it there",
            "4:124: 'extra_hosts' is set together with network_mode: container:x, but the network belongs to 'x', so engines refuse it: set it there",
        ]),
        (run("network_mode: 'container:x', publish_all: false, mem_limit: 6m, one_shot: maybe"), [
            "4:93: 'one_shot' must be true or false, not 'maybe'",
        ]),
        (run('network_mode: host, sysctls: {net.ipv4.ip_forward: 1, kernel.msgmax: 1}'), [
            "4:49: the sysctl 'net.ipv4.ip_forward' would be that of the engine's machine with network_mode: host: remove it",
        ]),
        (run('network_mode: host, sysctls: [net.ipv4.ip_forward=1]'), [
            "4:39: the sysctl 'net.ipv4.ip_forward' would be that of the engine's machine with network_mode: host: remove it",
        ]),
        (run('networks: [host]'), [
            "4:30: 'host' is not a network: it is a mode, write network_mode: host in place of networks",
        ]),
        (run("networks: ['container:x']"), [
            "4:30: 'container:x' is not a network: it is a mode, write network_mode: container:x in place of networks",
        ]),
    ],
    "once": [
        (run("volumes: ['data:/d', '/x:/d/'], tmpfs: /d"), [
            "4:40: something is mounted on '/d' in line 4 already: remove one of them",
            "4:58: something is mounted on '/d' in line 4 already: remove one of them",
        ]),
        (run("ports: ['80:80', '80:81']"), [
            "4:36: port 80/tcp of the engine's machine is already used by 'web' in line 4: choose another",
        ]),
        (run("ports: ['80:80', '127.0.0.1:80:81', '80:80/udp', '[::1]:80:82']"), [
            "4:36: port 80/tcp of the engine's machine is already used by 'web' in line 4: choose another",
            "4:68: port 80/tcp of the engine's machine is already used by 'web' in line 4: choose another",
        ]),
        (run("ports: ['127.0.0.1:80:80', '127.0.0.2:80:80', '0.0.0.0:80:80', '[::]:80:80', '[::1]:80:80']"), [
            "4:65: port 80/tcp of the engine's machine is already used by 'web' in line 4: choose another",
            "4:96: port 80/tcp of the engine's machine is already used by 'web' in line 4: choose another",
        ]),
        (run("ports: ['80-90:80-90', '85:1', '100-110:1', '100-110:2']"), [
            "4:42: port 85/tcp of the engine's machine is already used by 'web' in line 4: choose another",
        ]),
        (run('sysctls: [a=1, a=1], environment: [A=1, A=2]'), [
            "4:34: the sysctl 'a' is declared twice: the first is in line 4, remove one",
            "4:59: the variable 'A' is declared twice: the first is in line 4, remove one",
        ]),
        (run('depends_on: [db, db]'), [
            "4:32: container 'db' is not declared: declare it under containers",
            "4:36: 'db' is listed twice: the first is in line 4, remove one",
        ]),
        (run('one_shot: true, restart: always'), [
            '4:44: restart: always is set together with one_shot: true, so it never ends: remove one',
        ]),
        (run('one_shot: true, restart: unless-stopped'), [
            '4:44: restart: unless-stopped is set together with one_shot: true, so it never ends: remove one',
        ]),
        (run('optional: true'), [
            "4:19: 'optional' is set together with 'image': what is missing is created, so remove it",
        ]),
        (run('healthcheck: {test: x, disable: true}'), [
            "4:42: 'disable' is set together with a test: remove one of them",
        ]),
    ],
    "compose": [
        (run('container_name: x'), [
            "4:35: 'container_name' is 'x': a name is two or more letters, digits, '_', '.' and '-', and begins with a letter or digit",
        ]),
        (several("web: {image: a, container_name: app}", "app: {image: a, network_mode: none}", "db: {container_name: app}"), [
            "5:3: the name 'app' is already used by container 'web' in line 4: names on the engine must differ",
            "6:24: the name 'app' is already used by container 'web' in line 4: names on the engine must differ",
        ]),
        (run('build: .'), [
            "4:19: 'build' is not a key of a container: netplan builds no images: build it first (docker build -t NAME .), write image: NAME, and remove 'build'",
        ]),
        (run('links: [db]'), [
            "4:19: 'links' is not a key of a container: containers of one network find each other by name: put both on a network, give the other one the name as an alias (networks: {NETWORK: {aliases: [NAME]}}), and remove 'links'",
        ]),
        (run('tty: true, stdin_open: true, deploy: {}, profiles: [], secrets: [], configs: [], extends: x, logging: {}, ulimits: {}'), [
            "4:60: 'profiles' is not a key of a container: netplan runs all containers of a file: move those of a profile to a file of their own, and remove 'profiles'",
            "4:100: 'extends' is not a key of a container: write the shared keys once under an x- key with an anchor (x-base: &base), merge them with '<<: *base', and remove 'extends'; `docker compose config` writes a Compose file without it",
        ]),
        (run('mac_address: x'), [
            "4:32: 'mac_address' is 'x': a MAC address is six pairs of hexadecimal digits such as '02:42:c0:a8:00:09'",
        ]),
        (run('imag: x'), [
            "4:19: 'imag' is not a key of a container: did you mean 'image'?",
        ]),
        (run('depends_on: {db: {required: false, restart: true}}'), [
            "4:32: container 'db' is not declared: declare it under containers",
            "4:37: 'required' is false, but 'web' starts only when 'db' is as waited for: remove 'required', or the dependency",
            "4:54: 'restart' is true, but netplan restarts no container because of another: remove it, and run docker restart yourself when it is needed",
        ]),
        (run('zzz: x'), [
            "4:19: 'zzz' is not a key of a container: remove it, or begin it with 'x-' to have it ignored; 'netplan schema' tells what is known",
        ]),
        (run('subnet: 10.0.0.0/8'), [
            "4:19: 'subnet' is not a key of a container: it belongs under a network, or in an entry of its ipam: config:",
        ]),
    ],
    "between": [
        (several('q: {image: a}'), [
            "4:3: a container cannot be called 'q': engines want two characters or more",
        ]),
        (several('web: {ports: [80], environment: {A: x}, labels: {}, restart: always}'), [
            "4:9: 'web' has no image, so it is not managed by this file and 'ports' cannot be set: add image, or remove 'ports'",
            "4:22: 'web' has no image, so it is not managed by this file and 'environment' cannot be set: add image, or remove 'environment'",
            "4:55: 'web' has no image, so it is not managed by this file and 'restart' cannot be set: add image, or remove 'restart'",
        ]),
        (several('web: {image: a, depends_on: [web]}'), [
            "4:32: 'web' waits for itself: remove it",
        ]),
        (several('web: {image: a, depends_on: [dv, nothing]}', 'db: {image: a}'), [
            "4:32: container 'dv' is not declared: declare it under containers",
            "4:36: container 'nothing' is not declared: declare it under containers",
        ]),
        (several("web: {image: a, depends_on: [db], network_mode: 'container:db'}", 'db: {optional: true}'), [
            "4:32: 'db' is optional, so what needs it could not run without it: remove its optional: true",
            "4:51: 'db' is optional, so what needs it could not run without it: remove its optional: true",
        ]),
        (several('web: {image: a, depends_on: {db: {condition: service_completed_successfully}, old: {condition: service_completed_successfully}}}', 'db: {image: a}', 'old: '), [
            "4:81: 'old' is not managed by this file, so it cannot complete: wait for service_started",
        ]),
        (several('web: {image: a, depends_on: {db: {condition: service_healthy}}}', 'db: {image: a, healthcheck: {disable: true}}'), [
            "4:32: the healthcheck of 'db' is disabled, so it is never healthy: remove that, or wait for service_started",
        ]),
        (several('web: {image: a, depends_on: {db: {condition: healthy}}}', 'db: {image: a}'), [
            "4:48: 'condition' is 'healthy': it must be one of service_started, service_healthy, service_completed_successfully: did you mean 'service_healthy'?",
        ]),
        (several('aa: {image: a, depends_on: [bb]}', 'bb: {image: a, depends_on: [aa]}'), [
            "5:31: 'bb' waits for itself: bb -> aa -> bb; remove one of these depends_on, network_mode, pid or ipc",
        ]),
        (several('aa: {image: a, depends_on: [bb]}', "bb: {image: a, network_mode: 'container:cc'}", 'cc: {image: a, depends_on: {aa: }}', 'dd: {image: a, depends_on: [aa]}'), [
            "6:31: 'cc' waits for itself: cc -> aa -> bb -> cc; remove one of these depends_on, network_mode, pid or ipc",
        ]),
        (several("aa: {image: a, network_mode: 'container:bb'}", "bb: {image: a, network_mode: 'container:aa'}", 'cc: {image: a, depends_on: [dd]}', 'dd: {image: a, depends_on: [cc]}'), [
            "5:32: 'bb' waits for itself: bb -> aa -> bb; remove one of these depends_on, network_mode, pid or ipc",
            "7:31: 'dd' waits for itself: dd -> cc -> dd; remove one of these depends_on, network_mode, pid or ipc",
        ]),
        (several("aa: {image: a, ports: ['80:80']}", "bb: {image: a, ports: ['127.0.0.1:80:81', '80:81/udp']}", "cc: {image: a, ports: ['80:1'], network_mode: none}"), [
            "5:26: port 80/tcp of the engine's machine is already used by 'aa' in line 4: choose another",
        ]),
    ],
}

WARNINGS: list[tuple[str, list[str]]] = [
    ("network_mode: host, ports: [80], publish_all: true", [
        "4:39: warning: 'ports' beside network_mode: host: engines ignore it, nothing is published",
        "4:52: warning: 'publish_all' beside network_mode: host: engines ignore it, nothing is published",
    ]),
    ("network_mode: none, ports: [80], hostname: h, dns: 10.0.0.1", ["4:39: warning: 'ports' beside network_mode: none: engines ignore it, nothing is published"]),
    ("network_mode: 'container:x', domainname: d, dns_search: d, sysctls: {net.ipv4.ip_forward: 1}", [
        "4:48: warning: 'domainname' beside network_mode: container:x: engines ignore it",
        "4:63: warning: 'dns_search' beside network_mode: container:x: engines ignore it",
    ]),
    ("command: kong migrations up && kong finish, entrypoint: /run 2>&1", [
        f"4:{at}: warning: '{operator}' in '{key}' is handed to the program as a word, as no shell reads it: write the whole line as one word of [sh, -c, 'the line']"
        for at, operator, key in [(28, "&&", "command"), (75, "2>&1", "entrypoint")]
    ]),
    ("command: [a, '|', b], healthcheck: {test: [CMD, curl -f x, '||', exit, '1']}", [
        "4:28: warning: '|' in 'command' is handed to the program as a word, as no shell reads it: write the whole line as one word of [sh, -c, 'the line']",
        "4:61: warning: 'test' runs a program called 'curl -f x': make each of its words an item of its own",
        "4:61: warning: '||' in 'test' is handed to the program as a word, as no shell reads it: write the whole line as one word of [sh, -c, 'the line']",
    ]),
    ("entrypoint: [nginx -g x]", ["4:31: warning: 'entrypoint' runs a program called 'nginx -g x': make each of its words an item of its own"]),
    (r"command: find . -exec ls \;", []),
    ("command: sh -c 'a && b > c', healthcheck: {test: a || b}", []),
    ("command: [find, ., -exec, ls, '{}', ';'], entrypoint: ['/bin/sh', '-c', 'a; b']", []),
    ("network_mode: host, sysctls: {kernel.msgmax: 1}, hostname: h, expose: [80]", []),
    ("network_mode: bridge, networks: {}, ports: ['80:80']", []),
    ("one_shot: true, restart: on-failure", []),
    ("one_shot: true, restart: 'no'", []),
    ("ports: ['80:80', '80:80/udp', '81:80', 80, '[::1]:82:80', '127.0.0.1:82:80', '8000-8010:80', '8000-8010:81']", []),
]
# fmt: on


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(text, expected, id=f"{section}: {text.splitlines()[3].strip()}")
        for section, cases in CASES.items()
        for text, expected in cases
    ],
)
def test_a_rule_is_reported_where_it_is_broken(text: str, expected: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        load_text(text, "t")
    assert [str(problem).removeprefix("t:") for problem in caught.value.problems] == expected


@pytest.mark.parametrize(("body", "expected"), WARNINGS, ids=[body for body, _ in WARNINGS])
def test_what_is_allowed_and_what_is_probably_not_meant(body: str, expected: list[str]) -> None:
    assert [
        str(warning).removeprefix("t:") for warning in load_text(run(body), "t").warnings
    ] == expected


@pytest.mark.parametrize(
    "text",
    [
        several(
            "aa: {image: a, network_mode: 'container:bb'}",
            "bb: {image: a, network_mode: 'container:cc'}",
            "cc: {image: a, network_mode: host}",
        ),
        several(
            "aa: {image: a, depends_on: [bb, cc], networks: [n]}",
            "bb: {image: a, depends_on: {cc: {restart: true, required: true}}, network_mode:"
            " 'service:cc'}",
            "cc: {image: a, networks: [n]}",
        ),
        several(
            "aa: {image: a, depends_on: {bb: {condition: service_healthy}, old: {condition:"
            " service_healthy}}, networks: [n]}",
            "bb: {image: a, networks: [n]}",
            "old:",
        ),
        several("aa: {image: a, network_mode: 'container:elsewhere'}"),
        several("q: {networks: [n]}"),
    ],
)
def test_what_is_in_order(text: str) -> None:
    assert load_text(text, "t").warnings == ()


def test_ports_have_a_budget_for_the_whole_file() -> None:
    ranges = [
        f"c{number}: {{image: a, expose: ['1-65535'], ports: ['1-65535']}}" for number in range(200)
    ]
    with pytest.raises(InputError) as caught:
        load_text(several(*ranges), "t")
    assert [str(problem) for problem in caught.value.problems] == [
        "t:5:27: too many ports: a file has 200000 at most, and with network_mode: host a container"
        " needs none"
    ]


def test_a_long_chain_and_many_circles_take_no_time() -> None:
    chain = [f"c{number}: {{image: a, depends_on: [c{number + 1}]}}" for number in range(2000)]
    assert len(load_text(several(*chain, "c2000: {image: a}"), "t").state.containers) == 2001
    circles = [f"c{number}: {{image: a, depends_on: [c{number ^ 1}]}}" for number in range(2000)]
    with pytest.raises(InputError) as caught:
        load_text(several(*circles), "t")
    assert len(caught.value.problems) == 20
    with pytest.raises(InputError, match="1 problem in the file") as caught:
        load_text(several(*chain, "c2000: {image: a, depends_on: [c0]}"), "t")
    assert (
        str(caught.value.problems[0])
        == "t:2004:34: 'c2000' waits for itself: c2000 -> c0 -> c1 -> c2 -> c3 -> ... -> c1997 ->"
        " c1998 -> c1999 -> c2000; remove one of these depends_on, network_mode, pid or ipc"
    )


KEYS = st.sampled_from(sorted(topology_schema()["$defs"]["container"]["properties"]))
TEXTS = (
    "a 80 80:80 1-2 [::1]:1:2 /a /a:/b /a:/b:ro x:y: A=b A= container:web container:db service:x"
    " host bridge always db=1.1.1.1 CMD 1m 64m ~ $$ '"
)
NAMES = (
    "db web target published protocol type source volume bind tmpfs size mode test interval disable"
    " condition nocopy read_only"
)
WORDS = st.sampled_from(TEXTS.split())
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-1, 70000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.text(max_size=5)
)
PARTS = st.sampled_from(NAMES.split())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PARTS | WORDS, inner, max_size=3),
    max_leaves=6,
)
BODIES = st.dictionaries(KEYS, VALUES, max_size=4)


def outcome(text: str) -> Loaded | tuple[Problem, ...]:
    try:
        return load_text(text, "/t.json")
    except InputError as error:
        return error.problems


@given(BODIES, BODIES, st.booleans())
@examples(150)
def test_whatever_stands_there_is_read_or_refused(
    web: dict[str, Any], db: dict[str, Any], image: bool
) -> None:
    """Twice the same; messages are printable; each setting is of a kind that the model has."""
    text = json.dumps(
        {
            "name": "t",
            "networks": {"n": {}},
            "containers": {"web": web | ({"image": "a"} if image else {}), "db": db},
        }
    )
    found = outcome(text)
    assert outcome(text) == found
    if isinstance(found, tuple) and not isinstance(found, Loaded):
        assert all(problem.message.isprintable() for problem in found)
        return
    for container in found.state.containers.values():
        for path, value in container.settings.items():
            assert isinstance(value, str | int | tuple)
            assert value != () or path == "entrypoint"  # none at all, instead of the image's
        assert container.managed is ("image" in container.settings)

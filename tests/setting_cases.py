"""One line for each setting of a container: what a file writes, what it is then, another value.

The first two are read by tests/unit/test_setting_cases.py, and tests/e2e/test_setting_cases.py puts
them on real engines. Settings with tests of their own (ports, volumes, environment, health checks,
network modes) are not here.
"""

from __future__ import annotations

from typing import Any

CREATED_ONLY = {"gpus", "runtime", "cgroup_parent", "storage_opt", "blkio_config"}
"""What needs hardware, programs, kernels or file systems that a machine may lack: not run."""

CASES: list[tuple[str, dict[str, Any], str]] = [
    ("user: '1000'", {"user": "1000"}, "user: '1001'"),
    ("group_add: [1002, 1001]", {"group_add": ("1001", "1002")}, "group_add: ['1001']"),
    ("working_dir: /tmp/", {"working_dir": "/tmp"}, "working_dir: /"),
    ("tty: true", {"tty": True}, "tty: false"),
    ("stdin_open: true", {"stdin_open": True}, "stdin_open: false"),
    ("init: true", {"init": True}, "init: false"),
    ("stop_signal: int", {"stop_signal": "SIGINT"}, "stop_signal: '9'"),
    ("stop_grace_period: 3s", {"stop_grace_period": 3}, "stop_grace_period: 0s"),
    ("restart: on-failure:3", {"restart": "on-failure:3"}, "restart: unless-stopped"),
    ("hostname: web", {"hostname": "web"}, "hostname: www"),
    ("domainname: a.test", {"domainname": "a.test"}, "domainname: b.test"),
    ("dns: [10.1.0.53]", {"dns": ("10.1.0.53",)}, "dns: 10.1.0.54"),
    ("dns_search: [a.test]", {"dns_search": ("a.test",)}, "dns_search: b.test"),
    ("dns_opt: ['ndots:2']", {"dns_opt": ("ndots:2",)}, "dns_opt: ['ndots:3']"),
    ("extra_hosts: {a: 10.1.0.1}", {"extra_hosts": ("a:10.1.0.1",)}, "extra_hosts: ['a=10.1.0.2']"),
    ("read_only: true", {"read_only": True}, "read_only: false"),
    (
        "device_cgroup_rules: ['c 1:3  mr']",
        {"device_cgroup_rules": ("c 1:3 mr",)},
        "device_cgroup_rules: ['c 1:3 r']",
    ),
    ("gpus: all", {"gpus": ("count=all",)}, "gpus: [{driver: nvidia, device_ids: ['0']}]"),
    ("shm_size: 32m", {"shm_size": 32 << 20}, "shm_size: 33554433"),
    ("storage_opt: {size: 10g}", {"storage_opt.size": "10g"}, "storage_opt: [size=9g]"),
    ("cap_add: [cap_net_admin]", {"cap_add": ("NET_ADMIN",)}, "cap_add: [NET_RAW]"),
    ("cap_drop: [MKNOD]", {"cap_drop": ("MKNOD",)}, "cap_drop: [CHOWN]"),
    (
        "security_opt: ['no-new-privileges:true', 'seccomp:unconfined']",
        {"security_opt": ("no-new-privileges", "seccomp=unconfined")},
        "security_opt: [no-new-privileges]",
    ),
    ("userns_mode: host", {"userns_mode": "host"}, ""),
    ("pid: host", {"pid": "host"}, ""),
    ("ipc: shareable", {"ipc": "shareable"}, "ipc: none"),
    ("uts: host", {"uts": "host"}, ""),
    ("cgroup: private", {"cgroup": "private"}, "cgroup: host"),
    ("cgroup_parent: /lab", {"cgroup_parent": "/lab"}, "cgroup_parent: /labs"),
    ("runtime: runc", {"runtime": "runc"}, ""),
    (
        "sysctls: {net.ipv4.ip_forward: 1}",
        {"sysctls.net.ipv4.ip_forward": "1"},
        "sysctls: [net.ipv4.ip_forward=0]",
    ),
    ("mem_limit: 64m", {"mem_limit": 64 << 20}, "mem_limit: 32m"),
    ("mem_reservation: 32m", {"mem_reservation": 32 << 20}, "mem_reservation: 16m"),
    (
        "mem_limit: 64m, memswap_limit: -1",
        {"mem_limit": 64 << 20, "memswap_limit": -1},
        "mem_limit: 96m, memswap_limit: 96m",
    ),
    ("mem_swappiness: 0", {"mem_swappiness": 0}, "mem_swappiness: 10"),
    ("oom_kill_disable: true", {"oom_kill_disable": True}, "oom_kill_disable: false"),
    ("oom_score_adj: 500", {"oom_score_adj": 500}, "oom_score_adj: 400"),
    ("cpus: 0.50", {"cpus": "0.5"}, "cpus: '1.0'"),
    ("cpuset: '0'", {"cpuset": "0"}, "cpuset: '0-0'"),
    ("cpu_shares: 512", {"cpu_shares": 512}, "cpu_shares: 256"),
    (
        "cpu_quota: 50000, cpu_period: 100ms",
        {"cpu_quota": 50000, "cpu_period": 100000},
        "cpu_quota: 50ms, cpu_period: 200ms",
    ),
    ("pids_limit: 100", {"pids_limit": 100}, "pids_limit: -1"),
    (
        "ulimits: {nofile: {soft: 512, hard: 1024}, core: 0}",
        {"ulimits.nofile": "512:1024", "ulimits.core": "0:0"},
        "ulimits: {nofile: 1024}",
    ),
    ("blkio_config: {weight: 300}", {"blkio_config.weight": 300}, "blkio_config: {weight: 400}"),
    (
        "logging: {driver: local, options: {max-size: 1m}}",
        {"logging.driver": "local", "logging.options.max-size": "1m"},
        "logging: {driver: json-file}",
    ),
    ("labels: {team: net}", {"labels.team": "net"}, "labels: [team=core]"),
    ("annotations: {a.b: c}", {"annotations.a.b": "c"}, "annotations: [a.b=d]"),
]

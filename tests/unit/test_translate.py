"""What real engines said (engine_errors.json: Docker 20.10, 28.5 and 29.7, each provoked), and what
a user reads instead.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.executor.error_messages import is_overlap, port_of, translate
from reconciler.plan import Step

RECORDED: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("engine_errors.json").read_text(encoding="utf-8")
)
START = Step(1, "start", "", "", container="web")
PULL = Step(1, "pull", "", "not on the engine", image="web:2")
BRIDGE = "driver_opts.com.docker.network.bridge.name"
CREATE = Step(
    1, "create", "net", "", settings={"ipv4.subnet": ("10.77.0.0/25",), BRIDGE: "abcdefghijklmnopq"}
)
DRIVER = Step(1, "create", "net", "", settings={"driver": "nosuch"})
CONNECT = Step(1, "connect", "net", "", container="web", settings={"ipv4_address": "10.77.0.9"})
UNREACHABLE = (
    "image web:2 is not on this engine and the registry cannot be reached: check the name, or"
    " `docker load` it"
)
SAID: dict[str, tuple[Step, str]] = {
    "bad gateway mode": (
        CREATE,
        "the driver option com.docker.network.bridge.gateway_mode_ipv4 cannot be 'nosuch'",
    ),
    "bad icc": (CREATE, "the driver option com.docker.network.bridge.enable_icc cannot be 'maybe'"),
    "bad mtu": (CREATE, "mtu abc is not a number"),
    "bind file on dir": (
        START,
        "/tmp/h5/notdir cannot be mounted at /tmp: one is a file and the other a directory",
    ),
    "bridge name lo": (CREATE, "lo exists on the engine's host and is no bridge"),
    "bridge name long": (CREATE, "bridge name abcdefghijklmnopq is longer than the 15 characters"),
    "bridge name taken": (CREATE, "bridge pvbr0 belongs to another network of this engine"),
    "cap unknown": (START, "there is no capability NOSUCH"),
    "cpus too many": (START, "cpus is more than the 2.00 CPUs of the engine's host"),
    "cwd is file": (START, "/w/x is below a file in the image"),
    "device is none": (START, "/tmp on the engine's host is not a device"),
    "device missing": (START, "the engine's host has no device /dev/nosuch"),
    "dns bad": (START, "nope is no address of a name server"),
    "driver unknown": (DRIVER, "this engine has no network driver nosuch"),
    "gateway outside": (CREATE, "gateway 10.79.0.1 is not in the network's subnet"),
    "hostname long": (START, "the hostname is longer than the 64 characters"),
    "image missing": (START, "image nosuch:1 is not on this engine"),
    "interface prefix long": (START, "averyveryverylongprefix0 is longer than the 15 characters"),
    "ip in use": (CONNECT, "10.77.0.9 on network net is in use"),
    "ip outside": (CONNECT, "10.99.0.5 is in no subnet of network net"),
    "ipv6 no subnet": (CREATE, "the engine has no free subnet left for network net"),
    "ipvlan parent missing": (CREATE, "the engine's host has no interface nosuch0"),
    "is a directory": (START, "/tmp "),
    "log driver": (START, "this engine has no logging driver nosuch"),
    "macvlan parent missing": (CREATE, "the engine's host has no interface nosuch0"),
    "macvlan parent vlan missing": (CREATE, "the engine's host has no interface nosuch0"),
    "mem too small": (START, "mem_limit is too small: the engine needs 6MB at least"),
    "mode container missing start": (
        START,
        "the container whose network web shares is not running",
    ),
    "mode container stopped": (START, "the container whose network web shares is not running"),
    "mount bind missing": (START, "/no/such/dir does not exist on the engine's host"),
    "no address left": (CONNECT, "network pv30 has no free IPv4 address left"),
    "no command": (START, "the image names no program to run: add command"),
    "no group": (START, "the image has no group nogrouphere"),
    "no program": (START, "the image has no program nosuch: check command and entrypoint"),
    "no program path": (START, "the image has no program /no/such: check command and entrypoint"),
    "no user": (START, "the image has no user nobodyhere"),
    "overlap": (
        CREATE,
        "the engine holds subnet 10.77.0.0/25 for a network it no longer shows: restart the engine",
    ),
    "overlay": (CREATE, "network net needs a swarm manager"),
    "perm denied": (START, "/s may not be executed (permission denied)"),
    "platform": (START, "image lab/busybox:1 on this engine is for another platform"),
    "port bad ip": (START, "the engine's host has no address 203.0.113.7: publish port 18081"),
    "port by container": (START, "host port 18080 is published by container"),
    "port by process": (START, "host port 18082 is in use by a process on the engine's host"),
    "pull no name server": (PULL, UNREACHABLE),
    "pull no such host": (PULL, UNREACHABLE),
    "pull refused": (PULL, UNREACHABLE),
    "start ip in use": (START, "a static address of web is in use"),
    "sysctl bad value": (START, "the kernel refuses the value of sysctl net."),
    "sysctl hostname": (START, "sysctl kernel.hostname is set by hostname"),
    "sysctl not allowed": (START, "sysctl kernel.panic is of the whole host"),
    "sysctl unknown": (START, "the kernel has no sysctl net.ipv4.nosuch"),
    "tmpfs on file": (START, ""),
    "ulimit": (START, "the engine may not raise a limit (ulimits) that far"),
    "volume bind missing": (
        START,
        "the volume cannot be mounted: /no/such/dir: no such file or directory",
    ),
    "volume driver": (START, "this engine has no volume driver nosuch"),
    "volume nfs": (START, "the volume cannot be mounted: :/x: no such device"),
    "working dir is file": (START, "/etc/hosts is a file in the image, not a directory"),
}


@pytest.mark.parametrize("case", RECORDED)
def test_what_an_engine_said_is_translated(case: str) -> None:
    step, wanted = SAID[case]
    for raw in RECORDED[case].values():
        said = translate(raw, step)
        assert said.startswith(wanted)
        assert said != raw
        assert "OCI runtime" not in said
        assert "{" not in said


@pytest.mark.parametrize("address", ["203.0.113.7", "[2001:1:2::9]"])
def test_an_address_that_the_host_has_not_is_named(address: str) -> None:
    raw = f"failed to bind host port {address}:18081/tcp: cannot assign requested address"
    assert translate(raw, START).startswith(
        f"the engine's host has no address {address}: publish port 18081 on"
    )


def test_who_has_it_is_named() -> None:
    for raw in RECORDED["port by container"].values():
        assert port_of(raw) == "18080"
        said = "host port 18080 is published by container db: stop it, or publish another port"
        assert translate(raw, START, "db") == said
    for raw in RECORDED["overlap"].values():
        assert is_overlap(raw)
        assert (
            translate(raw, CREATE, "old")
            == "subnet 10.77.0.0/25 overlaps network old: choose another subnet"
        )


def test_what_is_not_known_stays_as_it_is() -> None:
    for raw in ("", "told to fail", "network pv1 not found {x}"):
        assert translate(raw, START) == raw
        assert port_of(raw) == ""


def test_an_image_that_is_there_is_not_said_to_be_missing() -> None:
    newer = Step(1, "pull", "", "the registry has a newer image", image="web:2")
    for raw in RECORDED["pull refused"].values():
        assert translate(raw, newer).startswith(
            "the registry of image web:2 cannot be reached, and the file declares pull_policy:"
        )


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"ipam.driver": "nosuch"}, "IPAM"),
        ({"ipam.driver": "nosuch", "driver": "macvlan"}, "IPAM"),
        ({"ipam.driver": "nosuch", "driver": "team/net"}, "network or IPAM"),
    ],
)
def test_which_driver_is_missing(settings: dict[str, str], kind: str) -> None:
    """Engines list no IPAM drivers: that one is missing is learnt where the network is created."""
    create = Step(1, "create", "net", "", settings=settings)
    for raw in RECORDED["driver unknown"].values():
        said = f"this engine has no {kind} driver nosuch: correct its name, or install that plugin"
        assert translate(raw, create).startswith(said)

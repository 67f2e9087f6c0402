"""Raw errors of engines, runtimes and registries in words that say what to do: a table of patterns,
tried in order.

Each text was recorded from a real engine (Docker 20.10, 28.5 and 29.7;
tests/unit/engine_errors.json). What no pattern knows stays as it is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..plan import Op, Step
from ..settings import BRIDGE_NAME_OPTION, settings_pools

MISSING = (
    "image {image} is not on this engine and the registry cannot be reached: check the name, or"
    " `docker load` it"
)
STALE = (
    "the registry of image {image} cannot be reached, and the file declares pull_policy: always:"
    " try again, or remove pull_policy"
)
ALLOCATED = "host port {port} is published by container{who}: stop it, or publish another port"
LISTENING = (
    "host port {port} is in use by a process on the engine's host (`ss -lnp 'sport = :{port}'`"
    " shows it): stop it, or publish another port"
)
HELD = "subnet {subnet} overlaps network{who}: choose another subnet"
GHOST = (
    "the engine holds subnet {subnet} for a network it no longer shows: restart the engine, then"
    " run this again"
)

_UNREACHABLE = (
    r"dial tcp|: lookup |no such host|connection refused|network is unreachable|no route to"
    r" host|i/o timeout|TLS handshake timeout"
    r"|context deadline exceeded|Client\.Timeout|server misbehaving|connection reset|: EOF$"
)


class Rule(NamedTuple):
    """A raw text, and what is said instead: `{name}` is a group of the pattern or a value of the
    step. `ops`: only of these steps.
    """

    pattern: re.Pattern[str]
    said: str
    ops: tuple[Op, ...] = ()


def _rule(pattern: str, said: str, *ops: Op) -> Rule:
    return Rule(re.compile(pattern, re.S), said, ops)


RULES = (
    # images
    _rule(
        r"no matching manifest for (?P<platform>[\w/.-]+)",
        "the registry has image {image} only for other platforms than {platform}",
        "pull",
    ),
    _rule(
        r"manifest unknown|manifest for \S+ not found",
        "the registry has no image {image}: check its name and tag",
        "pull",
    ),
    _rule(
        r"pull access denied|repository does not exist|access to the resource is"
        r" denied|unauthorized|authentication required"
        r"|no basic auth credentials|denied: ",
        "the registry refuses image {image}: it does not exist, or needs `docker login`",
        "pull",
    ),
    _rule(
        r"server gave HTTP response to HTTPS client",
        "the registry of image {image} speaks plain HTTP: add it to the engine's"
        " insecure-registries",
        "pull",
    ),
    _rule(
        r"x509: |certificate signed by unknown authority",
        "the engine does not trust the certificate of the registry of image {image}: install its CA"
        " on the engine's host",
        "pull",
    ),
    _rule(
        r"toomanyrequests|You have reached your .*rate limit",
        "the registry limits pulls: `docker login`, or try again later",
        "pull",
    ),
    _rule(_UNREACHABLE, "{unreachable}", "pull"),
    _rule(
        r"image with reference (?P<reference>\S+) was found but",
        "image {reference} on this engine is for another platform than the declared one: pull it"
        " for that platform, or remove platform",
    ),
    _rule(
        r"No such image: (?P<reference>\S+)",
        "image {reference} is not on this engine: pull or `docker load` it",
    ),
    # what a container runs
    _rule(
        r'exec: "(?P<program>[^"]*)": (executable file not found in \$PATH|stat \S+: no such file'
        r" or directory)",
        "the image has no program {program}: check command and entrypoint",
    ),
    _rule(
        r'exec: "(?P<program>[^"]*)": is a directory',
        "{program} is a directory, not a program: check command and entrypoint",
    ),
    _rule(
        r'exec: "(?P<program>[^"]*)": permission denied',
        "{program} may not be executed (permission denied): check command and entrypoint, or chmod"
        " +x it in the image",
    ),
    _rule(
        r"unable to find (?P<kind>user|group) (?P<name>[^:]+): no matching",
        "the image has no {kind} {name}: check user or group_add",
    ),
    _rule(r"^[nN]o command specified$", "the image names no program to run: add command"),
    _rule(
        r"Cannot mkdir: (?P<path>/\S+) is not a directory",
        "{path} is a file in the image, not a directory: check working_dir",
    ),
    _rule(
        r"(merged|rootfs/overlayfs/[0-9a-f]{64})(?P<path>/\S+): not a directory",
        "{path} is below a file in the image: check working_dir and volumes",
    ),
    # what it is given
    _rule(
        r'error mounting "(?P<source>[^"]*)" to rootfs at "(?P<target>[^"]*)".*not a directory',
        "{source} cannot be mounted at {target}: one is a file and the other a directory; check"
        " volumes and tmpfs",
    ),
    _rule(
        r"bind source path does not exist: (?P<source>\S+)",
        "{source} does not exist on the engine's host: create it, or correct volumes",
    ),
    _rule(
        r"failed to mount local volume: mount (?P<source>\S+?):/\S*/volumes/.*: (?P<why>[^:]+)$",
        "the volume cannot be mounted: {source}: {why}; check its driver options (docker volume"
        " inspect)",
    ),
    _rule(
        r"remove \S+: volume is in use - \[(?P<users>[^\]]*)\]",
        "volume {volume} is mounted by container {users}: remove that first (docker rm)",
    ),
    _rule(
        r"error looking up (?P<kind>volume|logging) plugin (?P<plugin>\S+):",
        "this engine has no {kind} driver {plugin}",
    ),
    _rule(
        r'adding custom device "(?P<device>[^"]*)": no such',
        "the engine's host has no device {device}: check devices",
    ),
    _rule(
        r'adding custom device "(?P<device>[^"]*)": not a device',
        "{device} on the engine's host is not a device: check devices",
    ),
    _rule(
        r'sysctl "(?P<sysctl>[^"]*)" is not allowed as it conflicts with the OCI "(?P<key>\w+)"'
        r" field",
        "sysctl {sysctl} is set by {key}: use {key}, and remove the sysctl",
    ),
    _rule(r"open sysctl (?P<sysctl>\S+) file", "the kernel has no sysctl {sysctl}: check sysctls"),
    _rule(
        r"open /proc/sys/(?P<sysctl>\S+): no such file",
        "the kernel has no sysctl {sysctl}: check sysctls",
    ),
    _rule(
        r'sysctl "(?P<sysctl>[^"]*)" is not in a separate kernel namespace',
        "sysctl {sysctl} is of the whole host, and cannot be set for a container: remove it from"
        " sysctls",
    ),
    _rule(
        r"failed to write sysctl (?P<sysctl>\S+) = .*invalid argument",
        "the kernel refuses the value of sysctl {sysctl}",
    ),
    _rule(
        r"write /proc/sys/(?P<sysctl>\S+): invalid argument",
        "the kernel refuses the value of sysctl {sysctl}",
    ),
    _rule(
        r"[rR]ange of CPUs is from \S+ to (?P<cpus>[\d.]+)",
        "cpus is more than the {cpus} CPUs of the engine's host: lower it",
    ),
    _rule(
        r"Minimum memory limit allowed is (?P<least>\w+)",
        "mem_limit is too small: the engine needs {least} at least",
    ),
    _rule(
        r'unknown capability: "?(CAP_)?(?P<capability>\w+)',
        "there is no capability {capability}: check cap_add and cap_drop",
    ),
    _rule(
        r'sethostname: invalid argument|hostname "\S*" is too long',
        "the hostname is longer than the 64 characters that the kernel allows",
    ),
    _rule(
        r"bad nameserver address (?P<address>\S+?):",
        "{address} is no address of a name server: check dns",
    ),
    _rule(
        r"error setting rlimit type \d+: operation not permitted",
        "the engine may not raise a limit (ulimits) that far: lower it, or run the engine with the"
        " right to",
    ),
    # ports
    _rule(r"Bind for (?P<host>\S+):(?P<port>\d+) failed: port is already allocated", ALLOCATED),
    _rule(
        r"failed to bind host port for \S+?:(?P<port>\d+):\d+\.\S+ address already in use",
        LISTENING,
    ),
    _rule(r"failed to bind host port \S+:(?P<port>\d+)/\w+: address already in use", LISTENING),
    _rule(r"listen (tcp|udp|sctp)\S* \S+:(?P<port>\d+): bind: address already in use", LISTENING),
    _rule(
        r"(host port( for)?|listen \w+) (?P<address>\[\S+?\]|[^ :]+):(?P<port>\d+)[:/].*cannot"
        r" assign requested address",
        "the engine's host has no address {address}: publish port {port} on an address it has, or"
        " on all",
    ),
    # whose network is shared
    _rule(
        r"cannot join network( namespace)? of a non running container|joining network namespace of"
        r" container: No such",
        "the container whose network {container} shares is not running: start that first",
    ),
    # networks
    _rule(r"Pool overlaps with other one on this address space", HELD),
    _rule(
        r"\((?P<bridge>[^)]*)\): conflicts with network (?P<id>[0-9a-f]{12})[0-9a-f]* ",
        "bridge {bridge} belongs to another network of this engine ({id}): choose another bridge"
        " name",
    ),
    _rule(
        r"existing interface (?P<interface>\S+) is not a bridge",
        "{interface} exists on the engine's host and is no bridge: choose another bridge name",
    ),
    _rule(
        r"numerical result out of range",
        "bridge name {bridge_name} is longer than the 15 characters that the kernel allows",
        "create",
    ),
    _rule(
        r"-o parent interface (does )?was not found on the host: (?P<parent>\S+)",
        "the engine's host has no interface {parent}: check parent",
    ),
    _rule(
        r"invalid subinterface vlan name (?P<parent>[^,]+),",
        "the engine's host has no interface {parent}: check parent",
    ),
    _rule(
        r"not a swarm manager",
        "network {network} needs a swarm manager: docker swarm init, or another driver",
    ),
    _rule(
        r'plugin "(?P<plugin>[^"]*)" not found',
        "this engine has no {kind_of_driver} driver {plugin}: correct its name, or install that"
        " plugin (docker plugin ls)",
        "create",
    ),
    _rule(
        r"could not find an available, non-overlapping IPv. address pool|all predefined address"
        r" pools have been fully subnetted",
        "the engine has no free subnet left for network {network}: declare one, or remove unused"
        " networks (docker network prune)",
    ),
    _rule(
        r"invalid gateway (?P<gateway>\S+): parent subnet"
        r"|failed to allocate gateway \((?P<old>[^)]+)\): Requested address is out of range"
        r"|no matching subnet for gateway (?P<now>\S+)",
        "gateway {gateway}{old}{now} is not in the network's subnet: correct one of them",
    ),
    _rule(r"driver\.mtu value: (?P<mtu>\S+)", "mtu {mtu} is not a number"),
    _rule(
        r"failed to parse (?P<option>com\.docker\.\S+) value: (?P<value>.*?) \(",
        "the driver option {option} cannot be '{value}': correct it under driver_opts",
    ),
    _rule(
        r'error renaming interface \S+ to \\?"(?P<interface>[^"\\]+)\\?": numerical result out of'
        r" range",
        "{interface} is longer than the 15 characters of an interface's name: check interface_name"
        " and the network's driver_opts",
    ),
    # endpoints
    _rule(
        r"Address already in use",
        "{address} on network {network} is in use: choose another, or disconnect the container that"
        " has it",
        "connect",
    ),
    _rule(
        r"Address already in use",
        "a static address of {container} is in use: choose another, or disconnect the container"
        " that has it",
        "start",
    ),
    _rule(
        r"no available (?P<family>IPv.) addresses on this network's address pools: (?P<pool>\S+)",
        "network {pool} has no free {family} address left: declare a larger subnet, or disconnect"
        " containers that do not need it",
    ),
    _rule(
        r"no configured subnet( or ip-range)? contain\w* (the )?IP address (?P<ip>[^\s,]+)"
        r"|Invalid address (?P<other>\S+): It does not belong",
        "{ip}{other} is in no subnet of network {network}: choose an address in one of them",
    ),
    # anything
    _rule(
        r"no space left on device",
        "the disk of the engine's host is full: docker system df shows what uses it",
    ),
)


def translate(raw: str, step: Step, who: str = "") -> str:
    """What `raw`, the engine's answer to `step`, means; `raw` itself where that is not known.

    `who` has what the step wanted, by name: the container with the host port, the network with the
    subnet; empty where nobody is seen.
    """
    for rule in RULES:
        if (not rule.ops or step.op in rule.ops) and (found := rule.pattern.search(raw)):
            said = GHOST if rule.said == HELD and not who else rule.said
            return said.format_map(
                _values(step, who)
                | {key: _part(key, value) for key, value in found.groupdict().items()}
            )
    return raw


def _part(group: str, found: str | None) -> str:
    """What a pattern found; older engines write a sysctl as its path."""
    return (found or "").replace("/", ".") if group == "sysctl" else found or ""


def port_of(raw: str) -> str:
    """The host port that a container could not publish because another one does; empty of any other
    error.
    """
    found = next((rule.pattern.search(raw) for rule in RULES if rule.said == ALLOCATED), None)
    return found["port"] if found else ""


def is_overlap(raw: str) -> bool:
    """Whether the engine says that a subnet is taken."""
    return any(rule.pattern.search(raw) for rule in RULES if rule.said == HELD)


_DRIVERS = (("network", "driver"), ("IPAM", "ipam.driver"))
_BUILT_IN = (None, "default", "bridge", "host", "ipvlan", "macvlan", "null", "overlay")


def _values(step: Step, who: str) -> dict[str, str]:
    settings = step.settings
    addresses = [
        str(settings[path]) for path in ("ipv4_address", "ipv6_address") if path in settings
    ]
    subnets = [pool.subnet for pool in settings_pools(settings) if pool.subnet]
    return {
        "container": step.container,
        "network": step.network,
        "image": step.image,
        "volume": step.volume,
        "unreachable": (
            (MISSING if "not on the engine" in step.reason else STALE).format(image=step.image)
        ),
        "who": f" {who}" if who else "",
        "address": " and ".join(addresses) or "its address",
        "subnet": " or ".join(subnets) or "of this network",
        "kind_of_driver": " or ".join(
            word for word, path in _DRIVERS if settings.get(path) not in _BUILT_IN
        ),
        "bridge_name": str(settings.get(f"driver_opts.{BRIDGE_NAME_OPTION}", "")),
    }

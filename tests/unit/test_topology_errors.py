"""Every rule of a topology file: text, and the problems that it must give, each with its place."""

# ruff: noqa: E501

from __future__ import annotations

import pytest

from reconciler.errors import InputError
from reconciler.topology import load_text

Case = tuple[str, str, list[str]]


def network(body: str) -> str:
    """A file whose one network `n` has this body; it begins at 3:6."""
    return f"name: t\nnetworks:\n  n: {body}\n"


def attached(networks: str, network: str = "{subnet: 10.1.0.0/24, gateway: 10.1.0.1}") -> str:
    """A file whose one container `c` has these attachments; they begin at 5:17."""
    return f"name: t\nnetworks:\n  n: {network}\ncontainers:\n  c: {{networks: {networks}}}\n"


def problems(text: str, file: str = "t") -> list[str]:
    """`line:col: message` of each problem."""
    with pytest.raises(InputError) as caught:
        load_text(text, file)
    return [str(problem).removeprefix(f"{file}:") for problem in caught.value.problems]


# fmt: off
CASES: dict[str, list[Case]] = {
    "schema": [
        ("name missing", "networks: {}\n", ["1:1: 'name' is missing: give the topology a name, such as name: lab"]),
        ("name pattern", "name: Two Tier\n", ["1:7: 'name' is 'Two Tier': the name of a topology is lower-case letters, digits, '_', '.' and '-', and begins with a letter or digit"]),
        ("name ends in a line break", 'name: "t\\n"\n', ["1:7: 'name' is 't\\n': the name of a topology is lower-case letters, digits, '_', '.' and '-', and begins with a letter or digit"]),
        ("name is a number", "name: 12\n", ["1:7: 'name' is '12', a number to YAML, not text: put it in quotes"]),
        ("name is empty", "name:\n", ["1:1: 'name' must be text, not empty"]),
        ("name too long", "name: " + "a" * 129 + "\n", ["1:7: 'name' is 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...': at most 128 characters are allowed"]),
        ("unknown key", "name: t\nnetwrks: {}\n", ["2:1: 'netwrks' is not a key of a topology: did you mean 'networks'?"]),
        ("unknown key without a likeness", "name: t\nzzz: {}\n", ["2:1: 'zzz' is not a key of a topology: remove it, or begin it with 'x-' to have it ignored; known are $schema, configs, containers, expect, name, networks, secrets, ttl, version, volumes"]),
        ("ttl without a unit", "name: t\nttl: 2\n", ["2:6: 'ttl' is 2: a lifetime is written with its unit, such as 90s, 2h or 2d"]),
        ("ttl of another unit", "name: t\nttl: 2w\n", ["2:6: ttl: '2w' is not a duration: write it like 90s, 2h, 1h30m or 2d"]),
        ("ttl of nothing", "name: t\nttl: 0s\n", ["2:6: ttl: '0s' is out of range: a lifetime is 1s to 36500d"]),
        ("ttl of a part of a second", "name: t\nttl: 1500ms\n", ["2:6: ttl: '1500ms' is not a whole number of seconds, which engines count here: did you mean 2s?"]),
        ("ttl without a value", "name: t\nttl:\n", ["2:1: 'ttl' is empty: a lifetime is written with its unit, such as 90s, 2h or 2d"]),
        ("not a mapping", "- a\n", ["1:1: a topology must be a mapping (key: value), not a list"]),
        ("networks is a list", "name: t\nnetworks: [a]\n", ["2:11: 'networks' must be a mapping (key: value), not a list"]),
        ("key of another place", "name: t\nnetworks: {n: {aliases: [a], optional: true}}\nsubnet: 10.0.0.0/8\n", [
            "2:16: 'aliases' is not a key of a network: it belongs under a network's key in a container's 'networks'",
            "2:30: 'optional' without external: true: netplan creates the network where it does not exist, so remove it",
            "3:1: 'subnet' is not a key of a topology: it belongs under a network, or in an entry of its ipam: config:",
        ]),
        ("optional networks are external", network("{optional: true, subnet: 10.1.0.0/24}"), [
            "3:7: 'optional' without external: true: netplan creates the network where it does not exist, so remove it",
        ]),
        ("unknown network key", network("{sbnet: 10.1.0.0/24}"), ["3:7: 'sbnet' is not a key of a network: did you mean 'subnet'?"]),
        ("network is a list", network("[a]"), ["3:6: 'n' must be a mapping (key: value), not a list"]),
        ("flag", network("{internal: maybe}"), ["3:17: 'internal' must be true or false, not 'maybe'"]),
        ("flag as a number", network("{internal: 1}"), ["3:17: 'internal' must be true or false, not 1"]),
        ("subnet as a number", network("{subnet: 10.5}"), ["3:15: 'subnet' is '10.5', a number to YAML, not text: put it in quotes"]),
        ("subnet as a list", network("{subnet: [10.1.0.0/24]}"), ["3:15: 'subnet' must be text, not a list"]),
        ("mtu too small", network("{mtu: 12}"), ["3:12: 'mtu' is 12: it must be at least 68"]),
        ("mtu as text", network("{mtu: '1450'}"), ["3:12: 'mtu' is '1450', text because of its quotes: remove them"]),
        ("mtu too large", network("{mtu: 9999999999999999999}"), ["3:12: 'mtu' is '9999999999999999999', which is too large"]),
        ("driver empty", network("{driver: ''}"), ["3:15: 'driver' is empty: write a value or remove the key"]),
        ("option as a list", network("{driver_opts: {a: [b], c: {d: e}}}"), [
            "3:24: 'a' must be text or a number or true or false, not a list",
            "3:32: 'c' must be text or a number or true or false, not a mapping",
        ]),
        ("label as a list", network("{labels: {a: [b]}}"), ["3:19: 'a' must be text or a number or true or false, not a list"]),
        ("pool without subnet", network("{ipam: {config: [{gateway: 10.1.0.1}]}}"), ["3:23: 'subnet' is missing: each pool needs one, such as subnet: 10.7.0.0/24"]),
        ("pool as text", network("{ipam: {config: [10.1.0.0/24]}}"), ["3:23: an item of 'config' must be a mapping (key: value), not '10.1.0.0/24'"]),
        ("unknown key in ipam", network("{ipam: {confg: []}}"), ["3:14: 'confg' is not a key of ipam: did you mean 'config'?"]),
        ("unknown key in a pool", network("{ipam: {config: [{subnet: 10.1.0.0/24, range: a}]}}"), ["3:45: 'range' is not a key of a pool: did you mean 'ip_range'?"]),
        ("container body", "name: t\ncontainers: {c: [n]}\n", ["2:17: 'c' must be a mapping (key: value), not a list"]),
        ("alias pattern", attached("{n: {aliases: [a b, 1, '']}}"), [
            "5:32: an item of 'aliases' is 'a b': an alias is letters, digits, '_', '.' and '-', and begins with a letter, a digit or '_'",
            "5:37: an item of 'aliases' is '1', a number to YAML, not text: put it in quotes",
            "5:40: an item of 'aliases' is '': an alias is letters, digits, '_', '.' and '-', and begins with a letter, a digit or '_'",
        ]),
        ("mac pattern", attached("{n: {mac_address: '02:42:zz:00:00:01'}}"), ["5:35: 'mac_address' is '02:42:zz:00:00:01': a MAC address is six pairs of hexadecimal digits such as '02:42:c0:a8:00:09'"]),
        ("interface pattern", attached("{n: {interface_name: a/b}}"), ["5:38: 'interface_name' is 'a/b': an interface name has 1 to 15 characters without spaces, '/' and ':'"]),
        ("priority as text", attached("{n: {gw_priority: high}}"), ["5:35: 'gw_priority' must be a whole number, not 'high'"]),
        ("unknown key of an attachment", attached("{n: {ipv4_adress: 10.1.0.9}}"), ["5:22: 'ipv4_adress' is not a key of an attachment: did you mean 'ipv4_address'?"]),
        ("attachment as text", attached("{n: yes please}"), ["5:21: 'n' must be a mapping (key: value), not 'yes please'"]),
        ("network list of numbers", attached("[1]"), ["5:18: an item of 'networks' is '1', a number to YAML, not text: put it in quotes"]),
    ],
    "names": [
        ("network 'a b'", 'name: t\nnetworks: {"a b": {}}\n', ["2:12: the name 'a b' cannot be used: a name is letters, digits, '_', '.' and '-', and begins with a letter or digit"]),
        ("network 'a|b'", 'name: t\nnetworks: {"a|b": {}}\n', ["2:12: the name 'a|b' cannot be used: a name is letters, digits, '_', '.' and '-', and begins with a letter or digit"]),
        ("network '`a`'", 'name: t\nnetworks: {"`a`": {}}\n', ["2:12: the name '`a`' cannot be used: a name is letters, digits, '_', '.' and '-', and begins with a letter or digit"]),
        ("network '<b>'", 'name: t\nnetworks: {"<b>": {}}\n', ["2:12: the name '<b>' cannot be used: a name is letters, digits, '_', '.' and '-', and begins with a letter or digit"]),
        ("network '-a'", 'name: t\nnetworks: {"-a": {}}\n', ["2:12: the name '-a' cannot be used: a name is letters, digits, '_', '.' and '-', and begins with a letter or digit"]),
        ("network 'ä'", 'name: t\nnetworks: {"ä": {}}\n', ["2:12: the name 'ä' cannot be used: a name is letters, digits, '_', '.' and '-', and begins with a letter or digit"]),
        ("network 'a\\\\e[31mb'", 'name: t\nnetworks: {"a\\e[31mb": {}}\n', ["2:12: the name 'a\\x1b[31mb' cannot be used: a name is letters, digits, '_', '.' and '-', and begins with a letter or digit"]),
        ("network 'a\\\\nb'", 'name: t\nnetworks: {"a\\nb": {}}\n', ["2:12: the name 'a\\nb' cannot be used: a name is letters, digits, '_', '.' and '-', and begins with a letter or digit"]),
        ("network ''", 'name: t\nnetworks: {"": {}}\n', ["2:12: the name '' cannot be used: a name is letters, digits, '_', '.' and '-', and begins with a letter or digit"]),
        ("container name", 'name: t\ncontainers: {"a b": {}}\n', ["2:14: the name 'a b' cannot be used: a name is letters, digits, '_', '.' and '-', and begins with a letter or digit"]),
        ("called default", "name: t\nnetworks:\n  n: {name: default}\n", ["3:13: a network cannot be called 'default': engines take that word for their own network 'bridge'; choose another name"]),
        ("the older form of a name", "name: t\nnetworks:\n  n: {external: {name: host}}\n", ["3:17: a network cannot be called 'host': that is a mode and nothing that can be declared; remove it, and write network_mode: host in its containers"]),
        ("two names", "name: t\nnetworks:\n  n: {external: {name: a}, name: b}\n", ["3:24: the name under 'external' is 'a' and 'name' is 'b': write external: true, and one name"]),
        ("the default network's name", "name: t\nnetworks:\n  default: {}\n  t_default: {}\n", ["4:3: the name 't_default' is already used by network 'default' in line 3: names on the engine must differ"]),
        ("called bridge", "name: t\nnetworks:\n  bridge: {}\n", ["3:3: a network cannot be called 'bridge': every engine has that network; attach containers to it without declaring it"]),
        ("called host", "name: t\nnetworks:\n  host: {}\n", ["3:3: a network cannot be called 'host': that is a mode and nothing that can be declared; remove it, and write network_mode: host in its containers"]),
        ("called none", "name: t\nnetworks:\n  none: {}\n", ["3:3: a network cannot be called 'none': that is a mode and nothing that can be declared; remove it, and write network_mode: none in its containers"]),
        ("called docker_gwbridge", "name: t\nnetworks:\n  docker_gwbridge: {}\n", ["3:3: a network cannot be called 'docker_gwbridge': the engine makes that network for itself; choose another name"]),
        ("called ingress", "name: t\nnetworks:\n  ingress: {}\n", ["3:3: a network cannot be called 'ingress': the engine makes that network for itself; choose another name"]),
        ("called container:x", 'name: t\nnetworks: {"container:x": {}}\n', ["2:12: the name 'container:x' cannot be used: a name is letters, digits, '_', '.' and '-', and begins with a letter or digit"]),
        ("name override is bridge", network("{name: bridge, external: true}"), ["3:13: a network cannot be called 'bridge': every engine has that network; attach containers to it without declaring it"]),
        ("name override pattern", network("{name: a b}"), ["3:13: 'name' is 'a b': a name is letters, digits, '_', '.' and '-', and begins with a letter or digit"]),
        ("same name twice", "name: t\nnetworks:\n  a: {}\n  b: {name: a}\n  c: {name: d}\n  e: {name: d}\n", [
            "4:13: the name 'a' is already used by network 'a' in line 3: names on the engine must differ",
            "6:13: the name 'd' is already used by network 'c' in line 5: names on the engine must differ",
        ]),
    ],
    "hints": [
        ("ports without image", "name: t\ncontainers:\n  c:\n    ports: [80]\n", ["4:5: 'c' has no image, so it is not managed by this file and 'ports' cannot be set: add image, or remove 'ports'"]),
        ("network_mode without image", "name: t\ncontainers:\n  c:\n    network_mode: host\n", ["4:5: 'c' has no image, so it is not managed by this file and 'network_mode' cannot be set: add image, or remove 'network_mode'"]),
        ("command without image", "name: t\ncontainers:\n  c:\n    command: x\n", ["4:5: 'c' has no image, so it is not managed by this file and 'command' cannot be set: add image, or remove 'command'"]),
        ("build", "name: t\ncontainers:\n  c:\n    build: x\n", ["4:5: 'build' is not a key of a container: netplan builds no images: build it first (docker build -t NAME .), write image: NAME, and remove 'build'"]),
        ("depends_on without image", "name: t\ncontainers:\n  c:\n    depends_on: [c]\n", ["4:5: 'c' has no image, so it is not managed by this file and 'depends_on' cannot be set: add image, or remove 'depends_on'"]),
        ("publish_all without image", "name: t\ncontainers:\n  c:\n    publish_all: true\n", ["4:5: 'c' has no image, so it is not managed by this file and 'publish_all' cannot be set: add image, or remove 'publish_all'"]),
        ("services", "name: t\nservices: '3'\n", ["2:1: 'services' is not a key of a topology: this is a Compose file's key: rename it to 'containers'"]),
        ("version", "name: t\nversion: [3]\n", ["2:10: 'version' must be text or a number, not a list"]),
        ("volumes", "name: t\nvolumes: '3'\n", ["2:10: 'volumes' must be a mapping (key: value), not '3'"]),
        ("external with more", network("{external: {name: x, driver: y}}"), ["3:27: 'driver' is not a key of external: remove it, or begin it with 'x-' to have it ignored; known are name"]),
    ],
    "volumes": [
        ("a reserved label", "name: t\nvolumes:\n  v: {name: vol, labels: {netplan.topology: b}}\n", ["3:27: the label 'netplan.topology' is reserved: names that begin with 'netplan.' are netplan's own marks"]),
        ("external", "name: t\nvolumes:\n  v: {external: true, driver: nfs}\n", ["3:23: 'driver' is set together with external: true, but an external volume is only used: remove one of them"]),
        ("two names", "name: t\nvolumes:\n  v: {external: {name: aa}, name: bb}\n", ["3:24: the name under 'external' is 'aa' and 'name' is 'bb': write external: true, and one name"]),
        ("one name twice", "name: t\nvolumes:\n  vv:\n  v: {name: vv}\n", ["4:3: the name 'vv' is already used by volume 'vv' in line 3: names on the engine must differ"]),
        ("no name", "name: t\nvolumes: {a b: , v: {name: x}, ww: {nam: ww}}\n", [
            "2:11: the name 'a b' cannot be used: a name is letters, digits, '_', '.' and '-', and begins with a letter or digit",
            "2:28: 'name' is 'x': the name of a volume is two or more letters, digits, '_', '.' and '-', and begins with a letter or digit",
            "2:37: 'nam' is not a key of a volume: did you mean 'name'?",
        ]),
        ("config_only", network("{config_only: true}"), ["3:7: 'config_only' is not a key of a network: networks made from others are not supported: write the settings themselves"]),
        ("priority", attached("{n: {priority: 5}}"), ["5:22: 'priority' is not a key of an attachment: it orders nothing here: 'gw_priority' decides which network gives the default gateway"]),
    ],
    "pools": [
        ("host bits", network("{subnet: 172.42.41.0/22}"), ["3:15: '172.42.41.0/22' has host bits set: did you mean 172.42.40.0/22?"]),
        ("host bits in IPv6", network("{subnet: 'fd00:7::1/64', enable_ipv6: true}"), ["3:15: 'fd00:7::1/64' has host bits set: did you mean fd00:7::/64?"]),
        ("no prefix length", network("{subnet: 10.1.0.0}"), ["3:15: '10.1.0.0' has no prefix length: a subnet is written like 10.1.0.0/24"]),
        ("netmask", network("{subnet: 10.1.0.0/255.255.255.0}"), ["3:15: '10.1.0.0/255.255.255.0' has a netmask instead of a prefix length: did you mean 10.1.0.0/24?"]),
        ("no subnet at all", network("{subnet: office}"), ["3:15: 'office' is not a subnet: write it like 10.7.0.0/24 or fd00:7::/64"]),
        ("octet too large", network("{subnet: 10.1.256.0/24}"), ["3:15: '10.1.256.0/24' is not a subnet: write it like 10.7.0.0/24 or fd00:7::/64"]),
        ("interface in subnet", network("{subnet: 'fe80::%eth0/64', enable_ipv6: true}"), ["3:15: 'fe80::%eth0/64' names an interface: a subnet has none"]),
        ("gateway outside", network("{subnet: 10.1.0.0/24, gateway: 10.2.0.1}"), ["3:37: the gateway 10.2.0.1 is outside the subnet 10.1.0.0/24: choose an address inside it"]),
        ("gateway with length", network("{subnet: 10.1.0.0/24, gateway: 10.1.0.1/24}"), ["3:37: '10.1.0.1/24' has a prefix length: a gateway is written without one, did you mean 10.1.0.1?"]),
        ("gateway with zeros", network("{subnet: 10.1.0.0/24, gateway: 10.1.0.01}"), ["3:37: '10.1.0.01' has leading zeros: did you mean 10.1.0.1?"]),
        ("gateway of the other family", network("{subnet: 10.1.0.0/24, gateway: 'fd00::1'}"), ["3:37: the gateway fd00::1 is outside the subnet 10.1.0.0/24: choose an address inside it"]),
        ("gateway is network", network("{subnet: 10.1.0.0/24, gateway: 10.1.0.0}"), ["3:37: the gateway 10.1.0.0 is the network address: choose another address in 10.1.0.0/24"]),
        ("gateway is broadcast", network("{subnet: 10.1.0.0/24, gateway: 10.1.0.255}"), ["3:37: the gateway 10.1.0.255 is the broadcast address: choose another address in 10.1.0.0/24"]),
        ("gateway is no address", network("{subnet: 10.1.0.0/24, gateway: router}"), ["3:37: 'router' is not a gateway: write it like 10.7.0.9 or fd00:7::9"]),
        ("gateway without subnet", network("{gateway: 10.1.0.1, ip_range: 10.1.0.0/25, aux_addresses: {a: 10.1.0.9}}"), [
            "3:7: 'gateway' needs a subnet: add one, such as subnet: 10.7.0.0/24",
            "3:26: 'ip_range' needs a subnet: add one, such as subnet: 10.7.0.0/24",
            "3:49: 'aux_addresses' needs a subnet: add one, such as subnet: 10.7.0.0/24",
        ]),
        ("range outside", network("{subnet: 10.1.0.0/24, ip_range: 10.2.0.0/25}"), ["3:38: the range 10.2.0.0/25 is not inside the subnet 10.1.0.0/24: choose a part of it"]),
        ("range wider", network("{subnet: 10.1.0.0/24, ip_range: 10.1.0.0/16}"), ["3:38: the range 10.1.0.0/16 is not inside the subnet 10.1.0.0/24: choose a part of it"]),
        ("range host bits", network("{subnet: 10.1.0.0/24, ip_range: 10.1.0.5/25}"), ["3:38: '10.1.0.5/25' has host bits set: did you mean 10.1.0.0/25?"]),
        ("range without length", network("{subnet: 10.1.0.0/24, ip_range: 10.1.0.128}"), ["3:38: '10.1.0.128' has no prefix length: a range is written like 10.1.0.0/24"]),
        ("aux outside", network("{subnet: 10.1.0.0/24, aux_addresses: {a: 10.2.0.9}}"), ["3:47: the aux address 10.2.0.9 is outside the subnet 10.1.0.0/24: choose an address inside it"]),
        ("aux is gateway", network("{subnet: 10.1.0.0/24, gateway: 10.1.0.9, aux_addresses: {a: 10.1.0.9}}"), ["3:66: the aux address 10.1.0.9 is the gateway: choose another address in 10.1.0.0/24"]),
        ("aux is implicit gateway", network("{subnet: 10.1.0.0/24, aux_addresses: {a: 10.1.0.1}}"), ["3:47: the aux address 10.1.0.1 is the address that the engine takes as gateway because none is declared: choose another address in 10.1.0.0/24"]),
        ("aux twice", network("{subnet: 10.1.0.0/24, aux_addresses: {a: 10.1.0.9, b: 10.1.0.9}}"), ["3:60: the aux address 10.1.0.9 is the aux address of 'a': choose another address in 10.1.0.0/24"]),
        ("aux name", network('{subnet: 10.1.0.0/24, aux_addresses: {"a\\nb": 10.1.0.9}}'), ["3:44: the aux address 'a\\nb' has no usable name: write one without control characters and outer spaces"]),
        ("both forms", network("{subnet: 10.1.0.0/24, gateway: 10.1.0.1, ipam: {config: [{subnet: 10.2.0.0/24}]}}"), [
            "3:7: 'subnet' is set together with ipam: config: write the pool in one of the two forms",
            "3:28: 'gateway' is set together with ipam: config: write the pool in one of the two forms",
        ]),
        ("several IPv4 pools on a bridge", network("{ipam: {config: [{subnet: 10.1.0.0/24}, {subnet: 10.2.0.0/24}]}}"), ["3:55: a bridge network has one IPv4 subnet at most: make 10.2.0.0/24 a network of its own"]),
        ("several IPv6 pools on a bridge", network("{enable_ipv6: true, ipam: {config: [{subnet: 'fd00:1::/64'}, {subnet: 'fd00:2::/64'}]}}"), ["3:76: a bridge network has one IPv6 subnet at most: make fd00:2::/64 a network of its own"]),
        ("IPv6 pool, IPv6 off", network("{enable_ipv6: false, subnet: 'fd00:1::/64'}"), ["3:35: an IPv6 subnet on a network with enable_ipv6: false: remove one of them"]),
        ("IPv4 pool, IPv4 off", network("{enable_ipv4: false, enable_ipv6: true, subnet: 10.1.0.0/24}"), ["3:54: an IPv4 subnet on a network with enable_ipv4: false: remove one of them"]),
        ("no family left", network("{enable_ipv4: false}"), ["3:20: a network without IPv4 needs enable_ipv6: true"]),
        ("overlap", "name: t\nnetworks:\n  a: {subnet: 10.1.0.0/16}\n  b: {subnet: 10.1.5.0/24}\n  c: {subnet: 10.1.5.0/24}\n  d: {subnet: 10.0.0.0/8}\n", [
            "4:15: 10.1.5.0/24 overlaps 10.1.0.0/16 of network 'a' in line 3: give one of them another range",
            "5:15: 10.1.5.0/24 overlaps 10.1.0.0/16 of network 'a' in line 3: give one of them another range",
            "6:15: 10.0.0.0/8 overlaps 10.1.0.0/16 of network 'a' in line 3: give one of them another range",
        ]),
        ("overlap in IPv6", "name: t\nnetworks:\n  a: {subnet: 'fd00::/48', enable_ipv6: true}\n  b: {subnet: 'FD00:0:0:1::/64', enable_ipv6: true}\n", ["4:15: fd00:0:0:1::/64 overlaps fd00::/48 of network 'a' in line 3: give one of them another range"]),
        ("overlap within a network", network("{driver: macvlan, driver_opts: {parent: eth0}, ipam: {config: [{subnet: 10.1.0.0/24}, {subnet: 10.1.0.0/25}]}}"), ["3:101: 10.1.0.0/25 overlaps 10.1.0.0/24 of the same network in line 3: give one of them another range"]),
    ],
    "options": [
        ("docker0", network("{driver_opts: {com.docker.network.bridge.name: docker0}}"), ["3:53: 'docker0' is the bridge of the engine's own network, which would break: choose another name"]),
        ("bridge name too long", network("{driver_opts: {com.docker.network.bridge.name: br-1234567890123}}"), ["3:53: 'br-1234567890123' cannot name a bridge: 1 to 15 characters without spaces, '/' and ':' are allowed"]),
        ("bridge name twice", "name: t\nnetworks:\n  a: {driver_opts: {com.docker.network.bridge.name: br0}}\n  b: {driver_opts: {com.docker.network.bridge.name: br0}}\n", ["4:53: the bridge 'br0' is already used by network 'a' in line 3: choose another name"]),
        ("mtu twice", network("{mtu: 1400, driver_opts: {com.docker.network.driver.mtu: 1400}}"), ["3:7: 'mtu' is set together with the driver option 'com.docker.network.driver.mtu', which sets the same: remove one of them"]),
        ("reserved label", network("{labels: {netplan.topology: x}}"), ["3:16: the label 'netplan.topology' is reserved: names that begin with 'netplan.' are netplan's own marks"]),
        ("reserved label in a list", network("{labels: [netplan.spec=x, a=1, a=2, '=x']}"), [
            "3:16: the label 'netplan.spec' is reserved: names that begin with 'netplan.' are netplan's own marks",
            "3:37: the label 'a' is declared twice: remove one of them",
            "3:42: the label '' has no usable name: write one without control characters and outer spaces",
        ]),
        ("reserved option", network("{driver_opts: {netplan.x: y}}"), ["3:21: the driver option 'netplan.x' is reserved: names that begin with 'netplan.' are netplan's own marks"]),
        ("odd values", network("{labels: {a: 010, b: 1.0, c: 1.10, d: 2024-01-01}, driver_opts: {e: 0x10}}"), [
            "3:19: 'a' is '010', a number to YAML, not text: put it in quotes",
            "3:27: 'b' is '1.0', a number to YAML, not text: put it in quotes",
            "3:35: 'c' is '1.10', a number to YAML, not text: put it in quotes",
            "3:44: 'd' is '2024-01-01', a date to YAML, not text: put it in quotes",
            "3:74: 'e' is '0x10', a number to YAML, not text: put it in quotes",
        ]),
        ("control characters", network('{labels: {a: "x\\e[31m", "k\\e": v}}'), [
            "3:19: the value 'x\\x1b[31m' holds a control character: remove it",
            "3:30: the label 'k\\x1b' has no usable name: write one without control characters and outer spaces",
        ]),
        ("driver host", network("{driver: host}"), ["3:15: the driver 'host' makes no networks: remove the network or choose another driver"]),
        ("external with settings", network("{external: true, driver: bridge, labels: {}, protect: true, x-note: a, name: corp}"), [
            "3:23: 'driver' is set together with external: true, but an external network is only used: remove one of them",
            "3:39: 'labels' is set together with external: true, but an external network is only used: remove one of them",
            "3:51: 'protect' is set together with external: true, but an external network is only used: remove one of them",
        ]),
    ],
    "variables": [
        ("variable", "name: ${NAME}\nnetworks: {n: {labels: {a: $HOME, b: cost $5, c: $$x, '${K}': d}}}\nx-a: ${IGNORED}\n", [
            "1:7: '${NAME}' contains a variable, which is not supported here: write its value, or $$ for a dollar",
            "1:7: 'name' is '${NAME}': the name of a topology is lower-case letters, digits, '_', '.' and '-', and begins with a letter or digit",
            "2:28: '$HOME' contains a variable, which is not supported here: write its value, or $$ for a dollar",
            "2:55: '${K}' contains a variable, which is not supported here: write its value, or $$ for a dollar",
        ]),
        ("escaped", 'name: t\nnetworks: {n: {labels: {a: "\\x24{X}"}}}\n', ["2:28: '${X}' contains a variable, which is not supported here: write its value, or $$ for a dollar"]),
    ],
    "attachments": [
        ("undeclared", attached("[m]"), ["5:18: network 'm' is not declared: declare it under 'networks', with external: true if it exists already"]),
        ("undeclared with likeness", attached("[nn]"), ["5:18: network 'nn' is not declared: did you mean 'n'?"]),
        ("undeclared host", attached("[host, none, 'container:x', default]"), [
            "5:18: 'host' is not a network: a container has that mode from its creation, so it cannot be attached: remove it",
            "5:24: 'none' is not a network: a container has that mode from its creation, so it cannot be attached: remove it",
            "5:30: 'container:x' is not a network: a container has that mode from its creation, so it cannot be attached: remove it",
            "5:45: network 'default' is not declared: Compose makes that one by itself; here, add default: {} under 'networks'",
        ]),
        ("the name instead of the key", "name: t\nnetworks: {n: {name: real}}\ncontainers: {c: {networks: [real]}}\n", ["3:29: network 'real' is not declared: attachments name the key, did you mean 'n'?"]),
        ("twice", attached("[n, bridge, n]"), ["5:29: 'c' is attached to 'n' twice: the first is in line 5, remove one"]),
        ("on bridge", attached("{bridge: {aliases: [a], ipv4_address: 172.17.0.9, ipv6_address: 'fd00::9'}}"), [
            "5:27: 'aliases' on the engine's own network 'bridge', which has no names and no static addresses: declare a network",
            "5:41: 'ipv4_address' on the engine's own network 'bridge', which has no names and no static addresses: declare a network",
            "5:67: 'ipv6_address' on the engine's own network 'bridge', which has no names and no static addresses: declare a network",
        ]),
        ("static outside", attached("{n: {ipv4_address: 10.2.0.9}}"), ["5:36: 10.2.0.9 is outside the subnet 10.1.0.0/24 of network 'n': choose an address inside it"]),
        ("static is network", attached("{n: {ipv4_address: 10.1.0.0}}"), ["5:36: 10.1.0.0 is the network address: choose another address in 10.1.0.0/24"]),
        ("static is broadcast", attached("{n: {ipv4_address: 10.1.0.255}}"), ["5:36: 10.1.0.255 is the broadcast address: choose another address in 10.1.0.0/24"]),
        ("static is gateway", attached("{n: {ipv4_address: 10.1.0.1}}"), ["5:36: 10.1.0.1 is the gateway: choose another address in 10.1.0.0/24"]),
        ("static is implicit gateway", attached("{n: {ipv4_address: 10.1.0.1}}", "{subnet: 10.1.0.0/24}"), ["5:36: 10.1.0.1 is the address that the engine takes as gateway because none is declared: choose another address in 10.1.0.0/24"]),
        ("static is implicit gateway of the range", attached("{n: {ipv4_address: 10.1.0.128}}", "{subnet: 10.1.0.0/24, ip_range: 10.1.0.128/25}"), ["5:36: 10.1.0.128 is the address that the engine takes as gateway because none is declared: choose another address in 10.1.0.0/24"]),
        ("static is aux", attached("{n: {ipv4_address: 10.1.0.9}}", "{subnet: 10.1.0.0/24, aux_addresses: {printer: 10.1.0.9}}"), ["5:36: 10.1.0.9 is the aux address of 'printer': choose another address in 10.1.0.0/24"]),
        ("static without subnet", attached("{n: {ipv4_address: 10.1.0.9}}", "{}"), ["5:36: network 'n' declares no IPv4 subnet, which a static address needs: add one to the network"]),
        ("static without IPv6 subnet", attached("{n: {ipv6_address: 'fd00::9'}}"), ["5:36: network 'n' declares no IPv6 subnet, which a static address needs: add one to the network"]),
        ("static of the wrong family", attached("{n: {ipv4_address: 'fd00::9', ipv6_address: 10.1.0.9}}"), [
            "5:36: 'fd00::9' is an IPv6 address: an IPv4 address is expected here",
            "5:61: '10.1.0.9' is an IPv4 address: an IPv6 address is expected here",
        ]),
        ("static with length", attached("{n: {ipv4_address: 10.1.0.9/24}}"), ["5:36: '10.1.0.9/24' has a prefix length: an address is written without one, did you mean 10.1.0.9?"]),
        ("static is no address", attached("{n: {ipv4_address: web, link_local_ips: [x, 169.254.1.1]}}"), [
            "5:36: 'web' is not an address: write it like 10.7.0.9 or fd00:7::9",
            "5:58: 'x' is not an address: write it like 10.7.0.9 or fd00:7::9",
        ]),
        ("address and MAC twice", "name: t\nnetworks: {n: {subnet: 10.1.0.0/24}}\ncontainers:\n  a: {networks: {n: {ipv4_address: 10.1.0.9, mac_address: '02:42:c0:a8:00:09'}}}\n  b: {networks: {n: {ipv4_address: 10.1.0.9, mac_address: '02-42-C0-A8-00-09'}}}\n", [
            "5:36: the address 10.1.0.9 on network 'n' is already used by 'a' in line 4: choose another",
            "5:59: the MAC address 02:42:c0:a8:00:09 on network 'n' is already used by 'a' in line 4: choose another",
        ]),
        ("address twice on an external network", "name: t\nnetworks: {n: {external: true}}\ncontainers:\n  a: {networks: {n: {ipv6_address: 'fd00::9'}}}\n  b: {networks: {n: {ipv6_address: 'FD00:0::9'}}}\n", ["5:36: the address fd00::9 on network 'n' is already used by 'a' in line 4: choose another"]),
        ("MAC of a group", attached("{n: {mac_address: '01:42:c0:a8:00:09'}}"), ["5:35: '01:42:c0:a8:00:09' cannot belong to one interface: the first pair must be even, such as 02, and not all may be 0"]),
        ("MAC of zeros", attached("{n: {mac_address: '00:00:00:00:00:00'}}"), ["5:35: '00:00:00:00:00:00' cannot belong to one interface: the first pair must be even, such as 02, and not all may be 0"]),
        ("interface name in two spellings", attached("{n: {interface_name: eth1, driver_opts: {com.docker.network.endpoint.ifname: eth1}}}"), ["5:22: 'interface_name' is set together with the driver option 'com.docker.network.endpoint.ifname', which sets the same: remove one of them"]),
        ("interface name twice", attached("{n: {interface_name: eth1}, bridge: {driver_opts: {com.docker.network.endpoint.ifname: eth1}}}"), ["5:104: the interface name 'eth1' is already used by the attachment to 'n': choose another"]),
        ("reserved option of an endpoint", attached("{n: {driver_opts: {netplan.spec: x}}}"), ["5:36: the driver option 'netplan.spec' is reserved: names that begin with 'netplan.' are netplan's own marks"]),
    ],
    "yaml": [
        ("MAC as a number", "name: t\nnetworks: {n: {}}\ncontainers: {c: {networks: {n: {mac_address: 52:54:00:12:34:56}}}}\n", ["3:46: 'mac_address' is '52:54:00:12:34:56', a number to YAML, not text: put it in quotes"]),
        ("keys no and on", "name: t\nnetworks:\n  no: {}\n  on: {}\n  8080: {}\n  ~: {}\n", [
            "3:3: the key 'no' is a boolean to YAML, not text: put it in quotes",
            "4:3: the key 'on' is a boolean to YAML, not text: put it in quotes",
            "5:3: the key '8080' is a number to YAML, not text: put it in quotes",
            "6:3: the key '~' is null to YAML, not text: put it in quotes",
            "6:3: the name '~' cannot be used: a name is letters, digits, '_', '.' and '-', and begins with a letter or digit",
        ]),
        ("010", "name: 010\n", ["1:7: 'name' is '010', a number to YAML, not text: put it in quotes"]),
        ("tab", "name: t\nnetworks:\n\tn: {}\n", ["3:1: a tab: YAML is indented with spaces"]),
        ("BOM and CRLF", "\ufeffname: t\r\nbad: 1\r\nnetworks:\r\n  n:\r\n    worse: 1\r\n", [
            "2:1: 'bad' is not a key of a topology: remove it, or begin it with 'x-' to have it ignored; known are $schema, configs, containers, expect, name, networks, secrets, ttl, version, volumes",
            "5:5: 'worse' is not a key of a network: remove it, or begin it with 'x-' to have it ignored; known are attachable, aux_addresses, driver, driver_opts, enable_ipv4, enable_ipv6, exclusive, external, gateway, internal, ip_range, ipam, labels, mtu, name, optional, protect, subnet",
        ]),
        ("empty", "", ["1:1: the file is empty: a topology has at least a name and networks"]),
        ("only a comment", "# nothing\n", ["1:1: the file is empty: a topology has at least a name and networks"]),
        ("several documents", "name: t\n---\nname: u\n", ["2:1: several YAML documents in one file: put each topology into a file of its own"]),
        ("duplicate keys", "name: t\nnetworks:\n  n: {mtu: 1400, mtu: 1500}\n  n: {}\nname: u\n", [
            "3:18: 'mtu' is declared twice: the first is in line 3",
            "4:3: 'n' is declared twice: the first is in line 3",
            "5:1: 'name' is declared twice: the first is in line 1",
        ]),
        ("deep flow", "[" * 3000, ["1:64: nested more than 64 levels deep"]),
        ("deep blocks", "".join(" " * level + "a:\n" for level in range(3000)), ["64:64: nested more than 64 levels deep"]),
        ("NUL", "name: a\x00b\n", ["1:8: a character that text files must not contain, U+0000: remove it"]),
        ("escape character", "name: t\n# \x1b[31m\n", ["2:3: a character that text files must not contain, U+001B: remove it"]),
        ("an alias in itself", "a: &a [*a]\n", ["1:4: this anchor contains itself: an alias cannot stand inside what it names"]),
        ("unknown alias", "name: *who\n", ["1:7: this alias names no anchor above it: check its name"]),
        ("tags", "name: !!python/object/apply:os.system x\nnetworks: !net {}\n", [
            "1:7: the tag '!!python/object/apply:os.system' is not supported: remove it",
            "2:11: the tag '!net' is not supported: remove it",
        ]),
        ("backtick", "name: `t`\n", ["1:7: text cannot begin with '`': put it in quotes"]),
        ("a mapping as key", "? {a: b}\n: c\n", ["1:3: a key must be a word, not a list or a mapping"]),
        ("merge of text", "name: t\n<<: x\n", ["2:1: '<<' merges a mapping or a list of mappings: give it an alias such as *defaults"]),
        ("syntax", "name: t\n  networks: {}\n", ["2:11: a ':' where no key can stand: check the indentation, or put the text in quotes"]),
        ("unclosed", "name: 't\n", ["1:7: text in quotes that never ends: close the quote"]),
    ],
}
# fmt: on


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(text, expected, id=f"{section}: {name}")
        for section, cases in CASES.items()
        for name, text, expected in cases
    ],
)
def test_a_rule_is_reported_where_it_is_broken(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


# fmt: off
JSON: list[Case] = [
    ("empty", "", ["1:1: the file is empty: a topology has at least a name and networks"]),
    ("no value", '{"name": }', ["1:10: not valid JSON: '}' stands where a value should"]),
    ("trailing comma", '{"name": "t",}', ["1:14: not valid JSON: a key in double quotes should stand here"]),
    ("two documents", '{"name": "t"} {}', ["1:15: not valid JSON: something follows the end of the document"]),
    ("no end", '{"name": "t"', ["1:13: not valid JSON: a ',' or '}' is missing"]),
    ("single quotes", "{'name': 't'}", ['1:2: not valid JSON: "\'" is where a value or a mark should be']),
    ("text without end", '{"name": "t}', ["1:10: not valid JSON: this text has no end on its line"]),
    ("leading zero", '{"name": 010}', ["1:10: not valid JSON: '010' is where a value or a mark should be"]),
    ("no colon", '{"name" "t"}', ["1:9: not valid JSON: a ':' is missing after the key"]),
    ("no comma", '{"name": "t" "networks": {}}', ["1:14: not valid JSON: a ',' or '}' is missing"]),
    ("duplicate key", '{\n "name": "t",\n "name": "u"\n}', ["3:2: 'name' is declared twice: the first is in line 2"]),
    ("broken escape", '{"name": "\\q"}', ["1:10: not valid JSON: a backslash sequence in this text stands for no character"]),
    ("half a character", '{"name": "\\ud800"}', ["1:10: not valid JSON: a backslash sequence in this text stands for no character"]),
    ("too deep", '{"a":' * 3000, ["1:321: nested more than 64 levels deep"]),
    ("number for a name", '{"name": 1.5}', ["1:10: 'name' is '1.5', a number to YAML, not text: put it in quotes"]),
    ("unknown key", '{"name": "t", "networks": {"n": {"sbnet": "10.1.0.0/24"}}}', ["1:34: 'sbnet' is not a key of a network: did you mean 'subnet'?"]),
    ("a word", '{"name": nope}', ["1:10: not valid JSON: 'nope' is where a value or a mark should be"]),
    ("a comment", '{"name": "t"} # c', ["1:15: not valid JSON: '#' is where a value or a mark should be"]),
]
# fmt: on


@pytest.mark.parametrize(
    ("text", "expected"), [pytest.param(text, expected, id=name) for name, text, expected in JSON]
)
def test_json_is_refused_with_a_position(text: str, expected: list[str]) -> None:
    assert problems(text, "t.json") == expected


TWENTY = """\
vershun: "3"
name: Shop Floor
networks:
  front:
    subnet: 10.1.0.0/22
    gateway: 10.2.0.1
    internal: perhaps
  back:
    subnet: 10.1.1.5/24
    mtu: 20
    lables: {a: b}
  lab:
    subnet: 10.1.2.0/24
    driver_opts: {com.docker.network.bridge.name: docker0}
    labels: {netplan.spec: x}
  ingress: {}
  corp: {external: true, driver: bridge}
  cost: {labels: {price: "${PRICE}"}}
containers:
  web:
    shell: sh
    networks:
      front: {ipv4_address: 10.9.0.9, aliases: [a b]}
      frnt: {}
  db:
    networks:
      front: {mac_address: 52:54:00:12:34:56}
      corp: {ipv4_address: 10.0.0.9/24, gw_priority: first}
  agent: {networks: [front, front]}
  agent: {networks: [host]}
"""


def test_twenty_problems_are_reported_in_one_run() -> None:
    places = [
        tuple(int(number) for number in problem.split(":")[:2]) for problem in problems(TWENTY)
    ]
    assert places == [
        (1, 1),
        (2, 7),
        (6, 14),
        (7, 15),
        (9, 13),
        (10, 10),
        (11, 5),
        (13, 13),
        (14, 51),
        (15, 14),
        (16, 3),
        (17, 26),
        (18, 26),
        (21, 5),
        (23, 29),
        (23, 49),
        (24, 7),
        (27, 28),
        (28, 28),
        (28, 54),
        (29, 29),
        (30, 3),
    ]


def test_a_merged_or_aliased_mistake_is_reported_once_where_it_is_written() -> None:
    text = (
        "name: t\nx-base: &base {mut: 1}\nnetworks:\n  a: *base\n  b: {<<: *base, internal: true}\n"
        "  c: {<<: [*base]}\n"
    )
    assert problems(text) == ["2:16: 'mut' is not a key of a network: did you mean 'mtu'?"]


def test_more_than_a_thousand_problems_are_summed_up() -> None:
    found = problems("name: t\n" + "".join(f"bad{number}: 1\n" for number in range(3000)))
    assert len(found) == 1001
    assert found[-1] == "1002:1: more problems, not shown: fix the ones above first"


def test_suggestions_for_many_misspelt_networks_take_no_time() -> None:
    names = [f"network-{number:04}" for number in range(1000)]
    declared = "".join(f"  {name}: {{}}\n" for name in names)
    attached = "".join(
        f"  c{index}: {{networks: [{name.replace('work', 'wrok')}]}}\n"
        for index, name in enumerate(names)
    )
    found = problems(f"name: t\nnetworks:\n{declared}containers:\n{attached}")
    assert found[0].endswith("network 'netwrok-0000' is not declared: did you mean 'network-0000'?")
    assert [problem.endswith("?") for problem in found].count(True) == 50


def test_looking_for_more_ends_where_nobody_reads_on() -> None:
    """Also of what is found by the rules beyond the schema, and while the text is read."""
    for body in (
        "".join(f"  n{n}: {{subnet: x}}\n" for n in range(5000)),
        "  n:\n    labels:\n" + "      k: v\n" * 5000,
    ):
        told = problems(f"name: t\nnetworks:\n{body}")
        assert len(told) == 1001
        assert told[-1].endswith("more problems, not shown: fix the ones above first")
    warned = load_text(
        "name: t\nnetworks:\n" + "".join(f"  n{n}: {{driver: macvlan}}\n" for n in range(3000)), "t"
    ).warnings
    assert len(warned) == 1000
    assert str(warned[-1]).endswith("more warnings, not shown")


@pytest.mark.parametrize(("subnet", "shown"), [("0.0.0.0/24", "0.0.0.0/24"), ("'::/96'", "::/96")])
def test_a_subnet_that_engines_take_for_any(subnet: str, shown: str) -> None:
    why = (
        "stands for any range to engines, which choose one themselves: write the range you want, or"
        " remove the subnet"
    )
    assert problems(network(f"{{enable_ipv6: true, subnet: {subnet}}}")) == [f"3:34: {shown} {why}"]


@pytest.mark.parametrize(
    ("body", "free"),
    [
        ("subnet: 10.1.0.0/24", False),
        ("subnet: 10.1.0.0/24, internal: true", False),
        (
            (
                "subnet: 10.1.0.0/24, internal: true, driver_opts:"
                " {com.docker.network.bridge.inhibit_ipv4: true}"
            ),
            True,
        ),
        (
            (
                "subnet: 10.1.0.0/24, internal: true, driver_opts:"
                " {com.docker.network.bridge.gateway_mode_ipv4: isolated}"
            ),
            True,
        ),
        ("subnet: 10.1.0.0/24, driver: macvlan, driver_opts: {parent: eth0}", True),
        ("subnet: 10.1.0.0/24, driver: ipvlan, driver_opts: {parent: eth0}", True),
    ],
)
def test_where_the_first_address_is_free(body: str, free: bool) -> None:
    text = attached("{n: {ipv4_address: 10.1.0.1}}", f"{{{body}}}")
    if free:
        assert load_text(text, "t").warnings == ()
    else:
        assert [problem.partition(": ")[2] for problem in problems(text)] == [
            "10.1.0.1 is the address that the engine takes as gateway because none is declared:"
            " choose another address in 10.1.0.0/24"
        ]


def test_names_that_dns_has_no_room_for() -> None:
    long = "a" * 64
    text = (
        f"name: t\nnetworks: {{n: }}\ncontainers:\n  {long}:\n    networks: {{n: {{aliases:"
        f" [{long}, b.{'c' * 63}]}}}}\n"
    )
    assert [
        str(warning).split(" has ")[0].split(" ", 3)[:3]
        for warning in load_text(text, "t").warnings
    ] == [
        ["t:4:3:", "warning:", "the"],
        ["t:5:30:", "warning:", "the"],
    ]

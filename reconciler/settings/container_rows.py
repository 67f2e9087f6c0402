"""The settings of a container that a topology runs: one row each, in the order of the documents.

Places are those of `GET /containers/{id}/json`; what stands under `Config` there stands at the top
of the body of `POST /containers/create`. Defaults and refusals were measured on Docker 20.10 and
28.5.
"""

from __future__ import annotations

from ..fast_dataclasses import replace
from . import kinds, parse_words
from .kinds import FLAG, LIST, NUMBER, OWN, PAIRS, SET, SIZE, TEXT, TIME, list_of, set_of
from .limit_rows import LIMITS
from .row import Setting
from .values import canonical_address, canonical_image

_PART = "[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?"
_HOST_NAME = {
    "maxLength": 64,
    "pattern": rf"^{_PART}(\.{_PART})*$",
    "patternErrorMessage": (
        "the name of a host is letters, digits, '-', '_' and '.', each part at most"
        " 63 characters that begin and end with no '-'"
    ),
}
_CAPABILITY = ("Capability", "A capability of Linux, with or without CAP_, or ALL.", "NET_ADMIN")

CONTAINER = (
    # the image, and what runs of it
    Setting("image", replace(OWN, parse=canonical_image, read=canonical_image), "Config.Image"),
    Setting("command", kinds.WORDS, "Config.Cmd", default=(), image=True),
    Setting("entrypoint", kinds.WORDS, "Config.Entrypoint", default=(), image=True),
    Setting("environment", replace(OWN, mapped=True), "", image=True),
    Setting(
        "user",
        TEXT,
        "Config.User",
        "User",
        "The user that the processes run as: a name or number, and optionally a group.",
        ("1000:1000", "www-data"),
        schema={
            "pattern": r"^[^\s:]+(:[^\s:]+)?$",
            "patternErrorMessage": "a user is written like www-data, '1000' or 1000:1000",
        },
        image=True,
    ),
    Setting(
        "group_add",
        replace(SET, numbers=True),
        "HostConfig.GroupAdd",
        "Groups",
        "Further groups that the processes belong to.",
        (["dialout", 1001],),
        ("Group", "A group's name or number.", "dialout"),
    ),
    Setting(
        "working_dir",
        replace(TEXT, parse=parse_words.folder),
        "Config.WorkingDir",
        "Working directory",
        "An absolute path inside the container.",
        ("/srv",),
        schema={
            "pattern": "^/",
            "patternErrorMessage": "it must be an absolute path inside the container",
        },
        image=True,
    ),
    Setting(
        "tty",
        FLAG,
        "Config.Tty",
        "Terminal",
        "true: the container gets a terminal, so that a shell as its command keeps running.",
        (True,),
        default=False,
    ),
    Setting(
        "stdin_open",
        FLAG,
        "Config.OpenStdin",
        "Standard input",
        "true: standard input stays open.",
        (True,),
        default=False,
    ),
    Setting(
        "init",
        FLAG,
        "HostConfig.Init",
        "Init",
        "true: a small init process reaps zombies and forwards signals.",
        (True,),
        default=False,
    ),
    Setting(
        "stop_signal",
        replace(TEXT, parse=parse_words.signal, read=parse_words.of_engine(parse_words.signal)),
        "Config.StopSignal",
        "Stop signal",
        "The signal that tells the container to end, by name or number; SIGTERM without it.",
        ("SIGINT",),
        image=True,
    ),
    Setting(
        "stop_grace_period",
        kinds.SECONDS,
        "Config.StopTimeout",
        "Grace period",
        "How long the container has to end before it is killed, in whole seconds.",
        ("10s", "1m30s"),
    ),
    Setting("restart", kinds.RESTART, "HostConfig.RestartPolicy", default="no", change="update"),
    # the health check
    Setting("healthcheck.test", kinds.TEST, "Config.Healthcheck.Test", image=True),
    Setting("healthcheck.interval", TIME, "Config.Healthcheck.Interval", image=True),
    Setting("healthcheck.timeout", TIME, "Config.Healthcheck.Timeout", image=True),
    Setting(
        "healthcheck.retries",
        replace(NUMBER, read=kinds.positive),
        "Config.Healthcheck.Retries",
        image=True,
    ),
    Setting("healthcheck.start_period", TIME, "Config.Healthcheck.StartPeriod", image=True),
    Setting(
        "healthcheck.start_interval",
        TIME,
        "Config.Healthcheck.StartInterval",
        least=(1, 44),
        image=True,
    ),
    # names and the network
    Setting(
        "hostname",
        TEXT,
        "Config.Hostname",
        "Host name",
        "The name that the container has for itself.",
        ("web",),
        schema=_HOST_NAME,
        shared=False,
    ),
    Setting(
        "domainname",
        TEXT,
        "Config.Domainname",
        "Domain name",
        "The domain of the host name.",
        ("example.com",),
        schema=_HOST_NAME,
    ),
    Setting("network_mode", OWN, ""),
    Setting("ports", kinds.PORTS, "HostConfig.PortBindings", default=(), shared=False),
    Setting(
        "publish_all",
        FLAG,
        "HostConfig.PublishAllPorts",
        "Publish all ports",
        "true: every exposed port is published on a port that the engine chooses, as with docker"
        " run -P. This key is netplan's own.",
        (True,),
        default=False,
        shared=False,
    ),
    Setting("expose", replace(OWN, type=tuple), "", default=(), shared=False),
    Setting(
        "dns",
        list_of(parse_words.host_address, canonical_address),
        "HostConfig.Dns",
        "Name servers",
        "Addresses of name servers, in order.",
        ("10.1.0.53", ["10.1.0.53", "fd00::53"]),
        ("Address", "One address.", "10.1.0.53"),
        default=(),
        shared=False,
    ),
    Setting(
        "dns_search",
        LIST,
        "HostConfig.DnsSearch",
        "Search domains",
        "Domains in which short names are looked up, in order.",
        ("example.com", ["example.com"]),
        ("Domain", "One domain.", "example.com"),
        default=(),
    ),
    Setting(
        "dns_opt",
        SET,
        "HostConfig.DnsOptions",
        "Resolver options",
        "Options of the resolver, as in /etc/resolv.conf.",
        (["ndots:2"],),
        ("Option", "One option.", "ndots:2"),
        default=(),
    ),
    Setting("extra_hosts", kinds.HOSTS, "HostConfig.ExtraHosts", default=(), shared=False),
    # files and devices
    Setting("volumes", replace(OWN, mapped=True), ""),
    Setting(
        "read_only",
        FLAG,
        "HostConfig.ReadonlyRootfs",
        "Read-only",
        "true: the container cannot write to its own file system, only to what is mounted.",
        (True,),
        default=False,
    ),
    Setting("devices", kinds.DEVICES, "HostConfig.Devices", default=()),
    Setting(
        "device_cgroup_rules",
        set_of(parse_words.device_rule, str),
        "HostConfig.DeviceCgroupRules",
        "Device rules",
        "Devices that the container may use, by type and number.",
        (["c 188:* rmw"],),
        ("Rule", "a, b or c, a number or *, and permissions out of r, w and m.", "c 188:* rmw"),
        default=(),
    ),
    Setting("gpus", kinds.GPUS, "HostConfig.DeviceRequests", default=()),
    Setting(
        "shm_size",
        SIZE,
        "HostConfig.ShmSize",
        "Shared memory",
        "The size of /dev/shm, in bytes or with a unit (k, m, g, by 1024); 64m without it.",
        ("256m", 67108864),
        default=64 * 2**20,
    ),
    Setting(
        "storage_opt",
        PAIRS,
        "HostConfig.StorageOpt",
        "Storage options",
        "Options of the engine's storage driver, as a mapping or as a list of key=value.",
        ({"size": "10g"},),
        ("Option", "One option as key=value.", "size=10g"),
    ),
    # permissions and isolation
    Setting(
        "cap_add",
        set_of(parse_words.capability, parse_words.engine_capability),
        "HostConfig.CapAdd",
        "Added capabilities",
        "Capabilities beyond the engine's default set.",
        (["NET_ADMIN"],),
        _CAPABILITY,
        default=(),
    ),
    Setting(
        "cap_drop",
        set_of(parse_words.capability, parse_words.engine_capability),
        "HostConfig.CapDrop",
        "Dropped capabilities",
        "Capabilities that the container does not get.",
        (["ALL"],),
        _CAPABILITY,
        default=(),
    ),
    Setting(
        "privileged",
        FLAG,
        "HostConfig.Privileged",
        "Privileged",
        "true: all devices and capabilities. Unset is unmanaged.",
        (True,),
        default=False,
    ),
    Setting(
        "security_opt",
        replace(
            SET,
            shape="own",
            read=kinds.sorted_by(parse_words.of_engine(parse_words.security_option)),
        ),
        "HostConfig.SecurityOpt",
        default=(),
    ),
    Setting(
        "userns_mode",
        replace(TEXT, parse=parse_words.one_of("userns_mode", "host")),
        "HostConfig.UsernsMode",
        "User namespace",
        "host: the container does not get a user namespace of its own where the engine remaps"
        " users.",
        ("host",),
    ),
    Setting(
        "pid",
        replace(TEXT, parse=parse_words.namespace("pid", "host")),
        "HostConfig.PidMode",
        "Process namespace",
        "host: the container sees the processes of the engine's machine. service:KEY: those of a"
        " container of this file, by its key. container:NAME: those of any container, by its name"
        " on the engine.",
        ("host", "service:web"),
    ),
    Setting(
        "ipc",
        replace(TEXT, parse=parse_words.namespace("ipc", "none", "private", "shareable", "host")),
        "HostConfig.IpcMode",
        "IPC namespace",
        "none, private, shareable, or host: that of the engine's machine. service:KEY and"
        " container:NAME: that of another container, which must be shareable, as with pid.",
        ("private", "service:web"),
        default="private",
    ),
    Setting(
        "uts",
        replace(TEXT, parse=parse_words.one_of("uts", "host")),
        "HostConfig.UTSMode",
        "UTS namespace",
        "host: the container has the host name of the engine's machine.",
        ("host",),
    ),
    Setting(
        "cgroup",
        replace(TEXT, parse=parse_words.one_of("cgroup", "host", "private")),
        "HostConfig.CgroupnsMode",
        "Control group namespace",
        "host or private.",
        ("private",),
    ),
    Setting(
        "cgroup_parent",
        TEXT,
        "HostConfig.CgroupParent",
        "Parent control group",
        "The control group that the container's own is put under.",
        ("/labs",),
    ),
    Setting(
        "runtime",
        TEXT,
        "HostConfig.Runtime",
        "Runtime",
        "The OCI runtime that runs the container; it must be known to the engine.",
        ("runc",),
        default="runc",
    ),
    Setting(
        "sysctls",
        PAIRS,
        "HostConfig.Sysctls",
        "Kernel parameters",
        "Parameters of the container's own namespaces, as a mapping or as a list of key=value.",
        ({"net.ipv4.ip_forward": 1}, ["net.ipv4.ip_forward=1"]),
        ("Sysctl", "One parameter as key=value.", "net.ipv4.ip_forward=1"),
    ),
    *LIMITS,
    # notes
    Setting("logging.driver", TEXT, "HostConfig.LogConfig.Type", default="json-file"),
    Setting(
        "logging.options",
        PAIRS,
        "HostConfig.LogConfig.Config",
        item=("Option", "One option as key=value.", "max-size=10m"),
    ),
    Setting("labels", replace(OWN, mapped=True), "", image=True),
    Setting(
        "annotations",
        PAIRS,
        "HostConfig.Annotations",
        "Annotations",
        "Notes for the OCI runtime, as a mapping or as a list of key=value.",
        ({"org.example.team": "net"},),
        ("Annotation", "One annotation as key=value.", "org.example.team=net"),
        least=(1, 43),
    ),
    Setting("platform", OWN, ""),
)

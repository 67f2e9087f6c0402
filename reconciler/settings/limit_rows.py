"""The limits of a container: one row each, as in container_rows.py.

A limit is what control groups or the kernel's out-of-memory killer hold a container to: memory,
CPUs, processes, block devices, `oom_score_adj`, `ulimits`.
"""

from __future__ import annotations

from ..fast_dataclasses import replace
from . import kinds, parse_words
from .kinds import FLAG, LIMIT, NUMBER, SIZE, TEXT
from .row import Setting
from .units import memory

LIMITS = (
    Setting(
        "mem_limit",
        replace(SIZE, parse=memory),
        "HostConfig.Memory",
        "Memory",
        "At most so many bytes, or a number with a unit (k, m, g, by 1024); at least 6m.",
        ("64m", 67108864),
        default=0,
        change="update",
    ),
    Setting(
        "mem_reservation",
        replace(SIZE, parse=memory),
        "HostConfig.MemoryReservation",
        "Memory reservation",
        "So much memory is left to the container where the machine is short of it.",
        ("32m", 33554432),
        default=0,
    ),
    Setting(
        "memswap_limit",
        kinds.SWAP,
        "HostConfig.MemorySwap",
        "Memory and swap",
        "At most so much memory and swap together; -1 is no limit. It needs mem_limit.",
        ("128m", -1),
        default=0,
    ),
    Setting(
        "mem_swappiness",
        replace(NUMBER, read=kinds.from_zero),
        "HostConfig.MemorySwappiness",
        "Swappiness",
        "How readily the kernel swaps the container's memory out, from 0 to 100.",
        (10,),
        schema={"minimum": 0, "maximum": 100},
        cgroup1=True,
    ),
    Setting(
        "oom_kill_disable",
        FLAG,
        "HostConfig.OomKillDisable",
        "Never killed for memory",
        "true: the kernel does not kill the container when its memory limit is reached.",
        (True,),
        default=False,
        cgroup1=True,
    ),
    Setting(
        "oom_score_adj",
        NUMBER,
        "HostConfig.OomScoreAdj",
        "Out-of-memory score",
        "How readily the kernel kills the container where memory is short, from -1000 to 1000.",
        (500,),
        schema={"minimum": -1000, "maximum": 1000},
        default=0,
    ),
    Setting(
        "cpus",
        kinds.CPUS,
        "HostConfig.NanoCpus",
        "CPUs",
        "At most so many CPUs, at least 0.01.",
        (0.5, "1.5"),
        default="0",
        change="update",
    ),
    Setting(
        "cpuset",
        replace(TEXT, parse=parse_words.cpu_set, read=str),
        "HostConfig.CpusetCpus",
        "CPU set",
        "The CPUs that the container runs on: numbers and ranges.",
        ("0-2,4",),
    ),
    Setting(
        "cpu_shares",
        LIMIT,
        "HostConfig.CpuShares",
        "CPU shares",
        "The container's share of the CPUs beside others, which have 1024.",
        (512,),
        schema={"minimum": 0, "maximum": 262144},
        default=0,
    ),
    Setting(
        "cpu_quota",
        kinds.MICROSECONDS,
        "HostConfig.CpuQuota",
        "CPU quota",
        "CPU time in each cpu_period, in microseconds or as a duration.",
        (50000, "50ms"),
        default=0,
    ),
    Setting(
        "cpu_period",
        kinds.MICROSECONDS,
        "HostConfig.CpuPeriod",
        "CPU period",
        "The period of cpu_quota, in microseconds or as a duration, from 1ms to 1s.",
        (100000, "100ms"),
        default=0,
    ),
    Setting(
        "pids_limit",
        LIMIT,
        "HostConfig.PidsLimit",
        "Processes",
        "At most so many processes; -1 is no limit.",
        (100,),
        schema={"minimum": -1},
        default=0,
    ),
    Setting("ulimits", kinds.ULIMITS, "HostConfig.Ulimits"),
    Setting("blkio_config.weight", LIMIT, "HostConfig.BlkioWeight", default=0),
    Setting("blkio_config.weight_device", kinds.WEIGHTS, "HostConfig.BlkioWeightDevice"),
    Setting("blkio_config.device_read_bps", kinds.RATES, "HostConfig.BlkioDeviceReadBps"),
    Setting("blkio_config.device_read_iops", kinds.RATES, "HostConfig.BlkioDeviceReadIOps"),
    Setting("blkio_config.device_write_bps", kinds.RATES, "HostConfig.BlkioDeviceWriteBps"),
    Setting("blkio_config.device_write_iops", kinds.RATES, "HostConfig.BlkioDeviceWriteIOps"),
)

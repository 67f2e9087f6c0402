"""Every key that the Compose specification knows is understood here, or refused with what to do
instead.
"""

# ruff: noqa: E501

from __future__ import annotations

import pytest

from reconciler.errors import InputError
from reconciler.topology import compose_words, load_text
from reconciler.topology.hints import _BELONGS, _PLACES
from reconciler.topology.schema import topology_schema

SERVICE = (
    "annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs"
    " container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime"
    " cpu_shares cpus cpuset credential_spec depends_on deploy develop device_cgroup_rules devices"
    " dns dns_opt dns_search domainname entrypoint env_file environment expose extends"
    " external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation"
    " label_file labels links logging mac_address mem_limit mem_reservation mem_swappiness"
    " memswap_limit models network_mode networks oom_kill_disable oom_score_adj pid pids_limit"
    " platform ports post_start pre_stop privileged profiles provider pull_policy"
    " pull_refresh_after read_only restart runtime scale secrets security_opt shm_size stdin_open"
    " stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user"
    " userns_mode uts volumes volumes_from working_dir"
)
KEYS = {
    "top": "configs include models name networks secrets services version volumes",
    "network": "attachable driver driver_opts enable_ipv4 enable_ipv6 external internal ipam labels name",
    "volume": "driver driver_opts external labels name",
    "container": SERVICE,
    "endpoint": (
        "aliases driver_opts gw_priority interface_name ipv4_address ipv6_address link_local_ips mac_address priority"
    ),
    "ipam": "config driver options",
    "pool": "aux_addresses gateway ip_range subnet",
    "port": "app_protocol host_ip mode name protocol published target",
    "mount": "bind consistency image read_only source target tmpfs type volume",
    "file": "format path required",
    "healthcheck": "disable interval retries start_interval start_period test timeout",
    "dependency": "condition required restart",
    "device": "permissions source target",
}  # fmt: skip
"""What the specification's schema has in each place; the places as hints.py calls them."""


def known(place: str) -> set[str]:
    """The keys that the topology schema has there."""
    schema = topology_schema()
    container = schema["$defs"]["container"]["properties"]
    found = {
        "top": schema,
        **{
            place: schema["$defs"][place]
            for place in ("network", "volume", "container", "endpoint")
        },
        "ipam": schema["$defs"]["network"]["properties"]["ipam"],
        "pool": schema["$defs"]["network"]["properties"]["ipam"]["properties"]["config"]["items"],
        "port": container["ports"]["items"],
        "mount": container["volumes"]["items"],
        "file": container["env_file"]["items"],
        "healthcheck": container["healthcheck"],
        "dependency": container["depends_on"]["additionalProperties"],
        "device": container["devices"]["items"],
    }[place]
    return set(found["properties"])


@pytest.mark.parametrize("place", KEYS)
def test_every_key_is_understood_or_refused_with_a_way(place: str) -> None:
    hints = _PLACES[place][1]
    lacking = set(KEYS[place].split()) - known(place)
    assert lacking <= hints.keys()
    assert not hints.keys() & known(place)
    for key in lacking:
        assert hints[key].format(key=repr(key)) not in ("", f"remove {key!r}")


@pytest.mark.parametrize("key", sorted(compose_words.CONTAINER))
def test_the_sentence_for_a_key_of_a_service(key: str) -> None:
    with pytest.raises(InputError) as caught:
        load_text(f"name: t\ncontainers: {{web: {{image: a, {key}: x}}}}\n", "t")
    [problem] = caught.value.problems
    assert str(problem).startswith(f"t:2:30: {key!r} is not a key of a container: ")
    assert "{" not in str(problem).replace("{NETWORK: {aliases: [NAME]}}", "")
    assert key not in _BELONGS or key == "mac_address"

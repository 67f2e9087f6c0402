"""Keys of the Compose specification that a topology does not have: what to do instead. `{key}` is
the key in quotes.

Read only where a file has such a key.
"""

from __future__ import annotations

_BY_HAND = (
    "it is not supported yet; create the container yourself with `docker run {}`, and declare it"
    " here without 'image'; or remove {{key}}"
)
_FLAGS = {
    "cpu_rt_period": "--cpu-rt-period",
    "cpu_rt_runtime": "--cpu-rt-runtime",
}
_WINDOWS = "it is for Windows containers, and netplan runs Linux containers: remove {key}"
_HOOK = (
    "netplan runs nothing inside containers: put it into 'command' or 'entrypoint', and remove"
    " {key}"
)
_LINK = (
    "containers of one network find each other by name: put both on a network, give the other one"
    " the name as an alias (networks: {{NETWORK: {{aliases: [NAME]}}}}), and remove {key}"
)

CONTAINER = {
    **{key: _BY_HAND.format(flag) for key, flag in _FLAGS.items()},
    **dict.fromkeys(("cpu_count", "cpu_percent", "credential_spec", "isolation"), _WINDOWS),
    **dict.fromkeys(("post_start", "pre_stop"), _HOOK),
    **dict.fromkeys(("links", "external_links"), _LINK),
    "build": (
        "netplan builds no images: build it first (docker build -t NAME .), write image: NAME, and"
        " remove {key}"
    ),
    "develop": "it is for `docker compose watch`, which netplan does not have: remove {key}",
    "extends": (
        "write the shared keys once under an x- key with an anchor (x-base: &base), merge them with"
        " '<<: *base', and remove {key}; `docker compose config` writes a Compose file without it"
    ),
    "models": (
        "netplan runs no models: give the container the address under 'environment', and remove"
        " {key}"
    ),
    "profiles": (
        "netplan runs all containers of a file: move those of a profile to a file of their own, and"
        " remove {key}"
    ),
    "provider": (
        "netplan runs containers only: start what it provides yourself, and remove the container"
    ),
    "pull_refresh_after": (
        "write pull_policy: always to look for a newer image at each apply, and remove {key}"
    ),
    "scale": "one key is one container: declare each under a key of its own, and remove {key}",
    "use_api_socket": (
        "mount the engine's socket, volumes: ['/var/run/docker.sock:/var/run/docker.sock'], and"
        " remove {key}"
    ),
    "volumes_from": "write the same mounts under 'volumes', and remove {key}",
}
TOP = {
    "services": "this is a Compose file's key: rename it to 'containers'",
    "include": (
        "netplan takes a folder of files (netplan apply FOLDER): put the other file beside this"
        " one, and remove {key}"
    ),
    "models": (
        "netplan runs no models: give the containers the address under 'environment', and remove"
        " {key}"
    ),
}
MOUNT = {
    "consistency": "it has no effect on Linux: remove {key}",
    "image": (
        "images cannot be mounted: copy the files to a volume, write type: volume, and remove {key}"
    ),
    "labels": (
        "a volume that a mount makes gets no labels: create it first (docker volume create"
        " --label), and remove {key}"
    ),
    "subpath": "it is not supported yet; mount the whole volume, and remove {key}",
    "recursive": "submounts are mounted with their folder: remove {key}",
}
ENV_FILE = {
    "format": "every env_file is read as it stands, nothing in it is expanded: remove {key}"
}
ENDPOINT = {
    "priority": (
        "it orders nothing here: 'gw_priority' decides which network gives the default gateway"
    )
}
_SWARM = "it is for swarm services, and netplan runs containers: remove {key}"
DEPLOY = {
    **dict.fromkeys(("placement", "update_config", "rollback_config", "endpoint_mode"), _SWARM),
    "labels": "services of a swarm have these: write 'labels' beside deploy, and remove {key}",
    "generic_resources": _SWARM,
}
_NO_FILE = "netplan mounts files only: name one with file: PATH, and remove {key}"
SHARED_FILE = {
    **dict.fromkeys(("environment", "content", "external", "driver", "template_driver"), _NO_FILE),
    "name": "it names a secret or config of a swarm: remove {key}",
    "labels": "it is for swarm secrets and configs: remove {key}",
}

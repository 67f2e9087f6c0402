"""The few engine calls that the other scripts need, so that they work with any engine and without a
docker command.

::

    lab.py host                 prints the address of the engine that answers, found as the docker
    command finds it; exit 1 without one lab.py image                whether the test image is
    there: exit 0 or 1 lab.py image BUSYBOX        makes it of a static busybox, and prints its name
    lab.py tag NAME             gives the test image another name, where the engine has no image of
    that name; prints the name if it did lab.py run NAME CMD...      starts a container of the test
    image on the default network lab.py exec NAME CMD...     runs a command in it, prints what it
    says, ends with its exit status lab.py started NAME         prints the container's short ID and
    when it was started lab.py kill NAME            ends a container as if it had crashed lab.py
    detach NETWORK NAME  disconnects a container lab.py exists NAME...       prints which of these
    containers and networks exist lab.py rm NAME...           removes containers, running or not
    lab.py rmi [NAME]           removes the test image, if it is there, or takes another name from
    it
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import docker
from docker.context import ContextAPI
from docker.errors import DockerException, ImageNotFound, NotFound

REPOSITORY, TAG = "netplan-test/busybox", "1"
IMAGE = f"{REPOSITORY}:{TAG}"


def candidates() -> list[str]:
    """Engine addresses in the order of preference; an explicit DOCKER_HOST is the only one."""
    if host := os.environ.get("DOCKER_HOST"):
        return [host]
    context = ContextAPI.get_context(os.environ.get("DOCKER_CONTEXT") or None)
    return [*([context.Host] if context and context.Host else []), "unix:///var/run/docker.sock"]


def answering() -> str | None:
    """The first candidate that answers a ping."""
    for host in candidates():
        try:
            docker.DockerClient.from_env(
                environment={**os.environ, "DOCKER_HOST": host}, timeout=5
            ).ping()
        except (DockerException, OSError):
            continue
        return host
    return None


def rootfs(busybox: str) -> bytes:
    """A tar archive of a root folder with a busybox under each of its names."""
    program = Path(busybox).read_bytes()
    names = subprocess.run(
        [busybox, "--list"], check=True, capture_output=True, text=True
    ).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in ("bin", "etc", "tmp", "proc", "sys", "dev"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        entry = tarfile.TarInfo("bin/busybox")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
        for name in names:
            if name == "busybox":
                continue
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    return buffer.getvalue()


def has_image(client: docker.DockerClient, name: str = IMAGE) -> bool:
    """Whether the test image, or another, is there."""
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def run_inside(client: docker.DockerClient, name: str, command: list[str]) -> int:
    """Runs a command in a container and prints its output as it comes."""
    job = client.api.exec_create(name, command)["Id"]
    for piece in client.api.exec_start(job, stream=True):
        print(piece.decode(errors="replace"), end="", flush=True)
    return int(client.api.exec_inspect(job)["ExitCode"])


def existing(client: docker.DockerClient, names: list[str]) -> list[str]:
    """Which of `names` a container or a network has."""
    taken = {c.name for c in client.containers.list(all=True)} | {
        n.name for n in client.networks.list()
    }
    return [name for name in names if name in taken]


def remove(client: docker.DockerClient, names: list[str]) -> None:
    """Removes the containers that exist."""
    for name in names:
        try:
            client.containers.get(name).remove(force=True)
        except NotFound:
            continue


def main(command: str, *args: str) -> int:
    """Carries out one command; the exit status."""
    host = answering()
    if host is None:
        if command != "host":
            print("error: no engine answers", file=sys.stderr)
        return 1
    client = docker.DockerClient.from_env(environment={**os.environ, "DOCKER_HOST": host})
    match command, args:
        case "host", ():
            print(host)
        case "image", ():
            return 0 if has_image(client) else 1
        case "image", (busybox,):
            client.api.import_image_from_data(
                rootfs(busybox), repository=REPOSITORY, tag=TAG, changes=["ENV PATH=/bin"]
            )
            print(IMAGE)
        case "tag", (name,):
            if not has_image(client, name):
                client.images.get(IMAGE).tag(name)
                print(name)
        case "run", (name, *words):
            client.containers.run(IMAGE, words, name=name, detach=True)
        case "exec", (name, *words):
            return run_inside(client, name, words)
        case "started", (name,):
            found = client.containers.get(name)
            print(
                f"{name}: container {found.short_id}, started {found.attrs['State']['StartedAt']}"
            )
        case "kill", (name,):
            client.containers.get(name).kill()
        case "detach", (network, name):
            client.networks.get(network).disconnect(name)
        case "exists", names:
            print(*existing(client, list(names)))
        case "rm", names:
            remove(client, list(names))
        case "rmi", (*given,):
            name = given[0] if given else IMAGE
            if has_image(client, name):
                client.images.remove(name)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*(sys.argv[1:] or ["help"])))
    except KeyboardInterrupt:
        sys.exit(130)

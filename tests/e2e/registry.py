"""A registry for tests: Debian's docker-registry in a container on the engine, on the loopback that
the engine itself sees.

An engine takes a registry on 127.0.0.0/8 without TLS, so nothing has to be set up on it, and
nothing leaves the machine.
"""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from .conftest import Docker

PROGRAM = "docker-registry"
USER, PASSWORD = "netplan", "hunter2-is-secret"
_HASHED = "netplan:$2b$04$Xm5.4mPQ1m87VDcP7GvVFe1cI2qMUntqMDmP9/uLe9mD5UIrLYmou\n"


class Registry:
    """One that answers at `address`; with `private`, only to USER with PASSWORD."""

    def __init__(self, docker: Docker, private: bool = False) -> None:
        self._docker, self.private = docker, private
        self.image = f"netplan-test/{docker.prefix}registry:1"
        repository, _, tag = self.image.rpartition(":")
        query = f"fromSrc=-&repo={quote(repository, safe='')}&tag={tag}"
        status, answer = docker.call(
            "POST", f"/images/create?{query}", _root_file_system(), "application/x-tar"
        )
        assert status == 200, answer
        self.address = f"127.0.0.1:{random.randint(20000, 29999)}"

    def start(self) -> None:
        environment = [
            f"REGISTRY_HTTP_ADDR={self.address}",
            "REGISTRY_LOG_LEVEL=error",
            "OTEL_TRACES_EXPORTER=none",
        ]
        if self.private:
            environment += [
                "REGISTRY_AUTH=htpasswd",
                "REGISTRY_AUTH_HTPASSWD_REALM=test",
                "REGISTRY_AUTH_HTPASSWD_PATH=/users",
            ]
        self._docker.container(
            "registry",
            "host",
            Image=self.image,
            Cmd=[f"/{PROGRAM}", "serve", "/config.yml"],
            Env=environment,
        )
        for _ in range(100):
            answer = self._docker.call("GET", f"/distribution/{self.address}/nosuch:1/json")[1]
            if "refused" not in str(answer):
                return
            time.sleep(0.1)
        raise AssertionError(f"the registry does not answer: {answer}")

    def push(self, image: str, name: str) -> str:
        """Put an image of the engine into the registry under `name` (`a:1`); its reference, of
        which the engine knows nothing yet.
        """
        way_in = f"{self.address.replace('127.0.0.1', 'localhost')}/{name}"
        repository, _, tag = way_in.rpartition(":")
        self._docker.do("POST", f"/images/{image}/tag?repo={quote(repository, safe='')}&tag={tag}")
        self._docker.push(
            way_in,
            (
                {"username": USER, "password": PASSWORD, "serveraddress": self.address}
                if self.private
                else {}
            ),
        )
        self._docker.do("DELETE", f"/images/{way_in}")
        return f"{self.address}/{name}"

    def spoil(self) -> None:
        """Overwrite the largest blob, a layer of what was pushed, with something else."""
        path = f"/containers/{self._docker.name('registry')}/archive?path="
        with tarfile.open(fileobj=io.BytesIO(self._docker.raw(f"{path}/images"))) as tar:
            blob = max(
                (entry for entry in tar if entry.name.endswith("/data")),
                key=lambda entry: entry.size,
            )
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.addfile(blob, io.BytesIO(random.randbytes(blob.size)))
        status, answer = self._docker.call(
            "PUT", f"{path}/", buffer.getvalue(), "application/x-tar"
        )
        assert status == 200, answer

    def close(self) -> None:
        self._docker.clean_up()
        for image in self._docker.do("GET", "/images/json"):
            for tag in image.get("RepoTags") or ():
                if tag.startswith(self.address) or tag == self.image:
                    self._docker.do("DELETE", f"/images/{tag}?force=1")


def run(docker: Docker, private: bool = False) -> Iterator[Registry]:
    """A registry for as long as a fixture lasts."""
    registry = Registry(docker, private)
    try:
        registry.start()
        yield registry
    finally:
        registry.close()


def _root_file_system() -> bytes:
    """The program, the libraries that it is linked with, and what it reads."""
    program = shutil.which(PROGRAM)
    if not program:
        pytest.skip(f"these tests pull from a registry of their own: apt-get install {PROGRAM}")
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    files = {program: f"/{PROGRAM}"} | {
        word: word for word in linked.split() if word.startswith("/")
    }
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": "/images"}},
        "http": {"addr": ":5000"},
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as tar:
        for folder in ("images", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(entry)
        for source, target in files.items():
            tar.add(Path(source), target.lstrip("/"), recursive=False)
        for name, text in (("config.yml", json.dumps(config)), ("users", _HASHED)):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()

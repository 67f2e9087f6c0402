"""Real engines for the tests.

tests/engines.py says which ones. Every test gets a name prefix of its own, and all that carries it
is gone afterwards. An engine that NETPLAN_WIPE_HOSTS names too is the tests' own: they begin by
emptying it, as a run that was cut off leaves its containers.
"""

from __future__ import annotations

import base64
import http.client
import io
import itertools
import json
import os
import shutil
import socket
import tarfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from reconciler.engine import Engine, open_engine, open_reader
from reconciler.engine.locate import locate
from reconciler.engine.wire import connect
from reconciler.errors import NetplanError
from reconciler.model import EngineInfo

from ..engines import GIVEN, WIPE_HOSTS

if TYPE_CHECKING:
    from .cli import Cli

IMAGE = "netplan-test/busybox:1"
APPLETS = [
    "sh",
    "ping",
    "ip",
    "nslookup",
    "cat",
    "sleep",
    "wget",
    "httpd",
    "hostname",
    "ls",
    "echo",
    "nc",
    "route",
    "kill",
    "ps",
    "true",
    "mkdir",
    "chmod",
]


_subnets = itertools.count(os.getpid() % 100 * 40)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("e2e")


@pytest.fixture(scope="session")
def host(request: pytest.FixtureRequest) -> str:
    """The address of an engine that answers."""
    address: str = request.param
    try:
        address = address or locate().url
        open_reader(address, timeout=20).close()
    except NetplanError as error:
        message = (
            f"no engine to test with: {error.message}; set"
            " NETPLAN_TEST_HOSTS=unix:///path/to/docker.sock"
        )
        pytest.fail(message) if GIVEN else pytest.skip(message)
    if address in WIPE_HOSTS:
        _empty(Api(address))
    return address


def _empty(api: Api) -> None:
    """Removes every container, network and volume: each as far as the engine lets go of it, its own
    networks never.
    """
    paths = [
        f"/containers/{container['Id']}?force=1&v=1"
        for container in api.call("GET", "/containers/json?all=1")[1]
    ]
    paths += [f"/networks/{network['Id']}" for network in api.call("GET", "/networks")[1]]
    paths += [
        f"/volumes/{volume['Name']}?force=1"
        for volume in api.call("GET", "/volumes")[1]["Volumes"] or ()
    ]
    for path in paths:
        api.call("DELETE", path)


@pytest.fixture(scope="session")
def engine_info(host: str) -> EngineInfo:
    """Which engine it is."""
    reader = open_reader(host)
    try:
        return reader.info()
    finally:
        reader.close()


@pytest.fixture
def engine(host: str) -> Iterator[Engine]:
    """The engine as netplan uses it."""
    engine = open_engine(host)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def image(host: str) -> Iterator[str]:
    """An image with busybox in it, made without a registry; removed at the end if it was made
    here.
    """
    api = Api(host)
    made = api.call("GET", f"/images/{IMAGE}/json")[0] == 404
    yield add_image(host) if made else IMAGE
    if made:
        api.call("DELETE", f"/images/{IMAGE}?force=1")


@pytest.fixture
def busybox(host: str, image: str) -> Iterator[None]:
    """The public image that examples name: where the engine has none, ours under that name for as
    long as the test lasts.
    """
    api = Api(host)
    missing = api.call("GET", "/images/busybox:latest/json")[0] == 404
    if missing:
        assert api.call("POST", f"/images/{image}/tag?repo=busybox&tag=latest")[0] == 201
    yield
    if missing:
        api.call("DELETE", "/images/busybox:latest")


def add_image(host: str) -> str:
    """Makes the image on an engine; its name."""
    repository, _, tag = IMAGE.partition(":")
    query = (
        f"fromSrc=-&repo={quote(repository, safe='')}&tag={tag}&changes={quote('ENV PATH=/bin')}"
    )
    status, answer = Api(host).call(
        "POST", f"/images/create?{query}", _root_file_system(), "application/x-tar"
    )
    assert status == 200, answer
    return IMAGE


def _root_file_system() -> bytes:
    busybox = shutil.which("busybox")
    if not busybox or b"/ld-linux" in Path(busybox).read_bytes():
        pytest.skip(
            "these tests make their image from a static busybox: apt-get install busybox-static"
        )
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in ("bin", "etc", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(entry)
        tar.add(busybox, "bin/busybox", recursive=False)
        for applet in APPLETS:
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    return buffer.getvalue()


@pytest.fixture
def docker(host: str, image: str, engine_info: EngineInfo) -> Iterator[Docker]:
    """Bare calls to the same engine, for what a test sets up and looks at."""
    helper = Docker(host, image, engine_info)
    yield helper
    helper.clean_up()


@pytest.fixture
def cli(docker: Docker, tmp_path: Path) -> Cli:
    """The command, on the same engine."""
    from .cli import Cli

    return Cli(docker, tmp_path)


@pytest.fixture
def parent(docker: Docker) -> Iterator[str]:
    """An interface for macvlan on the engine's machine: one end of a veth pair."""
    link = f"np{docker.prefix[1:8]}"
    docker.container("host", network="host", HostConfig={"CapAdd": ["NET_ADMIN"]})
    code, output = docker.exec(docker.name("host"), "ip", "link", "add", link, "type", "veth")
    if code:
        pytest.skip(f"this kernel makes no veth pair for macvlan: {output}")
    docker.exec(docker.name("host"), "ip", "link", "set", link, "up")
    yield link
    docker.exec(docker.name("host"), "ip", "link", "del", link)


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str) -> None:
        super().__init__("docker", timeout=60)
        self._target = locate(host)

    def connect(self) -> None:
        self.sock: socket.socket = connect(self._target, 60)


class Api:
    """Single calls to an engine's API, at the version that it prefers."""

    def __init__(self, host: str) -> None:
        self._host = host

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        kind: str = "application/json",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[int, Any]:
        """Status and decoded answer: JSON where it is JSON, else text."""
        connection = _Connection(self._host)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            connection.request(
                method,
                path,
                data,
                ({"Content-Type": kind} if data is not None else {}) | dict(headers),
            )
            response = connection.getresponse()
            raw = response.read()
        finally:
            connection.close()
        try:
            return response.status, json.loads(raw)
        except ValueError:
            return response.status, raw.decode("utf-8", "replace")

    def raw(self, path: str) -> bytes:
        """What a GET answers, as it comes."""
        connection = _Connection(self._host)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()


class Docker(Api):
    """What a test does to an engine. Short names given here get the test's own prefix."""

    def __init__(self, host: str, image: str, info: EngineInfo) -> None:
        super().__init__(host)
        self.host, self.image, self.info = host, image, info
        self.prefix = f"t{uuid.uuid4().hex[:8]}-"

    def name(self, short: str) -> str:
        """`a` -> `t1f0c9a3e-a`."""
        return self.prefix + short

    @staticmethod
    def subnet(family: str = "ipv4") -> str:
        """A subnet that no other test of this run has."""
        number = next(_subnets) % 4096
        return (
            f"10.{224 + number // 256}.{number % 256}.0/24"
            if family == "ipv4"
            else f"fd00:7e57:{number:x}::/64"
        )

    def do(self, method: str, path: str, body: Any = None) -> Any:
        """A call that must succeed; its answer."""
        status, answer = self.call(method, path, body)
        assert status < 300 or status == 304, f"{method} {path}: {status} {answer}"
        return answer

    def network(self, short: str, **body: Any) -> str:
        """A new network; its ID. `body` as in POST /networks/create; `subnet=` for one pool."""
        if "subnet" in body:
            body["IPAM"] = {"Config": [{"Subnet": body.pop("subnet")}]}
        return str(
            self.do(
                "POST",
                "/networks/create",
                {"Name": self.name(short), "CheckDuplicate": True} | body,
            )["Id"]
        )

    def container(
        self, short: str, network: str = "bridge", start: bool = True, **body: Any
    ) -> str:
        """A new container that sleeps; its ID. `network` is a mode or a network's full name;
        `endpoint=` its EndpointConfig.
        """
        endpoint = body.pop("endpoint", None)
        if endpoint is not None:
            body["NetworkingConfig"] = {"EndpointsConfig": {network: endpoint}}
        mode = {"NetworkMode": network, "CapAdd": ["NET_RAW"]} | body.pop("HostConfig", {})
        whole = {
            "Image": self.image,
            "Cmd": ["sleep", "3600"],
            "StopSignal": "SIGKILL",
            "HostConfig": mode,
        } | body
        id = str(self.do("POST", f"/containers/create?name={self.name(short)}", whole)["Id"])
        if start:
            self.start(id)
        return id

    def start(self, container: str) -> None:
        self.do("POST", f"/containers/{container}/start")

    def stop(self, container: str) -> None:
        self.do("POST", f"/containers/{container}/stop?t=0")

    def connect(self, network: str, container: str, **endpoint: Any) -> tuple[int, Any]:
        """Status and answer: it may fail."""
        return self.call(
            "POST",
            f"/networks/{network}/connect",
            {"Container": container, "EndpointConfig": endpoint},
        )

    def disconnect(self, network: str, container: str) -> tuple[int, Any]:
        """Status and answer: it may fail."""
        return self.call("POST", f"/networks/{network}/disconnect", {"Container": container})

    def inspect(self, container: str) -> dict[str, Any]:
        answer = self.do("GET", f"/containers/{container}/json")
        assert isinstance(answer, dict)
        return answer

    def exec(self, container: str, *command: str) -> tuple[int, str]:
        """Exit code and output of a command in a running container."""
        body = {"Cmd": list(command), "AttachStdout": True, "AttachStderr": True, "Tty": True}
        id = self.do("POST", f"/containers/{container}/exec", body)["Id"]
        output = self.do("POST", f"/exec/{id}/start", {"Detach": False, "Tty": True})
        for _ in range(50):
            state = self.do("GET", f"/exec/{id}/json")
            if not state["Running"]:
                break
            time.sleep(0.1)
        return int(state["ExitCode"]), str(output)

    def ping(self, container: str, name: str) -> bool:
        """Whether `name` (or an address) answers one of two pings from inside `container`."""
        return any(
            self.exec(container, "ping", "-c", "1", "-W", "2", name)[0] == 0 for _ in range(2)
        )

    def fetch(self, container: str, url: str) -> str:
        """What `container` downloads from there, without the end of the line; what went wrong where
        nothing comes.
        """
        for _ in range(20):
            code, said = self.exec(container, "wget", "-q", "-O", "-", url)
            if "refused" not in said:
                break
            time.sleep(0.2)  # the server was started a moment ago
        return said.strip() if code == 0 else f"exit {code}: {said}"

    def push(self, reference: str, credentials: Mapping[str, str]) -> None:
        """Put an image into its registry."""
        name, _, tag = reference.rpartition(":")
        header = base64.urlsafe_b64encode(json.dumps(dict(credentials)).encode()).decode()
        status, answer = self.call(
            "POST", f"/images/{name}/push?tag={tag}", headers={"X-Registry-Auth": header}
        )
        assert status == 200, answer
        assert '"error"' not in str(answer), answer

    def clean_up(self) -> None:
        """Remove every container and network whose name has the prefix, and what says how long its
        topologies live.
        """
        for volume in self.do("GET", "/volumes")["Volumes"] or ():
            if volume["Name"].startswith(f"netplan.ttl.{self.prefix}"):
                self.call("DELETE", f"/volumes/{volume['Name']}")
        for _ in range(
            50
        ):  # some wait for another to go; a swarm lets go of a network a little later
            left = [
                f"/containers/{id}?force=1&v=1"
                for id in self._mine("/containers/json?all=1", "Names")
            ]
            left = left or [f"/networks/{id}" for id in self._mine("/networks", "Name")]
            if not left:
                return
            answers = [self.call("DELETE", path) for path in left]
            time.sleep(0.1 if any(status >= 300 for status, _ in answers) else 0)
        raise AssertionError(f"left behind: {list(zip(left, answers, strict=True))}")

    def _mine(self, path: str, key: str) -> list[str]:
        found = self.do("GET", path)
        return [thing["Id"] for thing in found if self.prefix in str(thing[key])]


@contextmanager
def one_node_swarm(docker: Docker) -> Iterator[None]:
    """Makes an engine of the tests' own a swarm; at the end it is as it was. One that is a swarm's
    manager already is taken as it is.
    """
    if docker.host not in WIPE_HOSTS:
        pytest.skip(
            "makes the engine a swarm for a moment: only on engines named in NETPLAN_WIPE_HOSTS"
        )
    if docker.info.flavor == "podman":
        pytest.skip("Podman has no swarm")
    state = docker.do("GET", "/info")["Swarm"]
    if state["LocalNodeState"] != "inactive":
        if not state["ControlAvailable"]:
            pytest.skip("this engine is a worker of a swarm")
        yield
        docker.clean_up()
        return
    docker.do("POST", "/swarm/init", {"ListenAddr": "127.0.0.1:2377", "AdvertiseAddr": "127.0.0.1"})
    try:
        yield
        docker.clean_up()
    finally:
        docker.do("POST", "/swarm/leave?force=1")
        docker.call("DELETE", "/networks/docker_gwbridge")

"""The transport, against a server that misbehaves; what Docker itself answers is for the tests on
real engines.
"""

from __future__ import annotations

import errno
import os
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from reconciler.engine import engine_at, open_engine, pin
from reconciler.engine.locate import Target, Tls
from reconciler.engine.wire import Wire, unreachable
from reconciler.errors import ApiError, LostError, MachineError, TimedOutError, UnreachableError

Answer = bytes | Callable[[socket.socket], None]


def body(text: str, status: str = "200 OK", extra: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Length: {len(text.encode())}\r\n{extra}\r\n{text}".encode()
    )


class Server:
    """Gives its answers in order, one to each request, on a Unix socket; None closes the
    connection. Keeps the requests.
    """

    def __init__(self, path: Path) -> None:
        self.answers: list[Answer | None] = []
        self.requests: list[bytes] = []
        self.connections = 0
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer.connections += 1
                while outer.serve(self.rfile, self.connection):
                    pass

        class Listener(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            block_on_close = False

        self.target = Target("the test", path=str(path))
        self._listener = Listener(str(path), Handler)
        threading.Thread(target=self._listener.serve_forever, args=(0.01,), daemon=True).start()

    def serve(self, reader: Any, connection: socket.socket) -> bool:
        head, length = b"", 0
        while (line := reader.readline()) not in (b"", b"\r\n"):
            head += line
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        if not head:
            return False
        self.requests.append(head + reader.read(length))
        answer = self.answers.pop(0)
        if callable(answer):
            answer(connection)
        elif answer is not None:
            connection.sendall(answer)
        return isinstance(answer, bytes) and (answer == CHUNKED or _keeps_alive(answer))

    def close(self) -> None:
        self._listener.shutdown()
        self._listener.server_close()


def _keeps_alive(answer: bytes) -> bool:
    head, _, rest = answer.partition(b"\r\n\r\n")
    return b"Connection: close" not in head and b"Content-Length: %d" % len(rest) in head


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding:"
    b' chunked\r\n\r\n4;ext=1\r\n{"a"\r\n3\r\n:1}\r\n0\r\nTrailer: x\r\n\r\n'
)
VERSION = body('{"ApiVersion": "1.51", "MinAPIVersion": "1.24", "Version": "28.5.2"}')


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "engine.sock")
    yield server
    server.close()


def get(server: Server, answer: Answer | None, timeout: float = 5) -> Any:
    server.answers = [answer]
    wire = Wire(server.target, timeout)
    try:
        return wire.get("/x")
    finally:
        wire.close()


@pytest.mark.parametrize(
    "answer",
    [
        body('{"a":1}'),
        CHUNKED,
        b'HTTP/1.1 200 OK\r\n\r\n{"a":1}',
        b'HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}',
        b'HTTP/1.1 200 OK\ncontent-length:7\n\n{"a":1}',
    ],
)
def test_every_way_to_end_a_body_is_understood(server: Server, answer: bytes) -> None:
    assert get(server, answer) == {"a": 1}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"garbage\r\n\r\n",
        b"\x00\x01\x02\x03",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n{}",
        body("not json"),
        body('{"a":'),
        body(""),
    ],
)
def test_an_answer_that_is_not_whole_is_lost(server: Server, answer: bytes | None) -> None:
    with pytest.raises(LostError) as caught:
        get(server, answer)
    assert "GET /x" in caught.value.message
    assert caught.value.hints


def test_an_engine_that_hangs_is_given_up_in_time(server: Server) -> None:
    began = time.monotonic()
    with pytest.raises(LostError, match=r"did not answer GET /x within 0\.2 s"):
        get(server, lambda connection: time.sleep(5), timeout=0.2)
    assert time.monotonic() - began < 4


def dribbling(answer: bytes) -> Callable[[socket.socket], None]:
    """One byte after the other, each sooner than any time-out."""

    def send(connection: socket.socket) -> None:
        with suppress(OSError):
            for byte in answer * 20:
                connection.sendall(bytes([byte]))
                time.sleep(0.05)

    return send


@pytest.mark.parametrize(
    "answer",
    [body('{"a":1}'), CHUNKED, b"HTTP/1.1 100 Continue\r\n\r\n"],
    ids=["length", "chunked", "interim"],
)
def test_an_answer_in_small_portions_is_given_up_in_time(server: Server, answer: bytes) -> None:
    """The time-out is that of the answer, not of each wait for bytes; of changes too."""
    began = time.monotonic()
    with pytest.raises(LostError, match=r"did not answer GET /x within 0\.5 s"):
        get(server, dribbling(answer), timeout=0.5)
    server.answers = [VERSION, dribbling(answer)]
    engine = open_engine(f"unix://{server.target.path}", timeout=1)
    with pytest.raises(TimedOutError, match="did not answer POST /networks/create within 1 s"):
        engine.create_network("n", {"driver": "bridge"})
    engine.close()
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("status", ["100 Continue", "102 Processing", "103 Early Hints"])
def test_what_comes_before_the_answer_is_not_the_answer(server: Server, status: str) -> None:
    early = f"HTTP/1.1 {status}\r\nLink: </x>\r\n\r\n".encode()
    assert get(server, early + early + body('{"a":1}')) == {"a": 1}


def test_an_answer_that_never_comes_after_a_hint_is_no_success(server: Server) -> None:
    """For a change: it is not known to be done."""
    server.answers = [VERSION, b"HTTP/1.1 103 Early Hints\r\n\r\n"]
    engine = open_engine(f"unix://{server.target.path}", timeout=1)
    with pytest.raises(LostError):
        engine.remove_network("n")
    engine.close()


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (body('{"message":"network x not found"}', "404 Not Found"), 404, "network x not found"),
        (
            body('{"cause":"c","message":"m\\nn\\u001b[31m","response":500}', "500 Oops"),
            500,
            "m n [31m",
        ),
        (body("plain words\n", "500 Oops"), 500, "plain words"),
        (body("", "503 Oops"), 503, "HTTP status 503"),
        (body('["odd"]', "400 Oops"), 400, '["odd"]'),
        (body("x" * 9999, "400 Oops"), 400, "x" * 500),
        (b"HTTP/1.1 502 Bad\r\n\r\n", 502, "HTTP status 502"),
    ],
)
def test_an_error_status_carries_the_engines_words(
    server: Server, answer: bytes, status: int, message: str
) -> None:
    with pytest.raises(ApiError) as caught:
        get(server, answer)
    assert (caught.value.status, caught.value.message) == (status, message)


def test_a_connection_is_kept_and_a_stale_one_replaced_once(server: Server) -> None:
    server.answers = [body("1"), body("2"), None, body("3")]
    wire = Wire(server.target, 5)
    assert [wire.get("/x") for _ in range(3)] == [1, 2, 3]
    assert (server.connections, len(server.requests)) == (2, 4)
    server.answers = [None, None]
    with pytest.raises(LostError, match="broke off"):
        wire.get("/x")
    wire.close()


def test_a_connection_that_the_engine_closes_is_not_used_again(server: Server) -> None:
    server.answers = [body("1", extra="Connection: close\r\n"), body("2")]
    wire = Wire(server.target, 5)
    assert [wire.get("/x"), wire.get("/x")] == [1, 2]
    assert server.connections == 2
    wire.close()


def test_each_answer_is_logged(server: Server) -> None:
    server.answers = [body("1"), body("{}", "500 Oops")]
    lines: list[tuple[str, str, int]] = []
    wire = Wire(
        server.target, 5, lambda method, path, status, seconds: lines.append((method, path, status))
    )
    wire.get("/a")
    with pytest.raises(ApiError):
        wire.get("/b")
    wire.close()
    assert lines == [("GET", "/a", 200), ("GET", "/b", 500)]


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (
            PermissionError(13, "Permission denied"),
            "no right to use unix:///nowhere",
            "usermod -aG docker",
        ),
        (FileNotFoundError(2, "No such file"), "there is no such socket", "systemctl start docker"),
        (ConnectionRefusedError(111, "refused"), "nothing listens there", "systemctl start docker"),
        (TimeoutError(), "within 3 s", "systemctl start docker"),
        (OSError(99, "odd"), "odd", "another engine"),
    ],
)
def test_what_cannot_be_reached_says_why_and_what_to_do(
    error: OSError, message: str, hint: str
) -> None:
    result = unreachable(Target("DOCKER_HOST", path="/nowhere"), 3, error)
    assert message in result.message
    assert "DOCKER_HOST" in result.message
    assert hint in " ".join(result.hints)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_a_shortage_here_is_not_the_engines_fault(
    server: Server, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: object) -> socket.socket:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "socket", short)
    with pytest.raises(
        MachineError, match=f"this machine has run out of a resource: {os.strerror(number)}"
    ):
        get(server, None)


def test_the_group_of_the_socket_is_named(tmp_path: Path) -> None:
    import grp

    file = tmp_path / "s"
    file.touch()
    group = grp.getgrgid(file.stat().st_gid).gr_name
    result = unreachable(Target("--host", path=str(file)), 3, PermissionError(13, "no"))
    assert ("only root" if group == "root" else group) in result.hints[0]


def test_sockets_that_nobody_listens_on(tmp_path: Path) -> None:
    missing = tmp_path / "missing.sock"
    with pytest.raises(UnreachableError, match="there is no such socket"):
        Wire(Target("--host", path=str(missing)), 5).get("/x")
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    with pytest.raises(UnreachableError, match="nothing listens there"):
        Wire(Target("--host", path=str(dead)), 5).get("/x")
    with pytest.raises(UnreachableError, match="too long"):
        Wire(Target("--host", path="/" + "x" * 200), 5).get("/x")
    with pytest.raises(UnreachableError, match="not known"):
        Wire(Target("--host", host="no-such-host.invalid", port=2375), 5).get("/x")
    with pytest.raises(UnreachableError, match="nothing listens there"):
        Wire(Target("--host", host="127.0.0.1", port=1), 5).get("/x")


def test_tls_with_an_engine_that_has_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(
            target=lambda: listener.accept()[0].sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            daemon=True,
        ).start()
        with pytest.raises(UnreachableError, match="no TLS with") as caught:
            Wire(
                Target(
                    "--host",
                    host="127.0.0.1",
                    port=listener.getsockname()[1],
                    tls=Tls(verify=False),
                ),
                5,
            ).get("/x")
    assert "DOCKER_CERT_PATH" in caught.value.hints[0]


def test_tls_files_that_are_none(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("not a certificate")
    with pytest.raises(UnreachableError, match="cannot be used"):
        Wire(Target("--host", host="127.0.0.1", port=1, tls=Tls(ca=str(file))), 5)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (body("404 page not found", "404 Not Found"), "not a Docker engine"),
        (
            body("Client sent an HTTP request to an HTTPS server.", "400 Bad Request"),
            "not a Docker engine",
        ),
        (body("[]"), "not a Docker engine"),
        (body("{}"), "not a Docker engine"),
        (
            body('{"ApiVersion": "1.40", "Version": "19.03"}'),
            r"too old: 19\.03 speaks API 1\.40, netplan needs 1\.41",
        ),
        (body('{"ApiVersion": "x", "Version": "?"}'), "too old"),
        (body('{"ApiVersion": "1.²", "Version": "?"}'), "too old"),
        (body('{"ApiVersion": "1.99", "MinAPIVersion": "1.60"}'), "too new"),
    ],
)
def test_what_is_no_usable_engine_is_refused(server: Server, answer: bytes, message: str) -> None:
    server.answers = [answer]
    with pytest.raises(UnreachableError, match=message) as caught:
        engine_at(server.target, 5)
    assert caught.value.hints


@pytest.mark.parametrize(
    "wrong", ['"Components": 7', '"Components": [null]', '"Version": []', '"MinAPIVersion": 1']
)
def test_a_greeting_of_the_wrong_shape_is_of_no_engine(server: Server, wrong: str) -> None:
    server.answers = [body(f'{{"ApiVersion": "1.51", {wrong}}}')]
    with pytest.raises(UnreachableError, match="not a Docker engine"):
        engine_at(server.target, 5)


@pytest.mark.parametrize(
    ("newest", "oldest", "pinned"),
    [
        ("1.51", "1.24", (1, 51)),
        ("1.41", "1.12", (1, 41)),
        ("1.60", "1.44", (1, 55)),
        ("1.54", "1.40", (1, 54)),
        ("1.44", None, (1, 44)),
    ],
)
def test_one_api_version_is_pinned(
    newest: str, oldest: str | None, pinned: tuple[int, int]
) -> None:
    assert pin({"ApiVersion": newest, "MinAPIVersion": oldest}) == pinned


DEEP = "[" * 100_000
HALF = '"\\ud800"'
"""Half a character: no text that could be sent back or printed."""


@pytest.mark.parametrize(
    "answer",
    [
        body(DEEP),
        body(HALF),
        body('{"\\uDFFF": 1}'),
        body("1" * 5000),
        b'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"\xff"',
        b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"\xed\xa0\x80"',
    ],
)
def test_what_cannot_be_read_as_json_is_lost(server: Server, answer: bytes) -> None:
    with pytest.raises(LostError, match="answer to GET /x is not JSON") as caught:
        get(server, answer)
    assert caught.value.hints


def test_a_whole_character_in_two_halves_is_one(server: Server) -> None:
    assert get(server, body('"\\ud83d\\ude00"')) == "\U0001f600"


@pytest.mark.parametrize(
    "text", [DEEP, f'{{"message": {DEEP}', '{"message": [[[]]]}', '{"message": 7}']
)
def test_an_error_is_told_in_whatever_words_there_are(server: Server, text: str) -> None:
    with pytest.raises(ApiError) as caught:
        get(server, body(text, "500 Oops"))
    assert caught.value.message == text[:500]


@pytest.mark.parametrize(
    "answer", [body("{}"), body("3"), body('[{"Id": 7}]'), body("[[]]"), body('"x"')]
)
def test_an_answer_of_the_wrong_shape_is_lost(server: Server, answer: bytes) -> None:
    server.answers = [VERSION, answer, answer]
    reader = engine_at(server.target, 5)
    for look in (reader.networks, reader.containers):
        with pytest.raises(LostError, match="not what the Docker API says"):
            look()
    reader.close()


CONTAINER = '{"Id": "c", "Name": "/c", %s}'
MARKED = CONTAINER % '"Config": {"Labels": {"netplan.topology": "lab"}}, %s'


@pytest.mark.parametrize(
    ("look", "answer", "message"),
    [
        ("info", '{"Swarm": 7}', "GET /info .*: Swarm is no object"),
        ("info", '{"SecurityOptions": [{}]}', r"SecurityOptions\[0\] is no text"),
        ("networks", '[{"Id": "n"}]', r"GET /networks .*: \[0\].Name is no text"),
        (
            "networks",
            '[{"Id": "n", "Name": "n", "IPAM": {"Config": {}}}]',
            "IPAM.Config is no list",
        ),
        ("networks", '[{"Id": "n", "Name": "n", "Labels": {"a": {}}}]', "Labels.a is no text"),
        (
            "containers",
            '[{"Id": "c", "Names": [7]}]',
            r"GET /containers/json .*: \[0\].Names\[0\] is no text",
        ),
        ("containers", '[{"Id": "c", "Labels": true}]', "Labels is no object"),
        ("containers", '[{"Id": ""}]', "Id is no text"),
        (
            "images",
            '[{"Id": "i", "RepoTags": ["a:1", null]}]',
            r"GET /images/json .*: \[0\].RepoTags\[1\] is no text",
        ),
        (
            "volumes",
            '{"Volumes": [{"Labels": {}}]}',
            r"GET /volumes .*: Volumes\[0\].Name is no text",
        ),
        ("volumes", f'{{"Volumes": [{{"Name": "netplan.lock.{"1" * 5000}"}}]}}', "Name is no name"),
        ("container", '{"Id": "c"}', "GET /containers/x/json .*: Name is no text"),
        ("container", CONTAINER % '"State": {"ExitCode": "1"}', "State.ExitCode is no integer"),
        (
            "container",
            CONTAINER % '"State": {"ExitCode": Infinity}',
            "State.ExitCode is no integer",
        ),
        (
            "container",
            CONTAINER % '"State": {"Health": {"Log": [null]}}',
            r"State.Health.Log\[0\] is no object",
        ),
        (
            "container",
            CONTAINER % '"NetworkSettings": {"Ports": {"x/tcp": null}}',
            "NetworkSettings.Ports has a key that is none",
        ),
        (
            "container",
            CONTAINER % '"NetworkSettings": {"Networks": {"n": {"Aliases": "a"}}}',
            "Networks.n.Aliases is no list",
        ),
        ("container", MARKED % '"Mounts": [{}]', r"Mounts\[0\].Destination is no text"),
        ("container", MARKED % '"HostConfig": {"Memory": 1.5}', "HostConfig.Memory is no integer"),
        (
            "network",
            '{"Id": "n", "Name": "n", "Containers": {"c": []}}',
            "GET /networks/x .*: Containers.c is no object",
        ),
        (
            "image",
            '{"Id": "i", "Config": {"Env": "A=1"}}',
            "GET /images/x/json .*: Config.Env is no list",
        ),
        ("image", "[]", "it is no object"),
        ("newest", "{}", "GET /distribution/x/json .*: Descriptor is no object"),
    ],
)
def test_what_is_wrong_with_an_answer_is_told(
    server: Server, look: str, answer: str, message: str
) -> None:
    server.answers = [VERSION, body(answer)]
    reader = engine_at(server.target, 5)
    with pytest.raises(LostError, match=message) as caught:
        getattr(reader, look)(
            *(["x"] if look in ("container", "network", "image", "newest") else [])
        )
    assert caught.value.hints
    reader.close()


def test_what_nobody_reads_may_be_anything(server: Server) -> None:
    """What a container of somebody else is run with; and null is nothing, wherever it stands."""
    answers = [
        CONTAINER % '"HostConfig": {"Memory": "x"}, "Mounts": 7, "Else": []',
        CONTAINER
        % '"State": null, "Config": null, "HostConfig": null, "NetworkSettings": {"Networks": {"n":'
        " null}}",
    ]
    server.answers = [VERSION, *map(body, answers)]
    reader = engine_at(server.target, 5)
    assert all(reader.container("c") for _ in answers)
    reader.close()


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (None, LostError, "broke off"),
        (b"garbage\r\n\r\n", LostError, "broke off"),
        (body("not json"), LostError, "answer to POST /networks/create is not JSON"),
        (body(DEEP), LostError, "not JSON"),
        (body("\xff"), LostError, "not JSON"),
        (
            body("{}"),
            LostError,
            "answer to POST /networks/create is not what the Docker API says: Id is no text",
        ),
        (body('{"Id": 7}'), LostError, "not what the Docker API says"),
        (body("moved", "301 Moved", "Location: http://[/\r\n"), LostError, "broke off"),
        (body("moved", "301 Moved", "Location: /elsewhere\r\n"), ApiError, "^moved$"),
        (body(DEEP, "500 Oops"), ApiError, r"^\["),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n{}", LostError, "broke off"),
        (body("{}", extra="Content-Encoding: gzip\r\n"), LostError, "broke off"),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{}", LostError, "broke off"),
        (lambda connection: time.sleep(3), LostError, "within 1 s"),
        (body('{"message":"no"}', "409 Conflict"), ApiError, "^no$"),
    ],
)
def test_a_change_is_sent_once_whatever_comes_back(
    server: Server, answer: Answer | None, error: type[Exception], message: str
) -> None:
    server.answers = [VERSION, answer, body('{"Id": "second try"}')]
    engine = open_engine(f"unix://{server.target.path}", timeout=1)
    with pytest.raises(error, match=message):
        engine.create_network("n", {"driver": "bridge"})
    engine.close()
    assert [request.split(b" ", 2)[:2] for request in server.requests] == [
        [b"GET", b"/version"],
        [b"POST", b"/v1.51/networks/create"],
    ]


@pytest.mark.parametrize(
    "answer",
    ["{}", '{"Name": 7}', '{"Name": "v", "Labels": []}', '{"Name": "v", "Labels": {"a": 1}}', DEEP],
)
def test_a_volume_that_is_none_is_lost(server: Server, answer: str) -> None:
    server.answers = [VERSION, body(answer)]
    engine = open_engine(f"unix://{server.target.path}", timeout=2)
    with pytest.raises(LostError, match="the engine's answer to POST /volumes/create is not"):
        engine.create_volume("v", {})
    engine.close()


def test_a_change_to_an_engine_that_went_away(server: Server, tmp_path: Path) -> None:
    server.answers = [VERSION]
    engine = open_engine(f"unix://{server.target.path}", timeout=2)
    Path(server.target.path).unlink()
    with pytest.raises(UnreachableError, match="no such socket"):
        engine.remove_network("n")
    engine.close()


def test_names_are_quoted_in_paths(server: Server) -> None:
    server.answers = [VERSION, body("{}", "404 Not Found"), body("", "204 No Content")]
    engine = open_engine(f"unix://{server.target.path}", timeout=2)
    assert engine.network("a b/../c?d") is None
    engine.remove_network("a b/c")
    engine.close()
    assert server.requests[1].startswith(b"GET /v1.51/networks/a%20b%2F..%2Fc%3Fd HTTP/1.1")
    assert server.requests[2].startswith(b"DELETE /v1.51/networks/a%20b%2Fc HTTP/1.1")


PULL = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding:"
    b' chunked\r\n\r\n1f\r\n{"status":"Pulling","id":"a"}\r\n\r\n'
)
"""The beginning of a pull that goes on."""


def chunk(text: str) -> bytes:
    return f"{len(text):x}\r\n{text}\r\n".encode()


@pytest.mark.parametrize(
    ("rest", "error", "message"),
    [
        (
            chunk('{"error":"no space","errorDetail":{"message":"no space"}}') + chunk(""),
            ApiError,
            "^no space$",
        ),
        (chunk("<html>") + chunk(""), LostError, "not what the Docker API says"),
        (
            chunk('{"errorDetail":"no space"}') + chunk(""),
            LostError,
            "not what the Docker API says: errorDetail is no object",
        ),
        (b"", LostError, "broke off"),
        (b"zz\r\n", LostError, "broke off"),
    ],
)
def test_a_pull_that_goes_wrong_on_its_way(
    server: Server, rest: bytes, error: type[Exception], message: str
) -> None:
    server.answers = [VERSION, PULL + rest]
    engine = open_engine(f"unix://{server.target.path}", timeout=5)
    with pytest.raises(error, match=message):
        engine.pull("r.test:5000/a/b:1", "linux/arm64")
    engine.close()
    assert server.requests[1].startswith(
        b"POST /v1.51/images/create?fromImage=r.test%3A5000%2Fa%2Fb&tag=1&platform=linux%2Farm64"
        b" HTTP/1.1"
    )


@pytest.mark.slow
@pytest.mark.parametrize("beginning", [b"", PULL])
def test_a_pull_may_be_slow_and_not_silent(
    server: Server, beginning: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence for two seconds ends it here, before the first word and after; the time-out of other
    calls does not.
    """
    monkeypatch.setattr("reconciler.engine.writing.STALL", 2.0)

    def slowly(connection: socket.socket) -> None:
        connection.sendall(PULL)
        for _ in range(4):
            time.sleep(0.4)
            connection.sendall(chunk('{"status":"Waiting","id":"a"}\n'))
        connection.sendall(chunk(""))

    def silently(connection: socket.socket) -> None:
        connection.sendall(beginning)
        time.sleep(4)

    def endlessly(connection: socket.socket) -> None:
        connection.sendall(PULL)
        with suppress(OSError):
            for _ in range(100):
                time.sleep(0.1)
                connection.sendall(chunk("."))

    monkeypatch.setattr("reconciler.engine.streams.STALL", 2.0)
    server.answers = [VERSION, slowly, VERSION, silently, VERSION, endlessly]
    engine = open_engine(f"unix://{server.target.path}", timeout=1.0)
    engine.pull("a:1")
    engine.close()  # the server does not keep the connection, and says so too late
    engine = open_engine(f"unix://{server.target.path}", timeout=1.0)
    with pytest.raises(LostError, match=r"within 2 s"):
        engine.pull("a:1")
    engine.close()
    if beginning:
        engine = open_engine(f"unix://{server.target.path}", timeout=1.0)
        with pytest.raises(LostError, match=r"within 2 s"):  # one line that does not end
            engine.pull("a:1")
        engine.close()


def test_a_stop_is_given_its_grace_period(server: Server) -> None:
    def late(connection: socket.socket) -> None:
        time.sleep(1.5)
        connection.sendall(body("", "204 No Content"))

    server.answers = [
        VERSION,
        late,
        body("", "304 Not Modified"),
        lambda connection: time.sleep(1.5),
    ]
    engine = open_engine(f"unix://{server.target.path}", timeout=1.0)
    engine.stop("c", 2)
    engine.stop("c", 0)
    with pytest.raises(LostError, match=r"within 1 s"):
        engine.stop("c", 0)
    engine.close()
    assert server.requests[1].startswith(b"POST /v1.51/containers/c/stop?t=2 HTTP/1.1")


def test_names_of_images_keep_their_slashes(server: Server) -> None:
    server.answers = [
        VERSION,
        body("{}", "404 Not Found"),
        body('{"Descriptor":{"digest":"sha256:7"}}'),
        body('{"Descriptor":null}'),
    ]
    reader = engine_at(server.target, 2)
    assert reader.image("r.test:5000/a b/c?:1") is None
    assert reader.newest("r.test:5000/a:1") == "sha256:7"
    with pytest.raises(LostError, match="not what the Docker API says"):
        reader.newest("a:1")
    reader.close()
    assert server.requests[1].startswith(
        b"GET /v1.51/images/r.test:5000/a%20b/c%3F:1/json HTTP/1.1"
    )
    assert server.requests[2].startswith(b"GET /v1.51/distribution/r.test:5000/a:1/json HTTP/1.1")

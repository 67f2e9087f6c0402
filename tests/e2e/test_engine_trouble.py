"""No engine, no rights, an engine that is slow or talks nonsense: one clear sentence and the fix,
within the time-out.
"""

# ruff: noqa: E501

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reconciler.engine import open_engine

from .cli import Cli, Result, run

FILE = "name: trouble\nnetworks: {n: {}}\n"
COMMANDS = [
    ("plan", "-"),
    ("apply", "-"),
    ("destroy", "-"),
    ("show",),
    ("ls",),
    ("snapshot",),
    ("unlock",),
]
Answer = bytes | None


def one_sentence(result: Result, *texts: str) -> None:
    """Nothing on standard output; one `error:` line and a few lines that say what to do, none of
    them long.
    """
    assert result.out == ""
    first, *hints = result.err.splitlines()
    assert first.startswith("error: ")
    assert 1 <= len(hints) <= 3
    assert all(line.startswith("  ") for line in hints)
    assert max(map(len, (first, *hints))) < 200
    for text in texts:
        assert text in result.err, result.err


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A path for a socket, short enough for one."""
    return tmp_path_factory.mktemp("s") / "s"


@contextmanager
def server(path: Path, *answers: Answer, delay: float = 0) -> Iterator[None]:
    """A socket that gives one answer to each connection, the last one again and again; None answers
    nothing and keeps it open.
    """
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)
    open_ones: list[socket.socket] = []

    def serve() -> None:
        count = 0
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            answer = answers[min(count, len(answers) - 1)]
            count += 1
            open_ones.append(connection)
            if answer is not None:
                connection.recv(65536)
                time.sleep(delay)
                connection.sendall(answer)
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in open_ones:
            connection.close()
        thread.join(5)


def http(body: str, status: str = "200 OK") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length:"
        f" {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
    )


# --- not there ------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_no_socket(command: tuple[str, ...], place: Path) -> None:
    result = run(*command, host=f"unix://{place}", stdin=FILE, code=1)
    one_sentence(
        result,
        f"no Docker engine answers at unix://{place}",
        "there is no such socket",
        "is it running?",
    )


def test_a_socket_that_nobody_listens_on(place: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(place))
    left.close()
    one_sentence(
        run("plan", "-", host=f"unix://{place}", stdin=FILE, code=1),
        "nothing listens there",
        "is it running?",
    )


def test_a_port_that_nobody_listens_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    one_sentence(
        run("plan", "-", host=f"tcp://127.0.0.1:{port}", stdin=FILE, code=1),
        f"127.0.0.1:{port}",
        "nothing listens there",
    )


@pytest.mark.parametrize(
    "host", ["ftp://somewhere", "unix://", "tcp://:", "nonsense", "unix:///x\x1b[31m"], ids=repr
)
def test_an_address_that_is_none(host: str) -> None:
    result = run("plan", "-", host=host, stdin=FILE, code=None)
    assert result.code in (1, 4)
    assert result.err.startswith("error: ")
    assert "\x1b" not in result.said


def test_a_context_that_does_not_exist() -> None:
    result = run("plan", "-", "--context", "no-such-context", stdin=FILE, code=4)
    assert "no-such-context" in result.err


def test_a_folder_in_place_of_the_socket(tmp_path: Path) -> None:
    assert run("ls", host=f"unix://{tmp_path}", code=1).err.startswith("error: ")


# --- no rights ------------------------------------------------------------------------------------


AS_NOBODY = """
import contextlib, grp, io, os, pwd, sys
from reconciler.cli import main
with contextlib.redirect_stderr(io.StringIO()):  # loads all that it needs: nobody may not be allowed to read it
    main(["ls", "--host", "unix:///nonexistent"])
user = pwd.getpwnam("nobody")
os.setgroups([]); os.setgid(user.pw_gid); os.setuid(user.pw_uid)
sys.exit(main(["ls"]))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_no_rights_on_the_socket(cli: Cli) -> None:
    """As another user, who may run netplan but not use the engine."""
    path = urlsplit(cli.host).path
    if not path or Path(path).stat().st_mode & 0o002:
        pytest.skip("this engine has no socket, or one that everybody may use")
    result = subprocess.run(
        [sys.executable, "-c", AS_NOBODY],
        env={**os.environ, "DOCKER_HOST": cli.host},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1, result.stderr
    one_sentence(
        Result((), 1, result.stdout, result.stderr),
        f"no right to use unix://{path}",
        "permission denied",
        "sudo",
    )


# --- slow, wrong, half ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [("plan", "-"), ("apply", "-"), ("ls",)], ids=lambda command: command[0]
)
def test_an_engine_that_does_not_answer(command: tuple[str, ...], place: Path) -> None:
    with server(place, None):
        began = time.monotonic()
        result = run(*command, "--timeout", "1", host=f"unix://{place}", stdin=FILE, code=1)
        assert time.monotonic() - began < 10
    one_sentence(result, "within 1 s")


def test_an_engine_that_is_slow_but_answers_is_waited_for(place: Path) -> None:
    with server(place, http("nothing"), delay=1.5):
        result = run("ls", "--timeout", "20", host=f"unix://{place}", code=1)
    assert "within" not in result.err


NONSENSE = {
    "garbage": b"\x00\xff\xfe no http at all\r\n\r\n",
    "nothing": b"",
    "half-an-answer": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
    "no-json": http("<html>hello</html>"),
    "another-json": http('{"hello": "world"}'),
    "a-list": http("[1, 2]"),
    "error-500": http('{"message": "kaputt"}', "500 Internal Server Error"),
    "error-403-with-colour": http(
        json.dumps({"message": "denied \x1b[31mred\x1b[0m\r\nby policy"}), "403 Forbidden"
    ),
    "too-old": http('{"ApiVersion": "1.24", "Version": "1.12.6"}'),
    "too-new": http('{"ApiVersion": "9.99", "MinAPIVersion": "9.0", "Version": "99.0"}'),
}
WORDS = {
    "too-old": ("the engine is too old: 1.12.6 speaks API 1.24, netplan needs 1.41", "20.10"),
    "too-new": ("update netplan",),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_what_answers_is_no_usable_engine(kind: str, place: Path) -> None:
    with server(place, NONSENSE[kind]):
        result = run(
            "apply", "-", "--yes", "--timeout", "5", host=f"unix://{place}", stdin=FILE, code=1
        )
    assert "\x1b" not in result.said
    one_sentence(result, *WORDS.get(kind, ()))


def test_an_engine_that_stops_between_two_answers(place: Path) -> None:
    """It says which version it is, and then nothing."""
    version = http('{"ApiVersion": "1.51", "MinAPIVersion": "1.24", "Version": "28.5.2"}')
    with server(place, version, None):
        result = run("plan", "-", "--timeout", "1", host=f"unix://{place}", stdin=FILE, code=1)
    one_sentence(result, "within 1 s")


def test_doctor_says_what_to_do(place: Path) -> None:
    result = run("doctor", host=f"unix://{place}", code=1)
    assert "fail" in result.out
    assert str(place) in result.out


# --- what a file may ask of an engine -------------------------------------------------------------


def test_doctor_is_content_with_a_real_engine(cli: Cli) -> None:
    result = cli.run("doctor")
    assert not result.err
    assert "GET    200" in cli.run("doctor", "-v").err
    assert cli.docker.info.version in result.out
    assert "fail" not in result.out


def test_an_overlap_with_another_network_is_refused_with_a_way_out(cli: Cli) -> None:
    """The culprit is named, and the subnet that is offered is free indeed."""
    subnet = cli.docker.subnet()
    cli.docker.network("theirs", subnet=subnet)
    cli.write({"n": {"subnet": subnet.replace(".0/24", ".128/25")}})
    refused = cli.apply(code=1)
    assert not refused.changes
    assert f"overlaps {subnet} of network {cli.docker.name('theirs')}" in refused.said
    (offered,) = [
        line.split()[-3] for line in refused.said.splitlines() if line.endswith(" is free")
    ]
    cli.converge({"n": {"subnet": offered}})


def test_a_mac_address_is_refused_where_the_engine_would_ignore_it(cli: Cli) -> None:
    if cli.docker.info.heeds_mac:
        pytest.skip("this engine sets it")
    cli.docker.container("c")
    cli.write(
        {"n": {"subnet": cli.docker.subnet()}},
        {"c": {"networks": {"n": {"mac_address": "02:42:0a:00:00:09"}}}},
    )
    refused = cli.apply(code=1)
    assert not refused.changes
    assert "cannot set mac_address 02:42:0a:00:00:09 on connect" in refused.said


SLOW_LOADING = """
import importlib.abc, sys, threading, time
threads = set()
class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("docker", "requests", "urllib3"):
            threads.add(threading.current_thread().name)
        if name == "urllib3":  # in the middle of the circle of imports
            time.sleep(1)
sys.meta_path.insert(0, Slow())
from reconciler.cli import main
code = main(["apply", sys.argv[1], "--parallel", "4"])
print("loaded by", len(threads))
sys.exit(code)
"""


def test_a_change_that_comes_while_docker_py_is_still_loading_waits_for_it(cli: Cli) -> None:
    """It is loaded beside the first reads; two threads in its circle of imports would wait for one
    another and fail.
    """
    cli.write({name: {"subnet": cli.docker.subnet()} for name in "abcd"})
    done = subprocess.run(
        [sys.executable, "-c", SLOW_LOADING, str(cli.file)],
        env={**os.environ, "DOCKER_HOST": cli.host},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "loaded by 1\n" in done.stdout
    cli.settled()


def test_changes_of_many_things_keep_one_connection(host: str) -> None:
    """docker-py keeps one for each path: a lab of forty containers ran out of files."""
    engine = open_engine(host)
    names = [f"netplan-test-{os.getpid()}-{number}" for number in range(8)]
    open_files = []
    for name in names:
        engine.create_volume(name, {})
        engine.remove_volume(name)
        open_files.append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208
    engine.close()
    assert open_files[-1] <= open_files[0], open_files

"""The engine is found as the docker CLI finds it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from reconciler.engine.locate import Target, Tls, locate
from reconciler.errors import UsageError


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A docker CLI configuration with the contexts `lab` and, with TLS, `far`."""
    for name, host in (
        ("lab", "unix:///run/lab.sock"),
        ("far", "tcp://far:2376"),
        ("overssh", "ssh://root@far"),
    ):
        key = hashlib.sha256(name.encode()).hexdigest()
        folder = tmp_path / "contexts" / "meta" / key
        folder.mkdir(parents=True)
        (folder / "meta.json").write_text(
            json.dumps(
                {"Name": name, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}
            )
        )
    files = tmp_path / "contexts" / "tls" / hashlib.sha256(b"far").hexdigest() / "docker"
    files.mkdir(parents=True)
    for file in ("ca", "cert", "key"):
        (files / f"{file}.pem").touch()
    return tmp_path


DEFAULT = ("unix:///var/run/docker.sock", "the default socket")


@pytest.mark.parametrize(
    ("host", "context", "env", "current", "url", "source"),
    [
        (None, None, {}, None, *DEFAULT),
        ("unix:///a", None, {"DOCKER_HOST": "unix:///b"}, "lab", "unix:///a", "--host"),
        ("unix://", None, {}, None, "unix:///var/run/docker.sock", "--host"),
        (
            None,
            None,
            {"DOCKER_HOST": "unix:///b", "DOCKER_CONTEXT": "lab"},
            None,
            "unix:///b",
            "DOCKER_HOST",
        ),
        (None, None, {"DOCKER_HOST": ""}, None, *DEFAULT),
        (
            None,
            None,
            {"DOCKER_CONTEXT": "lab"},
            None,
            "unix:///run/lab.sock",
            'context "lab" (DOCKER_CONTEXT)',
        ),
        (
            None,
            "lab",
            {"DOCKER_HOST": "unix:///b"},
            None,
            "unix:///run/lab.sock",
            'context "lab" (--context)',
        ),
        (None, "default", {"DOCKER_HOST": "unix:///b"}, "lab", "unix:///b", "DOCKER_HOST"),
        (None, "default", {}, "lab", *DEFAULT),
        (None, None, {"DOCKER_CONTEXT": "default"}, "lab", *DEFAULT),
        (None, None, {}, "lab", "unix:///run/lab.sock", 'context "lab" ('),
        (None, None, {"DOCKER_HOST": "tcp://h"}, None, "tcp://h:2375", "DOCKER_HOST"),
        (
            None,
            None,
            {"DOCKER_HOST": "tcp://h", "DOCKER_TLS_VERIFY": "1"},
            None,
            "tcp://h:2376",
            "DOCKER_HOST",
        ),
        ("h:99", None, {}, None, "tcp://h:99", "--host"),
        ("tcp://[::1]:99", None, {}, None, "tcp://[::1]:99", "--host"),
        ("https://h", None, {}, None, "tcp://h:2376", "--host"),
    ],
)
def test_precedence(
    config: Path,
    host: str | None,
    context: str | None,
    env: dict[str, str],
    current: str | None,
    url: str,
    source: str,
) -> None:
    if current:
        (config / "config.json").write_text(json.dumps({"currentContext": current}))
    target = locate(host, context, {"DOCKER_CONFIG": str(config)} | env)
    assert target.url == url
    assert target.source.startswith(source)


def test_a_context_brings_its_tls_files(config: Path) -> None:
    target = locate(None, "far", {"DOCKER_CONFIG": str(config)})
    folder = config / "contexts" / "tls" / hashlib.sha256(b"far").hexdigest() / "docker"
    assert target.tls == Tls(
        str(folder / "ca.pem"), str(folder / "cert.pem"), str(folder / "key.pem")
    )
    assert target.transport == "tls"


def test_the_tls_variables(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    env = {"DOCKER_HOST": "tcp://h:1", "DOCKER_CERT_PATH": str(tmp_path)}
    assert locate(env=env).tls is None
    assert locate(env=env | {"DOCKER_TLS": "1"}).tls == Tls(str(tmp_path / "ca.pem"), verify=False)
    assert locate(env=env | {"DOCKER_TLS_VERIFY": "1"}).tls == Tls(
        str(tmp_path / "ca.pem"), verify=True
    )


@pytest.mark.parametrize(
    ("host", "context", "message"),
    [
        ("unix:///a", "lab", "--host and --context"),
        (None, "nosuch", 'the context "nosuch" \\(--context\\) does not exist'),
        ("ssh://root@far", None, "over ssh are not supported"),
        (None, "overssh", "over ssh are not supported"),
        ("npipe:////./pipe/docker", None, "no such kind of address"),
        ("tcp://h:port", None, "not an engine's address"),
        ("tcp://h:99999", None, "not an engine's address"),
        ("tcp://", None, "not an engine's address"),
        ("tcp://h:1/path", None, "not an engine's address"),
        ("tcp://[::1", None, "not an engine's address"),
    ],
)
def test_an_unusable_choice_says_what_to_do(
    config: Path, host: str | None, context: str | None, message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        locate(host, context, {"DOCKER_CONFIG": str(config)})
    assert caught.value.hints


def test_a_damaged_configuration_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UsageError, match=r"config\.json cannot be read"):
        locate(env={"DOCKER_CONFIG": str(tmp_path)})
    assert locate(env={"DOCKER_CONFIG": str(tmp_path), "DOCKER_HOST": "unix:///x"}) == Target(
        "DOCKER_HOST", path="/x"
    )


def test_a_home_without_configuration(tmp_path: Path) -> None:
    assert locate(env={"HOME": str(tmp_path)}).url == DEFAULT[0]


@pytest.mark.parametrize(
    ("host", "command", "use"),
    [
        (
            "ssh://root@far",
            "-L /tmp/netplan-far.sock:/var/run/docker.sock -- root@far",
            "instead of --host: --host unix:///tmp/netplan-far.sock",
        ),
        (
            "ssh://far:2222/run/user/7/docker.sock",
            "-L /tmp/netplan-far.sock:/run/user/7/docker.sock -p 2222 -- far",
            "",
        ),
        (
            "ssh://a b@-oProxyCommand=x",
            "-L /tmp/netplan--oproxycommand-x.sock:/var/run/docker.sock -- 'a b@-oproxycommand=x'",
            "",
        ),
        ("ssh://far:x", "-L /tmp/netplan-HOST.sock:/var/run/docker.sock -- HOST", ""),
    ],
)
def test_the_way_to_an_engine_over_ssh_can_be_pasted(host: str, command: str, use: str) -> None:
    with pytest.raises(UsageError) as caught:
        locate(host, env={})
    assert (
        caught.value.hints[1]
        == f"ssh -fNT -o ExitOnForwardFailure=yes -o StreamLocalBindUnlink=yes {command}"
    )
    assert use in caught.value.hints[2]
    with pytest.raises(UsageError) as caught:
        locate(env={"DOCKER_HOST": host})
    assert caught.value.hints[2].startswith("export DOCKER_HOST=unix:///tmp/netplan-")

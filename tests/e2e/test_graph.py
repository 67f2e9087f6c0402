"""`netplan graph --live` and `--plan`: what the engine has, and what becomes of it."""

from __future__ import annotations

from xml.etree import ElementTree

from .cli import Cli
from .test_converge import at


def shown(cli: Cli, *options: str) -> str:
    """The texts of the picture as SVG, each on a line."""
    told = cli.run("graph", str(cli.file), "-o", "svg", *options)
    assert told.code == 0, told.said
    return "\n".join(ElementTree.fromstring(told.out.encode()).itertext())


def test_live_and_plan(cli: Cli) -> None:
    docker = cli.docker
    subnet = docker.subnet()
    for name in ("c", "other"):
        docker.container(name)
    containers = {
        "c": {"networks": {"n": {"ipv4_address": at(subnet, 20), "aliases": ["web"]}}},
        "other": {"networks": ["n"]},
    }
    cli.write({"n": {"subnet": subnet}}, containers)
    before = shown(cli, "--plan")
    assert "1 to create" in before
    assert "+ create" in before
    assert "+ connect" in before
    cli.apply()
    live = shown(cli, "--live")
    assert "as declared" in live
    assert subnet in live
    assert at(subnet, 20) in live
    assert at(subnet, 1) in live  # the gateway that the engine took
    assert "also web" in live
    assert "running" in live
    assert not {"! drift", "? missing"} & {*live.splitlines()}
    assert live == shown(cli, "--live")
    assert "nothing to do" in shown(cli, "--plan")

    assert docker.disconnect(docker.name("n"), docker.name("c"))[0] == 200
    drifted = shown(cli, "--live")
    assert "1 drifted" in drifted
    assert "! drift" in drifted
    assert "+ connect" in shown(cli, "--plan")

    cli.apply()
    other = docker.subnet()
    containers["c"]["networks"] = ["n"]  # type: ignore[assignment]
    cli.write({"n": {"subnet": other}}, containers)
    planned = shown(cli, "--plan")
    assert "-/+ replace" in planned
    assert "-/+ reconnect" in planned
    assert f"should be {other}" in " ".join(planned.split())
    html = cli.run("graph", str(cli.file), "--plan", "-o", "html")
    assert html.code == 0
    assert html.calls == []

"""Containers created without a network: on `none` again once they are on no other."""

from __future__ import annotations

from .cli import Cli


def test_a_container_is_back_on_none(cli: Cli) -> None:
    """Once its attachment is no longer declared, or is destroyed; running or not."""
    full = cli.docker.name
    boxes = [
        cli.docker.container("nn", "none"),
        cli.docker.container("asleep", "none", start=False),
    ]

    def on() -> list[set[str]]:
        return [set(cli.docker.inspect(box)["NetworkSettings"]["Networks"]) for box in boxes]

    network, both = (
        {"n": {"subnet": cli.docker.subnet()}},
        {"nn": {"networks": ["n"]}, "asleep": {"networks": ["n"]}},
    )
    cli.converge(network, both)
    assert on() == [{full("n")}] * 2
    cli.converge(network)
    assert on() == [{"none"}] * 2
    cli.converge(network, both)
    cli.destroy()
    assert on() == [{"none"}] * 2

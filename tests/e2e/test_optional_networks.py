"""External networks that may be missing: what is attached to them is attached once they are
there.
"""

from __future__ import annotations

from .cli import Cli, box


def test_a_network_that_comes_goes_and_is_not_needed(cli: Cli) -> None:
    docker, corp = cli.docker, cli.docker.name("corp")
    docker.container("theirs")
    external = {"external": True, "optional": True}
    cli.write(
        {"own": {}, "corp": external},
        {
            "first": box(networks=["corp", "own"]),
            "only": box(networks=["corp"]),
            "theirs": {"networks": ["own", "corp"]},
        },
    )
    note = f"network {corp} does not exist: optional, skipped"
    first = cli.apply()
    assert note in first.out
    ids = {name: docker.inspect(docker.name(name))["Id"] for name in ("first", "only")}
    assert _networks(cli, "first") == {docker.name("own")}
    assert _networks(cli, "only") == {"none"}
    assert "! no such network (optional)" in cli.run("show", str(cli.file)).out
    assert "no problems" in cli.run("show", str(cli.file)).out
    cli.settled()

    docker.network("corp")
    cli.apply()
    assert ids == {name: docker.inspect(docker.name(name))["Id"] for name in ("first", "only")}, (
        "attached in place"
    )
    assert _networks(cli, "first") == {docker.name("own"), corp}
    assert _networks(cli, "only") == {corp}
    assert corp in _networks(cli, "theirs")

    for name in ("first", "only", "theirs"):
        docker.do("POST", f"/networks/{corp}/disconnect", {"Container": docker.name(name)})
    docker.do("DELETE", f"/networks/{corp}")
    cli.apply()
    cli.settled()


def _networks(cli: Cli, name: str) -> set[str]:
    return set(cli.docker.inspect(cli.docker.name(name))["NetworkSettings"]["Networks"])

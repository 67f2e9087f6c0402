"""Copies of what netplan writes on its objects: whoever bears one is not ours, and stays as it is
to the byte.
"""

from __future__ import annotations

from typing import Any

from .cli import Cli
from .conftest import IMAGE

Body = dict[str, Any]


def _labels(cli: Cli, name: str) -> dict[str, str]:
    found: dict[str, str] = cli.docker.inspect(cli.docker.name(name))["Config"]["Labels"]
    return found


def _container(cli: Cli, name: str, network: str, image: str = IMAGE, **more: Any) -> str:
    """A running container as another tool makes one: by the name of its network, with an anonymous
    volume.
    """
    body: Body = {
        "Image": image,
        "Cmd": ["sleep", "3600"],
        "StopSignal": "SIGKILL",
        "Volumes": {"/keep": {}},
        **more,
    }
    body["HostConfig"] = {"NetworkMode": network}
    id = str(cli.docker.do("POST", f"/containers/create?name={cli.docker.name(name)}", body)["Id"])
    cli.docker.do("POST", f"/containers/{id}/start")
    return id


def test_copies_of_our_labels_and_options_are_left_alone(cli: Cli) -> None:
    """One of a committed image that is gone, copied labels, a renamed backup, a network, endpoints:
    through three commands.
    """
    docker, full, subnet = cli.docker, cli.docker.name, cli.docker.subnet()
    docker.container("db")
    run: Body = {
        "image": IMAGE,
        "command": ["sleep", "3600"],
        "stop_grace_period": "0s",
        "networks": ["n"],
    }
    networks: Body = {"n": {"subnet": subnet}}
    containers: Body = {"web": run, "old": run, "db": {"networks": {"n": {"aliases": ["d"]}}}}
    cli.converge(networks, containers)
    labels, options = _labels(cli, "web"), (cli.endpoint("db", "n") or {})["DriverOpts"]
    docker.do("POST", f"/commit?container={full('web')}&repo={full('debug').lower()}&tag=1")
    docker.network(
        "theirs",
        subnet=docker.subnet(),
        Labels=docker.do("GET", f"/networks/{full('n')}")["Labels"],
    )
    _container(cli, "committed", full("theirs"), f"{full('debug').lower()}:1")
    docker.stop(full("committed"))
    docker.do("DELETE", f"/images/{full('debug').lower()}:1?force=1")
    _container(cli, "copied", full("theirs"), Labels=labels)
    docker.connect(full("theirs"), full("db"), DriverOpts=options)
    docker.connect(full("theirs"), full("copied"), DriverOpts={"netplan.topology": cli.topology})
    docker.do("POST", f"/containers/{full('old')}/rename?name={full('backup')}")
    docker.disconnect(full("n"), full("backup"))
    docker.connect(full("theirs"), full("backup"))
    theirs = ("committed", "copied", "backup")
    before = {name: docker.inspect(full(name)) for name in theirs}
    network, endpoint = (
        docker.do("GET", f"/networks/{full('theirs')}"),
        cli.endpoint("db", "theirs"),
    )

    assert not [name for name in theirs if f"container {full(name)}" in cli.plan().out]
    cli.apply()
    cli.settled()
    cli.run("reset", str(cli.file), "--yes")
    refused = cli.destroy(code=3)
    assert (
        f"container {full('backup')} was created with --network {full('n')} and could not start"
        " again" in refused.said
    )
    assert {name: docker.inspect(full(name)) for name in theirs} == before
    docker.do("DELETE", f"/containers/{full('backup')}?force=1")
    del network["Containers"][before.pop("backup")["Id"]]
    cli.destroy()
    assert {name: docker.inspect(full(name)) for name in before} == before
    after = docker.do("GET", f"/networks/{full('theirs')}")
    for state in (network, after):
        state.pop("Status", None)  # since Docker 29: how many addresses are free
    assert after == network
    assert cli.endpoint("db", "theirs") == endpoint
    assert not [
        name
        for name in ("web", "old", "n")
        if docker.call("GET", f"/containers/{full(name)}/json")[0] == 200
    ]
    assert cli.topology not in cli.run("ls").out


def test_a_container_that_another_tool_made_anew_under_its_name_is_mended(cli: Cli) -> None:
    """As an updater does it: same name, labels and endpoint settings. A second one under another
    name is left alone.
    """
    docker, full = cli.docker, cli.docker.name
    run: Body = {
        "image": IMAGE,
        "command": ["sleep", "3600"],
        "stop_grace_period": "0s",
        "networks": {"n": {"aliases": ["w"]}},
    }
    cli.converge({"n": {"subnet": docker.subnet()}}, {"web": run})
    raw = docker.inspect(full("web"))
    config = {key: raw["Config"][key] for key in ("Image", "Cmd", "Labels")}
    docker.do("DELETE", f"/containers/{full('web')}?force=1")
    for name in ("web", "twin"):
        body = {**config, "StopSignal": "SIGKILL", "HostConfig": {"NetworkMode": full("n")}}
        docker.do("POST", f"/containers/create?name={full(name)}", body)
        docker.disconnect(full("n"), full(name))
        options = raw["NetworkSettings"]["Networks"][full("n")]["DriverOpts"]
        docker.connect(full("n"), full(name), DriverOpts=options)
    twin = docker.inspect(full("twin"))
    planned = cli.plan().out
    assert f"container {full('web')}" in planned
    assert f"container {full('twin')}" not in planned
    cli.apply()
    cli.settled()
    refused = cli.destroy(code=3)
    assert (
        f"container {full('twin')} was created with --network {full('n')} and could not start again"
        in refused.said
    )
    assert docker.inspect(full("twin")) == twin


def test_another_image_under_the_declared_name_makes_nobody_ours(cli: Cli) -> None:
    """One with our labels over the declared tag, and the image that ours was made of removed by
    force.

    What we made of the old image stays ours and is recreated of the new one, whatever labels that
    brings; what somebody else runs of either is not, not even under the declared name.
    """
    docker, full = cli.docker, cli.docker.name
    app = f"{full('app').lower()}:1"

    def tagged(labels: Body) -> str:
        """An image of the declared name with those labels: its ID. No child of another, which no
        engine removes by force.
        """
        repository, _, version = app.partition(":")
        path = f"/commit?container={full('plain')}&repo={repository}&tag={version}"
        return str(docker.do("POST", path, {"Labels": labels})["Id"])

    def gone(image: str) -> None:
        docker.do("DELETE", f"/images/{image}?force=1")
        assert docker.call("GET", f"/images/{image}/json")[0] == 404

    docker.container("plain")
    first = tagged({})
    run: Body = {
        "image": app,
        "command": ["sleep", "3600"],
        "stop_grace_period": "0s",
        "networks": ["n"],
    }
    cli.converge({"n": {"subnet": docker.subnet()}}, {"web": run})
    ours = docker.inspect(full("web"))["Id"]

    forged = tagged(_labels(cli, "web"))
    docker.network("theirs", subnet=docker.subnet())
    _container(cli, "guest", full("theirs"), app)
    docker.stop(full("web"))
    docker.stop(full("guest"))
    gone(first)
    guest = docker.inspect(full("guest"))
    assert guest["Config"]["Labels"] == _labels(cli, "web")

    planned = cli.plan().out
    assert f"container {full('guest')}" not in planned
    assert f"-/+ container {full('web')}" in planned
    cli.apply()
    cli.settled()
    web = docker.inspect(full("web"))
    assert (web["Id"] != ours, web["Image"]) == (True, forged)

    docker.do("DELETE", f"/containers/{full('web')}?force=1")
    _container(cli, "web", full("theirs"), app)  # somebody else's, of the image with our labels
    other = docker.inspect(full("web"))
    refused = cli.apply(code=3)
    assert f"container {full('web')} exists and was not created by netplan" in " ".join(
        refused.said.split()
    )
    assert not refused.changes
    cli.destroy()
    assert docker.inspect(full("web")) == other
    docker.do("DELETE", f"/containers/{full('web')}?force=1")

    tagged({})
    gone(forged)  # nobody can tell any more where the guest's labels come from, but by its name
    cli.apply()
    cli.destroy()
    assert docker.inspect(full("guest")) == guest
    assert cli.topology not in cli.run("ls").out
    docker.do("DELETE", f"/containers/{full('guest')}?force=1&v=1")
    docker.do("DELETE", f"/images/{app}?force=1")

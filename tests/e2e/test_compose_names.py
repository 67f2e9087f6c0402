"""A Compose file as its users paste it: names on the engine beside keys, the default network,
volumes that must exist, drivers.
"""

from __future__ import annotations

import yaml

from .cli import Cli, box


def write(cli: Cli, **top: object) -> None:
    cli.file.write_text(
        yaml.safe_dump({"name": cli.topology, **top}, sort_keys=False), encoding="utf-8"
    )


def test_a_pasted_file_means_what_it_means_to_compose(cli: Cli) -> None:
    """Both names are found, on the default network; what shares a network, waits and mounts goes by
    the keys.
    """
    full = cli.docker.name
    volume = full("data")
    devices = [{"source": "/dev/null", "target": "/dev/nothing", "permissions": "rwm"}]
    needs = {"db": {"condition": "service_started", "required": True, "restart": False}}
    containers = {
        "db": box(container_name=full("shop-db"), volumes=["data:/d"], attach=False),
        "web": box(container_name=full("shop-web"), devices=devices, depends_on=needs),
        "side": box(container_name=full("side"), network_mode="service:db", volumes=["kept:/k"]),
    }
    volumes = {"data": {"name": volume}, "kept": {"external": True, "name": full("kept")}}
    write(cli, version="3.8", networks={"default": None}, volumes=volumes, containers=containers)

    refused = cli.apply(code=1)
    assert f"volume {full('kept')} is external and does not exist" in refused.said
    assert not refused.changes
    cli.docker.do("POST", "/volumes/create", {"Name": full("kept")})
    try:
        cli.apply()
        cli.settled()
        assert (
            cli.docker.do("GET", f"/networks/{cli.topology}_default")["Name"]
            == f"{cli.topology}_default"
        )
        for name in ("db", full("shop-db"), full("shop-web"), "web"):
            assert cli.docker.ping(full("shop-web"), name), name
            assert cli.docker.ping(full("side"), name), name
        [mount] = cli.docker.inspect(full("shop-db"))["Mounts"]
        assert (mount["Name"], mount["Destination"]) == (volume, "/d")
        containers["db"]["container_name"] = full("other-db")  # another container: the old one goes
        write(cli, networks={"default": {}}, volumes=volumes, containers=containers)
        cli.apply()
        cli.settled()
        assert cli.docker.ping(full("side"), "db")
        assert cli.docker.call("GET", f"/containers/{full('shop-db')}/json")[0] == 404
        cli.destroy()
        assert not cli.inspected()
    finally:
        cli.docker.clean_up()
        for name in (volume, full("kept")):
            cli.docker.call("DELETE", f"/volumes/{name}")


def test_an_external_default_network_in_the_older_form(cli: Cli) -> None:
    proxy = cli.docker.network("proxy")
    write(
        cli,
        networks={"default": {"external": {"name": cli.docker.name("proxy")}}},
        containers={cli.docker.name("web"): box()},
    )
    cli.apply()
    cli.settled()
    endpoint = cli.endpoint("web", "proxy")
    assert endpoint is not None
    assert endpoint["NetworkID"] == proxy
    cli.destroy()
    assert cli.exists("proxy")


def test_a_driver_that_no_engine_has_is_found_in_the_plan(cli: Cli) -> None:
    """Without a call more than any other plan makes."""
    write(cli, networks={cli.docker.name("n"): {"driver": "brigde"}})
    result = cli.plan("-v", code=1)
    assert "this engine has no network driver 'brigde'" in result.said
    assert "did you mean bridge?" in result.said
    write(cli, networks={cli.docker.name("n"): {}})
    assert sorted(result.calls) == sorted(cli.plan("-v").calls)

"""Several files of one folder: what one of them is refused does not keep the others from their
turn.
"""

from __future__ import annotations

from typing import Any

from reconciler.engine import Engine
from reconciler.lock import own_volumes
from reconciler.lock.journal import writer
from reconciler.observe import observe
from reconciler.planner import plan
from reconciler.topology import load

from .cli import Cli
from .test_output import valid


def kill_replacement_of_nb(cli: Cli, engine: Engine, file: str) -> None:
    """As if a run of `file` had been killed that replaces the network nb, with x on it."""
    observed = observe(engine)
    note = writer(
        engine, "killed", plan(load(str(cli.file.with_name(file))).state, observed), observed, ()
    )
    assert note
    note.write()
    cli.docker.disconnect(cli.docker.name("nb"), cli.docker.name("x"))
    cli.docker.do("DELETE", f"/networks/{cli.docker.name('nb')}")


def interrupted(engine: Engine) -> bool:
    return any(volume["Name"].startswith("netplan.journal.") for volume in own_volumes(engine))


def test_a_refusal_does_not_keep_an_interrupted_run_from_being_recovered(
    cli: Cli, engine: Engine
) -> None:
    """What is refused only because of the others is planned again after them; what still is refused
    then is told once.
    """
    docker, full = cli.docker, cli.docker.name
    old, new, side = (docker.subnet() for _ in range(3))
    ta, tb, folder = full("ta"), full("tb"), str(cli.file.parent)

    def declare(na: dict[str, Any], on_na: list[str], **nb: Any) -> None:
        cli.write({"na": na}, name=ta, file="a.yaml")
        cli.write(
            {"na": {"external": True}, "nb": {"subnet": side, **nb}},
            {"x": {"networks": ["nb", *on_na]}},
            tb,
            "b.yaml",
        )

    def told(*arguments: str, code: int) -> str:
        return " ".join(cli.run(*arguments, code=code).said.split())

    docker.container("x")
    declare({"subnet": old}, [])
    cli.run("apply", folder, "--yes")

    declare(
        {"subnet": new}, [], internal=True
    )  # a.yaml would replace na, and nobody agrees to that
    kill_replacement_of_nb(cli, engine, "b.yaml")
    unasked = told("apply", folder, code=3)
    assert unasked.count("pass --yes") == 1
    assert f"2 topologies: 1 done, 1 refused ({ta})." in unasked
    assert cli.endpoint("x", "nb")
    assert not interrupted(engine)

    declare({"subnet": new, "protect": True}, [])  # refused after the others, too
    kill_replacement_of_nb(cli, engine, "b.yaml")
    refused = told("apply", folder, "--yes", code=3)
    assert f'a run of topology "{tb}"' in refused
    assert refused.count("is protected and would be replaced") == 1
    assert f"2 topologies: 1 done, 1 refused ({ta})." in refused
    assert cli.endpoint("x", "nb")
    assert not interrupted(engine)

    declare({"subnet": old}, ["na"])
    cli.run("apply", folder, "--yes")
    declare({"subnet": new}, [], internal=True)  # x is in the way of a.yaml until b.yaml is applied
    kill_replacement_of_nb(cli, engine, "b.yaml")
    value: Any = valid("reports", cli.run("apply", folder, "--yes", "-o", "json").out)
    assert [report["plan"]["topology"] for report in value["reports"]] == [tb, ta]
    assert cli.network("na")["IPAM"]["Config"][0]["Subnet"] == new
    assert cli.endpoint("x", "nb")
    assert not cli.endpoint("x", "na")
    assert not interrupted(engine)


def test_each_report_of_a_folder_has_the_error_of_its_own_topology(cli: Cli) -> None:
    """One that nobody agreed to has its plan in its report, and why nothing of it was done."""
    full, folder = cli.docker.name, str(cli.file.parent)
    for file, network in (("a.yaml", "na"), ("b.yaml", "nb")):
        cli.write({network: {"subnet": cli.docker.subnet()}}, name=full("t" + network), file=file)
    (cli.file.parent / "compose.yaml").write_text(
        "services: {web: {image: nginx}}\n", encoding="utf-8"
    )
    for command in (["plan"], ["apply"], ["show"], ["reset", "--yes"], ["apply"]):
        told = cli.run(*command, folder)
        assert "".join(told.err.splitlines()[:1]).startswith(
            f"{folder}: skipped compose.yaml: a Compose file"
        ), told.said
    cli.write({"nb": {"subnet": cli.docker.subnet()}}, name=full("tnb"), file="b.yaml")
    value: Any = valid("reports", cli.run("apply", folder, "-o", "json", code=3).out)
    done, refused = value["reports"]
    assert (done["plan"]["topology"], done["converged"], "error" in done) == (
        full("tna"),
        True,
        False,
    )
    assert (refused["plan"]["topology"], refused["converged"], refused["error"]["exit_code"]) == (
        full("tnb"),
        False,
        3,
    )

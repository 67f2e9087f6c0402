"""Consent: what is asked, on a terminal and without one, and what a no means."""

from __future__ import annotations

import pytest

from .cli import Cli, run_on_terminal


def pending(cli: Cli) -> None:
    """A topology whose next apply disconnects something."""
    network = {"n": {"subnet": cli.docker.subnet()}}
    cli.docker.container("c")
    cli.write(network, {"c": {"networks": ["n"]}})
    cli.apply()
    cli.write(network, {"c": {"networks": []}})


@pytest.mark.parametrize("command", ["apply", "destroy"])
def test_yes_on_a_terminal(cli: Cli, command: str) -> None:
    pending(cli)
    asked = run_on_terminal(command, str(cli.file), answer="yes", host=cli.host, code=0)
    assert f"{command.capitalize()} this plan? [y/N]" in asked.out
    assert asked.out.index("disconnect") < asked.out.index("[y/N]") < asked.out.index("Done:")
    assert cli.endpoint("c", "n") is None


@pytest.mark.parametrize(
    "answer", ["n", "", "yess", "\x04"], ids=["n", "return", "typo", "end-of-file"]
)
def test_anything_else_changes_nothing(cli: Cli, answer: str) -> None:
    pending(cli)
    before = cli.inspected()
    asked = run_on_terminal("apply", str(cli.file), answer=answer, host=cli.host, code=1)
    assert "error: not confirmed: nothing was changed" in asked.out
    assert cli.inspected() == before


def test_yes_to_a_plan_that_is_no_longer_the_plan(cli: Cli) -> None:
    """The engine changed after the plan was shown."""
    pending(cli)
    changed = {}

    def meanwhile() -> None:
        cli.docker.container("d")
        cli.docker.connect(
            cli.docker.name("n"), cli.docker.name("c")
        )  # refused: it is there already
        cli.docker.disconnect(cli.docker.name("n"), cli.docker.name("c"))
        changed.update(cli.inspected())

    asked = run_on_terminal(
        "apply", str(cli.file), answer="y", host=cli.host, code=3, meanwhile=meanwhile
    )
    assert "error: the engine changed after the plan was shown: nothing was done" in asked.out
    assert (
        f"container {cli.docker.name('c')} was disconnected from {cli.docker.name('n')}"
        in " ".join(asked.out.split())
    )
    assert "run netplan apply again" in asked.out
    assert cli.inspected() == changed


def test_yes_after_a_change_outside_the_plan(cli: Cli) -> None:
    pending(cli)
    asked = run_on_terminal(
        "apply",
        str(cli.file),
        answer="y",
        host=cli.host,
        code=0,
        meanwhile=lambda: cli.docker.container("d"),
    )
    assert "Done:" in asked.out


def test_what_takes_nothing_away_is_not_asked(cli: Cli) -> None:
    cli.docker.container("c")
    cli.write({"n": {"subnet": cli.docker.subnet()}}, {"c": {"networks": ["n"]}})
    made = run_on_terminal("apply", str(cli.file), answer="n", host=cli.host, code=0)
    assert "[y/N]" not in made.out
    cli.settled()


@pytest.mark.parametrize("options", [(), ("-q",), ("-o", "json")], ids=["text", "quiet", "json"])
def test_without_a_terminal_yes_must_be_given_beforehand(
    cli: Cli, options: tuple[str, ...]
) -> None:
    pending(cli)
    before = cli.inspected()
    refused = cli.run("apply", str(cli.file), *options, code=3)
    assert "there is no terminal to ask for confirmation" in refused.err
    assert "pass --yes" in refused.err
    assert cli.inspected() == before
    cli.run("apply", str(cli.file), "--yes", *options)
    assert cli.endpoint("c", "n") is None


def test_what_was_not_shown_cannot_be_agreed_to(cli: Cli) -> None:
    pending(cli)
    refused = run_on_terminal("apply", str(cli.file), "-q", answer="y", host=cli.host, code=3)
    assert "it was not shown" in refused.said
    assert cli.endpoint("c", "n")

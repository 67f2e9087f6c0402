"""Every line fits the terminal, loses nothing, and commands to copy stay whole."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import cli
from reconciler.arguments import parser
from reconciler.model import (
    EngineInfo,
    NetworkMark,
    ObservedContainer,
    ObservedEndpoint,
    ObservedNetwork,
    ObservedState,
)
from reconciler.show import ls, show
from reconciler.show.topologies import owned
from reconciler.terminal import ansi, safe
from reconciler.wrap import _COMMAND, columns, fit, width_of
from tests.examples import examples

GOLDEN = Path(__file__).parents[1] / "golden"
NOW = datetime(2026, 11, 27, tzinfo=UTC)
WIDTHS = (20, 40, 60, 80, 120, 200)
ENGINE = EngineInfo("e", "docker", "28.5.2", (1, 51), "unix")
HOSTILE = (
    "x" * 130,
    "网络" * 30,
    "e\u0301" * 50,
    "a b c " * 20,
    "\U0001f600" * 40,
    "netplan apply " + "y" * 70,
)


def check(text: str, width: int) -> None:
    fitted = fit(text, width)
    for line in fitted.split("\n"):
        command = _COMMAND.match(line)
        assert columns(line) <= width or (command and not command["before"].strip()), (width, line)
    assert squashed(fitted) == squashed(text)


def squashed(text: str) -> str:
    """Without blanks, colour, and the branch that goes on beside a row."""
    return re.sub(r"\s|│|\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize("width", WIDTHS)
def test_plans_fit(width: int) -> None:
    for path in sorted(GOLDEN.glob("*/plan.txt")):
        check(path.read_text(encoding="utf-8"), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_live_topologies_with_hostile_names_fit(width: int) -> None:
    for name in HOSTILE:
        end = ObservedEndpoint(name, "n", "e", {"aliases": (name,)}, None, ("10.0.0.2/24",))
        gone = ObservedEndpoint("gone " + name, "g")
        boxes = [
            ObservedContainer(
                f"c{n}",
                f"{n}{name}",
                "running",
                endpoints=(end, gone),
                ports=("0.0.0.0:80->80/tcp",),
            )
            for n in range(3)
        ]
        network = ObservedNetwork(
            "n",
            name,
            {"driver": "bridge", "ipv4.subnet": ("10.0.0.0/24",)},
            NetworkMark(name),
            outside=(name,),
        )
        state = ObservedState(ENGINE, (network,), tuple(boxes))
        for text in (
            show(state),
            show(state, name, paint=ansi),
            show(state, problems=True, paint=ansi),
            ls(owned(state), NOW, ansi),
        ):
            check(text, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_help_fits(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    whole = parser()
    commands = next(action for action in whole._actions if action.dest == "command").choices
    assert commands
    for each in (whole, *commands.values()):
        assert max(map(columns, each.format_help().split("\n"))) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_what_a_command_prints_fits(
    width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/" + "d" * 80)
    long = "n" * 100
    (tmp_path / f"{long}.yaml").write_text(
        f"name: {'t' * 60}\nnetworks: {{{long}: {{subnet: 10.1.0.0/24}}, other: {{}}}}\n"
    )
    (tmp_path / "wrong.yaml").write_text(
        f"name: t\nnetworks: {{{long}: {{subnett: 10.1.0.0/24}}}}\n"
    )
    for words in (
        ["validate", "."],
        ["plan", f"{long}.yaml", "--state", "empty"],
        ["plan", f"{long}.yaml"],
        ["doctor"],
        ["plan", long],
        ["upp"],
    ):
        cli.main(words)
        printed = capsys.readouterr()
        for line in (printed.out + printed.err).split("\n"):
            assert columns(line) <= width or _COMMAND.match(line), (words, line)


@examples(200)
@given(
    st.text(st.sampled_from("ab \x1b├└│─网e\u0301'-:netplan"), max_size=200).map(safe),
    st.integers(20, 90),
)
def test_nothing_is_lost(text: str, width: int) -> None:
    check(text, width)


def test_how_lines_go_on() -> None:
    assert (
        fit("├─ web  running  10.1.0.2/24  ! differs", 24)
        == "├─ web  running\n│    10.1.0.2/24  !\n│    differs"
    )
    assert fit("└─ web  running  10.1.0.2/24", 20) == "└─ web  running\n     10.1.0.2/24"
    assert fit("  10 remove container x          after 3", 34) == "  10 remove container x  after 3"
    assert fit("error: one two three four five", 20) == "error: one two three\n    four five"
    assert (
        fit("To do it:  netplan apply a-long-name.yaml --adopt x", 30)
        == "To do it:\n  netplan apply a-long-name.yaml --adopt x"
    )
    assert fit("  docker rm " + "x" * 40, 30) == "  docker rm " + "x" * 40
    assert (
        fit("  netplan plan shows what is left to do", 30)
        == "  netplan plan shows what is\n      left to do"
    )


def test_the_width_is_that_of_columns_or_of_the_terminal() -> None:
    assert width_of(io.StringIO(), {}) is None
    assert width_of(io.StringIO(), {"COLUMNS": "66"}) == 66
    assert width_of(io.StringIO(), {"COLUMNS": "3"}) == 20
    assert width_of(io.StringIO(), {"COLUMNS": "0"}) is None
    assert width_of(io.StringIO(), {"COLUMNS": "x"}) is None

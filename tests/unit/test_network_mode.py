"""A container's network mode, read once."""

from __future__ import annotations

import pytest

from reconciler.model import DesiredContainer, DesiredEndpoint, ObservedContainer, Source
from reconciler.network_mode import read_mode

HERE = Source("lab.yaml", 1)


@pytest.mark.parametrize(
    ("text", "kind", "name", "shares", "attachable", "publishes", "written"),
    [
        ("", "bridge", "bridge", "", True, True, "bridge"),
        ("default", "bridge", "bridge", "", True, True, "bridge"),
        ("bridge", "bridge", "bridge", "", True, True, "bridge"),
        ("host", "host", "host", "", False, False, "host"),
        ("none", "none", "none", "", True, False, "none"),
        ("container:db", "container", "db", "db", False, False, "container:db"),
        ("back", "network", "back", "", True, True, "back"),
        ("0123456789ab", "network", "0123456789ab", "", True, True, "0123456789ab"),
    ],
)
def test_every_kind(
    text: str, kind: str, name: str, shares: str, attachable: bool, publishes: bool, written: str
) -> None:
    mode = read_mode(text)
    assert (mode.kind, mode.name, mode.shares) == (kind, name, shares)
    assert (mode.attachable, mode.publishes, mode.text) == (attachable, publishes, written)


def test_whose_network_a_container_shares() -> None:
    assert ObservedContainer("1", "web", network_mode="container:2").shares == "2"
    assert ObservedContainer("1", "web", network_mode="back").shares == ""
    settings = {"image": "web:1", "network_mode": "container:db"}
    assert DesiredContainer("web", HERE, settings=settings).shares == "db"
    attached = (DesiredEndpoint("back", HERE),)
    assert DesiredContainer("web", HERE, attached, settings={"image": "web:1"}).shares == ""

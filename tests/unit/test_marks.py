"""A mark names the object that it was written for: on any other it is a copy, and counts for
nothing.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.codec import endpoint_body, network_body, read_container, read_network
from reconciler.codec.containers import container_body, read_managed
from reconciler.marks import (
    BIRTH,
    CHANGED,
    CURE,
    SPEC,
    TOPOLOGY,
    Place,
    container_labels,
    digest,
    endpoint_options,
    network_labels,
    read_container_mark,
    recall_secrets,
    secret_digest,
)
from reconciler.model import (
    ContainerMark,
    DesiredContainer,
    DesiredState,
    EndpointMark,
    EngineInfo,
    NetworkMark,
    ObservedContainer,
    ObservedState,
    Source,
)
from reconciler.plan import ContainerSpec, EndpointSpec
from reconciler.planner import plan
from reconciler.snapshot import snapshot_json, state_from_snapshot

ID, OTHER_ID = "ab" * 32, "cd" * 32
DOCKER = EngineInfo()
MADE = EndpointMark("lab", "made", {"aliases": ("w",)})
MARK = ContainerMark("lab", {"image": digest("box:1"), "command": digest(("run",))})
SENT = container_body(
    "web", ContainerSpec({"image": "box:1"}, MARK, "net", (EndpointSpec("net", {}, MADE),)), (1, 51)
)


def seen(name: str, id: str = ID, **config: Any) -> dict[str, Any]:
    """The inspect of a container that was created with SENT, and is called `name` now."""
    return {
        "Id": id,
        "Name": f"/{name}",
        "Config": {"Image": "box:1", "Labels": {**SENT["Labels"], BIRTH: "b1"}, **config},
        "HostConfig": {"NetworkMode": "net"},
        "NetworkSettings": {"Networks": SENT["NetworkingConfig"]["EndpointsConfig"]},
    }


def read(raw: dict[str, Any], **more: Any) -> ObservedContainer:
    return read_managed(read_container(raw, DOCKER), raw, **more)


def unnamed(labels: dict[str, str]) -> dict[str, str]:
    """The labels, or driver options, as the first version wrote them."""
    spec = {
        key: value
        for key, value in json.loads(labels[SPEC]).items()
        if key not in ("name", "container", "network")
    }
    return {**labels, SPEC: json.dumps(spec)}


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("web", True),
        (f"web.netplan-{ID[:12]}", True),  # put aside by a recreation
        (f"web.netplan-{OTHER_ID[:12]}", False),
        ("web-old", False),  # docker rename: a backup
        ("web2", False),  # docker run --label-file: a copy
        ("", False),
    ],
)
def test_a_container_and_its_endpoints_are_ours_under_the_name_that_was_declared(
    name: str, ours: bool
) -> None:
    found = read(seen(name))
    assert (found.mark is not None, found.endpoints[0].mark is not None) == (ours, ours)
    assert bool(found.settings) == ours
    assert found.written_for == ("" if ours else "web")


def test_one_that_was_renamed_to_a_declared_name_is_refused_with_its_name_before() -> None:
    wanted = DesiredContainer("www", Source("f", 1), managed=True, settings={"image": "box:1"})
    state = ObservedState(containers=(read(seen("www")),))
    (refusal,) = plan(
        DesiredState("lab", {}, {"www": wanted}), state_from_snapshot(snapshot_json(state))
    ).refusals
    assert (
        refusal.message
        == "container www exists with the labels of container web: it was renamed or copied, so it"
        " is not managed"
    )


def test_a_container_that_an_updater_made_anew_under_its_name_stays_ours() -> None:
    """Same name, same labels, another ID: it is drift, and mended."""
    assert read(seen("web", OTHER_ID)).mark == MARK


def test_what_was_made_of_an_image_that_was_committed_is_not_ours() -> None:
    raw = seen("web", Image="web-debug:1")
    image = {"Id": "sha256:1", "Config": {"Labels": raw["Config"]["Labels"]}}
    assert read(raw, image=image).mark is None
    assert (
        read(raw, image={"Id": "sha256:1", "Config": {}}).mark == MARK
    )  # its own labels; the image differs, and that is drift
    assert read(raw).mark is None  # the image is gone, and was not the declared one
    assert read(seen("web")).mark == MARK


def test_a_mark_of_the_first_version_counts_as_long_as_nothing_speaks_against_it() -> None:
    raw = seen("anything")
    raw["Config"]["Labels"] = unnamed(raw["Config"]["Labels"])
    assert read(raw).mark == MARK
    assert read(raw, twins={"b1"}).mark is None
    assert read(seen("web"), twins={"b1"}).mark == MARK  # of this one it is known which it is
    raw["Config"]["Image"] = "web-debug:1"
    assert read(raw).mark is None


def test_a_network_is_ours_under_the_name_that_was_declared() -> None:
    mark = NetworkMark("lab", {"driver": "0"}, {"web": ID[:12]})
    labels = network_body("net", {}, mark)["Labels"]
    assert read_network({"Id": ID, "Name": "net", "Labels": labels}, DOCKER).mark == mark
    assert read_network({"Id": ID, "Name": "net2", "Labels": labels}, DOCKER).mark is None
    first = unnamed(network_labels(mark, "net"))
    assert read_network({"Id": ID, "Name": "net2", "Labels": first}, DOCKER).mark == mark
    assert read_network({"Id": ID, "Name": "net", "Labels": {TOPOLOGY: "lab"}}, DOCKER).mark is None


def attached(container: str, network: str, options: dict[str, str]) -> Any:
    raw = seen(container)
    raw["NetworkSettings"]["Networks"] = {
        network: {"NetworkID": "n", "EndpointID": "e", "DriverOpts": options}
    }
    raw["State"] = {"Status": "running"}
    (endpoint,) = read_container(raw, DOCKER).endpoints
    return endpoint


def test_an_endpoint_is_ours_where_its_mark_was_written() -> None:
    options = endpoint_body(ID, {}, MADE, Place("db", "net"))["EndpointConfig"]["DriverOpts"]
    assert attached("db", "net", options).mark == MADE
    for container, network in (("db", "net2"), ("db2", "net"), ("db-old", "net")):
        assert attached(container, network, options).mark is None
    assert attached("db2", "net2", unnamed(options)).mark == MADE


@pytest.mark.parametrize(
    "spec", [None, "", "{}", "7", '{"v":2,"how":"made"}', '{"v":true}', "[" * 200_000]
)
def test_an_endpoint_that_somebody_marked_by_hand_is_not_ours(spec: str | None) -> None:
    options = endpoint_options(MADE, Place("db", "net"))
    options = {TOPOLOGY: "lab"} if spec is None else {**options, SPEC: spec}
    assert attached("db", "net", options).mark is None


def test_a_container_that_is_put_back_keeps_its_endpoints() -> None:
    """An endpoint made while it was put aside names it so."""
    options = endpoint_options(MADE, Place(f"web.netplan-{ID[:12]}", "net"))
    assert attached("web", "net", options).mark == MADE


def test_only_its_own_cure_makes_a_phantom() -> None:
    assert attached("db", "net", {CURE: "1"}).phantom
    assert attached("db", "net", {CURE: ID[:12]}).phantom
    assert not attached("db", "net", {CURE: OTHER_ID[:12]}).phantom


def test_the_hash_of_a_secret_in_a_label_confirms_no_guess() -> None:
    """It has salt and few digits, so many wrong values fit; that the value changed is noticed all
    the same.
    """
    path, value = "environment.PASSWORD", secret_digest("PASSWORD", "sunshine7391")
    mark = ContainerMark("lab", {path: digest(value), "image": digest("box:1")})
    written = [container_labels(mark, "web", birth) for birth in ("one", "two")]
    recorded = [json.loads(labels[SPEC])["settings"][path] for labels in written]
    assert recorded[0] != recorded[1]
    assert all(len(hash) == 5 for hash in recorded)
    guesses = (digest(secret_digest("PASSWORD", f"guess{number}")) for number in range(400_000))
    assert any(
        container_labels(ContainerMark("lab", {path: guess}), "web", "one")[SPEC].find(recorded[0])
        > 0
        for guess in guesses
    )
    for labels in written:
        read = read_container_mark(labels, "web", "1" * 64)
        assert read
        assert recall_secrets(read.hashes, {path: value}, labels) == mark.hashes
        assert (
            recall_secrets(read.hashes, {path: secret_digest("PASSWORD", "other")}, labels)[path]
            == CHANGED
        )
        assert recall_secrets(read.hashes, {}, labels)[path] == CHANGED
    assert recall_secrets(mark.hashes, {}, {}) == mark.hashes  # of the first version

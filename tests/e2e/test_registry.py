"""Pulling from a real registry, with progress and credentials, and noticing that it has another
image by now.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.engine import Engine
from reconciler.errors import ApiError
from reconciler.model import ContainerMark
from reconciler.observe import observe
from reconciler.plan import ContainerSpec

from .cli import Cli, box
from .conftest import Docker
from .registry import PASSWORD, USER, Registry, run


@pytest.fixture
def registry(docker: Docker) -> Iterator[Registry]:
    yield from run(docker)


@pytest.fixture
def private(docker: Docker) -> Iterator[Registry]:
    yield from run(docker, private=True)


def another(docker: Docker, size: int = 100) -> str:
    """The ID of an image like the usual one, with one more layer of that many bytes that do not
    compress.
    """
    id = docker.container("builder")
    docker.exec(id, "sh", "-c", f"busybox head -c {size} /dev/urandom > /tmp/file")
    made: str = docker.do("POST", f"/commit?container={id}")["Id"]
    docker.do("DELETE", f"/containers/{id}?force=1")
    return made


def test_a_missing_image_is_pulled_and_the_progress_told(
    engine: Engine, docker: Docker, registry: Registry
) -> None:
    image = another(docker, size=8 << 20)
    reference = registry.push(image, "a:1")
    assert engine.image(reference) is engine.image(image) is None
    told: list[tuple[int, int]] = []
    engine.pull(reference, "", lambda here, total: told.append((here, total)))
    pulled = engine.image(reference)
    assert pulled is not None
    assert pulled["Id"] == image
    assert all(0 <= here <= total for here, total in told)
    assert told[-1][0] == told[-1][1] >= 8 << 20
    assert [here for here, _ in told] == sorted(here for here, _ in told)
    engine.pull(reference, "linux/amd64")  # again: nothing to do


def test_an_error_that_comes_after_the_engine_has_said_yes(
    engine: Engine, docker: Docker, registry: Registry
) -> None:
    reference = registry.push(another(docker, size=8 << 20), "a:1")
    registry.spoil()
    with pytest.raises(ApiError, match=r"verif|digest|checksum"):
        engine.pull(reference)
    assert engine.image(reference) is None


def test_a_pull_by_digest(engine: Engine, docker: Docker, registry: Registry) -> None:
    reference = registry.push(another(docker), "a:1")
    digest = engine.newest(reference)
    assert digest.startswith("sha256:")
    by_digest = f"{reference.removesuffix(':1')}@{digest}"
    engine.pull(by_digest)
    assert engine.image(by_digest) is not None
    assert engine.newest(by_digest) == digest
    docker.do("DELETE", f"/images/{by_digest}")


def test_another_image_under_the_same_name_is_noticed(
    engine: Engine, docker: Docker, registry: Registry
) -> None:
    reference = registry.push(another(docker), "a:1")
    engine.pull(reference)
    present = observe(engine, ask=[reference]).images[reference]
    assert (present.outdated, present.unasked) == (False, "")
    registry.push(another(docker), "a:1")
    assert observe(engine, ask=[reference]).images[reference] == replace(present, outdated=True)
    assert observe(engine, images=[reference]).images[reference] == replace(present, asked=False)
    engine.pull(reference)
    newer = observe(engine, ask=[reference]).images[reference]
    assert not newer.outdated
    assert newer.id != present.id
    docker.do("DELETE", f"/images/{present.id}")


def test_a_lab_follows_its_registry_where_it_says_always(
    docker: Docker, registry: Registry, tmp_path: Path
) -> None:
    """Once pulled, `missing` is content; `always` has the plan ask the registry, and the container
    recreated of what it has by now.
    """
    cli = Cli(docker, tmp_path)
    reference = registry.push(another(docker), "a:1")

    def declare(policy: str) -> None:
        cli.write(
            {}, {"c": {**box(network_mode="none"), "image": reference, "pull_policy": policy}}
        )

    def image() -> str:
        return str(docker.inspect(docker.name("c"))["Image"])

    declare("missing")
    assert f"pull image {reference}" in cli.plan().out
    cli.apply()
    first = image()
    registry.push(another(docker), "a:1")
    assert "Nothing to do" in cli.plan().out
    declare("always")
    assert f"pull image {reference}" in cli.plan().out
    cli.apply()
    second = image()
    assert second != first
    assert "Nothing to do" in cli.plan().out
    cli.destroy()
    for id in (first, second):
        docker.call("DELETE", f"/images/{id}?force=1")


@pytest.mark.parametrize("name", ["nosuch:1", "a:nosuch"])
def test_an_image_that_the_registry_lacks_is_a_clean_error(
    engine: Engine, docker: Docker, registry: Registry, name: str
) -> None:
    registry.push(docker.image, "a:1")
    with pytest.raises(ApiError, match=r"(?i)not found|unknown|does not exist"):
        engine.pull(f"{registry.address}/{name}")
    with pytest.raises(ApiError, match=r"(?i)not found|unknown|does not exist"):
        engine.newest(f"{registry.address}/{name}")


def test_the_only_platform_that_there_is_comes_whatever_was_asked_for(
    engine: Engine, docker: Docker, registry: Registry
) -> None:
    """A pull of what has one platform succeeds with that one, so what came is to be looked at; a
    container of it is refused.
    """
    reference = registry.push(another(docker), "a:1")
    engine.pull(reference, "linux/s390x")
    assert observe(engine, images=[reference]).images[reference].platform != "linux/s390x"
    spec = ContainerSpec({"image": reference, "platform": "linux/s390x"}, ContainerMark("lab"))
    with pytest.raises(ApiError, match="platform") as caught:
        engine.create_container(docker.name("a"), spec)
    assert caught.value.status == 404


def test_the_users_credentials_are_used(
    engine: Engine,
    docker: Docker,
    private: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reference = private.push(another(docker), "a:1")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for call in (engine.pull, engine.newest):
        with pytest.raises(ApiError, match=r"(?i)auth|denied|credentials"):
            call(reference)
    entry = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    (tmp_path / "config.json").write_text(json.dumps({"auths": {private.address: entry}}))
    assert engine.newest(reference).startswith("sha256:")
    engine.pull(reference)
    assert engine.image(reference) is not None


def test_a_store_of_credentials_that_does_not_work_is_passed_over(
    engine: Engine,
    docker: Docker,
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reference = registry.push(docker.image, "a:1")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for text in ('{"credsStore": "nosuch"}', '{"auths": 7}', "no json"):
        (tmp_path / "config.json").write_text(text)
        assert engine.newest(reference).startswith("sha256:")

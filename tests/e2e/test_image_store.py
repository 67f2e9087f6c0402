"""Images of several platforms, where the engine keeps them in containerd (Docker 29 by default):
known by the digest of their index.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest

from .cli import Cli, box
from .conftest import _root_file_system

NAME = "netplan-test/several"
MANIFEST, INDEX = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
LAYER, CONFIG = "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.config.v1+json"


class Layout:
    """An OCI image layout in memory; the programs are the same for each platform, so that each runs
    here.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def add(self, kind: str, content: bytes | dict[str, Any], **more: Any) -> dict[str, Any]:
        """Puts a blob in; what refers to it."""
        data = (
            content
            if isinstance(content, bytes)
            else json.dumps({"schemaVersion": 2, "mediaType": kind, **content}).encode()
        )
        digest = hashlib.sha256(data).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = data
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data), **more}

    def tar(self) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, data in self.files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        return buffer.getvalue()


def archive(marker: str) -> bytes:
    """The image, other with each `marker`."""
    layout, manifests = Layout(), []
    layer = layout.add(LAYER, _root_file_system())
    for architecture in ("amd64", "arm64"):
        config = {
            "architecture": architecture,
            "os": "linux",
            "config": {"Env": ["PATH=/bin", f"MARKER={marker}"]},
        }
        root = {
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
            "history": [{"created_by": "a test"}],
        }
        content = {
            "config": layout.add(CONFIG, json.dumps(config | root).encode()),
            "layers": [layer],
        }
        manifests.append(
            layout.add(MANIFEST, content, platform={"architecture": architecture, "os": "linux"})
        )
    names = {
        "io.containerd.image.name": f"docker.io/{NAME}:1",
        "org.opencontainers.image.ref.name": "1",
    }
    top = {
        "schemaVersion": 2,
        "manifests": [layout.add(INDEX, {"manifests": manifests}, annotations=names)],
    }
    layout.files["index.json"] = json.dumps(top).encode()
    return layout.tar()


@pytest.fixture
def several(cli: Cli) -> Iterator[Cli]:
    status = cli.docker.call("GET", "/info")[1].get("DriverStatus") or []
    if not any("containerd" in str(entry) for entry in status):
        pytest.skip("this engine keeps images itself, one platform of each")
    yield cli
    cli.docker.clean_up()
    cli.docker.call("DELETE", f"/images/{NAME}:1?force=1")


def test_an_image_of_several_platforms(several: Cli) -> None:
    """Loaded, it stays the image of its containers; loaded anew as another, they are recreated,
    once; so is one of another platform.
    """
    cli, load = several, several.docker.call
    assert load("POST", "/images/load", archive("one"), "application/x-tar")[0] == 200
    other = box(image=f"{NAME}:1", pull_policy="never", platform="linux/arm64")
    containers = {"plain": box(image=f"{NAME}:1", pull_policy="never"), "other": other}
    cli.converge({}, containers)
    before = cli.life("plain", "other")
    assert load("POST", "/images/load", archive("two"), "application/x-tar")[0] == 200
    assert "image  " in cli.plan().out
    cli.converge({}, containers)
    after = cli.life("plain", "other")
    assert not {id for id, *_ in before} & {id for id, *_ in after}
    cli.converge({}, {**containers, "other": {**other, "platform": "linux/amd64"}})
    last = cli.life("plain", "other")
    assert (last[0] == after[0], last[1][0] == after[1][0]) == (True, False)

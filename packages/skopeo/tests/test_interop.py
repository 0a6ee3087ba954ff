"""Both ways with Debian's skopeo, podman and umoci."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs
from devtools.peers import Podman, skopeo
from devtools.registry import Registry

PLACES = {
    "docker": "docker://{host}/interop/{name}:1",
    "docker-archive": "docker-archive:{path}/{name}.docker.tar:example.com/{name}:1",
    "oci": "oci:{path}/{name}.oci:1",
    "oci-archive": "oci-archive:{path}/{name}.oci.tar:1",
    "dir": "dir:{path}/{name}.dir",
}


def config(place: str) -> Any:
    return json.loads(skopeo("inspect", "--config", "--tls-verify=false", place))


@pytest.fixture
def multi(image_layout: Path) -> str:
    return f"oci:{image_layout}:multi"


@pytest.mark.parametrize("transport", PLACES)
def test_skopeo(tool: Any, registry: Registry, multi: str, tmp_path: Path, transport: str) -> None:
    """Ours writes, theirs copies on, ours reads: the image is the same all the way."""

    def place(name: str) -> str:
        return PLACES[transport].format(host=registry.host, path=tmp_path, name=name)

    insecure = ("--src-tls-verify=false", "--dest-tls-verify=false")
    several = ("--all",) if transport != "docker-archive" else ()
    tool("copy", *several, multi, place("ours"))
    skopeo("copy", *several, *insecure, place("ours"), place("theirs"))
    tool("copy", *several, place("theirs"), f"oci:{tmp_path}/back:1")
    assert config(f"oci:{tmp_path}/back:1") == config(multi)
    if several:
        assert tool("inspect", "--raw", f"oci:{tmp_path}/back:1").stdout == skopeo(
            "inspect", "--raw", multi
        )


@pytest.mark.parametrize("transport", ["docker-archive", "oci-archive", "oci", "dir"])
def test_podman_reads_what_we_write(
    tool: Any, podman: Podman, image_layout: Path, tmp_path: Path, transport: str
) -> None:
    place = PLACES[transport].format(path=tmp_path, name="ours", host="")
    tool("copy", f"oci:{image_layout}:busybox", place)
    image = podman("pull", "-q", place).stdout.strip()
    assert json.loads(podman("inspect", image).stdout)[0]["Config"]["Cmd"] == ["sh"]


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive", "oci-dir", "docker-dir"])
def test_we_read_what_podman_writes(
    tool: Any, podman: Podman, image_layout: Path, tmp_path: Path, form: str
) -> None:
    podman("pull", "-q", f"oci:{image_layout}:busybox")
    image = podman("images", "-q").stdout.split()[0]
    podman("tag", image, "example.com/theirs:1")
    file = f"{tmp_path}/saved"
    podman("save", "-q", "--format", form, "-o", file, "example.com/theirs:1")
    transport = {"oci-dir": "oci", "docker-dir": "dir"}.get(form, form)
    tool("copy", f"{transport}:{file}", f"oci:{tmp_path}/read:1")
    ours, theirs = config(f"oci:{tmp_path}/read:1"), config(f"oci:{image_layout}:busybox")
    assert ours["rootfs"] == theirs["rootfs"]


def test_umoci(tool: Any, image_layout: Path, tmp_path: Path) -> None:
    """umoci changes an image that we wrote; we read what it made of it."""
    needs("umoci")
    tool("copy", f"oci:{image_layout}:busybox", f"oci:{tmp_path}/layout:one")

    def umoci(*words: str) -> None:
        subprocess.run(["umoci", *words], check=True, capture_output=True)

    umoci("unpack", "--image", f"{tmp_path}/layout:one", f"{tmp_path}/bundle")
    (tmp_path / "bundle/rootfs/added").write_text("here")
    umoci("repack", "--image", f"{tmp_path}/layout:two", f"{tmp_path}/bundle")
    assert sorted(tool.json("list-tags", f"oci:{tmp_path}/layout")["Tags"]) == ["one", "two"]
    tool("copy", f"oci:{tmp_path}/layout:two", f"dir:{tmp_path}/two")
    assert len(tool.json("inspect", f"dir:{tmp_path}/two")["Layers"]) == 2
    umoci("gc", "--layout", f"{tmp_path}/layout")
    tool("inspect", f"oci:{tmp_path}/layout:one")


def test_a_store_of_podman_is_beside_ours(
    tool: Any, registry: Registry, podman: Podman, tmp_path: Path
) -> None:
    """Through a registry, from one tool's store to the other's and back."""
    name = f"{registry.host}/interop/store:1"
    podman("pull", "-q", "--tls-verify=false", f"docker://{registry.host}/busybox:latest")
    podman("push", "-q", "--tls-verify=false", f"{registry.host}/busybox:latest", name)
    tool("copy", "-q", f"docker://{name}", f"containers-storage:{name}")
    tool("copy", "-q", f"containers-storage:{name}", f"docker://{name}-again")
    podman("pull", "-q", "--tls-verify=false", f"docker://{name}-again")
    ours = tool.json("inspect", f"containers-storage:{name}")["Digest"]
    assert ours == tool.json("inspect", f"docker://{name}-again")["Digest"]
